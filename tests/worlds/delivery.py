"""The engine of a simulated world: in memory, at least once, with the durable engine's promises and no more.

Work is enqueued with the transaction that asks for it, results of steps are kept, one piece of a tenant's work runs at
a time, and what a dead process had is given to another when the reaper says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mapper.processing import engine

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from worlds.process import Process
    from worlds.world import World

    from mapper.store.rows import Document

ENQUEUED, PENDING, ENDED = "enqueued", "pending", "ended"


@dataclass(slots=True)
class Work:
    """One piece: what the program is given, and how far it came."""

    id: str
    given: tuple[str, str, int, str]
    priority: int
    due: float
    place: int
    state: str = ENQUEUED
    executor: str = ""
    results: dict[str, str] = field(default_factory=dict)


class Fenced(Exception):
    """Another process has this work now."""


AT_HAND: ContextVar[tuple[Work, Process]] = ContextVar("AT_HAND")


class Delivery:
    """`mapper.processing.engine.Port` in memory."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: list[Work] = []
        self.works: dict[str, Work] = {}

    def dispatch(
        self,
        conn: Connection,
        tenant: str,
        document: Document,
        *,
        reason: str,
        priority: int = engine.NORMAL,
        delay: float = 0,
    ) -> str:
        now = self._world.now()
        document = engine.made_ready(conn, tenant, document, at_once=delay <= 0, now=now)
        identity = engine.workflow_id(tenant, document.id, document.revision)
        given = (tenant, document.id, document.revision, reason)
        due = self._world.loop.time() + delay
        self._asked.append(Work(identity, given, priority, due, len(self.works) + len(self._asked)))
        return identity

    def committed(self, _connection: object) -> None:
        """What a transaction asked for is there with it."""
        asked, self._asked = self._asked, []
        for work in asked:
            if work.id not in self.works:
                self.works[work.id] = work
                self._world.loop.call_at(work.due, self.hand_out)

    def rolled_back(self, _connection: object) -> None:
        self._asked.clear()

    def hand_out(self) -> None:
        """Give what is due to processes that are up: by priority, one of a tenant at a time."""
        # The loop wakes a hair before the moment it was told.
        now = self._world.loop.time() + 0.001
        waiting = [one for one in self.works.values() if one.state == ENQUEUED and one.due <= now]
        if not waiting:
            return
        busy = {one.given[0] for one in self.works.values() if one.state == PENDING}
        for work in sorted(waiting, key=lambda one: (one.priority, one.place)):
            process = self._world.some_process()
            if process is None:
                self._world.loop.call_later(1.0, self.hand_out)
                return
            if work.given[0] not in busy:
                busy.add(work.given[0])
                work.state, work.executor = PENDING, process.executor
                process.do(self._run(work, process))

    async def _run(self, work: Work, process: Process) -> None:
        AT_HAND.set((work, process))
        try:
            await process.workflow.process_document(*work.given)
        except Fenced:
            return
        if work.executor == process.executor:
            work.state = ENDED
        self.hand_out()

    async def step(
        self, name: str, work: Callable[..., Coroutine[Any, Any, dict[str, Any]]], /, *arguments: object
    ) -> dict[str, Any]:
        at_hand, process = AT_HAND.get()
        if name not in at_hand.results:
            result = json.dumps(await work(*arguments))
            await asyncio.to_thread(self._keep, at_hand, process, name, result)
        kept: dict[str, Any] = json.loads(at_hand.results[name])
        return kept

    def _keep(self, work: Work, process: Process, name: str, result: str) -> None:
        if work.executor != process.executor and self._world.plan.fences:
            raise Fenced
        work.results.setdefault(name, result)

    def live(self, _engine: Engine, workflow_ids: Sequence[str]) -> set[str]:
        works = [self.works[one] for one in workflow_ids if one in self.works]
        return {one.id for one in works if one.state != ENDED}

    def executors_at_work(self, _engine: Engine) -> set[str]:
        return {one.executor for one in self.works.values() if one.state == PENDING}

    def take_over(self, _engine: Engine, dead: Collection[str]) -> int:
        taken = [one for one in self.works.values() if one.state == PENDING and one.executor in dead]
        for work in taken:
            work.state, work.executor = ENQUEUED, ""
        self._world.loop.call_soon(self.hand_out)
        return len(taken)

    def forget(self, share: Callable[[], bool]) -> int:
        """Lose rows, as an engine's database that was restored from an older state does."""
        lost = [one.id for one in self.works.values() if one.state == ENQUEUED and share()]
        for identity in lost:
            del self.works[identity]
        return len(lost)

    @property
    def is_idle(self) -> bool:
        return all(one.state == ENDED for one in self.works.values())
