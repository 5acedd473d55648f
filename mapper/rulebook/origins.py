"""Where a value comes from: the fields of the payload that a rule read, followed through the rules it was made by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.compiler import Compiled
from mapper.rulebook.emitter import LINE, root

MOST = 3


def origins(compiled: Compiled, records: Sequence[tuple[int, Any, Any]], expr: ex.Expr) -> list[str]:
    """Return the fields of the payload that a value without anything in it was made from, at most three.

    `records` are the values computed so far; of a `when` only the case that applied is followed. Empty when the value
    comes from settings or constants alone.
    """
    latest: dict[str, tuple[r.Entry, int]] = {}
    for number, _, case in records:
        if number != LINE:
            entry = compiled.entries[number]
            latest[entry.name] = entry, case
    return list(dict.fromkeys(_Trail(compiled.rules, latest).of(expr)))[:MOST]


@dataclass(slots=True)
class _Trail:
    """Follows values back; `latest` is the entry that last gave each name its value, with the case that applied."""

    rules: r.Rules
    latest: dict[str, tuple[r.Entry, int]]
    followed: set[str] = field(default_factory=set)

    def of(self, value: r.Value, case: int | None = None) -> Iterator[str]:
        match value:
            case r.When() if case is not None:
                yield from self.of(value.cases[case].then if case >= 0 else value.otherwise)
            case ex.Name() | ex.Field():
                yield from self.named(value)
            case ex.Cond(then=then, otherwise=otherwise):
                yield from (found for side in (then, otherwise) for found in self.of(side))
            case ex.Expr():
                for part in ex.parts(value):
                    yield from self.of(part)
            case _:
                for expr in r.in_value(value):
                    yield from self.of(expr)

    def named(self, expr: ex.Expr) -> Iterator[str]:
        """Yield where a name or field leads."""
        name, *fields = path_of(expr)
        if name == "tenant":
            return
        if name in self.rules.given:
            yield ".".join((self.rules.reads, *fields))
        elif name in self.latest:
            yield from self.made(name, fields)
        else:
            yield from self.of_lines(name, fields)

    def made(self, name: str, fields: Sequence[str]) -> Iterator[str]:
        """Yield where a value that a rule made comes from: what it stands for, one of its fields, or all of it."""
        entry, case = self.latest[name]
        value = entry.value
        if isinstance(value, r.Fields) and fields and fields[0] in value.fields:
            yield from self.of(value.fields[fields[0]])
        elif stands_for(value) is not None and fields:
            for found in self.of(value):
                yield ".".join((found, *fields))
        elif name not in self.followed:
            self.followed.add(name)
            yield from self.of(value, case)

    def of_lines(self, name: str, fields: Sequence[str]) -> Iterator[str]:
        """Yield where an item of a loop, or a group of lines, comes from."""
        for step in self.rules.steps:
            if not isinstance(step, r.LineRule) or step.each is None:
                continue
            if name == step.variable and root(step.each) in self.rules.given:
                yield ".".join((name, *fields))
                return
            if name in {step.variable, step.name}:
                yield from self.of(step.each)
                return


def path_of(expr: ex.Expr) -> list[str]:
    """Return the names of a field, from its root: `order.paid` is order, paid."""
    names: list[str] = []
    while isinstance(expr, ex.Field):
        names.insert(0, expr.name)
        expr = expr.base
    return [expr.name if isinstance(expr, ex.Name) else "", *names]


def stands_for(value: r.Value) -> ex.Expr | None:
    """Return the field that a value is but another name of, as in `_billing: order.billing` and `… or none`."""
    match value:
        case ex.Name() | ex.Field():
            return value
        case ex.Fallback(operands=(first, ex.Const(value=None))):
            return stands_for(first)
        case _:
            return None
