"""Questions and problems (T8). Of one cause one problem is open at a time: reporting it again adds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from mapper.errors import UsageError
from mapper.store import schema
from mapper.store.rows import Ticket, TicketKind
from mapper.store.upsert import insert_into

MAX_TEXT, MAX_SUBJECT = 10_000, 200

_TICKET = schema.ticket.c
_COLUMNS = [_TICKET[name] for name in Ticket.__slots__]


def open_(
    conn: Connection,
    tenant: str,
    kind: TicketKind,
    *,
    subject: str,
    text: str,
    bundle: Mapping[str, Any],
    who: str,
    cause: str = "",
    document_id: str | None = None,
    now: datetime,
) -> Ticket:
    """Open a ticket and return it; of a problem whose cause has one that is not closed, that one.

    Raises UsageError USE170 for an empty subject or text, or one that is too long.
    """
    if not subject.strip() or not text.strip() or len(subject) > MAX_SUBJECT or len(text) > MAX_TEXT:
        raise UsageError("USE170", most=MAX_TEXT)
    while True:  # another writer may take the number first
        number = conn.scalars(select(func.max(_TICKET.number)).where(_TICKET.tenant == tenant)).one() or 0
        statement = insert_into(conn, schema.ticket).values(
            tenant=tenant,
            number=number + 1,
            kind=kind,
            cause=cause,
            document_id=document_id,
            subject=subject.strip(),
            text=text.strip(),
            bundle=bundle,
            who=who,
            at=now,
            state="open",
        )
        made = conn.scalars(statement.on_conflict_do_nothing().returning(_TICKET.number)).one_or_none()
        if made is not None:
            return get(conn, tenant, made)
        if kind == "problem" and (known := _unclosed(conn, tenant, cause)) is not None:
            return known


def get(conn: Connection, tenant: str, number: int) -> Ticket:
    """Return a ticket. Raises UsageError USE171 when the webshop has none of that number."""
    query = select(*_COLUMNS).where(_TICKET.tenant == tenant, _TICKET.number == number)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise UsageError("USE171", number=number, tenant=tenant)
    return Ticket(*row)


def of_tenant(conn: Connection, tenant: str, *, closed: bool = False, limit: int = 200) -> tuple[Ticket, ...]:
    """Return a webshop's tickets, newest first; those that are closed only when asked for."""
    query = select(*_COLUMNS).where(_TICKET.tenant == tenant)
    if not closed:
        query = query.where(_TICKET.state != "closed")
    rows = conn.execute(query.order_by(_TICKET.number.desc()).limit(limit))
    return tuple(Ticket(*row) for row in rows)


def waiting(conn: Connection, *, closed: bool = False, limit: int = 200) -> tuple[Ticket, ...]:
    """Return every webshop's tickets that wait for support, or all, the oldest first. For support alone."""
    query = select(*_COLUMNS).order_by(_TICKET.at).limit(limit)
    rows = conn.execute(query if closed else query.where(_TICKET.state == "open"))
    return tuple(Ticket(*row) for row in rows)


def unmailed(conn: Connection, *, limit: int = 50) -> tuple[Ticket, ...]:
    """Return the tickets whose last change nobody was mailed of, the oldest first. For the daemon."""
    query = select(*_COLUMNS).where(_TICKET.mailed_at.is_(None)).order_by(_TICKET.at).limit(limit)
    return tuple(Ticket(*row) for row in conn.execute(query))


def answer(conn: Connection, tenant: str, number: int, *, text: str, who: str, now: datetime) -> Ticket:
    """Answer a ticket, in place of the last answer. Raises UsageError USE170, USE171 or USE172 (closed)."""
    if not text.strip() or len(text) > MAX_TEXT:
        raise UsageError("USE170", most=MAX_TEXT)
    if get(conn, tenant, number).state == "closed":
        raise UsageError("USE172", number=number)
    values = {"answer": text.strip(), "answered_by": who, "answered_at": now, "mailed_at": None}
    return _changed(conn, tenant, number, state="answered", **values)


def close(conn: Connection, tenant: str, number: int) -> Ticket:
    """Close a ticket: the next problem of its cause opens a new one. Raises UsageError USE171."""
    return _changed(conn, tenant, number, state="closed")


def mark_mailed(conn: Connection, tenant: str, number: int, *, now: datetime) -> None:
    """Note that the ticket, or its answer, was mailed."""
    _changed(conn, tenant, number, mailed_at=now)


def count_closed(conn: Connection, tenant: str, *, before: datetime) -> int:
    """Return how many closed tickets are from before a moment."""
    return conn.scalars(select(func.count()).where(*_closed(tenant, before))).one()


def forget(conn: Connection, tenant: str, *, before: datetime) -> None:
    """Remove the closed tickets from before a moment."""
    conn.execute(delete(schema.ticket).where(*_closed(tenant, before)))


def _closed(tenant: str, before: datetime) -> tuple[ColumnElement[bool], ...]:
    return _TICKET.tenant == tenant, _TICKET.state == "closed", _TICKET.at < before


def _unclosed(conn: Connection, tenant: str, cause: str) -> Ticket | None:
    query = select(*_COLUMNS).where(
        _TICKET.tenant == tenant, _TICKET.cause == cause, _TICKET.kind == "problem", _TICKET.state != "closed"
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else Ticket(*row)


def _changed(conn: Connection, tenant: str, number: int, **values: Any) -> Ticket:
    query = update(schema.ticket).where(_TICKET.tenant == tenant, _TICKET.number == number).values(**values)
    if conn.execute(query.returning(_TICKET.number)).one_or_none() is None:
        raise UsageError("USE171", number=number, tenant=tenant)
    return get(conn, tenant, number)
