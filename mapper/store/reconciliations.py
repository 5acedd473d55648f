"""What comparisons of shop and WeFact found, kept for a while so that the nightly one can be read in the morning."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from mapper.store import schema
from mapper.store.rows import Reconciliation
from mapper.store.upsert import insert_into

_COMPARED = schema.reconciliation.c
_ACCEPTED = schema.accepted_difference.c
_COLUMNS = [_COMPARED[name] for name in Reconciliation.__slots__]


def keep(conn: Connection, tenant: str, found: Reconciliation, *, forget_before: datetime) -> None:
    """Keep what a comparison found, and forget those older than `forget_before`."""
    conn.execute(
        delete(schema.reconciliation).where(_COMPARED.tenant == tenant, _COMPARED.at < forget_before)
    )
    values = {name: getattr(found, name) for name in Reconciliation.__slots__}
    statement = insert_into(conn, schema.reconciliation).values(tenant=tenant, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["tenant", "at"], set_=values))


def accept(conn: Connection, tenant: str, mark: str, *, reason: str, now: datetime) -> None:
    """Note that a person accepts a difference as it is; the last reason counts."""
    statement = insert_into(conn, schema.accepted_difference).values(
        tenant=tenant, mark=mark, reason=reason, at=now
    )
    given = {"reason": reason, "at": now}
    conn.execute(statement.on_conflict_do_update(index_elements=["tenant", "mark"], set_=given))


def accepted(conn: Connection, tenant: str) -> dict[str, str]:
    """Return the reasons of accepted differences by their marks."""
    query = select(_ACCEPTED.mark, _ACCEPTED.reason).where(_ACCEPTED.tenant == tenant)
    return {row.mark: row.reason for row in conn.execute(query)}


def latest(conn: Connection, tenant: str) -> Reconciliation | None:
    """Return the last comparison, or None before the first."""
    query = select(*_COLUMNS).where(_COMPARED.tenant == tenant).order_by(_COMPARED.at.desc()).limit(1)
    row = conn.execute(query).one_or_none()
    return None if row is None else Reconciliation(*row)
