"""B3: the daemon is killed again and again while it works, and every order still has exactly one invoice."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal

import httpx
import pytest
from daemons import Home, Shop, charged, home, open_shop, wait_for

from mapper.store import journal

pytest_plugins = ["tests.postgres"]

CUSTOMERS = 6
SEED = 20261124

LISTENING = re.compile(r"(?:listening on (http://[0-9.]+:([0-9]+))|working; .*)\n")
PROGRAM = """
import sys
from pathlib import Path
from mapper.processing import daemon

where, key, port, only = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] or None
daemon.run(daemon.Options(where, key_file=key, port=port, loopback=True, settle=1.0, search_pause=0.05,
                          retry=0.1, redispatch_seconds=2, lease_seconds=3, only=only))
"""


class Child:
    """The daemon as a process of its own, at the same port after every start."""

    def __init__(self, at: Home) -> None:
        self.at = at
        self.port = 0
        self.only = ""
        self.log = at.folder / "daemon.log"
        self.process = None

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-c", PROGRAM, self.at.where, str(self.at.key_file), str(port), self.only]

    def start(self) -> str:
        with self.log.open("a") as log:
            known = self.log.stat().st_size
            self.process = subprocess.Popen(self.command(self.port), stderr=log, stdout=log)
        wait_for(
            lambda: LISTENING.search(self.said(), known) or self.process.poll() is not None,
            lambda: self.said()[known:],
            seconds=20,
        )
        found = LISTENING.search(self.said(), known)
        assert found, self.said()[known:]
        self.port = int(found[2] or 0)
        return found[1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(10) == -signal.SIGKILL

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def said(self) -> str:
        return self.log.read_text()


@contextmanager
def child(at: Home):
    daemon = Child(at)
    try:
        yield daemon
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.kill()


def sell(shop: Shop, orders: int) -> None:
    """Sell to a few customers, each several times."""
    for number in range(CUSTOMERS):
        count = orders // CUSTOMERS + (number < orders % CUSTOMERS)
        shop.sandbox.sell("nl_ideal", count=count, customer={"email": f"customer{number}@example.com"})


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "orders", "kills"), [("sqlite", 50, 6), ("postgresql", 18, 3)])
def test_B3_orders_under_kills_are_as_many_invoices_of_the_right_amounts(
    request, tmp_path, sandbox, kind, orders, kills
):
    chance = random.Random(SEED)
    url = "" if kind == "sqlite" else request.getfixturevalue("postgres").new_database()
    with home(tmp_path, url) as at, child(at) as daemon:
        shop = open_shop(at, sandbox, daemon.start())
        # Answers that come late make most kills fall into a call that is already executed.
        sandbox.fault("wefact", kind="delay", seconds=0.08, times=1000, when="after", match={"action": "add"})
        sell(shop, orders)
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 0.7))
            daemon.kill()
            daemon.start()
        wait_for(lambda: done(shop) == orders, lambda: (done(shop), daemon.said()[-2000:]), seconds=60)
        assert daemon.stop() == 0

        sold = {one["ordernumber_full"]: charged(one) for one in sandbox.objects("ccv")["orders"]}
        invoiced = {one["ReferenceNumber"]: Decimal(str(one["AmountIncl"])) for one in shop.invoices()}
        assert Counter(one["ReferenceNumber"] for one in shop.invoices()) == Counter(list(sold))
        assert invoiced == sold
        assert len(shop.debtors()) == CUSTOMERS
        with at.database.read() as conn:
            assert journal.verify(conn, shop.tenant) is None
            assert {one.identifier for one in shop.all()} == {
                str(one["Identifier"]) for one in shop.invoices()
            }


def done(shop: Shop) -> int:
    return sum(document.state == "done" for document in shop.all())


@pytest.mark.slow
def test_a_daemon_that_is_asked_to_stop_finishes_its_call_claims_nothing_and_still_takes_webhooks(
    tmp_path, sandbox
):
    with home(tmp_path) as at, child(at) as daemon:
        url = daemon.start()
        shop = open_shop(at, sandbox, url)
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        sandbox.fault("wefact", kind="delay", seconds=3, times=1, when="after", match={"action": "add"})
        first = shop.sell()
        wait_for(lambda: shop.calls("debtor", "add") > 0)
        shop.sandbox.sell("nl_ideal", count=2)
        wait_for(lambda: len(shop.all()) == 3)
        daemon.process.send_signal(signal.SIGTERM)
        wait_for(lambda: httpx.get(f"{url}/readyz", trust_env=False).status_code == 503)
        last = shop.sell()
        wait_for(lambda: shop.document(last) is not None)
        assert daemon.process.wait(20) == 0
        assert {one.id: one.state for one in shop.all() if one.id != first} == dict.fromkeys(
            {one.id for one in shop.all()} - {first}, "queued"
        )
        assert all("waiting" not in shop.events(document.id) for document in shop.all())
        assert len(shop.debtors()) == 1
        daemon.start()
        wait_for(lambda: done(shop) == 4, lambda: daemon.said()[-2000:])
        assert len(shop.invoices()) == 4
        assert daemon.stop() == 0


@pytest.mark.slow
def test_one_process_receives_webhooks_and_another_works_on_the_same_file(tmp_path, sandbox):
    with home(tmp_path) as at, child(at) as web, child(at) as worker:
        web.log, worker.log = tmp_path / "web.log", tmp_path / "worker.log"
        web.only, worker.only = "web", "worker"
        url = web.start()
        shop = open_shop(at, sandbox, url)
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 503
        order = shop.sell()
        wait_for(lambda: shop.document(order) is not None)
        assert shop.document(order).state == "queued"
        worker.start()
        shop.until(order, "done")
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        assert [web.stop(), worker.stop()] == [0, 0]


@pytest.mark.slow
def test_a_second_daemon_on_the_same_file_does_not_start(tmp_path, sandbox):
    with home(tmp_path) as at, child(at) as daemon:
        daemon.start()
        command = daemon.command(0)
        second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode != 0
        assert "STO103" in second.stderr
        assert daemon.stop() == 0
