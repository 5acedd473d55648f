"""Comparisons that have the same outcome whatever a document holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from mapper.diagnostics import Place
from mapper.rulebook.tree import Binary, Call, Compare, Const, Expr, ListOf, Logic, Not

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_NEVER_BELOW_ZERO = frozenset({"count", "abs"})


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a comparison says of its subject, as that was written: that it is `op` a constant."""

    subject: str
    op: str
    value: Decimal | str | bool


def constant(expr: Expr) -> Decimal | str | bool | None:
    """Return the value of a constant; a sign before a number belongs to it. None is none."""
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Binary) and expr.op == "-":
        left, right = constant(expr.left), constant(expr.right)
        if left == 0 and isinstance(right, Decimal):
            return -right
    return None


def certain(test: Expr) -> bool | None:
    """Return whether a condition holds when constants alone decide that; None when it depends, or was not read."""
    if test.type.unread:
        return None
    match test:
        case Const(value=bool() as value):
            return value
        case Not(operand=operand):
            inner = certain(operand)
            return None if inner is None else not inner
        case Logic(op=op, operands=operands):
            return _decided([certain(operand) for operand in operands], every=op == "and")
        case Compare(ops=ops, operands=operands):
            pairs = zip(ops, operands, operands[1:], strict=False)
            return _decided([_compared(*pair) for pair in pairs], every=True)
        case _:
            return None


def _decided(known: Sequence[bool | None], *, every: bool) -> bool | None:
    if (not every) in known:
        return not every
    return every if known and None not in known else None


def _compared(op: str, left: Expr, right: Expr) -> bool | None:
    one = constant(left)
    if one is not None and isinstance(right, ListOf):
        return (one in map(constant, right.items)) is (op == "in")
    other = constant(right)
    return None if one is None or type(one) is not type(other) or op not in _HOLDS else _HOLDS[op](one, other)


def outcome(tests: Sequence[Expr], written: Mapping[Place, str], *, every: bool) -> bool | None:
    """Return False when `tests` never hold together, or True when one of them always does; None when it depends.

    `every`: all of them must hold, else any.
    """
    known = _decided([certain(test) for test in tests], every=every)
    if known is not None:
        return known
    said = [_said(test, written, every=every) for test in tests]
    if _contradict([bound for bounds in said for bound in bounds]):
        return not every
    return None


def _said(test: Expr, written: Mapping[Place, str], *, every: bool) -> list[_Bound]:
    """Return what a test says of constants; where any test will do, what holds when it does not."""
    if every and isinstance(test, Logic) and test.op == "and":
        return [bound for operand in test.operands for bound in _said(operand, written, every=True)]
    if not every and isinstance(test, Logic) and test.op == "or":
        return [bound for operand in test.operands for bound in _said(operand, written, every=False)]
    if not isinstance(test, Compare) or not (every or len(test.ops) == 1):
        return []
    return list(_bounds(test, written, every=every))


def _bounds(test: Compare, written: Mapping[Place, str], *, every: bool) -> Iterator[_Bound]:
    for op, left, right in zip(test.ops, test.operands, test.operands[1:], strict=False):
        if op not in _TURNED:
            continue
        first, second = constant(left), constant(right)
        if (first is None) == (second is None):
            continue
        subject, value = (left, second) if first is None else (right, first)
        assert value is not None
        turned = op if first is None else _TURNED[op]
        name = " ".join(written.get(subject.place, "").split())
        yield _whole(subject, _Bound(name, turned if every else _OPPOSITE[turned], value))
        if isinstance(subject, Call) and subject.name in _NEVER_BELOW_ZERO:
            yield _Bound(name, ">=", Decimal(0))


def _whole(subject: Expr, bound: _Bound) -> _Bound:
    """Return the bound of a whole number as the last one that it allows: above 0 is from 1."""
    if subject.type.kind != "integer" or bound.op not in {"<", ">"} or not isinstance(bound.value, Decimal):
        return bound
    if bound.op == ">":
        return _Bound(bound.subject, ">=", bound.value.to_integral_value(ROUND_FLOOR) + 1)
    return _Bound(bound.subject, "<=", bound.value.to_integral_value(ROUND_CEILING) - 1)


def _contradict(bounds: Sequence[_Bound]) -> bool:
    """Tell whether one value cannot be all that is said of it."""
    for subject, kind in {(bound.subject, type(bound.value)) for bound in bounds}:
        own = [bound for bound in bounds if bound.subject == subject and type(bound.value) is kind]
        if any(_exclude(one, other) for one in own for other in own):
            return True
    return False


def _exclude(one: _Bound, other: _Bound) -> bool:
    if one.op == "==":
        return not _HOLDS[other.op](one.value, other.value)
    if one.op[0] == "<" and other.op[0] == ">":
        # Below a and above b: only a itself is left where both are the same and neither is strict.
        holds = operator.ge if one.op == "<=" and other.op == ">=" else operator.gt
        return not holds(one.value, other.value)
    return False
