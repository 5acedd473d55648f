"""A tiny HTTP server for answers no well-behaved service gives: wrong signatures, endless bodies, silence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire; `target` is path and query, undecoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer. `how`: whole, or drop the connection, or hang, or drip a byte at a time without end."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    how: Literal["whole", "drop", "hang", "drip"] = "whole"

    @property
    def patience(self) -> float:
        """The client's timeout to use with this answer, in seconds: short only where it must run out."""
        return 0.2 if self.how in {"hang", "drip"} else 10


@dataclass(slots=True)
class Loopback:
    """The running server's address and what was asked so far."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextlib.asynccontextmanager
async def loopback(answer: Callable[[Asked], Answer]) -> AsyncIterator[Loopback]:
    """Serve `answer` on a free port of 127.0.0.1."""
    served = Loopback("")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            asked = await _read(reader)
            served.asked.append(asked)
            await _write(writer, answer(asked))
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    served.url = f"http://127.0.0.1:{port}"
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def unused_port() -> int:
    """Return a port of 127.0.0.1 that refuses connections."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if ": " in line}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    if answer.how == "drop":
        return
    if answer.how == "hang":
        await asyncio.sleep(60)
    length = 10_000 if answer.how == "drip" else len(answer.body)
    lines = [f"HTTP/1.1 {answer.status} Any", f"content-length: {length}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    while answer.how == "drip":
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)
    writer.write(answer.body)
    await writer.drain()
