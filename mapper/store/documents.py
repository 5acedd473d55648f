"""Documents and their states. Every move is a named function that checks where the document comes from.

    open ─┐                       ┌─> done       finish; left only by process_again
    error ├─ queue ─> queued ─ claim ─> processing ─┼─> error      fail
    waiting ┘                     ├─> waiting    wait
                                  ├─> open       release
                                  └─> ignored    ignore; left only by reopen

Reading lists is in `listing.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, or_, select, update

from mapper.diagnostics import printable
from mapper.errors import StoreError, UsageError
from mapper.store import schema
from mapper.store.rows import Document, Kind, State
from mapper.store.upsert import insert_into

SHOWN_CHARACTERS = 300
QUEUEABLE: frozenset[State] = frozenset({"open", "waiting", "error"})
UNDER_WAY: frozenset[State] = frozenset({"queued", "processing"})
STOPPED: frozenset[State] = frozenset({"error", "ignored"})
"""What may hold a document although its invoice was made, with another total (W19)."""
SETTLED: frozenset[State] = frozenset({"done", "ignored"})
_NOT_DONE: frozenset[State] = frozenset({"open", "queued", "processing", "waiting", "error", "ignored"})

_DOCUMENT = schema.document.c
COLUMNS = [_DOCUMENT[name] for name in Document.__slots__]
# Made once: making a query takes longer than running it.
_OF_TENANT = select(*COLUMNS).where(_DOCUMENT.tenant == bindparam("of"))
_BY_ID = _OF_TENANT.where(_DOCUMENT.id == bindparam("document"))
_BY_SHOP_ID = _OF_TENANT.where(_DOCUMENT.kind == bindparam("kind"), _DOCUMENT.shop_id == bindparam("shop_id"))
_BY_NUMBER = _OF_TENANT.where(
    or_(_DOCUMENT.number == bindparam("number"), _DOCUMENT.order_number == bindparam("number"))
).order_by(_DOCUMENT.id)
_OF_ORDER = _OF_TENANT.where(_DOCUMENT.order_id == bindparam("order")).order_by(_DOCUMENT.id)


def document_id(kind: Kind, shop_id: int) -> str:
    """Return the id of a document: the same in every database, and readable in a workflow id."""
    return f"{kind}-{shop_id}"


def note(
    conn: Connection,
    tenant: str,
    kind: Kind,
    shop_id: int,
    *,
    now: datetime,
    changed: bool = True,
    deleted: bool = False,
    number: str = "",
    order_id: int | None = None,
    dated: datetime | None = None,
) -> Document:
    """Take note that the shop has this document, and return it.

    A new one is open at revision 1. For a known one `changed` raises the revision, in whatever state it is:
    who works on it, or asks what happened since, sees the difference. `deleted` stays true once said.
    """
    known: dict[str, Any] = {
        "order_id": shop_id if kind == "order" else order_id,
        "number": _storable(number),
        "dated": dated,
    }
    later = {name: value for name, value in known.items() if value not in (None, "")}
    if changed:
        later["revision"] = _DOCUMENT.revision + 1
    if deleted:
        later["deleted"] = True
    statement = insert_into(conn, schema.document).values(
        tenant=tenant,
        id=document_id(kind, shop_id),
        kind=kind,
        shop_id=shop_id,
        state="open",
        revision=1,
        deleted=deleted,
        noted_at=now,
        changed_at=now,
        search=_storable(number).casefold(),
        **(known | {"dated": dated or now}),
    )
    statement = statement.on_conflict_do_update(
        index_elements=["tenant", "id"], set_=later | {"noted_at": now}
    )
    return made(conn.execute(statement.returning(*COLUMNS)).one())


def get(conn: Connection, tenant: str, document: str) -> Document:
    """Return a document by its id. Raises UsageError STO111 when the tenant has none of that id."""
    row = conn.execute(_BY_ID, {"of": tenant, "document": document}).one_or_none()
    if row is None:
        raise UsageError("STO111", tenant=tenant[:80], document=document[:80])
    return made(row)


def find(conn: Connection, tenant: str, kind: Kind, shop_id: int) -> Document | None:
    """Return the document the shop knows by this id, if it was noted."""
    row = conn.execute(_BY_SHOP_ID, {"of": tenant, "kind": kind, "shop_id": shop_id}).one_or_none()
    return None if row is None else made(row)


def by_number(conn: Connection, tenant: str, number: str) -> tuple[Document, ...]:
    """Return the documents whose own number, or whose order's number, is this; by id."""
    return tuple(made(row) for row in conn.execute(_BY_NUMBER, {"of": tenant, "number": number}))


def of_order(conn: Connection, tenant: str, order_id: int) -> tuple[Document, ...]:
    """Return the documents of an order of the shop: the order itself, and its invoices; by id."""
    return tuple(made(row) for row in conn.execute(_OF_ORDER, {"of": tenant, "order": order_id}))


def describe(
    conn: Connection,
    tenant: str,
    document: str,
    *,
    number: str | None = None,
    order_number: str | None = None,
    order_id: int | None = None,
    dated: datetime | None = None,
    customer: str | None = None,
    email: str | None = None,
    total_incl: Decimal | None = None,
    currency: str | None = None,
) -> Document:
    """Keep what lists show and search finds; what is None stays as it was. The e-mail is only searched."""
    known = {
        "number": number,
        "order_number": order_number,
        "order_id": order_id,
        "dated": dated,
        "customer": customer,
        "total_incl": total_incl,
        "currency": currency,
    }
    values: dict[str, Any] = {
        name: _storable(value) if isinstance(value, str) else value
        for name, value in known.items()
        if value is not None
    }
    before = get(conn, tenant, document)
    shown = {
        "number": before.number,
        "order_number": before.order_number,
        "customer": before.customer,
    } | values
    words = [shown["number"], shown["order_number"], shown["customer"], _storable(email or "")]
    values["search"] = " ".join(word for word in words if word).casefold()
    return _write(conn, tenant, document, values)


def queue(conn: Connection, tenant: str, document: str, *, now: datetime) -> Document:
    """Open, waiting or in error → queued. What is under way stays as it is: its newer revision follows it.

    Raises StoreError STO120 for what is done or ignored.
    """
    return _move(conn, tenant, document, QUEUEABLE, "queued", unchanged=UNDER_WAY, now=now, next_at=None)


def claim(
    conn: Connection, tenant: str, document: str, *, revision: int, worker: str, now: datetime
) -> Document | None:
    """Start working: → processing, one more attempt; None when there is nothing left to do at this revision.

    Nothing is left to do when the document is done or ignored, or when a newer revision was claimed. A claim
    of the same or an older revision that stands is taken over: its worker was stopped, and the ledger knows
    how far it came.
    """
    claimable = and_(
        _DOCUMENT.tenant == tenant,
        _DOCUMENT.id == document,
        or_(
            _DOCUMENT.state.in_(QUEUEABLE | {"queued"}),
            and_(_DOCUMENT.state == "processing", _DOCUMENT.claimed_revision <= revision),
        ),
    )
    statement = (
        update(schema.document)
        .where(claimable)
        .values(
            state="processing",
            claimed_revision=revision,
            claimed_by=worker,
            attempts=_DOCUMENT.attempts + 1,
            next_at=None,
            changed_at=now,
        )
    )
    row = conn.execute(statement.returning(*COLUMNS)).one_or_none()
    if row is None:
        get(conn, tenant, document)
        return None
    return made(row)


def finish(
    conn: Connection,
    tenant: str,
    document: str,
    *,
    identifier: str,
    code: str,
    cause: str = "",
    facts: Mapping[str, Any] | None = None,
    now: datetime,
) -> Document:
    """Processing → done, with WeFact's identifier and invoice code. Raises StoreError STO120 otherwise.

    `cause`: what a person should know about it all the same, as that it was not mailed.
    """
    values: dict[str, Any] = {
        "identifier": identifier,
        "code": code,
        "cause": cause,
        "facts": facts or {},
        "done_at": now,
    }
    return _move(conn, tenant, document, {"processing"}, "done", now=now, **values)


def accept(conn: Connection, tenant: str, document: str, *, now: datetime) -> Document:
    """Error or ignored → done: a person takes the invoice that exists as it is (W19). Else StoreError STO120."""
    values: dict[str, Any] = {"cause": "", "facts": {}, "ignored_by": "", "done_at": now}
    return _move(conn, tenant, document, _stopped(conn, tenant, document), "done", now=now, **values)


def remark(
    conn: Connection, tenant: str, document: str, *, cause: str, facts: Mapping[str, Any], now: datetime
) -> Document:
    """Note what a person should know about a document that is being processed and goes on."""
    return _move(conn, tenant, document, {"processing"}, "processing", now=now, cause=cause, facts=facts)


def fail(
    conn: Connection,
    tenant: str,
    document: str,
    *,
    cause: str,
    facts: Mapping[str, Any] | None = None,
    identifier: str = "",
    code: str = "",
    now: datetime,
) -> Document:
    """→ error, because of a finding id or error code; with WeFact's identifier when it was posted (W19).

    Raises StoreError STO120 for what is done or ignored.
    """
    values: dict[str, Any] = {"cause": cause, "facts": facts or {}}
    if identifier:
        values |= {"identifier": identifier, "code": code}
    return _move(conn, tenant, document, QUEUEABLE | UNDER_WAY, "error", now=now, **values)


def wait(
    conn: Connection,
    tenant: str,
    document: str,
    *,
    until: datetime,
    why: str,
    facts: Mapping[str, Any] | None = None,
    now: datetime,
) -> Document:
    """Processing → waiting until a time, for what `why` names (a finding id or error code)."""
    values: dict[str, Any] = {"next_at": until, "cause": why, "facts": facts or {}}
    return _move(conn, tenant, document, {"processing"}, "waiting", now=now, **values)


def release(conn: Connection, tenant: str, document: str, *, why: str, now: datetime) -> Document:
    """Processing → open: the document is not yet in the right status (R6). It was no attempt."""
    attempts = case((_DOCUMENT.attempts > 0, _DOCUMENT.attempts - 1), else_=0)
    values: dict[str, Any] = {"cause": why, "facts": {}, "attempts": attempts}
    return _move(conn, tenant, document, {"processing"}, "open", now=now, **values)


def ignore(
    conn: Connection, tenant: str, document: str, *, reason: str, by: str = "rule", now: datetime
) -> Document:
    """→ ignored with a reason, by a `rule` or a `person`. Raises StoreError STO120 for what is done."""
    values: dict[str, Any] = {"cause": _storable(reason), "facts": {}, "ignored_by": by, "next_at": None}
    return _move(conn, tenant, document, _NOT_DONE, "ignored", now=now, **values)


def reopen(conn: Connection, tenant: str, document: str, *, now: datetime) -> Document:
    """Error, waiting or ignored → open, as if just noted; a new revision, so that it can run again."""
    return _move(conn, tenant, document, {"error", "waiting", "ignored"}, "open", now=now, **_anew())


def process_again(conn: Connection, tenant: str, document: str, *, now: datetime) -> Document:
    """Done, error or ignored → open, for another invoice on purpose (R8). `again` tells its operations apart."""
    values = _anew() | {"again": _DOCUMENT.again + 1, "identifier": "", "code": "", "done_at": None}
    sources: frozenset[State] = _stopped(conn, tenant, document) | {"done"}
    return _move(conn, tenant, document, sources, "open", now=now, **values)


def mark_drift(conn: Connection, tenant: str, document: str, *, now: datetime) -> Document:
    """Record that the shop changed a document that is done (R4). Raises StoreError STO120 for others."""
    return _move(conn, tenant, document, {"done"}, "done", now=now, drift_at=now)


def made(row: Row[*tuple[Any, ...]]) -> Document:
    """Make a document of a row of `COLUMNS`."""
    return Document(*row)


def _stopped(conn: Connection, tenant: str, document: str) -> frozenset[State]:
    """Return the states in which a document may be taken up again: ignored only where its invoice was made."""
    return STOPPED if get(conn, tenant, document).identifier else frozenset({"error"})


def _storable(shown: str) -> str:
    """Return text from outside without what PostgreSQL (NUL) or UTF-8 (half surrogates) cannot hold."""
    return printable(shown, SHOWN_CHARACTERS)


def _anew() -> dict[str, Any]:
    return {
        "attempts": 0,
        "next_at": None,
        "cause": "",
        "facts": {},
        "ignored_by": "",
        "revision": _DOCUMENT.revision + 1,
    }


def _move(
    conn: Connection,
    tenant: str,
    document: str,
    sources: Collection[State],
    state: State,
    *,
    unchanged: Collection[State] = (),
    now: datetime,
    **values: Any,
) -> Document:
    statement = (
        update(schema.document)
        .where(_DOCUMENT.tenant == tenant, _DOCUMENT.id == document, _DOCUMENT.state.in_(sources))
        .values(state=state, changed_at=now, **values)
    )
    row = conn.execute(statement.returning(*COLUMNS)).one_or_none()
    if row is not None:
        return made(row)
    found = get(conn, tenant, document)
    if found.state in unchanged:
        return found
    raise StoreError("STO120", document=document, state=found.state, wanted=state)


def _write(conn: Connection, tenant: str, document: str, values: Mapping[str, Any]) -> Document:
    statement = update(schema.document).where(_DOCUMENT.tenant == tenant, _DOCUMENT.id == document)
    return made(conn.execute(statement.values(**values).returning(*COLUMNS)).one())
