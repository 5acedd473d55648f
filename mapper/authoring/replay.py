"""One document under two versions of rules and settings: what would be another, and by which rule.

The rules are the compiled functions that `mapper run` maps with. Of two versions that are proven to do the same with a
document only one is run: a half whose rules, tables and settings are the same gives the same for the same input.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from mapper.authoring.edits import Edit, amounts_of, edits, meaning, parameter_places, tables
from mapper.authoring.explanation import brief
from mapper.authoring.outcome import Json, Outcome, Rates, recorded
from mapper.authoring.patching import Patch, patch
from mapper.authoring.reads import overlap, settings_read
from mapper.diagnostics import Place, printable
from mapper.findings import FAULTS, unfit
from mapper.mapping import Mapper, Traced
from mapper.rulebook.compiler import Compiled, Run
from mapper.rulebook.rules import Match, given
from mapper.rulebook.slices import sliced
from mapper.settings import differences

Effect = Literal["changed", "stops", "cured", "stops otherwise", "unsent", "remarks"]
"""What happens to a document: another invoice; none any more; one at last; none, for another reason; other values of
which none is sent; only other words."""

_VALUE_CHARACTERS = 60
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Value:
    """One value that differs: a parameter of a request (`invoice.PaymentMethod`), or what is found of a document.

    `old` and `new` are empty where it is an amount, which is another in each document.
    """

    path: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A rule that made the difference: where it stands, what it is called, and what it gave before and gives now."""

    place: Place
    path: str
    old: str = ""
    new: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What would be another for one document. `rates` is what its invoice comes to now, less what it came to before."""

    effect: Effect
    values: tuple[Value, ...]
    rates: Rates
    gross: Decimal
    causes: tuple[Cause, ...]


class Pair:
    """The old and the new version of one tenant's rules and settings, and what is proven to be the same in both."""

    def __init__(self, old: Mapper, new: Mapper) -> None:
        self.old, self.new = old, new
        before, after = old.rulebooks, new.rulebooks
        self.kinds = frozenset(before.sources) & frozenset(after.sources)
        self.tables = tables(before, after)
        self.settings = frozenset(
            (*differences(old.settings, new.settings), *differences(new.settings, old.settings))
        )
        read = {
            half: settings_read(one.rules) for half, one in (*before.sources.items(), ("", before.target))
        }
        others = {
            half: bool(self.tables) or any(overlap(key, path) for key in self.settings for path in paths)
            for half, paths in read.items()
        }
        self.source_edits = {kind: edits(before.sources[kind], after.sources[kind]) for kind in self.kinds}
        self.target_edits = edits(before.target, after.target)
        self._same_source = {kind: not others[kind] and not self.source_edits[kind] for kind in self.kinds}
        # What is made of the same prices is the same, unless one of these is another.
        self._prices = any(
            overlap(key, path) for key in self.settings for path in ("vat.rates", "invoice.rounding_model")
        )
        self._same_target = not others[""] and not self.target_edits
        self._slices = {
            kind: None
            if others[kind] or not self._same_target
            else _slices(old, new, kind, self.source_edits[kind])
            for kind in self.kinds
        }
        self._patches: dict[str, Patch | None] = {}
        self._same_requests, self._same_checks = (
            [one.name for one in before.target.rules.requests]
            == [one.name for one in after.target.rules.requests],
            all(_checks(compiled[0]) == _checks(compiled[1]) for compiled in self._halves()),
        )
        self._amounts = amounts_of(before.target) | amounts_of(after.target)
        self._parameters = parameter_places(after.target)
        # Where one rule was edited, all that differs in the same way differs because of it.
        self.is_traced = len(self.edits) + len(self.settings) > 1
        self._causes: dict[Any, tuple[Cause, ...]] = {}

    def _halves(self) -> Iterator[tuple[Compiled, Compiled]]:
        before, after = self.old.rulebooks, self.new.rulebooks
        yield from ((before.sources[kind], after.sources[kind]) for kind in self.kinds)
        yield before.target, after.target

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Return every rule and table that differs."""
        found = [one for kind in sorted(self.kinds) for one in self.source_edits[kind]]
        return tuple(dict.fromkeys([*found, *self.target_edits, *self.tables]))

    def is_same(self, kind: str) -> bool:
        """Tell whether no document of a kind can come out otherwise."""
        return self._same_source.get(kind, False) and self._same_target

    def compare(self, kind: str, payload: Json, old: Outcome | None = None) -> Difference | None:
        """Return what would be another; None when nothing would. `old` is the old outcome, where it is known."""
        if self._gives_the_same(kind, payload, old):
            return None
        old = old or Outcome(self.old, kind, payload)
        short = self._patch(kind)
        if short is not None and (patched := short.outcome(old)) is not None:
            new = patched
        elif self._same_source.get(kind) and old.fault is None:
            new = Outcome(self.new, kind, payload, same=old)
        else:
            new = Outcome(self.new, kind, payload)
        if self._same_target and old.fault is None and new.fault is None and old.document == new.document:
            if self._same_checks and old.said == new.said:
                return None
            new.sends_as(old)
        return self._difference(old, new)

    def _patch(self, kind: str) -> Patch | None:
        if kind not in self._patches:
            is_fit = kind in self.kinds and not self.tables
            self._patches[kind] = patch(self.old, self.new, kind, self.settings) if is_fit else None
        return self._patches[kind]

    def _gives_the_same(self, kind: str, payload: Json, old: Outcome | None) -> bool:
        """Tell whether all rules that were edited give the same for a document: then so do all others."""
        slices = self._slices.get(kind)
        if slices is None or unfit(payload) is not None:
            return False
        before, after = slices
        try:
            given = recorded(before, payload) if old is None else old.recorded(before)
            return given == recorded(after, payload)
        except FAULTS:
            return False

    def _difference(self, old: Outcome, new: Outcome) -> Difference | None:
        sent = old.sent(), new.sent()
        if (
            old.fault is None
            and new.fault is None
            and self._same_requests
            and self._same_checks
            and (sent[0], old.said, old.document) == (sent[1], new.said, new.document)
        ):
            return None
        before, after = old.holds, new.holds
        if before and before == after:
            return None
        if before or after:
            value = Value("stops", ", ".join(before), ", ".join(after))
            effect: Effect = "stops" if not before else "stops otherwise" if after else "cured"
            return self._found(effect, old, new, (value,))
        values = tuple(dict.fromkeys(_values(old.requests(), new.requests(), self._amounts)))
        if values:
            return self._found("changed", old, new, values)
        values = tuple(dict.fromkeys(_between("document", old.document, new.document, frozenset())))
        if values:
            return self._found("unsent", old, new, values)
        return None if old.remarks == new.remarks else Difference("remarks", (), {}, _ZERO, ())

    def _found(self, effect: Effect, old: Outcome, new: Outcome, values: tuple[Value, ...]) -> Difference:
        rates: Rates = {}
        is_same = effect in {"changed", "unsent"} and not self._prices and _is_charged_alike(old, new)
        for sign, one in () if is_same else ((-1, old), (1, new)):
            for percent, (net, tax) in ({} if one.holds else one.rates()).items():
                had = rates.setdefault(percent, [_ZERO, _ZERO])
                rates[percent] = [had[0] + sign * net, had[1] + sign * tax]
        rates = {percent: euros for percent, euros in sorted(rates.items()) if any(euros)}
        gross = sum((net + tax for net, tax in rates.values()), _ZERO)
        key = (old.kind, effect, values)
        if self.is_traced or key not in self._causes:
            self._causes[key] = self._causes_of(old, new, values)
            if len(self._causes) > 5000:
                self._causes = {key: self._causes[key]}
        return Difference(effect, values, rates, gross, self._causes[key])

    def _causes_of(self, old: Outcome, new: Outcome, values: Sequence[Value]) -> tuple[Cause, ...]:
        """Return the edited rules that gave something else for this document.

        Where none of them did (a table or a setting differs), the first rule that gave something else: all it was made
        of is the same.
        """
        traced = _differing(old, new)
        edited = (*self.source_edits.get(old.kind, ()), *self.target_edits)
        rules = {(one.place, one.gone) for one in edited}
        causes = [cause for cause, place in traced if (place, cause.gone) in rules]
        found = {(place, cause.gone) for cause, place in traced}
        given = {cause.path.partition(".")[0] for cause, _ in traced}
        causes += [
            Cause(one.place, one.path, gone=one.gone)
            for one in edited
            if (one.place, one.gone) not in found and _touches(one, given, values)
        ]
        causes = causes or [cause for cause, _ in traced[:1]]
        if not causes:
            places = ((value.path, self._parameters.get(value.path)) for value in values)
            causes = [Cause(place, path) for path, place in places if place is not None][:1]
        if not causes and (fault := new.fault or old.fault) is not None and fault.place is not None:
            causes = [Cause(fault.place, fault.about)]
        return tuple(dict.fromkeys(causes))


def _slices(old: Mapper, new: Mapper, kind: str, edited: Sequence[Edit]) -> tuple[Run, Run] | None:
    """Return the part of each version that makes the values of the edited rules, traced; None where there is none."""
    runs, kinds = [], []
    for mapper in (old, new):
        entries = {entry.path: entry for entry in mapper.rulebooks.sources[kind].entries}
        found = [entries[edit.path] for edit in edited if edit.path in entries]
        if len(found) < len(edited) or not found:
            return None
        runs.append(_part(mapper, kind, frozenset(entry.place for entry in found)))
        kinds.append([given(entry.value).kind for entry in found])
    if runs[0] is None or runs[1] is None:
        return None
    # Equal values of two types may be written otherwise: 1 and true.
    return None if kinds[0] != kinds[1] or "any" in kinds[0] else (runs[0], runs[1])


@lru_cache(maxsize=16)
def _part(mapper: Mapper, kind: str, places: frozenset[Place]) -> Run | None:
    part = sliced(mapper.rulebooks.sources[kind].rules, places)
    return None if part is None else Compiled(part, mapper.rulebooks.functions).bind_traced(mapper.settings)


def _is_charged_alike(old: Outcome, new: Outcome) -> bool:
    if old.document is new.document and old.lines() == new.lines():
        return True
    return bool(old.charged() == new.charged())


def _checks(compiled: Compiled) -> Any:
    return tuple(map(meaning, compiled.rules.checks))


def _values(old: Sequence[Any], new: Sequence[Any], amounts: frozenset[str]) -> Iterator[Value]:
    """Yield what differs between two lists of requests."""
    for name in dict.fromkeys(one[0] for one in (*old, *new)):
        before, after = ([one for one in some if one[0] == name] for some in (old, new))
        if len(before) == len(after) == 1:
            yield from _of_request(before[0], after[0], amounts)
        elif before != after:
            yield from _between(name, [one[1] for one in before], [one[1] for one in after], amounts)


def _of_request(old: Any, new: Any, amounts: frozenset[str]) -> Iterator[Value]:
    name = old[0]
    yield from _between(name, old[1], new[1], amounts)
    for what, before, after in (("find", old[2], new[2]), ("expect", old[3], new[3])):
        if before != after:
            yield from _between(f"{name}.{what}", _named(before), _named(after), amounts)


def _named(part: Any) -> Any:
    """Return a search or what is expected by the names of its fields."""
    if part is None:
        return None
    if len(part) == 2 and isinstance(part[0], Mapping):
        return {**part[0], **part[1]}
    return {name: (amount, within) for name, amount, within in part}


def _between(path: str, old: Any, new: Any, amounts: frozenset[str]) -> Iterator[Value]:
    if old == new:
        return
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield Value(f"{path}, how many", str(len(old)), str(len(new)))
            return
        for before, after in zip(old, new, strict=True):
            yield from _between(path, before, after, amounts)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            before, after = old.get(name), new.get(name)
            if before is not after:
                yield from _between(f"{path}.{name}", before, after, amounts)
    elif path in amounts or ".expect." in path or _is_amount(old) or _is_amount(new):
        yield Value(path)
    else:
        yield Value(path, _shown(old), _shown(new))


def _is_amount(value: Any) -> bool:
    # A rate is one of a few; an amount is another in each document.
    return isinstance(value, Decimal) and value != value.to_integral_value()


def _shown(value: Any) -> str:
    # The same few texts come again and again. Other values are equal to what is written otherwise: 1 to true.
    return _shown_text(value) if type(value) is str else printable(brief(value), _VALUE_CHARACTERS)


@lru_cache(maxsize=256)
def _shown_text(text: str) -> str:
    return printable(brief(text), _VALUE_CHARACTERS)


def _touches(edit: Edit, given: Collection[str], values: Sequence[Value]) -> bool:
    """Tell whether an edited rule that gives no value of its own shows in what differs."""
    what, _, name = edit.path.partition(" ")
    if what == "lines":
        return name in given
    if what == "check":
        return any(
            name.startswith(held) for one in values for held in f"{one.old}, {one.new}".split(", ") if held
        )
    path = (name if what == "request" else edit.path).partition(",")[0]
    return any(one.path == path or one.path.startswith((f"{path}.", f"{path},")) for one in values)


def _differing(old: Outcome, new: Outcome) -> list[tuple[Cause, Place]]:
    """Return which rules gave something else, and where they stand, in the order in which they were asked.

    Each once, by its first line. A cause is placed at the case that applied, where a rule has cases.
    """
    before, after = (
        {
            (one.path, one.line): one
            for one in outcome.mapper.apply(outcome.kind, outcome.payload).trace.values
        }
        for outcome in (old, new)
    )
    found: dict[str, tuple[Cause, Place]] = {}
    for key, one in after.items():
        was = before.get(key)
        if one.path not in found and (was is None or was.value != one.value):
            told = "" if was is None else _shown(was.value)
            found[one.path] = Cause(_case(new, one), one.path, told, _shown(one.value)), one.place
    for key, one in before.items():
        if key not in after and one.path not in found:
            found[one.path] = Cause(one.place, one.path, _shown(one.value), gone=True), one.place
    return list(found.values())


def _case(outcome: Outcome, one: Traced) -> Place:
    """Return where the case stands that gave a value; the rule itself where it has none."""
    if one.case < 0:
        return one.place
    for compiled in (outcome.mapper.rulebooks.sources[outcome.kind], outcome.mapper.rulebooks.target):
        for entry in compiled.entries:
            if (entry.path, entry.place) == (one.path, one.place):
                cases = (
                    entry.value.rows if isinstance(entry.value, Match) else getattr(entry.value, "cases", ())
                )
                return cases[one.case].place if one.case < len(cases) else one.place
    return one.place
