"""Signs of life of the processes that run documents: who is silent lost the right to call a service."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, delete, select

from mapper.store import schema
from mapper.store.rows import Heartbeat
from mapper.store.upsert import insert_into

# Longer than a daemon ever is between two signs, unless it is stuck or gone.
TTL = timedelta(seconds=60)

_HEARTBEAT = schema.heartbeat.c
_COLUMNS = [_HEARTBEAT[name] for name in Heartbeat.__slots__]


def beat(conn: Connection, executor: str, *, host: str, pid: int, now: datetime) -> None:
    """Give a sign of life; the first one is the executor's start."""
    statement = insert_into(conn, schema.heartbeat).values(
        executor=executor, host=host, pid=pid, started_at=now, beat_at=now
    )
    given = statement.excluded
    same = and_(_HEARTBEAT.host == given.host, _HEARTBEAT.pid == given.pid)
    values = {
        "beat_at": now,
        "host": given.host,
        "pid": given.pid,
        "started_at": case((same, _HEARTBEAT.started_at), else_=given.started_at),
    }
    conn.execute(statement.on_conflict_do_update(index_elements=["executor"], set_=values))


def alive(conn: Connection, *, now: datetime, ttl: timedelta) -> tuple[Heartbeat, ...]:
    """Return the executors whose last sign is not older than `ttl`, by name."""
    query = select(*_COLUMNS).where(_HEARTBEAT.beat_at >= now - ttl).order_by(_HEARTBEAT.executor)
    return tuple(Heartbeat(*row) for row in conn.execute(query))


def silent(conn: Connection, *, now: datetime, ttl: timedelta) -> tuple[Heartbeat, ...]:
    """Return the executors whose last sign is older than `ttl`, by name."""
    query = select(*_COLUMNS).where(_HEARTBEAT.beat_at < now - ttl).order_by(_HEARTBEAT.executor)
    return tuple(Heartbeat(*row) for row in conn.execute(query))


def is_fresh(conn: Connection, executor: str, *, now: datetime, ttl: timedelta) -> bool:
    """Tell whether the executor's last sign is not older than `ttl`; false when it gave none."""
    return any(one.executor == executor for one in alive(conn, now=now, ttl=ttl))


def latest(conn: Connection) -> Heartbeat | None:
    """Return the most recent sign of life of all."""
    row = conn.execute(select(*_COLUMNS).order_by(_HEARTBEAT.beat_at.desc()).limit(1)).one_or_none()
    return None if row is None else Heartbeat(*row)


def remove(conn: Connection, executor: str) -> None:
    """Forget an executor that stopped in order, or whose work was taken over."""
    conn.execute(delete(schema.heartbeat).where(_HEARTBEAT.executor == executor))
    conn.execute(delete(schema.adoption).where(schema.adoption.c.executor == executor))
