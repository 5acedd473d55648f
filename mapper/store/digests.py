"""What the mails about a webshop have told, and what is new since (R10)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mapper.store import schema
from mapper.store.rows import Document
from mapper.store.upsert import insert_into

_DOCUMENT = schema.document.c
_COLUMNS = [_DOCUMENT[name] for name in Document.__slots__]
_DIGEST = schema.digest_mail.c
_WAITING = ("open", "queued", "processing", "waiting")
MOST = 500


def told_until(conn: Connection, tenant: str) -> datetime | None:
    """Return until when everything was mailed; None before the first mail."""
    return conn.scalars(select(_DIGEST.told_until).where(_DIGEST.tenant == tenant)).one_or_none()


def tell(conn: Connection, tenant: str, *, until: datetime) -> None:
    """Note that everything until a moment was mailed."""
    statement = insert_into(conn, schema.digest_mail).values(tenant=tenant, told_until=until)
    conn.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_={"told_until": until}))


def stopped(conn: Connection, tenant: str, *, since: datetime, until: datetime) -> tuple[Document, ...]:
    """Return the documents in error that came there in a period, the oldest first; at most 500."""
    return _changed(conn, tenant, ("error",), since, until)


def waiting(conn: Connection, tenant: str, *, since: datetime, until: datetime) -> tuple[Document, ...]:
    """Return the documents that wait, and last changed in a period, the oldest first; at most 500."""
    return _changed(conn, tenant, _WAITING, since, until)


def _changed(
    conn: Connection, tenant: str, states: tuple[str, ...], since: datetime, until: datetime
) -> tuple[Document, ...]:
    query = select(*_COLUMNS).where(
        _DOCUMENT.tenant == tenant,
        _DOCUMENT.state.in_(states),
        _DOCUMENT.changed_at > since,
        _DOCUMENT.changed_at <= until,
    )
    rows = conn.execute(query.order_by(_DOCUMENT.changed_at, _DOCUMENT.id).limit(MOST))
    return tuple(Document(*row) for row in rows)
