"""What feeds the queue besides webhooks: lost ones are found in the shop (R2), lost work in our own tables.

Each sweep may run any number of times, in any number of processes: it only notes documents and dispatches them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from mapper.errors import MapperError
from mapper.processing import engine, reference
from mapper.processing.connections import Connections
from mapper.processing.eligibility import IS_CANCELLED, NOT_COMPLETED, Verdict, created_at, judge
from mapper.processing.fetching import DELETED
from mapper.services.ccv import CcvShop
from mapper.services.ccv_invoices import order_id
from mapper.store import documents, listing, past, sweeps, tenants
from mapper.store.database import Database
from mapper.store.rows import Document, Kind, Tenant

OVERLAP = timedelta(days=1)
# Payments come in weeks after an order; the shop has no "changed since" (ccv-api 2.1).
PAID_WINDOW = timedelta(days=35)
# An open document is read again this long after it was last seen; each costs two of the shop's 150 calls a minute.
REREAD = timedelta(hours=6)
# Work without a row in the engine is lost only when it had the time to get one.
GRACE = timedelta(seconds=30)
SWEPT = "sweep"
# Other reasons to ignore a document (its total, K4, the go-live) do not show in the list, or do not change.
_MAY_CHANGE = frozenset({DELETED, IS_CANCELLED, NOT_COMPLETED})
# So many documents are noted in one transaction: webhooks wait for it on SQLite.
CHUNK = 100

_log = logging.getLogger("mapper.processing")


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep of a shop saw, what was new to us, and how many documents it dispatched."""

    seen: int = 0
    new: int = 0
    dispatched: int = 0

    def __add__(self, other: SweepReport) -> SweepReport:
        return SweepReport(self.seen + other.seen, self.new + other.new, self.dispatched + other.dispatched)


async def sweep_shop(
    database: Database,
    connections: Connections,
    tenant: str,
    *,
    now: datetime,
    nightly: bool = False,
    reread: timedelta = REREAD,
    port: engine.Port = engine,
) -> SweepReport:
    """Read what the shop made since the last sweep, with a day's overlap, and re-read what is open (R2, R6).

    `nightly` also reads every paid order, or every invoice, of 35 days. Nothing is read for a paused tenant.
    Raises ServiceError; the next sweep then begins where this one did.
    """
    row, settings, swept = await asyncio.to_thread(_situation, database, tenant)
    if row is None:
        return SweepReport()
    shop = await connections.shop(tenant)
    since = max(row.process_from, (swept or row.process_from) - OVERLAP)
    month = max(row.process_from, now - PAID_WINDOW) if nightly else None
    kind: Kind = "invoice" if settings["mode"] == "invoices" else "order"
    listed = _invoices(shop, since, month) if kind == "invoice" else _orders(shop, since, month)
    report = SweepReport()
    async for part in _in_parts(listed):
        report += await asyncio.to_thread(_take_note, database, row, settings, kind, part, now=now, port=port)
    await reference.catch_up(database, connections, tenant, now=now)
    age = timedelta(0) if nightly else reread
    again = await asyncio.to_thread(_reopen, database, tenant, now=now, reread=age, port=port)
    return report + SweepReport(dispatched=again)


async def _orders(shop: CcvShop, since: datetime, month: datetime | None) -> AsyncIterator[Mapping[str, Any]]:
    paid = set[int]()
    async for order in shop.orders(created_from=since):
        if order.get("paid") is True:
            paid.add(order["id"])
        yield order
    if month is not None:
        async for order in shop.orders(created_from=month, is_paid=True):
            if order["id"] not in paid:
                yield order


def _invoices(shop: CcvShop, since: datetime, month: datetime | None) -> AsyncIterator[Mapping[str, Any]]:
    """An invoice may be dated back: the month finds by its id what the window of its date missed."""
    return shop.invoices(created_from=since if month is None else min(since, month))


async def _in_parts(listed: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[list[Mapping[str, Any]]]:
    """A shop may have any number of them: never are more than a part held at once."""
    part: list[Mapping[str, Any]] = []
    async for one in listed:
        part.append(one)
        if len(part) == CHUNK:
            yield part
            part = []
    if part:
        yield part


async def sweep_everyone(
    database: Database, connections: Connections, *, now: datetime, nightly: bool = False
) -> None:
    """Sweep every tenant's shop; one that cannot be reached does not keep the others from being swept."""
    for tenant in await asyncio.to_thread(_everyone, database):
        try:
            report = await sweep_shop(database, connections, tenant, now=now, nightly=nightly)
        except MapperError as error:
            _log.warning("sweep of %s: %s", tenant, error.code)
        else:
            _log.info("sweep of %s: %d seen, %d new", tenant, report.seen, report.new)


def redispatch(
    database: Database,
    *,
    now: datetime,
    tenant: str | None = None,
    grace: timedelta = GRACE,
    due_only: bool = True,
    port: engine.Port = engine,
) -> int:
    """Dispatch what is queued, processing or waiting although no live work is on it; return how many.

    It covers an engine that lost its rows, a changed `engine.VERSION`, a resumed tenant, and a move to another
    database. With `due_only` a waiting document is left until its time has come.
    """
    with database.read() as conn:
        chosen = [tenant] if tenant else [one.id for one in tenants.everyone(conn)]
        stuck = {one: _stuck(conn, one, now - grace, now if due_only else None) for one in chosen}
    return sum(_dispatch_dead(database, one, rows, now=now, port=port) for one, rows in stuck.items() if rows)


def _everyone(database: Database) -> list[str]:
    with database.read() as conn:
        return [tenant.id for tenant in tenants.everyone(conn)]


def _stuck(conn: Connection, tenant: str, unchanged_since: datetime, due: datetime | None) -> list[Document]:
    if tenants.pause_of(conn, tenant) is not None:
        return []
    found: list[Document] = []
    after = ""
    while rows := listing.unsettled(conn, tenant, after=after):
        found += [row for row in rows if _may_be_stuck(row, unchanged_since, due)]
        after = rows[-1].id
    return found


def _may_be_stuck(document: Document, unchanged_since: datetime, due: datetime | None) -> bool:
    if document.state == "waiting":
        return due is None or document.next_at is None or document.next_at <= min(due, unchanged_since)
    return document.state in documents.UNDER_WAY and document.changed_at <= unchanged_since


def _dispatch_dead(
    database: Database, tenant: str, rows: Iterable[Document], *, now: datetime, port: engine.Port
) -> int:
    work = {document.id: _work_of(document) for document in rows}
    alive = port.live(database.engine, [one for ids in work.values() for one in ids])
    dead = [document for document, ids in work.items() if not alive & ids]
    for document in dead:
        with database.begin() as conn:
            found = documents.get(conn, tenant, document)
            if found.state in {"queued", "processing", "waiting"}:
                _dispatch_again(conn, found, now=now, port=port)
    return len(dead)


def _dispatch_again(conn: Connection, known: Document, *, now: datetime, port: engine.Port) -> None:
    """Dispatch a document anew; what a migration asked for stays behind everything else."""
    tenant, migrated = known.tenant, past.is_agreed(conn, known.tenant, known.kind, known.shop_id)
    noted = documents.note(conn, tenant, known.kind, known.shop_id, now=now)
    reason, priority = (engine.MIGRATED, engine.MIGRATION) if migrated else (SWEPT, engine.BACKGROUND)
    port.dispatch(conn, tenant, noted, reason=reason, priority=priority)


def _work_of(document: Document) -> set[str]:
    """Return the workflow ids that may be on a document: of its newest revision, and of the one being worked on."""
    revisions = {document.revision, document.claimed_revision}
    return {engine.workflow_id(document.tenant, document.id, revision) for revision in revisions}


def _situation(database: Database, tenant: str) -> tuple[Tenant | None, Mapping[str, Any], datetime | None]:
    """Return the tenant, its settings and how far it was swept; no tenant when there is nothing to sweep."""
    with database.read() as conn:
        row, settings = tenants.get(conn, tenant), tenants.settings(conn, tenant)
        idle = tenants.pause_of(conn, tenant) is not None
        return (None if idle else row), settings, sweeps.swept_until(conn, tenant)


def _take_note(
    database: Database,
    tenant: Tenant,
    settings: Mapping[str, Any],
    kind: Kind,
    found: Iterable[Mapping[str, Any]],
    *,
    now: datetime,
    port: engine.Port,
) -> SweepReport:
    report = SweepReport()
    with database.begin() as conn:
        for summary in found:
            report += _note(conn, tenant, settings, kind, summary, now=now, port=port)
    return report


def _note(
    conn: Connection,
    tenant: Tenant,
    settings: Mapping[str, Any],
    kind: Kind,
    summary: Mapping[str, Any],
    *,
    now: datetime,
    port: engine.Port,
) -> SweepReport:
    # The client lets through what is a whole number, be it as text.
    shop_id = int(str(summary["id"]))
    known = documents.find(conn, tenant.id, kind, shop_id)
    outcome = _judged(kind, summary, tenant, settings).outcome
    if known is not None and not _is_to_be_taken_up(known, outcome):
        return SweepReport(seen=1)
    is_open = outcome == "open"
    noted = documents.note(
        conn,
        tenant.id,
        kind,
        shop_id,
        now=now,
        changed=known is not None,
        number=str(summary.get("ordernumber_full" if kind == "order" else "invoicenumber_full") or ""),
        order_id=order_id(summary) if kind == "invoice" else None,
        dated=created_at(summary),
    )
    if not is_open:
        port.dispatch(conn, tenant.id, noted, reason=SWEPT, priority=engine.BACKGROUND)
    return SweepReport(seen=1, new=int(known is None), dispatched=int(not is_open))


def _is_to_be_taken_up(known: Document, outcome: str) -> bool:
    """What is no longer open; and what was ignored for what the shop said of it then, and is to be posted now."""
    if known.state == "open":
        return outcome != "open"
    return outcome == "post" and known.ignored_by == "rule" and known.cause in _MAY_CHANGE


def _judged(kind: Kind, summary: Mapping[str, Any], tenant: Tenant, settings: Mapping[str, Any]) -> Verdict:
    """Judge by the list's summary, to leave what is still open alone; the work itself judges the whole document."""
    return judge(kind, summary, settings=settings, process_from=tenant.process_from)


def _reopen(database: Database, tenant: str, *, now: datetime, reread: timedelta, port: engine.Port) -> int:
    """Dispatch the open documents that were not seen for a while: they may lie outside every window.

    Ends the sweep: from here on everything made before `now` was read.
    """
    dispatched, after = 0, ""
    while True:
        with database.begin() as conn:
            rows = listing.unsettled(conn, tenant, after=after, limit=CHUNK)
            for row in rows:
                if row.state == "open" and row.noted_at <= now - reread:
                    _dispatch_again(conn, row, now=now, port=port)
                    dispatched += 1
            if not rows:
                sweeps.record(conn, tenant, until=now)
                return dispatched
        after = rows[-1].id


def purge_engine(sql: Engine, *, now: datetime, keep: timedelta = timedelta(days=7)) -> int:
    """Delete the engine's rows of work that ended long ago; our own tables keep what happened."""
    return engine.purge(sql, before=now - keep)
