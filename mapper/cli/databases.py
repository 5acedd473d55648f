"""`backup` and `database`: copies of everything the mapper remembers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from mapper.cli.options import json_option, now, print_json, say
from mapper.cli.state import State
from mapper.errors import UsageError


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def backup(state: State, file: Path, *, as_json: bool) -> None:
    """Write a backup of the database to a new FILE while everything goes on.

    The sealing key is not in it: without a copy of the key the services' keys in a backup cannot be read. To restore:
    stop `mapper run`, remove mapper.db-wal and mapper.db-shm, put FILE in the place of mapper.db, start again. What
    was posted since the backup is found in WeFact and not posted twice. For PostgreSQL use pg_dump.
    """
    from mapper.store.copying import backup as write

    with state.open() as database:
        write(database, file.absolute(), now=now())
    say(
        f"Wrote the backup {file}. The sealing key is not in it: keep a copy of {state.key_file} apart from it."
    )
    if as_json:
        print_json({"file": str(file), "bytes": file.stat().st_size})


@click.group()
def database() -> None:
    """Move the database, or say that it was restored."""


@database.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@json_option
@click.pass_obj
def copy(state: State, source: str, target: str, *, as_json: bool) -> None:
    """Copy everything from one database into an empty other: a file or postgresql://… each.

    Stop `mapper run` first. What was under way goes on once it is started on TO; FROM is paused, so that nobody goes on
    posting from it.
    """
    from mapper.processing import engine
    from mapper.store.copying import copy as copied
    from mapper.store.database import open_database

    file = State(state.home, source, state.loopback, state.language, state.environ).database_file
    if file is not None and not file.exists():
        raise UsageError("STO164", file=source)
    with open_database(source) as reading, open_database(target) as writing:
        engine.prepare(writing.engine, upgrade=True)
        counts = copied(reading, writing, now=now())
        where = writing.url
    say(f"Copied {sum(counts.values())} rows to {where}; the database they came from is paused.")
    say("Next: mapper --database TO run, with the same sealing key.")
    if as_json:
        print_json(counts)


@database.command()
@click.option(
    "--from",
    "taken_at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    required=True,
    metavar="MOMENT",
    help="When the backup was made (UTC), such as 2026-11-24T03:00; rather too early than too late.",
)
@json_option
@click.pass_obj
def restored(state: State, taken_at: datetime, *, as_json: bool) -> None:
    """Say that the database is an older state of itself, made by another tool than `mapper backup`.

    What WeFact may have since that moment is then looked for before it is posted. Stop `mapper run` first.
    """
    from mapper.store import restored as forgetting

    moment = taken_at.replace(tzinfo=UTC)
    with state.open() as opened, opened.begin() as conn:
        forgetting.mark(conn, taken_at=moment)
    say(f"Noted: whatever may have been posted since {moment:%Y-%m-%d %H:%M} UTC is looked for first.")
    if as_json:
        print_json({"restored_from": moment.isoformat()})
