"""Causes of errors in a few words, the setting that mends one, and where in the shop's document it lies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mapper.authoring.explanation import Explanation
    from mapper.store.rows import MappingResult
    from tui.session import Session

# What a group of errors is called; the rules and the catalogue say it in full for each document.
TITLES: Mapping[str, str] = {
    "K1": "The total differs from the lines",
    "K2": "VAT number of an ICP sale",
    "K3": "No VAT code for this country and rate",
    "K4": "Posted already",
    "K6": "VAT charged where there should be none",
    "K7": "0 % within the EU without ICP",
    "K8": "Another currency",
    "W19": "WeFact's total differs from ours",
    "WEF": "WeFact",
    "CCV": "CCV Shop",
    "MAP": "The document cannot be mapped",
    "SEC": "Keys of the services",
    "PAY": "The document cannot be read",
}

# The setting that usually mends a cause, where its remedy names none.
MENDS: Mapping[str, str] = {
    "K3": "vat.rates",
    "WEF201": "connections",
    "WEF202": "connections",
    "WEF203": "connections",
    "CCV201": "connections",
    "CCV202": "connections",
    "SEC104": "connections",
}
_KEY = re.compile(r"\b[a-z_]+(?:\.[a-z_]+)+\b")


def title(cause: str) -> str:
    """Return a cause in a few words; empty when it speaks for itself."""
    return TITLES.get(cause) or TITLES.get(cause[:3] if cause[3:].isdigit() else "", "")


def mending_key(cause: str, remedy: str) -> str:
    """Return the dotted key of the setting that mends a cause, or empty."""
    from mapper.settings import dotted_keys

    known = {key for key, _ in dotted_keys()}
    named = [key for key in _KEY.findall(remedy) if key in known]
    return named[0] if named else MENDS.get(cause, "")


def flat(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every value of a payload with its path, as explanations write it: `rows[0].tax`."""
    return list(_flat(payload, ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{number}]")
    else:
        yield path, "" if value is None else "[]" if value == [] else str(value)


def places(session: Session, document_id: str, mapped: MappingResult, cause: str) -> frozenset[str]:
    """Return the paths of the payload that the field a finding is about was made of; empty when it says none."""
    from mapper.authoring.recall import recall
    from mapper.errors import MapperError

    abouts = [str(one.get("about") or "") for one in mapped.findings if one.get("id") == cause]
    found: set[str] = set()
    try:
        recalled = recall(session.database, session.tenant, document_id)
    except MapperError:
        return frozenset()  # rules of another day: the excerpt stays without marks
    explainer = recalled.explainer()
    lines = len((recalled.mapped.document or {}).get("lines", ()))
    for about in filter(None, abouts):
        if "." not in about and any(path == f"lines.1.{about}" for path in explainer.paths()):
            wanted = [f"lines.{number}.{about}" for number in range(1, lines + 1)]
        else:
            wanted = [about]
        for path in wanted:
            try:
                found |= _leaves(explainer.explain(path), recalled.kind)
            except MapperError:
                found.add(about)  # a field of the payload itself
    return frozenset(found)


def _leaves(explained: Explanation, kind: str) -> set[str]:
    own = explained.path.removeprefix(f"{kind}.")
    found = {own} if own != explained.path else set()
    for inner in explained.inputs:
        found |= _leaves(inner, kind)
    return found
