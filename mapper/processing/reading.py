"""The first half of a document's work: fetch it, judge it, map it, check what only services know. Posts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from mapper import findings, mapping
from mapper.diagnostics import Finding
from mapper.errors import Fact
from mapper.mapping import Mapped, Request, Rulebooks
from mapper.money import decimal_text
from mapper.processing import plan, posting, verification, vies_evidence
from mapper.processing.connections import Connections
from mapper.processing.eligibility import Posted, created_at, is_of_the_future, is_out_of_the_books, judge
from mapper.processing.environment import Environment
from mapper.processing.fetching import fetched
from mapper.processing.outcome import Stop
from mapper.services import ccv_invoices
from mapper.store import documents, overlays, past, payloads, rulebooks, tenants
from mapper.store.rows import Document, Kind, Tenant

# An answer about VAT codes older than this is read anew before a document is held for a code it does not name.
CODES_TRUSTED_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Read:
    """A mapped document whose requests may be sent; `findings` are those kept with it."""

    payload_hash: str
    rules: Rulebooks
    mapped: Mapped
    requests: tuple[Request, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides about a document besides its payload."""

    tenant: Tenant
    settings: dict[str, Any]
    overlay: str
    document: Document
    posted: tuple[Posted, ...]
    undecided: str
    by_hand: bool
    migrated: bool


async def read(environment: Environment, document: Document, *, by_hand: bool) -> plan.Plan:
    """Fetch, judge, map and check a claimed document; keep all of it, and return what is to be sent.

    `by_hand`: a person asked for this document, so the go-live does not hold it back (R9); nor when a migration did.
    Raises Stop for every outcome but posting, and what the services' clients raise.
    """
    payload = await fetched(environment.connections, document)
    around = await environment.read(lambda conn: _circumstances(conn, document, payload, by_hand=by_hand))
    payload_hash = await environment.write(lambda conn: _keep_payload(conn, environment, document, payload))
    refused = refusal(
        document.kind,
        payload,
        settings=around.settings,
        process_from=around.tenant.process_from,
        posted=around.posted,
        go_live_applies=not (by_hand or around.migrated),
        now=environment.now(),
    )
    if refused is not None:
        raise refused
    if around.undecided:
        pause = environment.pause(max(1, document.attempts), at_least=environment.timing.settle)
        raise Stop("later", "PRO104", {"document": around.undecided}, seconds=pause)
    # Off the event loop: an order of hundreds of rows would make webhooks wait.
    rules = await asyncio.to_thread(environment.rules.of, document.tenant, around.overlay)
    mapped = await asyncio.to_thread(mapping.apply, rules, document.kind, payload, around.settings)
    result = Read(payload_hash, rules, mapped, mapped.requests, mapped.findings)
    stop = held(mapped)
    if stop is None:
        result, stop = await _asked(environment, around, result)
    await environment.write(lambda conn: _keep_mapping(conn, environment, around, result))
    if stop is not None:
        raise stop
    return plan.plan_of(result.requests)


def refusal(
    kind: Kind,
    payload: Mapping[str, Any],
    *,
    settings: Mapping[str, Any],
    process_from: datetime,
    posted: Collection[Posted],
    go_live_applies: bool,
    now: datetime,
) -> Stop | None:
    """Return why a document is not to be mapped at all, whatever the rules would make of it, or None."""
    verdict = judge(
        kind,
        payload,
        settings=settings,
        process_from=process_from,
        posted=posted,
        go_live_applies=go_live_applies,
    )
    if verdict.outcome != "post":
        return Stop(verdict.outcome, verdict.reason)
    if is_out_of_the_books(payload, now):
        return Stop("ignore", "older than what tax law keeps (R8)")
    if is_of_the_future(payload, now):
        return Stop("fail", "PRO216", {"date": str(payload.get("create_date"))[:40]})
    return None


def held(mapped: Mapped) -> Stop | None:
    """Return why the mapping may not be posted by its own findings, or None."""
    ignored = next((finding for finding in mapped.findings if "ignore" in finding.facts), None)
    if ignored is not None:
        return Stop("ignore", f"{ignored.facts['ignore']} ({ignored.id})")
    # What a rule wants to wait for (K7, K8) is a person's decision, not time: it belongs among the errors.
    holding = [one for one in mapped.findings if one.severity in {"error", "wait"}]
    first = next((one for one in holding if one.severity == "error"), holding[0] if holding else None)
    return None if first is None else Stop("fail", first.id, dict(first.facts))


async def _asked(environment: Environment, around: Circumstances, found: Read) -> tuple[Read, Stop | None]:
    """Ask the services what the rules could not know: VIES about a VAT number (K2), WeFact about VAT codes (K3)."""
    question = vies_evidence.question_among(found.findings)
    if question is not None:
        found, stop = await _ask_vies(environment, around, found, question)
        if stop is not None:
            return found, stop
    absent = await absent_codes(environment.connections, around.tenant.id, found.mapped)
    if absent is not None:
        return replace(found, findings=(*found.findings, absent)), Stop("fail", "K3", dict(absent.facts))
    return found, None


async def _ask_vies(
    environment: Environment, around: Circumstances, found: Read, asked: Finding
) -> tuple[Read, Stop | None]:
    """Keep what VIES says with the document: valid is the proof for a sale without VAT; unknown waits or drafts."""
    settings = around.settings
    question = verification.question_of(
        asked.facts["country"], asked.facts["number"], settings["vat_number"], settings["home_country"]
    )
    verdict = await verification.verify(environment, around.document, question, by_hand=around.by_hand)
    check, drafts = verdict.check, settings["checks"]["vies_unknown"] == "draft"
    said, requests = vies_evidence.judged(
        found.findings, found.requests, check, drafts=drafts, gave_up=verdict.gave_up
    )
    found = replace(found, findings=said, requests=requests)
    facts: dict[str, Fact] = {"country": question.country, "code": check.code}
    if check.state == "valid" or (check.state == "unknown" and drafts):
        return found, None
    if verdict.seconds is None:
        return found, Stop("fail", "K2", facts)
    return found, Stop("later", "K2", facts, seconds=verdict.seconds)


async def absent_codes(connections: Connections, tenant: str, mapped: Mapped) -> Finding | None:
    """Return the finding about VAT codes that would be sent but do not exist in WeFact (K3)."""
    used = {code for request in mapped.requests for code in _tax_codes(request.params)}
    known = sale_codes(await connections.wefact_settings(tenant))
    if known and used - known:
        known = sale_codes(await connections.wefact_settings(tenant, at_most=CODES_TRUSTED_SECONDS))
    if not known or not used - known:
        return None
    return findings.of_code("PRO213", missing_facts(sorted(used - known), mapped.document or {}), id="K3")


def missing_facts(codes: Sequence[str], document: Mapping[str, Any]) -> dict[str, str]:
    """Return what is needed to set codes that WeFact does not have: what for, and by which document (K3)."""
    needed = [line for line in document.get("lines", ()) if line["vat_code"] in codes]
    line: Mapping[str, Any] = needed[0] if needed else {"vat_percent": Decimal(0), "account": "revenue"}
    scheme = "ICP" if document.get("is_icp") else "International" if document.get("is_international") else ""
    return {
        "code": ", ".join(codes),
        "country": scheme or str(document.get("country", "")),
        "rate": decimal_text(line["vat_percent"], 10),
        "account": str(line["account"]),
        "document": str(document.get("number", "")),
    }


def sale_codes(settings: Mapping[str, Any]) -> set[str]:
    """Return the VAT codes for sales in WeFact's settings: an object keyed by code, or a list (wefact-api 2.4)."""
    tax = settings.get("Tax")
    codes = tax.get("Codes") if isinstance(tax, Mapping) else None
    sale = codes.get("Sale") if isinstance(codes, Mapping) else None
    if isinstance(sale, Mapping):
        return {str(code) for code in sale}
    if isinstance(sale, Sequence):
        return {str(row["TaxCode"]) for row in sale if isinstance(row, Mapping) and "TaxCode" in row}
    return set()


def _tax_codes(params: Mapping[str, Any]) -> set[str]:
    lines = params.get("InvoiceLines", ())
    rows = [params, *(line for line in lines if isinstance(line, Mapping))]
    return {str(row["TaxCode"]) for row in rows if row.get("TaxCode")}


def _keep_payload(
    conn: Connection, environment: Environment, document: Document, payload: Mapping[str, Any]
) -> str:
    customer = payload.get("customer")
    billing = customer.get("billingaddress") if isinstance(customer, Mapping) else None
    names = billing if isinstance(billing, Mapping) else {}
    documents.describe(
        conn,
        document.tenant,
        document.id,
        number=_text(payload.get("ordernumber_full" if document.kind == "order" else "invoicenumber_full")),
        order_number=_text(payload.get("ordernumber_full")),
        order_id=None if document.kind == "order" else ccv_invoices.order_id(payload),
        dated=created_at(payload),
        customer=_text(names.get("company")) or _text(names.get("full_name")),
        email=_text(customer.get("email")) if isinstance(customer, Mapping) else None,
        currency=_text(payload.get("currency")),
    )
    return payloads.keep(conn, document.tenant, document.id, payload, now=environment.now())


def _keep_mapping(conn: Connection, environment: Environment, around: Circumstances, found: Read) -> None:
    tenant, document = around.tenant.id, around.document.id
    total = (found.mapped.document or {}).get("total_incl")
    if total is not None:
        documents.describe(conn, tenant, document, total_incl=Decimal(str(total)))
    rulebooks.keep(conn, found.rules.texts, found.rules.hash, now=environment.now())
    payloads.keep_mapping(
        conn,
        tenant,
        document,
        payload_hash=found.payload_hash,
        rules=found.mapped.rules,
        settings_revision=around.tenant.settings_revision,
        document=found.mapped.document,
        requests=[plan.to_json(request) for request in found.requests],
        # In both languages: whoever reads it later chooses.
        findings=[
            {**finding.to_json(), "message": dict(finding.say), "help": dict(finding.help)}
            for finding in found.findings
        ],
        trace=found.mapped.trace.to_json(),
        now=environment.now(),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _circumstances(
    conn: Connection, document: Document, payload: Mapping[str, Any], *, by_hand: bool
) -> Circumstances:
    tenant = document.tenant
    return Circumstances(
        tenant=tenants.get(conn, tenant),
        settings=tenants.settings(conn, tenant),
        overlay=overlays.current(conn, tenant),
        document=document,
        posted=posted_otherwise(conn, tenant, document.kind, document.shop_id, payload),
        undecided=_undecided(conn, document, payload),
        by_hand=by_hand,
        migrated=past.is_agreed(conn, tenant, document.kind, document.shop_id),
    )


def posted_otherwise(
    conn: Connection, tenant: str, kind: Kind, shop_id: int, payload: Mapping[str, Any]
) -> tuple[Posted, ...]:
    """Return the documents of the other kind that are of the same order and in WeFact (K4)."""
    others = _of_same_order(conn, tenant, kind, shop_id, payload)
    return tuple(_as_posted(conn, one) for one in others if one.identifier)


def _of_same_order(
    conn: Connection, tenant: str, kind: Kind, shop_id: int, payload: Mapping[str, Any]
) -> tuple[Document, ...]:
    """Return the documents of the other kind that are of the same order.

    An invoice without its order's address is known by the order's number.
    """
    order = shop_id if kind == "order" else ccv_invoices.order_id(payload)
    number = _text(payload.get("ordernumber_full"))
    found = documents.of_order(conn, tenant, order) if order is not None else ()
    if number is not None:
        named = [one for one in documents.by_number(conn, tenant, number) if one.order_number == number]
        found += tuple(one for one in named if order is None or one.order_id is None)
    others = {one.id: one for one in found if one.kind != kind}
    return tuple(others.values())


def _undecided(conn: Connection, document: Document, payload: Mapping[str, Any]) -> str:
    """Return a document of the other kind, of the same order, whose invoice may be in WeFact: nobody knows yet."""
    for one in _of_same_order(conn, document.tenant, document.kind, document.shop_id, payload):
        if not one.identifier and one.state not in documents.SETTLED and posting.begun(conn, one):
            return one.id
    return ""


def _as_posted(conn: Connection, document: Document) -> Posted:
    kept = payloads.mapping(conn, document.tenant, document.id)
    at = kept.at if kept is not None else document.done_at or document.changed_at
    return Posted(document.code or document.id, at, document.total_incl)
