"""The guards of exactly-once, each broken on purpose: a simulation that misses one of them proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from mapper.processing import engine, ledger, sweep
from mapper.processing.ledger import Ledger
from mapper.store import documents, operations

Break = Callable[[], AbstractContextManager[Any]]


def _always_fresh() -> AbstractContextManager[Any]:
    """As with a rowcount that lies: everybody takes the intent for their own."""
    begin = operations.begin

    def begun(*given: Any, **named: Any) -> Any:
        found = begin(*given, **named)
        return found if found.state == "done" else replace(found, fresh=True)

    return patch.object(operations, "begin", begun)


def _refused_when_lost() -> AbstractContextManager[Any]:
    def lost(conn: Any, tenant: str, key: str, *, error: str = "", now: Any) -> Any:
        return operations.refuse(conn, tenant, key, error=error, now=now)

    return patch.object(operations, "lost", lost)


@contextmanager
def _never_settling() -> Iterator[None]:
    """Look at once, and believe it when nothing is found."""
    with patch.object(Ledger, "_wait_until_settled", lambda *_: None), _no_doubt():
        yield


def _no_doubt() -> AbstractContextManager[Any]:
    return patch.object(Ledger, "_doubt", lambda *_: None)


@contextmanager
def _one_search() -> Iterator[None]:
    """Look in one way only, and believe it when it finds nothing."""
    with (
        patch.object(ledger, "_wide", lambda request, *_: request.find),
        _no_doubt(),
    ):
        yield


def _mailed_without_looking() -> AbstractContextManager[Any]:
    async def never(*_: Any) -> bool:
        return False

    return patch.object(Ledger, "_was_sent", never)


def _no_sweeper() -> AbstractContextManager[Any]:
    return patch.object(sweep, "redispatch", lambda *_, **__: 0)


def _no_sweep() -> AbstractContextManager[Any]:
    async def nothing(*_: Any, **__: Any) -> None:
        await asyncio.sleep(0)

    return patch.object(sweep, "sweep_shop", nothing)


def _no_state_before_claim() -> AbstractContextManager[Any]:
    """A done document goes round again, as if somebody had asked for a second invoice."""
    made_ready = engine.made_ready

    def ready(conn: Any, tenant: str, document: Any, **named: Any) -> Any:
        if document.state == "done":
            document = documents.process_again(conn, tenant, document.id, now=named["now"])
        return made_ready(conn, tenant, document, **named)

    return patch.object(engine, "made_ready", ready)


GUARDS: Mapping[str, Break] = {
    "an intent is somebody's": _always_fresh,
    "a lost answer is unknown": _refused_when_lost,
    "unknown waits to be settled": _never_settling,
    "a second search": _one_search,
    "mail is looked for": _mailed_without_looking,
    "lost work is dispatched again": _no_sweeper,
    "the shop is swept": _no_sweep,
    "done is done": _no_state_before_claim,
}


@contextmanager
def broken(guard: str) -> Iterator[None]:
    """Break a guard while the block runs; none without a name."""
    if not guard:
        yield
        return
    with GUARDS[guard]():
        yield
