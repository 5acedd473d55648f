"""What the checks say about an order, how severe it is, in both languages, and where the rule stands (K1–K8, R6)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from orders import document, found, lines, mapped, order, rates, row, rulebooks, tenant

from mapper.diagnostics import Finding
from mapper.mapping import Mapped, apply

Json = dict[str, Any]
NUMBER = "DE136695976"


def finding(result: Mapped, id: str) -> Finding:
    """Return the only finding with an id."""
    matching = [one for one in result.findings if one.id == id]
    assert len(matching) == 1, found(result)
    return matching[0]


def severities(result: Mapped, id: str) -> set[str]:
    return {one.severity for one in result.findings if one.id == id}


def off(payload: Json, gross: str = "0", vat: str = "0") -> Json:
    """Return an order whose totals are off by so many euros."""
    return payload | {
        "total_price": payload["total_price"] + Decimal(gross),
        "total_tax": payload["total_tax"] + Decimal(vat),
    }


def icp(**changes: Any) -> Json:
    """Return an ICP order to Germany."""
    return order(row("100", "0"), country="DE", icp=True, included=False, **{"vat_number": NUMBER, **changes})


# --- K1: the lines add up to the total


@pytest.mark.parametrize("included", [True, False])
def test_K1_says_nothing_when_the_lines_add_up(*, included: bool) -> None:
    sold = order(
        row("24.95", "21", "3"), row("12.49", "9", "2"), included=included, shipping="4.95", fee="1.95", surcharge="-2",
        points="3", discount="5",
    )  # fmt: skip
    assert severities(mapped(sold), "K1") <= {"info"}
    assert mapped(sold).held is None


@pytest.mark.parametrize(("gross", "vat"), [("0.01", "0"), ("-0.01", "-0.01")])
def test_K1_a_cent_is_a_finding_and_becomes_a_rounding_line(gross: str, vat: str) -> None:
    # 21/121 of 10.01 is 1.737, of 10.00 1.736, of 9.99 1.734.
    sold = off(order(row("10")), gross, vat)
    result = mapped(sold)
    assert severities(result, "K1") <= {"info", "warning"}
    assert severities(result, "K1")
    assert result.held is None
    rounding = lines(sold, "rounding")
    assert [(one["total_incl"], one["vat_percent"], one["vat_code"]) for one in rounding] == [
        (gross, "21", "V21")
    ]
    assert sum(Decimal(one["total_incl"]) for one in document(sold)["lines"]) == sold["total_price"]


@pytest.mark.parametrize(
    ("rows", "gross", "held"),
    [
        (1, "0.01", None),
        (1, "0.02", "error"),
        (3, "-0.03", None),
        (3, "-0.04", "error"),
        (5, "0.05", None),
        (9, "0.05", None),
        (9, "0.06", "error"),
        (9, "-0.06", "error"),
    ],
)
def test_K1_the_limit_is_a_cent_a_line_and_5_cents_in_all(rows: int, gross: str, held: str | None) -> None:
    # Goods at 0 % keep VAT out of the comparison.
    sold = off(order(*[row("10", "0")] * rows, shipping_rate="0"), gross)
    assert mapped(sold).held == held


def test_K1_above_the_limit_there_is_no_rounding_line() -> None:
    sold = off(order(row("10")), "1.00")
    result = mapped(sold)
    assert severities(result, "K1") == {"error"}
    assert lines(sold, "rounding") == []


@pytest.mark.parametrize(
    ("limit", "gross", "held"),
    [
        ("0", "0.01", "error"),
        ("0", "0", None),
        ("0.02", "0.02", None),
        ("0.02", "0.03", "error"),
        ("0.1", "0.09", None),
    ],
)
def test_K1_the_tenant_sets_the_limit_and_0_is_strict(limit: str, gross: str, held: str | None) -> None:
    sold = off(order(*[row("10", "0")] * 9), gross)
    assert mapped(sold, checks__rounding_limit=Decimal(limit)).held == held


def test_K1_the_rounding_line_goes_to_the_rate_that_the_shop_rounded_row_by_row() -> None:
    # 1.15 × 1.21 = 1.3915 becomes 1.39 four times: 0.6 cents less than 5.566. At 9 % nothing is lost.
    sold = order(row("1.15"), row("1.15"), row("1.15"), row("1.15"), row("100", "9"), included=False)
    sold |= {"total_price": Decimal("114.56"), "total_tax": Decimal("9.96")}
    assert [(one["vat_percent"], one["total_incl"]) for one in lines(sold, "rounding")] == [("21", "-0.01")]
    assert mapped(sold).held is None


def test_K1_vat_rounded_row_by_row_moves_the_vat_as_much_as_the_total() -> None:
    sold = off(order(*[row("1.15")] * 4, included=False), "-0.01", "-0.01")
    assert mapped(sold).held is None
    assert mapped(off(order(*[row("1.15")] * 4, included=False), "-0.01", "-0.03")).held == "error"


@pytest.mark.parametrize(
    ("gross", "vat", "held"),
    [
        ("-0.03", "-0.03", None),
        ("0.03", "0.03", None),
        ("-0.03", "0.01", "error"),
        ("0.03", "-0.01", "error"),
    ],
)
def test_K1_a_rounding_line_explains_vat_that_is_off_the_same_way(
    gross: str, vat: str, held: str | None
) -> None:
    sold = order(*[row("10")] * 4, included=False, shipping_rate="21")
    assert mapped(off(sold, gross, vat)).held == held


@pytest.mark.parametrize("gross", ["0.02", "-0.02"])
def test_K1_with_vat_in_the_rows_a_rounding_line_explains_no_vat(gross: str) -> None:
    sold = order(*[row("12.10")] * 4, shipping_rate="21")
    assert mapped(off(sold, gross)).held is None
    assert mapped(off(sold, gross, gross)).held == "error"


@pytest.mark.parametrize("field", ["total_price", "total_tax"])
@pytest.mark.parametrize("more", ["0.004", "-0.004", "0.0000001"])
@pytest.mark.parametrize("included", [True, False])
def test_K1_a_total_of_more_than_two_decimals_is_one_finding(
    *, field: str, more: str, included: bool
) -> None:
    sold = order(row("10"), row("20", "9"), included=included, shipping="4.95", tax_shown=False)
    sold[field] = Decimal(sold[field]) + Decimal(more)
    result = mapped(sold)
    assert found(result) == [("K1", "error")]
    (said,) = result.findings
    assert said.about == field
    assert str(sold[field]) in said.say["en"]


def test_K1_a_missing_fee_is_an_error() -> None:
    sold = order(row("50"), fee="2.50") | {"paymethod_costs": 0}
    assert severities(mapped(sold), "K1") == {"error"}


@pytest.mark.parametrize("vat", ["0.01", "-0.01"])
def test_K1_with_one_rate_vat_is_exact(vat: str) -> None:
    assert severities(mapped(off(order(row("50")), vat=vat)), "K1") == {"error"}


@pytest.mark.parametrize(
    ("rows", "vat", "held"),
    [
        ((row("50"), row("50", "9")), "0.01", None),
        ((row("50"), row("50", "9")), "-0.01", None),
        ((row("50"), row("50", "9")), "0.02", "error"),
        ((row("50"), row("50", "9"), row("50", "0")), "0.02", None),
        ((row("50"), row("50", "9"), row("50", "0")), "0.03", "error"),
    ],
)
def test_K1_vat_may_differ_a_cent_for_each_further_rate(
    rows: tuple[Json, ...], vat: str, held: str | None
) -> None:
    result = mapped(off(order(*rows), vat=vat))
    assert result.held == held
    assert severities(result, "K1")


def test_K1_the_right_total_with_another_rates_vat_is_an_error() -> None:
    sold = order(row("109", "9")) | {"rows": [row("109", "21")]}
    assert severities(mapped(sold), "K1") == {"error"}


def test_K1_vat_that_the_shop_hides_is_an_error() -> None:
    sold = order(row("100"), included=False, tax_shown=False, total_tax=0)
    assert severities(mapped(sold), "K1") == {"error"}


@pytest.mark.parametrize("model", "ABCDE")
@pytest.mark.parametrize("vat", ["1.04", "1.05", "1.06"])
def test_K1_half_a_cent_of_a_fractional_quantity_is_no_tie_between_net_and_vat(vat: str, model: str) -> None:
    # 0.5 x 12.15 is 6.075, so 6.08; net 5.0207 and VAT 1.0543 are 6.07: a cent is lost, but VAT is 1.05 all the same.
    sold = order(row("12.15", count="0.5"), total_price=Decimal("6.08"), total_tax=Decimal(vat))
    result = mapped(sold, invoice__rounding_model=model)
    wrong = {one.id for one in result.findings if one.severity == "error"}
    assert ("K1" in wrong) is bool(wrong) is (vat != "1.05")


def test_K1_sums_are_rounded_once_half_up() -> None:
    # 3 × 10.005 is 30.015; rounded one by one it would be 30.03.
    sold = order(row("10.005", "21", "1"), row("10.005"), row("10.005"))
    sold |= {"total_price": Decimal("30.02"), "total_tax": Decimal("5.21")}
    assert mapped(sold).held is None
    assert lines(sold, "rounding") == []


def test_K1_both_figures_are_in_the_message() -> None:
    said = finding(mapped(off(order(row("10.95")), "1.00")), "K1")
    for language in ("en", "nl"):
        assert "11.95" in said.say[language]
        assert "10.95" in said.say[language]


# --- K2: the VAT number of an ICP sale


def test_K2_a_right_number_is_for_vies_to_confirm() -> None:
    result = mapped(icp())
    assert result.held is None
    asked = finding(result, "K2")
    assert (asked.severity, asked.about) == ("info", "customer.vat_number")
    assert (asked.facts["country"], asked.facts["number"]) == ("DE", "136695976")


def test_K2_a_greek_number_is_asked_as_EL() -> None:
    sold = icp(vat_number="GR094259216")
    asked = finding(mapped(sold), "K2")
    assert (asked.facts["country"], asked.facts["number"]) == ("EL", "094259216")


def test_K2_a_number_without_prefix_has_that_of_the_billing_country() -> None:
    assert finding(mapped(icp(vat_number="136695976")), "K2").facts["country"] == "DE"


@pytest.mark.parametrize(
    "number", ["", None, "DE136695977", "DE12", "GB980780684", "12 34", "IM3720000224", "EU372022452"]
)
def test_K2_a_missing_or_wrong_number_is_an_error(number: str | None) -> None:
    assert severities(mapped(icp(vat_number=number)), "K2") == {"error"}


def test_K2_outside_icp_vies_is_not_asked() -> None:
    assert severities(mapped(order(vat_number=NUMBER)), "K2") == set()


# --- K3: every line has a VAT code


def test_K3_a_rate_without_code_is_an_error_that_names_it() -> None:
    result = mapped(order(row("10", "21"), row("10", "9")), vat__rates=rates(("NL", "21", "V21")))
    said = finding(result, "K3")
    assert said.severity == "error"
    assert "9" in said.say["en"]
    assert "NL" in said.say["en"]


def test_K3_each_line_without_code_is_named() -> None:
    result = mapped(order(row("10", "9"), shipping="5", shipping_rate="21"), vat__rates=[])
    assert [one.id for one in result.findings if one.severity == "error"] == ["K3", "K3"]


def test_K3_another_countrys_code_does_not_do() -> None:
    assert "error" in severities(mapped(order(row(rate="19")), vat__rates=rates(("DE", "19", "DE19"))), "K3")


@pytest.mark.parametrize("scheme", ["icp", "international"])
def test_K3_icp_and_international_need_their_codes(scheme: str) -> None:
    sold = icp() if scheme == "icp" else order(row(rate="0"), country="US")
    assert "error" in severities(mapped(sold, **{f"vat__{scheme}": {}}), "K3")


def test_K3_a_real_fraction_that_is_not_listed_is_an_error() -> None:
    sold = order(row(rate="0.9"), country="FR")
    assert "error" in severities(mapped(sold, vat__rates=rates(("FR", "0.9", "FR09"))), "K3")


def test_K3_K4_whether_codes_exist_and_documents_are_new_is_info_offline() -> None:
    result = apply(rulebooks(), "order", order(), tenant(), offline=True)
    assert found(result) == [("K3", "info"), ("K4", "info")]


# --- K5: ICP has no fixed debtor


def test_K5_icp_with_a_fixed_debtor_is_information() -> None:
    methods = [{"method": "CCVPay_ideal", "debtor": "DB10001"}]
    result = mapped(icp(), payment_methods=methods)
    assert severities(result, "K5") == {"info"}
    assert result.requests[0].controller == "debtor"
    assert severities(mapped(order(), payment_methods=methods), "K5") == set()
    assert severities(mapped(icp()), "K5") == set()


# --- K6: no VAT outside the EU, nor on ICP


def test_K6_vat_on_a_delivery_outside_the_eu_is_an_error() -> None:
    assert severities(mapped(order(row(rate="21"), country="US")), "K6") == {"error"}


def test_K6_the_delivery_country_counts() -> None:
    assert severities(mapped(order(row(rate="21"), country="NL", deliver_to="CH")), "K6") == {"error"}
    assert severities(mapped(order(row(rate="21"), country="CH", deliver_to="NL")), "K6") == set()


def test_K6_vat_on_icp_is_an_error() -> None:
    sold = order(row("100", "21"), country="DE", icp=True, included=False, vat_number=NUMBER)
    assert severities(mapped(sold), "K6") == {"error"}


def test_K6_without_vat_it_says_nothing() -> None:
    assert severities(mapped(order(row(rate="0"), country="US")), "K6") == set()
    assert severities(mapped(icp()), "K6") == set()


@pytest.mark.parametrize("code", ["GR", "XI", "MC"])
def test_K6_the_eus_vat_area_is_not_outside(code: str) -> None:
    sold = order(row(rate="21"))
    sold["customer"]["billingaddress"]["country_code"] = code
    assert severities(mapped(sold), "K6") == set()


# --- K7: 0 % inside the EU


def test_K7_an_untaxed_eu_consumer_is_held() -> None:
    result = mapped(order(row(rate="0"), country="DE"))
    assert result.held in {"error", "wait"}
    assert severities(result, "K7") & {"error", "wait"}


def test_K7_the_tenant_may_want_a_warning() -> None:
    result = mapped(order(row(rate="0"), country="DE"), checks__eu_zero_rate="warn")
    assert result.held is None
    assert severities(result, "K7") == {"warning"}


def test_K7_the_tenant_may_want_it_as_international() -> None:
    sold = order(row(rate="0"), country="DE")
    result = mapped(sold, checks__eu_zero_rate="international")
    assert result.held is None
    assert severities(result, "K7") <= {"info"}
    made = document(sold, checks__eu_zero_rate="international")["lines"][0]
    assert made["vat_code"] == tenant()["vat"]["international"]["revenue"]["code"]


def test_K7_a_platform_sale_is_untaxed_by_right() -> None:
    result = mapped(order(row(rate="0"), country="DE", is_platform_sale=True))
    assert severities(result, "K7") == set()
    assert result.held is None


def test_K7_at_home_0_percent_is_not_held() -> None:
    assert mapped(order(row(rate="0"))).held is None


def test_K7_outside_the_eu_0_percent_is_not_held() -> None:
    assert mapped(order(row(rate="0"), country="US")).held is None


def test_K7_icp_to_the_home_country_is_a_warning() -> None:
    sold = order(row("100", "0"), icp=True, included=False, vat_number="NL004495445B01")
    assert "warning" in severities(mapped(sold), "K7")


def test_K7_icp_to_outside_the_eu_is_held() -> None:
    sold = icp() | {"customer": order(country="US", vat_number=NUMBER)["customer"]}
    assert severities(mapped(sold), "K7") == {"error"}
    assert severities(mapped(icp()), "K7") == set()


@pytest.mark.parametrize(
    ("country", "rate", "date", "warned"),
    [
        ("EE", "24", "2025-06-30T10:00:00Z", True),
        ("EE", "24", "2025-06-30T21:00:00Z", False),
        ("EE", "22", "2025-06-30T10:00:00Z", False),
        ("EE", "22", "2025-07-01T10:00:00Z", True),
        ("RO", "19", "2025-07-31T10:00:00Z", False),
        ("RO", "21", "2025-08-01T10:00:00Z", False),
        ("DE", "16", "2020-12-31T10:00:00Z", False),
        ("DE", "16", "2021-01-01T10:00:00Z", True),
        ("DE", "21", "2025-05-01T10:00:00Z", True),
        ("HU", "18", "2025-05-01T10:00:00Z", False),
        ("SK", "19", "2025-05-01T10:00:00Z", False),
        ("FR", "5.5", "2025-05-01T10:00:00Z", False),
    ],
)
def test_K7_a_standard_rate_of_another_day_is_a_warning(
    *, country: str, rate: str, date: str, warned: bool
) -> None:
    sold = order(row("100", rate), create_date=date)
    sold["customer"]["billingaddress"]["country_code"] = country
    zone = {"EE": "Europe/Tallinn"}.get(country, "Europe/Amsterdam")
    result = mapped(sold, vat__rates=rates((country, rate, "X")), time_zone=zone)
    assert result.held is None
    assert ("warning" in severities(result, "K7")) is warned


def test_K7_a_reduced_rate_of_another_country_is_a_warning() -> None:
    result = mapped(order(row("100", "9"), country="DE"), vat__rates=rates(("DE", "9", "X")))
    assert "warning" in severities(result, "K7")


def test_K7_a_one_stop_shop_number_on_icp_is_said() -> None:
    result = mapped(icp(vat_number="IM3720000224"))
    assert any("one-stop" in one.say["en"].lower() for one in result.findings if one.id in {"K2", "K7"})


# --- K8 and R6


def test_K8_another_currency_is_held() -> None:
    result = mapped(order(currency="SEK"))
    assert result.held in {"error", "wait"}
    assert "SEK" in finding(result, "K8").say["en"]


def test_K8_the_administrations_currency_is_not() -> None:
    assert mapped(order(currency="EUR")).held is None
    assert mapped(order(currency="SEK"), currency="SEK").held is None


def test_R6_a_zero_total_is_to_be_ignored() -> None:
    said = finding(mapped(order(row("20"), discount="20")), "R6")
    assert (said.severity, said.facts["ignore"]) == ("info", "zero total")


def test_R6_the_tenant_may_post_it() -> None:
    result = mapped(order(row("20"), discount="20"), checks__zero_total="post")
    assert found(result) == []


def test_R6_a_coupon_of_100_percent_inside_the_eu_is_not_held_as_untaxed() -> None:
    result = mapped(order(row("20", "19"), country="DE", discount="20"), checks__zero_total="post")
    assert found(result) == []


# --- every finding


BAD: list[Json] = [
    off(order(row("10")), "1.00"),
    off(order(row("10")), "0.01"),
    icp(vat_number=""),
    icp(),
    order(row(rate="19")),
    order(row(rate="21"), country="US"),
    order(row(rate="0"), country="DE"),
    order(currency="SEK"),
    order(row("20"), discount="20"),
    order(vat_number="NL1"),
    order(row("100", "0"), icp=True, included=False, vat_number="NL004495445B01"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_every_finding_speaks_two_languages_and_names_its_rule(number: int) -> None:
    result = mapped(BAD[number])
    assert result.findings
    for one in result.findings:
        assert one.say["en"] and one.say["nl"] and one.say["en"] != one.say["nl"]  # noqa: PT018
        assert "{" not in one.say["en"] + one.say["nl"]
        assert one.help.get("en") or one.severity == "info"
        assert one.help.get("nl") or one.severity == "info"
        assert one.place is not None
        name = Path(one.place.file).name
        marked = rulebooks().texts[name].splitlines()[one.place.line - 1 : one.place.line + 2]
        assert any(f"id: {one.id}" in text for text in marked), (one.id, marked)
