"""What the requests of a rulebook ask of WeFact, held against what its API documents (wefact-api 2).

WeFact ignores a parameter that it does not know, and a search for it finds nothing: a slip of the pen would make
invoices without the field, unchecked totals, and doubles after a lost answer. So names are checked here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from mapper.diagnostics import Diagnostic, Place
from mapper.rulebook.source import Node

Calls = Mapping[str, Mapping[str, Mapping[str, Any]]]

WEFACT = "wefact"
TOTAL, TOTAL_OF, TOKEN = "AmountIncl", "document.total_incl", "operation.token"
LINES, SEARCHED = "InvoiceLines", "searchat"


def check_calls(requests: Node) -> Iterator[Diagnostic]:
    """Yield what is wrong with the calls of `requests`.

    RULE226: a name that WeFact does not have. RULE227: an invoice that would not be compared with the shop's total, or
    not be found again.
    """
    for request in requests.items if requests.kind == "list" else ():
        if request.kind == "map":
            yield from _request(request)


@lru_cache(maxsize=1)
def calls() -> Calls:
    """Return the documented calls: controller → action → names of parameters, lines, answers, what can be searched."""
    known: Calls = json.loads((Path(__file__).parent / "wefact_calls.json").read_text(encoding="utf-8"))
    return known


def _request(request: Node) -> Iterator[Diagnostic]:
    call, problems = _call(request)
    yield from problems
    if call is None:
        return
    name = f"{request.entries['controller'].text}/{request.entries['action'].text}"
    params = request.entries.get("params")
    if params is not None:
        yield from _names(params, call["parameters"], f"{name} has no parameter")
        for fields in _lines(params):
            yield from _names(fields, call.get("lines", ()), "A line of an invoice has no")
    search = request.entries.get("find")
    if search is not None and search.kind == "map":
        yield from _search(search, call.get("answers", ()))
    if "amounts" in call:
        yield from _compared(request, call["amounts"], name)


def _call(node: Node) -> tuple[Mapping[str, Any] | None, list[Diagnostic]]:
    controller, action = node.entries.get("controller"), node.entries.get("action")
    if controller is None or action is None or controller.kind != "text" or action.kind != "text":
        return None, []  # the loader says what is missing
    if controller.text not in calls():
        return None, [_unknown(controller.place, "WeFact has no controller", controller.text, calls())]
    actions = calls()[controller.text]
    if action.text not in actions:
        said = f"WeFact's {controller.text} has no action"
        return None, [_unknown(action.place, said, action.text, actions)]
    return actions[action.text], []


def _search(search: Node, answers: Collection[str]) -> Iterator[Diagnostic]:
    call, problems = _call(search)
    yield from problems
    if call is None:
        return
    params, same = search.entries.get("params"), search.entries.get("same")
    if params is not None:
        yield from _names(params, call["parameters"], "A search has no parameter")
        where = _constant(params.entries.get(SEARCHED)) if params.kind == "map" else None
        if where is not None:
            for word in (one for one in where.text.split("|") if one not in call.get("searchable", ())):
                yield _unknown(where.place, "WeFact cannot search", word, call.get("searchable", ()))
    if same is not None:
        yield from _names(same, answers, "What WeFact answers has no")


def _compared(request: Node, amounts: Collection[str], name: str) -> Iterator[Diagnostic]:
    expect, search = request.entries.get("expect"), request.entries.get("find")
    if expect is not None:
        yield from _names(expect, amounts, f"No amount of {name} is called")
    if expect is None or expect.kind != "map" or TOTAL not in expect.entries:
        message = f"The total of what {name} makes is not compared with the shop's."
        hint = f"Write `expect: {{{TOTAL}: {{amount: document.total_incl, within: '0'}}}}`."
        yield Diagnostic("RULE227", expect.place if expect is not None else request.place, message, hint)
    else:
        yield from _exact(expect.entries[TOTAL])
    if not _finds_by_token(request, search):
        message = f"What {name} makes is not found again by its token, so that a lost answer could double it."
        hint = f"Give a parameter `{{placeholder: {TOKEN}}}`, and the same under `same` of `find`."
        yield Diagnostic("RULE227", search.place if search is not None else request.place, message, hint)


def _exact(total: Node) -> Iterator[Diagnostic]:
    for part, wanted in (("amount", TOTAL_OF), ("within", "0")):
        given = total.entries.get(part) if total.kind == "map" else None
        if given is not None and given.text.strip() != wanted:
            message = "The invoice's total must be exactly the shop's: otherwise a wrong one would pass."
            yield Diagnostic("RULE227", given.place, message, f'Write `{part}: "{wanted}"`.')


def _finds_by_token(request: Node, search: Node | None) -> bool:
    """Tell whether one field carries the token, both in what is sent and in what a search must find."""
    if search is None or search.kind != "map":
        return False
    params, same = request.entries.get("params"), search.entries.get("same")
    if params is None or same is None:
        return False
    return any(
        _is_token(params.entries.get(field)) and _is_token(value) for field, value in same.entries.items()
    )


def _is_token(node: Node | None) -> bool:
    placeholder = node.entries.get("placeholder") if node is not None and node.kind == "map" else None
    return placeholder is not None and placeholder.text == TOKEN


def _lines(params: Node) -> Iterator[Node]:
    lines = params.entries.get(LINES) if params.kind == "map" else None
    given = lines.entries.get("give") if lines is not None and lines.kind == "map" else None
    fields = given.entries.get("fields") if given is not None and given.kind == "map" else None
    if fields is not None:
        yield fields


def _constant(node: Node | None) -> Node | None:
    return node.entries.get("text") if node is not None and node.kind == "map" else None


def _names(node: Node, known: Collection[str], said: str) -> Iterator[Diagnostic]:
    for name in node.entries if node.kind == "map" else ():
        if name not in known:
            yield _unknown(node.keys[name], said, name, known)


def _unknown(place: Place, said: str, name: str, known: Collection[str]) -> Diagnostic:
    close = difflib.get_close_matches(name, known, 1) or difflib.get_close_matches(
        name.casefold(), [one.casefold() for one in known], 1
    )
    meant = next((one for one in known if close and one.casefold() == close[0].casefold()), "")
    hint = f"Did you mean '{meant}'?" if meant else f"Known: {', '.join(sorted(known))}."
    return Diagnostic("RULE226", place, f"{said} '{name}'.", hint)
