"""What a run needs: the three services, a database, a webshop that is connected, and daemons to be killed."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import httpx

from mapper import onboarding, settings
from mapper.errors import MapperError
from mapper.money import dumps, loads
from mapper.processing import daemon, engine
from mapper.sandbox.serve import Sandbox
from mapper.services.http import Secret
from mapper.store import listing
from mapper.store.database import Database, open_database
from mapper.store.rows import Document
from mapper.store.sealing import create_key_file, load_sealer
from mapper.torture.child import LISTENING, STRUCK, WORKING, Entry, Told
from mapper.torture.points import AtDatabase

TENANT = "winkel"
START_SECONDS = 120.0
# Below this a busy machine alone makes processes take each other for dead.
LEASE_SECONDS = 6.0

# What a daemon imports, now or in its first second: half of the time that a start takes.
PRELOADED = [
    "mapper.torture.preloaded", "anyio._backends._asyncio", "certifi", "dbos._sys_db_sqlite", "httpcore",
    "uvicorn.lifespan.off", "uvicorn.protocols.http.auto",
]  # fmt: skip


class Process:
    """A daemon in a process of its own, which can be killed and frozen."""

    def __init__(self, entry: Entry, told: Told) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._line, theirs = context.Pipe()
        # A fork of a process that has everything imported: a start takes a tenth of what it would.
        self._process = context.Process(target=entry, args=(told, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._log = told.log
        self.is_struck = False
        self.url = ""
        self.is_ready = False

    @property
    def is_alive(self) -> bool:
        """Tell whether the process is there, running or frozen."""
        return self._process.is_alive()

    def listen(self, seconds: float) -> bool:
        """Hear what the process says within some seconds; tell whether it was struck, or is gone."""
        for ready in wait([self._line, self._process.sentinel], max(0.0, seconds)):
            if ready is self._line:
                self._hear()
        return self.is_struck or not self.is_alive

    def until_ready(self) -> None:
        """Wait until it works, is struck or is gone. Raises MapperError TOR102 when it does not come up."""
        last = time.monotonic() + START_SECONDS
        while not (self.is_ready or self.listen(0.5)):
            if time.monotonic() > last:
                self._fail("it did not start")
        if not (self.is_ready or self.is_struck):
            self._fail(f"it ended with {self._process.exitcode}")

    def kill(self) -> None:
        """Kill it as nothing can be caught or answered, and wait until it is gone."""
        self._process.kill()
        self._process.join(30)
        while self._line.poll():
            if not self._hear():
                break

    def thaw(self) -> None:
        """Let a frozen process go on; one that is gone stays gone."""
        self.send(signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; one that is gone gets none."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def ended(self, seconds: float) -> int | None:
        """Wait until it ends, for so long; return its exit code, the signal that killed it below zero."""
        self._process.join(seconds)
        return self._process.exitcode

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process.pid is not None
        return self._process.pid

    def _hear(self) -> bool:
        try:
            said = self._line.recv()
        except (EOFError, OSError):
            return False
        if said == STRUCK:
            self.is_struck = True
        if said.startswith((LISTENING, WORKING)):
            self.is_ready, self.url = True, said.removeprefix(LISTENING)
        return True

    def _fail(self, reason: str) -> None:
        tail = self._log.read_text("utf-8", "replace")[-400:] if self._log.exists() else ""
        raise MapperError("TOR102", reason=f"{reason}: {tail}")


@dataclass(frozen=True, slots=True)
class Stage:
    """`options` are what each daemon runs with; `speed` is how many times faster than real life all goes."""

    sandbox: Sandbox
    admin: httpx.Client
    database: Database
    folder: Path
    options: daemon.Options
    entry: Entry
    speed: int

    def start(
        self, trap: AtDatabase | None = None, *, nth: int = 1, frozen: bool = False, worker: bool = False
    ) -> Process:
        """Start a daemon; a second one works only, since the first has the port."""
        options = replace(self.options, address=f"torture-{time.monotonic_ns()}")
        told = Told(
            replace(options, only="worker") if worker else options,
            self.folder / "daemon.log",
            trap,
            nth,
            frozen,
        )
        return Process(self.entry, told)

    def ask(self, service: str, method: str, path: str, body: Any = None) -> Any:
        """Call a service's admin API."""
        url = httpx.URL(self.sandbox.urls[service]).copy_with(path=f"/_sandbox/{path}")
        try:
            answer = self.admin.request(method, url, content=None if body is None else dumps(body))
        except httpx.HTTPError as error:
            raise MapperError("TOR102", reason=f"{method} {path}: {type(error).__name__}") from None
        if not answer.is_success:
            raise MapperError("TOR102", reason=f"{method} {path}: {answer.text[:200]}")
        return loads(answer.content) if answer.content else None

    def sell(self, kind: str, email: str) -> str:
        """Sell one order and return its number; its webhooks fire."""
        changes = {"customer": {"email": email}}
        (order,) = self.ask("ccv", "POST", "orders", {"kind": kind, "changes": changes})["orders"]
        return str(order["ordernumber_full"])

    def book(self, number: str, debtor: str) -> str:
        """Make an invoice under an order's number, as the merchant does by hand, and return its Identifier."""
        line = {"Number": "1", "Description": "Met de hand geboekt", "PriceExcl": "10", "TaxCode": "V21"}
        invoice = {"Debtor": debtor, "ReferenceNumber": number, "Comment": "by hand", "InvoiceLines": [line]}
        made = self.ask("wefact", "POST", "call", {"controller": "invoice", "action": "add"} | invoice)
        return str(made["invoice"]["Identifier"])

    def documents(self) -> tuple[Document, ...]:
        """Return what the mapper knows."""
        with self.database.read() as conn:
            return listing.page(conn, TENANT, limit=1000).documents

    def is_at_rest(self, orders: int) -> bool:
        """Tell whether so many orders came to an end, and nothing is under way."""
        known = self.documents()
        if len(known) < orders or any(one.state not in {"done", "error", "ignored"} for one in known):
            return False
        return engine.backlog(self.database.engine, TENANT) == 0

    def register_webhooks(self, url: str) -> None:
        """Have the shop send its webhooks to a daemon."""
        sealer = load_sealer(self.folder / "key", {})
        now = datetime.now(UTC)
        asyncio.run(onboarding.register_webhooks(self.database, sealer, TENANT, url, loopback=True, now=now))


@contextmanager
def opened(
    folder: Path,
    where: str,
    *,
    seed: int,
    speed: int,
    lease: float,
    entry: Entry,
    changes: Mapping[str, str],
) -> Iterator[Stage]:
    """Set everything up, and take it down at the end; `changes` are settings of the webshop by path."""
    create_key_file(folder / "key")
    with (
        Sandbox(seed=seed) as sandbox,
        open_database(where) as database,
        httpx.Client(trust_env=False, timeout=30) as admin,
    ):
        options = _options(where, folder / "key", speed, lease)
        stage = Stage(sandbox, admin, database, folder, options, entry, speed)
        for service in sandbox.urls:
            stage.ask(service, "PUT", "switches", {"speed": speed})
        _join(stage, changes)
        yield stage


def _options(where: str, key_file: Path, speed: int, lease: float) -> daemon.Options:
    """Return the defaults of `mapper run`, each time divided by the speed; a lease is at least `lease` long."""
    usual = daemon.Options(where)
    return replace(
        usual,
        key_file=key_file,
        port=_free_port(),
        loopback=True,
        settle=usual.settle / speed,
        search_pause=usual.search_pause / speed,
        retry=usual.retry / speed,
        vies_retry=usual.vies_retry / speed,
        timeout=usual.timeout / speed,
        sweep_seconds=max(2, usual.sweep_seconds // speed),
        redispatch_seconds=max(2, usual.redispatch_seconds // speed),
        lease_seconds=max(lease, usual.lease_seconds / speed),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _join(stage: Stage, changes: Mapping[str, str]) -> None:
    sandbox = stage.sandbox
    keys = onboarding.Keys(
        sandbox.ccv,
        sandbox.ccv_public,
        Secret(sandbox.ccv_secret),
        Secret(sandbox.wefact_key),
        wefact_url=sandbox.wefact,
        vies_url=sandbox.vies,
    )
    chosen = settings.changed(settings.example(), changes)
    sealer = load_sealer(stage.folder / "key", {})
    now = datetime.now(UTC)
    onboarding.add(stage.database, sealer, TENANT, keys, chosen, who="torture", go_live_now=True, now=now)
