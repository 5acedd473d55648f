"""B3: the daemon is killed again and again while it works, and every order still has exactly one invoice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal

import pytest
from daemons import Shop, charged, home, open_shop, wait_for

from mapper.store import journal

ORDERS, CUSTOMERS, KILLS = 50, 6, 7
SEED = 20261124

PROGRAM = """
import sys
from pathlib import Path
from mapper.processing import daemon

folder, port = Path(sys.argv[1]), int(sys.argv[2])
daemon.run(daemon.Options(folder / "mapper.db", key_file=folder / "key", port=port, loopback=True,
                          settle=1.0, search_pause=0.05, retry=0.1, redispatch_seconds=2))
"""


class Child:
    """The daemon as a process of its own, at the same port after every start."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.port = 0
        self.log = folder / "daemon.log"
        self.process = None

    def start(self) -> str:
        command = [sys.executable, "-c", PROGRAM, str(self.folder), str(self.port)]
        with self.log.open("a") as log:
            known = self.log.stat().st_size
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        wait_for(lambda: "listening on" in self.said()[known:], lambda: self.said()[known:], seconds=20)
        url = self.said()[known:].partition("listening on ")[2].split()[0]
        self.port = int(url.rpartition(":")[2])
        return url

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(10) == -signal.SIGKILL

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def said(self) -> str:
        return self.log.read_text()


@contextmanager
def child(folder):
    daemon = Child(folder)
    try:
        yield daemon
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.kill()


def sell(shop: Shop) -> None:
    """Sell to a few customers, each several times, some while the daemon is down."""
    for number in range(CUSTOMERS):
        count = ORDERS // CUSTOMERS + (number < ORDERS % CUSTOMERS)
        shop.sandbox.sell("nl_ideal", count=count, customer={"email": f"customer{number}@example.com"})


@pytest.mark.slow
def test_B3_fifty_orders_under_seven_kills_are_fifty_invoices_of_the_right_amounts(tmp_path, sandbox):
    chance = random.Random(SEED)
    with home(tmp_path) as at, child(tmp_path) as daemon:
        shop = open_shop(at, sandbox, daemon.start())
        # Answers that come late make most kills fall into a call that is already executed.
        sandbox.fault("wefact", kind="delay", seconds=0.12, times=1000, when="after", match={"action": "add"})
        sell(shop)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 0.9))
            daemon.kill()
            daemon.start()
        wait_for(lambda: done(shop) == ORDERS, lambda: (done(shop), daemon.said()[-2000:]), seconds=30)
        assert daemon.stop() == 0

        orders = {one["ordernumber_full"]: charged(one) for one in sandbox.objects("ccv")["orders"]}
        invoiced = {one["ReferenceNumber"]: Decimal(str(one["AmountIncl"])) for one in shop.invoices()}
        assert Counter(one["ReferenceNumber"] for one in shop.invoices()) == Counter(list(orders))
        assert invoiced == orders
        assert len(shop.debtors()) == CUSTOMERS
        with at.database.read() as conn:
            assert journal.verify(conn, shop.tenant) is None
            assert {one.identifier for one in shop.all()} == {
                str(one["Identifier"]) for one in shop.invoices()
            }


def done(shop: Shop) -> int:
    return sum(document.state == "done" for document in shop.all())


@pytest.mark.slow
def test_a_second_daemon_on_the_same_file_does_not_start(tmp_path, sandbox):
    with home(tmp_path), child(tmp_path) as daemon:
        daemon.start()
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), "0"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode != 0
        assert "STO103" in second.stderr
        assert daemon.stop() == 0
