"""The typed tree of an expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from mapper.diagnostics import Place
from mapper.rulebook.types import Type


@dataclass(frozen=True, slots=True)
class Expr:
    """A part of an expression, with its type and its place in the file."""

    type: Type
    place: Place


@dataclass(frozen=True, slots=True)
class Const(Expr):
    """A constant: a text, a number, true or false, or none."""

    value: str | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class ListOf(Expr):
    """A list of constants."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """The value of a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(Expr):
    """`base.name` of a record, or of every record of a list (then the type is a list)."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """A calculation."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """One comparison, or several in a chain."""

    ops: tuple[str, ...]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Logic(Expr):
    """Conditions joined by `and` or `or`."""

    op: Literal["and", "or"]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Fallback(Expr):
    """`a or b` on values: the first that is filled."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not(Expr):
    """The opposite of a condition."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Cond(Expr):
    """`then if test else otherwise`."""

    test: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Filled(Expr):
    """Whether there is something."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A call of a named function."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Text(Expr):
    """A text with `{expressions}` in it; parts are constants and expressions in order."""

    parts: tuple[str | Expr, ...]


def parts(expr: Expr) -> Iterable[Expr]:
    """Return the parts directly below an expression."""
    match expr:
        case Field(base=base):
            return (base,)
        case Binary(left=left, right=right):
            return (left, right)
        case Compare(operands=operands) | Logic(operands=operands) | Fallback(operands=operands):
            return operands
        case Not(operand=operand) | Filled(operand=operand):
            return (operand,)
        case Cond(test=test, then=then, otherwise=otherwise):
            return (test, then, otherwise)
        case Call(args=args):
            return args
        case ListOf(items=items):
            return items
        case Text(parts=pieces):
            return tuple(piece for piece in pieces if isinstance(piece, Expr))
        case _:
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all its parts."""
    yield expr
    for part in parts(expr):
        yield from walk(part)
