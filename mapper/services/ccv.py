"""The client of CCV Shop's REST API: signed requests, signed answers, paging."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from mapper.diagnostics import printable
from mapper.errors import Fact, PayloadError, Refused, ServiceError, Temporary, Unauthorised
from mapper.money import loads
from mapper.services.ccv_invoices import (
    FROM_ORDER,
    creditable_rates,
    credited_by,
    earlier_than,
    is_credit,
    order_id,
)
from mapper.services.http import NoReply, Reply, Secret, exchange, quickly

PREFIX = "/api/rest/v1"
# The service's default and maximum are unpublished; 100 is in production use elsewhere.
PAGE_SIZE = 100
MAX_PAGES = 1000
MAX_ROWS = 5000
SENTENCE_CHARACTERS = 300
# The service refuses requests whose x-date is more than five minutes off.
CLOCK_SECONDS = 270
RATE_SECONDS = 60

_QUICK = frozenset({"CCV101", "CCV102", "CCV103"})
# HTTP 500 with these is a final no: exists already, same value, limit, not allowed, too big, app missing.
_FINAL_CODES = frozenset({"500.40", "500.50", "500.60", "500.70", "500.80", "500.90"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a signature covers of a request, and how errors and logs name it."""

    method: str
    target: bytes
    resource: str

    @property
    def action(self) -> str:
        return f"{self.method} {self.resource}"


class CcvShop:
    """One shop. `api_root` is its address without `/api`; `public` and `secret` are its key pair.

    Every method may raise Temporary (CCV101-108), Unauthorised (CCV201-204) and Refused (CCV301-307), and
    PayloadError when a correctly signed answer holds NaN, a key twice, or unreadable numbers.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        api_root: str,
        public: str,
        secret: Secret,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._root = _root(api_root)
        self._host = printable(urlsplit(self._root).netloc, 100)
        # A pasted quote or line break fits no header, and no key.
        if not (public.isascii() and public.isprintable() and public):
            raise Unauthorised("CCV204", shop=self._host)
        self._public = public
        self._secret = secret
        self._now = now
        self._jitter = jitter

    async def order(self, id: int) -> Json:
        """Return an order with all its rows merged in as `rows`; at most 5,000 of them (else CCV303)."""
        order = await self._with_id(f"/orders/{id}/", id)
        return order | {"rows": await self._rows(f"/orders/{id}/orderrows/", id)}

    async def orders(
        self,
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        is_paid: bool | None = None,
    ) -> AsyncIterator[Json]:
        """Yield completed orders without rows, by rising id; times without a zone are taken as UTC."""
        query = _window(created_from, created_to)
        if is_paid is not None:
            query["is_paid"] = "true" if is_paid else "false"
        async for order in self._pages("/orders/", query):
            yield order

    async def invoice(self, id: int) -> Json:
        """Return an invoice with all its rows as `rows` and what the API has on its order only (ccv-api 3.8).

        Of the order: paymethod, paymethod_id, deliver_method, pickup_address and is_platform_sale, absent when the
        order is gone. A credit invoice also gets what `credited_by` finds among the invoices of its order: `original`,
        `creditable`, `creditable_vat`, `earlier_credits`; and `creditable_rates`.
        """
        invoice = await self._with_id(f"/invoices/{id}/", id)
        invoice |= {"rows": await self._rows(f"/invoices/{id}/invoicerows/", id)}
        order = await self._order_of(invoice)
        invoice |= {name: order[name] for name in FROM_ORDER if name in order}
        return invoice | (await self._credited(invoice) if is_credit(invoice) else {})

    async def invoices(
        self, *, created_from: datetime | None = None, created_to: datetime | None = None
    ) -> AsyncIterator[Json]:
        """Yield debit and credit invoices without rows, by rising id; times without a zone are taken as UTC."""
        async for invoice in self._pages("/invoices/", _window(created_from, created_to)):
            yield invoice

    async def external_reference(self, id: int) -> str:
        """Return the reference at a third party that an invoice carries; empty when it has none."""
        invoice = await self._with_id(f"/invoices/{id}/", id)
        return str(invoice.get("external_reference") or "")

    async def set_external_reference(self, id: int, text: str) -> None:
        """Write the invoice's reference at a third party. Never retried inside; the same text twice does no harm."""
        body = json.dumps({"external_reference": text}).encode()
        await self._call("PATCH", f"/invoices/{id}/", body=body)

    async def webshop(self) -> Json:
        """Return the shop behind the key; the first when there are several."""
        return self._first("/webshops/", await self._object("/webshops/"))

    async def merchant(self) -> Json:
        """Return the merchant; `country_code` is the shop's home country."""
        path = f"/webshops/{self._number(await self.webshop(), '/webshops/')}/merchant/"
        answer = await self._object(path)
        # A single object in 2022, a collection since 2025.
        return self._first(path, answer) if "items" in answer else answer

    async def paymethods(self) -> list[Json]:
        """Return the payment methods activated in the shop."""
        return self._items("/paymethods/", await self._object("/paymethods/"))

    async def webhooks(self) -> list[Json]:
        """Return the webhooks of this key; each holds its secret `key`."""
        return [webhook async for webhook in self._pages("/webhooks/", {})]

    async def create_webhook(self, event: str, address: str) -> Json:
        """Register a webhook and return it with its `id` and secret `key`. Never retried inside."""
        body = json.dumps({"event": event, "address": address, "is_active": True}).encode()
        reply, sent = await self._call("POST", "/webhooks/", body=body)
        if reply.body.strip():
            return self._shaped("/webhooks/", self._parsed(reply, sent))
        # The API sometimes answers a successful POST without content.
        found = [
            hook
            for hook in await self.webhooks()
            if (hook.get("event"), hook.get("address")) == (event, address)
        ]
        if not found:
            raise self._odd("/webhooks/", "the new webhook is not in the list")
        return max(found, key=lambda hook: self._number(hook, "/webhooks/"))

    async def delete_webhook(self, id: int) -> None:
        """Remove a webhook; one that is gone already is fine."""
        try:
            await self._call("DELETE", f"/webhooks/{id}/")
        except Refused as error:
            if error.code != "CCV301":
                raise

    async def app(self) -> Json:
        """Return the app of the app store that the key pair belongs to (ccv-api 2.7)."""
        listed = await self._object("/apps/")
        return self._first("/apps/", listed)

    async def set_installed(self, app: int, *, installed: bool) -> None:
        """Say to the shop whether its app is installed (ccv-api 2.8)."""
        body = json.dumps({"is_installed": installed}).encode()
        await self._call("PATCH", f"/apps/{app}/", body=body)

    async def _with_id(self, path: str, id: int) -> Json:
        found = await self._object(path)
        if str(found.get("id")) != str(id):
            raise self._odd(path, "another object was answered")
        return found

    async def _rows(self, path: str, of: int) -> list[Json]:
        rows: list[Json] = []
        async for row in self._pages(path, {}):
            if len(rows) == MAX_ROWS:
                raise Refused("CCV303", shop=self._host, order=of, limit=MAX_ROWS)
            rows.append(row)
        return rows

    async def _order_of(self, invoice: Json) -> Json:
        """Return the order of an invoice by its address, else by its number; empty when it has none any more."""
        id = order_id(invoice)
        if id is not None:
            try:
                return await self._with_id(f"/orders/{id}/", id)
            except Refused as error:
                if error.code != "CCV301":
                    raise
                return {}
        number, full = invoice.get("ordernumber"), invoice.get("ordernumber_full")
        if number is None or not full:
            return {}
        async for order in self._pages("/orders/", {"orderby": "id", "ordernumber": str(number)}):
            if order.get("ordernumber_full") == full:
                return order
        return {}

    async def _credited(self, credit: Json) -> Json:
        """Return what a credit invoice corrects: the API has no reference to it, but it is of the same order."""
        number = credit.get("ordernumber_full")
        if not number:
            return {}
        query = {"orderby": "id", "ordernumber_full": str(number)}
        others = [
            one async for one in self._pages("/invoices/", query) if one.get("ordernumber_full") == number
        ]
        found = credited_by(credit, others)
        if found:
            earlier = [
                (one, await self._rows(f"/invoices/{id}/invoicerows/", id))
                for one in earlier_than(credit, others)
                for id in [int(str(one["id"]))]
            ]
            found["creditable_rates"] = creditable_rates(credit, earlier)
        return found

    async def _pages(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Json]:
        """Yield the items of all pages, each once.

        Only the offset is taken from the answer's `next`: host and filters stay ours, so no answer can send a
        signed request elsewhere.
        """
        start, seen = 0, set[int]()
        for _ in range(MAX_PAGES):
            address = f"{path}?{urlencode({**query, 'start': start, 'size': PAGE_SIZE})}"
            page = await self._object(address)
            items = self._items(path, page)
            fresh = [item for item in items if self._number(item, path) not in seen]
            if items and not fresh:
                raise self._endless(path, "a page came twice")
            # An object may shift to the next page when others are added meanwhile.
            for item in fresh:
                seen.add(self._number(item, path))
                yield item
            following = _following(page, start, len(items))
            if following is None:
                return
            if following <= start:
                raise self._endless(path, "the next page is no further")
            start = following
        raise self._endless(path, f"more than {MAX_PAGES} pages")

    async def _object(self, address: str) -> Json:
        async def get() -> Json:
            reply, sent = await self._call("GET", address)
            return self._shaped(address, self._parsed(reply, sent))

        return await quickly(get, _QUICK, jitter=self._jitter)

    async def _call(self, method: str, address: str, *, body: bytes = b"") -> tuple[Reply, _Sent]:
        """Send one signed request; return its verified success."""
        request = self._client.build_request(method, f"{self._root}{PREFIX}{address}", content=body or None)
        # What is signed is what goes on the wire: httpx's own encoding of path and query.
        sent = _Sent(method, request.url.raw_path, _resource(address))
        date = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        request.headers["x-public"] = self._public
        request.headers["x-date"] = date
        request.headers["x-hash"] = self._hash(sent, body, date.encode())
        request.headers["accept"] = "application/json"
        if body:
            request.headers["content-type"] = "application/json"
        try:
            reply = await exchange(self._client, request, service="ccv", action=sent.action)
        except NoReply as failure:
            raise self._unanswered(failure, sent) from None
        if not 200 <= reply.status < 300:
            raise self._refusal(reply, sent)
        self._verify(reply, sent)
        return reply, sent

    def _hash(self, sent: _Sent, body: bytes, date: bytes) -> str:
        message = b"|".join((self._public.encode(), sent.method.encode(), sent.target, body, date))
        return hmac.new(self._secret.reveal().encode("utf-8", "replace"), message, hashlib.sha512).hexdigest()

    def _verify(self, reply: Reply, sent: _Sent) -> None:
        """Refuse a success whose signature is not the shop's, as the official SDK does on every call."""
        date = reply.headers.get("x-date", "").encode("utf-8", "replace")
        given = reply.headers.get("x-hash", "").encode("utf-8", "replace")
        expected = self._hash(sent, reply.body, date).encode()
        if not date or not hmac.compare_digest(given, expected):
            raise self._temporary("CCV105", sent)

    def _temporary(
        self, code: str, sent: _Sent, *, maybe: bool = True, retry_after: float | None = None, **facts: Fact
    ) -> Temporary:
        """Return the error; `maybe` is whether the request may have arrived. A read changes nothing."""
        return Temporary(
            code,
            maybe_executed=maybe and sent.method != "GET",
            retry_after=retry_after,
            shop=self._host,
            action=sent.action,
            **facts,
        )

    def _unanswered(self, failure: NoReply, sent: _Sent) -> ServiceError:
        if failure.reason == "address":
            return Refused("CCV306", shop=self._host)
        if failure.reason == "size":
            return self._temporary("CCV107", sent)
        if not failure.sent:
            return self._temporary("CCV101", sent, maybe=False)
        # A connection that broke is tried again at once, a shop that is slow is not.
        return self._temporary("CCV108" if failure.reason == "timeout" else "CCV102", sent)

    def _refusal(self, reply: Reply, sent: _Sent) -> ServiceError:
        """Return the error for an answer that is no success; its body is unsigned and only shown."""
        status = reply.status
        code, sentence = _complaint(reply)
        if status == 401:
            return self._unauthorised(reply, sentence)
        if status == 403:
            return Unauthorised("CCV203", shop=self._host, action=sent.action, sentence=sentence)
        if status == 404:
            return Refused("CCV301", shop=self._host, action=sent.action, sentence=sentence)
        if status == 429:
            return self._temporary("CCV106", sent, maybe=False, retry_after=RATE_SECONDS)
        if status < 400:
            return Refused("CCV305", shop=self._host, action=sent.action, status=status)
        if status == 408 or (status >= 500 and status != 501 and code not in _FINAL_CODES):
            return self._temporary("CCV103", sent, status=status, sentence=sentence)
        return Refused("CCV302", shop=self._host, action=sent.action, status=status, sentence=sentence)

    def _unauthorised(self, reply: Reply, sentence: str) -> Unauthorised:
        difference = _clock_difference(reply, self._now())
        if difference is not None and abs(difference) > CLOCK_SECONDS:
            return Unauthorised("CCV202", shop=self._host, seconds=difference, sentence=sentence)
        return Unauthorised("CCV201", shop=self._host, sentence=sentence)

    def _parsed(self, reply: Reply, sent: _Sent) -> Any:
        try:
            return loads(reply.body)
        except PayloadError as error:
            # Cut short, or not JSON at all: another try may read it. Anything else is what the shop holds.
            if error.code != "PAY101":
                raise
            raise self._temporary("CCV104", sent) from None

    def _shaped(self, address: str, answer: object) -> Json:
        if not isinstance(answer, dict):
            raise self._odd(address, "no object was answered")
        return answer

    def _items(self, address: str, answer: Json) -> list[Json]:
        items = answer.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._odd(address, "no list of items was answered")
        return items

    def _first(self, address: str, answer: Json) -> Json:
        items = self._items(address, answer)
        if not items:
            raise self._odd(address, "the list is empty")
        return items[0]

    def _number(self, item: Json, address: str) -> int:
        try:
            return int(str(item.get("id")))
        except ValueError:
            raise self._odd(address, "an object has no id") from None

    def _endless(self, path: str, reason: str) -> Refused:
        return Refused("CCV304", shop=self._host, resource=path, reason=reason)

    def _odd(self, address: str, reason: str) -> Refused:
        return Refused("CCV307", shop=self._host, resource=_resource(address), reason=reason)


SIGNATURE_FORMS = ("address-body", "body")


def webhook_signature(key: str, address: str, body: bytes, form: str = "address-body") -> str:
    """Return a webhook delivery's signature: hex HMAC-SHA512 of `<address>|<raw body>`, or of the body, with its key.

    The first form is inferred from CCV Shop's other calls to apps: no public source states it.
    """
    message = body if form == "body" else address.encode() + b"|" + body
    return hmac.new(key.encode(), message, hashlib.sha512).hexdigest()


def is_signed(key: str, address: str, body: bytes, given: str, form: str = "address-body") -> bool:
    """Return whether `given` is the delivery's signature, in constant time; never without a key."""
    expected = webhook_signature(key, address, body, form).encode()
    return bool(key) and hmac.compare_digest(expected, given.encode("utf-8", "replace"))


def _root(api_root: str) -> str:
    """Return the shop's address as scheme and authority. Raises Refused CCV306 for anything else."""
    try:
        url = httpx.URL(api_root)
    except httpx.InvalidURL:
        raise Refused("CCV306", shop=printable(api_root, 100)) from None
    if not url.host or url.userinfo or url.query or url.fragment or url.path not in {"", "/"}:
        raise Refused("CCV306", shop=printable(url.host, 100))
    return f"{url.scheme}://{url.netloc.decode()}"


def _resource(address: str) -> str:
    """Return a path without its query, for errors and logs."""
    return address.partition("?")[0]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _window(created_from: datetime | None, created_to: datetime | None) -> dict[str, str]:
    query = {"orderby": "id"}
    if created_from is not None:
        query["min_create_date"] = _utc(created_from).strftime("%Y-%m-%d %H:%M:%S")
    if created_to is not None:
        query["max_create_date"] = _utc(created_to).strftime("%Y-%m-%d %H:%M:%S")
    return query


def _following(page: Json, start: int, count: int) -> int | None:
    """Return the next page's offset, or None on the last one.

    `next` is null or absent on the last page; when it is absent on a full page, one more page is asked for,
    since missing rows would make a wrong invoice.
    """
    following = page.get("next")
    if isinstance(following, str) and following:
        offset = parse_qs(urlsplit(following).query).get("start", [""])[0]
        return int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 10 else start + count
    size = page.get("size")
    full = count >= (size if isinstance(size, int) and size > 0 else PAGE_SIZE)
    return start + count if "next" not in page and full and count else None


def _complaint(reply: Reply) -> tuple[str, str]:
    """Return an error answer's code and sentence, or empty texts: HTML and nothing at all occur."""
    try:
        answer = loads(reply.body)
    except PayloadError:
        return "", ""
    if not isinstance(answer, dict):
        return "", ""
    sentence = answer.get("developermessage")
    return str(answer.get("code", "")), printable(str(sentence or ""), SENTENCE_CHARACTERS)


def _clock_difference(reply: Reply, now: datetime) -> int | None:
    """Return by how many seconds our clock is ahead of the shop's, when its answer tells its time."""
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return round((_utc(now) - _utc(theirs)).total_seconds())
