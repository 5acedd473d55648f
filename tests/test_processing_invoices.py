"""Mode invoices, end to end: debit and credit invoices of the sandbox's shop become invoices in WeFact."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from daemons import Shop, charged, home, open_shop, running, wait_for

from mapper import onboarding
from mapper.errors import ConfigError
from mapper.processing import reference
from mapper.processing.connections import Connections
from mapper.processing.eligibility import Posted, judge_invoice
from mapper.processing.fetching import DELETED
from mapper.processing.preview import preview
from mapper.processing.sweep import sweep_shop
from mapper.store import credentials, documents, operations
from mapper.store.rows import Document

SWEPT = datetime(2026, 1, 1, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with home(tmp_path_factory.mktemp("home")) as at, running(at) as url:
        yield at, url


@dataclass(frozen=True, slots=True)
class Invoicing:
    """A shop in mode invoices, and its invoices by the sandbox's admin API."""

    shop: Shop

    def order(self, kind: str = "nl_ideal", **changes: Any) -> dict[str, Any]:
        (order,) = self.shop.sandbox.sell(kind, **changes)
        return order

    def invoice(self, order: dict[str, Any], *, rows: Any = None, **changes: Any) -> dict[str, Any]:
        body = {"order": order["id"], "changes": changes} | ({} if rows is None else {"rows": rows})
        made: dict[str, Any] = self.shop.sandbox.admin("ccv", "POST", "invoices", body)
        return made

    def find(self, invoice: dict[str, Any], kind: str = "invoice") -> Document | None:
        with self.shop.home.database.read() as conn:
            return documents.find(conn, self.shop.tenant, kind, invoice["id"])  # type: ignore[arg-type]

    def until(self, invoice: dict[str, Any], state: str, kind: str = "invoice") -> Document:
        def arrived() -> bool:
            found = self.find(invoice, kind)
            return found is not None and found.state == state

        wait_for(arrived, lambda: self.find(invoice, kind), 10)
        found = self.find(invoice, kind)
        assert found is not None
        return found

    def reference(self, invoice: dict[str, Any]) -> str | None:
        stored = self.shop.sandbox.objects("ccv")["invoices"]
        return next(one["external_reference"] for one in stored if one["id"] == invoice["id"])

    def sweep(self, *, nightly: bool = False):
        async def run():
            async with Connections(
                self.shop.home.database, self.shop.home.sealer, loopback=True
            ) as connections:
                return await sweep_shop(
                    self.shop.home.database, connections, self.shop.tenant, now=now(), nightly=nightly
                )

        return asyncio.run(run())

    def posted(self, identifier: str) -> dict[str, Any]:
        return next(one for one in self.shop.invoices() if str(one["Identifier"]) == identifier)


@pytest.fixture
def shop(daemon, sandbox) -> Iterator[Invoicing]:
    at, url = daemon
    sandbox.switch("ccv", invoices_created=True)
    opened = open_shop(at, sandbox, url, mode="invoices")
    yield Invoicing(opened)
    opened.retire()


def test_R1_an_invoice_is_posted_at_once_whatever_its_status(shop):
    order = shop.order("unpaid")
    done = shop.until(shop.invoice(order), "done")
    posted = shop.posted(done.identifier)
    assert Decimal(str(posted["AmountIncl"])) == charged(order) == done.total_incl
    assert posted["Description"] == f"{order['ordernumber_full']}/{done.number}"
    assert done.order_id == order["id"]


@pytest.mark.parametrize("signs", ["negative", "prices", "positive"])
def test_I8_a_full_credit_takes_the_whole_invoice_back(shop, signs):
    shop.shop.sandbox.switch("ccv", credit_counts=signs)
    order = shop.order("payment_fee")
    debit = shop.until(shop.invoice(order), "done")
    credit = shop.until(shop.invoice(order, type="credit"), "done")
    assert credit.total_incl == -debit.total_incl
    ours, theirs = shop.posted(credit.identifier), shop.posted(debit.identifier)
    for amount in ("AmountIncl", "AmountTax"):
        assert Decimal(str(ours[amount])) == -Decimal(str(theirs[amount]))
    assert f"(credit {debit.number})" in ours["Description"]


@pytest.mark.parametrize("signs", ["negative", "prices", "positive"])
def test_I8_a_restocking_fee_and_a_part_of_the_goods(shop, signs):
    shop.shop.sandbox.switch("ccv", credit_counts=signs)
    order = shop.order("nl_ideal")
    shop.until(shop.invoice(order), "done")
    fee = {"product_name": "Retourkosten", "count": -1, "price": Decimal("1.50"), "tax": 21}
    credit = shop.invoice(order, type="credit", rows=[{"of": 1, "count": 1}, fee])
    posted = shop.posted(shop.until(credit, "done").identifier)
    assert [Decimal(str(line["PriceExcl"])) > 0 for line in posted["InvoiceLines"]] == [False, True]
    assert Decimal(str(posted["AmountIncl"])) == -abs(credit["total_price"])


def test_I8_a_credit_of_the_shipping_costs_and_one_before_its_debit(shop):
    order = shop.order("nl_ideal")
    early = shop.invoice(order, type="credit", rows=[], total_shipping=Decimal("4.95"))
    done = shop.until(early, "done")
    assert "credit" not in shop.posted(done.identifier)["Description"]
    assert done.total_incl == Decimal("-4.95")


def test_R2_without_a_webhook_for_new_invoices_the_sweep_finds_them(shop):
    shop.shop.sandbox.switch("ccv", webhooks="lose")
    invoice = shop.invoice(shop.order())
    assert shop.find(invoice) is None
    report = shop.sweep()
    assert (report.seen, report.new, report.dispatched) == (1, 1, 1)
    shop.until(invoice, "done")
    assert shop.sweep(nightly=True).new == 0


def test_R2_webhooks_are_those_of_the_mode_and_of_what_the_shop_offers(shop, daemon):
    home_, url = daemon

    def register() -> list[str]:
        arguments = (home_.database, home_.sealer, shop.shop.tenant, url)
        return asyncio.run(onboarding.register_webhooks(*arguments, loopback=True, now=now()))

    assert register() == ["invoices.created", "invoices.updated.status"]
    shop.shop.sandbox.switch("ccv", invoices_created=False)
    assert register() == ["invoices.updated.status"]
    shop.shop.settings(mode="paid_orders")
    assert register() == list(onboarding.ORDER_EVENTS)
    with home_.database.read() as conn:
        kept = {hook.event for hook in credentials.webhooks(conn, shop.shop.tenant)}
    registered = [hook["event"] for hook in shop.shop.sandbox.objects("ccv")["webhooks"]]
    assert kept == set(registered) == set(onboarding.ORDER_EVENTS)
    assert len(registered) == len(kept)


def test_R2_a_changed_status_makes_an_unknown_invoice_known(shop):
    shop.shop.sandbox.switch("ccv", webhooks="lose")
    invoice = shop.invoice(shop.order("unpaid"))
    shop.shop.sandbox.switch("ccv", webhooks="deliver")
    shop.shop.sandbox.admin("ccv", "PATCH", f"invoices/{invoice['id']}", {"status": "paid"})
    shop.until(invoice, "done")


def test_K4_invoices_of_a_posted_order_are_ignored_but_for_a_later_credit(shop):
    shop.shop.settings(mode="paid_orders")
    order = shop.order()
    shop.shop.process(f"order-{order['id']}")
    done = shop.until(order, "done", "order")
    shop.shop.settings(mode="invoices")
    debit = shop.until(shop.invoice(order), "ignored")
    assert debit.cause == f"posted as {done.code} (K4)"
    created = (now() + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    shop.until(shop.invoice(order, type="credit", create_date=created), "done")
    assert len(shop.shop.invoices()) == 2


def test_K4_an_order_whose_invoice_was_posted_is_ignored(shop):
    order = shop.order()
    done = shop.until(shop.invoice(order), "done")
    shop.shop.settings(mode="paid_orders")
    shop.shop.process(f"order-{order['id']}")
    assert shop.until(order, "ignored", "order").cause == f"posted as {done.code} (K4)"
    assert len(shop.shop.invoices()) == 1


def test_K4_an_invoice_waits_while_it_is_not_known_whether_its_order_was_posted(shop):
    """The answer to the order's invoice got lost, and the mode was changed before it was looked up."""
    database, tenant = shop.shop.home.database, shop.shop.tenant
    order = shop.order()
    with database.begin() as conn:
        noted = documents.note(conn, tenant, "order", order["id"], now=now())
        documents.claim(conn, tenant, noted.id, revision=1, worker="test", now=now())
        effect = {"document_id": noted.id, "step": "invoice", "token": "mapper 1", "fingerprint": "1"}
        operations.begin(conn, tenant, key=f"invoice:{noted.id}:0", **effect, now=now())
        documents.wait(conn, tenant, noted.id, until=now() + timedelta(hours=1), why="PRO101", now=now())
    debit = shop.invoice(order)
    waiting = shop.until(debit, "waiting")
    assert (waiting.cause, waiting.facts) == ("PRO104", {"document": noted.id})
    with database.begin() as conn:
        documents.claim(conn, tenant, noted.id, revision=1, worker="test", now=now())
        documents.finish(conn, tenant, noted.id, identifier="9", code="F0009", now=now())
    assert shop.until(debit, "ignored").cause == "posted as F0009 (K4)"
    assert shop.shop.invoices() == []


def test_K4_a_credit_that_the_posted_order_contains_already_is_ignored():
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    posted = [Posted("F0001", at, Decimal("30.00"))]

    def outcome(created: str, original: str) -> str:
        of = {"total_price": Decimal(original), "total_tax": Decimal("5.21"), "taxes_included": True}
        credit = {"type": "credit", "total_price": Decimal(-10), "create_date": created, "original": of}
        return judge_invoice(credit, mode="invoices", process_from=SWEPT, posted=posted).outcome

    assert outcome("2026-03-01T12:00:01Z", "30.00") == "post"
    assert outcome("2026-03-01T11:59:59Z", "30.00") == "ignore"
    assert outcome("2026-03-01T12:00:01Z", "40.00") == "ignore"


@pytest.mark.parametrize(("type_", "outcome"), [("debit", "ignore"), ("creditnota", "post"), (None, "post")])
def test_K4_I8_what_might_be_a_credit_of_a_posted_order_goes_to_the_rules_which_hold_it(type_, outcome):
    posted = [Posted("F0001", datetime(2026, 3, 1, 12, tzinfo=UTC), Decimal("30.00"))]
    unclear = {"type": type_, "total_price": Decimal(10), "create_date": "2026-03-02T12:00:00Z"}
    assert judge_invoice(unclear, mode="invoices", process_from=SWEPT, posted=posted).outcome == outcome


def test_R1_R9_order_modes_and_the_go_live_leave_invoices_alone():
    debit = {"type": "debit", "total_price": Decimal(10), "create_date": "2025-12-31T23:59:59Z"}
    order_mode = judge_invoice(debit, mode="paid_orders", process_from=SWEPT)
    assert (order_mode.outcome, order_mode.reason) == ("ignore", "this shop posts orders, not invoices (R1)")
    old = judge_invoice(debit, mode="invoices", process_from=SWEPT)
    assert (old.outcome, old.reason) == ("ignore", "older than the go-live (R9)")
    assert judge_invoice(debit, mode="invoices", process_from=SWEPT, go_live_applies=False).outcome == "post"


def test_R6_a_zero_total_is_ignored(shop):
    assert shop.until(shop.invoice(shop.order("free")), "ignored").cause == "zero total (R6)"


@pytest.mark.parametrize(
    ("number", "state", "cause"), [("2026-9", "ignored", DELETED), ("", "error", "CCV109")]
)
def test_R6_an_invoice_that_is_gone_is_ignored_when_it_was_known_else_a_person_decides(
    shop, number, state, cause
):
    shop.shop.sandbox.switch("ccv", webhooks="lose")
    gone = shop.invoice(shop.order())
    with shop.shop.home.database.begin() as conn:
        documents.note(conn, shop.shop.tenant, "invoice", gone["id"], number=number, now=datetime.now(UTC))
    shop.shop.sandbox.admin("ccv", "DELETE", f"invoices/{gone['id']}")
    shop.shop.process(f"invoice-{gone['id']}")
    assert shop.until(gone, state).cause == cause


def test_a_preview_shows_an_invoice_without_posting_it(shop):
    shop.shop.sandbox.switch("ccv", webhooks="lose")
    invoice = shop.invoice(shop.order())
    at = shop.shop.home
    shown = preview(
        at.database,
        at.sealer,
        shop.shop.tenant,
        invoice["id"],
        kind="invoice",
        now=datetime.now(UTC),
        loopback=True,
    )
    assert (shown.stop, shown.mapped.document["number"]) == (None, invoice["invoicenumber_full"])
    assert shop.shop.invoices() == []


def test_the_reference_is_not_written_unless_asked_for(shop):
    invoice = shop.invoice(shop.order())
    shop.until(invoice, "done")
    shop.shop.rest()
    assert shop.reference(invoice) is None


@pytest.mark.parametrize(("status", "written"), [("sent", "code"), ("draft", "identifier")])
def test_the_reference_is_the_code_or_the_identifier_of_a_draft(shop, status, written):
    shop.shop.settings(invoice__write_reference=True, invoice__status=status)
    invoice = shop.invoice(shop.order())
    done = shop.until(invoice, "done")
    wait_for(lambda: shop.reference(invoice) == getattr(done, written), lambda: shop.reference(invoice))


@pytest.mark.parametrize("fault", ["drop_before", "drop_after_commit"])
def test_a_reference_whose_answer_is_lost_is_written_by_the_next_sweep(shop, fault):
    shop.shop.settings(invoice__write_reference=True, invoice__status="sent")
    shop.shop.sandbox.fault("ccv", kind=fault, match={"method": "PATCH"})
    invoice = shop.invoice(shop.order())
    done = shop.until(invoice, "done")
    wait_for(lambda: "reference not written" in shop.shop.events(done.id))
    shop.sweep()
    assert shop.reference(invoice) == done.code
    assert (len(shop.shop.invoices()), shop.find(invoice).state) == (1, "done")
    with shop.shop.home.database.read() as conn:
        made = [
            one
            for one in operations.of_document(conn, shop.shop.tenant, done.id)
            if one.step == reference.STEP
        ]
    assert [one.state for one in made] == ["done"]


def test_somebody_elses_reference_is_kept(shop):
    shop.shop.settings(invoice__write_reference=True)
    invoice = shop.invoice(shop.order(), external_reference="boekhouder 7")
    done = shop.until(invoice, "done")
    wait_for(lambda: "reference kept" in shop.shop.events(done.id))
    assert shop.reference(invoice) == "boekhouder 7"


def test_K4_another_mode_asks_for_another_go_live():
    old = {"mode": "paid_orders", "process_from": "2026-01-01"}
    today = datetime(2026, 11, 24, tzinfo=UTC).date()

    def code(given: bool = False, **new: str) -> str:  # noqa: FBT001, FBT002
        try:
            onboarding.check_mode(old, old | new, given=given, today=today)
        except ConfigError as error:
            return error.code
        return ""

    assert code(mode="invoices") == "SET112"
    assert code(mode="invoices", process_from="2026-11-24") == ""
    assert code(mode="invoices", given=True) == ""
    assert code() == ""
