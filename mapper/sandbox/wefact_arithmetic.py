"""The five ways in which WeFact may round an invoice; which is unproven, B fits its documentation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mapper.money import round_half_up
from mapper.sandbox.wire import ZERO

MODELS = ("A", "B", "C", "D", "E")


@dataclass(frozen=True, slots=True)
class Line:
    """One invoice line; discount and rate are percentages."""

    number: Decimal
    price_excl: Decimal
    rate: Decimal
    discount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Totals:
    """AmountExcl, AmountTax and AmountIncl, in cents."""

    excl: Decimal
    tax: Decimal

    @property
    def incl(self) -> Decimal:
        """Return the amount including VAT: always the sum of the other two."""
        return self.excl + self.tax


def totals(lines: Iterable[Line], *, discount: Decimal = ZERO, model: str = "B") -> Totals:
    """Return the totals of an invoice with a whole-invoice discount (a percentage) under one model.

    A: each line's gross is rounded, and summed. B: net and VAT are rounded per rate, the VAT from the unrounded net.
    C: each line's net is rounded, VAT is rounded per rate. D: only the grand total is rounded. E: the net is rounded
    once, VAT per rate from the unrounded net.
    """
    nets = [(line.rate, _net(line) * (100 - discount) / 100) for line in lines]
    if model == "C":
        nets = [(rate, round_half_up(net, 2)) for rate, net in nets]
    groups: dict[Decimal, Decimal] = defaultdict(Decimal)
    for rate, net in nets:
        groups[rate] += net
    once = round_half_up(sum(groups.values(), ZERO), 2)
    if model == "A":
        gross = sum((round_half_up(net * (100 + rate) / 100, 2) for rate, net in nets), ZERO)
        return Totals(once, gross - once)
    if model == "D":
        gross = sum((net * (100 + rate) / 100 for rate, net in groups.items()), ZERO)
        return Totals(once, round_half_up(gross, 2) - once)
    tax = sum((round_half_up(net * rate / 100, 2) for rate, net in groups.items()), ZERO)
    per_rate = sum((round_half_up(net, 2) for net in groups.values()), ZERO)
    return Totals(once if model == "E" else per_rate, tax)


def _net(line: Line) -> Decimal:
    return line.number * line.price_excl * (100 - line.discount) / 100
