"""A document of the shop mapped by rules: payload → document → requests to WeFact, with findings and trace. Pure.

`load_rulebooks` reads and compiles the rules once; `Rulebooks.bind` joins them with a tenant's settings; the result
maps any number of payloads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from mapper import findings, money
from mapper.diagnostics import Finding, Place
from mapper.errors import RuleError
from mapper.findings import Record
from mapper.rulebook import forms, schemas
from mapper.rulebook.compiler import Compiled, Run
from mapper.rulebook.emitter import LINE
from mapper.rulebook.files import (
    FILES,
    INVARIANTS,
    KINDS,
    NEEDED,
    OPTIONAL,
    OVERLAY,
    RATES,
    TARGET,
    TERRITORIES,
    RuleFiles,
    hash_of,
    overlay_name,
)
from mapper.rulebook.functions import Function, functions
from mapper.rulebook.overlay import Replaced
from mapper.rulebook.reuse import without_collection
from mapper.rulebook.rules import slots
from mapper.rulebook.source import read_file, read_text
from mapper.rulebook.types import Type, from_schema
from mapper.settings_schema import SCHEMA
from mapper.vat import rates as vat_rates
from mapper.vat import territories as vat_territories

Kind = Literal["order", "invoice"]


@dataclass(frozen=True, slots=True)
class Search:
    """How to find what a request would create: a call, and the fields that must be equal in what it finds.

    `slots` names the values that are placeholders.
    """

    controller: str
    action: str
    params: Mapping[str, Any]
    same: Mapping[str, str]
    slots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a field of the service's answer must be, in euros, and by how much it may differ (W19)."""

    field: str
    amount: Decimal
    tolerance: Decimal


@dataclass(frozen=True, slots=True)
class Request:
    """One call to WeFact.

    `slots` names the parameters that may be `{debtor.Identifier}`, `{invoice.Identifier}` or `{operation.token}`, to be
    filled in; the same words in any other text are a customer's, and stay.
    """

    name: str
    controller: str
    action: str
    params: Mapping[str, Any]
    find: Search | None = None
    expect: tuple[Expectation, ...] = ()
    slots: frozenset[str] = frozenset()


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
    """All rules, compiled. `texts` are the files by name, a tenant's overlay among them; `hash` identifies them.

    `files` are the names by which places call the files, `replaced` what the overlay replaced.
    """

    folder: Path
    texts: Mapping[str, str]
    hash: str
    files: Mapping[str, str]
    replaced: tuple[Replaced, ...]
    functions: Mapping[str, Function]
    rates: vat_rates.VatRates
    territories: vat_territories.Territories
    sources: Mapping[str, Compiled]
    target: Compiled

    @property
    def base(self) -> Mapping[str, str]:
        """Return the files without the overlay."""
        return {name: text for name, text in self.texts.items() if name != OVERLAY}

    def bind(self, settings: Mapping[str, Any], *, soon: bool = False) -> Mapper:
        """Return the mapper of one tenant's settings (as `mapper.settings` gives them).

        `soon` is for rules that are being edited: `run` is ready sooner, and then a little slower.
        """
        return Mapper(self, settings, soon=soon)


def shipped_rules() -> Path:
    """Return the folder of the rules that come with the program, installed or in a working copy."""
    installed = Path(__file__).parent / "_rules"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "rules"


@lru_cache(maxsize=1)
def shipped_territories() -> vat_territories.Territories:
    """Return the shipped table of territories: facts of law, for rules that have no table of their own."""
    return vat_territories.from_node(read_file(shipped_rules() / TERRITORIES))


def load_rulebooks(
    folder: Path | None = None, *, overlay_file: Path | None = None, today: date = date.max
) -> Rulebooks:
    """Read and compile the rules of a folder (the shipped ones when None), with a tenant's overlay if one is given.

    `today` is the last day on which a table of VAT can have been checked: given where authors are told of problems, and
    not where rules are used, since a clock that is wrong must not stop them.
    Raises RuleError with the problems of all files together, in the order of the files.
    """
    folder = folder or shipped_rules()
    paths = {name: folder / name for name in FILES}
    files = {
        name: f"rules/{name}" if folder == shipped_rules() else str(path) for name, path in paths.items()
    }
    if overlay_file is not None:
        paths[OVERLAY], files[OVERLAY] = overlay_file, str(overlay_file)
    read = RuleFiles(files, today)
    wanted = {name: path for name, path in paths.items() if name in {*NEEDED, OVERLAY} or path.exists()}
    texts = {name: text for name, path in wanted.items() if (text := read.text(name, path)) is not None}
    return _loaded(folder, read, texts)


def rulebooks_from(
    texts: Mapping[str, str], *, tenant: str = "", overlay_file: str = "", whole: bool = True
) -> Rulebooks:
    """Compile rules from the texts of their files, as `Rulebooks.texts` has them.

    The overlay among them is called that of `tenant`, or as the file it is still written in. Rules that need not be
    `whole` are those of a day on which this program did not know all of today's kinds of documents.
    Raises RuleError as `load_rulebooks` does, also for a file that is missing or that this program does not know.
    """
    files = {name: f"rules/{name}" for name in (*FILES, *texts)} | {
        OVERLAY: overlay_file or overlay_name(tenant)
    }
    read = RuleFiles(files)
    some = any(name in texts for name in KINDS.values())
    for name in FILES if whole or not some else (TARGET, RATES):
        if name not in texts and name not in OPTIONAL:
            read.refuse(name, "This file is missing.")
    for name in texts:
        if name not in {*FILES, OVERLAY}:
            read.refuse(name, "This version of the program does not know this file.")
    return _loaded(Path(), read, texts)


def texts_of(folder: Path | None = None) -> dict[str, str]:
    """Return the texts of a folder's rule files (the shipped ones when None), whatever they say.

    Raises RuleError RULE101, RULE106 for a file that cannot be read.
    """
    folder = folder or shipped_rules()
    paths = {name: folder / name for name in FILES}
    return {
        name: read_text(path, str(path)) for name, path in paths.items() if name in NEEDED or path.exists()
    }


def _loaded(folder: Path, read: RuleFiles, texts: Mapping[str, str]) -> Rulebooks:
    with without_collection():
        return _loaded_rules(folder, read, texts)


def _loaded_rules(folder: Path, read: RuleFiles, texts: Mapping[str, str]) -> Rulebooks:
    roots = {name: read.root(name, text) for name, text in texts.items()}
    read.frame(roots)
    overlaid = read.overlay(roots, texts)
    read.extend(roots)
    if TARGET in roots:
        read.calls(roots[TARGET])
    rates = read.rates(roots.get(RATES))
    territories = read.territories(roots[TERRITORIES]) if TERRITORIES in roots else shipped_territories()
    available = functions(rates, territories)
    given = {kind: _given(kind) for kind in KINDS}
    sources = {
        kind: read.compiled(name, roots[name], texts, available, given[kind])
        for kind, name in KINDS.items()
        if name in roots
    }
    target = None
    if TARGET in roots and sources:
        document = read.document({kind: one.rules for kind, one in sources.items()})
        whole = {"document": document, "tenant": _tenant()}
        target = read.compiled(TARGET, roots[TARGET], texts, available, whole)
    if read.problems or target is None:
        raise RuleError(read.in_order())
    compiled = {kind: one.compiled() for kind, one in sources.items()}
    made = target.compiled()
    for part in (*sources.values(), target):
        read.check_needs(part)
    if read.problems:
        raise RuleError(read.in_order())
    for part in (*sources.values(), target):
        part.keep()
    return Rulebooks(
        folder,
        dict(texts),
        hash_of(texts),
        read.files,
        overlaid.replaced,
        available,
        rates,
        territories,
        compiled,
        made,
    )


@lru_cache(maxsize=1)
def _tenant() -> Type:
    return from_schema(SCHEMA, outside=False)


@lru_cache(maxsize=4)
def _given(kind: str) -> Mapping[str, Type]:
    """Return the names a kind's rulebook starts from; one that extends another has that one's for its payload, too."""
    payload = from_schema(payload_schema(kind), outside=True).sure()
    return {**dict.fromkeys((kind, next(iter(KINDS))), payload), "tenant": _tenant()}


def rule_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of rule files, tables, overlays and cases, for editors; made from the loader's tables."""
    known = functions(vat_rates.VatRates(date.min, {}, {}))
    help_ = {name: function.doc for name, function in known.items()}
    rulebooks = {
        KINDS["order"]: forms.SOURCE_RULEBOOK,
        KINDS["invoice"]: forms.EXTENSION,
        TARGET: forms.TARGET_RULEBOOK,
        OVERLAY: forms.OVERLAY,
    }
    made = {name: schemas.editor_schema(form, help_) for name, form in rulebooks.items()}
    made[RATES] = schemas.table_schema(forms.VAT_RATES)
    made[INVARIANTS] = schemas.editor_schema(forms.INVARIANTS, help_)
    made[TERRITORIES] = schemas.table_schema(forms.VAT_TERRITORIES)
    made["cases.yaml"] = schemas.cases_schema()
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
    # The same rules may be known by other file names, which findings and traces tell.
    identity = (rulebooks.hash, *rulebooks.files.values())
    return _bound(identity, money.dumps(settings), _Held(rulebooks, settings)).apply(
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
def _bound(_rules: tuple[str, ...], _settings: str, held: _Held) -> Mapper:
    return held.rulebooks.bind(held.settings)


class Mapper:
    """Rules joined with one tenant's settings."""

    def __init__(self, rulebooks: Rulebooks, settings: Mapping[str, Any], *, soon: bool = False) -> None:
        self.rulebooks = rulebooks
        self.settings = settings
        self.is_soon = soon
        self._traced: dict[str, tuple[Run, Run]] = {}
        self._plain: dict[str, tuple[Run, Run]] = {}

    def run(self, kind: str, payload: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Map a payload without trace, as fast as can be: (document, reports, requests, reports). Raises on a fault."""
        map_source, map_target = self.plain(kind)
        document, reports = map_source(payload)
        requests, more = map_target(document)
        return document, reports, requests, more

    def plain(self, kind: str) -> tuple[Run, Run]:
        """Return the two halves of `run`: payload → (document, reports), and document → (requests, reports)."""
        if kind not in self._plain:
            halves = self.rulebooks.sources[kind], self.rulebooks.target
            source, target = (half.bind_soon if self.is_soon else half.bind for half in halves)
            self._plain[kind] = source(self.settings), target(self.settings)
        return self._plain[kind]

    def _runs(self, kind: str) -> tuple[Run, Run]:
        if kind not in self._traced:
            source, target = self.rulebooks.sources[kind], self.rulebooks.target
            self._traced[kind] = source.bind_traced(self.settings), target.bind_traced(self.settings)
        return self._traced[kind]

    def apply(self, kind: str, payload: object, *, offline: bool = False) -> Mapped:
        """Map a payload with a full trace; a fault becomes a finding."""
        hash_ = self.rulebooks.hash
        unfit = (
            findings.unfit(payload)
            if kind in self.rulebooks.sources
            else findings.of_code("MAP207", {"kind": kind}, about=kind)
        )
        if unfit is not None:
            return Mapped(None, (), (unfit,), rules=hash_)
        source, target = self.rulebooks.sources[kind], self.rulebooks.target
        map_source, map_target = self._runs(kind)
        records: list[Record] = []
        try:
            document, reports = map_source(payload, records.append)
        except findings.FAULTS as fault:
            return Mapped(
                None, (), (findings.of_fault(fault, source, records),), Trace(((source, records),)), hash_
            )
        found = findings.of_checks(source, reports, offline=offline)
        trace = Trace(((source, records),))
        records = []
        try:
            raw, more = map_target(document, records.append)
        except findings.FAULTS as fault:
            found.append(findings.of_fault(fault, target, records))
            stopped = Trace((*trace.records, (target, records)))
            return Mapped(document, (), tuple(found), stopped, hash_)
        found += findings.of_checks(target, more, offline=offline)
        trace = Trace((*trace.records, (target, records)))
        return Mapped(document, requests_of(target, raw), tuple(found), trace, hash_)


def requests_of(target: Compiled, raw: Sequence[tuple[int, Any, Any, Any]]) -> tuple[Request, ...]:
    """Return what a compiled target rulebook gave as requests."""
    requests = []
    for number, params, found, expect in raw:
        rule = target.rules.requests[number]
        search = None
        if found is not None and rule.find is not None:
            named = slots(rule.find.params) | slots(rule.find.same)
            search = Search(rule.find.controller, rule.find.action, found[0], found[1], named)
        expected = tuple(Expectation(*one) for one in expect)
        requests.append(
            Request(rule.name, rule.controller, rule.action, params, search, expected, slots(rule.params))
        )
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


@lru_cache(maxsize=4)
def payload_schema(kind: str) -> Mapping[str, Any]:
    """Return the JSON schema of a kind of payload, written from the documented fields of the shop's API."""
    path = Path(__file__).parent / "rulebook" / KINDS[kind].replace(".yaml", ".schema.json")
    schema: Mapping[str, Any] = money.loads(path.read_bytes())
    return schema


__all__ = [
    "FILES", "INVARIANTS", "KINDS", "OVERLAY", "RATES", "TARGET", "TERRITORIES", "Expectation", "Mapped", "Mapper",
    "Request", "Rulebooks", "Search", "Trace", "Traced", "apply", "document_json", "hash_of", "load_rulebooks",
    "mapped_json", "payload_schema", "requests_of", "rule_schemas", "rulebooks_from", "shipped_rules", "texts_of",
]  # fmt: skip
