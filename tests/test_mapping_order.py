"""An order of the shop becomes a document: O1–O17, L1–L10, S1, P1, X1, X2, D1 and C1–C4 of the specification."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from orders import address, document, found, line, lines, mapped, order, rates, row, tenant

NO_ADDRESS: dict[str, Any] = {
    "full_name": "", "company": "", "address_line_1": "", "street": "", "housenumber": None, "zipcode": "",
    "city": "", "country": "", "country_code": None,
}  # fmt: skip
PICKUP_BE = {
    "company": "Punt", "code": "PG-1", "street": "Meir", "housenumber": 4, "housenumber_suffix": "", "zipcode": "2000",
    "city": "Antwerpen", "country": "BE",
}  # fmt: skip


def percents(found_lines: list[dict[str, Any]]) -> list[Decimal]:
    return [Decimal(one["vat_percent"]) for one in found_lines]


# --- the order itself


def test_O1_the_id_is_the_orders() -> None:
    assert document(order(id=339323562))["id"] == 339323562


def test_O2_the_number_is_the_full_order_number() -> None:
    made = document(order(ordernumber_full="2025-1001"))
    assert (made["number"], made["order_number"]) == ("2025-1001", "2025-1001")


def test_O2_an_order_number_without_prefix_keeps_its_zeros() -> None:
    assert document(order(ordernumber_full="000000906"))["number"] == "000000906"


def test_O2_an_empty_order_number_is_an_error() -> None:
    result = mapped(order(ordernumber_full=""))
    assert found(result) == [("O2", "error")]
    assert "ordernumber_full" in result.findings[0].say["nl"]


@pytest.mark.parametrize(
    ("utc", "zone", "local"),
    [
        ("2025-03-31T22:30:00Z", "Europe/Amsterdam", "2025-04-01T00:30:00"),
        ("2025-12-31T23:00:00Z", "Europe/Amsterdam", "2026-01-01T00:00:00"),
        ("2025-12-31T22:59:59Z", "Europe/Amsterdam", "2025-12-31T23:59:59"),
        ("2025-03-30T01:00:00Z", "Europe/Amsterdam", "2025-03-30T03:00:00"),
        ("2025-03-31T22:30:00Z", "Europe/Lisbon", "2025-03-31T23:30:00"),
    ],
)
def test_O3_the_date_is_the_shops_local_time(utc: str, zone: str, local: str) -> None:
    assert document(order(create_date=utc), time_zone=zone)["date"] == local


@pytest.mark.parametrize("date", ["", "yesterday", "2025-02-30T10:00:00Z", None])
def test_O3_a_date_that_is_none_is_an_error(date: str | None) -> None:
    result = mapped(order(create_date=date))
    assert result.document is None
    assert result.held == "error"
    assert "create_date" in result.findings[0].say["en"] or "date" in result.findings[0].say["en"].lower()


@pytest.mark.parametrize(("given", "is_icp"), [(True, True), (False, False), (None, False)])
def test_O4_icp_is_what_the_shop_says(*, given: bool | None, is_icp: bool) -> None:
    assert document(order(row(rate="0"), is_intra_community_order=given))["is_icp"] is is_icp


def test_O5_an_untaxed_delivery_outside_the_home_country_is_international() -> None:
    assert document(order(row(rate="0"), country="US"))["is_international"] is True


def test_O5_a_taxed_one_is_not() -> None:
    assert document(order(row(rate="19"), country="DE"))["is_international"] is False


def test_O5_an_untaxed_one_at_home_is_not() -> None:
    assert document(order(row(rate="0")))["is_international"] is False


def test_O5_icp_is_not_international() -> None:
    assert document(order(row(rate="0"), country="DE", icp=True))["is_international"] is False


def test_O5_an_eu_consumer_at_zero_keeps_the_manuals_definition() -> None:
    assert document(order(row(rate="0"), country="DE"))["is_international"] is True


def test_O5_home_is_the_tenants_country() -> None:
    assert document(order(row(rate="0"), country="DE"), home_country="DE")["is_international"] is False
    assert document(order(row(rate="0"), country="NL"), home_country="DE")["is_international"] is True


def test_O5_the_delivery_address_comes_before_the_billing_address() -> None:
    assert document(order(row(rate="0"), country="NL", deliver_to="US"))["is_international"] is True
    assert document(order(row(rate="0"), country="US", deliver_to="NL"))["is_international"] is False


def test_O5_an_empty_delivery_address_gives_way_to_billing() -> None:
    empty = {"deliveryaddress": NO_ADDRESS | {"company": "Still here", "telephone": "06"}}
    assert document(order(row(rate="0"), country="US", customer=empty))["is_international"] is True


def test_O5_a_delivery_address_of_blanks_gives_way_to_billing() -> None:
    names = ("address_line_1", "street", "zipcode", "city", "country_code", "country")
    blank = order(row(rate="0"), country="US") | {
        "deliver_method": "pickup",
        "pickup_address": {"street": " "},
    }
    blank["customer"]["deliveryaddress"] = dict.fromkeys(names, "  ")
    made = document(blank)
    assert (made["is_international"], made["delivery"], made["country"]) == (True, None, "US")


@pytest.mark.parametrize("missing", [None, {}])
def test_O5_so_does_one_that_is_absent(missing: dict[str, Any] | None) -> None:
    assert (
        document(order(row(rate="0"), country="US", customer={"deliveryaddress": missing}))[
            "is_international"
        ]
        is True
    )


def test_O5_a_country_code_alone_makes_a_delivery_address() -> None:
    only = {"deliveryaddress": NO_ADDRESS | {"country_code": "US"}}
    assert document(order(row(rate="0"), customer=only))["is_international"] is True


def test_O5_a_pickup_point_decides_when_filled() -> None:
    sold = order(row(rate="0"), deliver_method="pickup", pickup_address=PICKUP_BE)
    assert document(sold)["is_international"] is True


def test_O5_a_pickup_point_decides_over_a_delivery_address() -> None:
    sold = order(row(rate="21"), deliver_to="DE", deliver_method="pickup", pickup_address=PICKUP_BE)
    assert line(sold)["vat_code"] == "BE21"


def test_O5_a_pickup_point_of_a_shipped_order_decides_nothing() -> None:
    assert document(order(row(rate="0"), pickup_address=PICKUP_BE))["is_international"] is False


@pytest.mark.parametrize("empty", [None, {}, dict.fromkeys(PICKUP_BE, "") | {"housenumber": None}])
def test_O5_an_empty_pickup_point_gives_way(empty: dict[str, Any] | None) -> None:
    sold = order(row(rate="0"), country="US", deliver_method="pickup", pickup_address=empty)
    assert document(sold)["is_international"] is True


@pytest.mark.parametrize("country", ["", "Nergenshuizen"])
def test_O5_a_filled_pickup_point_without_known_country_is_an_error(country: str) -> None:
    result = mapped(order(deliver_method="pickup", pickup_address=PICKUP_BE | {"country": country}))
    assert result.held == "error"
    assert "pickup" in result.findings[0].say["en"]


def test_O5_so_is_a_filled_delivery_address_without_country() -> None:
    nowhere = {"deliveryaddress": address("BE", delivery=True) | {"country": "", "country_code": None}}
    assert mapped(order(customer=nowhere)).held == "error"


def test_O5_without_home_country_nothing_is_taken_for_international() -> None:
    assert mapped(order(row(rate="0"), country="US"), home_country=None).held == "error"


def test_O5_a_coupon_of_100_percent_is_no_export() -> None:
    sold = order(row("19.95", "0"), country="US", discount="19.95")
    assert sold["total_price"] == 0
    assert document(sold)["is_international"] is False


def test_O6_the_currency_is_the_orders() -> None:
    assert document(order(currency="SEK"))["currency"] == "SEK"


@pytest.mark.parametrize("paid", [True, False])
def test_O7_paid_is_what_the_shop_says(*, paid: bool) -> None:
    assert document(order(paid=paid))["paid"] is paid


@pytest.mark.parametrize(
    ("paymethod", "method"),
    [
        ("BankTransfer", "banktransfer"),
        ("bank-transfer", "banktransfer"),
        ("Op rekening", "banktransfer"),
        ("Invoice", "banktransfer"),
        ("SEPA TRANS-FER", "banktransfer"),
        ("iDEAL bank", "banktransfer"),
        ("CCVPay_ideal", "ideal"),
        ("I-DEAL", "ideal"),
        ("CCVPay_paypal", "paypal"),
        ("Pay-Pal Express", "paypal"),
        ("After-Pay", "afterpay"),
        ("AFTERPAY", "afterpay"),
        ("Mister Cash", "mistercash"),
        ("CASH via mister", "mistercash"),
        ("Mister", "default"),
        ("Cash", "default"),
        ("CreditCard", "creditcard"),
        ("Credit Card", "creditcard"),
        ("credit-card", "creditcard"),
        ("credit", "default"),
        ("giftcard", "default"),
        ("Maestro", "creditcard"),
        ("VISA", "creditcard"),
        ("Master-Card", "creditcard"),
        ("Klarna", "default"),
        ("backorder", "default"),
        ("", "default"),
    ],
)
def test_O8_the_payment_method_is_found_by_keyword(paymethod: str, method: str) -> None:
    assert document(order(paymethod=paymethod), payment_methods=[])["payment_method"] == method


@pytest.mark.parametrize("paymethod", ["BANKTRANSFER", "BankTransfer", "bank-transfer"])
def test_O8_a_configured_method_keeps_the_tenants_spelling(paymethod: str) -> None:
    methods = [{"method": "Bank-Transfer"}, {"method": "iDEAL"}]
    assert document(order(paymethod=paymethod), payment_methods=methods)["payment_method"] == "Bank-Transfer"


def test_O8_a_configured_method_is_equal_not_contained() -> None:
    assert (
        document(order(paymethod="CCVPay_ideal"), payment_methods=[{"method": "iDEAL"}])["payment_method"]
        == "ideal"
    )


def test_O8_a_configured_method_comes_before_the_keywords() -> None:
    methods = [{"method": "Mijn Bank"}]
    assert document(order(paymethod="mijn bank"), payment_methods=methods)["payment_method"] == "Mijn Bank"


@pytest.mark.parametrize("absent", [None, "…gone"])
def test_O8_no_payment_method_is_default(absent: str | None) -> None:
    sold = order(paymethod=absent)
    if absent:
        del sold["paymethod"]
    assert document(sold)["payment_method"] == "default"


def test_O9_the_payment_methods_id_is_the_orders() -> None:
    assert document(order(paymethod_id=12))["payment_method_id"] == 12


@pytest.mark.parametrize("included", [True, False])
def test_O10_totals_include_vat_as_the_shop_says(*, included: bool) -> None:
    assert document(order(tax_shown=included))["totals_include_vat"] is included


def test_O11_O12_O13_totals_with_the_tax_in_them() -> None:
    made = document(order(row("121"), row("109", "9")))
    assert (made["total_incl"], made["total_excl"], made["total_vat"]) == ("230.00", "200.00", "30.00")


def test_O11_O12_O13_totals_with_the_tax_on_top() -> None:
    sold = order(row("100"), row("100", "9"), included=False, tax_shown=False)
    assert (sold["total_price"], sold["total_tax"]) == (200, 30)
    made = document(sold)
    assert (made["total_incl"], made["total_excl"], made["total_vat"]) == ("230.00", "200.00", "30.00")
    assert mapped(sold).held is None


def test_O10_rows_with_vat_may_stand_beside_totals_without() -> None:
    sold = order(row("121"), tax_shown=False)
    made = document(sold)
    assert (made["total_incl"], made["total_excl"], made["total_vat"]) == ("121.00", "100.00", "21.00")
    assert mapped(sold).held is None


@pytest.mark.parametrize("included", [True, False])
def test_O14_rows_include_vat_as_the_shop_says(*, included: bool) -> None:
    assert document(order(included=included))["rows_include_vat"] is included


@pytest.mark.parametrize(
    "field",
    [
        "id",
        "ordernumber_full",
        "create_date",
        "currency",
        "taxes_included",
        "order_row_taxes_included",
        "total_price",
        "total_tax",
    ],
)
@pytest.mark.parametrize("how", ["null", "absent"])
def test_a_required_field_that_is_missing_is_an_error_that_names_it(field: str, how: str) -> None:
    sold = order()
    sold[field] = None
    if how == "absent":
        del sold[field]
    result = mapped(sold)
    assert result.held == "error"
    assert any(field in finding.say["en"] and field in finding.say["nl"] for finding in result.findings)


@pytest.mark.parametrize("field", ["tax", "count", "selling_price"])
def test_a_required_field_of_a_row_that_is_missing_names_row_and_field(field: str) -> None:
    sold = order(row(), row())
    sold["rows"][1][field] = None
    result = mapped(sold)
    assert result.held == "error"
    said = result.findings[0].say["en"]
    assert field in said
    assert "2" in said


@pytest.mark.parametrize(
    "field",
    [
        "total_shipping", "paymethod_costs", "extra_payment_option_price", "extra_costs", "credit_point_discount",
        "total_discounts",
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", ["null", "absent"])
def test_an_optional_amount_that_is_missing_is_0(field: str, how: str) -> None:
    sold = order()
    sold[field] = None
    if how == "absent":
        del sold[field]
    result = mapped(sold)
    assert result.held is None
    assert len(document(sold)["lines"]) == 1


@pytest.mark.parametrize("wrong", ["ten", [], {}, True])
def test_an_amount_that_is_no_number_is_an_error_that_names_it(wrong: object) -> None:
    result = mapped(order(total_price=wrong))
    assert result.held == "error"
    assert any("total_price" in finding.say["en"] for finding in result.findings)


def test_rows_that_are_missing_are_an_error() -> None:
    sold = order()
    del sold["rows"]
    result = mapped(sold)
    assert result.held == "error"
    assert any("rows" in finding.say["en"] for finding in result.findings)


# --- discounts


def test_O15_a_discount_on_rows_with_vat() -> None:
    made = document(order(row("121"), discount="12.10"))
    assert (made["discount_incl"], made["discount_excl"]) == ("12.10", "10.00")


def test_O16_a_discount_on_rows_without_vat() -> None:
    made = document(order(row("100"), included=False, discount="10"))
    assert (made["discount_incl"], made["discount_excl"]) == ("12.10", "10.00")


def test_O15_a_discount_over_two_rates_is_taxed_at_both() -> None:
    made = document(order(row("100"), row("100", "9"), included=False, discount="20"))
    assert (made["discount_incl"], made["discount_excl"]) == ("23.00", "20.00")


def test_O15_a_list_of_numbers() -> None:
    made = document(order(row("50"), discount="9", total_discounts=0, discounts=[4, Decimal("5.00")]))
    assert made["discount_incl"] == "9.00"


def test_O15_a_list_of_objects() -> None:
    given = [{"amount": 4, "code": "A"}, {"amount": 5}]
    made = document(order(row("50"), discount="9", discounts=given))
    assert made["discount_incl"] == "9.00"


def test_O15_an_empty_list_is_no_discount_and_no_absence() -> None:
    made = document(order(row("50"), total_discounts=9, discounts=[]))
    assert made["discount_incl"] == "0.00"


@pytest.mark.parametrize("given", [9, -9])
def test_O15_the_sign_of_the_total_is_unknown_so_it_is_set_against_the_rows(given: int) -> None:
    sold = order(row("50"), discount="9", total_discounts=given)
    assert document(sold)["discount_incl"] == "9.00"
    assert line(sold, "discount")["total_incl"] == "-9"
    assert mapped(sold).held is None


def test_O15_a_discount_on_negative_rows_takes_from_them() -> None:
    sold = order(row("50", count="-1"), total_discounts=9, total_price=-41, total_tax=Decimal("-7.12"))
    assert line(sold, "discount")["total_incl"] == "9"
    assert mapped(sold).held is None


def test_O15_a_basis_of_0_is_an_error() -> None:
    assert mapped(order(row("0"), total_discounts=9)).held == "error"
    assert mapped(order(row("10"), row("10", count="-1"), total_discounts=9)).held == "error"


def test_D1_one_line_per_rate_whose_parts_add_up() -> None:
    sold = order(row("24.95", "21", "2"), row("12.50", "9", "3"), discount="8.74")
    parts = lines(sold, "discount")
    assert [(one["vat_percent"], one["total_incl"], one["vat_code"]) for one in parts] == [
        ("21", "-4.99", "V21"),
        ("9", "-3.75", "V9"),
    ]


def test_D1_the_weights_are_taken_after_row_discount_and_with_options() -> None:
    dear = row("60", "21", less="20", options=(("Kleur", "Blauw", "10"),))
    parts = lines(order(dear, row("50", "9"), discount="10"), "discount")
    assert [one["total_incl"] for one in parts] == ["-5", "-5"]


@pytest.mark.parametrize("rows", [(row("10", "9"), row("10", "21")), (row("10", "21"), row("10", "9"))])
def test_D1_a_tie_of_the_last_cent_goes_to_the_highest_rate(rows: tuple[dict[str, Any], ...]) -> None:
    parts = {
        one["vat_percent"]: one["total_incl"] for one in lines(order(*rows, discount="0.03"), "discount")
    }
    assert parts == {"21": "-0.02", "9": "-0.01"}


def test_D1_three_rates_share_to_the_cent() -> None:
    sold = order(row("10", "0"), row("10", "9"), row("10", "21"), discount="0.10")
    parts = {one["vat_percent"]: one["total_incl"] for one in lines(sold, "discount")}
    assert parts == {"21": "-0.04", "9": "-0.03", "0": "-0.03"}


def test_D1_a_rate_without_a_share_gets_no_line() -> None:
    parts = lines(order(row("10", "21"), row("10", "9"), discount="0.01"), "discount")
    assert [(one["vat_percent"], one["total_incl"]) for one in parts] == [("21", "-0.01")]


def test_D1_without_discount_there_is_no_line() -> None:
    assert lines(order(), "discount") == []


def test_D1_is_booked_as_revenue() -> None:
    given = rates(("NL", "21", "V21"))
    given[0]["revenue"]["cost_centre"] = "8000"
    made = line(order(row("50"), discount="5"), "discount", vat__rates=given)
    assert (made["description"], made["cost_centre"]) == ("Discount", "8000")


@pytest.mark.parametrize(
    ("scheme", "sold", "is_margin"),
    [
        (True, order(row(rate="0")), True),
        (False, order(row(rate="0")), False),
        (True, order(row(rate="21")), False),
        (True, order(row(rate="0"), country="DE", icp=True), False),
        (True, order(row(rate="0"), country="US"), False),
    ],
)
def test_O17_a_margin_sale_is_an_untaxed_sale_at_home_under_the_scheme(
    *, scheme: bool, sold: dict[str, Any], is_margin: bool
) -> None:
    assert document(sold, margin_scheme=scheme)["is_margin_sale"] is is_margin


# --- rows


@pytest.mark.parametrize(
    ("tax", "percent"),
    [
        ("21", "21"),
        ("0.21", "21"),
        ("0.09", "9"),
        ("0.055", "5.5"),
        ("0.99", "99"),
        ("1", "1"),
        ("25.5", "25.5"),
        ("0", "0"),
    ],
)
def test_L1_a_rate_below_1_is_a_fraction(tax: str, percent: str) -> None:
    assert Decimal(line(order(row(rate=tax)))["vat_percent"]) == Decimal(percent)


def test_L1_a_real_rate_below_1_is_left_alone() -> None:
    sold = order(
        row("100.90", Decimal("0.90")), country="FR", total_price=Decimal("100.90"), total_tax=Decimal("0.90")
    )
    listed = {"vat__real_rates_below_one": [Decimal("0.9")], "vat__rates": rates(("FR", "0.9", "FR09"))}
    made = line(sold, **listed)
    assert (made["vat_percent"], made["unit_excl"], made["vat_code"]) == ("0.9", "100", "FR09")
    assert mapped(sold, **listed).held is None


def test_L1_the_rate_of_shipping_may_be_a_fraction_too() -> None:
    made = line(order(shipping="4.95", shipping_rate="0.21"), "shipping")
    assert (made["vat_percent"], made["vat_code"]) == ("21", "V21")


def test_L2_the_description_names_the_chosen_options() -> None:
    sold = row(options=(("Kleur", "Blauw", "2.50"), ("Maat", "XL", "0")), product_name="Mok")
    assert line(order(sold))["description"] == "Mok (Kleur: Blauw, Maat: XL)"


def test_L2_without_options_it_is_the_name() -> None:
    assert line(order(row(product_name="Mok")))["description"] == "Mok"


@pytest.mark.parametrize(
    ("sub", "number", "code"),
    [("MOK-01-B", "MOK-01", "MOK-01-B"), ("", "MOK-01", "MOK-01"), (None, "MOK-01", "MOK-01"), ("", "", "")],
)
def test_L3_the_product_code_is_the_variants_when_filled(sub: str | None, number: str, code: str) -> None:
    assert line(order(row(sub_product_number=sub, product_number=number)))["product_code"] == code


def test_L4_the_quantity_may_be_fractional() -> None:
    sold = order(row("10", "21", "1.25"))
    made = line(sold)
    assert (made["quantity"], made["total_incl"]) == ("1.25", "12.5")
    assert mapped(sold).held is None


def test_L5_the_row_discount_is_information_only() -> None:
    sold = order(row("595", "21", "2", less="10"))
    made = line(sold)
    assert (made["discount"], made["unit_incl"], made["total_incl"]) == ("20", "585", "1170")
    assert mapped(sold).held is None
    assert "DiscountPercentage" not in str(mapped(sold).requests)


def test_L6_L7_unit_prices_of_rows_with_vat() -> None:
    made = line(order(row("10")))
    assert (made["unit_excl"], made["unit_incl"]) == ("8.2644628099", "10")


def test_L6_L7_unit_prices_of_rows_without_vat() -> None:
    made = line(order(row("12.95"), included=False))
    assert (made["unit_excl"], made["unit_incl"]) == ("12.95", "15.6695")


def test_L7_on_an_international_order_vat_comes_out_of_the_price() -> None:
    sold = order(row("121"), country="US", total_price=100, total_tax=0)
    made = line(sold)
    assert (made["unit_excl"], made["unit_incl"], made["total_incl"]) == ("100", "100", "100")
    assert (made["vat_percent"], made["vat_code"]) == (
        "21",
        tenant()["vat"]["international"]["revenue"]["code"],
    )
    assert mapped(sold).held is None


def test_L7_on_an_icp_order_nothing_is_charged_on_top() -> None:
    sold = order(
        row("100"),
        country="DE",
        icp=True,
        included=False,
        total_price=100,
        total_tax=0,
        vat_number="DE136695976",
    )
    made = line(sold)
    assert (made["unit_excl"], made["unit_incl"]) == ("100", "100")
    assert mapped(sold).held is None


def test_L7_on_an_icp_order_whose_rows_include_vat_it_comes_out_too() -> None:
    sold = order(row("121"), country="DE", icp=True, total_price=100, total_tax=0, vat_number="DE136695976")
    made = line(sold)
    assert (made["unit_excl"], made["unit_incl"]) == ("100", "100")
    assert mapped(sold).held is None


def test_L8_line_totals_with_vat() -> None:
    made = line(order(row("24.20", "21", "3", less="12.10")))
    assert made["total_incl"] == "36.3"
    assert made["total_excl"] == "30"
    assert made["total_incl_before_discount"] == "72.6"
    assert made["total_excl_before_discount"] == "60"


def test_L8_line_totals_without_vat() -> None:
    made = line(order(row("20", "21", "3", less="10"), included=False))
    assert made["total_excl"] == "30"
    assert made["total_incl"] == "36.3"
    assert made["total_excl_before_discount"] == "60"
    assert made["total_incl_before_discount"] == "72.6"


def test_L8_nothing_is_charged_on_top_of_the_price_before_discount_either() -> None:
    sold = order(row("20", "21", less="10"), country="US", included=False, total_price=10, total_tax=0)
    made = line(sold)
    assert (made["total_excl_before_discount"], made["total_incl_before_discount"]) == ("20", "20")


def test_L9_the_code_is_looked_up_by_country_and_rate() -> None:
    assert line(order(row(rate="19"), country="DE"))["vat_code"] == "DE19"
    assert line(order(row(rate="21")))["vat_code"] == "V21"
    assert line(order(row(rate="21"), country="BE"))["vat_code"] == "BE21"


def test_L9_the_country_is_that_of_the_delivery() -> None:
    assert line(order(row(rate="19"), country="NL", deliver_to="DE"))["vat_code"] == "DE19"


def test_L9_each_kind_of_amount_has_its_own_code_and_cost_centre() -> None:
    given = [
        {
            "country": "NL", "rate": Decimal(21), "revenue": {"code": "R", "cost_centre": "1"},
            "shipping": {"code": "S", "cost_centre": "2"}, "payment": {"code": "P", "cost_centre": "3"},
        }
    ]  # fmt: skip
    sold = order(row("50"), shipping="5", fee="1", surcharge="2", points="3", discount="4")
    made = {
        one["kind"]: (one["vat_code"], one["cost_centre"])
        for one in document(sold, vat__rates=given)["lines"]
    }
    assert made == {
        "revenue": ("R", "1"), "shipping": ("S", "2"), "payment": ("P", "3"), "surcharge": ("R", "1"),
        "credit_points": ("R", "1"), "discount": ("R", "1"),
    }  # fmt: skip


def test_L9_icp_and_international_have_codes_of_their_own() -> None:
    vat = {
        "vat__icp": {"revenue": {"code": "I1"}, "shipping": {"code": "I2"}, "payment": {"code": "I3"}},
        "vat__international": {
            "revenue": {"code": "X1"},
            "shipping": {"code": "X2"},
            "payment": {"code": "X3"},
        },
    }
    amounts: dict[str, Any] = {"shipping": "5", "shipping_rate": "0", "fee": "1"}
    icp = document(order(row(rate="0"), country="DE", icp=True, **amounts), **vat)
    assert [one["vat_code"] for one in icp["lines"]] == ["I1", "I2", "I3"]
    away = document(order(row(rate="0"), country="US", **amounts), **vat)
    assert [one["vat_code"] for one in away["lines"]] == ["X1", "X2", "X3"]


def test_L9_a_rate_written_with_zeros_is_the_same_rate() -> None:
    assert line(order(row(rate=Decimal("21.00"))), vat__rates=rates(("NL", "21", "V21")))["vat_code"] == "V21"


def test_L10_paid_options_are_in_the_price_and_not_in_the_discount() -> None:
    sold = order(row("22.45", "21", "2", options=(("Kleur", "Blauw", "2.50"),)))
    made = line(sold)
    assert (made["unit_incl"], made["total_incl"], made["discount"]) == ("24.95", "49.9", "0")
    assert mapped(sold).held is None


def test_L10_options_without_a_price_leave_the_selling_price() -> None:
    made = line(order(row("10", options=(("Kleur", "Blauw", "0"),), price_with_attributes=99)))
    assert made["unit_incl"] == "10"


# --- shipping, payment costs, surcharge, credit points


def test_S1_shipping_with_vat() -> None:
    made = line(order(shipping="12.10"), "shipping")
    assert (made["description"], made["unit_excl"], made["unit_incl"]) == ("Shipping costs", "10", "12.1")


def test_S1_shipping_without_vat() -> None:
    made = line(order(shipping="10", included=False), "shipping")
    assert (made["unit_excl"], made["unit_incl"]) == ("10", "12.1")


def test_S1_shipping_keeps_its_own_rate() -> None:
    sold = order(row(rate="21"), shipping="5.45", shipping_rate="9")
    made = line(sold, "shipping")
    assert (made["vat_percent"], made["unit_excl"], made["vat_code"]) == ("9", "5", "V9")
    assert mapped(sold).held is None


@pytest.mark.parametrize("icp", [True, False])
def test_S1_shipping_abroad_without_vat_is_at_0(*, icp: bool) -> None:
    sold = order(row(rate="0"), country="DE" if icp else "US", icp=icp, vat_number="DE136695976", shipping="12.50",
                 shipping_rate="21", total_price=Decimal("22.50"), total_tax=0)  # fmt: skip
    made = line(sold, "shipping")
    assert (made["vat_percent"], made["unit_excl"], made["unit_incl"]) == ("0", "12.5", "12.5")
    assert mapped(sold).held is None


@pytest.mark.parametrize("kind", ["shipping", "payment", "surcharge", "credit_points", "discount"])
def test_an_amount_of_0_makes_no_line(kind: str) -> None:
    assert lines(order(), kind) == []


def test_P1_payment_costs_are_both_amounts() -> None:
    made = line(order(row("50"), fee="1.95", gift="2.50"), "payment")
    assert (made["description"], made["total_incl"], made["vat_percent"]) == ("Payment costs", "4.45", "21")


def test_P1_the_rate_is_the_countrys_highest_even_when_all_rows_are_lower() -> None:
    sold = order(row("109", "9"), fee="1.21", fee_rate="21")
    assert line(sold, "payment")["vat_percent"] == "21"
    assert mapped(sold).held is None


def test_P1_of_a_country_in_the_tenants_settings_it_is_the_tenants_highest() -> None:
    given = rates(("DE", "7", "L"), ("DE", "21", "H"))
    made = line(order(row(rate="7"), country="DE", fee="1"), "payment", vat__rates=given)
    assert (made["vat_percent"], made["vat_code"]) == ("21", "H")


@pytest.mark.parametrize(("day", "percent"), [("2025-06-30T10:00:00Z", "22"), ("2025-07-01T10:00:00Z", "24")])
def test_P1_of_a_country_whose_old_rates_are_set_too_it_is_the_highest_of_that_day(
    day: str, percent: str
) -> None:
    codes = rates(("EE", "20", "E20"), ("EE", "22", "E22"), ("EE", "24", "E24"), ("EE", "9", "E9"))
    sold = order(row("100", percent), country="EE", fee="0.30", fee_rate=percent, create_date=day)
    made = mapped(sold, vat__rates=codes)
    assert made.document is not None
    assert [line["vat_percent"] for line in made.document["lines"]] == [Decimal(percent)] * 2
    assert found(made) == []


def test_P1_of_a_country_not_in_the_settings_it_is_the_rate_of_that_day() -> None:
    sold = order(row(rate="5"), country="DE", fee="1", create_date="2020-08-15T10:00:00Z")
    assert percents(lines(sold, "payment", vat__rates=rates(("NL", "21", "V21")))) == [16]


def test_P1_of_an_unknown_country_it_is_the_highest_of_the_rows() -> None:
    sold = order(row(rate="9"), row(rate="21"), country="US", fee="1")
    assert percents(lines(sold, "payment")) == [21]


@pytest.mark.parametrize(
    ("sold", "margin"),
    [
        (order(row(rate="0"), country="DE", icp=True, fee="1"), False),
        (order(row(rate="0"), country="US", fee="1"), False),
        (order(row(rate="0"), fee="1"), True),
    ],
)
def test_P1_icp_international_and_margin_sales_are_at_0(*, sold: dict[str, Any], margin: bool) -> None:
    made = line(sold, "payment", margin_scheme=margin)
    assert (made["vat_percent"], made["unit_excl"], made["unit_incl"]) == ("0", "1", "1")


def test_P1_costs_that_cancel_out_make_no_line() -> None:
    assert lines(order(fee="2", gift="-2"), "payment") == []


def test_X1_a_surcharge_has_the_highest_rate_of_the_rows() -> None:
    sold = order(row(rate="9"), row(rate="0"), surcharge="3.27", extra_costs_description="Toeslag")
    made = line(sold, "surcharge")
    assert (made["description"], made["vat_percent"], made["total_excl"], made["vat_code"]) == (
        "Toeslag",
        "9",
        "3",
        "V9",
    )
    assert mapped(sold).held is None


@pytest.mark.parametrize("description", ["", " ", None])
def test_X1_without_description_it_is_called_surcharge(description: str | None) -> None:
    assert (
        line(order(surcharge="1", extra_costs_description=description), "surcharge")["description"]
        == "Surcharge"
    )


def test_X1_may_be_negative() -> None:
    sold = order(row("50"), surcharge="-2.50")
    assert line(sold, "surcharge")["total_incl"] == "-2.5"
    assert mapped(sold).held is None


def test_X1_abroad_it_is_at_0() -> None:
    assert line(order(row(rate="0"), country="US", surcharge="5"), "surcharge")["vat_percent"] == "0"
    sold = order(
        row("100", "21"), country="DE", icp=True, included=False, surcharge="5", total_price=105, total_tax=0
    )
    made = line(sold, "surcharge")
    assert (made["vat_percent"], made["total_incl"]) == ("0", "5")


def test_X1_without_rows_it_is_an_error() -> None:
    assert mapped(order(surcharge="1") | {"rows": []}).held == "error"


@pytest.mark.parametrize("points", [5, -5])
def test_X2_credit_points_lower_the_total_whatever_their_sign(points: int) -> None:
    sold = order(row("40"), row("10", "9"), points="5", credit_point_discount=points)
    made = line(sold, "credit_points")
    assert (made["description"], made["total_incl"], made["vat_percent"]) == ("Credit points", "-5", "21")
    assert mapped(sold).held is None


def test_X2_on_negative_rows_they_raise_it() -> None:
    sold = order(row("40", count="-1"), credit_point_discount=5, total_price=-35, total_tax=Decimal("-6.07"))
    assert line(sold, "credit_points")["total_incl"] == "5"
    assert mapped(sold).held is None


def test_X2_abroad_they_are_at_0() -> None:
    assert line(order(row(rate="0"), country="US", points="1"), "credit_points")["vat_percent"] == "0"


def test_X1_X2_together_are_two_lines() -> None:
    made = document(order(row("50"), surcharge="3", points="5"))["lines"]
    assert [one["kind"] for one in made] == ["revenue", "surcharge", "credit_points"]


# --- the customer


def test_C1_the_customer_is_the_billing_address() -> None:
    billing = address("NL", first_name="Sanne", last_name="de Vries", company="Sponiza BV", telephone="0301234567",
                      housenumber=12, housenumber_suffix="A", address_line_2="3e etage")  # fmt: skip
    made = document(
        order(customer={"billingaddress": billing, "kvk": "12345678", "btw": "", "email": "s@example.nl"})
    )
    assert made["customer"] == {
        "first_name": "Sanne", "last_name": "de Vries", "company": "Sponiza BV", "phone": "0301234567",
        "kvk": "12345678",
        "street": "Dorpsstraat", "address_line_2": "3e etage", "house_number": "12 A", "zipcode": "3511AB",
        "city": "Utrecht", "country": "NL", "vat_number": "", "email": "s@example.nl",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("number", "suffix", "shown"),
    [(12, "A", "12 A"), (12, "", "12"), (12, None, "12"), (None, "", ""), (None, "A", "A")],
)
def test_C1_house_number_and_suffix(number: int | None, suffix: str | None, shown: str) -> None:
    billing = address("NL", housenumber=number, housenumber_suffix=suffix)
    assert document(order(customer={"billingaddress": billing}))["customer"]["house_number"] == shown


def test_C1_C3_C4_the_manuals_names_come_first() -> None:
    billing = address("NL", kvk="11111111")
    sold = order(
        customer={"billingaddress": billing, "kvk": "22222222", "btw": "NL001", "email": "api@example.nl"}
    )
    sold |= {"vatnumber": "NL004495445B01", "email": "manual@example.nl"}
    made = document(sold)["customer"]
    assert (made["kvk"], made["vat_number"], made["email"]) == (
        "11111111",
        "NL004495445B01",
        "manual@example.nl",
    )


def test_C1_C3_C4_an_empty_name_of_the_manual_gives_way_to_the_apis() -> None:
    sold = order(customer={"kvk": "22222222", "btw": "NL004495445B01", "email": "api@example.nl"})
    sold |= {"vatnumber": "", "email": None}
    made = document(sold)["customer"]
    assert (made["kvk"], made["vat_number"], made["email"]) == (
        "22222222",
        "NL004495445B01",
        "api@example.nl",
    )


def test_C2_the_delivery_address_is_null_when_empty() -> None:
    assert document(order())["delivery"] is None


def test_C2_a_delivery_address_has_its_full_name_as_last_name() -> None:
    made = document(order(row(rate="21"), deliver_to="BE"))["delivery"]
    assert (made["first_name"] or "", made["last_name"], made["city"], made["country"]) == (
        "",
        "Piet Jansen",
        "Antwerpen",
        "BE",
    )


def test_C2_first_and_last_name_of_the_manual_come_first() -> None:
    named = address("NL", delivery=True, first_name="Piet", last_name="Jansen", full_name="P. Jansen")
    made = document(order(customer={"deliveryaddress": named}))["delivery"]
    assert (made["first_name"], made["last_name"]) == ("Piet", "Jansen")


def test_C3_a_wrong_vat_number_outside_icp_is_a_warning() -> None:
    result = mapped(order(vat_number="NL004495446B01"))
    assert result.held is None
    assert [finding.severity for finding in result.findings] == ["warning"]


def test_C3_a_right_one_says_nothing() -> None:
    assert found(mapped(order(vat_number="NL004495445B01"))) == []


def test_C4_the_email_is_the_customers() -> None:
    assert document(order(customer={"email": "s@example.nl"}))["customer"]["email"] == "s@example.nl"


@pytest.mark.parametrize("email", ["", None])
def test_C4_an_order_may_have_no_email(email: str | None) -> None:
    result = mapped(order(customer={"email": email}))
    assert result.document is not None
    assert result.held is None
