"""Typed rules compiled to Python functions.

Functions are built from `ast` nodes, never from source text, so nothing an author writes can become code. Their
positions point into the YAML, so a fault while they run names the rule's line at no cost. `bind` takes a tenant's
settings, reads them once, and gives the function that maps one payload. A traced variant does the same and records each
value; both come from the same rules. For much to map without trace a rulebook is one function, as fast as can be. Else
it is one for every few rules: after an edit only the one with the edited rule is compiled anew.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import CodeType
from typing import Any

from mapper.rulebook import rules as r
from mapper.rulebook.emitter import (
    LEAVES,
    Constant,
    Site,
    Variable,
    assigned,
    call,
    load,
    surroundings,
    tuple_,
)
from mapper.rulebook.functions import Function
from mapper.rulebook.lookups import Lookup, lookups
from mapper.rulebook.reuse import without_collection
from mapper.rulebook.statements import LINES, Rule, Statements, hidden

TOGETHER = 12
"""How many entries, or checks, one function of a traced rulebook computes."""
MOST_PARTS = 500

Run = Callable[..., Any]
Bind = Callable[[Mapping[str, Any]], Run]


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
        self.functions = functions

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        with without_collection():
            return tuple(_parts(self.rules, self.functions, traced=True))

    @cached_property
    def entries(self) -> tuple[r.Entry, ...]:
        """Return the named values by the numbers that a trace gives them."""
        return tuple(entry for part in self._parts for entry in part.entries)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Return the places that need a value, by the numbers that a fault gives them."""
        return tuple(site for part in self._parts for site in part.sites)

    @cached_property
    def bind_traced(self) -> Bind:
        """Return the function that binds a tenant's settings for mapping with trace."""
        with without_collection():
            return _joined(self.rules, self._parts, surroundings(self.functions), traced=True)

    @cached_property
    def bind_soon(self) -> Bind:
        """Return what `bind` returns, made sooner after an edit, and a little slower: to map some hundred payloads."""
        with without_collection():
            parts = tuple(_parts(self.rules, self.functions, traced=False))
            return _joined(self.rules, parts, surroundings(self.functions), traced=False)

    @cached_property
    def bind(self) -> Bind:
        """Return the function that binds a tenant's settings for mapping without trace."""
        return _whole(self.rules, self.functions)

    @cached_property
    def lookups(self) -> tuple[Lookup, ...]:
        """Return the tables by the numbers that a count gives them."""
        return lookups(self.rules)

    @cached_property
    def bind_counted(self) -> Bind:
        """Return the function that binds a tenant's settings for mapping with a count of what tables are asked.

        `run(payload, record)` is given (table number, what was looked for, whether there is such an entry).
        """
        return _whole(self.rules, self.functions, self.lookups)


def compile_rules(rules: r.Rules, functions: Mapping[str, Function]) -> Compiled:
    """Compile typed rules."""
    return Compiled(rules, functions)


def _whole(rules: r.Rules, functions: Mapping[str, Function], counted: Sequence[Lookup] = ()) -> Bind:
    with without_collection():
        statements = Statements(rules, functions, _given(rules), traced=False, counted=counted)
        body = statements.block
        for number, rule in _numbered(rules, traced=False):
            statements.rule(number, rule)
        arguments = [f"p_{rules.reads}", *_RECORD[bool(counted)]]
        run = _function("run", arguments, [*_starts(rules), *body, ast.Return(_result(rules))])
        code = _code([*statements.bind_block, run], rules.file)
        return _made(code, surroundings(functions) | statements.constants)


@dataclass(slots=True)
class _Part:
    """A function that computes some rules of a rulebook: it `takes` variables of those before it, and `gives` others.

    `used` are the variables by the names by which its rules read them; the numbers of entries, sites and rules are
    global variables of the code.
    """

    rules: tuple[tuple[int, Rule], ...]
    used: Mapping[str, str]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    entries: tuple[r.Entry, ...]
    sites: tuple[Site, ...]
    constants: Mapping[str, Any]
    code: CodeType


_kept: dict[Hashable, _Part] = {}
_RECORD = {True: ("record",), False: ()}
"""What a function takes that records."""


def _parts(rules: r.Rules, functions: Mapping[str, Function], *, traced: bool) -> Iterator[_Part]:
    """Yield the parts of a rulebook, those of unchanged rules as they are."""
    names, read_elsewhere = dict(_given(rules)), hidden(rules)
    for together in _together(_numbered(rules, traced=traced)):
        key = traced, rules.files, tuple(_identity(rule, read_elsewhere) for _, rule in together)
        part = _kept.get(key)
        if part is None or any(names.get(name) != variable for name, variable in part.used.items()):
            part = _part(rules, functions, together, names, traced=traced)
            if len(_kept) >= MOST_PARTS:
                _kept.clear()
            _kept[key] = part
        yield replace(part, rules=together)
        for _, rule in together:
            if isinstance(rule, r.Entry):
                names[rule.name] = f"v_{rule.name}"
            elif isinstance(rule, r.LineRule):
                names |= {rule.name: f"g_{rule.name}", "lines": LINES}


def _together(numbered: Iterable[tuple[int, Rule]]) -> Iterator[tuple[tuple[int, Rule], ...]]:
    """Yield the rules, with their numbers, that one function computes."""
    waiting: list[tuple[int, Rule]] = []
    for number, rule in numbered:
        alone = isinstance(rule, r.LineRule | r.RequestRule)
        if waiting and (alone or len(waiting) == TOGETHER or rule.__class__ is not waiting[0][1].__class__):
            yield tuple(waiting)
            waiting = []
        waiting.append((number, rule))
    if waiting:
        yield tuple(waiting)


def _identity(rule: Rule, read_elsewhere: Collection[tuple[str, str]]) -> Hashable:
    """Return what tells a rule from all others that are alive; what was not edited is read as the very same objects."""
    if not isinstance(rule, r.LineRule):
        return id(rule)
    working = tuple(sorted(name for group, name in read_elsewhere if group == rule.name))
    entries = tuple(map(id, rule.entries))
    return rule.kind, rule.name, rule.place, id(rule.test), id(rule.each), rule.variable, entries, working


def _part(
    rules: r.Rules,
    functions: Mapping[str, Function],
    together: tuple[tuple[int, Rule], ...],
    names: Mapping[str, str],
    *,
    traced: bool,
) -> _Part:
    statements = Statements(rules, functions, names, traced=traced, apart=True)
    body = statements.block
    for number, (_, rule) in enumerate(together):
        statements.rule(number, rule)
    loaded, stored = _variables(body)
    own = stored | _variables(statements.bind_block)[1]
    takes = tuple(sorted(name for name in loaded - own if _is_shared(name) and name != "p_tenant"))
    gives = tuple(sorted(filter(_is_shared, stored)))
    run = _function(
        "run", [*_RECORD[traced], *takes], [*body, ast.Return(ast.Tuple(list(map(load, gives)), ast.Load()))]
    )
    code = _code([*statements.bind_block, run], rules.file)
    entries, sites = tuple(statements.entries), tuple(statements.sites)
    return _Part(together, statements.used, takes, gives, entries, sites, statements.constants, code)


def _is_shared(variable: str) -> bool:
    """Tell whether functions hand a variable to each other: a payload, a value, lines or working values of lines."""
    return variable[:2] in {"p_", "v_", "g_", "h_"} or variable in {LINES, "reports", "requests"}


def _variables(statements: Iterable[ast.stmt]) -> tuple[set[str], set[str]]:
    """Return the variables that statements read, and those they set."""
    loaded: set[str] = set()
    stored: set[str] = set()
    waiting: list[Any] = [*statements]
    while waiting:
        node = waiting.pop()
        if node.__class__ is Variable:
            loaded.add(node.id)
        elif node.__class__ is ast.Name:
            stored.add(node.id)
        elif node.__class__ is not Constant:
            for name in _INSIDE[node.__class__]:
                inside = node.__dict__[name]
                waiting += inside if inside.__class__ is list else (inside,)
    return loaded, stored


def _joined(rules: r.Rules, parts: Sequence[_Part], around: Mapping[str, Any], *, traced: bool) -> Bind:
    """Return the function that binds settings to all parts, and gives the one that runs them one after the other."""
    binds: dict[str, Any] = {"__builtins__": {}}
    bound: list[ast.stmt] = []
    body = _starts(rules)
    entries = sites = 0
    for number, part in enumerate(parts):
        numbers = {f"n{one}": entries + one for one in range(len(part.entries))}
        numbers |= {f"s{one}": sites + one for one in range(len(part.sites))}
        numbers |= {f"r{one}": rule_number for one, (rule_number, _) in enumerate(part.rules)}
        entries, sites = entries + len(part.entries), sites + len(part.sites)
        binds[f"bind_{number}"] = _made(part.code, {**around, **part.constants, **numbers})
        bound.append(assigned(f"part_{number}", call(f"bind_{number}", load("p_tenant"))))
        given = call(f"part_{number}", *map(load, (*_RECORD[traced], *part.takes)))
        names = ast.Tuple([ast.Name(name, ast.Store()) for name in part.gives], ast.Store())
        body.append(ast.Assign([names], given) if part.gives else ast.Expr(given))
    run = _function("run", [f"p_{rules.reads}", *_RECORD[traced]], [*body, ast.Return(_result(rules))])
    return _made(_code([*bound, run], rules.file), binds)


def _numbered(rules: r.Rules, *, traced: bool) -> Iterator[tuple[int, Rule]]:
    """Yield the rules in the order in which they run, each with its number among those of its kind."""
    yield from enumerate(rules.steps)
    yield from enumerate(rules.requests)
    yield from (one for one in enumerate(rules.checks) if traced or not one[1].offline)


def _given(rules: r.Rules) -> Mapping[str, str]:
    """Return the variables a rulebook begins with, by their names in the rules."""
    return {name: f"p_{name}" for name in rules.given}


def _starts(rules: r.Rules) -> list[ast.stmt]:
    """Return what stands above all rules: other names of the payload, and what is made of it, empty."""
    aliases = [name for name in rules.given if name not in {"tenant", rules.reads}]
    starts = [assigned(f"p_{name}", load(f"p_{rules.reads}")) for name in aliases]
    return starts + [assigned(name, ast.List([], ast.Load())) for name in (LINES, "reports", "requests")]


def _result(rules: r.Rules) -> ast.expr:
    """Return what a rulebook gives: requests where it is given a document, else a document; and the reports."""
    if "document" in rules.given:
        return tuple_([load("requests"), load("reports")])
    names = [name for name in rules.document.fields or {} if name != "lines"]
    keys: list[ast.expr | None] = [Constant(name) for name in (*names, "lines")]
    document = ast.Dict(keys, [*(load(f"v_{name}") for name in names), load(LINES)])
    return tuple_([document, load("reports")])


def _code(statements: Sequence[ast.stmt], file: str) -> CodeType:
    """Return the code of a module in which `bind` runs these statements and returns `run`."""
    bind = _function("bind", ["p_tenant"], [*statements, ast.Return(load("run"))])
    module = ast.Module([bind], [])
    _place_all(module)
    return compile(module, file, "exec")


def _made(code: CodeType, around: dict[str, Any]) -> Bind:
    """Return the `bind` of a module with these global variables."""
    exec(code, around)  # noqa: S102  (built from nodes, not from text)
    bind: Bind = around["bind"]
    return bind


def _function(name: str, arguments: Iterable[str], body: list[ast.stmt]) -> ast.stmt:
    signature = ast.arguments([], [ast.arg(one) for one in arguments], None, [], [], None, [])
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
