"""Which rules differ between two versions: entries, lines, requests and checks whose meaning is another.

Typed rules are compared, so layout, comments and an overlay that says the same make no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, lru_cache
from typing import Any

from mapper.diagnostics import Place
from mapper.mapping import RATES, TERRITORIES, Rulebooks
from mapper.rulebook import rules as r
from mapper.rulebook.compiler import Compiled
from mapper.rulebook.reuse import remembered

# Where something stands, and what its type was found to be, are not what it says.
_ASIDE = frozenset({"place", "type"})


@dataclass(frozen=True, slots=True)
class Edit:
    """One rule that differs. `place` is where it stands now, or, when `gone`, where it stood."""

    path: str
    place: Place
    gone: bool = False


@lru_cache(maxsize=32)
def edits(old: Compiled, new: Compiled) -> tuple[Edit, ...]:
    """Return what differs between two rulebooks, each rule once."""
    if old is new:
        return ()
    before, after = _rules(old.rules), _rules(new.rules)
    found: dict[Place, Edit] = {}
    for path, (place, said) in after.items():
        if path not in before or before[path][1] != said:
            found.setdefault(place, Edit(path, place))
    for path, (place, _) in before.items():
        if path not in after:
            found.setdefault(place, Edit(path, place, gone=True))
    if not found and list(before) != list(after):
        # Only the order differs: lines are made, and requests sent, in another.
        path, (place, _) = next(iter(after.items()))
        found[place] = Edit(path, place)
    return tuple(found.values())


def tables(old: Rulebooks, new: Rulebooks) -> tuple[Edit, ...]:
    """Return which tables of VAT differ. The rules may say the same and yet give something else by them."""
    return tuple(
        Edit(name, Place(f"rules/{name}", 0, 0))
        for name in (RATES, TERRITORIES)
        if old.texts.get(name) != new.texts.get(name)
    )


@remembered
def parameter_places(compiled: Compiled) -> dict[str, Place]:
    """Return where each parameter of the requests is set, by a path such as `invoice.InvoiceLines.TaxCode`."""
    found: dict[str, Place] = {}
    for request in compiled.rules.requests:
        for path, place in _parameters(request.name, request.params):
            found.setdefault(path, place)
        if request.find is not None:
            for part in (request.find.params, request.find.same):
                for path, place in _parameters(f"{request.name}.find", part):
                    found.setdefault(path, place)
        for name, (amount, _) in request.expect.items():
            found.setdefault(f"{request.name}.expect.{name}", amount.place)
    return found


@remembered
def amounts_of(compiled: Compiled) -> frozenset[str]:
    """Return the parameters that are amounts or quantities: another number in each document, by the same rule."""
    return frozenset(
        path
        for request in compiled.rules.requests
        for path, value in _leaves(request.name, request.params)
        if getattr(value, "name", "") == "decimal_text"
    )


def bare(part: Any) -> Any:
    """Return what a part of the rules says, without where: equal for rules that mean the same."""
    if is_dataclass(part) and not isinstance(part, type):
        return type(part).__name__, *[bare(getattr(part, name)) for name in _names(type(part))]
    if isinstance(part, Mapping):
        return tuple((name, bare(one)) for name, one in part.items())
    if isinstance(part, tuple | list):
        return tuple(bare(one) for one in part)
    # 1, true and 1.0 are equal in Python, and not to a reader of rules.
    return type(part).__name__, part


meaning = remembered(bare)
"""What a part of the rules says, as `bare` gives it, made once for each part."""


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.name not in _ASIDE)


@remembered
def _rules(rules: r.Rules) -> dict[str, tuple[Place, Any]]:
    return dict(_all(rules))


def _all(rules: r.Rules) -> Iterator[tuple[str, tuple[Place, Any]]]:
    for step in rules.steps:
        if isinstance(step, r.Entry):
            yield step.path, (step.place, meaning(step.value))
            continue
        made = step.kind, meaning(step.test), meaning(step.each), step.variable
        yield f"lines {step.name}", (step.place, made)
        for entry in step.entries:
            yield entry.path, (entry.place, meaning(entry.value))
    counted: dict[str, int] = {}
    for check in rules.checks:
        name = f"check {check.id} {check.about}".rstrip()
        counted[name] = counted.get(name, 0) + 1
        yield f"{name} {counted[name]}" if counted[name] > 1 else name, (check.place, meaning(check))
    for request in rules.requests:
        head = (
            request.controller,
            request.action,
            meaning(request.test),
            meaning(request.each),
            request.variable,
        )
        yield f"request {request.name}", (request.place, head)
        yield from _said(request.name, request.params)
        yield f"{request.name}.find", (request.place, meaning(request.find))
        yield f"{request.name}.expect", (request.place, meaning(request.expect))


def _said(path: str, value: r.Value) -> Iterator[tuple[str, tuple[Place, Any]]]:
    """Yield each parameter with what its rule says, without the parameters inside it."""
    match value:
        case r.Fields(test=test, fields=inner):
            yield path, (value.place, (meaning(test), tuple(inner)))
            for name, part in inner.items():
                yield from _said(f"{path}.{name}", part)
        case r.Collect(collection=collection, variable=variable, where=where, give=r.Fields() as give):
            yield f"{path}, each", (value.place, (meaning(collection), variable, meaning(where)))
            yield from _said(path, give)
        case _:
            yield path, (value.place, meaning(value))


def _parameters(path: str, value: r.Value) -> Iterator[tuple[str, Place]]:
    yield path, value.place
    for name, inner in _inside(value):
        yield from _parameters(f"{path}.{name}" if name else path, inner)


def _leaves(path: str, value: r.Value) -> Iterator[tuple[str, r.Value]]:
    inside = tuple(_inside(value))
    if not inside:
        yield path, value
    for name, inner in inside:
        yield from _leaves(f"{path}.{name}" if name else path, inner)


def _inside(value: r.Value) -> Iterator[tuple[str, r.Value]]:
    match value:
        case r.Fields(fields=inner):
            yield from inner.items()
        case r.Collect(give=give) | r.Find(give=give):
            yield "", give
        case r.When(cases=cases, otherwise=otherwise):
            yield from (("", case.then) for case in cases)
            yield "", otherwise
        case _:
            return
