"""A tenant's VAT settings beside the tax codes of its WeFact account: what is set, missing, and would fit (T5).

A code is proposed only when it is the one that fits: by its rate, and by the country its code or name mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from mapper.vat.rates import VatRates, all_of

ICP, INTERNATIONAL = "ICP", "International"
ACCOUNTS = ("revenue", "shipping", "payment")
_SCHEMES = {"icp": ICP, "international": INTERNATIONAL}
_LANGUAGES = ("nl", "en", "de", "fr")

# How accounts call their codes of 0 %: the names WeFact's Dutch standard codes have, and their English ones.
_WORDS = {
    ICP: re.compile(r"\bicp\b|\bicl\b|intra-?\s?comm|binnen de eu|inside the eu", re.IGNORECASE),
    INTERNATIONAL: re.compile(
        r"\bexp\b|export|uitvoer|buiten de eu|outside the eu|international", re.IGNORECASE
    ),
}

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SaleCode:
    """A tax code for sales of the WeFact account; `rate` in percent."""

    code: str
    name: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Use:
    """What one account type of a country's rate, of ICP or International is booked with.

    `code` is empty when none is set; `exists` tells whether WeFact has it, `offered` which of its codes have the rate.
    """

    country: str
    rate: Decimal
    account: str
    code: str
    cost_centre: str
    exists: bool
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    """Where no code or more than one fits, so that a person must choose."""

    country: str
    rate: Decimal
    fitting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """VAT settings made of the account's codes; `undecided` is left as it was set, or out."""

    vat: dict[str, Any]
    undecided: tuple[Undecided, ...]


def sale_codes(answer: Mapping[str, Any]) -> tuple[SaleCode, ...]:
    """Return the tax codes for sales in WeFact's `settings/list`; Rate is a fraction there (wefact-api 2.4)."""
    tax = answer.get("Tax")
    codes = tax.get("Codes") if isinstance(tax, Mapping) else None
    sale = codes.get("Sale") if isinstance(codes, Mapping) else None
    rows = list(sale.values()) if isinstance(sale, Mapping) else sale
    found = [_sale_code(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return tuple(one for one in found if one is not None)


def uses(settings: Settings, codes: Sequence[SaleCode], rates: VatRates, day: str) -> list[Use]:
    """Return what is set for every country, rate and account type, and what the home country lacks on a day."""
    vat, home = settings["vat"], settings["home_country"] or ""
    found = [use for entry in vat["rates"] for use in _uses(entry["country"], entry["rate"], entry, codes)]
    known = {(entry["country"], entry["rate"]) for entry in vat["rates"]}
    for rate in _rates_of(rates, home, day):
        if (home, rate) not in known:
            found += _uses(home, rate, {}, codes)
    for key, name in _SCHEMES.items():
        found += _uses(name, Decimal(0), vat[key], codes)
    return found


def propose(
    settings: Settings, codes: Sequence[SaleCode], rates: VatRates, *, destination: bool, day: str
) -> Proposal:
    """Return VAT settings from the account's codes: the home country's rates, those of the EU, ICP and International.

    The other EU countries get the home country's rates, or with `destination` their own. What is set with codes that
    exist stays, with its cost centres; rates of other EU countries that do not belong are left out.
    """
    vat, home = settings["vat"], settings["home_country"] or ""
    chooser = _Chooser(codes, home)
    entries: list[dict[str, Any]] = []
    present = {(entry["country"], entry["rate"]): entry for entry in vat["rates"]}
    wanted = _wanted(rates, home, day, destination=destination)
    ours = {country for country, _, _ in wanted} - {home}
    for country, rate, taxed_in in wanted:
        own = present.get((country, rate))
        if country != home and taxed_in == home:
            at_home = next((one for one in entries if (one["country"], one["rate"]) == (home, rate)), None)
            entry = chooser.shared(country, at_home, own)
        else:
            entry = chooser.entry(country, rate, taxed_in, own)
        entries += [entry] if entry is not None else []
    done = {(country, rate) for country, rate, _ in wanted}
    entries += [entry for pair, entry in present.items() if pair not in done and pair[0] not in ours]
    entries.sort(key=lambda entry: (entry["country"] != home, entry["country"], -entry["rate"]))
    schemes = {key: chooser.scheme(name, vat[key]) for key, name in _SCHEMES.items()}
    return Proposal({**vat, "rates": entries, **schemes}, tuple(chooser.undecided))


def _wanted(rates: VatRates, home: str, day: str, *, destination: bool) -> list[tuple[str, Decimal, str]]:
    """Return (country, rate, the country whose VAT it is) of all that a proposal has to find codes for."""
    at_home = [(home, rate, home) for rate in _rates_of(rates, home, day)]
    others = [country for country in sorted({*rates.standard, *rates.also_eu}) if country != home]
    if not destination:
        return at_home + [(country, rate, home) for country in others for _, rate, _ in at_home]
    return at_home + [
        (country, rate, rates.also_eu.get(country, country))
        for country in others
        for rate in _rates_of(rates, country, day)
    ]


def _rates_of(rates: VatRates, country: str, day: str) -> list[Decimal]:
    own = rates.also_eu.get(country, country)
    return all_of(rates.standard.get(own, ()), rates.reduced.get(own, ()), (), own, day)


class _Chooser:
    """Finds the one code that fits, and remembers where there is none or more than one."""

    def __init__(self, codes: Sequence[SaleCode], home: str) -> None:
        self._codes = codes
        self._home = home
        self._known = {code.code.casefold() for code in codes}
        self._named = {code.code: countries_named(code) for code in codes}
        self.undecided: list[Undecided] = []

    def entry(
        self, country: str, rate: Decimal, taxed_in: str, present: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Return the setting of one rate of a country, None where no code can be chosen."""
        if present is not None and self._all_exist(present):
            return dict(present)
        fitting = [code.code for code in self._codes if code.rate == rate]
        named = [code for code in fitting if taxed_in in self._named[code]]
        plain = [code for code in fitting if not self._named[code]]
        # A code that names no country is of the country that the administration is in.
        own = named + (plain if taxed_in == self._home else [])
        accounts = self._chosen(own, present or {})
        if accounts is None:
            self.undecided.append(Undecided(country, rate, tuple(own or fitting)))
        return None if accounts is None else {"country": country, "rate": rate, **accounts}

    def shared(
        self, country: str, at_home: Mapping[str, Any] | None, present: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Return the setting of a country that has the home country's rate, None where that has no code."""
        if present is not None and self._all_exist(present):
            return dict(present)
        return None if at_home is None else {**at_home, "country": country}

    def scheme(self, name: str, present: Mapping[str, Any]) -> dict[str, Any]:
        """Return the setting of ICP or International."""
        if self._all_exist(present):
            return dict(present)
        zero = [code for code in self._codes if code.rate.is_zero()]
        fitting = [code.code for code in zero if _WORDS[name].search(f"{code.code} {code.name}")]
        accounts = self._chosen(fitting, present)
        if accounts is None:
            others = tuple(code.code for code in zero)
            self.undecided.append(Undecided(name, Decimal(0), tuple(fitting) or others))
        return dict(present) if accounts is None else accounts

    def _chosen(self, fitting: Sequence[str], present: Mapping[str, Any]) -> dict[str, Any] | None:
        if len(fitting) != 1:
            return None
        centres = {account: (present.get(account) or {}).get("cost_centre") for account in ACCOUNTS}
        return {account: {"code": fitting[0], "cost_centre": centres[account]} for account in ACCOUNTS}

    def _all_exist(self, present: Mapping[str, Any]) -> bool:
        return all((present[account]["code"] or "").casefold() in self._known for account in ACCOUNTS)


def _uses(country: str, rate: Decimal, entry: Mapping[str, Any], codes: Sequence[SaleCode]) -> Iterator[Use]:
    known = {code.code.casefold() for code in codes}
    offered = tuple(code.code for code in codes if code.rate == rate)
    for account in ACCOUNTS:
        booked = entry.get(account) or {}
        code = booked.get("code") or ""
        yield Use(
            country, rate, account, code, booked.get("cost_centre") or "", code.casefold() in known, offered
        )


def _sale_code(row: Mapping[str, Any]) -> SaleCode | None:
    try:
        rate = Decimal(str(row.get("Rate"))) * 100
    except InvalidOperation:
        return None
    code = str(row.get("TaxCode") or "")
    return SaleCode(code, str(row.get("Name") or ""), rate.normalize()) if code and rate.is_finite() else None


def countries_named(code: SaleCode) -> frozenset[str]:
    """Return the EU countries that a code or its name mentions: `BE21`, `21% BE`, `Duitsland 19%`."""
    letters = re.match(r"[A-Za-z]+", code.code)
    words = {*re.findall(r"\b[A-Z]{2}\b", code.name), letters[0].upper() if letters else ""}
    spoken = code.name.casefold()
    return frozenset(
        country
        for country, names in _names().items()
        if country in words or any(re.search(rf"\b{re.escape(name)}\b", spoken) for name in names)
    ) | ({"GR"} if "EL" in words else frozenset())


@lru_cache(maxsize=1)
def _names() -> dict[str, frozenset[str]]:
    """Return the names of the EU's countries in the shops' languages, in lower case."""
    from babel import Locale

    from mapper.vat.numbers import PREFIXES

    countries = (PREFIXES - {"EL"}) | {"GR", "MC"}
    names = {language: Locale(language).territories for language in _LANGUAGES}
    return {
        country: frozenset(
            names[language][country].casefold() for language in _LANGUAGES if country in names[language]
        )
        for country in countries
    }
