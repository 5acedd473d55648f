"""What history asks of the tables of the rules, and which fields its payloads have.

For every table of keywords and every list that an entry is looked up in: how often each row applied, which never did,
which an earlier row keeps from applying, and the values that no row was for. For every field of the payloads: how often
it occurs, of which types, and whether a rule reads it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mapper.authoring.impact import read
from mapper.authoring.over import Progress, over, quiet
from mapper.authoring.reads import reads
from mapper.authoring.replaying import Version
from mapper.diagnostics import Place, printable
from mapper.findings import FAULTS, unfit
from mapper.mapping import Mapper, Rulebooks, hash_of, rulebooks_from
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.compiler import Compiled
from mapper.rulebook.functions import shown
from mapper.rulebook.lookups import Lookup
from mapper.store.database import Database
from mapper.store.history import Scope, Stored

MOST_VALUES = 1000
"""So many different values a table keeps; what comes after them is counted together."""
MOST_FIELDS = 3000
OTHERS = "…"

Example = tuple[str, str]
"""A document: its tenant and id."""


@dataclass(slots=True)
class Row:
    """One row of a table: its words or key, what it gives, and where it stands (nowhere for an entry of the settings).

    `shadowed` counts documents that it fits and an earlier row took, by the place of that row.
    """

    says: str
    then: str
    place: Place | None = None
    hits: int = 0
    shadowed: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Table:
    """One table. `missed` are the values that no row was for, with how often and an example."""

    path: str
    place: Place
    otherwise: str
    rows: dict[str, Row] = field(default_factory=dict)
    asked: int = 0
    missed: dict[str, tuple[int, Example]] = field(default_factory=dict)

    def miss(self, value: str, count: int, example: Example) -> None:
        """Count a value that no row was for."""
        if value not in self.missed and len(self.missed) >= MOST_VALUES:
            value = OTHERS
        had, first = self.missed.get(value, (0, example))
        self.missed[value] = had + count, first

    def add(self, other: Table) -> None:
        """Add the counts of later documents."""
        self.asked += other.asked
        for key, row in other.rows.items():
            own = self.rows.setdefault(key, Row(row.says, row.then, row.place))
            own.hits += row.hits
            for by, count in row.shadowed.items():
                own.shadowed[by] = own.shadowed.get(by, 0) + count
        for value, (count, example) in other.missed.items():
            self.miss(value, count, example)

    def to_json(self) -> dict[str, Any]:
        """Return the table as JSON-able values."""
        return {
            "path": self.path,
            "rule": str(self.place),
            "asked": self.asked,
            "otherwise": self.otherwise,
            "rows": [
                {
                    "row": one.says,
                    "then": one.then,
                    "rule": str(one.place or ""),
                    "hits": one.hits,
                    "shadowed": [{"by": by, "documents": count} for by, count in one.shadowed.items()],
                }
                for one in self.rows.values()
            ],
            "missed": [
                {"value": value, "documents": count, "tenant": tenant, "example": document}
                for value, count, (tenant, document) in self.sorted_missed
            ],
        }

    @property
    def sorted_missed(self) -> list[tuple[str, int, Example]]:
        """Return the values that no row was for, the most frequent first."""
        by_count = sorted(self.missed.items(), key=lambda one: (-one[1][0], one[0]))
        return [(value, count, example) for value, (count, example) in by_count]


@dataclass(slots=True)
class Field:
    """One field of a kind of payload: how often it occurs, by type (`null`, `empty`, `text`, `number` …)."""

    kinds: dict[str, int] = field(default_factory=dict)
    read_at: Place | None = None

    @property
    def seen(self) -> int:
        """Return how often the field occurs."""
        return sum(self.kinds.values())

    @property
    def nulls(self) -> int:
        """Return how often it is null."""
        return self.kinds.get("null", 0)


@dataclass(slots=True)
class Census:
    """The counts. `fields` are by kind of document and path, such as `rows[].tax`."""

    documents: dict[str, int] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    fields: dict[tuple[str, str], Field] = field(default_factory=dict)
    unread: int = 0

    def add(self, other: Census) -> None:
        """Add the counts of later documents."""
        self.unread += other.unread
        for kind, count in other.documents.items():
            self.documents[kind] = self.documents.get(kind, 0) + count
        for key, table in other.tables.items():
            own = self.tables.setdefault(key, Table(table.path, table.place, table.otherwise))
            own.add(table)
        for path, one in other.fields.items():
            mine = self.fields.setdefault(path, Field())
            for kind, count in one.kinds.items():
                mine.kinds[kind] = mine.kinds.get(kind, 0) + count
            mine.read_at = mine.read_at or one.read_at

    @property
    def unseen(self) -> list[Unseen]:
        """Return the fields that rules read and no payload has, where what they are fields of does occur."""
        filled = {(kind, _parent(path)) for (kind, path), one in self.fields.items() if one.seen}
        found = []
        for (kind, path), one in sorted(self.fields.items()):
            parent = _parent(path)
            if one.seen or one.read_at is None or (kind, parent) not in filled:
                continue
            known = (other for (of, other), field_ in self.fields.items() if of == kind and field_.seen)
            beside = [_name(other) for other in known if _parent(other) == parent]
            close = difflib.get_close_matches(_name(path), beside, 1, 0.8)
            found.append(
                Unseen(kind, path, one.read_at, self.documents.get(kind, 0), close[0] if close else "")
            )
        return found


@dataclass(frozen=True, slots=True)
class Unseen:
    """A field that a rule reads and none of so many `documents` of its kind has. `close`: one with a name like it."""

    kind: str
    path: str
    place: Place
    documents: int
    close: str


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def census(
    database: Database,
    versions: Mapping[str, Version],
    scope: Scope,
    *,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = lambda: False,
    processes: int | None = None,
) -> Iterator[Census]:
    """Count over the stored documents of tenants, mapped by their versions; yield the one growing count.

    It ends early when `cancelled`. Raises RuleError, StoreError.
    """
    found = Census()
    make = partial(Counter, versions)
    for part in over(database, list(versions), scope, make, progress=progress, processes=processes):
        if cancelled():
            return
        found.add(part)
        yield found
    yield found


class Counter:
    """The work of one process: the census of a portion of documents."""

    def __init__(self, versions: Mapping[str, Version]) -> None:
        self._versions = versions
        self._compiled: dict[str, Rulebooks] = {}
        self._made: tuple[str, _Tenant] | None = None

    def __call__(self, tenant: str, documents: Sequence[Stored]) -> Census:
        """Count a portion of a tenant's documents."""
        if self._made is None or self._made[0] != tenant:
            version = self._versions[tenant]
            digest = hash_of(version.texts)
            if digest not in self._compiled:
                self._compiled[digest] = rulebooks_from(version.texts, tenant=tenant, whole=False)
            self._made = tenant, _Tenant(self._compiled[digest].bind(version.settings))
        return self._made[1].count(documents)


class _Tenant:
    """One tenant's rules, ready to count."""

    def __init__(self, mapper: Mapper) -> None:
        self._mapper = mapper
        self._runs: dict[str, Any] = {}
        self._reads = {kind: reads(one.rules) for kind, one in mapper.rulebooks.sources.items()}

    def count(self, documents: Iterable[Stored]) -> Census:
        found = Census()
        asked: dict[tuple[str, int], dict[Any, tuple[int, Example, bool]]] = {}
        for stored in documents:
            payload = read(stored)
            if payload is None or unfit(payload) is not None or stored.kind not in self._reads:
                found.unread += 1
                continue
            found.documents[stored.kind] = found.documents.get(stored.kind, 0) + 1
            self._map(stored, payload, asked)
            _note_fields(found.fields, stored.kind, payload)
        for kind in found.documents:
            for path, place in self._reads[kind].items():
                found.fields.setdefault((kind, path), Field()).read_at = place
        for half in (*found.documents, ""):
            compiled = self._compiled_of(half)
            for number, lookup in enumerate(compiled.lookups):
                table = self._table(lookup)
                _fill(table, lookup, asked.get((half, number), {}))
                key = f"{table.path} {table.place}"
                found.tables.setdefault(key, Table(table.path, table.place, table.otherwise)).add(table)
        return found

    def _compiled_of(self, half: str) -> Compiled:
        return self._mapper.rulebooks.sources[half] if half else self._mapper.rulebooks.target

    def _run(self, half: str) -> Any:
        if half not in self._runs:
            self._runs[half] = self._compiled_of(half).bind_counted(self._mapper.settings)
        return self._runs[half]

    def _map(
        self, stored: Stored, payload: Any, asked: dict[tuple[str, int], dict[Any, tuple[int, Example, bool]]]
    ) -> None:
        """Map one payload; a document that stops counts with what was asked until then."""
        given = payload
        for half in (stored.kind, ""):
            records: list[tuple[int, Any, bool]] = []
            try:
                given, _ = self._run(half)(given, records.append)
            except FAULTS:
                given = None
            # Once for each document, however many lines ask.
            for number, value, is_found in dict.fromkeys(records):
                values = asked.setdefault((half, number), {})
                had = values.get(value)
                count, example = (had[0], had[1]) if had else (0, (stored.tenant, stored.id))
                values[value] = count + 1, example, is_found
            if given is None:
                return

    def _table(self, lookup: Lookup) -> Table:
        """Return a table with its rows, none of them asked for yet."""
        table = lookup.table
        if isinstance(table, r.Match):
            made = Table(lookup.path, lookup.place, table.otherwise)
            for row in table.rows:
                says = (" and " if row.every else " or ").join(row.words)
                made.rows[str(row.place)] = Row(says, row.then, row.place)
            return made
        made = Table(lookup.path, lookup.place, "")
        for key in self._keys(table):
            made.rows.setdefault(key, Row(key, ""))
        return made

    def _keys(self, table: r.Find) -> Iterator[str]:
        """Yield what the entries of a list of the settings are found by; nothing of other lists."""
        entries: Any = self._mapper.settings
        for name in _tenant_path(table.collection):
            entries = entries.get(name) if isinstance(entries, Mapping) else None
        for entry in entries if isinstance(entries, list) else ():
            key = tuple(self._of(part, entry) for part in table.by)
            if None not in key:
                yield _text(key[0] if len(key) == 1 else key)

    def _of(self, expr: ex.Expr, entry: Any) -> Any:
        match expr:
            case ex.Field(base=ex.Name(), name=name):
                return entry.get(name)
            case ex.Call(name=name, args=args):
                given = [self._of(arg, entry) for arg in args]
                return None if None in given else self._mapper.rulebooks.functions[name].call(*given)
            case _:
                return None


def _tenant_path(expr: ex.Expr) -> list[str]:
    names: list[str] = []
    while isinstance(expr, ex.Field):
        names.insert(0, expr.name)
        expr = expr.base
    return names if isinstance(expr, ex.Name) and expr.name == "tenant" else []


def _fill(table: Table, lookup: Lookup, asked: Mapping[Any, tuple[int, Example, bool]]) -> None:
    for value, (count, example, is_found) in asked.items():
        table.asked += count
        if isinstance(lookup.table, r.Match):
            fitting = [row.place for row in lookup.table.rows if _fits(row, value)]
            if not fitting:
                table.miss(_text(value), count, example)
                continue
            first, *others = (table.rows[str(place)] for place in fitting)
            first.hits += count
            for row in others:
                by = str(first.place)
                row.shadowed[by] = row.shadowed.get(by, 0) + count
        elif is_found:
            row = table.rows.setdefault(_text(value), Row(_text(value), ""))
            row.hits += count
        else:
            table.miss(_text(value), count, example)


def _fits(row: r.KeywordRow, subject: str) -> bool:
    return (all if row.every else any)(word in subject for word in row.words)


def _text(value: Any) -> str:
    told = ", ".join(shown(one) for one in value) if isinstance(value, tuple) else shown(value)
    return printable(told, 100)


def _note_fields(fields: dict[tuple[str, str], Field], kind: str, payload: Mapping[str, Any]) -> None:
    waiting: list[tuple[str, Any]] = [("", payload)]
    while waiting:
        path, value = waiting.pop()
        if value.__class__ is list:
            waiting += [(f"{path}[]", one) for one in value]
            continue
        for name, inner in value.items() if value.__class__ is dict else ():
            key = f"{path}.{name}" if path else name
            known = fields.get((kind, key))
            if known is None:
                if len(fields) >= MOST_FIELDS:
                    continue
                known = fields[kind, printable(key, 200)] = Field()
            what = _KINDS.get(inner.__class__, "number") if inner != "" else "empty"
            known.kinds[what] = known.kinds.get(what, 0) + 1
            if inner.__class__ in {dict, list}:
                waiting.append((key, inner))


_KINDS: Mapping[type, str] = {
    str: "text",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "list",
}
