"""WeFact's arithmetic, simulated, and the rounding line that makes its total equal to the shop's.

Which model an account follows is not documented. The examples in WeFact's documentation fit B, D and E; B is the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from mapper.money import round_half_up

Model = Literal["A", "B", "C", "D", "E"]
Line = Mapping[str, Any]

_CENT = Decimal("0.01")
_STEP = Decimal("0.001")
_ZERO = Decimal(0)


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


def settle(lines: Sequence[Line], total: Decimal, model: Model, limit: Decimal) -> dict[str, Any]:
    """Return the lines to send, so that WeFact's total is `total`, with what was found.

    The result has `lines` (as given, or with the rounding line added or its price changed), `exact` (whether the total
    comes out), `residual` (euros that WeFact's arithmetic alone would leave), and `total` and `tax` as simulated. The
    rounding line is at most `limit` euros, in the rate where it makes the total equal. No other price is touched.
    """
    plain = [line for line in lines if line["kind"] != "rounding"]
    rounding = next((line for line in lines if line["kind"] == "rounding"), None)
    totals = simulate([_priced(line) for line in lines], model)
    result = {"lines": lines, "exact": totals.incl == total, "residual": total - totals.incl}
    result |= {"total": totals.incl, "tax": totals.tax, "limit": limit}
    if result["exact"] or abs(total - totals.incl) > limit:
        return result
    base = [_priced(line) for line in plain]
    for like, price in _candidates(plain, rounding, total - totals.incl, limit):
        settled = simulate([*base, Priced(Decimal(1), price, like["charged_percent"])], model)
        if settled.incl == total:
            added = {**like, "kind": "rounding", "description": "Rounding", "product_code": "Additionalcosts"}
            added |= {"quantity": Decimal(1), "unit_excl": price, "discount": _ZERO}
            return result | {
                "lines": [*plain, added],
                "exact": True,
                "total": settled.incl,
                "tax": settled.tax,
            }
    return result


def _candidates(
    plain: Sequence[Line], rounding: Line | None, residual: Decimal, limit: Decimal
) -> Iterator[tuple[Line, Decimal]]:
    """Yield lines to take the rate from with prices to try: the fitting price first, then steps of a tenth of a cent."""
    if rounding is not None:
        likes = [rounding]
    else:
        largest: dict[Decimal, Line] = {}
        for line in sorted(plain, key=lambda line: -abs(line["total_incl"])):
            largest.setdefault(line["charged_percent"], line)
        likes = list(largest.values())
    for like in likes:
        start = rounding["unit_excl"] if rounding is not None else _ZERO
        fitting = round_half_up(residual / (1 + like["charged_percent"] / 100), 6)
        steps = [_STEP * number * (1 if residual > 0 else -1) for number in range(1, 51)]
        for change in (fitting, *sorted(steps, key=lambda step: abs(step - fitting))):
            if start + change and abs(start + change) <= limit:
                yield like, start + change


def _priced(line: Line) -> Priced:
    return Priced(line["quantity"], round_half_up(line["unit_excl"], 6), line["charged_percent"])
