"""Deliveries of webhooks, by hash: the shop sends the same one more than once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from mapper.store import schema
from mapper.store.upsert import insert_into

_EVENT = schema.webhook_event.c


def accept(conn: Connection, tenant: str, event: str, body_hash: str, shop_id: int, *, now: datetime) -> bool:
    """Record a delivery; false when the same body was delivered for the same event before."""
    statement = insert_into(conn, schema.webhook_event).values(
        tenant=tenant, event=event, body_hash=body_hash, shop_id=shop_id, at=now
    )
    return (
        conn.scalars(statement.on_conflict_do_nothing().returning(_EVENT.shop_id)).one_or_none() is not None
    )


def latest(conn: Connection, tenant: str) -> datetime | None:
    """Return when the last delivery came."""
    query = select(_EVENT.at).where(_EVENT.tenant == tenant).order_by(_EVENT.at.desc()).limit(1)
    return conn.scalars(query).one_or_none()


def count(conn: Connection, tenant: str, *, before: datetime) -> int:
    """Return how many deliveries are from before a time."""
    query = select(func.count()).where(_EVENT.tenant == tenant, _EVENT.at < before)
    return conn.scalars(query).one()


def purge(conn: Connection, tenant: str, *, before: datetime) -> None:
    """Drop the deliveries from before a time."""
    conn.execute(delete(schema.webhook_event).where(_EVENT.tenant == tenant, _EVENT.at < before))
