"""What a case may expect: every path a document or request can have, every finding a check can give; and comparing.

Amounts are compared as `mapper map` prints them: totals with two decimals, amounts of lines with ten; exactly.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapper import money
from mapper.diagnostics import Finding, Place
from mapper.errors import Language
from mapper.mapping import Mapped, Rulebooks
from mapper.rulebook import rules as r
from mapper.rulebook.source import Node
from mapper.rulebook.types import Type

Shape = dict[str, Any]
SEVERITIES = ("error", "wait", "warning", "info")
ITEM = "#"
NOTHING, UNWANTED = "nothing: it is not there", "nothing: it should not be there"
_DUTCH = {NOTHING: "niets: het is er niet", UNWANTED: "niets: het hoort er niet te zijn"}
LISTS = ("findings", "all_findings", "lines", "requests")

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
COMMA = re.compile(r"(-?[0-9]+(?:\.[0-9]{3})*),([0-9]+)\Z")
AFTER_COMMA = "A decimal number is written with a point, such as 67.35: a comma begins the next field."

_PLAIN = re.compile(r"[^\W\d_][\w .,/()+-]*(?<![ ])\Z")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "none"}


class _Absent:
    """There is no such value: the line or request is not there."""


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an expectation can never be met. `place` is None for the place of its key."""

    message: str
    hint: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that can be expected of the rules; `numbers` are the fields of the document that hold one."""

    document: Shape
    requests: Mapping[str, Shape]
    kinds: tuple[str, ...]
    findings: Mapping[str, frozenset[str]]
    numbers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rulebooks: Rulebooks, kind: str) -> Known:
        """Gather what these rules can give."""
        source, target = rulebooks.sources[kind].rules, rulebooks.target.rules
        findings: dict[str, set[str]] = {}
        for check in (*source.checks, *target.checks):
            findings.setdefault(check.id, set()).update(_severities(check.severity))
        # VIES may give no answer yet.
        findings.get("K2", set()).add("wait")
        for code in ("MAP201", "MAP202", "MAP203", "MAP204", "MAP205", "MAP206", "MAP208"):
            findings[code] = {"error"}
        requests: dict[str, Shape] = {}
        for rule in target.requests:
            params = _of_value(rule.params)
            requests[rule.name] = {**params, ITEM: params} if rule.each is not None else params
        kinds = dict.fromkeys(step.kind for step in source.steps if isinstance(step, r.LineRule))
        document = _of_type(source.document)
        given = {id_: frozenset(one) for id_, one in findings.items()}
        return cls(document, requests, tuple(kinds), given, frozenset(_numbers(source.document, ())))

    def problem(self, names: Sequence[str], value: Node) -> Problem | None:
        """Say why `names` can never have the value expected; None when they can."""
        if value.kind == "map":
            return Problem(f"'{'.'.join(names)}' expects nothing.", "Write the value, or null.", value.place)
        if names[0] in LISTS and len(names) == 1:
            return self._list_problem(names[0], value)
        if value.kind == "list":
            return Problem(
                "Only findings, lines and requests are lists.", "Write one field each.", value.place
            )
        shape = {**self.document, **self.requests}
        for number, name in enumerate(names):
            if name in shape and name != ITEM:
                shape = shape[name]
            elif name.isdigit() and int(name) > 0 and ITEM in shape:
                shape = shape[ITEM]
            else:
                return self._unknown(names, number, shape)
        if len(names) == 1 and names[0] in self.requests:
            return Problem(
                f"'{names[0]}' is a whole request.", "Expect `requests: [debtor, invoice]`, or fields of it."
            )
        if shape and value.kind != "null":
            return Problem(
                f"'{'.'.join(names)}' has parts.", _close("", [one for one in shape if one != ITEM])
            )
        return self._number_problem(names, value)

    def _number_problem(self, names: Sequence[str], value: Node) -> Problem | None:
        path = ".".join(ITEM if name.isdigit() else name for name in names)
        if path not in self.numbers or value.kind != "text" or NUMBER.match(value.text):
            return None
        hint = "Write it with digits and a point, such as 12.50, or null."
        if comma := COMMA.match(value.text):
            hint = f"A decimal number is written with a point: {comma[1].replace('.', '')}.{comma[2]}."
        return Problem(f"'{'.'.join(names)}' is a number; '{value.text}' is none.", hint, value.place)

    def absent_problem(self, text: str) -> Problem | None:
        """Say why what must be absent could never be there."""
        if text in self.requests or text in self.kinds:
            return None
        if text.split(" ", maxsplit=1)[0] in self.findings:
            return self._finding_problem(text, None)
        names = text.split(".")
        if len(names) == 1 and not names[0].islower():
            return self._finding_problem(text, None)
        problem = self.problem(names, Node("null", Place("", 1, 1)))
        if problem is None or len(names) > 1:
            return problem
        return Problem(problem.message, _close(text, [*self.requests, *self.kinds, *self.document]))

    def _unknown(self, names: Sequence[str], number: int, shape: Shape) -> Problem:
        prefix = "".join(f"{one}." for one in names[:number])
        path = ".".join(names[: number + 1])
        if names[0] not in self.requests and number == 0:
            message = f"Neither the document nor a request has '{path}'."
        else:
            message = f"There is no '{path}'."
        if number == 0 and names[0].isdigit():
            return Problem(f"'{path}' stands here alone, as if it were a field.", AFTER_COMMA)
        if list(shape) == [ITEM]:
            return Problem(message, f"They count from 1: {prefix}1.")
        return Problem(message, _close(names[number], [name for name in shape if name != ITEM], prefix))

    def _list_problem(self, name: str, value: Node) -> Problem | None:
        if name == "findings" and value.text == "none" and value.kind == "text":
            return None
        if value.kind != "list":
            hint = {"findings": "findings: [K1 error], or none", "lines": "lines: [revenue, shipping]"}
            return Problem(
                f"'{name}' expects a list.", hint.get(name, "requests: [debtor, invoice]"), value.place
            )
        for one in value.items:
            if name.endswith("findings"):
                problem = self._finding_problem(one.text, one.place)
            else:
                known = self.kinds if name == "lines" else tuple(self.requests)
                what = "kind of line" if name == "lines" else "request"
                problem = None
                if one.text not in known:
                    problem = Problem(f"There is no {what} '{one.text}'.", _close(one.text, known), one.place)
            if problem is not None:
                return problem
        return None

    def _finding_problem(self, text: str, place: Place | None) -> Problem | None:
        id_, _, rest = text.partition(" ")
        severity = rest.split(" ")[0]
        if id_ not in self.findings:
            return Problem(f"No check is called '{id_}'.", _close(id_, list(self.findings)), place)
        if severity and severity not in self.findings[id_]:
            given = sorted(self.findings[id_], key=SEVERITIES.index)
            return Problem(f"'{id_}' never gives '{severity}'.", f"It gives: {', '.join(given)}.", place)
        return None


def found_value(mapped: Mapped, path: str) -> Any:
    """Return the value at a path, amounts rounded as they are printed; ABSENT when its line or request is not there."""
    names = path.split(".")
    requests = [one for one in mapped.requests if one.name == names[0]]
    if requests or (mapped.document is not None and names[0] not in mapped.document):
        rest = names[1:]
        number = int(rest.pop(0)) if rest and rest[0].isdigit() else 1
        return _inner(requests[number - 1].params, rest) if number <= len(requests) else ABSENT
    if mapped.document is None:
        return ABSENT
    value = _inner(mapped.document, names)
    if isinstance(value, Decimal):
        return money.round_half_up(value, 10 if names[0] == "lines" else 2)
    return value


def is_equal(expected: Node, got: Any) -> bool:
    """Compare what is written, in quotes or not, with what came: numbers exactly, texts letter by letter."""
    if got is ABSENT:
        return False
    if got is None:
        return expected.kind == "null"
    if isinstance(got, bool):
        return expected.text == shown(got)
    if isinstance(got, Decimal | int):
        return NUMBER.match(expected.text) is not None and Decimal(expected.text) == got
    return expected.kind != "null" and expected.text == got


def finding_text(finding: Finding) -> str:
    """Return a finding as cases name it: id, severity and what it is about."""
    return f"{finding.id} {finding.severity} {finding.about}".rstrip()


def is_spoken(text: str, findings: Sequence[Finding]) -> bool:
    """Tell whether a finding is among those given; `K1`, `K1 error` and `K1 error total_vat` all name one."""
    words = text.split()
    return any(finding_text(one).split()[: len(words)] == words for one in findings)


def shown(value: Any) -> str:
    """Return a value as it would be written in a case."""
    if value is ABSENT:
        return NOTHING
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | int):
        return money.decimal_text(Decimal(value), 10)
    if isinstance(value, list):
        return "[" + ", ".join(shown(one) for one in value) + "]"
    text = str(value)
    return text if _PLAIN.match(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)


def _inner(value: Any, names: Sequence[str]) -> Any:
    for number, name in enumerate(names):
        if isinstance(value, list | tuple):
            if int(name) > len(value):
                return ABSENT
            value = value[int(name) - 1]
        elif isinstance(value, Mapping):
            value = value.get(name)
        if value is None:
            # Of what is not there a part is not null: nothing can be said of it.
            return None if number == len(names) - 1 else ABSENT
    return value


def _of_type(kind: Type) -> Shape:
    if kind.kind == "list" and kind.item is not None:
        return {ITEM: _of_type(kind.item)}
    return {name: _of_type(inner) for name, inner in (kind.fields or {}).items()}


def _numbers(kind: Type, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths of the numbers in a type."""
    if kind.kind in {"number", "integer"}:
        yield ".".join(path)
    elif kind.kind == "list" and kind.item is not None:
        yield from _numbers(kind.item, (*path, ITEM))
    for name, inner in (kind.fields or {}).items():
        yield from _numbers(inner, (*path, name))


def missing(text: str, language: Language) -> str:
    """Return what was expected or came as it is written; that there is nothing is told in the language asked for."""
    return _DUTCH.get(text, text) if language == "nl" else text


def _of_value(value: r.Value) -> Shape:
    match value:
        case r.Fields(fields=fields):
            return {name: _of_value(inner) for name, inner in fields.items()}
        case r.When(cases=cases, otherwise=otherwise):
            shape = _of_value(otherwise)
            for case in cases:
                shape = {**shape, **_of_value(case.then)}
            return shape
        case r.Collect(give=give):
            return {ITEM: _of_value(give)}
        case r.Find(give=give):
            return _of_value(give)
        case _:
            return _of_type(value.type)


def _severities(value: r.Value) -> set[str]:
    constant = getattr(value, "value", None)
    return {constant} if isinstance(constant, str) else set(SEVERITIES)


def _close(name: str, known: Sequence[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, known, 1) or difflib.get_close_matches(name, list(known), 1, 0.5)
    if close:
        return f"Did you mean '{prefix}{close[0]}'?"
    return f"Known here: {', '.join(known[:40])}." if known else "It has no parts."
