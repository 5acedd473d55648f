"""Cases from history: the fewest stored documents that reach all that history reaches of the rules, without persons.

What a document reaches is which case of every table and condition applied, which lines were made, which checks spoke,
and which requests would be sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from mapper import settings as tenant_settings
from mapper.authoring.anonymous import Anonymiser
from mapper.authoring.cases import FOLDER, PAYLOADS
from mapper.authoring.expectations import ABSENT, finding_text, found_value, shown
from mapper.authoring.impact import read
from mapper.authoring.over import Progress, over, quiet
from mapper.authoring.replaying import Version
from mapper.mapping import Mapped, Mapper, rulebooks_from
from mapper.store import exact, history
from mapper.store.database import Database
from mapper.store.history import Scope, Stored

MOST = 5000
"""So many different ways through the rules are kept; history has some hundred."""
FILE = "golden.yaml"

Way = frozenset[str]
Found = dict[Way, tuple[int, str, str]]
"""By way through the rules: how long the shortest payload is, its tenant and document."""

_OF_TOTALS = ("total_incl", "total_excl", "total_vat", "country", "payment_method", "is_credit")
_OF_LINES = ("description", "quantity", "vat_percent", "vat_code", "unit_excl", "total_incl")
_OF_INVOICE = ("invoice.Status", "invoice.Description", "invoice.PaymentMethod")


@dataclass(frozen=True, slots=True)
class Golden:
    """One case: its payload without persons, the settings that differ from the example, and what comes of it."""

    name: str
    kind: str
    payload: Mapping[str, Any]
    settings: Mapping[str, Any]
    expect: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Chosen:
    """What was chosen: `golden` cases for so many `ways` of so many `documents`; `left` could not be made anonymous."""

    documents: int = 0
    ways: int = 0
    golden: list[Golden] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


def choose(
    database: Database,
    versions: Mapping[str, Version],
    scope: Scope,
    *,
    progress: Progress = quiet,
    processes: int | None = None,
) -> Chosen:
    """Choose the documents, and make cases of them. Raises RuleError, StoreError."""
    found: Found = {}
    chosen = Chosen()
    make = partial(Finder, versions)
    for documents, part in over(
        database, list(versions), scope, make, progress=progress, processes=processes
    ):
        chosen.documents += documents
        for way, known in part.items():
            if way in found or len(found) < MOST:
                found[way] = min(known, found.get(way, known))
    chosen.ways = len(frozenset().union(*found)) if found else 0
    anonymiser = Anonymiser()
    mappers: dict[str, Mapper] = {}
    for way in _fewest(found):
        _, tenant, document = found[way]
        mapper = mappers.setdefault(tenant, _mapper(versions[tenant], tenant))
        with database.read() as conn:
            (stored,) = history.stored(conn, tenant, [document])
        made = _anonymous(anonymiser, mapper, stored, way)
        if made is None:
            chosen.left.append((tenant, document))
            continue
        payload, mapped = made
        name = f"golden {len(chosen.golden) + 1}: {_sentence(mapped, payload)}"
        expect = tuple(_expected(mapped))
        chosen.golden.append(Golden(name, stored.kind, payload, _scalars(mapper.settings), expect))
    return chosen


class Finder:
    """The work of one process: which ways through the rules a portion of documents takes."""

    def __init__(self, versions: Mapping[str, Version]) -> None:
        self._versions = versions
        self._mappers: dict[str, Mapper] = {}

    def __call__(self, tenant: str, documents: Sequence[Stored]) -> tuple[int, Found]:
        """Find the ways that a portion of a tenant's documents takes."""
        if tenant not in self._mappers:
            self._mappers = {tenant: _mapper(self._versions[tenant], tenant)}
        found: Found = {}
        for stored in documents:
            payload = read(stored)
            if payload is None:
                continue
            way = way_of(self._mappers[tenant].apply(stored.kind, payload))
            known = (len(stored.text), tenant, stored.id)
            found[way] = min(known, found.get(way, known))
        return len(documents), found


def way_of(mapped: Mapped) -> Way:
    """Return which way a document takes through the rules: the case of each rule, lines, findings and requests."""
    cases = {f"{one.place} {one.case}" for one in mapped.trace.values if one.case >= 0 or one.line is None}
    made = {f"line {one['kind']}" for one in (mapped.document or {}).get("lines", ())}
    spoken = {f"finding {finding_text(one)} {one.place}" for one in mapped.findings}
    return frozenset(cases | made | spoken | {f"request {one.name}" for one in mapped.requests})


def write(chosen: Chosen, folder: Path) -> Path:
    """Write the cases into `cases` of a folder of rules, in the place of those written before; return their file."""
    cases = folder / FOLDER
    payloads = cases / PAYLOADS
    payloads.mkdir(parents=True, exist_ok=True)
    for old in payloads.glob("golden-*.json"):
        old.unlink()
    lines = [
        "# yaml-language-server: $schema=../schemas/cases.schema.json",
        "# Made by `mapper golden` of stored documents, without the persons in them: the fewest that reach all that",
        "# history reaches of the rules. `mapper golden` writes the file anew.",
        "",
    ]
    for number, one in enumerate(chosen.golden, start=1):
        (payloads / f"golden-{number}.json").write_text(exact.write(one.payload) + "\n", encoding="utf-8")
        lines += [f"- case: {_quoted(one.name)}", f"  fixture: golden-{number}"]
        if one.settings:
            settings = ", ".join(f"{key}: {_quoted(value)}" for key, value in one.settings.items())
            lines.append(f"  settings: {{{settings}}}")
        lines += ["  expect:", *(f"    {path}: {value}" for path, value in one.expect), ""]
    path = cases / FILE
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _mapper(version: Version, tenant: str) -> Mapper:
    """Return the rules with the settings that a case can state: the example, and the single values that differ."""
    rulebooks = rulebooks_from(version.texts, tenant=tenant, whole=False)
    return rulebooks.bind(tenant_settings.changed(tenant_settings.example(), _scalars(version.settings)))


def _scalars(settings: Mapping[str, Any]) -> dict[str, str]:
    differing = tenant_settings.differences(tenant_settings.example(), settings)
    aside = {"name", "process_from", "mode"}
    return {
        key: "true" if value is True else "false" if value is False else str(value)
        for key, value in differing.items()
        if key not in aside and isinstance(value, str | bool | int | Decimal) and value != ""
    }


def _fewest(found: Found) -> Iterator[Way]:
    """Yield ways that together have all that any has: always the one with most that is new, the shortest first."""
    missing = set().union(*found) if found else set()
    waiting = sorted(found, key=lambda way: (found[way], sorted(way)))
    while missing:
        best = max(waiting, key=lambda way: len(way & missing))
        missing -= best
        yield best


def _anonymous(
    anonymiser: Anonymiser, mapper: Mapper, stored: Stored, way: Way
) -> tuple[dict[str, Any], Mapped] | None:
    """Return a payload without persons that takes the same way and comes to the same amounts; None when none does."""
    payload = read(stored)
    before = mapper.apply(stored.kind, payload)
    for keep_postcodes in (False, True):
        anonymiser.keep_postcodes = keep_postcodes
        cleaned = anonymiser.payload(payload, stored.kind)
        mapped = mapper.apply(stored.kind, cleaned)
        if way_of(mapped) == way and _amounts(mapped) == _amounts(before):
            return cleaned, mapped
    return None


def _amounts(mapped: Mapped) -> list[Any]:
    document = mapped.document or {"lines": ()}
    lines = [
        [line[name] for name in ("quantity", "unit_excl", "total_incl", "vat_code")]
        for line in document["lines"]
    ]
    return [*(document.get(name) for name in ("total_incl", "total_excl", "total_vat")), *lines]


def _sentence(mapped: Mapped, payload: Mapping[str, Any]) -> str:
    if mapped.document is None:
        return "stops, " + ", ".join(finding_text(one) for one in mapped.findings)
    document = mapped.document
    held = [finding_text(one) for one in mapped.findings if one.severity in {"error", "wait"}]
    kinds = ", ".join(dict.fromkeys(line["kind"] for line in document["lines"]))
    count = len(document["lines"])
    lines = f"{count} line{'' if count == 1 else 's'} ({kinds})"
    told = f"{document['country']}, {payload.get('paymethod') or '–'}, {lines}"
    return f"{told}, stops: {', '.join(held)}" if held else told


def _expected(mapped: Mapped) -> Iterator[tuple[str, str]]:
    """Yield what a case expects: what is found, and where there is a document its amounts, lines and requests."""
    spoken = list(dict.fromkeys(finding_text(one) for one in mapped.findings))
    yield "findings", f"[{', '.join(spoken)}]" if spoken else "none"
    if mapped.document is None:
        return
    yield "lines", f"[{', '.join(line['kind'] for line in mapped.document['lines'])}]"
    lines = range(1, len(mapped.document["lines"]) + 1)
    paths: Iterable[str] = [
        *_OF_TOTALS,
        *(f"lines.{number}.{name}" for number in lines for name in _OF_LINES),
    ]
    if mapped.requests:
        yield "requests", f"[{', '.join(one.name for one in mapped.requests)}]"
        paths = [*paths, *_OF_INVOICE]
    for path in paths:
        value = found_value(mapped, path)
        if value is not ABSENT:
            yield path, shown(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
