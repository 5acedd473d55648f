"""One `mapper run` of a simulated world: the real processing code, which dies or freezes wherever it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worlds.clock import AT_WORK
from worlds.wire import MAY_SEND, Wire

from mapper import intake, web
from mapper.processing import sweep
from mapper.processing.connections import Connections
from mapper.processing.environment import Environment
from mapper.processing.lease import Lease, reap
from mapper.processing.ledger import Timing
from mapper.processing.workflow import Workflow
from mapper.services.ccv import is_signed

if TYPE_CHECKING:
    from worlds.world import World

# In the proportions that matter: what one call can take is less than the settle time.
TIMING = Timing(settle=32.0, pause=0.5)
TTL = timedelta(seconds=14)
BEAT = 4.0
RETRY = 0.5
SWEEP, REDISPATCH = 60.0, 20.0
GRACE = timedelta(seconds=10)


class Process:
    """Lives from its start to its kill. Once killed not a line of it runs: what it waits for never comes."""

    def __init__(self, world: World, name: str, executor: str) -> None:
        self.world, self.name, self.executor = world, name, executor
        self.is_up = True
        self.frozen_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = Connections(
            world.database,
            world.sealer,
            # A ban of an hour takes three minutes.
            pace=20.0,
            now=world.now,
            jitter=world.chance.random,
            transport=Wire(self),
        )
        self._lease = Lease(
            world.database,
            executor,
            now=world.now,
            clock=world.loop.time,
            exclusive=world.plan.machines == 1,
            # Nobody takes over from the only one: it need not beat often.
            ttl=TTL if world.plan.machines > 1 else 6 * TTL,
        )
        self.workflow = Workflow(
            Environment(
                database=world.database,
                connections=self._connections,
                rules=world.rules,
                executor=executor,
                lease=self._may_act,
                now=world.now,
                jitter=world.chance.random,
                say=self._say,
                timing=TIMING,
                retry_seconds=RETRY,
                port=world.delivery,
            )
        )

        self._app = web.create_app(
            world.database, world.delivery.dispatch, sealer=world.sealer, is_signed=is_signed, now=world.now
        )

    async def start(self) -> None:
        """Begin with a sign of life and with what was left behind, as the daemon does."""
        await self._connections.__aenter__()
        await asyncio.to_thread(self._lease.beat)
        self.do(self._keep_beating())
        self.do(self._every(REDISPATCH, self._redispatch))
        self.do(self._every(SWEEP, self._sweep))
        if self.world.plan.machines > 1:
            self.do(self._every(TTL.total_seconds() / 3, self._reap))

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something of this process."""
        context = copy_context()
        context.run(AT_WORK.set, self)
        self.keep(self.world.loop.create_task(work, context=context))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task that runs as this process."""
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.world.broken(f"{self.executor}: {task.exception()!r}")

    def carry_out(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Do what is handed to a thread, unless this process dies or freezes before or after it."""
        future = self.world.loop.create_future()
        self._strike()
        self._when_thawed(self._carry, future, work, arguments)
        return future

    def _carry(
        self, future: asyncio.Future[Any], work: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        try:
            result, error = work(*arguments), None
        except Exception as raised:  # noqa: BLE001 (it is raised where the program waits)
            result, error = None, raised
        self._strike()
        self._when_thawed(_settle, future, result, error)

    async def gate(self, *, is_risky: bool) -> None:
        """Let the program pass where it waits, unless it is dead or frozen."""
        self._strike(is_risky=is_risky)
        passed = self.world.loop.create_future()
        self._when_thawed(_settle, passed, None, None)
        await passed

    def _when_thawed(self, then: Callable[..., None], *arguments: Any) -> None:
        if not self.is_up:
            return
        if self.frozen_until > self.world.loop.time():
            self.world.loop.call_at(self.frozen_until, self._when_thawed, then, *arguments)
        else:
            then(*arguments)

    def _strike(self, *, is_risky: bool = False) -> None:
        if self.is_up and self.world.loop.time() >= self.frozen_until:
            self.world.strike(self, may_be_long=not MAY_SEND.get(), is_risky=is_risky)

    def freeze(self, seconds: float) -> None:
        self.frozen_until = self.world.loop.time() + seconds

    def kill(self) -> None:
        self.is_up = False

    async def receive(self, path: str, body: bytes) -> None:
        """Take a webhook as the web server hands it on."""
        arriving: list[Any] = [{"type": "http.request", "body": body}]
        answered: list[Any] = []
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [], "root_path": "", "scheme": "http", "http_version": "1.1", "server": None, "client": None,
        }  # fmt: skip

        async def read() -> Any:
            return arriving.pop()

        async def send(message: Any) -> None:
            answered.append(message)

        await self._app(scope, read, send)
        self.world.tell(f"{self.executor} answers a webhook: {answered[0]['status']}")

    def _may_act(self) -> bool:
        may_act = self._lease.is_fresh()
        MAY_SEND.set(may_act)
        return may_act

    def _say(self, line: str) -> None:
        self.world.tell(f"{self.executor} says: {line}")

    async def _keep_beating(self) -> None:
        while not self._lease.is_lost:
            await asyncio.sleep(BEAT if self.world.plan.machines > 1 else 6 * BEAT)
            await asyncio.to_thread(self._lease.beat)
        self.world.tell(f"{self.executor} was frozen for too long, and stops")
        self.world.gone(self)

    async def _every(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # Not in step with the other one.
        await asyncio.sleep(self.world.chance.random() * seconds)
        while True:
            await work()
            await asyncio.sleep(seconds)

    async def _redispatch(self) -> None:
        world = self.world
        await asyncio.to_thread(intake.take_all, world.database, world.delivery.dispatch, now=world.now())
        found = await asyncio.to_thread(
            sweep.redispatch, world.database, now=world.now(), grace=GRACE, port=world.delivery
        )
        if found:
            world.tell(f"{self.executor} dispatched {found} again")

    async def _sweep(self) -> None:
        await self.world.sweep(self._connections)

    async def _reap(self) -> None:
        world = self.world
        await asyncio.to_thread(reap, world.database, now=world.now(), ttl=TTL, port=world.delivery)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
