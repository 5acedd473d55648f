"""Work over all of history: in this process, or, where it is long, in one process for each core.

Each process reads its own documents, a portion at a time, and gives back what they come to: memory does not grow with
history.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

from mapper.store import history
from mapper.store.database import Database, open_database
from mapper.store.history import Scope, Stored

PORTION = 250
FEW = 3000
"""So many documents are worked through sooner than further processes are started."""

Part = TypeVar("Part")
Work = Callable[[str, Sequence[Stored]], Part]
"""What one process does with a portion of a tenant's documents."""
Progress = Callable[[int, int], None]


def quiet(_done: int, _total: int) -> None:
    """Tell nobody how far it is."""


def over(
    database: Database,
    tenants: Sequence[str],
    scope: Scope,
    make: Callable[[], Work[Part]],
    *,
    progress: Progress = quiet,
    processes: int | None = None,
) -> Iterator[Part]:
    """Yield what each portion of the tenants' documents comes to, in the order of the documents, newest first.

    `make` makes the work, in each process anew: it is pickled. `processes` are as many as there are cores when not
    given, and one for little work. Whoever stops asking ends the work. Raises what the work raises, and StoreError.
    """
    with database.read() as conn:
        total = sum(history.count(conn, one, scope) for one in tenants)
    done = 0
    progress(done, total)
    processes = processes or (os.cpu_count() or 1)
    run = _one_process if processes == 1 or total <= FEW else many_processes
    for size, part in run(database, tenants, scope, make, processes):
        done += size
        progress(min(done, total), total)
        yield part


def _portions(
    database: Database, tenants: Sequence[str], scope: Scope
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for tenant in tenants:
        with database.read() as conn:
            for ids in history.portions(conn, tenant, scope, PORTION):
                yield tenant, ids


def _one_process(
    database: Database, tenants: Sequence[str], scope: Scope, make: Callable[[], Work[Part]], _processes: int
) -> Iterator[tuple[int, Part]]:
    work = make()
    for tenant, ids in _portions(database, tenants, scope):
        yield len(ids), _portion(database, work, tenant, ids)


def _portion(database: Database, work: Work[Part], tenant: str, ids: Sequence[str]) -> Part:
    with database.read() as conn:
        documents = history.stored(conn, tenant, ids)
    return work(tenant, documents)


def many_processes(
    database: Database, tenants: Sequence[str], scope: Scope, make: Callable[[], Work[Part]], processes: int
) -> Iterator[tuple[int, Part]]:
    """Hand out portions, a few ahead, and give back what they come to in their order."""
    url = database.engine.url.render_as_string(hide_password=False)
    # A fork would copy threads and connections in the middle of their work.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(url, make))
    waiting: deque[tuple[int, Future[Part]]] = deque()
    try:
        for tenant, ids in _portions(database, tenants, scope):
            waiting.append((len(ids), pool.submit(_work, tenant, ids)))
            while len(waiting) > 3 * processes:
                size, future = waiting.popleft()
                yield size, future.result()
        for size, future in waiting:
            yield size, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_here: tuple[Database, Work[Any]] | None = None


def _begin(url: str, make: Callable[[], Work[Any]]) -> None:
    global _here  # noqa: PLW0603 (a process of a pool has nothing else that lives from one portion to the next)
    # Ctrl-C goes to every process of the terminal: the one that handed out the work ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _here = open_database(url), make()
    # Compiled rules stay: the collector need not walk them again and again, nor what a portion makes, but after it.
    gc.freeze()
    gc.disable()


def _work(tenant: str, ids: Sequence[str]) -> Any:
    assert _here is not None
    try:
        return _portion(*_here, tenant, ids)
    finally:
        gc.collect()
