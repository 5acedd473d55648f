"""The demo: a sandbox shop sells, its webhooks arrive, the real daemon invoices in a sandbox WeFact, and it adds up."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx

from mapper import onboarding, settings
from mapper.diagnostics import printable
from mapper.errors import Language, MapperError
from mapper.money import dumps, loads
from mapper.processing import daemon
from mapper.sandbox.serve import Sandbox
from mapper.services.http import Secret, Unlimited
from mapper.store import documents, payloads
from mapper.store.database import Database, open_database
from mapper.store.rows import Document, State
from mapper.store.sealing import create_key_file, load_sealer
from mapper.wording import reason_of

TENANT = "voorbeeldwinkel"
UNKNOWN_NUMBER = "DE129273398"
EXPLAINED = "invoice.InvoiceLines.1.PriceExcl"
PATIENCE_SECONDS = 60
END_STATES: frozenset[State] = frozenset({"done", "error", "ignored", "open"})
_ROW = "{:<10} {:<46} {:<14} {:<22} {:>9} {:>8} {:>9}"


@dataclass(frozen=True, slots=True)
class Sale:
    """What the shop sells, in words, and how it should end. `later` changes the order after its first webhook."""

    kind: str
    words: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    later: Mapping[str, Any] = field(default_factory=dict)
    ends: Literal["done", "error"] = "done"


SALES = (
    Sale("nl_ideal", "two VAT rates and a paid option, by iDEAL"),
    Sale("nl_b2b_excl", "a company, prices without VAT", {"paid": True}),
    Sale("discount_two_rates", "a coupon, spread over two VAT rates"),
    Sale("payment_fee", "payment costs and gift wrapping"),
    Sale("fractional_count", "1.25 metres of something"),
    Sale("de_oss_19", "a German consumer, 19 %"),
    Sale("icp_de", "a German company, its VAT number valid (ICP)"),
    Sale("export_us", "a customer in the United States, 0 %"),
    Sale("many_rows", "320 rows in one order"),
    Sale("unpaid", "paid a moment after it was ordered", later={"paid": True, "status": 1}),
    Sale(
        "icp_de",
        "ICP, but VIES does not know the number",
        {"customer": {"btw": UNKNOWN_NUMBER}},
        ends="error",
    ),
    Sale("eu_zero_rate", "a German consumer at 0 %: no VAT, no ICP", ends="error"),
    Sale("foreign_currency", "sold in Swedish kronor", ends="error"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs during the demo."""

    sandbox: Sandbox
    database: Database
    home: Path
    out: Callable[[str], None]
    language: Language
    command: str


def play(
    out: Callable[[str], None],
    *,
    seed: int = 1,
    keep: bool = False,
    language: Language = "en",
    command: str = "mapper",
) -> None:
    """Run the demo and tell it through `out`, line by line; `command` is how the person calls the mapper.

    Raises MapperError USE110 when an order does not end as it should, or the sums differ.
    """
    with ExitStack() as opened:
        if keep:
            home = Path(tempfile.mkdtemp(prefix="mapper-demo-"))
        else:
            home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="mapper-demo-")))
        create_key_file(home / "mapper.key")
        sandbox = opened.enter_context(Sandbox(seed=seed))
        database = opened.enter_context(open_database(home / "mapper.db"))
        asyncio.run(_play(Stage(sandbox, database, home, out, language, command)))
        if keep:
            out(f"\nEverything is kept: {command} report --home {home}")


async def _play(stage: Stage) -> None:
    out = stage.out
    out("On this machine now run a webshop, WeFact and VIES, emulated after their documentation,")
    out("and the mapper as it runs for real. The shop sells; every webhook travels over HTTP.\n")
    await _join(stage)
    async with _running(stage) as address:
        sealer = load_sealer(stage.home / "mapper.key", {})
        now = datetime.now(UTC)
        await onboarding.register_webhooks(stage.database, sealer, TENANT, address, loopback=True, now=now)
        out(_ROW.format("ORDER", "WHAT WAS SOLD", "INVOICE", "DEBTOR", "NET", "VAT", "GROSS").rstrip())
        sold = await _sell(stage)
        ended = await _watch(stage, sold)
    _tell_stopped(stage, sold, ended)
    await _tell_totals(stage, sold, ended)
    _tell_why(stage, next(id for id, sale in sold.items() if sale.kind == "nl_ideal"))
    out("\nNext:")
    for words, said in (
        ("sandbox --help", "play with the three services yourself, faults included"),
        ("explain FILE", "why any value of an order of your own is what it is"),
        ("init", "the real thing; then: tenant add, run (see the README)"),
    ):
        out(f"  {stage.command + ' ' + words:<28} {said}")


async def _join(stage: Stage) -> None:
    """Add the webshop as `mapper tenant add` does."""
    sandbox = stage.sandbox
    secret, wefact_key = Secret(sandbox.ccv_secret), Secret(sandbox.wefact_key)
    keys = onboarding.Keys(
        sandbox.ccv, sandbox.ccv_public, secret, wefact_key, wefact_url=sandbox.wefact, vies_url=sandbox.vies
    )
    await onboarding.connect(keys, Unlimited(), loopback=True)
    onboarding.add(
        stage.database,
        load_sealer(stage.home / "mapper.key", {}),
        TENANT,
        keys,
        settings.example(),
        who="demo",
        go_live_now=False,
        now=datetime.now(UTC),
    )


@asynccontextmanager
async def _running(stage: Stage) -> AsyncIterator[str]:
    """Run the daemon meanwhile; gives the address where it receives webhooks."""
    stop = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    options = daemon.Options(
        database=str(stage.home / "mapper.db"),
        key_file=stage.home / "mapper.key",
        port=0,
        loopback=True,
        say=lambda _: None,
    )
    serving = asyncio.create_task(daemon.serve(options, stop=stop, ready=address.set_result))
    try:
        waited: set[asyncio.Future[Any]] = {serving, address}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            raise MapperError("USE110", reason="the daemon did not start")
        yield address.result()
    finally:
        stop.set()
        await serving


async def _sell(stage: Stage) -> dict[str, Sale]:
    """Let the shop sell; returns each document's id with its sale."""
    await _admin(stage.sandbox.vies, "PUT", "switches", {"answers": {UNKNOWN_NUMBER: "INVALID"}})
    sold: dict[str, Sale] = {}
    for sale in SALES:
        answer = await _admin(
            stage.sandbox.ccv, "POST", "orders", {"kind": sale.kind, "changes": sale.changes}
        )
        order = answer["orders"][0]
        sold[f"order-{order['id']}"] = sale
        if sale.later:
            await _admin(stage.sandbox.ccv, "PATCH", f"orders/{order['id']}", sale.later)
    return sold


async def _watch(stage: Stage, sold: Mapping[str, Sale]) -> dict[str, Document]:
    """Print every document that becomes an invoice, until all have ended as they should."""
    ended: dict[str, Document] = {}
    last = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while left := [id for id in sold if id not in ended]:
        if asyncio.get_running_loop().time() > last:
            raise MapperError("USE110", reason=", ".join(_state(stage.database, id) for id in left))
        await asyncio.sleep(0.1)
        for id in left:
            document = await asyncio.to_thread(_document, stage.database, id)
            if document is not None and document.state == sold[id].ends:
                ended[id] = document
                if document.state == "done":
                    await _tell_invoice(stage, sold[id], document)
    return ended


def _state(database: Database, id: str) -> str:
    document = _document(database, id)
    return f"{id} is {document.state} {document.cause}" if document else f"{id} never came in"


def _document(database: Database, id: str) -> Document | None:
    with database.read() as conn:
        return documents.find(conn, TENANT, "order", int(id.partition("-")[2]))


async def _tell_invoice(stage: Stage, sale: Sale, document: Document) -> None:
    objects = await _admin(stage.sandbox.wefact, "GET", "objects")
    invoice = _invoice(objects, document.identifier)
    name = invoice.get("CompanyName") or f"{invoice.get('Initials', '')} {invoice.get('SurName', '')}"
    amounts = [f"{Decimal(str(invoice[key])):.2f}" for key in ("AmountExcl", "AmountTax", "AmountIncl")]
    cells = (document.number, sale.words, document.code, printable(str(name).strip(), 22))
    stage.out(_ROW.format(*cells, *amounts))


def _tell_stopped(stage: Stage, sold: Mapping[str, Sale], ended: Mapping[str, Document]) -> None:
    stage.out("\nStopped before anything was posted, as they should be:")
    with stage.database.read() as conn:
        for id, sale in sold.items():
            document = ended[id]
            if document.state == "error":
                reason = reason_of(conn, document, stage.language)
                stage.out(f"  {document.number}  {sale.words}")
                stage.out(f"             {document.cause}: {printable(reason.said)}")


async def _tell_totals(stage: Stage, sold: Mapping[str, Sale], ended: Mapping[str, Document]) -> None:
    """Compare what the shop charged with what WeFact invoices, both as the services themselves have it."""
    orders = {
        str(order["id"]): order
        for order in _listed(await _admin(stage.sandbox.ccv, "GET", "objects"), "orders")
    }
    objects = await _admin(stage.sandbox.wefact, "GET", "objects")
    done = [id for id in sold if ended[id].state == "done"]
    charged = sum((_charged(orders[id.partition("-")[2]]) for id in done), Decimal(0))
    invoices = _listed(objects, "invoices")
    invoiced = sum((Decimal(str(invoice["AmountIncl"])) for invoice in invoices), Decimal(0))
    equal = charged == invoiced and len(invoices) == len(done)
    sign = "=" if equal else "is not"
    stage.out(f"\n{len(done)} orders of € {charged:.2f} {sign} {len(invoices)} invoices of € {invoiced:.2f}.")
    if not equal:
        raise MapperError("USE110", reason=f"shop {charged:.2f}, WeFact {invoiced:.2f}")


def _tell_why(stage: Stage, id: str) -> None:
    from mapper.authoring.explain import explain_field
    from mapper.mapping import load_rulebooks

    with stage.database.read() as conn:
        payload = payloads.payload(conn, TENANT, id)
    explained = explain_field(load_rulebooks(), payload, settings.example(), EXPLAINED)
    stage.out("\nWhy the first line of the first invoice has its price, down to the rule's line:\n")
    for line in explained.render().splitlines():
        stage.out(f"  {line}")


def _charged(order: Mapping[str, Any]) -> Decimal:
    total = Decimal(str(order["total_price"]))
    return total if order["taxes_included"] else total + Decimal(str(order["total_tax"]))


def _invoice(objects: Mapping[str, Any], identifier: str) -> Mapping[str, Any]:
    return next(one for one in _listed(objects, "invoices") if str(one["Identifier"]) == identifier)


def _listed(objects: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    found = objects[kind]
    return list(found.values()) if isinstance(found, Mapping) else list(found)


async def _admin(base: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Call a sandbox's admin API."""
    url = httpx.URL(base).copy_with(path=f"/_sandbox/{path}")
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.request(method, url, content=dumps(body) if body is not None else None)
    if not answer.is_success:
        raise MapperError("USE110", reason=f"the sandbox answers {answer.status_code} to {method} {path}")
    return loads(answer.content) if answer.content else None
