"""A document becomes requests to WeFact: the debtor, products, the invoice and its sending (W1–W20)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from orders import address, document, found, mapped, order, rates, row, tenant

from mapper.mapping import Request

Json = dict[str, Any]
ON = {"products__synchronise": True}


def requests(payload: Json, name: str, **changes: Any) -> list[Request]:
    return [one for one in mapped(payload, **changes).requests if one.name == name]


def request(payload: Json, name: str = "invoice", **changes: Any) -> Request:
    matching = requests(payload, name, **changes)
    assert len(matching) == 1
    return matching[0]


def invoice(payload: Json, **changes: Any) -> Json:
    """Return the parameters of the invoice."""
    return dict(request(payload, "invoice", **changes).params)


def debtor(payload: Json, **changes: Any) -> Json:
    """Return the parameters of the debtor."""
    return dict(request(payload, "debtor", **changes).params)


def severities(payload: Json, **changes: Any) -> set[str]:
    return {severity for _, severity in found(mapped(payload, **changes))}


# --- the invoice


def test_W1_to_W12_a_whole_invoice() -> None:
    sold = order(row("24.95", "21", "2"), create_date="2025-03-14T09:21:05Z", ordernumber_full="2025-1001")
    made = request(sold)
    assert (made.controller, made.action) == ("invoice", "add")
    assert made.params == {
        "VatCalcMethod": "incl",
        "Debtor": "{debtor.Identifier}",
        "Date": "2025-03-14 10:21:05",
        "Description": "2025-1001",
        "Term": 14,
        "Status": 0,
        "ReferenceNumber": "2025-1001",
        "UseProductInventory": "no",
        "Comment": "{operation.token}",
        "InvoiceLines": [
            {"Number": "2", "Description": "Koffiebonen", "PriceExcl": "20.619835", "TaxCode": "V21"}
        ],
    }


def test_requests_come_in_the_order_of_sending() -> None:
    sold = order(row(product_number="A1"), row(product_number="B2"), shipping="5")
    made = mapped(sold, **ON, invoice__send_by_email=True).requests
    assert [one.name for one in made] == ["debtor", "product", "product", "product", "invoice", "send"]


def test_W2_the_debtor_is_the_one_found_or_made_for_the_customer() -> None:
    assert invoice(order(row("10.00")))["Debtor"] == "{debtor.Identifier}"


def test_W9_the_reference_is_the_order_number_on_the_invoice_and_on_no_line() -> None:
    made = invoice(order(row("10.00"), ordernumber_full="2025-1001"))
    assert made["ReferenceNumber"] == "2025-1001"
    assert not any("ReferenceNumber" in line for line in made["InvoiceLines"])


def test_W3_the_date_is_local() -> None:
    assert invoice(order(create_date="2025-03-31T22:30:00Z"))["Date"] == "2025-04-01 00:30:00"


@pytest.mark.parametrize(
    ("code", "status", "sent"),
    [
        ("automatic", "draft", None),
        ("automatic", "sent", None),
        ("order_number", "draft", None),
        ("order_number", "sent", "2025-1001"),
        ("order_number", "paid", "2025-1001"),
    ],
)
def test_W4_the_invoice_has_a_number_of_the_shop_only_on_request_and_never_on_a_draft(
    code: str, status: str, sent: str | None
) -> None:
    made = invoice(order(ordernumber_full="2025-1001"), invoice__code=code, invoice__status=status)
    assert made.get("InvoiceCode") == sent


def test_W4_the_orders_own_invoice_number_on_request() -> None:
    changes = {"invoice__code": "invoice_number", "invoice__status": "sent"}
    assert invoice(order(invoicenumber=345), **changes)["InvoiceCode"] == "345"
    assert "InvoiceCode" not in invoice(order(invoicenumber=None), **changes)


@pytest.mark.parametrize(
    ("number", "own", "description"),
    [
        ("000000906", 345, "000000906/345"),
        ("2025-1001", None, "2025-1001"),
    ],
)
def test_W5_the_description_is_both_numbers(number: str, own: object, description: str) -> None:
    assert invoice(order(ordernumber_full=number, invoicenumber=own))["Description"] == description


def test_W6_the_term_may_be_set() -> None:
    assert invoice(order(), invoice__term=30)["Term"] == 30


@pytest.mark.parametrize(
    ("status", "paid", "sent"),
    [
        ("draft", True, 0),
        ("draft", False, 0),
        ("sent", True, 2),
        ("sent", False, 2),
        ("paid", True, 4),
        ("paid", False, 2),
    ],
)
def test_W7_the_status(*, status: str, paid: bool, sent: int) -> None:
    made = invoice(order(paid=paid), invoice__status=status)
    assert int(made["Status"]) == sent
    assert ("PaymentMethod" in made, "PayDate" in made) == (sent == 4, sent == 4)


def test_W7_an_unpaid_document_that_should_be_paid_is_a_finding() -> None:
    assert [id for id, _ in found(mapped(order(paid=False), invoice__status="paid"))] == ["W7"]
    assert found(mapped(order(paid=True), invoice__status="paid")) == []


def test_W8_the_layout_is_sent_when_chosen() -> None:
    assert invoice(order(), invoice__layout="de")["LanguageCode"] == "de"


def test_W10_the_cost_centre_of_the_whole_invoice() -> None:
    assert invoice(order(), invoice__cost_centre="8000")["AccountingCostCentre"] == "8000"


def test_W10_L9_a_line_has_the_cost_centre_of_its_rate() -> None:
    given = rates(("NL", "21", "V21"))
    given[0]["revenue"]["cost_centre"] = "8001"
    assert invoice(order(), vat__rates=given)["InvoiceLines"][0]["AccountingCostCentre"] == "8001"


ABROAD = order(row(rate="21"), deliver_to="BE")
FIELDS = {
    "shipping_lastname": "Piet Jansen", "shipping_address": "Meir 5", "shipping_zipcode": "2000",
    "shipping_city": "Antwerpen", "shipping_country": "België",
}  # fmt: skip


def test_W11_a_separate_delivery_address_is_sent_in_custom_fields() -> None:
    assert invoice(ABROAD)["CustomFields"] == FIELDS


def test_W11_company_and_first_name_too_when_there() -> None:
    to = address(
        "BE", delivery=True, company="Punt BV", first_name="Piet", last_name="Jansen", housenumber_suffix="B"
    )
    made = invoice(order(row(rate="21"), customer={"deliveryaddress": to}))["CustomFields"]
    assert made == FIELDS | {
        "shipping_company": "Punt BV", "shipping_firstname": "Piet", "shipping_lastname": "Jansen",
        "shipping_address": "Meir 5 B",
    }  # fmt: skip


@pytest.mark.parametrize(("language", "name"), [("nl", "België"), ("en", "Belgium")])
def test_W11_a_country_without_name_is_named_in_the_tenants_language(language: str, name: str) -> None:
    to = address("BE", delivery=True) | {"country": ""}
    made = invoice(order(row(rate="21"), customer={"deliveryaddress": to}), language=language)["CustomFields"]
    assert made["shipping_country"] == name


def test_W11_the_dutch_codes() -> None:
    to = address("BE", delivery=True, company="Punt BV")
    made = invoice(order(customer={"deliveryaddress": to}), invoice__shipping_fields="dutch")["CustomFields"]
    assert made["verzend_bedrijf"] == "Punt BV"
    assert len(made) == 6
    assert all(name.startswith("verzend_") for name in made)


def test_W11_off_or_without_delivery_address_there_are_none() -> None:
    assert "CustomFields" not in invoice(ABROAD, invoice__shipping_fields="off")
    assert "CustomFields" not in invoice(order())


@pytest.mark.parametrize(
    ("price", "included", "sent"),
    [
        ("10", True, "8.264463"),
        ("12.10", True, "10"),
        ("12.9500", False, "12.95"),
        ("0.0000004", False, "0"),
        ("100", False, "100"),
    ],
)
def test_W12_a_price_has_at_most_6_decimals_and_no_zeros_at_the_end(
    *, price: str, included: bool, sent: str
) -> None:
    sold = order(row(price, count="1"), row("5"), included=included)
    assert invoice(sold)["InvoiceLines"][0]["PriceExcl"] == sent


def test_W12_a_fractional_quantity_is_sent_as_it_is() -> None:
    assert invoice(order(row(count="1.25")))["InvoiceLines"][0]["Number"] == "1.25"


def test_W12_every_line_of_the_document_is_sent() -> None:
    sold = order(row("50"), row("50", "9"), shipping="5", fee="1", surcharge="2", points="3", discount="4")
    sent = [one["Description"] for one in invoice(sold)["InvoiceLines"]]
    assert sent[: len(document(sold)["lines"])] == [one["description"] for one in document(sold)["lines"]]


def test_W12_a_discount_is_a_negative_price_never_a_percentage() -> None:
    made = invoice(order(row("121", less="0"), discount="12.10"))["InvoiceLines"][-1]
    assert (made["Number"], made["PriceExcl"]) == ("1", "-10")


# --- the debtor


def test_W13_a_whole_debtor() -> None:
    billing = address("NL", company="Sponiza BV", first_name="Soumaya", last_name="van Spanje", telephone="0301234567",
                      housenumber_suffix="A")  # fmt: skip
    customer = {
        "billingaddress": billing,
        "email": "s@example.nl",
        "btw": "NL004495445B01",
        "kvk": "12345678",
    }
    made = request(order(customer=customer), "debtor")
    assert (made.controller, made.action) == ("debtor", "add")
    assert made.params == {
        "CompanyName": "Sponiza BV", "CompanyNumber": "12345678", "TaxNumber": "NL004495445B01", "Initials": "Soumaya",
        "SurName": "van Spanje", "Address": "Dorpsstraat 12 A", "ZipCode": "3511AB", "City": "Utrecht", "Country": "NL",
        "EmailAddress": "s@example.nl", "PhoneNumber": "0301234567",
    }  # fmt: skip


@pytest.mark.parametrize("absent", ["", None])
def test_W13_without_last_name_it_is_NN(absent: str | None) -> None:
    assert debtor(order(customer={"billingaddress": address("NL", last_name=absent)}))["SurName"] == "NN"


@pytest.mark.parametrize(
    ("number", "suffix", "shown"), [(None, "", "Dorpsstraat"), (12, "", "Dorpsstraat 12")]
)
def test_W13_the_address_has_the_house_number_when_there(number: int | None, suffix: str, shown: str) -> None:
    billing = address("NL", housenumber=number, housenumber_suffix=suffix)
    assert debtor(order(customer={"billingaddress": billing}))["Address"] == shown


def test_W13_the_debtor_lives_at_the_billing_address() -> None:
    assert debtor(ABROAD)["Country"] == "NL"


def test_W14_a_debtor_is_found_by_email() -> None:
    find = request(order(customer={"email": "S@Example.nl"}), "debtor").find
    assert find is not None
    assert (find.controller, find.action) == ("debtor", "list")
    assert find.same == {"EmailAddress": "S@Example.nl"}
    assert find.params["searchfor"] == "S@Example.nl"


def test_W14_for_icp_the_tax_number_must_be_equal_too() -> None:
    sold = order(
        row(rate="0"), country="DE", icp=True, vat_number="DE136695976", customer={"email": "a@example.de"}
    )
    find = request(sold, "debtor").find
    assert find is not None
    assert find.same == {"EmailAddress": "a@example.de", "TaxNumber": "DE136695976"}


def test_W14_without_email_no_other_customer_is_found() -> None:
    made = request(order(customer={"email": ""}), "debtor")
    assert made.find is None or "EmailAddress" not in made.find.same
    assert "EmailAddress" not in made.params


def test_W14_the_invoice_may_carry_the_documents_own_address() -> None:
    sold = order(customer={"email": "s@example.nl"})
    names = {"Initials", "SurName", "Address", "ZipCode", "City", "Country", "EmailAddress"}
    made = invoice(sold, invoice__address="document")
    assert {name: made[name] for name in names} == {name: debtor(sold)[name] for name in names}
    assert not names & set(invoice(sold))


def test_W15_a_fixed_debtor_takes_the_place_of_the_customer() -> None:
    methods = [{"method": "Bank-Transfer", "debtor": "DB10001"}]
    sold = order(paymethod="BankTransfer")
    assert requests(sold, "debtor", payment_methods=methods) == []
    made = invoice(sold, payment_methods=methods)
    assert "DB10001" in {made.get("Debtor"), made.get("DebtorCode")}
    assert "{debtor.Identifier}" not in str(made)


def test_W15_a_method_without_debtor_has_none() -> None:
    assert len(requests(order(paymethod="iDEAL"), "debtor", payment_methods=[{"method": "iDEAL"}])) == 1


def test_W15_not_for_icp() -> None:
    methods = [{"method": "Bank-Transfer", "debtor": "DB10001"}]
    sold = order(row(rate="0"), country="DE", icp=True, vat_number="DE136695976", paymethod="BankTransfer")
    assert invoice(sold, payment_methods=methods)["Debtor"] == "{debtor.Identifier}"
    assert "DB10001" not in str(mapped(sold, payment_methods=methods).requests)


# --- products


def test_W17_products_are_left_alone_by_default() -> None:
    sold = order(row(product_number="MOK-01"), shipping="5")
    assert requests(sold, "product") == []
    assert all("ProductCode" not in one for one in invoice(sold)["InvoiceLines"])


def test_W16_a_whole_product() -> None:
    given = rates(("NL", "21", "V21"))
    given[0]["revenue"]["cost_centre"] = "8001"
    sold = order(row("12.10", product_number="MOK-01/b", product_name="Mok"))
    made = request(sold, "product", **ON, vat__rates=given)
    assert (made.controller, made.action) == ("product", "add")
    params = dict(made.params)
    assert {name: value for name, value in params.items() if "Cost" not in name} == {
        "ProductCode": "MOK01b", "ProductName": "Mok", "ProductKeyPhrase": "Mok", "PriceExcl": "10", "TaxCode": "V21",
    }  # fmt: skip
    assert [value for name, value in params.items() if "Cost" in name] == ["8001"]
    assert invoice(sold, **ON)["InvoiceLines"][0]["ProductCode"] == "MOK01b"


def test_W16_a_product_is_found_by_its_code() -> None:
    find = request(order(row(product_number="MOK-01")), "product", **ON).find
    assert find is not None
    assert find.same == {"ProductCode": "MOK01"}


@pytest.mark.parametrize("code", ["", "--/--", None])
def test_W16_an_empty_code_makes_no_product(code: str | None) -> None:
    sold = order(row(product_number=code))
    assert requests(sold, "product", **ON) == []
    assert "ProductCode" not in invoice(sold, **ON)["InvoiceLines"][0]
    assert severities(sold, **ON) <= {"info"}


def test_W16_the_same_code_twice_is_one_product() -> None:
    sold = order(row(product_number="MOK-01"), row("5", product_number="MOK-01"))
    assert len(requests(sold, "product", **ON)) == 1
    assert "error" not in severities(sold, **ON)


@pytest.mark.parametrize("other", ["MOK01", "MOK.01", "MOK 01"])
def test_W16_two_codes_that_become_equal_are_an_error(other: str) -> None:
    sold = order(row(product_number="MOK-01"), row(product_number=other))
    assert ("W16", "error") in found(mapped(sold, **ON))
    assert "error" not in severities(sold)


@pytest.mark.parametrize("code", ["Shipping-costs", "Shipping costs"])
def test_W16_a_code_that_becomes_that_of_the_shipping_costs_is_an_error(code: str) -> None:
    sold = order(row(product_number=code), shipping="5")
    assert ("W16", "error") in found(mapped(sold, **ON))


def test_W16_a_code_that_is_that_of_the_shipping_costs_is_an_error_too() -> None:
    assert ("W16", "error") in found(mapped(order(row(product_number="Shippingcosts"), shipping="5"), **ON))


def test_W16_codes_that_differ_in_capitals_only_are_one_to_wefact() -> None:
    sold = order(row(product_number="MOK01"), row(product_number="mok-01"))
    assert ("W16", "error") in found(mapped(sold, **ON))


def test_W17_a_rounding_line_has_its_product_too() -> None:
    # 43.08 + 36.58 at 9 % and 143.55 + 22.38 at 21 % are a cent apart when VAT is rounded per rate.
    sold = order(row("14.36", "9", "3"), row("47.85", "21", "3"), row("18.29", "9", "2"), row("11.19", "21", "2"),
                 included=False)  # fmt: skip
    assert invoice(sold, **ON)["InvoiceLines"][-1]["ProductCode"] == "Additionalcosts"
    assert "Additionalcosts" in [one.params["ProductCode"] for one in requests(sold, "product", **ON)]


def test_W17_costs_are_products_of_their_own() -> None:
    sold = order(
        row("50", product_number="A1"), shipping="5", fee="1", surcharge="2", points="3", discount="4"
    )
    codes = [one.params["ProductCode"] for one in requests(sold, "product", **ON)]
    assert codes == ["A1", "Shippingcosts", "Paymentcosts", "Surcharge", "Additionalcosts", "Discount"]
    lines = invoice(sold, **ON)["InvoiceLines"]
    assert [one["ProductCode"] for one in lines] == codes


def test_W17_the_invoice_states_price_and_tax_code_besides_the_product() -> None:
    made = invoice(order(row("12.10", product_number="A1")), **ON)["InvoiceLines"][0]
    assert (made["ProductCode"], made["PriceExcl"], made["TaxCode"]) == ("A1", "10", "V21")


# --- sending, and what the answer must say


def test_W18_the_invoice_is_sent_only_when_wanted() -> None:
    made = request(order(), "send", invoice__send_by_email=True)
    assert (made.controller, made.action, made.params) == (
        "invoice",
        "sendbyemail",
        {"Identifier": "{invoice.Identifier}"},
    )
    assert requests(order(), "send") == []


def test_W19_the_answer_must_have_the_total_exactly_and_vat_within_K1() -> None:
    sold = order(row("50"), row("50", "9"), shipping="5")
    expected = {one.field: one for one in request(sold).expect}
    assert (expected["AmountIncl"].amount, expected["AmountIncl"].tolerance) == (sold["total_price"], 0)
    assert expected["AmountTax"].amount == sold["total_tax"]
    assert expected["AmountTax"].tolerance <= Decimal("0.02")


def test_W19_with_one_rate_vat_is_exact_too() -> None:
    expected = {one.field: one for one in request(order(row("50"))).expect}
    assert expected["AmountTax"].tolerance == 0


def test_W20_an_invoice_is_recognised_by_its_token() -> None:
    find = request(order(ordernumber_full="2025-1001")).find
    assert find is not None
    assert (find.controller, find.action) == ("invoice", "list")
    assert find.same == {"Comment": "{operation.token}"}


# --- all requests


MANY = [
    order(row("50", product_number="A1"), shipping="5", fee="1", surcharge="2", points="3", discount="4"),
    order(
        row(product_name="", product_number=""),
        customer={"email": "", "billingaddress": address("NL", city="", zipcode="")},
    ),
    order(row(rate="0"), country="DE", icp=True, vat_number="DE136695976"),
    ABROAD,
]


@pytest.mark.parametrize("number", range(len(MANY)))
@pytest.mark.parametrize("products", [True, False])
def test_parameters_without_value_are_left_out_and_placeholders_are_known(
    *, number: int, products: bool
) -> None:
    changes = {
        "products__synchronise": products,
        "invoice__send_by_email": True,
        "invoice__address": "document",
    }
    for one in mapped(MANY[number], **changes).requests:
        for value in _values(one.params):
            assert value not in {None, ""}
            assert isinstance(value, str | int)
        named = set(re.findall(r"\{([^}]*)\}", str(list(_values(one.params)))))
        assert named <= {"debtor.Identifier", "invoice.Identifier", "operation.token"}


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)
    else:
        yield value


def test_text_of_the_shop_is_never_a_placeholder() -> None:
    sold = order(row(product_name="{debtor.Identifier} {operation.token}"))
    made = next(one for one in mapped(sold).requests if one.name == "invoice")
    assert made.slots == {"Debtor", "Comment"}
    assert made.find is not None
    assert made.find.slots == {"Comment"}


def test_with_an_error_the_requests_are_shown_all_the_same() -> None:
    result = mapped(order(total_price=99))
    assert result.held == "error"
    assert [one.name for one in result.requests] == ["debtor", "invoice"]


def test_the_example_settings_name_the_iso_countries() -> None:
    assert {one["country"] for one in tenant()["vat"]["rates"]} >= {"NL", "GR"}
