"""A rulebook, typed: values and their forms, line rules, requests and checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mapper.diagnostics import Place
from mapper.rulebook.tree import Call, Cond, Expr, Fallback, Field, Name, Text
from mapper.rulebook.types import Type, join


@dataclass(frozen=True, slots=True)
class Case:
    """One `if … then …` of a `when`."""

    test: Expr
    then: Value
    place: Place


@dataclass(frozen=True, slots=True)
class When:
    """The first case whose test holds, else `otherwise`."""

    type: Type
    place: Place
    cases: tuple[Case, ...]
    otherwise: Value


@dataclass(frozen=True, slots=True)
class KeywordRow:
    """Words of which any, or all, must stand in the text."""

    every: bool
    words: tuple[str, ...]
    then: str
    place: Place


@dataclass(frozen=True, slots=True)
class Match:
    """A text looked up in a table of keywords; the first row that fits."""

    type: Type
    place: Place
    subject: Expr
    rows: tuple[KeywordRow, ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class Find:
    """The first entry of a list whose `by` equals `is`, and what it gives; none when there is no such entry."""

    type: Type
    place: Place
    collection: Expr
    variable: str
    by: tuple[Expr, ...]
    keys: tuple[Expr, ...]
    give: Value


@dataclass(frozen=True, slots=True)
class Collect:
    """What each entry of a list gives, of those for which `where` holds."""

    type: Type
    place: Place
    collection: Expr
    variable: str
    where: Expr | None
    give: Value


@dataclass(frozen=True, slots=True)
class Fields:
    """A record of named values; none when its `if` does not hold."""

    type: Type
    place: Place
    test: Expr | None
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Several:
    """`all` or `any` of some conditions."""

    type: Type
    place: Place
    every: bool
    tests: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What only the service can know, such as `debtor.Identifier`."""

    type: Type
    place: Place
    name: str


Value = Expr | When | Match | Find | Collect | Fields | Several | Placeholder


@dataclass(frozen=True, slots=True)
class Entry:
    """A named value. `path` is its name for people, such as `document.total_incl` or `rows.unit_excl`.

    `kind` is the type it has once it was computed, see `given`.
    """

    name: str
    path: str
    value: Value
    kind: Type
    place: Place

    @property
    def public(self) -> bool:
        """Whether it is part of the document."""
        return not self.name.startswith("_")


@dataclass(frozen=True, slots=True)
class LineRule:
    """One kind of line: for each item of a list, or once."""

    kind: str
    name: str
    place: Place
    test: Expr | None
    each: Expr | None
    variable: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold (`failing` is false) or may not hold (`failing` is true), and what is said otherwise."""

    id: str
    place: Place
    about: str
    test: Expr
    failing: bool
    severity: Value
    say: Mapping[str, Text]
    help: Mapping[str, Text]
    facts: Mapping[str, Expr]
    each: Expr | None
    variable: str
    offline: bool


def slots(fields: Fields) -> frozenset[str]:
    """Return the names of the values that may be placeholders: only these are filled in when a request is sent."""
    return frozenset(name for name, value in fields.fields.items() if _may_be_placeholder(value))


def _may_be_placeholder(value: Value) -> bool:
    match value:
        case Placeholder():
            return True
        case When(cases=cases, otherwise=otherwise):
            return any(map(_may_be_placeholder, (*(case.then for case in cases), otherwise)))
        case _:
            return False


@dataclass(frozen=True, slots=True)
class SearchRule:
    """How to find what a request would create."""

    test: Expr | None
    controller: str
    action: str
    params: Fields
    same: Fields


@dataclass(frozen=True, slots=True)
class RequestRule:
    """One request to WeFact, or one for each item of a list."""

    name: str
    place: Place
    test: Expr | None
    each: Expr | None
    variable: str
    controller: str
    action: str
    params: Fields
    find: SearchRule | None
    expect: Mapping[str, tuple[Expr, Expr]]


Step = Entry | LineRule


@dataclass(frozen=True, slots=True)
class Rules:
    """One rulebook, typed. `steps` in order of evaluation; `document` is the type of what a source rulebook makes.

    `others` are the files, besides its own, that entries stand in: what it extends, and a tenant's overlay. `written`
    is each part of an expression, by place, as its author wrote it; `mentioned` are the names and fields they mention,
    `working` those among the fields that begin with `_`, each after the name it was read from; `lacking`:
    one of them may need a value that may be absent.
    """

    name: str
    file: str
    reads: str
    given: Mapping[str, Type]
    steps: tuple[Step, ...]
    checks: tuple[Check, ...]
    requests: tuple[RequestRule, ...]
    document: Type
    others: tuple[str, ...] = ()
    written: Mapping[Place, str] = field(default_factory=dict)
    mentioned: frozenset[str] = frozenset()
    working: frozenset[tuple[str, str]] = frozenset()
    lacking: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """Return all files that entries stand in, the rulebook's own first."""
        return (self.file, *self.others)


def given(value: Value) -> Type:
    """Return the type a value has once it was computed: what must be there is there."""
    match value:
        case Name() | Field() | Call():
            return value.type.sure()
        case Cond(then=then, otherwise=otherwise):
            return join(given(then), given(otherwise)) or value.type
        case Fallback(operands=operands):
            return value.type if given(operands[-1]).optional else value.type.sure()
        case When(cases=cases, otherwise=otherwise):
            kind: Type | None = given(otherwise)
            for case in cases:
                kind = join(given(case.then), kind) if kind is not None else None
            return kind or value.type
        case _:
            return value.type


def in_value(value: Value) -> Iterator[Expr]:
    """Yield the expressions of a value in any form."""
    match value:
        case When(cases=cases, otherwise=otherwise):
            for case in cases:
                yield case.test
                yield from in_value(case.then)
            yield from in_value(otherwise)
        case Match(subject=subject):
            yield subject
        case Find(collection=collection, by=by, keys=keys, give=give):
            yield from (collection, *by, *keys)
            yield from in_value(give)
        case Collect(collection=collection, where=where, give=give):
            yield collection
            yield from [where] if where is not None else []
            yield from in_value(give)
        case Fields(test=test, fields=inner):
            yield from [test] if test is not None else []
            for part in inner.values():
                yield from in_value(part)
        case Several(tests=tests):
            yield from tests
        case Placeholder():
            return
        case _:
            yield value
