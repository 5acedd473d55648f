"""What holds of every document that would be posted: declared beside the rules, proven over history and by chance.

A document that its checks keep from being posted breaks no invariant. One that breaks it is made as small as it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from mapper.authoring.impact import read
from mapper.authoring.made_up import made_up, smaller
from mapper.authoring.outcome import Outcome
from mapper.authoring.over import Progress, over, quiet
from mapper.authoring.replaying import Version
from mapper.diagnostics import Place
from mapper.errors import RuleError
from mapper.findings import FAULTS, of_checks
from mapper.mapping import INVARIANTS, Mapper, Rulebooks, rulebooks_from, shipped_rules
from mapper.processing.amounts import priced
from mapper.rounding import simulate
from mapper.rulebook import forms
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.compiler import Compiled, compile_rules
from mapper.rulebook.expressions import Reader
from mapper.rulebook.loader import read_rules, sections
from mapper.rulebook.source import Source, read_text
from mapper.rulebook.source import read as read_yaml
from mapper.rulebook.types import MONEY, PERCENTAGE, TEXT, Type
from mapper.store import history
from mapper.store.database import Database
from mapper.store.history import Scope, Stored

_RATE = Type("record", fields={"code": TEXT, "percent": PERCENTAGE, "excl": MONEY, "vat": MONEY})
_SENT = Type(
    "record",
    fields={"total_excl": MONEY, "total_vat": MONEY, "total_incl": MONEY, "rates": Type("list", item=_RATE)},
)


@dataclass(frozen=True, slots=True)
class Invariants:
    """The invariants beside some rules, compiled; `text` is their file, called `file` in messages."""

    text: str
    file: str
    compiled: Compiled

    def broken(self, outcome: Outcome) -> list[Broken]:
        """Return what a document would break; nothing where it would not be posted."""
        if outcome.holds or outcome.document is None:
            return []
        document = {**outcome.document, "sent": _sent(outcome)}
        checks = self.compiled.rules.checks
        try:
            _, reports = self.compiled.bind(outcome.mapper.settings)(document)
        except FAULTS as fault:
            # What cannot be asked does not hold; the first that is asked of the document stands for all.
            return [Broken(checks[0].id, checks[0].place, {"en": repr(fault), "nl": repr(fault)})]
        # One check may speak of many lines: the first stands for all.
        told = {one.place: one for one in reversed(of_checks(self.compiled, reports, offline=False))}
        return [Broken(one.id, one.place, told[one.place].say) for one in checks if one.place in told]


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold of a document: which, where it stands, and what is wrong, by language."""

    id: str
    place: Place
    say: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The smallest document found that breaks an invariant, and the rules that made the values that it is about.

    `documents` counts those that break it; `origin` is where the first of them came from.
    """

    broken: Broken
    kind: str
    payload: Mapping[str, Any]
    origin: str
    documents: int
    rules: tuple[tuple[Place, str, Any], ...]


def load_invariants(rulebooks: Rulebooks, folder: Path | None = None) -> Invariants | None:
    """Return the invariants of a folder of rules (the shipped ones when None); None when it has none.

    Raises RuleError with all problems of the file.
    """
    folder = folder or shipped_rules()
    path = folder / INVARIANTS
    if not path.exists():
        return None
    file = f"rules/{INVARIANTS}" if folder == shipped_rules() else str(path)
    return invariants_of(rulebooks, read_text(path, file), file)


def invariants_of(rulebooks: Rulebooks, text: str, file: str) -> Invariants:
    """Return the invariants of a text, typed by the documents that the rules make. Raises RuleError."""
    source = Source(text, file)
    reader = Reader(source, rulebooks.functions, rulebook=INVARIANTS)
    given = rulebooks.target.rules.given
    document = given["document"]
    known = replace(document, fields={**(document.fields or {}), "sent": _SENT})
    root = sections(read_yaml(text, file), forms.INVARIANTS, reader)
    rules = read_rules(root, reader, {"document": known, "tenant": given["tenant"]}, forms.INVARIANTS)
    problems = {(one.place, one.code, one.message): one for one in reader.problems}
    if problems:
        told = sorted(problems.values(), key=lambda one: (one.place.line, one.place.column))
        raise RuleError([source.problem(one.code, one.place, one.message, one.hint) for one in told])
    return Invariants(text, file, compile_rules(rules, rulebooks.functions))


def prove_by_chance(
    invariants: Invariants,
    mapper: Mapper,
    *,
    count: int,
    seed: int,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[int, list[Counterexample]]:
    """Map made-up documents; return how many would be posted, and the smallest that breaks each broken invariant."""
    random = Random(seed)  # noqa: S311 (no secret)
    kinds = sorted(mapper.rulebooks.sources)
    found: dict[str, list[tuple[str, Any, str]]] = {}
    posted = 0
    for number in range(count):
        if cancelled():
            break
        kind = random.choice(kinds)
        payload = made_up(random, kind, mapper.settings)
        outcome = Outcome(mapper, kind, payload)
        posted += not outcome.holds
        for one in invariants.broken(outcome):
            found.setdefault(one.id, []).append((kind, payload, f"made up, seed {seed}"))
        progress(number + 1, count)
    return posted, [
        _counterexample(invariants, mapper, name, *some[0], len(some)) for name, some in found.items()
    ]


@dataclass(slots=True)
class Proof:
    """What a portion of history breaks: by invariant how many documents, and the first, as (tenant, document)."""

    documents: int = 0
    broken: dict[str, tuple[int, tuple[str, str]]] = field(default_factory=dict)

    def add(self, other: Proof) -> None:
        """Add what later documents break."""
        self.documents += other.documents
        for name, (count, first) in other.broken.items():
            had, own = self.broken.get(name, (0, first))
            self.broken[name] = had + count, own


def prove_over_history(
    invariants: Invariants,
    database: Database,
    versions: Mapping[str, Version],
    scope: Scope,
    *,
    progress: Progress = quiet,
    processes: int | None = None,
) -> tuple[int, list[Counterexample]]:
    """Map the stored documents; return how many would be posted, and the smallest that breaks each broken invariant.

    Raises RuleError, StoreError.
    """
    whole = Proof()
    make = partial(Prover, versions, invariants.text, invariants.file)
    for part in over(database, list(versions), scope, make, progress=progress, processes=processes):
        whole.add(part)
    examples = []
    for name, (count, (tenant, document)) in whole.broken.items():
        with database.read() as conn:
            (stored,) = history.stored(conn, tenant, [document])
        mapper = _mapper(tenant, versions[tenant])
        origin = f"{tenant} {document}"
        examples.append(_counterexample(invariants, mapper, name, stored.kind, read(stored), origin, count))
    return whole.documents, examples


class Prover:
    """The work of one process: what a portion of documents breaks."""

    def __init__(self, versions: Mapping[str, Version], text: str, file: str) -> None:
        self._versions = versions
        self._written = text, file
        self._made: tuple[str, Mapper, Invariants] | None = None

    def __call__(self, tenant: str, documents: Sequence[Stored]) -> Proof:
        """Prove a portion of a tenant's documents."""
        if self._made is None or self._made[0] != tenant:
            mapper = _mapper(tenant, self._versions[tenant])
            self._made = tenant, mapper, invariants_of(mapper.rulebooks, *self._written)
        _, mapper, invariants = self._made
        found = Proof()
        for stored in documents:
            payload = read(stored)
            if payload is None:
                continue
            outcome = Outcome(mapper, stored.kind, payload)
            found.documents += not outcome.holds
            for one in invariants.broken(outcome):
                count, first = found.broken.get(one.id, (0, (tenant, stored.id)))
                found.broken[one.id] = count + 1, first
        return found


def _mapper(tenant: str, version: Version) -> Mapper:
    return rulebooks_from(version.texts, tenant=tenant, whole=False).bind(version.settings)


def _counterexample(
    invariants: Invariants, mapper: Mapper, name: str, kind: str, payload: Any, origin: str, count: int
) -> Counterexample:
    """Return the smallest likeness of a document that breaks an invariant."""

    def breaks(tried: Any) -> Broken | None:
        found = invariants.broken(Outcome(mapper, kind, tried))
        return next((one for one in found if one.id == name), None)

    smallest = smaller(payload, kind, lambda tried: breaks(tried) is not None)
    broken = breaks(smallest)
    assert broken is not None
    rules = tuple(_rules(invariants, mapper, broken, kind, smallest))
    return Counterexample(broken, kind, smallest, origin, count, rules)


def _rules(
    invariants: Invariants, mapper: Mapper, broken: Broken, kind: str, payload: Any
) -> Iterator[tuple[Place, str, Any]]:
    """Yield the rules that made what the invariant asks of, each with its place and value, once for each line."""
    check = next(one for one in invariants.compiled.rules.checks if one.place == broken.place)
    asked = {*_asked(check.test), *(_asked(check.each) if check.each is not None else ())}
    for one in mapper.apply(kind, payload).trace.values:
        where, _, name = one.path.rpartition(".")
        if (where == "document" and name in asked) or (one.line is not None and f"lines.{name}" in asked):
            yield one.place, one.path, one.value
    if "sent" in asked:
        yield from _sent_by(mapper, Outcome(mapper, kind, payload))


def _sent_by(mapper: Mapper, outcome: Outcome) -> Iterator[tuple[Place, str, Any]]:
    """Yield the rules of what is sent of each line that WeFact calculates with."""
    for request in mapper.rulebooks.target.rules.requests:
        lines = request.params.fields.get("InvoiceLines")
        if isinstance(lines, r.Collect) and isinstance(lines.give, r.Fields):
            for number, sent in enumerate(outcome.lines(), start=1):
                for name in ("Number", "PriceExcl", "TaxCode"):
                    place = lines.give.fields[name].place
                    yield place, f"{request.name}.InvoiceLines.{number}.{name}", sent.get(name, "")


def _asked(expr: ex.Expr) -> Iterator[str]:
    """Yield the fields of the document, or of its lines, that an expression reads; of what is sent, its totals."""
    for part in ex.walk(expr):
        match part:
            case ex.Field(base=ex.Field(base=ex.Name(name="document"), name="lines"), name=name):
                yield f"lines.{name}"
            case ex.Field(base=ex.Name(name="document"), name="sent" | "lines" as name):
                yield from (name, "lines.unit_excl", "lines.vat_percent")
            case ex.Field(base=ex.Name(name="document"), name=name):
                yield name
            case ex.Field(base=ex.Name(), name=name):
                yield f"lines.{name}"


def _sent(outcome: Outcome) -> dict[str, Any]:
    """Return what WeFact's arithmetic makes of the lines of a document's invoice."""
    settings = outcome.mapper.settings
    assert outcome.document is not None
    by_code = priced(outcome.document, outcome.lines(), settings)
    model = settings["invoice"]["rounding_model"]
    whole = simulate([line for some in by_code.values() for line in some], model)
    rates = []
    for code, some in sorted(by_code.items()):
        part = simulate(some, model)
        rates.append({"code": code, "percent": some[0].percent, "excl": part.excl, "vat": part.tax})
    return {"total_excl": whole.excl, "total_vat": whole.tax, "total_incl": whole.incl, "rates": rates}
