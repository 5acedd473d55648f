"""Bringing the tables up to date: each function once, in order, all in the caller's transaction.

What a migration needs is imported by it: most starts need none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, inspect, select, text, update

from mapper.errors import StoreError
from mapper.store import schema

# Any number that no other user of the same PostgreSQL database takes: two daemons may start at once.
_LOCK = 7_204_511


def _first_tables(conn: Connection) -> None:
    schema.metadata.create_all(conn)


def _complete_settings(conn: Connection) -> None:
    """Give the settings of every tenant the defaults of keys that are younger than they are."""
    from mapper import settings

    tenant = schema.tenant.c
    for row in conn.execute(select(tenant.id, tenant.settings)).all():
        new = settings.completed(row.settings)
        conn.execute(update(schema.tenant).where(tenant.id == row.id).values(settings=new))


def _turnover(conn: Connection) -> None:
    from mapper.store import turnover

    _first_tables(conn)
    turnover.backfill(conn)


def _licences(conn: Connection) -> None:
    """Give every webshop that is there a licence, and an account that nobody can log in to until it gets a password."""
    from mapper.store import accounts, licences

    schema.metadata.create_all(conn)
    if "redacted" not in {column["name"] for column in inspect(conn).get_columns("document")}:
        conn.execute(text("ALTER TABLE document ADD COLUMN redacted BOOLEAN"))
    tenant, licence = schema.tenant.c, schema.licence.c
    query = select(tenant.id, tenant.created_at).where(tenant.id.not_in(select(licence.tenant)))
    for row in conn.execute(query).all():
        licences.grant(
            conn, row.id, accounts.create(conn, now=row.created_at).id, installed=True, now=row.created_at
        )


Migration = tuple[str, Callable[[Connection], None]]
MIGRATIONS: tuple[Migration, ...] = (
    ("0001 first tables", _first_tables),
    # Each of these makes what is not there yet: a new database gets all of it at once.
    ("0002 published rules and overlays", _first_tables),
    ("0003 answers of VIES", _first_tables),
    ("0004 settings of VAT on costs", _complete_settings),
    ("0005 past documents and comparisons", _first_tables),
    ("0006 licences, tickets and invoices of the subscription", _licences),
    ("0007 hints of webhooks", _first_tables),
    ("0008 accepted differences", _first_tables),
    ("0009 turnover of documents", _turnover),
)


def migrate(conn: Connection, steps: Sequence[Migration] = MIGRATIONS) -> tuple[str, ...]:
    """Apply what is missing and return its names. Raises StoreError STO102 for a newer version's database."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    applied = _applied(conn)
    known = [name for name, _ in steps]
    for name in applied:
        if name not in known:
            raise StoreError("STO102", migration=name)
    missing = [(name, change) for name, change in steps if name not in applied]
    for name, change in missing:
        change(conn)
        conn.execute(insert(schema.migration).values(name=name, at=datetime.now(UTC)))
    return tuple(name for name, _ in missing)


def _applied(conn: Connection) -> list[str]:
    if not inspect(conn).has_table("migration"):
        return []
    return list(conn.scalars(select(schema.migration.c.name).order_by(schema.migration.c.name)))
