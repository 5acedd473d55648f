"""Copies of a whole database: a backup while work goes on, and the move to another one while nothing works on it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, select, text

from mapper.errors import StoreError, UsageError
from mapper.store import heartbeats, restored, schema, tenants
from mapper.store.database import Database, lock_daemon, open_database

# Whose processes work on the database, and which migrations it had, is not the same in the copy.
_OWN = frozenset({"migration", "heartbeat", "adoption"})
_TABLES = tuple(table for table in schema.metadata.sorted_tables if table.name not in _OWN)
_ROWS = 500


def backup(database: Database, file: Path, *, now: datetime) -> None:
    """Write the state of one moment of an SQLite database to a new file (0600), while others read and write.

    The copy knows that it is one, so that whoever works on it looks before posting. It appears complete or not at all.
    Raises UsageError STO160 (the file exists), STO161 (not SQLite); StoreError STO150 (cannot be written).
    """
    if database.path is None:
        raise UsageError("STO161", url=database.url, file=str(file))
    if file.exists():
        raise UsageError("STO160", file=str(file))
    part = file.with_name(file.name + ".part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _back_up(database.path, part)
        with open_database(part) as copied, copied.begin() as conn:
            restored.mark(conn, taken_at=now)
            conn.execute(schema.heartbeat.delete())
        _settle(part)
        os.link(part, file)
    except FileExistsError:
        raise UsageError("STO160", file=str(file)) from None
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError("STO150", file=str(file), reason=reason) from None
    finally:
        for name in (part.name, f"{part.name}-wal", f"{part.name}-shm"):
            part.with_name(name).unlink(missing_ok=True)


def copy(source: Database, target: Database, *, now: datetime) -> dict[str, int]:
    """Copy every row of ours into an empty database, in one transaction, and return how many by table.

    The engine's rows are left behind: `sweep.redispatch` brings back what was under way. The source is paused, so that
    nobody goes on posting from it. Raises UsageError STO162 (the target has rows), StoreError STO103 or STO163 (a
    `mapper run` works on either).
    """
    with ExitStack() as held:
        for database in (source, target):
            if database.path is not None:
                held.enter_context(lock_daemon(database.path))
            else:
                _refuse_daemon(database, now)
        with source.read() as reading, target.begin() as writing:
            _refuse_rows(writing, target)
            counts = {table.name: _copy_table(reading, writing, table) for table in _TABLES}
            restored.forget_identity(writing)
            _continue_numbers(writing)
        with source.begin() as conn:
            tenants.pause_all(conn, reason=f"moved to {target.url}", now=now)
    return counts


def _back_up(source: Path, target: Path) -> None:
    """SQLite's online backup starts anew when somebody else writes between two steps, so it is one step.

    In WAL mode it reads like any other reader: nobody waits for it.
    """
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.execute("PRAGMA busy_timeout=30000")
        reading.backup(writing, pages=-1)


def _settle(file: Path) -> None:
    """Put everything into the one file, on the disk."""
    with closing(sqlite3.connect(file)) as conn:
        conn.execute("PRAGMA journal_mode=DELETE")
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_daemon(database: Database, now: datetime) -> None:
    with database.read() as conn:
        alive = heartbeats.alive(conn, now=now, ttl=heartbeats.TTL)
    for one in alive:
        raise StoreError("STO163", url=database.url, pid=one.pid, host=one.host)


def _refuse_rows(conn: Connection, target: Database) -> None:
    for table in _TABLES:
        if conn.scalar(select(func.count()).select_from(table)):
            raise UsageError("STO162", url=target.url, table=table.name)


def _copy_table(reading: Connection, writing: Connection, table: Table) -> int:
    count = 0
    rows = reading.execution_options(yield_per=_ROWS).execute(select(table).order_by(*table.primary_key))
    for part in rows.mappings().partitions(_ROWS):
        writing.execute(insert(table), [dict(row) for row in part])
        count += len(part)
    return count


def _continue_numbers(conn: Connection) -> None:
    """PostgreSQL counts on by itself only what it has counted."""
    if conn.dialect.name == "postgresql":
        last = "coalesce((SELECT max(number) FROM published), 0) + 1"
        conn.execute(text(f"SELECT setval(pg_get_serial_sequence('published', 'number'), {last}, false)"))
