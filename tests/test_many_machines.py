"""B8: three processes on one PostgreSQL, two of them killed and frozen at random: every order has one invoice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from children import LEASE, Child, child, done, sell
from daemons import charged, home, open_shop, wait_for

from mapper.processing.lease import Lease, reap
from mapper.store import heartbeats, journal

pytest_plugins = ["tests.postgres"]

SEED = 20261124
ORDERS = 18


def chaos(children: list[Child], chance: random.Random) -> None:
    """Kill, and freeze for less and for longer than the lease, one of the children at a time."""
    for how in chance.sample(["kill", "kill", "freeze", "freeze long"], 4):
        victim = chance.choice(children)
        time.sleep(chance.uniform(0.1, 0.6))
        if how == "kill":
            victim.kill()
        else:
            victim.send(signal.SIGSTOP)
            time.sleep(LEASE * (1.6 if how == "freeze long" else 0.3))
            victim.send(signal.SIGCONT)
        if how == "freeze long":
            # It notices at its next beat that others have its work, and stops by itself.
            assert victim.ended() == 0, victim.said()[-2000:]
        revive(children)


def revive(children: list[Child]) -> None:
    """Start again what is gone, as its operator's system does: on a busy machine one may lose its lease by itself."""
    for one in children:
        if not one.is_alive:
            one.start()


@pytest.mark.slow
def test_B8_three_processes_of_which_two_die_and_freeze_lose_and_double_nothing(tmp_path, sandbox, postgres):
    with home(tmp_path, postgres.new_database()) as at, ExitStack() as stack:
        children = [stack.enter_context(child(at, f"daemon-{number}")) for number in range(3)]
        steady, *others = children
        shop = open_shop(at, sandbox, steady.start())
        revive(others)
        sandbox.fault("wefact", kind="delay", seconds=0.15, times=1000, when="after", match={"action": "add"})
        sell(shop, ORDERS)
        chaos(others, random.Random(SEED))

        def all_done() -> bool:
            revive(children)
            return done(shop) == ORDERS

        wait_for(all_done, lambda: [one.said()[-1500:] for one in children], seconds=90)

        sold = {one["ordernumber_full"]: charged(one) for one in sandbox.objects("ccv")["orders"]}
        assert Counter(one["ReferenceNumber"] for one in shop.invoices()) == Counter(list(sold))
        invoiced = {one["ReferenceNumber"]: Decimal(str(one["AmountIncl"])) for one in shop.invoices()}
        assert invoiced == sold
        with at.database.read() as conn:
            assert journal.verify(conn, shop.tenant) is None
        assert [one.stop() for one in children] == [0, 0, 0]


class Starting:
    """An engine on which a process has just begun to work, while the reaper looks."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.taken: list[str] = []

    def executors_at_work(self, _engine):
        self.lease.beat()
        return {self.lease.executor}

    def take_over(self, _engine, dead):
        self.taken += dead
        return len(dead)


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(minutes=10)], ids=["just started", "slow clock"])
def test_B8_a_process_that_lives_keeps_its_work_whenever_it_began_and_whatever_its_clock(
    tmp_path, postgres, behind
):
    with home(tmp_path, postgres.new_database()) as at:
        now = datetime.now(UTC)
        living = Lease(at.database, "run-1", now=lambda: now - behind, clock=time.monotonic, exclusive=False)
        port = Starting(living)
        reap(at.database, now=now, port=port)
        assert port.taken == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_B8_what_a_process_had_is_taken_over_within_the_heartbeats_limit(tmp_path, sandbox, postgres, number):
    with home(tmp_path, postgres.new_database()) as at, ExitStack() as stack:
        first, second = (stack.enter_context(child(at, name)) for name in ("first", "second"))
        shop = open_shop(at, sandbox, first.start())
        sandbox.fault("wefact", kind="delay", seconds=8, times=1, when="after", match={"action": "add"})
        shop.sell()
        wait_for(lambda: shop.calls("debtor", "add") == 1)
        second.start()
        (document,) = shop.all()
        holder = document.claimed_by
        first.send(number)
        fallen = time.monotonic()
        wait_for(
            lambda: (found := shop.document(document.id)).claimed_by != holder or found.state != "processing",
            lambda: (shop.all(), second.said()[-2000:]),
            seconds=60,
        )
        taken = time.monotonic() - fallen
        wait_for(lambda: done(shop) == 1, lambda: (shop.all(), second.said()[-2000:]), seconds=40)
        assert taken < 3 * LEASE
        assert (len(shop.invoices()), len(shop.debtors())) == (1, 1)
        with at.database.read() as conn:
            now = datetime.now(UTC)
            assert len(heartbeats.alive(conn, now=now, ttl=timedelta(seconds=LEASE))) == 1
        if number == signal.SIGSTOP:
            first.send(signal.SIGCONT)
            assert first.ended(60) == 0, first.said()[-2000:]
            assert "frozen for too long" in first.said()
            assert (len(shop.invoices()), len(shop.debtors())) == (1, 1)
        assert second.stop() == 0
