"""What is noted while a rule is read, and rules that were read before: an edit changes one of hundreds.

The others are as they were, as long as the names in them are.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mapper.diagnostics import Place
from mapper.rulebook.source import Node
from mapper.rulebook.types import Type

MOST_KEPT = 5_000

Names = Mapping[str, Type]


@dataclass(slots=True)
class Notes:
    """What was noted of the rules that were read.

    `written` holds each part of an expression as its author wrote it, without the quotes and escapes of the file.
    `needs` are the types of the names they mention, `introduced` the names they give to what they go through.
    `mentioned`, `working` and `lacking` are what `Rules` says of them.
    """

    written: dict[Place, str] = field(default_factory=dict)
    needs: dict[str, Type] = field(default_factory=dict)
    introduced: set[str] = field(default_factory=set)
    mentioned: set[str] = field(default_factory=set)
    working: set[tuple[str, str]] = field(default_factory=set)
    lacking: bool = False

    def add(self, other: Notes) -> None:
        """Note what was noted of other rules, too."""
        self.written |= other.written
        self.needs |= other.needs
        self.introduced |= other.introduced
        self.mentioned |= other.mentioned
        self.working |= other.working
        self.lacking = self.lacking or other.lacking

    def are_right(self, names: Names) -> bool:
        """Tell whether what was read means the same among these names."""
        if not self.introduced.isdisjoint(names):
            return False
        for name, kind in self.needs.items():
            now = names.get(name)
            if now is not kind and not _is_same(now, kind):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Kept:
    """What was made of a node, and what was noted meanwhile."""

    node: Node
    made: Any
    notes: Notes


_kept: dict[Hashable, Kept] = {}


def recall(key: Hashable, node: Node, names: Names) -> Kept | None:
    """Return what was made of this very node before, if it would be made again."""
    kept = _kept.get((key, id(node)))
    return kept if kept is not None and kept.node is node and kept.notes.are_right(names) else None


def keep(key: Hashable, kept: Kept, names: Names) -> None:
    """Keep what was made of a node, and of the names in it those it did not bring itself."""
    notes = kept.notes
    notes.needs = {name: names[name] for name in notes.needs if name not in notes.introduced}
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key, id(kept.node)] = kept


def _is_same(now: Type | None, before: Type) -> bool:
    """Tell whether a type is another one in all respects; parts only when they are the very same."""
    if now is None or now is before:
        return now is before
    parts = now.fields is before.fields and now.item is before.item
    return (
        parts
        and now == before
        and now.nullable == before.nullable
        and now.choices == before.choices
        and now.form == before.form
    )
