"""What CCV Shop's invoices leave to be worked out: which are credits, of which order, and what a credit corrects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

# What the API has on an order, but not on its invoices (ccv-api 3.8).
FROM_ORDER = ("paymethod", "paymethod_id", "deliver_method", "pickup_address", "is_platform_sale")


def is_credit(invoice: Mapping[str, Any]) -> bool:
    """Tell a credit invoice: by its type, or by a negative total, since no source shows the type's literals."""
    return str(invoice.get("type") or "").lower() == "credit" or _total(invoice) < 0


def order_id(invoice: Mapping[str, Any]) -> int | None:
    """Return the id of an invoice's order from the order's address, or None when it has none."""
    address = invoice.get("order")
    last = address.rstrip("/").rpartition("/")[2] if isinstance(address, str) else ""
    return int(last) if last.isascii() and last.isdigit() and len(last) < 16 else None


def credited_by(credit: Mapping[str, Any], of_its_order: Iterable[Json]) -> Json:
    """Return `original` and `creditable` of a credit invoice, from the invoices of its order; nothing without a debit.

    `original` is the newest debit invoice before it. `creditable` is what the invoices before it add up to, in the
    terms of `total_price`: more than that cannot be given back.
    """
    earlier = [one for one in of_its_order if one.get("id") != credit.get("id") and _age(one) <= _age(credit)]
    debits = [one for one in earlier if not is_credit(one)]
    if not debits:
        return {}
    amounts = [(-1 if is_credit(one) else 1) * abs(_total(one)) for one in earlier]
    return {"original": max(debits, key=_age), "creditable": sum(amounts, Decimal(0))}


def _total(invoice: Mapping[str, Any]) -> Decimal:
    total = invoice.get("total_price")
    return Decimal(total) if isinstance(total, int | Decimal) else Decimal(0)


def _age(invoice: Mapping[str, Any]) -> tuple[str, int]:
    """Return what sorts invoices by time; dates of one shop are written alike, and ids rise."""
    return str(invoice.get("create_date") or ""), int(str(invoice["id"]))
