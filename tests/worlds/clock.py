"""An event loop whose time passes only while everybody waits, and that has no threads: a run repeats exactly."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

BEGINNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Threads(Protocol):
    """Who carries out what a program hands to a thread."""

    def carry_out(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> asyncio.Future[Any]: ...


# Whose program runs; outside of any it is the world itself.
AT_WORK: ContextVar[Threads | None] = ContextVar("AT_WORK", default=None)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeping costs nothing; `to_thread` runs at once, or as the process at work has it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.moment

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self._jumping.moment)

    def rewind(self) -> None:
        """Begin anew; nothing may be waiting."""
        self._jumping.moment = 0.0

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        process = AT_WORK.get()
        if process is not None:
            return process.carry_out(func, args)
        future = self.create_future()
        future.set_result(func(*args))
        return future


class _Jumping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.moment = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self.moment += max(timeout, 0.0)
        return []
