"""The client of VIES, the EU's register of VAT numbers: valid, invalid, or unknown for now."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import httpx

from mapper.errors import PayloadError
from mapper.money import dumps, loads
from mapper.services.http import NoReply, Reply, exchange

State = Literal["valid", "invalid", "unknown"]

_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,49}")
# No member state was asked: the input itself is wrong.
_INVALID_CODES = frozenset({"INVALID", "INVALID_INPUT"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What VIES said: evidence to keep when valid, a reason to ask again when unknown.

    `code` is VIES's own word (`VALID`, `INVALID`, `MS_UNAVAILABLE`…), or ours when it gave none (`NO_ANSWER`,
    `NO_CONNECTION`, `UNREADABLE`, `HTTP_503`…). `consultation` is a number given to the `requester`.
    """

    state: State
    country: str
    number: str
    asked_at: datetime
    code: str
    consultation: str
    requester: str = ""


class Turns:
    """Who may ask now: one question per member state and two in all, for one process and its one event loop.

    VIES answers MS_MAX_CONCURRENT_REQ and GLOBAL_MAX_CONCURRENT_REQ to more.
    """

    def __init__(self, overall: int = 2) -> None:
        self._overall = asyncio.Semaphore(overall)
        self._states: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, country: str, *, patience: float) -> AsyncIterator[bool]:
        """Hold a turn for the block; gives False when none came within `patience` seconds, and nothing is held."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(patience):
                    await held.enter_async_context(self._states.setdefault(country, asyncio.Lock()))
                    await held.enter_async_context(self._overall)
            except TimeoutError:
                await held.aclose()
                yield False
                return
            yield True


class Vies:
    """The register; `url` is the base of its REST API. An outage is an answer, not an error."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._now = now

    async def check(self, country: str, number: str, *, requester: str = "") -> Answer:
        """Ask once about a number without prefix; `requester` is the tenant's own number with its prefix.

        By POST, so that the number stands in no address, hence in no log.
        """
        question = {"countryCode": country, "vatNumber": number}
        if requester:
            question |= {"requesterMemberStateCode": requester[:2], "requesterNumber": requester[2:]}
        asked_at = self._now()
        state, code, consultation = await self._ask(question)
        return Answer(state, country, number, asked_at, code, consultation, requester)

    async def _ask(self, question: dict[str, str]) -> tuple[State, str, str]:
        try:
            request = self._client.build_request(
                "POST",
                f"{self._url}/check-vat-number",
                content=dumps(question).encode("utf-8", "replace"),
                headers={"content-type": "application/json", "accept": "application/json"},
            )
            reply = await exchange(self._client, request, service="vies", action="check-vat-number")
        except httpx.InvalidURL:
            return "unknown", "NO_CONNECTION", ""
        except NoReply as failure:
            return "unknown", "NO_ANSWER" if failure.sent else "NO_CONNECTION", ""
        return _judged(reply)


def _judged(reply: Reply) -> tuple[State, str, str]:
    """Return state, code and consultation number. Only an answer that says so in full is valid or invalid."""
    answer = _parsed(reply.body)
    code = _code(answer)
    if code in _INVALID_CODES:
        return "invalid", code, ""
    if code and code != "VALID":
        return "unknown", code, ""
    if reply.status != 200:
        return "unknown", f"HTTP_{reply.status}", ""
    # `valid` answers POST check-vat-number, `isValid` answers GET ms/…/vat/…
    verdict = answer.get("valid", answer.get("isValid"))
    if verdict is True:
        return "valid", "VALID", str(answer.get("requestIdentifier") or "")[:100]
    if verdict is False and not code:
        return "invalid", "INVALID", str(answer.get("requestIdentifier") or "")[:100]
    return "unknown", "UNREADABLE", ""


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = loads(body)
    except PayloadError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _code(answer: dict[str, Any]) -> str:
    """Return VIES's code. HTTP 200 with a false verdict and MS_UNAVAILABLE is an outage, not a verdict."""
    wrappers = answer.get("errorWrappers")
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else {}
    given = first.get("error") if isinstance(first, dict) else None
    given = given or answer.get("userError")
    if given is None and answer.get("actionSucceed") is False:
        return "UNREADABLE"
    if given is None or given == "":
        return ""
    return given if isinstance(given, str) and _CODE.fullmatch(given) else "UNREADABLE"
