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
        """Return the standard rate of a country on a day (`YYYY-MM-DD…`); None for a country or day not in the table."""
        own = self.also_eu.get(country, country)
        for first_day, rate in self.standard.get(own, ()):
            if first_day <= day[:10]:
                return rate
        return None

    def in_eu(self, country: str) -> bool:
        """Tell whether goods sent to a country stay in the EU's VAT area."""
        return country in self.standard or country in self.also_eu


def from_node(root: Node) -> VatRates:
    """Read the table. Raises RuleError RULE107 when it is not shaped as its own comments say."""
    try:
        return VatRates(
            checked=date.fromisoformat(root.entries["checked"].text),
            also_eu={name: node.text for name, node in root.entries["also_eu"].entries.items()},
            standard={name: _dated(node) for name, node in root.entries["standard"].entries.items()},
        )
    except (KeyError, ValueError, ArithmeticError) as error:
        message = f"The table of VAT rates cannot be read: {error}."
        raise RuleError([Diagnostic("RULE107", Place(root.place.file, root.place.line, 1), message)]) from None


def _dated(node: Node) -> tuple[tuple[str, Decimal], ...]:
    rows = [(row.entries["from"].text, Decimal(row.entries["rate"].text)) for row in node.items]
    return tuple(sorted(((date.fromisoformat(day).isoformat(), rate) for day, rate in rows), reverse=True))
