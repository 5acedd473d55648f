"""Filters, sorting and pages of CCV Shop's collections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from mapper.sandbox.wire import Object

MAX_SIZE = 250


class Refused(Exception):
    """A request that the shop answers with an error body."""

    def __init__(self, status: int, code: str, text: str) -> None:
        self.status, self.code, self.text = status, code, text
        super().__init__(text)


def page_of(
    items: list[Object], path: str, query: Mapping[str, str], *, default_size: int, absent_next: bool
) -> Object:
    """Return one page. There is no total; `next` is null or absent on the last page, both are seen."""
    start = _whole(query, "start", 0)
    size = min(max(_whole(query, "size", default_size), 1), MAX_SIZE)
    filters = {name: value for name, value in query.items() if name not in {"start", "size"}}

    def link(offset: int) -> str:
        return f"{path}?{urlencode({**filters, 'start': offset, 'size': size})}"

    page: Object = {
        "start": start, "size": size, "href": link(start), "first": link(0) if start else None,
        "previous": link(max(start - size, 0)) if start else None,
    }  # fmt: skip
    if start + size < len(items):
        page["next"] = link(start + size)
    elif not absent_next:
        page["next"] = None
    return page | {"items": items[start : start + size]}


def filtered_orders(orders: list[Object], query: Mapping[str, str]) -> list[Object]:
    """Return the orders that the documented filters leave; unknown parameters are ignored."""
    completed = _flag(query.get("is_completed", "true"))
    found = [order for order in orders if order["is_completed"] == completed]
    if "is_paid" in query:
        paid = _flag(query["is_paid"])
        found = [order for order in found if order["paid"] == paid]
    equal = {"status": "status", "ordernumber": "ordernumber", "paymethod_id": "paymethod_id",
             "transaction_id": "transaction_id", "deliver_date": "deliver_date"}  # fmt: skip
    found = _equal(found, query, equal)
    found = _created(found, query)
    return _sorted(found, query, ("id", "ordernumber", "create_date", "deliver_date"))


def filtered_invoices(invoices: list[Object], query: Mapping[str, str]) -> list[Object]:
    """Return the invoices that the documented filters leave; unknown parameters are ignored."""
    names = ("invoicenumber", "invoicenumber_full", "ordernumber", "ordernumber_full", "status")
    found = _created(_equal(invoices, query, {name: name for name in names}), query)
    return _sorted(found, query, ("id", "create_date", *names, "total_price"))


def _equal(items: list[Object], query: Mapping[str, str], names: Mapping[str, str]) -> list[Object]:
    wanted = {field: query[name] for name, field in names.items() if name in query}
    return [item for item in items if all(str(item[field]) == value for field, value in wanted.items())]


def _created(items: list[Object], query: Mapping[str, str]) -> list[Object]:
    """Both bounds belong to the window, and are UTC as the field is; the documentation leaves both open."""
    earliest, latest = _moment(query.get("min_create_date")), _moment(query.get("max_create_date"))
    return [
        item
        for item in items
        if (earliest is None or earliest <= _time(item)) and (latest is None or _time(item) <= latest)
    ]


def _sorted(items: list[Object], query: Mapping[str, str], names: tuple[str, ...]) -> list[Object]:
    wanted = query.get("orderby", "id")
    field = wanted.removesuffix("_desc")
    if field not in names:
        raise Refused(400, "400.10", "orderby: unknown field.")
    value: Callable[[Object], Any] = lambda item: (item[field] is not None, item[field] or 0, item["id"])  # noqa: E731
    return sorted(items, key=value, reverse=wanted.endswith("_desc"))


def _time(item: Object) -> datetime:
    """Return when an item was made; one whose date is nonsense is older than everything."""
    try:
        return datetime.fromisoformat(str(item["create_date"])).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "400.10", "A date is not a date.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise Refused(400, "400.10", "A flag is true or false.")
    return text.lower() in {"true", "1"}


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or len(text) > 9:
        raise Refused(400, "400.10", f"{name}: not a number.")
    return int(text)
