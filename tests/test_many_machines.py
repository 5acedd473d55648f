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
from daemons import charged, home, open_shop, wait_for
from test_kill import Child, child, done, sell

from mapper.store import heartbeats, journal

pytest_plugins = ["tests.postgres"]

SEED = 20261124
ORDERS = 30
# As in the program of test_kill: a process that is silent for so long has lost its work.
LEASE = 3.0


def chaos(children: list[Child], chance: random.Random, rounds: int) -> Counter[str]:
    """Kill, or freeze for less or longer than the lease, one of the children at a time."""
    did: Counter[str] = Counter()
    for _ in range(rounds):
        victim = chance.choice(children)
        how = chance.choice(["kill", "freeze", "freeze long"])
        did[how] += 1
        time.sleep(chance.uniform(0.1, 0.6))
        if how == "kill":
            victim.kill()
        else:
            victim.process.send_signal(signal.SIGSTOP)
            time.sleep(LEASE * (1.6 if how == "freeze long" else 0.3))
            victim.process.send_signal(signal.SIGCONT)
            time.sleep(0.3)
        if victim.process.poll() is None and how == "freeze long":
            # It notices at its next beat that others have its work, and stops by itself.
            assert victim.process.wait(30) == 0, victim.said()[-2000:]
        if victim.process.poll() is not None:
            victim.start()
    return did


@pytest.mark.slow
def test_B8_three_processes_of_which_two_die_and_freeze_lose_and_double_nothing(tmp_path, sandbox, postgres):
    with home(tmp_path, postgres.new_database()) as at, ExitStack() as stack:
        children = [stack.enter_context(child(at)) for _ in range(3)]
        for number, one in enumerate(children):
            one.log = tmp_path / f"daemon-{number}.log"
        steady, *others = children
        shop = open_shop(at, sandbox, steady.start())
        for one in others:
            one.start()
        sandbox.fault("wefact", kind="delay", seconds=0.15, times=1000, when="after", match={"action": "add"})
        sell(shop, ORDERS)
        did = chaos(others, random.Random(SEED), rounds=6)
        assert set(did) == {"kill", "freeze", "freeze long"}
        wait_for(lambda: done(shop) == ORDERS, lambda: [one.said()[-1500:] for one in children], seconds=90)

        sold = {one["ordernumber_full"]: charged(one) for one in sandbox.objects("ccv")["orders"]}
        assert Counter(one["ReferenceNumber"] for one in shop.invoices()) == Counter(list(sold))
        invoiced = {one["ReferenceNumber"]: Decimal(str(one["AmountIncl"])) for one in shop.invoices()}
        assert invoiced == sold
        with at.database.read() as conn:
            assert journal.verify(conn, shop.tenant) is None
        assert [one.stop() for one in children] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_B8_what_a_process_had_is_taken_over_within_the_heartbeats_limit(
    tmp_path, sandbox, postgres, number, record_property
):
    with home(tmp_path, postgres.new_database()) as at, ExitStack() as stack:
        first, second = (stack.enter_context(child(at)) for _ in range(2))
        first.log, second.log = tmp_path / "first.log", tmp_path / "second.log"
        shop = open_shop(at, sandbox, first.start())
        sandbox.fault("wefact", kind="delay", seconds=8, times=1, when="after", match={"action": "add"})
        shop.sell()
        wait_for(lambda: shop.calls("debtor", "add") == 1)
        second.start()
        (document,) = shop.all()
        holder = document.claimed_by
        first.process.send_signal(number)
        fallen = time.monotonic()
        wait_for(
            lambda: (found := shop.document(document.id)).claimed_by != holder or found.state != "processing",
            lambda: (shop.all(), second.said()[-2000:]),
            seconds=60,
        )
        taken = time.monotonic() - fallen
        wait_for(lambda: done(shop) == 1, lambda: (shop.all(), second.said()[-2000:]), seconds=40)
        assert taken < LEASE + 2
        assert (len(shop.invoices()), len(shop.debtors())) == (1, 1)
        with at.database.read() as conn:
            now = datetime.now(UTC)
            assert len(heartbeats.alive(conn, now=now, ttl=timedelta(seconds=LEASE))) == 1
        if number == signal.SIGSTOP:
            first.process.send_signal(signal.SIGCONT)
            assert first.process.wait(60) == 0, first.said()[-2000:]
            assert "frozen for too long" in first.said()
            assert (len(shop.invoices()), len(shop.debtors())) == (1, 1)
        assert second.stop() == 0
