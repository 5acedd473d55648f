"""B3: the daemon is killed again and again while it works, and every order still has exactly one invoice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from decimal import Decimal

import httpx
import pytest
from children import CUSTOMERS, child, done, sell
from daemons import charged, home, open_shop, wait_for

from mapper.errors import MapperError
from mapper.store import journal

pytest_plugins = ["tests.postgres"]

SEED = 20261124


# Kills at any moment; at each of the moments that matter: test_torture.py, and `./dev torture` for many more.
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "orders", "kills"), [("sqlite", 16, 4), ("postgresql", 12, 3)])
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


@pytest.mark.slow
def test_a_daemon_that_is_asked_to_stop_finishes_its_call_claims_nothing_and_still_takes_webhooks(
    tmp_path, sandbox
):
    with home(tmp_path) as at, child(at) as daemon:
        url = daemon.start()
        shop = open_shop(at, sandbox, url)
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        sandbox.fault("wefact", kind="delay", seconds=2, times=1, when="after", match={"action": "add"})
        first = shop.sell()
        wait_for(lambda: shop.calls("debtor", "add") > 0)
        shop.sandbox.sell("nl_ideal", count=2)
        wait_for(lambda: len(shop.all()) == 3)
        daemon.send(signal.SIGTERM)
        wait_for(lambda: httpx.get(f"{url}/readyz", trust_env=False).status_code == 503)
        last = shop.sell()
        wait_for(lambda: shop.document(last) is not None)
        assert daemon.ended() == 0
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
    with (
        home(tmp_path) as at,
        child(at, "web", only="web") as web,
        child(at, "worker", only="worker") as worker,
    ):
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
    with home(tmp_path) as at, child(at) as daemon, child(at, "second") as second:
        daemon.start()
        with pytest.raises(MapperError):
            second.start()
        assert second.ended() not in {0, None}
        assert "STO103" in second.said()
        assert daemon.stop() == 0
