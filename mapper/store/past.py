"""Documents from before the go-live that a migration asks for (R7).

    listed ──> read ──> agreed ──> taken      agree: a person saw the sums; take: its work is the engine's

Each move is durable by itself, so a migration that is killed goes on where it was. An agreed row is the permission to
post a document that old: the go-live does not hold it (R9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, func, select, update

from mapper.store import schema
from mapper.store.rows import Kind, PastDocument, State
from mapper.store.upsert import insert_into

_PAST = schema.past_document.c
_DOCUMENT = schema.document.c
_COLUMNS = [_PAST[name] for name in PastDocument.__slots__]
# Made once: making a query takes longer than running it.
_BY_SHOP_ID = select(*_COLUMNS).where(
    _PAST.tenant == bindparam("of"), _PAST.kind == bindparam("kind"), _PAST.shop_id == bindparam("shop_id")
)
_OF_DOCUMENT = and_(
    _DOCUMENT.tenant == _PAST.tenant, _DOCUMENT.kind == _PAST.kind, _DOCUMENT.shop_id == _PAST.shop_id
)
_UNREAD: dict[str, Any] = {
    "read_at": None,
    "outcome": "",
    "cause": "",
    "said": {},
    "total_incl": None,
    "vat": [],
    "agreed_at": None,
    "taken_at": None,
}


def note(
    conn: Connection,
    tenant: str,
    kind: Kind,
    shop_id: int,
    *,
    order_id: int | None,
    number: str,
    dated: datetime,
    basis: str,
    read_since: datetime,
    now: datetime,
) -> None:
    """Note that a migration wants a document. What was read of it on the same `basis` since `read_since` stays."""
    known = {"order_id": order_id, "number": number, "dated": dated, "basis": basis, "seen_at": now}
    statement = insert_into(conn, schema.past_document).values(
        tenant=tenant, kind=kind, shop_id=shop_id, **known
    )
    found = find(conn, tenant, kind, shop_id)
    reads_anew = found is None or found.basis != basis or found.read_at is None or found.read_at < read_since
    anew = known | (_UNREAD if reads_anew or (found and found.agreed_at) else {})
    conn.execute(statement.on_conflict_do_update(index_elements=["tenant", "kind", "shop_id"], set_=anew))


def find(conn: Connection, tenant: str, kind: Kind, shop_id: int) -> PastDocument | None:
    """Return what is known of one document."""
    row = conn.execute(_BY_SHOP_ID, {"of": tenant, "kind": kind, "shop_id": shop_id}).one_or_none()
    return None if row is None else PastDocument(*row)


def is_agreed(conn: Connection, tenant: str, kind: Kind, shop_id: int) -> bool:
    """Tell whether a migration may post the document although it is older than the go-live."""
    found = find(conn, tenant, kind, shop_id)
    return found is not None and found.agreed_at is not None


def agreed_ids(
    conn: Connection, tenant: str, kind: Kind, *, since: datetime, until: datetime
) -> frozenset[int]:
    """Return the shop's ids of the agreed documents of a period."""
    query = select(_PAST.shop_id).where(_of(tenant, kind, since, until), _PAST.agreed_at.is_not(None))
    return frozenset(conn.scalars(query))


def page(
    conn: Connection,
    tenant: str,
    kind: Kind,
    *,
    since: datetime,
    until: datetime,
    unread: bool = False,
    after: int = 0,
    limit: int = 200,
) -> tuple[PastDocument, ...]:
    """Return documents of a period that are not agreed yet, by rising id beyond `after`; or only the unread ones."""
    query = select(*_COLUMNS).where(
        _of(tenant, kind, since, until), _PAST.agreed_at.is_(None), _PAST.shop_id > after
    )
    if unread:
        query = query.where(_PAST.read_at.is_(None))
    rows = conn.execute(query.order_by(_PAST.shop_id).limit(limit))
    return tuple(PastDocument(*row) for row in rows)


def count_unread(conn: Connection, tenant: str, kind: Kind, *, since: datetime, until: datetime) -> int:
    """Return how many documents of a period are still to be read."""
    query = select(func.count()).where(_of(tenant, kind, since, until), _PAST.read_at.is_(None))
    return conn.scalars(query.where(_PAST.agreed_at.is_(None))).one()


def keep(
    conn: Connection,
    tenant: str,
    kind: Kind,
    shop_id: int,
    *,
    outcome: str,
    cause: str = "",
    said: Mapping[str, Sequence[str]] | None = None,
    total_incl: Decimal | None = None,
    vat: Sequence[Mapping[str, Any]] = (),
    now: datetime,
) -> None:
    """Keep what a document would become."""
    statement = update(schema.past_document).where(
        _PAST.tenant == tenant, _PAST.kind == kind, _PAST.shop_id == shop_id
    )
    read = {"outcome": outcome, "cause": cause, "said": said or {}, "total_incl": total_incl, "vat": vat}
    conn.execute(statement.values(**read, read_at=now))


def forget_unseen(
    conn: Connection, tenant: str, kind: Kind, *, since: datetime, until: datetime, seen_since: datetime
) -> None:
    """Forget documents of a period that the shop no longer lists, and those that need no migration any more."""
    conn.execute(
        delete(schema.past_document).where(
            _of(tenant, kind, since, until), _PAST.agreed_at.is_(None), _PAST.seen_at < seen_since
        )
    )


def agree(
    conn: Connection, tenant: str, kind: Kind, *, since: datetime, until: datetime, now: datetime
) -> int:
    """Record that a person wants everything posted that may be; return how many documents that are."""
    statement = (
        update(schema.past_document)
        .where(_of(tenant, kind, since, until), _PAST.agreed_at.is_(None), _PAST.outcome == "post")
        .values(agreed_at=now, taken_at=None)
    )
    return len(conn.execute(statement.returning(_PAST.shop_id)).all())


def withdraw(conn: Connection, tenant: str) -> int:
    """Take back the agreement to all that is not taken yet; return how many documents that are."""
    statement = update(schema.past_document).where(_PAST.tenant == tenant, _untaken()).values(agreed_at=None)
    return len(conn.execute(statement.returning(_PAST.shop_id)).all())


def untaken(conn: Connection, tenant: str, *, limit: int) -> tuple[PastDocument, ...]:
    """Return agreed documents whose work has not begun, the oldest first, for this transaction alone to take.

    By date, so that numbers which WeFact gives out follow the dates as far as they can.
    """
    query = select(*_COLUMNS).where(_PAST.tenant == tenant, _untaken())
    query = query.order_by(_PAST.dated, _PAST.shop_id).limit(limit).with_for_update(skip_locked=True)
    return tuple(PastDocument(*row) for row in conn.execute(query))


def take(conn: Connection, tenant: str, kind: Kind, shop_id: int, *, now: datetime) -> None:
    """Record that the document's work is the engine's."""
    statement = update(schema.past_document).where(
        _PAST.tenant == tenant, _PAST.kind == kind, _PAST.shop_id == shop_id
    )
    conn.execute(statement.values(taken_at=now))


def progress(
    conn: Connection, tenant: str, kind: Kind, *, since: datetime, until: datetime
) -> dict[State | None, int]:
    """Return how many agreed documents of a period are in each state; None: their work has not begun."""
    begun = and_(_OF_DOCUMENT, _PAST.taken_at.is_not(None))
    query = (
        select(_DOCUMENT.state, func.count())
        .select_from(schema.past_document.outerjoin(schema.document, begun))
        .where(_of(tenant, kind, since, until), _PAST.agreed_at.is_not(None))
        .group_by(_DOCUMENT.state)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def under_way(conn: Connection, tenant: str) -> int:
    """Return how many documents of migrations are queued or being processed."""
    query = (
        select(func.count())
        .select_from(schema.document.join(schema.past_document, _OF_DOCUMENT))
        .where(_DOCUMENT.tenant == tenant, _DOCUMENT.state.in_(("queued", "processing")))
        .where(_PAST.agreed_at.is_not(None))
    )
    return conn.scalars(query).one()


def waiting_tenants(conn: Connection) -> tuple[str, ...]:
    """Return the tenants that are not paused and have agreed documents whose work has not begun."""
    tenant = schema.tenant.c
    query = select(tenant.id).where(
        tenant.paused_at.is_(None), exists().where(_PAST.tenant == tenant.id, _untaken())
    )
    return tuple(conn.scalars(query.order_by(tenant.id)))


def live_orders_wait(conn: Connection) -> bool:
    """Tell whether a document that is of no migration is queued, for any tenant that is not paused."""
    tenant = schema.tenant.c
    migrated = exists().where(_OF_DOCUMENT, _PAST.agreed_at.is_not(None))
    query = (
        select(_DOCUMENT.id)
        .join(schema.tenant, tenant.id == _DOCUMENT.tenant)
        .where(_DOCUMENT.state == "queued", tenant.paused_at.is_(None), ~migrated)
    )
    return conn.execute(query.limit(1)).one_or_none() is not None


def purge(conn: Connection, *, before: datetime) -> None:
    """Forget, for every tenant, what was listed before that time and never agreed to."""
    conn.execute(delete(schema.past_document).where(_PAST.agreed_at.is_(None), _PAST.seen_at < before))


def _of(tenant: str, kind: Kind, since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(_PAST.tenant == tenant, _PAST.kind == kind, _PAST.dated >= since, _PAST.dated < until)


def _untaken() -> ColumnElement[bool]:
    return and_(_PAST.agreed_at.is_not(None), _PAST.taken_at.is_(None))
