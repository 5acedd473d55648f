"""Processes to be killed and frozen, daemons above all; each is forked from one that has everything imported."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from daemons import Home, Shop
from sqlalchemy import Engine, event

from mapper.processing import daemon, engine
from mapper.processing.connections import Connections
from mapper.store.database import open_database
from mapper.store.sealing import load_sealer
from mapper.torture.child import Told, main
from mapper.torture.stage import PRELOADED, Process

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from pathlib import Path

CUSTOMERS = 6
# A process that is silent for so long has lost its work.
LEASE = 2.0


class Child:
    """One daemon, at the same port after every start; what `only` and `changes` are, see `daemon.Options`."""

    def __init__(
        self, at: Home, name: str = "daemon", *, only: Literal["web", "worker"] | None = None, **changes: Any
    ) -> None:
        options = at.options(redispatch_seconds=1, lease_seconds=LEASE, only=only, **changes)
        self.options = replace(options, say=daemon.Options("").say)
        self.log = at.folder / f"{name}.log"
        self.process: Process | None = None

    def start(self) -> str:
        """Start it, and return the URL at which it takes webhooks. Raises MapperError when it does not come up."""
        self.process = Process(main, Told(self.options, self.log))
        self.process.until_ready()
        if self.process.url.startswith("http"):
            self.options = replace(self.options, port=int(self.process.url.rpartition(":")[2]))
        return self.process.url

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive

    def send(self, number: signal.Signals) -> None:
        self.process.send(number)

    def kill(self) -> None:
        self.process.kill()
        assert self.process.ended(0) == -signal.SIGKILL

    def ended(self, seconds: float = 30) -> int | None:
        """Wait until it ends by itself and return its exit code."""
        return self.process.ended(seconds)

    def stop(self) -> int | None:
        self.send(signal.SIGTERM)
        return self.ended()

    def said(self) -> str:
        return self.log.read_text()


@contextmanager
def child(at: Home, name: str = "daemon", **changes: Any):
    one = Child(at, name, **changes)
    try:
        yield one
    finally:
        if one.is_alive:
            one.process.kill()


def sell(shop: Shop, orders: int) -> None:
    """Sell to a few customers, each several times."""
    for number in range(CUSTOMERS):
        count = orders // CUSTOMERS + (number < orders % CUSTOMERS)
        shop.sandbox.sell("nl_ideal", count=count, customer={"email": f"customer{number}@example.com"})


def done(shop: Shop) -> int:
    return sum(document.state == "done" for document in shop.all())


def forked(work: Callable[..., None], *given: Any) -> BaseProcess:
    """Run a function of a module in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=work, args=given, daemon=True)
    process.start()
    return process


def command(arguments: list[str], environment: dict[str, str], said: Path) -> None:
    """`mapper <arguments>`; what it says goes to a file."""
    from mapper.cli.program import run

    os.environ.update(environment)
    with said.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.exit(run(arguments))


def make_tables(where: str, last: int, counted: Path) -> None:
    """Make or upgrade the tables; die right before the `last` statement, ours or the engine's, or note their count."""
    statements = itertools.count(1)

    def count(*_: object) -> None:
        if next(statements) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    with open_database(where) as database:
        engine.prepare(database.engine, upgrade=True)
    counted.write_text(str(next(statements)))


def make_calls(where: Path, key: Path, pace: float, count: int) -> None:
    """Make so many calls to WeFact, at a pace."""

    async def call() -> None:
        with open_database(where) as database:
            sealer = load_sealer(key, {})
            async with Connections(database, sealer, loopback=True, pace=pace) as connections:
                wefact = await connections.wefact("winkel")
                for _ in range(count):
                    await wefact.settings()

    asyncio.run(call())
