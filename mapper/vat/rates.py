"""The VAT rates of countries (`rules/vat_rates.yaml`), dated, and a tenant's own rows in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from mapper.errors import RuleError
from mapper.rulebook import forms
from mapper.rulebook.source import Node
from mapper.vat.tables import FOREVER, Dated, Rates, TableReader, in_force, newest

Own = Sequence[Mapping[str, Any]]
"""A tenant's own rows: `country` (or a territory's code), `kind`, `rate`, `from`, `to` (None: it still holds)."""


@dataclass(frozen=True, slots=True)
class VatRates:
    """Rates per country by kind, newest first, and the day when they were compared with their sources."""

    checked: date
    standard: Mapping[str, Rates]
    also_eu: Mapping[str, str]
    reduced: Mapping[str, Rates] = field(default_factory=dict)

    def highest(self, country: str, day: str) -> Decimal | None:
        """Return the standard rate of a country on a day (`YYYY-MM-DD…`); None where the table has none."""
        return newest(self.standard.get(self.also_eu.get(country, country), ()), day)

    def in_eu(self, country: str) -> bool:
        """Tell whether goods sent to a country stay in the EU's VAT area."""
        return country in self.standard or country in self.also_eu


def own_rates(own: Own, place: str, kind: str) -> Rates:
    """Return the tenant's own rates of one kind for a country or territory."""
    return tuple(
        Dated(row["from"], row["to"] or FOREVER, row["rate"])
        for row in own
        if row["country"] == place and row["kind"] == kind
    )


def standard_of(rates: Rates, own: Own, place: str, day: str) -> Decimal | None:
    """Return the standard rate on a day: the tenant's own row where one is in force, else that of the table."""
    own_rate = newest(own_rates(own, place, "standard"), day)
    return newest(rates, day) if own_rate is None else own_rate


def all_of(standard: Rates, reduced: Rates, own: Own, place: str, day: str) -> list[Decimal]:
    """Return every rate on a day, highest first; own reduced rates, while in force, replace the table's."""
    usual = standard_of(standard, own, place, day)
    lower = list(in_force(own_rates(own, place, "reduced"), day)) or list(in_force(reduced, day))
    return sorted({*lower, *([] if usual is None else [usual])}, reverse=True)


def from_node(root: Node, today: date = date.max) -> VatRates:
    """Read the table. Raises RuleError RULE107 with every entry that is not shaped as `forms.VAT_RATES` says.

    `today` is the day that `checked` cannot be after. Published versions of before reduced rates were known have
    `standard` with all countries in the place of `rates`.
    """
    reader = TableReader()
    entries = reader.fitted(root, forms.VAT_RATES_BEFORE if "standard" in root.entries else forms.VAT_RATES)
    checked = reader.checked(entries["checked"], today)
    also_eu = {
        name: reader.country(node) for name, node in reader.countries(entries["also_eu"], "'also_eu'").items()
    }
    reduced: dict[str, Rates] = {}
    if "standard" in entries:
        countries = reader.countries(entries["standard"], "'standard'")
        standard = {name: reader.standard(node) for name, node in countries.items()}
    else:
        sources = frozenset(reader.map(entries["sources"], "'sources'"))
        countries = reader.countries(entries["rates"], "'rates'")
        kinds = {name: _country(reader, node, sources) for name, node in countries.items()}
        standard = {name: given["standard"] for name, given in kinds.items() if "standard" in given}
        reduced = {name: given["reduced"] for name, given in kinds.items() if "reduced" in given}
    if reader.problems:
        raise RuleError(reader.problems)
    return VatRates(checked, standard, also_eu, reduced)


def _country(reader: TableReader, node: Node, sources: frozenset[str]) -> Mapping[str, Rates]:
    entries = reader.fitted(node, forms.VAT_COUNTRY)
    for one in reader.list(entries["sources"], "'sources'"):
        if one.text not in sources:
            reader.refuse(
                one.place, f"'{one.text}' is none of the sources at the top: {', '.join(sorted(sources))}."
            )
    return reader.kinds(entries)
