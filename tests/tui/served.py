"""`mapper tui --serve` in a process of its own, and a browser's websocket without the browser.

PYTEST_DONT_REWRITE: tests also import from here, before pytest could rewrite it.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from mapper.store import accounts, licences
from mapper.store.database import Database
from tests.tui.terminals import KEYS, PATIENT, ROOT, drawn_text

PASSWORD = "correct horse battery staple"


def merchant_of(database: Database, tenant: str = "winkel") -> str:
    """Give a webshop's merchant PASSWORD and English, and return the licence key to log in with."""
    with database.begin() as conn:
        licence = licences.get(conn, tenant)
        accounts.set_password(conn, licence.account, PASSWORD)
        accounts.set_contact(conn, licence.account, email="", language="en")
    return licence.key


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: its address, its process, and the file of what it says on standard error and output."""

    url: str
    process: subprocess.Popen[bytes]
    said: Path

    def dashboards(self) -> list[int]:
        """Return the ids of the processes that it started."""
        asked = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        return [int(one) for one in told.split()]


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Server]:
    """Serve the dashboard of a state folder until the block ends, if it is not ended before."""
    command = [sys.executable, "-m", "mapper", "--home", str(folder), "tui", "--serve", "--port", "0"]
    environment = {**os.environ, "TEXTUAL_ANIMATIONS": "none", "MAPPER_LOOPBACK": "1"}
    said = folder / "served.log"
    with (
        said.open("w") as file,
        subprocess.Popen(
            [*command, *arguments], stdout=file, stderr=file, cwd=ROOT, env=environment
        ) as running,
    ):
        try:
            deadline = time.monotonic() + PATIENT
            while not (found := re.search(r"https?://[^\s/;]+", said.read_text())):
                assert running.poll() is None, said.read_text()
                assert time.monotonic() < deadline, said.read_text()
                time.sleep(0.02)
            yield Server(found[0], running, said)
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(30)


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[str]:
    """Serve the dashboard of a state folder until the block ends; gives its address."""
    with serving(folder, *arguments) as server:
        yield server.url
    assert server.process.returncode == 0


class Visitor:
    """A browser that fills in the login page; `client` holds its cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(
            base_url=url,
            trust_env=False,
            headers={"accept-language": "en"},
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def log_in(self, name: str, password: str, **headers: str) -> httpx.Response:
        csrf = csrf_in(self.client.get("/login"))
        form = {"name": name, "password": password, "csrf": csrf}
        return self.client.post("/login", data=form, headers={"origin": self.url, **headers})


def csrf_in(page: httpx.Response) -> str:
    """Return what the page's form must carry."""
    return re.findall(r'name="csrf" value="([0-9a-f]+)"', page.text)[0]


class Screen:
    """What the app draws over the websocket, and how to answer it."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.raw = b""
        self._seen = 0

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.socket.send_json(["stdin", KEYS.get(key, key)])

    async def until(self, text: str) -> None:
        """Wait until a text was drawn since the last time."""
        await self._receive(text, lambda: text in drawn_text(self.raw[self._seen :]))
        self._seen = len(self.raw)

    async def ended(self) -> None:
        """Wait until the app has ended the connection."""
        await self._receive("the end", lambda: self.socket.closed)

    async def _receive(self, what: str, is_there: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENT):
                while not is_there():
                    message = await self.socket.receive()
                    if message.type is WSMsgType.BINARY:
                        self.raw += message.data
                    elif message.type is not WSMsgType.TEXT:
                        assert self.socket.closed, message
        except TimeoutError as error:
            drawn = drawn_text(self.raw[self._seen :])[-1500:]
            raise AssertionError(f"{what!r} never came: {drawn}") from error

    @property
    def drawn(self) -> str:
        return drawn_text(self.raw)


def websocket(session: ClientSession, visitor: Visitor, **headers: str):
    """Connect as the page does: with its cookies, from its origin."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    sent = {"Origin": visitor.url, "Cookie": cookies, **headers}
    return session.ws_connect(f"{visitor.url}/ws?width=120&height=34", headers=sent)
