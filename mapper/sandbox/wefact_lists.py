"""WeFact's `list` actions: search, filters, ranges, order, pages, and the echo of what was asked."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from mapper.sandbox import wefact_shapes as shapes
from mapper.sandbox.faults import Controls
from mapper.sandbox.wefact_failures import Failed
from mapper.sandbox.wire import Object

MAX_ROWS = 1000

# Controller: rows' key, columns of a row, default search, default sort and order.
LISTS: dict[str, tuple[str, list[str], str, str, str]] = {
    "debtor": ("debtors", shapes.DEBTOR_ROW, "DebtorCode|CompanyName|SurName", "DebtorCode", "ASC"),
    "product": (
        "products",
        shapes.PRODUCT_ROW,
        "ProductCode|ProductName|ProductKeyPhrase",
        "ProductCode",
        "ASC",
    ),
    "invoice": ("invoices", shapes.INVOICE_ROW, "InvoiceCode|CompanyName|SurName", "InvoiceCode", "DESC"),
}
_SEARCHABLE = {
    "debtor": {*shapes.DEBTOR_ROW, *shapes.DEBTOR_TEXTS} - {"Comment"},
    "product": {*shapes.PRODUCT_ROW},
    "invoice": {*shapes.INVOICE_ROW, "ReferenceNumber"},
}
_EXACT = {"Debtor", "Identifier"}
_RANGES = ("created", "modified", "date", "paybefore", "paydate")
_ECHOED = ("offset", "limit", "sort", "order", "searchat", "searchfor", "status", "group", *_RANGES)
_RANGE_FIELDS = {"created": "Created", "modified": "Modified", "date": "Date", "paybefore": "PayBefore",
                 "paydate": "PayDate"}  # fmt: skip


def listing(controller: str, stored: list[Object], asked: Object, controls: Controls) -> Object:
    """Return the answer to a list. Without rows there is no rows key at all, and no total beyond the last page."""
    plural, columns, search, sort, order = LISTS[controller]
    found = _searched(controller, stored, asked, search, controls)
    if controller == "invoice" and asked.get("status") not in (None, ""):
        wanted = str(asked["status"]).split("|")
        found = [each for each in found if each["Status"] in wanted]
    for name in _RANGES if controls["date_ranges"] else ():
        found = [each for each in found if _within(each, _RANGE_FIELDS[name], asked.get(name))]
    column = str(asked.get("sort") or sort)
    descending = str(asked.get("order") or order).upper() == "DESC"
    found.sort(key=_sort_key(column if column in columns else sort), reverse=descending)
    offset = _whole(asked, "offset", 0)
    rows = found[offset : offset + min(_whole(asked, "limit", MAX_ROWS), MAX_ROWS)]
    total = len(found) if rows else 0
    answer: Object = {"totalresults": total, "currentresults": len(rows), "offset": offset}
    echo = {name: _echoed(asked[name]) for name in _ECHOED if name in asked}
    if echo:
        answer["filters"] = echo
    if rows:
        answer[plural] = [{name: each.get(name, "") for name in columns} for each in rows]
    return answer


def _searched(
    controller: str, stored: list[Object], asked: Object, default: str, controls: Controls
) -> list[Object]:
    wanted = str(asked.get("searchfor") or "").lower()
    if not wanted:
        return list(stored)
    known = _SEARCHABLE[controller] - (set() if controls["search_reference"] else {"ReferenceNumber"})
    columns = str(asked.get("searchat") or default).split("|")
    if not set(columns) <= known:
        if controls["unknown_column"] == "error":
            raise Failed("Invalid searchat")
        if controls["unknown_column"] == "all":
            return list(stored)
    columns = [column for column in columns if column in known]
    return [each for each in stored if any(_hit(each, column, wanted) for column in columns)]


def _hit(each: Object, column: str, wanted: str) -> bool:
    value = str(each.get(column, "")).lower()
    return value == wanted if column in _EXACT else wanted in value


def _within(each: Object, field: str, window: Any) -> bool:
    if not isinstance(window, dict):
        return True
    value = str(each.get(field, ""))
    earliest, latest = str(window.get("from") or ""), str(window.get("to") or "")
    return (not earliest or value >= earliest) and (not latest or value <= latest)


def _sort_key(column: str) -> Callable[[Object], Any]:
    def key(each: Object) -> Any:
        value = str(each.get(column, ""))
        try:
            return (0, Decimal(value), int(each["Identifier"]))
        except InvalidOperation:
            return (1, value.lower(), int(each["Identifier"]))

    return key


def _whole(asked: Object, name: str, default: int) -> int:
    text = str(asked.get(name, default))
    return int(text) if text.isdecimal() and len(text) < 10 else default


def _echoed(value: Any) -> Any:
    return {name: str(item) for name, item in value.items()} if isinstance(value, dict) else str(value)
