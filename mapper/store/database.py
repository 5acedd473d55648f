"""Opening the database: one SQLAlchemy engine for our tables and for the engine that runs the workflows."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from mapper.diagnostics import printable
from mapper.errors import ConfigError, StoreError
from mapper.store import migrations

# DBOS runs one thread per queue and step besides our own: more connections than the default five.
POOL = 20
BUSY_MILLISECONDS = 30_000
# No transaction of ours waits for anything but the database: one that is silent for so long has a frozen process.
SILENCE = timedelta(seconds=30)
# What every file of SQLite begins with.
_SQLITE = b"SQLite format 3\0"


class Database:
    """An open database with its tables in place. Close it, or use it as a context manager.

    `engine` is what DBOS is given; our own queries go through `begin` and `read`.
    `path` is the SQLite file, None on PostgreSQL. `url` shows no password.
    """

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.engine = engine
        self.path = path
        self.is_sqlite = path is not None
        self.url = engine.url.render_as_string(hide_password=True)
        self._writing = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Give a transaction that may write; it commits when the block ends without an error.

        BEGIN IMMEDIATE on SQLite: a transaction that read first and then had to wait for a writer would fail
        at once with "database is locked", whatever the timeout. Raises StoreError STO101 when the database
        does not answer.
        """
        with self.reachable(), self._turn(), self.engine.begin() as conn:
            if self.is_sqlite:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
            yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a transaction that only reads and sees one state of everything; SQLite's never waits for a writer."""
        with self.reachable(), self.engine.connect() as conn:
            if not self.is_sqlite:
                conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with conn.begin():
                if self.is_sqlite:
                    conn.exec_driver_sql("BEGIN")
                yield conn

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let this process's writers to an SQLite file follow each other.

        SQLite's own waiting sleeps and tries again: with 8 writers the slowest in a hundred took 649 ms that way.
        """
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=BUSY_MILLISECONDS / 1000):
            raise StoreError("STO101", url=self.url, reason="locked")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Raise StoreError STO101 where the database does not answer what is asked within the block."""
        try:
            yield
        except DBAPIError as error:
            if _is_unusable(error):
                reason = printable(str(error.orig).partition("\n")[0], 200)
                raise StoreError("STO101", url=self.url, reason=reason) from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.url})"


def open_database(where: str | Path, *, silence: timedelta = SILENCE) -> Database:
    """Open a database by SQLAlchemy URL (`sqlite:///…`, `postgresql://…`) or by the path of an SQLite file.

    The file is made when absent (0600, its folder 0700 when that is new) and its tables are brought up to
    date. PostgreSQL ends a transaction in which this process says nothing for `silence`: a frozen process
    would keep its locks from all others for as long as it is frozen. Raises ConfigError STO104 for another
    kind of URL, StoreError STO101 (not reachable), STO102 (made by a newer version).
    """
    url = _parse(where)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").resolve()
        _make_private(path)
        database = Database(_sqlite(url.set(database=str(path))), path)
    else:
        engine = create_engine(
            url, pool_size=POOL, max_overflow=POOL, pool_pre_ping=True, hide_parameters=True
        )
        limit = f"SET idle_in_transaction_session_timeout = {round(silence.total_seconds() * 1000)}"
        event.listen(engine, "connect", lambda connection, _: _run(connection, limit))
        database = Database(engine, None)
    try:
        with database.begin() as conn:
            migrations.migrate(conn)
    except BaseException:
        database.close()
        raise
    return database


class DaemonLock:
    """The right to be the one daemon on an SQLite file; `close` and the end of the process give it back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        """Let another daemon run."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lock_daemon(path: Path) -> DaemonLock:
    """Take the daemon's lock of an SQLite file. Raises StoreError STO103 naming the process that has it.

    Two daemons on one file would both resume the same unfinished work at their start.
    """
    file = path.with_name(path.name + ".lock")
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise StoreError("STO103", file=str(path), pid=holder or "?") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return DaemonLock(descriptor)


def _parse(where: str | Path) -> URL:
    text = str(where)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError("STO104", scheme=text.partition(":")[0]) from None
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    is_file = url.drivername in {"sqlite", "sqlite+pysqlite"} and url.database not in {None, "", ":memory:"}
    if is_file or url.drivername == "postgresql+psycopg":
        return url
    raise ConfigError("STO104", scheme=url.drivername)


def _make_private(path: Path) -> None:
    """Make the file and its folder readable by their owner only: it holds customers' names.

    Raises StoreError STO101. A file that a slip of the hand named instead of the database stays as it is.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.pread(descriptor, len(_SQLITE), 0) not in {b"", _SQLITE}:
                raise StoreError("STO101", url=str(path), reason="file is not a database")
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError("STO101", url=str(path), reason=error.strerror or type(error).__name__) from None


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_size=POOL,
        max_overflow=POOL,
        # The connection that was used last: its page cache is warm, and the others' stay small.
        pool_use_lifo=True,
        connect_args={"timeout": BUSY_MILLISECONDS / 1000},
        hide_parameters=True,  # they are customers' names, and errors reach the log
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    # What DBOS gives its own connections: the driver opens a transaction before a statement that writes,
    # unless one is open. Ours are opened in `begin` and `read`, since this way a SELECT before the first
    # write stands outside.
    connection.isolation_level = "IMMEDIATE"
    knows_milliseconds = sqlite3.sqlite_version_info >= (3, 42)
    for pragma in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"trusted_schema={'OFF' if knows_milliseconds else 'ON'}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if not knows_milliseconds:
        # On Python 3.12 and later DBOS has `unixepoch('subsec')` as the default of its columns, which is null before
        # SQLite 3.42 (Debian 12 has 3.40). A default may call a function of ours in a trusted schema only.
        connection.create_function("unixepoch", 1, _epoch)


def _run(connection: Any, statement: str) -> None:
    connection.execute(statement)
    connection.commit()


def _epoch(_precision: object) -> float:
    """Return the seconds since 1970 with milliseconds, as SQLite's `unixepoch('subsec')`."""
    return round(time.time() * 1000) / 1000


def _is_unusable(error: DBAPIError) -> bool:
    """Tell whether the database failed (locked, full, gone, damaged), as opposed to a statement that is wrong."""
    damaged = "not a database" in str(error.orig) or "malformed" in str(error.orig)
    return damaged or error.connection_invalidated or isinstance(error, InterfaceError | OperationalError)
