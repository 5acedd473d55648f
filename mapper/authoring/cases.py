"""The cases of `rules/cases/*.yaml`, read: how a payload differs from a stored one, and what must come of it.

docs/rules.md, "Cases", explains the form. Everything a case names must exist: a payload field that the shop does not
document, a setting or an expectation that nothing can ever have is a problem with its place, never a case that passes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from mapper import money
from mapper import settings as tenant_settings
from mapper.authoring.expectations import AFTER_COMMA, COMMA, Known
from mapper.diagnostics import Diagnostic, Place
from mapper.errors import PayloadError, RuleError
from mapper.mapping import Rulebooks, payload_schema, shipped_rules
from mapper.rulebook import forms
from mapper.rulebook.source import Node, Source, read, read_text

FOLDER = "cases"
PAYLOADS = "payloads"
VIES = ("valid", "invalid", "unknown")

Json = dict[str, Any]
Leaf = tuple[tuple[str, ...], Place, Node]


@dataclass(frozen=True, slots=True)
class Expected:
    """What one path must give, as it is written in the file."""

    path: str
    node: Node


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the sentence that says why, the payload of a `kind` and settings, and what must come of them.

    `vies` is what VIES says of the VAT number.
    """

    name: str
    kind: str
    place: Place
    file: Path
    payload: Mapping[str, Any]
    settings: Mapping[str, Any]
    vies: Expected | None
    expected: tuple[Expected, ...]
    absent: tuple[Expected, ...]


@dataclass(slots=True)
class Cases:
    """All cases of some files, and the problems of those that cannot be run. `sources` are the files' texts."""

    found: list[Case] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    sources: dict[Path, Source] = field(default_factory=dict)


def case_files(rulebooks: Rulebooks) -> list[Path]:
    """Return the files with cases of a folder of rules, by name."""
    return sorted((rulebooks.folder / FOLDER).glob("*.yaml"))


def read_cases(rulebooks: Rulebooks, files: Sequence[Path] = ()) -> Cases:
    """Read the cases of `files`, or of the rules' own folder. Problems are collected, never raised."""
    cases = Cases()
    known = {kind: Known.of(rulebooks, kind) for kind in rulebooks.sources}
    for path in files or case_files(rulebooks):
        shown = f"rules/{FOLDER}/{path.name}" if path.parent == shipped_rules() / FOLDER else str(path)
        try:
            text = read_text(path, shown)
            cases.sources[path] = Source(text, shown)
            root = read(text, shown)
        except RuleError as error:
            cases.problems += error.diagnostics
            continue
        reader = _Reader(path, cases.sources[path], rulebooks, known, "order", cases.problems)
        cases.found += reader.cases(root)
    return cases


def flattened(node: Node, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield (names, place of the last key, value) of nested maps; `a.b: 1` is the same as `a: {b: 1}`."""
    for key, inner in node.entries.items():
        names = (*path, *key.split("."))
        if inner.kind == "map" and inner.entries:
            yield from flattened(inner, names)
        else:
            yield names, node.keys[key], inner


@dataclass(slots=True)
class _Reader:
    file: Path
    source: Source
    rulebooks: Rulebooks
    knowns: Mapping[str, Known]
    kind: str
    problems: list[Diagnostic]

    @property
    def known(self) -> Known:
        """Return what can be expected of the case that is read."""
        return self.knowns[self.kind]

    def refuse(self, code: str, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(self.source.problem(code, place, message, hint))

    def cases(self, root: Node) -> Iterator[Case]:
        if root.kind != "list":
            self.refuse(
                "CASE101",
                root.place,
                "A file of cases is a list.",
                "Begin each case with `- case: why it is so`.",
            )
            return
        for node in root.items:
            before = len(self.problems)
            case = self.case(node)
            if case is not None and len(self.problems) == before:
                yield case

    def case(self, node: Node) -> Case | None:
        node = forms.fitted(node, forms.RULE_CASE, lambda _, *said: self.refuse("CASE101", *said))
        for key in forms.RULE_CASE.needed:
            if key in node.entries and not node.entries[key].text:
                self.refuse("CASE101", node.entries[key].place, f"A case needs '{key}'.")
        for key in ("change", "settings"):
            if key in node.entries and node.entries[key].kind != "map":
                self.refuse("CASE101", node.entries[key].place, f"'{key}' holds `field: value` entries.")
        if node.entries and not {"expect", "not"} & set(node.entries):
            self.refuse("CASE101", node.place, "A case expects something.", "Add `expect:` or `not:`.")
        vies = node.entries.get("vies")
        if vies is not None and vies.text not in VIES:
            hint = _close(vies.text, VIES)
            self.refuse("CASE101", vies.place, f"VIES says one of {', '.join(VIES)}.", hint)
        payload = self.payload(node)
        settings = self.settings(node.entries.get("settings"))
        expected = tuple(self.expected(node.entries.get("expect")))
        absent = tuple(self.absent(node.entries.get("not")))
        if payload is None or settings is None or "case" not in node.entries:
            return None
        return Case(
            node.entries["case"].text,
            self.kind,
            node.place,
            self.file,
            payload,
            settings,
            None if vies is None else Expected("vies", vies),
            expected,
            absent,
        )

    # the order

    def payload(self, node: Node) -> Json | None:
        given = node.entries.get("fixture")
        if given is None or not given.text:
            return None
        folders = [self.file.parent / PAYLOADS, self.rulebooks.folder / FOLDER / PAYLOADS]
        names = sorted({path.stem for folder in folders for path in folder.glob("*.json")})
        if given.text not in names:
            self.refuse(
                "CASE102",
                given.place,
                f"No stored order or invoice is '{given.text}'.",
                _close(given.text, names),
            )
            return None
        path = next(path for folder in folders if (path := folder / f"{given.text}.json").is_file())
        try:
            payload: Json = deepcopy(_stored(path))
        except (PayloadError, OSError) as error:
            self.refuse("CASE102", given.place, f"'{path}' cannot be read: {error}")
            return None
        # Only an invoice states its own number in full; the file tells what it is, so a case need not.
        self.kind = "invoice" if "invoicenumber_full" in payload else "order"
        if self.kind not in self.knowns:
            self.refuse("CASE102", given.place, f"These rules know no documents of kind '{self.kind}'.")
            self.kind = "order"
            return None
        change = node.entries.get("change")
        for names_, place, value in flattened(change) if change is not None else ():
            self.change(payload, payload_schema(self.kind), names_, place, value)
        return payload

    def change(
        self, into: Any, schema: Mapping[str, Any], names: tuple[str, ...], place: Place, value: Node
    ) -> None:
        """Put one value into the order, step by step along the schema of the shop's orders."""
        for number, name in enumerate(names):
            last = number == len(names) - 1
            if isinstance(into, list):
                schema = schema.get("items", {})
                key: Any = self.position(
                    into, names[: number + 1], place, schema, remove=last and value.kind == "null"
                )
                if key is None:
                    return
            else:
                known = schema.get("properties", {})
                if name not in known:
                    prefix = "".join(f"{one}." for one in names[:number])
                    hint = AFTER_COMMA if name.isdigit() else _close(name, list(known), prefix)
                    self.refuse(
                        "CASE103",
                        place,
                        f"The shop's {self.kind}s have no '{'.'.join(names[: number + 1])}'.",
                        hint,
                    )
                    return
                key, schema = name, known[name]
            if last:
                self.refuse_comma(value, schema, names)
                into[key] = self.value(value, schema, names, place)
            else:
                inner = into[key] if isinstance(into, list) else into.get(key)
                if not isinstance(inner, dict | list):
                    into[key] = [] if "array" in schema.get("type", "") else {}
                into = into[key]

    def refuse_comma(self, value: Node, schema: Mapping[str, Any], names: tuple[str, ...]) -> None:
        """Refuse a decimal comma where an amount belongs; any other text may be meant, to see it refused."""
        comma = COMMA.match(value.text) if "number" in schema.get("type", "") else None
        if comma is not None:
            hint = f"A decimal number is written with a point: {comma[1].replace('.', '')}.{comma[2]}."
            self.refuse(
                "CASE103", value.place, f"'{'.'.join(names)}' is a number; '{value.text}' is none.", hint
            )

    def position(
        self,
        rows: list[Any],
        names: tuple[str, ...],
        place: Place,
        schema: Mapping[str, Any],
        *,
        remove: bool,
    ) -> int | None:
        """Return which item `rows.2` names; one past the last is a new one, which begins as a copy of the last."""
        name, path = names[-1], ".".join(names)
        if not name.isdigit() or not 1 <= int(name) <= len(rows) + 1:
            whole = ".".join(names[:-1])
            hint = f"Write {whole}.1 to {whole}.{len(rows)}, or {whole}.{len(rows) + 1} for one more."
            self.refuse("CASE103", place, f"There is no '{path}'.", hint)
            return None
        number = int(name) - 1
        if remove:
            if number < len(rows):
                del rows[number]
            return None
        if number == len(rows):
            rows.append(deepcopy(rows[-1]) if rows else None)
        return number

    def value(self, node: Node, schema: Mapping[str, Any], names: tuple[str, ...], place: Place) -> Any:
        if node.kind == "list":
            items: list[Any] = []
            for one in node.items:
                if one.kind != "map":
                    items.append(self.value(one, schema.get("items", {}), names, place))
                    continue
                made: Json = {}
                for inner, spot, value in flattened(one):
                    self.change(made, schema.get("items", {}), inner, spot, value)
                items.append(made)
            return items
        if node.kind == "number" and "string" in schema.get("type", "") and "number" not in schema["type"]:
            return node.text
        if node.kind == "number" and "." not in node.text:
            return int(node.text)
        return node.plain()

    # the settings

    def settings(self, node: Node | None) -> Json | None:
        changes = list(flattened(node)) if node is not None else []
        known = [name for name, _ in tenant_settings.dotted_keys()]
        for names, place, _ in changes:
            if ".".join(names) not in known:
                hint = _close(".".join(names), known)
                self.refuse("CASE104", place, f"There is no setting '{'.'.join(names)}'.", hint)
                return None
        given = [(".".join(names), value.plain()) for names, _, value in changes]
        try:
            return _settings(money.dumps(given))
        except tenant_settings.SettingsError as error:
            # Which one it was shows when they are made one after another.
            number = next(n for n in range(1, len(given) + 1) if _refused(given[:n]) or n == len(given))
            for problem in error.diagnostics:
                self.refuse("CASE104", changes[number - 1][1], problem.message, problem.hint)
            return None

    # what must come of it

    def expected(self, node: Node | None) -> Iterator[Expected]:
        if node is not None and (node.kind != "map" or not node.entries):
            self.refuse("CASE101", node.place, "`expect` holds `field: value` entries.")
            return
        for names, place, value in flattened(node) if node is not None else ():
            path = ".".join(names)
            problem = self.known.problem(names, value)
            if problem is not None:
                self.refuse("CASE105", problem.place or place, problem.message, problem.hint)
            yield Expected(path, value)

    def absent(self, node: Node | None) -> Iterator[Expected]:
        if node is None:
            return
        for one in node.items if node.kind == "list" else [node]:
            problem = self.known.absent_problem(one.text)
            if problem is not None:
                self.refuse("CASE105", one.place, problem.message, problem.hint)
            yield Expected(one.text, one)


@lru_cache(maxsize=100)
def _stored(path: Path) -> Json:
    stored: Json = money.loads(path.read_bytes())
    return stored


@lru_cache(maxsize=500)
def _settings(changes: str) -> Json:
    """Return the example settings with changes, given as JSON so that equal ones are made once."""
    raw = deepcopy(tenant_settings.example()) if changes == "[]" else deepcopy(_settings("[]"))
    for key, value in money.loads(changes):
        *parents, last = key.split(".")
        into = raw
        for name in parents:
            into = into[name]
        into[last] = value
    return tenant_settings.check(raw)


def _refused(changes: Sequence[tuple[str, Any]]) -> bool:
    try:
        _settings(money.dumps(list(changes)))
    except tenant_settings.SettingsError:
        return True
    return False


def _close(name: str, known: Sequence[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"Did you mean '{prefix}{close[0]}'?"
    return f"Known here: {', '.join(known[:40])}." if known else ""
