"""Measures how a WeFact account rounds, with one draft that is deleted again: nothing in its documentation says it.

The draft holds lines whose totals differ under each of the five models, and a price of six decimals. They are
computed with the prices as the account keeps them, so that few decimals are not taken for another model.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any, get_args

from mapper.errors import ServiceError, Temporary, UsageError
from mapper.money import decimal_text, round_half_up
from mapper.rounding import Model, Priced, Totals, simulate
from mapper.services.wefact import WeFact, decimal_of, rows_of, text_of

MODELS: tuple[Model, ...] = get_args(Model)

# Debtors cannot be deleted over the API: one with this name is made at most once, and used by every later probe.
DEBTOR = "Mapper rounding probe"

_LONG = Decimal("0.123456")
_HALF = Decimal("0.5")  # half a unit gives half cents, whatever decimals of a price are kept
_TRIES = 3

Wait = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the draft told.

    `models` are those whose totals were the account's: one, none when it follows no known one, several when its VAT
    codes cannot tell them apart. `decimals` of PriceExcl are kept; `searchable` is whether the draft was found by its
    ReferenceNumber, `debtor_made` whether the debtor was made for it, and is still there.
    """

    models: tuple[Model, ...]
    decimals: int
    searchable: bool
    totals: Totals
    debtor: str
    debtor_made: bool


async def measure(wefact: WeFact, *, token: str, debtor: str = "", wait: Wait = asyncio.sleep) -> Measured:
    """Post a draft, look at it, delete it. `debtor` is the code of one that exists; `token` is unique.

    Raises UsageError USE140 when the draft may be left behind, USE141 when the account has no VAT code to probe
    with, and what the client raises; the draft is deleted then, too.
    """
    lines = telling_lines(_rates(await wefact.settings()))
    code, made = (debtor, False) if debtor else await _debtor(wefact)
    params = {
        "DebtorCode": code, "Status": "0", "VatCalcMethod": "incl", "ReferenceNumber": token, "Comment": token,
        "Description": DEBTOR, "InvoiceLines": [_as_sent(number, *line) for number, line in enumerate(lines, 1)],
    }  # fmt: skip
    try:
        answer = await wefact.call("invoice", "add", params, changes=True)
    except Temporary as error:
        if error.maybe_executed:
            await _remove_lost(wefact, token, wait)
        raise
    draft = answer.get("invoice")
    identifier = text_of(draft, "Identifier") if isinstance(draft, Mapping) else ""
    if not identifier:
        await _remove_lost(wefact, token, wait)
        raise UsageError("USE142")
    try:
        return await _look(wefact, identifier, token, (code, made))
    finally:
        await _remove(wefact, identifier, wait)


def telling_lines(rates: Mapping[str, Decimal]) -> list[tuple[Decimal, Decimal, str]]:
    """Return lines (quantity, unit price, VAT code) by which the models differ most, however many decimals are kept.

    `rates` are percentages by VAT code. Raises UsageError USE141 when none is above 0.
    """
    by_rate = {rate: code for code, rate in sorted(rates.items(), reverse=True) if rate > 0}
    if not by_rate:
        raise UsageError("USE141")
    high, *lower = sorted(by_rate, reverse=True)
    best: list[tuple[Decimal, Decimal, str]] = []
    most = 0
    for low, count, other, cents in product(lower[:6] or [high], range(1, 5), range(4), range(101, 120, 2)):
        price = Decimal(cents) / 100
        lines = [(_HALF, price, by_rate[high])] * count + [(_HALF, price + _CENT * 2, by_rate[low])] * other
        lines.append((Decimal(1), _LONG, by_rate[high]))
        told = min(_told_apart(lines, rates, places) for places in range(2, 7))
        if told > most:
            best, most = lines, told
        if most == len(MODELS):
            break
    return best


_CENT = Decimal("0.01")


def _told_apart(
    lines: Sequence[tuple[Decimal, Decimal, str]], rates: Mapping[str, Decimal], places: int
) -> int:
    priced = [Priced(number, round_half_up(price, places), rates[code]) for number, price, code in lines]
    return len({simulate(priced, model) for model in MODELS})


def _as_sent(number: int, quantity: Decimal, price: Decimal, code: str) -> dict[str, str]:
    priced = {"Number": decimal_text(quantity), "PriceExcl": decimal_text(price, 6)}
    return {"Description": f"{DEBTOR} {number}", **priced, "TaxCode": code}


def _rates(settings: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return the percentages of the account's VAT codes for sales; they come as fractions."""
    tax = settings.get("Tax")
    codes = tax.get("Codes") if isinstance(tax, Mapping) else None
    rows = rows_of(codes, "Sale") if isinstance(codes, Mapping) else []
    found = ((text_of(row, "TaxCode"), decimal_of(row, "Rate")) for row in rows)
    return {code: (rate * 100).normalize() for code, rate in found if code and rate is not None}


async def _debtor(wefact: WeFact) -> tuple[str, bool]:
    """Return the code of the probe's debtor, and whether it was made now."""
    search = {"searchat": "CompanyName", "searchfor": DEBTOR}
    for row in await wefact.search("debtor", search):
        if text_of(row, "CompanyName").casefold() == DEBTOR.casefold():
            return text_of(row, "DebtorCode"), False
    answer = await wefact.call("debtor", "add", {"CompanyName": DEBTOR}, changes=True)
    made = answer.get("debtor")
    return (text_of(made, "DebtorCode") if isinstance(made, Mapping) else ""), True


async def _look(wefact: WeFact, identifier: str, token: str, debtor: tuple[str, bool]) -> Measured:
    """Return what the stored draft tells."""
    shown = await wefact.show("invoice", identifier)
    if shown is None:
        raise UsageError("USE142")
    kept = [_priced(row) for row in rows_of(shown, "InvoiceLines")]
    amounts = [decimal_of(shown, name) for name in ("AmountExcl", "AmountTax", "AmountIncl")]
    if None in kept or None in amounts or not kept:
        raise UsageError("USE142")
    lines = [line for line in kept if line is not None]
    totals = Totals(*(amount for amount in amounts if amount is not None))
    models = tuple(model for model in MODELS if simulate(lines, model) == totals)
    places = max(-int(line.unit_excl.normalize().as_tuple().exponent) for line in lines)
    found = await wefact.search("invoice", {"searchat": "ReferenceNumber", "searchfor": token})
    searchable = any(text_of(row, "Identifier") == identifier for row in found)
    return Measured(models, places, searchable, totals, *debtor)


def _priced(row: Mapping[str, Any]) -> Priced | None:
    quantity, price, percent = (decimal_of(row, name) for name in ("Number", "PriceExcl", "TaxPercentage"))
    return None if quantity is None or price is None or percent is None else Priced(quantity, price, percent)


async def _remove_lost(wefact: WeFact, token: str, wait: Wait) -> None:
    """Delete the draft whose answer did not arrive. Raises UsageError USE140 when it cannot be found."""
    async for identifier in _identifiers(wefact, token, wait):
        await _remove(wefact, identifier, wait)
        return
    raise UsageError("USE140", draft=f"ReferenceNumber {token}")


async def _identifiers(wefact: WeFact, token: str, wait: Wait) -> AsyncGenerator[str, None]:
    for attempt in range(_TRIES):
        try:
            rows = await wefact.search("invoice", {"searchat": "ReferenceNumber", "searchfor": token})
        except ServiceError:
            rows = []
        for row in rows:
            shown = await wefact.show("invoice", text_of(row, "Identifier"))
            if shown is not None and text_of(shown, "Comment") == token:
                yield text_of(shown, "Identifier")
                return
        await wait(2.0**attempt)


async def _remove(wefact: WeFact, identifier: str, wait: Wait) -> None:
    """Delete the draft, and see that it is gone. Raises UsageError USE140 with its identifier when it is not."""
    for attempt in range(_TRIES):
        try:
            await wefact.call("invoice", "delete", {"Identifier": identifier}, changes=True)
        except ServiceError:
            await wait(2.0**attempt)
        try:
            if await wefact.show("invoice", identifier) is None:
                return
        except ServiceError:
            await wait(2.0**attempt)
    raise UsageError("USE140", draft=f"Identifier {identifier}")
