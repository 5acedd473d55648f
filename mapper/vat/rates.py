"""The shipped VAT rates (`rules/vat_rates.yaml`): dated, per country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mapper.diagnostics import Diagnostic, Place
from mapper.errors import RuleError
from mapper.rulebook.source import Node


@dataclass(frozen=True, slots=True)
class VatRates:
    """Standard rates per country as (first day `YYYY-MM-DD`, percent), newest first, and when they were checked."""

    checked: date
    standard: Mapping[str, tuple[tuple[str, Decimal], ...]]
    also_eu: Mapping[str, str]

    def highest(self, country: str, day: str) -> Decimal | None:
        """Return the standard rate of a country on a day (`YYYY-MM-DD…`); None where the table has none."""
        own = self.also_eu.get(country, country)
        for first_day, rate in self.standard.get(own, ()):
            if first_day <= day[:10]:
                return rate
        return None

    def in_eu(self, country: str) -> bool:
        """Tell whether goods sent to a country stay in the EU's VAT area."""
        return country in self.standard or country in self.also_eu


def from_node(root: Node) -> VatRates:
    """Read the table. Raises RuleError RULE107 with every entry that is not shaped as the table's own comments say."""
    reader = _Reader([])
    parts = {name: reader.part(root, name) for name in ("checked", "also_eu", "standard")}
    checked = reader.day(parts["checked"])
    also_eu = {name: reader.country(node) for name, node in parts["also_eu"].entries.items()}
    standard = {name: reader.rates(node) for name, node in parts["standard"].entries.items()}
    if reader.problems:
        raise RuleError(reader.problems)
    return VatRates(date.fromisoformat(checked), standard, also_eu)


@dataclass(frozen=True, slots=True)
class _Reader:
    problems: list[Diagnostic]

    def refuse(self, place: Place, message: str) -> None:
        self.problems.append(Diagnostic("RULE107", place, message))

    def part(self, node: Node, name: str) -> Node:
        """Return an entry that must be there; an empty text stands for one that is not."""
        if name in node.entries:
            return node.entries[name]
        self.refuse(node.place, f"'{name}' is missing here.")
        return Node("null", node.place)

    def day(self, node: Node) -> str:
        """Return a date as YYYY-MM-DD."""
        try:
            return date.fromisoformat(node.text).isoformat()
        except ValueError:
            if node.kind != "null":
                self.refuse(node.place, f"'{node.text}' is no date such as 2026-01-31.")
            return date.min.isoformat()

    def country(self, node: Node) -> str:
        if len(node.text) != 2 or not node.text.isascii() or not node.text.isupper():
            self.refuse(node.place, "A country is two capitals, such as NL.")
        return node.text

    def rates(self, node: Node) -> tuple[tuple[str, Decimal], ...]:
        """Return the rates of a country, newest first."""
        if not node.items:
            self.refuse(node.place, "A country has a list of rates: [{from: 2016-01-01, rate: 21}].")
        rates = [(self.day(self.part(row, "from")), self.rate(self.part(row, "rate"))) for row in node.items]
        return tuple(sorted(rates, reverse=True))

    def rate(self, node: Node) -> Decimal:
        rate = node.plain() if node.kind == "number" else Decimal(-1)
        if not 0 <= rate <= 100 and node.kind != "null":
            self.refuse(node.place, f"'{node.text}' is no percentage from 0 to 100.")
        return Decimal(rate)
