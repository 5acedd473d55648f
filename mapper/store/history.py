"""Documents with their payloads in bulk, for what replays history: newest first, in pages, never all at once.

Documents that were ignored are left out: whatever the rules make of them, nothing is posted for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from mapper.store import schema

PAGE = 5000

_DOCUMENT = schema.document.c
_PAYLOAD = schema.payload.c


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents: since (included), until (not included), at most so many of the newest, of which kind."""

    since: datetime | None = None
    until: datetime | None = None
    last: int | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A document with its present payload, as the JSON text that `exact.write` wrote."""

    tenant: str
    id: str
    kind: str
    number: str
    text: str


def count(conn: Connection, tenant: str, scope: Scope) -> int:
    """Return how many documents of a tenant can be replayed."""
    found = conn.scalars(select(func.count()).where(*_filters(tenant, scope))).one()
    return found if scope.last is None else min(found, scope.last)


def portions(conn: Connection, tenant: str, scope: Scope, size: int) -> Iterator[tuple[str, ...]]:
    """Yield the ids of a tenant's documents, newest first, so many at a time."""
    left = scope.last
    waiting: list[str] = []
    after: tuple[datetime, str] | None = None
    while left is None or left > 0:
        limit = PAGE if left is None else min(PAGE, left)
        query = select(_DOCUMENT.dated, _DOCUMENT.id).where(*_filters(tenant, scope))
        if after is not None:
            dated, last = after
            older = and_(_DOCUMENT.dated == dated, _DOCUMENT.id < last)
            query = query.where(or_(_DOCUMENT.dated < dated, older))
        rows = conn.execute(query.order_by(_DOCUMENT.dated.desc(), _DOCUMENT.id.desc()).limit(limit)).all()
        if not rows:
            break
        after = (rows[-1].dated, rows[-1].id)
        left = None if left is None else left - len(rows)
        waiting += [row.id for row in rows]
        while len(waiting) >= size:
            yield tuple(waiting[:size])
            del waiting[:size]
    if waiting:
        yield tuple(waiting)


def stored(conn: Connection, tenant: str, ids: Sequence[str]) -> list[Stored]:
    """Return documents by their ids, in that order; without those whose payload is gone."""
    query = (
        select(_DOCUMENT.tenant, _DOCUMENT.id, _DOCUMENT.kind, _DOCUMENT.number, _PAYLOAD.text)
        .join(
            schema.payload,
            and_(
                _PAYLOAD.tenant == _DOCUMENT.tenant,
                _PAYLOAD.document_id == _DOCUMENT.id,
                _PAYLOAD.hash == _DOCUMENT.payload_hash,
            ),
        )
        .where(_DOCUMENT.tenant == tenant, _DOCUMENT.id.in_(ids))
    )
    found = {row.id: Stored(*row) for row in conn.execute(query)}
    return [found[one] for one in ids if one in found]


def _filters(tenant: str, scope: Scope) -> list[ColumnElement[bool]]:
    filters = [_DOCUMENT.tenant == tenant, _DOCUMENT.payload_hash != "", _DOCUMENT.state != "ignored"]
    if scope.since is not None:
        filters.append(_DOCUMENT.dated >= scope.since)
    if scope.until is not None:
        filters.append(_DOCUMENT.dated < scope.until)
    if scope.kind is not None:
        filters.append(_DOCUMENT.kind == scope.kind)
    return filters
