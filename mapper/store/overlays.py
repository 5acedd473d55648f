"""Tenants' overlays of the rules, with their history. A text is checked before it is put here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from mapper.store import schema, tenants
from mapper.store.rows import OverlayChange

_CHANGE = schema.overlay_change.c


def put(conn: Connection, tenant: str, text: str, *, who: str, now: datetime) -> int:
    """Replace the tenant's overlay (empty: none) and return the change's number; an equal one changes nothing.

    Raises UsageError STO110 (no such tenant).
    """
    tenants.get(conn, tenant)
    changes = history(conn, tenant)
    if text == (changes[0].text if changes else ""):
        return changes[0].number if changes else 0
    number = changes[0].number + 1 if changes else 1
    conn.execute(
        insert(schema.overlay_change).values(tenant=tenant, number=number, at=now, who=who, text=text)
    )
    return number


def current(conn: Connection, tenant: str) -> str:
    """Return the tenant's overlay, empty when it has none."""
    query = select(_CHANGE.text).where(_CHANGE.tenant == tenant).order_by(_CHANGE.number.desc()).limit(1)
    return conn.scalars(query).one_or_none() or ""


def history(conn: Connection, tenant: str) -> tuple[OverlayChange, ...]:
    """Return every change of the tenant's overlay, newest first."""
    columns = [_CHANGE[name] for name in OverlayChange.__slots__]
    query = select(*columns).where(_CHANGE.tenant == tenant).order_by(_CHANGE.number.desc())
    return tuple(OverlayChange(*row) for row in conn.execute(query))
