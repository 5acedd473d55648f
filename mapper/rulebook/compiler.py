"""Typed rules compiled to one Python function per rulebook.

The function is built from `ast` nodes, never from source text, so nothing an author writes can become code. Its
positions point into the YAML, so a fault while it runs names the rule's line at no cost. `bind` takes a tenant's
settings, reads them once, and gives the function that maps one payload. A traced variant does the same and records each
value; both come from the same rules.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from mapper.diagnostics import Place
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.emitter import (
    LEAVES,
    NONE,
    Constant,
    Emitter,
    Site,
    assigned,
    call,
    is_,
    load,
    method,
    root,
    tuple_,
    working,
)
from mapper.rulebook.functions import Function
from mapper.rulebook.lookups import Lookup, lookups
from mapper.rulebook.reuse import without_collection
from mapper.rulebook.telling import told_by
from mapper.rulebook.types import Type

Run = Callable[..., Any]


class Compiled:
    """A compiled rulebook.

    `bind(tenant)` returns `run(payload)`; `bind_traced(tenant)` returns `run(payload, record)`, where `record` takes
    tuples (entry number, value, case number). A source rulebook returns (document, reports), a target one
    (requests, reports): see `mapping.py`. A report is (check number, severity, the values that `telling.py` puts into
    its texts, item). Both are made from the same rules, when they are first asked for: loading
    checks rules of every kind, but few programs map every kind, and only replays map without trace.
    """

    def __init__(self, rules: r.Rules, functions: Mapping[str, Function]) -> None:
        self.rules = rules
        self._functions = functions

    @cached_property
    def _traced(self) -> _Compiler:
        return self._emitted(traced=True)

    def _emitted(self, *, traced: bool, counted: Sequence[Lookup] = ()) -> _Compiler:
        compiler = _Compiler(self.rules, self._functions, traced=traced, counted=counted)
        with without_collection():
            compiler.emit_all()
        return compiler

    @cached_property
    def entries(self) -> tuple[r.Entry, ...]:
        """Return the named values by the numbers that a trace gives them."""
        return tuple(self._traced.entries)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Return the places that need a value, by the numbers that a fault gives them."""
        return tuple(self._traced.sites)

    @cached_property
    def bind_traced(self) -> Callable[[Mapping[str, Any]], Run]:
        """Return the function that binds a tenant's settings for mapping with trace."""
        return self._traced.built()

    @cached_property
    def bind(self) -> Callable[[Mapping[str, Any]], Run]:
        """Return the function that binds a tenant's settings for mapping without trace."""
        return self._emitted(traced=False).built()

    @cached_property
    def lookups(self) -> tuple[Lookup, ...]:
        """Return the tables by the numbers that a count gives them."""
        return lookups(self.rules)

    @cached_property
    def bind_counted(self) -> Callable[[Mapping[str, Any]], Run]:
        """Return the function that binds a tenant's settings for mapping with a count of what tables are asked.

        `run(payload, record)` is given (table number, what was looked for, whether there is such an entry).
        """
        return self._emitted(traced=False, counted=self.lookups).built()


def compile_rules(rules: r.Rules, functions: Mapping[str, Function]) -> Compiled:
    """Compile typed rules."""
    return Compiled(rules, functions)


class _Compiler(Emitter):
    def __init__(
        self,
        rules: r.Rules,
        functions: Mapping[str, Function],
        *,
        traced: bool,
        counted: Sequence[Lookup] = (),
    ) -> None:
        names = {name: (f"p_{name}", kind.sure()) for name, kind in rules.given.items()}
        groups = {step.name for step in rules.steps if isinstance(step, r.LineRule)}
        hidden = {(group, name) for group, name in rules.working if group in groups}
        super().__init__(rules.files, functions, names, hidden, traced=traced)
        self.rules = rules
        self.entries: list[r.Entry] = []
        self.body: list[ast.stmt] = []
        self.leave_out_empty = False
        self.tables: dict[Place, str] = {}
        self.counted = {one.place: number for number, one in enumerate(counted)}

    def emit_all(self) -> None:
        """Emit the statements of all rules."""
        self.block = self.body
        for step in self.rules.steps:
            if isinstance(step, r.Entry):
                self.entry(step)
            else:
                self.line_rule(step)
        self.block.append(assigned("reports", ast.List([], ast.Load())))
        result = self.requests() if "document" in self.rules.given else self.document()
        for number, check in enumerate(self.rules.checks):
            if self.traced or not check.offline:
                self.check(number, check)
        self.block.append(ast.Return(ast.Tuple([result, load("reports")], ast.Load())))

    def built(self) -> Callable[[Mapping[str, Any]], Run]:
        """Compile what was emitted."""
        aliases = [name for name in self.rules.given if name not in {"tenant", self.rules.reads}]
        starts = [assigned(f"p_{name}", load(f"p_{self.rules.reads}")) for name in aliases]
        starts += [assigned("lines_all", ast.List([], ast.Load()))]
        arguments = [ast.arg(f"p_{self.rules.reads}")] + (
            [ast.arg("record")] if self.traced or self.counted else []
        )
        run = _function("run", arguments, starts + self.body)
        bind = _function("bind", [ast.arg("p_tenant")], [*self.bind_block, run, ast.Return(load("run"))])
        module = ast.Module([bind], [])
        _place_all(module)
        exec(compile(module, self.rules.file, "exec"), self.globals)  # noqa: S102  (built from nodes, not from text)
        built: Callable[[Mapping[str, Any]], Run] = self.globals["bind"]
        return built

    def document(self) -> ast.expr:
        names = [name for name in self.rules.document.fields or {} if name != "lines"]
        values = [load(self.scope.names[name][0]) for name in names]
        keys: list[ast.expr | None] = [Constant(name) for name in (*names, "lines")]
        return ast.Dict(keys, [*values, load("lines_all")])

    def entry(self, entry: r.Entry, prefix: str = "v_") -> None:
        variable = f"{prefix}{entry.name}"
        self.assign(entry.value, variable, top=True)
        self.record(entry, variable)
        self.scope.name(entry.name, variable, entry.kind)

    def record(self, entry: r.Entry, variable: str) -> None:
        number = len(self.entries)
        self.entries.append(entry)
        if self.traced:
            case = load("case") if _has_cases(entry.value) else Constant(-1)
            values: list[ast.expr] = [Constant(number), load(variable), case]
            self.block.append(ast.Expr(call("record", ast.Tuple(values, ast.Load()))))

    def line_rule(self, rule: r.LineRule) -> None:
        group = f"g_{rule.name}"
        self.block.append(assigned(group, ast.List([], ast.Load())))
        hidden = sorted(name for owner, name in self.hidden if owner == rule.name)
        for name in hidden:
            self.block.append(assigned(working(rule.name, name), ast.List([], ast.Load())))
        number = self.rules.steps.index(rule)
        with (
            self.guarded(rule.test, rule.place),
            self.looped(rule.each, rule.variable, rule.place, line=number),
        ):
            for entry in rule.entries:
                self.entry(entry, "w_")
            self.add_line(rule, group, hidden)
        fields = {entry.name: entry.kind for entry in rule.entries}
        kind = Type("list", item=Type("record", fields=fields))
        self.scope.name(rule.name, group, kind)
        self.scope.name("lines", "lines_all", kind)

    def add_line(self, rule: r.LineRule, group: str, hidden: Iterable[str]) -> None:
        public = [entry for entry in rule.entries if entry.public]
        keys: list[ast.expr | None] = [Constant("kind"), *(Constant(entry.name) for entry in public)]
        values: list[ast.expr] = [Constant(rule.kind), *(load(f"w_{entry.name}") for entry in public)]
        self.block.append(assigned("line", ast.Dict(keys, values)))
        for target in (group, "lines_all"):
            self.block.append(ast.Expr(method(load(target), "append", load("line"))))
        for name in hidden:
            self.block.append(ast.Expr(method(load(working(rule.name, name)), "append", load(f"w_{name}"))))

    def check(self, number: int, check: r.Check) -> None:
        with self.looped(check.each, check.variable, check.place) as item:
            test = self.emit(check.test)
            if not check.failing:
                test = ast.UnaryOp(ast.Not(), test)
            with self.branch(test, check.place):
                severity = self.fresh()
                self.assign(check.severity, severity)
                values = [Constant(number), load(severity), self.told(check), item or NONE]
                self.block.append(ast.Expr(method(load("reports"), "append", ast.Tuple(values, ast.Load()))))

    def told(self, check: r.Check) -> ast.expr:
        values: list[ast.expr] = [
            call("euros" if told.in_euros else "shown", self.emit(value, lenient=True))
            for told, value in told_by(check, self.rules.written).items()
        ]
        return ast.Tuple(values, ast.Load())

    def requests(self) -> ast.expr:
        self.block.append(assigned("requests", ast.List([], ast.Load())))
        self.leave_out_empty = True
        for number, request in enumerate(self.rules.requests):
            with (
                self.guarded(request.test, request.place),
                self.looped(request.each, request.variable, request.place),
            ):
                self.request(number, request)
        self.leave_out_empty = False
        return load("requests")

    def request(self, number: int, request: r.RequestRule) -> None:
        params, search = self.fresh(), self.fresh()
        self.assign(request.params, params)
        self.block.append(assigned(search, NONE))
        if request.find is not None:
            with self.guarded(request.find.test, request.place):
                found, same = self.fresh(), self.fresh()
                self.assign(request.find.params, found)
                self.assign(request.find.same, same)
                self.block.append(assigned(search, ast.Tuple([load(found), load(same)], ast.Load())))
        expect: list[ast.expr] = []
        for name, (amount, within) in request.expect.items():
            expect.append(ast.Tuple([Constant(name), self.emit(amount), self.emit(within)], ast.Load()))
        values: list[ast.expr] = [
            Constant(number),
            load(params),
            load(search),
            ast.Tuple(expect, ast.Load()),
        ]
        self.block.append(ast.Expr(method(load("requests"), "append", ast.Tuple(values, ast.Load()))))

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
                self.put(variable, Constant("{" + value.name + "}"), value.place)
            case _:
                self.put(variable, self.emit(value, lenient=lenient or self.leave_out_empty), value.place)

    def case(self, number: int, top: bool) -> None:
        if self.traced and top:
            self.block.append(assigned("case", Constant(number)))

    def when(self, value: r.When, variable: str, top: bool) -> None:
        self.when_from(value, 0, variable, top)

    def when_from(self, value: r.When, index: int, variable: str, top: bool) -> None:
        if index == len(value.cases):
            self.given(value, value.otherwise, variable)
            self.case(-1, top)
            return
        case = value.cases[index]
        with self.branch(self.emit(case.test), case.place) as statement:
            self.given(value, case.then, variable)
            self.case(index, top)
        with self.within(statement.orelse):
            self.when_from(value, index + 1, variable, top)

    def given(self, whole: r.When, part: r.Value, variable: str) -> None:
        """Emit what a case gives; a whole number among other numbers becomes Decimal."""
        self.assign(part, variable)
        if whole.type.kind == "number" and part.type.kind == "integer":
            self.put(variable, call("exact", load(variable)), part.place)

    def match(self, value: r.Match, variable: str, top: bool) -> None:
        subject = self.fresh()
        self.put(subject, self.emit(value.subject), value.place)
        self.count(value.place, load(subject), Constant(value=True))
        self.match_from(value, subject, 0, variable, top)

    def match_from(self, value: r.Match, subject: str, index: int, variable: str, top: bool) -> None:
        if index == len(value.rows):
            self.put(variable, Constant(value.otherwise), value.place)
            self.case(-1, top)
            return
        row = value.rows[index]
        tests: list[ast.expr] = [
            ast.Compare(Constant(word), [ast.In()], [load(subject)]) for word in row.words
        ]
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And() if row.every else ast.Or(), tests)
        with self.branch(test, row.place) as statement:
            self.put(variable, Constant(row.then), row.place)
            self.case(index, top)
        with self.within(statement.orelse):
            self.match_from(value, subject, index + 1, variable, top)

    def count(self, place: Place, asked: ast.expr, found: ast.expr) -> None:
        """Emit, in a count, what a table is asked."""
        if place in self.counted:
            values: list[ast.expr] = [Constant(self.counted[place]), asked, found]
            self.block.append(ast.Expr(call("record", ast.Tuple(values, ast.Load()))))

    def find(self, value: r.Find, variable: str, top: bool) -> None:
        entry, key = self.fresh(), self.fresh()
        self.put(key, tuple_([self.emit(part) for part in value.keys]), value.place)
        if root(value.collection) == "tenant":
            self.put(entry, method(load(self.index(value)), "get", load(key)), value.place)
        else:
            self.search(value, entry, key)
        self.count(value.place, load(key), is_(load(entry), NONE, negated=True))
        with self.branch(is_(load(entry), NONE), value.place) as statement:
            self.put(variable, NONE, value.place)
            self.case(-1, top)
        with self.within(statement.orelse):
            self.scope.name(value.variable, entry, value.collection.type.item or Type("any"))
            self.assign(value.give, variable, lenient=True)
            self.case(0, top)

    def index(self, value: r.Find) -> str:
        """Emit, where the settings are bound, a table of the entries by their `by` values; the first entry wins."""
        if value.place in self.tables:
            return self.tables[value.place]
        table = self.tables[value.place] = self.fresh()
        with self.binding():
            self.block.append(assigned(table, ast.Dict([], [])))
            with self.looped(value.collection, value.variable, value.place):
                key = tuple_([self.emit(part) for part in value.by])
                entry = load(self.scope.names[value.variable][0])
                self.block.append(ast.Expr(method(load(table), "setdefault", key, entry)))
        return table

    def search(self, value: r.Find, entry: str, key: str) -> None:
        self.put(entry, NONE, value.place)
        with self.looped(value.collection, value.variable, value.place):
            by = tuple_([self.emit(part) for part in value.by])
            test = ast.Compare(by, [ast.Eq()], [load(key)])
            found = load(self.scope.names[value.variable][0])
            with self.branch(test, value.place):
                self.block.extend([assigned(entry, found), ast.Break()])

    def collect(self, value: r.Collect, variable: str) -> None:
        self.put(variable, ast.List([], ast.Load()), value.place)
        with (
            self.looped(value.collection, value.variable, value.place),
            self.guarded(value.where, value.place),
        ):
            given = self.fresh()
            self.assign(value.give, given)
            self.block.append(ast.Expr(method(load(variable), "append", load(given))))

    def fields(self, value: r.Fields, variable: str) -> None:
        if value.test is not None:
            self.put(variable, NONE, value.place)
        with self.guarded(value.test, value.place):
            if self.leave_out_empty:
                self.filled_fields(value, variable)
                return
            keys: list[ast.expr | None] = []
            values: list[ast.expr] = []
            for name, inner in value.fields.items():
                keys.append(Constant(name))
                values.append(self.inline(inner))
            self.put(variable, ast.Dict(keys, values), value.place)

    def inline(self, value: r.Value) -> ast.expr:
        if isinstance(value, ex.Expr):
            return self.emit(value)
        inner = self.fresh()
        self.assign(value, inner)
        return load(inner)

    def filled_fields(self, value: r.Fields, variable: str) -> None:
        """Emit a record of request parameters: what has no value is left out."""
        self.put(variable, ast.Dict([], []), value.place)
        for name, inner in value.fields.items():
            given = self.fresh()
            self.assign(inner, given)
            target = ast.Subscript(load(variable), Constant(name), ast.Store())
            store = ast.Assign([target], load(given))
            test = self.may_be_empty(inner, given)
            if test is None:
                self.block.append(self.at(store, inner.place))
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
            return load(variable)
        return is_(load(variable), NONE, negated=True)


def _function(name: str, arguments: list[ast.arg], body: list[ast.stmt]) -> ast.stmt:
    signature = ast.arguments([], arguments, None, [], [], None, [])
    return ast.FunctionDef(name, signature, body, [], None, None, **_TYPE_PARAMS)


_TYPE_PARAMS: dict[str, Any] = {"type_params": []} if "type_params" in ast.FunctionDef._fields else {}


_INSIDE: Mapping[type[ast.AST], tuple[str, ...]] = {
    ast.Module: ("body",),
    ast.FunctionDef: ("args", "body"),
    ast.arguments: ("args",),
    ast.arg: (),
    ast.Assign: ("targets", "value"),
    ast.Expr: ("value",),
    ast.If: ("test", "body", "orelse"),
    ast.For: ("target", "iter", "body"),
    ast.Return: ("value",),
    ast.Break: (),
    ast.Pass: (),
    ast.Name: (),
    ast.Call: ("func", "args"),
    ast.Attribute: ("value",),
    ast.Subscript: ("value",),
    ast.Compare: ("left", "comparators"),
    ast.BinOp: ("left", "right"),
    ast.BoolOp: ("values",),
    ast.UnaryOp: ("operand",),
    ast.IfExp: ("test", "body", "orelse"),
    ast.NamedExpr: ("target", "value"),
    ast.Tuple: ("elts",),
    ast.List: ("elts",),
    ast.Dict: ("keys", "values"),
    ast.ListComp: ("elt", "generators"),
    ast.comprehension: ("target", "iter"),
    ast.JoinedStr: ("values",),
    ast.FormattedValue: ("value",),
}
"""The kinds of nodes that rules become, and what each has inside it."""
_TOP = {"lineno": 1, "end_lineno": 1, "col_offset": 0, "end_col_offset": 1}


def _place_all(tree: ast.AST) -> None:
    """Give every node without a place that of the node around it: thousands of them, before anything is live."""
    waiting: list[tuple[Any, dict[str, int]]] = [(tree, _TOP)]
    while waiting:
        node, around = waiting.pop()
        own = node.__dict__
        placed = own.get("placed")
        if placed is None:
            own.update(placed := around)
        for name in _INSIDE[node.__class__]:
            inside = own[name]
            if inside.__class__ is list:
                waiting += [(item, placed) for item in inside if item.__class__ not in LEAVES]
            elif inside.__class__ not in LEAVES:
                waiting.append((inside, placed))


def _has_cases(value: r.Value) -> bool:
    return isinstance(value, r.When | r.Match | r.Find)
