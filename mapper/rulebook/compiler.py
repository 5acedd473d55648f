"""Typed rules compiled to one Python function per rulebook.

The function is built from `ast` nodes, never from source text, so nothing an author writes can become code. Its
positions point into the YAML, so a fault while it runs names the rule's line at no cost. `bind` takes a tenant's
settings, reads them once, and gives the function that maps one payload. A traced variant does the same and records each
value; both come from the same rules.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from mapper.diagnostics import Place
from mapper.rulebook import expressions as ex
from mapper.rulebook import rules as r
from mapper.rulebook.functions import Function, shown
from mapper.rulebook.runtime import READERS, missing
from mapper.rulebook.types import Type

LINE = -1
"""The entry number that marks the beginning of a line in a trace: (LINE, line rule, item)."""

Run = Callable[..., Any]
_Node = TypeVar("_Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Site:
    """A place that needs a value: which one, where the rule asks for it, and whether the shop's API says it may be null."""

    what: str
    place: Place
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled rulebook.

    `bind(tenant)` returns `run(payload)`; `bind_traced(tenant)` returns `run(payload, record)`, where `record` takes
    tuples (entry number, value, case number). A source rulebook returns (document, reports), a target one
    (requests, reports): see `mapping.py`.
    """

    rules: r.Rules
    entries: tuple[r.Entry, ...]
    sites: tuple[Site, ...]
    bind: Callable[[Mapping[str, Any]], Run]
    bind_traced: Callable[[Mapping[str, Any]], Run]


def compile_rules(rules: r.Rules, functions: Mapping[str, Function]) -> Compiled:
    """Compile typed rules."""
    plain = _Compiler(rules, functions, traced=False)
    traced = _Compiler(rules, functions, traced=True)
    bind, bind_traced = plain.build(), traced.build()
    return Compiled(rules, tuple(traced.entries), tuple(traced.sites), bind, bind_traced)


@dataclass(slots=True)
class _Scope:
    """Variables, cached loads and values known to be present, in one block and those around it."""

    names: dict[str, tuple[str, Type]]
    loads: dict[tuple[str, str], str] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)

    def inner(self) -> _Scope:
        return _Scope(dict(self.names), dict(self.loads), set(self.sure))


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _call(function: ast.expr | str, *args: ast.expr) -> ast.expr:
    return ast.Call(_load(function) if isinstance(function, str) else function, list(args), [])


def _method(base: ast.expr, name: str, *args: ast.expr) -> ast.expr:
    return _call(ast.Attribute(base, name, ast.Load()), *args)


def _is(value: ast.expr, other: ast.expr, *, negated: bool = False) -> ast.expr:
    return ast.Compare(value, [ast.IsNot() if negated else ast.Is()], [other])


_NONE = ast.Constant(None)
_OPS: Mapping[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}
_COMPARISONS: Mapping[str, ast.cmpop] = {
    "==": ast.Eq(), "!=": ast.NotEq(), "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE(), "in": ast.In(),
    "not in": ast.NotIn(),
}  # fmt: skip


class _Compiler:
    def __init__(self, rules: r.Rules, functions: Mapping[str, Function], *, traced: bool) -> None:
        self.rules = rules
        self.functions = functions
        self.traced = traced
        self.entries: list[r.Entry] = []
        self.sites: list[Site] = []
        self.globals: dict[str, Any] = {
            "__builtins__": {},
            "missing": missing,
            "shown": shown,
            "Decimal": Decimal,
        }
        self.globals |= {
            "sum": sum,
            "len": len,
            "enumerate": enumerate,
            "zero": Decimal(0),
            "half_up": ROUND_HALF_UP,
        }
        self.globals |= {f"f_{name}": function.call for name, function in functions.items()}
        for kind, (reader, _) in READERS.items():
            self.globals[f"as_{kind}"] = reader
            self.globals[f"is_{kind}"] = READERS[kind][1]
        self.bind_block: list[ast.stmt] = []
        self.block: list[ast.stmt] = []
        names = {name: (f"p_{name}", kind.sure()) for name, kind in rules.given.items()}
        self.bind_scope = _Scope({"tenant": names["tenant"]})
        self.scope = _Scope(names)
        self.conditional = 0
        self.counter = 0
        self.leave_out_empty = False
        self.hidden = set(_hidden_fields(rules))
        self.tables: dict[Place, str] = {}

    # building the function

    def build(self) -> Callable[[Mapping[str, Any]], Run]:
        self.block = body = []
        for step in self.rules.steps:
            if isinstance(step, r.Entry):
                self.entry(step)
            else:
                self.line_rule(step)
        self.block.append(_assign("reports", ast.List([], ast.Load())))
        result = self.requests() if "document" in self.rules.given else self.document()
        for check in self.rules.checks:
            if self.traced or not check.offline:
                self.check(check)
        body.append(ast.Return(ast.Tuple([result, _load("reports")], ast.Load())))
        starts = [_assign("lines_all", ast.List([], ast.Load()))]
        arguments = [ast.arg(f"p_{self.rules.reads}")] + ([ast.arg("record")] if self.traced else [])
        run = _function("run", arguments, starts + body)
        bind = _function("bind", [ast.arg("p_tenant")], [*self.bind_block, run, ast.Return(_load("run"))])
        module = ast.Module([bind], [])
        _place_all(module)
        exec(compile(module, self.rules.file, "exec"), self.globals)  # noqa: S102  (built from nodes, not from text)
        built: Callable[[Mapping[str, Any]], Run] = self.globals["bind"]
        return built

    def document(self) -> ast.expr:
        names = [name for name in self.rules.document.fields or {} if name != "lines"]
        values = [_load(self.scope.names[name][0]) for name in names]
        keys: list[ast.expr | None] = [ast.Constant(name) for name in (*names, "lines")]
        return ast.Dict(keys, [*values, _load("lines_all")])

    def entry(self, entry: r.Entry, prefix: str = "v_") -> None:
        variable = f"{prefix}{entry.name}"
        self.assign(entry.value, variable, top=True)
        self.record(entry, variable)
        self.scope.names[entry.name] = (variable, r.given(entry.value))

    def record(self, entry: r.Entry, variable: str) -> None:
        number = len(self.entries)
        self.entries.append(entry)
        if self.traced:
            case = _load("case") if _has_cases(entry.value) else ast.Constant(-1)
            values: list[ast.expr] = [ast.Constant(number), _load(variable), case]
            self.block.append(ast.Expr(_call("record", ast.Tuple(values, ast.Load()))))

    def line_rule(self, rule: r.LineRule) -> None:
        group = f"g_{rule.name}"
        self.block.append(_assign(group, ast.List([], ast.Load())))
        hidden = sorted(name for owner, name in self.hidden if owner == rule.name)
        for name in hidden:
            self.block.append(_assign(_working(rule.name, name), ast.List([], ast.Load())))
        number = self.rules.steps.index(rule)
        with self.guarded(rule.test, rule.place), self.looped(rule.each, rule.variable, rule.place) as item:
            if self.traced:
                marks: list[ast.expr] = [
                    ast.Constant(LINE),
                    ast.Constant(number),
                    item or ast.Constant(0),
                ]
                self.block.append(ast.Expr(_call("record", ast.Tuple(marks, ast.Load()))))
            for entry in rule.entries:
                self.entry(entry, "w_")
            self.add_line(rule, group, hidden)
        kind = Type(
            "list", item=Type("record", fields={entry.name: entry.value.type for entry in rule.entries})
        )
        self.scope.names[rule.name] = (group, kind)
        self.scope.names["lines"] = ("lines_all", kind)

    def add_line(self, rule: r.LineRule, group: str, hidden: Iterable[str]) -> None:
        public = [entry for entry in rule.entries if entry.public]
        keys: list[ast.expr | None] = [ast.Constant("kind"), *(ast.Constant(entry.name) for entry in public)]
        values: list[ast.expr] = [ast.Constant(rule.kind), *(_load(f"w_{entry.name}") for entry in public)]
        self.block.append(_assign("line", ast.Dict(keys, values)))
        for target in (group, "lines_all"):
            self.block.append(ast.Expr(_method(_load(target), "append", _load("line"))))
        for name in hidden:
            self.block.append(
                ast.Expr(_method(_load(_working(rule.name, name)), "append", _load(f"w_{name}")))
            )

    def check(self, check: r.Check) -> None:
        number = self.rules.checks.index(check)
        with self.looped(check.each, check.variable, check.place) as item:
            test = self.emit(check.test)
            if not check.failing:
                test = ast.UnaryOp(ast.Not(), test)
            with self.branch(test, check.place):
                severity = self.fresh()
                self.assign(check.severity, severity)
                texts = [self.texts(part) for part in (check.say, check.help, check.facts)]
                values = [ast.Constant(number), _load(severity), *texts, item or _NONE]
                self.block.append(
                    ast.Expr(_method(_load("reports"), "append", ast.Tuple(values, ast.Load())))
                )

    def texts(self, texts: Mapping[str, ex.Expr]) -> ast.expr:
        keys: list[ast.expr | None] = [ast.Constant(name) for name in texts]
        return ast.Dict(keys, [_call("shown", self.emit(text, lenient=True)) for text in texts.values()])

    def requests(self) -> ast.expr:
        self.block.append(_assign("requests", ast.List([], ast.Load())))
        self.leave_out_empty = True
        for number, request in enumerate(self.rules.requests):
            with (
                self.guarded(request.test, request.place),
                self.looped(request.each, request.variable, request.place),
            ):
                self.request(number, request)
        self.leave_out_empty = False
        return _load("requests")

    def request(self, number: int, request: r.RequestRule) -> None:
        params, search = self.fresh(), self.fresh()
        self.assign(request.params, params)
        self.block.append(_assign(search, _NONE))
        if request.find is not None:
            with self.guarded(request.find.test, request.place):
                found, same = self.fresh(), self.fresh()
                self.assign(request.find.params, found)
                self.assign(request.find.same, same)
                self.block.append(_assign(search, ast.Tuple([_load(found), _load(same)], ast.Load())))
        expect: list[ast.expr] = []
        for name, (amount, within) in request.expect.items():
            expect.append(ast.Tuple([ast.Constant(name), self.emit(amount), self.emit(within)], ast.Load()))
        values: list[ast.expr] = [
            ast.Constant(number),
            _load(params),
            _load(search),
            ast.Tuple(expect, ast.Load()),
        ]
        self.block.append(ast.Expr(_method(_load("requests"), "append", ast.Tuple(values, ast.Load()))))

    # blocks

    @contextmanager
    def branch(self, test: ast.expr, place: Place) -> Iterator[ast.If]:
        """Fill the body of an `if`."""
        statement = ast.If(test, [], [])
        self.block.append(_at(statement, place))
        with self.within(statement.body):
            yield statement

    @contextmanager
    def within(self, block: list[ast.stmt]) -> Iterator[None]:
        saved = self.block, self.scope, self.conditional
        self.block, self.scope, self.conditional = block, self.scope.inner(), 0
        yield
        if not block:
            block.append(ast.Pass())
        self.block, self.scope, self.conditional = saved

    @contextmanager
    def guarded(self, test: ex.Expr | None, place: Place) -> Iterator[None]:
        if test is None:
            yield
            return
        with self.branch(self.emit(test), place):
            yield

    @contextmanager
    def looped(self, each: ex.Expr | None, variable: str, place: Place) -> Iterator[ast.expr | None]:
        """Fill the body of a loop over `each`, or of nothing; yields the expression that counts the items."""
        if each is None:
            yield None
            return
        name = f"e_{variable}"
        target: ast.expr = ast.Name(name, ast.Store())
        over, item = self.emit(each), None
        if self.traced:
            counter = f"n_{variable}"
            target = ast.Tuple([ast.Name(counter, ast.Store()), target], ast.Store())
            over, item = _call("enumerate", over), _load(counter)
        statement = ast.For(target, over, [], [])
        self.block.append(_at(statement, place))
        with self.within(statement.body):
            kind = each.type.item or Type("any")
            self.scope.names[variable] = (name, kind)
            if kind.outside:
                self.check_kind(name, kind, variable)
            yield item

    # values

    def assign(self, value: r.Value, variable: str, *, top: bool = False, lenient: bool = False) -> None:
        """Emit statements that put a value into a variable; `top` sets `case` in a trace."""
        match value:
            case r.When():
                self.when(value, variable, top)
            case r.Match():
                self.match(value, variable, top)
            case r.Find():
                self.find(value, variable, top)
            case r.Collect():
                self.collect(value, variable)
            case r.Fields():
                self.fields(value, variable)
            case r.Several():
                op: ast.boolop = ast.And() if value.every else ast.Or()
                self.put(variable, self.logic(op, value.tests), value.place)
            case r.Placeholder():
                self.put(variable, ast.Constant("{" + value.name + "}"), value.place)
            case _:
                self.put(variable, self.emit(value, lenient=lenient or self.leave_out_empty), value.place)

    def put(self, variable: str, value: ast.expr, place: Place) -> None:
        self.block.append(_at(_assign(variable, value), place))

    def case(self, number: int, top: bool) -> None:
        if self.traced and top:
            self.block.append(_assign("case", ast.Constant(number)))

    def when(self, value: r.When, variable: str, top: bool) -> None:
        self.when_from(value, 0, variable, top)

    def when_from(self, value: r.When, index: int, variable: str, top: bool) -> None:
        if index == len(value.cases):
            self.assign(value.otherwise, variable)
            self.case(-1, top)
            return
        case = value.cases[index]
        with self.branch(self.emit(case.test), case.place) as statement:
            self.assign(case.then, variable)
            self.case(index, top)
        with self.within(statement.orelse):
            self.when_from(value, index + 1, variable, top)

    def match(self, value: r.Match, variable: str, top: bool) -> None:
        subject = self.fresh()
        self.put(subject, self.emit(value.subject), value.place)
        self.match_from(value, subject, 0, variable, top)

    def match_from(self, value: r.Match, subject: str, index: int, variable: str, top: bool) -> None:
        if index == len(value.rows):
            self.put(variable, ast.Constant(value.otherwise), value.place)
            self.case(-1, top)
            return
        row = value.rows[index]
        tests: list[ast.expr] = [
            ast.Compare(ast.Constant(word), [ast.In()], [_load(subject)]) for word in row.words
        ]
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And() if row.every else ast.Or(), tests)
        with self.branch(test, row.place) as statement:
            self.put(variable, ast.Constant(row.then), row.place)
            self.case(index, top)
        with self.within(statement.orelse):
            self.match_from(value, subject, index + 1, variable, top)

    def find(self, value: r.Find, variable: str, top: bool) -> None:
        entry = self.fresh()
        if _root(value.collection) == "tenant":
            key = _tuple([self.emit(part) for part in value.keys])
            self.put(entry, _method(_load(self.index(value)), "get", key), value.place)
        else:
            self.search(value, entry)
        with self.branch(_is(_load(entry), _NONE), value.place) as statement:
            self.put(variable, _NONE, value.place)
            self.case(-1, top)
        with self.within(statement.orelse):
            self.scope.names[value.variable] = (entry, value.collection.type.item or Type("any"))
            self.assign(value.give, variable, lenient=True)
            self.case(0, top)

    def index(self, value: r.Find) -> str:
        """Emit, where the settings are bound, a table of the entries by their `by` values; the first entry wins."""
        if value.place in self.tables:
            return self.tables[value.place]
        table = self.tables[value.place] = self.fresh()
        with self.binding():
            self.block.append(_assign(table, ast.Dict([], [])))
            with self.looped(value.collection, value.variable, value.place):
                key = _tuple([self.emit(part) for part in value.by])
                entry = _load(self.scope.names[value.variable][0])
                self.block.append(ast.Expr(_method(_load(table), "setdefault", key, entry)))
        return table

    def search(self, value: r.Find, entry: str) -> None:
        key = self.fresh()
        self.put(key, _tuple([self.emit(part) for part in value.keys]), value.place)
        self.put(entry, _NONE, value.place)
        with self.looped(value.collection, value.variable, value.place):
            by = _tuple([self.emit(part) for part in value.by])
            test = ast.Compare(by, [ast.Eq()], [_load(key)])
            found = _load(self.scope.names[value.variable][0])
            with self.branch(test, value.place):
                self.block.extend([_assign(entry, found), ast.Break()])

    @contextmanager
    def binding(self) -> Iterator[None]:
        saved = self.block, self.scope, self.conditional, self.traced
        self.block, self.scope, self.conditional, self.traced = self.bind_block, self.bind_scope, 0, False
        yield
        self.block, self.scope, self.conditional, self.traced = saved

    def collect(self, value: r.Collect, variable: str) -> None:
        self.put(variable, ast.List([], ast.Load()), value.place)
        with self.looped(value.collection, value.variable, value.place), self.guarded(value.where, value.place):
            given = self.fresh()
            self.assign(value.give, given)
            self.block.append(ast.Expr(_method(_load(variable), "append", _load(given))))

    def fields(self, value: r.Fields, variable: str) -> None:
        if value.test is not None:
            self.put(variable, _NONE, value.place)
        with self.guarded(value.test, value.place):
            if self.leave_out_empty:
                self.filled_fields(value, variable)
                return
            keys: list[ast.expr | None] = []
            values: list[ast.expr] = []
            for name, inner in value.fields.items():
                keys.append(ast.Constant(name))
                values.append(self.inline(inner))
            self.put(variable, ast.Dict(keys, values), value.place)

    def inline(self, value: r.Value) -> ast.expr:
        if isinstance(value, ex.Expr):
            return self.emit(value)
        inner = self.fresh()
        self.assign(value, inner)
        return _load(inner)

    def filled_fields(self, value: r.Fields, variable: str) -> None:
        """Emit a record of request parameters: what has no value is left out."""
        self.put(variable, ast.Dict([], []), value.place)
        for name, inner in value.fields.items():
            given = self.fresh()
            self.assign(inner, given)
            target = ast.Subscript(_load(variable), ast.Constant(name), ast.Store())
            store = ast.Assign([target], _load(given))
            test = self.may_be_empty(inner, given)
            if test is None:
                self.block.append(_at(store, inner.place))
            else:
                with self.branch(test, inner.place):
                    self.block.append(store)

    def may_be_empty(self, value: r.Value, variable: str) -> ast.expr | None:
        if isinstance(value, r.Placeholder) or (
            isinstance(value, ex.Const) and value.value not in (None, "")
        ):
            return None
        if value.type.kind in {"text", "any"}:
            # Both None and "" are false; no other text is.
            return _load(variable)
        return _is(_load(variable), _NONE, negated=True)

    # expressions

    def emit(self, expr: ex.Expr, *, lenient: bool = False) -> ast.expr:
        """Return the code of an expression; `lenient`: its value may be absent."""
        return _at(self.emit_kind(expr, lenient), expr.place)

    def emit_kind(self, expr: ex.Expr, lenient: bool) -> ast.expr:
        match expr:
            case ex.Const(value=value):
                return _load(self.constant(value)) if isinstance(value, Decimal) else ast.Constant(value)
            case ex.ListOf(items=items):
                return ast.Tuple([self.emit(item) for item in items], ast.Load())
            case ex.Name(name=name):
                return self.needed(self.scope.names[name][0], expr, lenient)
            case ex.Field():
                return self.field(expr, lenient)
            case ex.Binary(op=op, left=left, right=right):
                return ast.BinOp(self.number(left), _OPS[op], self.number(right))
            case ex.Compare(ops=ops, operands=operands):
                first, *rest = [self.emit(operand) for operand in operands]
                return ast.Compare(first, [_COMPARISONS[op] for op in ops], rest)
            case ex.Logic(op=op, operands=operands):
                return self.logic(ast.And() if op == "and" else ast.Or(), operands)
            case ex.Fallback(operands=operands):
                return self.fallback(operands, lenient)
            case ex.Not(operand=operand):
                return ast.UnaryOp(ast.Not(), self.emit(operand))
            case ex.Cond(test=test, then=then, otherwise=otherwise):
                condition = self.emit(test)
                with self.perhaps():
                    return ast.IfExp(
                        condition, self.emit(then, lenient=lenient), self.emit(otherwise, lenient=lenient)
                    )
            case ex.Filled(operand=operand):
                return self.filled(operand)
            case ex.Call():
                return self.function(expr, lenient)
            case ex.Text(parts=pieces):
                return self.text(pieces)
        raise AssertionError(expr)

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        self.conditional += 1
        yield
        self.conditional -= 1

    def number(self, expr: ex.Expr) -> ast.expr:
        """Return a calculation's operand; whole numbers become Decimal, so that no float can come of them."""
        code = self.emit(expr)
        return _call("Decimal", code) if expr.type.kind in {"integer", "any"} else code

    def logic(self, op: ast.boolop, tests: Iterable[ex.Expr]) -> ast.expr:
        first, *rest = tests
        # An absent flag is false; only the last side of an `or` must be there.
        codes = [self.emit(first, lenient=isinstance(op, ast.Or) and bool(rest))]
        with self.perhaps():
            codes += [
                self.emit(test, lenient=isinstance(op, ast.Or) and test is not rest[-1]) for test in rest
            ]
        return codes[0] if len(codes) == 1 else ast.BoolOp(op, codes)

    def fallback(self, operands: tuple[ex.Expr, ...], lenient: bool) -> ast.expr:
        first, *rest = operands
        if not rest:
            return self.emit(first, lenient=lenient)
        value = self.emit(first, lenient=True)
        if not isinstance(value, ast.Name):
            name = self.fresh()
            value = ast.NamedExpr(ast.Name(name, ast.Store()), value)
            again: ast.expr = _load(name)
        else:
            again = _load(value.id)
        with self.perhaps():
            other = self.fallback(tuple(rest), lenient)
        if first.type.kind == "text":
            # A text is filled exactly when it is true.
            return ast.IfExp(value, again, other)
        test = _is(value, _NONE, negated=True)
        if first.type.kind == "any":
            test = ast.BoolOp(ast.And(), [test, ast.Compare(again, [ast.NotEq()], [ast.Constant("")])])
        return ast.IfExp(test, again, other)

    def filled(self, operand: ex.Expr) -> ast.expr:
        value = self.emit(operand, lenient=True)
        if operand.type.kind in {"text", "any", "list"}:
            return ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), value))
        return _is(value, _NONE, negated=True)

    def function(self, expr: ex.Call, lenient: bool) -> ast.expr:
        function = self.functions[expr.name]
        wanted = [*function.params, *([function.params[-1]] * (len(expr.args) - len(function.params)))]
        args = [
            self.number(arg) if param.kind == "number" else self.emit(arg, lenient=function.lenient)
            for arg, param in zip(expr.args, wanted, strict=True)
        ]
        code = self.direct(expr, args) or _call(f"f_{expr.name}", *args)
        if function.returns.optional and not lenient and not (function.lenient and _always_given(expr)):
            return self.needed_value(code, expr)
        return code

    def direct(self, expr: ex.Call, args: list[ast.expr]) -> ast.expr | None:
        """Return code without a call of ours for the functions used most."""
        if expr.name == "sum":
            return _call("sum", args[0], _load("zero"))
        if expr.name == "count" and not expr.args[0].type.optional:
            return _call("len", args[0])
        if expr.name == "round_half_up" and isinstance(places := expr.args[1], ex.Const):
            assert isinstance(places.value, Decimal)
            step = self.constant(Decimal(1).scaleb(-int(places.value)))
            return _method(args[0], "quantize", _load(step), _load("half_up"))
        return None

    def text(self, pieces: Iterable[str | ex.Expr]) -> ast.expr:
        values: list[ast.expr] = []
        for piece in pieces:
            if isinstance(piece, str):
                values.append(ast.Constant(piece))
            else:
                values.append(ast.FormattedValue(_call("shown", self.emit(piece, lenient=True)), -1))
        if all(isinstance(value, ast.Constant) for value in values):
            return ast.Constant("".join(str(piece) for piece in pieces))
        return ast.JoinedStr(values)

    # names and fields

    def field(self, expr: ex.Field, lenient: bool) -> ast.expr:
        if expr.base.type.kind == "list":
            return self.projection(expr)
        base = self.emit(expr.base, lenient=True)
        if not isinstance(base, ast.Name):
            name = self.fresh()
            self.put(name, base, expr.place)
            base = ast.Name(name, ast.Load())
        return self.needed(self.loaded(base.id, expr), expr, lenient)

    def loaded(self, base: str, expr: ex.Field) -> str:
        """Return the variable that holds a field, reading it before the current statement if that was not done yet."""
        key = (base, expr.name)
        if key in self.scope.loads:
            return self.scope.loads[key]
        if _root(expr) == "tenant":
            with self.binding():
                return self.read(base, expr)
        return self.read(base, expr)

    def read(self, base: str, expr: ex.Field) -> str:
        key = (base, expr.name)
        if key in self.scope.loads:
            return self.scope.loads[key]
        name = self.fresh()
        value = _method(_load(base), "get", ast.Constant(expr.name))
        if expr.base.type.optional and base not in self.scope.sure:
            value = ast.IfExp(_is(_load(base), _NONE, negated=True), value, _NONE)
        self.put(name, value, expr.place)
        if expr.base.type.outside and expr.type.kind in READERS:
            self.check_kind(name, expr.type, _path(expr))
        self.scope.loads[key] = name
        return name

    def check_kind(self, name: str, kind: Type, path: str) -> None:
        """Emit: a value that is not of its documented type is converted, or refused with its path."""
        other = _is(
            ast.Attribute(_load(name), "__class__", ast.Load()), _load(f"is_{kind.kind}"), negated=True
        )
        test = ast.BoolOp(ast.And(), [other, _is(_load(name), _NONE, negated=True)])
        self.block.append(
            ast.If(test, [_assign(name, _call(f"as_{kind.kind}", _load(name), ast.Constant(path)))], [])
        )

    def projection(self, expr: ex.Field) -> ast.expr:
        if isinstance(expr.base, ex.Name) and (expr.base.name, expr.name) in self.hidden:
            return _load(_working(expr.base.name, expr.name))
        element = ast.Subscript(_load("item"), ast.Constant(expr.name), ast.Load())
        loop = ast.comprehension(ast.Name("item", ast.Store()), self.emit(expr.base), [], 0)
        return ast.ListComp(element, [loop])

    def needed(self, variable: str, expr: ex.Expr, lenient: bool) -> ast.expr:
        if lenient or not expr.type.optional or variable in self.scope.sure:
            return _load(variable)
        site = self.site(expr)
        if self.conditional:
            return ast.IfExp(
                _is(_load(variable), _NONE, negated=True), _load(variable), _call("missing", site)
            )
        self.block.append(
            _at(ast.If(_is(_load(variable), _NONE), [ast.Expr(_call("missing", site))], []), expr.place)
        )
        self.scope.sure.add(variable)
        return _load(variable)

    def needed_value(self, code: ast.expr, expr: ex.Expr) -> ast.expr:
        name = self.fresh()
        test = _is(ast.NamedExpr(ast.Name(name, ast.Store()), code), _NONE, negated=True)
        return ast.IfExp(test, _load(name), _call("missing", self.site(expr)))

    def site(self, expr: ex.Expr) -> ast.expr:
        self.sites.append(Site(_path(expr), expr.place, expr.type.nullable))
        return ast.Constant(len(self.sites) - 1)

    def constant(self, value: Decimal) -> str:
        name = f"c_{value}".replace(".", "_").replace("-", "m").replace("E", "e").replace("+", "")
        self.globals.setdefault(name, value)
        return name

    def fresh(self) -> str:
        self.counter += 1
        return f"x{self.counter}"


def _function(name: str, arguments: list[ast.arg], body: list[ast.stmt]) -> ast.stmt:
    signature = ast.arguments([], arguments, None, [], [], None, [])
    return ast.FunctionDef(name, signature, body, [], None, None, **_TYPE_PARAMS)


_TYPE_PARAMS: dict[str, Any] = {"type_params": []} if "type_params" in ast.FunctionDef._fields else {}


def _working(group: str, name: str) -> str:
    """Return the variable of a working value of a group of lines; the dot keeps a_b._c apart from a._b_c."""
    return f"h_{group}.{name}"


def _tuple(values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())


def _at(node: _Node, place: Place) -> _Node:
    node.lineno = node.end_lineno = place.line  # type: ignore[attr-defined]
    node.col_offset = place.column - 1  # type: ignore[attr-defined]
    node.end_col_offset = place.column - 1 + max(1, place.length)  # type: ignore[attr-defined]
    return node


def _place_all(tree: ast.AST, place: tuple[int, int, int] = (1, 0, 1)) -> None:
    """Give every node without a position that of the node around it."""
    if "lineno" in tree._attributes:
        if not hasattr(tree, "lineno"):
            tree.lineno = tree.end_lineno = place[0]  # type: ignore[attr-defined]
            tree.col_offset, tree.end_col_offset = place[1], place[2]  # type: ignore[attr-defined]
        place = (tree.lineno, tree.col_offset, tree.end_col_offset)  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(tree):
        _place_all(child, place)


def _root(expr: ex.Expr) -> str:
    while isinstance(expr, ex.Field):
        expr = expr.base
    return expr.name if isinstance(expr, ex.Name) else ""


def _path(expr: ex.Expr) -> str:
    if isinstance(expr, ex.Field):
        return f"{_path(expr.base)}.{expr.name}"
    if isinstance(expr, ex.Name):
        return expr.name
    return f"{expr.name}(…)" if isinstance(expr, ex.Call) else "a value"


def _has_cases(value: r.Value) -> bool:
    return isinstance(value, r.When | r.Match | r.Find)


def _always_given(expr: ex.Call) -> bool:
    """Tell whether a lenient function gets only values that are there, so that it gives one."""
    return all(not arg.type.optional for arg in expr.args)


def _hidden_fields(rules: r.Rules) -> Iterator[tuple[str, str]]:
    """Yield (group, working value) for each working value of lines that another rule reads."""
    groups = {step.name for step in rules.steps if isinstance(step, r.LineRule)}
    for expr in all_expressions(rules):
        for part in ex.walk(expr):
            match part:
                case ex.Field(base=ex.Name(name=group), name=name) if group in groups and name.startswith(
                    "_"
                ):
                    yield group, name


def all_expressions(rules: r.Rules) -> Iterator[ex.Expr]:
    """Yield every expression of a rulebook (not its parts)."""
    for step in rules.steps:
        if isinstance(step, r.Entry):
            yield from in_value(step.value)
        else:
            yield from (expr for expr in (step.test, step.each) if expr is not None)
            for entry in step.entries:
                yield from in_value(entry.value)
    for check in rules.checks:
        yield from (check.test, *check.say.values(), *check.help.values(), *check.facts.values())
        yield from in_value(check.severity)
        yield from [check.each] if check.each is not None else []
    for request in rules.requests:
        yield from (expr for expr in (request.test, request.each) if expr is not None)
        yield from in_value(request.params)
        yield from (expr for pair in request.expect.values() for expr in pair)
        if request.find is not None:
            yield from in_value(request.find.params)
            yield from in_value(request.find.same)
            yield from [request.find.test] if request.find.test is not None else []


def in_value(value: r.Value) -> Iterator[ex.Expr]:
    """Yield the expressions of a value in any form."""
    match value:
        case r.When(cases=cases, otherwise=otherwise):
            for case in cases:
                yield case.test
                yield from in_value(case.then)
            yield from in_value(otherwise)
        case r.Match(subject=subject):
            yield subject
        case r.Find(collection=collection, by=by, keys=keys, give=give):
            yield from (collection, *by, *keys)
            yield from in_value(give)
        case r.Collect(collection=collection, where=where, give=give):
            yield collection
            yield from [where] if where is not None else []
            yield from in_value(give)
        case r.Fields(test=test, fields=inner):
            yield from [test] if test is not None else []
            for part in inner.values():
                yield from in_value(part)
        case r.Several(tests=tests):
            yield from tests
        case r.Placeholder():
            return
        case _:
            yield value
