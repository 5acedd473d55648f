"""What a search of WeFact's really finds: candidates are what its list gives, hits are what equals what is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mapper.mapping import Search
from mapper.services.wefact import WeFact, text_of

Row = Mapping[str, Any]


async def find(wefact: WeFact, search: Search, names: Mapping[str, str]) -> list[Row]:
    """Return what a search finds and `search.same` equals, lowest Identifier first.

    Search matches parts of text, so equality is checked here, case-insensitively; fields absent in a row are read by
    `show`. A search whose action is `show` asks for one object by its code: exact, and the best test of existence
    (wefact-api 3.3).
    """
    return await equal(wefact, search, await candidates(wefact, search, names), names)


async def equal(wefact: WeFact, search: Search, rows: Iterable[Row], names: Mapping[str, str]) -> list[Row]:
    """Return those of the rows that equal `search.same`, lowest Identifier first."""
    same = {field: _folded(value) for field, value in filled(search.same, search.slots, names).items()}
    hits = [row for row in rows if await _equals(wefact, search.controller, row, same)]
    return sorted(hits, key=_by_identifier)


async def candidates(wefact: WeFact, search: Search, names: Mapping[str, str]) -> list[Row]:
    """Return what the service's list gives, or its object of that code."""
    params = filled(search.params, search.slots, names)
    if search.action != "show":
        return list(await wefact.search(search.controller, params))
    by, code = next(iter(params.items()))
    shown = await wefact.show(search.controller, str(code), by=by)
    return [] if shown is None else [shown]


async def _equals(wefact: WeFact, controller: str, row: Row, same: Mapping[str, str]) -> bool:
    """Rows of invoices never show the Comment (wefact-api 2.2.1); what a row does show saves the call."""
    told = {field: value for field, value in same.items() if field in row}
    if any(_folded(text_of(row, field)) != value for field, value in told.items()):
        return False
    if len(told) == len(same):
        return True
    shown = await wefact.show(controller, text_of(row, "Identifier"))
    return shown is not None and all(_folded(text_of(shown, field)) == value for field, value in same.items())


def filled(params: Mapping[str, Any], slots: Collection[str], names: Mapping[str, str]) -> dict[str, Any]:
    """Return `params` with the placeholders in its `slots` filled in; those that `names` does not know stay."""
    return {
        name: names.get(value[1:-1], value) if name in slots and isinstance(value, str) else value
        for name, value in params.items()
    }


def _folded(text: object) -> str:
    return str(text).strip().casefold()


def _by_identifier(row: Row) -> tuple[int, str]:
    text = text_of(row, "Identifier")
    return (int(text) if text.isascii() and text.isdigit() else 0, text)
