"""A document's whole life: webhook in, invoice out, by the real daemon against the sandbox over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from daemons import Shop, charged, home, open_shop, running, wait_for

from mapper import onboarding
from mapper.errors import UsageError
from mapper.processing import actions, mismatch
from mapper.processing.connections import WEFACT_KEY
from mapper.processing.preview import preview
from mapper.store import documents, operations, payloads, tenants
from mapper.wording import reason_of

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with home(tmp_path_factory.mktemp("home")) as at, running(at) as url:
        yield at, url


@pytest.fixture
def shop(daemon, sandbox) -> Iterator[Shop]:
    at, url = daemon
    opened = open_shop(at, sandbox, url)
    yield opened
    opened.retire()


def now():
    return datetime.now(UTC)


def test_a_paid_order_becomes_one_invoice_with_its_total(shop):
    document = shop.sell("nl_ideal")
    done = shop.until(document, "done")
    (invoice,) = shop.invoices()
    (order,) = shop.sandbox.objects("ccv")["orders"]
    assert (done.identifier, done.code) == (str(invoice["Identifier"]), invoice["InvoiceCode"])
    assert Decimal(str(invoice["AmountIncl"])) == charged(order) == done.total_incl
    assert (done.number, done.cause) == (order["ordernumber_full"], "")


def test_what_was_posted_is_kept_with_its_rules_trace_and_journal(shop):
    document = shop.sell("nl_ideal")
    shop.until(document, "done")
    with shop.home.database.read() as conn:
        kept = payloads.mapping(conn, shop.tenant, document)
    assert kept.rules
    assert kept.trace
    assert [request["name"] for request in kept.requests] == ["debtor", "invoice"]
    assert shop.events(document) == ["done"]


def test_one_line_is_said_per_document_without_personal_data(shop):
    done = shop.until(shop.sell("nl_ideal"), "done")
    shop.rest()
    said = [line for line in shop.home.said if line.startswith(shop.tenant)]
    assert said == [f"{shop.tenant} {done.number} done {done.code}"]


def test_R1_an_unpaid_order_is_open_until_it_is_paid(shop):
    document = shop.sell("unpaid")
    assert shop.until(document, "open", cause="not paid yet (R1)").attempts == 0
    shop.change(document, paid=True)
    shop.until(document, "done")
    assert len(shop.invoices()) == 1


def test_R1_in_status_mode_an_order_waits_for_a_chosen_status(shop):
    shop.settings(mode="order_statuses", statuses=[5, 7])
    document = shop.sell("nl_ideal", status=1)
    shop.until(document, "open", cause="order status 1 (R1)")
    shop.change(document, status=5)
    shop.until(document, "done")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("cancelled", "cancelled in the shop (R6)"), ("free", "zero total (R6)")],
)
def test_R6_what_is_never_to_be_booked_is_ignored_with_the_reason(shop, kind, reason):
    ignored = shop.until(shop.sell(kind), "ignored")
    assert (ignored.cause, ignored.ignored_by) == (reason, "rule")
    assert shop.invoices() == []


def test_R6_an_unfinished_order_is_ignored_until_the_customer_finishes_it(shop):
    document = shop.sell("not_completed")
    shop.process(document)
    assert shop.until(document, "ignored").cause == "not completed (R6)"
    shop.change(document, is_completed=True, paid=True, status=1, ordernumber_full="2026-9001")
    shop.until(document, "done")


def test_R6_a_deleted_order_is_ignored(shop):
    document = shop.sell("unpaid")
    shop.until(document, "open", cause="not paid yet (R1)")
    shop.sandbox.admin("ccv", "DELETE", f"orders/{document.partition('-')[2]}")
    assert shop.until(document, "ignored").cause == "deleted in the shop (R6)"


def test_R6_an_order_that_the_shop_denies_for_a_moment_is_posted_all_the_same(shop):
    shop.sandbox.fault("ccv", kind="status", status=404, match={"path": "/orders/"}, times=3)
    document = shop.sell("nl_ideal")
    shop.until(document, "done")
    assert len(shop.invoices()) == 1


def test_R6_an_order_whose_deletion_no_webhook_told_is_ignored_once_the_shops_list_lacks_it_too(shop):
    document = shop.sell("unpaid")
    shop.until(document, "open", cause="not paid yet (R1)")
    shop.sandbox.switch("ccv", webhooks="lose")
    shop.sandbox.admin("ccv", "DELETE", f"orders/{document.partition('-')[2]}")
    shop.process(document)
    assert shop.until(document, "ignored").cause == "deleted in the shop (R6)"


def test_R6_an_order_the_shop_lists_but_does_not_give_stops_for_a_person(shop):
    document = shop.sell("unpaid")
    shop.until(document, "open", cause="not paid yet (R1)")
    path = f"/orders/{document.partition('-')[2]}/"
    shop.sandbox.fault("ccv", kind="status", status=404, match={"path": path}, times=100)
    shop.process(document)
    assert shop.until(document, "error").cause == "CCV109"
    shop.sandbox.admin("ccv", "DELETE", "faults")
    shop.change(document, paid=True)
    shop.until(document, "done")


def test_R6_a_number_the_shop_never_had_stops_with_an_error_and_is_not_called_deleted(shop):
    shop.process("order-99999")
    stopped = shop.until("order-99999", "error")
    assert (stopped.cause, stopped.facts["document"]) == ("CCV109", "order-99999")


def test_R6_the_sweep_takes_up_an_order_that_was_taken_for_deleted_and_is_there(shop):
    document = shop.sell("unpaid")
    shop.until(document, "open", cause="not paid yet (R1)")
    with shop.home.database.begin() as conn:
        documents.ignore(conn, shop.tenant, document, reason="deleted in the shop (R6)", now=now())
    shop.sandbox.switch("ccv", webhooks="lose")
    shop.change(document, paid=True)
    actions.sweep(shop.home.database, shop.home.sealer, shop.tenant, now=now(), loopback=True)
    shop.until(document, "done")


def test_R9_an_order_from_before_the_go_live_is_ignored_unless_a_person_asks_for_it(shop):
    with shop.home.database.begin() as conn:
        tenants.go_live(conn, shop.tenant, LATER)
    document = shop.sell("nl_ideal")
    assert shop.until(document, "ignored").cause == "older than the go-live (R9)"
    shop.process(document)
    shop.until(document, "done")


def test_a_document_dated_in_the_future_is_not_posted(shop):
    document = shop.sell("nl_ideal", create_date="2099-01-01T10:00:00Z")
    assert shop.until(document, "error").cause == "PRO216"
    assert shop.invoices() == []


def test_R4_a_done_document_is_not_posted_again_and_a_change_is_reported(shop):
    document = shop.sell("nl_ideal")
    shop.until(document, "done")
    shop.change(document, status=5)
    shop.change(document, paid=False, total_price=1)
    wait_for(lambda: shop.document(document).drift_at is not None, lambda: shop.document(document))
    assert shop.document(document).state == "done"
    assert len(shop.invoices()) == 1


def test_R8_a_second_invoice_needs_again_and_a_reason(shop):
    document = shop.sell("nl_ideal")
    first = shop.until(document, "done")
    for how, code in ({}, "PRO301"), ({"again": True}, "PRO302"):
        with pytest.raises(UsageError) as caught:
            shop.process(document, **how)
        assert caught.value.code == code
    shop.process(document, again=True, reason="the first was deleted")
    wait_for(lambda: shop.document(document).identifier not in {"", first.identifier})
    assert len(shop.invoices()) == 2


def test_K4_an_order_whose_invoice_was_posted_is_ignored(shop):
    shop.settings(mode="order_statuses", statuses=[5])
    document = shop.sell("nl_ideal", status=1)
    shop.until(document, "open", cause="order status 1 (R1)")
    order = int(document.partition("-")[2])
    with shop.home.database.begin() as conn:
        other = documents.note(conn, shop.tenant, "invoice", 77, now=now(), order_id=order)
        documents.claim(conn, shop.tenant, other.id, revision=1, worker="test", now=now())
        documents.finish(conn, shop.tenant, other.id, identifier="9", code="F0009", now=now())
    shop.change(document, status=5)
    assert shop.until(document, "ignored").cause == "posted as F0009 (K4)"
    assert shop.invoices() == []


def test_a_document_that_is_being_processed_is_left_to_it_and_cannot_be_ignored_meanwhile(shop):
    shop.sandbox.fault("wefact", kind="delay", seconds=0.5, match={"controller": "invoice", "action": "add"})
    document = shop.sell("nl_ideal")
    shop.until(document, "processing")
    assert shop.process(document).state == "processing"
    with pytest.raises(UsageError) as caught:
        actions.ignore(shop.home.database, shop.tenant, document, reason="booked by hand", now=now())
    assert caught.value.code == "PRO305"
    shop.until(document, "done")
    assert len(shop.invoices()) == 1


def test_K2_a_valid_vat_number_is_asked_of_vies_and_the_answer_kept(shop):
    document = shop.sell("icp_de")
    shop.until(document, "done")
    with shop.home.database.read() as conn:
        kept = payloads.mapping(conn, shop.tenant, document)
    (finding,) = [one for one in kept.findings if one["id"] == "K2"]
    assert (finding["facts"]["vies"], finding["severity"]) == ("valid", "info")
    assert finding["facts"]["asked_at"]
    assert shop.events(document) == ["vies", "done"]


def test_K2_a_number_vies_does_not_know_is_an_error(shop):
    shop.sandbox.switch("vies", default="INVALID")
    failed = shop.until(shop.sell("icp_de"), "error")
    assert (failed.cause, failed.facts["country"]) == ("K2", "DE")
    assert shop.invoices() == []


def test_K2_while_vies_is_down_the_document_waits_and_is_never_an_error(shop):
    shop.sandbox.switch("vies", outages={"DE": "MS_UNAVAILABLE"})
    document = shop.sell("icp_de")
    waiting = shop.until(document, "waiting", cause="K2")
    assert waiting.next_at is not None
    wait_for(lambda: len(shop.sandbox.objects("vies")["checks"]) >= 2)
    shop.sandbox.switch("vies", outages={})
    shop.until(document, "done")
    assert "error" not in shop.events(document)


def test_K2_by_setting_an_unknown_number_goes_on_as_a_draft_that_is_not_mailed(shop):
    shop.settings(checks__vies_unknown="draft", invoice__status="sent", invoice__send_by_email=True)
    shop.sandbox.switch("vies", outages={"DE": "MS_UNAVAILABLE"})
    shop.until(shop.sell("icp_de"), "done")
    (invoice,) = shop.invoices()
    assert str(invoice["Status"]) == "0"
    assert shop.sandbox.admin("wefact", "GET", "outbox")["outbox"] == []


def test_K3_a_vat_code_that_wefact_does_not_have_is_an_error_before_anything_is_made(shop):
    shop.settings(vat__icp={kind: {"code": "NONE"} for kind in ("revenue", "shipping", "payment")})
    failed = shop.until(shop.sell("icp_de"), "error")
    number = failed.number
    needed = {"code": "NONE", "country": "ICP", "rate": "0", "account": "revenue", "document": number}
    assert (failed.cause, failed.facts) == ("K3", needed)
    assert (shop.invoices(), shop.debtors()) == ([], [])


@pytest.mark.parametrize(("kind", "cause"), [("foreign_currency", "K8"), ("eu_zero_rate", "K7")])
def test_what_the_rules_hold_is_an_error_with_the_check_that_holds_it(shop, kind, cause):
    assert shop.until(shop.sell(kind), "error").cause == cause
    assert shop.invoices() == []


def test_W14_a_customer_who_returns_is_the_same_debtor_whatever_the_case_of_the_address(shop):
    for email in ("Jan@Example.com", "jan@example.com"):
        shop.until(shop.sell("nl_ideal", customer={"email": email}), "done")
    assert len(shop.debtors()) == 1
    assert {str(one["Debtor"]) for one in shop.invoices()} == {str(shop.debtors()[0]["Identifier"])}
    assert shop.calls("debtor", "list") == 1


def test_W14_a_debtor_that_exists_is_used_and_of_several_the_lowest_with_a_note(shop):
    for _ in range(2):
        shop.add_debtor(EmailAddress="jan@example.com")
    shop.add_debtor(EmailAddress="other-jan@example.com")
    document = shop.sell("nl_ideal", customer={"email": "jan@example.com"})
    shop.until(document, "done")
    assert len(shop.debtors()) == 3
    assert str(shop.invoices()[0]["Debtor"]) == "1"
    assert "several debtors" in shop.events(document)


def test_W14_icp_wants_the_same_vat_number_else_a_new_debtor(shop):
    email = {"email": "einkauf@mueller.example"}
    shop.add_debtor(EmailAddress=email["email"], TaxNumber="DE999999999")
    shop.until(shop.sell("icp_de", customer=email), "done")
    assert [one["TaxNumber"] for one in shop.debtors()] == ["DE999999999", shop.debtors()[1]["TaxNumber"]]
    assert str(shop.invoices()[0]["Debtor"]) == "2"


def test_W14_without_an_email_every_document_has_its_own_debtor(shop):
    for _ in range(2):
        shop.until(shop.sell("no_email"), "done")
    assert len(shop.debtors()) == 2


def test_W14_a_recorded_debtor_that_was_deleted_in_wefact_is_made_anew_when_a_person_asks(shop):
    shop.until(shop.sell("nl_ideal", customer={"email": "jan@example.com"}), "done")
    shop.sandbox.admin("wefact", "POST", "reset")
    document = shop.sell("nl_ideal", customer={"email": "jan@example.com"})
    assert shop.until(document, "error").cause == "WEF302"
    shop.process(document)
    shop.until(document, "done")
    assert (len(shop.debtors()), len(shop.invoices())) == (1, 1)


def give_another_key(shop):
    with shop.home.database.begin() as conn:
        keys = {WEFACT_KEY: shop.sandbox.wefact_key}
        onboarding.put_keys(conn, shop.home.sealer, shop.tenant, keys, now=now())


def test_W14_after_another_wefact_key_a_recorded_debtor_may_be_somebody_else(shop):
    """The key may be another administration's, whose debtors have the same numbers."""
    customer = {"email": "jan@example.com"}
    shop.until(shop.sell("nl_ideal", customer=customer), "done")
    shop.sandbox.admin("wefact", "POST", "reset")
    shop.add_debtor(EmailAddress="els@example.com")
    give_another_key(shop)
    for _ in range(2):
        shop.until(shop.sell("nl_ideal", customer=customer), "done")
    assert [one["EmailAddress"] for one in shop.debtors()] == ["els@example.com", "jan@example.com"]
    assert {str(one["Debtor"]) for one in shop.invoices()} == {"2"}


def test_W15_a_fixed_debtor_is_used_without_a_search(shop):
    shop.add_debtor(DebtorCode="DB10001")
    shop.settings(payment_methods=[{"method": "Bank-Transfer", "debtor": "DB10001"}])
    shop.until(shop.sell("bank_nl", paid=True), "done")
    assert [str(one["Debtor"]) for one in shop.invoices()] == ["1"]
    assert shop.calls("debtor", "list") == 0


def test_R3_wefact_is_asked_for_the_customer_then_the_products_then_the_invoice(shop):
    shop.settings(products__synchronise=True, invoice__send_by_email=True, invoice__status="sent")
    shop.until(shop.sell("nl_ideal"), "done")
    requests = shop.sandbox.admin("wefact", "GET", "requests")["requests"]
    made = [one["controller"] for one in requests if one["action"] in {"add", "sendbyemail"}]
    assert made == sorted(made, key=["debtor", "product", "invoice"].index)
    assert set(made) == {"debtor", "product", "invoice"}


def test_W17_products_are_made_once_when_they_are_synchronised(shop):
    shop.settings(products__synchronise=True)
    for _ in range(2):
        shop.until(shop.sell("nl_ideal"), "done")
    codes = [one["ProductCode"] for one in shop.sandbox.objects("wefact")["products"]]
    assert codes
    assert len(codes) == len(set(codes))


def test_W18_the_invoice_is_mailed_once(shop):
    shop.settings(invoice__send_by_email=True)
    shop.until(shop.sell("nl_ideal"), "done")
    assert len(shop.sandbox.admin("wefact", "GET", "outbox")["outbox"]) == 1


@pytest.mark.parametrize("controller", ["debtor", "invoice"])
def test_B3_whatever_happens_to_a_call_every_order_has_one_debtor_and_one_invoice(shop, controller):
    faults = (
        {"kind": "drop_after_commit"},
        {"kind": "drop_before"},
        {"kind": "status", "when": "before"},
        {"kind": "status", "when": "after"},
        {"kind": "truncated"},
    )
    for fault in faults:
        shop.sandbox.fault("wefact", match={"controller": controller, "action": "add"}, **fault)
    sold = [shop.sell("nl_ideal", customer={"email": f"{one}@example.com"}) for one in range(len(faults))]
    for document in sold:
        shop.until(document, "done")
    # A second try may meet the fault that was meant for another order.
    assert sum(shop.events(document).count("waiting") for document in sold) >= len(faults)
    assert (len(shop.debtors()), len(shop.invoices())) == (len(sold), len(sold))
    assert len({one["ReferenceNumber"] for one in shop.invoices()}) == len(sold)


def test_B3_an_order_that_is_cancelled_while_its_invoice_is_unknown_does_not_hide_that_invoice(shop):
    shop.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    document = shop.sell("nl_ideal")
    shop.until(document, "waiting")
    shop.change(document, status=8)
    done = shop.until(document, "done")
    assert [str(one["Identifier"]) for one in shop.invoices()] == [done.identifier]


def test_a_shop_that_is_down_makes_the_document_wait_and_holds_up_nobody(shop):
    shop.sandbox.fault("ccv", kind="status", times=3, match={"path": "/orders/500000001/"})
    document, other = shop.sell("nl_ideal"), shop.sell("nl_ideal")
    shop.until(document, "waiting", cause="CCV103")
    shop.until(other, "done")
    shop.until(document, "done")
    assert len(shop.invoices()) == 2


def test_a_refusal_is_an_error_in_wefacts_own_words_and_process_tries_again(shop):
    shop.sandbox.switch("wefact", refuse_time=True)
    document = shop.sell("nl_ideal")
    failed = shop.until(document, "error")
    assert (failed.cause, failed.identifier) == ("WEF302", "")
    assert failed.facts["sentence"]
    shop.sandbox.switch("wefact", refuse_time=False)
    shop.process(document)
    shop.until(document, "done")
    assert (len(shop.invoices()), shop.calls("invoice", "add")) == (1, 2)


def test_a_ban_stops_every_call_of_everyone_behind_the_address(shop):
    shop.sandbox.switch("wefact", banned=True)
    first = shop.sell("nl_ideal")
    shop.until(first, "waiting")
    calls = len(shop.sandbox.admin("wefact", "GET", "requests")["requests"])
    second = shop.sell("nl_ideal")
    waiting = shop.until(second, "waiting")
    assert waiting.cause == "STO130"
    assert waiting.next_at > now() + timedelta(minutes=30)
    assert len(shop.sandbox.admin("wefact", "GET", "requests")["requests"]) == calls


def test_a_key_that_wefact_refuses_pauses_the_tenant_until_it_is_resumed(shop):
    shop.sandbox.switch("wefact", allowed_ips=["203.0.113.9"])
    document = shop.sell("nl_ideal")
    shop.until(document, "waiting", cause="WEF202")
    with shop.home.database.read() as conn:
        assert tenants.pause_of(conn, shop.tenant).reason == "WEF202"
    shop.sandbox.switch("wefact", allowed_ips=["127.0.0.1"])
    assert actions.resume(shop.home.database, shop.tenant, now=now()) >= 0
    shop.process(document)
    shop.until(document, "done")


def test_W19_an_invoice_with_another_total_is_an_error_with_its_identifier_and_never_posted_again(shop):
    shop.sandbox.switch("wefact", price_decimals=0)
    document = shop.sell("nl_ideal")
    failed = shop.until(document, "error")
    (invoice,) = shop.invoices()
    assert (failed.cause, failed.identifier) == ("W19", str(invoice["Identifier"]))
    assert failed.facts["field"] == "AmountIncl"
    shop.sandbox.switch("wefact", price_decimals=6)
    with pytest.raises(UsageError) as caught:
        shop.process(document)
    assert caught.value.code == "PRO303"
    shop.change(document, status=5)
    other = shop.sell("nl_ideal")
    shop.until(other, "done")
    assert shop.document(document).state == "error"
    assert len(shop.invoices()) == 2


def test_W19_what_the_shop_says_of_it_later_counts_no_second_time(shop):
    document = mismatched(shop).id
    for status in (5, 6, 5):
        shop.change(document, status=status)
        shop.rest()
    assert shop.document(document).state == "error"
    assert shop.events(document) == ["error"]
    with shop.home.database.read() as conn:
        assert tenants.pause_of(conn, shop.tenant) is None


def test_W19_three_in_a_row_pause_the_tenant(shop):
    shop.sandbox.switch("wefact", price_decimals=0)
    for _ in range(3):
        shop.until(shop.sell("nl_ideal"), "error", cause="W19")
    fourth = shop.sell("nl_ideal")
    shop.rest()
    with shop.home.database.read() as conn:
        assert tenants.pause_of(conn, shop.tenant).reason == "W19"
    shop.sandbox.switch("wefact", price_decimals=6)
    assert shop.document(fourth).state == "queued"
    assert actions.resume(shop.home.database, shop.tenant, now=now()) == 1
    shop.until(fourth, "done")
    assert len(shop.invoices()) == 4


def test_R11_while_paused_nothing_is_posted_and_resuming_brings_it_all_back(shop):
    actions.pause(shop.home.database, shop.tenant, reason="stocktaking", now=now())
    sold = [shop.sell("nl_ideal") for _ in range(3)]
    shop.rest()
    assert actions.resume(shop.home.database, shop.tenant, now=now()) == 3
    for document in sold:
        shop.until(document, "done")
    assert len(shop.invoices()) == 3


def test_W18_an_invoice_that_wefact_does_not_mail_is_done_and_says_so(shop):
    shop.settings(invoice__send_by_email=True)
    done = shop.until(shop.sell("no_email"), "done")
    (invoice,) = shop.invoices()
    assert (done.identifier, done.cause) == (str(invoice["Identifier"]), "PRO204")
    assert (done.facts["identifier"], bool(done.facts["sentence"])) == (done.identifier, True)
    assert shop.events(done.id) == ["not mailed", "done"]


def mismatched(shop):
    """A document in error because WeFact rounded its invoice to another total."""
    shop.sandbox.switch("wefact", price_decimals=0)
    document = shop.sell("nl_ideal")
    stopped = shop.until(document, "error", cause="W19")
    shop.sandbox.switch("wefact", price_decimals=6)
    return stopped


def test_W19_a_person_takes_the_invoice_as_it_is(shop):
    stopped = mismatched(shop)
    with pytest.raises(UsageError) as caught:
        mismatch.accept(shop.home.database, shop.tenant, stopped.id, reason=" ", now=now())
    assert caught.value.code == "PRO302"
    done = mismatch.accept(shop.home.database, shop.tenant, stopped.id, reason="corrected", now=now())
    assert (done.state, done.identifier, done.cause) == ("done", stopped.identifier, "")
    assert len(shop.invoices()) == 1


def test_W18_after_another_wefact_key_no_invoice_of_before_is_mailed(shop):
    shop.settings(invoice__send_by_email=True)
    shop.sandbox.fault("wefact", kind="status", status=503, times=9, match={"action": "sendbyemail"})
    document = shop.sell("nl_ideal")
    shop.until(document, "waiting")
    give_another_key(shop)
    shop.sandbox.admin("wefact", "DELETE", "faults")
    assert shop.until(document, "done").cause == "PRO203"
    assert shop.sandbox.objects("wefact")["outbox"] == []


def test_W19_after_another_wefact_key_no_draft_of_somebody_else_is_deleted(shop):
    stopped = mismatched(shop)
    shop.wefact("invoice", "edit", Identifier=stopped.identifier, Comment="somebody else's")
    give_another_key(shop)
    at = {"reason": "another administration", "now": now(), "loopback": True}
    mismatch.post_anew(shop.home.database, shop.home.sealer, shop.tenant, stopped.id, **at)
    done = shop.until(stopped.id, "done")
    assert [str(one["Identifier"]) for one in shop.invoices()] == [stopped.identifier, done.identifier]


@pytest.mark.parametrize("deleted_by_hand", [False, True])
def test_W19_the_draft_is_deleted_and_made_anew(shop, deleted_by_hand):
    stopped = mismatched(shop)
    if deleted_by_hand:
        shop.wefact("invoice", "delete", Identifier=stopped.identifier)
    at = {"reason": "the decimals were wrong", "now": now(), "loopback": True}
    mismatch.post_anew(shop.home.database, shop.home.sealer, shop.tenant, stopped.id, **at)
    done = shop.until(stopped.id, "done")
    assert [str(one["Identifier"]) for one in shop.invoices()] == [done.identifier]
    assert done.identifier != stopped.identifier


def test_W19_both_ways_out_are_there_for_a_document_that_was_ignored_meanwhile(shop):
    stopped = mismatched(shop)
    actions.ignore(shop.home.database, shop.tenant, stopped.id, reason="look later", now=now())
    with pytest.raises(UsageError) as caught:
        shop.process(stopped.id)
    assert caught.value.code == "PRO303"
    done = mismatch.accept(shop.home.database, shop.tenant, stopped.id, reason="corrected", now=now())
    assert (done.state, done.identifier, done.ignored_by) == ("done", stopped.identifier, "")
    assert len(shop.invoices()) == 1


def test_W19_a_preview_of_posting_anew_shows_what_would_be_posted(shop):
    stopped = mismatched(shop)
    at = shop.home.database, shop.home.sealer, shop.tenant, shop_id(stopped.id)
    with pytest.raises(UsageError) as caught:
        preview(*at, now=now(), again=True, loopback=True)
    assert caught.value.code == "PRO302"
    shown = preview(*at, now=now(), again=True, reason="anew", loopback=True)
    assert (shown.stop, [one.name for one in shown.mapped.requests]) == (None, ["debtor", "invoice"])
    assert len(shop.invoices()) == 1


def test_W19_an_invoice_that_is_no_draft_is_not_deleted(shop):
    stopped = mismatched(shop)
    shop.wefact("invoice", "edit", Identifier=stopped.identifier, Status=2)
    at = {"reason": "anew", "now": now(), "loopback": True}
    with pytest.raises(UsageError) as caught:
        mismatch.post_anew(shop.home.database, shop.home.sealer, shop.tenant, stopped.id, **at)
    assert caught.value.code == "PRO307"
    assert shop.document(stopped.id).state == "error"


def test_W19_neither_way_out_is_for_a_document_without_such_an_invoice(shop):
    document = shop.sell("unpaid")
    shop.until(document, "open", cause="not paid yet (R1)")
    ways = (
        lambda: mismatch.accept(shop.home.database, shop.tenant, document, reason="x", now=now()),
        lambda: mismatch.post_anew(
            shop.home.database, shop.home.sealer, shop.tenant, document, reason="x", now=now()
        ),
    )
    for way in ways:
        with pytest.raises(UsageError) as caught:
            way()
        assert caught.value.code == "PRO308"


def test_R5_a_document_whose_invoice_may_exist_is_ignored_only_by_force(shop):
    shop.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    shop.sandbox.fault("wefact", kind="status", match={"controller": "invoice", "action": "list"}, times=100)
    document = shop.sell("nl_ideal")
    waiting = shop.until(document, "waiting")
    actions.pause(shop.home.database, shop.tenant, reason="look first", now=now())
    with pytest.raises(UsageError) as caught:
        actions.ignore(shop.home.database, shop.tenant, document, reason="by hand", now=now())
    assert caught.value.code == "PRO306"
    assert f"the reference {waiting.number}" in caught.value.remedy()
    ignored = actions.ignore(
        shop.home.database, shop.tenant, document, reason="by hand", now=now(), force=True
    )
    assert ignored.state == "ignored"


def test_a_debtor_and_a_product_whose_answers_were_lost_are_found_and_leave_nothing_unknown(shop):
    shop.settings(products__synchronise=True)
    for controller in ("debtor", "product"):
        match = {"controller": controller, "action": "add"}
        shop.sandbox.fault("wefact", kind="drop_after_commit", match=match)
    shop.until(shop.sell("nl_ideal"), "done")
    with shop.home.database.read() as conn:
        counts = operations.counts(conn, shop.tenant)
    assert (counts["done"] > 2, counts["intended"], counts["unknown"]) == (True, 0, 0)
    assert len(shop.debtors()) == 1


def test_R8_who_looked_in_vain_for_an_invoice_that_the_list_never_shows_has_it_made_with_a_reason(shop):
    match = {"controller": "invoice"}
    shop.sandbox.fault("wefact", kind="drop_before", match=match | {"action": "add"})
    shop.sandbox.fault("wefact", kind="empty", match=match | {"action": "list"}, times=100)
    document = shop.sell("nl_ideal")
    shop.until(document, "error", cause="PRO205")
    assert shop.calls("invoice", "list") == 12
    with pytest.raises(UsageError) as caught:
        shop.process(document, again=True)
    assert caught.value.code == "PRO302"
    shop.process(document, again=True, reason="not in WeFact")
    shop.until(document, "done")
    assert len(shop.invoices()) == 1


def test_R11_what_waits_for_a_refused_key_goes_on_at_once_after_resume(shop):
    shop.sandbox.switch("wefact", allowed_ips=["10.0.0.1"])
    document = shop.sell("nl_ideal")
    shop.until(document, "waiting", cause="WEF202")
    shop.sandbox.switch("wefact", allowed_ips=["127.0.0.1", "::1"])
    actions.resume(shop.home.database, shop.tenant, now=now())
    shop.until(document, "done")
    assert len(shop.invoices()) == 1


def test_why_a_document_waits_is_told_in_words(shop):
    shop.sandbox.fault("wefact", kind="status", status=503, match={"controller": "debtor"}, times=100)
    waiting = shop.until(shop.sell("nl_ideal"), "waiting")
    with shop.home.database.read() as conn:
        told = reason_of(conn, waiting, "en")
    assert told.said != waiting.cause
    assert told.remedy


def test_R5_an_ignored_document_stays_ignored_whatever_the_shop_says(shop):
    document = shop.sell("unpaid")
    shop.until(document, "open", cause="not paid yet (R1)")
    ignored = actions.ignore(shop.home.database, shop.tenant, document, reason="booked by hand", now=now())
    assert (ignored.state, ignored.ignored_by) == ("ignored", "person")
    shop.change(document, paid=True)
    shop.until(shop.sell("nl_ideal"), "done")
    assert shop.document(document).state == "ignored"
    assert len(shop.invoices()) == 1


def test_R5_ignoring_needs_a_reason_and_something_that_is_not_done(shop):
    document = shop.sell("nl_ideal")
    shop.until(document, "done")
    for reason, code in (" ", "PRO304"), ("because", "PRO301"):
        with pytest.raises(UsageError) as caught:
            actions.ignore(shop.home.database, shop.tenant, document, reason=reason, now=now())
        assert caught.value.code == code


def test_a_preview_tells_what_would_be_posted_and_changes_nothing(shop):
    add = {"EmailAddress": "jan@example.com"}
    shop.add_debtor(**add)
    actions.pause(shop.home.database, shop.tenant, reason="look first", now=now())
    paid = shop.sell("nl_ideal", customer={"email": add["EmailAddress"]})
    unpaid = shop.sell("unpaid")
    known = shop.all()
    shown = [
        preview(shop.home.database, shop.home.sealer, shop.tenant, shop_id(one), now=now(), loopback=True)
        for one in (paid, unpaid)
    ]
    assert [(one.stop.cause if one.stop else "", one.debtor) for one in shown] == [
        ("", "1"),
        ("not paid yet (R1)", ""),
    ]
    assert [request.name for request in shown[0].mapped.requests] == ["debtor", "invoice"]
    assert shop.invoices() == []
    assert {one.payload_hash for one in known} <= {""}


def test_a_preview_of_what_an_earlier_try_began_shows_that_trys_invoice(shop):
    shop.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    shop.sandbox.fault("wefact", kind="status", match={"controller": "invoice", "action": "list"}, times=100)
    document = shop.sell("nl_ideal")
    shop.until(document, "waiting")
    actions.pause(shop.home.database, shop.tenant, reason="look first", now=now())
    shop.change(document, paid=False)
    shown = preview(
        shop.home.database, shop.home.sealer, shop.tenant, shop_id(document), now=now(), loopback=True
    )
    assert (shown.stop, shown.begun) == (None, True)
    assert [request.name for request in shown.mapped.requests] == ["debtor", "invoice"]


def shop_id(document):
    return int(document.partition("-")[2])


def test_a_bug_holds_its_own_document_and_logs_nothing_of_the_customer(shop, caplog):
    with shop.home.database.begin() as conn:
        good = tenants.settings(conn, shop.tenant)
        broken = {name: value for name, value in good.items() if name != "mode"}
        tenants.put_settings(conn, shop.tenant, broken, who="test", now=now())
    document = shop.sell("nl_ideal", customer={"email": "jan@example.com"})
    failed = shop.until(document, "error")
    assert (failed.cause, failed.facts) == ("PRO199", {"kind": "KeyError"})
    assert "KeyError" in caplog.text
    assert "jan@example.com" not in caplog.text
    with shop.home.database.begin() as conn:
        tenants.put_settings(conn, shop.tenant, good, who="test", now=now())
    shop.process(document)
    shop.until(document, "done")


def test_an_order_of_another_shop_of_the_same_daemon_is_not_touched(shop, daemon, sandbox):
    at, _ = daemon
    other = open_shop(at, sandbox, None)
    document = shop.sell("nl_ideal")
    shop.until(document, "done")
    assert other.document(document) is None


def test_the_ledger_records_every_effect_of_a_document(shop):
    shop.settings(invoice__send_by_email=True)
    document = shop.sell("nl_ideal")
    done = shop.until(document, "done")
    with shop.home.database.read() as conn:
        found = operations.of_document(conn, shop.tenant, document)
    assert [(one.step, one.state) for one in found] == [
        ("debtor", "done"),
        ("invoice", "done"),
        ("send", "done"),
    ]
    assert replace(found[1]).identifier == done.identifier
