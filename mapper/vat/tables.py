"""What the tables of VAT rates and of territories have in common: dated rates, and how they are read from YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise

from mapper.diagnostics import Diagnostic, Place
from mapper.rulebook.source import Node

FOREVER = "9999-12-31"
CODE = "RULE107"


@dataclass(frozen=True, slots=True)
class Dated:
    """A rate in percent and its first and last day (`YYYY-MM-DD`)."""

    first: str
    last: str
    rate: Decimal

    def holds(self, day: str) -> bool:
        """Tell whether the rate is in force on a day."""
        return self.first <= day[:10] <= self.last


Rates = tuple[Dated, ...]


def newest(rates: Rates, day: str) -> Decimal | None:
    """Return the rate that began last of those in force on a day; None without one."""
    found = [one for one in rates if one.holds(day)]
    return max(found, key=lambda one: one.first).rate if found else None


def in_force(rates: Rates, day: str) -> Iterator[Decimal]:
    """Yield every rate in force on a day."""
    return (one.rate for one in rates if one.holds(day))


@dataclass(frozen=True, slots=True)
class TableReader:
    """Reads parts of a table, collecting what is wrong with them."""

    problems: list[Diagnostic] = field(default_factory=list)

    def refuse(self, place: Place, message: str) -> None:
        """Note a problem."""
        self.problems.append(Diagnostic(CODE, place, message))

    def part(self, node: Node, name: str) -> Node:
        """Return an entry that must be there; an empty text stands for one that is not."""
        if name in node.entries:
            return node.entries[name]
        self.refuse(node.place, f"'{name}' is missing here.")
        return Node("null", node.place)

    def known(self, node: Node, names: frozenset[str]) -> None:
        """Refuse entries that mean nothing here."""
        for name in node.entries.keys() - names:
            self.refuse(node.keys[name], f"'{name}' is not known here; known: {', '.join(sorted(names))}.")

    def day(self, node: Node) -> str:
        """Return a date as YYYY-MM-DD."""
        try:
            return date.fromisoformat(node.text).isoformat()
        except ValueError:
            if node.kind != "null":
                self.refuse(node.place, f"'{node.text}' is no date such as 2026-01-31.")
            return date.min.isoformat()

    def country(self, node: Node) -> str:
        """Return two capitals."""
        if len(node.text) != 2 or not node.text.isascii() or not node.text.isupper():
            self.refuse(node.place, "A country is two capitals, such as NL.")
        return node.text

    def rates(self, node: Node) -> Rates:
        """Return dated rates, newest first."""
        if not node.items:
            self.refuse(node.place, "A country has a list of rates: [{from: 2016-01-01, rate: 21}].")
        return tuple(sorted(map(self._dated, node.items), key=lambda one: one.first, reverse=True))

    def _dated(self, row: Node) -> Dated:
        self.known(row, frozenset({"from", "to", "rate"}))
        last = self.day(row.entries["to"]) if "to" in row.entries else FOREVER
        dated = Dated(self.day(self.part(row, "from")), last, self.rate(self.part(row, "rate")))
        if dated.last < dated.first:
            self.refuse(row.place, f"The last day {dated.last} is before the first day {dated.first}.")
        return dated

    def standard(self, node: Node) -> Rates:
        """Return standard rates: each holds until the next begins."""
        rates = self.rates(node)
        for later, earlier in pairwise(rates):
            if later.first == earlier.first:
                self.refuse(node.place, f"Two standard rates begin on {later.first}.")
        return rates

    def rate(self, node: Node) -> Decimal:
        """Return a percentage."""
        rate = node.plain() if node.kind == "number" else Decimal(-1)
        if not 0 <= rate <= 100 and node.kind != "null":
            self.refuse(node.place, f"'{node.text}' is no percentage from 0 to 100.")
        return Decimal(rate)

    def kinds(self, node: Node) -> Mapping[str, Rates]:
        """Return the kinds of rates that are given here."""
        read = {"standard": self.standard, "reduced": self.rates}
        return {kind: reading(node.entries[kind]) for kind, reading in read.items() if kind in node.entries}
