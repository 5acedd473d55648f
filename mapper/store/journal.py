"""The journal: append-only, each entry chained to the one before by hash, without personal data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, select

from mapper.store import exact, schema
from mapper.store.rows import JournalEntry
from mapper.store.upsert import insert_into

_JOURNAL = schema.journal.c
_COLUMNS = [_JOURNAL[name] for name in JournalEntry.__slots__]
# Made once: making a query takes longer than running it.
_LAST = select(*_COLUMNS).where(_JOURNAL.tenant == bindparam("of")).order_by(_JOURNAL.number.desc()).limit(1)


def append(
    conn: Connection,
    tenant: str,
    document_id: str | None,
    event: str,
    facts: Mapping[str, str | int | None],
    *,
    now: datetime,
) -> int:
    """Add an entry and return its number, counting from 1 per tenant.

    `facts` are codes, amounts as text, identifiers and hashes; never a name, an address or an e-mail. Call it
    last in the transaction: until the commit, other writers of this tenant's journal wait.
    """
    while True:  # a parallel writer of the same tenant may take the number first: it has committed by then
        last = _last(conn, tenant)
        number = 1 if last is None else last.number + 1
        previous = "" if last is None else last.hash
        digest = _hash(tenant, number, now, document_id, event, facts, previous)
        statement = insert_into(conn, schema.journal).values(
            tenant=tenant,
            number=number,
            at=now,
            document_id=document_id,
            event=event,
            facts=facts,
            previous=previous,
            hash=digest,
        )
        if conn.scalars(statement.on_conflict_do_nothing().returning(_JOURNAL.number)).one_or_none():
            return number


def entries(
    conn: Connection, tenant: str, *, document_id: str | None = None, after: int = 0, limit: int = 500
) -> tuple[JournalEntry, ...]:
    """Return entries with a number above `after`, in order; of one document, or of all."""
    query = select(*_COLUMNS).where(_JOURNAL.tenant == tenant, _JOURNAL.number > after)
    if document_id is not None:
        query = query.where(_JOURNAL.document_id == document_id)
    rows = conn.execute(query.order_by(_JOURNAL.number).limit(limit))
    return tuple(JournalEntry(*row) for row in rows)


def newest(
    conn: Connection, tenant: str, *, document_id: str | None = None, limit: int = 50
) -> tuple[JournalEntry, ...]:
    """Return the last entries, in order; of one document, or of all."""
    query = select(*_COLUMNS).where(_JOURNAL.tenant == tenant)
    if document_id is not None:
        query = query.where(_JOURNAL.document_id == document_id)
    rows = conn.execute(query.order_by(_JOURNAL.number.desc()).limit(limit)).all()
    return tuple(JournalEntry(*row) for row in reversed(rows))


def verify(conn: Connection, tenant: str) -> int | None:
    """Return the number of the first entry that was changed, moved or follows a removed one; None: none was.

    Entries cut off at the end are not seen.
    """
    number, previous = 0, ""
    while part := entries(conn, tenant, after=number):
        for entry in part:
            expected = _hash(
                tenant, entry.number, entry.at, entry.document_id, entry.event, entry.facts, previous
            )
            if entry.number != number + 1 or entry.previous != previous or entry.hash != expected:
                return entry.number
            number, previous = entry.number, entry.hash
    return None


def _last(conn: Connection, tenant: str) -> JournalEntry | None:
    row = conn.execute(_LAST, {"of": tenant}).one_or_none()
    return None if row is None else JournalEntry(*row)


def _hash(
    tenant: str,
    number: int,
    at: datetime,
    document_id: str | None,
    event: str,
    facts: Mapping[str, str | int | None],
    previous: str,
) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return exact.digest(exact.write([tenant, number, moment, document_id, event, dict(facts), previous]))
