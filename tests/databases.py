"""The `database` fixture: an empty store on SQLite, then on PostgreSQL. `pytest_plugins = ["tests.databases"]`.

PYTEST_DONT_REWRITE: tests also import from here, before pytest could rewrite it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mapper.store import documents, schema, tenants
from mapper.store.database import Database, open_database
from mapper.store.rows import Document
from tests.postgres import PostgresServer

pytest_plugins = ["tests.postgres"]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="session")
def postgres_store(postgres: PostgresServer) -> Iterator[Database]:
    """One migrated PostgreSQL database, to be emptied by each test that uses it."""
    with open_database(postgres.new_database()) as database:
        yield database


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file: a copy is made in a tenth of the time."""
    file = tmp_path_factory.mktemp("empty") / "mapper.db"
    open_database(file).close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty, migrated store."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite")
        return
    emptied: Database = request.getfixturevalue("postgres_store")
    names = [table.name for table in schema.metadata.sorted_tables if table.name != "migration"]
    with emptied.begin() as conn:
        conn.execute(text(f"TRUNCATE {', '.join(names)}"))
    yield emptied


@pytest.fixture
def sqlite(tmp_path: Path, empty_file: Path) -> Iterator[Database]:
    """An empty store in an SQLite file, for what does not depend on the database."""
    shutil.copy(empty_file, tmp_path / "mapper.db")
    with open_database(tmp_path / "mapper.db") as opened:
        yield opened


def add_tenant(conn: Connection, tenant: str = "shop") -> None:
    """Add a tenant with few settings."""
    tenants.create(conn, tenant, name=tenant.title(), settings={"home_country": "NL"}, who="test", now=NOW)


def add_document(conn: Connection, tenant: str = "shop", shop_id: int = 906) -> Document:
    """Add a tenant, unless it is there, and an open order of it."""
    if tenant not in {known.id for known in tenants.everyone(conn)}:
        add_tenant(conn, tenant)
    return documents.note(conn, tenant, "order", shop_id, now=NOW)


def bring_to(conn: Connection, document: Document, state: str) -> Document:
    """Move an open document to a state the way processing does."""
    tenant, name = document.tenant, document.id
    if state == "open":
        return document
    if state == "ignored":
        return documents.ignore(conn, tenant, name, reason="cancelled", now=NOW)
    document = documents.queue(conn, tenant, name, now=NOW)
    if state == "queued":
        return document
    claimed = documents.claim(conn, tenant, name, revision=document.revision, worker="w", now=NOW)
    assert claimed is not None
    if state == "done":
        return documents.finish(conn, tenant, name, identifier="42", code="F0042", now=NOW)
    if state == "error":
        return documents.fail(conn, tenant, name, cause="K1", facts={"total": "1.00"}, now=NOW)
    if state == "waiting":
        return documents.wait(conn, tenant, name, until=NOW + MINUTE, why="VIE201", now=NOW)
    return claimed
