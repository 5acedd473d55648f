"""The ASGI application before each emulator: admin API, faults, and the log of requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mapper.errors import PayloadError
from mapper.sandbox.faults import Controls, Fault, page, spoilt
from mapper.sandbox.wire import AdminError, Answer, Call, Object, parsed, php_json

MAX_BODY = 8 * 1024 * 1024
_DROPS = 20
_LOGGED_BODY = 256 * 1024
_LOGGED_HEADERS = ("content-type", "accept", "accept-language", "user-agent", "x-public", "x-date")


class Emulator(Protocol):
    """What a service must offer to stand behind the front."""

    controls: Controls

    def labels(self, call: Call) -> Mapping[str, str]:
        """Return `controller` and `action` when the service has them, for faults and log."""

    def shown_body(self, call: Call) -> Any:
        """Return the body as the log may show it: parsed, without keys."""

    def answer(self, call: Call) -> Answer:
        """Execute the call."""

    def ban(self) -> Answer:
        """Shut the caller out, and say so."""

    def admin(self, call: Call, parts: list[str], body: Any) -> Object:
        """Carry out an admin request that not every emulator has. Raises AdminError."""

    def objects(self) -> Object:
        """Return everything stored, by kind."""

    def reset(self) -> None:
        """Forget everything stored."""


class Line(H11Protocol):
    """HTTP/1.1 that hands its transport to the application, so that the application can break the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the transport in the state that every request of this connection carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Front:
    """One emulator as an ASGI application."""

    def __init__(self, emulator: Emulator, store: Callable[[Call], Awaitable[Answer]] | None = None) -> None:
        """`store` answers what a browser asks of the App Store page."""
        self._emulator = emulator
        self._store = store
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End the delays that are under way; their connections are dropped."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = await _read(receive)
        if body is None:
            await Response("body too large", 413)(scope, receive, send)
            return
        call = _call(scope, body)
        if self._store is not None and call.parts == ["_sandbox", "store"]:
            answer: Answer | None = await self._store(call)
        else:
            answer = self._administer(call) if call.parts[:1] == ["_sandbox"] else await self._serve(call)
        if answer is None:
            await _drop(scope, receive)
            return
        if answer.over:
            dripping = self._dripping(answer)
            response: Response = StreamingResponse(
                dripping, answer.status, dict(answer.headers), answer.content_type
            )
        else:
            response = Response(answer.body, answer.status, dict(answer.headers), answer.content_type)
        if answer.status == 204:
            del response.headers["content-type"]
        await response(scope, receive, send)
        if answer.hang_up is not None:
            asyncio.get_running_loop().call_later(answer.hang_up, scope["state"]["transport"].close)

    async def _serve(self, call: Call) -> Answer | None:
        emulator, controls = self._emulator, self._emulator.controls
        labels = emulator.labels(call)
        fault = controls.take_fault(call, labels)
        entry: Object = {
            "time": controls.clock().isoformat(timespec="milliseconds"),
            "method": call.method,
            "path": call.target,
            **labels,
            "headers": {name: call.headers[name] for name in _LOGGED_HEADERS if name in call.headers},
            "body": emulator.shown_body(call)
            if len(call.body) <= _LOGGED_BODY
            else f"{len(call.body)} bytes",
            "status": None,
            "fault": fault.kind if fault else None,
        }
        controls.requests.append(entry)
        answer = await self._struck(call, fault) if fault else emulator.answer(call)
        entry["status"] = answer.status if answer else None
        return answer

    async def _struck(self, call: Call, fault: Fault) -> Answer | None:
        if fault.kind == "ban":
            return self._emulator.ban()
        if fault.kind == "drop_before":
            return None
        seconds = self._emulator.controls.scaled(fault.seconds)
        if fault.kind == "delay" and fault.when == "before" and not await self._wait(seconds):
            return None
        if fault.kind in {"status", "html"}:
            if fault.when == "after":
                self._emulator.answer(call)
            return page(fault.status if fault.kind == "status" else 200, retry_after=seconds)
        answer = self._emulator.answer(call)
        if fault.kind == "delay" and fault.when == "after" and not await self._wait(seconds):
            return None
        return spoilt(answer, fault.kind, seconds)

    async def _dripping(self, answer: Answer) -> AsyncIterator[bytes]:
        size = max(1, len(answer.body) // _DROPS)
        for start in range(0, len(answer.body), size):
            if not await self._wait(answer.over / _DROPS):
                return
            yield answer.body[start : start + size]

    async def _wait(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def _administer(self, call: Call) -> Answer:
        try:
            body = parsed(call.body) if call.body.strip() else {}
            result = self._administered(call, call.parts[1:], body)
        except (AdminError, PayloadError) as error:
            return Answer(400, php_json({"error": str(error)}).encode())
        return Answer(200, php_json(result).encode())

    def _administered(self, call: Call, parts: list[str], body: Any) -> Object:
        emulator, controls = self._emulator, self._emulator.controls
        match call.method, parts:
            case "GET", ["requests"]:
                return {"requests": list(controls.requests)}
            case "GET", ["objects"]:
                return emulator.objects()
            case _, ["switches" | "faults" | "weather" as what]:
                return _controlled(controls, call.method, what, body)
            case "POST", ["reset"]:
                controls.reset()
                emulator.reset()
                return {}
            case _:
                return emulator.admin(call, parts, body)


def _controlled(controls: Controls, method: str, what: str, body: Any) -> Object:
    match method, what:
        case "PUT", "switches":
            controls.set(body)
        case "POST", "faults":
            controls.order_faults(body)
        case "DELETE", "faults":
            controls.faults.clear()
        case "PUT", "weather":
            controls.set_weather(body)
        case "GET", _:
            pass
        case _:
            raise AdminError(f"no admin request {method} {what}")
    if what == "switches":
        return controls.shown()
    if what == "faults":
        return {"faults": [fault.to_json() for fault in controls.faults]}
    return controls.weather.to_json() if controls.weather else {}


def _call(scope: Scope, body: bytes) -> Call:
    query = scope["query_string"]
    return Call(
        method=scope["method"].upper(),
        target=(scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        peer=scope["client"][0] if scope.get("client") else "127.0.0.1",
    )


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or None when it is larger than MAX_BODY or the client went away."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if size <= MAX_BODY else None


async def _drop(scope: Scope, receive: Receive) -> None:
    """Break the connection, and wait until uvicorn knows, or it would answer 500 for the answer that never came."""
    scope["state"]["transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass
