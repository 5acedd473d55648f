"""What CCV Shop's invoices leave to be worked out: which are credits, of which order, and what a credit corrects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

_ZERO = Decimal(0)

# What the API has on an order, but not on its invoices (ccv-api 3.8).
FROM_ORDER = ("paymethod", "paymethod_id", "deliver_method", "pickup_address", "is_platform_sale")

_FEES = ("paymethod_costs", "extra_payment_option_price", "extra_costs")


def is_credit(invoice: Mapping[str, Any]) -> bool:
    """Tell a credit invoice: by its type, or by a negative total, since no source shows the type's literals."""
    return str(invoice.get("type") or "").lower() == "credit" or _amount(invoice, "total_price") < 0


def has_known_type(invoice: Mapping[str, Any]) -> bool:
    """Tell whether an invoice is known to be a debit or a credit."""
    return is_credit(invoice) or _is_debit(invoice)


def order_id(invoice: Mapping[str, Any]) -> int | None:
    """Return the id of an invoice's order from the order's address, or None when it has none."""
    address = invoice.get("order")
    last = address.rstrip("/").rpartition("/")[2] if isinstance(address, str) else ""
    return int(last) if last.isascii() and last.isdigit() and len(last) < 16 else None


def credited_by(credit: Mapping[str, Any], of_its_order: Iterable[Json]) -> Json:
    """Return what a credit invoice corrects, from the invoices of its order; nothing without a debit.

    `original` is the newest debit invoice before it. `creditable` is what the invoices before it add up to, in euros
    with VAT, and `creditable_vat` the VAT in it: more than that cannot be given back. An invoice that is not known to
    be a debit takes from what is left; `earlier_credits` counts those.
    """
    earlier = earlier_than(credit, of_its_order)
    debits = [one for one in earlier if _is_debit(one)]
    if not debits:
        return {}
    return {
        "original": max(debits, key=_age),
        "creditable": sum((_sign(one) * total_incl(one) for one in earlier), _ZERO),
        "creditable_vat": sum((_sign(one) * _amount(one, "total_tax") for one in earlier), _ZERO),
        "earlier_credits": len(earlier) - len(debits),
    }


def earlier_than(credit: Mapping[str, Any], of_its_order: Iterable[Json]) -> list[Json]:
    """Return the invoices of an order that were there before one of them."""
    return [one for one in of_its_order if one.get("id") != credit.get("id") and _age(one) <= _age(credit)]


def creditable_rates(
    credit: Mapping[str, Any], earlier: Iterable[tuple[Json, Sequence[Json]]]
) -> list[Json] | None:
    """Return what earlier invoices, given with their rows, leave to credit at each VAT percentage.

    One object each: `rate` as the shop writes it, and `amount` in euros, with VAT or without as the rows have it: that
    of rows and shipping costs, and the fees, since the shop does not state their rate. So it may be too much, never too
    little. None where the invoices state their rows in different ways.
    """
    left: dict[Decimal, Decimal] = {}
    fees = _ZERO
    for invoice, rows in earlier:
        if invoice.get("invoice_row_taxes_included") != credit.get("invoice_row_taxes_included"):
            return None
        given = [(_amount(row, "tax"), _row_amount(row)) for row in rows]
        way = 1 if _is_debit(invoice) else -1
        # A credit may sign its rows either way; what it keeps has the other sign than what it gives back.
        rows_way = way if way > 0 or sum(amount for _, amount in given) > 0 else -way
        for rate, amount in given:
            left[rate] = left.get(rate, _ZERO) + rows_way * amount
        rate = _amount(invoice, "shipping_tax_percentage")
        if shipping := abs(_amount(invoice, "total_shipping")):
            left[rate] = left.get(rate, _ZERO) + way * shipping
        fees += way * sum((abs(_amount(invoice, name)) for name in _FEES), _ZERO)
    return [{"rate": rate, "amount": amount + fees} for rate, amount in left.items()]


def total_incl(invoice: Mapping[str, Any]) -> Decimal:
    """Return an invoice's total with VAT, in euros, with the sign that the shop gives it."""
    total = _amount(invoice, "total_price")
    return total if invoice.get("taxes_included") else total + _amount(invoice, "total_tax")


def _is_debit(invoice: Mapping[str, Any]) -> bool:
    return str(invoice.get("type") or "").lower() == "debit" and not is_credit(invoice)


def _sign(invoice: Mapping[str, Any]) -> int:
    """Return what turns the amounts of an invoice into those that were charged: negative for a credit."""
    return 1 if _is_debit(invoice) or _amount(invoice, "total_price") < 0 else -1


def _amount(invoice: Mapping[str, Any], name: str) -> Decimal:
    amount = invoice.get(name)
    return Decimal(amount) if isinstance(amount, int | Decimal) else _ZERO


def _row_amount(row: Mapping[str, Any]) -> Decimal:
    return (_amount(row, "price_with_attributes") or _amount(row, "selling_price")) * _amount(row, "count")


def _age(invoice: Mapping[str, Any]) -> tuple[str, int]:
    """Return what sorts invoices by time; dates of one shop are written alike, and ids rise."""
    return str(invoice.get("create_date") or ""), int(str(invoice["id"]))
