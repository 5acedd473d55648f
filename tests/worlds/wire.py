"""The wire between a simulated process and the emulated services: whatever can happen to a call happens here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import httpx

from mapper.sandbox.wire import Answer, Call

if TYPE_CHECKING:
    from worlds.process import Process

# Set between the last look at the lease and the wire: nothing can help a process that is frozen there for longer than
# the settle time, so that it is not.
MAY_SEND: ContextVar[bool] = ContextVar("MAY_SEND", default=False)

FATES = (
    "not connected",
    "dropped before",
    "dropped after",
    "late",
    "timed out after",
    "500 before",
    "502 after",
    "504 after",
    "truncated",
    "html",
    "html after",
    "429",
    "slow",
    "ban",
)
SHOP, WEFACT, VIES = "https://shop.example", "https://wefact.example/v2/", "https://vies.example"
PATIENCE = 4.0
LATEST = 7.0


class Wire(httpx.AsyncBaseTransport):
    """Carries one process's requests to the emulators of its world."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        process, world = self._process, self._process.world
        service = request.url.host.partition(".")[0]
        call = _call(request)
        name = _named(call, service)
        changes = name.endswith(("/add", "/sendbyemail"))
        await process.gate(is_risky=changes)
        MAY_SEND.set(False)
        fate = world.fate_of_call(service, changes=changes)
        if fate:
            world.tell(f"{process.executor} {service} {name}: {fate}")
        answer = await self._meet(fate, service, call)
        await process.gate(is_risky=changes)
        return httpx.Response(
            answer.status,
            headers={**answer.headers, "content-type": answer.content_type},
            content=answer.body,
            request=request,
        )

    async def _meet(self, fate: str, service: str, call: Call) -> Answer:
        world = self._process.world
        emulator = world.services[service]
        if fate == "not connected":
            raise httpx.ConnectError(fate)
        await asyncio.sleep(world.chance.random() * (0.1 if fate != "slow" else 3.0))
        if fate == "dropped before":
            raise httpx.ReadError(fate)
        if fate in {"500 before", "html", "429"}:
            return _page({"500 before": 500, "html": 200, "429": 429}[fate])
        if fate == "ban" and service == "wefact":
            world.loop.call_later(world.chance.uniform(10, 100), _lift_ban, emulator.controls.values)
            return emulator.ban()
        if fate == "late":
            world.loop.call_later(world.chance.uniform(0, LATEST), emulator.answer, call)
            await asyncio.sleep(world.chance.uniform(0, PATIENCE))
            raise httpx.ReadTimeout(fate)
        answer: Answer = emulator.answer(call)
        if fate == "dropped after":
            raise httpx.RemoteProtocolError(fate)
        if fate == "timed out after":
            await asyncio.sleep(PATIENCE)
            raise httpx.ReadTimeout(fate)
        if fate in {"502 after", "504 after", "html after"}:
            return _page(200 if fate == "html after" else int(fate[:3]))
        if fate == "truncated":
            return Answer(
                answer.status, answer.body[: len(answer.body) // 2], answer.content_type, answer.headers
            )
        return answer


def _page(status: int) -> Answer:
    return Answer(status, b"<!DOCTYPE html><title>Onderhoud</title>", "text/html")


def _lift_ban(switches: dict[str, Any]) -> None:
    switches["banned"] = False


def _call(request: httpx.Request) -> Call:
    headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, request.url.raw_path.decode(), headers, request.content, "127.0.0.1")


def _named(call: Call, service: str) -> str:
    if service == "wefact":
        asked = json.loads(call.body)
        return f"{asked['controller']}/{asked['action']}"
    return f"{call.method} {call.path}"
