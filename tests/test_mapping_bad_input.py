"""Orders that contradict themselves or the law: each has its code and message, none is guessed silently."""

from __future__ import annotations

from decimal import Decimal

import pytest
from orders import document, found, mapped, order, rates, row

from mapper.mapping import Mapped
from mapper.money import dumps


def said(result: Mapped, id_: str) -> str:
    return " ".join(finding.say["en"] for finding in result.findings if finding.id == id_)


@pytest.mark.parametrize("given", ["Atlantis", "Nederlnad", "ZZ", "🇳🇱"])
def test_O5_a_country_that_nobody_knows_stops_the_order_and_is_quoted(given: str) -> None:
    payload = order()
    payload["customer"]["billingaddress"] |= {"country_code": None, "country": given}
    result = mapped(payload)
    assert result.held == "error"
    assert result.document is None
    assert given in " ".join(finding.say["en"] for finding in result.findings)


def test_O5_a_code_that_no_country_has_is_not_taken_for_an_export() -> None:
    payload = order(row(rate="0"), total_tax=0)
    payload["customer"]["billingaddress"]["country_code"] = "ZZ"
    assert mapped(payload).held == "error"


@pytest.mark.parametrize("rate", ["17", "8", "20"])
def test_K3_a_rate_that_the_netherlands_do_not_have_stops_the_order(rate: str) -> None:
    result = mapped(order(row(rate=rate)))
    assert result.held == "error"
    assert f"at {rate} %" in said(result, "K3")


def test_K7_a_rate_that_no_country_has_warns_even_with_a_code_for_it() -> None:
    result = mapped(order(row(rate="17")), vat__rates=rates(("NL", "17", "V17"), ("NL", "21", "V21")))
    assert found(result) == [("K7", "warning")]
    assert "17 % is no VAT rate of NL" in said(result, "K7")


@pytest.mark.parametrize("tax", ["0.01", "5", "-1.74", "1.72"])
def test_K1_vat_that_contradicts_the_lines_stops_the_order(tax: str) -> None:
    result = mapped(order(row("10"), total_tax=Decimal(tax)))
    assert ("K1", "error") in found(result)
    assert "the rates of its lines give 1.74" in said(result, "K1")


def test_L4_a_row_of_0_pieces_is_said_to_be_one() -> None:
    result = mapped(order(row("10", count="0"), row("5")))
    assert (result.held, found(result)) == (None, [("L4", "warning")])


@pytest.mark.parametrize("count", ["-0.5", "-1"])
def test_L4_a_negative_quantity_is_said(count: str) -> None:
    result = mapped(order(row("10", count=count), row("20")))
    assert (result.held, found(result)) == (None, [("L4", "warning")])
    assert count in said(result, "L4")


@pytest.mark.parametrize("currency", ["SEK", "USD", "EURO", ""])
def test_K8_another_currency_waits(currency: str) -> None:
    result = mapped(order(currency=currency))
    assert (result.held, found(result)) == ("wait", [("K8", "wait")])


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Jan\u0000sen", "Jan sen"),
        ("Jan\nsen\t", "Jan sen "),
        ("Jan\x1b[31m", "Jan [31m"),
        ("Jan\ud800", "Jan\ufffd"),
        ("Jan\xa0van\u200dZ 👩‍👧", "Jan\xa0van\u200dZ 👩‍👧"),
    ],
)
def test_C1_control_characters_and_half_characters_never_reach_wefact(given: str, sent: str) -> None:
    sold = order(row("10.00", product_name=given, attributes=[{"option_name": given, "value_name": given}]))
    sold["customer"]["billingaddress"]["last_name"] = given
    made = mapped(sold)
    assert made.document is not None
    assert made.document["customer"]["last_name"] == sent
    assert made.document["lines"][0]["description"] == f"{sent} ({sent}: {sent})"
    for request in made.requests:
        dumps(request.params).encode()


@pytest.mark.parametrize("percent", ["-100", "-21", "2100", "100.01"])
def test_L1_a_percentage_that_is_no_vat_rate_stops_the_document_and_names_its_row(percent: str) -> None:
    sold = order(row("10.00"), row("5.00"))
    sold["rows"][1]["tax"] = Decimal(percent)
    stopped = mapped(sold)
    (finding,) = stopped.findings
    assert (stopped.document, finding.id, finding.facts["row"]) == (None, "MAP203", " (row 2)")
    assert (
        finding.say["en"] == f"The rules cannot calculate this document (row 2): '{percent}' is no VAT rate."
    )
    assert finding.say["nl"].endswith(f"(regel 2): '{percent}' is geen btw-tarief.")


def test_S1_a_percentage_of_the_shipping_costs_that_is_no_vat_rate_stops_the_document() -> None:
    sold = order(row("10.00"), total_shipping=Decimal("5.00"))
    sold["shipping_tax_percentage"] = Decimal(-100)
    (finding,) = mapped(sold).findings
    assert (finding.id, "row" in finding.facts) == ("MAP203", False)
    assert "'-100' is no VAT rate" in finding.say["en"]


@pytest.mark.parametrize("currency", ["eur", " EUR", "Eur"])
def test_K8_the_currency_counts_however_it_is_written(currency: str) -> None:
    made = mapped(order(row("10.00"), currency=currency))
    assert made.document is not None
    assert (made.document["currency"], found(made)) == ("EUR", [])


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "0225-03-14T10:00:00Z", "9999-12-31T23:59:59Z"])
def test_O3_a_year_that_no_document_has_stops_the_document(moment: str) -> None:
    stopped = mapped(order(row("10.00"), create_date=moment))
    (finding,) = stopped.findings
    assert (stopped.document, finding.id) == (None, "MAP203")
    assert f"'{moment}' is no date that a document can have" in finding.say["en"]


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2025-03-30T00:59:59Z", "2025-03-30T01:59:59"),  # the clock goes from 2 to 3: 02:30 does not exist
        ("2025-03-30T01:00:00Z", "2025-03-30T03:00:00"),
        ("2025-10-26T00:30:00Z", "2025-10-26T02:30:00"),  # 02:30 comes twice
        ("2025-10-26T01:30:00Z", "2025-10-26T02:30:00"),
        ("2025-12-31T23:30:00Z", "2026-01-01T00:30:00"),  # next year's book
    ],
)
def test_O3_a_moment_in_utc_is_one_local_time_also_where_the_clock_changes(utc: str, local: str) -> None:
    assert document(order(create_date=utc))["date"] == local


@pytest.mark.parametrize("given", ["2025-03-30T02:30:00", "2025-13-01T00:00:00Z", "yesterday", ""])
def test_O3_a_date_without_zone_or_none_at_all_is_not_guessed(given: str) -> None:
    result = mapped(order(create_date=given))
    assert (result.held, result.document) == ("error", None)
    assert found(result)[0][0].startswith("MAP")


@pytest.mark.parametrize("model", ["A", "B", "D"])
def test_K1_net_and_vat_that_both_end_in_half_a_cent_are_no_contradiction(model: str) -> None:
    """189.93 at 20 % is 158.275 + 31.655, whichever of the two the shop lets go up.

    B makes 189.94 of it, and 189.92 of any lower price: a cent at another rate of the country makes up for that (W12).
    """
    sold = [
        *(
            order(row("189.93", rate="20"), country="FR", total_tax=Decimal(tax))
            for tax in ("31.65", "31.66")
        ),
        order(*[row("63.31", rate="20")] * 3, country="FR", total_tax=Decimal("31.66")),
    ]
    for one in sold:
        errors = {
            finding.id
            for finding in mapped(one, invoice__rounding_model=model).findings
            if finding.severity == "error"
        }
        assert errors == set()
