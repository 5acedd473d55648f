"""The whole pipeline, measured against the sandbox: `./dev bench pipeline` (all, about ten minutes), or some by name.

    accept      a webhook accepted durably: 50 a second for 20 s, and 1,000 at once
    throughput  documents a minute from webhook to invoice, the service's limits switched off
    limits      the same with WeFact's limits, all times divided by `--pace`; calls per document by kind
    recovery    `mapper run` started, and killed and started again, on 10,000 waiting documents
    fairness    how long a webshop's single order waits behind the 10,000 of another
    memory      resident memory and Python's objects over many documents (`--documents`), and after a sweep of all

Sandbox, daemon and this program are three processes, on the same machine and its SQLite file with synchronous=FULL.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from mapper import onboarding, settings
from mapper.processing import engine
from mapper.sandbox import ccv, wefact
from mapper.services.http import Secret
from mapper.store import documents, limits, listing, schema, tenants
from mapper.store.database import Database, open_database
from mapper.store.sealing import Sealer, create_key_file, load_sealer
from mapper.store.upsert import insert_into
from mapper.web import webhook_path

LISTENING = re.compile(r"listening on (http://\S+)")
UNLIMITED = 100_000.0
# The sender's; the server gives up a connection that is silent for five seconds.
CONNECTIONS, SILENT_SECONDS = 50, 2.0
OBJECTS = re.compile(r"^(\d+) objects$", re.MULTILINE)
PROGRAM = """
import gc, sys, threading
from pathlib import Path
from mapper.processing import daemon

def count():
    for _ in sys.stdin:
        gc.collect()
        print(len(gc.get_objects()), "objects", flush=True)

threading.Thread(target=count, daemon=True).start()
daemon.run(daemon.Options(sys.argv[1], key_file=Path(sys.argv[2]), port=0, loopback=True, pace=float(sys.argv[3]),
                          sweep_seconds=3000))
"""
Figures = dict[str, Any]
Pipe: TypeAlias = "tuple[asyncio.StreamReader, asyncio.StreamWriter]"


@dataclass
class Bench:
    """A sandbox, an empty database, and the daemon when it runs."""

    folder: Path
    urls: dict[str, str]
    database: Database
    sealer: Sealer
    pace: float = UNLIMITED
    daemon: subprocess.Popen[bytes] | None = None
    url: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)

    def admin(self, service: str, method: str, path: str, body: Any = None) -> Any:
        root = httpx.URL(self.urls[service]).copy_with(path=f"/_sandbox/{path}")
        answer = httpx.request(method, root, json=body, trust_env=False, timeout=300)
        answer.raise_for_status()
        return answer.json()

    def webshop(self, tenant: str) -> None:
        keys = onboarding.Keys(
            self.urls["ccv"],
            ccv.PUBLIC,
            Secret(ccv.SECRET),
            Secret(wefact.KEY),
            self.urls["wefact"],
            self.urls["vies"],
        )
        added = onboarding.add(
            self.database, self.sealer, tenant, keys, settings.example(), who="bench", go_live_now=True,
            now=datetime.now(UTC),
        )  # fmt: skip
        self.tokens[tenant] = added.webhook_token

    def sell(self, count: int, *, customers: int) -> list[int]:
        """Sell without webhooks; each customer the same number."""
        sold: list[int] = []
        for number in range(customers):
            part = count // customers + (number < count % customers)
            changes = {"customer": {"email": f"customer{len(sold)}-{number}@example.com"}}
            body = {"kind": "nl_ideal", "count": part, "changes": changes}
            sold += [one["id"] for one in self.admin("ccv", "POST", "orders", body)["orders"]] if part else []
        return sold

    def start(self, pace: float = UNLIMITED) -> float:
        """Start the daemon and return after how many seconds it listened."""
        self.pace, started = pace, time.monotonic()
        log = self.folder / "daemon.log"
        command = [
            sys.executable,
            "-c",
            PROGRAM,
            str(self.folder / "mapper.db"),
            str(self.folder / "key"),
            str(pace),
        ]
        known = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self.daemon = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out)  # noqa: S603
        while not (found := LISTENING.search(log.read_text()[known:])):
            if self.daemon.poll() is not None:
                raise SystemExit(log.read_text()[-3000:])
            time.sleep(0.01)
        self.url = found[1]
        return time.monotonic() - started

    def start_at_rest(self, pace: float = UNLIMITED) -> None:
        """Start the daemon and let its first sweeps end: all webshops here are one shop of the sandbox."""
        log, deadline = self.folder / "daemon.log", time.monotonic() + 600
        known = log.stat().st_size if log.exists() else 0
        self.start(pace)
        while not all(f"sweep of {tenant}:" in log.read_text()[known:] for tenant in self.tokens):
            if time.monotonic() > deadline:
                raise SystemExit(log.read_text()[-3000:])
            time.sleep(0.05)

    def use_up_the_burst(self) -> None:
        """Leave no more calls than come back by and by: what a rested address may make at once does not last."""
        spent = datetime.now(UTC) + limits.BURST * limits.INTERVAL / self.pace
        with self.database.begin() as conn:
            bucket = {"address": "default", "next_free": spent}
            statement = insert_into(conn, schema.rate_bucket).values(bucket)
            conn.execute(statement.on_conflict_do_update(index_elements=["address"], set_=bucket))

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.daemon is not None:
            self.daemon.send_signal(number)
            self.daemon.communicate(timeout=60)
            self.daemon = None

    def queue(self, tenant: str, orders: list[int]) -> None:
        """Have documents wait as if their webhooks had been accepted."""
        for start in range(0, len(orders), 200):
            with self.database.begin() as conn:
                for order in orders[start : start + 200]:
                    noted = documents.note(conn, tenant, "order", order, now=datetime.now(UTC))
                    engine.dispatch(conn, tenant, noted, reason="webhook")

    def done(self, tenant: str) -> int:
        with self.database.read() as conn:
            return listing.counts(conn, tenant)["done"]

    def wait(self, tenant: str, count: int, *, seconds: float = 3600) -> float:
        """Wait until so many of a webshop's documents are done; return for how long."""
        started = time.monotonic()
        while (done := self.done(tenant)) < count:
            if time.monotonic() - started > seconds:
                raise SystemExit(
                    f"only {done} of {count} done: {(self.folder / 'daemon.log').read_text()[-2000:]}"
                )
            time.sleep(0.02)
        return time.monotonic() - started

    def calls(self) -> Counter[str]:
        requests = self.admin("wefact", "GET", "requests")["requests"]
        return Counter(f"{one['controller']}/{one['action']}" for one in requests)

    def resident(self) -> float:
        """Return the daemon's resident memory in MiB."""
        assert self.daemon is not None
        text = Path(f"/proc/{self.daemon.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        return int(found[1]) / 1024 if found else 0.0

    def objects(self) -> int:
        """Return how many objects the daemon's garbage collector knows once it has collected."""
        assert self.daemon is not None
        assert self.daemon.stdin is not None
        log = self.folder / "daemon.log"
        told = len(OBJECTS.findall(log.read_text()))
        self.daemon.stdin.write(b"\n")
        self.daemon.stdin.flush()
        while len(found := OBJECTS.findall(log.read_text())) == told:
            time.sleep(0.05)
        return int(found[-1])


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    sandbox = subprocess.Popen([sys.executable, "-m", "mapper", "sandbox"], stdout=subprocess.PIPE)
    try:
        assert sandbox.stdout is not None
        urls = json.loads(sandbox.stdout.readline())
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            create_key_file(folder / "key")
            with open_database(folder / "mapper.db") as database:
                engine.prepare(database.engine)
                one = Bench(folder, urls, database, load_sealer(folder / "key", {}))
                try:
                    yield one
                finally:
                    one.stop()
    finally:
        sandbox.terminate()
        sandbox.wait(30)


def accept(given: argparse.Namespace) -> Figures:
    with bench() as on:
        on.webshop("winkel")
        # As in production: documents are processed meanwhile, as fast as WeFact allows.
        on.start_at_rest(pace=1.0)
        on.use_up_the_burst()
        steady, burst = on.sell(given.webhooks, customers=20), on.sell(given.webhooks, customers=20)
        paced = asyncio.run(_post(on, "winkel", steady, per_second=50))
        at_once = asyncio.run(_post(on, "winkel", burst, per_second=None))
        took = max(at_once)
        _until_noted(on, 2 * given.webhooks)
    return {
        "at 50 a second: p50, p99, max in ms": [_ms(paced, share) for share in (0.5, 0.99, 1.0)],
        f"{given.webhooks:,} at once: p50, p99 in ms, and all in s": [
            _ms(at_once, 0.5),
            _ms(at_once, 0.99),
            round(took, 2),
        ],
    }


async def _post(on: Bench, tenant: str, orders: list[int], *, per_second: float | None) -> list[float]:
    """Return the seconds from when each was to be sent to its answer; sent whether or not others were answered.

    By bare sockets: with a client library the sender would be slower than what it measures.
    """
    url = httpx.URL(on.url + webhook_path(on.tokens[tenant], "orders.created"))
    free: list[tuple[float, Pipe]] = []
    limit, begun = asyncio.Semaphore(CONNECTIONS), time.monotonic()

    async def one(number: int, order: int) -> float:
        due = begun + (number / per_second if per_second else 0.0)
        await asyncio.sleep(max(due - time.monotonic(), 0))
        async with limit:
            used, pipe = free.pop() if free else (0.0, None)
            if pipe is None or used < time.monotonic() - SILENT_SECONDS:
                pipe = await asyncio.open_connection(url.host, url.port)
            await _send(pipe, url, json.dumps({"id": order}).encode())
            free.append((time.monotonic(), pipe))
        return time.monotonic() - due

    took = list(await asyncio.gather(*(one(number, order) for number, order in enumerate(orders))))
    for _, (_, writer) in free:
        writer.close()
    return took


async def _send(pipe: Pipe, url: httpx.URL, body: bytes) -> None:
    reader, writer = pipe
    head = f"POST {url.path} HTTP/1.1\r\nhost: {url.host}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answered = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").lower()
    length = re.search(r"content-length: (\d+)", answered)
    assert length is not None, answered
    told = await reader.readexactly(int(length[1]))
    assert answered.startswith("http/1.1 200 "), told


def _until_noted(on: Bench, count: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with on.database.read() as conn:
            if sum(listing.counts(conn, "winkel").values()) == count:
                return
        time.sleep(0.1)
    raise SystemExit("webhooks were accepted and never noted")


def throughput(given: argparse.Namespace) -> Figures:
    shops = [f"winkel-{number}" for number in range(4)]
    figures: Figures = {}
    for count in (1, 4):
        with bench() as on:
            each = max(1, given.documents // 4 // count)
            for shop in shops[:count]:
                on.webshop(shop)
            on.start_at_rest()
            sold = {shop: on.sell(each, customers=max(1, each // 10)) for shop in shops[:count]}
            started = time.monotonic()
            for shop, orders in sold.items():
                on.queue(shop, orders)
            for shop in sold:
                on.wait(shop, each)
            minutes = (time.monotonic() - started) / 60
            figures[f"documents a minute, {count} webshop(s)"] = round(each * count / minutes)
    return figures


def limits_(given: argparse.Namespace) -> Figures:
    with bench() as on:
        on.webshop("winkel")
        count = int(limits.BURST + 120 * given.pace)
        on.queue("winkel", on.sell(count, customers=count // 10))
        on.start(pace=given.pace)
        on.use_up_the_burst()
        on.wait("winkel", on.done("winkel") + 10)
        calls, done, started = on.calls(), on.done("winkel"), time.monotonic()
        time.sleep(given.seconds)
        later, after, took = on.calls(), on.done("winkel"), time.monotonic() - started
        made = later - calls
        times = sorted(
            datetime.fromisoformat(one["time"]).timestamp()
            for one in on.admin("wefact", "GET", "requests")["requests"]
        )
        # From call to call, not from when we looked: a call more or less is half a percent of a minute.
        counted = times[calls.total() : later.total() + 1]
        # 3,600 calls an hour.
        allowed = given.pace * (counted[-1] - counted[0])
        minute = 60 / given.pace
        most = max(sum(start <= at < start + minute for at in times) for start in times)
    return {
        f"documents a minute at {given.pace:g} times WeFact's pace": round((after - done) / took * 60, 1),
        "of the calls that the limit allows, %": round(100 * (len(counted) - 1) / allowed, 1),
        "most calls in a scaled minute (allowed: 200)": most,
        "calls per document": {name: round(n / (after - done), 3) for name, n in made.most_common()},
        "calls by customer": _calls_by_customer(),
    }


def _calls_by_customer() -> dict[str, dict[str, int]]:
    """Return what one document of a new, and one of a known customer takes, in a webshop that is at rest."""
    figures: dict[str, dict[str, int]] = {}
    with bench() as on:
        on.webshop("rust")
        on.start_at_rest()
        (first,) = on.sell(1, customers=1)
        changes = {"customer": {"email": "twice@example.com"}}
        body = {"kind": "nl_ideal", "count": 3, "changes": changes}
        new, known, mailed = (one["id"] for one in on.admin("ccv", "POST", "orders", body)["orders"])
        asked = {
            "first of a webshop": first,
            "new customer": new,
            "known customer": known,
            "known, mailed": mailed,
        }
        for place, (name, order) in enumerate(asked.items()):
            if name == "known, mailed":
                with on.database.begin() as conn:
                    chosen = settings.changed(
                        tenants.settings(conn, "rust"), {"invoice.send_by_email": "true"}
                    )
                    tenants.put_settings(conn, "rust", chosen, who="bench", now=datetime.now(UTC))
            before = on.calls()
            on.queue("rust", [order])
            on.wait("rust", place + 1)
            figures[name] = dict(on.calls() - before)
    return figures


def recovery(given: argparse.Namespace) -> Figures:
    with bench() as on:
        on.webshop("winkel")
        on.queue("winkel", on.sell(given.waiting, customers=100))
        listened = on.start()
        first = on.wait("winkel", 1)
        on.wait("winkel", 20)
        on.stop(signal.SIGKILL)
        known = on.done("winkel")
        again = on.start()
        next_one = on.wait("winkel", known + 1)
        memory = on.resident()
        on.wait("winkel", known + 30)
        invoiced = Counter(one["ReferenceNumber"] for one in on.admin("wefact", "GET", "objects")["invoices"])
        assert max(invoiced.values()) == 1
    return {
        "waiting documents": given.waiting,
        "s from start to listening, and to the first document done": [
            round(listened, 2),
            round(listened + first, 2),
        ],
        "the same after kill -9": [round(again, 2), round(again + next_one, 2)],
        "MiB": round(memory),
    }


def fairness(given: argparse.Namespace) -> Figures:
    with bench() as on:
        on.webshop("groot")
        on.webshop("klein")
        on.start_at_rest(pace=given.pace)
        on.use_up_the_burst()
        big = on.sell(given.waiting, customers=100)
        small = on.sell(10, customers=1)
        on.queue("groot", big)
        on.wait("groot", 10)
        waits, ahead = [], []
        for place, order in enumerate(small):
            before, started = on.done("groot"), time.monotonic()
            on.queue("klein", [order])
            on.wait("klein", place + 1)
            waits.append(time.monotonic() - started)
            ahead.append(on.done("groot") - before)
    return {
        "waiting documents of the other webshop": given.waiting,
        "s until a single order is done, median and longest": [_middle(waits), round(max(waits), 2)],
        "documents of the other done meanwhile, median and most": [_middle(ahead), max(ahead)],
    }


def memory(given: argparse.Namespace) -> Figures:
    with bench() as on:
        on.webshop("winkel")
        on.start_at_rest()
        figures: Figures = {}
        step = max(1, given.documents // 10)
        for number in range(1, 11):
            on.queue("winkel", on.sell(step, customers=max(1, step // 20)))
            on.wait("winkel", number * step)
            figures[f"MiB, objects after {number * step:,} documents"] = [
                round(on.resident(), 1),
                on.objects(),
            ]
        on.stop()
        # A daemon begins with a sweep, whose window here is all that was ever sold.
        on.start_at_rest()
        figures["MiB, objects after a sweep of all"] = [round(on.resident(), 1), on.objects()]
    return figures


def _ms(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def _middle(values: list[Any]) -> float:
    return round(sorted(values)[len(values) // 2], 2)


MEASURES = {
    "accept": accept,
    "throughput": throughput,
    "limits": limits_,
    "recovery": recovery,
    "fairness": fairness,
    "memory": memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measures", nargs="*", metavar="measure", help=", ".join(MEASURES))
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--webhooks", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--pace", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.measures) - MEASURES.keys():
        parser.error(f"no measure {min(unknown)}")
    found: Figures = {}
    for name in given.measures or MEASURES:
        found[name] = MEASURES[name](given)
        if not given.json:
            print(f"{name} (load {os.getloadavg()[0]:.1f})")
            for what, figure in found[name].items():
                print(f"  {what}: {figure}")
    if given.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
