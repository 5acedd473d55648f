"""A document of the shop mapped by rules: payload → document → requests to WeFact, with findings and trace. Pure.

`load_rulebooks` reads and compiles the rules once; `Rulebooks.bind` joins them with a tenant's settings; the result
maps any number of payloads.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from mapper import money
from mapper.catalogue import describe
from mapper.diagnostics import Diagnostic, Finding, Place, Severity
from mapper.errors import Fact, RuleError
from mapper.rulebook import forms
from mapper.rulebook.compiler import Compiled, compile_rules
from mapper.rulebook.emitter import LINE
from mapper.rulebook.expressions import Reader
from mapper.rulebook.functions import Function, RuleFault, functions
from mapper.rulebook.loader import read_rules
from mapper.rulebook.rules import Rules
from mapper.rulebook.runtime import MissingValue, WrongType
from mapper.rulebook.source import Node, Source, read, read_text
from mapper.rulebook.types import Type, from_schema
from mapper.settings_schema import SCHEMA
from mapper.vat import rates as vat_rates

Kind = Literal["order"]
KINDS: Mapping[str, str] = {"order": "ccv_order.yaml"}
TARGET = "wefact.yaml"
RATES = "vat_rates.yaml"
MAX_ROWS = 5000

Record = tuple[int, Any, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """How to find what a request would create: a call, and the fields that must be equal in what it finds."""

    controller: str
    action: str
    params: Mapping[str, Any]
    same: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a field of the service's answer must be, in euros, and by how much it may differ (W19)."""

    field: str
    amount: Decimal
    tolerance: Decimal


@dataclass(frozen=True, slots=True)
class Request:
    """One call to WeFact. Texts may hold `{debtor.Identifier}`, `{invoice.Identifier}` and `{operation.token}`."""

    name: str
    controller: str
    action: str
    params: Mapping[str, Any]
    find: Search | None = None
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Traced:
    """One value of a trace: where its rule stands and what it gave.

    `case` numbers the case of a table that applied (-1: none); `line` the document's line (from 1) and `item` what it
    was made from (from 0), for values of a line.
    """

    path: str
    place: Place
    value: Any
    case: int
    line: int | None
    item: int | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Every value the rules computed for one document, in order, as recorded: told apart only when somebody looks."""

    records: tuple[tuple[Compiled, Sequence[Record]], ...] = ()

    @property
    def values(self) -> tuple[Traced, ...]:
        """Return the values with their rules."""
        return tuple(one for compiled, records in self.records for one in _values(compiled, records))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the trace as JSON-able values."""
        return [
            {"path": one.path, "rule": str(one.place), "value": one.value, "case": one.case, "line": one.line}
            for one in self.values
        ]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the rules made of one payload. `document` is None when it could not be mapped: the findings say why."""

    document: Mapping[str, Any] | None
    requests: tuple[Request, ...]
    findings: tuple[Finding, ...]
    trace: Trace = field(default_factory=Trace)
    rules: str = ""

    @property
    def held(self) -> Literal["error", "wait"] | None:
        """Return the severity that keeps the document from being posted, if any."""
        severities = {finding.severity for finding in self.findings}
        return "error" if "error" in severities else "wait" if "wait" in severities else None


@dataclass(frozen=True, slots=True)
class Rulebooks:
    """All rules, compiled. `texts` are the files by name, `hash` identifies them."""

    folder: Path
    texts: Mapping[str, str]
    hash: str
    functions: Mapping[str, Function]
    rates: vat_rates.VatRates
    sources: Mapping[str, Compiled]
    target: Compiled

    def bind(self, settings: Mapping[str, Any]) -> Mapper:
        """Return the mapper of one tenant's settings (as `mapper.settings` gives them)."""
        return Mapper(self, settings)


def shipped_rules() -> Path:
    """Return the folder of the rules that come with the program, installed or in a working copy."""
    installed = Path(__file__).parent / "_rules"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "rules"


def load_rulebooks(folder: Path | None = None) -> Rulebooks:
    """Read and compile the rules of a folder (the shipped ones when None).

    Raises RuleError with the problems of all files together, in the order of the files.
    """
    folder = folder or shipped_rules()
    names = [*KINDS.values(), TARGET, RATES]
    loader = _Loader(folder)
    texts = {name: loader.text(name) for name in names}
    roots = {name: loader.root(name, text) for name, text in texts.items() if text is not None}
    rates = loader.rates(roots.get(RATES))
    available = functions(rates)
    tenant = from_schema(SCHEMA, outside=False)
    sources = {}
    for kind, name in KINDS.items():
        if name in roots:
            given = {kind: from_schema(payload_schema(kind), outside=True).sure(), "tenant": tenant}
            sources[kind] = loader.rules(name, roots[name], available, given)
    target = None
    if TARGET in roots and sources:
        document = next(iter(sources.values())).document
        target = loader.rules(TARGET, roots[TARGET], available, {"document": document, "tenant": tenant})
    if loader.problems or target is None:
        raise RuleError(loader.problems)
    known = {name: text for name, text in texts.items() if text is not None}
    compiled = {kind: compile_rules(rules, available) for kind, rules in sources.items()}
    for kind, name in KINDS.items():
        loader.check_needs(name, compiled[kind])
    if loader.problems:
        raise RuleError(loader.problems)
    return Rulebooks(
        folder, known, _hash(known), available, rates, compiled, compile_rules(target, available)
    )


def rule_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of the rule files by file name, for editors; made from the loader's own tables."""
    known = functions(vat_rates.VatRates(date.min, {}, {}))
    help_ = {name: function.doc for name, function in known.items()}
    made = {name: forms.editor_schema(forms.SOURCE_RULEBOOK, help_) for name in KINDS.values()}
    made[TARGET] = forms.editor_schema(forms.TARGET_RULEBOOK, help_)
    return {name.replace(".yaml", ".schema.json"): schema for name, schema in made.items()}


def apply(
    rulebooks: Rulebooks,
    kind: str,
    payload: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    offline: bool = False,
) -> Mapped:
    """Map one payload with a full trace. Never raises for a bad payload: its findings say what is wrong and where.

    `offline` adds the findings about what only a service could check.
    """
    return _bound(rulebooks.hash, money.dumps(settings), _Held(rulebooks, settings)).apply(
        kind, payload, offline=offline
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """Carries values past a cache that is keyed by their hashes."""

    rulebooks: Rulebooks
    settings: Mapping[str, Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _bound(_rules: str, _settings: str, held: _Held) -> Mapper:
    return held.rulebooks.bind(held.settings)


class Mapper:
    """Rules joined with one tenant's settings."""

    def __init__(self, rulebooks: Rulebooks, settings: Mapping[str, Any]) -> None:
        self.rulebooks = rulebooks
        self.settings = settings
        self._sources = {kind: compiled.bind(settings) for kind, compiled in rulebooks.sources.items()}
        self._traced = {kind: compiled.bind_traced(settings) for kind, compiled in rulebooks.sources.items()}
        self._target = rulebooks.target.bind(settings)
        self._target_traced = rulebooks.target.bind_traced(settings)

    def run(self, kind: str, payload: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Map a payload without trace, as fast as can be: (document, reports, requests, reports). Raises on a fault."""
        document, reports = self._sources[kind](payload)
        requests, more = self._target(document)
        return document, reports, requests, more

    def apply(self, kind: str, payload: object, *, offline: bool = False) -> Mapped:
        """Map a payload with a full trace; a fault becomes a finding."""
        hash_ = self.rulebooks.hash
        source, target = self.rulebooks.sources[kind], self.rulebooks.target
        unfit = _unfit(payload)
        if unfit is not None:
            return Mapped(None, (), (unfit,), rules=hash_)
        records: list[Record] = []
        try:
            document, reports = self._traced[kind](payload, records.append)
        except _FAULTS as fault:
            return Mapped(None, (), (_fault(fault, source, records),), Trace(((source, records),)), hash_)
        findings = _findings(source, reports, offline=offline)
        trace = Trace(((source, records),))
        records = []
        try:
            raw, more = self._target_traced(document, records.append)
        except _FAULTS as fault:
            findings.append(_fault(fault, target, records))
            return Mapped(document, (), tuple(findings), trace, hash_)
        findings += _findings(target, more, offline=offline)
        trace = Trace((*trace.records, (target, records)))
        return Mapped(document, requests_of(target, raw), tuple(findings), trace, hash_)


def requests_of(target: Compiled, raw: Sequence[tuple[int, Any, Any, Any]]) -> tuple[Request, ...]:
    """Return what a compiled target rulebook gave as requests."""
    requests = []
    for number, params, found, expect in raw:
        rule = target.rules.requests[number]
        search = None
        if found is not None and rule.find is not None:
            search = Search(rule.find.controller, rule.find.action, found[0], found[1])
        expected = tuple(Expectation(*one) for one in expect)
        requests.append(Request(rule.name, rule.controller, rule.action, params, search, expected))
    return tuple(requests)


def document_json(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as JSON-able values: totals with 2 decimals, unit prices and line totals with up to 10."""
    shown = {name: _two_decimals(value) for name, value in document.items() if name != "lines"}
    shown["lines"] = [{name: _up_to_ten(value) for name, value in line.items()} for line in document["lines"]]
    return shown


def mapped_json(mapped: Mapped, language: Literal["en", "nl"] = "en") -> dict[str, Any]:
    """Return what `mapper map` prints for one payload."""
    return {
        "document": None if mapped.document is None else document_json(mapped.document),
        "requests": [
            {"controller": one.controller, "action": one.action, "params": one.params}
            for one in mapped.requests
        ],
        "findings": [finding.to_json(language) for finding in mapped.findings],
    }


def _two_decimals(value: Any) -> Any:
    return format(money.round_half_up(value, 2), "f") if isinstance(value, Decimal) else value


def _up_to_ten(value: Any) -> Any:
    return money.decimal_text(value, 10) if isinstance(value, Decimal) else value


_FAULTS = (
    MissingValue,
    WrongType,
    RuleFault,
    ArithmeticError,
    TypeError,
    LookupError,
    ValueError,
    AttributeError,
)


def _unfit(payload: object) -> Finding | None:
    """Say why a payload cannot be looked at at all; None when it can."""
    if not isinstance(payload, Mapping):
        return _finding("MAP205", None, "payload", {"found": type(payload).__name__})
    rows = payload.get("rows")
    if isinstance(rows, list) and len(rows) > MAX_ROWS:
        return _finding("MAP206", None, "rows", {"count": len(rows), "limit": MAX_ROWS})
    return None


def _fault(fault: Exception, compiled: Compiled, records: Sequence[Record]) -> Finding:
    item = next((value for number, _, value in reversed(records) if number == LINE), None)
    if isinstance(fault, MissingValue):
        site = compiled.sites[fault.site]
        return _finding("MAP201", site.place, site.what, {"path": site.what, "row": _row(site.what, item)})
    place = _rule_place(fault, compiled.rules.file)
    if isinstance(fault, WrongType):
        facts = {
            "path": fault.path,
            "wanted": fault.wanted,
            "found": fault.found,
            "row": _row(fault.path, item),
        }
        return _finding("MAP202", place, fault.path, facts)
    if isinstance(fault, RuleFault):
        return _finding("MAP203", place, "", {"reason": str(fault)})
    return _finding("MAP204", place, "", {"reason": f"{type(fault).__name__}: {str(fault)[:200]}"})


def _row(path: str, item: int | None) -> str:
    """Say which row a path such as `row.tax` is about; the record only knows lines that were begun."""
    return (
        "" if item is None or path.split(".", maxsplit=1)[0] in {"order", "invoice"} else f" (row {item + 1})"
    )


def _rule_place(fault: Exception, file: str) -> Place | None:
    """Return where in the rules the fault happened: compiled code carries the YAML's positions."""
    for frame, _ in reversed(list(traceback.walk_tb(fault.__traceback__))):
        if frame.f_code.co_filename == file:
            break
    else:
        return None
    summary = [one for one in traceback.extract_tb(fault.__traceback__) if one.filename == file][-1]
    return Place(file, summary.lineno or 1, (summary.colno or 0) + 1)


def _finding(code: str, place: Place | None, about: str, facts: Mapping[str, Fact]) -> Finding:
    described = {language: describe(code, facts, language) for language in ("en", "nl")}
    say = {language: one.message for language, one in described.items()}
    help_ = {language: one.remedy for language, one in described.items()}
    return Finding(
        code, "error", say, help_, place, about, {name: str(value) for name, value in facts.items() if value}
    )


def _findings(compiled: Compiled, reports: Sequence[Any], *, offline: bool) -> list[Finding]:
    found = []
    for number, severity, say, help_, facts, item in reports:
        check = compiled.rules.checks[number]
        if check.offline and not offline:
            continue
        about = check.about if item is None else f"{check.about} of line {item + 1}"
        found.append(Finding(check.id, _severity(severity), say, help_, check.place, about, facts))
    return found


def _severity(text: str) -> Severity:
    return text if text in {"wait", "warning", "info"} else "error"  # type: ignore[return-value]


def _values(compiled: Compiled, records: Sequence[Record]) -> Iterator[Traced]:
    line = 0
    made_from = 0
    for number, value, case in records:
        if number == LINE:
            line, made_from = line + 1, case
            continue
        entry = compiled.entries[number]
        of_line = (
            (line, made_from) if entry.path.split(".")[0] not in {"document", "values"} else (None, None)
        )
        yield Traced(entry.path, entry.place, value, case, *of_line)


class _Loader:
    """Reads the files of one folder, collecting their problems."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Diagnostic] = []
        self.sources: dict[str, Source] = {}

    def shown(self, name: str) -> str:
        return f"rules/{name}" if self.folder == shipped_rules() else str(self.folder / name)

    def text(self, name: str) -> str | None:
        hint = "A rules folder holds " + ", ".join([*KINDS.values(), TARGET, RATES]) + "."
        try:
            return read_text(self.folder / name, self.shown(name), hint)
        except RuleError as error:
            self.problems += error.diagnostics
            return None

    def root(self, name: str, text: str) -> Node:
        self.sources[name] = Source(text, self.shown(name))
        try:
            return read(text, self.shown(name))
        except RuleError as error:
            self.problems += error.diagnostics
            return Node("map", Place(self.shown(name), 1, 1))

    def rates(self, root: Node | None) -> vat_rates.VatRates:
        """Return the VAT rates; none when the table has problems, so that the rules are checked all the same."""
        try:
            if root is not None and root.entries:
                return vat_rates.from_node(root)
            if root is not None and not self.problems:
                self.problems.append(Diagnostic("RULE107", root.place, "The table of VAT rates is empty."))
        except RuleError as error:
            source = self.sources[RATES]
            self.problems += [
                source.problem(one.code, one.place, one.message, one.hint) for one in error.diagnostics
            ]
        return vat_rates.VatRates(date.min, {}, {})

    def rules(
        self, name: str, root: Node, available: Mapping[str, Function], given: Mapping[str, Type]
    ) -> Rules:
        if not root.entries:
            return Rules(name, self.shown(name), "", given, (), (), (), Type("record", fields=None))
        reader = Reader(self.sources[name], available)
        rules = read_rules(root, reader, given)
        unique = {(one.place, one.code, one.message): one for one in reader.problems}
        self.problems += sorted(unique.values(), key=lambda one: (one.place.line, one.place.column))
        return rules

    def check_needs(self, name: str, compiled: Compiled) -> None:
        """Note each field that a rule needs although the shop's API says that it may be null."""
        for site in {(site.what, site.place): site for site in compiled.sites if site.nullable}.values():
            message = f"'{site.what}' may be null in the shop's API."
            hint = f"Give a default, as in `{site.what} or none`, or say that it must be there: `needed({site.what})`."
            self.problems.append(self.sources[name].problem("RULE221", site.place, message, hint))


@lru_cache(maxsize=4)
def payload_schema(kind: str) -> Mapping[str, Any]:
    """Return the JSON schema of a kind of payload, written from the documented fields of the shop's API."""
    path = Path(__file__).parent / "rulebook" / KINDS[kind].replace(".yaml", ".schema.json")
    schema: Mapping[str, Any] = money.loads(path.read_bytes())
    return schema


def _hash(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name}\0{texts[name]}\0".encode())
    return digest.hexdigest()


__all__ = [
    "KINDS", "Expectation", "Mapped", "Mapper", "Request", "Rulebooks", "Search", "Trace", "Traced", "apply",
    "document_json", "load_rulebooks", "mapped_json", "payload_schema",
    "requests_of", "rule_schemas", "shipped_rules",
]  # fmt: skip
