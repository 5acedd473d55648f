"""Which fields of a payload the rules read, and where first: each by a path such as `customer.btw` or `rows[].tax`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from mapper.diagnostics import Place
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.origins import path_of, stands_for
from mapper.rulebook.reuse import remembered


def reads(rules: r.Rules) -> dict[str, Place]:
    """Return the fields that a source rulebook reads, with the place of the first rule that does."""
    found: dict[str, Place] = {}
    for path, place in _Reading(rules).all():
        found.setdefault(path, place)
    return found


@remembered
def settings_read(rules: r.Rules) -> frozenset[str]:
    """Return the settings that a rulebook reads, such as `invoice.term`; "" when it takes them as a whole."""
    parts: list[Any] = [*rules.checks, *rules.requests]
    for step in rules.steps:
        entries = (step,) if isinstance(step, r.Entry) else step.entries
        parts += [] if isinstance(step, r.Entry) else [step.test, step.each]
        parts += [entry.value for entry in entries]
    return frozenset().union(*map(settings_in, parts))


@remembered
def settings_in(rule: Any) -> frozenset[str]:
    """Return the settings that a part of the rules reads; "" when it takes them as a whole."""
    return frozenset(".".join(path[1:]) for path in _paths(rule) if path[0] == "tenant")


@remembered
def fields_in(rule: Any) -> frozenset[str]:
    """Return the fields of the document that a part of the target's rules reads; "" when it takes it as a whole."""
    return frozenset(path[1] if len(path) > 1 else "" for path in _paths(rule) if path[0] == "document")


def overlap(key: str, path: str) -> bool:
    """Tell whether a setting that differs is (in) what is read, or the other way about."""
    return not path or f"{key}.".startswith(f"{path}.") or f"{path}.".startswith(f"{key}.")


def _paths(rule: Any) -> Iterator[Sequence[str]]:
    """Yield the names that a part of the rules reads, each with the fields that it reads of it."""
    for expr in _expressions(rule):
        inside = set()
        for part in ex.walk(expr):
            if isinstance(part, ex.Field):
                inside.add(id(part.base))
            if id(part) not in inside and (path := path_of(part)):
                yield path


def _expressions(part: Any) -> Iterator[ex.Expr]:
    """Yield every expression in a part of the rules, whatever form it has."""
    if isinstance(part, ex.Expr):
        yield part
    elif is_dataclass(part):
        for one in fields(part):
            yield from _expressions(getattr(part, one.name))
    elif isinstance(part, Mapping):
        yield from _expressions(tuple(part.values()))
    elif isinstance(part, tuple | list):
        for inner in part:
            yield from _expressions(inner)


class _Reading:
    """Follows names to the payload: what stands for a part of it, and what loops go through."""

    def __init__(self, rules: r.Rules) -> None:
        self.rules = rules
        # Names that stand for a part of the payload, by its path; "" is the payload itself.
        self.names = {name: "" for name in rules.given if name != "tenant"}

    def all(self) -> Iterator[tuple[str, Place]]:
        for step in self.rules.steps:
            if isinstance(step, r.Entry):
                yield from self.entry(step, self.names)
                continue
            yield from self.expressions([step.test, step.each], self.names)
            inner = self.looped(step.each, step.variable, self.names)
            for entry in step.entries:
                yield from self.entry(entry, inner)
        for check in self.rules.checks:
            yield from self.expressions([check.each], self.names)
            inner = self.looped(check.each, check.variable, self.names)
            said = (check.test, *check.say.values(), *check.help.values(), *check.facts.values())
            yield from self.expressions(said, inner)

    def entry(self, entry: r.Entry, names: dict[str, str]) -> Iterator[tuple[str, Place]]:
        yield from self.value(entry.value, names)
        alias = stands_for(entry.value)
        path = None if alias is None else self.path(alias, names)
        names.pop(entry.name, None)
        if path is not None:
            names[entry.name] = path

    def value(self, value: r.Value, names: Mapping[str, str]) -> Iterator[tuple[str, Place]]:
        match value:
            case r.Collect(collection=collection, variable=variable, where=where, give=give):
                yield from self.expressions([collection], names)
                inner = self.looped(collection, variable, names)
                yield from self.expressions([where], inner)
                yield from self.value(give, inner)
            case r.Find(collection=collection, variable=variable, by=by, keys=keys, give=give):
                yield from self.expressions([collection, *keys], names)
                inner = self.looped(collection, variable, names)
                yield from self.expressions(by, inner)
                yield from self.value(give, inner)
            case r.When(cases=cases, otherwise=otherwise):
                yield from self.expressions([case.test for case in cases], names)
                for part in (*(case.then for case in cases), otherwise):
                    yield from self.value(part, names)
            case r.Fields(test=test, fields=fields):
                yield from self.expressions([test], names)
                for part in fields.values():
                    yield from self.value(part, names)
            case _:
                yield from self.expressions(r.in_value(value), names)

    def looped(self, each: ex.Expr | None, variable: str, names: Mapping[str, str]) -> dict[str, str]:
        inner = dict(names)
        inner.pop(variable, None)
        path = None if each is None else self.path(each, names)
        if path is not None:
            inner[variable] = f"{path}[]"
        return inner

    def expressions(
        self, some: Iterable[ex.Expr | None], names: Mapping[str, str]
    ) -> Iterator[tuple[str, Place]]:
        for whole in some:
            for part in ex.walk(whole) if whole is not None else ():
                if isinstance(part, ex.Field) and (path := self.path(part, names)):
                    yield path, part.place
                elif isinstance(part, ex.Call):
                    yield from self.columns(part, names)

    def columns(self, call: ex.Call, names: Mapping[str, str]) -> Iterator[tuple[str, Place]]:
        """Yield the fields that a function is told by name, as in `sum_of(order.discounts, 'amount')`."""
        if not call.args or call.args[0].type.kind != "list" or not (path := self.path(call.args[0], names)):
            return
        for arg in call.args[1:]:
            if isinstance(arg, ex.Const) and isinstance(arg.value, str):
                yield f"{path}[].{arg.value}", arg.place

    def path(self, expr: ex.Expr, names: Mapping[str, str]) -> str | None:
        match expr:
            case ex.Name(name=name):
                return names.get(name)
            case ex.Field(base=base, name=name):
                path = self.path(base, names)
                if path is None:
                    return None
                of_items = "[]" if base.type.kind == "list" else ""
                return f"{path}{of_items}.{name}" if path else name
            case ex.Fallback(operands=(first, *_)):
                return self.path(first, names)
            case _:
                return None
