"""Places whose VAT is not that of the country in their address (`rules/vat_territories.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mapper.errors import RuleError
from mapper.rulebook import forms
from mapper.rulebook.source import Node
from mapper.vat.rates import Own, VatRates, all_of, standard_of
from mapper.vat.tables import Rates, TableReader


@dataclass(frozen=True, slots=True)
class Territory:
    """Where goods go, as VAT law sees it.

    `code` is the country's for an ordinary place; `in_eu_vat` whether goods sent there stay in the EU's VAT area;
    `treated_as` the country whose VAT codes and rates count; `rates` those that take the place of that country's.
    """

    code: str
    name: str
    name_nl: str
    in_eu_vat: bool
    treated_as: str
    rates: Mapping[str, Rates]


@dataclass(frozen=True, slots=True)
class Territories:
    """The table: territories by code, and by country the beginnings of postcodes that lead to one, longest first."""

    checked: date
    by_code: Mapping[str, Territory]
    postcodes: Mapping[str, tuple[tuple[str, str], ...]]

    def resolve(self, country: str, postcode: str, rates: VatRates) -> Territory:
        """Return the territory of an address; an address without a row in the table is in its country."""
        if country in self.postcodes:
            plain = _plain(postcode)
            for beginning, code in self.postcodes[country]:
                if plain.startswith(beginning):
                    return self.by_code[code]
        return self.place(country, rates)

    def place(self, code: str, rates: VatRates) -> Territory:
        """Return the territory of a code, which may be a country's."""
        known = self.by_code.get(code)
        return known or Territory(code, code, code, rates.in_eu(code), rates.also_eu.get(code, code), {})

    def standard_rate(self, code: str, day: str, own: Own, rates: VatRates) -> Decimal | None:
        """Return the standard rate of a country or territory on a day; None where neither table has one."""
        place = self.place(code, rates)
        table = place.rates.get("standard", rates.standard.get(place.treated_as, ()))
        return standard_of(table, own, code, day)

    def rates_of(self, code: str, day: str, own: Own, rates: VatRates) -> list[Decimal]:
        """Return every rate of a country or territory on a day, highest first; none where neither table has any."""
        place = self.place(code, rates)
        standard = place.rates.get("standard", rates.standard.get(place.treated_as, ()))
        reduced = place.rates.get("reduced", rates.reduced.get(place.treated_as, ()))
        return all_of(standard, reduced, own, code, day)


NONE = Territories(date.min, {}, {})


_COUNTRY_PREFIX = re.compile(
    r"\A(?:[A-Z]{1,3}-|(?:A|AT|B|BE|D|DE|DK|E|ES|F|FI|FIN|FR|GR|I|IT|P|PT) ?)(?=[0-9])"
)


def _plain(postcode: str) -> str:
    """Return a postcode without the country's sign that continental addresses put before it (`D-78266`), and spaces.

    Without a hyphen only signs that begin no postcode of a territory (`BT1 1AA`).
    """
    return _COUNTRY_PREFIX.sub("", postcode.strip().upper()).replace(" ", "").replace("-", "")


def from_node(root: Node, today: date = date.max) -> Territories:
    """Read the table. Raises RuleError RULE107 with every entry that is not shaped as `forms.VAT_TERRITORIES` says.

    `today` is the day that `checked` cannot be after.
    """
    reader = TableReader()
    entries = reader.fitted(root, forms.VAT_TERRITORIES)
    checked = reader.checked(entries["checked"], today)
    nodes = reader.map(entries["territories"], "'territories'")
    rows = {code: reader.fitted(node, forms.TERRITORY) for code, node in nodes.items()}
    by_code = {code: _territory(reader, code, row) for code, row in rows.items()}
    beginnings: dict[tuple[str, str], str] = {}
    for code, row in rows.items():
        country = reader.country(row["country"])
        for one in reader.list(row["postcodes"], "'postcodes'"):
            if not one.text or _plain(one.text) != one.text:
                reader.refuse(one.place, f"'{one.text}' is no beginning of a postcode: capitals and digits.")
            if beginnings.setdefault((country, one.text), code) != code:
                reader.refuse(one.place, f"'{one.text}' is also that of {beginnings[country, one.text]}.")
    if reader.problems:
        raise RuleError(reader.problems)
    postcodes: dict[str, tuple[tuple[str, str], ...]] = {}
    for (country, beginning), code in sorted(beginnings.items(), key=lambda one: (-len(one[0][1]), one[0])):
        postcodes[country] = (*postcodes.get(country, ()), (beginning, code))
    return Territories(checked, by_code, postcodes)


def _territory(reader: TableReader, code: str, entries: Mapping[str, Node]) -> Territory:
    name = entries["name"]
    names = reader.fitted(name, forms.NAMES) if name.kind != "null" else {}
    english, dutch = (names[language].text if language in names else "" for language in ("en", "nl"))
    area = entries["vat_area"]
    if area.kind != "null" and area.text not in {"true", "false"}:
        reader.refuse(area.place, "'vat_area' is true or false.")
    # A wrong `country` is told where the postcodes are read.
    treated_as = reader.country(entries["treated_as"]) if "treated_as" in entries else entries["country"].text
    return Territory(code, english, dutch, area.text == "true", treated_as, reader.kinds(entries))
