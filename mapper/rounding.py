"""WeFact's arithmetic, simulated, and the rounding line that makes its total equal to the shop's.

Which model an account follows is not documented. The examples in WeFact's documentation fit B, D and E; B is the
default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from mapper.money import round_half_up

Model = Literal["A", "B", "C", "D", "E"]
Line = Mapping[str, Any]

_CENT = Decimal("0.01")
_SENT = Decimal("0.000001")  # the smallest step of a price that is sent
_ZERO = Decimal(0)
_NUDGES = tuple(Decimal(step).scaleb(-6) for step in (1, 10, 100, 1000, 5000))


@dataclass(frozen=True, slots=True)
class Priced:
    """One line as it is sent: quantity, unit price excluding VAT in the decimals sent, and the rate in percent."""

    quantity: Decimal
    unit_excl: Decimal
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """What an invoice's amounts become, in euros with two decimals."""

    excl: Decimal
    tax: Decimal
    incl: Decimal


def simulate(lines: Iterable[Priced], model: Model) -> Totals:
    """Return the totals of an invoice under a model; every rounding is half-up to cents.

    A rounds each line's gross; B net and VAT per rate; C net per line and VAT per rate; D only the totals;
    E net once and VAT per rate.
    """
    lines = list(lines)
    nets = [line.quantity * line.unit_excl for line in lines]
    if model in {"A", "D"}:
        grosses = [net * (1 + line.percent / 100) for net, line in zip(nets, lines, strict=True)]
        if model == "A":
            incl = sum((round_half_up(gross, 2) for gross in grosses), _ZERO)
        else:
            incl = round_half_up(sum(grosses, _ZERO), 2)
        excl = round_half_up(sum(nets, _ZERO), 2)
        return Totals(excl, incl - excl, incl)
    if model == "C":
        nets = [round_half_up(net, 2) for net in nets]
    per_rate: dict[Decimal, Decimal] = {}
    for net, line in zip(nets, lines, strict=True):
        per_rate[line.percent] = per_rate.get(line.percent, _ZERO) + net
    tax = sum((round_half_up(net * rate / 100, 2) for rate, net in per_rate.items()), _ZERO)
    if model == "B":
        excl = sum((round_half_up(net, 2) for net in per_rate.values()), _ZERO)
    else:
        excl = round_half_up(sum(nets, _ZERO), 2)
    return Totals(excl, tax, excl + tax)


def settle(
    lines: Sequence[Line],
    total: Decimal,
    model: Model,
    limit: Decimal,
    rates: Sequence[Mapping[str, Any]] = (),
    country: str = "",
    home: str = "",
    vat: Decimal | None = None,
    tolerance: Decimal = _ZERO,
) -> dict[str, Any]:
    """Return the lines to send, so that WeFact's total is `total`, with what was found.

    The result has `lines` (as given, or with the rounding line added, changed or left out), `exact` (whether the
    total comes out), `residual` (euros that WeFact's arithmetic alone would leave), `rounding` and `rate` (unit price
    and percentage of a line that was added or changed, else 0), and `total` and `tax` as simulated.

    The rounding line is at most `limit` euros with its VAT, at the first rate of the document where it makes the total
    equal. There may be none: at 20 % alone no net makes a sixth of all totals under B and E, at 21 % under C. Then the
    rates of `country`, and after them those of the `home` country, in `rates` (a tenant's `vat.rates`) are tried, from
    the lowest, as revenue, with a price so small that it carries no VAT: VAT at a rate that nothing was sold at would
    be wrong. No other price is touched.

    Prices of six decimals, many times over, can take a net that stands on half a cent to its other side: then `vat`
    comes out more than `tolerance` away although the total is right, and a rounding line of less than a cent, at a rate
    of the document, takes it back.
    """
    plain = [line for line in lines if line["kind"] != "rounding"]
    rounding = next((line for line in lines if line["kind"] == "rounding"), None)
    totals = simulate([_priced(line) for line in lines], model)
    result = {"lines": lines, "exact": totals.incl == total, "residual": total - totals.incl, "limit": limit}
    result |= {"rounding": _ZERO, "rate": _ZERO, "total": totals.incl, "tax": totals.tax}
    if result["exact"] and vat is not None and abs(totals.tax - vat) > tolerance:
        return result | _nudged(plain, rounding, Totals(totals.excl, vat, total), model, tolerance)
    if result["exact"] or abs(total - totals.incl) > limit:
        return result
    sums = _summed([_priced(line) for line in plain], model)
    own = _rates(plain, rounding)
    further = (
        [] if not country else [*_further_rates(plain, rates, country), *_further_rates(plain, rates, home)]
    )
    for like in [*own, *further]:
        percent = like["charged_percent"]
        price = _price(sums, percent, total, model, limit)
        if price is None or (like not in own and round_half_up(price * percent / 100, 2)):
            continue
        mended = [*plain, _rounding_line(like, price)] if price else plain
        settled = simulate([_priced(line) for line in mended], model)
        result |= {"lines": mended, "exact": True, "total": settled.incl, "tax": settled.tax}
        return result | ({"rounding": price, "rate": like["charged_percent"]} if price else {})
    return result


def _nudged(
    plain: Sequence[Line], rounding: Line | None, wanted: Totals, model: Model, tolerance: Decimal
) -> dict[str, Any]:
    """Return what to change so that VAT comes out too, the least that does; nothing when no price below a cent does."""
    given = _ZERO if rounding is None else rounding["unit_excl"]
    for size in _NUDGES:
        for like, price in (
            (like, price) for like in _rates(plain, rounding) for price in (given + size, given - size)
        ):
            mended = [*plain, _rounding_line(like, price)]
            made = simulate([_priced(line) for line in mended], model)
            if made.incl == wanted.incl and abs(made.tax - wanted.tax) <= tolerance:
                settled = {"lines": mended, "total": made.incl, "tax": made.tax}
                return settled | {"rounding": price, "rate": like["charged_percent"]}
    return {}


def _rounding_line(like: Line, price: Decimal) -> Line:
    """Return a rounding line booked as another one is."""
    made = {**like, "kind": "rounding", "description": "Rounding", "product_code": "Additionalcosts"}
    return made | {"quantity": Decimal(1), "unit_excl": price, "discount": _ZERO}


def _rates(plain: Sequence[Line], rounding: Line | None) -> list[Line]:
    """Return a line of each rate: the document's own rounding line first, then from the largest."""
    by_size = sorted(plain, key=lambda line: -abs(line["total_incl"]))
    likes: dict[Decimal, Line] = {}
    for line in by_size if rounding is None else [rounding, *by_size]:
        likes.setdefault(line["charged_percent"], line)
    return list(likes.values())


def _further_rates(plain: Sequence[Line], rates: Sequence[Mapping[str, Any]], country: str) -> list[Line]:
    """Return what the first line would be at each rate of a country that has a code for revenue, the lowest first."""
    of_country = [one for one in rates if one["country"] == country and one.get("revenue")]
    return [
        {
            **plain[0],
            "charged_percent": setting["rate"],
            "vat_code": setting["revenue"]["code"],
            "cost_centre": setting["revenue"]["cost_centre"],
        }
        for setting in sorted(of_country, key=lambda one: Decimal(one["rate"]))
        if plain
    ]


def _summed(lines: Sequence[Priced], model: Model) -> Sequence[Priced]:
    """Return at most one line per rate with the same total, so that trying a price takes the time of a few lines.

    Measured on 1,000 rows: 34 prices are tried, in the time of two passes over the rows.
    """
    sums: dict[Decimal, Decimal] = {}
    for line in lines:
        net, rate = line.quantity * line.unit_excl, line.percent
        if model == "A":
            net, rate = round_half_up(net * (1 + rate / 100), 2), _ZERO
        elif model == "C":
            net = round_half_up(net, 2)
        sums[rate] = sums.get(rate, _ZERO) + net
    return [Priced(Decimal(1), net, rate) for rate, net in sums.items()]


def _price(
    base: Sequence[Priced], percent: Decimal, total: Decimal, model: Model, limit: Decimal
) -> Decimal | None:
    """Return the price of a rounding line that gives `total`, None when no price within `limit` does.

    Under every model a total never falls when a price rises, so the prices that fit are one range, found by halving:
    net and VAT round at different prices, so it can be narrower than a tenth of a cent. The price with the fewest
    decimals is taken, since how many WeFact keeps is not documented.
    """

    def short_of(step: int, aim: Decimal) -> bool:
        price = step * _SENT
        return simulate([*base, Priced(Decimal(1), price, percent)], model).incl < aim

    most = int(limit / (1 + percent / 100) / _SENT)
    lowest = _first(-most, most + 1, lambda step: not short_of(step, total))
    above = _first(lowest, most + 1, lambda step: not short_of(step, total + _CENT))
    if lowest == above:
        return None
    if lowest <= 0 < above:
        return _ZERO
    middle = (lowest + above - 1) * _SENT / 2
    rounded = (round_half_up(middle, places) for places in range(2, 6))
    fitting = (price for price in rounded if lowest * _SENT <= price < above * _SENT)
    return next(fitting, round_half_up(middle, 6))


def _first(start: int, stop: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from `start` for which `holds`, `stop` when there is none; once true it stays true."""
    while start < stop:
        middle = (start + stop) // 2
        start, stop = (start, middle) if holds(middle) else (middle + 1, stop)
    return start


def _priced(line: Line) -> Priced:
    return Priced(line["quantity"], round_half_up(line["unit_excl"], 6), line["charged_percent"])
