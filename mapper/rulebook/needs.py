"""Whether an expression may need a value that can be absent: a look that spares making code of rules not used yet.

It knows, as the emitter does, where an absent value is no harm; it does not know what was looked at before, so where it
sees a need, the emitter decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mapper.rulebook import tree as ex
from mapper.rulebook.functions import Function
from mapper.rulebook.types import Type

_Needed = tuple[ex.Expr, bool]
"""An expression, and whether its value may be absent."""


def lacks(expr: ex.Expr, functions: Mapping[str, Function], *, lenient: bool = False) -> bool:
    """Tell whether an expression may need a value that the shop's API, or another rule, says there may not be.

    `lenient`: the expression itself may have none.
    """
    own = expr.__class__
    if own is ex.Name:
        return not lenient and _may_be_absent(expr.type)
    if own is ex.Const:
        return False
    absent, inside = _parts(expr, lenient, functions)
    return absent or any(lacks(part, functions, lenient=harmless) for part, harmless in inside)


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
            return False, [*((one, op == "or") for one in operands[:-1]), (operands[-1], False)]
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
