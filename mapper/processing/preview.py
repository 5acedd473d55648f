"""What would be posted for a document of the shop now: fetched, judged and mapped, but neither posted nor stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from mapper import mapping
from mapper.mapping import Mapped
from mapper.processing import ledger
from mapper.processing.adoption import texts_in_use
from mapper.processing.connections import Connections
from mapper.processing.eligibility import judge
from mapper.processing.reading import posted_otherwise
from mapper.services.wefact import WeFact, text_of
from mapper.store import tenants
from mapper.store.database import Database
from mapper.store.rows import Kind
from mapper.store.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Preview:
    """`why` tells why a document is not eligible; `debtor` is the Identifier of the one found, or empty: a new one."""

    eligible: bool
    why: str
    mapped: Mapped
    debtor: str


def preview(
    database: Database,
    sealer: Sealer,
    tenant: str,
    shop_id: int,
    *,
    kind: Kind = "order",
    rules: Path | None = None,
    loopback: bool = False,
) -> Preview:
    """Return what processing an order or invoice would do by its present content, the settings and the rules.

    `rules` is a folder to try in place of the rules in use. Only searches in WeFact.
    Raises RuleError, ServiceError, UsageError STO110 (no such tenant).
    """

    async def look() -> Preview:
        async with Connections(database, sealer, loopback=loopback) as connections:
            shop = await connections.shop(tenant)
            payload = await (shop.order(shop_id) if kind == "order" else shop.invoice(shop_id))
            mapped = mapping.apply(rulebooks, kind, payload, settings)
            debtor = await _debtor(await connections.wefact(tenant), mapped)
        with database.read() as conn:
            posted = posted_otherwise(conn, tenant, kind, shop_id, payload)
        verdict = judge(kind, payload, settings=settings, process_from=row.process_from, posted=posted)
        return Preview(verdict.outcome == "post", verdict.reason, mapped, debtor)

    started_with = mapping.load_rulebooks(rules)
    with database.read() as conn:
        texts = (
            started_with.texts if rules else texts_in_use(conn, tenant, fallback=lambda: started_with.texts)
        )
        row, settings = tenants.get(conn, tenant), tenants.settings(conn, tenant)
    rulebooks = mapping.rulebooks_from(texts, tenant=tenant)
    return asyncio.run(look())


async def _debtor(wefact: WeFact, mapped: Mapped) -> str:
    request = next((one for one in mapped.requests if one.name == "debtor"), None)
    if request is None or request.find is None:
        return ""
    hits = await ledger.find(wefact, request.find, {})
    return text_of(hits[0], "Identifier") if hits else ""
