"""History replayed from the database: in this process, or, where it is long, in one process for each core.

Each process reads its own documents, a portion at a time, and gives back sums: memory does not grow with history.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mapper.authoring.impact import Impact, impact
from mapper.authoring.replay import Pair
from mapper.mapping import OVERLAY, Mapper, Rulebooks, hash_of, rulebooks_from
from mapper.processing.adoption import texts_in_use
from mapper.store import history, tenants
from mapper.store.database import Database, open_database
from mapper.store.history import Scope

PORTION = 250
FEW = 3000
"""So many documents are replayed sooner than further processes are started."""


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
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cancelled: Callable[[], bool] = lambda: False,
    processes: int | None = None,
) -> Iterator[Impact]:
    """Replay the stored documents of the changes' tenants; yield the one growing sum after each portion.

    It ends early when `cancelled`. `processes` are as many as there are cores when not given, and one for little work.
    Raises RuleError when a version does not load, StoreError.
    """
    with database.read() as conn:
        total = sum(history.count(conn, one.tenant, scope) for one in changes)
    pairs = Pairs(changes)
    processes = processes or (os.cpu_count() or 1)
    found = Impact()
    for one in changes:
        pair = pairs.of(one.tenant)
        found.edits |= dict.fromkeys((edit.path, str(edit.place)) for edit in pair.edits)
        found.edits |= dict.fromkeys((f"setting {key}", one.tenant) for key in sorted(pair.settings))
    progress(0, total)
    run = _one_process if processes == 1 or total <= FEW else _many_processes
    for part in run(database, changes, pairs, scope, processes):
        if cancelled():
            return
        found.add(part)
        progress(min(found.documents + found.unread, total), total)
        yield found
    if not total:
        yield found


def _portions(
    database: Database, changes: Sequence[Change], scope: Scope
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for one in changes:
        with database.read() as conn:
            for ids in history.portions(conn, one.tenant, scope, PORTION):
                yield one.tenant, ids


def _one_process(
    database: Database, changes: Sequence[Change], pairs: Pairs, scope: Scope, _processes: int
) -> Iterator[Impact]:
    for tenant, ids in _portions(database, changes, scope):
        yield _portion(database, pairs, tenant, ids)


def _portion(database: Database, pairs: Pairs, tenant: str, ids: Sequence[str]) -> Impact:
    with database.read() as conn:
        documents = history.stored(conn, tenant, ids)
    found = Impact()
    for found in impact({tenant: pairs.of(tenant)}, documents):  # noqa: B007 (the last sum counts)
        pass
    return found


def _many_processes(
    database: Database, changes: Sequence[Change], _pairs: Pairs, scope: Scope, processes: int
) -> Iterator[Impact]:
    """Hand out portions, a few ahead, and give back their sums in the order of the documents."""
    url = database.engine.url.render_as_string(hide_password=False)
    # A fork would copy threads and connections in the middle of their work.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(url, changes))
    try:
        waiting: deque[Future[Impact]] = deque()
        for tenant, ids in _portions(database, changes, scope):
            waiting.append(pool.submit(_work, tenant, ids))
            while len(waiting) > 3 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_here: tuple[Database, Pairs] | None = None


def _begin(url: str, changes: Sequence[Change]) -> None:
    global _here  # noqa: PLW0603 (a process of a pool has nothing else that lives from one portion to the next)
    # Ctrl-C goes to every process of the terminal: the one that handed out the work ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pairs = Pairs(changes)
    _here = open_database(url), pairs
    # Compiled rules stay: the collector need not walk them again and again.
    gc.freeze()


def _work(tenant: str, ids: Sequence[str]) -> Impact:
    assert _here is not None
    return _portion(*_here, tenant, ids)
