"""History replayed from the database under changed rules or settings; see `over.py` for who does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from mapper.authoring.impact import Impact, impact
from mapper.authoring.over import Progress, over, quiet
from mapper.authoring.replay import Pair
from mapper.mapping import OVERLAY, Mapper, Rulebooks, hash_of, rulebooks_from
from mapper.processing.adoption import texts_in_use
from mapper.store import tenants
from mapper.store.database import Database
from mapper.store.history import Scope, Stored


@dataclass(frozen=True, slots=True)
class Version:
    """Rules by the texts of their files, a tenant's overlay among them, and the settings they are bound to."""

    texts: Mapping[str, str]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What changes for one tenant."""

    tenant: str
    old: Version
    new: Version


def changes_of(
    database: Database,
    *,
    tenant: str | None = None,
    old: Mapping[str, str] | None = None,
    new: Mapping[str, str] | None = None,
    settings: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda now: now,
    overlay: str | None = None,
) -> list[Change]:
    """Return what changes for a tenant, or for all, when `new` rules take the place of the `old` ones.

    Both are the texts of files without an overlay; the rules in use where they are None. Each tenant's own overlay is
    in both, but where `overlay` is given, which takes its place in the new version. `settings` makes the new settings
    of the present ones. Raises UsageError STO110 for a tenant that is not there.
    """
    changes = []
    with database.read() as conn:
        known = [tenants.get(conn, tenant)] if tenant is not None else list(tenants.everyone(conn))
        for one in known:
            in_use = texts_in_use(conn, one.id)
            own = in_use.get(OVERLAY, "")
            base = {name: text for name, text in in_use.items() if name != OVERLAY}
            present = tenants.settings(conn, one.id)
            before = Version(_with(old or base, own), present)
            after = Version(_with(new or base, own if overlay is None else overlay), settings(present))
            changes.append(Change(one.id, before, after))
    return changes


def _with(texts: Mapping[str, str], overlay: str) -> dict[str, str]:
    return {**texts, OVERLAY: overlay} if overlay else dict(texts)


class Pairs:
    """The pairs of the tenants, made when they are asked for. Rules that tenants share are compiled once."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = {one.tenant: one for one in changes}
        self._compiled: dict[str, Rulebooks] = {}
        self._made: tuple[str, Pair] | None = None

    def of(self, tenant: str) -> Pair:
        """Return a tenant's pair. Raises RuleError when a version does not load."""
        if self._made is None or self._made[0] != tenant:
            change = self._changes[tenant]
            self._made = tenant, Pair(self._mapper(tenant, change.old), self._mapper(tenant, change.new))
        return self._made[1]

    def _mapper(self, tenant: str, version: Version) -> Mapper:
        digest = hash_of(version.texts)
        if digest not in self._compiled:
            # Those of overlays are each of one tenant only.
            self._compiled = dict(islice(reversed(self._compiled.items()), 7))
            self._compiled[digest] = rulebooks_from(version.texts, tenant=tenant, whole=False)
        return self._compiled[digest].bind(version.settings)


def replay(
    database: Database,
    changes: Sequence[Change],
    scope: Scope,
    *,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = lambda: False,
    processes: int | None = None,
) -> Iterator[Impact]:
    """Replay the stored documents of the changes' tenants; yield the one growing sum after each portion.

    It ends early when `cancelled`. `processes` are as many as there are cores when not given, and one for little work.
    Raises RuleError when a version does not load, StoreError.
    """
    found = Impact()
    pairs = Pairs(changes)
    for one in changes:
        pair = pairs.of(one.tenant)
        found.edits |= dict.fromkeys((edit.path, str(edit.place)) for edit in pair.edits)
        found.edits |= dict.fromkeys((f"setting {key}", one.tenant) for key in sorted(pair.settings))
    tenants_ = [one.tenant for one in changes]
    make = partial(Replayed, changes)
    for part in over(database, tenants_, scope, make, progress=progress, processes=processes):
        if cancelled():
            return
        found.add(part)
        yield found
    yield found


class Replayed:
    """The work of one process: what a portion of documents comes to."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._pairs = Pairs(changes)

    def __call__(self, tenant: str, documents: Sequence[Stored]) -> Impact:
        """Replay a portion of a tenant's documents."""
        *_, found = impact({tenant: self._pairs.of(tenant)}, documents)
        return found
