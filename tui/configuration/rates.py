"""VAT codes as rows by country and rate: found, replaced, copied, left out (T5). Nothing here shows anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mapper.vat.rates import VatRates

ACCOUNTS = ("revenue", "shipping", "payment")
Rate = tuple[str, Decimal]
SCHEMES = ("icp", "international")

Vat = dict[str, Any]


def lacking(vat: Mapping[str, Any], home: str, rates: VatRates, day: str) -> list[Rate]:
    """Return the rates of the home country on a day that have no row."""
    from mapper import vat_settings

    found = vat_settings.uses({"vat": vat, "home_country": home}, (), rates, day)
    present = {key_of(one) for one in vat["rates"]}
    own = [(one.country, one.rate) for one in found if one.country == home]
    return [one for one in dict.fromkeys(own) if key_of({"country": one[0], "rate": one[1]}) not in present]


def row_of(facts: Mapping[str, object]) -> str:
    """Return the key of the row that a finding about a VAT code speaks of: its facts `country` and `rate`."""
    country, rate = str(facts.get("country", "")), str(facts.get("rate", ""))
    if country.lower() in SCHEMES or not rate:
        return country.lower()
    return key_of({"country": country, "rate": Decimal(rate)})


def key_of(entry: Mapping[str, Any]) -> str:
    """Return the key of a row."""
    return f"{entry['country']} {entry['rate'].normalize():f}"


def entry_of(vat: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Return what a row stands for."""
    if key in SCHEMES:
        return dict(vat[key])
    return next((one for one in vat["rates"] if key_of(one) == key), None)


def replaced(vat: Mapping[str, Any], key: str, entry: Mapping[str, Any]) -> Vat:
    """Return VAT settings with one row changed, or added."""
    new = deepcopy(dict(vat))
    if key in SCHEMES:
        new[key] = dict(entry)
        return new
    kept = [dict(entry) if key_of(one) == key else one for one in new["rates"]]
    if key not in {key_of(one) for one in new["rates"]}:
        kept.append(dict(entry))
    new["rates"] = kept
    return new


def copied(vat: Mapping[str, Any], key: str, others: Sequence[str]) -> Vat:
    """Return VAT settings where other rows have the codes and cost centres of one."""
    new = deepcopy(dict(vat))
    source = entry_of(vat, key) or {}
    for other in others:
        target = entry_of(new, other)
        if target is not None and other != key:
            new = replaced(new, other, {**target, **{account: dict(source[account]) for account in ACCOUNTS}})
    return new


def without(vat: Mapping[str, Any], keys: Sequence[str]) -> Vat:
    """Return VAT settings without some rows; ICP and International lose their codes."""
    new = deepcopy(dict(vat))
    new["rates"] = [one for one in new["rates"] if key_of(one) not in keys]
    for scheme in set(SCHEMES) & set(keys):
        new[scheme] = {account: {"code": None, "cost_centre": None} for account in ACCOUNTS}
    return new


def eu_countries(rates: VatRates) -> list[str]:
    """Return the EU's countries by code."""
    return sorted({*rates.standard, *rates.also_eu})
