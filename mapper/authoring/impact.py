"""What a change of rules or settings would have done to the documents of history, in euros and by identical change.

`impact` replays documents and yields the sums as they grow, so that a screen can show them and stop at any document;
`add` joins the sums of several runs, in the order of the documents, so that they are the same however the work was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mapper import money
from mapper.authoring.outcome import Outcome, Rates
from mapper.authoring.replay import Cause, Difference, Effect, Pair, Value
from mapper.errors import PayloadError
from mapper.store import exact
from mapper.store.history import Stored

EFFECTS: tuple[Effect, ...] = ("stops", "changed", "cured", "stops otherwise", "unsent", "remarks")
"""In the order in which a person wants to know them."""
STEP = 50
"""After so many documents the sums are given out."""
MOST_ALIKE = 200
"""So many groups that differ in the same places are kept apart by their values; more become one."""

_ZERO = Decimal(0)


@dataclass(slots=True)
class Amounts:
    """Euros: per VAT percentage [net, VAT], and with VAT."""

    rates: Rates = field(default_factory=dict)
    gross: Decimal = _ZERO

    def add(self, rates: Rates, gross: Decimal) -> None:
        """Add euros."""
        for percent, (net, tax) in rates.items():
            had = self.rates.setdefault(percent, [_ZERO, _ZERO])
            self.rates[percent] = [had[0] + net, had[1] + tax]
        self.gross += gross

    @property
    def net(self) -> Decimal:
        """Return the euros without VAT."""
        return sum((net for net, _ in self.rates.values()), _ZERO)

    @property
    def tax(self) -> Decimal:
        """Return the VAT."""
        return sum((tax for _, tax in self.rates.values()), _ZERO)

    def to_json(self) -> dict[str, Any]:
        """Return the euros as JSON-able values, with two decimals."""
        per_rate = [
            {"percent": percent, "net": euros(net), "vat": euros(tax), "gross": euros(net + tax)}
            for percent, (net, tax) in sorted(self.rates.items())
            if net or tax
        ]
        whole = {"net": euros(self.net), "vat": euros(self.tax), "gross": euros(self.gross)}
        return whole | {"per_rate": per_rate}


@dataclass(slots=True)
class Group:
    """Documents to which the same would happen. `example` is the newest, as (tenant, document, number).

    `various`: the values are of the example only; others have their own.
    """

    effect: Effect
    values: tuple[Value, ...]
    causes: tuple[Cause, ...]
    example: tuple[str, str, str]
    documents: int = 0
    amounts: Amounts = field(default_factory=Amounts)
    various: bool = False

    @property
    def shape(self) -> tuple[Any, ...]:
        """Return where they differ, whatever the values."""
        rules = tuple((one.place, one.path) for one in self.causes)
        return (self.effect, tuple(dict.fromkeys(one.path for one in self.values)), rules)

    def to_json(self) -> dict[str, Any]:
        """Return the group as JSON-able values."""
        tenant, document, number = self.example
        return {
            "effect": self.effect,
            "documents": self.documents,
            **self.amounts.to_json(),
            "changes": [{"path": one.path, "old": one.old, "new": one.new} for one in self.values],
            "various": self.various,
            "rules": [
                {"rule": str(one.place), "path": one.path, "old": one.old, "new": one.new, "gone": one.gone}
                for one in self.causes
            ],
            "example": {"tenant": tenant, "document": document, "number": number},
        }


@dataclass(slots=True)
class Impact:
    """The sums. `moved` are euros that would be booked otherwise, by tenant: never less than the change of the total.

    `unread` counts documents whose payload could not be read. `edits` names, each with its place, what was changed.
    """

    documents: int = 0
    counts: dict[Effect, int] = field(default_factory=dict)
    amounts: dict[Effect, Amounts] = field(default_factory=dict)
    groups: dict[Any, Group] = field(default_factory=dict)
    moved: dict[str, Decimal] = field(default_factory=dict)
    unread: int = 0
    edits: dict[tuple[str, str], None] = field(default_factory=dict)
    _alike: dict[Any, Group] = field(default_factory=dict, compare=False, repr=False)
    """The group of what was found before, so that most documents need no more than to be counted."""

    def note(self, stored: Stored, found: Difference | None) -> None:
        """Count one document."""
        self.documents += 1
        if found is None:
            return
        self.counts[found.effect] = self.counts.get(found.effect, 0) + 1
        if found.effect == "remarks":
            return
        if found.rates:
            self.amounts.setdefault(found.effect, Amounts()).add(found.rates, found.gross)
            moved = max(abs(found.gross), sum((abs(tax) for _, tax in found.rates.values()), _ZERO))
            self.moved[stored.tenant] = self.moved.get(stored.tenant, _ZERO) + moved
        key = (found.effect, found.values, found.causes)
        group = self._alike.get(key)
        if group is None:
            group = Group(found.effect, found.values, found.causes, (stored.tenant, stored.id, stored.number))
            self._alike[key] = group = self._join(group)
        group.documents += 1
        if found.rates:
            group.amounts.add(found.rates, found.gross)

    def add(self, other: Impact) -> None:
        """Add the sums of documents that come after these."""
        self.documents += other.documents
        self.unread += other.unread
        for effect, count in other.counts.items():
            self.counts[effect] = self.counts.get(effect, 0) + count
        for effect, amounts in other.amounts.items():
            self.amounts.setdefault(effect, Amounts()).add(amounts.rates, amounts.gross)
        for tenant, moved in other.moved.items():
            self.moved[tenant] = self.moved.get(tenant, _ZERO) + moved
        for group in other.groups.values():
            self._join(group)

    def _join(self, group: Group) -> Group:
        """Add a group to that of its kind, and return that one."""
        shape = group.shape
        if shape in self.groups:
            return _merged(self.groups[shape], group)
        key = (shape, group.values)
        if key in self.groups and not group.various:
            return _merged(self.groups[key], group)
        alike = [one for one, known in self.groups.items() if known.shape == shape]
        if not group.various and len(alike) < MOST_ALIKE:
            self.groups[key] = group
            return group
        # Too many values to keep apart: the first, of the newest document, stands for all.
        first, *others = [*(self.groups.pop(one) for one in alike), group]
        first.various = True
        self.groups[shape] = first
        self._alike.clear()
        for other in others:
            _merged(first, other)
        return first

    @property
    def sorted_groups(self) -> list[Group]:
        """Return the groups: what stops first, then by euros, then by documents."""
        return sorted(
            self.groups.values(),
            key=lambda one: (
                EFFECTS.index(one.effect),
                -abs(one.amounts.gross),
                -one.documents,
                str(one.shape),
            ),
        )

    @property
    def invoices(self) -> int:
        """Return how many invoices would be others, be missing or be new."""
        return sum(self.counts.get(effect, 0) for effect in ("changed", "stops", "cured"))

    def to_json(self) -> dict[str, Any]:
        """Return the sums as JSON-able values, without the groups."""
        told: dict[str, Any] = {"documents": self.documents, "unread": self.unread}
        told["edits"] = [{"path": path, "place": place} for path, place in self.edits]
        told |= {
            effect.replace(" ", "_"): {
                "documents": self.counts.get(effect, 0),
                **self.amounts.get(effect, Amounts()).to_json(),
            }
            for effect in EFFECTS
        }
        told["moved"] = {tenant: euros(moved) for tenant, moved in sorted(self.moved.items())}
        return told


class Recent:
    """Documents whose outcome under the old version is remembered, for trying one new version after another.

    It takes some ten kilobytes a document: for a thousand, not for all of history.
    """

    def __init__(self, documents: Iterable[Stored]) -> None:
        self.documents = tuple((one, read(one)) for one in documents)
        self._old: dict[Any, Outcome] = {}

    def outcome(self, pair: Pair, stored: Stored, payload: Any) -> Outcome:
        """Return what the old version makes of a document; `pair` is that of its tenant."""
        known = self._old.get((stored.tenant, stored.id))
        if known is None or known.mapper is not pair.old:
            known = self._old[stored.tenant, stored.id] = Outcome(pair.old, stored.kind, payload)
        return known


def impact(
    pairs: Mapping[str, Pair],
    documents: Iterable[Stored] = (),
    *,
    recent: Recent | None = None,
    progress: Callable[[int], None] = lambda _done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Impact]:
    """Replay documents under their tenants' pairs; yield the one growing sum every few documents and at the end.

    Without `documents`, `recent` ones are replayed, whose old outcome is remembered.
    It ends early, without a last sum, when `cancelled`, which is asked before each document. `progress` is told how
    many are done each time the sum is given out.
    """
    found = Impact()
    for stored, known in recent.documents if recent else ((one, None) for one in documents):
        if cancelled():
            return
        pair = pairs[stored.tenant]
        if pair.is_same(stored.kind):
            found.documents += 1
        else:
            payload = known if recent else read(stored)
            if payload is None:
                found.unread += 1
                continue
            old = recent.outcome(pair, stored, payload) if recent else None
            found.note(stored, pair.compare(stored.kind, payload, old))
        if found.documents % STEP == 0:
            progress(found.documents)
            yield found
    progress(found.documents)
    yield found


def read(stored: Stored) -> Any:
    """Return a document's payload; None when it is no JSON (any more)."""
    try:
        return exact.read(stored.text)
    except PayloadError:
        return None


def euros(amount: Decimal) -> str:
    """Write an amount with two decimals, rounded half-up."""
    return format(money.round_half_up(amount, 2), "f")


def _merged(group: Group, other: Group) -> Group:
    group.documents += other.documents
    group.amounts.add(other.amounts.rates, other.amounts.gross)
    return group
