"""What of the rules a set of orders and invoices never reached: rules, cases of tables, lines, requests and checks.

Counted by the reference evaluator while it maps the same orders, so that the compiled rules run as always. A rule that
every line has counts once, whatever lines it was evaluated for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mapper.diagnostics import Place
from mapper.errors import Language
from mapper.mapping import KINDS, TARGET, Rulebooks, payload_schema
from mapper.rulebook.files import roots_of
from mapper.rulebook.functions import RuleFault
from mapper.rulebook.reference import Absent, Evaluator, Interpreter, Names, typed
from mapper.rulebook.source import Node

_FAULTS = (Absent, RuleFault, ArithmeticError, TypeError, KeyError, ValueError, AttributeError)

Key = tuple[str, int, int, str]

_DUTCH = {
    "speaks": "zegt iets", "is silent": "zwijgt", "made": "gemaakt", "left out": "weggelaten", "holds": "geldt",
    "does not hold": "geldt niet", "found": "gevonden", "not found": "niet gevonden",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a case can reach: a rule (`what` is empty), or one way a rule can go."""

    rule: str
    what: str
    place: Place

    @property
    def key(self) -> Key:
        """Return what identifies it, however it is called."""
        return (self.place.file, self.place.line, self.place.column, self.what)

    def __str__(self) -> str:
        return self.told("en")

    def told(self, language: Language) -> str:
        """Return the part with its place."""
        way = self.way(language)
        return f"{self.place}: {self.rule}" + (f": {way}" if way else "")

    def way(self, language: Language) -> str:
        """Return the way that the rule can go; the rule's own words stay as they are."""
        begin, colon, way = self.what.rpartition(": ")
        return f"{begin}{colon}{_DUTCH.get(way, way)}" if language == "nl" else self.what


@dataclass(frozen=True, slots=True)
class Coverage:
    """All parts of the rules in the order of the files, and the numbers of the orders that reached each."""

    parts: tuple[Part, ...]
    reached: Mapping[Key, AbstractSet[int]]

    @property
    def uncovered(self) -> tuple[Part, ...]:
        """Return the parts that no order reached, in the order of the files."""
        return tuple(part for part in self.parts if part.key not in self.reached)

    @property
    def percent(self) -> int:
        """Return the share reached, rounded down: 100 means everything."""
        return (len(self.parts) - len(self.uncovered)) * 100 // max(1, len(self.parts))

    def to_json(self) -> dict[str, Any]:
        """Return the coverage as JSON-able values."""
        named = [
            {"rule": one.rule, "what": one.what, "file": one.place.file, "line": one.place.line}
            for one in self.uncovered
        ]
        return {"percent": self.percent, "parts": len(self.parts), "uncovered": named}


def coverage(
    rulebooks: Rulebooks, payloads: Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
) -> Coverage:
    """Map payloads, given as (kind, payload, settings), and tell what of all rulebooks they reached.

    An entry that several kinds have in common counts once, whichever kind reached it.
    """
    roots = roots_of(rulebooks.texts, rulebooks.files)
    sources = {kind: roots[KINDS[kind]] for kind in rulebooks.sources}
    target = roots[TARGET]
    evaluator = Evaluator(rulebooks.functions)
    reached: dict[Key, set[int]] = {}
    for number, (kind, payload, settings) in enumerate(payloads):
        hits: set[Key] = set()
        # What a payload that cannot be mapped reached before that counts.
        with suppress(*_FAULTS):
            counting = _Counting(sources[kind], evaluator, settings, hits)
            document, _ = counting.document(kind, typed(dict(payload), payload_schema(kind)))
            _Counting(target, evaluator, settings, hits).requests(document)
        for key in hits:
            reached.setdefault(key, set()).add(number)
    every = (part for root in (*sources.values(), target) for part in parts_of(root))
    parts = tuple({part.key: part for part in every}.values())
    return Coverage(parts, reached)


def parts_of(root: Node) -> Iterator[Part]:
    """Yield everything in a rulebook that an order can reach, in the order of the file."""
    top = root.entries
    for section in ("document", "values"):
        yield from _entries(top.get(section), section)
    for step in _items(top.get("lines")):
        name = (
            step.entries["name" if "name" in step.entries else "kind"].text
            if "kind" in step.entries
            else "lines"
        )
        if "kind" in step.entries:
            yield from _made(step, f"line {name}")
        yield from _entries(step.entries["values"], name)
    yield from _entries(top.get("every_line"), "every_line")
    yield from _entries(top.get("totals"), "totals")
    for request in _items(top.get("requests")):
        yield from _request(request)
    for check in _items(top.get("checks")):
        about = f" {check.entries['about'].text}" if "about" in check.entries else ""
        rule = f"check {check.entries['id'].text}{about}"
        yield Part(rule, "speaks", check.place)
        yield Part(rule, "is silent", check.place)
        yield from _value(check.entries["severity"], f"{rule}.severity")


def _request(request: Node) -> Iterator[Part]:
    name = f"request {request.entries['name'].text}"
    yield from _made(request, name)
    for parameter, node in request.entries["params"].entries.items():
        yield from _value(node, f"{name}.{parameter}")
    if "find" not in request.entries:
        return
    find = request.entries["find"]
    if "if" in find.entries:
        yield from _both(find.entries["if"], f"{name}.find")
    for section in ("params", "same"):
        for parameter, node in find.entries[section].entries.items():
            yield from _value(node, f"{name}.find.{parameter}")


def _made(node: Node, rule: str) -> Iterator[Part]:
    yield Part(rule, "made", node.place)
    if "if" in node.entries:
        yield Part(rule, "left out", node.place)


def _both(test: Node, rule: str) -> Iterator[Part]:
    yield Part(rule, f"if {test.text}: holds", test.place)
    yield Part(rule, f"if {test.text}: does not hold", test.place)


def _entries(node: Node | None, section: str) -> Iterator[Part]:
    for name, inner in node.entries.items() if node is not None else ():
        assert node is not None
        yield Part(f"{section}.{name}", "", node.keys[name])
        yield from _value(inner, f"{section}.{name}")


def _items(node: Node | None) -> Sequence[Node]:
    return node.items if node is not None else ()


def _value(node: Node, rule: str) -> Iterator[Part]:
    parts = node.entries
    if node.kind != "map":
        return
    if "when" in parts:
        for case in parts["when"].items:
            yield Part(rule, _case(case), case.place)
            yield from _value(case.entries["then"], rule)
        yield Part(rule, "otherwise", _otherwise(node))
        yield from _value(parts["otherwise"], rule) if "otherwise" in parts else ()
    elif "match" in parts:
        yield from (Part(rule, _keywords(row), row.place) for row in parts["keywords"].items)
        yield Part(rule, "otherwise", _otherwise(node))
    elif "find" in parts:
        yield from (Part(rule, what, node.place) for what in ("found", "not found"))
        yield from _value(parts["give"], rule)
    elif "collect" in parts:
        yield from _both(parts["where"], rule) if "where" in parts else ()
        yield from _value(parts["give"], rule)
    elif "fields" in parts:
        yield from _both(parts["if"], rule) if "if" in parts else ()
        for name, inner in parts["fields"].entries.items():
            yield from _value(inner, f"{rule}.{name}")


def _case(node: Node) -> str:
    return f"if {node.entries['if'].text}"


def _keywords(row: Node) -> str:
    every = "all" in row.entries
    words = row.entries["all" if every else "any"]
    listed = (" and " if every else " or ").join(word.text for word in (words.items or [words]))
    return f"{listed} → {row.entries['then'].text}"


def _otherwise(node: Node) -> Place:
    return node.keys.get("otherwise", node.place)


class _Counting(Interpreter):
    """The reference evaluator, noting each way it goes."""

    def __init__(self, root: Node, evaluator: Evaluator, tenant: Mapping[str, Any], hits: set[Key]) -> None:
        super().__init__(root, evaluator, tenant)
        self.hits = hits

    def hit(self, place: Place, what: str = "") -> None:
        self.hits.add(Part("", what, place).key)

    def holds(self, test: Node, names: Names) -> bool:
        held = self._test(test, names)
        self.hit(test.place, f"if {test.text}: {'holds' if held else 'does not hold'}")
        return held

    def requests(self, document: Mapping[str, Any]) -> Any:
        names: Names = {"document": document, "tenant": self.tenant}
        self._section("values", names, {})
        for item in self._list("requests"):
            for inner in self._each(item, names):
                self._fields(item.entries["params"], inner, leave_out_empty=True)
                find = item.entries.get("find")
                if find is not None and ("if" not in find.entries or self.holds(find.entries["if"], inner)):
                    self._fields(find.entries["params"], inner, leave_out_empty=True)
                    self._fields(find.entries["same"], inner, leave_out_empty=True)
        return [], list(self._checks(names))

    def _section(self, section: str, names: Names, document: dict[str, Any]) -> None:
        top = self.root.entries.get(section)
        for name in top.entries if top is not None else ():
            assert top is not None
            names[name] = self.value(top.entries[name], names)
            self.hit(top.keys[name])
            if name[0] != "_":
                document[name] = names[name]

    def _line_step(self, item: Node, names: Names) -> None:
        super()._line_step(item, names)
        made = "kind" not in item.entries or bool(names[item.entries.get("name", item.entries["kind"]).text])
        for part in (item.entries["values"], self.root.entries.get("every_line")) if made else ():
            for place in part.keys.values() if part is not None else ():
                self.hit(place)

    def _each(self, item: Node, names: Names) -> Iterator[Names]:
        made = False
        for inner in super()._each(item, names):
            made = True
            yield inner
        self.hit(item.place, "made" if made else "left out")

    def _checks(self, names: Names) -> Iterator[tuple[str, str]]:
        for item in self._list("checks"):
            failing = "if" in item.entries
            loop = {name: node for name, node in item.entries.items() if name in {"each", "as"}}
            for inner in super()._each(Node("map", item.place, entries=loop), names):
                speaks = self._test(item.entries["if" if failing else "that"], inner) == failing
                self.hit(item.place, "speaks" if speaks else "is silent")
                if speaks and item.entries["severity"].kind == "map":
                    self.value(item.entries["severity"], inner)
        yield from ()

    def value(self, node: Node, names: Names, *, lenient: bool = False) -> Any:
        if "fields" in node.entries and "if" in node.entries:
            self.holds(node.entries["if"], names)
        return super().value(node, names, lenient=lenient)

    def _when(self, node: Node, names: Names, lenient: bool) -> Any:  # noqa: FBT001 (as the evaluator has it)
        for case in node.entries["when"].items:
            if self._test(case.entries["if"], names):
                self.hit(case.place, _case(case))
                return self.value(case.entries["then"], names, lenient=lenient)
        self.hit(_otherwise(node), "otherwise")
        return (
            self.value(node.entries["otherwise"], names, lenient=lenient)
            if "otherwise" in node.entries
            else None
        )

    def _match(self, node: Node, names: Names) -> str:
        subject = self.evaluator.value(node.entries["match"].text, names)
        for row in node.entries["keywords"].items:
            every = "all" in row.entries
            words = row.entries["all" if every else "any"]
            if (all if every else any)(word.text in subject for word in (words.items or [words])):
                self.hit(row.place, _keywords(row))
                return row.entries["then"].text
        self.hit(_otherwise(node), "otherwise")
        return node.entries["otherwise"].text

    def _through(self, node: Node, names: Names) -> Any:
        parts = node.entries
        if "find" not in parts:
            for one in self.evaluator.value(parts["collect"].text, names) if "where" in parts else ():
                self.holds(parts["where"], {**names, parts["as"].text: one})
            return super()._through(node, names)
        # What is given may itself be none: only the entry tells whether one was found.
        entry = super()._through(Node("map", node.place, entries={**parts, "give": parts["as"]}), names)
        self.hit(node.place, "not found" if entry is None else "found")
        return (
            None
            if entry is None
            else self.value(parts["give"], {**names, parts["as"].text: entry}, lenient=True)
        )
