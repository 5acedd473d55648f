"""Orders as CCV Shop answers them: every key, in its order, with amounts that add up as the shop adds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from mapper.money import round_half_up
from mapper.sandbox import people
from mapper.sandbox.shop import IDEAL, Basket
from mapper.sandbox.wire import ZERO, Object, as_decimal, merged

AMOUNTS = {
    "order_row_taxes_included", "taxes_included", "total_shipping", "shipping_tax_percentage", "total_discounts",
    "paymethod_costs", "extra_payment_option_price", "extra_costs", "credit_point_discount",
}  # fmt: skip
LINKS = ("orderrows", "ordernotes", "ordermessages", "ordernotifications", "orderaffiliatenetworks", "orderlabels",
         "invoices")  # fmt: skip


def order(basket: Basket, random: Random, *, id: int, number: int, created: datetime) -> Object:
    """Return an order without rows and totals; links are paths, to be completed with the shop's address."""
    prefix = f"{created.year}-"
    client = people.customer(random, basket.country, business=basket.business, vat_number=basket.vat_number)
    if basket.deliver_to:
        client["deliveryaddress"] = people.delivery(people.address(random, basket.deliver_to))
    made = _identity(id, prefix, number, created) | _money(basket) | _rest(id, client)
    made = merged(made, dict(basket.changes))
    # A kind may take away the prefix or the number, and the full number follows.
    if basket.changes.get("ordernumber_full", "") is not None:
        made["ordernumber_full"] = f"{made['ordernumber_prefix'] or ''}{made['ordernumber']}"
    return made


def _identity(id: int, prefix: str, number: int, created: datetime) -> Object:
    return {
        "href": f"orders/{id}/", "id": id, "ordernumber_prefix": prefix, "ordernumber": number,
        "ordernumber_full": f"{prefix}{number}", "invoicenumber": None, "transaction_id": f"TX-{id}",
        "create_date": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "deliver_method": "shipping", "deliver_date": None,
        "take_out_window": {"start": None, "end": None}, "is_platform_sale": False, "orderedinlng": "nl", "status": 1,
        "is_completed": True, "paid": True, "safety_deposit_returned": False, **IDEAL,
    }  # fmt: skip


def _money(basket: Basket) -> Object:
    return {
        "taxes_included": True, "order_row_taxes_included": True, "shipping_taxes_included": True,
        "shipping_tax_percentage": basket.shipping_tax, "is_intra_community_order": False, "total_orderrow_price": 0,
        "total_shipping": basket.shipping, "total_discounts": 0, "total_price": 0, "currency": "EUR", "total_tax": 0,
        "total_weight": 0, "extra_payment_option": "", "extra_payment_option_price": 0,
        "extra_payment_option_no_sentprice": False, "extra_payment_option_pay_on_pickup": False, "extra_price": 0,
        "paymethod_costs": 0, "credit_point_discount": 0, "extra_costs": 0, "extra_costs_description": "",
    }  # fmt: skip


def _rest(id: int, client: Object) -> Object:
    coupon = {"code": "", "discount": 0, "type": "", "enddate": None, "onetimeuse": False, "minimumprice": 0,
              "givesfreeshipping": False}  # fmt: skip
    return {
        "track_and_trace_code": "", "track_and_trace_carrier": None, "track_and_trace_deeplink": "",
        "reservationnumber": "", "delivery_option": None,
        "user": {"id": None, "discount_percentage": None, "href": None}, "discountcoupon": coupon,
        "customer": client, "pickup_address": None,
        "packing_slip_deeplink": f"/onderhoud/AdminItems/StandaloneObjects/PackingSlip.php?OrderId=opaque{id}",
        **{link: {"href": f"orders/{id}/{link}/"} for link in LINKS},
    }  # fmt: skip


def row(given: Mapping[str, Any], *, id: int, order_id: int) -> Object:
    """Return a row with all its keys; what `given` says wins over what is worked out."""
    made: Object = {
        "href": f"orderrows/{id}/", "id": id, "order_id": order_id, "product_type": "product",
        "product_name": "Artikel", "product_name_google": "Artikel", "product_number": "", "sub_product_number": "",
        "sub_sku_number": "", "sub_ean_number": "", "product_id": None, "product_href": None, "count": 1, "price": 0,
        "product_purchase_price": 0, "discount": 0, "custom_price": False, "tax": 21, "unit": "stuk", "weight": 0,
        "memo": "", "package_id": 1664901, "package_name": "Kartonnen doos", "stock_location": "", "supplier": "",
        "user_discount": 0,
    }  # fmt: skip
    made |= {name: value for name, value in given.items() if name in made}
    made["product_name_google"] = str(made["product_name"]).replace(" ", "-")
    if made["product_id"] is not None:
        made["product_href"] = f"products/{made['product_id']}"
    options = [
        _option(option, id * 10 + place, id) for place, option in enumerate(given.get("attributes") or [])
    ]
    made |= _prices(made, sum((as_decimal(option["price"]) for option in options), ZERO))
    made |= {"attributes": options, "uploads": [], "parent": {"href": f"orders/{order_id}"}}
    return made | {name: value for name, value in given.items() if name != "attributes"}


def _option(given: Mapping[str, Any], id: int, row_id: int) -> Object:
    return {
        "href": f"orderrowattributevalues/{id}/", "id": id, "option_name": given.get("option_name", ""),
        "value_name": given.get("value_name", ""), "price": given.get("price", 0),
        "parent": {"href": f"orderrows/{row_id}"},
    }  # fmt: skip


def _prices(made: Object, options: Decimal) -> Object:
    count, price = as_decimal(made["count"]), as_decimal(made["price"])
    selling = price - as_decimal(made["discount"])
    return {
        "original_price": selling, "selling_price": selling, "price_without_discount": price,
        "price_without_discount_with_attributes": price + options, "total_price": round_half_up(count * selling, 2),
        "total_extra_option_price": round_half_up(count * options, 2), "price_with_attributes": selling + options,
        "total_price_with_attributes": round_half_up(count * (selling + options), 2),
    }  # fmt: skip


def totals(order: Mapping[str, Any], rows: list[Object], *, shipping_in_row_total: bool, fees: str) -> Object:
    """Return the order's totals: VAT per rate from the sums, rounded once, half-up.

    Fees, surcharges and credit points are taxed at the highest rate of the rows (`fees: highest`) or spread over the
    rates by value (`fees: proportional`); discounts are always spread. The shop says nowhere which it does.
    """
    goods: dict[Decimal, Decimal] = defaultdict(Decimal)
    for each in rows:
        goods[_percent(each["tax"])] += as_decimal(each["total_price_with_attributes"])
    bases = defaultdict(Decimal, goods)
    bases[_percent(order["shipping_tax_percentage"])] += as_decimal(order["total_shipping"])
    charged = sum(
        (
            as_decimal(order[name])
            for name in ("paymethod_costs", "extra_payment_option_price", "extra_costs")
        ),
        ZERO,
    )
    charged -= abs(as_decimal(order["credit_point_discount"]))
    shares = _shares(goods)
    for rate, share in ({max(goods, default=ZERO): Decimal(1)} if fees == "highest" else shares).items():
        bases[rate] += charged * share
    for rate, share in shares.items():
        bases[rate] -= abs(as_decimal(order["total_discounts"])) * share
    included = bool(order["order_row_taxes_included"])
    tax = sum((base * rate / (100 + rate if included else 100) for rate, base in bases.items()), ZERO)
    tax = round_half_up(tax, 2) if order["taxes_included"] else ZERO
    total = round_half_up(sum(bases.values(), ZERO), 2) + (ZERO if included else tax)
    row_total = sum(goods.values(), ZERO)
    if shipping_in_row_total:
        row_total += as_decimal(order["total_shipping"])
    return {"total_orderrow_price": row_total, "total_price": total, "total_tax": tax}


def _percent(rate: Any) -> Decimal:
    number = as_decimal(rate)
    if number <= -100:
        return ZERO
    return number * 100 if 0 < number < 1 else number


def _shares(goods: Mapping[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    whole = sum(goods.values(), ZERO)
    if not whole:
        return {max(goods, default=ZERO): Decimal(1)}
    return {rate: base / whole for rate, base in goods.items()}
