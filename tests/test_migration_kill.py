"""Making and upgrading the tables is killed at one statement after another; the next start completes it."""

from __future__ import annotations

import pytest
from children import forked, make_tables
from sqlalchemy import inspect, select

from mapper.processing import engine
from mapper.store import migrations, schema
from mapper.store.database import open_database

pytest_plugins = ["tests.postgres"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_tables_whose_making_was_killed_at_any_statement_are_completed_by_the_next_start(
    request, tmp_path, kind
):
    def new(number: int) -> str:
        if kind == "sqlite":
            return str(tmp_path / f"{number}.db")
        return request.getfixturevalue("postgres").new_database()

    def begin(where: str, last: int) -> int | None:
        process = forked(make_tables, where, last, tmp_path / "counted")
        process.join(60)
        return process.exitcode

    assert begin(new(0), 0) == 0
    total = int((tmp_path / "counted").read_text())
    assert total > 50
    for last in range(3, total, total // 4):
        where = new(last)
        assert begin(where, last) == -9, last
        with open_database(where) as database:
            engine.prepare(database.engine, upgrade=True)
            with database.read() as conn:
                applied = list(conn.scalars(select(schema.migration.c.name)))
                assert sorted(applied) == sorted(name for name, _ in migrations.MIGRATIONS)
                assert set(schema.metadata.tables) <= set(inspect(conn).get_table_names())
            assert engine.backlog(database.engine, "winkel") == 0
