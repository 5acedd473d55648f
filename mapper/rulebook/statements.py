"""Rules turned into Python statements, one rule after another: entries, line rules, requests, checks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from mapper.diagnostics import Place
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.emitter import (
    NONE,
    Constant,
    Emitter,
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
from mapper.rulebook.lookups import Lookup
from mapper.rulebook.telling import told_by

Rule = r.Entry | r.LineRule | r.RequestRule | r.Check

LINES = "lines_all"
"""The variable that holds all lines."""


def hidden(rules: r.Rules) -> set[tuple[str, str]]:
    """Return the working values of lines that other rules read, as (line rule, name)."""
    groups = {step.name for step in rules.steps if isinstance(step, r.LineRule)}
    return {(group, name) for group, name in rules.working if group in groups}


class Statements(Emitter):
    """Emits the statements of rules; `counted` are the tables that are to record what they are asked."""

    def __init__(
        self,
        rules: r.Rules,
        functions: Mapping[str, Function],
        names: Mapping[str, str],
        *,
        traced: bool,
        apart: bool = False,
        counted: Sequence[Lookup] = (),
    ) -> None:
        super().__init__(rules.files, functions, names, hidden(rules), traced=traced, apart=apart)
        self.written = rules.written
        self.entries: list[r.Entry] = []
        self.leave_out_empty = False
        self.tables: dict[Place, str] = {}
        self.counted = {one.place: number for number, one in enumerate(counted)}

    def rule(self, number: int, rule: Rule) -> None:
        """Emit the statements of one rule, which has a number among those of its kind."""
        match rule:
            case r.Entry():
                self.entry(rule)
            case r.LineRule():
                self.line_rule(number, rule)
            case r.RequestRule():
                self.request(number, rule)
            case r.Check():
                self.check(number, rule)

    def entry(self, entry: r.Entry, prefix: str = "v_") -> None:
        """Emit the variable of an entry, and in a trace its record."""
        variable = f"{prefix}{entry.name}"
        self.assign(entry.value, variable, top=True)
        self.record(entry, variable)
        self.scope.name(entry.name, variable)

    def record(self, entry: r.Entry, variable: str) -> None:
        """Number an entry; in a trace, emit the record of its value and of the case that applied."""
        number = len(self.entries)
        self.entries.append(entry)
        if self.traced:
            case = load("case") if _has_cases(entry.value) else Constant(-1)
            values: list[ast.expr] = [self.number("n", number), load(variable), case]
            self.block.append(ast.Expr(call("record", ast.Tuple(values, ast.Load()))))

    def line_rule(self, number: int, rule: r.LineRule) -> None:
        """Emit the lines that a rule makes."""
        group = f"g_{rule.name}"
        self.block.append(assigned(group, ast.List([], ast.Load())))
        hidden = sorted(name for owner, name in self.hidden if owner == rule.name)
        for name in hidden:
            self.block.append(assigned(working(rule.name, name), ast.List([], ast.Load())))
        with (
            self.guarded(rule.test, rule.place),
            self.looped(rule.each, rule.variable, rule.place, line=self.number("r", number)),
        ):
            for entry in rule.entries:
                self.entry(entry, "w_")
            self.add_line(rule, group, hidden)
        self.scope.name(rule.name, group)
        self.scope.name("lines", LINES)

    def add_line(self, rule: r.LineRule, group: str, hidden: Iterable[str]) -> None:
        """Emit the line itself, from the variables of its fields."""
        public = [entry for entry in rule.entries if entry.public]
        keys: list[ast.expr | None] = [Constant("kind"), *(Constant(entry.name) for entry in public)]
        values: list[ast.expr] = [Constant(rule.kind), *(load(f"w_{entry.name}") for entry in public)]
        self.block.append(assigned("line", ast.Dict(keys, values)))
        for target in (group, LINES):
            self.block.append(ast.Expr(method(load(target), "append", load("line"))))
        for name in hidden:
            self.block.append(ast.Expr(method(load(working(rule.name, name)), "append", load(f"w_{name}"))))

    def check(self, number: int, check: r.Check) -> None:
        """Emit what a check reports."""
        with self.looped(check.each, check.variable, check.place) as item:
            test = self.emit(check.test)
            if not check.failing:
                test = ast.UnaryOp(ast.Not(), test)
            with self.branch(test, check.place):
                severity = self.fresh()
                self.assign(check.severity, severity)
                values = [self.number("r", number), load(severity), self.told(check), item or NONE]
                self.block.append(ast.Expr(method(load("reports"), "append", ast.Tuple(values, ast.Load()))))

    def told(self, check: r.Check) -> ast.expr:
        """Return the values that a check tells."""
        values: list[ast.expr] = [
            call("euros" if told.in_euros else "shown", self.emit(value, lenient=True))
            for told, value in told_by(check, self.written).items()
        ]
        return ast.Tuple(values, ast.Load())

    def request(self, number: int, request: r.RequestRule) -> None:
        """Emit a request, or one for each item."""
        self.leave_out_empty = True
        with (
            self.guarded(request.test, request.place),
            self.looped(request.each, request.variable, request.place),
        ):
            params, search = self.fresh(), self.fresh()
            self.assign(request.params, params)
            self.block.append(assigned(search, NONE))
            if request.find is not None:
                self.found_by(request.find, search)
            expect: list[ast.expr] = []
            for name, (amount, within) in request.expect.items():
                expect.append(tuple_([Constant(name), self.emit(amount), self.emit(within)]))
            made = [self.number("r", number), load(params), load(search), ast.Tuple(expect, ast.Load())]
            self.block.append(ast.Expr(method(load("requests"), "append", tuple_(made))))
        self.leave_out_empty = False

    def found_by(self, find: r.SearchRule, variable: str) -> None:
        """Emit how what a request would make is looked for."""
        with self.guarded(find.test, find.params.place):
            params, same = self.fresh(), self.fresh()
            self.assign(find.params, params)
            self.assign(find.same, same)
            self.block.append(assigned(variable, tuple_([load(params), load(same)])))

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
        """Emit, in a trace, which case applied."""
        if self.traced and top:
            self.block.append(assigned("case", Constant(number)))

    def when(self, value: r.When, variable: str, top: bool) -> None:
        """Emit the first case that holds."""
        self.when_from(value, 0, variable, top)

    def when_from(self, value: r.When, index: int, variable: str, top: bool) -> None:
        """Emit the cases from one on, each in the `else` of the one before it."""
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
        """Emit the first keyword row that fits."""
        subject = self.fresh()
        self.put(subject, self.emit(value.subject), value.place)
        self.count(value.place, load(subject), Constant(value=True))
        self.match_from(value, subject, 0, variable, top)

    def match_from(self, value: r.Match, subject: str, index: int, variable: str, top: bool) -> None:
        """Emit the rows from one on, each in the `else` of the one before it."""
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
        """Emit the search for an entry of a list, and what it gives."""
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
            self.scope.name(value.variable, entry)
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
                entry = load(self.scope.names[value.variable])
                self.block.append(ast.Expr(method(load(table), "setdefault", key, entry)))
        return table

    def search(self, value: r.Find, entry: str, key: str) -> None:
        """Emit a search through a list of the payload, which is done once."""
        self.put(entry, NONE, value.place)
        with self.looped(value.collection, value.variable, value.place):
            by = tuple_([self.emit(part) for part in value.by])
            test = ast.Compare(by, [ast.Eq()], [load(key)])
            found = load(self.scope.names[value.variable])
            with self.branch(test, value.place):
                self.block.extend([assigned(entry, found), ast.Break()])

    def collect(self, value: r.Collect, variable: str) -> None:
        """Emit the list of what each entry gives."""
        self.put(variable, ast.List([], ast.Load()), value.place)
        with (
            self.looped(value.collection, value.variable, value.place),
            self.guarded(value.where, value.place),
        ):
            given = self.fresh()
            self.assign(value.give, given)
            self.block.append(ast.Expr(method(load(variable), "append", load(given))))

    def fields(self, value: r.Fields, variable: str) -> None:
        """Emit a record."""
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
        """Return the code of a value that is part of another one."""
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
        """Return a test whether a parameter has a value; None when it always has."""
        if isinstance(value, r.Placeholder) or (
            isinstance(value, ex.Const) and value.value not in (None, "")
        ):
            return None
        if value.type.kind in {"text", "any"}:
            # Both None and "" are false; no other text is.
            return load(variable)
        return is_(load(variable), NONE, negated=True)


def _has_cases(value: r.Value) -> bool:
    return isinstance(value, r.When | r.Match | r.Find)
