"""What the steps of a document's work share: the database, the services, the rules, the clock, and patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from mapper.processing.adoption import RulesInUse
from mapper.processing.connections import Connections
from mapper.processing.ledger import Timing
from mapper.store.database import Database

LONGEST_RETRY_SECONDS = 3600.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Environment:
    """`lease` tells whether this process may still act, `jitter` gives numbers from 0 to 1, `token` unique marks.

    `retry_seconds` is the first pause after a temporary failure; it doubles up to an hour.
    `vies_seconds` is the least pause before VIES is asked again: an outage of a member state lasts minutes.
    `say` gets one line per document, without personal data.
    """

    database: Database
    connections: Connections
    rules: RulesInUse
    executor: str
    lease: Callable[[], bool]
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    token: Callable[[], str]
    say: Callable[[str], None]
    timing: Timing = field(default_factory=Timing)
    retry_seconds: float = 15.0
    vies_seconds: float = 300.0

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work` in one transaction, off the event loop."""
        return await asyncio.to_thread(self._write, work)

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work`, which only reads, off the event loop."""
        return await asyncio.to_thread(self._read, work)

    def pause(self, attempts: int, *, at_least: float | None = None) -> float:
        """Return how many seconds to wait after `attempts` tries: doubling, spread by jitter, capped at an hour."""
        longest = min(LONGEST_RETRY_SECONDS, self.retry_seconds * 2.0 ** min(attempts - 1, 20))
        return max(longest * (0.5 + self.jitter() / 2), at_least or 0.0)

    def _write(self, work: Callable[[Connection], _T]) -> _T:
        with self.database.begin() as conn:
            return work(conn)

    def _read(self, work: Callable[[Connection], _T]) -> _T:
        with self.database.read() as conn:
            return work(conn)
