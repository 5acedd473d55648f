from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from mapper.errors import Temporary
from mapper.store import heartbeats, journal, limits, schema
from mapper.store.database import Database
from mapper.store.limits import AddressBudget
from tests.databases import MINUTE, NOW, add_document, add_tenant

pytest_plugins = ["tests.databases"]

SECOND = timedelta(seconds=1)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def test_no_minute_has_more_than_200_calls_and_no_hour_more_than_3600(sqlite: Database) -> None:
    calls: list[datetime] = []
    now = NOW
    with sqlite.begin() as conn:
        while now < NOW + timedelta(hours=2):
            now += limits.reserve(conn, "192.0.2.1", now=now)
            calls.append(now)
    assert max(_most_within(calls, MINUTE), 1) in range(150, 200)
    assert _most_within(calls, timedelta(hours=1)) in range(3_500, 3_600)


def test_calls_wait_once_the_burst_is_used(database: Database) -> None:
    clock = Clock()
    budget = AddressBudget(database, "192.0.2.1", clock=clock, sleep=clock.sleep)

    async def call() -> None:
        for _ in range(limits.BURST + 3):
            await budget.take()

    asyncio.run(call())
    assert len(clock.slept) == 3
    assert sum(clock.slept) == pytest.approx(3 * limits.INTERVAL.total_seconds())


def test_all_processes_behind_an_address_share_its_calls(database: Database) -> None:
    waits: list[timedelta] = []

    def take() -> None:
        for _ in range(limits.BURST // 2):
            with database.begin() as conn:
                waits.append(limits.reserve(conn, "192.0.2.1", now=NOW))

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.begin() as conn:
        assert set(waits) == {timedelta(0)}
        assert limits.reserve(conn, "192.0.2.1", now=NOW) > timedelta(0)
        assert limits.reserve(conn, "192.0.2.2", now=NOW) == timedelta(0)
        assert limits.calls_left(conn, "192.0.2.1", now=NOW) == 0
        assert limits.calls_left(conn, "192.0.2.1", now=NOW + MINUTE) in range(55, 58)


def test_a_long_wait_is_given_back_as_temporary(database: Database) -> None:
    clock = Clock()
    budget = AddressBudget(database, "192.0.2.1", clock=clock, sleep=clock.sleep, max_wait=SECOND)
    with database.begin() as conn:
        for _ in range(limits.BURST):
            limits.reserve(conn, "192.0.2.1", now=NOW)

    with pytest.raises(Temporary) as caught:
        asyncio.run(budget.take())
    assert caught.value.code == "STO131"
    assert caught.value.maybe_executed is False
    assert caught.value.retry_after == pytest.approx(limits.INTERVAL.total_seconds())


def test_a_clock_that_was_set_back_holds_no_call_up_for_the_hours_it_went_back(database: Database) -> None:
    with database.begin() as conn:
        limits.reserve(conn, "192.0.2.1", now=NOW)
        earlier = NOW - timedelta(hours=3)
        # How many calls are left is not known then: none at once, and soon again.
        assert limits.calls_left(conn, "192.0.2.1", now=earlier) == 0
        assert limits.reserve(conn, "192.0.2.1", now=earlier) == limits.INTERVAL
        assert limits.calls_left(conn, "192.0.2.1", now=earlier + MINUTE) in range(55, 58)


def test_nobody_calls_during_a_ban(database: Database) -> None:
    clock = Clock()
    budget = AddressBudget(database, "192.0.2.1", clock=clock, sleep=clock.sleep)
    neighbour = AddressBudget(database, "192.0.2.1", clock=clock, sleep=clock.sleep)
    asyncio.run(budget.block(3600, "HTTP 403"))
    with pytest.raises(Temporary) as caught:
        asyncio.run(neighbour.take())
    assert (caught.value.code, caught.value.retry_after) == ("STO130", 3600)
    asyncio.run(budget.block(60, "shorter"))
    with database.begin() as conn:
        ban = limits.ban(conn, "192.0.2.1", now=NOW)
        assert ban is not None
        assert (ban.until, ban.reason) == (NOW + timedelta(hours=1), "HTTP 403")
        assert limits.calls_left(conn, "192.0.2.1", now=NOW) == 0
        assert limits.ban(conn, "192.0.2.1", now=NOW + timedelta(hours=1)) is None
    clock.now += timedelta(hours=1)
    asyncio.run(budget.take())


def test_who_waits_for_a_turn_notices_a_ban(database: Database) -> None:
    clock = Clock()

    async def banned_meanwhile(seconds: float) -> None:
        await budget.block(3600, "HTTP 403")
        await clock.sleep(seconds)

    budget = AddressBudget(database, "192.0.2.1", clock=clock, sleep=banned_meanwhile)
    with database.begin() as conn:
        for _ in range(limits.BURST):
            limits.reserve(conn, "192.0.2.1", now=NOW)
    with pytest.raises(Temporary) as caught:
        asyncio.run(budget.take())
    assert caught.value.code == "STO130"


def test_an_executor_is_fresh_until_its_time_is_up(database: Database) -> None:
    ttl = MINUTE
    with database.begin() as conn:
        assert heartbeats.latest(conn) is None
        heartbeats.beat(conn, "one", host="h", pid=1, now=NOW)
        heartbeats.beat(conn, "one", host="h", pid=1, now=NOW + MINUTE)
        heartbeats.beat(conn, "two", host="h", pid=2, now=NOW)
        now = NOW + MINUTE * 2
        assert [one.executor for one in heartbeats.alive(conn, now=now, ttl=ttl)] == ["one"]
        assert [one.executor for one in heartbeats.silent(conn, now=now, ttl=ttl)] == ["two"]
        assert [heartbeats.is_fresh(conn, name, now=now, ttl=ttl) for name in ("one", "two", "x")] == [
            True,
            False,
            False,
        ]
        latest = heartbeats.latest(conn)
        assert latest is not None
        assert (latest.executor, latest.started_at, latest.beat_at) == ("one", NOW, NOW + MINUTE)
        heartbeats.remove(conn, "one")
        assert heartbeats.alive(conn, now=now, ttl=ttl) == ()


def test_the_journal_is_a_chain_per_tenant(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        add_tenant(conn, "other")
        numbers = [journal.append(conn, "shop", "order-906", "posted", {"n": n}, now=NOW) for n in range(3)]
        assert journal.append(conn, "other", None, "paused", {}, now=NOW) == 1
        found = journal.entries(conn, "shop", document_id="order-906", after=1)
        assert journal.verify(conn, "shop") is None
    assert numbers == [1, 2, 3]
    assert [(one.number, one.facts) for one in found] == [(2, {"n": 1}), (3, {"n": 2})]
    assert found[1].previous == found[0].hash


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE journal SET facts = '{\"n\":9}' WHERE number = 2", 2),
        ("UPDATE journal SET event = 'x' WHERE number = 1", 1),
        ("DELETE FROM journal WHERE number = 2", 3),
        ("DELETE FROM journal WHERE number = 1", 2),
        ("UPDATE journal SET at = '2026-03-01T12:00:01.000000Z' WHERE number = 3", 3),
    ],
)
def test_a_changed_journal_is_noticed(database: Database, change: str, broken: int) -> None:
    with database.begin() as conn:
        add_document(conn)
        for n in range(4):
            journal.append(conn, "shop", "order-906", "posted", {"n": n}, now=NOW)
        conn.exec_driver_sql(change)
        assert journal.verify(conn, "shop") == broken


def test_a_journal_entry_moved_to_another_tenant_is_noticed(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn, "a")
        add_tenant(conn, "b")
        journal.append(conn, "a", None, "posted", {}, now=NOW)
        conn.execute(update(schema.journal).values(tenant="b"))
        assert journal.verify(conn, "b") == 1


def test_parallel_writers_of_a_journal_take_turns(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
    ready = threading.Barrier(4, timeout=20)

    def write() -> None:
        ready.wait()
        for _ in range(5):
            with database.begin() as conn:
                journal.append(conn, "shop", None, "x", {}, now=NOW)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as conn:
        assert [one.number for one in journal.entries(conn, "shop")] == list(range(1, 21))
        assert journal.verify(conn, "shop") is None


def _most_within(moments: list[datetime], period: timedelta) -> int:
    most, start = 0, 0
    for end, moment in enumerate(moments):
        while moments[start] <= moment - period:
            start += 1
        most = max(most, end - start + 1)
    return most


def test_a_process_that_takes_the_place_of_another_is_told_as_itself(database: Database) -> None:
    with database.begin() as conn:
        heartbeats.beat(conn, "local", host="one", pid=1, now=NOW)
        heartbeats.beat(conn, "local", host="one", pid=1, now=NOW + MINUTE)
        (first,) = heartbeats.alive(conn, now=NOW + MINUTE, ttl=MINUTE)
        heartbeats.beat(conn, "local", host="one", pid=2, now=NOW + 2 * MINUTE)
        (second,) = heartbeats.alive(conn, now=NOW + 2 * MINUTE, ttl=MINUTE)
    assert (first.pid, first.started_at, first.beat_at) == (1, NOW, NOW + MINUTE)
    assert (second.pid, second.started_at) == (2, NOW + 2 * MINUTE)
