"""B7: nobody waits long for somebody else's backlog, nobody calls too often, and nobody calls during a ban."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
from children import done, forked, make_calls
from daemons import Home, home, open_shop, running, wait_for
from sqlalchemy import update

from mapper import doctor
from mapper.processing.connections import WEFACT_KEY, WEFACT_URL
from mapper.store import credentials, limits, schema
from mapper.store.database import open_database
from mapper.store.sealing import create_key_file, load_sealer
from tests.databases import add_tenant

# Slow enough that the limit decides, not this machine.
PACE = 5.0
BACKLOG = 60
CALLS_OF_A_NEW_CUSTOMER = 4
# A ban of an hour takes four and a half seconds.
BAN_PACE = 800.0
ADDRESS = "default"


def use_up_the_burst(at: Home) -> None:
    """Leave no more calls than come back by and by."""
    with at.database.begin() as conn:
        spent = datetime.now(UTC) + limits.BURST * limits.INTERVAL / PACE
        conn.execute(update(schema.rate_bucket).values(next_free=spent))


def test_B7_a_single_order_waits_less_than_two_of_its_own_behind_the_backlog_of_another(tmp_path, sandbox):
    with home(tmp_path) as at, running(at, pace=PACE) as url:
        big, small = open_shop(at, sandbox, url), open_shop(at, sandbox, None)
        known = {"customer": {"email": "known@example.com"}}
        big.until(big.sell(**known), "done")
        use_up_the_burst(at)
        sandbox.sell("nl_ideal", count=BACKLOG, **known)
        wait_for(lambda: done(big) > 2)

        sandbox.switch("ccv", webhooks="lose")
        single = small.sell(customer={"email": "new@example.com"})
        before = done(big)
        small.process(single)
        small.until(single, "done")
        meanwhile = done(big) - before

        # A call of the one, a call of the other: each document of the backlog takes one.
        assert 0 < meanwhile < 2 * CALLS_OF_A_NEW_CUSTOMER
        assert done(big) < BACKLOG


def test_B7_a_ban_stops_every_call_alerts_everywhere_and_ends_by_itself(tmp_path, sandbox, caplog):
    with home(tmp_path) as at, running(at, pace=BAN_PACE) as url:
        shop = open_shop(at, sandbox, url)
        shop.until(shop.sell(), "done")
        sandbox.switch("wefact", banned=True)
        first = shop.until(shop.sell(), "waiting", cause="WEF204")
        calls = len(sandbox.admin("wefact", "GET", "requests")["requests"])
        second = shop.until(shop.sell(), "waiting", cause="STO130")

        with at.database.read() as conn:
            ban = limits.ban(conn, ADDRESS, now=datetime.now(UTC))
        health = httpx.get(f"{url}/healthz", trust_env=False).json()
        assert health["banned"] == {ADDRESS: ban.until.isoformat()}
        metrics = httpx.get(f"{url}/metrics", trust_env=False).text
        assert f'mapper_breaker_open{{service="wefact",part="{ADDRESS}"}} 1' in metrics
        assert f'mapper_calls_left{{service="wefact",address="{ADDRESS}"}} 0' in metrics
        assert any("firewall shut this address out" in message for message in caplog.messages)
        assert asyncio.run(limits_of(at)).verdict == "bad"

        assert len(sandbox.admin("wefact", "GET", "requests")["requests"]) == calls
        sandbox.switch("wefact", banned=False)
        assert shop.until(first.id, "done").done_at > ban.until
        assert shop.until(second.id, "done").done_at > ban.until
        assert httpx.get(f"{url}/healthz", trust_env=False).json()["banned"] == {}


async def limits_of(at: Home) -> doctor.Check:
    patient = doctor.Patient(
        at.database, at.key_file, {}, loopback=True, language="en", now=datetime.now(UTC)
    )
    (check,) = [check async for check in doctor.examine(patient) if check.name == "limits"]
    return check


def test_B7_several_processes_together_stay_within_what_one_address_may(tmp_path, sandbox):
    pace, each, processes = 30.0, 80, 3
    create_key_file(tmp_path / "key")
    sealer = load_sealer(tmp_path / "key", {})
    with open_database(tmp_path / "mapper.db") as database:
        with database.begin() as conn:
            add_tenant(conn, "winkel")
            keys = {WEFACT_KEY: sandbox.wefact_key, WEFACT_URL: sandbox.wefact, "ccv.api_root": sandbox.ccv}
            for name, value in (keys | {"ccv.public": "x", "ccv.secret": "x"}).items():
                credentials.put(conn, "winkel", name, value, sealer=sealer, now=datetime.now(UTC))
        where = (tmp_path / "mapper.db", tmp_path / "key")
        started = [forked(make_calls, *where, pace, each) for _ in range(processes)]
        for one in started:
            one.join(120)
        assert [one.exitcode for one in started] == [0] * processes

    requests = sandbox.admin("wefact", "GET", "requests")["requests"]
    times = sorted(datetime.fromisoformat(one["time"]).timestamp() for one in requests)
    assert len(times) == each * processes
    minute = 60 / pace
    assert max(sum(start <= at < start + minute for at in times) for start in times) <= 200
    # The burst at once, and from then on one after the other: without the limit it would be over much sooner. A tenth
    # is for the first call, which may take longer on its way than the last.
    spaced = (each * processes - limits.BURST - 1) * limits.INTERVAL.total_seconds() / pace
    assert times[-1] - times[0] >= 0.9 * spaced
