"""Whether a document of the shop is to be posted now, later, or never (R1, R6, R9, K4). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from mapper import findings, fiscal
from mapper.mapping import Mapped
from mapper.services.ccv_invoices import has_known_type, is_credit

CANCELLED = 8
NOT_COMPLETED, IS_CANCELLED = "not completed (R6)", "cancelled in the shop (R6)"
STATUSES = range(1, 15)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`post`, `open` (not yet: a later look may differ) or `ignore`, with the reason in words the lists show."""

    outcome: Literal["post", "open", "ignore"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A document of the other kind, of the same order, that is in WeFact as `name`; as it was when read `at`."""

    name: str
    at: datetime
    total_incl: Decimal | None = None


def judge(
    kind: str,
    payload: Mapping[str, Any],
    *,
    settings: Mapping[str, Any],
    process_from: datetime,
    posted: Collection[Posted] = (),
    go_live_applies: bool = True,
) -> Verdict:
    """Judge a document of either kind by its tenant's settings."""
    if kind == "invoice":
        return judge_invoice(
            payload,
            mode=settings["mode"],
            process_from=process_from,
            posted=posted,
            go_live_applies=go_live_applies,
        )
    return judge_order(
        payload,
        mode=settings["mode"],
        statuses=settings["statuses"],
        process_from=process_from,
        posted_as=[one.name for one in posted],
        go_live_applies=go_live_applies,
    )


def judge_invoice(
    payload: Mapping[str, Any],
    *,
    mode: str,
    process_from: datetime,
    posted: Collection[Posted] = (),
    go_live_applies: bool = True,
) -> Verdict:
    """Judge a debit or credit invoice: at once, whatever its status (R1). `posted` is its order, posted as such (K4).

    A debit invoice of a posted order would book it twice. A credit invoice made after that order was read, of the
    amount that was posted, is not in the books yet: ignored, the merchant would pay VAT on what was given back. Nor may
    one be ignored that might be such a credit: the rules hold what is neither debit nor credit (I8).
    """
    if posted and has_known_type(payload) and not _gives_back(payload, posted):
        return Verdict("ignore", f"posted as {', '.join(sorted(one.name for one in posted))} (K4)")
    if mode != "invoices":
        return Verdict("ignore", "this shop posts orders, not invoices (R1)")
    if go_live_applies and _is_older(payload, process_from):
        return Verdict("ignore", "older than the go-live (R9)")
    return Verdict("post")


def judge_order(
    payload: Mapping[str, Any],
    *,
    mode: str,
    statuses: Collection[int],
    process_from: datetime,
    posted_as: Collection[str] = (),
    go_live_applies: bool = True,
) -> Verdict:
    """Judge an order. `posted_as` are the invoices of this order that were posted already (K4).

    `go_live_applies` is false when a person asks for exactly this document.
    """
    if posted_as:
        return Verdict("ignore", f"posted as {', '.join(sorted(posted_as))} (K4)")
    if mode == "invoices":
        return Verdict("ignore", "this shop posts invoices, not orders (R1)")
    if payload.get("is_completed") is False:
        return Verdict("ignore", NOT_COMPLETED)
    if _status(payload) == CANCELLED:
        return Verdict("ignore", IS_CANCELLED)
    if go_live_applies and _is_older(payload, process_from):
        return Verdict("ignore", "older than the go-live (R9)")
    return _by_status(payload, statuses) if mode == "order_statuses" else _by_payment(payload)


def created_at(payload: Mapping[str, Any]) -> datetime | None:
    """Return when the shop made the document (aware), or None when it does not say so readably."""
    text = payload.get("create_date")
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "T"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def total_incl(payload: Mapping[str, Any]) -> Decimal | None:
    """Return what the shop says a document comes to, VAT included (O11), in the shop's sign; None: it is no number."""
    total, tax = payload.get("total_price"), payload.get("total_tax")
    if not isinstance(total, int | Decimal) or not isinstance(tax, int | Decimal):
        return None
    return Decimal(total) if payload.get("taxes_included") else Decimal(total) + tax


def signed_total(kind: str, payload: Mapping[str, Any]) -> Decimal | None:
    """Return what a document comes to in the books: a credit invoice gives back, whatever signs the shop has (I8)."""
    total = total_incl(payload)
    return -abs(total) if total is not None and kind == "invoice" and is_credit(payload) else total


def is_of_the_future(payload: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a document is dated later than today anywhere on earth: such a date cannot go into the books."""
    created = created_at(payload)
    return created is not None and created > now + timedelta(days=1)


def is_out_of_the_books(payload: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a document is of a year that tax law lets go: what was posted of it may be forgotten by now (R8)."""
    created = created_at(payload)
    return created is not None and created < fiscal.postable_since(now)


def dated(mapped: Mapped, payload: object, now: datetime) -> Mapped:
    """Return what the rules made of a payload, with an error finding when it is dated in the future.

    The rules know no clock, so that a document of any day maps alike.
    """
    if not isinstance(payload, Mapping) or not is_of_the_future(payload, now):
        return mapped
    facts = {"date": str(payload.get("create_date"))[:40]}
    finding = findings.of_code("PRO216", facts, about="date")
    return replace(mapped, findings=(*mapped.findings, finding))


def _is_older(payload: Mapping[str, Any], process_from: datetime) -> bool:
    """The shop's times have no fractions of a second: a document of the very second of the go-live counts."""
    created = created_at(payload)
    return created is not None and created < process_from.replace(microsecond=0)


def _gives_back(payload: Mapping[str, Any], posted: Collection[Posted]) -> bool:
    """Tell whether a credit invoice is of what was posted, and not contained in it: made later, of the same total."""
    created = created_at(payload)
    if not is_credit(payload) or created is None or any(created <= one.at for one in posted):
        return False
    original = payload.get("original")
    total = total_incl(original) if isinstance(original, Mapping) else None
    return total is None or all(one.total_incl in (None, total) for one in posted)


def _by_payment(payload: Mapping[str, Any]) -> Verdict:
    return Verdict("post") if payload.get("paid") is True else Verdict("open", "not paid yet (R1)")


def _by_status(payload: Mapping[str, Any], statuses: Collection[int]) -> Verdict:
    status = _status(payload)
    if status in statuses:
        return Verdict("post")
    return Verdict("open", f"order status {status if status in STATUSES else 'unknown'} (R1)")


def _status(payload: Mapping[str, Any]) -> int | None:
    text = str(payload.get("status", "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
