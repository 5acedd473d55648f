"""One run: sell, kill, start again, lose answers; then let it come to rest, and judge what the services hold."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mapper.errors import MapperError
from mapper.torture import stage as staging
from mapper.torture.child import Entry, main
from mapper.torture.plan import SHOP_FAULTS, WEFACT_FAULTS, Blow, Plan, Sale
from mapper.torture.points import POINTS, TURN, AtService
from mapper.torture.stage import LEASE_SECONDS, Process, Stage
from mapper.torture.verdict import Verdict, judge

# How long nothing may move before a run is given up, and what is missing then is lost; seconds of this machine.
PATIENCE = 120.0
# How long a point is waited for; a daemon that does not come by is killed where it is.
REACH = 30.0
# How long a process that was frozen may act after it is thawed.
THAWED = 3.0
FORGED = 3
# How long after a call a service may still carry it out, in seconds of real life.
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to. `kills` by point, freezes among them; `elsewhere`: the point was not come by.

    `stopped`: documents that wait for a person, or for ever, with why. `broken_off`: why there is nothing to judge.
    """

    plan: Plan
    verdict: Verdict
    kills: Counter[str]
    elsewhere: Counter[str]
    stopped: tuple[str, ...]
    seconds: float
    broken_off: str = ""

    @property
    def is_right(self) -> bool:
        """Tell whether every order has exactly one right invoice."""
        return not (self.verdict.faults or self.stopped or self.broken_off)


@dataclass(slots=True)
class _Run:
    stage: Stage
    plan: Plan
    patience: float
    given_up: threading.Event
    process: Process | None = None
    sold: int = 0
    calm_since: float = 0
    by_hand: set[str] = field(default_factory=set)
    kills: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Bring one order to its invoice in calm: later lists must show it."""
        process = self._at_work()
        self.stage.register_webhooks(process.url)
        self.sell(self.plan.first)
        self.rest()

    def storm(self) -> None:
        """Let the services fail as the plan says."""
        stage, plan = self.stage, self.plan
        stage.ask("wefact", "PUT", "switches", plan.switches)
        stage.ask("wefact", "POST", "faults", list(plan.faults))
        signed = "address-body" if plan.signed else "off"
        switches = {"webhooks": plan.webhooks, "webhook_delay": 30, "webhook_signature": signed}
        stage.ask("ccv", "PUT", "switches", switches)
        for service, faults in (("wefact", WEFACT_FAULTS), ("ccv", SHOP_FAULTS)):
            weather = {"percent": plan.weather, "seed": plan.seed, "faults": list(faults)}
            match = {"match": {"method": "GET"}} if service == "ccv" else {}
            stage.ask(service, "PUT", "weather", weather | match)

    def calm(self) -> None:
        """Let the services work again."""
        for service in ("wefact", "ccv"):
            self.stage.ask(service, "PUT", "weather", {"percent": 0})
        self.stage.ask("ccv", "PUT", "switches", {"webhooks": "deliver", "webhook_delay": 0})
        self.calm_since = time.monotonic()

    def strike(self, blow: Blow) -> None:
        """Start a daemon, sell, and kill it at the point, or freeze it there until another one has done its work."""
        self._check()
        point = TURN if blow.point == TURN.id else POINTS[blow.point]
        self.stop()
        if isinstance(point.at, AtService):
            reached = self._at_service(point.at, blow)
        else:
            self.process = self.stage.start(point.at, nth=blow.nth, frozen=blow.frozen)
            self.process.until_ready()
            self.sell(*blow.sales, booked=blow.booked)
            reached = self._is_struck(self.process)
        if blow.frozen and self.process is not None:
            self._work_in_place_of(self.process)
        self.stop()
        (self.kills if reached else self.elsewhere)[point.id] += 1

    def lose_answers(self) -> None:
        """Sell, and lose WeFact's answer to each of the invoices; then sell the others."""
        if not self.plan.lost:
            return
        match = {"controller": "invoice", "action": "add"}
        faults = [dict(fault) | {"match": match} for _, fault in self.plan.lost]
        self.stage.ask("wefact", "POST", "faults", faults)
        self._at_work()
        self.sell(*(sale for sale, _ in self.plan.lost))
        self._wait(lambda: not self._ordered(match))
        self.sell(*self.plan.others)

    def rest(self) -> None:
        """Let one daemon bring everything to its end."""
        self._at_work()
        self._wait(lambda: self.stage.is_at_rest(self.sold))

    def outlast(self) -> None:
        """Wait until the services have carried out whatever they still may."""
        left = self.calm_since + LONGEST / self.stage.speed - time.monotonic()
        time.sleep(max(0.0, left))

    def send_webhooks_again(self) -> None:
        """Have all webhooks come once more, and some that somebody forged."""
        if not self.plan.late:
            return
        self.stage.ask("ccv", "POST", "deliveries", {})
        for order in self.stage.ask("ccv", "GET", "objects")["orders"][:FORGED]:
            self.stage.ask("ccv", "POST", "deliveries", {"forge": order["id"]})
            self.stage.ask("ccv", "POST", "deliveries", {"forge": order["id"] + 1_000_000})
        self._wait(self._is_delivered, REACH)
        self.rest()

    def _is_delivered(self) -> bool:
        sent = self.stage.ask("ccv", "GET", "deliveries")["deliveries"]
        return all(one["lost"] or one["status"] or one["error"] for one in sent)

    def stop(self) -> None:
        """Kill the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def sell(self, *sales: Sale, booked: bool = False) -> None:
        """Sell, in order; what is `booked` has an invoice by hand, too."""
        for sale in sales:
            number = self.stage.sell(sale.kind, sale.email)
            self.sold += 1
            if booked:
                self.by_hand.add(self.stage.book(number, debtor="1"))

    def _at_work(self) -> Process:
        if self.process is None:
            self.process = self.stage.start()
            self.process.until_ready()
        return self.process

    def _alive(self) -> Process:
        """Return the process; one that stopped by itself, since it lost its lease, is started again as it would be."""
        self._check()
        if self.process is not None and not self.process.is_alive:
            self.stop()
        return self._at_work()

    def _check(self) -> None:
        if self.given_up.is_set():
            raise MapperError("TOR102", reason="it was given up")

    def _is_struck(self, process: Process) -> bool:
        last = time.monotonic() + REACH
        while time.monotonic() < last and not process.listen(REACH):
            pass
        return process.is_struck

    def _at_service(self, at: AtService, blow: Blow) -> bool:
        """Have a call wait at the service, and tell whether it came."""
        fault = {"kind": "delay", "seconds": LONGEST, "when": "before" if blow.late else "after"}
        self.stage.ask(at.service, "POST", "faults", fault | {"match": dict(at.match), "skip": blow.nth - 1})
        process = self._at_work()
        self.sell(*blow.sales, booked=blow.booked)
        last = time.monotonic() + REACH
        while time.monotonic() < last:
            if not self._ordered(at.match, at.service):
                return True
            process.listen(0.05)
        self.stage.ask(at.service, "DELETE", "faults")
        return False

    def _ordered(self, match: object, service: str = "wefact") -> bool:
        faults = self.stage.ask(service, "GET", "faults")["faults"]
        return any(one["match"] == match for one in faults)

    def _work_in_place_of(self, frozen: Process) -> None:
        other, self.process = self.stage.start(worker=True), None
        try:
            self.process = other
            other.until_ready()
            self._wait(lambda: all(one.state == "done" for one in self.stage.documents()), REACH)
            frozen.thaw()
            last = time.monotonic() + THAWED
            while time.monotonic() < last and frozen.is_alive:
                frozen.listen(0.1)
        finally:
            frozen.kill()

    def _wait(self, is_over: Callable[[], bool], longest: float = float("inf")) -> None:
        """Wait until it is over, or nothing has moved for long: what is missing then, the verdict says."""
        known, moved = 0, time.monotonic()
        started = moved
        while not is_over() and time.monotonic() - started < longest:
            self._alive().listen(0.2)
            done = sum(one.state == "done" for one in self.stage.documents())
            if done != known:
                known, moved = done, time.monotonic()
            if time.monotonic() - moved > self.patience:
                return


def carry_out(
    plan: Plan,
    folder: Path,
    where: str,
    *,
    speed: int,
    entry: Entry = main,
    patience: float = PATIENCE,
    lease: float = LEASE_SECONDS,
    given_up: threading.Event,
) -> Ended:
    """Carry a plan out on the database `where`, with its files in `folder`, and judge what came of it.

    `entry` is what each process runs: the daemon. Once `given_up` is set the run is broken off within seconds.
    """
    started = time.monotonic()
    changes = {"invoice.send_by_email": "true", "products.synchronise": "true" if plan.products else "false"}
    with staging.opened(
        folder, where, seed=plan.seed, speed=speed, lease=lease, entry=entry, changes=changes
    ) as stage:
        run = _Run(stage, plan, patience, given_up)
        broken_off = ""
        try:
            run.begin()
            run.storm()
            for blow in plan.blows:
                run.strike(blow)
            run.lose_answers()
            run.calm()
            run.rest()
            run.send_webhooks_again()
            run.outlast()
        except MapperError as error:
            broken_off = str(error)
        finally:
            run.stop()
        shop = stage.ask("ccv", "GET", "objects")
        verdict = judge(
            shop,
            stage.ask("wefact", "GET", "objects"),
            stage.ask("wefact", "GET", "requests")["requests"],
            by_hand=run.by_hand,
        )
        sold = {order["id"] for order in shop["orders"]}
        stopped = tuple(
            f"{one.number or one.id} {one.state} {one.cause}".strip()
            for one in stage.documents()
            if one.state != "done" and one.shop_id in sold
        )
    seconds = time.monotonic() - started
    return Ended(plan, verdict, run.kills, run.elsewhere, stopped, seconds, broken_off)
