"""One document from claim to done, as durable steps.

Each step is one effect. What goes wrong inside it becomes the document's state in the same step: permanent problems
an error, temporary ones a waiting document with a delayed successor, so that no slot is held. A step first looks
whether the document is still this work's to do, so a step that runs twice after a restart does nothing the second
time. Step results hold identifiers only. Order and names of the steps are frozen by `engine.VERSION`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from mapper import logs
from mapper.diagnostics import printable
from mapper.errors import Banned, Fact, MapperError, Refused, StoreError, Temporary, Unauthorised
from mapper.processing import drift, engine, posting, reading, reference
from mapper.processing.engine import JSON
from mapper.processing.environment import Environment
from mapper.processing.ledger import Doubtful
from mapper.processing.outcome import WEFACT_REFUSES_US, Stop
from mapper.store import documents, journal, payloads, tenants, turnover
from mapper.store.rows import Document

SUCCESSOR = "successor"
BUG = "PRO199"
UNSENT = "PRO204"
# What may be said of a document that is done: whether WeFact mailed its invoice.
REMARKS = frozenset({UNSENT, "PRO203"})

# A refused key needs a person, and failed authentications count against a daily cap (wefact-api 1.7).
UNAUTHORISED_SECONDS = 900.0

_log = logging.getLogger("mapper.processing")
Result = dict[str, JSON]
Work = Callable[[Document], Awaitable[Result]]


class _Over(Exception):
    """The document left this work's hands; its state is the argument."""


@dataclass(frozen=True, slots=True)
class Task:
    """One go at a document: what the engine was given."""

    tenant: str
    document: str
    revision: int
    reason: str

    @property
    def by_hand(self) -> bool:
        """Tell whether a person asked for it."""
        return self.reason == engine.BY_HAND


class Workflow:
    """Processes documents in an environment; `process_document` is what the engine runs."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    async def process_document(self, tenant: str, document: str, revision: int, reason: str) -> Result:
        """Bring one document as far as it can go now, and return what became of it."""
        with logs.concerning(tenant, document):
            return await self._process(Task(tenant, document, revision, reason))

    async def _process(self, task: Task) -> Result:
        tenant, document = task.tenant, task.document
        claimed = await self._environment.port.step("claim", self._claim, task)
        if claimed["outcome"] == "done":
            return await self._environment.port.step("drift", drift.look, self._environment, tenant, document)
        if claimed["outcome"] != "claimed":
            return claimed
        try:
            await self._post(task)
        except _Over as over:
            return {"outcome": str(over)}
        return {"outcome": "done"}

    async def _post(self, task: Task) -> None:
        async def read(document: Document) -> Result:
            if await posting.is_begun(self._environment, document):
                # An invoice may exist: what was mapped then is brought to its end, whatever the shop says now.
                plan = await posting.stored_plan(self._environment, document)
            else:
                plan = await reading.read(self._environment, document, by_hand=task.by_hand)
            return {
                "debtor": bool(plan.debtor),
                "products": len(plan.products),
                "send": bool(plan.send),
                "reference": await self._has_reference(document),
            }

        shape = await self._step("read", task, read)
        debtor = (
            str((await self._step("debtor", task, self._debtor(task)))["identifier"])
            if shape["debtor"]
            else ""
        )
        for number in range(int(str(shape["products"]))):
            await self._step(f"product {number + 1}", task, self._product(number))
        made = await self._step("invoice", task, self._invoice(debtor))
        identifier, code = str(made["identifier"]), str(made["code"])
        if shape["send"]:
            await self._step("send", task, self._send(identifier))
        await self._step("finish", task, self._finish(identifier, code))
        # Work that began before there were references has no such result.
        if shape.get("reference"):
            environment = self._environment
            await environment.port.step("reference", reference.write, environment, task.tenant, task.document)

    async def _has_reference(self, document: Document) -> bool:
        if document.kind != "invoice":
            return False
        settings = await self._environment.read(lambda conn: tenants.settings(conn, document.tenant))
        return bool(settings["invoice"].get("write_reference"))

    def _product(self, number: int) -> Work:
        async def work(document: Document) -> Result:
            request = (await posting.stored_plan(self._environment, document)).products[number]
            return {"identifier": await posting.product(self._environment, document, request)}

        return work

    def _debtor(self, task: Task) -> Work:
        async def work(document: Document) -> Result:
            request = (await posting.stored_plan(self._environment, document)).debtor
            assert request is not None
            identifier = await posting.debtor(self._environment, document, request, verify=task.by_hand)
            return {"identifier": identifier}

        return work

    def _invoice(self, debtor: str) -> Work:
        async def work(document: Document) -> Result:
            request = (await posting.stored_plan(self._environment, document)).invoice
            effect = await posting.invoice(self._environment, document, request, debtor_id=debtor)
            return {"identifier": effect.identifier, "code": effect.code}

        return work

    def _send(self, invoice: str) -> Work:
        async def work(document: Document) -> Result:
            request = (await posting.stored_plan(self._environment, document)).send
            assert request is not None
            try:
                return {"sent": await posting.send(self._environment, document, request, invoice_id=invoice)}
            except (Refused, Doubtful) as error:
                unsent = error  # Python forgets the name of what was caught
            await self._environment.write(lambda conn: self._not_mailed(conn, document, invoice, unsent))
            return {"sent": False}

        return work

    def _not_mailed(self, conn: Connection, document: Document, invoice: str, error: MapperError) -> None:
        """The invoice stands: that WeFact did not mail it is for a person to know, and no reason to stop."""
        cause = UNSENT if isinstance(error, Refused) else error.code
        facts: dict[str, Fact] = {"identifier": invoice, "sentence": error.facts.get("sentence", "")}
        now = self._environment.now()
        documents.remark(conn, document.tenant, document.id, cause=cause, facts=facts, now=now)
        journal.append(conn, document.tenant, document.id, "not mailed", {"cause": error.code}, now=now)

    def _finish(self, identifier: str, code: str) -> Work:
        def record(conn: Connection, document: Document) -> Document:
            tenant, now = document.tenant, self._environment.now()
            found = documents.get(conn, tenant, document.id)
            remarked = found.cause in REMARKS
            done = documents.finish(
                conn,
                tenant,
                document.id,
                identifier=identifier,
                code=code,
                cause=found.cause if remarked else "",
                facts=found.facts if remarked else None,
                now=now,
            )
            facts: dict[str, Fact] = {"identifier": identifier, "code": code}
            turnover.keep(conn, tenant, document.id)
            result = payloads.mapping(conn, tenant, document.id)
            if result is not None:
                facts |= {"rules": result.rules, "payload": result.payload_hash}
            journal.append(conn, tenant, document.id, "done", facts, now=now)
            return done

        async def work(document: Document) -> Result:
            done = await self._environment.write(lambda conn: record(conn, document))
            self._environment.say(spoken(done, code))
            return {}

        return work

    async def _claim(self, task: Task) -> Result:
        return {"outcome": await self._environment.write(lambda conn: self._claim_in(conn, task))}

    def _claim_in(self, conn: Connection, task: Task) -> str:
        environment, found = self._environment, documents.get(conn, task.tenant, task.document)
        if found.state == "done":
            return "done"
        if tenants.pause_of(conn, task.tenant) is not None:
            return "paused"
        if found.state == "error" and found.identifier:
            return "held with an invoice"
        claimed = documents.claim(
            conn,
            task.tenant,
            task.document,
            revision=task.revision,
            worker=environment.executor,
            now=environment.now(),
        )
        return "claimed" if claimed is not None else found.state

    async def _step(self, name: str, task: Task, work: Work) -> Result:
        """Run one effect; raise _Over when the document is no longer this work's to do, also after a restart."""
        result = await self._environment.port.step(name, self._guarded, task, work)
        if "over" in result:
            raise _Over(str(result["over"]))
        return result

    async def _guarded(self, task: Task, work: Work) -> Result:
        environment = self._environment
        found = await environment.read(lambda conn: documents.get(conn, task.tenant, task.document))
        if found.state != "processing" or found.claimed_revision != task.revision:
            return {"over": found.state}
        try:
            return await work(found)
        except Stop as stop:
            ended = stop
        except MapperError as error:
            ended = self._stop_for(error, found)
        except Exception as bug:  # noqa: BLE001
            # The one place that catches everything: a bug must hold its own document, not the merchant's others.
            # Its text may hold what the customer typed, so only its kind and its place are logged.
            place = "".join(traceback.format_tb(bug.__traceback__))
            _log.error("%s while processing %s %s\n%s", type(bug).__name__, task.tenant, task.document, place)
            ended = Stop("fail", BUG, {"kind": type(bug).__name__})
        concluded = await environment.write(lambda conn: self._conclude(conn, task, ended))
        environment.say(spoken(concluded, ended.cause))
        return {"over": concluded.state}

    def _stop_for(self, error: MapperError, document: Document) -> Stop:
        """Return what an error means for the document: come back later, or an error that a person sees."""
        facts = dict(error.facts)
        if isinstance(error, Temporary):
            pause = self._environment.pause(max(1, document.attempts), at_least=error.retry_after)
            return Stop("later", error.code, facts, seconds=pause)
        if isinstance(error, Banned):
            return Stop("later", error.code, facts, seconds=error.retry_after)
        if isinstance(error, Unauthorised):
            return Stop("later", error.code, facts, seconds=UNAUTHORISED_SECONDS)
        if isinstance(error, StoreError) and error.code == "STO101":
            return Stop("later", error.code, seconds=self._environment.pause(max(1, document.attempts)))
        return Stop("fail", error.code, facts)

    def _conclude(self, conn: Connection, task: Task, stop: Stop) -> Document:
        """Move the document to where the stop says; what a person moved meanwhile stays there."""
        tenant, now = task.tenant, self._environment.now()
        found = documents.get(conn, tenant, task.document)
        if found.state != "processing" or found.claimed_revision != task.revision:
            return found
        if stop.kind == "later":
            found = self._postpone(conn, task, found, stop)
        elif stop.kind == "open":
            found = documents.release(conn, tenant, found.id, why=stop.cause, now=now)
        elif stop.kind == "ignore":
            found = documents.ignore(conn, tenant, found.id, reason=stop.cause, now=now)
        else:
            found = self._fail(conn, found, stop)
        facts: dict[str, Fact] = {"cause": stop.cause}
        if stop.identifier:
            facts |= {"identifier": stop.identifier, "code": stop.code}
        journal.append(conn, tenant, found.id, found.state, facts, now=now)
        return found

    def _fail(self, conn: Connection, found: Document, stop: Stop) -> Document:
        now = self._environment.now()
        if stop.cause == posting.MISMATCH:
            tenants.count_mismatch(conn, found.tenant, now=now)
        return documents.fail(
            conn,
            found.tenant,
            found.id,
            cause=stop.cause,
            facts=stop.facts,
            identifier=stop.identifier,
            code=stop.code,
            now=now,
        )

    def _postpone(self, conn: Connection, task: Task, found: Document, stop: Stop) -> Document:
        """Wait, and enqueue the successor in the same transaction, unless newer work is queued already.

        A refused WeFact key or address pauses the tenant: every further document would fail the same way.
        """
        tenant, now = task.tenant, self._environment.now()
        until = now + timedelta(seconds=stop.seconds)
        waiting = documents.wait(
            conn, tenant, found.id, until=until, why=stop.cause, facts=stop.facts, now=now
        )
        if stop.cause in WEFACT_REFUSES_US:
            tenants.pause(conn, tenant, reason=stop.cause, now=now)
        if found.revision > task.revision:
            return waiting
        waiting = documents.note(conn, tenant, found.kind, found.shop_id, now=now)
        reason = task.reason if task.reason in {engine.BY_HAND, engine.MIGRATED} else SUCCESSOR
        priority = engine.MIGRATION if task.reason == engine.MIGRATED else engine.NORMAL
        delay = max(0.05, stop.seconds)
        self._environment.port.dispatch(conn, tenant, waiting, reason=reason, priority=priority, delay=delay)
        return waiting


def spoken(document: Document, detail: str) -> str:
    """Return one line about a document: its number, state, and code or cause; no personal data."""
    name = document.number or document.id
    return printable(f"{document.tenant} {name} {document.state} {detail}".rstrip(), 300)
