"""CCV Shop's REST API: signed requests and answers, paged collections, rate limits, webhooks.

Written from the documentation's text and real payloads; what is unknown about the service is a switch.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from mapper.errors import PayloadError
from mapper.sandbox import premises
from mapper.sandbox.faults import Controls, Switch
from mapper.sandbox.pages import Refused, filtered_invoices, filtered_orders, page_of
from mapper.sandbox.records import Records, Sold
from mapper.sandbox.shop import KINDS
from mapper.sandbox.webhooks import EVENTS, Webhooks
from mapper.sandbox.wire import AdminError, Answer, Call, Object, parsed, php_json

PUBLIC = "sandbox^public"
SECRET = "sandbox-secret"  # noqa: S105 - the emulator's own, guards nothing
ALLOWED_SKEW = timedelta(minutes=5)

SWITCHES: Mapping[str, Switch] = {
    "check_signature": Switch(True, "refuse requests whose x-public, x-date or x-hash is wrong"),
    "rate_limit": Switch(False, "GET 150 a minute, other methods 100, per method and resource (429.10)"),
    "default_size": Switch(150, "items on a page when the request gives no size"),
    "next": Switch("null", "how the last page says that there is no next", ("null", "absent")),
    "user_id": Switch("string", "type of user.id in new orders", ("string", "int")),
    "discount_sign": Switch("positive", "sign of total_discounts in new orders", ("positive", "negative")),
    "credit_points_sign": Switch(
        "positive", "sign of credit_point_discount in new orders", ("positive", "negative")
    ),
    "credit_counts": Switch(
        "negative",
        "signs on credit invoices: negative counts and totals, negative prices and totals, or none (type credit)",
        ("negative", "prices", "positive"),
    ),
    "invoices_created": Switch(False, "offer the webhook event invoices.created"),
    "orderrow_price": Switch("rows", "what total_orderrow_price adds up", ("rows", "rows_and_shipping")),
    "fees_taxed": Switch(
        "highest", "rate of fees, surcharges and credit points", ("highest", "proportional")
    ),
    "merchant": Switch("object", "shape of /webshops/:id/merchant", ("object", "collection")),
    "home_country": Switch("NL", "the merchant's country_code"),
    "webhooks": Switch(
        "deliver",
        "what happens to webhook deliveries; mixed: by the seed lost, single, doubled or tripled, in any order",
        ("deliver", "lose", "double", "mixed"),
    ),
    "webhook_delay": Switch(0, "seconds before a webhook is delivered; at most, when they are mixed"),
    "webhook_signature": Switch("off", "x-hash on webhook deliveries", ("off", "address-body")),
}

_ORDER_INPUT = {
    "invoicenumber", "paid", "safety_deposit_returned", "total_shipping", "paymethod_costs", "extra_costs",
    "extra_costs_description", "taxes_included", "order_row_taxes_included", "shipping_taxes_included",
    "is_intra_community_order", "currency", "is_platform_sale", "orderedinlng", "status", "track_and_trace_code",
    "track_and_trace_carrier", "deliver_date", "deliver_method", "reservationnumber", "customer",
}  # fmt: skip
_ROOT = {
    "orders": "Orders", "orderrows": "Order rows", "invoices": "Invoices", "invoicerows": "Invoice rows",
    "paymethods": "Payment methods", "webshops": "Webshops", "webhooks": "Webhooks", "apps": "Apps",
}  # fmt: skip
_ELSEWHERE = {
    "users", "usergroups", "products", "categories", "returns", "quotations", "packages", "languages", "labels",
    "credentials", "discountcoupons", "merchant", "status", "ordernotes", "ordermessages", "suppliers",
}  # fmt: skip
_RATE_TEXT = (
    "Each method in each resource has a limit of requests that can be made per minute."
    " Please lower the frequency of your request rate."
)


class CcvShop:
    """The shop behind the API. `secret` signs requests and answers."""

    def __init__(self, *, seed: int, clock: Callable[[], datetime]) -> None:
        self.controls = Controls(SWITCHES, clock)
        self.webhooks = Webhooks(self.controls, seed)
        self.base = ""
        self._seed = seed
        self._records = Records(self.controls, seed, self._fire)
        self.is_app_installed = False
        self._counted: Counter[tuple[str, str, str]] = Counter()

    def labels(self, call: Call) -> Mapping[str, str]:
        """Return nothing: this service is matched by path and method."""
        return {}

    def shown_body(self, call: Call) -> Any:
        """Return the parsed body; it never holds a key."""
        try:
            return parsed(call.body) if call.body else None
        except PayloadError:
            return call.body[:200].decode("latin-1")

    def ban(self) -> Answer:
        """Answer as when the whole API's limit is hit; the shop has no firewall ban."""
        return Answer(429, _error(429, "429.11", "The total limit of the API is reached."))

    def reset(self) -> None:
        """Forget orders, invoices, webhooks and counters."""
        self._records.reset()
        self.webhooks.reset()
        self.is_app_installed = False
        self._counted.clear()

    def objects(self) -> Object:
        """Return everything stored, by kind; orders with their rows."""
        stored = {
            "orders": [self._whole(sold) for sold in self._records.orders.values()],
            "invoices": list(self._records.invoices.values()),
            "webhooks": list(self.webhooks.registered.values()),
        }
        return _linked(stored, self.base)

    def admin(self, call: Call, parts: list[str], body: Any) -> Object:
        """Create, change and delete orders and invoices; show kinds and deliveries."""
        if not isinstance(body, dict):
            raise AdminError("expected a JSON object")
        try:
            return self._administered(call.method, parts, body)
        except KeyError as error:
            raise AdminError(f"there is no {error.args[0]}") from None

    def _administered(self, method: str, parts: list[str], body: Object) -> Object:
        records = self._records
        match method, parts:
            case "GET", ["kinds"]:
                return {"kinds": list(KINDS)}
            case "GET" | "POST", ["deliveries"]:
                return self._delivered(method, body)
            case "POST", ["orders"]:
                count, rows = _count(body.get("count", 1)), _rows(body)
                kind, changes = body.get("kind", "nl_ideal"), _changes(body.get("changes", {}))
                sold = [records.create(str(kind), changes, rows) for _ in range(count)]
                return _linked({"orders": [self._whole(each) for each in sold]}, self.base)
            case "PATCH", ["orders", id]:
                rows = _rows(body)
                bare = {name: value for name, value in body.items() if name != "rows"}
                changes = _changes(body.get("changes", bare))
                return _linked(self._whole(records.change(_key(id), changes, rows)), self.base)
            case "DELETE", ["orders", id]:
                records.delete(_key(id))
                return {}
            case "POST", ["invoices"]:
                changes, rows = _changes(body.get("changes", {})), _rows(body)
                return _linked(records.invoice(_key(body.get("order")), changes, rows), self.base)
            case "PATCH", ["invoices", id]:
                return _linked(
                    records.change_invoice(_key(id), _changes(body.get("changes", body))), self.base
                )
            case "DELETE", ["invoices", id]:
                records.delete_invoice(_key(id))
                return {}
            case _:
                raise AdminError(f"no admin request {method} {'/'.join(parts)}")

    def _delivered(self, method: str, body: Object) -> Object:
        if method == "GET":
            return _linked({"deliveries": list(self.webhooks.deliveries)}, self.base)
        return {
            "sent": self.webhooks.forge(_key(body["forge"])) if "forge" in body else self.webhooks.again()
        }

    def answer(self, call: Call) -> Answer:
        """Execute a request of the shop's API; the answer is signed over its exact bytes."""
        try:
            answer = self._executed(call)
        except Refused as refusal:
            answer = Answer(refusal.status, _error(refusal.status, refusal.code, refusal.text))
        except KeyError:
            answer = Answer(404, _error(404, "404.10", "The requested item does not exist."))
        date = self.controls.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = {
            "x-date": date,
            "x-hash": signature(PUBLIC, SECRET, call.method, call.target, answer.body, date),
        }
        return Answer(answer.status, answer.body, answer.content_type, signed)

    def _executed(self, call: Call) -> Answer:
        parts = call.parts
        if parts[:3] != ["api", "rest", "v1"]:
            raise Refused(404, "404.20", "The resource does not exist.")
        if self.controls["check_signature"]:
            self._check_signature(call)
        if self.controls["rate_limit"]:
            self._check_rate(call.method, _resource(parts[3:]))
        result = self._routed(call, parts[3:])
        if result is None:
            return Answer(204)
        status = 201 if call.method == "POST" else 200
        return Answer(status, php_json(_linked(result, self.base)).encode())

    def _check_signature(self, call: Call) -> None:
        public, date = call.headers.get("x-public", ""), call.headers.get("x-date", "")
        expected = signature(PUBLIC, SECRET, call.method, call.target, call.body, date)
        if not hmac.compare_digest(public.encode(), PUBLIC.encode()):
            raise Refused(401, "401.10", "The public key is unknown.")
        try:
            sent = datetime.fromisoformat(date)
        except ValueError:
            raise Refused(401, "401.20", "The x-date header is not a date.") from None
        sent = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
        if abs(self.controls.clock() - sent) > ALLOWED_SKEW:
            raise Refused(
                401, "401.20", "The x-date header differs more than 5 minutes from the server's time."
            )
        if not hmac.compare_digest(call.headers.get("x-hash", "").encode(), expected.encode()):
            raise Refused(401, "401.30", "The x-hash header does not fit the request.")

    def _check_rate(self, method: str, resource: str) -> None:
        minute = self.controls.clock().strftime("%Y-%m-%dT%H:%M")
        self._counted = Counter({key: count for key, count in self._counted.items() if key[2] == minute})
        self._counted[method, resource, minute] += 1
        if self._counted[method, resource, minute] > (150 if method == "GET" else 100):
            raise Refused(429, "429.10", _RATE_TEXT)

    def _routed(self, call: Call, parts: list[str]) -> Object | None:
        records, query = self._records, call.query
        match call.method, parts:
            case "GET", []:
                return _listed("", [_root_item(name, title) for name, title in _ROOT.items()])
            case "GET", ["orders"]:
                found = filtered_orders([sold.order for sold in records.orders.values()], query)
                return self._page(call, found)
            case "GET", ["orders", id]:
                return records.orders[_key(id)].order
            case "PATCH", ["orders", id]:
                changes = {name: value for name, value in _body(call).items() if name in _ORDER_INPUT}
                records.change(_key(id), changes)
                return None
            case "GET", ["orders", id, "orderrows"]:
                return self._page(call, records.orders[_key(id)].rows)
            case "GET", ["orderrows", id]:
                return records.row(_key(id))
            case "POST", ["orders", id, "invoices"]:
                return records.invoice(_key(id), {})
            case _, ["invoices" | "invoicerows", *_]:
                return self._invoices(call, parts)
            case _, ["webhooks", *_]:
                return self._webhooks(call, parts)
            case _:
                return self._shop(call, parts)

    def _invoices(self, call: Call, parts: list[str]) -> Object | None:
        records = self._records
        match call.method, parts:
            case "GET", ["invoices"]:
                return self._page(call, filtered_invoices(list(records.invoices.values()), call.query))
            case "GET", ["invoices", id]:
                return records.invoices[_key(id)]
            case "PATCH", ["invoices", id]:
                names = {"status", "payment_link_sent", "external_reference"}
                changes = {name: value for name, value in _body(call).items() if name in names}
                records.change_invoice(_key(id), changes)
                return None
            case "GET", ["invoices", id, "invoicerows"]:
                return self._page(call, records.invoice_rows[_key(id)])
            case "GET", ["invoicerows", id]:
                every = [row for rows in records.invoice_rows.values() for row in rows]
                return {row["id"]: row for row in every}[_key(id)]
        raise Refused(405, "405.10", "Method not allowed.")

    def _webhooks(self, call: Call, parts: list[str]) -> Object | None:
        registered = self.webhooks.registered
        match call.method, parts:
            case "GET", ["webhooks"]:
                return self._page(call, list(registered.values()))
            case "POST", ["webhooks"]:
                body = _body(call)
                event, address = body.get("event"), body.get("address")
                offered = (*EVENTS, "invoices.created") if self.controls["invoices_created"] else EVENTS
                if not isinstance(event, str) or event not in offered or not _is_address(address):
                    raise Refused(400, "400.10", "The JSON does not match the schema: event, address.")
                return self.webhooks.register(event, address, active=body.get("is_active", True) is True)
            case "GET", ["webhooks", id]:
                return registered[_key(id)]
            case "PATCH", ["webhooks", id]:
                body = _body(call)
                if not _is_address(body.get("address", "http://unchanged")):
                    raise Refused(400, "400.10", "The JSON does not match the schema: address.")
                registered[_key(id)] |= {
                    name: body[name] for name in ("address", "is_active") if name in body
                }
                return None
            case "DELETE", ["webhooks", id]:
                del registered[_key(id)]
                return None
        raise Refused(405, "405.10", "Method not allowed.")

    def _shop(self, call: Call, parts: list[str]) -> Object | None:
        if call.method == "PATCH" and parts == ["apps", str(premises.APP_ID)]:
            self.is_app_installed = _body(call).get("is_installed") is True
            return None
        if parts[0] in _ELSEWHERE:
            raise Refused(501, "501.20", "Resource not implemented.")
        if parts[0] not in _ROOT:
            raise Refused(404, "404.20", "The resource does not exist.")
        if call.method != "GET":
            raise Refused(405, "405.10", "Method not allowed.")
        merchant = premises.merchant(self.controls["home_country"])
        if self.controls["merchant"] == "collection":
            merchant = _listed(merchant["href"], [merchant])
        shop, app = f"webshops/{premises.SHOP_ID}", premises.app(installed=self.is_app_installed)
        return {
            "paymethods": _listed("paymethods/", premises.paymethods()),
            "webshops": _listed("webshops/", [premises.webshop(self.base)]),
            shop: premises.webshop(self.base),
            f"{shop}/merchant": merchant,
            f"{shop}/settings": premises.settings(),
            "apps": _listed("apps/", [app]),
            f"apps/{premises.APP_ID}": app,
        }["/".join(parts)]

    def _page(self, call: Call, items: list[Object]) -> Object:
        path = "/".join(call.parts[3:]) + "/"
        default = int(self.controls["default_size"])
        absent = self.controls["next"] == "absent"
        return page_of(items, path, call.query, default_size=default, absent_next=absent)

    def _whole(self, sold: Sold) -> Object:
        return {**sold.order, "rows": sold.rows}

    def _fire(self, event: str, body: Mapping[str, Any]) -> None:
        self.webhooks.fire(event, _linked(dict(body), self.base))


def signature(public: str, secret: str, method: str, target: str, body: bytes, date: str) -> str:
    """Return the x-hash of a request, or of the answer to it (with the answer's body and date)."""
    message = b"|".join((public.encode(), method.encode(), target.encode("latin-1"), body, date.encode()))
    return hmac.new(secret.encode(), message, hashlib.sha512).hexdigest()


def _linked(value: Mapping[str, Any], base: str) -> Object:
    """Complete the links: paths of resources become addresses of this shop."""
    return {name: _completed(item, name, base) for name, item in value.items()}


def _completed(value: Any, name: str, base: str) -> Any:
    if isinstance(value, Mapping):
        return _linked(value, base)
    if isinstance(value, list):
        return [_completed(item, name, base) for item in value]
    return _address(value, base) if isinstance(value, str) and name in _LINK_NAMES else value


_LINK_NAMES = {
    "href", "uri", "first", "previous", "next", "product_href", "order", "packing_slip_deeplink", "deeplink",
    "download_link",
}  # fmt: skip


def _address(path: str, base: str) -> str:
    if "://" in path:
        return path
    return base + path if path.startswith("/") else f"{base}/api/rest/v1/{path}"


def _resource(parts: list[str]) -> str:
    names = [part for part in parts if not part.isdigit()]
    return names[-1] if names else ""


def _listed(path: str, items: list[Object]) -> Object:
    return {"href": path, "items": items}


def _root_item(name: str, title: str) -> Object:
    return {"href": f"{name}/", "title": title, "description": "", "uri": f"{name}/"}


def _error(status: int, code: str, text: str) -> bytes:
    return php_json({"status": status, "code": code, "developermessage": text}).encode()


def _body(call: Call) -> Object:
    try:
        body = parsed(call.body)
    except PayloadError:
        raise Refused(400, "400.10", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "400.10", "The JSON does not match the schema.")
    return body


def _is_address(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and value.startswith(("http://", "https://"))


def _key(given: Any) -> int:
    text = str(given)
    if not text.isdecimal() or len(text) > 18:
        raise KeyError(text[:40])
    return int(text)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5000:
        raise AdminError("'count' is a number from 1 to 5000")
    return value


def _changes(value: Any) -> Object:
    if not isinstance(value, dict):
        raise AdminError("'changes' is an object")
    return value


def _rows(body: Object) -> list[Object] | None:
    rows = body.get("rows")
    if rows is not None and not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        raise AdminError("'rows' is a list of objects")
    for row in rows or []:
        options = row.get("attributes", [])
        if not (isinstance(options, list) and all(isinstance(option, dict) for option in options)):
            raise AdminError("'attributes' of a row is a list of objects")
    return rows
