"""Documents from before the go-live, posted because a person asked for a period of them (R7).

First a survey: everything of the period is listed, judged, fetched and mapped as `mapper run` would, and the sums are
shown. Then the agreement, in one transaction: from there on the go-live does not hold those documents (R9).
`mapper run` feeds them to the queue, a few at a time and only while no live order of anybody waits. Each part is
durable, so a killed survey goes on where it was, and nobody has to be there for the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from mapper import fiscal
from mapper.errors import Fact, Language, PayloadError, Refused, StoreError, Temporary, UsageError
from mapper.mapping import Mapped, Rulebooks
from mapper.processing import engine
from mapper.processing.amounts import per_rate
from mapper.processing.connections import Connections
from mapper.processing.eligibility import created_at, judge, signed_total
from mapper.processing.fetching import DELETED
from mapper.processing.outcome import Stop
from mapper.processing.preview import foreseen
from mapper.services.ccv import CcvShop
from mapper.services.ccv_invoices import order_id
from mapper.store import documents, journal, limits, past, payloads, tenants
from mapper.store.database import Database
from mapper.store.rows import Kind, PastDocument, State, Tenant
from mapper.wording import reason as worded

# What was read this long ago may have changed in the shop: another run of the command reads it again.
FRESH = timedelta(days=1)
CHUNK = 100
# The shop takes 150 calls a minute per resource (ccv-api 1.7). At most half are the survey's: 60 + 15 documents.
PER_MINUTE, BURST = 60, 15
TRIES = 5
FIRST_PAUSE_SECONDS = 5.0
# So many of a tenant's are in the queue at once, every so many seconds: a minute's worth is what WeFact allows.
PORTION, FEED_SECONDS = 15, 15.0
EXAMPLES = 3

IN_WEFACT = "in WeFact already (R4)"
ON_ITS_WAY = "on its way already"
BY_A_PERSON = "ignored by a person (R5)"

_ZERO = Decimal(0)
# What of a listed document decides whether what was read of it still counts.
_MARKS = ("total_price", "total_tax", "taxes_included", "paid", "status", "is_completed", "type")
_LANGUAGES: tuple[Language, ...] = ("en", "nl")
_log = logging.getLogger("mapper.processing")


@dataclass(frozen=True, slots=True)
class Scope:
    """Documents of one kind that the shop made from `since` to before `until`."""

    kind: Kind
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """What would be posted with one VAT code, in euros as WeFact will have them."""

    code: str
    percent: Decimal
    documents: int
    excl: Decimal
    tax: Decimal
    incl: Decimal


@dataclass(frozen=True, slots=True)
class Group:
    """Documents that would not be posted, for one reason.

    `said` are message and remedy of the first of them by language, `examples` are numbers of a few.
    """

    cause: str
    said: Mapping[str, list[str]]
    documents: int
    total: Decimal
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a migration would do: `posted` documents of `total` euros, per rate; who would stop; who is left alone.

    VIES is not asked for it: `vies` of those posted wait for its answer first.
    """

    posted: int
    total: Decimal
    vies: int
    rates: tuple[Rate, ...]
    stopped: tuple[Group, ...]
    left: tuple[Group, ...]

    @property
    def listed(self) -> int:
        """How many documents of the period the shop has."""
        return self.posted + sum(group.documents for group in (*self.stopped, *self.left))


@dataclass(slots=True)
class Pace:
    """Lets `burst` calls go at once, and then `per_minute`; `sleep` waits for seconds."""

    per_minute: int = PER_MINUTE
    burst: int = BURST
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _free_at: float = field(default=0.0, init=False)

    async def turn(self) -> None:
        """Wait until the next document may be read."""
        now, interval = asyncio.get_running_loop().time(), 60 / self.per_minute
        self._free_at = max(self._free_at, now) + interval
        wait = self._free_at - now - self.burst * interval
        if wait > 0:
            await self.sleep(wait)


def scope_of(
    database: Database, tenant: str, since: datetime, until: datetime | None, *, now: datetime
) -> Scope:
    """Return what of a period a migration may ask for: nothing from the go-live on, which is posted anyway.

    Nor from years that tax law lets go: what was posted of them is forgotten (R8).

    Raises UsageError PRO311 when nothing is left.
    """
    with database.read() as conn:
        row, settings = tenants.get(conn, tenant), tenants.settings(conn, tenant)
    live = min(row.process_from.replace(microsecond=0), now)
    since = max(since, fiscal.postable_since(now))
    if since >= live:
        raise UsageError("PRO311", tenant=tenant, go_live=live.isoformat(" ", "minutes"))
    kind: Kind = "invoice" if settings["mode"] == "invoices" else "order"
    return Scope(kind, since, min(until or live, live))


async def survey(
    database: Database,
    connections: Connections,
    tenant: str,
    scope: Scope,
    rulebooks: Rulebooks,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None] | None = None,
    pace: Pace | None = None,
) -> Survey:
    """Read the period and return what its migration would do. Posts nothing, and dispatches nothing.

    `progress` gets how many documents are read, and of how many. Raises ServiceError; the next survey of the period
    then goes on where this one stopped.
    """
    with database.read() as conn:
        row, settings = tenants.get(conn, tenant), tenants.settings(conn, tenant)
    shop = await connections.shop(tenant)
    left = await _list(database, shop, row, settings, scope, rulebooks.hash, now=now)
    with database.read() as conn:
        total = past.count_unread(conn, tenant, scope.kind, since=scope.since, until=scope.until)
    done, pace, tell = 0, pace or Pace(), progress or _quiet
    tell(done, total)
    look = _Look(database, connections, row, settings, rulebooks, now)
    while found := await asyncio.to_thread(_unread, database, tenant, scope):
        for document in found:
            await pace.turn()
            await look.read(document, pace.sleep)
            done += 1
            tell(done, total)
    return await asyncio.to_thread(_summed, database, tenant, scope, left)


def agree(database: Database, tenant: str, scope: Scope, *, who: str, now: datetime) -> int:
    """Have everything posted that the survey of this period found ready; return how many documents that are."""
    with database.begin() as conn:
        count = past.agree(conn, tenant, scope.kind, since=scope.since, until=scope.until, now=now)
        facts: dict[str, Fact] = {
            "documents": count,
            "from": scope.since.isoformat(),
            "to": scope.until.isoformat(),
            "who": who,
        }
        journal.append(conn, tenant, None, "migration agreed", facts, now=now)
    return count


def withdraw(database: Database, tenant: str, *, who: str, now: datetime) -> int:
    """Take back what was agreed and is not in the queue yet; return how many documents that are."""
    with database.begin() as conn:
        count = past.withdraw(conn, tenant)
        journal.append(conn, tenant, None, "migration withdrawn", {"documents": count, "who": who}, now=now)
    return count


def progress_of(database: Database, tenant: str, scope: Scope) -> dict[State | None, int]:
    """Return how many of the agreed documents are in each state; None: not begun."""
    with database.read() as conn:
        return past.progress(conn, tenant, scope.kind, since=scope.since, until=scope.until)


def feed(database: Database, *, now: datetime, address: str = "default", portion: int = PORTION) -> int:
    """Hand the next agreed documents to the engine, behind everything else; return how many.

    Nothing is handed on while a live document of any tenant is queued, or while less than half of the address's burst
    of WeFact calls is left: the other half is for live orders. A paused tenant's stay.
    """
    with database.read() as conn:
        ready = [one for one in past.waiting_tenants(conn) if tenants.pause_of(conn, one) is None]
        if not ready or past.live_orders_wait(conn):
            return 0
        if limits.calls_left(conn, address, now=now) < limits.BURST // 2:
            return 0
    fed = 0
    for tenant in ready:
        with database.begin() as conn:
            room = portion - past.under_way(conn, tenant)
            taken = past.untaken(conn, tenant, limit=max(room, 0))
            for document in taken:
                _hand_on(conn, tenant, document, now=now)
        fed += len(taken)
    return fed


def forget(database: Database, *, now: datetime, keep: timedelta = timedelta(days=7)) -> None:
    """Forget surveys that nobody agreed to: what they say of documents may name customers' VAT numbers."""
    with database.begin() as conn:
        past.purge(conn, before=now - keep)


async def keep_feeding(
    database: Database, *, address: str, now: Callable[[], datetime], seconds: float = FEED_SECONDS
) -> None:
    """Feed until cancelled. A database out of reach is asked again the next time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(feed, database, now=now(), address=address)
        except StoreError as error:
            _log.warning("migrations: %s", error.code)


def _quiet(done: int, total: int) -> None:
    """Tell nobody."""


async def _list(
    database: Database,
    shop: CcvShop,
    tenant: Tenant,
    settings: Mapping[str, Any],
    scope: Scope,
    rules: str,
    *,
    now: Callable[[], datetime],
) -> dict[str, Group]:
    """Note every document of the period that has to be read; return the others by why they are left alone."""
    started, left = now(), dict[str, Group]()

    def place(found: list[Mapping[str, Any]]) -> None:
        with database.begin() as conn:
            for summary in found:
                reason = _place(conn, tenant, settings, scope, summary, rules, now=started)
                if reason:
                    total = _in_euros(signed_total(scope.kind, summary), summary, settings)
                    number = _number(scope.kind, summary)
                    left[reason] = _with(left.get(reason), reason, {}, total, number)

    chunk: list[Mapping[str, Any]] = []
    async for summary in _of(shop, scope):
        chunk.append(summary)
        if len(chunk) == CHUNK:
            await asyncio.to_thread(place, chunk)
            chunk = []
    await asyncio.to_thread(place, chunk)
    with database.begin() as conn:
        past.forget_unseen(
            conn, tenant.id, scope.kind, since=scope.since, until=scope.until, seen_since=started
        )
    return left


async def _of(shop: CcvShop, scope: Scope) -> AsyncIterator[Mapping[str, Any]]:
    """Yield what the shop lists of the period, also what has no date that can be read."""
    listing = shop.invoices if scope.kind == "invoice" else shop.orders
    async for summary in listing(created_from=scope.since, created_to=scope.until):
        created = created_at(summary)
        if isinstance(summary["id"], int) and (created is None or scope.since <= created < scope.until):
            yield summary


def _place(
    conn: Connection,
    tenant: Tenant,
    settings: Mapping[str, Any],
    scope: Scope,
    summary: Mapping[str, Any],
    rules: str,
    *,
    now: datetime,
) -> str:
    """Note a document that is to be read, or return why it is left alone."""
    kind, shop_id = scope.kind, int(summary["id"])
    known, wanted = documents.find(conn, tenant.id, kind, shop_id), past.find(conn, tenant.id, kind, shop_id)
    if known is not None and (known.state == "done" or known.identifier):
        return IN_WEFACT
    if known is not None and known.ignored_by == "person":
        return BY_A_PERSON
    if known is not None and known.state in {"queued", "processing", "waiting"}:
        return ON_ITS_WAY
    if wanted is not None and wanted.agreed_at is not None and wanted.taken_at is None:
        return ON_ITS_WAY
    verdict = judge(kind, summary, settings=settings, process_from=tenant.process_from, go_live_applies=False)
    if verdict.outcome != "post":
        return verdict.reason
    marks = {name: summary.get(name) for name in _MARKS}
    basis = payloads.hash_of({"rules": rules, "settings": tenant.settings_revision, "marks": marks})
    past.note(
        conn,
        tenant.id,
        kind,
        shop_id,
        order_id=order_id(summary) if kind == "invoice" else shop_id,
        number=_number(kind, summary),
        dated=created_at(summary) or scope.since,
        basis=basis,
        read_since=now - FRESH,
        now=now,
    )
    return ""


def _unread(database: Database, tenant: str, scope: Scope) -> tuple[PastDocument, ...]:
    with database.read() as conn:
        return past.page(
            conn, tenant, scope.kind, since=scope.since, until=scope.until, unread=True, limit=CHUNK
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """Reads documents of one tenant, and keeps what they would become."""

    database: Database
    connections: Connections
    tenant: Tenant
    settings: Mapping[str, Any]
    rulebooks: Rulebooks
    now: Callable[[], datetime]

    async def read(self, document: PastDocument, sleep: Callable[[float], Awaitable[None]]) -> None:
        for tried in range(1, TRIES + 1):
            try:
                await self._once(document)
            except Temporary as error:
                if tried == TRIES:
                    raise
                await sleep(error.retry_after or FIRST_PAUSE_SECONDS * 2 ** (tried - 1))
            else:
                return

    async def _once(self, document: PastDocument) -> None:
        try:
            mapped, stop = await foreseen(
                self.database,
                self.connections,
                self.tenant,
                self.settings,
                self.rulebooks,
                document.kind,
                document.shop_id,
                now=self.now(),
            )
        except (Refused, PayloadError) as error:
            gone = error.code == "CCV301"
            stop = Stop("ignore", DELETED) if gone else Stop("fail", error.code, dict(error.facts))
            await asyncio.to_thread(self._keep_stop, document, stop, None)
            return
        if stop is not None:
            await asyncio.to_thread(self._keep_stop, document, stop, mapped)
        else:
            await asyncio.to_thread(self._keep_ready, document, mapped)

    def _keep_stop(self, document: PastDocument, stop: Stop, mapped: Mapped | None) -> None:
        known = mapped.findings if mapped else ()
        findings = [{**one.to_json(), "message": one.say, "help": one.help} for one in known]
        reasons = {one: worded(stop.cause, stop.facts, findings, one) for one in _LANGUAGES}
        said = {one: [reason.said, reason.remedy] for one, reason in reasons.items()}
        document_of = (mapped.document if mapped else None) or {}
        total = _in_euros(document_of.get("total_incl"), document_of, self.settings)
        self._keep(document, outcome=stop.kind, cause=stop.cause, said=said, total_incl=total)

    def _keep_ready(self, document: PastDocument, mapped: Mapped) -> None:
        asks = any(
            one.id == "K2" and one.severity == "info" and "number" in one.facts for one in mapped.findings
        )
        total = (mapped.document or {})["total_incl"]
        vat = per_rate(mapped, self.settings)
        self._keep(document, outcome="post", cause="K2" if asks else "", total_incl=total, vat=vat)

    def _keep(self, document: PastDocument, **read: Any) -> None:
        with self.database.begin() as conn:
            past.keep(conn, self.tenant.id, document.kind, document.shop_id, **read, now=self.now())


def _summed(database: Database, tenant: str, scope: Scope, left: Mapping[str, Group]) -> Survey:
    """Add up what was read of a period, page by page."""
    posted, vies, total = 0, 0, _ZERO
    rates: dict[tuple[str, Decimal], Rate] = {}
    stopped, leaving = dict[str, Group](), dict(left)
    for document in _pages(database, tenant, scope):
        if document.outcome == "post":
            posted, total = posted + 1, total + (document.total_incl or _ZERO)
            vies += document.cause == "K2"
            for part in document.vat:
                key = (part["code"], part["percent"])
                rates[key] = _plus(rates.get(key) or Rate(*key, 0, _ZERO, _ZERO, _ZERO), part)
        else:
            groups = stopped if document.outcome == "fail" else leaving
            cause, known = document.cause, groups.get(document.cause)
            groups[cause] = _with(known, cause, document.said, document.total_incl, document.number)
    ordered = sorted(rates.values(), key=lambda rate: (-rate.percent, rate.code))
    return Survey(posted, total, vies, tuple(ordered), _by_size(stopped), _by_size(leaving))


def _pages(database: Database, tenant: str, scope: Scope) -> Iterator[PastDocument]:
    after = 0
    while True:
        with database.read() as conn:
            found = past.page(
                conn, tenant, scope.kind, since=scope.since, until=scope.until, after=after, limit=CHUNK
            )
        if not found:
            return
        yield from found
        after = found[-1].shop_id


def _plus(rate: Rate, part: Mapping[str, Any]) -> Rate:
    return replace(
        rate,
        documents=rate.documents + 1,
        excl=rate.excl + part["excl"],
        tax=rate.tax + part["tax"],
        incl=rate.incl + part["incl"],
    )


def _with(
    group: Group | None, cause: str, said: Mapping[str, list[str]], total: Decimal | None, number: str
) -> Group:
    known = group or Group(cause, said, 0, _ZERO, ())
    examples = (*known.examples, number)[:EXAMPLES]
    return replace(
        known, documents=known.documents + 1, total=known.total + (total or _ZERO), examples=examples
    )


def _by_size(groups: Mapping[str, Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups.values(), key=lambda group: (-group.documents, group.cause)))


def _hand_on(conn: Connection, tenant: str, wanted: PastDocument, *, now: datetime) -> None:
    """Queue a document; one that was posted, or taken out of the lists, since the survey stays as it is."""
    known = documents.find(conn, tenant, wanted.kind, wanted.shop_id)
    settled = known is not None and (
        known.state == "done" or bool(known.identifier) or known.ignored_by == "person"
    )
    if not settled:
        noted = documents.note(
            conn,
            tenant,
            wanted.kind,
            wanted.shop_id,
            now=now,
            changed=known is not None,
            number=wanted.number,
            order_id=wanted.order_id,
            dated=wanted.dated,
        )
        engine.dispatch(conn, tenant, noted, reason=engine.MIGRATED, priority=engine.MIGRATION)
    past.take(conn, tenant, wanted.kind, wanted.shop_id, now=now)


def _in_euros(
    amount: Decimal | None, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> Decimal | None:
    """Return an amount in the administration's currency; in another one it cannot be added up (K8)."""
    return amount if document.get("currency") in (None, "", settings["currency"]) else None


def _number(kind: Kind, summary: Mapping[str, Any]) -> str:
    return str(summary.get("ordernumber_full" if kind == "order" else "invoicenumber_full") or "")
