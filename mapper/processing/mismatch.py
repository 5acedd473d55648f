"""The two ways out for a document whose invoice has another total (W19): take it as it is, or post it anew."""

from __future__ import annotations

import asyncio
from datetime import datetime

from mapper.errors import UsageError
from mapper.processing import actions, posting
from mapper.processing.connections import Connections
from mapper.services.wefact import WeFact, text_of
from mapper.store import documents, journal, tenants, turnover
from mapper.store.database import Database
from mapper.store.rows import Document
from mapper.store.sealing import Sealer

DRAFT = "0"


def has_invoice(document: Document) -> bool:
    """Tell whether a document stopped although its invoice was made."""
    return document.state in documents.STOPPED and bool(document.identifier)


def accept(
    database: Database, tenant: str, document_id: str, *, reason: str, now: datetime, who: str = ""
) -> Document:
    """Take the invoice that exists as the document's, as a person corrected it in WeFact: done.

    Raises UsageError PRO302 (no reason), PRO308 (there is no such invoice).
    """
    if not reason.strip():
        raise UsageError("PRO302")
    with database.begin() as conn:
        found = documents.get(conn, tenant, document_id)
        if not has_invoice(found):
            raise UsageError("PRO308", document=found.id)
        done = documents.accept(conn, tenant, document_id, now=now)
        turnover.keep(conn, tenant, document_id)
        facts = {"identifier": found.identifier, "code": found.code, "reason": reason.strip()}
        facts |= {"who": who} if who else {}
        journal.append(conn, tenant, document_id, "accepted", facts, now=now)
        return done


def post_anew(
    database: Database,
    sealer: Sealer,
    tenant: str,
    document_id: str,
    *,
    reason: str,
    now: datetime,
    loopback: bool = False,
    who: str = "",
) -> Document:
    """Delete the document's draft in WeFact, unless it is gone already, and have the document processed again.

    Raises UsageError PRO302 (no reason), PRO308 (there is no such invoice), PRO307 (the invoice is no draft);
    ServiceError.
    """
    if not reason.strip():
        raise UsageError("PRO302")
    with database.read() as conn:
        found = documents.get(conn, tenant, document_id)
        mark = posting.mark_of(tenants.get(conn, tenant), posting.invoice_key(found))
        is_elsewhere = posting.is_of_earlier_key(conn, found)
    if not has_invoice(found):
        raise UsageError("PRO308", document=found.id)

    async def remove() -> None:
        async with Connections(database, sealer, loopback=loopback) as connections:
            await _delete_draft(await connections.wefact(tenant), found, mark if is_elsewhere else "")

    asyncio.run(remove())
    return actions.process(
        database, tenant, document_id, now=now, again=True, reason=reason, removed=found.identifier, who=who
    )


async def _delete_draft(wefact: WeFact, document: Document, mark: str) -> None:
    """Delete it unless it is gone; where its Identifier may be another invoice's by now, only what carries its mark."""
    shown = await wefact.show("invoice", document.identifier)
    if shown is None or mark not in text_of(shown, "Comment"):
        return
    if text_of(shown, "Status") != DRAFT:
        raise UsageError("PRO307", identifier=document.code or document.identifier, document=document.id)
    # Deleting again what is gone does no harm, so that a lost answer needs no ledger.
    await wefact.call("invoice", "delete", {"Identifier": document.identifier}, changes=True)
