"""WeFact's arithmetic, simulated, and the rounding lines that make its total and VAT those of the shop.

Which model an account follows is not documented. The examples in WeFact's documentation fit B, D and E; B is the
default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

from mapper.money import round_half_up

Model = Literal["A", "B", "C", "D", "E"]
Line = Mapping[str, Any]

_CENT = Decimal("0.01")
_HALF_CENT = Decimal("0.005")
_FINE = Decimal("0.0001")
_SENT = Decimal("0.000001")  # the smallest step of a price that is sent
_ZERO = Decimal(0)
_MOST_ADDED = 10


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


@dataclass(frozen=True, slots=True)
class Sums:
    """What a model adds up before it rounds: the net per rate; under A the gross of each line, rounded."""

    model: Model
    nets: Mapping[Decimal, Decimal]
    gross: Decimal = _ZERO

    @classmethod
    def of(cls, model: Model, lines: Iterable[Priced], more: Sums | None = None) -> Sums:
        """Return the sums of lines, and of what was added up before."""
        nets, gross = ({}, _ZERO) if more is None else (dict(more.nets), more.gross)
        for line in lines:
            net, rate = line.quantity * line.unit_excl, line.percent
            if model == "A":
                gross += round_half_up(net * (1 + rate / 100), 2)
            elif model == "C":
                net = round_half_up(net, 2)
            nets[rate] = nets.get(rate, _ZERO) + net
        return cls(model, nets, gross)

    def totals(self) -> Totals:
        """Return what the invoice's amounts become."""
        if self.model == "B":
            excl = sum((round_half_up(net, 2) for net in self.nets.values()), _ZERO)
        else:
            excl = round_half_up(sum(self.nets.values(), _ZERO), 2)
        if self.model == "A":
            return Totals(excl, self.gross - excl, self.gross)
        if self.model == "D":
            gross = sum((net * (1 + rate / 100) for rate, net in self.nets.items()), _ZERO)
            incl = round_half_up(gross, 2)
            return Totals(excl, incl - excl, incl)
        tax = sum((round_half_up(net * rate / 100, 2) for rate, net in self.nets.items()), _ZERO)
        return Totals(excl, tax, excl + tax)


def simulate(lines: Iterable[Priced], model: Model) -> Totals:
    """Return the totals of an invoice under a model; every rounding is half-up to cents.

    A rounds each line's gross; B net and VAT per rate; C net per line and VAT per rate; D only the totals;
    E net once and VAT per rate.
    """
    return Sums.of(model, lines).totals()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The total that WeFact must make, and between which amounts its net may be: what VAT leaves of the total."""

    incl: Decimal
    least_excl: Decimal
    most_excl: Decimal

    def is_met(self, made: Totals) -> bool:
        """Tell whether total and VAT are right."""
        return made.incl == self.incl and self.least_excl <= made.excl <= self.most_excl

    def is_missed(self, made: Totals) -> bool:
        """Tell whether total or net is too low."""
        return made.incl < self.incl or made.excl < self.least_excl

    def is_passed(self, made: Totals) -> bool:
        """Tell whether total or net is too high."""
        return made.incl > self.incl or made.excl > self.most_excl

    def way_from(self, made: Totals) -> int:
        """Return the sign of what the total lacks; where it lacks nothing, the opposite of that of the net."""
        if made.incl != self.incl:
            return 1 if made.incl < self.incl else -1
        return -1 if made.excl < self.least_excl else 1


def settle(
    lines: Sequence[Line],
    total: Decimal,
    least_vat: Decimal,
    most_vat: Decimal,
    model: Model,
    limit: Decimal,
    rates: Sequence[Mapping[str, Any]] = (),
    country: str = "",
    home: str = "",
) -> dict[str, Any]:
    """Return the lines to send, so that WeFact's total is `total` and its VAT from `least_vat` to `most_vat`.

    The result has `lines`: those given where they fit, else those without the document's rounding line and with the
    lines `added`; `exact`: whether the total comes out; `total` and `tax` as simulated; `residual`: the euros that
    WeFact's arithmetic alone would leave; `limit`. Where nothing fits, the lines are those given.

    The fewest lines that do are added, of at most `limit` euros in all with their VAT:

    1. none;
    2. one at a rate of the document, the one with the most sold first;
    3. one at a rate of `country`, then of `home`, in `rates` (a tenant's `vat.rates`), the lowest first, with a price
       so small that it carries no VAT: VAT at a rate that nothing was sold at would be wrong. At 20 % alone no net
       makes a sixth of all totals under B and E, nor at 21 % under C;
    4. several: one price moves net and total together, and now and then only one of them must move. Model A, which
       rounds each line, then needs two for every cent.

    No other price is touched.
    """
    made = simulate(map(_priced, lines), model)
    wanted = Wanted(total, total - most_vat, total - least_vat)
    result = {"lines": lines, "added": [], "exact": made.incl == total, "residual": total - made.incl}
    result |= {"limit": limit, "total": made.incl, "tax": made.tax}
    if wanted.is_met(made) or max(abs(total - made.incl), least_vat - made.tax, made.tax - most_vat) > limit:
        return result
    plain = [line for line in lines if line["kind"] != "rounding"]
    rounding = next((line for line in lines if line["kind"] == "rounding"), None)
    own = _rates(plain, rounding)
    further = (
        [] if not country else [*_further_rates(plain, rates, country), *_further_rates(plain, rates, home)]
    )
    sums = Sums.of(model, map(_priced, plain))
    for first in _firsts(own, model, wanted.way_from(made)):
        base = Sums.of(model, map(_priced, first), sums)
        left = limit - sum((abs(_gross(line)) for line in first), _ZERO)
        for like in [*own, *further]:
            price = _price(base, like["charged_percent"], wanted, left)
            if price is None or (like not in own and _carries_vat(like, price)):
                continue
            added = [*first, _rounding_line(like, price)] if price else first
            made = Sums.of(model, map(_priced, added), sums).totals()
            result |= {
                "lines": [*plain, *added],
                "added": added,
                "exact": True,
                "total": made.incl,
                "tax": made.tax,
            }
            return result
    return result


def _firsts(own: Sequence[Line], model: Model, way: int) -> Iterator[list[Line]]:
    """Yield what may stand before the last line, whose price is searched: nothing at first, then ever more lines.

    Under A two prices at either side of half a cent, one against the other, move the total by a cent and hardly move
    the net. Under the other models a cent at one rate goes against the last line at another.
    """
    yield []
    if model == "A":
        for count in range(1, _MOST_ADDED):
            for like in own:
                below = _below_half_a_cent(like["charged_percent"])
                pair = _rounding_line(like, -way * below), _rounding_line(like, way * (below + _FINE))
                yield [pair[number % 2] for number in range(count)]
    else:
        for cents in range(1, 5):
            for like in own:
                yield [_rounding_line(like, cents * _CENT)]
                yield [_rounding_line(like, -cents * _CENT)]


def _below_half_a_cent(percent: Decimal) -> Decimal:
    """Return the highest price of four decimals that with its VAT is less than half a cent."""
    return (_HALF_CENT / (1 + percent / 100)).quantize(_FINE, ROUND_CEILING) - _FINE


def _gross(line: Line) -> Decimal:
    return Decimal(line["unit_excl"] * (1 + line["charged_percent"] / 100))


def _carries_vat(line: Line, price: Decimal) -> bool:
    return round_half_up(price * line["charged_percent"] / 100, 2) != 0


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


def _price(base: Sums, percent: Decimal, wanted: Wanted, limit: Decimal) -> Decimal | None:
    """Return the price of a line that gives what is wanted, None when no price within `limit` does.

    Under every model neither total nor net ever falls when a price rises, so the prices that fit are one range, found
    by halving: net and VAT round at different prices, so it can be narrower than a tenth of a cent. The price with the
    fewest decimals is taken, since how many WeFact keeps is not documented.
    """

    def made(step: int) -> Totals:
        return Sums.of(base.model, [Priced(Decimal(1), step * _SENT, percent)], base).totals()

    most = int(limit / (1 + percent / 100) / _SENT)
    lowest = _first(-most, most + 1, lambda step: not wanted.is_missed(made(step)))
    above = _first(lowest, most + 1, lambda step: wanted.is_passed(made(step)))
    if lowest >= above:
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
