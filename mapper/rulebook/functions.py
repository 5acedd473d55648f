"""The functions that rules may call: named, pure, typed, and explained in one line each for authors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from mapper import money, rounding
from mapper.rulebook.runtime import clean_text
from mapper.rulebook.types import (
    ANY,
    DATE,
    FLAG,
    INTEGER,
    MONEY,
    NUMBER,
    NUMBERS,
    PERCENTAGE,
    PLACES,
    RECORDS,
    TEXT,
    Type,
)  # fmt: skip
from mapper.vat import numbers
from mapper.vat.costs import fitting_vat_of
from mapper.vat.countries import country_code
from mapper.vat.rates import VatRates
from mapper.vat.territories import NONE, Territories, Territory

_ZERO = Decimal(0)
# No webshop is older, and no invoice is dated later: a year beyond these is a slip.
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_LIST = Type("list", item=ANY)
_PLACE = Type("record", fields={**dict.fromkeys(("code", "name", "naam", "treated_as"), TEXT), "in_eu": FLAG})
_SHARES = Type("list", item=Type("record", fields={"key": PERCENTAGE, "amount": MONEY}))


class RuleFault(Exception):
    """A function was given values it has no answer for; the text says why, in English."""


class UnknownCountry(RuleFault):
    """An address (`billing`, `delivery`, `pickup`) names a country that is none."""

    def __init__(self, address: str, country: str) -> None:
        super().__init__(f"'{country}' is no country")
        self.address, self.country = address, country


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    `lenient`: it takes absent values; `rest`: the last parameter may be repeated; `like`: the number of the parameter
    whose unit the result has, or of the first of them when it may be repeated: their units must be one; `named`: the
    texts behind the first value name fields of its items; `made_of`: what the type of the result is, by that of the
    first value.
    """

    call: Callable[..., Any]
    params: tuple[Type, ...]
    returns: Type
    doc: str
    lenient: bool = False
    rest: bool = False
    like: int | None = None
    named: bool = False
    made_of: Callable[[Type], Type] | None = None


def shown(value: object) -> str:
    """Return a value as it stands in a text: amounts without exponent, absent as nothing."""
    if value.__class__ is str:
        return value
    if isinstance(value, Decimal):
        return money.decimal_text(value, 10)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def euros(value: object) -> str:
    """Return an amount of money as people write it: with two decimals, or more where it has more."""
    if isinstance(value, Decimal) and value == (cents := money.round_half_up(value, 2)):
        return format(cents, "f")
    return shown(value)


def text(value: object) -> str | None:
    return None if value is None else shown(value)


def clean(name: str) -> str:
    return name.lower().replace("-", "")


def join(separator: str, *parts: str) -> str:
    return separator.join([part for part in parts if part])


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)


def sum_of(items: Iterable[Any] | None, name: str) -> Decimal | None:
    if items is None:
        return None
    return sum((_amount(item, name) for item in items), _ZERO)


def _amount(item: object, name: str) -> Decimal:
    value = item.get(name) if isinstance(item, Mapping) else item
    if value is None:
        return _ZERO
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise RuleFault(f"'{name}' holds {type(value).__name__} where an amount belongs")


def options(items: Sequence[Mapping[str, Any]] | None, name: str, value: str) -> str:
    told = []
    for item in items or ():
        label, chosen = clean_text(shown(item.get(name))), clean_text(shown(item.get(value)))
        if label or chosen:
            told.append(f"{label}: {chosen}" if label and chosen else label or chosen)
    return ", ".join(told)


def highest(amounts: Iterable[Decimal]) -> Decimal | None:
    found = max(amounts, default=None)
    return found if found is None else Decimal(found)


def sign(amount: Decimal) -> Decimal:
    return Decimal(-1) if amount < 0 else Decimal(1)


def round_half_up(amount: Decimal, places: Decimal) -> Decimal:
    return money.round_half_up(amount, _decimals(places))


def decimal_text(amount: Decimal, places: Decimal) -> str:
    return money.decimal_text(Decimal(amount), _decimals(places))


def _decimals(places: Decimal) -> int:
    if places != int(places) or not 0 <= places <= 12:
        raise RuleFault(f"{places} is no number of decimals from 0 to 12")
    return int(places)


def distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def spread(amount: Decimal, keys: Sequence[Decimal], weights: Sequence[Decimal]) -> list[dict[str, Decimal]]:
    """Split `amount` over the distinct keys by weight, in cents that add up exactly; highest key first.

    Largest remainder; a tie of the last cent goes to the highest key. A negative amount is split as its opposite is, so
    that a credit and what it credits come to 0 for every key.
    """
    if amount < 0:
        return [{"key": share["key"], "amount": -share["amount"]} for share in spread(-amount, keys, weights)]
    basis: dict[Decimal, Decimal] = {}
    for key, weight in zip(keys, weights, strict=True):
        basis[key] = basis.get(key, _ZERO) + weight
    whole = sum(basis.values(), _ZERO)
    if whole == 0:
        raise RuleFault("there is nothing to spread the amount over: the rows add up to 0")
    unit = min(Decimal("0.01"), Decimal(1).scaleb(int(amount.as_tuple().exponent)))
    exact = {Decimal(key): amount * basis[key] / whole for key in sorted(basis, reverse=True)}
    parts = {key: part.quantize(unit, rounding=ROUND_FLOOR) for key, part in exact.items()}
    left = int((amount - sum(parts.values(), _ZERO)) / unit)
    for key in sorted(parts, key=lambda key: (parts[key] - exact[key], -key))[:left]:
        parts[key] += unit
    return [{"key": key, "amount": part} for key, part in parts.items() if part]


def sum_at(keys: Sequence[Decimal], amounts: Sequence[Decimal], key: Decimal) -> Decimal:
    return sum((amount for one, amount in zip(keys, amounts, strict=True) if one == key), _ZERO)


def vat_rate(percent: Decimal) -> Decimal:
    if not 0 <= percent <= 100:
        raise RuleFault(f"'{money.decimal_text(percent, 10)}' is no VAT rate")
    return percent


def undivided(amount: Decimal) -> list[dict[str, Decimal]]:
    """Return an amount as its only share, for lines that are sometimes spread; its key says nothing."""
    return [{"key": _ZERO, "amount": amount}]


def rounding_rate(rates: Sequence[Decimal], totals: Sequence[Decimal], difference: Decimal) -> Decimal:
    """Return the rate a rounding difference belongs to.

    That is the rate whose lines, rounded one by one as the shop does, come closest to the difference; among equals the
    one with the largest total.
    """
    groups: dict[Decimal, list[Decimal]] = {}
    for rate, amount in zip(rates, totals, strict=True):
        groups.setdefault(rate, []).append(amount)
    if not groups:
        raise RuleFault("there is no line to take the VAT rate from")

    def distance(rate: Decimal) -> tuple[Decimal, Decimal, Decimal]:
        amounts = groups[rate]
        each = sum((money.round_half_up(amount, 2) for amount in amounts), _ZERO)
        gap = each - money.round_half_up(sum(amounts, _ZERO), 2)
        return abs(difference - gap), -abs(sum(amounts, _ZERO)), -rate

    return Decimal(min(groups, key=distance))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_time(moment: str, zone: str) -> str:
    try:
        utc = datetime.fromisoformat(moment)
    except ValueError:
        raise RuleFault(f"'{moment[:40]}' is not a date and time such as 2026-03-31T22:30:00Z") from None
    if utc.tzinfo is None:
        raise RuleFault(f"'{moment[:40]}' does not say its time zone, such as the Z of 2026-03-31T22:30:00Z")
    if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        raise RuleFault(f"'{moment[:40]}' is no date that a document can have")
    return utc.astimezone(_zone(zone)).replace(tzinfo=None, microsecond=0).isoformat()


def time_text(moment: str, form: str) -> str:
    return datetime.fromisoformat(moment).strftime(form)


def country_of(address: str, code: str, name: str) -> str | None:
    """Return the country of an address: by its code where there is one, else by its name; None without either."""
    for given in (code, name):
        if given.strip():
            found = country_code(given)
            if found is None:
                raise UnknownCountry(address, given.strip()[:60])
            return found
    return None


def country_name(code: str, language: str) -> str:
    if not code:
        return ""
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale(language)
    except (UnknownLocaleError, ValueError):
        raise RuleFault(f"'{language[:40]}' is not a language such as nl or en") from None
    return str(locale.territories.get(code.upper(), code))


_NOT_IN_CODE = re.compile(r"[^A-Za-z0-9]")


def product_code(code: str) -> str | None:
    return _NOT_IN_CODE.sub("", code) or None


_LAST_NUMBER = re.compile(r"([0-9]{1,18})/*\Z")


def last_number(address: str) -> int | None:
    found = _LAST_NUMBER.search(address)
    return int(found[1]) if found else None


def products(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each product of the lines once, with its `code` of letters and digits; lines without a code make none."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        code = product_code(line["product_code"])
        if code:
            found.setdefault(code, {**line, "code": code})
    return list(found.values())


def product_clash(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return the product codes that differ in the shop and would be the same in WeFact; empty when there are none.

    WeFact's capitals are not told apart; a product of the shop may not take the code of costs and discounts either.
    """
    codes: dict[str, tuple[str, bool]] = {}
    for line in lines:
        given = line["product_code"], line["kind"] == "revenue"
        first = codes.setdefault((product_code(given[0]) or given[0]).casefold(), given)
        if first != given:
            return f"{first[0]}, {given[0]}"
    return ""


def _with(record: Type | None, fields: Mapping[str, Type]) -> Type:
    """Return a record's type with further fields; unknown fields stay unknown."""
    known = None if record is None else record.fields
    return Type("record", fields=None if known is None else {**known, **fields})


def _place(found: Territory) -> dict[str, Any]:
    return {
        "code": found.code, "name": found.name, "naam": found.name_nl, "in_eu": found.in_eu_vat,
        "treated_as": found.treated_as,
    }  # fmt: skip


def listed(amounts: Iterable[Decimal]) -> str:
    return ", ".join(shown(amount) for amount in amounts)


def functions(rates: VatRates, territories: Territories = NONE) -> dict[str, Function]:
    """Return all functions by name, over one table of VAT rates and one of territories."""
    settled = {
        "lines": RECORDS,
        "exact": FLAG,
        **dict.fromkeys(("residual", "total", "tax", "limit"), MONEY),
        "added": RECORDS,
    }
    problem_of = lru_cache(maxsize=4096)(numbers.check)
    return {
        "text": Function(text, (ANY,), TEXT.maybe(), "A number as text; none stays none.", lenient=True),
        "clean": Function(clean, (TEXT,), Type("text", form="clean"), "Lower case, hyphens dropped."),
        "trim": Function(str.strip, (TEXT,), TEXT, "Without spaces around it."),
        "upper": Function(str.upper, (TEXT,), Type("text", form="upper"), "In capitals."),
        "join": Function(join, (TEXT, TEXT), TEXT, "join(' ', a, b): the filled texts, with ' ' between.", rest=True),
        "count": Function(lambda items: len(items or ()), (_LIST,), INTEGER, "How many items.", lenient=True),
        "items": Function(
            lambda items: items or (), (_LIST,), _LIST, "items(list): the same; nothing where there is no list.",
            lenient=True, made_of=lambda given: given.sure(),
        ),
        "sum": Function(total, (NUMBERS,), NUMBER, "All amounts added up.", like=0),
        "sum_of": Function(
            sum_of, (_LIST, TEXT), NUMBER.maybe(),
            "sum_of(items, 'amount'): that field of all items added up, or the items themselves; none without a list.",
            lenient=True, like=0, named=True,
        ),
        "sum_at": Function(
            sum_at, (Type("list", item=PERCENTAGE), Type("list", item=MONEY), PERCENTAGE), MONEY,
            "sum_at(keys, amounts, key): the amounts that stand at this key, added up.",
        ),
        "highest": Function(highest, (NUMBERS,), NUMBER.maybe(), "The highest; none for an empty list.", like=0),
        "highest_of": Function(max, (NUMBER, NUMBER), NUMBER, "The higher of the values.", rest=True, like=0),
        "lowest_of": Function(min, (NUMBER, NUMBER), NUMBER, "The lower of the values.", rest=True, like=0),
        "abs": Function(abs, (NUMBER,), NUMBER, "Without its sign.", like=0),
        "sign": Function(sign, (NUMBER,), NUMBER, "-1 below zero, else 1."),
        "distinct": Function(distinct, (_LIST,), _LIST, "Each value once."),
        "round_half_up": Function(round_half_up, (NUMBER, PLACES), NUMBER, "round_half_up(x, 2): to cents.", like=0),
        "decimal_text": Function(
            decimal_text, (NUMBER, PLACES), TEXT, "decimal_text(amount, 6): at most 6 decimals, no trailing zeros."
        ),
        "integer": Function(int, (NUMBER,), INTEGER, "As a whole number.", like=0),
        "options": Function(
            options, (RECORDS, TEXT, TEXT), TEXT,
            "options(items, 'name', 'value'): 'name: value, name: value'; empty without a list.",
            lenient=True, named=True,
        ),
        "spread": Function(
            spread, (MONEY, Type("list", item=PERCENTAGE), Type("list", item=MONEY)), _SHARES,
            "spread(amount, keys, weights): `amount` split over the distinct keys, in cents that add up exactly.",
        ),
        "undivided": Function(
            undivided, (MONEY,), _SHARES, "undivided(amount): what `spread` gives, but one share of the whole amount.",
        ),
        "fitting_vat_of": Function(
            fitting_vat_of,
            (MONEY, MONEY, FLAG, PERCENTAGE, _SHARES, PERCENTAGE, PERCENTAGE, _SHARES, Type("record")), TEXT,
            "The settings of shipping and payment costs that alone explain the shop's VAT; empty when those in use do.",
        ),
        "rounding_rate": Function(
            rounding_rate, (NUMBERS, NUMBERS, NUMBER), PERCENTAGE, "The VAT rate that a rounding difference belongs to."
        ),
        "local_time": Function(local_time, (DATE, TEXT), DATE, "A moment in UTC as the local time of a zone."),
        "time_text": Function(time_text, (DATE, TEXT), TEXT, "time_text(date, '%Y-%m-%d'): a date in another form."),
        "country_code": Function(
            country_code, (TEXT,), TEXT.maybe(), "The two letters of a country given by code or name; none if unknown."
        ),
        "country_of": Function(
            country_of, (TEXT, TEXT, TEXT), TEXT.maybe(),
            "country_of('billing', code, name): that address's country by code, else by name; an unknown one stops.",
        ),
        "country_name": Function(country_name, (TEXT, TEXT), TEXT, "country_name('NL', 'en'): the country's name."),
        "vat_rate": Function(
            vat_rate, (PERCENTAGE,), PERCENTAGE, "vat_rate(percent): the same, from 0 to 100; anything else stops."
        ),
        "in_eu": Function(rates.in_eu, (TEXT,), FLAG, "Whether goods sent there stay in the EU."),
        "shipped_rate": Function(
            rates.highest, (TEXT, DATE), PERCENTAGE.maybe(), "The standard VAT rate of a country on a date, as shipped."
        ),
        "territory": Function(
            lambda country, postcode: _place(territories.resolve(country, postcode, rates)), (TEXT, TEXT), _PLACE,
            "territory(country, postcode): where goods go for VAT: its `code`, `name`, `naam`, `in_eu`, `treated_as`.",
        ),
        "standard_rate": Function(
            lambda place, day, own: territories.standard_rate(place, day, own, rates), (TEXT, DATE, RECORDS),
            PERCENTAGE.maybe(), "standard_rate(code, date, own): of a country or territory; `own` rows come first.",
        ),
        "legal_rates": Function(
            lambda place, day, own: territories.rates_of(place, day, own, rates), (TEXT, DATE, RECORDS),
            Type("list", item=PERCENTAGE), "legal_rates(code, date, own): all VAT rates there, highest first.",
        ),
        "listed": Function(listed, (NUMBERS,), TEXT, "listed([21, 9]): the amounts with commas between."),
        "vat_number_problem": Function(
            lambda number, country: problem_of(number, country).problem, (TEXT, TEXT), TEXT,
            "What is wrong with a VAT number (format, check digit …); empty when it has the right form.",
        ),
        "vat_number_country": Function(
            lambda number, country: problem_of(number, country).country, (TEXT, TEXT), TEXT,
            "The prefix of a VAT number, as VIES wants it.",
        ),
        "vat_number_digits": Function(
            lambda number, country: problem_of(number, country).digits, (TEXT, TEXT), TEXT,
            "A VAT number without prefix, as VIES wants it.",
        ),
        "product_code": Function(product_code, (TEXT,), TEXT.maybe(), "Letters and digits only."),
        "last_number": Function(
            last_number, (TEXT,), INTEGER.maybe(), "The number at the end of an address; none without one."
        ),
        "products": Function(
            products, (RECORDS,), Type("list", item=Type("record")), "Each product of the lines once, with its `code`.",
            made_of=lambda lines: Type("list", item=_with(lines.item, {"code": TEXT})),
        ),
        "product_clash": Function(product_clash, (RECORDS,), TEXT, "Product codes that would become the same."),
        "settle": Function(
            rounding.settle, (RECORDS, MONEY, MONEY, MONEY, TEXT, MONEY, RECORDS, TEXT, TEXT),
            Type("record", fields=settled),
            "settle(lines, total, least_vat, most_vat, model, limit, rates, country, home): the lines that make them.",
            made_of=lambda lines: Type("record", fields={**settled, "lines": lines, "added": lines}),
        ),
    }  # fmt: skip


FORMS = {
    "filled(value)": "Whether there is something: neither absent, nor empty, nor a text of spaces.",
    "needed(value)": "The value itself, which must be there: without it the document stops.",
}
"""What looks like a function but is part of the language: it decides whether its value may be absent."""


def reference(known: Mapping[str, Function]) -> str:
    """Return the table of all functions for the documentation, as Markdown."""
    rows = dict(FORMS)
    for name, function in known.items():
        given = ", ".join(_parameter(param) for param in function.params)
        rows[f"{name}({given}{', …' if function.rest else ''})"] = function.doc
    lines = [
        f"| `{signature}` | {doc.replace('|', chr(92) + '|')} |" for signature, doc in sorted(rows.items())
    ]
    return "\n".join(["| function | gives |", "|---|---|", *lines]) + "\n"


def _parameter(kind: Type) -> str:
    return "value" if kind.kind == "any" else str(kind)
