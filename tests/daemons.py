"""A real daemon in a thread of the test process, and webshops connected to it and to the sandbox."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete, select

from mapper import onboarding, settings
from mapper.money import dumps
from mapper.processing import actions, daemon, engine
from mapper.services.http import Secret
from mapper.store import documents, journal, listing, schema, tenants
from mapper.store.database import Database, open_database
from mapper.store.rows import Document
from mapper.store.sealing import Sealer, create_key_file, load_sealer

PATIENT = 30.0
SETTLED = frozenset({"done", "error", "ignored", "open"})
_numbers = count(1)

# Short enough for tests, in the same proportions as the defaults.
HASTY = {"settle": 0.6, "search_pause": 0.05, "retry": 0.1, "vies_retry": 0.2}


@dataclass(frozen=True, slots=True)
class Home:
    """A state folder: database (a file in it, or a URL), key, and what the daemon said."""

    folder: Path
    where: str
    database: Database
    sealer: Sealer
    said: list[str] = field(default_factory=list)

    @property
    def key_file(self) -> Path:
        return self.folder / "key"

    def options(self, **changes: Any) -> daemon.Options:
        known = daemon.Options(
            self.where, key_file=self.key_file, port=0, loopback=True, say=self.said.append
        )
        return replace(known, **{**HASTY, **changes})


@contextmanager
def home(folder: Path, url: str = ""):
    """Make an empty state folder with its database open: an SQLite file, or what `url` says."""
    create_key_file(folder / "key")
    where = url or str(folder / "mapper.db")
    with open_database(where) as database:
        yield Home(folder, where, database, load_sealer(folder / "key", {}))


@contextmanager
def running(at: Home, **changes: Any):
    """Run the daemon until the block ends; gives its base URL."""
    loop, stop, address = asyncio.new_event_loop(), asyncio.Event(), []
    started, failed = threading.Event(), []

    def ready(url: str) -> None:
        address.append(url)
        started.set()

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(daemon.serve(at.options(**changes), stop=stop, ready=ready))
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            started.set()

    thread = threading.Thread(target=work, name="daemon")
    thread.start()
    try:
        assert started.wait(20), "the daemon did not start"
        assert address, failed
        yield address[0]
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(30)


@dataclass(frozen=True, slots=True)
class Shop:
    """A webshop connected to a home and to the sandbox, as a merchant's installation leaves it."""

    home: Home
    sandbox: Any
    tenant: str

    def sell(self, kind: str = "nl_ideal", **changes: Any) -> str:
        """Sell one order and return its document id."""
        (order,) = self.sandbox.sell(kind, **changes)
        return f"order-{order['id']}"

    def change(self, document: str, **changes: Any) -> None:
        """Change an order in the shop; its webhooks fire."""
        self.sandbox.admin("ccv", "PATCH", f"orders/{document.partition('-')[2]}", changes)

    def document(self, document: str) -> Document | None:
        with self.home.database.read() as conn:
            return documents.find(conn, self.tenant, "order", int(document.partition("-")[2]))

    def all(self) -> tuple[Document, ...]:
        with self.home.database.read() as conn:
            return listing.page(conn, self.tenant, limit=1000).documents

    def until(self, document: str, *states: str, cause: str | None = None) -> Document:
        """Wait until a document is in one of the states (settled ones when none is named)."""
        wanted = frozenset(states) or SETTLED

        def arrived() -> bool:
            found = self.document(document)
            return found is not None and found.state in wanted and (cause is None or found.cause == cause)

        wait_for(arrived, lambda: self.document(document))
        found = self.document(document)
        assert found is not None
        return found

    def rest(self) -> None:
        """Wait until every webhook has arrived and was noted, and no work is queued, delayed or running."""
        deliveries = "ccv", "GET", "deliveries"
        wait_for(lambda: all(one["status"] for one in self.sandbox.admin(*deliveries)["deliveries"]))
        wait_for(lambda: not self._hints())
        wait_for(lambda: engine.backlog(self.home.database.engine, self.tenant) == 0)

    def _hints(self) -> Sequence[object]:
        with self.home.database.read() as conn:
            return conn.execute(select(schema.hint).where(schema.hint.c.tenant == self.tenant)).all()

    def process(self, document: str, **how: Any) -> Document:
        return actions.process(self.home.database, self.tenant, document, now=datetime.now(UTC), **how)

    def settings(self, **changes: Any) -> None:
        """Change settings by path, such as `invoice__status="sent"`."""
        with self.home.database.begin() as conn:
            present = tenants.settings(conn, self.tenant)
            new = settings.changed(present, _written(changes))
            tenants.put_settings(conn, self.tenant, new, who="test", now=datetime.now(UTC))

    def events(self, document: str | None = None) -> list[str]:
        with self.home.database.read() as conn:
            return [entry.event for entry in journal.entries(conn, self.tenant, document_id=document)]

    def invoices(self) -> list[dict[str, Any]]:
        return self.sandbox.objects("wefact")["invoices"]

    def debtors(self) -> list[dict[str, Any]]:
        return self.sandbox.objects("wefact")["debtors"]

    def retire(self) -> None:
        """Pause every webshop: a sweep by the clock must not find the orders of the next test for them."""
        with self.home.database.begin() as conn:
            for tenant in tenants.everyone(conn):
                tenants.pause(conn, tenant.id, reason="the test is over", now=datetime.now(UTC))

    def add_debtor(self, **fields: str) -> None:
        """Have the merchant add a debtor in WeFact by hand."""
        self.wefact("debtor", "add", **{"SurName": "Jansen"} | fields)

    def wefact(self, controller: str, action: str, **params: Any) -> None:
        """Have the merchant do something in WeFact by hand."""
        call = {"api_key": self.sandbox.wefact_key, "controller": controller, "action": action}
        answer = httpx.post(self.sandbox.wefact, json=call | params, trust_env=False).json()
        assert answer["status"] == "success", answer

    def calls(self, controller: str, action: str) -> int:
        requests = self.sandbox.admin("wefact", "GET", "requests")["requests"]
        return sum((one["controller"], one["action"]) == (controller, action) for one in requests)


def open_shop(at: Home, sandbox: Any, url: str | None, **changes: Any) -> Shop:
    """Connect a new webshop; with the daemon's `url` also its webhooks. `changes` are settings by path."""
    tenant, now = f"winkel-{next(_numbers)}", datetime.now(UTC)
    keys = onboarding.Keys(
        sandbox.ccv,
        sandbox.ccv_public,
        Secret(sandbox.ccv_secret),
        Secret(sandbox.wefact_key),
        sandbox.wefact,
        sandbox.vies,
    )
    chosen = settings.changed(settings.example(), _written(changes))
    onboarding.add(at.database, at.sealer, tenant, keys, chosen, who="test", go_live_now=True, now=now)
    with at.database.begin() as conn:
        conn.execute(delete(schema.vies_breaker))
        conn.execute(delete(schema.rate_bucket))  # tests share one address and would use its budget up
    if url is not None:
        asyncio.run(onboarding.register_webhooks(at.database, at.sealer, tenant, url, loopback=True, now=now))
    return Shop(at, sandbox, tenant)


def _written(changes: Mapping[str, Any]) -> dict[str, str]:
    return {path.replace("__", "."): dumps(value) for path, value in changes.items()}


def wait_for(
    true: Callable[[], bool], what: Callable[[], object] = lambda: "it", seconds: float = PATIENT
) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what()}"
        time.sleep(0.05)


def charged(order: Mapping[str, Any]) -> Decimal:
    """Return what the customer paid for an order of the sandbox's shop."""
    total = Decimal(str(order["total_price"]))
    return total if order["taxes_included"] else total + Decimal(str(order["total_tax"]))
