"""Lists of documents: pages for the screens, counts, causes of errors, and what the sweep has to look at."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, func, or_, select

from mapper.diagnostics import printable
from mapper.errors import UsageError
from mapper.store import schema
from mapper.store.documents import COLUMNS, made
from mapper.store.rows import Cause, Document, Page, State

_DOCUMENT = schema.document.c
_UNSETTLED: tuple[State, ...] = ("open", "queued", "processing", "waiting")
_STOPPED: tuple[State, ...] = ("error",)
_STATES: tuple[State, ...] = ("open", "queued", "processing", "done", "error", "waiting", "ignored")


def page(
    conn: Connection,
    tenant: str,
    *,
    states: Collection[State] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    search: str = "",
    cause: str = "",
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Return one page of documents, newest first by the date the shop gave them.

    `since` is included, `until` is not. `search` is found anywhere in number, order number, customer or
    e-mail, whatever the case. `after` is the `after` of the page before; UsageError STO116 when it is
    something else.
    """
    query = select(*COLUMNS).where(*_filters(tenant, states, since, until, search, cause))
    if after is not None:
        query = query.where(_beyond(after))
    query = query.order_by(_DOCUMENT.dated.desc(), _DOCUMENT.id.desc()).limit(limit + 1)
    found = [made(row) for row in conn.execute(query)]
    shown = tuple(found[:limit])
    return Page(shown, _mark(shown[-1]) if len(found) > limit else None)


def counts(conn: Connection, tenant: str) -> dict[State, int]:
    """Return how many documents are in each state; every state is there."""
    query = select(_DOCUMENT.state, func.count()).where(_DOCUMENT.tenant == tenant).group_by(_DOCUMENT.state)
    found = {row[0]: row[1] for row in conn.execute(query)}
    return {state: found.get(state, 0) for state in _STATES}


def count(
    conn: Connection,
    tenant: str,
    *,
    states: Collection[State] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    search: str = "",
    cause: str = "",
) -> int:
    """Return how many documents all pages of a list hold together."""
    query = select(func.count()).select_from(schema.document)
    return conn.scalars(query.where(*_filters(tenant, states, since, until, search, cause))).one()


def by_hour(
    conn: Connection,
    tenant: str,
    *,
    states: Collection[State] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[datetime, int]:
    """Return how many documents are of each hour (UTC) that has any, for who counts them by days of a zone."""
    hour = func.substr(_DOCUMENT.dated, 1, 13, type_=Text)
    query = select(hour, func.count()).where(*_filters(tenant, states, since, until, "", "")).group_by(hour)
    return {datetime.fromisoformat(f"{row[0]}:00+00:00"): row[1] for row in conn.execute(query)}


def causes(
    conn: Connection,
    tenant: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    search: str = "",
) -> tuple[Cause, ...]:
    """Return the documents in error grouped by cause, the most frequent first."""
    count = func.count()
    query = (
        select(_DOCUMENT.cause, count, func.max(_DOCUMENT.changed_at))
        .where(*_filters(tenant, _STOPPED, since, until, search, ""))
        .group_by(_DOCUMENT.cause)
        .order_by(count.desc(), _DOCUMENT.cause)
    )
    return tuple(Cause(*row) for row in conn.execute(query))


def due(conn: Connection, tenant: str, *, now: datetime, limit: int = 500) -> tuple[Document, ...]:
    """Return waiting documents whose time has come, the longest waiting first."""
    query = select(*COLUMNS).where(
        _DOCUMENT.tenant == tenant, _DOCUMENT.state == "waiting", _DOCUMENT.next_at <= now
    )
    return _all(conn, query.order_by(_DOCUMENT.next_at, _DOCUMENT.id).limit(limit))


def unsettled(conn: Connection, tenant: str, *, after: str = "", limit: int = 500) -> tuple[Document, ...]:
    """Return documents that are open, queued, processing or waiting, by id, beyond the id `after`."""
    query = select(*COLUMNS).where(
        _DOCUMENT.tenant == tenant, _DOCUMENT.state.in_(_UNSETTLED), _DOCUMENT.id > after
    )
    return _all(conn, query.order_by(_DOCUMENT.id).limit(limit))


def oldest_queued(conn: Connection, tenant: str) -> datetime | None:
    """Return since when the longest queued document is queued."""
    query = select(func.min(_DOCUMENT.changed_at))
    found: datetime | None = conn.scalars(
        query.where(_DOCUMENT.tenant == tenant, _DOCUMENT.state == "queued")
    ).one()
    return found


def _all(conn: Connection, query: Select[tuple[object, ...]]) -> tuple[Document, ...]:
    return tuple(made(row) for row in conn.execute(query))


def _filters(
    tenant: str,
    states: Collection[State],
    since: datetime | None,
    until: datetime | None,
    search: str,
    cause: str,
) -> list[ColumnElement[bool]]:
    filters = [_DOCUMENT.tenant == tenant]
    if states:
        filters.append(_DOCUMENT.state.in_(states))
    if since is not None:
        filters.append(_DOCUMENT.dated >= since)
    if until is not None:
        filters.append(_DOCUMENT.dated < until)
    if wanted := printable(search.strip()).casefold():
        filters.append(_DOCUMENT.search.contains(wanted, autoescape=True))
    if cause:
        filters.append(_DOCUMENT.cause == cause)
    return filters


def _mark(last: Document) -> str:
    return f"{last.dated.isoformat()} {last.id}"


def _beyond(after: str) -> ColumnElement[bool]:
    date, _, document = after.partition(" ")
    try:
        dated = datetime.fromisoformat(date)
    except ValueError:
        raise UsageError("STO116", after=after[:80]) from None
    if dated.tzinfo is None:
        raise UsageError("STO116", after=after[:80])
    return or_(_DOCUMENT.dated < dated, and_(_DOCUMENT.dated == dated, _DOCUMENT.id < document))
