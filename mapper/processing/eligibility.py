"""Whether a document of the shop is to be posted now, later, or never (R1, R6, R9, K4). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

CANCELLED = 8
STATUSES = range(1, 15)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`post`, `open` (not yet: a later look may differ) or `ignore`, with the reason in words the lists show."""

    outcome: Literal["post", "open", "ignore"]
    reason: str = ""


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
        return Verdict("ignore", "not completed (R6)")
    if _status(payload) == CANCELLED:
        return Verdict("ignore", "cancelled in the shop (R6)")
    created = created_at(payload)
    # The shop's times have no fractions of a second: an order of the very second of the go-live counts.
    if go_live_applies and created is not None and created < process_from.replace(microsecond=0):
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
