"""What a document was mapped to, kept in the store: the requests that are sent are exactly those that were checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from mapper.mapping import Expectation, Request, Search


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests by role. A fixed debtor (W15) needs no debtor request; products and send are optional."""

    debtor: Request | None
    products: tuple[Request, ...]
    invoice: Request
    send: Request | None


def plan_of(requests: Sequence[Request]) -> Plan:
    """Sort requests by role. Raises ValueError when there is not exactly one invoice."""
    invoices = [request for request in requests if request.name == "invoice"]
    if len(invoices) != 1:
        raise ValueError(f"{len(invoices)} invoices for one document")
    return Plan(
        debtor=next((request for request in requests if request.name == "debtor"), None),
        products=tuple(request for request in requests if request.name == "product"),
        invoice=invoices[0],
        send=next((request for request in requests if request.name == "send"), None),
    )


def as_draft(requests: Sequence[Request]) -> tuple[Request, ...]:
    """Return the requests for a draft that is not mailed: what VIES could not confirm is for a person to release.

    WeFact forbids an own InvoiceCode and payment facts on drafts (wefact-api 2.2.3).
    """
    kept = [request for request in requests if request.name != "send"]
    return tuple(_draft(request) if request.name == "invoice" else request for request in kept)


def to_json(request: Request) -> dict[str, Any]:
    """Return a request as JSON-able values, with amounts as they are (the store keeps Decimals exactly)."""
    return {
        "name": request.name,
        "controller": request.controller,
        "action": request.action,
        "params": request.params,
        "slots": sorted(request.slots),
        "find": None if request.find is None else _search_to_json(request.find),
        "expect": [
            {"field": one.field, "amount": str(one.amount), "tolerance": str(one.tolerance)}
            for one in request.expect
        ],
    }


def from_json(stored: Mapping[str, Any]) -> Request:
    """Return the request that `to_json` wrote."""
    find = stored["find"]
    return Request(
        name=stored["name"],
        controller=stored["controller"],
        action=stored["action"],
        params=stored["params"],
        slots=frozenset(stored["slots"]),
        find=None if find is None else Search(**{**find, "slots": frozenset(find["slots"])}),
        expect=tuple(
            Expectation(one["field"], Decimal(one["amount"]), Decimal(one["tolerance"]))
            for one in stored["expect"]
        ),
    )


def _search_to_json(search: Search) -> dict[str, Any]:
    return {
        "controller": search.controller,
        "action": search.action,
        "params": search.params,
        "same": dict(search.same),
        "slots": sorted(search.slots),
    }


def _draft(invoice: Request) -> Request:
    dropped = {"InvoiceCode", "PaymentMethod", "PayDate", "AmountPaid"}
    params = {name: value for name, value in invoice.params.items() if name not in dropped}
    return replace(invoice, params=params | {"Status": type(invoice.params.get("Status", "0"))(0)})
