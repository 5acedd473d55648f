"""The rule language a second time, by simpleeval: slow, simple, and independent of the typed rules and the compiler.

Works from the YAML's nodes alone, so that a mistake in reading or compiling rules cannot hide. Tests hold it equal to
the compiled rules on every stored payload and on random ones; `explain` uses it to evaluate the parts of an expression.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simpleeval import SimpleEval

from mapper.rulebook.functions import Function, shown
from mapper.rulebook.runtime import WrongType, as_flag, as_integer, as_number, as_record, as_text
from mapper.rulebook.source import Node

Names = dict[str, Any]

_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "number": as_number,
    "integer": as_integer,
    "string": as_text,
    "boolean": as_flag,
    "object": as_record,
}
_WORDS = {"true": True, "false": False, "none": None}
_OPERATORS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: Decimal(left) / right,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
    ast.Not: operator.not_,
    ast.USub: operator.neg,
}


class Absent(Exception):
    """A value that is needed is not there; the text is the expression that has none."""


class Evaluator(SimpleEval):  # type: ignore[misc]
    """simpleeval cut down to the rule language: Decimal numbers, item access only, `or` as a default."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        super().__init__(operators=_OPERATORS, functions={"-": None}, names={})
        self.table = functions
        self.parsed: dict[str, ast.expr] = {}
        self.nodes = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.BinOp: self._eval_binop,
            ast.UnaryOp: self._eval_unaryop,
            ast.Compare: self._eval_compare,
            ast.BoolOp: lambda node: self._boolean(node, False),
            ast.IfExp: lambda node: self._conditional(node, False),
            ast.Call: lambda node: self._call(node, False),
            ast.List: lambda node: [self._eval(item) for item in node.elts],
            ast.Tuple: lambda node: [self._eval(item) for item in node.elts],
        }

    def value(self, text: str, names: Names, *, lenient: bool = False) -> Any:
        """Evaluate an expression; parsed texts are kept. Raises Absent unless `lenient`."""
        tree = self.parsed.get(text)
        if tree is None:
            tree = self.parsed[text] = self.parse(text.strip().replace("\n", " ")).value
        return self.tree(tree, names, lenient=lenient)

    def tree(self, tree: ast.expr, names: Names, *, lenient: bool = False) -> Any:
        """Evaluate a parsed expression."""
        self.names = names
        return self._lenient(tree) if lenient else self._eval(tree)

    def _check_disallowed_items(self, item: object) -> None:
        """Look through no value: simpleeval would do so at every node, though rules see data only, never an object."""

    def _eval(self, node: ast.expr) -> Any:
        result = super()._eval(node)
        if result is None and isinstance(node, ast.Name | ast.Attribute) and not _is_none(node):
            raise Absent(ast.unparse(node))
        return result

    def _lenient(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            return self._boolean(node, True)
        if isinstance(node, ast.IfExp):
            return self._conditional(node, True)
        if isinstance(node, ast.Call):
            return self._call(node, True)
        if isinstance(node, ast.Name | ast.Attribute):
            return super()._eval(node)
        return self._eval(node)

    def _constant(self, node: ast.Constant) -> Any:
        return Decimal(repr(node.value)) if isinstance(node.value, int | float) else node.value

    def _name(self, node: ast.Name) -> Any:
        return _WORDS[node.id] if node.id in _WORDS else self.names[node.id]

    def _attribute(self, node: ast.Attribute) -> Any:
        return field(self._lenient(node.value), node.attr)

    def _boolean(self, node: ast.BoolOp, lenient: bool) -> Any:
        if isinstance(node.op, ast.And):
            return all(self._eval(part) for part in node.values)
        for part in node.values[:-1]:
            value = self._lenient(part)
            if value is True or (value is not None and value is not False and value != ""):
                return value
        return self._lenient(node.values[-1]) if lenient else self._eval(node.values[-1])

    def _conditional(self, node: ast.IfExp, lenient: bool) -> Any:
        branch = node.body if self._eval(node.test) else node.orelse
        return self._lenient(branch) if lenient else self._eval(branch)

    def _call(self, node: ast.Call, lenient: bool) -> Any:
        assert isinstance(node.func, ast.Name)
        if node.func.id == "filled":
            value = self._lenient(node.args[0])
            return value.strip() != "" if isinstance(value, str) else value not in (None, [])
        if node.func.id == "needed":
            return self._eval(node.args[0])
        function = self.table[node.func.id]
        result = function.call(
            *(self._lenient(arg) if function.lenient else self._eval(arg) for arg in node.args)
        )
        if result is None and not lenient:
            raise Absent(ast.unparse(node))
        return result


def field(base: Any, name: str) -> Any:
    """Return an item of a record, or of each record of a list; absent when the record is."""
    if isinstance(base, list):
        return [field(item, name) for item in base]
    return base.get(name) if isinstance(base, Mapping) else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "none"


@dataclass(slots=True)
class Interpreter:
    """Runs one rulebook's nodes over a payload and a tenant's settings."""

    root: Node
    evaluator: Evaluator
    tenant: Mapping[str, Any]

    def document(self, name: str, payload: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Return the document of a payload, and (id, severity) of each check that speaks.

        A payload of any kind is also called `order`: a rulebook that extends that of orders says so.
        """
        names: Names = {"order": payload, name: payload, "tenant": self.tenant}
        document: dict[str, Any] = {}
        self._section("document", names, document)
        names["lines"] = []
        for item in self._list("lines"):
            self._line_step(item, names)
        self._section("totals", names, document)
        document["lines"] = [
            {key: value for key, value in line.items() if key[0] != "_"} for line in names["lines"]
        ]
        return document, list(self._checks(names))

    def requests(
        self, document: Mapping[str, Any]
    ) -> tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, str]]]:
        """Return (name, parameters) of each request for a document, and (id, severity) of each check that speaks."""
        names: Names = {"document": document, "tenant": self.tenant}
        self._section("values", names, {})
        made = []
        for item in self._list("requests"):
            for inner in self._each(item, names):
                params = item.entries["params"]
                made.append((item.entries["name"].text, self._fields(params, inner, leave_out_empty=True)))
        return made, list(self._checks(names))

    def _list(self, section: str) -> list[Node]:
        return self.root.entries[section].items if section in self.root.entries else []

    def _section(self, section: str, names: Names, document: dict[str, Any]) -> None:
        entries = self.root.entries[section].entries if section in self.root.entries else {}
        for name, node in entries.items():
            names[name] = self.value(node, names)
            if name[0] != "_":
                document[name] = names[name]

    def _line_step(self, item: Node, names: Names) -> None:
        if "kind" not in item.entries:
            for name, node in item.entries["values"].entries.items():
                names[name] = self.value(node, names)
            return
        kind = item.entries["kind"].text
        group: list[Names] = []
        names[item.entries["name"].text if "name" in item.entries else kind] = group
        for inner in self._each(item, names):
            line: Names = {"kind": kind}
            for part in (item.entries["values"], self.root.entries["every_line"]):
                for name, node in part.entries.items():
                    line[name] = inner[name] = self.value(node, inner)
            group.append(line)
            names["lines"].append(line)

    def _each(self, item: Node, names: Names) -> Iterator[Names]:
        if "if" in item.entries and not self._test(item.entries["if"], names):
            return
        if "each" not in item.entries:
            yield dict(names)
            return
        for one in self.evaluator.value(item.entries["each"].text, names):
            yield {**names, item.entries["as"].text: one}

    def _checks(self, names: Names) -> Iterator[tuple[str, str]]:
        for item in self._list("checks"):
            if "offline" in item.entries:
                continue
            failing = "if" in item.entries
            for inner in self._each(Node("map", item.place, entries=_only(item, "each", "as")), names):
                if self._test(item.entries["if" if failing else "that"], inner) == failing:
                    severity = item.entries["severity"]
                    said = severity.text if severity.kind != "map" else self.value(severity, inner)
                    yield item.entries["id"].text, said

    def _test(self, node: Node, names: Names) -> bool:
        return bool(self.evaluator.value(node.text, names))

    def value(self, node: Node, names: Names, *, lenient: bool = False) -> Any:
        """Return a value in any of its forms."""
        parts = node.entries
        if node.kind != "map":
            return self.evaluator.value(node.text, names, lenient=lenient)
        if "text" in parts:
            return self.template(parts["text"].text, names)
        if "placeholder" in parts:
            return "{" + parts["placeholder"].text + "}"
        if "when" in parts:
            return self._when(node, names, lenient)
        if "match" in parts:
            return self._match(node, names)
        if "find" in parts or "collect" in parts:
            return self._through(node, names)
        if "fields" in parts:
            if "if" in parts and not self._test(parts["if"], names):
                return None
            return self._fields(parts["fields"], names, leave_out_empty=lenient)
        every = "all" in parts
        return (all if every else any)(
            self._test(item, names) for item in parts["all" if every else "any"].items
        )

    def template(self, text: str, names: Names) -> str:
        """Return a text with its `{expressions}` filled in."""
        pieces = text.replace("{{", "\0").replace("}}", "\1").split("{")
        made = pieces[0]
        for piece in pieces[1:]:
            inner, _, literal = piece.partition("}")
            made += shown(self.evaluator.value(inner, names, lenient=True)) + literal
        return made.replace("\0", "{").replace("\1", "}")

    def _when(self, node: Node, names: Names, lenient: bool) -> Any:
        for case in node.entries["when"].items:
            if self._test(case.entries["if"], names):
                return self.value(case.entries["then"], names, lenient=lenient)
        return (
            self.value(node.entries["otherwise"], names, lenient=lenient)
            if "otherwise" in node.entries
            else None
        )

    def _match(self, node: Node, names: Names) -> str:
        subject = self.evaluator.value(node.entries["match"].text, names)
        for row in node.entries["keywords"].items:
            every = "all" in row.entries
            words = row.entries["all" if every else "any"].items
            if (all if every else any)(word.text in subject for word in words):
                return row.entries["then"].text
        return node.entries["otherwise"].text

    def _through(self, node: Node, names: Names) -> Any:
        parts, found = node.entries, []
        first = "find" in parts
        keys = [self.evaluator.value(part.text, names) for part in _several(parts["is"])] if first else []
        for one in self.evaluator.value(parts["find" if first else "collect"].text, names):
            inner = {**names, parts["as"].text: one}
            if first:
                if [self.evaluator.value(part.text, inner) for part in _several(parts["by"])] == keys:
                    return self.value(parts["give"], inner, lenient=True)
            elif "where" not in parts or self._test(parts["where"], inner):
                found.append(self.value(parts["give"], inner, lenient="fields" in parts["give"].entries))
        return None if first else found

    def _fields(self, node: Node, names: Names, *, leave_out_empty: bool) -> dict[str, Any]:
        values = {
            name: self.value(inner, names, lenient=leave_out_empty) for name, inner in node.entries.items()
        }
        return {
            name: value for name, value in values.items() if not leave_out_empty or value not in (None, "")
        }


def _several(node: Node) -> list[Node]:
    return node.items if node.kind == "list" else [node]


def _only(node: Node, *names: str) -> dict[str, Node]:
    return {name: node.entries[name] for name in names if name in node.entries}


def typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a payload with every value of the type its JSON schema documents, where it can be read as one."""
    kinds = schema.get("type", "")
    kind = kinds if isinstance(kinds, str) else next(one for one in kinds if one != "null")
    if kind in _READ:
        try:
            value = _READ[kind](value, "")
        except WrongType:
            return value
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {name: typed(inner, known.get(name, {})) for name, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner, schema.get("items", {})) for inner in value]
    return value
