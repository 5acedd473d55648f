"""What the services hold, compared: exactly one invoice, of the right amount, for every order, and for nothing else.

It knows nothing of the mapper: its evidence is what the shop sold, what WeFact stores and mailed, and the log of the
calls that WeFact got.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

CANCELLED = 8
# VAT may differ from the shop's once-rounded figure by a cent per rate but the first (spec K1).
VAT_TOLERANCE = Decimal("0.02")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Order numbers where something is wrong; `orders` and `invoices` count all there are.

    `foreign`: invoices of no eligible order. `wrong`: another amount, or another customer's debtor. `debtors`: e-mail
    addresses with more than one. `mails`: not exactly one mail. `tidied`: calls that change or delete what was made.
    """

    orders: int
    invoices: int
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    debtors: tuple[str, ...] = ()
    mails: tuple[str, ...] = ()
    tidied: tuple[str, ...] = ()

    @property
    def faults(self) -> dict[str, tuple[str, ...]]:
        """Return what is wrong, by kind."""
        names = ("lost", "doubled", "foreign", "wrong", "debtors", "mails", "tidied")
        return {name: found for name in names if (found := getattr(self, name))}


def judge(shop: Row, wefact: Row, calls: Iterable[Row], *, by_hand: Collection[str] = ()) -> Verdict:
    """Compare the objects of both services, and WeFact's log; every invoice is to be mailed.

    `by_hand`: Identifiers of invoices that the merchant made.
    """
    sold = {one["ordernumber_full"]: one for one in _rows(shop, "orders") if _is_eligible(one)}
    debtors = {
        str(one["Identifier"]): str(one["EmailAddress"]).casefold() for one in _rows(wefact, "debtors")
    }
    invoices = [one for one in _rows(wefact, "invoices") if str(one["Identifier"]) not in by_hand]
    counted = Counter(one["ReferenceNumber"] for one in invoices)
    mails = Counter(str(one["Identifier"]) for one in _rows(wefact, "outbox"))
    return Verdict(
        orders=len(sold),
        invoices=len(invoices),
        lost=tuple(number for number in sold if not counted[number]),
        doubled=tuple(number for number in counted if counted[number] > 1 and number in sold),
        foreign=tuple(number for number in counted if number not in sold),
        wrong=tuple(
            one["ReferenceNumber"]
            for one in invoices
            if (order := sold.get(one["ReferenceNumber"])) and not _is_right(order, one, debtors)
        ),
        debtors=tuple(email for email, times in Counter(debtors.values()).items() if times > 1),
        mails=tuple(one["ReferenceNumber"] for one in invoices if mails[str(one["Identifier"])] != 1),
        tidied=tuple(
            f"{call['controller']}/{call['action']}" for call in calls if call["action"] in {"edit", "delete"}
        ),
    )


def _is_eligible(order: Row) -> bool:
    return bool(order["is_completed"] and order["paid"] and order["status"] != CANCELLED)


def _is_right(order: Row, invoice: Row, debtors: Mapping[str, str]) -> bool:
    total, vat = Decimal(str(order["total_price"])), Decimal(str(order["total_tax"]))
    gross = total if order["taxes_included"] else total + vat
    return (
        Decimal(str(invoice["AmountIncl"])) == gross
        and abs(Decimal(str(invoice["AmountTax"])) - vat) <= VAT_TOLERANCE
        and debtors.get(str(invoice["Debtor"])) == str(order["customer"]["email"]).casefold()
    )


def _rows(objects: Row, kind: str) -> Sequence[Row]:
    stored = objects[kind]
    return list(stored.values()) if isinstance(stored, Mapping) else list(stored)
