"""Comparisons that have the same outcome whatever a document holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapper.diagnostics import Place
from mapper.rulebook.tree import Binary, Call, Compare, Const, Expr, Logic

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


def outcome(tests: Sequence[Expr], written: Mapping[Place, str], *, every: bool) -> bool | None:
    """Return False when `tests` never hold together, or True when one of them always does; None when it depends.

    `every`: all of them must hold, else any.
    """
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
        yield _Bound(name, turned if every else _OPPOSITE[turned], value)
        if isinstance(subject, Call) and subject.name in _NEVER_BELOW_ZERO:
            yield _Bound(name, ">=", Decimal(0))


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
