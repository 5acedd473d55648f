"""Any value of a document or request is explained back to the payload, in the words of the rules."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from orders import FIXTURES, rulebooks

from mapper import settings
from mapper.authoring.explain import Explainer, explain_field
from mapper.authoring.explanation import Explanation
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
    assert told["_goes_abroad"].why == "_goes_abroad is true"
    assert leaves(explained("_goes_abroad", "order-export-us"))["tenant.home_country"] == "NL"


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


def every(explanation: Explanation) -> list[Explanation]:
    """Return an explanation and all it was made from."""
    return [explanation, *(below for one in explanation.inputs for below in every(one))]


def explainer(given: Any, changes: dict[str, str] | None = None, *, kind: str = "order") -> Explainer:
    chosen = settings.changed(settings.example(), changes or {})
    return Explainer(rulebooks(), kind, given, chosen, rulebooks().bind(chosen).apply(kind, given))


def changed(name: str, change: dict[str, Any]) -> Any:
    """Return a stored payload with some fields changed, as `a.b` or `rows.0.tax`."""
    given = payload(name)
    for path, value in change.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        into = given
        for part in parents:
            into = into[part]
        into[last] = value
    return given


def test_S1_a_share_of_spread_costs_leads_to_the_rows_and_tells_what_was_rounded() -> None:
    told = explainer(payload("order-nl-ideal"), {"vat_of.shipping": "proportional"}).explain("lines.3._price")
    found = leaves(told)
    assert found["order.total_shipping"] == Decimal("4.95")
    assert {"order.rows[0].price_with_attributes", "order.rows[1].selling_price"} <= set(found)
    assert {"order.rows[0].tax", "order.rows[1].tax", "order.rows[0].count"} <= set(found)
    ((rounding,),) = [one.rounded for one in every(told) if one.rounded]
    # 49.90 of 62.40 at 21 %; the cents are given to the largest remainder.
    assert rounding.exact == Decimal("4.95") * Decimal("49.90") / Decimal("62.40")
    assert (rounding.result, rounding.text) == (Decimal("3.96"), "share of order.total_shipping")


def test_D1_a_discount_line_leads_to_the_discount_and_the_rows() -> None:
    found = leaves(explained("lines.4._price", "order-discount"))
    assert {"order.total_discounts", "order.rows[0].selling_price", "order.rows[0].count"} <= set(found)


CENT_LOST = {
    "rows.0.count": Decimal("0.5"), "rows.0.selling_price": Decimal("4.99"), "rows.0.attributes": [],
    "rows.0.price_without_discount": Decimal("4.99"), "rows.0.total_extra_option_price": 0,
    "rows.1.count": Decimal("0.5"), "rows.1.selling_price": Decimal("1.03"),
    "rows.1.price_without_discount": Decimal("1.03"), "total_shipping": 0, "total_price": Decimal("3.01"),
    "total_tax": Decimal("0.48"),
}  # fmt: skip


def test_B4_a_line_that_the_settlement_added_leads_to_the_lines_and_the_total() -> None:
    told = explainer(changed("order-nl-ideal", CENT_LOST)).explain("invoice.InvoiceLines.3.PriceExcl")
    found = leaves(told)
    assert {"order.total_price", "order.rows[0].selling_price", "order.rows[1].selling_price"} <= set(found)
    assert "tenant.invoice.rounding_model" in found
    roundings = {rounding.text: rounding for one in every(told) for rounding in one.rounded}
    rounding = roundings["the total as WeFact rounds it"]
    assert (rounding.exact, rounding.result) == (Decimal("3.00"), Decimal("3.01"))


def test_B4_a_line_that_the_settlement_changed_is_not_explained_as_the_document_s() -> None:
    given = changed("order-discount", {
        "rows.0.count": 1, "rows.0.selling_price": Decimal("5.56"), "rows.0.price_without_discount": Decimal("5.56"),
        "total_shipping": 0, "extra_costs": 0, "total_discounts": 0, "total_price": Decimal("5.57"),
        "total_tax": Decimal("0.97"),
    })  # fmt: skip
    told = explainer(given, {"invoice.rounding_model": "E"})
    lines = next(one for one in told.mapped.requests if one.name == "invoice").params["InvoiceLines"]
    for number, line in enumerate(lines, start=1):
        explanation = told.explain(f"invoice.InvoiceLines.{number}.PriceExcl")
        (source,) = explanation.inputs
        assert Decimal(line["PriceExcl"]) == source.value.quantize(Decimal("0.000001"))


def test_W16_a_product_leads_to_the_line_it_comes_from() -> None:
    told = explainer(payload("order-nl-ideal"), {"products.synchronise": "true"}).explain(
        "product.2.PriceExcl"
    )
    assert "order.rows[1].selling_price" in leaves(told)


def test_K1_a_total_leads_to_its_lines() -> None:
    found = every(explained("_lines_incl"))
    assert [one.path for one in found if one.path.endswith(".total_incl")] == [
        "lines.total_incl",
        "lines.1.total_incl",
        "lines.2.total_incl",
        "lines.3.total_incl",
    ]


def test_I6_what_is_collected_leads_to_each_item() -> None:
    found = leaves(explained("_given_row_amounts", "invoice-credit", kind="invoice"))
    assert {"invoice.rows[0].price_with_attributes", "invoice.rows[0].count"} & set(found)


def test_of_many_lines_the_first_are_explained() -> None:
    given = payload("order-nl-ideal")
    given["rows"] = given["rows"] * 300
    told = explainer(given).explain("_lines_incl")
    assert [one.path for one in every(told)][-1] == "581 more lines"


@pytest.mark.parametrize(
    ("change", "path", "source"),
    [
        ({"rows.1.tax": None}, "lines.2.vat_percent", {"order.rows[1].tax": None}),
        ({"rows.1.tax": "x"}, "lines.2.vat_percent", {"order.rows[1].tax": "x"}),
        ({"create_date": "2020"}, "date", {"order.create_date": "2020"}),
        ({"total_price": None}, "total_incl", {"order.total_price": None}),
    ],
)
def test_what_a_document_stopped_at_is_explained_with_all_that_was_known(
    change: dict[str, Any], path: str, source: dict[str, Any]
) -> None:
    told = explainer(changed("order-nl-ideal", change))
    stopped = told.stopped()
    assert stopped is not None
    assert (stopped.stopped, stopped.path) == (True, path)
    assert stopped.to_json()["stopped"] is True
    assert "the document stopped here" in stopped.render().splitlines()[0]
    assert source.items() <= leaves(stopped).items()
    # A value that was not computed any more is answered with what it stopped at.
    assert told.explain("adds_up") == stopped
    assert told.explain("order_id").value == 500001


def test_explain_prints_what_was_computed_and_what_the_document_stopped_at(mapper, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "order.json"
    file.write_text(json.dumps(changed("order-nl-ideal", {"rows.1.tax": None}), default=float))
    ran = mapper("explain", file)
    assert ran.code == 1
    assert "order_number = " in ran.out
    assert "lines.2.vat_percent = ?   the document stopped here" in ran.out
    assert "order.rows[1].tax = none" in ran.out


def missing(name: str, change: dict[str, Any], *, kind: str = "order") -> Any:
    """Return the finding of a stored document with some fields changed."""
    (finding,) = rulebooks().bind(settings.example()).apply(kind, changed(name, change)).findings
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
