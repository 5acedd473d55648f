"""What processing a document would do now: fetched, judged and mapped as `mapper run` does it, but nothing is posted.

Nothing is stored either, and VIES is not asked: the finding K2 says that it would be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from mapper import mapping
from mapper.mapping import Mapped, Rulebooks
from mapper.processing import actions, plan, posting, reading, searching
from mapper.processing.adoption import texts_in_use
from mapper.processing.connections import Connections
from mapper.processing.outcome import Stop
from mapper.services.wefact import WeFact, text_of
from mapper.store import documents, payloads, tenants
from mapper.store.database import Database
from mapper.store.rows import Document, Kind, Tenant
from mapper.store.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Preview:
    """What the document was mapped to, and why it would not be posted (`stop`), if so.

    `debtor` is the Identifier of the one found, or empty: a new one, or none is needed. `begun`: an earlier go may have
    made the invoice already, so what was mapped then is shown, and would be brought to its end.
    """

    mapped: Mapped
    stop: Stop | None
    debtor: str
    begun: bool = False


def preview(
    database: Database,
    sealer: Sealer,
    tenant: str,
    shop_id: int,
    *,
    now: datetime,
    kind: Kind = "order",
    rules: Path | None = None,
    again: bool = False,
    reason: str = "",
    loopback: bool = False,
) -> Preview:
    """Return what `actions.process` would lead to, by the document's present content, the settings and the rules.

    `rules` is a folder to try in place of the rules in use. Only searches in WeFact.
    Raises what `actions.process` raises; RuleError, ServiceError.
    """
    started_with = mapping.load_rulebooks(rules)
    with database.read() as conn:
        known = documents.find(conn, tenant, kind, shop_id)
        if known is not None:
            # Posting anew deletes the draft first.
            removed = known.identifier if again else ""
            actions.check_processable(known, again=again, reason=reason, removed=removed)
        texts = texts_in_use(conn, tenant, fallback=lambda: started_with.texts, published=rules is None)
        row, settings = tenants.get(conn, tenant), tenants.settings(conn, tenant)
        begun = _begun(conn, known) if known is not None and not again else None
    rulebooks = mapping.rulebooks_from(texts, tenant=tenant)

    async def look() -> Preview:
        async with Connections(database, sealer, loopback=loopback) as connections:
            wefact = await connections.wefact(tenant)
            if begun is not None:
                return Preview(begun, None, await _debtor(wefact, begun), begun=True)
            mapped, stop = await foreseen(
                database, connections, row, settings, rulebooks, kind, shop_id, now=now
            )
            return Preview(mapped, stop, await _debtor(wefact, mapped))

    return asyncio.run(look())


async def foreseen(
    database: Database,
    connections: Connections,
    tenant: Tenant,
    settings: Mapping[str, Any],
    rulebooks: Rulebooks,
    kind: Kind,
    shop_id: int,
    *,
    now: datetime,
) -> tuple[Mapped, Stop | None]:
    """Fetch, judge and map a document that somebody asks for, whatever the go-live; return why it would stop, if so.

    Raises what the services' clients raise.
    """
    shop = await connections.shop(tenant.id)
    payload = await (shop.order(shop_id) if kind == "order" else shop.invoice(shop_id))
    mapped = mapping.apply(rulebooks, kind, payload, settings)
    with database.read() as conn:
        posted = reading.posted_otherwise(conn, tenant.id, kind, shop_id, payload)
    refused = reading.refusal(
        kind,
        payload,
        settings=settings,
        process_from=tenant.process_from,
        posted=posted,
        go_live_applies=False,
        now=now,
    )
    stop = refused or reading.held(mapped)
    if stop is None:
        absent = await reading.absent_codes(connections, tenant.id, mapped)
        if absent is not None:
            mapped = replace(mapped, findings=(*mapped.findings, absent))
            stop = reading.held(mapped)
    return mapped, stop


def _begun(conn: Connection, document: Document) -> Mapped | None:
    """Return what an earlier go mapped the document to, when it may have made the invoice."""
    kept = payloads.mapping(conn, document.tenant, document.id)
    if kept is None or not posting.begun(conn, document):
        return None
    requests = tuple(plan.from_json(request) for request in kept.requests)
    return Mapped(kept.document, requests, (), rules=kept.rules)


async def _debtor(wefact: WeFact, mapped: Mapped) -> str:
    request = next((one for one in mapped.requests if one.name == "debtor"), None)
    if request is None or request.find is None:
        return ""
    hits = await searching.find(wefact, request.find, {})
    return text_of(hits[0], "Identifier") if hits else ""
