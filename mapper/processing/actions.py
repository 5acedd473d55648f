"""What a person asks for, from whatever face: process, ignore, pause, resume, sweep. Each is one transaction."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mapper.errors import UsageError
from mapper.processing import engine, posting
from mapper.processing import sweep as sweeping
from mapper.processing.connections import Connections
from mapper.processing.outcome import WEFACT_REFUSES_US
from mapper.processing.sweep import SweepReport
from mapper.store import documents, journal, listing, tenants
from mapper.store.database import Database
from mapper.store.rows import Document, Kind
from mapper.store.sealing import Sealer

# Whether the invoice exists is unknown and cannot be looked up: `again` says that a person looked, and it does not.
LEFT_TO_A_PERSON = frozenset({"PRO202", "PRO205"})

_DOCUMENT_ID = re.compile(r"(order|invoice)-([0-9]{1,15})")


def process(
    database: Database,
    tenant: str,
    document_id: str,
    *,
    now: datetime,
    again: bool = False,
    reason: str = "",
    removed: str = "",
    who: str = "",
) -> Document:
    """Have a document processed now, before all others; one the shop has but we do not know is noted first.

    With `again` and a reason a done one gets a second invoice on purpose (R8), and one whose invoice has another total
    a new one, once the first is `removed` (see `mismatch.post_anew`); so does one whose invoice a person looked for in
    WeFact in vain, where nothing else can tell. Raises UsageError: STO110 or STO111 (no such
    tenant or document), PRO301 (done), PRO302 (no reason), PRO303 (its invoice exists with another total).
    """
    engine.prepare(database.engine)
    with database.begin() as conn:
        tenants.get(conn, tenant)
        found = _known(conn, tenant, document_id, now=now)
        check_processable(found, again=again, reason=reason, removed=removed)
        if found.state in documents.UNDER_WAY:
            return found
        if found.state == "done" or found.identifier or (again and found.cause in LEFT_TO_A_PERSON):
            found = _second(conn, found, reason=reason, who=who, now=now)
        elif found.state == "open":
            found = documents.note(conn, tenant, found.kind, found.shop_id, now=now)
        else:
            found = documents.reopen(conn, tenant, found.id, now=now)
        engine.dispatch(conn, tenant, found, reason=engine.BY_HAND, priority=engine.URGENT, now=lambda: now)
        journal.append(conn, tenant, found.id, "process", _told(who=who, reason=reason), now=now)
        return documents.get(conn, tenant, found.id)


def check_processable(document: Document, *, again: bool, reason: str, removed: str = "") -> None:
    """Raise the UsageError with which `process` refuses a document, if it does."""
    if document.state == "done" and not again:
        raise UsageError("PRO301", document=document.id, identifier=document.identifier)
    if again and not reason.strip() and (document.identifier or document.cause in LEFT_TO_A_PERSON):
        raise UsageError("PRO302")
    if document.state in documents.STOPPED and document.identifier not in {"", removed}:
        raise UsageError("PRO303", document=document.id, identifier=document.identifier)


def ignore(
    database: Database,
    tenant: str,
    document_id: str,
    *,
    reason: str,
    now: datetime,
    force: bool = False,
    who: str = "",
) -> Document:
    """Take a document out of the lists for good, with a reason such as "booked by hand" (R5).

    Raises UsageError PRO304 (no reason), PRO301 (done), PRO305 (being processed at this moment), and unless it is to be
    by `force` PRO306 (its invoice may exist: whoever books it by hand would double it).
    """
    if not reason.strip():
        raise UsageError("PRO304")
    with database.begin() as conn:
        found = documents.get(conn, tenant, document_id)
        if found.state == "done":
            raise UsageError("PRO301", document=found.id, identifier=found.identifier)
        if found.state == "processing":
            raise UsageError("PRO305", document=found.id)
        if not (force or found.identifier) and posting.begun(conn, found):
            raise UsageError("PRO306", document=found.id, number=found.order_number or found.number)
        ignored = documents.ignore(conn, tenant, document_id, reason=reason.strip(), by="person", now=now)
        facts = _told(who=who, reason=reason.strip())
        journal.append(conn, tenant, document_id, "ignored by a person", facts, now=now)
        return ignored


def pause(database: Database, tenant: str | None, *, reason: str, now: datetime, who: str = "") -> None:
    """Stop posting for a tenant, or with None for all (R11); what is under way ends first."""
    with database.begin() as conn:
        if tenant is None:
            tenants.pause_all(conn, reason=reason, now=now)
        else:
            tenants.pause(conn, tenant, reason=reason, now=now)
            journal.append(conn, tenant, None, "paused", _told(who=who, reason=reason), now=now)


def resume(database: Database, tenant: str | None, *, now: datetime, who: str = "") -> int:
    """Post again, and dispatch what waited meanwhile; returns how many documents that were.

    With None the pause of all ends; one that a tenant has of its own stays, unless it is the only tenant.
    """
    engine.prepare(database.engine)
    with database.begin() as conn:
        everyone = [one.id for one in tenants.everyone(conn)]
        if tenant is None:
            tenants.resume_all(conn)
        resumed = [tenant] if tenant else everyone if len(everyone) == 1 else []
        for one in resumed:
            tenants.resume(conn, one)
            journal.append(conn, one, None, "resumed", _told(who=who), now=now)
        for one in [tenant] if tenant else everyone:
            _take_up_refused(conn, one, now=now)
    return sweeping.redispatch(database, now=now, tenant=tenant, grace=timedelta(0), due_only=False)


def sweep(
    database: Database, sealer: Sealer, tenant: str, *, now: datetime, loopback: bool = False
) -> SweepReport:
    """Look in the shop now for what its webhooks lost (R2), re-reading every open document."""

    async def run() -> SweepReport:
        async with Connections(database, sealer, loopback=loopback) as connections:
            return await sweeping.sweep_shop(database, connections, tenant, now=now, nightly=True)

    engine.prepare(database.engine)
    return asyncio.run(run())


def _take_up_refused(conn: Connection, tenant: str, *, now: datetime) -> None:
    """Let go at once what waits because WeFact refused key or address: whoever resumes has mended that."""
    if tenants.pause_of(conn, tenant) is not None:
        return
    after = ""
    while rows := listing.unsettled(conn, tenant, after=after):
        for row in rows:
            if row.state == "waiting" and row.cause in WEFACT_REFUSES_US:
                noted = documents.note(conn, tenant, row.kind, row.shop_id, now=now)
                engine.dispatch(conn, tenant, noted, reason=sweeping.SWEPT, now=lambda: now)
        after = rows[-1].id


def _known(conn: Connection, tenant: str, document_id: str, *, now: datetime) -> Document:
    """Return the document; one that was never seen is noted, whether the shop has it or not."""
    matched = _DOCUMENT_ID.fullmatch(document_id)
    if matched is None:
        return documents.get(conn, tenant, document_id)
    kind: Kind = "order" if matched[1] == "order" else "invoice"
    known = documents.find(conn, tenant, kind, int(matched[2]))
    return known or documents.note(conn, tenant, kind, int(matched[2]), now=now)


def _told(**facts: str) -> dict[str, str]:
    """Return what the journal is told: who asked for it, where a face knows that, and why."""
    return {name: value for name, value in facts.items() if value}


def _second(conn: Connection, found: Document, *, reason: str, who: str, now: datetime) -> Document:
    facts = _told(first=found.identifier, reason=reason.strip(), who=who)
    journal.append(conn, found.tenant, found.id, "again", facts, now=now)
    return documents.process_again(conn, found.tenant, found.id, now=now)
