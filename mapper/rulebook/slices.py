"""The part of a rulebook that some of its values are made by: those values and all that they are made of.

A version of the rules in which only these entries are others gives the same document wherever they give the same
values: all other rules, and what those read, are the same. So of most documents only this part need be mapped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from mapper.diagnostics import Place
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.types import Type

Part = tuple[int, str]
"""A step by its number, and the name of an entry in it; "" is the step itself: whether and for what lines are made."""


def sliced(rules: r.Rules, places: Collection[Place]) -> r.Rules | None:
    """Return the rules that the entries at some places need; None when something else stands at one of them.

    More than is needed may be in it, never less: a name that may stand for two values stands for both.
    """
    followed = Followed(rules)
    wanted = [part for part, entry in followed.entries.items() if entry.place in places]
    if {followed.entries[part].place for part in wanted} != set(places):
        return None
    return cut(rules, followed.all(wanted))


def cut(rules: r.Rules, needed: Collection[Part]) -> r.Rules:
    """Return the rules with no other entries and lines than these, and no checks or requests."""
    steps: list[r.Step] = []
    for number, step in enumerate(rules.steps):
        if isinstance(step, r.Entry):
            steps += [step] if (number, step.name) in needed else []
        elif (number, "") in needed:
            kept = tuple(entry for entry in step.entries if (number, entry.name) in needed)
            steps.append(replace(step, entries=kept))
    lines = {step.name: {one.name for one in step.entries} for step in steps if isinstance(step, r.LineRule)}
    working = frozenset((group, name) for group, name in rules.working if name in lines.get(group, ()))
    nothing = Type("record", fields={})
    return replace(rules, steps=tuple(steps), checks=(), requests=(), document=nothing, working=working)


Bound = Mapping[str, tuple[int, ...]]
"""Names that stand for one line at a time, each with the steps that may have made it."""
NOTHING: Bound = MappingProxyType({})


class Followed:
    """Follows the names of a rulebook to the entries that they may stand for."""

    def __init__(self, rules: r.Rules) -> None:
        self.rules = rules
        self.entries: dict[Part, r.Entry] = {}
        self.named: dict[str, Part] = {}
        self.groups: dict[str, int] = {}
        for number, step in enumerate(rules.steps):
            if isinstance(step, r.Entry):
                self.entries[number, step.name] = step
                self.named[step.name] = number, step.name
            else:
                self.groups[step.name] = number
                self.entries |= {(number, entry.name): entry for entry in step.entries}

    def all(self, wanted: Collection[Part]) -> set[Part]:
        """Return some parts with all that they are made of."""
        found: set[Part] = set()
        waiting = list(wanted)
        while waiting:
            part = waiting.pop()
            if part not in found:
                found.add(part)
                waiting += self.made_of(part)
        return found

    def parts(self) -> Iterator[Part]:
        """Yield every part, in the order of the steps."""
        for number, step in enumerate(self.rules.steps):
            if isinstance(step, r.Entry):
                yield number, step.name
            else:
                yield number, ""
                yield from ((number, entry.name) for entry in step.entries)

    def made_of(self, part: Part) -> Iterator[Part]:
        """Yield what a part reads."""
        number, name = part
        step = self.rules.steps[number]
        own = None if isinstance(step, r.Entry) else number
        if isinstance(step, r.LineRule):
            if not name:
                yield from [] if step.test is None else self.read(step.test, own)
                yield from [] if step.each is None else self.gone_through(step.each, own)
                return
            yield number, ""
        bound = self.bound(step.each, step.variable) if isinstance(step, r.LineRule) else NOTHING
        yield from self.in_value(self.entries[part].value, own, bound)

    def bound(self, each: ex.Expr | None, variable: str, bound: Bound = NOTHING) -> Bound:
        """Return what names stand for where `variable` goes through what `each` gives."""
        lines = self.lines(each, bound)
        return {name: steps for name, steps in bound.items() if name != variable} | (
            {variable: lines} if lines else {}
        )

    def lines(self, expr: ex.Expr | None, bound: Bound = NOTHING) -> tuple[int, ...]:
        """Return the steps that made the lines which an expression stands for; nothing where it is no lines."""
        if not isinstance(expr, ex.Name) or expr.name in self.named or expr.name in bound:
            return ()
        if expr.name == "lines":
            return tuple(self.groups.values())
        return (self.groups[expr.name],) if expr.name in self.groups else ()

    def in_value(self, value: r.Value, own: int | None, bound: Bound = NOTHING) -> Iterator[Part]:
        """Yield what a value reads; `own` is the line rule it stands in."""
        match value:
            case r.When(cases=cases, otherwise=otherwise):
                for case in cases:
                    yield from self.read(case.test, own, bound)
                    yield from self.in_value(case.then, own, bound)
                yield from self.in_value(otherwise, own, bound)
            case r.Collect(collection=collection, variable=variable, where=where, give=give):
                yield from self.gone_through(collection, own, bound)
                inner = self.bound(collection, variable, bound)
                yield from [] if where is None else self.read(where, own, inner)
                yield from self.in_value(give, own, inner)
            case r.Find(collection=collection, variable=variable, by=by, keys=keys, give=give):
                yield from self.gone_through(collection, own, bound)
                for key in keys:
                    yield from self.read(key, own, bound)
                inner = self.bound(collection, variable, bound)
                for one in by:
                    yield from self.read(one, own, inner)
                yield from self.in_value(give, own, inner)
            case r.Fields(test=test, fields=fields):
                yield from [] if test is None else self.read(test, own, bound)
                for part in fields.values():
                    yield from self.in_value(part, own, bound)
            case _:
                for expr in r.in_value(value):
                    yield from self.read(expr, own, bound)

    def gone_through(self, each: ex.Expr, own: int | None, bound: Bound = NOTHING) -> Iterator[Part]:
        """Yield what a loop reads by going through a list: of lines, only which there are."""
        lines = self.lines(each, bound)
        yield from ((number, "") for number in lines)
        yield from [] if lines else self.read(each, own, bound)

    def read(self, expr: ex.Expr, own: int | None, bound: Bound = NOTHING) -> Iterator[Part]:
        """Yield what an expression reads; `own` is the line rule it stands in."""
        match expr:
            case ex.Field(base=ex.Name(name=name), name=field) if name in bound:
                yield from ((number, field) for number in bound[name] if (number, field) in self.entries)
                yield from self.value(name, own)
            case ex.Name(name=name) if name in bound:
                yield from (part for part in self.entries if part[0] in bound[name])
                yield from self.value(name, own)
            case ex.Field(base=ex.Name(name=name), name=field) if name in self.groups or name == "lines":
                for number in self.groups.values() if name == "lines" else (self.groups[name],):
                    yield number, ""
                    yield from [(number, field)] if (number, field) in self.entries else []
                yield from self.value(name, own)
            case ex.Call(name="count", args=(ex.Name() as counted,)) if self.lines(counted, bound):
                yield from ((number, "") for number in self.lines(counted, bound))
                yield from self.value(counted.name, own)
            case ex.Name(name=name):
                if name == "lines" or name in self.groups:
                    numbers = set(self.groups.values()) if name == "lines" else {self.groups[name]}
                    yield from ((number, "") for number in numbers)
                    yield from (part for part in self.entries if part[0] in numbers)
                yield from self.value(name, own)
            case _:
                for part in ex.parts(expr):
                    yield from self.read(part, own, bound)

    def value(self, name: str, own: int | None) -> Iterator[Part]:
        """Yield the entry that a name stands for."""
        if own is not None and (own, name) in self.entries:
            yield own, name
        if name in self.named:
            yield self.named[name]
