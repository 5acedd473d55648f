"""What history asks of the tables of the rules, and which fields its payloads have."""

from __future__ import annotations

import pytest
from orders import order, row, tenant

from mapper.authoring.census import MOST_VALUES, Census, Counter, Table
from mapper.authoring.reads import reads
from mapper.authoring.replaying import Version
from mapper.authoring.rows import with_row
from mapper.diagnostics import Place
from mapper.mapping import load_rulebooks, rulebooks_from, texts_of
from mapper.rulebook.lookups import lookups
from mapper.store import exact
from mapper.store.database import open_database
from mapper.store.history import Stored
from tests.past import remember, unplaced

SHIPPED = texts_of()


def counted(*orders, **changes):
    documents = [
        Stored("winkel", f"order-{place}", "order", str(place), exact.write(one))
        for place, one in enumerate(orders, start=901)
    ]
    return Counter({"winkel": Version(SHIPPED, tenant(**changes))})("winkel", documents)


def table(found, path):
    (one,) = (table for table in found.tables.values() if table.path == path)
    return one


@pytest.fixture(scope="module")
def methods():
    names = ["iDEAL", "iDEAL", "Bancontact via Mollie", "Bancontact via Mollie", "Klarna", "Visa bank"]
    sold = [order(row("10"), row("5", "9"), paymethod=name, paid=True) for name in names]
    return counted(*sold, invoice__status="paid")


def test_each_row_of_a_table_is_counted_once_a_document(methods):
    hits = {one.says: one.hits for one in table(methods, "document._method_by_name").rows.values()}
    assert (hits["ideal"], hits["transfer or bank or invoice or rekening"], hits["paypal"]) == (2, 1, 0)
    # Two lines of a document ask for two rates; every document asks for both.
    rates = table(methods, "rows._rate_setting")
    assert (rates.asked, *(rates.rows[key].hits for key in ("NL, 21", "NL, 9", "DE, 19"))) == (12, 6, 6, 0)


def test_values_that_no_row_is_for_are_listed_with_an_example(methods):
    assert table(methods, "document._method_by_name").sorted_missed == [
        ("bancontact via mollie", 2, ("winkel", "order-903")),
        ("klarna", 1, ("winkel", "order-905")),
    ]
    assert table(methods, "invoice.PaymentMethod").sorted_missed[0][:2] == ("default", 3)


def test_a_row_that_an_earlier_one_takes_the_documents_of_is_shadowed(methods):
    rows = table(methods, "document._method_by_name").rows.values()
    (bank,) = (one for one in rows if "bank" in one.says)
    (cards,) = (one for one in rows if "visa" in one.says)
    assert (cards.hits, cards.shadowed) == (0, {str(bank.place): 1})


def test_entries_of_the_settings_are_counted_by_what_they_are_found_by():
    configured = [{"method": "Klar-na", "debtor": "D1"}, {"method": "Pin", "debtor": "D2"}]
    found = table(
        counted(order(paymethod="klarna"), payment_methods=configured), "document._configured_method"
    )
    assert {key: one.hits for key, one in found.rows.items()} == {"klarna": 1, "pin": 0}


def test_a_table_keeps_no_more_values_than_a_person_could_want():
    made = Table("t", Place("rules/x.yaml", 1, 1), "")
    for number in range(MOST_VALUES + 5):
        made.miss(f"value {number}", 1, ("winkel", f"order-{number}"))
    assert (len(made.missed), made.missed["…"]) == (MOST_VALUES + 1, (5, ("winkel", "order-1000")))


def test_a_document_that_stops_counts_with_what_was_asked_until_then():
    found = counted(order(paymethod="Klarna", total_price=None))
    assert table(found, "document._method_by_name").asked == 1
    assert table(found, "rows._rate_setting").asked == 0


def test_counts_of_portions_add_up_in_their_order(methods):
    whole = Census()
    for _ in range(2):
        whole.add(methods)
    assert whole.documents == {"order": 12}
    (first, *_) = table(whole, "document._method_by_name").sorted_missed
    assert first == ("bancontact via mollie", 4, ("winkel", "order-903"))
    assert whole.fields["order", "rows[].tax"].seen == 24


# fields


def test_every_field_is_counted_by_type_with_the_rule_that_reads_it(methods):
    tax = methods.fields["order", "rows[].tax"]
    assert (tax.kinds, tax.read_at.file) == ({"number": 12}, "rules/ccv_order.yaml")
    assert methods.fields["order", "href"].read_at is None


def test_a_field_that_a_rule_reads_and_no_payload_has_is_named_with_one_like_it():
    sold = order()
    sold["customer"]["billingaddress"]["stret"] = sold["customer"]["billingaddress"].pop("street")
    unseen = {one.path: one.close for one in counted(sold).unseen}
    assert unseen["customer.billingaddress.street"] == "stret"
    # Nobody can tell whether what never occurs would have its fields.
    assert "discounts" in unseen
    assert "discounts[].amount" not in unseen


def test_what_the_rules_read_is_followed_through_names_loops_and_functions():
    read = set(reads(load_rulebooks().sources["order"].rules))
    assert {"customer.billingaddress.street", "rows[].tax", "pickup_address.zipcode"} <= read
    assert {"rows[].attributes[].price", "discounts[].amount"} <= read
    assert not [path for path in read if path.startswith(("tenant", "lines"))]


# one key turns a value into a row


def test_a_missed_value_becomes_a_row_and_nothing_else_changes():
    (one,) = (
        one for one in load_rulebooks().sources["order"].lookups if one.path == "document._method_by_name"
    )
    text = with_row(SHIPPED["ccv_order.yaml"], one.table, 'bancontact "via" mollie: #1', "ideal")
    loaded = rulebooks_from({**SHIPPED, "ccv_order.yaml": text})
    (after,) = (
        one for one in lookups(loaded.sources["order"].rules) if one.path == "document._method_by_name"
    )
    assert [(row.words, row.then) for row in after.table.rows] == [
        *((row.words, row.then) for row in one.table.rows),
        (('bancontact "via" mollie: #1',), "ideal"),
    ]
    assert [line for line in SHIPPED["ccv_order.yaml"].splitlines() if line not in text.splitlines()] == []


# the command


def test_census_shows_rows_that_never_apply_and_values_without_one(mapper, tmp_path, snapshot):
    assert mapper("init").code == 0
    assert "no stored documents" in mapper("census").err
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        remember(conn, [order(paymethod=name) for name in ("iDEAL", "Klarna", "Visa bank", "Pin \x1b[31m")])
    ran = mapper("census")
    assert ran.code == 0
    assert [unplaced(line).split() for line in ran.out.splitlines() if "_method_by_name" in line] == snapshot
    assert "\x1b" not in ran.out
    assert "reads discounts, which none of 4 documents (order) has." in ran.err
    assert "Counted over 4 orders." in ran.err
    assert "geen rij → default; zoals winkel order-902" in mapper("census", "--language", "nl").out
    assert {name for one in mapper("census", "--json").records for name in one} == {
        "table",
        "field",
        "unseen",
    }
    (tax,) = (
        line.split()
        for line in mapper("census", "--fields", "--last", "2").out.splitlines()
        if " rows[].tax " in line
    )
    assert tax[:4] == ["order", "rows[].tax", "2", "2"]
