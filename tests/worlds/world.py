"""One simulated world: a shop sells, processes work, die and freeze, calls go wrong; in the end the books are compared.

Everything is drawn from one seed, so that a world can be run again. What is real: the processing code, its SQL on
SQLite, the services' clients, the emulators of the services. What is not: time, threads, the network, the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool
from worlds import process
from worlds.clock import AT_WORK, BEGINNING, VirtualLoop
from worlds.delivery import Delivery
from worlds.process import TTL, Process
from worlds.wire import FATES, SHOP, VIES, WEFACT

from mapper import mapping, onboarding, settings
from mapper.errors import MapperError
from mapper.money import dumps
from mapper.processing import sweep
from mapper.processing.adoption import RulesInUse
from mapper.processing.connections import Connections
from mapper.sandbox import ccv, vies, wefact
from mapper.sandbox.wire import Call, php_json
from mapper.services.http import Secret
from mapper.store import journal, listing, migrations
from mapper.store.database import Database
from mapper.store.sealing import Sealer
from mapper.web import webhook_path

TENANT = "winkel"
KINDS = ("nl_ideal", "nl_ideal", "discount_two_rates", "payment_fee", "surcharge")
SETTLES_WITHIN = 1500.0
CANCELLED = 8
LEFT_TO_A_PERSON = "PRO205"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed makes of a world."""

    machines: int
    orders: int
    customers: int
    mails: bool
    products: bool
    ends: float
    trouble: float
    kills: float
    freezes: float
    search_lag: int
    finds_references: bool
    fences: bool
    forgets: bool

    @classmethod
    def of(cls, chance: Random) -> Plan:
        machines = chance.choice((1, 1, 2))
        return cls(
            machines=machines,
            orders=chance.randint(1, 3),
            customers=chance.randint(1, 2),
            mails=chance.random() < 0.3,
            products=chance.random() < 0.2,
            ends=chance.uniform(10, 60),
            trouble=chance.choice((0.0, 0.3, 0.6, 0.9)),
            kills=chance.choice((0.0, 0.01, 0.03)),
            freezes=chance.choice((0.0, 0.0, 0.01, 0.03)),
            search_lag=chance.choice((0, 0, 6, 12)),
            finds_references=chance.random() < 0.7,
            fences=chance.random() < 0.5,
            forgets=chance.random() < 0.15,
        )


@dataclass(slots=True)
class Told:
    """How a world ended: what was wrong, and all that happened in it."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class World:
    """One at a time in an OS process: the database and the loop are used again."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.seed = stage, seed
        self.chance = Random(seed)
        self.plan = Plan.of(self.chance)
        self.loop, self.database, self.sealer = stage.loop, stage.database, stage.sealer
        self.rules = stage.rules()
        self.told = Told(seed)
        self.delivery = Delivery(self)
        self.processes: dict[str, Process] = {}
        self._starts = 0
        self._is_calm = False
        self._sold: dict[int, dict[str, Any]] = {}
        self._not_ours: set[int] = set()
        self._chores: set[asyncio.Task[Any]] = set()
        shop, books, register = (
            ccv.CcvShop(seed=seed, clock=self.now),
            wefact.WeFact(clock=self.now),
            vies.Vies(clock=self.now),
        )
        shop.base = SHOP
        books.controls.set(
            {"search_lag": self.plan.search_lag, "search_reference": self.plan.finds_references}
        )
        self.services: dict[str, Any] = {"shop": shop, "wefact": books, "vies": register}

    def now(self) -> datetime:
        return self.loop.now()

    def tell(self, what: str) -> None:
        self.told.story.append(f"{self.loop.time():9.3f} {what}")

    def broken(self, what: str) -> None:
        self.told.wrong.append(what)

    # What strikes

    def fate_of_call(self, service: str, *, changes: bool) -> str:
        """Most trouble comes where it hurts: a world in which nobody can read proves little."""
        if self._is_calm or self.chance.random() >= self.plan.trouble * (1.0 if changes else 0.15):
            return ""
        fate = self.chance.choice(FATES)
        # A ban lasts an hour: rare, or every world would be about nothing else.
        if fate == "ban" and (service != "wefact" or self.chance.random() < 0.8):
            return ""
        self.told.counts[fate] += 1
        return fate

    def strike(self, process: Process, *, may_be_long: bool, is_risky: bool) -> None:
        if self._is_calm:
            return
        drawn = self.chance.random() / (5.0 if is_risky else 1.0)
        if drawn < self.plan.kills:
            self.told.counts["killed"] += 1
            self.tell(f"{process.executor} is killed")
            self.gone(process)
        elif drawn < self.plan.kills + self.plan.freezes:
            longest = 3 * TTL.total_seconds() if may_be_long else 5.0
            seconds = self.chance.uniform(0.5, longest)
            self.told.counts["frozen"] += 1
            self.tell(f"{process.executor} is frozen for {seconds:.1f} s")
            process.freeze(seconds)

    def gone(self, process: Process) -> None:
        """A process ended; it is started again."""
        process.kill()
        if self.processes.get(process.name) is process:
            del self.processes[process.name]
            self._chore(self._start(process.name, after=self.chance.uniform(0.2, 15)))

    def some_process(self) -> Process | None:
        now = self.loop.time()
        able = [one for one in self.processes.values() if one.frozen_until <= now]
        return self.chance.choice(able) if able else None

    # What happens

    def live(self) -> Told:
        """Run the world to its end and compare the books."""
        self.loop.rewind()
        self.stage.reset(self.plan, self.delivery)
        try:
            self.loop.run_until_complete(self._live())
        finally:
            self.loop.run_until_complete(self._end())
            self.stage.left()
        return self.told

    async def _live(self) -> None:
        for number in range(self.plan.machines):
            await self._start(f"machine{number + 1}", after=0)
        for _ in range(self.plan.orders):
            self._chore(self._sale(self.chance.uniform(0, 20)))
        if self.plan.forgets:
            self._chore(self._forget(self.chance.uniform(5, self.plan.ends)))
        await asyncio.sleep(self.plan.ends)
        self._is_calm = True
        self.services["wefact"].controls.values["banned"] = False
        self.tell("calm from here on")
        while not self._is_settled():
            if self.loop.time() > SETTLES_WITHIN:
                self.broken(f"not settled: {self._states()}, {self.processes}, {self.delivery.works}")
                break
            await asyncio.sleep(5)
        # Whatever is still on its way arrives, and a hint of a week ago comes again.
        await asyncio.sleep(process.TIMING.settle)
        for shop_id in self._sold:
            await self._deliver("orders.created", shop_id)
        await asyncio.sleep(5)
        while not self.delivery.is_idle and self.loop.time() < SETTLES_WITHIN:  # noqa: ASYNC110 (virtual time)
            await asyncio.sleep(5)
        self._compare()

    async def _end(self) -> None:
        for one in self.processes.values():
            one.kill()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _chore(self, work: Any) -> None:
        task = self.loop.create_task(work)
        self._chores.add(task)

    async def _start(self, name: str, *, after: float) -> None:
        await asyncio.sleep(after)
        self._starts += 1
        executor = name if self.plan.machines == 1 else f"{name}.{self._starts}"
        process = Process(self, name, executor)
        self.tell(f"{executor} starts")
        token = AT_WORK.set(process)
        starting = self.loop.create_task(process.start())
        AT_WORK.reset(token)
        process.keep(starting)
        self.processes[name] = process
        if self.plan.machines == 1:
            # As the durable engine does for an executor of the same name.
            self.delivery.take_over(self.database.engine, [executor])
        self.delivery.hand_out()

    async def _sale(self, after: float) -> None:
        await asyncio.sleep(after)
        kind = self.chance.choice(KINDS)
        email = f"customer{self.chance.randrange(self.plan.customers)}@example.com"
        changes: dict[str, Any] = {"customer": {"email": email}}
        fortune = self.chance.random()
        if fortune < 0.15:
            changes |= {"paid": False}
        elif fortune < 0.2:
            changes |= {"status": CANCELLED}
        (order,) = self._shop("POST", ["orders"], {"kind": kind, "changes": changes})["orders"]
        self._sold[order["id"]] = order
        self.tell(f"order {order['id']} {kind} {email} is sold")
        if fortune < 0.2:
            self._not_ours.add(order["id"])
        await self._hint("orders.created", order["id"])
        if fortune < 0.1:
            await asyncio.sleep(self.chance.uniform(1, 30))
            self._shop("PATCH", ["orders", str(order["id"])], {"changes": {"paid": True}})
            self._not_ours.discard(order["id"])
            await self._hint("orders.updated.ispaid", order["id"])

    async def _hint(self, event_name: str, shop_id: int) -> None:
        """A webhook that is lost, late, doubled, or just delivered."""
        for _ in range(self.chance.choice((0, 1, 1, 1, 2))):
            await asyncio.sleep(self.chance.choice((0.0, 0.1, 20.0)) * self.chance.random())
            self._chore(self._deliver(event_name, shop_id))

    async def _deliver(self, what: str, shop_id: int) -> None:
        process = self.some_process()
        if process is not None:
            path = webhook_path(self.stage.token, what)
            process.do(
                process.receive(path, php_json({"id": shop_id, "sent": self.now().isoformat()}).encode())
            )

    async def _forget(self, after: float) -> None:
        await asyncio.sleep(after)
        lost = self.delivery.forget(lambda: self.chance.random() < 0.7)
        self.tell(f"the engine loses {lost} rows")

    async def sweep(self, connections: Connections) -> None:
        with contextlib.suppress(MapperError):
            await sweep.sweep_shop(
                self.database,
                connections,
                TENANT,
                now=self.now(),
                port=self.delivery,
                reread=timedelta(seconds=30),
            )

    def _shop(self, method: str, parts: list[str], body: dict[str, Any]) -> dict[str, Any]:
        call = Call(method, "", {}, b"", "127.0.0.1")
        answer: dict[str, Any] = self.services["shop"].admin(call, parts, body)
        return answer

    # How it ended

    def _states(self) -> dict[int, tuple[str, str]]:
        with self.database.read() as conn:
            rows = listing.page(conn, TENANT, limit=1000).documents
        return {one.shop_id: (one.state, one.cause) for one in rows}

    def _is_settled(self) -> bool:
        ours = self._sold.keys() - self._not_ours
        if len(self._sold) < self.plan.orders or len(self.processes) < self.plan.machines:
            return False
        if not self.delivery.is_idle or not all(one.done() for one in self._chores):
            return False
        states = self._states()
        return all(states.get(one, ("", ""))[0] in {"done", "error"} for one in ours)

    def _compare(self) -> None:
        """Compare what the shop sold with what stands in the books; our own tables only say the same."""
        books = self.services["wefact"].objects()
        ours = {one: order for one, order in self._sold.items() if one not in self._not_ours}
        sold = {order["ordernumber_full"]: charged(order) for order in ours.values()}
        states = self._states()
        # Whether there is an invoice nobody can tell: stopped for a person, who sees why.
        left = {one for one in ours if states.get(one) == ("error", LEFT_TO_A_PERSON)}
        invoiced = Counter(one["ReferenceNumber"] for one in books["invoices"])
        for one in left:
            if not invoiced[ours[one]["ordernumber_full"]]:
                del sold[ours[one]["ordernumber_full"]]
        amounts = {one["ReferenceNumber"]: Decimal(str(one["AmountIncl"])) for one in books["invoices"]}
        if invoiced != Counter(list(sold)):
            self.broken(f"sold {sorted(sold)}, invoiced {sorted(invoiced.elements())}")
        elif amounts != sold:
            self.broken(f"amounts {amounts}, not {sold}")
        for name, rows, field_name in (
            ("debtors", books["debtors"], "EmailAddress"),
            ("products", books["products"], "ProductCode"),
            ("mails", self.services["wefact"].admin(_OUTBOX, ["outbox"], {})["outbox"], "Identifier"),
        ):
            doubled = [
                one for one, count in Counter(str(row[field_name]) for row in rows).items() if count > 1
            ]
            if doubled:
                self.broken(f"{name} twice: {doubled}")
        wrong = {one: states.get(one) for one in set(ours) - left if states.get(one, ("", ""))[0] != "done"}
        if wrong:
            self.broken(f"not done: {wrong}")
        with self.database.read() as conn:
            if (entry := journal.verify(conn, TENANT)) is not None:
                self.broken(f"the journal is broken at {entry}")
        self.told.counts["orders"] += len(ours)
        self.told.counts["left to a person"] += len(left)
        self.told.counts["invoices"] += len(books["invoices"])


_OUTBOX = Call("GET", "", {}, b"", "127.0.0.1")


def charged(order: dict[str, Any]) -> Decimal:
    """Return what the customer paid."""
    total = Decimal(str(order["total_price"]))
    return total if order["taxes_included"] else total + Decimal(str(order["total_tax"]))


class Stage:
    """What one OS process has for all its worlds: a loop, compiled rules, and a database that is put back each time."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.sealer = Sealer.generate()
        self._rulebooks = mapping.load_rulebooks()
        sql = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True
        )
        event.listen(sql, "connect", _prepare)
        self.database = Database(sql, Path("world.db"))
        self._raw: sqlite3.Connection = sql.raw_connection().driver_connection  # type: ignore[assignment]
        self._delivery: Delivery | None = None
        self.token = ""
        event.listen(sql, "commit", self._committed)
        event.listen(sql, "rollback", self._rolled_back)
        self._first = functools.cache(self._beginning)

    def rules(self) -> RulesInUse:
        return RulesInUse(self._rulebooks)

    def reset(self, plan: Plan, delivery: Delivery) -> None:
        first, self.token = self._first(mails=plan.mails, products=plan.products)
        self._raw.deserialize(first)
        self._delivery = delivery

    def left(self) -> None:
        self._delivery = None

    def _beginning(self, *, mails: bool, products: bool) -> tuple[bytes, str]:
        """Return the database of a merchant who just installed."""
        with contextlib.closing(sqlite3.connect(":memory:")) as empty:
            # Without a page there is nothing to serialise.
            empty.execute("PRAGMA user_version = 1")
            self._raw.deserialize(empty.serialize())
        changes = {
            "products.synchronise": dumps(products),
            "invoice.send_by_email": dumps(mails),
            "invoice.status": dumps("sent"),
        }
        keys = onboarding.Keys(SHOP, ccv.PUBLIC, Secret(ccv.SECRET), Secret(wefact.KEY), WEFACT, VIES)
        with self.database.begin() as conn:
            migrations.migrate(conn)
        chosen = settings.changed(settings.example(), changes, today=BEGINNING.date())
        installed = onboarding.add(
            self.database, self.sealer, TENANT, keys, chosen, who="seed", go_live_now=True, now=BEGINNING
        )
        return self._raw.serialize(), installed.webhook_token

    def _committed(self, connection: object) -> None:
        if self._delivery is not None:
            self._delivery.committed(connection)

    def _rolled_back(self, connection: object) -> None:
        if self._delivery is not None:
            self._delivery.rolled_back(connection)


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    connection.execute("PRAGMA foreign_keys=ON")


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    made = Stage()
    asyncio.set_event_loop(None)
    try:
        yield made
    finally:
        made.database.close()
        made.loop.close()


def run(on: Stage, seed: int) -> Told:
    """Run the world of a seed."""
    return World(on, seed).live()
