"""What holds of every document that would be posted: proven over history and by made-up documents."""

from __future__ import annotations

from random import Random

import pytest
from orders import order, row, tenant
from rulefolders import copied

from mapper.authoring.invariants import invariants_of, load_invariants, prove_by_chance, prove_over_history
from mapper.authoring.made_up import made_up, smaller, total
from mapper.authoring.outcome import Outcome
from mapper.authoring.replaying import changes_of
from mapper.errors import RuleError
from mapper.mapping import INVARIANTS, load_rulebooks, rulebooks_from, shipped_rules
from mapper.store.history import Scope
from tests.past import careless, remember

pytest_plugins = ["tests.databases"]


@pytest.fixture(scope="module")
def shipped():
    return load_rulebooks()


@pytest.fixture(scope="module")
def invariants(shipped):
    found = load_invariants(shipped)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def careless_rules():
    return rulebooks_from(careless())


def test_the_shipped_rules_break_no_invariant(shipped, invariants):
    posted, found = prove_by_chance(invariants, shipped.bind(tenant()), count=400, seed=3)
    assert found == []
    # Else nothing was proven.
    assert posted > 350


def test_what_breaks_an_invariant_is_shown_as_small_as_it_gets(careless_rules, invariants):
    _, (found,) = prove_by_chance(invariants, careless_rules.bind(tenant()), count=60, seed=1)
    assert found.broken.id == "wefact-makes-the-vat"
    assert str(found.broken.place).startswith("rules/invariants.yaml:")
    assert found.broken.say["en"].startswith("WeFact would make ")
    assert [(one["count"], one["tax"] in (0, 9, 21)) for one in found.payload["rows"]] == [(1, True)]
    assert not any(found.payload[name] for name in ("paymethod_costs", "extra_costs", "total_discounts"))
    assert found.payload["total_shipping"] > 0
    made = {path: str(place) for place, path, _ in found.rules}
    assert made["shipping.vat_percent"].startswith("rules/ccv_order.yaml:")


def test_a_rule_of_what_is_sent_that_breaks_an_invariant_is_named(shipped, invariants):
    right = "decimal_text(line.unit_excl, 6)"
    assert right in shipped.texts["wefact.yaml"]
    wrong = shipped.texts["wefact.yaml"].replace(right, "decimal_text(line.unit_excl + 0.01, 6)")
    at = next(n for n, line in enumerate(wrong.splitlines(), start=1) if "line.unit_excl + 0.01" in line)
    mapper = rulebooks_from({**shipped.texts, "wefact.yaml": wrong}).bind(tenant())
    _, found = prove_by_chance(invariants, mapper, count=20, seed=1)
    (of_total,) = [one for one in found if one.broken.id == "wefact-makes-the-total"]
    made = {path: (str(place), value) for place, path, value in of_total.rules}
    place, sent = made["invoice.InvoiceLines.1.PriceExcl"]
    assert place.startswith(f"rules/wefact.yaml:{at}:")
    assert sent == "1.01"  # a row of 1 without VAT, and the cent


def test_the_same_seed_finds_the_same(shipped):
    first, second = (
        [made_up(random, "order", tenant()) for _ in range(3)] for random in (Random(7), Random(7))
    )
    assert first == second


def test_the_totals_of_a_smaller_document_follow_its_rows():
    sold = order(row("10.00"), row("20.00", "9"), shipping="5")
    small = smaller(sold, "order", lambda one: len(one["rows"]) == 2)
    assert (small["total_shipping"], [one["selling_price"] for one in small["rows"]]) == (0, [1, 1])
    assert small["total_price"] == 2
    again = dict(small)
    total(again, "order")
    assert again == small


def test_a_document_that_would_not_be_posted_breaks_nothing(careless_rules, invariants):
    mapper = careless_rules.bind(tenant())
    sold = order(row("100"), shipping="50")
    assert [one.id for one in invariants.broken(Outcome(mapper, "order", sold))] == ["wefact-makes-the-vat"]
    held = order(row("100"), shipping="50", currency="USD")
    assert invariants.broken(Outcome(mapper, "order", held)) == []


@pytest.mark.parametrize(
    ("made", "id"),
    [
        (order(row("10", "21"), row("-20", "21")), "below-zero-only-on-credit"),
    ],
)
def test_an_order_below_zero_is_found(shipped, invariants, made, id):
    outcome = Outcome(shipped.bind(tenant()), "order", made)
    assert [one.id for one in invariants.broken(outcome)] == ([] if outcome.holds else [id])


def test_invariants_are_proven_over_history_with_each_webshop_s_settings(sqlite, invariants):
    with sqlite.begin() as conn:
        remember(conn, [order(row("100"), shipping="50"), order(), order(row("9", "9"), shipping="10")])
        remember(conn, [order(row("5"))], tenant="ander")
    versions = {one.tenant: one.new for one in changes_of(sqlite, new=careless())}
    posted, (found,) = prove_over_history(invariants, sqlite, versions, Scope())
    assert (posted, found.documents, found.origin) == (4, 2, "winkel order-901")
    # The rows stay one, the shipping becomes round.
    assert (len(found.payload["rows"]), found.payload["total_shipping"]) == (1, 10)


def test_what_an_invariant_may_not_say_is_told_with_its_place(shipped):
    head = "rulebook: invariants\nreads: document\ninvariants:\n"
    for line, code in (
        ("  - {id: a, that: document.totl == 0, say: {en: x, nl: x}}", "RULE208"),
        ("  - {id: a, that: true, say: {en: x, nl: x}}", "RULE223"),
        ("  - {id: a, that: document.total_incl, say: {en: x, nl: x}}", "RULE205"),
        ("  - {id: a, that: document.paid}", "RULE218"),
        ("  - {id: a, that: document.paid, say: {en: x, nl: x}, severity: error}", "RULE219"),
    ):
        with pytest.raises(RuleError) as caught:
            invariants_of(shipped, head + line, "rules/invariants.yaml")
        assert code in {one.code for one in caught.value.diagnostics}, caught.value.diagnostics
        assert {one.place.line for one in caught.value.diagnostics} == {4}


def test_check_deep_shows_the_smallest_document_and_ends_with_1(mapper, tmp_path):
    folder = copied(tmp_path / "rules", {})
    for name, text in careless().items():
        (folder / name).write_text(text)
    ran = mapper("check", "--deep", "--random", "40", "--rules", folder)
    assert ran.code == 1
    assert "wefact-makes-the-vat: WeFact would make" in ran.out
    assert "row: 1 × " in ran.out
    assert "shipping.vat_percent = 9" in ran.out
    assert "nothing was proven over history" in ran.err
    (record,) = mapper("check", "--deep", "--random", "40", "--rules", folder, "--json").records
    assert record["broken"]["payload"]["rows"][0]["count"] == 1
    (folder / INVARIANTS).unlink()
    assert mapper("check", "--deep", "--rules", folder).code == 0
    (folder / INVARIANTS).write_text("rulebook: invariants\nreads: document\ninvariants: 5\n")
    assert mapper("check", "--rules", folder).code == 2


def test_check_deep_proves_the_stored_documents(mapper, tmp_path):
    from mapper.store.database import open_database

    assert mapper("init").code == 0
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        remember(conn, [order()])
    ran = mapper("check", "--deep", "--random", "5")
    assert ran.code == 0
    assert "Over history: 1 documents that would be posted." in ran.err
    assert "Alle invarianten gelden." in mapper("check", "--deep", "--random", "5", "--language", "nl").err


def test_the_shipped_invariants_are_no_part_of_the_rules(shipped):
    assert (shipped_rules() / INVARIANTS).exists()
    assert INVARIANTS not in shipped.texts
