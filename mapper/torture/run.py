"""One run: sell, kill, start again, lose answers; then let it come to rest, and judge what the services hold."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mapper.errors import MapperError
from mapper.torture import stage as staging
from mapper.torture.child import Entry, main
from mapper.torture.plan import SHOP_FAULTS, WEFACT_FAULTS, Blow, Plan, Sale
from mapper.torture.points import POINTS, AtService
from mapper.torture.stage import Process, Stage
from mapper.torture.verdict import Verdict, judge

# How long a run may take without an order coming to its end before it is given up, in seconds of this machine.
PATIENCE = 120.0
# How long a point is waited for; a daemon that does not come by is killed where it is.
REACH = 20.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to. `kills` by point; `elsewhere`: killed, but the point was not come by."""

    plan: Plan
    verdict: Verdict
    kills: Counter[str]
    elsewhere: Counter[str]
    lost_answers: int
    stopped: tuple[str, ...]
    seconds: float

    @property
    def is_right(self) -> bool:
        """Tell whether every order has exactly one right invoice."""
        return not self.verdict.faults and not self.stopped


@dataclass(slots=True)
class _Run:
    stage: Stage
    plan: Plan
    sold: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)

    def sell(self, *sales: Sale) -> None:
        """Sell, in order."""
        for sale in sales:
            self.stage.sell(sale.kind, sale.email)
            self.sold += 1

    def begin(self) -> None:
        """Bring one order to its invoice in calm: later lists must show it."""
        process = self.stage.start()
        try:
            process.until_ready()
            self.stage.register_webhooks(process.url)
            self.sell(self.plan.first)
            self._until_at_rest(process)
        finally:
            process.kill()

    def storm(self) -> None:
        """Let the services fail as the plan says."""
        stage, plan = self.stage, self.plan
        stage.ask("wefact", "PUT", "switches", plan.switches)
        stage.ask("ccv", "PUT", "switches", {"webhooks": plan.webhooks, "webhook_delay": 30})
        for service, faults in (("wefact", WEFACT_FAULTS), ("ccv", SHOP_FAULTS)):
            weather = {"percent": plan.weather, "seed": plan.seed, "faults": list(faults)}
            match = {"match": {"method": "GET"}} if service == "ccv" else {}
            stage.ask(service, "PUT", "weather", weather | match)

    def calm(self) -> None:
        """Let the services work again."""
        for service in ("wefact", "ccv"):
            self.stage.ask(service, "PUT", "weather", {"percent": 0})
            self.stage.ask(service, "DELETE", "faults")
        self.stage.ask("ccv", "PUT", "switches", {"webhooks": "deliver", "webhook_delay": 0})

    def strike(self, blow: Blow) -> None:
        """Start a daemon, sell, and kill it at the point."""
        point = POINTS[blow.point]
        at = point.at
        if isinstance(at, AtService):
            process = self.stage.start()
            reached = self._at_service(process, at, blow)
        else:
            process = self.stage.start(at, nth=blow.nth)
            process.until_ready()
            self.sell(*blow.sales)
            reached = process.listen(REACH)
        process.kill()
        (self.kills if reached else self.elsewhere)[point.id] += 1

    def _at_service(self, process: Process, at: AtService, blow: Blow) -> bool:
        fault = {"kind": "delay", "seconds": 60, "when": "before" if blow.late else "after"}
        self.stage.ask(at.service, "POST", "faults", fault | {"match": dict(at.match), "skip": blow.nth - 1})
        process.until_ready()
        self.sell(*blow.sales)
        last = time.monotonic() + REACH
        while time.monotonic() < last:
            if not self.stage.ask(at.service, "GET", "faults")["faults"]:
                return True
            process.listen(0.02)
        self.stage.ask(at.service, "DELETE", "faults")
        return False

    def lose_answers(self) -> None:
        """Sell, and lose WeFact's answer to each invoice."""
        if not self.plan.lost:
            return
        match = {"controller": "invoice", "action": "add"}
        faults = [dict(fault) | {"match": match} for _, fault in self.plan.lost]
        self.stage.ask("wefact", "POST", "faults", faults)
        process = self.stage.start()
        try:
            process.until_ready()
            self.sell(*(sale for sale, _ in self.plan.lost))
            self._wait(process, lambda: not self.stage.ask("wefact", "GET", "faults")["faults"])
        finally:
            process.kill()

    def rest(self) -> None:
        """Let one daemon bring everything to its end."""
        process = self.stage.start()
        try:
            process.until_ready()
            self._until_at_rest(process)
        finally:
            process.kill()

    def _until_at_rest(self, process: Process) -> None:
        self._wait(process, lambda: self.stage.is_at_rest(self.sold))

    def _wait(self, process: Process, over: Callable[[], bool]) -> None:
        """Wait until it is over, or nothing has moved for long: what is missing then, the verdict says."""
        known, moved = 0, time.monotonic()
        while not over():
            process.listen(0.2)
            done = sum(one.state == "done" for one in self.stage.documents())
            if done != known:
                known, moved = done, time.monotonic()
            if not process.is_alive:
                raise MapperError("TOR102", reason="it ended by itself")
            if time.monotonic() - moved > PATIENCE:
                return


def carry_out(plan: Plan, folder: Path, where: str, *, speed: int, entry: Entry = main) -> Ended:
    """Carry a plan out on the database `where`, with its files in `folder`, and judge what came of it.

    `entry` is what each process runs: the daemon. Raises MapperError TOR102 when there is nothing to judge.
    """
    started = time.monotonic()
    changes = {"invoice.send_by_email": "true", "products.synchronise": "true" if plan.products else "false"}
    with staging.opened(folder, where, seed=plan.seed, speed=speed, entry=entry, changes=changes) as stage:
        run = _Run(stage, plan)
        run.begin()
        run.storm()
        for blow in plan.blows:
            run.strike(blow)
        run.lose_answers()
        run.calm()
        run.rest()
        verdict = judge(
            stage.ask("ccv", "GET", "objects"),
            stage.ask("wefact", "GET", "objects"),
            stage.ask("wefact", "GET", "requests")["requests"],
            mailed=True,
        )
        stopped = tuple(
            f"{one.number or one.id} {one.state} {one.cause}".strip()
            for one in stage.documents()
            if one.state != "done"
        )
    seconds = time.monotonic() - started
    return Ended(plan, verdict, run.kills, run.elsewhere, len(plan.lost), stopped, seconds)
