"""What the tables of VAT rates and of territories have in common: dated rates, and how they are read from YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise

from mapper.diagnostics import Diagnostic, Place
from mapper.rulebook import forms
from mapper.rulebook.source import Node
from mapper.vat.countries import known_codes

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

    def refuse(self, place: Place, message: str, hint: str = "") -> None:
        """Note a problem."""
        self.problems.append(Diagnostic(CODE, place, message, hint))

    def fitted(self, node: Node, form: forms.Form) -> dict[str, Node]:
        """Return the entries that a form allows; a needed one that is not there is of no kind, and refused."""
        whole = forms.fitted(node, form, lambda _, place, message, hint: self.refuse(place, message, hint))
        absent = dict.fromkeys(form.needed, Node("null", node.place))
        return absent | whole.entries

    def map(self, node: Node, what: str) -> dict[str, Node]:
        """Return the entries of a map that lets any name in."""
        if node.kind not in {"map", "null"}:
            self.refuse(node.place, f"{what} holds `name: value` entries.")
        return node.entries

    def countries(self, node: Node, what: str) -> dict[str, Node]:
        """Return the entries of a map by country."""
        entries = self.map(node, what)
        for name in entries:
            self.capitals(name, node.keys[name])
        return entries

    def list(self, node: Node, what: str) -> list[Node]:
        """Return the items of a list."""
        if node.kind not in {"list", "null"}:
            self.refuse(node.place, f"{what} is a list: [a, b].")
        return node.items

    def day(self, node: Node) -> str:
        """Return a date as YYYY-MM-DD."""
        try:
            return date.fromisoformat(node.text).isoformat()
        except ValueError:
            if node.kind != "null":
                self.refuse(node.place, f"'{node.text}' is no date such as 2026-01-31.")
            return date.min.isoformat()

    def checked(self, node: Node, today: date) -> date:
        """Return the day on which a table was compared with its sources, which cannot be after today."""
        day = date.fromisoformat(self.day(node))
        if day > today:
            message = f"{day} is still to come: nobody compared the table with its sources on that day."
            self.refuse(node.place, message, "Write the day on which you did.")
        return day

    def country(self, node: Node) -> str:
        """Return two capitals."""
        if node.kind != "null":
            self.capitals(node.text, node.place)
        return node.text

    def capitals(self, text: str, place: Place) -> None:
        """Refuse a country that is not two capitals."""
        if len(text) != 2 or not text.isascii() or not text.isupper():
            self.refuse(place, "A country is two capitals, such as NL.")
        elif text not in known_codes():
            self.refuse(place, f"'{text}' is no country.", "Greece is GR, Northern Ireland XI.")

    def rates(self, node: Node) -> Rates:
        """Return dated rates, newest first."""
        if not node.items:
            self.refuse(node.place, "A country has a list of rates: [{from: 2016-01-01, rate: 21}].")
        return tuple(sorted(map(self._dated, node.items), key=lambda one: one.first, reverse=True))

    def _dated(self, row: Node) -> Dated:
        entries = self.fitted(row, forms.VAT_RATE)
        last = self.day(entries["to"]) if "to" in entries else FOREVER
        dated = Dated(self.day(entries["from"]), last, self.rate(entries["rate"]))
        if dated.last < dated.first:
            self.refuse(row.place, f"The last day {dated.last} is before the first day {dated.first}.")
        return dated

    def standard(self, node: Node) -> Rates:
        """Return standard rates: each holds until the next begins."""
        rates = self.rates(node)
        for later, earlier in pairwise(rates):
            if later.first == earlier.first:
                self.refuse(node.place, f"Two standard rates begin on {later.first}.")
        for given in (row.entries.get("rate") for row in node.items):
            if given is not None and given.kind == "number" and 0 < given.plain() < 1:
                self.refuse(
                    given.place, f"A standard rate of {given.text} % is below 1 %.", "Write 21 for 21 %."
                )
        return rates

    def rate(self, node: Node) -> Decimal:
        """Return a percentage."""
        rate = node.plain() if node.kind == "number" else Decimal(-1)
        if not 0 <= rate <= 100 and node.kind != "null":
            self.refuse(node.place, f"'{node.text}' is no percentage from 0 to 100.")
        return Decimal(rate)

    def kinds(self, entries: Mapping[str, Node]) -> Mapping[str, Rates]:
        """Return the kinds of rates that are given among the entries."""
        read = {"standard": self.standard, "reduced": self.rates}
        given = {kind: entries[kind] for kind in read if kind in entries and entries[kind].kind != "null"}
        return {kind: read[kind](node) for kind, node in given.items()}
