"""A rulebook's YAML read into typed rules; all problems of a file are collected and raised together.

docs/rules.md explains each form with an example.
"""

from __future__ import annotations

import difflib
import keyword
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from mapper.diagnostics import Place
from mapper.rulebook import forms
from mapper.rulebook.expressions import Reader
from mapper.rulebook.outcomes import certain
from mapper.rulebook.reuse import interned
from mapper.rulebook.rules import (
    Case,
    Check,
    Collect,
    Entry,
    Fields,
    Find,
    KeywordRow,
    LineRule,
    Match,
    Placeholder,
    RequestRule,
    Rules,
    SearchRule,
    Several,
    Step,
    Value,
    When,
    given,
)
from mapper.rulebook.source import Node
from mapper.rulebook.tree import Const, Expr, Text
from mapper.rulebook.types import ANY, FLAG, NONE, NUMBER, TEXT, UNREAD, Form, Type, fits, join

REQUESTS = ("debtor", "product", "invoice", "send")
SEVERITIES = ("error", "wait", "warning", "info")
_CURLY = "‘’“”„«»"
_Made = TypeVar("_Made")
_OTHERWISE = frozenset({"otherwise", "else", "default", "anders"})


def read_rules(
    root: Node, reader: Reader, given: Mapping[str, Type], form: forms.Form | None = None
) -> Rules:
    """Read a rulebook. `given` are the names it starts from: its payload and `tenant`. Problems go to the reader.

    `form` is that of a rulebook that makes a document or requests, as it is given a payload or a document, unless it is
    another.
    """
    usual = forms.TARGET_RULEBOOK if "document" in given else forms.SOURCE_RULEBOOK
    return _Loader(reader, dict(given), root.place.file).rulebook(root, form or usual)


@dataclass(frozen=True, slots=True)
class _Setting:
    """Where a line rule sets a field, as what, and which problems `every_line` had with it, by their numbers."""

    kind: Type
    place: Place
    follows: range


@dataclass(slots=True)
class _Loader:
    reader: Reader
    names: dict[str, Type]
    file: str
    steps: list[Step] = field(default_factory=list)
    document: dict[str, Type] = field(default_factory=dict)
    line_fields: dict[str, Type] | None = None
    every_line: Node | None = None
    usual: list[str] = field(default_factory=list)
    set_by: dict[str, list[_Setting]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    leaves_out: bool = False
    """Whether fields without value are left out, as parameters of requests are."""

    def rulebook(self, root: Node, form: forms.Form) -> Rules:
        given = dict(self.names)
        top = self._map(root, form)
        reads = self._word(top.get("reads"))
        if reads and reads not in given:
            self.reader.refuse(
                "RULE210",
                top["reads"].place,
                f"'{reads}' is not given to this rulebook.",
                f"Known: {', '.join(given)}.",
            )
        self.every_line = top.get("every_line")
        for section in ("values", "document"):
            self._entries(top.get(section), section, self.names, public=section == "document")
        lines = self._items(top.get("lines"), "lines")
        self.usual = _usual(lines)
        for item in lines:
            self._line_step(item)
        self._refuse_unlike()
        if self.line_fields is not None:
            self.document["lines"] = Type("list", item=Type("record", fields=self.line_fields))
            self.names.setdefault("lines", self.document["lines"])
        self._entries(top.get("totals"), "document", self.names, public=True)
        requests = tuple(map(self._request, self._items(top.get("requests"), "requests")))
        checks = tuple(self._kept(item, self._check) for item in self._items(top.get("checks"), "checks"))
        invariants = self._items(top.get("invariants"), "invariants")
        checks += tuple(self._kept(item, self._invariant) for item in invariants)
        document = Type("record", fields=self.document)
        return Rules(
            self._word(top.get("rulebook")),
            self.file,
            reads,
            given,
            tuple(self.steps),
            checks,
            requests,
            document,
            written=self.reader.notes.written,
            mentioned=frozenset(self.reader.notes.mentioned),
            working=frozenset(self.reader.notes.working),
            lacking=self.reader.notes.lacking,
        )

    def _entries(self, node: Node | None, section: str, names: dict[str, Type], *, public: bool) -> None:
        if node is None:
            return
        for entry in self._named_values(node, section, names):
            self.steps.append(entry)
            if public and entry.public:
                self.document[entry.name] = entry.kind

    def _named_values(
        self, node: Node, section: str, names: dict[str, Type], outer: Mapping[str, Type] | None = None
    ) -> Iterable[Entry]:
        """Yield the entries of a section, adding their names; a line's field may have the name of an `outer` value."""
        if node.kind != "map":
            self.reader.refuse("RULE211", node.place, f"'{section}' holds `name: value` entries.")
            return
        for name, inner in node.entries.items():
            place = node.keys[name]
            if not self._is_name(name, place):
                continue
            if name in names and (outer is None or names[name] is not outer.get(name)):
                self.reader.refuse("RULE212", place, f"'{name}' exists already.", "Choose another name.")
                continue
            entry = self.reader.kept(
                inner, names, (section, name, place), partial(self._entry, section, name, place, inner, names)
            )
            names[name] = entry.kind
            yield entry

    def _entry(self, section: str, name: str, place: Place, node: Node, names: Mapping[str, Type]) -> Entry:
        value = self.value(node, names)
        kind = given(value)
        if isinstance(value, When | Fields):
            kind = interned(kind)
        return Entry(name, f"{section}.{name}", value, kind, place)

    def _kept(self, node: Node, read: Callable[[Node], _Made], *more: Hashable) -> _Made:
        """Return what is read of a node and of the names of the rulebook, as it was if they are; see `Reader.kept`."""
        return self.reader.kept(node, self.names, (read.__name__, *more), partial(read, node))

    def _is_name(self, name: str, place: Place) -> bool:
        fit = name.isidentifier() and not keyword.iskeyword(name) and name not in {"true", "false", "none"}
        if not fit or unicodedata.normalize("NFKC", name) != name:
            self.reader.refuse("RULE212", place, f"'{name}' cannot be a name.", "Use letters, digits and _.")
            return False
        return True

    def _line_step(self, node: Node) -> None:
        if node.kind == "map" and set(node.entries) == {"values"}:
            self._entries(node.entries["values"], "values", self.names, public=False)
            return
        top = self._map(node, forms.LINE_RULE)
        kind = self._word(top.get("kind"))
        name = self._word(top.get("name")) or kind
        names = dict(self.names)
        test, each, variable = self.reader.kept(node, self.names, "head", partial(self._head, top))
        if each is not None:
            names[variable] = each.type.item or ANY
        entries: list[Entry] = []
        if "values" in top:
            entries.extend(self._named_values(top["values"], name, names, self.names))
            self._compare(top["values"], node.place, names)
        before = len(self.reader.problems)
        if self.every_line is not None:
            entries.extend(self._named_values(self.every_line, name, names, self.names))
        follows = range(before, len(self.reader.problems))
        self.steps.append(LineRule(kind, name, node.place, test, each, variable, tuple(entries)))
        for entry in entries:
            if entry.public:
                self.set_by.setdefault(entry.name, []).append(_Setting(entry.kind, entry.place, follows))
        self._add_group(node, name, entries)

    def _head(self, top: Mapping[str, Node]) -> tuple[Expr | None, Expr | None, str]:
        """Return when a line rule makes lines, for what, and how that is called."""
        return (self._condition(top.get("if"), self.names), *self._loop(top, dict(self.names)))

    def _refuse_unlike(self) -> None:
        """Note each field that a line rule sets as something else than most do; what follows from that is no more."""
        followed: set[int] = set()
        for name, made in self.set_by.items():
            if len({(one.kind.kind, one.kind.unit) for one in made}) == 1 and made[0].kind.kind != "list":
                continue
            usual = max(made, key=lambda one: sum(join(one.kind, other.kind) is not None for other in made))
            for one in made:
                if join(usual.kind, one.kind) is None:
                    followed.update(one.follows)
                    message = (
                        f"'{name}' is {one.kind.called} here and {usual.kind.called} in another line rule."
                    )
                    self.reader.refuse("RULE205", one.place, message, "All line rules set the same fields.")
        problems = self.reader.problems
        problems[:] = [one for number, one in enumerate(problems) if number not in followed]

    def _add_group(self, node: Node, name: str, entries: Sequence[Entry]) -> None:
        every = {entry.name: entry.kind for entry in entries}
        public = {"kind": TEXT, **{entry.name: every[entry.name] for entry in entries if entry.public}}
        place = (node.entries.get("name") or node.entries.get("kind") or node).place
        if self._is_name(name, place) and (name in self.names or name in {"lines", "document", "values"}):
            self.reader.refuse(
                "RULE212", place, f"'{name}' exists already.", "Give the line rule another `name`."
            )
        self.names[name] = interned(Type("list", item=Type("record", fields={"kind": TEXT, **every})))
        if self.line_fields is None:
            self.line_fields = public
        for field_name, kind in public.items():
            above = self.line_fields.get(field_name, kind)
            # What one of them is, is told when all are read.
            self.line_fields[field_name] = UNREAD if above is UNREAD else join(above, kind) or UNREAD
        self.names["lines"] = interned(Type("list", item=Type("record", fields=dict(self.line_fields))))

    def _compare(self, values: Node, place: Place, names: dict[str, Type]) -> None:
        """Note the fields by which a line rule differs from the others; what it lacks is any value further down."""
        own = [name for name in values.entries if not name.startswith("_")]
        missing = [name for name in self.usual if name not in own]
        for name in own:
            if name not in self.usual:
                close = difflib.get_close_matches(name, missing, 1)
                missing = [one for one in missing if one not in close]
                names.update(dict.fromkeys(close, UNREAD))
                hint = f"Did you mean '{close[0]}'?" if close else "All line rules set the same fields."
                message = f"Not every line rule sets '{name}'."
                self.reader.refuse("RULE213", values.keys[name], message, hint)
        for name in missing:
            names[name] = UNREAD
            message = f"This line rule does not set '{name}', as others do."
            self.reader.refuse("RULE213", place, message, "All line rules set the same fields.")

    def _loop(self, top: Mapping[str, Node], names: dict[str, Type]) -> tuple[Expr | None, str]:
        if "each" not in top:
            return None, ""
        each = self.reader.expression(top["each"], names)
        self._require_list(each, "What `each` goes through")
        variable = self._word(top.get("as")) or "item"
        self._new_name(variable, top.get("as", top["each"]).place, names)
        names[variable] = each.type.item or ANY
        return each, variable

    def _require_list(self, expr: Expr, what: str) -> None:
        self.reader.require(expr, Type("list", item=ANY), what)
        if given(expr).optional:
            hint = "Write `items(…)` around the list: it gives nothing where there is none."
            self.reader.refuse("RULE221", expr.place, f"{what} may be absent.", hint)

    def _new_name(self, variable: str, place: Place, names: Mapping[str, Type]) -> None:
        self.reader.notes.introduced.add(variable)
        if self._is_name(variable, place) and variable in names:
            self.reader.refuse(
                "RULE212", place, f"'{variable}' exists already.", "Choose another name after `as`."
            )

    def _request(self, node: Node) -> RequestRule:
        request = self._kept(node, self._read_request, *self.asked)
        # What a misspelt request was meant to be is known below it.
        close = difflib.get_close_matches(request.name, REQUESTS, 1) or REQUESTS
        self.asked += [request.name] if request.name in REQUESTS else close
        return request

    def _read_request(self, node: Node) -> RequestRule:
        top = self._map(node, forms.REQUEST)
        name = self._word(top.get("name"))
        if "name" in top and name not in REQUESTS:
            self.reader.refuse(
                "RULE214", top["name"].place, f"'{name}' is no request.", _one_of(name, REQUESTS)
            )
        names = dict(self.names)
        test = self._condition(top.get("if"), names)
        each, variable = self._loop(top, names)
        params = self._parameters(top.get("params"), names, node.place)
        find = self._search(top["find"], names) if "find" in top else None
        expect = {}
        for expected, inner in self._open(top.get("expect"), "expect").items():
            amounts = self._map(inner, forms.EXPECTATION)
            pair = tuple(
                self.reader.expression(amounts[key], names) for key in ("amount", "within") if key in amounts
            )
            for expr in pair:
                self.reader.require(expr, NUMBER, "An expected amount")
            if len(pair) == 2:
                expect[expected] = (pair[0], pair[1])
        return RequestRule(name, node.place, test, each, variable, self._word(top.get("controller")),
                           self._word(top.get("action")), params, find, expect)  # fmt: skip

    def _search(self, node: Node, names: dict[str, Type]) -> SearchRule:
        top = self._map(node, forms.SEARCH)
        return SearchRule(
            self._condition(top.get("if"), names),
            self._word(top.get("controller")),
            self._word(top.get("action")),
            self._parameters(top.get("params"), names, node.place),
            self._parameters(top.get("same"), names, node.place),
        )

    def _parameters(self, node: Node | None, names: Mapping[str, Type], place: Place) -> Fields:
        self.leaves_out = True
        parameters = self._fields(node, None, names, place)
        self.leaves_out = False
        return parameters

    def _check(self, node: Node) -> Check:
        top = self._map(node, forms.CHECK)
        names = dict(self.names)
        each, variable = self._loop(top, names)
        if ("that" in top) == ("if" in top):
            self.reader.refuse(
                "RULE214", node.place, "A check has either `that` (what must hold) or `if` (when it speaks)."
            )
        failing = "that" not in top
        test = self._test(top.get("if" if failing else "that"), names) or Const(FLAG, node.place, not failing)
        holds = certain(test)
        if holds is not None and ("that" in top) != ("if" in top):
            hint = "Write what must hold, or remove the check."
            often = "always" if holds is failing else "never"
            self.reader.refuse("RULE223", test.place, f"This check {often} speaks.", hint)
        severity = self._severity(top.get("severity"), names)
        stops = not isinstance(severity, Const) or severity.value in {"error", "wait"}
        if stops and "say" in top and "help" not in top:
            hint = "Add `help` with `en` and `nl`: what to do about it."
            self.reader.refuse(
                "RULE224", node.place, "This check can stop a document, so it must say what to do.", hint
            )
        facts = {
            name: self.reader.expression(inner, names, lenient=True)
            for name, inner in self._open(top.get("facts"), "facts").items()
        }
        return Check(
            id=self._word(top.get("id")), place=node.place, about=self._word(top.get("about")), test=test,
            failing=failing,
            severity=severity, say=self._texts(top.get("say"), names),
            help=self._texts(top.get("help"), names), facts=facts, each=each, variable=variable,
            offline=self._flag(top.get("offline")),
        )  # fmt: skip

    def _invariant(self, node: Node) -> Check:
        top = self._map(node, forms.INVARIANT)
        names = dict(self.names)
        each, variable = self._loop(top, names)
        test = self._test(top.get("that"), names) or Const(UNREAD, node.place, None)
        holds = certain(test)
        if holds is not None:
            hint = "Write what must hold, or remove the invariant."
            often = "always" if holds else "never"
            self.reader.refuse("RULE223", test.place, f"This invariant {often} holds.", hint)
        said = self._texts(top.get("say"), names)
        error = Const(TEXT, node.place, "error")
        return Check(
            id=self._word(top.get("id")), place=node.place, about="", test=test, failing=False, severity=error,
            say=said, help={}, facts={}, each=each, variable=variable, offline=False,
        )  # fmt: skip

    def _flag(self, node: Node | None) -> bool:
        if node is not None and node.kind != "flag":
            self.reader.refuse("RULE214", node.place, "Only true or false belongs here.")
        return node is not None and node.text == "true"

    def _severity(self, node: Node | None, names: dict[str, Type]) -> Value:
        if node is None:
            return Const(TEXT, Place(self.file, 1, 1), "error")
        if node.kind == "map":
            given_by = self.value(node, names)
            if given_by.type.kind not in {"text", "any"}:
                self.reader.refuse("RULE205", node.place, f"A severity is a text; this is a {given_by.type}.")
            for text in _texts_of(given_by):
                self._known_severity("".join(map(str, text.parts)), text.place)
            return given_by
        self._known_severity(self._word(node), node.place)
        return Const(TEXT, node.place, node.text)

    def _known_severity(self, text: str, place: Place) -> None:
        if text not in SEVERITIES:
            self.reader.refuse("RULE214", place, f"'{text}' is no severity.", _one_of(text, SEVERITIES))

    def _texts(self, node: Node | None, names: dict[str, Type]) -> Mapping[str, Text]:
        if node is None:
            return {}
        texts = self._map(node, forms.TEXTS)
        for inner in texts.values():
            if inner.kind not in {"map", "list"} and not inner.text.strip():
                hint = "Say in this language what is wrong, or what to do about it."
                self.reader.refuse("RULE224", inner.place, "There is no text here.", hint)
        return {language: self.reader.template(inner, names) for language, inner in texts.items()}

    def _condition(self, node: Node | None, names: Mapping[str, Type]) -> Expr | None:
        """Read a condition, which must depend on something."""
        test = self._test(node, names)
        holds = certain(test) if test is not None else None
        if test is None or holds is None:
            return test
        self.reader.refuse_certain(holds, test.place, "Write what it depends on, or remove it.")
        return Const(UNREAD, test.place, None)

    def _test(self, node: Node | None, names: Mapping[str, Type]) -> Expr | None:
        if node is None:
            return None
        expr = self.reader.expression(node, names)
        self.reader.require(expr, FLAG, "A condition")
        return expr

    def value(self, node: Node, names: Mapping[str, Type], *, lenient: bool = False) -> Value:
        """Read a value in any of its forms; `lenient`: that of an expression may be absent."""
        if node.kind != "map":
            return self.reader.value(node, names, lenient=lenient or self.leaves_out)
        for key, read in _FORMS.items():
            if key in node.entries:
                value: Value = read(self, node, names)
                return value
        close = forms.meant(next(iter(node.entries), ""), tuple(_FORMS))
        hint = f"A value is an expression, or has one of: {', '.join(_FORMS)}."
        if {"if", "then"} <= set(node.entries):
            hint = "Cases stand in a list below `when`: `when: [{if: …, then: …}]`, then `otherwise: …`."
        elif close:
            hint = f"Did you mean '{close}'?"
        self.reader.refuse("RULE215", node.place, "This is no form of value.", hint)
        return Const(UNREAD, node.place, None)

    def _text(self, node: Node, names: Mapping[str, Type]) -> Value:
        return self.reader.template(self._map(node, forms.VALUES["text"])["text"], names)

    def _placeholder(self, node: Node, names: Mapping[str, Type]) -> Value:
        inner = self._map(node, forms.VALUES["placeholder"])["placeholder"]
        name = self._word(inner)
        known = [
            "operation.token",
            *(f"{request}.Identifier" for request in self.asked if request != "product"),
        ]
        if name not in known:
            self.reader.refuse(
                "RULE214",
                inner.place,
                f"'{name}' is not known when this request is sent.",
                _one_of(name, known),
            )
        return Placeholder(TEXT, node.place, name)

    def _when(self, node: Node, names: Mapping[str, Type]) -> Value:
        top = self._map(node, forms.VALUES["when"])
        cases = []
        tests: list[str] = []
        for item in self._some(top.get("when"), "when", "case"):
            rest = self._without_otherwise(item, top)
            case = self._map(rest, forms.CASE)
            if len(case) == 2:
                test = self._test(case["if"], names)
                assert test is not None
                cases.append(Case(test, self.value(case["then"], names), item.place))
                tests.append(case["if"].text)
        self._refuse_repeated(cases, tests, top.get("otherwise"))
        otherwise = (
            self.value(top["otherwise"], names) if "otherwise" in top else Const(NONE, node.place, None)
        )
        if not cases:
            return Const(UNREAD, node.place, None)
        kind = self._joined([*(case.then for case in cases), otherwise], node.place)
        return When(kind, node.place, tuple(cases), otherwise)

    def _without_otherwise(self, case: Node, top: dict[str, Node]) -> Node | None:
        """Return a case without what belongs below the cases, noted as such; None when nothing else is in it."""
        name = next((one for one in case.entries if one in _OTHERWISE), "")
        if not name or ("if" in case.entries and "then" not in case.entries):
            return case
        hint = "Write `otherwise` below the cases, without '- ' and with the indentation of `when`."
        self.reader.refuse("RULE219", case.keys[name], f"`{name}` is not part of a case.", hint)
        top.setdefault("otherwise", case.entries[name])
        rest = {one: node for one, node in case.entries.items() if one != name}
        return replace(case, entries=rest) if rest else None

    def _match(self, node: Node, names: Mapping[str, Type]) -> Value:
        top = self._map(node, forms.VALUES["match"])
        subject = self.reader.expression(top["match"], names)
        self.reader.require(subject, TEXT, "What `match` looks at")
        rows = [
            (row, words)
            for item in self._some(top.get("keywords"), "keywords", "keyword row")
            for row, words in self._keyword_row(item)
        ]
        self._refuse_shadowed(rows)
        self._refuse_impossible([word for _, words in rows for word in words], subject.type.form)
        otherwise = self._constant(top.get("otherwise"), may_be_empty=True)
        return Match(TEXT, node.place, subject, tuple(row for row, _ in rows), otherwise)

    def _keyword_row(self, node: Node) -> Iterator[tuple[KeywordRow, list[Node]]]:
        """Yield a keyword row with its words, unless it has none that mean something."""
        problems = len(self.reader.problems)
        row = self._map(node, forms.KEYWORD_ROW)
        is_told = len(self.reader.problems) > problems
        then = self._constant(row.get("then"))
        if "any" not in row and "all" not in row and is_told:
            return
        if ("any" in row) == ("all" in row):
            hint = "Write the words of a second row in a row of their own."
            self.reader.refuse("RULE216", node.place, "A keyword row has either `any` or `all`.", hint)
            return
        words = row.get("any") or row["all"]
        listed = words.items if words.kind == "list" else [words]
        if not listed:
            message = "A keyword row needs at least one word."
            self.reader.refuse("RULE216", words.place, message, "Write [word, word].")
        wrong = [word for word in listed if not self._is_word(word)]
        if listed and not wrong:
            texts = tuple(word.text for word in listed)
            yield KeywordRow("all" in row, texts, then, node.place), listed

    def _is_word(self, node: Node) -> bool:
        if node.kind == "text" and ";" in node.text and not node.quote:
            hint = "Are they two words? Separate them by a comma."
            self.reader.refuse("RULE216", node.place, f"'{node.text}' is one word.", hint)
            return False
        if not node.quote and (curly := next((sign for sign in node.text if sign in _CURLY), "")):
            hint = "Write straight quotes, or none."
            self.reader.refuse("RULE216", node.place, f"'{curly}' is taken for a part of this word.", hint)
            return False
        return bool(self._constant(node))

    def _constant(self, node: Node | None, *, may_be_empty: bool = False) -> str:
        """Return a text that stands for itself; empty when it is none, which is refused.

        An empty text between quotes was meant, where it `may_be_empty`.
        """
        if node is None or (node.quote and not node.text and may_be_empty):
            return ""
        if node.kind in {"number", "flag"}:
            hint = f'If it is meant as one, put it between quotes: "{node.text}".'
            self.reader.refuse("RULE216", node.place, f"'{node.text}' is not a text.", hint)
            return ""
        if node.kind not in {"map", "list"} and (node.kind == "null" or not node.text.strip()):
            hint = "Write one, or remove the row or the word."
            self.reader.refuse("RULE216", node.place, "There is no text here.", hint)
            return ""
        return self._word(node)

    def _refuse_impossible(self, words: Iterable[Node], form: Form) -> None:
        """Note each keyword that never stands in the text, since a function took its capitals or hyphens away."""
        for word in words:
            if told := self.reader.out_of_form(word.text, form):
                self.reader.refuse("RULE222", word.place, *told)

    def _refuse_shadowed(self, rows: Iterable[tuple[KeywordRow, list[Node]]]) -> None:
        """Note each keyword that decides nothing: earlier ones are part of it, so the earlier row takes its texts."""
        deciding: list[tuple[tuple[str, ...], Place]] = []
        for row, nodes in rows:
            for words in [nodes] if row.every else [[node] for node in nodes]:
                taken = (one for one in deciding if all(_holder(part, words) for part in one[0]))
                if (first := next(taken, None)) is not None:
                    word = _holder(first[0][0], words)
                    assert word is not None
                    line, listed = first[1].line, "', '".join(first[0])
                    taken_by = f"the row on line {line} already takes every text with '{listed}'"
                    message = f"'{word.text}' never decides: {taken_by}."
                    self.reader.refuse(
                        "RULE222", word.place, message, "Put this row above that one, or remove the word."
                    )
            deciding += (
                [(row.words, row.place)] if row.every else [((word,), row.place) for word in row.words]
            )

    def _refuse_repeated(self, cases: Sequence[Case], tests: Sequence[str], otherwise: Node | None) -> None:
        """Note each case that is never reached: its condition stands above it, or one that always holds."""
        seen: dict[str, int] = {}
        always: Case | None = None
        for case, text in zip(cases, tests, strict=True):
            holds = certain(case.test)
            if always is not None:
                self._refuse_unreached(case.test.place, f"the case on line {always.place.line} always holds")
            elif holds is False:
                self._refuse_unreached(case.test.place, "its condition never holds")
            elif text in seen:
                self._refuse_unreached(case.test.place, f"the same condition stands on line {seen[text]}")
            seen.setdefault(text, case.place.line)
            always = case if holds and always is None else always
        if always is None or always is not cases[-1]:
            return
        if otherwise is not None:
            self._refuse_unreached(otherwise.place, f"the case on line {always.place.line} always holds")
        else:
            hint = "Write its value below the cases as `otherwise`, or alone."
            self.reader.refuse_certain(True, always.test.place, hint)

    def _refuse_unreached(self, place: Place, why: str) -> None:
        self.reader.refuse("RULE223", place, f"This case is never reached: {why}.", "Remove one.")

    def _find(self, node: Node, names: Mapping[str, Type]) -> Value:
        top = self._map(node, forms.VALUES["find"])
        if len(top) < 5:
            return Const(UNREAD, node.place, None)
        collection, variable, inner = self._through(top["find"], top["as"], names)
        by = tuple(self.reader.expression(part, inner) for part in self._one_or_more(top["by"]))
        keys = tuple(self.reader.expression(part, names) for part in self._one_or_more(top["is"]))
        if not by:
            self.reader.refuse("RULE218", top["by"].place, "`by` needs at least one value.")
        if len(by) != len(keys):
            self.reader.refuse(
                "RULE217", top["is"].place, f"`by` names {len(by)} value(s), `is` {len(keys)}."
            )
        for left, right in zip(by, keys, strict=False):
            if not fits(left.type, right.type):
                self.reader.refuse(
                    "RULE205", right.place, f"This is {right.type.called}, never equal to {left.type.called}."
                )
        give = self.value(top["give"], inner, lenient=True)
        return Find(
            replace(give.type, optional=True, nullable=True), node.place, collection, variable, by, keys, give
        )

    def _collect(self, node: Node, names: Mapping[str, Type]) -> Value:
        top = self._map(node, forms.VALUES["collect"])
        if not {"collect", "as", "give"} <= set(top):
            return Const(UNREAD, node.place, None)
        collection, variable, inner = self._through(top["collect"], top["as"], names)
        where = self._condition(top.get("where"), inner)
        give = self.value(top["give"], inner)
        return Collect(Type("list", item=give.type), node.place, collection, variable, where, give)

    def _through(
        self, node: Node, name: Node, names: Mapping[str, Type]
    ) -> tuple[Expr, str, dict[str, Type]]:
        collection = self.reader.expression(node, names)
        self._require_list(collection, "What is gone through")
        variable = self._word(name)
        self._new_name(variable, name.place, names)
        return collection, variable, {**names, variable: collection.type.item or ANY}

    def _all_or_any(self, node: Node, names: Mapping[str, Type]) -> Value:
        key = "all" if "all" in node.entries else "any"
        top = self._map(node, forms.VALUES[key])
        items = self._some(top[key], key, "condition")
        tests = tuple(test for item in items if (test := self._condition(item, names)) is not None)
        if not any(test.type.unread for test in tests):
            self.reader.refuse_contradiction(tests, node.place, every=key == "all")
        return Several(FLAG, node.place, key == "all", tests)

    def _fields_form(self, node: Node, names: Mapping[str, Type]) -> Value:
        top = self._map(node, forms.VALUES["fields"])
        return self._fields(top.get("fields"), top.get("if"), names, node.place)

    def _fields(
        self, node: Node | None, test: Node | None, names: Mapping[str, Type], place: Place
    ) -> Fields:
        condition = self._condition(test, names)
        entries = self._open(node, "fields")
        values = {name: self.value(inner, names) for name, inner in entries.items()}
        kinds = {name: given(value) for name, value in values.items()}
        maybe = condition is not None
        kind = Type("record", maybe, fields=kinds)
        return Fields(kind, place, condition, values)

    def _joined(self, values: Sequence[Value], place: Place) -> Type:
        kind = values[0].type
        for value in values[1:]:
            joined = join(kind, value.type)
            if joined is None:
                self.reader.refuse(
                    "RULE205", place, f"One case gives {kind.called}, another {value.type.called}."
                )
                return ANY
            kind = joined
        return kind

    def _one_or_more(self, node: Node) -> list[Node]:
        return node.items if node.kind == "list" else [node]

    def _items(self, node: Node | None, what: str) -> list[Node]:
        if node is not None and node.kind != "list":
            self.reader.refuse("RULE211", node.place, f"'{what}' is a list: each item begins with '- '.")
            return []
        return node.items if node is not None else []

    def _some(self, node: Node | None, what: str, one: str) -> list[Node]:
        """Return the items of a list that may not be empty."""
        if node is not None and node.kind == "list" and not node.items:
            hint = f"Write one below it, which begins with '- ', or remove `{what}`."
            self.reader.refuse("RULE218", node.place, f"`{what}` needs at least one {one}.", hint)
        return self._items(node, what)

    def _word(self, node: Node | None) -> str:
        if node is not None and node.kind in {"map", "list"}:
            self.reader.refuse(
                "RULE211", node.place, "A single word belongs here.", "Write it without [ ] or `key:`."
            )
            return ""
        return node.text if node is not None else ""

    def _open(self, node: Node | None, what: str) -> dict[str, Node]:
        """Return the entries of a map that lets any name in."""
        if node is not None and node.kind != "map":
            self.reader.refuse("RULE211", node.place, f"'{what}' holds `name: value` entries.")
        return dict(node.entries) if node is not None else {}

    def _map(self, node: Node | None, form: forms.Form) -> dict[str, Node]:
        """Return the entries of a map that a form allows; the others are refused."""
        return dict(forms.fitted(node, form, self.reader.refuse).entries) if node is not None else {}


def sections(root: Node, form: forms.Form, reader: Reader) -> Node:
    """Return a rulebook's node with the sections that its form allows; one of the wrong shape is refused.

    The keys of line rules, requests and checks are looked at, too: by these an overlay, or a rulebook that extends this
    one, finds them.
    """
    whole = forms.fitted(root, form, reader.refuse)
    whole = replace(whole, entries=dict(whole.entries))

    def refuse(code: str, place: Place, message: str, hint: str) -> None:
        # What an item lacks is told when the item itself is read.
        if code != "RULE218":
            reader.refuse(code, place, message, hint)

    for key in form.keys:
        node = whole.entries.get(key.name)
        if node is None:
            continue
        if node.kind == "list" and key.shape in _ITEMS:
            items = [_item(item, _ITEMS[key.shape], refuse) for item in node.items]
            whole.entries[key.name] = replace(node, items=items)
        if key.shape in {"entries", "line rule changes"} and node.kind != "map":
            reader.refuse("RULE211", node.place, f"'{key.name}' holds `name: value` entries.")
        elif key.shape in {"line rules", "requests", "checks", "check changes", "invariants"} and (
            node.kind != "list"
        ):
            reader.refuse("RULE211", node.place, f"'{key.name}' is a list: each item begins with '- '.")
    return whole


def _item(node: Node, form: forms.Form, refuse: Callable[[str, Place, str, str], None]) -> Node:
    between = form is forms.LINE_RULE and set(node.entries) == {"values"}
    return node if between or node.kind != "map" else forms.fitted(node, form, refuse)


def form_of(root: Node) -> forms.Form:
    """Return the form of a kind of document's rulebook: one of its own, or one that extends another."""
    extends = difflib.get_close_matches("extends", root.entries, 1, 0.8)
    return forms.EXTENSION if extends else forms.SOURCE_RULEBOOK


_ITEMS = {
    "line rules": forms.LINE_RULE,
    "requests": forms.REQUEST,
    "checks": forms.CHECK,
    "invariants": forms.INVARIANT,
}

_FORMS: dict[str, Any] = {
    "text": _Loader._text,
    "when": _Loader._when,
    "match": _Loader._match,
    "find": _Loader._find,
    "collect": _Loader._collect,
    "fields": _Loader._fields_form,
    "all": _Loader._all_or_any,
    "any": _Loader._all_or_any,
    "placeholder": _Loader._placeholder,
}


def _one_of(given: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(given, known, 1)
    return f"Did you mean '{close[0]}'?" if close else f"One of {', '.join(known)}."


def _holder(part: str, words: Iterable[Node]) -> Node | None:
    """Return the first word that a text is part of."""
    return next((word for word in words if part in word.text), None)


def _usual(lines: Sequence[Node]) -> list[str]:
    """Return the fields that most line rules set."""
    rules = [item.entries["values"] for item in lines if "values" in item.entries and len(item.entries) > 1]
    names = [name for rule in rules for name in rule.entries if not name.startswith("_")]
    return [name for name in dict.fromkeys(names) if names.count(name) * 2 > len(rules)]


def _texts_of(value: Value) -> Iterator[Text]:
    """Yield the constant texts a value can give."""
    if isinstance(value, When):
        for case in value.cases:
            yield from _texts_of(case.then)
        yield from _texts_of(value.otherwise)
    elif isinstance(value, Text) and all(isinstance(part, str) for part in value.parts):
        yield value
