"""What holds a document, in the reader's language."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from orders import mapped, order, row

from mapper.errors import StoreError, UsageError
from mapper.processing import eligibility
from mapper.wording import reason

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cause", "dutch"),
    [
        ("not paid yet (R1)", "nog niet betaald (R1)"),
        ("order status 5 (R1)", "bestelstatus 5 (R1)"),
        ("posted as F2026-0001 (K4)", "geboekt als F2026-0001 (K4)"),
        ("deleted in the shop (R6)", "verwijderd in de winkel (R6)"),
        ("zero total (R6)", "totaal nul (R6)"),
    ],
)
def test_why_a_document_is_open_or_ignored_is_told_in_dutch(cause, dutch):
    assert reason(cause, {}, (), "nl").said == dutch
    assert reason(cause, {}, (), "en").said == cause


def test_what_a_person_wrote_is_never_translated():
    assert reason("not paid yet, booked by hand", {}, (), "nl").said == "not paid yet, booked by hand"


VERDICTS = [
    eligibility.judge_order({"paid": False}, mode="paid_orders", statuses=(), process_from=NOW),
    eligibility.judge_order({"paid": True}, mode="invoices", statuses=(), process_from=NOW),
    eligibility.judge_order({"is_completed": False}, mode="paid_orders", statuses=(), process_from=NOW),
    eligibility.judge_order({"status": 8}, mode="paid_orders", statuses=(), process_from=NOW),
    eligibility.judge_order({"status": 4}, mode="order_statuses", statuses=(5,), process_from=NOW),
    eligibility.judge_order({}, mode="order_statuses", statuses=(5,), process_from=NOW),
    eligibility.judge_order({}, mode="paid_orders", statuses=(), process_from=NOW, posted_as=["F1"]),
    eligibility.judge_order(
        {"create_date": "2020-01-01T00:00:00Z"}, mode="paid_orders", statuses=(), process_from=NOW
    ),
    eligibility.judge_invoice({}, mode="paid_orders", process_from=NOW),
]


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.reason)
def test_every_reason_of_a_verdict_has_its_dutch(verdict):
    assert verdict.outcome != "post"
    assert reason(verdict.reason, {}, (), "nl").said != verdict.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"total_price": "59,95"},
        {"total_price": True},
        {"paymethod": {}},
        {"rows": {"a": 1}},
        {"paid": "yes"},
        {"create_date": "14-03-2025"},
        {"create_date": "2025-03-14T10:00:00"},
        {"create_date": "9999-12-31T23:59:59Z"},
        {"rows": [dict(row("10.00"), tax=-100)]},
    ],
    ids=str,
)
def test_what_is_wrong_with_a_payload_is_told_in_dutch_throughout(changes):
    (finding,) = [one for one in mapped(order(row("10.00"), **changes)).findings if one.id.startswith("MAP")]
    english = re.findall(r"\b(the|not|holds|must|number|text|date|time|does|such)\b", finding.say["nl"])
    assert english == []


def test_which_effect_an_error_is_about_is_told_in_dutch():
    error = UsageError("PRO202", operation="invoice", document="order-1")
    assert "factuur" in error.message("nl")
    assert (
        StoreError("STO120", document="order-1", state="done", wanted="open").message("nl").count("klaar")
        == 1
    )
