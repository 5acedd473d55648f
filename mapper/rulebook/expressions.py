"""Expressions: parsed by simpleeval, held to a whitelist, and turned into a tree of our own with types and places.

Names, item access by dot, comparison, and / or / not, + - * /, `a if b else c`, lists of constants, calls of the named
functions, and constants. Every number is a Decimal from its source text. Nothing here can reach a Python attribute.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from mapper.diagnostics import Diagnostic, Place
from mapper.rulebook.functions import Function
from mapper.rulebook.needs import lacks
from mapper.rulebook.notes import MOST_KEPT, Kept, Names, Notes, keep, recall
from mapper.rulebook.outcomes import certain, constant, outcome
from mapper.rulebook.parsing import Unreadable, decimal_comma, parse, speaks
from mapper.rulebook.source import Node, Source
from mapper.rulebook.tree import (
    Binary,
    Call,
    Compare,
    Cond,
    Const,
    Expr,
    Fallback,
    Field,
    Filled,
    ListOf,
    Logic,
    Name,
    Not,
    Text,
    walk,
)
from mapper.rulebook.types import (
    ANY,
    FLAG,
    NONE,
    NUMBER,
    PLACES,
    TEXT,
    UNREAD,
    Form,
    Type,
    Unit,
    calculated,
    fits,
    join,
)

MAX_CHARACTERS = 1000
MAX_NODES = 200
MAX_DEPTH = 25
MAX_PROBLEMS = 100
MAX_COMPARED = 500
MAX_EDITS = 2

_LINE_END = re.compile("[\n\r\f]")
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?\Z")
_WORDS = {"true": True, "false": False, "none": None}
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_WORDS_ALONE = re.compile(r"\s*\w[\w ]*\Z")
_PLACES = frozenset(map(Decimal, range(13)))
_FORMS: Mapping[Form, str] = {
    "clean": "it has no capitals and no hyphens",
    "upper": "it has only capitals",
}
_FLAGS_ELSEWHERE = {
    **dict.fromkeys(("yes", "on", "ja", "waar", "true"), "true"),
    **dict.fromkeys(("no", "off", "nee", "uit", "onwaar", "false"), "false"),
}
_FUNCTIONS_ELSEWHERE = {
    "round": "round_half_up", "max": "highest_of", "min": "lowest_of", "len": "count", "concat": "join",
    "lower": "clean", "int": "integer", "str": "text", "sumif": "sum_of",
}  # fmt: skip
_SIGNS = {
    "Pow": "**", "Mod": "%", "FloorDiv": "//", "MatMult": "@", "LShift": "<<", "RShift": ">>", "BitAnd": "&",
    "BitOr": "|",
    "BitXor": "^",
}  # fmt: skip
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISON = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip


_Made = TypeVar("_Made")


@dataclass(slots=True)
class Reader:
    """Reads expressions of one file, collecting problems; a part that cannot be read gets the type `any`.

    `values` are the places of expressions that could be a value in another form. `rulebook` tells apart those that
    share nodes.
    """

    source: Source
    functions: Mapping[str, Function]
    problems: list[Diagnostic] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    values: set[Place] = field(default_factory=set)
    rulebook: str = ""

    def kept(self, node: Node, names: Names, made_as: Hashable, make: Callable[[], _Made]) -> _Made:
        """Return what `make` reads of a node; if nothing was wrong with it, not again before something changes.

        It depends on the node, the names and `made_as` alone: what is made of the node, and in which way.
        """
        key = (self.rulebook, made_as)
        kept = recall(key, node, names)
        if kept is None:
            notes, self.notes, problems = self.notes, Notes(), len(self.problems)
            kept = Kept(node, make(), self.notes)
            self.notes = notes
            if len(self.problems) == problems < MAX_PROBLEMS:
                keep(key, kept, names)
        self.notes.add(kept.notes)
        made: _Made = kept.made
        return made

    def value(self, node: Node, names: Names, *, lenient: bool = False) -> Expr:
        """Read the expression of a scalar that could also be one of the other forms of a value, such as `text`."""
        self.values.add(node.place)
        return self.expression(node, names, lenient=lenient)

    def expression(self, node: Node, names: Names, *, lenient: bool = False) -> Expr:
        """Read the expression a YAML scalar holds; `lenient`: what it gives may be absent."""
        if node.kind in {"map", "list"}:
            self.refuse(
                "RULE201", node.place, "An expression belongs here.", "Write it on one line after the key."
            )
            return Const(UNREAD, node.place, None)
        if node.kind == "null":
            self.refuse(
                "RULE201",
                node.place,
                "An expression belongs here, but there is nothing.",
                "Write `none` to mean nothing.",
            )
            return Const(UNREAD, node.place, None)
        return self._read(node, node.text, 0, names, lenient=lenient)

    def template(self, node: Node, names: Names) -> Text:
        """Read a text with `{expressions}`; `{{` and `}}` stand for braces."""
        parts: list[str | Expr] = []
        if node.kind in {"map", "list"}:
            self.refuse("RULE201", node.place, "A text belongs here.", "Write it between quotes.")
            return Text(TEXT, node.place, ())
        for literal, inner, offset in _template_parts(node.text):
            if inner is None:
                parts.append(literal)
            elif inner == "":
                self.refuse(
                    "RULE202",
                    node.spot(offset),
                    "A brace is not closed or holds nothing.",
                    "Write {name}, or {{ for a brace.",
                )
            else:
                parts.append(self._read(node, inner, offset, names, lenient=True))
        return Text(TEXT, node.place, tuple(parts))

    def refuse(self, code: str, place: Place, message: str, hint: str = "") -> None:
        """Note a problem; after MAX_PROBLEMS of them nobody reads on."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(self.source.problem(code, place, message, hint))

    def nearest(self, name: str, known: Sequence[str], intro: str, prefix: str = "") -> str:
        """Return a hint: the known name that is closest, else some of them."""
        # Comparing thousands of wrong names with thousands of right ones would take minutes.
        if len(self.problems) >= MAX_PROBLEMS:
            return ""
        if close := _closest(name, known[:MAX_COMPARED]):
            return f"Did you mean '{prefix}{close}'?"
        listed = ", ".join(sorted(known)[:12])
        return f"{intro}: {listed}{' …' if len(known) > 12 else ''}." if known else ""

    def require(self, expr: Expr, wanted: Type, what: str) -> None:
        """Note a problem when an expression is not of the type that its place wants."""
        if not fits(expr.type, wanted):
            self.refuse("RULE205", expr.place, f"{what} must be {wanted.called}; this is {expr.type.called}.")

    def out_of_form(self, text: str, form: Form) -> tuple[str, str] | None:
        """Say why a text never stands in one to which a function gave its form; None when it can."""
        written = self.functions[form].call(text) if form else text
        if written == text:
            return None
        message = f"'{text}' never stands in a text that `{form}` made: {_FORMS[form]}."
        return message, f"Write '{written}'." if written else "Remove it."

    def refuse_contradiction(self, tests: Sequence[Expr], place: Place, *, every: bool) -> None:
        """Note conditions that contradict each other: together they never hold, or one of them always does."""
        hint = "Write `or` if one of them is enough." if every else "Write `and` if all of them must hold."
        self.refuse_certain(outcome(tests, self.notes.written, every=every), place, hint)

    def refuse_certain(self, holds: bool | None, place: Place, hint: str) -> None:
        """Note a condition that always `holds` or never; None when that depends on the document."""
        if holds is not None:
            always = "always" if holds else "never"
            self.refuse("RULE220", place, f"This {always} holds, whatever the document holds.", hint)

    def _read(self, node: Node, text: str, offset: int, names: Names, *, lenient: bool) -> Expr:
        stripped = text.lstrip()
        offset += len(text) - len(stripped)
        stripped = stripped.rstrip()
        if not stripped:
            self.refuse(
                "RULE201",
                node.place,
                "An expression belongs here, but there is nothing.",
                "Write `none` to mean nothing.",
            )
            return Const(UNREAD, node.place, None)
        if len(stripped) > MAX_CHARACTERS:
            self.refuse("RULE203", node.place, f"{len(stripped)} characters are too many: at most {MAX_CHARACTERS}.",
                        "Split it: give a part a name of its own.")  # fmt: skip
            return Const(UNREAD, node.place, None)
        # A line end ends a Python expression; in a YAML block it is only a space to the author.
        source = _LINE_END.sub(" ", stripped)
        tree = self._parse(node, source, offset)
        if tree is None:
            return Const(UNREAD, node.place, None)
        problems = len(self.problems)
        expr = _Checker(self, node, source, offset, names).convert(tree)
        for one in walk(expr):
            if isinstance(one, Name):
                self.notes.mentioned.add(one.name)
                self.notes.needs[one.name] = names[one.name]
            elif isinstance(one, Field):
                self.notes.mentioned.add(one.name)
                if isinstance(one.base, Name) and one.name[0] == "_":
                    self.notes.working.add((one.base.name, one.name))
        self.notes.lacking = self.notes.lacking or lacks(expr, self.functions, lenient=lenient)
        return replace(expr, type=UNREAD) if len(self.problems) > problems else expr

    def _parse(self, node: Node, source: str, offset: int) -> ast.expr | None:
        try:
            return parse(source)
        except Unreadable as problem:
            hint = problem.hint
            if _WORDS_ALONE.fullmatch(node.text):
                meant = self.as_text(node, node.text.strip())
                spoken = speaks(node.text) or not any(map(str.isalpha, node.text))
                hint = f"{hint} {meant}" if spoken else meant
            start = min(problem.start, max(len(source) - 1, 0))
            self.refuse("RULE204", node.spot(offset + start, problem.length), problem.message, hint)
            return None

    def as_text(self, node: Node, text: str) -> str:
        """Return a hint: how a constant text is written in the place of a whole expression."""
        if node.place in self.values:
            return f"A text is written {{text: {text}}}."
        return f"A text stands in two pairs of quotes: \"'{text}'\"."


@dataclass(slots=True)
class _Checker:
    """Converts one Python syntax tree, checking every node against the whitelist and the types."""

    reader: Reader
    node: Node
    source: str
    offset: int
    names: Names
    count: int = 0
    depth: int = 0
    stopped: bool = False

    def convert(self, tree: ast.expr) -> Expr:
        self.count += 1
        self.depth += 1
        try:
            if self.stopped or self.count > MAX_NODES or self.depth > MAX_DEPTH:
                return self._stop(tree)
            handler = _HANDLERS.get(type(tree))
            if handler is None:
                what = _REFUSED.get(type(tree).__name__, "This")
                hint = "A field is written with a point: `order.total_price`. See docs/rules.md."
                return self._refuse("RULE206", tree, f"{what} is not part of the rule language.", hint)
            return handler(self, tree)
        finally:
            self.depth -= 1

    def _stop(self, tree: ast.expr) -> Expr:
        if not self.stopped:
            self._refuse("RULE203", tree, "The expression is too long.", "Give a part a name of its own.")
        self.stopped = True
        return Const(UNREAD, self.node.place, None)

    def place(self, tree: ast.expr) -> Place:
        start, end = tree.col_offset, tree.end_col_offset
        if self.source.isascii():
            own = self.source[start:end]
        else:
            # Python counts bytes.
            content = self.source.encode()
            start, own = len(content[:start].decode()), content[start:end].decode()
        place = self.node.spot(self.offset + start, max(1, len(own)))
        self.reader.notes.written[place] = own
        return place

    def _refuse(self, code: str, tree: ast.expr, message: str, hint: str = "") -> Expr:
        self.reader.refuse(code, self.place(tree), message, hint)
        return Const(UNREAD, self.place(tree), None)

    def constant(self, tree: ast.Constant) -> Expr:
        value, place = tree.value, self.place(tree)
        if isinstance(value, bool) or value is None:
            message = f"'{value}' is no word of the rule language."
            return self._refuse("RULE206", tree, message, f"Write {str(value).lower()}.")
        if isinstance(value, str):
            if not _QUOTED.fullmatch(self.reader.notes.written[place]):
                # Python joins 'it''s' to its.
                hint = "A quote inside it is written \\' or stands between the other quotes."
                return self._refuse("RULE206", tree, "A text stands between one pair of quotes.", hint)
            if any("\ud800" <= character <= "\udfff" for character in value):
                return self._refuse("RULE206", tree, "This text holds half a character.", "Write all of it.")
            return Const(TEXT, place, value)
        text = self.source.encode()[tree.col_offset : tree.end_col_offset].decode()
        if isinstance(value, int | float) and _NUMBER.match(text):
            return Const(NUMBER, place, Decimal(text))
        return self._refuse(
            "RULE206", tree, f"{text[:40]} is not a plain number.", "Write it as 12 or 12.50."
        )

    def name(self, tree: ast.Name) -> Expr:
        place = self.place(tree)
        if self.reader.notes.written[place] != tree.id:
            # Python takes ｎ for n; what looks different must not mean the same.
            return self._refuse(
                "RULE207",
                tree,
                f"There is no '{self.reader.notes.written[place]}' here.",
                f"Write '{tree.id}'.",
            )
        if tree.id in _WORDS:
            value = _WORDS[tree.id]
            return Const(NONE if value is None else FLAG, place, value)
        if tree.id in self.names:
            return Name(self.names[tree.id], place, tree.id)
        if tree.id in self.reader.functions:
            return self._refuse("RULE207", tree, f"'{tree.id}' is a function.", f"Call it: {tree.id}(…).")
        flag = _FLAGS_ELSEWHERE.get(tree.id.lower())
        hint = (
            f"Write {flag}." if flag else self.reader.nearest(tree.id, [*self.names, *_WORDS], "Known here")
        )
        if not tree.id.startswith("_"):
            hint += f" {self._text(tree)}"
        return self._refuse("RULE207", tree, f"There is no '{tree.id}' here.", hint)

    def _text(self, tree: ast.Name) -> str:
        """Return a hint: how to write a word that was meant as a text."""
        if self.node.text.strip() == tree.id:
            return self.reader.as_text(self.node, tree.id)
        return f"A text stands in quotes: '{tree.id}'."

    def attribute(self, tree: ast.Attribute) -> Expr:
        base = self.convert(tree.value)
        place = self.place(tree)
        if base.type.kind == "any":
            return Field(base.type.maybe(), place, base, tree.attr)
        record = base.type.item if base.type.kind == "list" else base.type
        if record is None or record.kind not in {"record", "any"} or isinstance(base, Const | ListOf):
            return self._refuse(
                "RULE205", tree, f"{_upper(base.type.called)} has no fields, so no '{tree.attr}'."
            )
        if record.fields is None or record.kind == "any":
            inner = ANY.maybe()
        elif tree.attr in record.fields:
            inner = record.fields[tree.attr]
        else:
            written = ast.unparse(tree.value)
            hint = self.reader.nearest(tree.attr, list(record.fields), f"{written} has", written + ".")
            spot = self._last(place, len(tree.attr))
            self.reader.refuse("RULE208", spot, f"{written} has no '{tree.attr}'.", hint)
            return Const(UNREAD, place, None)
        if base.type.kind == "list":
            inner = Type("list", item=inner.sure() if record.outside else replace(inner, optional=False))
        elif base.type.optional:
            inner = inner.maybe()
        return Field(inner, place, base, tree.attr)

    def _last(self, place: Place, length: int) -> Place:
        """Return the place of the last characters of what stands at `place`."""
        if len(self.reader.notes.written[place]) != place.length:
            return place
        return Place(place.file, place.line, place.column + place.length - length, length)

    def arithmetic(self, tree: ast.BinOp) -> Expr:
        op = _ARITHMETIC.get(type(tree.op))
        left, right = self.convert(tree.left), self.convert(tree.right)
        if op is None:
            sign = _SIGNS.get(type(tree.op).__name__, type(tree.op).__name__)
            return self._refuse(
                "RULE206", tree, f"'{sign}' is not part of the rule language.", "Use + - * /."
            )
        for side in (left, right):
            if not side.type.numeric:
                hint = (
                    "Join texts with {text: \"{a} {b}\"} or join(' ', a, b)."
                    if side.type.kind == "text"
                    else ""
                )
                self.reader.refuse(
                    "RULE205",
                    side.place,
                    f"'{op}' calculates with numbers; this is {side.type.called}.",
                    hint,
                )
                return Const(UNREAD, self.place(tree), None)
        if op == "/" and constant(right) == 0:
            return self._refuse(
                "RULE205", tree.right, "Nothing can be divided by 0.", "Write another number."
            )
        kind = calculated(op, left.type, right.type)
        if kind is None:
            return self._refuse("RULE205", tree, _calculation(op, left.type, right.type), _CALCULATION_HINT)
        return Binary(kind, self.place(tree), op, left, right)

    def unary(self, tree: ast.UnaryOp) -> Expr:
        operand = self.convert(tree.operand)
        place = self.place(tree)
        if isinstance(tree.op, ast.Not):
            self.reader.require(operand, FLAG, "What follows 'not'")
            self.reader.refuse_certain(
                certain(operand), operand.place, "Write what it depends on, or remove it."
            )
            return Not(FLAG, place, operand)
        if isinstance(tree.op, ast.USub):
            self.reader.require(operand, NUMBER, "What follows '-'")
            return Binary(operand.type.sure(), place, "-", Const(NUMBER, place, Decimal(0)), operand)
        return self._refuse("RULE206", tree, "This sign is not part of the rule language.")

    def comparison(self, tree: ast.Compare) -> Expr:
        operands = tuple(self.convert(part) for part in (tree.left, *tree.comparators))
        ops = tuple(_COMPARISON.get(type(op), "is") for op in tree.ops)
        problems = len(self.reader.problems)
        for op, left, right in zip(ops, operands, operands[1:], strict=False):
            self._check_comparison(tree, op, left, right)
        compared = Compare(FLAG, self.place(tree), ops, operands)
        if len(self.reader.problems) == problems:
            self._refuse_certain(compared)
        return compared

    def _refuse_certain(self, compared: Compare) -> None:
        """Note a comparison whose outcome no document changes."""
        pairs = zip(compared.ops, compared.operands, compared.operands[1:], strict=False)
        same = [op for op, left, right in pairs if constant(left) is None and self._alike(left, right)]
        if any(op in {"!=", "<", ">"} for op in same):
            holds: bool | None = False
        elif same and len(compared.ops) == 1 and same[0] in {"==", "<=", ">="}:
            holds = True
        else:
            holds = outcome([compared], self.reader.notes.written, every=True)
            holds = outcome([compared], self.reader.notes.written, every=False) if holds is None else holds
        self.reader.refuse_certain(holds, compared.place, "Compare with another value, or remove it.")

    def _alike(self, left: Expr, right: Expr) -> bool:
        written = self.reader.notes.written
        return written[left.place].split() == written[right.place].split()

    def _check_comparison(self, tree: ast.Compare, op: str, left: Expr, right: Expr) -> None:
        if op == "is":
            self._refuse("RULE206", tree, "'is' is not part of the rule language.", "Compare with ==.")
        elif "none" in (left.type.kind, right.type.kind):
            self._refuse("RULE205", tree, "Nothing compares with none.", "Write `not filled(…)`.")
        elif op in {"in", "not in"}:
            self._check_membership(tree, left, right)
        elif not fits(left.type, right.type):
            message = f"{_upper(left.type.called)} never compares with {right.type.called}."
            self._refuse("RULE205", tree, message, _comparison_hint(left, right))
        elif op in {"==", "!="} and (
            impossible := self._impossible(left, right) or self._impossible(right, left)
        ):
            self._refuse("RULE220", tree, *impossible)
        elif op not in {"==", "!="} and not (left.type.numeric or left.type.kind == "text"):
            self._refuse("RULE205", tree, f"'{op}' compares numbers; this is {left.type.called}.")

    def _check_membership(self, tree: ast.Compare, left: Expr, right: Expr) -> None:
        item = right.type.item
        if right.type.kind not in {"list", "any"}:
            self._refuse(
                "RULE205",
                tree,
                f"'in' looks in a list; this is {right.type.called}.",
                "Keywords in a text: use `match`.",
            )
        elif item is not None and not fits(left.type, item):
            self._refuse("RULE205", tree, f"{_upper(left.type.called)} is never in {right.type.called}.")
        for listed in right.items if isinstance(right, ListOf) else ():
            if impossible := self._impossible(left, listed):
                self.reader.refuse("RULE220", listed.place, *impossible)

    def _impossible(self, value: Expr, given: Expr) -> tuple[str, str] | None:
        """Say why a value can never be a constant text: it is none of its texts, or its form is another."""
        text = constant(given)
        if not isinstance(text, str):
            return None
        if value.type.choices and text not in value.type.choices:
            close = difflib.get_close_matches(text, value.type.choices, 1)
            hint = (
                f"Did you mean '{close[0]}'?" if close else f"It is one of: {', '.join(value.type.choices)}."
            )
            return f"This is never '{text}'.", hint
        return self.reader.out_of_form(text, value.type.form)

    def logic(self, tree: ast.BoolOp) -> Expr:
        problems = len(self.reader.problems)
        operands = tuple(self.convert(part) for part in tree.values)
        place = self.place(tree)
        if isinstance(tree.op, ast.And):
            for operand in operands:
                self.reader.require(operand, FLAG, "Each side of 'and'")
        if isinstance(tree.op, ast.And) or all(operand.type.kind == "flag" for operand in operands):
            every = isinstance(tree.op, ast.And)
            if len(self.reader.problems) == problems:
                self._refuse_contradiction(operands, place, every=every)
            return Logic(FLAG, place, "and" if every else "or", operands)
        kind = operands[0].type
        for operand in operands[1:]:
            joined = join(kind, operand.type)
            if joined is None:
                both = f"{kind.called} and {operand.type.called}"
                message = (
                    f"'or' takes the right side where the left is absent, but {both} do not go together."
                )
                return self._refuse("RULE205", tree, message)
            kind = joined
        kind = kind.maybe() if operands[-1].type.optional else kind.sure()
        return Fallback(kind, place, operands)

    def _refuse_contradiction(self, operands: Sequence[Expr], place: Place, *, every: bool) -> None:
        if every and (always := [operand for operand in operands if certain(operand)]):
            hint = "Write what it depends on, or remove it."
            self.reader.refuse_certain(True, always[0].place, hint)
        elif not every and certain(operands[-1]):
            first = self.reader.notes.written[operands[0].place]
            hint = f"True where there is no value is written `needed({first}) if filled({first}) else true`."
            self.reader.refuse_certain(True, place, hint)
        else:
            self.reader.refuse_contradiction(operands, place, every=every)

    def conditional(self, tree: ast.IfExp) -> Expr:
        test, then, otherwise = self.convert(tree.test), self.convert(tree.body), self.convert(tree.orelse)
        self.reader.require(test, FLAG, "What stands between 'if' and 'else'")
        self.reader.refuse_certain(
            certain(test), test.place, "Write what it depends on, or one of the values alone."
        )
        kind = join(then.type, otherwise.type)
        if kind is None:
            return self._refuse(
                "RULE205", tree, f"One side is {then.type.called}, the other {otherwise.type.called}."
            )
        return Cond(kind, self.place(tree), test, then, otherwise)

    def sequence(self, tree: ast.List | ast.Tuple) -> Expr:
        items = tuple(self.convert(part) for part in tree.elts)
        if not items:
            return self._refuse("RULE206", tree, "A list of nothing holds nothing.", "Write ['NL', 'BE'].")
        kind = items[0].type if items else ANY
        if any(not isinstance(item, Const) or not fits(item.type, kind) for item in items):
            return self._refuse("RULE206", tree, "A list may only hold constants of one type.")
        return ListOf(Type("list", item=kind), self.place(tree), items)

    def call(self, tree: ast.Call) -> Expr:
        if not isinstance(tree.func, ast.Name):
            hint = "See docs/rules.md for the list."
            return self._refuse("RULE206", tree, "Only named functions can be called.", hint)
        name = tree.func.id
        if tree.keywords or any(isinstance(arg, ast.Starred) for arg in tree.args):
            return self._refuse(
                "RULE206", tree, "The values of a function stand in order, without names or stars."
            )
        args = tuple(self.convert(arg) for arg in tree.args)
        if name in {"filled", "needed"}:
            return self._presence(tree, name, args)
        function = self.reader.functions.get(name)
        if function is None:
            meant = _FUNCTIONS_ELSEWHERE.get(name.lower())
            known = [*self.reader.functions, "filled", "needed"]
            hint = f"Did you mean '{meant}'?" if meant else self.reader.nearest(name, known, "Functions")
            return self._refuse("RULE209", tree, f"There is no function '{name}'.", hint)
        wanted = len(function.params)
        if len(args) != wanted and not (function.rest and len(args) >= wanted):
            message = f"{name} takes {wanted} value(s), not {len(args)}."
            comma = decimal_comma(self.reader.notes.written[self.place(tree)])
            return self._refuse("RULE209", tree, message, comma.message if comma else function.doc)
        self._check_arguments(name, function, args)
        return Call(self._returned(function, args), self.place(tree), name, args)

    def _presence(self, tree: ast.Call, name: str, args: Sequence[Expr]) -> Expr:
        if len(args) != 1:
            message = f"{name} takes 1 value(s), not {len(args)}."
            return self._refuse("RULE209", tree, message, "Write it around one value.")
        if name == "needed":
            return replace(args[0], type=replace(args[0].type, nullable=False))
        return Filled(FLAG, self.place(tree), args[0])

    def _check_arguments(self, name: str, function: Function, args: Sequence[Expr]) -> None:
        params = (*function.params, *([function.params[-1]] * (len(args) - len(function.params))))
        for arg, param in zip(args, params, strict=True):
            places = constant(arg) if param is PLACES else None
            if isinstance(places, Decimal) and places not in _PLACES:
                self.reader.refuse("RULE205", arg.place, f"{name} gives 0 to 12 decimals.", function.doc)
            if _numbers(param) and arg.type.item is not None and arg.type.item.nullable:
                self.reader.refuse("RULE221", arg.place, *_of_all(self.reader.notes.written[arg.place]))
            if not fits(arg.type, param):
                message = f"{name} wants {param.called} here; this is {arg.type.called}."
                self.reader.refuse("RULE205", arg.place, message, function.doc)
        if function.named:
            self._check_named(args[0], args[1:])
        elif function.rest and function.like is not None:
            counted = [arg for arg in args[function.like :] if arg.type.unit]
            for arg in counted[1:]:
                if arg.type.unit != counted[0].type.unit:
                    message = f"{name} wants {counted[0].type.called} here; this is {arg.type.called}."
                    hint = f"All values of {name} must count the same."
                    self.reader.refuse("RULE205", arg.place, message, hint)

    def _check_named(self, items: Expr, names: Sequence[Expr]) -> None:
        """Note each text that names no field of a list's items."""
        fields = items.type.item.fields if items.type.item is not None else None
        for name in names:
            text = constant(name)
            if fields and isinstance(text, str) and text not in fields:
                written = self.reader.notes.written[items.place]
                hint = self.reader.nearest(text, list(fields), f"{written} has")
                self.reader.refuse("RULE208", name.place, f"{written} has no '{text}'.", hint)

    def _returned(self, function: Function, args: Sequence[Expr]) -> Type:
        if function.made_of is not None:
            return function.made_of(args[0].type)
        if function.like is None:
            return function.returns
        like = args[function.like :] if function.rest else args[function.like : function.like + 1]
        named = constant(args[1]) if function.named else None
        units = [unit for arg in like if (unit := _unit(arg.type, named))]
        return function.returns.of(units[0]) if units else function.returns


_HANDLERS: Mapping[type[ast.AST], Callable[[_Checker, ast.expr], Expr]] = {
    ast.Constant: _Checker.constant,  # type: ignore[dict-item]
    ast.Name: _Checker.name,  # type: ignore[dict-item]
    ast.Attribute: _Checker.attribute,  # type: ignore[dict-item]
    ast.BinOp: _Checker.arithmetic,  # type: ignore[dict-item]
    ast.UnaryOp: _Checker.unary,  # type: ignore[dict-item]
    ast.Compare: _Checker.comparison,  # type: ignore[dict-item]
    ast.BoolOp: _Checker.logic,  # type: ignore[dict-item]
    ast.IfExp: _Checker.conditional,  # type: ignore[dict-item]
    ast.List: _Checker.sequence,  # type: ignore[dict-item]
    ast.Tuple: _Checker.sequence,  # type: ignore[dict-item]
    ast.Call: _Checker.call,  # type: ignore[dict-item]
}

_REFUSED = {
    "Subscript": "Access with []", "Lambda": "A function of one's own", "JoinedStr": "An f-text", "Dict": "A map",
    "ListComp": "A loop", "GeneratorExp": "A loop", "SetComp": "A loop", "DictComp": "A loop", "Set": "A set",
    "NamedExpr": "':='", "Await": "'await'", "Yield": "'yield'", "Starred": "'*'",
}  # fmt: skip


def _comparison_hint(left: Expr, right: Expr) -> str:
    """Say how a value is compared with a text that looks like one of its kind."""
    for value, given in ((left, right), (right, left)):
        text = constant(given)
        if value.type.kind == "flag" and text in {"true", "false"}:
            return f"Write {text} without quotes, or the condition alone."
        if value.type.numeric and isinstance(text, str):
            return (
                f"A number stands without quotes: {text}."
                if _NUMBER.match(text)
                else "Compare with a number, without quotes."
            )
        if value.type.kind == "text" and isinstance(text, Decimal):
            return f"A text stands in quotes: '{text}'."
    return "Compare a text with a text, a number with a number."


def _closest(name: str, known: Sequence[str]) -> str:
    """Return the known name that was most likely meant: one that a few letters tell apart, else the most alike."""
    near = [one for one in known if one[:1] == name[:1] and abs(len(one) - len(name)) <= MAX_EDITS]
    edits = min(((_edits(name, one), one) for one in near), default=(len(name), ""))
    if edits[0] <= MAX_EDITS and edits[0] < len(name):
        return edits[1]
    return next(iter(difflib.get_close_matches(name, known, 1, 0.6)), "")


def _edits(one: str, other: str) -> int:
    """Return how many letters must be added, removed or replaced to make one text the other."""
    row = list(range(len(other) + 1))
    for count, letter in enumerate(one, start=1):
        before, row[0] = row[0], count
        for column, wanted in enumerate(other, start=1):
            before, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, before + (letter != wanted)),
            )
    return row[-1]


_CALCULATION_HINT = (
    "Divide a percentage by 100 first; money times money, or money plus a quantity, means nothing."
)


def _numbers(param: Type) -> bool:
    return param.item is not None and param.item.kind == "number"


def _of_all(written: str) -> tuple[str, str]:
    """Say that a list of amounts may have one that is none."""
    name = written.rpartition(".")[2]
    hint = f"Give '{name}' a value in every case where it is made, as with `otherwise: 0`."
    return f"'{written}' may have an entry without value.", hint


def _calculation(op: str, left: Type, right: Type) -> str:
    words = {"+": "added to", "-": "subtracted from", "*": "multiplied by", "/": "divided by"}
    first, second = (right, left) if op in {"+", "-"} else (left, right)
    return f"{_upper(first.called)} cannot be {words[op]} {second.called}."


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _unit(kind: Type, named: object) -> Unit:
    """Return what an amount counts, or the amounts of a list, or the field of that name of a list's items."""
    if kind.kind != "list":
        return kind.unit
    item = kind.item or ANY
    return (item.fields.get(str(named), ANY) if item.fields else item).unit


@lru_cache(maxsize=MOST_KEPT)
def _template_parts(text: str) -> tuple[tuple[str, str | None, int], ...]:
    """Return the parts of a text, see `_parts_of_template`: most texts are those of the last time."""
    return tuple(_parts_of_template(text))


def _parts_of_template(text: str) -> Iterator[tuple[str, str | None, int]]:
    """Yield (literal, None, 0) and ("", expression, offset); an expression of "" marks a brace that is wrong."""
    literal, index = "", 0
    while index < len(text):
        character = text[index]
        if character in "{}" and text[index : index + 2] == character * 2:
            literal, index = literal + character, index + 2
        elif character == "{":
            end = text.find("}", index)
            if literal:
                yield literal, None, 0
                literal = ""
            inner = text[index + 1 : end] if end > 0 else ""
            yield ("", inner, index + 1) if inner.strip() else ("", "", index)
            if end < 0:
                return
            index = end + 1
        elif character == "}":
            yield "", "", index
            index += 1
        else:
            literal, index = literal + character, index + 1
    if literal:
        yield literal, None, 0
