"""The client of WeFact's API v2: one address, HTTP 200 even on errors, Dutch sentences instead of codes."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

from mapper.diagnostics import printable
from mapper.errors import Banned, Fact, PayloadError, Refused, ServiceError, Temporary, Unauthorised
from mapper.money import decimal_text, dumps, loads
from mapper.services.http import CallBudget, NoReply, Reply, Secret, exchange, quickly

# The documented maximum, and the default.
PAGE_SIZE = 1000
MAX_PAGES = 200
SENTENCE_CHARACTERS = 300
# A ban lasts until the reset or until WeFact lifts it by hand; sources differ. Calls meanwhile may extend it.
BAN_SECONDS = 3600.0
# Below this many calls left everyone behind the address waits: others may be calling at this moment.
CALLS_IN_RESERVE = 5

_QUICK = frozenset({"WEF101", "WEF102", "WEF103"})
_WINDOWS = (("Minute", 60.0), ("Hour", 3600.0))
_BANNED = re.compile(r"\bIP\s+(?P<ip>[0-9a-fA-F:.]{3,45})\s+currently in firewall", re.IGNORECASE)
_ADDRESS_REFUSED = re.compile(r"\bIP\s+(?P<ip>[0-9a-fA-F:.]{3,45})\s+has no access", re.IGNORECASE)
_KEY_REFUSED = re.compile(r"API[- ]?sleutel|API[ _-]?key", re.IGNORECASE)
_UNKNOWN_CALL = re.compile(r"^\s*Invalid (controller|action)\b", re.IGNORECASE)
# The sentences of WeFact and of its self-hosted sibling for a `show` that finds nothing.
_NOT_FOUND = re.compile(r"niet gevonden|ongeldig kenmerk", re.IGNORECASE)

_log = logging.getLogger("mapper.services")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Call:
    controller: str
    action: str
    changes: bool = False

    def __str__(self) -> str:
        return f"{self.controller}/{self.action}"

    def temporary(
        self, code: str, *, maybe: bool = True, retry_after: float | None = None, **facts: Fact
    ) -> Temporary:
        """Return the error; `maybe` is whether the request may have arrived."""
        return Temporary(
            code,
            maybe_executed=maybe and self.changes,
            retry_after=retry_after,
            action=str(self),
            **facts,
        )


class WeFact:
    """One administration: the key decides which. `budget` is shared by all who call from the same address.

    Every method may raise Temporary (WEF101-107), Unauthorised (WEF201-203), Banned (WEF204) and Refused
    (WEF301-306), besides what the budget raises before a call.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        key: Secret,
        budget: CallBudget,
        *,
        now: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._url = url
        self._key = key
        self._budget = budget
        self._now = now
        self._jitter = jitter

    async def call(
        self,
        controller: str,
        action: str,
        params: Mapping[str, Any],
        *,
        changes: bool,
        last_look: Callable[[], Awaitable[None]] | None = None,
    ) -> Json:
        """Return the answer's envelope; whole numbers in it are int, others Decimal, many are strings.

        A call that `changes` something is made once: its Temporary says in `maybe_executed` whether it may
        have happened. Others are tried up to three times. `last_look` runs when the call may be made, which can be
        minutes after it was asked for, right before it is sent: what it raises keeps it from being sent.
        """
        call = _Call(controller, action, changes=changes)

        async def once() -> Json:
            return await self._once(call, params, last_look)

        return await once() if changes else await quickly(once, _QUICK, jitter=self._jitter)

    async def search(self, controller: str, params: Mapping[str, Any]) -> list[Json]:
        """Return the rows of all pages of a `list`; one that ends before its own total is WEF104.

        WeFact matches parts of text, and ignores parameters it does not know: compare the rows yourself.
        """
        return [row async for row in self.rows(controller, params)]

    async def rows(self, controller: str, params: Mapping[str, Any]) -> AsyncIterator[Json]:
        """Yield what `search` returns, holding one page at a time."""
        read = 0
        seen: set[str] = set()
        total: int | None = None
        for _ in range(MAX_PAGES):
            page = {**params, "offset": read, "limit": PAGE_SIZE}
            answer = await self.call(controller, "list", page, changes=False)
            found = rows_of(answer, f"{controller}s")
            if total is None:
                # Only the first page's: a page beyond the end says 0.
                total = _whole(answer.get("totalresults"))
            identifiers = {text_of(row, "Identifier") for row in found}
            if found and identifiers <= seen:
                raise Refused("WEF303", controller=controller)
            seen |= identifiers
            read += len(found)
            for row in found:
                yield row
            if not found and total is not None and read < total:
                raise _Call(controller, "list").temporary("WEF104")
            if not found or (read >= total if total is not None else len(found) < PAGE_SIZE):
                return
        raise Refused("WEF303", controller=controller)

    async def show(self, controller: str, identifier: str, *, by: str = "Identifier") -> Json | None:
        """Return one object, or None when there is none; `by` may be its code's field, such as ProductCode.

        A code in place of an Identifier could hit another object: such a one is not asked for.
        """
        if by == "Identifier" and not (identifier.isascii() and identifier.isdigit()):
            return None
        try:
            answer = await self.call(controller, "show", {by: identifier}, changes=False)
        except Refused as error:
            if error.code == "WEF302" and _NOT_FOUND.search(str(error.facts["sentence"])):
                return None
            raise
        shown = answer.get(controller)
        if not isinstance(shown, dict) or text_of(shown, by).casefold() != identifier.strip().casefold():
            raise _Call(controller, "show").temporary("WEF104")
        return shown

    async def settings(self) -> Json:
        """Return the administration's settings: `CorporateIdentity`, `Tax` and what else it answers."""
        answer = await self.call("settings", "list", {}, changes=False)
        settings = answer.get("settings")
        if not isinstance(settings, dict):
            raise _Call("settings", "list").temporary("WEF104")
        return settings

    async def _once(
        self, call: _Call, params: Mapping[str, Any], last_look: Callable[[], Awaitable[None]] | None
    ) -> Json:
        key = {"api_key": self._key.reveal()}
        body = dumps({**params, **key, "controller": call.controller, "action": call.action})
        request = self._client.build_request(
            "POST",
            self._url,
            # A lone surrogate, which JSON can hold and UTF-8 cannot, becomes a question mark.
            content=body.encode("utf-8", "replace"),
            headers={"content-type": "application/json", "accept": "application/json"},
        )
        await self._budget.take()
        if last_look is not None:
            await last_look()
        try:
            reply = await exchange(self._client, request, service="wefact", action=str(call))
        except NoReply as failure:
            raise _unanswered(failure, call) from None
        answer = self._read(reply, call)
        if isinstance(answer, Banned):
            seconds = max(BAN_SECONDS, self._seconds_left(reply, "Hour", 0.0))
            answer.retry_after = await self._budget.block(seconds, "banned by WeFact")
            _log.error("WeFact's firewall shut this address out: no calls for %.0f s", answer.retry_after)
        else:
            await self._heed(reply)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    def _read(self, reply: Reply, call: _Call) -> Json | ServiceError:
        """Return the successful answer, or the error it amounts to."""
        answer = _parsed(reply.body)
        sentences = self._sentences(answer)
        if reply.status == 403:
            text = " ".join(sentences) or reply.body[:SENTENCE_CHARACTERS].decode("utf-8", "replace")
            return _banned(text, call)
        if reply.status == 429:
            return call.temporary("WEF105", maybe=False, retry_after=60)
        if reply.status >= 500 or reply.status == 408:
            return call.temporary("WEF103", status=reply.status)
        if reply.status != 200:
            return Refused("WEF304", status=reply.status, action=str(call))
        if answer is None or answer.get("status") not in {"success", "error"}:
            return call.temporary("WEF104")
        if answer["status"] == "success":
            return answer
        return _refusal(answer, "; ".join(sentences), call)

    def _sentences(self, answer: Json | None) -> list[str]:
        """Return the answer's error sentences, printable and without our key; an item may be an object."""
        errors = (answer or {}).get("errors")
        if isinstance(errors, dict):
            errors = list(errors.values())
        items = errors if isinstance(errors, list) else [errors]
        texts = [item.get("message") if isinstance(item, dict) else item for item in items]
        secret = self._key.reveal()
        kept = [str(text).replace(secret, "***") if secret else str(text) for text in texts if text]
        return [printable(text, SENTENCE_CHARACTERS) for text in kept]

    async def _heed(self, reply: Reply) -> None:
        """Let everyone wait for the reset when few calls are left."""
        for window, longest in _WINDOWS:
            left = _whole(reply.headers.get(f"API-RateLimit-Remaining-{window}"))
            if left is not None and left < CALLS_IN_RESERVE:
                seconds = self._seconds_left(reply, window, longest)
                await self._budget.block(seconds, f"{left} calls left this {window.lower()}")

    def _seconds_left(self, reply: Reply, window: str, otherwise: float) -> float:
        """Return the seconds until the window's reset, at least one, at most an hour."""
        reset = _whole(reply.headers.get(f"API-RateLimit-Reset-{window}"))
        if reset is None:
            return otherwise
        return min(max(reset - self._now(), 1.0), 3600.0)


def text_of(row: Mapping[str, Any], field: str) -> str:
    """Return a field as text: WeFact gives the same field as a string or as a number. Empty when absent."""
    value = row.get(field)
    if isinstance(value, Decimal):
        return decimal_text(value)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def decimal_of(row: Mapping[str, Any], field: str) -> Decimal | None:
    """Return a field as an exact number, or None when it is absent, empty or no number."""
    text = text_of(row, field)
    try:
        number = Decimal(text) if text.isascii() and "_" not in text else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def rows_of(answer: Mapping[str, Any], plural: str) -> list[Json]:
    """Return a list's rows: the key is missing when there are none, and a map by id may stand for a list."""
    rows = answer.get(plural)
    if isinstance(rows, dict):
        rows = list(rows.values())
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _parsed(body: bytes) -> Json | None:
    try:
        answer = loads(body)
    except PayloadError:
        return None
    return answer if isinstance(answer, dict) else None


def _unanswered(failure: NoReply, call: _Call) -> ServiceError:
    if failure.reason == "address":
        return Refused("WEF306")
    if failure.reason == "size":
        return call.temporary("WEF107")
    if not failure.sent:
        return call.temporary("WEF101", maybe=False)
    return call.temporary("WEF106" if failure.reason == "timeout" else "WEF102")


def _banned(text: str, call: _Call) -> Banned:
    named = _BANNED.search(text)
    return Banned("WEF204", ip=named["ip"] if named else "", action=str(call))


def _refusal(answer: Json, text: str, call: _Call) -> ServiceError:
    """Return the error for `status: error`; access is refused with the envelope `invalid`/`invalid`."""
    if _BANNED.search(text):
        return _banned(text, call)
    if _UNKNOWN_CALL.match(text):
        return Refused("WEF301", action=str(call))
    sentence = printable(text, SENTENCE_CHARACTERS)
    if (answer.get("controller"), answer.get("action")) != ("invalid", "invalid"):
        return Refused("WEF302", action=str(call), sentence=sentence)
    refused = _ADDRESS_REFUSED.search(text)
    if refused:
        return Unauthorised("WEF202", ip=refused["ip"])
    if _KEY_REFUSED.search(text):
        return Unauthorised("WEF201")
    return Unauthorised("WEF203", sentence=sentence)


def _whole(value: object) -> int | None:
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
