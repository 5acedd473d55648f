"""What was read of rule files before, for the next time their texts are the same: an edit changes one file of five.

Whatever is kept is never changed by whoever gets it, and stands for a load that had no problems.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from typing import Any, TypeVar

from mapper.rulebook.types import Type

MOST = 32
"""Rules of a few days and overlays of a few tenants; each part is some hundred kilobytes."""
MOST_TYPES = 2_000
MOST_PARTS = 5_000

_Part = TypeVar("_Part")
_Given = TypeVar("_Given")
_kept: OrderedDict[Hashable, Any] = OrderedDict()
_lock = Lock()
_types: dict[Hashable, Type] = {}


def kept(key: Hashable, make: Callable[[], _Part]) -> _Part:
    """Return what was made for a key before, else make it. What `make` raises is not kept."""
    found: _Part | None = recall(key)
    if found is None:
        found = make()
        keep(key, found)
    return found


def recall(key: Hashable) -> Any:
    """Return what was kept for a key; None when there is nothing."""
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
        return _kept.get(key)


def keep(key: Hashable, part: object) -> None:
    """Keep a part for its key; the one that was not asked for longest goes."""
    with _lock:
        _kept[key] = part
        while len(_kept) > MOST:
            _kept.popitem(last=False)


def texts_key(names: Iterable[str], texts: Mapping[str, str], files: Mapping[str, str]) -> Hashable:
    """Return a key of some files: their texts, and the names by which places call them."""
    return tuple((name, texts.get(name), files.get(name)) for name in names)


def remembered(make: Callable[[_Given], _Part]) -> Callable[[_Given], _Part]:
    """Remember what is made of a part of the rules, by that very part: an edit leaves most of them as they are."""
    known: dict[int, tuple[_Given, _Part]] = {}

    @wraps(make)
    def recalled(part: _Given) -> _Part:
        found = known.get(id(part))
        if found is not None and found[0] is part:
            return found[1]
        if len(known) >= MOST_PARTS:
            known.clear()
        made = make(part)
        known[id(part)] = part, made
        return made

    return recalled


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, trees that all stay: a third of the time of a load."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def interned(kind: Type) -> Type:
    """Return the one type of all that are the same, so that what was read with it is found again."""
    if len(_types) >= MOST_TYPES:
        _types.clear()
    return _types.setdefault(shape(kind), kind)


def shape(kind: Type) -> Hashable:
    """Return all that tells a type from others: types compare equal without a look at their fields."""
    fields = None if kind.fields is None else tuple((name, shape(one)) for name, one in kind.fields.items())
    item = None if kind.item is None else shape(kind.item)
    own = (
        kind.kind,
        kind.optional,
        kind.outside,
        kind.unit,
        kind.choices,
        kind.nullable,
        kind.form,
        kind.unread,
    )
    return own, fields, item
