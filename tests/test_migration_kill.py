"""Making and upgrading the tables is killed at one statement after another; the next start completes it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import inspect, select

from mapper.processing import engine
from mapper.store import migrations, schema
from mapper.store.database import open_database

pytest_plugins = ["tests.postgres"]

# Kills itself when it is about to run a given statement, ours or the engine's; prints "complete" when there is none.
PROGRAM = """
import itertools, os, signal, sys
from sqlalchemy import Engine, event
from mapper.processing import engine
from mapper.store.database import open_database

where, last = sys.argv[1], int(sys.argv[2])
statements = itertools.count(1)

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    if next(statements) == last:
        os.kill(os.getpid(), signal.SIGKILL)

with open_database(where) as database:
    engine.prepare(database.engine, upgrade=True)
print("complete", next(statements))
"""


def begin(where: str, last: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, where, str(last)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_tables_whose_making_was_killed_at_any_statement_are_completed_by_the_next_start(
    request, tmp_path, kind
):
    def new(number: int) -> str:
        if kind == "sqlite":
            return str(tmp_path / f"{number}.db")
        return request.getfixturevalue("postgres").new_database()

    whole = begin(new(0), 0)
    assert whole.stdout.startswith("complete"), whole.stderr
    total = int(whole.stdout.split()[1])
    assert total > 50
    for last in range(3, total, total // 4):
        where = new(last)
        killed = begin(where, last)
        assert killed.returncode == -9, (last, killed.stderr)
        with open_database(where) as database:
            engine.prepare(database.engine, upgrade=True)
            with database.read() as conn:
                applied = list(conn.scalars(select(schema.migration.c.name)))
                assert sorted(applied) == sorted(name for name, _ in migrations.MIGRATIONS)
                assert set(schema.metadata.tables) <= set(inspect(conn).get_table_names())
            assert engine.backlog(database.engine, "winkel") == 0
