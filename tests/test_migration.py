"""R7, R9: past documents are posted when a person asks for them, once each, behind everything that is live."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.process import BaseProcess

import pytest
from children import child, command, forked
from daemons import Home, Shop, charged, home, open_shop, running, wait_for
from orders import mapped, order, row, tenant
from sqlalchemy import text

from mapper import mapping
from mapper.cli.progress import Progress
from mapper.errors import Temporary, UsageError
from mapper.processing import actions, amounts, engine, migration, reconcile, sweep
from mapper.processing.connections import Connections
from mapper.store import documents, limits, past, tenants
from mapper.store.database import open_database
from mapper.store.sealing import load_sealer

DAYS_BACK = 40


def now():
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with home(tmp_path_factory.mktemp("home")) as at, running(at, feed_seconds=0.1) as url:
        yield at, url


@pytest.fixture
def opened(daemon, sandbox) -> Iterator[Shop]:
    """A webshop that went live just now, at a daemon; its webhooks do not arrive."""
    at, _ = daemon
    made = open_shop(at, sandbox, None)
    yield made
    made.retire()


@pytest.fixture
def alone(tmp_path, sandbox) -> Iterator[Shop]:
    """A webshop without a daemon."""
    with home(tmp_path) as at:
        engine.prepare(at.database.engine)
        yield open_shop(at, sandbox, None)


def sell(shop: Shop, kind: str = "nl_ideal", *, days: float = 10, **changes) -> str:
    """Sell an order some days before the go-live."""
    return shop.sell(kind, create_date=stamp(now() - timedelta(days=days)), **changes)


def scope(shop: Shop) -> migration.Scope:
    since = now() - timedelta(days=DAYS_BACK)
    return migration.scope_of(shop.home.database, shop.tenant, since, None, now=now())


def survey(shop: Shop, **how) -> migration.Survey:
    async def run():
        async with Connections(shop.home.database, shop.home.sealer, loopback=True) as connections:
            return await migration.survey(
                shop.home.database,
                connections,
                shop.tenant,
                scope(shop),
                mapping.load_rulebooks(),
                now=now,
                **how,
            )

    return asyncio.run(run())


def agree(shop: Shop) -> int:
    return migration.agree(shop.home.database, shop.tenant, scope(shop), who="test", now=now())


def fetches(shop: Shop) -> int:
    requests = shop.sandbox.admin("ccv", "GET", "requests")["requests"]
    return sum("/orderrows" in one["path"] for one in requests)


def test_R7_past_orders_are_posted_after_the_agreement_and_not_before(opened):
    past_ones = [sell(opened, days=day) for day in (30, 20, 10)]
    found = survey(opened)
    assert (found.posted, found.listed) == (3, 3)
    assert opened.all() == ()
    assert agree(opened) == 3
    for document in past_ones:
        opened.until(document, "done")
    sold = sorted(charged(one) for one in opened.sandbox.objects("ccv")["orders"])
    assert sorted(Decimal(str(one["AmountIncl"])) for one in opened.invoices()) == sold
    assert found.total == sum(sold)


def test_R9_the_go_live_still_holds_every_other_old_order(opened):
    asked, other = sell(opened), sell(opened, days=DAYS_BACK + 5)
    survey(opened)
    agree(opened)
    opened.until(asked, "done")
    with opened.home.database.begin() as conn:
        noted = documents.note(conn, opened.tenant, "order", int(other.partition("-")[2]), now=now())
        engine.dispatch(conn, opened.tenant, noted, reason="webhook")
    opened.until(other, "ignored", cause="older than the go-live (R9)")


def test_R9_the_permission_outlives_the_engine(opened):
    """A migrated document whose work the engine lost is dispatched by the sweep, and the go-live does not hold it."""
    document = sell(opened)
    survey(opened)
    actions.pause(opened.home.database, opened.tenant, reason="move", now=now())
    agree(opened)
    with opened.home.database.begin() as conn:
        (wanted,) = past.untaken(conn, opened.tenant, limit=9)
        noted = documents.note(conn, opened.tenant, "order", wanted.shop_id, now=now())
        documents.queue(conn, opened.tenant, noted.id, now=now())
        past.take(conn, opened.tenant, "order", wanted.shop_id, now=now())
    actions.resume(opened.home.database, opened.tenant, now=now())
    opened.until(document, "done")


def test_R7_what_waits_goes_on_as_a_migrated_document(opened):
    """VIES down: the successor of its work still knows that it may be posted, and stays behind live orders."""
    opened.sandbox.switch("vies", outages={"DE": "MS_UNAVAILABLE"})
    document = sell(opened, "icp_de")
    found = survey(opened)
    assert (found.posted, found.vies) == (1, 1)
    agree(opened)
    opened.until(document, "waiting")
    opened.sandbox.switch("vies", outages={})
    opened.until(document, "done")


def priorities(shop: Shop) -> set[int]:
    """Return the priorities of all work that was ever queued for a webshop."""
    with shop.home.database.read() as conn:
        query = "SELECT priority FROM workflow_status WHERE queue_partition_key = :tenant"
        return set(conn.scalars(text(query), {"tenant": shop.tenant}))


def test_R7_work_that_is_done_over_stays_behind_live_orders(opened):
    """After a temporary failure, and after the engine lost it."""
    document = sell(opened)
    survey(opened)
    # Three tries make one wait, so the successor has a successor of its own.
    opened.sandbox.fault("wefact", kind="status", times=6, match={"controller": "debtor"})
    agree(opened)
    opened.until(document, "done")
    assert opened.events(document).count("waiting") == 2
    assert priorities(opened) == {engine.MIGRATION}
    lost = sell(opened, days=5)
    with opened.home.database.begin() as conn:
        noted = documents.note(conn, opened.tenant, "order", int(lost.partition("-")[2]), now=now())
        documents.queue(conn, opened.tenant, noted.id, now=now())
        want_agreed(conn, opened.tenant, noted.shop_id)
    assert sweep.redispatch(opened.home.database, now=now(), tenant=opened.tenant, grace=timedelta(0)) == 1
    opened.until(lost, "done")
    assert priorities(opened) == {engine.MIGRATION}


def want_agreed(conn, tenant_id: str, shop_id: int) -> None:
    dated = now() - timedelta(days=5)
    known = {
        "order_id": shop_id,
        "number": "",
        "dated": dated,
        "basis": "",
        "read_since": now(),
        "now": now(),
    }
    past.note(conn, tenant_id, "order", shop_id, **known)
    past.keep(conn, tenant_id, "order", shop_id, outcome="post", now=now())
    since, until = dated - timedelta(seconds=1), dated + timedelta(seconds=1)
    past.agree(conn, tenant_id, "order", since=since, until=until, now=now())
    past.take(conn, tenant_id, "order", shop_id, now=now())


def test_R9_an_order_that_the_go_live_held_before_is_migrated_too(opened):
    document = sell(opened)
    with opened.home.database.begin() as conn:
        noted = documents.note(conn, opened.tenant, "order", int(document.partition("-")[2]), now=now())
        engine.dispatch(conn, opened.tenant, noted, reason="webhook")
    opened.until(document, "ignored", cause="older than the go-live (R9)")
    assert survey(opened).posted == 1
    agree(opened)
    opened.until(document, "done")


def test_R7_running_it_again_posts_nothing_twice(opened):
    document = sell(opened)
    survey(opened)
    agree(opened)
    opened.until(document, "done")
    again = survey(opened)
    assert again.posted == 0
    assert [(group.cause, group.documents) for group in again.left] == [(migration.IN_WEFACT, 1)]
    assert agree(opened) == 0
    opened.rest()
    assert len(opened.invoices()) == 1


def test_K4_an_order_that_was_posted_between_survey_and_agreement_is_not_doubled(opened):
    document = sell(opened)
    survey(opened)
    opened.process(document)
    opened.until(document, "done")
    agree(opened)
    wait_for(lambda: migration.progress_of(opened.home.database, opened.tenant, scope(opened)) == {"done": 1})
    opened.rest()
    assert len(opened.invoices()) == 1


def test_W19_an_order_that_has_a_wrong_invoice_by_now_is_not_processed_again(alone):
    document = sell(alone)
    survey(alone)
    agree(alone)
    with alone.home.database.begin() as conn:
        noted = documents.note(conn, alone.tenant, "order", int(document.partition("-")[2]), now=now())
        documents.fail(conn, alone.tenant, noted.id, cause="W19", identifier="41", now=now())
    migration.feed(alone.home.database, now=now())
    assert alone.document(document).state == "error"
    assert migration.progress_of(alone.home.database, alone.tenant, scope(alone)) == {"error": 1}


def test_B5_what_is_agreed_and_not_in_the_queue_yet_is_waiting_and_not_missing(alone):
    sell(alone)
    survey(alone)

    async def compare():
        async with Connections(alone.home.database, alone.home.sealer, loopback=True) as connections:
            since = now() - timedelta(days=DAYS_BACK)
            found = await reconcile.compare(
                alone.home.database, connections, alone.tenant, since=since, until=now(), now=now()
            )
            return found.eligible.documents, found.counts["waiting"].documents

    assert asyncio.run(compare()) == (0, 0)
    agree(alone)
    assert asyncio.run(compare()) == (1, 1)


def test_R5_what_a_person_ignored_stays_ignored(opened):
    document = sell(opened)
    with opened.home.database.begin() as conn:
        documents.note(conn, opened.tenant, "order", int(document.partition("-")[2]), now=now())
    actions.ignore(opened.home.database, opened.tenant, document, reason="booked by hand", now=now())
    found = survey(opened)
    assert [group.cause for group in found.left] == [migration.BY_A_PERSON]
    assert found.posted == 0


def test_R7_what_would_stop_or_be_left_alone_is_counted_and_said(alone):
    for kind in ("nl_ideal", "unpaid", "cancelled", "free", "foreign_currency"):
        sell(alone, kind)
    found = survey(alone)
    assert found.listed == 5
    assert found.posted == 1
    (stopped,) = found.stopped
    assert (stopped.cause, stopped.documents) == ("K8", 1)
    assert "SEK" in stopped.said["en"][0]
    assert "SEK" in stopped.said["nl"][0]
    assert {(group.cause, group.documents) for group in found.left} == {
        ("not paid yet (R1)", 1),
        ("cancelled in the shop (R6)", 1),
        ("zero total (R6)", 1),
    }


def test_R7_the_euros_per_rate_add_up_to_what_wefact_will_have(alone):
    for kind in ("nl_ideal", "discount_two_rates", "icp_de", "export_us", "payment_fee"):
        sell(alone, kind)
    found = survey(alone)
    assert found.posted == 5, found
    assert sum(rate.incl for rate in found.rates) == found.total
    assert all(rate.excl + rate.tax == rate.incl for rate in found.rates)
    assert {rate.code: rate.percent for rate in found.rates} == {
        "V21": Decimal(21),
        "V9": Decimal(9),
        "ICP": Decimal(0),
        "EXP": Decimal(0),
    }
    sold = sum(charged(one) for one in alone.sandbox.objects("ccv")["orders"])
    assert found.total == sold


@pytest.mark.parametrize("model", ["A", "B", "C", "D", "E"])
def test_the_parts_of_a_document_add_up_under_every_model(model):
    payload = order(row("3.33", count="3"), row("1.01", "9", count="7"), shipping="4.95")
    changes = {"invoice__rounding_model": model}
    result = mapped(payload, **changes)
    parts = amounts.per_rate(result, tenant(**changes))
    assert sum(part["incl"] for part in parts) == result.document["total_incl"]
    assert all(part["excl"] + part["tax"] == part["incl"] for part in parts)


def test_a_survey_that_failed_half_way_reads_only_the_rest(alone):
    for day in (30, 20, 10):
        sell(alone, days=day)
    (last,) = [one["id"] for one in alone.sandbox.objects("ccv")["orders"]][-1:]
    alone.sandbox.fault("ccv", kind="status", times=1000, match={"path": f"/orders/{last}/"})
    with pytest.raises(Temporary):
        survey(alone, pace=migration.Pace(sleep=_at_once))
    alone.sandbox.admin("ccv", "DELETE", "faults")
    before = fetches(alone)
    assert survey(alone).posted == 3
    assert fetches(alone) - before == 1


def test_a_changed_order_or_setting_is_read_again(alone):
    document = sell(alone)
    assert survey(alone).posted == 1
    before = fetches(alone)
    survey(alone)
    assert fetches(alone) == before
    alone.settings(invoice__status="sent")
    survey(alone)
    assert fetches(alone) == before + 1
    alone.change(document, status=8)
    assert survey(alone).posted == 0


def test_a_shop_that_asks_to_slow_down_is_waited_for(alone):
    sell(alone)
    alone.sandbox.fault("ccv", kind="status", status=429, times=1, match={"path": "/orderrows"})
    waits = []

    async def noting(seconds):
        waits.append(seconds)

    assert survey(alone, pace=migration.Pace(sleep=noting)).posted == 1
    assert waits == [60]


def test_the_survey_leaves_half_of_the_shop_s_calls_to_live_orders():
    waits = []

    async def noting(seconds):
        waits.append(seconds)

    async def run():
        pace = migration.Pace(sleep=noting)
        for _ in range(100):
            await pace.turn()

    asyncio.run(run())
    assert len(waits) == 100 - migration.BURST
    assert sum(wait <= 60 for wait in waits) + migration.BURST <= 75


def test_R7_nothing_is_handed_on_while_a_live_order_of_anybody_waits(alone):
    other = open_shop(alone.home, alone.sandbox, None)
    live = other.sell("nl_ideal")
    actions.process(other.home.database, other.tenant, live, now=now())
    sell(alone)
    survey(alone)
    agree(alone)
    assert migration.feed(alone.home.database, now=now()) == 0
    actions.pause(other.home.database, other.tenant, reason="a paused one waits for nobody", now=now())
    assert migration.feed(alone.home.database, now=now()) == 1


def test_R7_a_migration_leaves_half_of_the_burst_of_wefact_calls_to_live_orders(alone):
    sell(alone)
    survey(alone)
    agree(alone)
    with alone.home.database.begin() as conn:
        for _ in range(limits.BURST // 2 + 2):
            limits.reserve(conn, "default", now=now())
    assert migration.feed(alone.home.database, now=now()) == 0
    assert migration.feed(alone.home.database, now=now() + timedelta(minutes=5)) == 1


def test_R7_only_a_few_documents_of_a_tenant_are_in_the_queue_at_once_the_oldest_first(alone):
    sold = [sell(alone, days=day) for day in (5, 30, 20, 10)]
    survey(alone)
    agree(alone)
    assert migration.feed(alone.home.database, now=now(), portion=2) == 2
    assert migration.feed(alone.home.database, now=now(), portion=2) == 0
    assert {one.id for one in alone.all()} == {sold[1], sold[2]}


def test_R11_a_paused_webshop_s_migration_waits(alone):
    sell(alone)
    survey(alone)
    agree(alone)
    actions.pause(alone.home.database, None, reason="new tax codes", now=now())
    assert migration.feed(alone.home.database, now=now()) == 0
    actions.resume(alone.home.database, None, now=now())
    assert migration.feed(alone.home.database, now=now()) == 1


def test_R7_a_live_order_overtakes_the_migrated_ones_in_the_queue(opened):
    old = [sell(opened, days=day) for day in (30, 20, 10)]
    survey(opened)
    # The first one's work, if it began already, takes long enough for the live order to arrive behind all three.
    opened.sandbox.fault("ccv", kind="delay", seconds=1, times=1, match={"path": "/orderrows"})
    agree(opened)
    wait_for(lambda: len(opened.all()) == 3)
    live = opened.sell("nl_ideal")
    with opened.home.database.begin() as conn:
        noted = documents.note(conn, opened.tenant, "order", int(live.partition("-")[2]), now=now())
        engine.dispatch(conn, opened.tenant, noted, reason="webhook")
    for document in (*old, live):
        opened.until(document, "done")
    by_time = [one.id for one in sorted(opened.all(), key=lambda one: one.done_at)]
    assert by_time.index(live) <= 1
    assert [one for one in by_time if one != live] == old


def test_R7_what_is_not_in_the_queue_yet_can_be_taken_back(alone):
    sell(alone)
    survey(alone)
    agree(alone)
    assert migration.withdraw(alone.home.database, alone.tenant, who="test", now=now()) == 1
    assert migration.feed(alone.home.database, now=now()) == 0
    assert "migration withdrawn" in alone.events()


def test_R9_a_period_after_the_go_live_is_refused_and_a_longer_one_ends_there(alone):
    with pytest.raises(UsageError) as refused:
        migration.scope_of(alone.home.database, alone.tenant, now(), None, now=now())
    assert refused.value.code == "PRO311"
    asked = migration.scope_of(
        alone.home.database, alone.tenant, now() - timedelta(days=1), now() + timedelta(days=1), now=now()
    )
    with alone.home.database.read() as conn:
        assert asked.until == tenants.get(conn, alone.tenant).process_from.replace(microsecond=0)


def test_R7_in_the_mode_of_invoices_past_invoices_and_credits_are_posted(daemon, sandbox):
    at, _ = daemon
    shop = open_shop(at, sandbox, None, mode="invoices")
    for changes in ({}, {"type": "credit"}):
        (sold,) = sandbox.sell("nl_ideal")
        made = {"create_date": stamp(now() - timedelta(days=5))} | changes
        sandbox.admin("ccv", "POST", "invoices", {"order": sold["id"], "changes": made})
    found = survey(shop)
    assert found.posted == 2, found
    agree(shop)
    wait_for(lambda: migration.progress_of(at.database, shop.tenant, scope(shop)) == {"done": 2}, shop.all)
    assert sum(Decimal(str(one["AmountIncl"])) for one in shop.invoices()) == found.total
    shop.retire()


async def _at_once(seconds: float) -> None:
    """Wait for nothing."""


# The command


@pytest.fixture
def old_shop(shop, tmp_path):
    """`mapper` with one webshop that went live just now."""
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        tenants.go_live(conn, "winkel", datetime.now(UTC) - timedelta(seconds=1))
    return shop


def days_ago(days: int) -> str:
    return (now() - timedelta(days=days)).strftime("%Y-%m-%d")


def sold_before(sandbox, *, count: int = 1, days: int = 10, kind: str = "nl_ideal"):
    return sandbox.sell(kind, count=count, create_date=stamp(now() - timedelta(days=days)))


def test_R7_a_dry_run_shows_the_euros_per_rate_and_posts_nothing(old_shop, sandbox):
    sold = sold_before(sandbox, count=2)
    ran = old_shop("migrate", "--from", days_ago(30), "--dry-run")
    assert ran.code == 0, ran.err
    header, *rates, total = [line.split() for line in ran.out.splitlines()]
    assert header == ["VAT", "CODE", "DOCUMENTS", "NET", "TAX", "GROSS"]
    assert [line[:4] for line in rates] == [["21", "%", "V21", "2"], ["9", "%", "V9", "2"]]
    assert Decimal(total[-1]) == sum(charged(one) for one in sold)
    assert "2 document(s) = 2 to post + 0 that would stop + 0 left alone" in ran.err
    assert "Nothing was posted." in ran.err
    assert sandbox.objects("wefact")["invoices"] == []
    assert old_shop("open").out == ""


def test_R7_without_an_answer_nothing_is_posted(old_shop, sandbox):
    sold_before(sandbox)
    ran = old_shop("migrate", "--from", days_ago(30))
    assert ran.code == 2
    assert "USE150" in ran.err
    assert old_shop("migrate", "--from", days_ago(30), "--yes").err.count("Agreed: 1 document(s).") == 1


def test_R7_what_is_agreed_waits_for_a_running_mapper_and_can_be_taken_back(old_shop, sandbox):
    sold_before(sandbox, count=3)
    ran = old_shop("migrate", "--from", days_ago(30), "--yes")
    assert ran.code == 0
    assert "3 document(s) are posted as soon as a `mapper run` is started" in ran.err
    again = old_shop("migrate", "--from", days_ago(30), "--dry-run", "--json")
    (left,) = again.records[0]["left"]
    assert (left["cause"], left["documents"], again.records[0]["posted"]) == (migration.ON_ITS_WAY, 3, 0)
    assert "3 document(s) are not posted after all" in old_shop("migrate", "--stop").err


def test_a_migration_that_would_leave_documents_behind_says_which_and_what_to_do(old_shop, sandbox):
    (sold,) = sold_before(sandbox, kind="foreign_currency")
    ran = old_shop("migrate", "--from", days_ago(30), "--dry-run", "--language", "nl")
    assert ran.code == 1
    assert f"1 × K8 ({sold['ordernumber_full']}): " in ran.err
    assert "SEK" in ran.err


def test_a_migration_needs_a_first_day(old_shop):
    assert "USE116" in old_shop("migrate").err
    assert "PRO311" in old_shop("migrate", "--from", days_ago(-1)).err


def test_no_bar_where_no_terminal_is(old_shop, sandbox):
    sold_before(sandbox)
    ran = old_shop("migrate", "--from", days_ago(30), "--dry-run")
    assert "Read 1 of 1" in ran.err
    assert not set("\r\x1b") & set(ran.err)


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress("Read") as shown:
        shown.show(0, 4)
        shown.show(4, 4)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("\r[" + "." * 30 + "] Read 0 of 4")
    assert "\r[" + "#" * 30 + "] Read 4 of 4" in said.err
    assert said.err.endswith("\n")


@pytest.mark.slow
def test_R7_a_migration_killed_again_and_again_is_as_one_that_never_was(old_shop, sandbox, tmp_path):
    """kill -9 of the command while it reads, then of command and daemon while it posts."""
    orders = 12
    sold = [one for day in range(orders) for one in sold_before(sandbox, days=5 + day)]
    sandbox.fault("ccv", kind="delay", seconds=0.15, times=1000, match={"path": "/orderrows"})
    said, names = tmp_path / "said", ("MAPPER_HOME", "MAPPER_LOOPBACK")
    environment = {name: os.environ[name] for name in names}

    def migrate() -> BaseProcess:
        return forked(command, ["migrate", "--from", days_ago(60), "--yes"], environment, said)

    def read() -> int:
        requests = sandbox.admin("ccv", "GET", "requests")["requests"]
        return sum("/orderrows" in one["path"] for one in requests)

    def kill(process: BaseProcess) -> None:
        process.kill()
        process.join(10)

    reading = migrate()
    wait_for(lambda: read() >= 4, read)
    kill(reading)
    known = read()
    migrate().join(60)
    assert read() - known <= orders - known + 1, "what was read before the kill is not read again"
    assert sandbox.objects("wefact")["invoices"] == []

    def invoices() -> int:
        return len(sandbox.objects("wefact")["invoices"])

    where = tmp_path / "home"
    with open_database(where / "mapper.db") as database:
        at = Home(where, str(where / "mapper.db"), database, load_sealer(where / "mapper.key", {}))
        with child(at, key_file=where / "mapper.key", feed_seconds=0.2) as daemon:
            for _ in range(3):
                daemon.start()
                following, before = migrate(), invoices()
                wait_for(lambda least=before + 2: invoices() >= least, daemon.said, seconds=60)
                kill(following)
                daemon.kill()
            daemon.start()
            ended = migrate()
            ended.join(90)
            assert daemon.stop() == 0
    assert ended.exitcode == 0, said.read_text()
    invoiced = {
        one["ReferenceNumber"]: Decimal(str(one["AmountIncl"]))
        for one in sandbox.objects("wefact")["invoices"]
    }
    assert invoiced == {one["ordernumber_full"]: charged(one) for one in sold}
    assert len(sandbox.objects("wefact")["invoices"]) == orders
