"""The invoice's code in WeFact, written to the shop's invoice after success; optional (`invoice.write_reference`).

It comes after the document is done, so nothing that happens here undoes or doubles an invoice. The write is looked at
before it is made, and what was not confirmed stays in the ledger as unknown: each sweep tries it again.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mapper.errors import MapperError, Refused
from mapper.processing.connections import Connections
from mapper.processing.engine import JSON
from mapper.processing.environment import Environment
from mapper.services.ccv import CcvShop
from mapper.store import documents, journal, operations
from mapper.store.database import Database
from mapper.store.rows import Document, Operation

STEP = "reference"
GIVE_UP = timedelta(days=7)

_log = logging.getLogger("mapper.processing")


def reference_of(document: Document) -> str:
    """Return what is written: the invoice's code; a draft's changes when it is sent, so then the Identifier."""
    return document.code if document.code and not document.code.startswith("[") else document.identifier


async def write(environment: Environment, tenant: str, document_id: str) -> dict[str, JSON]:
    """Write a done invoice's reference once. Never raises for what the shop says: the invoice is made."""
    found = await environment.read(lambda conn: documents.get(conn, tenant, document_id))
    if found.state != "done" or found.kind != "invoice":
        return {"written": False}
    operation = await environment.write(lambda conn: _begin(conn, found, now=environment.now()))
    if operation.state == "done":
        return {"written": True}
    try:
        shop = await environment.connections.shop(tenant)
        outcome = await _written(shop, found, await environment.read(lambda conn: _ours(conn, found)))
    except MapperError as error:
        code, refused = error.code, isinstance(error, Refused)
        await environment.write(
            lambda conn: _failed(conn, found, code, refused=refused, now=environment.now())
        )
        return {"written": False}
    await environment.write(lambda conn: _finish(conn, found, outcome, now=environment.now()))
    return {"written": outcome == "written"}


async def catch_up(database: Database, connections: Connections, tenant: str, *, now: datetime) -> int:
    """Write the references whose answer was lost or that could not be written; return how many are there now."""
    with database.read() as conn:
        left = [one for one in operations.unresolved(conn, tenant, before=now) if one.step == STEP]
        found = [documents.get(conn, tenant, one.document_id) for one in left]
        ours = {document.id: _ours(conn, document) for document in found}
    written = 0
    for operation, document in zip(left, found, strict=True):
        if now - operation.intent_at > GIVE_UP:
            continue
        try:
            outcome = await _written(await connections.shop(tenant), document, ours[document.id])
        except MapperError as error:
            _log.warning("reference of %s %s: %s", tenant, document.id, error.code)
            if isinstance(error, Refused):
                with database.begin() as conn:
                    operations.refuse(conn, tenant, operation.key, error=error.code, now=now)
            continue
        with database.begin() as conn:
            _finish(conn, document, outcome, now=now)
        written += 1
    return written


async def _written(shop: CcvShop, document: Document, ours: frozenset[str]) -> str:
    """Look first: a write whose answer got lost is there already, and what somebody else wrote there is theirs."""
    wanted = reference_of(document)
    present = await shop.external_reference(document.shop_id)
    if present == wanted:
        return "written"
    if present and present not in ours:
        return "kept"
    await shop.set_external_reference(document.shop_id, wanted)
    return "written"


def _begin(conn: Connection, document: Document, *, now: datetime) -> Operation:
    text = reference_of(document)
    return operations.begin(
        conn,
        document.tenant,
        document_id=document.id,
        step=STEP,
        key=_key(document),
        token=_key(document),
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        now=now,
    )


def _ours(conn: Connection, document: Document) -> frozenset[str]:
    """Return what we wrote there before: the reference of an invoice that a second one took the place of (R8)."""
    made = operations.of_document(conn, document.tenant, document.id)
    return frozenset(one.code for one in made if one.step == STEP and one.state == "done")


def _finish(conn: Connection, document: Document, outcome: str, *, now: datetime) -> None:
    text = reference_of(document)
    operations.finish(
        conn, document.tenant, _key(document), identifier=document.identifier, code=text, now=now
    )
    journal.append(conn, document.tenant, document.id, f"reference {outcome}", {"reference": text}, now=now)


def _failed(conn: Connection, document: Document, code: str, *, refused: bool, now: datetime) -> None:
    if refused:
        operations.refuse(conn, document.tenant, _key(document), error=code, now=now)
    else:
        operations.lost(conn, document.tenant, _key(document), error=code, now=now)
    journal.append(conn, document.tenant, document.id, "reference not written", {"cause": code}, now=now)


def _key(document: Document) -> str:
    return f"{STEP}:{document.id}:{document.again}"
