"""What webhooks say, from their arrival to the queue: accepted many at a time, then noted one by one.

Accepting is one insert for all that arrived while the one before was written: an answer of 200 means that the hint is
on record. Noting its document and dispatching the work takes ten times as long and gives way to what arrives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from mapper.errors import StoreError
from mapper.store import documents, events, hints
from mapper.store.database import Database
from mapper.store.rows import Document, Hint, Kind

KINDS: dict[str, Kind] = {"orders": "order", "invoices": "invoice"}
# So many are noted in one transaction: whoever arrives meanwhile waits for it.
CHUNK = 2
# When nothing arrived for so long there is time for noting; after so long it is done whatever arrives.
QUIET_SECONDS, LONGEST_SECONDS = 0.02, 2.0

_T = TypeVar("_T")
_log = logging.getLogger("mapper.web")


class Dispatch(Protocol):
    """Puts a document in the queue, in the caller's transaction."""

    def __call__(self, conn: Connection, tenant: str, document: Document, *, reason: str) -> object:
        """Dispatch the document; `reason` is "webhook"."""


class Intake:
    """One per process. A thread of its own writes: hints never wait for the threads that work on documents."""

    def __init__(self, database: Database, dispatch: Dispatch, now: Callable[[], datetime]) -> None:
        self._database = database
        self._dispatch = dispatch
        self._now = now
        self._thread = ThreadPoolExecutor(1, "webhooks")
        self._waiting: list[tuple[Hint, asyncio.Future[None]]] = []
        self._working: asyncio.Task[None] | None = None
        self._arrived = 0.0
        self._is_closing = False

    async def accept(self, hint: Hint) -> None:
        """Return once the hint is on record. Raises StoreError, and then it is not."""
        loop = asyncio.get_running_loop()
        accepted: asyncio.Future[None] = loop.create_future()
        self._waiting.append((hint, accepted))
        self._arrived = loop.time()
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        await accepted

    async def rest(self) -> None:
        """Wait until everything that was accepted here is noted."""
        if self._working is not None:
            await self._working

    async def close(self) -> None:
        """Stop noting: what is left is on record, and the next one to start goes on with it."""
        self._is_closing = True
        await self.rest()
        self._thread.shutdown()

    async def _work(self) -> None:
        loop, since, are_left = asyncio.get_running_loop(), 0.0, False
        while self._waiting or (are_left and not self._is_closing):
            if self._waiting:
                await self._keep()
                since = since if are_left else loop.time()
                are_left = True
            elif loop.time() - self._arrived < QUIET_SECONDS and loop.time() - since < LONGEST_SECONDS:
                await asyncio.sleep(QUIET_SECONDS / 4)
            else:
                are_left = await self._note()
            if are_left and self._waiting and loop.time() - since >= LONGEST_SECONDS:
                are_left = await self._note()

    async def _keep(self) -> None:
        arrived, self._waiting = self._waiting, []
        try:
            await self.in_thread(self._write, [hint for hint, _ in arrived])
        except Exception as error:  # noqa: BLE001 (whoever waits is told, whatever it is)
            for _, accepted in arrived:
                if not accepted.done():
                    accepted.set_exception(error)
            return
        for _, accepted in arrived:
            if not accepted.done():
                accepted.set_result(None)

    async def _note(self) -> bool:
        """Note a few and tell whether more may be left. Without the database the sweeper does it later."""
        try:
            return await self.in_thread(self._take) > 0
        except StoreError as error:
            _log.warning("webhooks are noted later: %s", error.code)
            return False

    def _write(self, arrived: Sequence[Hint]) -> None:
        with self._database.begin() as conn:
            hints.keep(conn, arrived)

    def _take(self) -> int:
        return take(self._database, self._dispatch, now=self._now(), limit=CHUNK)

    async def in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        """Run something where hints are written, in its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def take_all(database: Database, dispatch: Dispatch, *, now: datetime) -> int:
    """Note what a process that stopped had accepted; return how many. Raises StoreError."""
    taken = 0
    while (some := take(database, dispatch, now=now, limit=CHUNK)) > 0:
        taken += some
    return taken


def take(database: Database, dispatch: Dispatch, *, now: datetime, limit: int) -> int:
    """Note the documents of the oldest hints and dispatch them, in one transaction; return how many hints are gone.

    Raises StoreError STO101. One that cannot be noted for another reason goes alone, so that it holds up no other.
    """
    try:
        with database.begin() as conn:
            taken = hints.take(conn, limit=limit)
            for hint in taken:
                _note(conn, dispatch, hint, now=now)
            return len(taken)
    except Exception as error:
        if isinstance(error, StoreError) and error.code == "STO101":
            raise
        if limit > 1:
            return take(database, dispatch, now=now, limit=1)
        kind = type(error).__name__
    with database.begin() as conn:
        for hint in hints.take(conn, limit=1):
            _log.error("%s while noting %s %s; a sweep will find it", kind, hint.tenant, hint.shop_id)
    return 1


def _note(conn: Connection, dispatch: Dispatch, hint: Hint, *, now: datetime) -> None:
    if not events.accept(conn, hint.tenant, hint.event, hint.body_hash, hint.shop_id, now=now):
        return
    subject, _, what = hint.event.partition(".")
    noted = documents.note(
        conn, hint.tenant, KINDS[subject], hint.shop_id, now=now, deleted=what == "deleted"
    )
    dispatch(conn, hint.tenant, noted, reason="webhook")
