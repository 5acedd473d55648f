"""What a change of rules or settings would have done to past documents, to the cent and by the rule that did it."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache, partial

import pytest
from orders import order, row, tenant

from mapper import mapping
from mapper.authoring.edits import edits
from mapper.authoring.impact import MOST_ALIKE, Impact, Recent, impact, read
from mapper.authoring.over import many_processes
from mapper.authoring.replay import Pair
from mapper.authoring.replaying import Replayed, changes_of, replay
from mapper.mapping import apply, mapped_json, rulebooks_from, texts_of
from mapper.rulebook.slices import sliced
from mapper.store import documents, exact, history, redacting
from mapper.store.history import Scope, Stored
from tests.databases import NOW
from tests.past import careless, lenient, remember, unplaced

pytest_plugins = ["tests.databases"]

SHIPPED = texts_of()
ORDER, TARGET = "ccv_order.yaml", "wefact.yaml"
IDEAL = ("{any: [ideal], then: ideal}", "{any: [ideal, bancontact], then: ideal}")


def edited(*changes, texts=SHIPPED):
    """The shipped rules with texts replaced, each given as (file, what stands there, what comes instead)."""
    made = dict(texts)
    for name, old, new in changes:
        assert made[name].count(old) >= 1, old
        made[name] = made[name].replace(old, new)
    return made


LENIENT, SHIPPING_AT_9 = lenient(), careless()
ICP = {"icp": True, "vat_number": "DE136695976", "country": "DE"}


@cache
def _loaded(texts):
    return rulebooks_from(dict(texts))


def loaded(texts):
    """Rules by their texts, each loaded once for all tests."""
    return _loaded(tuple(texts.items()))


def pair(new, *, old=SHIPPED, settings=None, old_settings=None):
    before = old_settings or tenant()
    return Pair(loaded(old).bind(before), loaded(new).bind(settings or before))


def stored(*orders):
    return [
        Stored("winkel", f"order-{place}", "order", str(place), exact.write(one))
        for place, one in enumerate(orders, start=901)
    ]


def replayed(new, *orders, **versions):
    return last(impact({"winkel": pair(new, **versions)}, stored(*orders)))


def last(found):
    *_, whole = found
    return whole


def told(group):
    return [(one.path, one.old, one.new) for one in group.values]


def line_of(texts, text):
    name, lines = next((name, one.splitlines()) for name, one in texts.items() if text in one)
    return next(f"rules/{name}:{place}" for place, line in enumerate(lines, start=1) if text in line)


# euros


def test_the_euros_that_move_are_told_per_rate_to_the_cent():
    sold = order(row("121.00"), shipping="10.90")
    found = replayed(SHIPPING_AT_9, sold, sold, order(row("50.00")), old=LENIENT)
    # € 10.90 with VAT is 9.01 + 1.89 at 21 % and 10.00 + 0.90 at 9 %, twice; WeFact rounds per rate.
    assert found.to_json()["changed"] == {
        "documents": 2,
        "net": "1.98",
        "vat": "-1.98",
        "gross": "0.00",
        "per_rate": [
            {"percent": Decimal(9), "net": "20.00", "vat": "1.80", "gross": "21.80"},
            {"percent": Decimal(21), "net": "-18.02", "vat": "-3.78", "gross": "-21.80"},
        ],
    }
    assert found.to_json()["moved"] == {"winkel": "5.58"}
    (group,) = found.sorted_groups
    assert (group.documents, group.example) == (2, ("winkel", "order-901", "901"))
    assert [(str(one.place), one.path) for one in group.causes] == [
        (line_of(SHIPPED, "      vat_percent:                                                       # S1") + ":7",
         "shipping.vat_percent")
    ]  # fmt: skip


def test_what_would_stop_and_what_would_go_through_count_with_their_whole_amounts():
    sold = order(row("10.90", "9"), shipping="12.10")
    strict = replayed(
        edited((ORDER, "        otherwise: _shop_percent", "        otherwise: 9")), sold, order()
    )
    (group,) = strict.sorted_groups
    assert group.effect == "stops"
    assert group.amounts.to_json()["gross"] == "-23.00"
    assert [(one["percent"], one["net"], one["vat"]) for one in group.amounts.to_json()["per_rate"]] == [
        (9, "-10.00", "-0.90"),
        (21, "-10.00", "-2.10"),
    ]
    assert told(group) == [("stops", "", "K1 total_vat, W19 total_vat")]
    assert [one.path for one in group.causes] == ["shipping.vat_percent"]
    back = replayed(
        SHIPPED, sold, old=edited((ORDER, "        otherwise: _shop_percent", "        otherwise: 9"))
    )
    assert back.sorted_groups[0].effect == "cured"
    assert back.to_json()["cured"]["gross"] == "23.00"


# groups and guilty lines


def test_documents_that_change_alike_are_one_group_with_the_row_of_the_table_that_did_it():
    new = edited((ORDER, *IDEAL))
    paid = tenant(invoice__status="paid")
    sold = [order(paymethod=method, paid=True) for method in ("Bancontact", "iDEAL", "Bancontact via Mollie")]
    found = replayed(new, *sold, old_settings=paid)
    (group,) = found.sorted_groups
    assert (group.effect, group.documents) == ("changed", 2)
    assert told(group) == [("invoice.PaymentMethod", "other", "ideal")]
    (cause,) = group.causes
    assert str(cause.place).startswith(line_of(new, IDEAL[1]) + ":")
    assert (cause.path, cause.old, cause.new) == ("document._method_by_name", "default", "ideal")


def test_what_differs_in_the_document_only_is_told_apart_from_what_is_sent():
    found = replayed(edited((ORDER, *IDEAL)), order(paymethod="Bancontact", paid=True))
    (group,) = found.sorted_groups
    assert group.effect == "unsent"
    assert told(group) == [("document.payment_method", "default", "ideal")]
    assert found.invoices == 0


def test_each_of_two_edits_is_blamed_for_its_own_documents():
    new = edited((ORDER, *IDEAL), (ORDER, "{text: Shipping costs}", "{text: Verzendkosten}"))
    paid = tenant(invoice__status="paid")
    found = replayed(
        new, order(paymethod="Bancontact", paid=True), order(shipping="5", paid=True), old_settings=paid
    )
    assert {tuple(one.path for one in group.causes) for group in found.sorted_groups} == {
        ("document._method_by_name",),
        ("shipping.description",),
    }


@pytest.mark.parametrize(
    ("change", "path", "line"),
    [
        ((TARGET, "Term: integer(tenant.invoice.term)", "Term: 8"), "invoice.Term", "Term: integer"),
        ((TARGET, "Description: line.description", "Description: upper(line.description)"),
         "invoice.InvoiceLines.Description", "            Description: line.description"),
        ((ORDER, "    if: (order.total_shipping or 0) != 0\n", "    if: (order.total_shipping or 0) > 100\n"),
         "lines shipping", "  - kind: shipping "),
        ((TARGET, "      Status: integer(_status) ", "      Sent: integer(_status) "), "invoice", None),
    ],
    ids=["parameter", "parameter of lines", "lines", "renamed parameter"],
)  # fmt: skip
def test_the_rule_that_did_it_is_named_whatever_kind_of_rule_it_is(change, path, line):
    found = replayed(edited(change), order(shipping="5"))
    (group,) = found.sorted_groups
    assert path in [one.path for one in group.causes]
    if line is not None:
        (cause,) = (one for one in group.causes if one.path == path)
        assert str(cause.place).startswith(line_of(SHIPPED, line) + ":")


def test_a_check_that_speaks_now_is_blamed_itself():
    new = edited((ORDER, "    that: filled(number)\n", "    that: filled(number) and total_incl < 20\n"))
    (group,) = replayed(new, order(row("30"))).sorted_groups
    assert (told(group), [one.path for one in group.causes]) == (
        [("stops", "", "O2 number")],
        ["check O2 number"],
    )


def test_a_changed_setting_is_blamed_on_the_rule_that_reads_it():
    sold = order(row("10.01"), row("20.02", "9"))
    found = replayed(SHIPPED, sold, settings=tenant(invoice__term=8))
    (group,) = found.sorted_groups
    assert told(group) == [("invoice.Term", "14", "8")]
    assert [str(one.place).rpartition(":")[0] for one in group.causes] == [line_of(SHIPPED, "Term: integer")]
    stops = replayed(SHIPPED, sold, settings=tenant(vat__rates=[]))
    (group,) = stops.sorted_groups
    assert (group.effect, told(group)[0][2]) == ("stops", "K3 vat_code")
    assert [one.path for one in group.causes] == ["rows._rate_setting"]


def test_a_document_that_no_longer_maps_stops_with_the_rule_that_needs_what_it_lacks():
    new = edited((ORDER, "paid: order.paid  ", "paid: needed(order.is_completed)  "))
    sold = order(is_completed=None)
    (group,) = replayed(new, sold).sorted_groups
    assert told(group) == [("stops", "", "MAP201 order.is_completed")]
    assert [one.path for one in group.causes] == ["document.paid"]


def test_more_different_values_than_anyone_reads_become_one_group():
    new = edited((TARGET, "Description: _description ", "Description: upper(_description) "))
    sold = [order(ordernumber_full=f"a{place}") for place in range(MOST_ALIKE + 30)]
    (group,) = replayed(new, *sold).sorted_groups
    assert (group.documents, group.various) == (MOST_ALIKE + 30, True)
    assert told(group) == [("invoice.Description", "a0", "A0")]


# what is not replayed twice


def test_comments_and_layout_change_nothing_and_nothing_is_replayed():
    new = edited((ORDER, "# L5", "# the discount"), (TARGET, "\nrequests:", "\n\n# what is sent\nrequests:"))
    made = pair(new)
    assert made.edits == ()
    assert made.is_same("order")
    assert made.is_same("invoice")
    assert replayed(new, order(), order()).to_json()["documents"] == 2


def test_an_edit_of_invoices_leaves_orders_alone():
    new = edited(("ccv_invoice.yaml", "paid: (invoice.status or '') == 'paid'", "paid: true"))
    assert pair(new).is_same("order")
    assert not pair(new).is_same("invoice")


EDITS = [
    ("ccv_order.yaml", *IDEAL),
    ("ccv_order.yaml", "{text: Shipping costs}", "{text: Verzendkosten}"),
    ("ccv_order.yaml", "        otherwise: _shop_percent", "        otherwise: 9"),
    ("ccv_order.yaml", "      _amount: _price * row.count ", "      _amount: _price "),
    ("ccv_order.yaml", "      _price: 0 - share.amount\n", "      _price: share.amount\n"),
    ("ccv_order.yaml", "  charged_percent: 0 if _untaxed else vat_percent", "  charged_percent: vat_percent"),
    (
        "ccv_order.yaml",
        "round_half_up(sum(lines.total_incl), 2) ",
        "round_half_up(sum(lines.total_incl), 1) ",
    ),
    ("ccv_order.yaml", "paid: order.paid  ", "paid: needed(order.is_completed)  "),
    (
        "ccv_order.yaml",
        "    that: filled(number)\n    severity: error",
        "    that: filled(number)\n    severity: wait",
    ),
    ("wefact.yaml", "document.customer.last_name or 'NN'\n", "document.customer.last_name or 'Onbekend'\n"),
    (
        "wefact.yaml",
        "PriceExcl: decimal_text(line.unit_excl, 6)\n",
        "PriceExcl: decimal_text(line.unit_excl, 2)\n",
    ),
    ("wefact.yaml", "    if: tenant.invoice.send_by_email", "    if: not tenant.invoice.send_by_email"),
]


@pytest.mark.parametrize("change", EDITS, ids=lambda change: change[2].strip()[:40])
def test_what_is_skipped_as_proven_the_same_is_the_same(change):
    """The short ways of a replay against the long one: map twice in full, and compare all that would be sent."""
    new = edited(change)
    before, after = loaded(SHIPPED), loaded(new)
    compared = pair(new)
    orders = [
        order(row("10.01"), row("20.02", "9"), shipping="4.95", paymethod="Bancontact"),
        order(row("30"), icp=True, vat_number="DE136695976", country="DE", is_completed=None),
        order(row("7.77", count="3"), included=False, surcharge="1.50", discount="2"),
        order(row("5", "9"), row("7"), shipping="6", fee="1", discount="2"),
        order(total_price=3),
        order(rows=None),
    ]
    for payload in orders:
        whole = [mapped_json(apply(rules, "order", payload, tenant())) for rules in (before, after)]
        held = [apply(rules, "order", payload, tenant()).held for rules in (before, after)]
        found = compared.compare("order", payload)
        if held[0] and held[0] == held[1]:
            # What is not posted either way differs when it stops for something else.
            whole = [
                sorted(
                    {
                        (one["id"], one.get("about"))
                        for one in mapped["findings"]
                        if one["severity"] in {"error", "wait"}
                    }
                )
                for mapped in whole
            ]
        assert (found is None) == (whole[0] == whole[1])
        if found is not None and found.effect == "changed":
            assert held == [None, None]
            assert whole[0]["requests"] != whole[1]["requests"]
        if found is not None and found.effect in {"stops", "cured"}:
            assert [one is not None for one in held] == (
                [False, True] if found.effect == "stops" else [True, False]
            )


def test_edits_are_found_in_what_a_rulebook_takes_over_from_another():
    before, after = loaded(SHIPPED), loaded(edited((ORDER, *IDEAL)))
    for kind in ("order", "invoice"):
        (edit,) = edits(before.sources[kind], after.sources[kind])
        assert edit.path == "document._method_by_name"


def test_of_most_documents_only_what_the_edited_rule_is_made_of_is_mapped():
    made = loaded(SHIPPED).sources["order"]
    (entry,) = (one for one in made.entries if one.path == "document._method_by_name")
    needed = sliced(made.rules, {entry.place})
    assert [step.path for step in needed.steps] == ["document._paymethod", "document._method_by_name"]
    (line,) = (one for one in made.entries if one.path == "discounts.vat_percent")
    # What has no place of a value of its own cannot be cut out: a whole line rule.
    assert sliced(made.rules, {line.place}) is not None
    assert sliced(made.rules, {made.rules.steps[-1].place, made.rules.checks[0].place}) is None


# history


@pytest.fixture
def winkel(sqlite):
    with sqlite.begin() as conn:
        remember(conn, [order(row(f"{price}.00"), shipping="10.90") for price in range(10, 16)])
    return sqlite


def test_history_is_read_newest_first_and_in_portions(database):
    with database.begin() as conn:
        ids = remember(conn, [order() for _ in range(7)])
        documents.ignore(conn, "winkel", ids[2], reason="test", now=NOW)
        remember(conn, [order()], tenant="ander")
    with database.read() as conn:
        kept = [one for one in ids if one != ids[2]]
        assert history.count(conn, "winkel", Scope()) == 6
        assert list(history.portions(conn, "winkel", Scope(), 4)) == [tuple(kept[:4]), tuple(kept[4:])]
        assert list(history.portions(conn, "winkel", Scope(last=2), 4)) == [tuple(kept[:2])]
        found = history.stored(conn, "winkel", kept[:2])
        assert [(one.id, one.kind, read(one)["id"]) for one in found] == [
            (ids[0], "order", 901),
            (ids[1], "order", 902),
        ]
        assert history.stored(conn, "ander", kept[:2]) == history.stored(conn, "ander", [ids[0]])


@pytest.mark.slow
def test_two_processes_find_what_one_finds(winkel):
    changes = changes_of(winkel, old=LENIENT, new=SHIPPING_AT_9)
    alone, shared = (last(replay(winkel, changes, Scope(), processes=number)) for number in (1, 2))
    assert alone.documents == 6
    many = Impact()
    for _, part in many_processes(winkel, ["winkel"], Scope(), partial(Replayed, changes), 2):
        many.add(part)
    assert alone == shared
    assert (many.groups, many.amounts, many.documents) == (alone.groups, alone.amounts, 6)


def test_every_tenant_has_its_own_settings_and_overlay(sqlite):
    with sqlite.begin() as conn:
        remember(conn, [order(shipping="5")], settings=tenant(invoice__term=30))
        remember(conn, [order(shipping="5")], tenant="ander")
    changes = changes_of(sqlite, new=edited((TARGET, "Term: integer(tenant.invoice.term)", "Term: 30")))
    found = last(replay(sqlite, changes, Scope()))
    assert [(one.example[0], told(one)) for one in found.sorted_groups] == [
        ("ander", [("invoice.Term", "14", "30")])
    ]


def test_a_replay_ends_between_two_documents_when_it_is_cancelled():
    asked = iter([False, False, True])
    found = list(impact({"winkel": pair(SHIPPED, settings=tenant(invoice__term=8))}, stored(*[order()] * 3),
                        cancelled=lambda: next(asked)))  # fmt: skip
    assert found == []


def test_recent_documents_remember_what_the_old_rules_made_of_them():
    recent = Recent(stored(order(shipping="5"), order()))
    old = loaded(SHIPPED).bind(tenant())
    for text in ("Verzendkosten", "Porto"):
        new = rulebooks_from(edited((ORDER, "{text: Shipping costs}", f"{{text: {text}}}"))).bind(tenant())
        found = last(impact({"winkel": Pair(old, new)}, recent=recent))
        assert told(found.sorted_groups[0])[0][2] == text
    assert {id(one.mapper) for one in recent._old.values()} == {id(old)}


def test_redacted_documents_replay_to_the_same_euros(sqlite):
    with sqlite.begin() as conn:
        ids = remember(conn, [order(row("121.00"), shipping="10.90"), order(row("30", "0"), **ICP), order()])
    changes = changes_of(sqlite, old=LENIENT, new=SHIPPING_AT_9)
    before = last(replay(sqlite, changes, Scope()))
    with sqlite.begin() as conn:
        for document in ids:
            redacting.redact(conn, "winkel", document)
    after = last(replay(sqlite, changes, Scope()))
    assert (after.amounts, after.counts, after.documents) == (before.amounts, before.counts, 3)
    assert before.counts == {"changed": 1}


def test_what_is_no_json_any_more_is_counted_and_left_out():
    broken = [Stored("winkel", "order-1", "order", "1", "{"), *stored(order())]
    found = last(impact({"winkel": pair(SHIPPED, settings=tenant(invoice__term=8))}, broken))
    assert (found.unread, found.documents) == (1, 1)


# the commands


@pytest.fixture
def home(mapper, tmp_path):
    """`mapper` with two stored documents of one webshop, and a folder of rules to change."""
    from mapper.store.database import open_database

    assert mapper("init").code == 0
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        remember(conn, [order(row("121.00"), shipping="10.90"), order()])
    return mapper


def folder(path, texts):
    path.mkdir(exist_ok=True)
    for name, text in texts.items():
        (path / name).write_text(text)
    return path


def test_impact_shows_the_change_the_rule_and_an_example(home, tmp_path, snapshot):
    changed = folder(tmp_path / "rules", edited((ORDER, "{text: Shipping costs}", "{text: Verzendkosten}")))
    ran = home("impact", "--rules", changed)
    assert ran.code == 0
    assert [unplaced(line) for line in ran.out.splitlines()] == snapshot
    assert "1 invoices would be others, 0 would stop, 0 would go through; 1 stay as they are" in ran.err
    dutch = home("impact", "--rules", changed, "--language", "nl")
    assert "andere factuur" in dutch.out
    assert "Van 2 bewaarde documenten zouden 1 facturen anders zijn" in dutch.err


def test_impact_ends_with_1_when_euros_move_beyond_the_limit_or_something_stops(home, tmp_path):
    lenient = folder(tmp_path / "lenient", LENIENT)
    at_9 = folder(tmp_path / "at9", SHIPPING_AT_9)
    ran = home("impact", lenient, at_9, "--json")
    assert ran.code == 1
    first, group = ran.records
    assert first["impact"]["changed"]["per_rate"] == [
        {"percent": "9", "net": "10.00", "vat": "0.90", "gross": "10.90"},
        {"percent": "21", "net": "-9.01", "vat": "-1.89", "gross": "-10.90"},
    ]
    assert first["impact"]["edits"] == [
        {"path": "shipping.vat_percent", "place": group["group"]["rules"][0]["rule"]}
    ]
    assert home("impact", lenient, at_9, "--limit", "2.79").code == 0
    assert home("impact", lenient, at_9, "--limit", "2.78").code == 1
    stopped = home("impact", "--set", "vat.rates=[]", "--limit", "1000", "--language", "nl")
    assert stopped.code == 1
    assert "    stopt door: – → K3 vat_code" in stopped.out
    assert (
        home("impact", "--set", "invoice.term=8", "--last", "1", "--json").records[0]["impact"]["documents"]
        == 1
    )
    assert home("impact").code == 0


def test_the_report_is_one_safe_file(home, tmp_path, sqlite):
    hostile = "<script>alert(1)</script>\u202e"
    changed = edited((TARGET, "Description: line.description", f'Description: {{text: "{hostile[:-1]}"}}'))
    ran = home("impact", "--rules", folder(tmp_path / "rules", changed), "--html", tmp_path / "report.html")
    assert ran.code == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(src|href)=|https?://", text)
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert "rules/wefact.yaml" in text


def test_publish_asks_when_euros_move_and_not_when_they_do_not(home, tmp_path):
    words = folder(tmp_path / "words", edited((ORDER, "{text: Shipping costs}", "{text: Verzendkosten}")))
    ran = home("publish", "--rules", words, "-m", "Dutch")
    assert ran.code == 0
    assert "other invoice" in ran.err
    stops = folder(
        tmp_path / "stops", edited((ORDER, "        otherwise: _shop_percent", "        otherwise: 9"))
    )
    # Nobody is at the terminal of a test to answer.
    asked = home("publish", "--rules", stops, "-m", "9 %")
    assert (asked.code, "USE150" in asked.err, "would stop" in asked.err) == (2, True, True)
    assert [one["message"] for one in home("rules", "history", "--json").records] == ["Dutch"]
    assert home("publish", "--rules", stops, "-m", "9 %", "--yes").code == 0
    back = home("rules", "rollback", mapping.hash_of(texts_of(words))[:12], "-m", "no")
    assert (back.code, "USE150" in back.err, "would go through" in back.err) == (2, True, True)


def test_the_limit_of_publish_is_a_setting(home, tmp_path):
    lenient, at_9 = folder(tmp_path / "lenient", LENIENT), folder(tmp_path / "at9", SHIPPING_AT_9)
    assert home("publish", "--rules", lenient, "-m", "lenient").code == 0
    assert home("publish", "--rules", at_9, "-m", "9 %").code == 2
    assert home("tenant", "set", "winkel", "checks.impact_limit=2.79").code == 0
    assert home("publish", "--rules", at_9, "-m", "9 %").code == 0
