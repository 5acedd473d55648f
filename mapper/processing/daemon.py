"""What `mapper run` runs: web server, engine, heartbeat and sweeps in one event loop, until asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from mapper import fiscal, intake, letters, logs, mapping, retention, web
from mapper.appstore.installation import StoreApp
from mapper.errors import ConfigError
from mapper.mailing import Mailer
from mapper.processing import engine, migration, reconcile, sweep
from mapper.processing.adoption import RulesInUse, keep_adopting
from mapper.processing.connections import TIMEOUT_SECONDS, Connections
from mapper.processing.engine import Schedule
from mapper.processing.environment import Environment, Patience
from mapper.processing.lease import Lease, keep_beating, keep_reaping
from mapper.processing.ledger import Timing
from mapper.processing.workflow import Workflow
from mapper.services.ccv import is_signed
from mapper.store import resealing
from mapper.store.database import SILENCE, Database, lock_daemon, open_database
from mapper.store.sealing import Sealer, load_sealer

__all__ = ["Options", "run", "serve"]

DRAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """How the daemon runs. Durations are in seconds; port 0 is any free one; `rules` None: the shipped ones.

    `settle`, `search_pause`: see `ledger.Timing`. `retry`: see `Environment`. `vies_retry`: the first check of
    `Patience`, the others in proportion. `timeout`: how long a service may be silent. `loopback` allows plain http to
    this machine, for the sandbox. `address` names the egress address whose call budget is shared, `pace` how many times
    faster than WeFact's the limits are.
    `only`: receive webhooks, or process documents; several processes share the work.
    `night`: the cron time of the nightly sweep and comparison, in UTC.
    `lease_seconds`: on PostgreSQL another process takes over the work of one that was silent for so long.
    `feed_seconds`: how often a migration's next documents are queued. `signature`: what webhooks are signed over, see
    `ccv.SIGNATURE_FORMS`. `app`: how we are known at the app store, whose merchants then install in their browsers.
    `mailer` sends what people are told by mail. `fiscal_years`: see `retention.Terms.years`.
    """

    database: str | Path
    key_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    loopback: bool = False
    rules: Path | None = None
    settle: float = 180.0
    search_pause: float = 5.0
    retry: float = 15.0
    vies_retry: float = 300.0
    timeout: float = TIMEOUT_SECONDS
    sweep_seconds: int = 900
    redispatch_seconds: int = 60
    night: str = "17 3 * * *"
    lease_seconds: float = 60.0
    feed_seconds: float = migration.FEED_SECONDS
    address: str = "default"
    pace: float = 1.0
    say: Callable[[str], None] = logs.say
    log: logs.Form = "text"
    only: Literal["web", "worker"] | None = None
    signature: str = "address-body"
    app: StoreApp | None = None
    mailer: Mailer | None = None
    fiscal_years: int = fiscal.YEARS


def run(options: Options) -> None:
    """Run until SIGTERM or SIGINT; then stop in order within about ten seconds.

    Raises StoreError STO103 (another daemon has the file), ConfigError PRO401 (cannot listen), SEC105 (the key file is
    another installation's), and what opening the database, the key and the rules raises.
    """
    logs.listen(options.log)

    async def main() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve(options, stop=stop, ready=lambda url: options.say(_started(url)))

    asyncio.run(main())


async def serve(options: Options, *, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    """Run until `stop` is set; `ready` gets the base URL once webhooks are accepted. Raises as `run` does.

    The URL is empty for a process that only works.
    """
    sealer, works = load_sealer(options.key_file, os.environ), options.only != "web"
    leases: list[Lease] = []

    def is_ready() -> bool:
        return not stop.is_set() and (not works or any(lease.is_fresh() for lease in leases))

    async with AsyncExitStack() as stack:
        database = stack.enter_context(_opened(options))
        with database.read() as conn:
            # Each document would stop for a key that was not put in place.
            resealing.ensure_is_ours(conn, sealer)
        await asyncio.to_thread(engine.prepare, database.engine, upgrade=True)
        url = ""
        # Webhooks are taken while the work of the others ends: the next start goes on with what they dispatch.
        if options.only != "worker":
            listener = stack.enter_context(_listening(options.host, options.port))
            app = web.create_app(
                database,
                engine.dispatch,
                sealer=sealer,
                is_signed=partial(is_signed, form=options.signature),
                is_ready=is_ready,
                extra_routes=_app_routes(options, database, sealer),
            )
            await stack.enter_async_context(_serving(app, listener))
            url = f"http://{options.host}:{listener.getsockname()[1]}"
        if works:
            leases.append(await stack.enter_async_context(_at_work(options, database, sealer, stop)))
        ready(url)
        await stop.wait()


def _app_routes(options: Options, database: Database, sealer: Sealer) -> Sequence[BaseRoute]:
    if options.app is None:
        return ()
    from mapper.appstore.routes import routes

    return routes(database, sealer, options.app, mailer=options.mailer, address=options.address)


@asynccontextmanager
async def _at_work(
    options: Options, database: Database, sealer: Sealer, stop: asyncio.Event
) -> AsyncIterator[Lease]:
    rules = RulesInUse(mapping.load_rulebooks(options.rules))
    async with Connections(
        database,
        sealer,
        loopback=options.loopback,
        address=options.address,
        pace=options.pace,
        timeout=options.timeout,
    ) as connections:
        lease = _lease(options, database, engine.new_executor(database.engine))
        await asyncio.to_thread(lease.beat)
        if said := await asyncio.to_thread(rules.look, database, lease.executor, now=_now()):
            options.say(said)
        async with _working(
            options, environment_of(options, database, connections, rules, lease), lease, stop
        ):
            yield lease


def _started(url: str) -> str:
    return f"listening on {url}" if url else "working; webhooks are received by another process"


def environment_of(
    options: Options, database: Database, connections: Connections, rules: RulesInUse, lease: Lease
) -> Environment:
    """Return what documents are processed in."""
    return Environment(
        database=database,
        connections=connections,
        rules=rules,
        executor=lease.executor,
        lease=lease.is_fresh,
        now=_now,
        jitter=random.random,
        say=options.say,
        timing=Timing(settle=options.settle, pause=options.search_pause),
        retry_seconds=options.retry,
        vies=Patience().starting_at(options.vies_retry),
    )


@contextmanager
def _opened(options: Options) -> Iterator[Database]:
    # Frozen within a transaction, its locks are free again when the others may take its work over.
    silence = min(SILENCE, timedelta(seconds=options.lease_seconds / 2))
    with open_database(options.database, silence=silence) as database, contextlib.ExitStack() as locked:
        if database.path is not None and options.only != "web":
            locked.enter_context(lock_daemon(database.path))
        yield database


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((host, port), backlog=512)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no such port"
        raise ConfigError("PRO401", host=host, port=port, reason=reason) from None
    with listener:
        yield listener


@asynccontextmanager
async def _working(
    options: Options, environment: Environment, lease: Lease, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Process documents: first what was left behind, then what is dispatched, and what sweeps find."""
    database, connections = environment.database, environment.connections

    async def look_everywhere(*, nightly: bool = False) -> None:
        await sweep.sweep_everyone(database, connections, now=_now(), nightly=nightly)

    async def look_at_night() -> None:
        await look_everywhere(nightly=True)
        await reconcile.compare_everyone(database, connections, now=_now(), say=options.say)
        await asyncio.to_thread(sweep.purge_engine, database.engine, now=_now())
        await asyncio.to_thread(migration.forget, database, now=_now())
        terms = retention.Terms(years=options.fiscal_years)
        await asyncio.to_thread(retention.purge, database, terms, who="mapper run", now=_now())

    async def dispatch_lost() -> None:
        await asyncio.to_thread(intake.take_all, database, engine.dispatch, now=_now())
        await asyncio.to_thread(sweep.redispatch, database, now=_now())

    async def catch_up() -> None:
        """Look once at the start: webhooks got lost while nobody listened."""
        await dispatch_lost()
        await look_everywhere()

    async def send_mails() -> None:
        if options.mailer is not None:
            await asyncio.to_thread(letters.send_tickets, database, options.mailer, now=_now())

    async def send_digests() -> None:
        if options.mailer is not None:
            await asyncio.to_thread(letters.send_digests, database, options.mailer, now=_now())

    schedules = [
        Schedule("mails", _every(options.redispatch_seconds), send_mails),
        Schedule("digests", "7 6,10,14,18 * * *", send_digests),
        Schedule("shops", _every(options.sweep_seconds), look_everywhere),
        Schedule("lost_work", _every(options.redispatch_seconds), dispatch_lost),
        Schedule("night", options.night, look_at_night),
    ]
    process = Workflow(environment).process_document
    async with engine.running(
        database.engine,
        process,
        executor=environment.executor,
        schedules=schedules,
        drain_seconds=DRAIN_SECONDS,
    ):
        beating = asyncio.create_task(_beat(lease, options, stop))
        adopting = keep_adopting(environment.rules, database, lease.executor, now=_now, say=options.say)
        feeding = migration.keep_feeding(
            database, address=options.address, now=_now, seconds=options.feed_seconds
        )
        others = [asyncio.create_task(work) for work in (catch_up(), adopting, feeding)]
        if not database.is_sqlite:
            ttl = timedelta(seconds=options.lease_seconds)
            others.append(asyncio.create_task(keep_reaping(database, now=_now, ttl=ttl)))
        try:
            yield
        finally:
            await _cancelled(others)
    # Beats go on while the engine finishes what is under way: its calls need a fresh lease.
    await _cancelled([beating])
    await asyncio.to_thread(lease.end)


async def _beat(lease: Lease, options: Options, stop: asyncio.Event) -> None:
    """Beat; stop the daemon when it was frozen for so long that others took its work over."""
    await keep_beating(lease)
    options.say("this process was frozen for too long; others have its work, so it stops")
    stop.set()


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they ended; what they raised is raised here."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _serving(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await task
        await web.close(app)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `run`: web server and engine stop together."""
        yield


def _lease(options: Options, database: Database, executor: str) -> Lease:
    # The boot clock goes on while the machine sleeps: a laptop that wakes must not think that its beat is fresh.
    clock_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return Lease(
        database,
        executor,
        now=_now,
        clock=lambda: time.clock_gettime(clock_id),
        exclusive=database.is_sqlite,
        ttl=timedelta(seconds=options.lease_seconds),
    )


def _every(seconds: int) -> str:
    """Return the cron text of an interval: of seconds below a minute, else of whole minutes."""
    if seconds < 60:
        return f"*/{max(1, seconds)} * * * * *"
    return f"*/{min(59, seconds // 60)} * * * *"


def _now() -> datetime:
    return datetime.now(UTC)
