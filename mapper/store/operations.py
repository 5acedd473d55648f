"""The ledger: every effect on a service, committed before the call and completed after it.

    begin ──> intended ──> done      finish: the answer arrived, or what was found was adopted
                 │ ├─────> refused   refuse: the service said no, or the call surely never reached it
                 │ └─────> unknown   lost: no answer; only looking can tell
                 └ found without a result after a stop: the same as unknown

The caller commits between `begin` and the call. A key names one effect for good; a deliberate second one has
another.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select, update

from mapper.errors import StoreError
from mapper.store import schema
from mapper.store.rows import Operation, OperationState
from mapper.store.upsert import insert_into

_OPERATION = schema.operation.c
_COLUMNS = [_OPERATION[name] for name in Operation.__slots__ if name != "fresh"]
# Made once: making a query takes longer than running it.
_BY_KEY = select(*_COLUMNS).where(_OPERATION.tenant == bindparam("of"), _OPERATION.key == bindparam("called"))
UNRESOLVED: frozenset[OperationState] = frozenset({"intended", "unknown"})


def begin(
    conn: Connection,
    tenant: str,
    *,
    document_id: str,
    step: str,
    key: str,
    token: str,
    fingerprint: str,
    now: datetime,
) -> Operation:
    """Record the intent of one effect and return its operation; `fresh` when this call made the intent.

    Of any number of callers one gets it fresh: that one may call at once. Any other finds it done, or must
    look for `operation.token` first. A refused operation is intended anew, with the new fingerprint and its
    first token.
    """
    statement = insert_into(conn, schema.operation).values(
        tenant=tenant,
        key=key,
        document_id=document_id,
        step=step,
        token=token,
        fingerprint=fingerprint,
        state="intended",
        attempt=1,
        intent_at=now,
    )
    anew = {
        "state": "intended",
        "attempt": _OPERATION.attempt + 1,
        "intent_at": now,
        "document_id": document_id,
        "fingerprint": fingerprint,
        "searches": 0,
        "searched_at": None,
        "finished_at": None,
        "error": "",
    }
    statement = statement.on_conflict_do_update(
        index_elements=["tenant", "key"], set_=anew, where=_OPERATION.state == "refused"
    )
    row = conn.execute(statement.returning(*_COLUMNS)).one_or_none()
    if row is not None:
        return replace(_made(row), fresh=True)
    found = find(conn, tenant, key)
    if found is None:
        raise StoreError("STO121", key=key, state="absent", wanted="intended")
    return found


def find(conn: Connection, tenant: str, key: str) -> Operation | None:
    """Return an operation by its key."""
    row = conn.execute(_BY_KEY, {"of": tenant, "called": key}).one_or_none()
    return None if row is None else _made(row)


def by_token(conn: Connection, tenant: str, token: str) -> Operation | None:
    """Return the operation whose mark this is."""
    query = select(*_COLUMNS).where(_OPERATION.tenant == tenant, _OPERATION.token == token)
    row = conn.execute(query).one_or_none()
    return None if row is None else _made(row)


def that_made(
    conn: Connection, tenant: str, step: str, identifiers: Collection[str], *, since: datetime | None = None
) -> dict[str, Operation]:
    """Return the operations of a step that made, or adopted, what the service knows by these Identifiers.

    With `since` only those that were finished then or later.
    """
    found: dict[str, Operation] = {}
    wanted = sorted(identifiers)
    for start in range(0, len(wanted), 500):
        query = select(*_COLUMNS).where(
            _OPERATION.tenant == tenant,
            _OPERATION.step == step,
            _OPERATION.state == "done",
            _OPERATION.identifier.in_(wanted[start : start + 500]),
            *_finished(since),
        )
        found |= {operation.identifier: operation for operation in map(_made, conn.execute(query))}
    return found


def latest_made(
    conn: Connection, tenant: str, step: str, *, limit: int, since: datetime | None = None
) -> tuple[Operation, ...]:
    """Return the operations of a step that last made something, the newest intent first; `since`: see `that_made`."""
    query = select(*_COLUMNS).where(
        _OPERATION.tenant == tenant,
        _OPERATION.step == step,
        _OPERATION.state == "done",
        *_finished(since),
    )
    latest = query.order_by(_OPERATION.intent_at.desc(), _OPERATION.key).limit(limit)
    return tuple(_made(row) for row in conn.execute(latest))


def of_document(conn: Connection, tenant: str, document_id: str) -> tuple[Operation, ...]:
    """Return the operations a document began, in the order of their intents."""
    query = select(*_COLUMNS).where(_OPERATION.tenant == tenant, _OPERATION.document_id == document_id)
    return tuple(_made(row) for row in conn.execute(query.order_by(_OPERATION.intent_at, _OPERATION.key)))


def finish(
    conn: Connection,
    tenant: str,
    key: str,
    *,
    identifier: str,
    code: str = "",
    amount_incl: Decimal | None = None,
    amount_tax: Decimal | None = None,
    now: datetime,
) -> Operation:
    """Record what the service made, or what was found and adopted. Raises StoreError STO121 when settled.

    The same identifier may be recorded twice: a step that is repeated after a stop changes nothing.
    """
    found = find(conn, tenant, key)
    if found is not None and found.state == "done" and found.identifier == identifier:
        return found
    return _move(
        conn,
        tenant,
        key,
        "done",
        identifier=identifier,
        code=code,
        amount_incl=amount_incl,
        amount_tax=amount_tax,
        finished_at=now,
        error="",
    )


def refuse(
    conn: Connection, tenant: str, key: str, *, error: str, now: datetime, attempt: int | None = None
) -> Operation:
    """Record, with the error's code, that there is surely no effect: refused or never sent. It may begin anew.

    `attempt` is the one that had no effect: an operation that somebody else intended anew since stays as it is, for
    their call may be under way.
    """
    return _move(conn, tenant, key, "refused", attempt=attempt, error=error, finished_at=now)


def lost(conn: Connection, tenant: str, key: str, *, error: str = "", now: datetime) -> Operation:
    """Record that no answer came: the effect may be there. `now` is the last moment it can have begun."""
    return _move(conn, tenant, key, "unknown", error=error, intent_at=now)


def searched(conn: Connection, tenant: str, key: str, *, now: datetime) -> Operation:
    """Count one search of the service."""
    return _move(conn, tenant, key, None, searches=_OPERATION.searches + 1, searched_at=now)


def touch(conn: Connection, tenant: str, key: str, *, seen: Operation, now: datetime) -> Operation | None:
    """Intend again after the searches found nothing, and return the new attempt; commit before calling.

    `seen` is the operation as the caller searched it. None when somebody else changed it since: look again.
    """
    statement = (
        update(schema.operation)
        .where(
            _OPERATION.tenant == tenant,
            _OPERATION.key == key,
            _OPERATION.state.in_(UNRESOLVED),
            _OPERATION.attempt == seen.attempt,
            _OPERATION.intent_at == seen.intent_at,
        )
        .values(
            state="intended", attempt=seen.attempt + 1, intent_at=now, searches=0, searched_at=None, error=""
        )
    )
    row = conn.execute(statement.returning(*_COLUMNS)).one_or_none()
    return None if row is None else replace(_made(row), fresh=True)


def unresolved(conn: Connection, tenant: str, *, before: datetime) -> tuple[Operation, ...]:
    """Return operations without a result whose intent is older than `before`, the oldest first."""
    query = select(*_COLUMNS).where(
        _OPERATION.tenant == tenant, _OPERATION.state.in_(UNRESOLVED), _OPERATION.intent_at < before
    )
    return tuple(_made(row) for row in conn.execute(query.order_by(_OPERATION.intent_at, _OPERATION.key)))


def counts(conn: Connection, tenant: str) -> dict[OperationState, int]:
    """Return how many operations are in each state; every state is there."""
    query = select(_OPERATION.state, func.count()).where(_OPERATION.tenant == tenant)
    found = {row[0]: row[1] for row in conn.execute(query.group_by(_OPERATION.state))}
    states: tuple[OperationState, ...] = ("intended", "done", "refused", "unknown")
    return {state: found.get(state, 0) for state in states}


def _finished(since: datetime | None) -> list[ColumnElement[bool]]:
    return [] if since is None else [_OPERATION.finished_at >= since]


def _made(row: Row[*tuple[Any, ...]]) -> Operation:
    return Operation(*row)


def _move(
    conn: Connection,
    tenant: str,
    key: str,
    state: OperationState | None,
    *,
    attempt: int | None = None,
    **values: Any,
) -> Operation:
    if state is not None:
        values["state"] = state
    moved = [_OPERATION.tenant == tenant, _OPERATION.key == key, _OPERATION.state.in_(UNRESOLVED)]
    if attempt is not None:
        moved.append(_OPERATION.attempt == attempt)
    statement = update(schema.operation).where(*moved).values(**values)
    row = conn.execute(statement.returning(*_COLUMNS)).one_or_none()
    if row is not None:
        return _made(row)
    found = find(conn, tenant, key)
    if found is not None and attempt is not None and found.attempt > attempt:
        return found
    raise StoreError("STO121", key=key, state=found.state if found else "absent", wanted=state or "searched")
