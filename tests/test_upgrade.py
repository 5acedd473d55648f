"""Databases of every released schema are brought up to date with all that is in them, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, select, text

from mapper.processing.connections import WEFACT_KEY
from mapper.settings import SCHEMA, check
from mapper.store import accounts, credentials, documents, journal, licences, schema, tenants, turnover
from mapper.store.database import Database, open_database
from mapper.store.migrations import MIGRATIONS
from mapper.store.sealing import Sealer
from tests.fixtures.schemas.keep import NOW, SEALING_KEY

pytest_plugins = ["tests.postgres"]

SCHEMAS = Path(__file__).parent / "fixtures" / "schemas"
# What an upgrade itself completes.
COMPLETED = {("tenant", "settings")}


@pytest.fixture(params=sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def released(request: pytest.FixtureRequest) -> str:
    return request.param.read_text(encoding="utf-8")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path, released: str) -> str:
    """A database as an earlier version left it: a file, or a URL."""
    if request.param == "sqlite":
        file = tmp_path / "mapper.db"
        old = sqlite3.connect(file)
        old.executescript(released)
        old.close()
        return str(file)
    url: str = request.getfixturevalue("postgres").new_database()
    with psycopg.connect(url) as conn:
        conn.execute(released.replace(" BLOB ", " BYTEA "))
    return url


def contents(where: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in the order of their first columns."""
    url = where.replace("postgresql:", "postgresql+psycopg:") if "://" in where else f"sqlite:///{where}"
    engine = create_engine(url)
    try:
        with engine.connect() as conn:
            return {
                name: [
                    dict(row._mapping) for row in conn.execute(text(f"SELECT * FROM {name} ORDER BY 1, 2"))
                ]
                for name in inspect(conn).get_table_names()
            }
    finally:
        engine.dispose()


def test_no_row_of_an_earlier_version_is_lost_or_changed(where: str) -> None:
    before = contents(where)
    assert sum(map(len, before.values())) >= 18
    open_database(where).close()
    after = contents(where)
    for table, rows in before.items():
        if table != "migration":
            kept = [{name: row[name] for name in old} for old, row in zip(rows, after[table], strict=True)]
            told = {column for name, column in COMPLETED if name == table}
            assert [without(row, told) for row in kept] == [without(row, told) for row in rows], table


def without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_an_upgraded_database_has_all_of_the_newest_schema(where: str, tmp_path: Path) -> None:
    with open_database(where) as database, open_database(tmp_path / "new.db") as new:
        for table in schema.metadata.sorted_tables:
            with database.read() as conn:
                conn.execute(select(table)).all()
        assert indexes(database) == indexes(new)
        with database.read() as conn:
            names = list(conn.scalars(select(schema.migration.c.name).order_by(schema.migration.c.name)))
        assert names == [name for name, _ in MIGRATIONS]


def indexes(database: Database) -> set[str]:
    found = inspect(database.engine)
    return {
        str(index["name"])
        for table in schema.metadata.tables
        for index in found.get_indexes(table)
        if "duplicates_constraint" not in index
    }


def test_an_upgraded_webshop_works_on(where: str) -> None:
    with open_database(where) as database, database.begin() as conn:
        (tenant,) = tenants.everyone(conn)
        assert credentials.get(conn, "shop", WEFACT_KEY, sealer=Sealer((SEALING_KEY,))) == "the key of WeFact"
        assert licences.get(conn, tenant.id).state(NOW) in {"trial", "active"}
        assert not accounts.has_password(conn, licences.get(conn, tenant.id).account)
        assert check(tenants.settings(conn, tenant.id)).keys() == SCHEMA["properties"].keys()
        assert turnover.of_period(conn, "shop")[0].excl == Decimal("10.00")
        assert journal.verify(conn, tenant.id) is None
        assert documents.by_number(conn, "shop", "0001")[0].identifier == "42"
        assert documents.queue(conn, "shop", "order-3", now=NOW).state == "queued"
        journal.append(conn, "shop", "order-3", "process", {}, now=NOW)


def test_the_newest_schema_is_among_them() -> None:
    """After a release: keep its schema with tests/fixtures/schemas/keep.py NAME."""
    kept = [path.stem for path in sorted(SCHEMAS.glob("*.sql"))]
    assert json.loads((SCHEMAS / "released.json").read_text()) == kept
    assert MIGRATIONS[-1][0].split()[0] == kept[-1]
