"""What the steps of a document's work share: the database, the services, the rules, the clock, and patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from mapper.processing import engine
from mapper.processing.adoption import RulesInUse
from mapper.processing.connections import Connections
from mapper.processing.ledger import Timing
from mapper.store.database import Database

LONGEST_RETRY_SECONDS = 3600.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long VIES is asked about one number, in seconds.

    `quick`: the longest pauses between tries within a call. `checks`: when it is asked again, counted from the first
    question; an outage of a member state lasts minutes, rarely days. After the last one a person decides. `breaker`:
    how long a member state that fails is left alone. `turn`: how long a document waits for its turn to ask.
    """

    quick: tuple[float, ...] = (2.0, 8.0)
    checks: tuple[float, ...] = (300, 1800, 7200, 21600, 43200, 86400, 129600, 172800, 216000, 259200)
    breaker: float = 600.0
    turn: float = 30.0

    def starting_at(self, first: float) -> Patience:
        """Return the same patience with all times but the turn in proportion, so that the first check is `first`."""
        scale = first / self.checks[0]
        quick = tuple(pause * scale for pause in self.quick)
        return Patience(quick, tuple(at * scale for at in self.checks), self.breaker * scale, self.turn)


@dataclass(frozen=True, slots=True)
class Environment:
    """`lease` tells whether this process may still act, `jitter` gives numbers from 0 to 1.

    `retry_seconds` is the first pause after a temporary failure; it doubles up to an hour.
    `vies` says how long VIES is asked about a number.
    `say` gets one line per document, without personal data.
    `port` is the engine whose work this is.
    """

    database: Database
    connections: Connections
    rules: RulesInUse
    executor: str
    lease: Callable[[], bool]
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    say: Callable[[str], None]
    timing: Timing = field(default_factory=Timing)
    retry_seconds: float = 15.0
    vies: Patience = field(default_factory=Patience)
    port: engine.Port = engine

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
