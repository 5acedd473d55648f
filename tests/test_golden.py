"""Cases made of past documents: the fewest that reach everything, without persons, with their amounts."""

from __future__ import annotations

import re

import pytest
from orders import address, order, row, tenant
from rulefolders import copied

from mapper.authoring.anonymous import Anonymiser
from mapper.authoring.cases import read_cases
from mapper.authoring.golden import choose, way_of, write
from mapper.authoring.replaying import changes_of
from mapper.authoring.trial import grouped, run_case
from mapper.mapping import apply, load_rulebooks
from mapper.store.database import open_database
from mapper.store.history import Scope
from mapper.vat import numbers
from tests.past import remember

pytest_plugins = ["tests.databases"]

PERSON = (
    "Wilhelmina",
    "Van der Geheim",
    "Geheimstraat",
    "06-12345678",
    "w@geheim.nl",
    "Geheim BV",
    "Privédorp",
)


def secret(*rows, **changes):
    """An order of somebody who must not be found in a case."""
    sold = order(*rows, **changes)
    first, last, street, phone, mail, company, city = PERSON
    own = {
        "first_name": first,
        "last_name": last,
        "full_name": f"{first} {last}",
        "company": company,
        "street": street,
    }
    own |= {
        "address_line_1": f"{street} 12",
        "telephone": phone,
        "city": city,
        "zipcode": "3511 XY",
        "housenumber": 12,
    }
    sold["customer"]["billingaddress"] |= own
    sold["customer"]["email"] = mail
    for one in sold["rows"]:
        one["memo"] = f"voor {first}"
    return sold | {"remarks": f"bel {first} {last}"}


SOLD = [
    secret(row("10.00"), shipping="4.95"),
    secret(row("10.00"), shipping="4.95"),
    secret(row("10.00"), row("12.50", "9"), shipping="4.95", discount="2"),
    secret(row("99.99")),
    secret(row("10.00"), shipping="3", total_price=99),
    secret(
        row("30.00", "0"), icp=True, vat_number="DE136695976", country="DE", customer={"btw": "DE136695976"}
    ),
]


@pytest.fixture
def chosen(sqlite):
    with sqlite.begin() as conn:
        remember(conn, SOLD, settings=tenant(invoice__status="sent"))
    versions = {one.tenant: one.new for one in changes_of(sqlite)}
    return choose(sqlite, versions, Scope())


def test_the_fewest_documents_reach_every_way_that_any_reaches(chosen):
    rules = load_rulebooks()
    settings = tenant(invoice__status="sent")
    reached = set().union(*(way_of(apply(rules, one.kind, one.payload, settings)) for one in chosen.golden))
    every = set().union(*(way_of(apply(rules, "order", one, settings)) for one in SOLD))
    assert reached == every
    assert (chosen.documents, chosen.left, chosen.ways) == (6, [], len(every))
    assert len(chosen.golden) < len(SOLD)


def test_nothing_of_a_person_is_left_and_amounts_are(chosen, tmp_path):
    copied(tmp_path, {})
    path = write(chosen, tmp_path)
    files = [path, *(tmp_path / "cases" / "payloads").glob("golden-*.json")]
    text = "\n".join(one.read_text(encoding="utf-8") for one in files)
    for word in (*PERSON, "3511 XY", "DE136695976", "bel "):
        assert word not in text
    totals = {str(one.payload["total_price"]) for one in chosen.golden}
    assert {"99"} <= totals <= {str(one["total_price"]) for one in SOLD}


def test_the_cases_are_right_for_the_rules_that_they_were_made_by(chosen, tmp_path):
    copied(tmp_path, {})
    path = write(chosen, tmp_path)
    rules = load_rulebooks(tmp_path)
    cases = read_cases(rules, [path])
    assert cases.problems == []
    assert len(cases.found) == len(chosen.golden)
    assert {case.settings["invoice"]["status"] for case in cases.found} == {"sent"}
    assert [failure for case in cases.found for failure in run_case(rules, case).failures] == []


def test_the_same_person_stays_the_same_and_two_stay_two():
    anonymiser = Anonymiser()
    first, second = secret(), secret()
    second["customer"]["billingaddress"]["last_name"] = "Ander"
    names = [
        anonymiser.payload(one, "order")["customer"]["billingaddress"]["last_name"]
        for one in (first, second, first)
    ]
    assert names == ["Achternaam 1", "Achternaam 2", "Achternaam 1"]


@pytest.mark.parametrize(
    "number", ["DE136695976", "NL004495445B01", "BE0403019261", "FR40303265045", "ATU13585627"]
)
def test_a_vat_number_becomes_another_valid_one_of_its_country(number):
    anonymiser = Anonymiser()
    made = anonymiser.payload({"customer": {"btw": number}}, "order")["customer"]["btw"]
    assert made != number
    assert (made[:2], numbers.check(made, "").problem, numbers.check(number, "").problem) == (
        number[:2],
        "",
        "",
    )
    assert anonymiser.payload({"customer": {"btw": "NL123"}}, "order")["customer"]["btw"] == "NL0"


def test_a_postcode_stays_whole_only_where_its_territory_needs_it(sqlite):
    # Livigno is no part of the EU for VAT; the province around it is.
    goods = address("DE", delivery=True) | {"country_code": "IT", "country": "Italië", "zipcode": "23041"}
    sold = order(row("10", "0"))
    sold["customer"]["deliveryaddress"] = goods
    with sqlite.begin() as conn:
        remember(conn, [sold])
    (one,) = choose(sqlite, {one.tenant: one.new for one in changes_of(sqlite)}, Scope()).golden
    assert one.payload["customer"]["deliveryaddress"]["zipcode"] == "23041"
    assert (
        one.payload["customer"]["billingaddress"]["zipcode"] == sold["customer"]["billingaddress"]["zipcode"]
    )
    plain = Anonymiser().payload(order(), "order")["customer"]["billingaddress"]["zipcode"]
    assert plain == "3500AA"


def test_after_a_change_failing_cases_are_accepted_in_groups(mapper, tmp_path):
    assert mapper("init").code == 0
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        remember(conn, SOLD)
    folder = copied(tmp_path / "rules", {})
    for one in (folder / "cases").glob("*.yaml"):
        one.unlink()
    made = mapper("golden", "--write", folder)
    assert made.code == 0, made.err
    assert mapper("test", "--rules", folder).code == 0
    order_file = folder / "ccv_order.yaml"
    text = order_file.read_text(encoding="utf-8")
    text = text.replace("{text: Shipping costs}", "{text: Verzendkosten}")
    text = text.replace("{text: Discount}\n", "{text: Korting}\n")
    order_file.write_text(text, encoding="utf-8")
    groups = mapper("test", "--rules", folder, "--groups", "--json").records
    changes = {tuple(one["change"]): one["cases"] for one in groups}
    shipping = "lines.#.description: Shipping costs → Verzendkosten"
    discount = "lines.#.description: Discount → Korting"
    assert set(changes) == {(shipping,), (shipping, discount)}
    number = next(one["group"] for one in groups if one["change"] == [shipping])
    assert mapper("test", "--rules", folder, "--accept", number, "--groups").code == 1
    (left,) = mapper("test", "--rules", folder, "--groups", "--json").records
    assert left["change"] == [shipping, discount]
    assert mapper("test", "--rules", folder, "--accept", "9").code == 2
    assert mapper("test", "--rules", folder, "--accept", "1").code == 0


def test_a_group_is_cases_that_differ_alike_whatever_the_amounts(chosen, tmp_path):
    folder = copied(tmp_path, {})
    path = write(chosen, folder)
    text = re.sub(r"total_excl: .*", "total_excl: 0.01", path.read_text(encoding="utf-8"))
    path.write_text(re.sub(r"total_incl: .*", "total_incl: 0.01", text), encoding="utf-8")
    rules = load_rulebooks(folder)
    outcomes = [run_case(rules, case) for case in read_cases(rules, [path]).found]
    found = grouped(outcomes)
    assert [("total_excl", "", "") in group.changes for group in found] == [True] * len(found)
    assert len(found) < len(outcomes)


def test_amounts_that_are_sent_as_text_are_alike_too(tmp_path):
    """WeFact gets "20.61983"; the shipped cases write 20.619835 for it."""
    folder = copied(tmp_path, {})
    file = folder / "wefact.yaml"
    exact = file.read_text(encoding="utf-8")
    assert "decimal_text(line.unit_excl, 6)" in exact
    file.write_text(
        exact.replace("decimal_text(line.unit_excl, 6)", "decimal_text(line.unit_excl, 5)"), encoding="utf-8"
    )
    rules = load_rulebooks(folder)
    outcomes = [run_case(rules, case) for case in read_cases(rules, [folder / "cases" / "wefact.yaml"]).found]
    outcomes += [
        run_case(rules, case) for case in read_cases(rules, [folder / "cases" / "checks.yaml"]).found
    ]
    (group,) = grouped(outcomes)
    assert group.changes == (("invoice.InvoiceLines.#.PriceExcl", "", ""),)
    assert len(group.outcomes) == 2
