"""How far the sweep of a tenant's shop came, so that a daemon that stood still for days misses nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mapper.store import schema
from mapper.store.upsert import insert_into

_INSTALLATION = schema.installation.c


def swept_until(conn: Connection, tenant: str) -> datetime | None:
    """Return up to when the shop's documents were last read in full; None: never."""
    query = select(_INSTALLATION.at).where(_INSTALLATION.name == _name(tenant))
    found: datetime | None = conn.scalars(query).one_or_none()
    return found


def record(conn: Connection, tenant: str, *, until: datetime) -> None:
    """Keep that everything made before `until` was read."""
    statement = insert_into(conn, schema.installation).values(name=_name(tenant), value="", at=until)
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": until}))


def _name(tenant: str) -> str:
    return f"swept {tenant}"
