"""Which rates of shipping and payment costs explain the VAT that a shop charged: to say which setting fits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapper import money

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)

Shares = Sequence[Mapping[str, Decimal]]


def fitting_vat_of(
    total_vat: Decimal,
    other_vat: Decimal,
    included: bool,  # noqa: FBT001 (rules call by position)
    shop: Decimal,
    shipping: Shares,
    usual: Decimal,
    highest: Decimal,
    costs: Shares,
    vat_of: Mapping[str, Any],
) -> str:
    """Return the only settings `vat_of` that make `total_vat` to the cent, where those in use (`vat_of`) do not.

    As `vat_of.shipping=proportional`, empty when none or more fit. `other_vat` is that of all other lines, unrounded;
    `shipping` and `costs` are the amounts spread over the rates of the rows, in the rows' price mode (`included`).
    """
    order = _Order(included, shop, shipping, usual, highest, costs, vat_of)
    # Settings that come to the same lines, as a fixed rate of 21 and the shop's 21 do, are one.
    names_by_lines: dict[str, list[tuple[str, str]]] = {}
    for names, lines, vat in order.alternatives():
        if money.round_half_up(other_vat + vat, 2) == total_vat:
            names_by_lines.setdefault(lines, []).append(names)
    fitting = list(names_by_lines.values())
    present = (vat_of["shipping"], vat_of["payment"])
    if len(fitting) != 1 or present in fitting[0]:
        return ""
    nearest = min(fitting[0], key=lambda names: sum(map(str.__ne__, names, present)))
    pairs = zip(("shipping", "payment"), nearest, present, strict=True)
    return " ".join(f"vat_of.{costs}={name}" for costs, name, used in pairs if name != used)


@dataclass(frozen=True, slots=True)
class _Order:
    included: bool
    shop: Decimal
    shipping: Shares
    usual: Decimal
    highest: Decimal
    costs: Shares
    vat_of: Mapping[str, Any]

    def alternatives(self) -> Iterator[tuple[tuple[str, str], str, Decimal]]:
        """Yield the settings, what tells their lines apart, and the VAT on shipping and payment costs they make."""
        for shipping, shipped in self._of_shipping().items():
            for payment, paid in self._of_costs(shipping, shipped).items():
                lines = f"{_told(shipped)} | {_told(paid)}"
                yield (shipping, payment), lines, self._vat(shipped) + self._vat(paid)

    def _of_shipping(self) -> dict[str, Shares]:
        if not self.shipping:
            return {self.vat_of["shipping"]: ()}
        found = {"shop": _at(self.shop, self.shipping), "proportional": self.shipping}
        if self.vat_of["shipping_rate"] is not None:
            found["fixed"] = _at(self.vat_of["shipping_rate"], self.shipping)
        return found

    def _of_costs(self, shipping: str, shipped: Shares) -> dict[str, Shares]:
        if not self.costs:
            return {self.vat_of["payment"]: ()}
        found = {
            "usual": _at(self.usual, self.costs),
            "highest": _at(self.highest, self.costs),
            "proportional": self.costs,
        }
        if shipping == "proportional":
            found["shipping"] = self.costs
        elif shipped:
            found["shipping"] = _at(shipped[0]["key"], self.costs)
        if self.vat_of["payment_rate"] is not None:
            found["fixed"] = _at(self.vat_of["payment_rate"], self.costs)
        return found

    def _vat(self, shares: Shares) -> Decimal:
        total = _ZERO
        for share in shares:
            rate = share["key"]
            total += share["amount"] * rate / (_HUNDRED + rate if self.included else _HUNDRED)
        return total


def _told(shares: Shares) -> str:
    return ", ".join(f"{share['key'].normalize():f}: {share['amount']:f}" for share in shares)


def _at(rate: Decimal, shares: Shares) -> Shares:
    """Return the whole amount at one rate."""
    return ({"key": rate, "amount": sum((share["amount"] for share in shares), _ZERO)},)
