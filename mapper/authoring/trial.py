"""Cases run against the rules: what differs from what they expect, why, and the same files with what came instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from mapper.authoring.cases import Case, Expected
from mapper.authoring.expectations import (
    ABSENT,
    NUMBER,
    UNWANTED,
    finding_text,
    found_value,
    is_equal,
    is_spoken,
    shown,
)
from mapper.authoring.explain import Explainer
from mapper.authoring.explanation import Explanation
from mapper.diagnostics import Finding, Place
from mapper.errors import Language, UsageError
from mapper.mapping import Mapped, Rulebooks
from mapper.rulebook.source import Node, Source

LEVELS = 3
"""How many rules deep a failing field is explained."""

_ASKED_AT = datetime(2026, 1, 1, tzinfo=UTC)
# By what a case says of VIES: state, and VIES's own word for it.
_ANSWERS: dict[str, tuple[Literal["valid", "invalid", "unknown"], str]] = {
    "valid": ("valid", "VALID"),
    "invalid": ("invalid", "INVALID"),
    "unknown": ("unknown", "MS_UNAVAILABLE"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met. `instead` is what to write for it; None where nothing can be written."""

    path: str
    node: Node
    expected: str
    got: str
    instead: str | None

    @property
    def place(self) -> Place:
        """Return where it is written."""
        return self.node.place


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one case."""

    case: Case
    mapped: Mapped
    failures: tuple[Failure, ...]


def run_case(rulebooks: Rulebooks, case: Case) -> Outcome:
    """Map the order or invoice of a case and compare."""
    mapped = rulebooks.bind(case.settings).apply(case.kind, case.payload, offline=True)
    unasked = None
    if case.vies is not None:
        answered = _answered(mapped, case, case.vies.node.text)
        unasked = (
            None if answered else Failure("vies", case.vies.node, case.vies.node.text, "not asked", None)
        )
        mapped = answered or mapped
    offline = {check.place for check in rulebooks.sources[case.kind].rules.checks if check.offline}
    online = [finding for finding in mapped.findings if finding.place not in offline]
    failures = [_failure(mapped, online, one) for one in case.expected]
    failures += [_present(mapped, one) for one in case.absent]
    failures.append(unasked)
    return Outcome(case, mapped, tuple(one for one in failures if one is not None))


def _answered(mapped: Mapped, case: Case, answer: str) -> Mapped | None:
    """Return what VIES's answer makes of a document, as processing decides it; None when VIES is not asked."""
    from mapper.processing import vies_evidence
    from mapper.store.rows import VatNumberCheck

    asked = vies_evidence.question_among(mapped.findings)
    if asked is None:
        return None
    number = f"{asked.facts['country']}{asked.facts['number']}"
    check = VatNumberCheck(number, *_ANSWERS[answer], "", "", _ASKED_AT, _ASKED_AT, asks=1)
    drafts = case.settings["checks"]["vies_unknown"] == "draft"
    said, requests = vies_evidence.judged(
        mapped.findings, mapped.requests, check, drafts=drafts, gave_up=False
    )
    return replace(mapped, findings=said, requests=requests)


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that differ from what they expect in the same way: `changes` are (path, expected, got)."""

    changes: tuple[tuple[str, str, str], ...]
    outcomes: tuple[Outcome, ...]


def grouped(outcomes: Sequence[Outcome]) -> list[Group]:
    """Return the failed cases by identical change, the largest group first; amounts differ from case to case."""
    groups: dict[tuple[tuple[str, str, str], ...], list[Outcome]] = {}
    for outcome in outcomes:
        changes = dict.fromkeys(_change(one) for one in outcome.failures)
        if changes:
            groups.setdefault(tuple(changes), []).append(outcome)
    found = [Group(changes, tuple(some)) for changes, some in groups.items()]
    return sorted(found, key=lambda group: -len(group.outcomes))


def _change(failure: Failure) -> tuple[str, str, str]:
    path = re.sub(r"\.[0-9]+(?=\.|\Z)", ".#", failure.path)
    # What is sent is text, quoted; a case may write it as the number that it is.
    both = failure.expected.strip('"'), failure.got.strip('"')
    are_amounts = all(map(NUMBER.fullmatch, both)) and any("." in text for text in both)
    return (path, "", "") if are_amounts else (path, failure.expected, failure.got)


def explained(rulebooks: Rulebooks, outcome: Outcome, failure: Failure, language: Language = "en") -> str:
    """Return why a field has the value it has, a few rules deep; of an order that could not be mapped, why not."""
    if outcome.mapped.document is None or failure.path in {"findings", "all_findings"}:
        return "\n".join(f"{finding_text(one)}: {one.say[language]}" for one in outcome.mapped.findings)
    explainer = Explainer(
        rulebooks, outcome.case.kind, outcome.case.payload, outcome.case.settings, outcome.mapped
    )
    try:
        return _shortened(explainer.explain(failure.path), LEVELS).render(language)
    except UsageError:
        # A request or line as a whole, and what was left out, have no rule of their own to show.
        return ""


def updated(source: Source, failures: Sequence[Failure]) -> str:
    """Return the text of a file of cases with each failed expectation replaced by what came; nothing else changes."""
    lines = source.text.splitlines(keepends=True)
    spots = {(one.place.line, one.place.column): one for one in failures if one.instead is not None}
    for (line, column), failure in sorted(spots.items(), reverse=True):
        text = lines[line - 1]
        length = _length(text, column - 1, failure.node)
        if length is not None:
            gap = " " if length == 0 and text[column - 2 : column - 1] == ":" else ""
            lines[line - 1] = f"{text[: column - 1]}{gap}{failure.instead}{text[column - 1 + length :]}"
    return "".join(lines)


def difference(source: Source, text: str) -> str:
    """Return the change of a file as a unified diff."""
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, source.file, source.file, n=1))


def _length(text: str, start: int, node: Node) -> int | None:
    """Return how many characters of a line an expectation takes; None when it goes on on further lines."""
    if node.kind == "list":
        end = text.find("]", start)
        return end + 1 - start if text[start] == "[" and end >= 0 else None
    if node.block:
        return None
    return 0 if node.kind == "null" and not node.text else node.place.length


def _failure(mapped: Mapped, online: Sequence[Finding], one: Expected) -> Failure | None:
    if one.path in {"findings", "all_findings"}:
        return _findings_failure(mapped, online, one)
    got: Any
    if one.path == "lines":
        got = [line["kind"] for line in mapped.document["lines"]] if mapped.document is not None else ABSENT
    elif one.path == "requests":
        got = [request.name for request in mapped.requests]
    else:
        got = found_value(mapped, one.path)
    if one.node.kind == "list":
        if got == [item.text for item in one.node.items]:
            return None
    elif is_equal(one.node, got):
        return None
    return Failure(one.path, one.node, _written(one.node), shown(got), None if got is ABSENT else shown(got))


def _findings_failure(mapped: Mapped, online: Sequence[Finding], one: Expected) -> Failure | None:
    wanted = [item.text for item in one.node.items]
    exact = one.path == "all_findings" or one.node.kind != "list"
    met = all(is_spoken(text, mapped.findings) for text in wanted)
    if met and exact:
        listed = [text for text in wanted if text]
        met = all(any(is_spoken(text, [finding]) for text in listed) for finding in online)
    if met:
        return None
    instead = ", ".join(dict.fromkeys(f"{finding.id} {finding.severity}" for finding in online))
    got = "[" + ", ".join(finding_text(finding) for finding in online) + "]"
    return Failure(one.path, one.node, _written(one.node), got, f"[{instead}]")


def _present(mapped: Mapped, one: Expected) -> Failure | None:
    """Return the failure of something that should not be there."""
    path = one.path
    kinds = [line["kind"] for line in (mapped.document or {}).get("lines", [])]
    names = [request.name for request in mapped.requests]
    got: Any = path
    if path not in kinds and path not in names and not is_spoken(path, mapped.findings):
        got = found_value(mapped, path)
        if got in (None, ABSENT, ""):
            return None
    return Failure(path, one.node, UNWANTED, shown(got), None)


def _written(node: Node) -> str:
    if node.kind == "list":
        return "[" + ", ".join(item.text for item in node.items) + "]"
    return node.text or ("null" if node.kind == "null" else "''")


def _shortened(told: Explanation, levels: int) -> Explanation:
    if levels == 0:
        return replace(told, inputs=())
    return replace(told, inputs=tuple(_shortened(one, levels - 1) for one in told.inputs))


def places(failures: Sequence[Failure]) -> Iterator[str]:
    """Yield each failure as one line: place, path, what was expected and what came."""
    for one in failures:
        yield f"{one.place}: {one.path}: expected {one.expected}, got {one.got}"
