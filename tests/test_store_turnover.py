"""What a period comes to per country and rate: exact to the cent on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from mapper.store import documents, listing, migrations, payloads, schema, turnover
from tests.databases import NOW, add_document, bring_to

pytest_plugins = ["tests.databases"]

D = Decimal


def line(rate, excl, incl):
    return {"vat_percent": D(rate), "total_excl": D(excl), "total_incl": D(incl)}


def mapped(*lines, total, country="NL", delivery=None):
    return {
        "customer": {"country": country},
        "delivery": delivery and {"country": delivery},
        "lines": list(lines),
        "total_incl": D(total),
    }


def done(conn, shop_id, document, *, dated=NOW):
    noted = add_document(conn, "shop", shop_id)
    documents.describe(conn, "shop", noted.id, dated=dated)
    payloads.keep_mapping(
        conn, "shop", noted.id, payload_hash="p", rules="r", settings_revision=1,
        document=document, requests=[], findings=[], trace=[], now=NOW,
    )  # fmt: skip
    turnover.keep(conn, "shop", noted.id)
    return bring_to(conn, noted, "done")


def test_T6_a_period_is_summed_per_country_and_rate(database):
    with database.begin() as conn:
        done(conn, 1, mapped(line(21, "10", "12.10"), line(9, "100", "109"), total="121.10"))
        done(conn, 2, mapped(line("21.00", "-4", "-4.84"), total="-4.84"))
        done(conn, 3, mapped(line(19, "1", "1.19"), total="1.19", delivery="DE"))
        done(conn, 4, mapped(line(21, "7", "8.47"), total="8.47"), dated=NOW - timedelta(days=40))
        found = turnover.of_period(conn, "shop", since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))
    assert [(one.country, one.rate, one.documents, one.excl, one.tax) for one in found] == [
        ("NL", 9, 1, D("100.00"), D("9.00")),
        ("NL", 21, 2, D("6.00"), D("1.26")),
        ("DE", 19, 1, D("1.00"), D("0.19")),
    ]


def test_only_what_is_done_counts_and_a_second_go_replaces_the_first(database):
    with database.begin() as conn:
        first = done(conn, 1, mapped(line(21, "10", "12.10"), total="12.10"))
        documents.process_again(conn, "shop", first.id, now=NOW)
        assert turnover.of_period(conn, "shop") == ()
        done(conn, 1, mapped(line(21, "20", "24.20"), total="24.20"))
        (only,) = turnover.of_period(conn, "shop")
    assert (only.documents, only.excl, only.tax) == (1, D("20.00"), D("4.20"))


def test_documents_done_before_this_was_kept_are_counted_after_the_migration(sqlite):
    with sqlite.begin() as conn:
        done(conn, 1, mapped(line(21, "10", "12.10"), total="12.10"))
        kept = turnover.of_period(conn, "shop")
        conn.execute(delete(schema.turnover))
        conn.execute(delete(schema.migration).where(schema.migration.c.name.startswith("0009 turnover")))
        assert migrations.migrate(conn)
        assert turnover.of_period(conn, "shop") == kept != ()


amounts = st.decimals("-9999", "9999", places=4)


@given(st.lists(st.tuples(st.sampled_from([0, 9, 21]), amounts), min_size=1), st.integers(-5, 5))
def test_the_parts_make_the_total_to_the_cent(lines, cents):
    rows = [line(rate, excl, excl * (100 + rate) / 100) for rate, excl in lines]
    total = (sum((row["total_incl"] for row in rows), D(0)) + D(cents) / 100).quantize(D("0.01"))
    parts = turnover.shares(mapped(*rows, total=total))
    assert sum(excl + tax for excl, tax in parts.values()) == total
    assert all(amount == amount.quantize(D("0.01")) for part in parts.values() for amount in part)


def test_T6_documents_are_counted_by_hour_and_all_pages_together(database):
    with database.begin() as conn:
        for shop_id, minutes in ((1, 0), (2, 59), (3, 60)):
            noted = add_document(conn, "shop", shop_id)
            documents.describe(
                conn, "shop", noted.id, dated=NOW + timedelta(minutes=minutes), customer="Bakker"
            )
        assert listing.by_hour(conn, "shop") == {NOW: 2, NOW + timedelta(hours=1): 1}
        assert listing.count(conn, "shop", states=("open",), search="bakk") == 3
        assert listing.count(conn, "shop", until=NOW + timedelta(minutes=1)) == 1


def test_T6_causes_are_counted_within_the_period(database):
    with database.begin() as conn:
        for shop_id in (1, 2):
            documents.describe(
                conn, "shop", add_document(conn, "shop", shop_id).id, dated=NOW + timedelta(days=shop_id)
            )
            bring_to(conn, documents.get(conn, "shop", f"order-{shop_id}"), "error")
        (cause,) = listing.causes(conn, "shop", since=NOW + timedelta(days=2))
    assert (cause.cause, cause.count) == ("K1", 1)


@pytest.mark.parametrize("document", [{}, {"lines": [], "total_incl": D(0)}])
def test_a_document_without_lines_comes_to_nothing(document):
    assert turnover.shares(document) == {}
