"""B5: shop and WeFact compared both ways; every difference says what, where, in euros, why and what to do."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from daemons import Shop, charged, home, open_shop, running, wait_for

from mapper.catalogue import describe
from mapper.processing import actions, engine, reconcile, sweep
from mapper.processing.connections import Connections
from mapper.store import documents, journal, limits, operations, reconciliations, tenants
from mapper.store.database import open_database
from mapper.store.sealing import load_sealer

DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


def shop_day(days: int) -> str:
    """The webshop's day of so many days ago: an hour or two ahead of ours."""
    return f"{(now() - days * DAY).astimezone(ZoneInfo('Europe/Amsterdam')):%Y-%m-%d}"


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with home(tmp_path_factory.mktemp("home")) as at, running(at) as url:
        yield at, url


@pytest.fixture
def opened(daemon, sandbox) -> Iterator[Shop]:
    """A webshop that went live two months ago; its webhooks do not arrive."""
    at, _ = daemon
    made = open_shop(at, sandbox, None)
    live_since(made, days=60)
    yield made
    made.retire()


def live_since(shop: Shop, *, days: int) -> None:
    with shop.home.database.begin() as conn:
        tenants.go_live(conn, shop.tenant, now() - timedelta(days=days))


def sold(shop: Shop, kind: str = "nl_ideal", *, days: float = 3, **changes: Any) -> str:
    """Sell an order some days ago."""
    return shop.sell(kind, create_date=stamp(now() - timedelta(days=days)), **changes)


def posted(shop: Shop, kind: str = "nl_ideal", **how: Any) -> str:
    """Sell an order and have it posted."""
    document = sold(shop, kind, **how)
    shop.process(document)
    shop.until(document, "done")
    return document


def compare(shop: Shop, *, days: float = 35) -> reconcile.Comparison:
    async def run():
        async with Connections(shop.home.database, shop.home.sealer, loopback=True) as connections:
            since = (now() - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
            return await reconcile.compare(
                shop.home.database, connections, shop.tenant, since=since, until=now(), now=now()
            )

    return asyncio.run(run())


def one(found: reconcile.Comparison) -> reconcile.Difference:
    (difference,) = found.differences
    return difference


def counts(found: reconcile.Comparison) -> dict[str, int]:
    return {state: count.documents for state, count in found.counts.items() if count.documents}


def belongs(order: dict[str, Any]) -> bool:
    return bool(order["paid"] and order["is_completed"] and order["status"] != 8)


def wefact(shop: Shop, controller: str, action: str, **params: Any) -> dict[str, Any]:
    """Do something in WeFact as the merchant would."""
    call = {"api_key": shop.sandbox.wefact_key, "controller": controller, "action": action, **params}
    answer = httpx.post(shop.sandbox.wefact, json=call, trust_env=False).json()
    assert answer["status"] == "success", answer
    return answer


def again(shop: Shop, document: str, **changes: Any) -> str:
    """Add a copy of a document's invoice in WeFact; return its Identifier."""
    known = shop.document(document)
    (first,) = [each for each in shop.invoices() if str(each["Identifier"]) == known.identifier]
    copied = {
        name: str(first[name]) for name in ("Debtor", "Date", "ReferenceNumber", "Comment", "VatCalcMethod")
    }
    lines = [
        {name: str(line[name]) for name in ("Number", "PriceExcl", "TaxCode", "Description")}
        for line in first["InvoiceLines"]
    ]
    made = wefact(shop, "invoice", "add", **(copied | {"InvoiceLines": lines} | changes))
    return str(made["invoice"]["Identifier"])


def shows(shop: Shop) -> int:
    return shop.calls("invoice", "show")


def test_B5_what_is_posted_and_unchanged_does_not_differ_and_costs_one_call_of_wefact_a_fortnight(opened):
    for day in (2, 9, 16, 30):
        posted(opened, days=day)
    before = opened.calls("invoice", "list"), shows(opened)
    found = compare(opened)
    assert (found.differences, found.adds_up) == ([], True)
    assert counts(found) == {"done": 4}
    assert (
        found.wefact.total
        == found.eligible.total
        == sum(charged(each) for each in opened.sandbox.objects("ccv")["orders"])
    )
    assert (opened.calls("invoice", "list") - before[0], shows(opened) - before[1]) == (3, 0)


def test_R2_the_counts_add_up_eligible_is_done_and_error_and_waiting_and_ignored(opened):
    posted(opened)
    stopped = sold(opened, "foreign_currency")
    ignored = sold(opened)
    free = sold(opened, "free")
    opened.sandbox.switch("vies", outages={"DE": "MS_UNAVAILABLE"})
    waits = sold(opened, "icp_de")
    for document in (stopped, free, waits):
        opened.process(document)
    opened.until(stopped, "error")
    opened.until(free, "ignored")
    opened.until(waits, "waiting")
    with opened.home.database.begin() as conn:
        documents.note(conn, opened.tenant, "order", int(ignored.partition("-")[2]), now=now())
    actions.ignore(opened.home.database, opened.tenant, ignored, reason="booked by hand", now=now())
    for kind in ("unpaid", "cancelled", "not_completed"):
        sold(opened, kind)
    found = compare(opened)
    assert counts(found) == {"done": 1, "error": 1, "waiting": 1, "ignored": 2}
    assert found.eligible.documents == 5
    assert found.adds_up
    assert (one(found).code, one(found).document) == ("REC102", stopped)
    assert "SEK" in one(found).facts["shop"]
    assert found.eligible.total == sum(
        charged(each) for each in opened.sandbox.objects("ccv")["orders"] if each["currency"] == "EUR"
    ) - sum(charged(each) for each in opened.sandbox.objects("ccv")["orders"] if not belongs(each))


def test_B5_an_order_that_never_arrived_is_missing(opened):
    document = sold(opened)
    found = compare(opened)
    assert (one(found).what, one(found).code, one(found).document) == ("missing", "REC101", document)
    (order,) = opened.sandbox.objects("ccv")["orders"]
    assert one(found).difference == -charged(order)
    assert not found.adds_up
    assert counts(found) == {"missing": 1}


def test_an_order_of_this_minute_is_not_missing_yet(opened):
    sold(opened, days=0)
    found = compare(opened)
    assert (counts(found), found.differences) == ({"waiting": 1}, [])


def test_R9_an_order_from_before_the_go_live_is_not_missing(opened):
    sold(opened, days=10)
    live_since(opened, days=5)
    assert compare(opened).eligible.documents == 0


def test_R9_an_older_one_that_a_person_asked_for_counts_and_is_told_of_when_it_stops(opened):
    document = sold(opened, "foreign_currency", days=10)
    live_since(opened, days=5)
    opened.process(document)
    opened.until(document, "error")
    found = compare(opened)
    assert (counts(found), one(found).code) == ({"error": 1}, "REC102")


def test_an_order_that_the_shop_dates_otherwise_by_now_is_counted_once(opened):
    document = posted(opened, days=3)
    opened.change(document, create_date=stamp(now() - 25 * DAY))
    found = compare(opened)
    assert (counts(found), found.wefact.documents) == ({"done": 1}, 1)


def test_a_wefact_that_ignores_the_period_gets_nothing_reported_twice(opened):
    document = posted(opened)
    second = again(opened, document)
    opened.sandbox.switch("wefact", date_ranges=False)
    assert [each.identifier for each in compare(opened).differences] == [second]


def test_B5_an_invoice_that_is_there_twice_is_found_by_the_mark_in_its_comment(opened):
    document = posted(opened)
    second = again(opened, document)
    found = compare(opened)
    assert (one(found).what, one(found).code, one(found).identifier) == ("double", "REC104", second)
    assert one(found).difference == opened.document(document).total_incl
    assert one(found).facts["first"] == opened.document(document).identifier


def test_B5_a_sale_that_was_also_booked_by_hand_is_found_by_its_number_and_amount(opened):
    document = posted(opened)
    by_hand = again(opened, document, Comment="")
    found = compare(opened)
    assert (one(found).code, one(found).identifier) == ("REC105", by_hand)


def test_the_merchant_s_own_invoices_do_not_differ(opened):
    document = posted(opened)
    again(opened, document, Comment="", ReferenceNumber="Offerte 12")
    again(opened, document, Comment="", InvoiceLines=[{"Number": "1", "PriceExcl": "5", "TaxCode": "V21"}])
    before = shows(opened)
    assert compare(opened).differences == []
    assert shows(opened) - before == 2, "only the unknown ones are asked for"


def test_B5_an_invoice_with_the_mark_of_a_document_that_does_not_count_as_posted(opened):
    model, document = posted(opened), sold(opened, "foreign_currency")
    opened.process(document)
    opened.until(document, "error", cause="K8")
    mark, key = "mapper 0123456789abcdef01234567", f"invoice:{document}:0"
    intent = {
        "document_id": document,
        "step": "invoice",
        "key": key,
        "token": mark,
        "fingerprint": "",
        "now": now(),
    }
    with opened.home.database.begin() as conn:
        operations.begin(conn, opened.tenant, **intent)
        operations.refuse(conn, opened.tenant, key, error="WEF302", now=now())
    stray = again(opened, model, Comment=f"Klant gebeld. {mark}")
    found = {each.code: each for each in compare(opened).differences}
    assert found.keys() == {"REC102", "REC113"}
    assert (found["REC113"].document, found["REC113"].identifier) == (document, stray)


def test_an_invoice_whose_answer_got_lost_is_left_to_the_ledger(opened):
    opened.sandbox.fault(
        "wefact", kind="drop_after_commit", times=1, match={"controller": "invoice", "action": "add"}
    )
    document = sold(opened)
    opened.process(document)
    opened.until(document, "waiting")
    found = compare(opened)
    assert (found.differences, counts(found)) == ([], {"waiting": 1})
    opened.until(document, "done")
    assert compare(opened).differences == []


def test_W19_what_a_person_settled_by_hand_and_ignored_does_not_differ(opened):
    opened.sandbox.switch("wefact", price_decimals=0)
    document = sold(opened)
    opened.process(document)
    identifier = opened.until(document, "error", cause="W19").identifier
    wefact(opened, "invoice", "delete", Identifier=identifier)
    assert one(compare(opened)).code == "REC112"
    actions.ignore(opened.home.database, opened.tenant, document, reason="booked by hand", now=now())
    assert compare(opened).differences == []


def test_R8_a_second_invoice_on_purpose_is_no_double(opened):
    document = posted(opened)
    opened.process(document, again=True, reason="the first got lost in the post")
    opened.until(document, "done")
    assert len(opened.invoices()) == 2
    assert compare(opened).differences == []


def test_B5_an_invoice_of_a_mapper_that_this_database_does_not_know_is_reported(opened):
    """As after a database was restored from an older copy."""
    document = posted(opened)
    stray = again(opened, document, Comment="mapper 0123456789abcdef01234567")
    found = compare(opened)
    assert (one(found).what, one(found).code, one(found).identifier) == ("unknown", "REC116", stray)


def test_B5_an_invoice_of_another_webshop_with_the_same_administration_is_theirs_unless_the_order_is_ours(
    opened, sandbox
):
    live_since(opened, days=10)
    other = open_shop(opened.home, sandbox, None)
    live_since(other, days=60)
    theirs = posted(other, days=20)
    assert compare(opened).differences == []
    opened.process(theirs)
    opened.until(theirs, "done")
    found = one(compare(opened))
    assert (found.code, found.identifier) == ("REC116", other.document(theirs).identifier)
    other.retire()


def test_B5_an_amount_that_was_changed_in_wefact_after_posting(opened):
    document = posted(opened)
    known = opened.document(document)
    wefact(opened, "invoiceline", "add", Identifier=known.identifier, InvoiceLines=[
        {"Number": "1", "PriceExcl": "10", "TaxCode": "V21", "Description": "Toeslag"}
    ])  # fmt: skip
    found = compare(opened)
    assert (one(found).what, one(found).code) == ("changed", "REC107")
    assert one(found).difference == Decimal("12.10")
    assert f"€ {known.total_incl:.2f} then" in describe("REC107", one(found).facts, "en").message


def test_B5_vat_that_was_changed_in_wefact_with_the_same_total(opened):
    document = posted(opened, "bank_nl", paid=True)
    known = opened.document(document)
    (made,) = opened.invoices()
    first = made["InvoiceLines"][0]
    gross = Decimal(first["PriceExcl"]) * Decimal("1.21") * Decimal(first["Number"])
    wefact(opened, "invoiceline", "add", Identifier=known.identifier, InvoiceLines=[
        {"Number": "1", "PriceExcl": f"{gross / Decimal('1.09'):.6f}", "TaxCode": "V9", "Description": "Boek"}
    ])  # fmt: skip
    wefact(
        opened,
        "invoiceline",
        "delete",
        Identifier=known.identifier,
        InvoiceLines=[{"Identifier": first["Identifier"]}],
    )
    found = compare(opened)
    assert (one(found).what, one(found).code) == ("changed", "REC114")
    assert one(found).difference == 0


def test_B5_W19_an_invoice_that_was_posted_with_another_total(opened):
    opened.sandbox.switch("wefact", price_decimals=0)
    document = sold(opened)
    opened.process(document)
    opened.until(document, "error", cause="W19")
    found = compare(opened)
    assert (one(found).what, one(found).code) == ("amount", "REC106")
    assert counts(found) == {"error": 1}
    assert one(found).difference == found.wefact.total - found.eligible.total


def test_B5_an_invoice_that_was_deleted_in_wefact(opened):
    document = posted(opened)
    known = opened.document(document)
    wefact(opened, "invoice", "delete", Identifier=known.identifier)
    found = compare(opened)
    assert (one(found).what, one(found).code) == ("deleted", "REC112")
    assert one(found).difference == -known.total_incl
    assert found.wefact.documents == 0


def test_B5_an_invoice_that_was_only_dated_otherwise_in_wefact_is_not_deleted(opened):
    document = posted(opened)
    wefact(opened, "invoice", "edit", Identifier=opened.document(document).identifier, Date="2020-01-01")
    found = compare(opened)
    assert (found.differences, found.wefact.documents) == ([], 1)


def test_B5_an_invoice_that_was_credited_in_wefact_although_the_order_stands(opened):
    opened.settings(invoice__status="sent")
    document = posted(opened)
    known = opened.document(document)
    wefact(opened, "invoice", "credit", Identifier=known.identifier)
    found = compare(opened)
    assert (one(found).what, one(found).code) == ("changed", "REC108")
    opened.change(document, status=8)
    assert compare(opened).differences == [], "cancelled on both sides"


def test_R4_amounts_that_the_shop_changed_after_posting(opened):
    document = posted(opened)
    known = opened.document(document)
    opened.change(document, total_price=float(known.total_incl) + 1)
    found = compare(opened)
    assert (one(found).what, one(found).code) == ("changed", "REC109")
    assert one(found).shop - one(found).wefact == 1


def test_R4_lines_that_the_shop_changed_with_the_same_total(opened):
    document = posted(opened)
    (order,) = opened.sandbox.objects("ccv")["orders"]
    rows = [row | {"count": row["count"] + 1} for row in order["rows"]]
    money = {name: float(order[name]) for name in ("total_price", "total_tax")}
    opened.sandbox.admin("ccv", "PATCH", f"orders/{order['id']}", {"rows": rows, "changes": money})
    assert compare(opened).differences == [], "the lists cannot tell"
    with opened.home.database.begin() as conn:
        noted = documents.note(conn, opened.tenant, "order", order["id"], now=now())
        engine.dispatch(conn, opened.tenant, noted, reason="webhook")
    wait_for(lambda: opened.document(document).drift_at is not None)
    found = compare(opened)
    assert (one(found).what, one(found).code, one(found).difference) == ("changed", "REC115", 0)


def test_R4_an_order_that_was_cancelled_or_is_unpaid_again_after_posting(opened):
    cancelled, unpaid = posted(opened), posted(opened)
    opened.change(cancelled, status=8)
    opened.change(unpaid, paid=False)
    found = compare(opened)
    assert {each.document: each.code for each in found.differences} == {cancelled: "REC110", unpaid: "REC110"}
    assert "geannuleerd in de winkel" in describe("REC110", found.differences[0].facts, "nl").message


def test_R4_an_order_that_was_deleted_in_the_shop_after_posting(opened):
    document = posted(opened)
    opened.sandbox.admin("ccv", "DELETE", f"orders/{document.partition('-')[2]}")
    found = compare(opened)
    assert (one(found).what, one(found).code) == ("changed", "REC111")
    assert counts(found) == {"done": 1}


def test_R1_in_the_mode_of_statuses_an_order_that_went_on_does_not_differ(daemon, sandbox):
    at, _ = daemon
    shop = open_shop(at, sandbox, None, mode="order_statuses", statuses=[5])
    live_since(shop, days=60)
    document = posted(shop, status=5)
    shop.change(document, status=6)
    assert compare(shop).differences == []
    shop.retire()


def test_K4_after_a_change_of_mode_what_was_posted_before_is_still_compared(opened):
    document = posted(opened)
    opened.settings(mode="invoices")
    assert compare(opened).differences == []
    wefact(opened, "invoice", "delete", Identifier=opened.document(document).identifier)
    assert one(compare(opened)).code == "REC112"


def test_I8_credit_invoices_are_compared_with_their_sign(daemon, sandbox):
    at, _ = daemon
    shop = open_shop(at, sandbox, None, mode="invoices")
    live_since(shop, days=60)
    (order,) = sandbox.sell("nl_ideal")
    for changes in ({}, {"type": "credit"}):
        made = {"create_date": stamp(now() - DAY)} | changes
        sandbox.admin("ccv", "POST", "invoices", {"order": order["id"], "changes": made})

    async def look():
        async with Connections(at.database, at.sealer, loopback=True) as connections:
            await sweep.sweep_shop(at.database, connections, shop.tenant, now=now())

    asyncio.run(look())
    wait_for(lambda: [each.state for each in shop.all()] == ["done", "done"], shop.all)
    found = compare(shop)
    assert found.differences == []
    assert found.eligible.total == found.wefact.total == 0
    shop.retire()


@pytest.mark.parametrize("scalars", ["strings", "numbers"])
def test_how_wefact_writes_numbers_makes_no_difference(opened, scalars):
    posted(opened)
    opened.sandbox.switch("wefact", scalars=scalars)
    assert compare(opened).differences == []


def test_a_comparison_leaves_half_of_the_burst_of_wefact_calls_to_live_orders(opened):
    """With the burst half used, a live call goes at once and a call of the comparison waits its turn."""
    moment, address = now(), "elsewhere"
    with opened.home.database.begin() as conn:
        for _ in range(limits.BURST // 2):
            assert not limits.reserve(conn, address, now=moment, burst=limits.BURST // 2)
        assert limits.reserve(conn, address, now=moment, burst=limits.BURST // 2)
        assert not limits.reserve(conn, address, now=moment)


def test_B5_every_night_the_comparison_is_kept_and_said(opened):
    posted(opened)
    missing = sold(opened)
    said: list[str] = []

    async def night():
        database = opened.home.database
        async with Connections(database, opened.home.sealer, loopback=True) as connections:
            await reconcile.compare_everyone(database, connections, now=now(), say=said.append)

    asyncio.run(night())
    (line,) = [each for each in said if opened.tenant in each]
    assert "2 eligible = 1 done + 0 error + 0 waiting + 0 ignored + 1 missing; 1 difference(s)" in line
    with opened.home.database.read() as conn:
        kept = reconciliations.latest(conn, opened.tenant)
        entries = [each for each in journal.entries(conn, opened.tenant) if each.event == "reconciled"]
        found = reconcile.Difference.from_json(kept.differences[0])
        assert reconcile.explained(conn, opened.tenant, found, "nl").said.count("nooit gezien") == 1
    assert found.document == missing
    assert isinstance(found.difference, Decimal)
    assert (entries[0].facts["eligible"], entries[0].facts["differences"]) == (2, 1)


def test_one_webshop_that_cannot_be_reached_does_not_keep_the_others_from_being_compared(opened):
    broken = open_shop(opened.home, opened.sandbox, None)
    opened.sandbox.fault("ccv", kind="status", times=3, match={"path": "/orders/"})
    said: list[str] = []

    async def night():
        database = opened.home.database
        async with Connections(database, opened.home.sealer, loopback=True) as connections:
            await reconcile.compare_everyone(database, connections, now=now(), say=said.append)

    asyncio.run(night())
    assert len([each for each in said if opened.tenant in each or broken.tenant in each]) == 1
    broken.retire()


# The command


@pytest.fixture
def old_shop(shop, tmp_path):
    """`mapper` with one webshop that went live two months ago."""
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        tenants.go_live(conn, "winkel", now() - timedelta(days=60))
    return shop


def test_B5_a_difference_says_what_where_in_euros_why_and_what_to_do_next(old_shop, sandbox):
    (order,) = sandbox.sell("nl_ideal", create_date=stamp(now() - 3 * DAY))
    ran = old_shop("reconcile")
    assert ran.code == 1
    total, document = f"{charged(order):.2f}", f"order-{order['id']}"
    header, line, _, why, remedy = ran.out.splitlines()
    assert header.split() == "WHAT DATE DOCUMENT NUMBER INVOICE SHOP WEFACT DIFFERENCE CODE".split()
    day = shop_day(3)
    assert line.split() == [
        "missing",
        day,
        document,
        order["ordernumber_full"],
        total,
        "0.00",
        f"-{total}",
        "REC101",
    ]
    assert f"of € {total} is in the shop and belongs in WeFact, but the mapper never saw it." in why
    assert f"mapper process {document}" in remedy
    assert "1 eligible = 0 done + 0 error + 0 waiting + 0 ignored + 1 missing." in ran.err
    assert f"In euros: {total} = 0.00 + 0.00 + 0.00 + 0.00 + {total}." in ran.err


def test_B5_in_dutch(old_shop, sandbox):
    sandbox.sell("nl_ideal", create_date=stamp(now() - 3 * DAY))
    ran = old_shop("reconcile", "--language", "nl")
    assert "ontbreekt" in ran.out
    assert "hoort in WeFact, maar de mapper heeft het nooit gezien." in ran.out


def test_B5_when_nothing_differs_it_ends_with_0(old_shop):
    ran = old_shop("reconcile")
    assert (ran.code, ran.out) == (0, "")
    assert "Nothing differs." in ran.err


def test_B5_as_json_the_summary_comes_last(old_shop, sandbox):
    (order,) = sandbox.sell("nl_ideal", create_date=stamp(now() - 3 * DAY))
    ran = old_shop("reconcile", "--json")
    difference, summary = ran.records
    assert (difference["what"], difference["shop"]) == ("missing", str(charged(order)))
    assert summary["counts"]["eligible"] == {"documents": 1, "total": str(charged(order))}
    assert (summary["adds_up"], summary["differences"]) == (False, 1)


def test_S9_as_csv_no_text_becomes_a_formula(old_shop, sandbox):
    number = {"ordernumber_prefix": "=SUM(A1)", "ordernumber_full": "=SUM(A1)1"}
    (order,) = sandbox.sell("nl_ideal", create_date=stamp(now() - 3 * DAY), **number)
    (record,) = csv.DictReader(io.StringIO(old_shop("reconcile", "--csv").out))
    assert record["number"] == "'=SUM(A1)1"
    assert Decimal(record["difference"]) == -charged(order)


def test_a_period_is_days_of_the_webshop(old_shop, sandbox):
    for days in (20, 10):
        sandbox.sell("nl_ideal", create_date=stamp(now() - days * DAY))
    day = shop_day(10)
    ran = old_shop("reconcile", "--from", day, "--to", day, "--json")
    assert ran.records[-1]["counts"]["eligible"]["documents"] == 1


def test_what_the_night_found_is_shown_without_asking_anybody(old_shop, sandbox, tmp_path):
    assert "USE118" in old_shop("reconcile", "--last").err
    sandbox.sell("nl_ideal", create_date=stamp(now() - 3 * DAY))

    async def night(database, sealer):
        async with Connections(database, sealer, loopback=True) as connections:
            await reconcile.compare_everyone(database, connections, now=now(), say=lambda _: None)

    with open_database(tmp_path / "home" / "mapper.db") as database:
        asyncio.run(night(database, load_sealer(tmp_path / "home" / "mapper.key", {})))
    requests = len(sandbox.admin("ccv", "GET", "requests")["requests"])
    ran = old_shop("reconcile", "--last")
    assert (ran.code, ran.out.count("REC101")) == (1, 2)
    assert len(sandbox.admin("ccv", "GET", "requests")["requests"]) == requests
    assert old_shop("reconcile", "--last", "--from", "2026-01-01").code == 2


def test_what_a_person_accepts_is_no_difference_until_it_changes(old_shop, sandbox):
    (order,) = sandbox.sell("nl_ideal", create_date=stamp(now() - 3 * DAY))
    number = order["ordernumber_full"]
    assert "USE118" in old_shop("reconcile", "dismiss", number, "--reason", "booked by hand").err
    assert old_shop("reconcile").code == 1
    assert "USE119" in old_shop("reconcile", "dismiss", "2019-1", "--reason", "booked by hand").err
    assert "PRO302" in old_shop("reconcile", "dismiss", number, "--reason", " ").err

    accepted = old_shop("reconcile", "dismiss", number, "--reason", "booked by hand")
    assert (accepted.code, accepted.err) == (0, f"REC101 {number}: accepted as it is.\n")
    for ran in (old_shop("reconcile"), old_shop("reconcile", "--last")):
        assert ran.code == 0
        assert "✓ accepted: booked by hand" in ran.out
        assert "1 difference(s). 1 of them accepted." in ran.err
    (record, summary) = old_shop("reconcile", "--json").records
    assert (record["accepted"], summary["differences"], summary["accepted"]) == ("booked by hand", 1, 1)

    sandbox.admin("ccv", "PATCH", f"orders/{order['id']}", {"total_shipping": 12})
    changed = old_shop("reconcile")
    assert (changed.code, "accepted" in changed.out) == (1, False)


def test_the_doctor_tells_the_last_comparison_and_what_is_open_of_it(old_shop, sandbox):
    assert "shop and WeFact were not compared yet" in old_shop("doctor").out
    first, second = sandbox.sell("nl_ideal", count=2, create_date=stamp(now() - 3 * DAY))
    old_shop("reconcile")
    told = "2 eligible = 0 done + 0 error + 0 waiting + 0 ignored + 2 missing; "
    assert f"{told}2 difference(s)" in old_shop("doctor").out
    old_shop("reconcile", "dismiss", first["ordernumber_full"], "--reason", "x")
    assert f"{told}1 difference(s), 1 accepted" in old_shop("doctor").out
    old_shop("reconcile", "dismiss", second["ordernumber_full"], "--reason", "x")
    (line,) = [line for line in old_shop("doctor").out.splitlines() if "comparison" in line]
    assert (told in line, "0 difference(s), 2 accepted" in line, "BAD" in line) == (True, True, False)


@pytest.mark.parametrize("code", sorted(reconcile.WHAT))
def test_every_kind_of_difference_says_what_to_do_in_both_languages(code):
    names = "document number invoice identifier shop wefact first was tax seen reason".split()
    facts = {name: f"<{name}>" for name in names}
    for language in ("en", "nl"):
        told = describe(code, facts, language)
        assert told.message
        assert told.remedy
