"""Made-up orders and invoices, consistent as a shop's are, and their smallest likeness of which the same holds.

Everything follows from a seed, so that a find can be found again. VAT is the sum of base × rate, rounded once, as the
shop has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any

from mapper import money
from mapper.mapping import shipped_rules

Json = dict[str, Any]

MOST_TRIES = 600
"""So many smaller documents are tried before the smallest so far is taken."""

_ZERO = Decimal(0)
_EXTRAS = ("total_shipping", "paymethod_costs", "extra_costs", "credit_point_discount", "total_discounts")
_FIXTURES: Mapping[str, tuple[str, ...]] = {
    "order": (*["nl-ideal"] * 14, "icp-de", "export-us"),
    "invoice": ("invoice", "credit"),
}
_UNTAXED = ("icp-de", "export-us")
_INCLUDED = {"order": "order_row_taxes_included", "invoice": "invoice_row_taxes_included"}
_AMOUNTS = ("1", "0.01", "0.99", "4.95", "10", "12.34", "24.95", "33.33", "99.99", "149.50", "1234.56")


def made_up(random: Random, kind: str, settings: Mapping[str, Any]) -> Json:
    """Return an order or invoice at the rates that the settings have codes for."""
    name = random.choice(_FIXTURES[kind])
    payload = deepcopy(_fixture(name))
    country = settings["home_country"] or "NL"
    rates = [one["rate"] for one in settings["vat"]["rates"] if one["country"] == country] or [Decimal(21)]
    rates = [_ZERO] if name in _UNTAXED else rates
    template = payload["rows"][-1]
    is_credit = payload.get("type") == "credit"
    payload["rows"] = [_row(random, template, rates) for _ in range(random.choice((1, 1, 2, 3, 4, 6)))]
    payload[_INCLUDED[kind]] = random.random() < 0.7
    payload["taxes_included"] = random.random() < 0.8
    payload["shipping_tax_percentage"] = _number(random.choice(rates))
    payload |= dict.fromkeys(_EXTRAS, 0) | {"extra_payment_option_price": 0}
    payload["paymethod"] = random.choice(("ideal", "PayPal", "Bankoverschrijving", "Klarna", ""))
    if not is_credit:
        for name, share in (("total_shipping", 0.5), ("paymethod_costs", 0.2), ("extra_costs", 0.1)):
            payload[name] = _number(_amount(random)) if random.random() < share else 0
        if random.random() < 0.3:
            goods = sum((_worth(row) for row in payload["rows"]), _ZERO)
            payload["total_discounts"] = _number(money.round_half_up(goods * random.randint(1, 90) / 100, 2))
    if payload["paymethod_costs"]:
        # The highest rate is that of the costs (P1), whatever was sold.
        payload["shipping_tax_percentage"] = _number(max(rates))
    total(payload, kind)
    if kind == "order" and random.random() < 0.2:
        # A shop that rounds elsewhere is a cent off.
        off = random.choice((-1, 1)) * Decimal("0.01")
        payload["total_price"] = _number(Decimal(payload["total_price"]) + off)
    return payload


def smaller(payload: Json, kind: str, fails: Callable[[Json], bool]) -> Json:
    """Return the smallest document found that still `fails`: fewer rows, no costs, round numbers; its totals follow."""
    tries = 0
    smallest = payload
    changed = True
    while changed and tries < MOST_TRIES:
        changed = False
        for one in _simpler(smallest, kind):
            tries += 1
            if fails(one):
                smallest, changed = one, True
                break
            if tries >= MOST_TRIES:
                break
    return smallest


def total(payload: Json, kind: str) -> None:
    """Set the totals of a document to what its rows and costs come to, as its shop adds them up."""
    included = payload[_INCLUDED[kind]]
    bases: dict[Decimal, Decimal] = {}
    for row in payload["rows"]:
        rate = Decimal(row["tax"])
        bases[rate] = bases.get(rate, _ZERO) + _worth(row)
    goods = sum(bases.values(), _ZERO)
    less = Decimal(payload.get("total_discounts") or 0)
    if goods:
        bases = {rate: base - less * base / goods for rate, base in bases.items()}
    top = max(bases, default=_ZERO)
    of_shipping = Decimal(payload.get("shipping_tax_percentage") or 0)
    costs = [("total_shipping", of_shipping), ("paymethod_costs", max(top, of_shipping))]
    for name, rate in (*costs, ("extra_costs", top)):
        bases[rate] = bases.get(rate, _ZERO) + Decimal(payload.get(name) or 0)
    bases[top] -= Decimal(payload.get("credit_point_discount") or 0)
    base = money.round_half_up(sum(bases.values(), _ZERO), 2)
    taxes = (one * rate / (100 + rate if included else 100) for rate, one in bases.items())
    tax = money.round_half_up(sum(taxes, _ZERO), 2)
    gross = base if included else base + tax
    payload["total_tax"] = _number(tax)
    payload["total_price"] = _number(gross if payload["taxes_included"] else gross - tax)
    if kind == "invoice":
        payload["total_price_inc_tax"], payload["total_price_exc_tax"] = _number(gross), _number(gross - tax)


def _simpler(payload: Json, kind: str) -> Iterator[Json]:
    """Yield documents that are a step simpler, the largest steps first."""
    rows = payload["rows"] if isinstance(payload.get("rows"), list) else []
    for number in range(len(rows)):
        if len(rows) > 1:
            yield _with(payload, kind, rows=rows[:number] + rows[number + 1 :])
    for name in (*_EXTRAS, "extra_payment_option_price"):
        if payload.get(name):
            yield _with(payload, kind, **{name: 0})
            if Decimal(payload[name]) > 10:
                yield _with(payload, kind, **{name: 10})
    if payload.get("discounts"):
        yield _with(payload, kind, discounts=[], total_discounts=0)
    for number, row in enumerate(rows):
        for changes in _simpler_rows(row):
            yield _with(payload, kind, rows=[*rows[:number], {**row, **changes}, *rows[number + 1 :]])


def _simpler_rows(row: Json) -> Iterator[Json]:
    count, price = Decimal(row.get("count") or 0), Decimal(row.get("selling_price") or 0)
    if row.get("attributes") or Decimal(row.get("price_with_attributes") or 0) != price:
        yield _priced(price) | {"attributes": [], "total_extra_option_price": 0}
    if abs(count) != 1 and count:
        yield {"count": 1 if count > 0 else -1}
    if Decimal(row.get("price_without_discount") or price) != price:
        yield _priced(price)
    for simple in ("10", "1", "0.01"):
        if price != Decimal(simple) and len(str(price)) > len(simple):
            yield _priced(Decimal(simple))


def _with(payload: Json, kind: str, **changes: Any) -> Json:
    made = {**payload, **changes}
    total(made, kind)
    return made


def _row(random: Random, template: Json, rates: list[Decimal]) -> Json:
    price = _amount(random)
    count = random.choice((1, 1, 1, 2, 3, 7, 12))
    if Decimal(template["count"]) < 0:
        count = -count
    made = {**deepcopy(template), **_priced(price), "count": count, "tax": _number(random.choice(rates))}
    if random.random() < 0.2:
        before = price + _amount(random)
        made["price_without_discount"] = made["price_without_discount_with_attributes"] = _number(before)
    return made


def _priced(price: Decimal) -> Json:
    """Return the fields of a row that say its price, without options and discount."""
    names = ("price", "original_price", "selling_price", "price_without_discount")
    with_options = ("price_with_attributes", "price_without_discount_with_attributes")
    return dict.fromkeys((*names, *with_options), _number(price)) | {"discount": 0, "attributes": []}


def _worth(row: Json) -> Decimal:
    price = row.get("price_with_attributes")
    return money.round_half_up(
        Decimal(row["selling_price"] if price is None else price) * Decimal(row["count"]), 2
    )


def _amount(random: Random) -> Decimal:
    if random.random() < 0.4:
        return Decimal(random.choice(_AMOUNTS))
    return Decimal(random.randint(1, 10 ** random.randint(2, 5))).scaleb(-2)


def _number(value: Any) -> int | Decimal:
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else number


@lru_cache(maxsize=4)
def _fixture(name: str) -> Json:
    path = shipped_rules() / "cases" / "payloads" / f"{name}.json"
    stored: Json = money.loads(path.read_bytes())
    return stored
