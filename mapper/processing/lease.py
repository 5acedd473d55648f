"""Whether this process may still act: its heartbeat in the database is fresh, so nobody has taken its work over."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from mapper.errors import StoreError
from mapper.processing import engine
from mapper.store import heartbeats, restored
from mapper.store.database import Database

BEAT_SECONDS = 5.0
TTL = timedelta(seconds=60)

# Any constant that no other program uses as an advisory lock in this database.
_REAPER_LOCK = 0x6D617070
_LOOK = "what WeFact may have of that time is looked for before it is posted"
_log = logging.getLogger("mapper.processing")


class Lease:
    """The heartbeat of one process. `clock` gives seconds that also pass while the machine sleeps.

    On SQLite the file lock already keeps others away (`exclusive`), so a gap in the beats is forgiven. On PostgreSQL
    a gap longer than the TTL ends the lease for good: another process may have taken the work over.
    """

    def __init__(
        self,
        database: Database,
        executor: str,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        exclusive: bool,
        ttl: timedelta = TTL,
    ) -> None:
        self._database = database
        self.executor = executor
        self._now = now
        self._clock = clock
        self._exclusive = exclusive
        self._ttl = ttl.total_seconds()
        self._beat_at = float("-inf")
        self.is_lost = False

    @property
    def beat_seconds(self) -> float:
        """Return the pause between two beats: several fit into the TTL, so that one may be missed."""
        return min(BEAT_SECONDS, self._ttl / 6)

    def is_fresh(self) -> bool:
        """Tell whether the last beat is younger than half the TTL and none was ever missed for long."""
        return not self.is_lost and self._clock() - self._beat_at < self._ttl / 2

    def beat(self) -> None:
        """Say in the database that this process lives. Raises StoreError when it cannot be reached.

        Each time it is looked whether the database is still the same one: a failover may have lost the last commits.
        """
        started = self._clock()
        with self._database.begin() as conn:
            taken_at = restored.begin_work(conn, now=self._now())
            now = _moment(conn, self._now())
            heartbeats.beat(conn, self.executor, host=socket.gethostname(), pid=os.getpid(), now=now)
        if taken_at is not None:
            _log.warning("this database is a backup of %s: %s", f"{taken_at:%Y-%m-%d %H:%M} UTC", _LOOK)
        gap = started - self._beat_at
        if not self._exclusive and self._ttl < gap < float("inf"):
            self.is_lost = True
        self._beat_at = started

    def end(self) -> None:
        """Take the heartbeat back: this process stopped in order. Left behind, it is soon too old to count."""
        try:
            with self._database.begin() as conn:
                heartbeats.remove(conn, self.executor)
        except StoreError as error:
            _log.warning("heartbeat: %s", error)


async def keep_beating(lease: Lease) -> None:
    """Beat until cancelled, or until the lease is lost. A database out of reach is tried again at the next beat.

    On a thread of its own: beats neither wait for busy threads nor end with the engine's.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "heartbeat") as thread:
        while not lease.is_lost:
            try:
                await loop.run_in_executor(thread, lease.beat)
            except StoreError as error:
                _log.warning("heartbeat: %s", error)
            await asyncio.sleep(lease.beat_seconds)


async def keep_reaping(database: Database, *, now: Callable[[], datetime], ttl: timedelta = TTL) -> None:
    """Bring back, until cancelled, what processes left behind that no longer beat."""
    while True:
        await asyncio.sleep(min(BEAT_SECONDS, ttl.total_seconds() / 6))
        try:
            await asyncio.to_thread(reap, database, now=now(), ttl=ttl)
        except StoreError as error:
            _log.warning("reaper: %s", error.code)


def reap(database: Database, *, now: datetime, ttl: timedelta = TTL, port: engine.Port = engine) -> int:
    """Take over the work of processes that no longer beat, in one process at a time; return how many pieces.

    Who is gone follows from the unfinished work, not from old heartbeats: a reaper that dies half-way is repeated. The
    work is read first: who begins to work while we look has given a sign of life before.
    """
    with database.begin() as conn:
        if not database.is_sqlite and not _is_only_reaper(conn):
            return 0
        now, at_work = _moment(conn, now), port.executors_at_work(database.engine)
        alive = {one.executor for one in heartbeats.alive(conn, now=now, ttl=ttl)}
        for one in heartbeats.silent(conn, now=now, ttl=ttl):
            heartbeats.remove(conn, one.executor)
        if not database.is_sqlite:
            # Under the lock: work that is resumed twice would run twice.
            return port.take_over(database.engine, sorted(at_work - alive))
    return port.take_over(database.engine, sorted(at_work - alive - {engine.LOCAL_EXECUTOR}))


def _moment(conn: Connection, now: datetime) -> datetime:
    """Return the time of the signs of life: the server's where several machines share one, for theirs may differ."""
    if conn.dialect.name == "sqlite":
        return now
    served: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
    return served


def _is_only_reaper(conn: Connection) -> bool:
    lock = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(conn.execute(lock, {"key": _REAPER_LOCK}).scalar_one())
