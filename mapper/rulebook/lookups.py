"""The tables of a rulebook: keywords that a text is searched for, and lists in which an entry is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mapper.diagnostics import Place
from mapper.rulebook import rules as r


@dataclass(frozen=True, slots=True)
class Lookup:
    """One table. `path` is what the value is called that it gives, such as `document._method_by_name`."""

    path: str
    table: r.Match | r.Find

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return self.table.place


def lookups(rules: r.Rules) -> tuple[Lookup, ...]:
    """Return the tables in the order of the rules, each once: what every line has is one table for all lines."""
    found: dict[Place, Lookup] = {}
    for path, value in _named(rules):
        for table in _tables(value):
            found.setdefault(table.place, Lookup(path, table))
    return tuple(found.values())


def _named(rules: r.Rules) -> Iterator[tuple[str, r.Value]]:
    for step in rules.steps:
        for entry in (step,) if isinstance(step, r.Entry) else step.entries:
            yield entry.path, entry.value
    for check in rules.checks:
        yield f"check {check.id} {check.about}".rstrip(), check.severity
    for request in rules.requests:
        parts = (
            [request.params]
            if request.find is None
            else [request.params, request.find.params, request.find.same]
        )
        for part in parts:
            for name, value in part.fields.items():
                yield f"{request.name}.{name}", value


def _tables(value: r.Value) -> Iterator[r.Match | r.Find]:
    match value:
        case r.Match():
            yield value
        case r.Find(give=give):
            yield value
            yield from _tables(give)
        case r.Collect(give=give):
            yield from _tables(give)
        case r.When(cases=cases, otherwise=otherwise):
            for part in (*(case.then for case in cases), otherwise):
                yield from _tables(part)
        case r.Fields(fields=fields):
            for part in fields.values():
                yield from _tables(part)
        case _:
            return
