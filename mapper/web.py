"""What other machines ask of us over HTTP: webhooks of the shops, health, metrics.

A webhook is only a hint. Its body names a document, which is then fetched over the signed API; nothing else
of it is believed or kept. An answer of 200 means that it is on record (`intake.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mapper import metrics, money
from mapper.diagnostics import printable
from mapper.errors import MapperError, PayloadError, StoreError
from mapper.intake import Dispatch, Intake
from mapper.store import (
    credentials,
    exact,
    heartbeats,
    limits,
    listing,
    rulebooks,
    tenants,
)
from mapper.store.database import Database
from mapper.store.rows import Hint, Tenant
from mapper.store.sealing import Sealer

MAX_BODY = 262_144
READ_SECONDS = 10.0
# A shop that changes a thousand orders at once may say so; more than this in a row is not a shop.
THROTTLE_BURST = 2_000
THROTTLE_PER_SECOND = 100.0

_log = logging.getLogger("mapper.web")
# R2.
ORDER_EVENTS = ("orders.created", "orders.updated.ispaid", "orders.updated.status", "orders.deleted")
INVOICE_EVENTS = ("invoices.updated.status",)
# No source attests it (ccv-api 2.4): where the shop refuses it, new invoices are found by the sweep alone.
UNSURE_EVENTS = ("invoices.created",)
_EVENTS = frozenset((*ORDER_EVENTS, *INVOICE_EVENTS, *UNSURE_EVENTS))
# A sender is looked up anew after so long; one whose signature is wrong at once, before it is refused.
_KNOWN_FOR = timedelta(seconds=2)
_SHOP_IDS = range(1, 2**53)
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class SignatureCheck(Protocol):
    """Tells whether `given` is the signature of a body sent to an address; never raises, in constant time."""

    def __call__(self, key: str, address: str, body: bytes, given: str) -> bool:
        """Check `given` against the body as it arrived."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """What the routes share."""

    database: Database
    intake: Intake
    sealer: Sealer
    is_signed: SignatureCheck
    now: Callable[[], datetime]
    max_body: int
    read_seconds: float
    throttle: Throttle
    is_ready: Callable[[], bool]
    senders: dict[tuple[str, str], _Sender] = field(default_factory=dict)


def create_app(
    database: Database,
    dispatch: Dispatch,
    *,
    sealer: Sealer,
    is_signed: SignatureCheck,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    max_body: int = MAX_BODY,
    read_seconds: float = READ_SECONDS,
    throttle: Throttle | None = None,
    extra_routes: Sequence[BaseRoute] = (),
    is_ready: Callable[[], bool] = lambda: True,
) -> Starlette:
    """Return the ASGI app. `dispatch` runs in the transaction that notes the document, even one that is done.

    The transaction comes after the answer: see `intake.py`.
    `is_ready` tells whether this process is to get requests; not when it is about to stop.
    """
    app = Starlette(
        routes=[
            Route("/webhooks/{token}/{event}", receive_webhook, methods=["POST"]),
            Route("/healthz", show_health, methods=["GET"]),
            Route("/readyz", show_readiness, methods=["GET"]),
            Route("/metrics", show_metrics, methods=["GET"]),
            *extra_routes,
        ],
        middleware=[Middleware(_SecurityHeaders)],
        exception_handlers={MapperError: _unavailable, ClientDisconnect: _gone},
    )
    app.state.receiver = Receiver(
        database,
        Intake(database, dispatch, now),
        sealer,
        is_signed,
        now,
        max_body,
        read_seconds,
        throttle or Throttle(),
        is_ready,
    )
    return app


async def close(app: Starlette) -> None:
    """End what the app does beyond its answers, once it gets no more requests."""
    receiver: Receiver = app.state.receiver
    await receiver.intake.close()


def webhook_path(token: str, event: str) -> str:
    """Return the path under which a shop delivers an event of the tenant with this token."""
    return f"/webhooks/{token}/{event}"


class Throttle:
    """A token bucket per tenant, in this process."""

    def __init__(self, burst: int = THROTTLE_BURST, per_second: float = THROTTLE_PER_SECOND) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left: dict[str, tuple[float, datetime]] = {}

    def is_allowed(self, tenant: str, now: datetime) -> bool:
        """Take one of the tenant's tokens, if one is left."""
        left, then = self._left.get(tenant, (float(self._burst), now))
        gained = max((now - then).total_seconds(), 0.0) * self._per_second
        left = min(left + gained, float(self._burst))
        self._left[tenant] = (left - 1 if left >= 1 else left, now)
        return left >= 1


@dataclass(frozen=True, slots=True)
class _Sender:
    """Whose webhook it is, and how it is signed, as it was read `at`."""

    tenant: Tenant
    address: str
    key: str | None
    at: datetime


async def receive_webhook(request: Request) -> Response:
    """Take a webhook.

    200 noted, 401 signature, 404 address, 408 slow, 413 size, 422 body, 429 too many, 503 come again.
    """
    receiver: Receiver = request.app.state.receiver
    token, event = request.path_params["token"], request.path_params["event"]
    sender = await _sender(receiver, token, event, not_before=receiver.now() - _KNOWN_FOR)
    if sender is None:
        return _answer(404, "not found")
    try:
        async with asyncio.timeout(receiver.read_seconds):
            body = await read_body(request, receiver.max_body)
    except TimeoutError:
        return JSONResponse({"error": "too slow"}, 408, headers={"connection": "close"})
    if body is None:
        return JSONResponse({"error": "too large"}, 413, headers={"connection": "close"})
    now, given = receiver.now(), request.headers.get("x-hash")
    if not _is_accepted(receiver, sender, body, given):
        sender = await _sender(receiver, token, event, not_before=now)
        if sender is None or not _is_accepted(receiver, sender, body, given):
            return _answer(401, "signature")
    if not receiver.throttle.is_allowed(sender.tenant.id, now):
        return JSONResponse({"error": "too many"}, 429, headers={"retry-after": "10"})
    shop_id = _shop_id(body)
    if shop_id is None:
        return _answer(422, "no document id")
    await receiver.intake.accept(Hint(sender.tenant.id, event, exact.digest(body), shop_id, now))
    return JSONResponse({"ok": True})


async def show_health(request: Request) -> Response:
    """Answer 200 when the database answers and a daemon is alive, else 503, with what is known."""
    receiver: Receiver = request.app.state.receiver
    try:
        health = await run_in_threadpool(_health, receiver)
    except StoreError as error:
        return JSONResponse({"healthy": False, "database": error.code}, 503)
    return JSONResponse(health, 200 if health["healthy"] else 503)


async def show_readiness(request: Request) -> Response:
    """Answer 200 while this process takes webhooks (the database can be written, no stop was asked for), else 503."""
    receiver: Receiver = request.app.state.receiver
    try:
        is_ready = await run_in_threadpool(_is_ready, receiver)
    except StoreError as error:
        return JSONResponse({"ready": False, "database": error.code}, 503)
    return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)


async def show_metrics(request: Request) -> Response:
    """Answer Prometheus' text format: see `metrics.py`."""
    receiver: Receiver = request.app.state.receiver
    shown = await run_in_threadpool(_metrics, receiver)
    return PlainTextResponse(shown, headers={"content-type": metrics.CONTENT_TYPE})


async def _sender(receiver: Receiver, token: str, event: str, *, not_before: datetime) -> _Sender | None:
    """Return who has this address, as it was known at `not_before` or later."""
    known = receiver.senders.get((token, event))
    if known is not None and known.at > not_before:
        return known
    if event not in _EVENTS:
        return None
    found = await receiver.intake.in_thread(_read_sender, receiver, token, event)
    if found is not None:
        receiver.senders[token, event] = found
    else:
        receiver.senders.pop((token, event), None)
    return found


def _read_sender(receiver: Receiver, token: str, event: str) -> _Sender | None:
    at = receiver.now()
    with receiver.database.read() as conn:
        tenant = tenants.by_webhook_token(conn, token)
        if tenant is None or tenant.pause_reason in tenants.STANDSTILLS:
            return None
        registered = credentials.webhook(conn, tenant.id, event)
        key = credentials.webhook_key(conn, tenant.id, event, sealer=receiver.sealer)
    return _Sender(tenant, registered.address if registered else "", key, at)


async def read_body(request: Request, limit: int) -> bytes | None:
    """Return the body; None as soon as it, or the length announced for it, is beyond the limit."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > limit:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            return None
    return bytes(body)


def _is_accepted(receiver: Receiver, sender: _Sender, body: bytes, given: str | None) -> bool:
    """Tell whether the signature is right; without one, or a key to check it, whether none is required.

    How CCV Shop signs deliveries is not documented, so that a signature is only required when the tenant says
    so.
    """
    if given is None or sender.key is None:
        return not sender.tenant.signature_required
    return given.isascii() and receiver.is_signed(sender.key, sender.address, body, given)


def _shop_id(body: bytes) -> int | None:
    try:
        hint = money.loads(body)
    except PayloadError:
        return None
    shop_id = hint.get("id") if isinstance(hint, dict) else None
    return shop_id if type(shop_id) is int and shop_id in _SHOP_IDS else None


def _health(receiver: Receiver) -> dict[str, object]:
    now = receiver.now()
    with receiver.database.read() as conn:
        everyone = tenants.everyone(conn)
        queued = [listing.oldest_queued(conn, tenant.id) for tenant in everyone]
        beat = heartbeats.latest(conn)
        paused = tenants.paused_all(conn)
        published = rulebooks.active(conn)
        adopted = rulebooks.adoptions(conn, now=now, ttl=heartbeats.TTL)
        bans = {one: limits.ban(conn, one, now=now) for one in limits.addresses(conn)}
    lag = max(((now - moment).total_seconds() for moment in queued if moment), default=0.0)
    return {
        "healthy": beat is not None and now - beat.beat_at <= heartbeats.TTL,
        "database": "ok",
        "heartbeat": beat.beat_at.isoformat() if beat else None,
        "queue_lag_seconds": round(lag, 1),
        "paused": paused is not None,
        # No call to WeFact from these addresses until then; whoever restarts us changes nothing about that.
        "banned": {one: ban.until.isoformat() for one, ban in bans.items() if ban is not None},
        "rules": {
            "published": published.hash if published else None,
            "in_use": sorted({one.hash for one in adopted}),
            "refused": sorted({one.refused for one in adopted if one.refused}),
        },
        "tenants": len(everyone),
        "tenants_paused": sum(tenant.paused_at is not None for tenant in everyone),
    }


def _metrics(receiver: Receiver) -> str:
    with receiver.database.read() as conn:
        return metrics.exposed(conn, now=receiver.now())


def _is_ready(receiver: Receiver) -> bool:
    """A database that only reads, or is held by another writer, takes no webhook."""
    with receiver.database.begin() as conn:
        may_write = (
            receiver.database.is_sqlite or conn.execute(text("SHOW transaction_read_only")).scalar() == "off"
        )
    return may_write and receiver.is_ready()


def _answer(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)


async def _unavailable(_request: Request, error: Exception) -> Response:
    """Ask the shop to deliver again later: nothing was recorded."""
    _log.error("a request could not be answered: %s", printable(str(error)))
    return JSONResponse({"error": "unavailable"}, 503, headers={"retry-after": "30"})


async def _gone(_request: Request, _error: Exception) -> Response:
    """Whoever sent the body is gone; nobody reads this."""
    return _answer(400, "incomplete")


class _SecurityHeaders:
    """Adds the headers that make a browser do nothing with our answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        forward: Callable[[Message], Awaitable[None]] = send_with_headers if scope["type"] == "http" else send
        await self._app(scope, receive, forward)
