"""The subset by hand, in Python with Decimal: what a careful developer writes who knows these fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from benchmarks.handwritten import flag, needed_text, number, number_or, text
from mapper.rulebook.functions import join, options

_ZERO, _ONE, _HUNDRED = Decimal(0), Decimal(1), Decimal(100)
_MILLIONTH = Decimal("0.000001")
_WORDS = {"ideal": "ideal", "paypal": "paypal", "banktransfer": "wire"}


def bind(tenant: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return the mapping for one tenant's settings."""
    rates: dict[tuple[str, Decimal], Mapping[str, Any]] = {}
    for setting in tenant["vat"]["rates"]:
        rates.setdefault((setting["country"], setting["rate"]), setting)
    icp, international, home = tenant["vat"]["icp"], tenant["vat"]["international"], tenant["home_country"]

    def run(order: Mapping[str, Any]) -> dict[str, Any]:
        customer = order["customer"]
        billing = customer["billingaddress"]
        country = (
            text(customer.get("deliveryaddress") or {}, "country_code")
            or needed_text(billing, "country_code")
        ).upper()
        total_tax, total_price = number(order, "total_tax"), number(order, "total_price")
        included = flag(order, "taxes_included")
        is_icp = bool(order.get("is_intra_community_order"))
        is_international = total_tax == 0 and total_price != 0 and not is_icp and country != home
        document: dict[str, Any] = {
            "number": needed_text(order, "ordernumber_full"),
            "date": needed_text(order, "create_date"),
            "paid": flag(order, "paid"),
            "country": country,
            "is_icp": is_icp,
            "is_international": is_international,
            "payment_method": _payment_method(text(order, "paymethod").upper()),
            "rows_include_vat": flag(order, "order_row_taxes_included"),
            "total_vat": total_tax,
            "total_incl": total_price if included else total_price + total_tax,
            "total_excl": total_price - total_tax if included else total_price,
            "customer": {
                "first_name": text(billing, "first_name"),
                "last_name": text(billing, "last_name"),
                "company": text(billing, "company"),
                "phone": text(billing, "telephone"),
                "kvk": text(customer, "kvk"),
                "street": text(billing, "street"),
                "house_number": join(" ", text(billing, "housenumber"), text(billing, "housenumber_suffix")),
                "zipcode": text(billing, "zipcode"),
                "city": text(billing, "city"),
                "country": (text(billing, "country_code") or country).upper(),
                "vat_number": text(customer, "btw"),
                "email": text(customer, "email").strip(),
            },
        }
        common = icp if is_icp else international if is_international else None
        document["lines"] = _lines(order, document, is_icp or is_international, common, rates)
        return {"document": document, **_requests(document)}

    return run


def _payment_method(name: str) -> str:
    if "TRANSFER" in name or "BANK" in name or "INVOICE" in name or "REKENING" in name:
        return "banktransfer"
    for keyword in ("IDEAL", "PAYPAL", "AFTERPAY"):
        if keyword in name:
            return keyword.lower()
    if "MISTER" in name and "CASH" in name:
        return "mistercash"
    if ("CREDIT" in name and "CARD" in name) or "MAESTRO" in name or "VISA" in name or "MASTERCARD" in name:
        return "creditcard"
    return "default"


def _lines(
    order: Mapping[str, Any],
    document: Mapping[str, Any],
    untaxed: bool,
    common: Mapping[str, Any] | None,
    rates: Mapping[tuple[str, Decimal], Mapping[str, Any]],
) -> list[dict[str, Any]]:
    include, country = document["rows_include_vat"], document["country"]
    lines: list[dict[str, Any]] = []

    def add(
        kind: str,
        description: str,
        code: str,
        quantity: Decimal,
        percent: Decimal,
        discount: Decimal,
        price: Decimal,
    ) -> None:
        factor = 1 + percent / _HUNDRED
        unit_excl = price / factor if include else price
        unit_incl = unit_excl if untaxed else price if include else price * factor
        total_excl, total_incl = unit_excl * quantity, unit_incl * quantity
        before = total_excl + (discount / factor if include else discount)
        setting = common if untaxed else rates.get((country, percent))
        booked = setting[kind] if setting is not None else None
        line = {
            "kind": kind, "account": kind, "description": description, "product_code": code, "quantity": quantity,
            "vat_percent": percent, "discount": discount, "unit_excl": unit_excl, "unit_incl": unit_incl,
            "total_excl": total_excl, "total_incl": total_incl, "total_excl_before_discount": before,
            "total_incl_before_discount": before if untaxed
            else total_incl + (discount if include else discount * factor),
            "vat_code": booked["code"] if booked is not None else None,
        }  # fmt: skip
        lines.append(line)

    for row in order["rows"]:
        percent = number(row, "tax")
        if 0 < percent < 1:
            percent *= 100
        selling, count = number(row, "selling_price"), number(row, "count")
        has_paid = number_or(row, "total_extra_option_price", _ZERO) != 0
        price = number_or(row, "price_with_attributes", selling) if has_paid else selling
        name, attributes = text(row, "product_name"), row.get("attributes")
        if attributes:
            name = f"{name} ({options(attributes, 'option_name', 'value_name')})"
        discount = (number_or(row, "price_without_discount", selling) - selling) * count
        add(
            "revenue",
            name,
            text(row, "sub_product_number") or text(row, "product_number"),
            count,
            percent,
            discount,
            price,
        )
    shipping = number_or(order, "total_shipping", _ZERO)
    if shipping != 0:
        percent = _ZERO if untaxed else number(order, "shipping_tax_percentage")
        add("shipping", "Shipping costs", "Shippingcosts", _ONE, percent, _ZERO, shipping)
    return lines


def _requests(document: Mapping[str, Any]) -> dict[str, Any]:
    customer = document["customer"]
    debtor = {
        "CompanyName": customer["company"], "Initials": customer["first_name"],
        "SurName": customer["last_name"] or "NN",
        "TaxNumber": customer["vat_number"], "CompanyNumber": customer["kvk"],
        "Address": join(" ", customer["street"], customer["house_number"]), "ZipCode": customer["zipcode"],
        "City": customer["city"], "Country": customer["country"], "EmailAddress": customer["email"],
        "PhoneNumber": customer["phone"],
    }  # fmt: skip
    paid = document["paid"]
    invoice = {
        "VatCalcMethod": "incl", "Debtor": "{debtor.Identifier}", "Date": document["date"],
        "Description": document["number"], "Status": 4 if paid else 2,
        "PaymentMethod": _WORDS.get(document["payment_method"], "other") if paid else None,
        "ReferenceNumber": document["number"], "UseProductInventory": "no", "Comment": "{operation.token}",
        "InvoiceLines": [
            _filled({
                "Number": line["quantity"], "ProductCode": line["product_code"], "Description": line["description"],
                "PriceExcl": line["unit_excl"].quantize(_MILLIONTH, ROUND_HALF_UP), "TaxCode": line["vat_code"],
            })
            for line in document["lines"]
        ],
    }  # fmt: skip
    return {"debtor": _filled(debtor), "invoice": _filled(invoice)}


def _filled(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None and value != ""}
