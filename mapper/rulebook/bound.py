"""How much work a rulebook can be at most, known when it loads: the language has no loops but those over lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mapper.rulebook import rules as r
from mapper.rulebook.tree import Expr, walk


@dataclass(frozen=True, slots=True)
class Bound:
    """Operations (names, fields, calculations, comparisons, calls): for a document, and for each of its rows."""

    document: int
    row: int

    def of(self, rows: int) -> int:
        """Return the most operations for a document of so many rows."""
        return self.document + rows * self.row


def bound(rules: r.Rules) -> Bound:
    """Return the bound of a rulebook. What goes through a list counts for every row, the settings' lists included."""
    document = row = 0
    for step in rules.steps:
        if isinstance(step, r.Entry):
            once, each = _value(step.value)
            document, row = document + once, row + each
            continue
        inside = sum(sum(_value(entry.value)) for entry in step.entries)
        document += _sum([step.test, step.each])
        document, row = (document, row + inside) if step.each is not None else (document + inside, row)
    for check in rules.checks:
        inside = _sum([check.test, *check.say.values(), *check.help.values(), *check.facts.values()])
        document, row = (document, row + inside) if check.each is not None else (document + inside, row)
    for request in rules.requests:
        once, each = _request(request)
        document, row = document + once, row + each
    return Bound(document, row)


def _request(request: r.RequestRule) -> tuple[int, int]:
    parts: list[r.Value] = [request.params]
    if request.find is not None:
        parts += [request.find.params, request.find.same]
    once = sum(_value(part)[0] for part in parts) + _sum([request.test, request.each])
    once += _sum([expr for pair in request.expect.values() for expr in pair])
    each = sum(_value(part)[1] for part in parts)
    return (0, once + each) if request.each is not None else (once, each)


def _value(value: r.Value) -> tuple[int, int]:
    """Return the operations of a value: once, and for each item of a list it goes through."""
    match value:
        case r.Collect(collection=collection, where=where, give=give):
            return _sum([collection]), _sum([where]) + sum(_value(give))
        case r.Find(collection=collection, by=by, keys=keys, give=give):
            return _sum([collection, *keys]) + sum(_value(give)), _sum(by)
        case r.Fields(test=test, fields=fields):
            inner = [_value(part) for part in fields.values()]
            return _sum([test]) + sum(one for one, _ in inner), sum(each for _, each in inner)
        case r.When(cases=cases, otherwise=otherwise):
            inner = [_value(case.then) for case in cases] + [_value(otherwise)]
            tests = _sum(case.test for case in cases)
            return tests + sum(one for one, _ in inner), sum(each for _, each in inner)
        case r.Match(rows=rows):
            return _sum(r.in_value(value)) + sum(len(row.words) for row in rows), 0
        case _:
            return _sum(r.in_value(value)), 0


def _sum(expressions: Iterable[Expr | None]) -> int:
    return sum(1 for expr in expressions if expr is not None for _ in walk(expr))
