"""Shop and WeFact compared both ways (B5): what is missing, double, of another amount, changed or deleted since.

By what the lists of both say and by the Identifiers we keep. Only an invoice of WeFact that we do not know is asked for
in full: the mark in its comment tells whether the mapper made it. Nothing is changed anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mapper.catalogue import describe
from mapper.errors import Fact, Language, MapperError, Refused, StoreError
from mapper.processing.connections import Connections
from mapper.processing.eligibility import created_at, judge, judge_order, signed_total
from mapper.services.ccv import CcvShop
from mapper.services.wefact import WeFact, decimal_of, text_of
from mapper.store import (
    documents,
    exact,
    journal,
    listing,
    operations,
    past,
    payloads,
    reconciliations,
    tenants,
)
from mapper.store.database import Database
from mapper.store.rows import Document, Kind, Operation, Reconciliation, Tenant
from mapper.wording import Reason, reason_of

# As far back as the nightly sweep reads: payments come in weeks after an order.
PERIOD = timedelta(days=35)
KEPT = timedelta(days=100)
# So much of a period is held at once.
WINDOW = timedelta(days=14)
# An order so young may still be on its way to us: a sweep finds it within a quarter of an hour.
YOUNG = timedelta(hours=1)
PAGE = 500

STATES = ("done", "error", "waiting", "ignored", "missing")
What = Literal["missing", "double", "amount", "changed", "deleted", "unknown"]
WHAT: Mapping[str, What] = {
    "REC101": "missing",
    "REC102": "missing",
    "REC104": "double",
    "REC105": "double",
    "REC106": "amount",
    "REC107": "changed",
    "REC108": "changed",
    "REC109": "changed",
    "REC110": "changed",
    "REC111": "changed",
    "REC112": "deleted",
    "REC113": "unknown",
    "REC114": "changed",
    "REC115": "changed",
    "REC116": "unknown",
}

_ZERO = Decimal(0)
_MONEY = ("total_price", "total_tax", "taxes_included")
# The token of `daemon.environment_of`, wherever it stands in a comment.
_MARK = re.compile(r"mapper [0-9a-f]{24}")
# WeFact's statuses (wefact-api 2.2.2): a credit invoice, and an invoice that lapsed because it was credited.
_CREDIT, _LAPSED = "8", "9"
_log = logging.getLogger("mapper.processing")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `code` names it in the catalogue, filled by `facts`.

    `document` is empty for an invoice of none; `identifier` and `invoice` are WeFact's, empty without one. `shop` and
    `wefact` are what it comes to in each, in euros VAT included.
    """

    code: str
    document: str
    number: str
    date: str
    identifier: str
    invoice: str
    shop: Decimal
    wefact: Decimal
    facts: Mapping[str, Fact]

    @property
    def what(self) -> What:
        """What kind of difference it is."""
        return WHAT[self.code]

    @property
    def difference(self) -> Decimal:
        """How much too much WeFact has, or, negative, too little."""
        return self.wefact - self.shop

    @property
    def mark(self) -> str:
        """What is another as soon as the difference is: its kind, its amounts, what they are of."""
        told = {name: value for name, value in self.to_json().items() if name not in {"date", "number"}}
        return exact.digest(exact.write(told))

    def to_json(self) -> dict[str, Any]:
        """Return it as values that the store keeps."""
        return {name: getattr(self, name) for name in self.__slots__} | {"facts": dict(self.facts)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Difference:
        """Return what `to_json` wrote."""
        return cls(**kept)


@dataclass(slots=True)
class Count:
    """Documents, and what they come to in the shop, in euros VAT included."""

    documents: int = 0
    total: Decimal = _ZERO

    def add(self, total: Decimal | None) -> None:
        """Count one more."""
        self.documents += 1
        self.total += total or _ZERO


@dataclass(slots=True)
class Comparison:
    """What was found over `since` (included) to `until`.

    `counts` has the eligible documents by state: `missing` are those that the mapper does not know, so the eligible
    ones are done + error + waiting + ignored when there are none. `wefact` are those of which WeFact has the invoice.
    """

    since: datetime
    until: datetime
    counts: dict[str, Count] = field(default_factory=lambda: {state: Count() for state in STATES})
    wefact: Count = field(default_factory=Count)
    differences: list[Difference] = field(default_factory=list)

    @property
    def eligible(self) -> Count:
        """All documents that belong in WeFact, or that are there."""
        counts = self.counts.values()
        return Count(sum(one.documents for one in counts), sum((one.total for one in counts), _ZERO))

    @property
    def adds_up(self) -> bool:
        """Whether every eligible document is done, in error, waiting or ignored."""
        return not self.counts["missing"].documents

    def counted(self) -> dict[str, dict[str, Any]]:
        """Return all counts as values, those of the eligible ones first."""
        all_of_them = {"eligible": self.eligible, **self.counts, "in_wefact": self.wefact}
        return {name: {"documents": one.documents, "total": one.total} for name, one in all_of_them.items()}

    def kept(self, at: datetime) -> Reconciliation:
        """Return it as the store keeps it."""
        differences = [one.to_json() for one in self.differences]
        return Reconciliation(at, self.since, self.until, self.counted(), differences)


async def compare(
    database: Database,
    connections: Connections,
    tenant: str,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare the documents the shop dates from `since` to before `until`. `progress` gets days done, of how many.

    Raises ServiceError and what the database raises.
    """
    with database.read() as conn:
        row, settings = tenants.get(conn, tenant), tenants.settings(conn, tenant)
    zone = ZoneInfo(settings["time_zone"])
    # WeFact dates by the day, so parts begin at midnight in the webshop's zone.
    begin, end = since.astimezone(zone), min(until, now).astimezone(zone)
    found = Comparison(since, until)
    shop, wefact = await connections.shop(tenant), await connections.wefact(tenant, patient=True)
    for start, stop in _windows(begin, end):
        part = _Part(database, shop, wefact, row, settings, start, stop, now, found)
        await part.compare()
        if progress is not None:
            progress((stop - begin).days, max((end - begin).days, 1))
    return found


def period(settings: Mapping[str, Any], *, now: datetime) -> tuple[datetime, datetime]:
    """Return the period that is compared when none is given: the last five weeks, from a midnight of the webshop."""
    local = now.astimezone(ZoneInfo(settings["time_zone"]))
    return (local - PERIOD).replace(hour=0, minute=0, second=0, microsecond=0), local


async def compare_everyone(
    database: Database, connections: Connections, *, now: datetime, say: Callable[[str], None]
) -> None:
    """Compare every webshop that is not paused over the last five weeks, keep what is found and say it in a line each.

    One whose services cannot be reached does not keep the others from being compared.
    """
    for tenant, settings in await asyncio.to_thread(_everyone, database):
        try:
            since, until = period(settings, now=now)
            found = await compare(database, connections, tenant, since=since, until=until, now=now)
            are_open = await asyncio.to_thread(keep, database, tenant, found, now)
        except MapperError as error:
            _log.warning("reconcile of %s: %s", tenant, error.code)
        else:
            say(spoken(tenant, found, are_open))


def spoken(tenant: str, found: Comparison, are_open: int) -> str:
    """Return what was found in one line, without personal data; so many of the differences nobody accepted."""
    sums = " + ".join(f"{found.counts[state].documents} {state}" for state in STATES)
    line = f"reconcile of {tenant}: {found.eligible.documents} eligible = {sums}"
    if not found.differences:
        return f"{line}; nothing differs"
    accepted = len(found.differences) - are_open
    told = f"{are_open} difference(s)" + (f" and {accepted} accepted" if accepted else "")
    return f"{line}; {told}: mapper reconcile --last --tenant {tenant}"


def explained(conn: Connection, tenant: str, found: Difference, language: Language) -> Reason:
    """Return why something differs and what to do next; for a document that stopped, what stopped it."""
    described = describe(found.code, found.facts, language)
    if found.code != "REC102":
        return Reason(described.message, described.remedy)
    known = reason_of(conn, documents.get(conn, tenant, found.document), language)
    said = f"{described.message} {known.said}".rstrip()
    return Reason(said, known.remedy or described.remedy)


@dataclass(frozen=True, slots=True)
class _Row:
    """What WeFact's list says of an invoice."""

    identifier: str
    code: str
    status: str
    date: str
    incl: Decimal | None
    tax: Decimal | None


@dataclass(slots=True)
class _Part:
    """Compares one part of a period."""

    database: Database
    shop: CcvShop
    wefact: WeFact
    tenant: Tenant
    settings: Mapping[str, Any]
    since: datetime
    until: datetime
    now: datetime
    found: Comparison

    async def compare(self) -> None:
        ours = await asyncio.to_thread(self._ours)
        rows = await self._rows()
        posted = {one.identifier for one in ours.values() if one.identifier}
        made = await asyncio.to_thread(self._made, posted | rows.keys())
        mine: Kind = "invoice" if self.settings["mode"] == "invoices" else "order"
        kinds: set[Kind] = {mine} | {one.kind for one in ours.values() if one.identifier}
        for kind in sorted(kinds):
            await self._kind(kind, ours, rows, made)
        for row in rows.values():
            if row.identifier not in made:
                await self._unknown(row)

    async def _kind(
        self,
        kind: Kind,
        ours: Mapping[tuple[Kind, int], Document],
        rows: Mapping[str, _Row],
        made: Mapping[str, Operation],
    ) -> None:
        listing_of = self.shop.invoices if kind == "invoice" else self.shop.orders
        agreed = await asyncio.to_thread(self._agreed, kind)
        listed: set[int] = set()
        async for summary in listing_of(created_from=self.since, created_to=self.until):
            created = created_at(summary)
            elsewhere = created is not None and not self.since <= created < self.until
            if elsewhere or not isinstance(summary["id"], int):
                continue
            listed.add(summary["id"])
            known = ours.get((kind, summary["id"])) or await asyncio.to_thread(
                self._find, kind, summary["id"]
            )
            await self._one(kind, summary, known, rows, made, is_agreed=summary["id"] in agreed)
        for known in ours.values():
            if known.kind == kind and known.identifier and known.shop_id not in listed:
                fetched = await self._fetched(known)
                if not self._is_of_another_part(fetched):
                    await self._one(kind, fetched, known, rows, made, is_agreed=False)

    async def _one(
        self,
        kind: Kind,
        summary: Mapping[str, Any] | None,
        known: Document | None,
        rows: Mapping[str, _Row],
        made: Mapping[str, Operation],
        *,
        is_agreed: bool,
    ) -> None:
        """Count one document of the shop and compare it; no summary: the shop no longer has it.

        What a person ignored is that person's, also when it was posted with a wrong total before (W19).
        """
        if known is None or not known.identifier or known.state == "ignored":
            if summary is not None and self._belongs(kind, summary, known, is_agreed=is_agreed):
                self._count_unposted(kind, summary, known, is_agreed=is_agreed)
            return
        total = known.total_incl if summary is None else self._worth(kind, summary)
        self.found.counts["error" if known.state == "error" else "done"].add(total)
        row = rows.get(known.identifier) or await self._shown(known.identifier)
        if row is not None:
            self.found.wefact.add(row.incl)
        operation = made.get(known.identifier)
        await asyncio.to_thread(self._compare_posted, kind, summary, known, row, operation)

    def _count_unposted(
        self, kind: Kind, summary: Mapping[str, Any], known: Document | None, *, is_agreed: bool
    ) -> None:
        """Count a document that is not in WeFact, and report it when nothing brings it there by itself."""
        state, total = self._state(known, summary, is_agreed=is_agreed), self._worth(kind, summary)
        self.found.counts[state].add(total)
        if state == "missing":
            self._report_unseen(kind, summary, total)
        elif known is not None and state == "error":
            amount = signed_total(kind, summary)
            is_foreign = total is None and amount is not None
            shown = f"{known.currency} {amount:.2f}" if is_foreign else _euros(total)
            self._report("REC102", known, in_shop=total, shop=shown)

    def _worth(self, kind: Kind, summary: Mapping[str, Any]) -> Decimal | None:
        """Return what a document comes to; None in another currency, which cannot be added up (K8)."""
        is_ours = summary.get("currency") in (None, "", self.settings["currency"])
        return signed_total(kind, summary) if is_ours else None

    def _is_of_another_part(self, fetched: Mapping[str, Any] | None) -> bool:
        """Tell whether the shop dates a document elsewhere in the period, where it is compared."""
        created = created_at(fetched or {})
        return created is not None and (
            self.found.since <= created < self.since or self.until <= created < self.found.until
        )

    def _belongs(
        self, kind: Kind, summary: Mapping[str, Any], known: Document | None, *, is_agreed: bool
    ) -> bool:
        """Tell whether a document belongs in WeFact, as the shop has it now."""
        verdict = judge(
            kind,
            summary,
            settings=self.settings,
            process_from=self.tenant.process_from,
            go_live_applies=not is_agreed and (known is None or known.state in {"open", "ignored"}),
        )
        return verdict.outcome == "post"

    def _state(self, known: Document | None, summary: Mapping[str, Any] | None, *, is_agreed: bool) -> str:
        if known is None:
            created = created_at(summary or {})
            is_young = created is not None and created > self.now - YOUNG
            return "waiting" if is_agreed or is_young else "missing"
        return known.state if known.state in {"done", "error", "ignored"} else "waiting"

    def _compare_posted(
        self,
        kind: Kind,
        summary: Mapping[str, Any] | None,
        known: Document,
        row: _Row | None,
        operation: Operation | None,
    ) -> None:
        """Report the first thing that differs of a posted document. What is gone on both sides does not differ."""
        withdrawn = "" if summary is None else self._withdrawn(kind, summary)
        is_in_shop = summary is not None and not withdrawn
        if row is None or row.status == _LAPSED:
            if is_in_shop:
                code = "REC112" if row is None else "REC108"
                self._report(code, known, in_shop=known.total_incl, row=row, in_wefact=_ZERO)
        elif summary is None:
            self._report("REC111", known, in_shop=_ZERO, row=row)
        elif withdrawn:
            self._report("REC110", known, in_shop=_ZERO, row=row, reason=withdrawn)
        elif not self._compare_amounts(known, row, operation):
            self._compare_shop(kind, summary, known, row)

    def _compare_amounts(self, known: Document, row: _Row, operation: Operation | None) -> bool:
        """Report an invoice that is not as it was posted, or was posted wrong; return whether it was reported."""
        expected = known.total_incl
        answered, tax = (operation.amount_incl, operation.amount_tax) if operation else (None, None)
        if row.incl is not None and expected is not None and row.incl != expected:
            if answered is not None and row.incl != answered:
                was = _euros(answered)
                self._report("REC107", known, in_shop=expected, row=row, was=was)
            else:
                self._report("REC106", known, in_shop=expected, row=row)
            return True
        if row.tax is not None and tax is not None and row.tax != tax:
            was, now = _euros(tax), _euros(row.tax)
            self._report("REC114", known, in_shop=expected, row=row, was=was, tax=now)
            return True
        return False

    def _compare_shop(self, kind: Kind, summary: Mapping[str, Any], known: Document, row: _Row) -> None:
        """Report what the shop changed since the document was posted (R4)."""
        total = self._worth(kind, summary)
        if self._money_changed(known, summary):
            self._report("REC109", known, in_shop=total, row=row)
        elif known.drift_at is not None:
            seen = known.drift_at.astimezone(self.since.tzinfo).strftime("%Y-%m-%d")
            self._report("REC115", known, in_shop=total, row=row, seen=seen)

    def _withdrawn(self, kind: Kind, summary: Mapping[str, Any]) -> str:
        """Return why a posted order would not be posted now: cancelled, or unpaid again where only paid ones are.

        In the mode of statuses an order goes on to other ones; an invoice is posted whatever its status.
        """
        if kind == "invoice":
            return ""
        verdict = judge_order(
            summary,
            mode="paid_orders",
            statuses=(),
            process_from=self.tenant.process_from,
            go_live_applies=False,
        )
        counts = verdict.outcome == "ignore" or (
            verdict.outcome == "open" and self.settings["mode"] == "paid_orders"
        )
        return verdict.reason if counts else ""

    def _money_changed(self, known: Document, summary: Mapping[str, Any]) -> bool:
        try:
            with self.database.read() as conn:
                kept = payloads.payload(conn, self.tenant.id, known.id)
        except StoreError as error:
            if error.code != "STO117":
                raise
            return False
        return any(kept.get(name) != summary.get(name) for name in _MONEY)

    async def _unknown(self, row: _Row) -> None:
        """Report an invoice that no document has, when it looks like one of the mapper's or of a posted document.

        All others are the merchant's own. A credit invoice made in WeFact copies the mark of what it credits.
        """
        if row.status == _CREDIT:
            return
        shown = await self.wefact.show("invoice", row.identifier)
        if shown is None:
            return
        mark = _MARK.search(text_of(shown, "Comment"))
        reference = text_of(shown, "ReferenceNumber")
        await asyncio.to_thread(self._report_unknown, row, mark[0] if mark else "", reference)

    def _report_unknown(self, row: _Row, mark: str, reference: str) -> None:
        if mark:
            self._report_marked(row, mark)
            return
        with self.database.read() as conn:
            named = documents.by_number(conn, self.tenant.id, reference) if reference else ()
        posted = [one for one in named if one.identifier and one.total_incl == row.incl]
        if posted:
            first = posted[0].code or posted[0].identifier
            self._report("REC105", posted[0], in_shop=_ZERO, row=row, first=first)

    def _report_marked(self, row: _Row, mark: str) -> None:
        """Report an invoice that the mapper made; of one whose answer got lost the ledger is still finding out."""
        with self.database.read() as conn:
            operation = operations.by_token(conn, self.tenant.id, mark)
            known = documents.get(conn, self.tenant.id, operation.document_id) if operation else None
            if operation is None and self._is_of_another_webshop(conn, mark):
                return
        if operation is None or known is None:
            self._report("REC116", None, in_shop=_ZERO, row=row)
        elif operation.state == "done":
            self._report("REC104", known, in_shop=_ZERO, row=row, first=operation.identifier)
        elif known.state in {"error", "ignored", "done"}:
            self._report("REC113", known, in_shop=_ZERO, row=row)

    def _is_of_another_webshop(self, conn: Connection, mark: str) -> bool:
        """Tell whether another webshop of this installation made it, which has the same administration.

        Of a document that we have too it is none: then one shop was added twice.
        """
        for other in tenants.everyone(conn):
            operation = operations.by_token(conn, other.id, mark)
            if operation is not None:
                made = documents.get(conn, other.id, operation.document_id)
                return documents.find(conn, self.tenant.id, made.kind, made.shop_id) is None
        return False

    def _report_unseen(self, kind: Kind, summary: Mapping[str, Any], total: Decimal | None) -> None:
        number = str(summary.get("ordernumber_full" if kind == "order" else "invoicenumber_full") or "")
        created = created_at(summary)
        document = documents.document_id(kind, summary["id"])
        facts: dict[str, Fact] = {"document": document, "number": number or document, "shop": _euros(total)}
        date = created.astimezone(self.since.tzinfo).strftime("%Y-%m-%d") if created else ""
        self.found.differences.append(
            Difference("REC101", document, number, date, "", "", total or _ZERO, _ZERO, facts)
        )

    def _report(
        self,
        code: str,
        known: Document | None,
        *,
        in_shop: Decimal | None,
        row: _Row | None = None,
        in_wefact: Decimal | None = None,
        **facts: Fact,
    ) -> None:
        amount = in_wefact if in_wefact is not None else (row.incl if row is not None else None) or _ZERO
        number = (known.number or known.id) if known is not None else ""
        identifier = row.identifier if row is not None else known.identifier if known is not None else ""
        invoice = row.code if row is not None else known.code if known is not None else ""
        moment = known.dated.astimezone(self.since.tzinfo).strftime("%Y-%m-%d") if known is not None else ""
        told: dict[str, Fact] = {
            "document": known.id if known is not None else "",
            "number": number,
            "invoice": invoice or identifier,
            "identifier": identifier,
            "shop": _euros(in_shop),
            "wefact": _euros(amount),
        }
        date = moment or (row.date if row is not None else "")
        document = known.id if known is not None else ""
        self.found.differences.append(
            Difference(
                code, document, number, date, identifier, invoice, in_shop or _ZERO, amount, told | facts
            )
        )

    async def _rows(self) -> dict[str, _Row]:
        """Return WeFact's invoices of these days by Identifier, whatever it makes of the filter."""
        first, last = (
            moment.strftime("%Y-%m-%d") for moment in (self.since, self.until - timedelta(microseconds=1))
        )
        rows: dict[str, _Row] = {}
        async for one in self.wefact.rows("invoice", {"date": {"from": first, "to": last}}):
            row = _row(one)
            if first <= row.date <= last:
                rows[row.identifier] = row
        return rows

    async def _shown(self, identifier: str) -> _Row | None:
        """Return an invoice that the list lacks: it was dated otherwise since, or deleted."""
        shown = await self.wefact.show("invoice", identifier)
        return None if shown is None else _row(shown)

    async def _fetched(self, known: Document) -> Mapping[str, Any] | None:
        """Return a document that the shop's list lacks, or None when the shop has it no more."""
        try:
            get = self.shop.invoice if known.kind == "invoice" else self.shop.order
            return await get(known.shop_id)
        except Refused as error:
            if error.code != "CCV301":
                raise
            return None

    def _ours(self) -> dict[tuple[Kind, int], Document]:
        found: dict[tuple[Kind, int], Document] = {}
        after: str | None = None
        while True:
            with self.database.read() as conn:
                page = listing.page(
                    conn, self.tenant.id, since=self.since, until=self.until, after=after, limit=PAGE
                )
            found |= {(one.kind, one.shop_id): one for one in page.documents}
            after = page.after
            if after is None:
                return found

    def _agreed(self, kind: Kind) -> frozenset[int]:
        with self.database.read() as conn:
            return past.agreed_ids(conn, self.tenant.id, kind, since=self.since, until=self.until)

    def _made(self, identifiers: set[str]) -> dict[str, Operation]:
        with self.database.read() as conn:
            return operations.that_made(conn, self.tenant.id, "invoice", identifiers)

    def _find(self, kind: Kind, shop_id: int) -> Document | None:
        with self.database.read() as conn:
            return documents.find(conn, self.tenant.id, kind, shop_id)


def _windows(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while begin < end:
        stop = min(begin + WINDOW, end)
        yield begin, stop
        begin = stop


def _row(one: Mapping[str, Any]) -> _Row:
    return _Row(
        identifier=text_of(one, "Identifier"),
        code=text_of(one, "InvoiceCode"),
        status=text_of(one, "Status"),
        date=text_of(one, "Date")[:10],
        incl=decimal_of(one, "AmountIncl"),
        tax=decimal_of(one, "AmountTax"),
    )


def _everyone(database: Database) -> list[tuple[str, dict[str, Any]]]:
    """Return the webshops that are not paused, with their settings."""
    with database.read() as conn:
        everyone = [one.id for one in tenants.everyone(conn) if tenants.pause_of(conn, one.id) is None]
        return [(tenant, tenants.settings(conn, tenant)) for tenant in everyone]


def keep(database: Database, tenant: str, found: Comparison, now: datetime) -> int:
    """Keep what was found as the webshop's last comparison; return how many differences nobody accepted."""
    facts: dict[str, Fact] = {name: one["documents"] for name, one in found.counted().items()}
    with database.begin() as conn:
        reconciliations.keep(conn, tenant, found.kept(now), forget_before=now - KEPT)
        journal.append(
            conn, tenant, None, "reconciled", facts | {"differences": len(found.differences)}, now=now
        )
        accepted = reconciliations.accepted(conn, tenant)
    return sum(one.mark not in accepted for one in found.differences)


def _euros(amount: Decimal | None) -> str:
    """Write an amount; one that the shop does not give as a number is unknown."""
    return "€ ?" if amount is None else f"€ {amount:.2f}"
