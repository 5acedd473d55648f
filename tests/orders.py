"""Orders of CCV Shop for tests, in the shape of a stored one, with totals worked out apart from the rules.

Row prices include VAT or not, as `included` says. VAT is the sum of base × rate, rounded once, as real orders have it.
Payment costs, surcharges and credit points are taxed at the highest rate of the rows, unless `fee_rate` says otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from mapper import settings as tenant_settings
from mapper.mapping import Mapped, Rulebooks, apply, document_json, load_rulebooks
from mapper.money import dumps, loads

Json = dict[str, Any]

FIXTURES = Path(__file__).parent / "fixtures"
HUNDRED = Decimal(100)
CENT = Decimal("0.01")

ADDRESSES: dict[str, Json] = {
    "NL": {
        "street": "Dorpsstraat",
        "housenumber": 12,
        "zipcode": "3511AB",
        "city": "Utrecht",
        "country": "Nederland",
    },
    "BE": {"street": "Meir", "housenumber": 5, "zipcode": "2000", "city": "Antwerpen", "country": "België"},
    "DE": {
        "street": "Hauptstraße",
        "housenumber": 7,
        "zipcode": "10115",
        "city": "Berlin",
        "country": "Duitsland",
    },
    "EE": {"street": "Pikk", "housenumber": 9, "zipcode": "10123", "city": "Tallinn", "country": "Estland"},
    "FR": {
        "street": "Rue Neuve",
        "housenumber": 3,
        "zipcode": "75001",
        "city": "Paris",
        "country": "Frankrijk",
    },
    "US": {
        "street": "Main Street",
        "housenumber": 1,
        "zipcode": "10001",
        "city": "New York",
        "country": "USA",
    },
    "CH": {
        "street": "Bahnhofstrasse",
        "housenumber": 2,
        "zipcode": "8001",
        "city": "Zürich",
        "country": "Zwitserland",
    },
}


def amount(value: str | int | Decimal) -> int | Decimal:
    """Return a number as JSON has it: whole ones are integers."""
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else number


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def row(
    price: str | Decimal = "10",
    rate: str | Decimal = "21",
    count: str | Decimal = "1",
    *,
    less: str | Decimal = "0",
    options: tuple[tuple[str, str, str], ...] = (),
    **changes: Any,
) -> Json:
    """Return an order row: `price` before the discount `less` per unit; options are (name, value, price)."""
    selling = Decimal(price) - Decimal(less)
    extra = sum((Decimal(one[2]) for one in options), Decimal(0))
    made = deepcopy(_stored()["rows"][1])
    made |= {
        "product_name": "Koffiebonen", "product_number": "BON500", "sub_product_number": "",
        "count": amount(count), "tax": amount(rate), "price": amount(price), "discount": amount(less),
        "original_price": amount(selling), "selling_price": amount(selling), "price_without_discount": amount(price),
        "price_without_discount_with_attributes": amount(Decimal(price) + extra),
        "total_price": amount(cents(selling * Decimal(count))),
        "total_extra_option_price": amount(cents(extra * Decimal(count))),
        "price_with_attributes": amount(selling + extra),
        "total_price_with_attributes": amount(cents((selling + extra) * Decimal(count))),
        "attributes": [
            {"option_name": name, "value_name": value, "price": amount(cost)} for name, value, cost in options
        ],
    }  # fmt: skip
    return made | changes


def address(country: str, *, delivery: bool = False, **changes: Any) -> Json:
    """Return a filled billing or delivery address; the latter has no first and last name in the API."""
    stored = _stored()["customer"]["deliveryaddress" if delivery else "billingaddress"]
    place = ADDRESSES[country]
    made: Json = {**deepcopy(stored), **place, "country_code": country, "housenumber_suffix": ""}
    made["address_line_1"] = f"{place['street']} {place['housenumber']}"
    made["full_name"] = "Piet Jansen" if delivery else "Sanne de Vries"
    return made | changes


def order(
    *rows: Json,
    included: bool = True,
    tax_shown: bool = True,
    shipping: str | Decimal = "0",
    shipping_rate: str | Decimal = "21",
    fee: str | Decimal = "0",
    gift: str | Decimal = "0",
    surcharge: str | Decimal = "0",
    points: str | Decimal = "0",
    discount: str | Decimal = "0",
    fee_rate: str | Decimal | None = None,
    country: str = "NL",
    deliver_to: str = "",
    icp: bool = False,
    vat_number: str = "",
    customer: Json | None = None,
    **changes: Any,
) -> Json:
    """Return an order with `rows` (one of € 10 at 21 % when there are none); `changes` are fields of the order.

    `points` and `discount` are given as positive amounts that lower the total.
    """
    sold = list(rows) or [row()]
    made = deepcopy(_stored())
    made |= {
        "order_row_taxes_included": included, "taxes_included": tax_shown, "total_shipping": amount(shipping),
        "shipping_tax_percentage": amount(shipping_rate), "paymethod_costs": amount(fee),
        "extra_payment_option_price": amount(gift), "extra_costs": amount(surcharge),
        "credit_point_discount": amount(points), "total_discounts": amount(discount),
        "is_intra_community_order": icp, "rows": sold,
    }  # fmt: skip
    made["customer"]["billingaddress"] = address(country)
    made["customer"]["btw"] = vat_number
    if deliver_to:
        made["customer"]["deliveryaddress"] = address(deliver_to, delivery=True)
    made["customer"] |= customer or {}
    top = max((percent(one["tax"]) for one in sold), default=Decimal(0))
    extras = {top: Decimal(surcharge) - Decimal(points)}
    costs_rate = top if fee_rate is None else Decimal(fee_rate)
    extras[costs_rate] = extras.get(costs_rate, Decimal(0)) + Decimal(fee) + Decimal(gift)
    bases = _bases(sold, extras, Decimal(discount))
    bases[percent(shipping_rate)] += Decimal(shipping)
    return made | _totals(bases, included=included, tax_shown=tax_shown) | changes


def percent(rate: Any) -> Decimal:
    number = Decimal(rate)
    return number * 100 if 0 < number < 1 else number


def _bases(rows: list[Json], extras: dict[Decimal, Decimal], discount: Decimal) -> dict[Decimal, Decimal]:
    bases: dict[Decimal, Decimal] = defaultdict(Decimal)
    for one in rows:
        bases[percent(one["tax"])] += Decimal(one["total_price_with_attributes"])
    goods = sum(bases.values(), Decimal(0))
    if goods:
        for rate, base in list(bases.items()):
            bases[rate] -= discount * base / goods
    for rate, extra in extras.items():
        bases[rate] += extra
    return bases


def _totals(bases: dict[Decimal, Decimal], *, included: bool, tax_shown: bool) -> Json:
    """Return the totals; with the tax hidden (`taxes_included` false), `total_price` is without it."""
    base = sum(bases.values(), Decimal(0))
    tax = cents(
        sum(
            (net * rate / (HUNDRED + rate if included else HUNDRED) for rate, net in bases.items()),
            Decimal(0),
        )
    )
    gross = cents(base) if included else cents(base) + tax
    total = gross if tax_shown else gross - tax
    return {"total_price": amount(total), "total_tax": amount(tax)}


@lru_cache(maxsize=1)
def _stored() -> Json:
    stored: Json = loads((FIXTURES / "order-nl-ideal.json").read_bytes())
    return stored


@lru_cache(maxsize=1)
def rulebooks() -> Rulebooks:
    return load_rulebooks()


def rates(*given: tuple[str, str, str]) -> list[Json]:
    """Return VAT settings: (country, rate, code)."""
    return [
        {
            "country": country,
            "rate": Decimal(rate),
            **{sold: {"code": code} for sold in ("revenue", "shipping", "payment")},
        }
        for country, rate, code in given
    ]


def tenant(**changes: Any) -> Json:
    """Return the example settings; `changes` name a key with `__` for the dot: `checks__rounding_limit=0`."""
    return _tenant(dumps(changes), _Kept(changes))


class _Kept(dict[str, Any]):
    """Rides along in a cache that is keyed by its text."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept)


@lru_cache(maxsize=200)
def _tenant(_text: str, changes: _Kept) -> Json:
    raw = deepcopy(tenant_settings.example())
    for key, value in changes.items():
        *parents, last = key.split("__")
        inner = raw
        for name in parents:
            inner = inner[name]
        inner[last] = value
    return tenant_settings.check(raw)


def mapped(payload: Json, **changes: Any) -> Mapped:
    """Map an order with the shipped rules and the example settings with `changes`."""
    return apply(rulebooks(), "order", payload, tenant(**changes))


def document(payload: Json, **changes: Any) -> Json:
    """Return the document of an order as `mapper map` prints it."""
    result = mapped(payload, **changes)
    assert result.document is not None, [finding.say["en"] for finding in result.findings]
    return document_json(result.document)


def lines(payload: Json, kind: str = "revenue", **changes: Any) -> list[Json]:
    """Return the lines of one kind."""
    return [line for line in document(payload, **changes)["lines"] if line["kind"] == kind]


def line(payload: Json, kind: str = "revenue", **changes: Any) -> Json:
    """Return the only line of a kind."""
    found = lines(payload, kind, **changes)
    assert len(found) == 1, found
    return found[0]


def found(result: Mapped) -> list[tuple[str, str]]:
    """Return (id, severity) of each finding."""
    return [(finding.id, finding.severity) for finding in result.findings]
