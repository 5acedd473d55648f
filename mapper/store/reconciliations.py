"""What comparisons of shop and WeFact found, kept for a while so that the nightly one can be read in the morning."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from mapper.store import schema
from mapper.store.rows import Reconciliation
from mapper.store.upsert import insert_into

_COMPARED = schema.reconciliation.c
_COLUMNS = [_COMPARED[name] for name in Reconciliation.__slots__]


def keep(conn: Connection, tenant: str, found: Reconciliation, *, forget_before: datetime) -> None:
    """Keep what a comparison found, and forget those older than `forget_before`."""
    conn.execute(
        delete(schema.reconciliation).where(_COMPARED.tenant == tenant, _COMPARED.at < forget_before)
    )
    values = {name: getattr(found, name) for name in Reconciliation.__slots__}
    statement = insert_into(conn, schema.reconciliation).values(tenant=tenant, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["tenant", "at"], set_=values))


def latest(conn: Connection, tenant: str) -> Reconciliation | None:
    """Return the last comparison, or None before the first."""
    query = select(*_COLUMNS).where(_COMPARED.tenant == tenant).order_by(_COMPARED.at.desc()).limit(1)
    row = conn.execute(query).one_or_none()
    return None if row is None else Reconciliation(*row)
