"""How far the sweep of a tenant's shop came, so that a daemon that stood still for days misses nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from mapper.store import schema

_TENANT = schema.tenant.c


def swept_until(conn: Connection, tenant: str) -> datetime | None:
    """Return up to when the shop's documents were last read in full; None: never."""
    query = select(_TENANT.swept_until).where(_TENANT.id == tenant)
    found: datetime | None = conn.scalars(query).one_or_none()
    return found


def record(conn: Connection, tenant: str, *, until: datetime) -> None:
    """Keep that everything made before `until` was read."""
    conn.execute(update(schema.tenant).where(_TENANT.id == tenant).values(swept_until=until))
