"""The durable engine behind a port of our own: enqueue, cancel, look, schedule, run, clean up.

The only module that imports dbos. The engine delivers work; what happened is decided by our own tables and by
`ledger.py`, so every row here may be lost and the sweeper brings the work back. Rows hold identifiers only, never
personal data, because they are kept as plain text outside the reach of erase and retention.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions, ScheduleInput
from sqlalchemy import Connection, Engine, inspect

from mapper.store import documents
from mapper.store.rows import Document

QUEUE = "documents"
WORKFLOW = "process_document"
APPLICATION = "mapper"

# Changes only when the order or the names of the steps change: work of another version is not resumed half-way but
# dispatched anew by the sweeper, which the ledger makes harmless.
VERSION = "1"

POLLING_SECONDS = 0.1
# Nothing here waits for the engine's messages, but on SQLite a stop waits for the thread that looks for them.
LISTENER_SECONDS = 0.1
WORKER_CONCURRENCY = 16
LOCAL_EXECUTOR = "local"

URGENT, NORMAL, BACKGROUND, MIGRATION = 1, 10, 20, 30

# The reason of work that a person asked for; it stays with the work's successors.
BY_HAND = "by hand"
# The reason of work that a migration asked for (R7); so does this one.
MIGRATED = "migrated"

_log = logging.getLogger("mapper.processing")
_LIVE = ["ENQUEUED", "DELAYED", "PENDING"]
_clients: WeakKeyDictionary[Engine, DBOSClient] = WeakKeyDictionary()

JSON: TypeAlias = "bool | int | str | list[JSON] | dict[str, JSON] | None"


class Process(Protocol):
    """What the engine runs for a document: tenant, document id, revision, reason → a short JSON-able outcome."""

    async def __call__(self, tenant: str, document: str, revision: int, reason: str, /) -> dict[str, JSON]:
        """Bring the document as far as it can go now."""


class Port(Protocol):
    """What the work itself needs of an engine: this module is one, the simulation in tests/ another."""

    def dispatch(
        self,
        conn: Connection,
        tenant: str,
        document: Document,
        *,
        reason: str,
        priority: int = ...,
        delay: float = ...,
    ) -> str:
        """Have a document processed."""

    async def step(
        self, name: str, work: Callable[..., Coroutine[Any, Any, dict[str, JSON]]], /, *arguments: object
    ) -> dict[str, JSON]:
        """Run one effect of a workflow, and keep its result."""

    def live(self, engine: Engine, workflow_ids: Sequence[str]) -> set[str]:
        """Return those that somebody runs, or will."""

    def executors_at_work(self, engine: Engine) -> set[str]:
        """Return the executors that have unfinished work, alive or not."""

    def take_over(self, engine: Engine, dead: Sequence[str]) -> int:
        """Bring back what executors left behind that are gone."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A sweep that runs by cron, once per moment over all processes. `cron` may start with a seconds field."""

    name: str
    cron: str
    work: Callable[[], Awaitable[None]]


def prepare(engine: Engine, *, upgrade: bool = False) -> None:
    """Create the engine's own tables, with `upgrade` also bring older ones up to date. Cheap when they are there."""
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    if upgrade or not inspect(engine).has_table("dbos_migrations", schema=schema):
        DBOS.migrate(engine.url.render_as_string(hide_password=False))


def workflow_id(tenant: str, document: str, revision: int) -> str:
    """Return the identity of one piece of work: the same document and revision are never enqueued twice."""
    return f"{tenant}:{document}:{revision}"


def dispatch(
    conn: Connection,
    tenant: str,
    document: Document,
    *,
    reason: str,
    priority: int = NORMAL,
    delay: float = 0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> str:
    """Have a document processed: queue it and enqueue its work, both inside the caller's transaction.

    `delay` is in seconds; a lower `priority` goes first. A done document is enqueued too, to look for drift (R4).
    The document's present revision makes the work unique: note the document anew for another go. Returns the
    workflow id.
    """
    document = made_ready(conn, tenant, document, at_once=delay <= 0, now=now())
    _log.debug("dispatch %s %s: %s", tenant, document.id, reason)
    identity = workflow_id(tenant, document.id, document.revision)
    options = EnqueueOptions(
        workflow_name=WORKFLOW,
        queue_name=QUEUE,
        workflow_id=identity,
        queue_partition_key=tenant,
        priority=priority,
        application_name=APPLICATION,
    )
    if delay > 0:
        options["delay_seconds"] = delay
    _client(conn.engine).enqueue_in_transaction(conn, options, tenant, document.id, document.revision, reason)
    return identity


def made_ready(
    conn: Connection, tenant: str, document: Document, *, at_once: bool, now: datetime
) -> Document:
    """Return a document that may be worked on at its present revision: queued, unless it is to wait first."""
    if document.state == "ignored" and document.ignored_by == "rule":
        # The shop changed what a rule ignored, so it may be eligible now.
        document = documents.reopen(conn, tenant, document.id, now=now)
    # Whose invoice was made with another total stays with the person who decides about it (W19).
    is_held = document.state == "error" and bool(document.identifier)
    if document.state in documents.QUEUEABLE and at_once and not is_held:
        documents.queue(conn, tenant, document.id, now=now)
    return document


def cancel(engine: Engine, workflow_ids: Sequence[str]) -> None:
    """Stop work at its next step boundary; a call that is under way is finished."""
    if workflow_ids:
        _client(engine).cancel_workflows(list(workflow_ids))


def live(engine: Engine, workflow_ids: Sequence[str]) -> set[str]:
    """Return those that are queued, delayed or running, and that this version of the program can run."""
    found: set[str] = set()
    for start in range(0, len(workflow_ids), 500):
        rows = _client(engine).list_workflows(
            workflow_ids=list(workflow_ids[start : start + 500]),
            status=_LIVE,
            load_input=False,
            load_output=False,
        )
        found.update(row.workflow_id for row in rows if row.app_version in (None, VERSION))
    return found


def backlog(engine: Engine, tenant: str) -> int:
    """Return how many pieces of a tenant's work are queued, delayed or running."""
    rows = _client(engine).list_workflows(
        status=_LIVE, name=WORKFLOW, workflow_id_prefix=f"{tenant}:", load_input=False, load_output=False
    )
    return len(rows)


def executors_at_work(engine: Engine) -> set[str]:
    """Return the executors that have unfinished work, alive or not."""
    rows = _client(engine).list_workflows(status="PENDING", load_input=False, load_output=False)
    return {row.executor_id for row in rows if row.executor_id}


def take_over(engine: Engine, dead: Sequence[str]) -> int:
    """Bring back what executors left behind that are gone: resume what this version can, cancel the rest.

    A cancelled document is dispatched anew by the sweeper (left as it is it would block its tenant's partition), a
    cancelled sweep comes again by its schedule. Returns how many pieces of work were resumed.
    """
    if not dead:
        return 0
    client = _client(engine)
    rows = client.list_workflows(
        status="PENDING", executor_id=list(dead), load_input=False, load_output=False
    )
    resumable = {row.workflow_id for row in rows if (row.name, row.app_version) == (WORKFLOW, VERSION)}
    others = {row.workflow_id for row in rows} - resumable
    if resumable:
        client.resume_workflows(sorted(resumable), queue_name=QUEUE)
    if others:
        client.cancel_workflows(sorted(others))
    return len(resumable)


def purge(engine: Engine, *, before: datetime, batch: int = 1000) -> int:
    """Delete finished work older than `before` (aware). Returns how many rows went."""
    client, deleted = _client(engine), 0
    while True:
        rows = client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            completed_before=before.astimezone(UTC).isoformat(),
            limit=batch,
            load_input=False,
            load_output=False,
        )
        if rows:
            client.delete_workflows([row.workflow_id for row in rows])
            deleted += len(rows)
        if len(rows) < batch:
            return deleted


def new_executor(engine: Engine) -> str:
    """Return the name of this process start. On SQLite it is fixed: the file lock allows one daemon only."""
    return LOCAL_EXECUTOR if engine.dialect.name == "sqlite" else f"run-{uuid.uuid4().hex[:12]}"


async def step(
    name: str, work: Callable[..., Coroutine[Any, Any, dict[str, JSON]]], /, *arguments: object
) -> dict[str, JSON]:
    """Run one effect of a workflow; its result is stored and not done again after a restart.

    The name is explicit because the default holds the function's path, and work does not survive a changed name.
    """
    return await DBOS.run_step_async({"name": name}, functools.partial(work, *arguments))


@asynccontextmanager
async def running(
    engine: Engine,
    process: Process,
    *,
    executor: str,
    schedules: Iterable[Schedule] = (),
    drain_seconds: float = 10,
) -> AsyncIterator[None]:
    """Run work in the current event loop until the block ends, then finish or checkpoint what is under way.

    Must be entered inside the loop: launched outside, workflows would run in a loop of another thread and break
    the HTTP clients they share with the web server.
    """
    planned = list(schedules)
    DBOS(config=_config(engine, executor))
    DBOS.workflow(name=WORKFLOW)(_guarded(process))
    works = [(plan, DBOS.workflow(name=f"sweep_{plan.name}")(_scheduled(plan.work))) for plan in planned]
    try:
        await asyncio.to_thread(_before_launch, engine, executor)
        DBOS.launch()
        await _apply_schedules(works)
        yield
    finally:
        await asyncio.to_thread(_stop, engine, executor, drain_seconds)
        # The engine made its own pool the loop's default and has shut it down: `to_thread` would refuse from here on.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


def _config(engine: Engine, executor: str) -> DBOSConfig:
    return DBOSConfig(
        name=APPLICATION,
        system_database_engine=engine,
        serializer=DBOSPortableJSONSerializer(),
        application_version=VERSION,
        executor_id=executor,
        enable_otlp=False,
        log_level="WARNING",
        run_migrations=False,
        max_executor_threads=WORKER_CONCURRENCY * 2,
        use_listen_notify=True,
        notification_listener_polling_interval_sec=LISTENER_SECONDS,
    )


async def _apply_schedules(works: Sequence[tuple[Schedule, Callable[..., Any]]]) -> None:
    wanted = {plan.name for plan, _ in works}
    for stored in await DBOS.list_schedules_async():
        if stored["schedule_name"] not in wanted:
            await DBOS.delete_schedule_async(stored["schedule_name"])
    if works:
        await DBOS.apply_schedules_async(
            [
                ScheduleInput(schedule_name=plan.name, workflow_fn=work, schedule=plan.cron)
                for plan, work in works
            ]
        )


def _guarded(process: Process) -> Callable[[str, str, int, str], Coroutine[Any, Any, dict[str, JSON]]]:
    async def process_document(tenant: str, document: str, revision: int, reason: str) -> dict[str, JSON]:
        return await process(tenant, document, revision, reason)

    return process_document


def _scheduled(work: Callable[[], Awaitable[None]]) -> Callable[[object, object], Coroutine[Any, Any, None]]:
    async def sweep(_moment: object, _context: object) -> None:
        await work()

    return sweep


def _before_launch(engine: Engine, executor: str) -> None:
    """The queue is registered before launch: a running engine notices a new queue only after a second."""
    prepare(engine, upgrade=True)
    _client(engine).register_queue(
        QUEUE,
        worker_concurrency=WORKER_CONCURRENCY,
        partition_concurrency=1,
        polling_interval_sec=POLLING_SECONDS,
    )
    if executor == LOCAL_EXECUTOR:
        _cancel_other_versions(engine)


def _cancel_other_versions(engine: Engine) -> None:
    rows = _client(engine).list_workflows(
        status=["PENDING", "ENQUEUED", "DELAYED"], load_input=False, load_output=False
    )
    cancel(engine, [row.workflow_id for row in rows if row.app_version not in (None, VERSION)])


def _stop(engine: Engine, executor: str, drain_seconds: float) -> None:
    """Destroy waits whole seconds for running work, so it is only told to when there is any."""
    busy = _client(engine).list_workflows(
        status="PENDING", executor_id=executor, limit=1, load_input=False, load_output=False
    )
    DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=int(drain_seconds) if busy else 0)


def _client(engine: Engine) -> DBOSClient:
    client = _clients.get(engine)
    if client is None:
        client = DBOSClient(
            system_database_engine=engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )
        _clients[engine] = client
    return client
