"""What new rules make of a document, from what the old ones made of it: only what the edit reaches is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mapper.authoring.outcome import Json, Outcome
from mapper.authoring.reach import Reach, Request, reach
from mapper.findings import FAULTS
from mapper.mapping import Mapper
from mapper.rulebook.compiler import Compiled, Run

Said = Sequence[Any]
"""What checks report, each (number of the check, severity, values, item)."""


class Patch:
    """How documents of one kind come out under a new version of rules and settings, by how they did under the old."""

    def __init__(self, new: Mapper, kind: str, source: _Half, target: _Half) -> None:
        self.new, self.kind = new, kind
        self._source, self._target = source.reach, target.reach
        self._runs = source.bound(new), target.bound(new)

    def outcome(self, old: Outcome) -> Outcome | None:
        """Return what the new version makes of a document; None where that must be mapped as a whole."""
        if old.document is None:
            return None
        sent, more = old.sent()
        if old.fault is not None:
            return None
        try:
            document, said = self._document(old)
            sent, more = self._sent(document, sent, more)
        except (*FAULTS, _OtherwiseBuilt):
            return None
        return Outcome(self.new, self.kind, old.payload, made=(document, said, (sent, more)))

    def _document(self, old: Outcome) -> tuple[Json, Said]:
        assert old.document is not None
        part, run = self._source, self._runs[0]
        _refuse_words(part, old.said)
        if run is None:
            return old.document, old.said
        made, reports = run(old.payload)
        lines = _lines(part, old.document["lines"], made.pop("lines"))
        return {**old.document, **made, "lines": lines}, _reports(part, old.said, reports)

    def _sent(self, document: Json, sent: Sequence[Any], said: Said) -> tuple[Sequence[Any], Said]:
        part, run = self._target, self._runs[1]
        _refuse_words(part, said)
        if run is None:
            return sent, said
        made, reports = run(document)
        return _requests(part, sent, made), _reports(part, said, reports)


class _OtherwiseBuilt(Exception):
    """What is reached does not fit into what is known."""


def patch(old: Mapper, new: Mapper, kind: str, settings: frozenset[str]) -> Patch | None:
    """Return how to make new outcomes from old ones of a kind; None where the versions are built too differently."""
    before, after = old.rulebooks, new.rulebooks
    source = _half(before.sources[kind], after.sources[kind], settings, frozenset())
    if source is None:
        return None
    fields = source.reach.fields | ({"lines"} if source.reach.lines else set())
    target = _half(before.target, after.target, settings, fields)
    return None if target is None else Patch(new, kind, source, target)


@dataclass(frozen=True, slots=True)
class _Half:
    """One half of the rules: how far the edit reaches in it, and that part of it compiled."""

    reach: Reach
    compiled: Compiled

    def bound(self, mapper: Mapper) -> Run | None:
        if self.reach.is_nothing:
            return None
        run: Run = (self.compiled.bind_soon if mapper.is_soon else self.compiled.bind)(mapper.settings)
        return run


@lru_cache(maxsize=16)
def _half(old: Compiled, new: Compiled, settings: frozenset[str], fields: frozenset[str]) -> _Half | None:
    found = reach(old.rules, new.rules, settings, fields)
    return None if found is None else _Half(found, Compiled(found.rules, new.functions))


def _refuse_words(part: Reach, said: Said) -> None:
    if part.words and any(report[0] in part.words for report in said):
        raise _OtherwiseBuilt


def _reports(part: Reach, old: Said, new: Said) -> Said:
    """Put the reports of the reached checks in the place of their old ones, in the order of the checks."""
    kept = [report for report in old if report[0] not in part.checks] if old and part.checks else old
    if not new:
        return kept
    return sorted((*kept, *((part.checks[number], *rest) for number, *rest in new)), key=_number)


def _number(one: Any) -> int:
    number: int = one[0]
    return number


def _lines(part: Reach, old: Sequence[Json], new: Sequence[Json]) -> Sequence[Json]:
    """Put what is reached of lines into the old ones. Lines come in the order of their rules."""
    if not part.lines:
        return old
    made = {kind: [line for line in new if line["kind"] == kind] for kind in part.lines}
    merged = {
        kind: lines
        if part.lines[kind] is None
        else _merged([line for line in old if line["kind"] == kind], lines)
        for kind, lines in made.items()
    }
    for line in old:
        if (kind := line["kind"]) not in part.lines:
            merged.setdefault(kind, []).append(line)
    return [line for kind in part.kinds for line in merged.get(kind, ())]


def _merged(old: Sequence[Json], new: Sequence[Json]) -> list[Json]:
    if len(old) != len(new):
        raise _OtherwiseBuilt
    return [{**one, **other} for one, other in zip(old, new, strict=True)]


def _requests(part: Reach, old: Sequence[Any], new: Sequence[Any]) -> Sequence[Any]:
    """Put what is reached of requests into the old ones."""
    if not part.requests:
        return old
    made = [one for one in old if one[0] not in part.requests]
    for index, (number, reached) in enumerate(part.requests.items()):
        after = [one for one in new if one[0] == index]
        if reached.whole:
            made += [(number, *rest) for _, *rest in after]
            continue
        before = [one for one in old if one[0] == number]
        if len(before) != len(after):
            raise _OtherwiseBuilt
        made += [_request(reached, *both) for both in zip(before, after, strict=True)]
    return sorted(made, key=_number)


def _request(reached: Request, old: Any, new: Any) -> Any:
    number, params, found, expect = old
    if reached.params:
        # What is empty is left out.
        gone = reached.params.difference(new[1])
        params = {name: value for name, value in params.items() if name not in gone} | new[1]
    return number, params, new[2] if reached.find else found, new[3] if reached.expect else expect
