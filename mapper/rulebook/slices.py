"""The part of a rulebook that some of its values are made by: those values and all that they are made of.

A version of the rules in which only these entries are others gives the same document wherever they give the same
values: all other rules, and what those read, are the same. So of most documents only this part need be mapped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

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
    followed = _Followed(rules)
    wanted = [part for part, entry in followed.entries.items() if entry.place in places]
    if {followed.entries[part].place for part in wanted} != set(places):
        return None
    needed = followed.all(wanted)
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


class _Followed:
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
        """Return some entries with all that they are made of."""
        found: set[Part] = set()
        waiting = list(wanted)
        while waiting:
            part = waiting.pop()
            if part not in found:
                found.add(part)
                waiting += self.made_of(part)
        return found

    def made_of(self, part: Part) -> Iterator[Part]:
        number, name = part
        step = self.rules.steps[number]
        own = None if isinstance(step, r.Entry) else number
        if name:
            yield from [] if own is None else [(number, "")]
            for expr in r.in_value(self.entries[part].value):
                yield from self.read(expr, own)
        elif isinstance(step, r.LineRule):
            for inner in (step.test, step.each):
                yield from [] if inner is None else self.read(inner, own)

    def read(self, expr: ex.Expr, own: int | None) -> Iterator[Part]:
        """Yield what an expression reads; `own` is the line rule it stands in."""
        match expr:
            case ex.Field(base=ex.Name(name=name), name=field) if name in self.groups or name == "lines":
                for number in self.groups.values() if name == "lines" else (self.groups[name],):
                    yield number, ""
                    yield from [(number, field)] if (number, field) in self.entries else []
                yield from self.value(name, own)
            case ex.Name(name=name):
                numbers = (
                    self.groups.values()
                    if name == "lines"
                    else [self.groups[name]]
                    if name in self.groups
                    else []
                )
                yield from (part for part in self.entries if part[0] in numbers)
                yield from ((number, "") for number in numbers)
                yield from self.value(name, own)
            case _:
                for part in ex.parts(expr):
                    yield from self.read(part, own)

    def value(self, name: str, own: int | None) -> Iterator[Part]:
        if own is not None and (own, name) in self.entries:
            yield own, name
        if name in self.named:
            yield self.named[name]
