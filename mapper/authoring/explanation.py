"""What an explanation of a value is: the rule, its cases and roundings, and what it was made from; as tree or JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapper import money
from mapper.diagnostics import Place, printable
from mapper.errors import Language
from mapper.rulebook.functions import shown


@dataclass(frozen=True, slots=True)
class Alternative:
    """One case of a table or condition: whether it applied, and why or why not."""

    text: str
    applied: bool
    why: str


@dataclass(frozen=True, slots=True)
class Rounded:
    """One rounding: what was rounded, to what, and the difference that it made."""

    text: str
    exact: Decimal
    result: Decimal

    @property
    def difference(self) -> Decimal:
        """Return what rounding added."""
        return self.result - self.exact


@dataclass(frozen=True, slots=True)
class Explanation:
    """One value: what made it, from what, and which cases did not apply.

    `stopped`: it has no value, since the document stopped here.
    """

    path: str
    value: Any
    place: Place | None
    rule: str
    cases: tuple[Alternative, ...] = ()
    inputs: tuple[Explanation, ...] = ()
    again: bool = False
    rounded: tuple[Rounded, ...] = ()
    stopped: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as JSON-able values."""
        told: dict[str, Any] = {"path": self.path, "value": self.value}
        if self.stopped:
            told["stopped"] = True
        if self.place is not None:
            told |= {"rule": str(self.place), "text": self.rule}
        if self.cases:
            told["cases"] = [{"case": one.text, "applied": one.applied, "why": one.why} for one in self.cases]
        if self.rounded:
            told["rounded"] = [
                {"text": one.text, "exact": one.exact, "result": one.result, "difference": one.difference}
                for one in self.rounded
            ]
        if self.inputs:
            told["inputs"] = [one.to_json() for one in self.inputs]
        return told

    def render(self, language: Language = "en") -> str:
        """Return the explanation as a tree for a terminal; what the rules say stays as it is written there."""
        return "\n".join(self.tree("", "", _dutch if language == "nl" else str))

    def tree(self, first: str, rest: str, told: Callable[[str], str]) -> Iterator[str]:
        """Yield the lines of the tree; `first` and `rest` stand before its first line and the others."""
        value = f"?   {told('the document stopped here')}" if self.stopped else brief(self.value)
        yield first + printable(f"{told(self.path)} = {value}")
        inner = rest + ("│ " if self.inputs else "  ")
        if self.place is not None and not self.again:
            yield inner + printable(f"{self.place}  {told(self.rule)}", 300)
        for case in () if self.again else self.cases:
            mark = "✓" if case.applied else "✗"
            yield inner + printable(f"{mark} {case.text}   {told(case.why)}".rstrip(), 300)
        for rounding in () if self.again else self.rounded:
            by = f"{told('by')} {money.decimal_text(rounding.difference, 12)}"
            change = f"{brief(rounding.exact)} → {brief(rounding.result)}, {by}"
            yield inner + printable(f"≈ {told(rounding.text)}   {change}", 300)
        if self.again:
            yield inner + told("(explained above)")
        for number, one in enumerate(self.inputs):
            last = number == len(self.inputs) - 1
            yield from one.tree(rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), told)


_DUTCH = {
    "the document stopped here": "hier stopte het document",
    "by": "verschil",
    "(explained above)": "(hierboven uitgelegd)",
    "not reached": "niet bereikt",
    "filled": "gevuld",
    "absent or empty": "afwezig of leeg",
    "not in": "niet in",
    "found in": "gevonden in",
    "not found in": "niet gevonden in",
    "share of": "deel van",
    "the total as WeFact rounds it": "het totaal zoals WeFact het afrondt",
    "known after the call before:": "bekend na de aanroep ervoor:",
}
"""How what is said of a rule begins. What follows is the rule's, or the payload's: that is never translated."""
_ITEM = re.compile(r"number (\d+) of ")
_MORE = re.compile(r"(\d+) more lines")


def _dutch(text: str) -> str:
    for english, dutch in _DUTCH.items():
        if text == english or text.startswith(f"{english} "):
            return dutch + text[len(english) :]
    return _MORE.sub(r"nog \1 regels", _ITEM.sub(r"nummer \1 van ", text, count=1), count=1)


def brief(value: Any) -> str:
    """Return a value in a few words: of records and lists only the first parts."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {brief(inner)}" for name, inner in list(value.items())[:4]) + " …}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(brief(inner) for inner in value[:5]) + (" …]" if len(value) > 5 else "]")
    if value is None:
        return "none"
    if isinstance(value, Decimal):
        return money.decimal_text(value, 10)
    return shown(value) if value != "" else "''"
