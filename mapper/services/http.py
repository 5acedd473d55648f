"""What the clients share: secrets, one bounded exchange, quick retries, the call budget."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NoReturn, Protocol, TypeVar

import httpcore
import httpx

from mapper.errors import Temporary
from mapper.services.network import ForbiddenAddress, PublicNetwork, PublicTransport, is_loopback

CONNECT_SECONDS = 5.0
MAX_BODY_BYTES = 5 * 1024 * 1024
TRIES = 3
LONGEST_FIRST_PAUSE_SECONDS = 0.4

_log = logging.getLogger("mapper.services")
_T = TypeVar("_T")


class Secret:
    """A key that shows itself only when asked: in text, logs, `repr` and format strings it is `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self._text), _bytes(other._text))

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")


class CallBudget(Protocol):
    """Who may call when. WeFact's limit is per egress address: all processes behind it share one budget."""

    async def take(self) -> None:
        """Wait until one call is allowed."""

    async def block(self, seconds: float, reason: str) -> float:
        """Let nobody behind this address call for `seconds`, and return for how many that is."""


class Unlimited:
    """A budget that never waits."""

    async def take(self) -> None:
        """Allow the call at once."""

    async def block(self, seconds: float, reason: str) -> float:
        """Block nothing."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer: status, headers and the body's bytes after content decoding."""

    status: int
    headers: httpx.Headers
    body: bytes


Reason = Literal["address", "connect", "timeout", "broken", "size"]


class NoReply(Exception):
    """An exchange without a usable answer; each client turns it into its own error.

    `sent` is false only when the request certainly never reached the service.
    """

    def __init__(self, reason: Reason, *, sent: bool) -> None:
        self.reason: Reason = reason
        self.sent = sent
        super().__init__(reason)


class TooLarge(httpx.TransportError):
    """The answer has more bytes than are read."""


def https_only(url: httpx.URL) -> None:
    """Permit https on port 443. Raises ForbiddenAddress."""
    if url.scheme != "https" or url.port not in {None, 443}:
        raise ForbiddenAddress("only https on port 443 is called")


def https_or_loopback(url: httpx.URL) -> None:
    """Permit https on port 443, and anything on this machine's loopback. Raises ForbiddenAddress."""
    if not is_loopback(url.host):
        https_only(url)


def open_client(
    *,
    loopback: bool = False,
    timeout: float = 30,
    network: httpcore.AsyncNetworkBackend | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return a client without proxies, redirects or unbounded answers; `timeout` is in seconds, per read.

    Only https to public addresses is called; `loopback` also allows http to this machine, for the sandbox. `transport`
    carries the requests in place of any network.
    """
    permit = https_or_loopback if loopback else https_only
    inner = transport or PublicTransport(network or PublicNetwork(loopback=loopback))
    return httpx.AsyncClient(
        transport=Guarded(inner, permit, MAX_BODY_BYTES),
        timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        # A compressed answer could unfold beyond any cap, and CCV Shop's hash is over the plain body.
        headers={"accept-encoding": "identity", "user-agent": "ccv-wefact-mapper"},
        trust_env=False,
        follow_redirects=False,
    )


class Guarded(httpx.AsyncBaseTransport):
    """A transport that asks `permit` before every request and stops reading after `limit` bytes of body."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, permit: Callable[[httpx.URL], None], limit: int
    ) -> None:
        self._inner = inner
        self._permit = permit
        self._limit = limit

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a permitted request. Raises ForbiddenAddress, and TooLarge while its body is read."""
        self._permit(request.url)
        response = await self._inner.handle_async_request(request)
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Counted(response.stream, self._limit)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Counted(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > self._limit:
                raise TooLarge("the answer is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


async def exchange(client: httpx.AsyncClient, request: httpx.Request, *, service: str, action: str) -> Reply:
    """Send one request and read its whole answer in bounded time and space; raises NoReply."""
    started = time.monotonic()
    outcome = "no answer"
    try:
        async with asyncio.timeout(_total_seconds(client)):
            reply = await _read(client, request)
        outcome = str(reply.status)
    except ForbiddenAddress:
        raise NoReply("address", sent=False) from None
    except httpx.ConnectError:
        raise NoReply("connect", sent=False) from None
    except (httpx.ConnectTimeout, httpx.PoolTimeout):
        raise NoReply("timeout", sent=False) from None
    except (TimeoutError, httpx.TimeoutException):
        raise NoReply("timeout", sent=True) from None
    except TooLarge:
        raise NoReply("size", sent=True) from None
    except httpx.RequestError:
        raise NoReply("broken", sent=True) from None
    finally:
        _log.debug("%s %s: %s in %.3f s", service, action, outcome, time.monotonic() - started)
    return reply


async def _read(client: httpx.AsyncClient, request: httpx.Request) -> Reply:
    response = await client.send(request, stream=True)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise TooLarge("the answer is too large")
        return Reply(response.status_code, response.headers, bytes(body))
    finally:
        await response.aclose()


def _total_seconds(client: httpx.AsyncClient) -> float:
    """Bound a whole exchange: a server that drips a byte at a time never meets the read timeout."""
    return (client.timeout.connect or CONNECT_SECONDS) + 2 * (client.timeout.read or 30)


async def quickly(
    call: Callable[[], Awaitable[_T]], codes: frozenset[str], *, jitter: Callable[[], float]
) -> _T:
    """Await `call`, up to three times while it raises a Temporary whose code is in `codes`.

    Only for calls that change nothing. `jitter` gives numbers from 0 to 1: the pauses are at most 0.4 and 0.8
    seconds.
    """
    for attempt in range(TRIES - 1):
        try:
            return await call()
        except Temporary as error:
            if error.code not in codes:
                raise
        await asyncio.sleep(jitter() * LONGEST_FIRST_PAUSE_SECONDS * 2**attempt)
    return await call()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
