"""Any value of a document or request is explained back to the payload, in the words of the rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from orders import FIXTURES, rulebooks

from mapper import settings
from mapper.authoring.explain import Explainer, Explanation, explain_field
from mapper.errors import UsageError
from mapper.money import loads


def payload(name: str) -> Any:
    return loads((FIXTURES / f"{name}.json").read_bytes())


def explained(path: str, name: str = "order-nl-ideal", *, kind: str = "order") -> Explanation:
    return explain_field(rulebooks(), payload(name), settings.example(), path, kind=kind)


def leaves(explanation: Explanation) -> dict[str, Any]:
    """Return what an explanation ends in: paths of the payload and settings, with their values."""
    if not explanation.inputs:
        return {explanation.path: explanation.value}
    return {path: value for one in explanation.inputs for path, value in leaves(one).items()}


def test_B1_a_parameter_of_a_request_leads_back_to_the_payload() -> None:
    told = explained("invoice.InvoiceLines.1.PriceExcl")
    assert told.place is not None
    assert told.place.file == "rules/wefact.yaml"
    found = leaves(told)
    assert found["order.rows[0].price_with_attributes"] == Decimal("24.95")
    assert found["order.rows[0].tax"] == 21


def test_B1_what_was_rounded_is_told_with_the_difference() -> None:
    (rounding,) = explained("invoice.InvoiceLines.1.PriceExcl").rounded
    assert rounding.result == Decimal("20.619835")
    assert rounding.exact == Decimal("24.95") / Decimal("1.21")
    assert rounding.difference == rounding.result - rounding.exact != 0


def test_B1_the_row_of_a_table_that_fits_is_told_and_why_the_others_do_not() -> None:
    told = explained("payment_method")
    table = next(one for one in told.inputs if one.path == "_method_by_name")
    assert [one.text for one in table.cases if one.applied] == ["'ideal' → ideal"]
    assert table.cases[0].why == "not in 'ccvpay_ideal'"
    assert {one.why for one in table.cases[2:-1]} == {"not reached"}


def test_B1_a_condition_tells_the_values_that_decided_it() -> None:
    told = {one.text: one for one in explained("is_international", "order-export-us").cases}
    assert all(one.applied for one in told.values())
    assert told["_country != tenant.home_country"].why == "_country is US, tenant.home_country is NL"


def test_I8_a_credit_invoice_is_explained_across_the_files_of_its_rules() -> None:
    told = explained("lines.1.unit_excl", "invoice-credit", kind="invoice")
    price = next(one for one in told.inputs if one.path == "lines.1._price")
    assert told.place is not None
    assert price.place is not None
    assert (told.place.file, price.place.file) == ("rules/ccv_order.yaml", "rules/ccv_invoice.yaml")


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("order-*.json")))
def test_B1_every_value_of_a_document_and_its_requests_can_be_explained(name: str) -> None:
    given = payload(name)
    mapped = rulebooks().bind(settings.example()).apply("order", given)
    explainer = Explainer(rulebooks(), "order", given, settings.example(), mapped)
    paths = explainer.paths()
    assert {"total_incl", "lines.1.vat_code", "invoice.Description"} <= set(paths)
    for path in paths:
        told = explainer.explain(path)
        assert told.place is not None
        assert told.to_json()["path"] == path
        assert told.render().startswith(path)


def missing(name: str, change: dict[str, Any], *, kind: str = "order") -> Any:
    """Return the finding of a stored document with some fields changed, as `a.b` or `rows.0.tax`."""
    given = payload(name)
    for path, value in change.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        into = given
        for part in parents:
            into = into[part]
        into[last] = value
    (finding,) = rulebooks().bind(settings.example()).apply(kind, given).findings
    return finding


NOWHERE = {"customer.billingaddress.country_code": "", "customer.billingaddress.country": None}


@pytest.mark.parametrize(
    ("kind", "name", "change", "fields"),
    [
        (
            "order",
            "order-nl-ideal",
            NOWHERE,
            ["order.customer.billingaddress.country_code", "order.customer.billingaddress.country"],
        ),
        (
            "invoice",
            "invoice-credit",
            NOWHERE,
            ["invoice.customer.billingaddress.country_code", "invoice.customer.billingaddress.country"],
        ),
        (
            "order",
            "order-nl-ideal",
            {"deliver_method": "pickup", "pickup_address": {"street": "Dam 1"}},
            ["order.pickup_address.country"],
        ),
        ("order", "order-nl-ideal", {"rows": [], "extra_costs": 3}, ["order.rows"]),
        ("order", "order-nl-ideal", {"total_price": None}, ["order.total_price"]),
    ],
)
def test_O5_a_value_that_is_missing_is_told_as_the_fields_of_the_payload_it_comes_from(
    kind: str, name: str, change: dict[str, Any], fields: list[str]
) -> None:
    finding = missing(name, change, kind=kind)
    assert (finding.id, finding.about) == ("MAP201", fields[0])
    for language in ("en", "nl"):
        assert all(f"'{field}'" in finding.say[language] for field in fields)
        assert "_address_country" not in finding.say[language]


def test_a_path_that_is_not_there_is_answered_with_what_is_close() -> None:
    with pytest.raises(UsageError) as caught:
        explained("lines.1.unit_exl")
    assert caught.value.code == "USE120"
    assert "lines.1.unit_excl" in caught.value.message()
