"""The subset as one JSON Logic template for datalogic, in its templating mode.

JSON Logic has no local names: a `map` over a list of one record stands for them, and `{"val": [[2], name]}` reads the
record around the present item. It has no `join` either, so two options are written out, and rounding is `floor(x + ½)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Rule = Any


def _var(path: str) -> Rule:
    return {"var": path}


def _or(path: str, default: Rule = "") -> Rule:
    return {"or": [_var(path), default]}


def _outer(name: str) -> Rule:
    return {"val": [[2], name]}


def _has(*words: str) -> list[Rule]:
    return [{"in": [word, _var("paymethod")]} for word in words]


def _choose(*parts: Rule) -> Rule:
    return {"if": list(parts)}


def _spaced(first: Rule, second: Rule) -> Rule:
    return {"trim": {"cat": [first, " ", second]}}


def _option(number: int) -> list[Rule]:
    return [_var(f"attributes.{number}.option_name"), ": ", _var(f"attributes.{number}.value_name")]


_METHOD = _choose(
    {"or": _has("TRANSFER", "BANK", "INVOICE", "REKENING")}, "banktransfer",
    *_has("IDEAL"), "ideal", *_has("PAYPAL"), "paypal", *_has("AFTERPAY"), "afterpay",
    {"and": _has("MISTER", "CASH")}, "mistercash", {"and": _has("CREDIT", "CARD")}, "creditcard",
    {"or": _has("MAESTRO", "VISA", "MASTERCARD")}, "creditcard", "default",
)  # fmt: skip

_ROW = {
    "kind": "revenue",
    "description": _choose(
        {"==": [{"length": _or("attributes", [])}, 0]}, _or("product_name"),
        {"==": [{"length": _var("attributes")}, 1]}, {"cat": [_var("product_name"), " (", *_option(0), ")"]},
        {"cat": [_var("product_name"), " (", *_option(0), ", ", *_option(1), ")"]},
    ),
    "product_code": {"or": [_var("sub_product_number"), _var("product_number"), ""]},
    "quantity": _var("count"),
    "vat_percent": _choose(
        {"and": [{">": [_var("tax"), 0]}, {"<": [_var("tax"), 1]}]}, {"*": [_var("tax"), 100]}, _var("tax")
    ),
    "discount": {
        "*": [{"-": [_or("price_without_discount", _var("selling_price")), _var("selling_price")]}, _var("count")]
    },
    "price": _choose(
        {"==": [_or("total_extra_option_price", 0), 0]}, _var("selling_price"),
        _or("price_with_attributes", _var("selling_price")),
    ),
}  # fmt: skip

_SHIPPING = {
    "kind": "shipping",
    "description": "Shipping costs",
    "product_code": "Shippingcosts",
    "quantity": 1,
    "vat_percent": _choose(_var("untaxed"), 0, _var("order.shipping_tax_percentage")),
    "discount": 0,
    "price": _var("order.total_shipping"),
}

_PRICED = {
    "line": _var(""),
    "include": _outer("include"),
    "untaxed": _outer("untaxed"),
    "booked": {"??": [_outer("common"), {"val": [[2], "rates", {"cat": [_var("vat_percent")]}]}]},
    "factor": {"+": [1, {"/": [_var("vat_percent"), 100]}]},
}

_UNITS = {
    "line": _var("line"),
    "untaxed": _var("untaxed"),
    "booked": _var("booked"),
    "unit_excl": _choose(_var("include"), {"/": [_var("line.price"), _var("factor")]}, _var("line.price")),
    "unit_with": _choose(_var("include"), _var("line.price"), {"*": [_var("line.price"), _var("factor")]}),
    "discount_excl": _choose(
        _var("include"), {"/": [_var("line.discount"), _var("factor")]}, _var("line.discount")
    ),
    "discount_incl": _choose(
        _var("include"), _var("line.discount"), {"*": [_var("line.discount"), _var("factor")]}
    ),
}

_BEFORE = {"+": [{"*": [_var("unit_excl"), _var("line.quantity")]}, _var("discount_excl")]}
_LINE = {
    "kind": _var("line.kind"),
    "account": _var("line.kind"),
    "description": _var("line.description"),
    "product_code": _var("line.product_code"),
    "quantity": _var("line.quantity"),
    "vat_percent": _var("line.vat_percent"),
    "discount": _var("line.discount"),
    "unit_excl": _var("unit_excl"),
    "unit_incl": _choose(_var("untaxed"), _var("unit_excl"), _var("unit_with")),
    "total_excl": {"*": [_var("unit_excl"), _var("line.quantity")]},
    "total_incl": {
        "*": [_choose(_var("untaxed"), _var("unit_excl"), _var("unit_with")), _var("line.quantity")]
    },
    "total_excl_before_discount": _BEFORE,
    "total_incl_before_discount": _choose(
        _var("untaxed"),
        _BEFORE,
        {"+": [{"*": [_var("unit_with"), _var("line.quantity")]}, _var("discount_incl")]},
    ),
    "vat_code": {"val": ["booked", _var("line.kind")]},
}

_CUSTOMER = {
    "first_name": _or("billing.first_name"),
    "last_name": _or("billing.last_name"),
    "company": _or("billing.company"),
    "phone": _or("billing.telephone"),
    "kvk": _or("order.customer.kvk"),
    "street": _or("billing.street"),
    "house_number": _spaced({"??": [_var("billing.housenumber"), ""]}, _or("billing.housenumber_suffix")),
    "zipcode": _or("billing.zipcode"),
    "city": _or("billing.city"),
    "country": {"upper": _or("billing.country_code", _var("country"))},
    "vat_number": _or("order.customer.btw"),
    "email": {"trim": _or("order.customer.email")},
}

_DOCUMENT = {
    "number": _var("order.ordernumber_full"),
    "date": _var("order.create_date"),
    "paid": _var("order.paid"),
    "country": _var("country"),
    "is_icp": _var("is_icp"),
    "is_international": _var("is_international"),
    "payment_method": _METHOD,
    "rows_include_vat": _var("include"),
    "total_vat": _var("order.total_tax"),
    "total_incl": _choose(
        _var("order.taxes_included"), _var("order.total_price"),
        {"+": [_var("order.total_price"), _var("order.total_tax")]},
    ),
    "total_excl": _choose(
        _var("order.taxes_included"), {"-": [_var("order.total_price"), _var("order.total_tax")]},
        _var("order.total_price"),
    ),
    "customer": _CUSTOMER,
    "lines": {"map": [{"map": [{"map": [_var("given"), _PRICED]}, _UNITS]}, _LINE]},
}  # fmt: skip

_DEBTOR = {
    "CompanyName": _var("customer.company"),
    "Initials": _var("customer.first_name"),
    "SurName": _or("customer.last_name", "NN"),
    "TaxNumber": _var("customer.vat_number"),
    "CompanyNumber": _var("customer.kvk"),
    "Address": _spaced(_var("customer.street"), _var("customer.house_number")),
    "ZipCode": _var("customer.zipcode"),
    "City": _var("customer.city"),
    "Country": _var("customer.country"),
    "EmailAddress": _var("customer.email"),
    "PhoneNumber": _var("customer.phone"),
}

_INVOICE = {
    "VatCalcMethod": "incl",
    "Debtor": "{debtor.Identifier}",
    "Date": _var("date"),
    "Description": _var("number"),
    "Status": _choose(_var("paid"), 4, 2),
    "PaymentMethod": _choose(
        _var("paid"),
        _choose(
            {"==": [_var("payment_method"), "ideal"]}, "ideal", {"==": [_var("payment_method"), "paypal"]}, "paypal",
            {"==": [_var("payment_method"), "banktransfer"]}, "wire", "other",
        ),
        None,
    ),
    "ReferenceNumber": _var("number"),
    "UseProductInventory": "no",
    "Comment": "{operation.token}",
    "InvoiceLines": {
        "map": [
            _var("lines"),
            {
                "Number": _var("quantity"),
                "ProductCode": _var("product_code"),
                "Description": _var("description"),
                "PriceExcl": {"/": [{"floor": {"+": [{"*": [_var("unit_excl"), 1000000]}, 0.5]}}, 1000000]},
                "TaxCode": _var("vat_code"),
            },
        ]
    },
}  # fmt: skip


def template(codes: Mapping[str, Any], home: str) -> Rule:
    """Return the template; it gives a list of one result. `codes` are VAT codes by country, rate and account."""
    basics = {
        "order": _var(""),
        "billing": _var("customer.billingaddress"),
        "include": _var("order_row_taxes_included"),
        "country": {
            "upper": _or(
                "customer.deliveryaddress.country_code", _var("customer.billingaddress.country_code")
            )
        },
        "is_icp": _or("is_intra_community_order", False),
        "paymethod": {"upper": _or("paymethod")},
        "codes": codes,
    }
    kept = ("order", "billing", "include", "country", "is_icp", "paymethod")
    abroad = {
        **{name: _var(name) for name in kept},
        "codes": _var("codes"),
        "is_international": {
            "and": [
                {"==": [_var("order.total_tax"), 0]}, {"!=": [_var("order.total_price"), 0]}, {"!": _var("is_icp")},
                {"!=": [_var("country"), home]},
            ]
        },
    }  # fmt: skip
    booking = {
        **{name: _var(name) for name in (*kept, "is_international")},
        "untaxed": {"or": [_var("is_icp"), _var("is_international")]},
        "common": _choose(
            _var("is_icp"), _var("codes.icp"), _var("is_international"), _var("codes.international"), None
        ),
        "rates": {"val": ["codes", _var("country")]},
    }
    sold = {
        **{name: _var(name) for name in booking},
        "given": {
            "merge": [
                {"map": [_var("order.rows"), _ROW]},
                _choose({"==": [_or("order.total_shipping", 0), 0]}, [], [_SHIPPING]),
            ]
        },
    }
    document: Rule = {"map": [{"map": [{"map": [{"map": [[basics], abroad]}, booking]}, sold]}, _DOCUMENT]}
    requests = {"document": _var(""), "debtor": _DEBTOR, "invoice": _INVOICE}
    return {"map": [document, requests]}
