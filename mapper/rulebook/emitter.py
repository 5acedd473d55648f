"""Expressions turned into Python syntax nodes, with payload fields read once, checked, before they are first used."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, TypeVar

from mapper.diagnostics import Place
from mapper.money import decimal_text
from mapper.rulebook import tree as ex
from mapper.rulebook.functions import Function, euros, shown
from mapper.rulebook.runtime import READERS, as_item, column, exact, filled, missing
from mapper.rulebook.source import FILE_LINES
from mapper.rulebook.types import Type

_Node = TypeVar("_Node", bound=ast.AST)


LINE = -1
"""The entry number that marks the beginning of a line in a trace: (LINE, line rule, item)."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place that needs a value: how it is called, which expression gives it, and whether it may be absent.

    `outside`: it is a field of the payload, and the shop's API says so; else a rule gives none.
    """

    what: str
    expr: ex.Expr
    nullable: bool = False
    outside: bool = False

    @property
    def place(self) -> Place:
        """Where the rule asks for it."""
        return self.expr.place


@dataclass(slots=True)
class Scope:
    """Variables by their names in the rules, cached loads and values known to be present, in a block and around it.

    Most blocks add little or nothing, so an inner scope shares what its outer one has until it adds something.
    """

    names: Mapping[str, str]
    loads: Mapping[tuple[str, str], str] = field(default_factory=dict)
    sure: frozenset[str] | set[str] = frozenset()
    own_names: dict[str, str] | None = None
    own_loads: dict[tuple[str, str], str] | None = None
    own_sure: set[str] | None = None

    def inner(self) -> Scope:
        """Return a scope for a block inside this one, which is not added to before that block ends."""
        return Scope(self.names, self.loads, self.sure)

    def name(self, name: str, variable: str) -> None:
        """Add a variable: its name in the rules and in the code."""
        if self.own_names is None:
            self.names = self.own_names = dict(self.names)
        self.own_names[name] = variable

    def loaded(self, key: tuple[str, str], variable: str) -> None:
        """Add the variable that holds a field, by (variable of the record, field)."""
        if self.own_loads is None:
            self.loads = self.own_loads = dict(self.loads)
        self.own_loads[key] = variable

    def known(self, variable: str) -> None:
        """Add a variable that is known to hold something."""
        if self.own_sure is None:
            self.sure = self.own_sure = set(self.sure)
        self.own_sure.add(variable)


class Variable(ast.Name):
    """The code that reads a variable. It cannot fail, so nobody asks for its place: thousands need none of theirs."""

    lineno = end_lineno = 1
    col_offset = end_col_offset = 0


class Constant(ast.Constant):
    """The code of a constant, which cannot fail either."""

    lineno = end_lineno = 1
    col_offset = end_col_offset = 0


@lru_cache(maxsize=50_000)
def load(name: str) -> ast.expr:
    """Return the code that reads a variable."""
    return Variable(name, ast.Load())


def assigned(name: str, value: ast.expr) -> ast.stmt:
    """Return the statement that sets a variable."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def call(function: ast.expr | str, *args: ast.expr) -> ast.expr:
    """Return a call of a function, by its name or its code."""
    return ast.Call(load(function) if isinstance(function, str) else function, list(args), [])


def method(base: ast.expr, name: str, *args: ast.expr) -> ast.expr:
    """Return a call of a method."""
    return call(ast.Attribute(base, name, ast.Load()), *args)


def is_(value: ast.expr, other: ast.expr, *, negated: bool = False) -> ast.expr:
    """Return a test of identity."""
    return ast.Compare(value, [ast.IsNot() if negated else ast.Is()], [other])


NONE = Constant(None)
LEAVES = frozenset((Variable, Constant))
_OPS: Mapping[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}
_COMPARISONS: Mapping[str, ast.cmpop] = {
    "==": ast.Eq(), "!=": ast.NotEq(), "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE(), "in": ast.In(),
    "not in": ast.NotIn(),
}  # fmt: skip


def surroundings(functions: Mapping[str, Function]) -> dict[str, Any]:
    """Return what compiled code finds around it, besides the constants of its own rules."""
    around: dict[str, Any] = {
        "__builtins__": {}, "missing": missing, "column": column, "as_item": as_item, "exact": exact, "filled": filled,
        "shown": shown, "euros": euros, "decimal_text": decimal_text, "Decimal": Decimal, "sum": sum, "len": len,
        "enumerate": enumerate, "zero": Decimal(0), "half_up": ROUND_HALF_UP,
    }  # fmt: skip
    for kind, (reader, python_type) in READERS.items():
        around[f"as_{kind}"], around[f"is_{kind}"] = reader, python_type
    return around | {f"f_{name}": function.call for name, function in functions.items()}


class Emitter:
    """Emits statements into the current block. `names` are the variables to begin with, by their names in the rules.

    `files` are those the rulebook's entries stand in, its own first.
    `hidden` are working values of lines that other rules read, as (group, name).
    `apart`: the numbers of entries, sites and rules are global variables, which are set when code is joined.
    """

    def __init__(
        self,
        files: Sequence[str],
        functions: Mapping[str, Function],
        names: Mapping[str, str],
        hidden: set[tuple[str, str]],
        *,
        traced: bool,
        apart: bool = False,
    ) -> None:
        self.first_lines = {file: FILE_LINES * number for number, file in enumerate(files)}
        self.functions = functions
        self.outer = names
        self.hidden = hidden
        self.traced = traced
        self.apart = apart
        self.sites: list[Site] = []
        self.constants: dict[str, Any] = {}
        self.used: dict[str, str] = {}
        self.bind_block: list[ast.stmt] = []
        self.block: list[ast.stmt] = []
        self.bind_scope = Scope({"tenant": names["tenant"]})
        self.scope = Scope(names)
        self.conditional = 0
        self.counter = 0

    def number(self, kind: str, number: int) -> ast.expr:
        """Return the number of an entry, a site or a rule."""
        return load(f"{kind}{number}") if self.apart else Constant(number)

    @contextmanager
    def branch(self, test: ast.expr, place: Place) -> Iterator[ast.If]:
        """Fill the body of an `if`."""
        statement = ast.If(test, [], [])
        self.block.append(self.at(statement, place))
        with self.within(statement.body):
            yield statement

    def at(self, node: _Node, place: Place) -> _Node:
        """Give a node its place in the YAML; code has one file, so lines of the other files are counted after it."""
        line, column = place.line + self.first_lines.get(place.file, 0), place.column - 1
        placed = {"lineno": line, "end_lineno": line, "col_offset": column}
        placed["end_col_offset"] = column + (place.length or 1)
        node.__dict__.update(placed)
        node.__dict__["placed"] = placed
        return node

    def put(self, variable: str, value: ast.expr, place: Place) -> None:
        """Emit the assignment of a value, at a place of the YAML."""
        self.block.append(self.at(assigned(variable, value), place))

    @contextmanager
    def within(self, block: list[ast.stmt]) -> Iterator[None]:
        """Emit into another block, in a scope of its own."""
        saved = self.block, self.scope, self.conditional
        self.block, self.scope, self.conditional = block, self.scope.inner(), 0
        yield
        if not block:
            block.append(ast.Pass())
        self.block, self.scope, self.conditional = saved

    @contextmanager
    def guarded(self, test: ex.Expr | None, place: Place) -> Iterator[None]:
        """Fill a block that is run when a test holds, if there is one."""
        if test is None:
            yield
            return
        with self.branch(self.emit(test), place):
            yield

    @contextmanager
    def looped(
        self, each: ex.Expr | None, variable: str, place: Place, *, line: ast.expr | None = None
    ) -> Iterator[ast.expr | None]:
        """Fill the body of a loop over `each`, or of nothing; yields the expression that counts the items.

        `line` is the number of the line rule it makes lines for: a trace marks where each begins.
        """
        if each is None:
            self.mark(line, Constant(0))
            yield None
            return
        name = f"e_{variable}"
        target: ast.expr = ast.Name(name, ast.Store())
        over, item = self.emit(each), None
        if self.traced:
            counter = f"n_{variable}"
            target = ast.Tuple([ast.Name(counter, ast.Store()), target], ast.Store())
            over, item = call("enumerate", over), load(counter)
        statement = ast.For(target, over, [], [])
        self.block.append(self.at(statement, place))
        with self.within(statement.body):
            kind = each.type.item or Type("any")
            self.scope.name(variable, name)
            self.mark(line, item)
            if kind.outside:
                self.check_kind(name, kind, variable, place, item=True)
            yield item

    def mark(self, line: ast.expr | None, item: ast.expr | None) -> None:
        """Emit, in a trace, that a line begins: (LINE, line rule, item)."""
        if self.traced and line is not None and item is not None:
            marks: list[ast.expr] = [Constant(LINE), line, item]
            self.block.append(ast.Expr(call("record", ast.Tuple(marks, ast.Load()))))

    @contextmanager
    def binding(self) -> Iterator[None]:
        """Emit where the settings are bound, before any payload."""
        saved = self.block, self.scope, self.conditional, self.traced
        self.block, self.scope, self.conditional, self.traced = self.bind_block, self.bind_scope, 0, False
        yield
        self.block, self.scope, self.conditional, self.traced = saved

    def emit(self, expr: ex.Expr, *, lenient: bool = False) -> ast.expr:
        """Return the code of an expression; `lenient`: its value may be absent."""
        code = self.emit_kind(expr, lenient)
        return code if code.__class__ in LEAVES else self.at(code, expr.place)

    def emit_kind(self, expr: ex.Expr, lenient: bool) -> ast.expr:  # noqa: C901, PLR0912 (one arm per kind)
        """Return the code of an expression by its kind, those that are most frequent first."""
        match expr:
            case ex.Name(name=name):
                variable = self.scope.names[name]
                if self.outer.get(name) == variable:
                    self.used[name] = variable
                return self.needed(variable, expr, lenient)
            case ex.Field():
                return self.field(expr, lenient)
            case ex.Const(value=value):
                return load(self.constant(value)) if isinstance(value, Decimal) else Constant(value)
            case ex.Call():
                return self.function(expr, lenient)
            case ex.Text(parts=pieces):
                return self.text(pieces)
            case ex.ListOf(items=items):
                return ast.Tuple([self.emit(item) for item in items], ast.Load())
            case ex.Binary(op=op, left=left, right=right):
                return ast.BinOp(self.decimal(left), _OPS[op], self.decimal(right))
            case ex.Compare(ops=ops, operands=operands):
                first, *rest = [self.emit(operand) for operand in operands]
                return ast.Compare(first, [_COMPARISONS[op] for op in ops], rest)
            case ex.Logic(op=op, operands=operands):
                return self.logic(ast.And() if op == "and" else ast.Or(), operands)
            case ex.Fallback(operands=operands):
                return self.exact(expr, operands, self.fallback(operands, lenient))
            case ex.Not(operand=operand):
                return ast.UnaryOp(ast.Not(), self.emit(operand))
            case ex.Cond(test=test, then=then, otherwise=otherwise):
                condition = self.emit(test)
                with self.perhaps():
                    sides = self.emit(then, lenient=lenient), self.emit(otherwise, lenient=lenient)
                return self.exact(expr, (then, otherwise), ast.IfExp(condition, *sides))
            case ex.Filled(operand=operand):
                return self.filled(operand)
        raise AssertionError(expr)

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """Emit what is not always evaluated."""
        self.conditional += 1
        yield
        self.conditional -= 1

    def decimal(self, expr: ex.Expr) -> ast.expr:
        """Return a calculation's operand; whole numbers become Decimal, so that no float can come of them."""
        code = self.emit(expr)
        return call("Decimal", code) if expr.type.kind in {"integer", "any"} else code

    def exact(self, whole: ex.Expr, sides: Iterable[ex.Expr], code: ast.expr) -> ast.expr:
        """Return the code of a number; a side that is a whole number becomes Decimal, as `decimal` has it."""
        mixed = whole.type.kind == "number" and any(side.type.kind == "integer" for side in sides)
        return call("exact", code) if mixed else code

    def logic(self, op: ast.boolop, tests: Iterable[ex.Expr]) -> ast.expr:
        """Return conditions joined by `and` or `or`."""
        first, *rest = tests
        # An absent flag is false; only the last side of an `or` must be there.
        codes = [self.emit(first, lenient=isinstance(op, ast.Or) and bool(rest))]
        with self.perhaps():
            codes += [
                self.emit(test, lenient=isinstance(op, ast.Or) and test is not rest[-1]) for test in rest
            ]
        return codes[0] if len(codes) == 1 else ast.BoolOp(op, codes)

    def fallback(self, operands: tuple[ex.Expr, ...], lenient: bool) -> ast.expr:
        """Return the first filled operand."""
        first, *rest = operands
        if not rest:
            return self.emit(first, lenient=lenient)
        value = self.emit(first, lenient=True)
        if not isinstance(value, ast.Name):
            name = self.fresh()
            value = ast.NamedExpr(ast.Name(name, ast.Store()), value)
            again: ast.expr = load(name)
        else:
            again = load(value.id)
        with self.perhaps():
            other = self.fallback(tuple(rest), lenient)
        if first.type.kind == "text":
            # A text is filled exactly when it is true.
            return ast.IfExp(value, again, other)
        test = is_(value, NONE, negated=True)
        if first.type.kind == "any":
            test = ast.BoolOp(ast.And(), [test, ast.Compare(again, [ast.NotEq()], [Constant("")])])
        return ast.IfExp(test, again, other)

    def filled(self, operand: ex.Expr) -> ast.expr:
        """Return a test whether there is something."""
        value = self.emit(operand, lenient=True)
        if operand.type.kind in {"text", "any"}:
            return call("filled", value)
        if operand.type.kind == "list":
            return ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), value))
        return is_(value, NONE, negated=True)

    def function(self, expr: ex.Call, lenient: bool) -> ast.expr:
        """Return a call of a rule function."""
        function = self.functions[expr.name]
        wanted = [*function.params, *([function.params[-1]] * (len(expr.args) - len(function.params)))]
        args = [
            self.decimal(arg) if param.kind == "number" else self.emit(arg, lenient=function.lenient)
            for arg, param in zip(expr.args, wanted, strict=True)
        ]
        code = self.direct(expr, args) or call(f"f_{expr.name}", *args)
        if function.returns.optional and not lenient and not (function.lenient and _always_given(expr)):
            return self.needed_value(code, expr)
        return code

    def direct(self, expr: ex.Call, args: list[ast.expr]) -> ast.expr | None:
        """Return code without a call of ours for the functions used most."""
        if expr.name == "sum":
            return call("sum", args[0], load("zero"))
        if expr.name == "decimal_text" and isinstance(places := expr.args[1], ex.Const):
            assert isinstance(places.value, Decimal)
            return call("decimal_text", args[0], Constant(int(places.value)))
        if expr.name == "count" and not expr.args[0].type.optional:
            return call("len", args[0])
        if expr.name == "round_half_up" and isinstance(places := expr.args[1], ex.Const):
            assert isinstance(places.value, Decimal)
            step = self.constant(Decimal(1).scaleb(-int(places.value)))
            return method(args[0], "quantize", load(step), load("half_up"))
        return None

    def text(self, pieces: Iterable[str | ex.Expr]) -> ast.expr:
        """Return a text with its expressions filled in."""
        values: list[ast.expr] = []
        for piece in pieces:
            if isinstance(piece, str):
                values.append(Constant(piece))
            else:
                values.append(ast.FormattedValue(call("shown", self.emit(piece, lenient=True)), -1))
        if all(isinstance(value, ast.Constant) for value in values):
            return Constant("".join(str(piece) for piece in pieces))
        return ast.JoinedStr(values)

    def field(self, expr: ex.Field, lenient: bool) -> ast.expr:
        """Return a field of a record, or of each record of a list."""
        if expr.base.type.kind == "list":
            return self.projection(expr)
        base = self.emit(expr.base, lenient=True)
        if not isinstance(base, ast.Name):
            name = self.fresh()
            self.put(name, base, expr.place)
            base = Variable(name, ast.Load())
        return self.needed(self.loaded(base.id, expr), expr, lenient)

    def loaded(self, base: str, expr: ex.Field) -> str:
        """Return the variable that holds a field, reading it before the current statement if that was not done yet."""
        key = (base, expr.name)
        if key in self.scope.loads:
            return self.scope.loads[key]
        if root(expr) == "tenant":
            with self.binding():
                return self.read(base, expr)
        return self.read(base, expr)

    def read(self, base: str, expr: ex.Field) -> str:
        """Emit the read of a field, once in each block."""
        key = (base, expr.name)
        if key in self.scope.loads:
            return self.scope.loads[key]
        name = self.fresh()
        value = method(load(base), "get", Constant(expr.name))
        if expr.base.type.optional and base not in self.scope.sure:
            value = ast.IfExp(is_(load(base), NONE, negated=True), value, NONE)
        self.put(name, value, expr.place)
        if expr.base.type.outside and expr.type.kind in READERS:
            self.check_kind(name, expr.type, _path(expr), expr.place)
        self.scope.loaded(key, name)
        return name

    def check_kind(self, name: str, kind: Type, path: str, place: Place, *, item: bool = False) -> None:
        """Emit: a value that is not of its documented type is converted, or refused with its path.

        It may be absent, unless it is the `item` of a list. A text that may hold control characters is cleaned.
        """
        test: ast.expr = is_(
            ast.Attribute(load(name), "__class__", ast.Load()), load(f"is_{kind.kind}"), negated=True
        )
        if kind.kind == "text":
            unclean = ast.UnaryOp(ast.Not(), method(load(name), "isprintable"))
            test = ast.BoolOp(ast.Or(), [test, unclean])
        if not item:
            test = ast.BoolOp(ast.And(), [test, is_(load(name), NONE, negated=True)])
        reader = "as_item" if item else f"as_{kind.kind}"
        convert = assigned(name, call(reader, load(name), Constant(path)))
        self.block.append(self.at(ast.If(test, [convert], []), place))

    def projection(self, expr: ex.Field) -> ast.expr:
        """Return a field of every record of a list."""
        if isinstance(expr.base, ex.Name) and (expr.base.name, expr.name) in self.hidden:
            return load(working(expr.base.name, expr.name))
        record, item = expr.base.type.item, expr.type.item
        if record is not None and record.outside and item is not None:
            names: list[ast.expr] = [Constant(text) for text in (expr.name, item.kind, _path(expr))]
            return call("column", self.emit(expr.base), *names, self.site(expr))
        element = ast.Subscript(load("item"), Constant(expr.name), ast.Load())
        loop = ast.comprehension(ast.Name("item", ast.Store()), self.emit(expr.base), [], 0)
        return ast.ListComp(element, [loop])

    def needed(self, variable: str, expr: ex.Expr, lenient: bool) -> ast.expr:
        """Return a variable, after a check that it has a value unless that is known or not asked."""
        if lenient or not expr.type.optional or variable in self.scope.sure:
            return load(variable)
        site = self.site(expr)
        if self.conditional:
            return ast.IfExp(is_(load(variable), NONE, negated=True), load(variable), call("missing", site))
        self.block.append(
            self.at(ast.If(is_(load(variable), NONE), [ast.Expr(call("missing", site))], []), expr.place)
        )
        self.scope.known(variable)
        return load(variable)

    def needed_value(self, code: ast.expr, expr: ex.Expr) -> ast.expr:
        """Return a value, checked to be there."""
        name = self.fresh()
        test = is_(ast.NamedExpr(ast.Name(name, ast.Store()), code), NONE, negated=True)
        return ast.IfExp(test, load(name), call("missing", self.site(expr)))

    def site(self, expr: ex.Expr) -> ast.expr:
        """Return the number of a place that needs a value."""
        outside = isinstance(expr, ex.Field) and expr.base.type.outside
        self.sites.append(Site(_path(expr), expr, expr.type.nullable, outside))
        return self.number("s", len(self.sites) - 1)

    def constant(self, value: Decimal) -> str:
        """Return the name under which compiled code finds a Decimal."""
        name = f"c_{value}".replace(".", "_").replace("-", "m").replace("E", "e").replace("+", "")
        self.constants[name] = value
        return name

    def fresh(self) -> str:
        """Return a variable name not used before."""
        self.counter += 1
        return f"x{self.counter}"


def tuple_(values: list[ast.expr]) -> ast.expr:
    """Return one value as it is, several as a tuple."""
    return values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())


def root(expr: ex.Expr) -> str:
    """Return the name an expression begins with."""
    while isinstance(expr, ex.Field):
        expr = expr.base
    return expr.name if isinstance(expr, ex.Name) else ""


def _path(expr: ex.Expr) -> str:
    if isinstance(expr, ex.Field):
        return f"{_path(expr.base)}.{expr.name}"
    if isinstance(expr, ex.Name):
        return expr.name
    return f"{expr.name}(…)" if isinstance(expr, ex.Call) else "a value"


def _always_given(expr: ex.Call) -> bool:
    """Tell whether a lenient function gets only values that are there, so that it gives one."""
    return all(not arg.type.optional for arg in expr.args)


def working(group: str, name: str) -> str:
    """Return the variable of a working value of a group of lines; the dot keeps a_b._c apart from a._b_c."""
    return f"h_{group}.{name}"
