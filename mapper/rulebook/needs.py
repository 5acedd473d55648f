"""Whether rules may need a value that can be absent: a quick look that spares making code of rules not used yet.

It knows, as the emitter does, where an absent value is no harm; it does not know what was looked at before, so where it
sees a need, the emitter decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.functions import Function
from mapper.rulebook.types import Type

_Needed = tuple[ex.Expr, bool]
"""An expression, and whether its value may be absent."""


def may_lack(rules: r.Rules, functions: Mapping[str, Function]) -> bool:
    """Tell whether any rule may need a value that the shop's API, or another rule, says there may not be."""
    return any(
        _lacks(expr, lenient, functions)
        for expr, lenient in _expressions(rules)
        if expr.place in rules.nullable or isinstance(expr, ex.Text)
    )


def _expressions(rules: r.Rules) -> Iterator[_Needed]:
    for step in rules.steps:
        if isinstance(step, r.Entry):
            yield from _in_value(step.value, lenient=False)
            continue
        yield from _must(step.test, step.each)
        for entry in step.entries:
            yield from _in_value(entry.value, lenient=False)
    for check in rules.checks:
        yield from _must(check.test, check.each)
        yield from _in_value(check.severity, lenient=False)
        for text in (*check.say.values(), *check.help.values()):
            yield from ((part, True) for part in text.parts if not isinstance(part, str))
        yield from ((fact, True) for fact in check.facts.values())
    for request in rules.requests:
        yield from _must(
            request.test, request.each, *(expr for pair in request.expect.values() for expr in pair)
        )
        yield from _in_value(request.params, lenient=True)
        if request.find is not None:
            yield from _must(request.find.test)
            yield from _in_value(request.find.params, lenient=True)
            yield from _in_value(request.find.same, lenient=True)


def _must(*expressions: ex.Expr | None) -> Iterator[_Needed]:
    return ((expr, False) for expr in expressions if expr is not None)


def _in_value(value: r.Value, *, lenient: bool) -> Iterator[_Needed]:
    match value:
        case r.When(cases=cases, otherwise=otherwise):
            for case in cases:
                yield case.test, False
                yield from _in_value(case.then, lenient=lenient)
            yield from _in_value(otherwise, lenient=lenient)
        case r.Match(subject=subject):
            yield subject, False
        case r.Find(collection=collection, by=by, keys=keys, give=give):
            yield from _must(collection, *by, *keys)
            yield from _in_value(give, lenient=True)
        case r.Collect(collection=collection, where=where, give=give):
            yield from _must(collection, where)
            yield from _in_value(give, lenient=lenient)
        case r.Fields(test=test, fields=inner):
            yield from _must(test)
            for part in inner.values():
                yield from _in_value(part, lenient=lenient)
        case r.Several(every=every, tests=tests):
            yield from _logic(tests, every=every)
        case r.Placeholder():
            return
        case _:
            yield value, lenient


def _logic(tests: Iterable[ex.Expr], *, every: bool) -> Iterator[_Needed]:
    *first, last = tests
    yield from ((test, not every) for test in first)
    yield last, False


def _lacks(expr: ex.Expr, lenient: bool, functions: Mapping[str, Function]) -> bool:
    own = expr.__class__
    if own is ex.Name:
        return not lenient and _may_be_absent(expr.type)
    if own is ex.Const:
        return False
    absent, inside = _parts(expr, lenient, functions)
    return absent or any(_lacks(part, harmless, functions) for part, harmless in inside)


def _parts(expr: ex.Expr, lenient: bool, functions: Mapping[str, Function]) -> tuple[bool, Iterable[_Needed]]:
    """Return whether the value itself may be lacking, and its parts."""
    match expr:
        case ex.Field(base=base):
            each = base.type.kind == "list"
            return (each or not lenient) and _may_be_absent(expr.type), ((base, not each),)
        case ex.Call(name=name, args=args):
            function = functions[name]
            absent = not lenient and function.returns.optional and expr.type.nullable
            return absent, [(arg, function.lenient) for arg in args]
        case ex.Logic(op=op, operands=operands):
            return False, _logic(operands, every=op == "and")
        case ex.Fallback(operands=operands):
            return False, [*((one, True) for one in operands[:-1]), (operands[-1], lenient)]
        case ex.Cond(test=test, then=then, otherwise=otherwise):
            return False, ((test, False), (then, lenient), (otherwise, lenient))
        case ex.Filled(operand=operand):
            return False, ((operand, True),)
        case _:
            harmless = isinstance(expr, ex.Text)
            return False, [(part, harmless) for part in ex.parts(expr)]


def _may_be_absent(kind: Type) -> bool:
    return kind.optional and kind.nullable
