"""Driving the dashboard without a terminal, and a webshop with documents in every state to look at.

PYTEST_DONT_REWRITE: tests also import from here, before pytest could rewrite it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from textual.pilot import Pilot

from mapper import mapping, settings
from mapper.processing import plan
from mapper.store import documents, journal, payloads, rulebooks, tenants, turnover
from mapper.store.database import Database
from mapper.store.sealing import Sealer
from tests import orders
from tui.app import MapperApp
from tui.memory import Memory
from tui.session import Session

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = "[bold]Eve[/] [@click=app.quit]x[/] [/nope] \x1b[2J\x1b]0;t\x07 \u202e\u200b\ud83d 👩‍👩‍👧 漢字 \x00"

PATIENT = 30.0
ASKING = frozenset({"process", "ask", "all", "publish", "end"})

Act = Callable[[MapperApp, Pilot[None]], Awaitable[None]]


def app_of(
    database: Database, tenant: str = "winkel", *, memory: Memory | None = None, **session: Any
) -> MapperApp:
    """Return the app for a webshop, at a frozen time."""
    given: dict[str, Any] = {"language": "en", "sealer": Sealer.generate, "who": "test", "now": lambda: NOW}
    given |= session
    opened = Session(
        database, tenant, given.pop("tenants", (tenant,)), given.pop("language"), given.pop("sealer"), **given
    )
    return MapperApp(lambda: opened, memory=memory or Memory(None), language=opened.language)


def drive(app: MapperApp, act: Act, size: tuple[int, int] = (120, 34)) -> None:
    """Run the app without a terminal and act on it."""

    async def run() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await settle(app, pilot)
            await act(app, pilot)

    asyncio.run(run())


async def settle(app: MapperApp, pilot: Pilot[None], *, waiting: bool = False, reached: bool = False) -> None:
    """Wait until everything that was begun is done; `waiting`: but for what waits for an answer in a window.

    What the cases reach of the rules takes seconds: that is waited for only when `reached`.
    """
    endless = {"watch"} if reached else {"watch", "reach"}
    deadline = asyncio.get_running_loop().time() + PATIENT
    while True:
        await pilot.pause()
        busy = [one for one in app.workers if one.group not in endless and not one.is_finished]
        if waiting and len(app.screen_stack) > 1:
            busy = [one for one in busy if one.group not in ASKING]
        if not busy:
            await pilot.pause()
            return
        assert asyncio.get_running_loop().time() < deadline, (busy, text_of(app))
        await asyncio.sleep(0.01)


def text_of(app: MapperApp) -> str:
    """Return what the screen shows, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def add_shop(database: Database, tenant: str = "winkel", **changes: Any) -> None:
    """Add a webshop with the example settings."""
    chosen = settings.check({**settings.example(), "name": "Voorbeeldwinkel", **changes})
    with database.begin() as conn:
        tenants.create(conn, tenant, name=tenant, settings=chosen, who="test", now=NOW)
        loaded = orders.rulebooks()
        rulebooks.keep(conn, loaded.texts, loaded.hash, now=NOW)


def add_order(
    database: Database,
    shop_id: int,
    payload: dict[str, Any],
    *,
    tenant: str = "winkel",
    ends: str = "done",
    cause: str = "",
    facts: dict[str, Any] | None = None,
    customer: str | None = None,
    dated: datetime | None = None,
) -> None:
    """Add an order as processing leaves it: payload and mapping kept, and brought to a state."""
    with database.begin() as conn:
        own = tenants.settings(conn, tenant)
        mapped = mapping.apply(orders.rulebooks(), "order", payload, own)
        noted = documents.note(conn, tenant, "order", shop_id, now=NOW)
        digest = payloads.keep(conn, tenant, noted.id, payload, now=NOW)
        document = mapped.document or {}
        payloads.keep_mapping(
            conn,
            tenant,
            noted.id,
            payload_hash=digest,
            rules=orders.rulebooks().hash,
            settings_revision=1,
            document=document or None,
            requests=[plan.to_json(one) for one in mapped.requests],
            findings=[
                {**one.to_json(), "message": dict(one.say), "help": dict(one.help)} for one in mapped.findings
            ],
            trace=mapped.trace.to_json(),
            now=NOW,
        )
        documents.describe(
            conn,
            tenant,
            noted.id,
            number=f"2026-{shop_id}",
            order_number=f"2026-{shop_id}",
            dated=dated or NOW - timedelta(hours=shop_id % 400),
            customer="Sanne de Vries" if customer is None else customer,
            email="sanne@example.nl",
            total_incl=document.get("total_incl", Decimal("10.00")),
            currency=payload.get("currency", "EUR"),
        )
        if ends == "open":
            return
        if ends == "ignored":
            documents.ignore(conn, tenant, noted.id, reason="booked by hand", by="person", now=NOW)
            return
        documents.claim(conn, tenant, noted.id, revision=noted.revision, worker="host-1", now=NOW)
        if ends == "done":
            documents.finish(
                conn, tenant, noted.id, identifier=str(shop_id), code=f"F2026-{shop_id}", now=NOW
            )
            turnover.keep(conn, tenant, noted.id)
            journal.append(conn, tenant, noted.id, "done", {"identifier": str(shop_id)}, now=NOW)
        elif ends == "error":
            documents.fail(conn, tenant, noted.id, cause=cause, facts=facts, now=NOW)
        elif ends == "waiting":
            documents.wait(
                conn, tenant, noted.id, until=NOW + timedelta(minutes=15), why=cause, facts=facts, now=NOW
            )


def fill(database: Database) -> None:
    """Add a webshop with a few documents in each state."""
    add_shop(database)
    rows = [orders.row("49.90"), orders.row("12.50", rate="9")]
    for shop_id in range(1, 6):
        add_order(database, shop_id, orders.order(*rows, shipping="4.95"))
    add_order(database, 6, orders.order(orders.row("100", rate="19"), country="DE"))
    add_order(database, 7, orders.order(orders.row("80"), currency="SEK"), ends="error", cause="K8")
    add_order(database, 8, orders.order(orders.row("30", rate="0"), country="DE"), ends="error", cause="K7")
    add_order(database, 9, orders.order(orders.row("31", rate="0"), country="DE"), ends="error", cause="K7")
    add_order(
        database,
        10,
        orders.order(),
        ends="error",
        cause="W19",
        facts={"field": "AmountIncl", "expected": "10.00", "answered": "10.01"},
    )
    add_order(database, 11, orders.order(paid=False), ends="open")
    add_order(database, 12, orders.order(), ends="waiting", cause="WEF101", facts={"action": "invoice/add"})
    add_order(database, 13, orders.order(), ends="ignored")
