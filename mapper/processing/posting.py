"""The second half of a document's work: debtor, products, invoice, the check of its totals, and sending it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mapper.mapping import Request
from mapper.processing import plan
from mapper.processing.connections import WEFACT_KEY
from mapper.processing.environment import Environment
from mapper.processing.ledger import Doubtful, Effect, Ledger
from mapper.processing.outcome import Stop
from mapper.services.wefact import text_of
from mapper.store import credentials, journal, operations, parties, payloads, tenants
from mapper.store.rows import Document, Tenant

MISMATCH = "W19"


async def ledger_of(environment: Environment, tenant: str) -> Ledger:
    """Return the tenant's ledger."""
    known, key_given_at = await environment.read(
        lambda conn: (tenants.get(conn, tenant), _key_given_at(conn, tenant))
    )
    return await _ledger(environment, known, key_given_at)


async def _ledger(environment: Environment, known: Tenant, key_given_at: datetime | None) -> Ledger:
    return Ledger(
        database=environment.database,
        wefact=await environment.connections.wefact(known.id),
        tenant=known.id,
        lease=environment.lease,
        now=environment.now,
        token=lambda key: mark_of(known, key),
        key_given_at=key_given_at,
        timing=environment.timing,
    )


def mark_of(tenant: Tenant, key: str) -> str:
    """Return the mark that WeFact keeps of an effect: of this tenant of this installation, the same for ever."""
    parts = (tenant.id, tenant.created_at.isoformat(), key)
    return f"mapper {hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:24]}"


async def is_begun(environment: Environment, document: Document) -> bool:
    """Tell whether the document's invoice was made, or may have been."""
    return await environment.read(lambda conn: begun(conn, document))


def begun(conn: Connection, document: Document) -> bool:
    """Tell it inside a transaction."""
    found = operations.find(conn, document.tenant, invoice_key(document))
    return found is not None and found.state != "refused"


async def stored_plan(environment: Environment, document: Document) -> plan.Plan:
    """Return the plan the document was last mapped to."""
    result = await environment.read(lambda conn: payloads.mapping(conn, document.tenant, document.id))
    assert result is not None, "a document is posted only after it was mapped"
    return plan.plan_of([plan.from_json(request) for request in result.requests])


async def debtor(
    environment: Environment, document: Document, request: Request, *, verify: bool = False
) -> str:
    """Return the Identifier of the document's debtor: our own record, else found by e-mail, else added (W14).

    Several with the same e-mail: the lowest, and the journal says so. Without an e-mail it is tied to the document.
    `verify` asks WeFact whether the recorded one still exists: the merchant may have deleted it there. One that was
    recorded before the present key was given is searched for: the key may be another administration's.
    """
    tenant, (email, tax_number) = document.tenant, _party(request)
    key = f"debtor:{_mark(email, tax_number) if email else f'{document.id}:{document.again}'}"

    def recorded(conn: Connection) -> tuple[str | None, str]:
        since = _key_given_at(conn, tenant)
        known = parties.debtor(conn, tenant, email, tax_number=tax_number, since=since) if email else None
        return known, _present(conn, tenant, key)

    known, key = await environment.read(recorded)
    if known is not None and verify and await _is_gone(environment, tenant, known):
        known, key = None, f"{key}:{known}"
    if known is not None:
        return known
    ledger = await ledger_of(environment, tenant)
    if email and (identifier := await _existing(environment, ledger, document, request)) is not None:
        await ledger.found(key, identifier)
    else:
        made = await ledger.ensure(request, key, document_id=document.id, names={}, several="lowest")
        identifier = made.identifier
    if email:
        await environment.write(
            lambda conn: parties.remember_debtor(
                conn, tenant, email, tax_number=tax_number, identifier=identifier, now=environment.now()
            )
        )
    return identifier


def _present(conn: Connection, tenant: str, key: str) -> str:
    """Return the key of an effect on the administration of the present WeFact key.

    What was made before that key was given may be in another one, where its Identifier is somebody else's.
    """
    given_at = _key_given_at(conn, tenant)
    while given_at is not None and (made := operations.find(conn, tenant, key)) is not None:
        if made.state != "done" or made.finished_at is None or made.finished_at >= given_at:
            break
        key = f"{key}:{made.identifier}"
    return key


def _key_given_at(conn: Connection, tenant: str) -> datetime | None:
    return credentials.given_at(conn, tenant, WEFACT_KEY)


async def _is_gone(environment: Environment, tenant: str, identifier: str) -> bool:
    wefact = await environment.connections.wefact(tenant)
    return await wefact.show("debtor", identifier) is None


async def product(environment: Environment, document: Document, request: Request) -> str:
    """Return the Identifier of a product: our own record, else found by its code, else added (W16, W17)."""
    tenant, code = document.tenant, text_of(request.params, "ProductCode")

    def recorded(conn: Connection) -> tuple[str | None, str]:
        known = parties.product(conn, tenant, code, since=_key_given_at(conn, tenant))
        return known, _present(conn, tenant, f"product:{code.casefold()}")

    known, key = await environment.read(recorded)
    if known is not None:
        return known
    ledger = await ledger_of(environment, tenant)
    identifier = await _existing(environment, ledger, document, request)
    if identifier is not None:
        await ledger.found(key, identifier)
    else:
        made = await ledger.ensure(request, key, document_id=document.id, names={}, several="lowest")
        identifier = made.identifier
    await environment.write(
        lambda conn: parties.remember_product(
            conn, tenant, code, identifier=identifier, now=environment.now()
        )
    )
    return identifier


async def invoice(
    environment: Environment, document: Document, request: Request, *, debtor_id: str
) -> Effect:
    """Return the document's one invoice, its totals checked (W19).

    Raises Stop `fail` W19 with the invoice's identifier when they differ: it is never posted again by itself.
    """
    ledger = await ledger_of(environment, document.tenant)
    names = {"debtor.Identifier": debtor_id} if debtor_id else {}
    effect = await ledger.ensure(request, invoice_key(document), document_id=document.id, names=names)
    await _verify(environment, document, request, effect)
    return effect


async def send(environment: Environment, document: Document, request: Request, *, invoice_id: str) -> bool:
    """Have the invoice mailed, once; returns False when it had been mailed already.

    Raises Doubtful PRO203 also for an invoice that may be another administration's.
    """
    tenant = document.tenant

    def known(conn: Connection) -> tuple[Tenant, datetime | None, bool]:
        return tenants.get(conn, tenant), _key_given_at(conn, tenant), is_of_earlier_key(conn, document)

    row, key_given_at, is_elsewhere = await environment.read(known)
    if is_elsewhere:
        raise Doubtful("PRO203", identifier=invoice_id)
    ledger = await _ledger(environment, row, key_given_at)
    key = f"send:{document.id}:{document.again}"
    return await ledger.send(request, key, document_id=document.id, invoice=invoice_id)


def is_of_earlier_key(conn: Connection, document: Document) -> bool:
    """Tell whether the document's invoice was made before the present WeFact key was given: see `_present`."""
    made = operations.find(conn, document.tenant, invoice_key(document))
    given_at = _key_given_at(conn, document.tenant)
    if made is None or made.finished_at is None or given_at is None:
        return False
    return made.state == "done" and made.finished_at < given_at


def invoice_key(document: Document) -> str:
    """Return the key of the document's invoice in the ledger; a deliberate second one has its own (R8)."""
    return f"invoice:{document.id}:{document.again}"


def wrong_totals(request: Request, effect: Effect) -> dict[str, str]:
    """Return the facts about totals that are not as expected, or nothing (W19). An amount not told is wrong too."""
    amounts = {"AmountIncl": effect.amount_incl, "AmountTax": effect.amount_tax}
    for expected in request.expect:
        amount = amounts.get(expected.field)
        if amount is None or abs(amount - expected.amount) > expected.tolerance:
            told = "" if amount is None else str(amount)
            return {"field": expected.field, "expected": str(expected.amount), "answered": told}
    return {}


async def _verify(environment: Environment, document: Document, request: Request, effect: Effect) -> None:
    facts = wrong_totals(request, effect)
    if not facts:
        await environment.write(lambda conn: tenants.clear_mismatches(conn, document.tenant))
        return
    raise Stop("fail", MISMATCH, dict(facts), identifier=effect.identifier, code=effect.code)


async def _existing(
    environment: Environment, ledger: Ledger, document: Document, request: Request
) -> str | None:
    if request.find is None:
        return None
    hits = await ledger.find(request.find, {})
    if len(hits) > 1:
        facts = {"identifiers": ", ".join(text_of(row, "Identifier") for row in hits)}
        await environment.write(
            lambda conn: journal.append(
                conn, document.tenant, document.id, f"several {request.name}s", facts, now=environment.now()
            )
        )
    return text_of(hits[0], "Identifier") if hits else None


def _party(request: Request) -> tuple[str, str]:
    """Return what identifies a debtor: the e-mail, and for ICP the VAT number, which the rule then searches by."""
    same: Mapping[str, Any] = {} if request.find is None else request.find.same
    return str(same.get("EmailAddress", "")), str(same.get("TaxNumber", ""))


def _mark(*parts: str) -> str:
    """Return a short mark of personal data for the ledger's key."""
    return hashlib.sha256("\0".join(part.strip().casefold() for part in parts).encode()).hexdigest()[:32]
