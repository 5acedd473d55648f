"""What webhooks lose is found in the shop, and work that the engine lost is found in our own tables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from daemons import Shop, home, open_shop, running
from sqlalchemy import text

from mapper.errors import Temporary
from mapper.processing import actions, engine, lease, sweep
from mapper.processing.connections import Connections
from mapper.processing.eligibility import judge_order
from mapper.store import credentials, documents, heartbeats, sweeps, tenants


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with home(tmp_path_factory.mktemp("home")) as at, running(at) as url:
        yield at, url


@pytest.fixture
def deaf(daemon, sandbox) -> Iterator[Shop]:
    """A shop whose webhooks do not arrive."""
    at, _ = daemon
    opened = open_shop(at, sandbox, None)
    yield opened
    opened.retire()


def now():
    return datetime.now(UTC)


def look(shop: Shop, **how):
    async def run():
        async with Connections(shop.home.database, shop.home.sealer, loopback=True) as connections:
            return await sweep.sweep_shop(shop.home.database, connections, shop.tenant, now=now(), **how)

    return asyncio.run(run())


def test_R2_an_order_whose_webhook_was_lost_is_found_and_posted(deaf):
    document = deaf.sell("nl_ideal")
    report = look(deaf)
    assert (report.seen, report.new, report.dispatched) == (1, 1, 1)
    deaf.until(document, "done")


def test_R2_a_sweep_dispatches_nothing_that_is_done_or_still_unpaid(deaf):
    paid, unpaid = deaf.sell("nl_ideal"), deaf.sell("unpaid")
    look(deaf)
    deaf.until(paid, "done")
    assert look(deaf).dispatched == 0
    assert deaf.document(unpaid).state == "open"
    assert len(deaf.invoices()) == 1


def test_R2_an_open_order_that_was_paid_without_a_webhook_is_posted(deaf):
    document = deaf.sell("unpaid")
    look(deaf)
    deaf.change(document, paid=True)
    look(deaf)
    deaf.until(document, "done")


@pytest.mark.parametrize(
    ("before", "reason", "after"),
    [
        ({"status": 8}, "cancelled in the shop (R6)", {"status": 1, "paid": True}),
        ({"is_completed": False}, "not completed (R6)", {"is_completed": True, "paid": True}),
    ],
)
def test_R2_R6_an_ignored_order_that_the_shop_changed_without_a_webhook_is_posted(
    deaf, before, reason, after
):
    document = deaf.sell("unpaid", **before)
    deaf.process(document)
    assert deaf.until(document, "ignored").cause == reason
    assert look(deaf, nightly=True).dispatched == 0
    deaf.change(document, **after)
    assert look(deaf, nightly=True).dispatched == 1
    deaf.until(document, "done")


def test_R2_what_the_rules_ignore_is_not_read_again_at_every_sweep(deaf):
    document = deaf.sell("free")
    look(deaf)
    deaf.until(document, "ignored", cause="zero total (R6)")
    assert look(deaf, nightly=True).dispatched == 0


def test_R2_a_sweep_reads_from_a_day_before_the_last_one(deaf):
    document = deaf.sell("nl_ideal", create_date=stamp(now() - timedelta(hours=20)))
    go_live(deaf, now() - timedelta(days=30))
    with deaf.home.database.begin() as conn:
        sweeps.record(conn, deaf.tenant, until=now() - timedelta(hours=1))
    look(deaf)
    deaf.until(document, "done")


def test_R2_after_days_of_standing_still_nothing_is_missed(deaf):
    document = deaf.sell("nl_ideal", create_date=stamp(now() - timedelta(days=6)))
    go_live(deaf, now() - timedelta(days=30))
    with deaf.home.database.begin() as conn:
        sweeps.record(conn, deaf.tenant, until=now() - timedelta(days=7))
    look(deaf)
    deaf.until(document, "done")


def test_R2_every_night_all_paid_orders_of_five_weeks_are_looked_at(deaf):
    document = deaf.sell("nl_ideal", create_date=stamp(now() - timedelta(days=34)))
    go_live(deaf, now() - timedelta(days=60))
    with deaf.home.database.begin() as conn:
        sweeps.record(conn, deaf.tenant, until=now())
    assert look(deaf).dispatched == 0
    assert look(deaf, nightly=True).dispatched == 1
    deaf.until(document, "done")


def test_R6_an_open_order_outside_every_window_is_read_again(deaf):
    document = deaf.sell("unpaid", create_date=stamp(now() - timedelta(days=90)))
    go_live(deaf, now() - timedelta(days=100))
    deaf.process(document)
    deaf.until(document, "open", cause="not paid yet (R1)")
    with deaf.home.database.begin() as conn:
        sweeps.record(conn, deaf.tenant, until=now())
    deaf.change(document, paid=True)
    assert look(deaf, reread=timedelta(hours=6)).dispatched == 0
    assert look(deaf, reread=timedelta(0)).dispatched == 1
    deaf.until(document, "done")


def test_R9_a_sweep_does_not_go_back_beyond_the_go_live(deaf):
    deaf.sell("nl_ideal", create_date=stamp(now() - timedelta(days=2)))
    assert look(deaf, nightly=True).seen == 0


def test_R11_a_paused_shop_is_not_read(deaf):
    actions.pause(deaf.home.database, deaf.tenant, reason="stocktaking", now=now())
    deaf.sell("nl_ideal")
    assert look(deaf).seen == 0


def test_a_sweep_that_fails_is_begun_again_where_it_was(deaf):
    document = deaf.sell("nl_ideal")
    deaf.sandbox.fault("ccv", kind="status", times=3, match={"path": "/orders/"})
    with pytest.raises(Temporary):
        look(deaf)
    with deaf.home.database.read() as conn:
        assert sweeps.swept_until(conn, deaf.tenant) is None
    look(deaf)
    deaf.until(document, "done")


def test_a_sweep_holds_one_page_of_the_shop_and_what_it_read_is_noted_when_it_breaks_off(deaf):
    deaf.sandbox.admin("ccv", "POST", "orders", {"kind": "unpaid", "count": 250})
    deaf.sandbox.fault("ccv", kind="status", skip=2, times=3, match={"path": "/orders/"})
    with pytest.raises(Temporary):
        look(deaf)
    assert len(deaf.all()) == 200
    report = look(deaf)
    assert (report.seen, report.new) == (250, 50)


def test_one_shop_that_is_down_does_not_keep_the_others_from_being_swept(daemon, sandbox):
    at, _ = daemon
    broken, healthy = open_shop(at, sandbox, None), open_shop(at, sandbox, None)
    with at.database.begin() as conn:
        credentials.put(
            conn, broken.tenant, "ccv.api_root", "http://127.0.0.1:9", sealer=at.sealer, now=now()
        )
    document = healthy.sell("nl_ideal")

    async def everyone():
        async with Connections(at.database, at.sealer, loopback=True) as connections:
            await sweep.sweep_everyone(at.database, connections, now=now())

    asyncio.run(everyone())
    healthy.until(document, "done")
    healthy.retire()


def test_work_that_the_engine_lost_is_dispatched_again(deaf):
    """As after a move to another database, which takes our tables along and not the engine's."""
    actions.pause(deaf.home.database, deaf.tenant, reason="move", now=now())
    document = deaf.sell("nl_ideal")
    deaf.process(document)
    deaf.rest()
    with deaf.home.database.begin() as conn:
        conn.execute(text("DELETE FROM workflow_status WHERE queue_partition_key = :it"), {"it": deaf.tenant})
        tenants.resume(conn, deaf.tenant)
    assert deaf.document(document).state == "queued"
    assert sweep.redispatch(deaf.home.database, now=now(), tenant=deaf.tenant, grace=timedelta(0)) == 1
    deaf.until(document, "done")


def test_work_that_is_alive_is_left_alone(deaf):
    deaf.sandbox.switch("vies", outages={"DE": "MS_UNAVAILABLE"})
    document = deaf.sell("icp_de")
    deaf.process(document)
    deaf.until(document, "waiting")
    for due_only in (True, False):
        count = sweep.redispatch(
            deaf.home.database, now=now(), tenant=deaf.tenant, grace=timedelta(0), due_only=due_only
        )
        assert count == 0
    deaf.sandbox.switch("vies", outages={})
    deaf.until(document, "done")


def test_a_document_left_processing_without_work_is_taken_up(deaf):
    order = int(deaf.sell("nl_ideal").partition("-")[2])
    with deaf.home.database.begin() as conn:
        noted = documents.note(conn, deaf.tenant, "order", order, now=now())
        documents.claim(conn, deaf.tenant, noted.id, revision=1, worker="gone", now=now())
    assert sweep.redispatch(deaf.home.database, now=now(), tenant=deaf.tenant) == 0  # it may be at work
    later = now() + sweep.GRACE
    assert sweep.redispatch(deaf.home.database, now=later, tenant=deaf.tenant) == 1
    deaf.until(noted.id, "done")


def test_the_engine_keeps_no_personal_data_and_forgets_what_ended(deaf):
    document = deaf.sell("nl_ideal")
    deaf.process(document)
    deaf.until(document, "done")
    deaf.rest()
    with deaf.home.database.read() as conn:
        kept = [
            str(row)
            for table in ("workflow_status", "operation_outputs")
            for row in conn.execute(text(f"SELECT * FROM {table}"))
        ]
    (order,) = deaf.sandbox.objects("ccv")["orders"]
    customer = order["customer"]
    personal = [
        customer["email"],
        customer["billingaddress"]["last_name"],
        customer["billingaddress"]["zipcode"],
    ]
    assert not [row for row in kept for text_ in personal if text_ in row]
    assert any(document in row for row in kept)
    assert engine.purge(deaf.home.database.engine, before=now() + timedelta(seconds=5)) > 0
    assert engine.live(deaf.home.database.engine, [f"{deaf.tenant}:{document}:1"]) == set()


def test_a_silent_process_loses_its_heartbeat_and_its_work_is_taken_over(deaf):
    database = deaf.home.database
    with database.begin() as conn:
        heartbeats.beat(conn, "run-gone", host="elsewhere", pid=1, now=now() - 2 * lease.TTL)
    lease.reap(database, now=now())
    with database.read() as conn:
        assert [one.executor for one in heartbeats.silent(conn, now=now(), ttl=lease.TTL)] == []


@pytest.mark.parametrize(("exclusive", "lost"), [(False, True), (True, False)])
def test_a_process_that_was_frozen_too_long_may_not_act_unless_nobody_else_can(deaf, exclusive, lost):
    clock = iter([0.0, 10.0, 1000.0, 1001.0, 1001.0])
    held = lease.Lease(
        deaf.home.database, "run-frozen", now=now, clock=lambda: next(clock), exclusive=exclusive
    )
    held.beat()
    assert held.is_fresh()
    held.beat()
    assert held.is_lost is lost
    assert held.is_fresh() is not lost
    held.end()


def test_a_lease_is_stale_before_others_may_take_the_work_over(deaf):
    seconds = [0.0]
    held = lease.Lease(deaf.home.database, "run-slow", now=now, clock=lambda: seconds[0], exclusive=True)
    held.beat()
    seconds[0] = lease.TTL.total_seconds() / 2 - 1
    assert held.is_fresh()
    seconds[0] += 2
    assert not held.is_fresh()
    held.end()


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        ({}, "post", ""),
        ({"paid": False}, "open", "not paid yet (R1)"),
        ({"paid": None}, "open", "not paid yet (R1)"),
        ({"is_completed": False}, "ignore", "not completed (R6)"),
        ({"status": 8}, "ignore", "cancelled in the shop (R6)"),
        ({"status": "8"}, "ignore", "cancelled in the shop (R6)"),
        ({"create_date": "2025-12-31T23:59:59Z"}, "ignore", "older than the go-live (R9)"),
        ({"create_date": "2026-01-01T00:00:00Z"}, "post", ""),
        ({"create_date": "2026-01-01T00:30:00+01:00"}, "ignore", "older than the go-live (R9)"),
        ({"create_date": "yesterday"}, "post", ""),
    ],
)
def test_R1_R6_R9_what_decides_about_an_order(changes, outcome, reason):
    order = {"is_completed": True, "paid": True, "status": 1, "create_date": "2026-02-01T12:00:00Z"}
    verdict = judge_order(
        order | changes, mode="paid_orders", statuses=[], process_from=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def go_live(shop: Shop, moment: datetime) -> None:
    with shop.home.database.begin() as conn:
        tenants.go_live(conn, shop.tenant, moment)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
