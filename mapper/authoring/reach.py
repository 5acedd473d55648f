"""How far an edit reaches in one half of the rules: what may give something else by it, and what cannot.

What is neither edited, nor reads a setting that differs, nor anything that is reached, gives what it gave before: it
says the same, and all that it is made of is the same. So a document under new rules is that under the old ones, but for
what is reached; `Reach.rules` are the new rules cut down to that and to what it is made of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mapper.authoring.edits import meaning
from mapper.authoring.reads import fields_in, overlap, settings_in
from mapper.rulebook import rules as r
from mapper.rulebook.slices import NOTHING, Bound, Followed, Part, cut
from mapper.rulebook.types import Type


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request is reached: all of it, or some parameters, its search, what is expected of the answer."""

    whole: bool
    params: frozenset[str] = frozenset()
    find: bool = False
    expect: bool = False

    @property
    def is_reached(self) -> bool:
        """Tell whether anything is."""
        return self.whole or bool(self.params) or self.find or self.expect


@dataclass(frozen=True, slots=True)
class Reach:
    """What an edit reaches. Checks and requests go by their numbers in the whole rulebook.

    `kinds` are all kinds of lines in their order; `lines`: by kind, the fields that are reached; None: also whether,
    and for what, there are such lines.
    `words` are checks that may only say it otherwise. `checks` and `requests` are in the order of `rules`.
    """

    rules: r.Rules
    fields: frozenset[str]
    kinds: tuple[str, ...]
    lines: Mapping[str, frozenset[str] | None]
    checks: tuple[int, ...]
    words: frozenset[int]
    requests: Mapping[int, Request]

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing is reached."""
        return not (self.fields or self.lines or self.checks or self.words or self.requests)


def reach(
    old: r.Rules, new: r.Rules, settings: Collection[str], fields: Collection[str] = frozenset()
) -> Reach | None:
    """Return how far it reaches that rules are others, and these settings, and these fields of the document they get.

    None where the two are not built alike: other lines, other checks or requests, values that are new or gone.
    """
    if not _is_alike(old, new):
        return None
    return _Reaching(old, new, settings, fields).found()


def _is_alike(old: r.Rules, new: r.Rules) -> bool:
    if [*map(_shape, old.steps)] != [*map(_shape, new.steps)]:
        return False
    kinds = [step.kind for step in new.steps if isinstance(step, r.LineRule)]
    return (
        len(kinds) == len(set(kinds))
        and [(one.id, one.about, one.offline) for one in old.checks]
        == [(one.id, one.about, one.offline) for one in new.checks]
        and [one.name for one in old.requests] == [one.name for one in new.requests]
    )


def _shape(step: r.Step) -> Any:
    if isinstance(step, r.Entry):
        return step.name
    return step.kind, step.name, tuple(entry.name for entry in step.entries)


class _Reaching:
    def __init__(
        self, old: r.Rules, new: r.Rules, settings: Collection[str], fields: Collection[str]
    ) -> None:
        self.old, self.new = old, new
        self.settings, self.given = settings, frozenset(fields)
        self.before, self.after = Followed(old), Followed(new)
        self.parts = self._parts()

    def found(self) -> Reach:
        checks, words = self._checks()
        fields, lines = self._document()
        both = enumerate(zip(self.old.requests, self.new.requests, strict=True))
        requests = {number: one for number, rules in both if (one := self._request(*rules)).is_reached}
        kinds = tuple(step.kind for step in self.new.steps if isinstance(step, r.LineRule))
        rules = self._rules(fields, lines, checks, requests)
        return Reach(rules, fields, kinds, lines, checks, words, requests)

    def _parts(self) -> set[Part]:
        """Return the parts that are reached: what differs, and what reads it, until no more does."""
        reached: set[Part] = set()
        read_by: dict[Part, list[Part]] = {}
        for part in self.after.parts():
            if self._is_seed(part):
                reached.add(part)
            for one in self.after.made_of(part):
                read_by.setdefault(one, []).append(part)
        waiting = list(reached)
        while waiting:
            more = [part for part in read_by.get(waiting.pop(), ()) if part not in reached]
            reached.update(more)
            waiting += more
        return reached

    def _is_seed(self, part: Part) -> bool:
        number, name = part
        if name:
            return self._differs(self.before.entries[part].value, self.after.entries[part].value)
        old, new = self.old.steps[number], self.new.steps[number]
        assert isinstance(old, r.LineRule)
        assert isinstance(new, r.LineRule)
        return (
            old.variable != new.variable
            or self._differs(old.test, new.test)
            or self._differs(old.each, new.each)
        )

    def _differs(self, old: Any, new: Any) -> bool:
        """Tell whether a rule says something else, or reads a setting or a field that differs."""
        if old is not new and meaning(old) != meaning(new):
            return True
        if self.settings and any(overlap(key, path) for path in settings_in(new) for key in self.settings):
            return True
        read = fields_in(new) if self.given else frozenset()
        return "" in read or not read.isdisjoint(self.given)

    def _reads(self, *values: r.Value | None, bound: Bound = NOTHING) -> bool:
        """Tell whether one of some values reads what is reached."""
        return any(
            part in self.parts
            for value in values
            if value is not None
            for part in self.after.in_value(value, None, bound)
        )

    def _is_moved(self, old: r.Value | None, new: r.Value | None, bound: Bound = NOTHING) -> bool:
        """Tell whether a value may be another."""
        return self._differs(old, new) or self._reads(new, bound=bound)

    def _is_other_loop(self, old: r.Check | r.RequestRule, new: r.Check | r.RequestRule) -> bool:
        if old.variable != new.variable or self._differs(old.each, new.each):
            return True
        return new.each is not None and any(
            part in self.parts for part in self.after.gone_through(new.each, None)
        )

    def _checks(self) -> tuple[tuple[int, ...], frozenset[int]]:
        """Return which checks may speak or not, and which may only say it otherwise."""
        checks, words = [], set()
        for number, (old, new) in enumerate(zip(self.old.checks, self.new.checks, strict=True)):
            bound = self.after.bound(new.each, new.variable)
            if (
                old.failing != new.failing
                or self._is_other_loop(old, new)
                or self._is_moved(old.test, new.test, bound)
                or self._is_moved(old.severity, new.severity, bound)
            ):
                checks.append(number)
                continue
            said = [*new.say.values(), *new.help.values(), *new.facts.values()]
            # A report holds the line that it is about.
            lines = bound.get(new.variable, ())
            if (
                meaning(old) != meaning(new)
                or self._reads(*said, bound=bound)
                or self._differs(new, new)
                or any(part[0] in lines for part in self.parts)
            ):
                words.add(number)
        return tuple(checks), frozenset(words)

    def _document(self) -> tuple[frozenset[str], dict[str, frozenset[str] | None]]:
        """Return which fields of the document, and of which kinds of lines, are reached."""
        fields: set[str] = set()
        lines: dict[str, frozenset[str] | None] = {}
        for number, step in enumerate(self.new.steps):
            if isinstance(step, r.Entry):
                fields |= {step.name} if step.public and (number, step.name) in self.parts else set()
                continue
            names = frozenset(
                one.name for one in step.entries if one.public and (number, one.name) in self.parts
            )
            if (number, "") in self.parts:
                lines[step.kind] = None
            elif names:
                lines[step.kind] = names
        return frozenset(fields), lines

    def _request(self, old: r.RequestRule, new: r.RequestRule) -> Request:
        if (
            (old.controller, old.action) != (new.controller, new.action)
            or self._is_other_loop(old, new)
            or self._is_moved(old.test, new.test)
            or self._is_moved(old.params.test, new.params.test)
        ):
            return Request(whole=True)
        bound = self.after.bound(new.each, new.variable)
        before, after = old.params.fields, new.params.fields
        params = frozenset(
            name
            for name in (*before, *after)
            if name not in before or name not in after or self._is_moved(before[name], after[name], bound)
        )
        find = self._differs(old.find, new.find) or (
            new.find is not None and self._reads(new.find.test, new.find.params, new.find.same, bound=bound)
        )
        amounts = [one for both in new.expect.values() for one in both]
        expect = self._differs(old.expect, new.expect) or self._reads(*amounts, bound=bound)
        if new.params.test is not None and (params or find or expect):
            return Request(whole=True)
        return Request(whole=False, params=params, find=find, expect=expect)

    def _rules(
        self,
        fields: Collection[str],
        lines: Mapping[str, frozenset[str] | None],
        checks: Collection[int],
        requests: Mapping[int, Request],
    ) -> r.Rules:
        """Return the new rules with what is reached, and what that is made of."""
        wanted: list[Part] = [part for name, part in self.after.named.items() if name in fields]
        for number, step in enumerate(self.new.steps):
            if isinstance(step, r.LineRule) and step.kind in lines:
                of_kind = lines[step.kind]
                names = [one.name for one in step.entries if of_kind is None or one.name in of_kind]
                wanted += [(number, name) for name in ("", *names)]
        kept_checks = tuple(self.new.checks[number] for number in checks)
        kept = tuple(_cut(self.new.requests[number], one) for number, one in requests.items())
        for check in kept_checks:
            wanted += self._read_by_check(check)
        for request in kept:
            wanted += self._read_by_request(request)
        known = self.new.document.fields or {}
        document = Type("record", fields={name: kind for name, kind in known.items() if name in fields})
        rules = cut(self.new, self.after.all(wanted))
        return replace(rules, checks=kept_checks, requests=kept, document=document)

    def _read_by_check(self, check: r.Check) -> Iterator[Part]:
        bound = self.after.bound(check.each, check.variable)
        if check.each is not None:
            yield from self.after.gone_through(check.each, None)
        # Its report holds the line that it is about, whole.
        lines = bound.get(check.variable, ())
        yield from (part for part in self.after.entries if part[0] in lines)
        said = (*check.say.values(), *check.help.values(), *check.facts.values())
        for value in (check.test, check.severity, *said):
            yield from self.after.in_value(value, None, bound)

    def _read_by_request(self, request: r.RequestRule) -> Iterator[Part]:
        bound = self.after.bound(request.each, request.variable)
        if request.each is not None:
            yield from self.after.gone_through(request.each, None)
        find = () if request.find is None else (request.find.test, request.find.params, request.find.same)
        expect = (one for both in request.expect.values() for one in both)
        for part in (request.test, request.params, *find, *expect):
            yield from () if part is None else self.after.in_value(part, None, bound)


def _cut(request: r.RequestRule, reached: Request) -> r.RequestRule:
    if reached.whole:
        return request
    params = {name: value for name, value in request.params.fields.items() if name in reached.params}
    return replace(
        request,
        params=replace(request.params, fields=params),
        find=request.find if reached.find else None,
        expect=request.expect if reached.expect else {},
    )
