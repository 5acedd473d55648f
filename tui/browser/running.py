"""The app of one browser: a process of its own, which textual-serve starts and whose frames are passed on here.

How its process ends is ours: textual-serve would print what it said on our standard output, and nobody would tell the
person why their screen is gone.
"""

from __future__ import annotations

import asyncio
import logging
import re
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from mapper.diagnostics import printable
from mapper.errors import UsageError
from tui.browser.visits import Visit

DRIVER = "tui.browser.driver:BrowserDriver"
END_SECONDS = 10.0
CLOSE_SECONDS = 3.0
_BEGINNING = b"__GANGLION__\n"
"""What an app says before its first frame."""
_LAST_WORDS = 4096
_CODE = re.compile(r"\b[A-Z]{3,4}[0-9]{3}\b")
_WIDEST, _HIGHEST = 400, 150
_LONGEST_TEXT = 65_536
_log = logging.getLogger("mapper.dashboard")


class Running(AppService):
    """The app as an account sees it. Its environment says where the installation is; its command has no secret.

    `failure` is what to tell the person when it ended by itself, and not well.
    """

    def __init__(
        self,
        visit: Visit,
        socket: web.WebSocketResponse,
        downloads: DownloadManager,
        environment: Mapping[str, str],
    ) -> None:
        words = [
            sys.executable,
            "-m",
            "mapper",
            "tui",
            "--account",
            visit.account.id,
            "--tenant",
            visit.tenant,
        ]
        super().__init__(
            f"exec {shlex.join(words)}",
            write_bytes=self._draw,
            write_str=self._tell,
            close=self._leave,
            download_manager=downloads,
        )
        self._socket = socket
        self._environment = environment
        self._is_ending = False
        self._leaving: asyncio.Task[None] | None = None
        self.account = visit.account.id
        self.failure: UsageError | None = None

    async def run(self) -> None:
        """Pass on what the app draws; when it ended, however it did, so does the connection."""
        try:
            await self._follow_process()
        finally:
            await shut(self._socket)

    async def _follow_process(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        words = asyncio.create_task(_last_words(process.stderr))
        try:
            while await process.stdout.readline() not in {_BEGINNING, b""}:
                pass
            with suppress(asyncio.IncompleteReadError):  # the app ended
                while True:
                    await self._pass_on(process.stdout)
            said = (await words).splitlines()
        finally:
            words.cancel()
        code = await process.wait()
        if code == 0 or self._is_ending:
            return
        line = next(filter(_CODE.search, said), said[-1] if said else "")
        known = _CODE.search(line)
        self.failure = UsageError("WEB243", reason=known[0] if known else f"exit {code}")
        _log.error("a dashboard ended with exit code %s: %s", code, printable(line, 300))

    async def _pass_on(self, stream: asyncio.StreamReader) -> None:
        head = await stream.readexactly(5)
        content = await stream.readexactly(int.from_bytes(head[1:], "big"))
        match head[:1]:
            case b"D":
                await self.on_data(content)
            case b"M":
                await self.on_meta(content)
            case b"P":
                await self.on_packed(content)

    async def follow(self) -> None:
        """Pass on what the person does, until one of the two ends. What makes no sense is left out."""
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                await self._take(message)

    async def _take(self, message: object) -> None:
        match _envelope(message):
            case ["stdin", str(typed)] if len(typed) <= _LONGEST_TEXT:
                await self.send_bytes(typed.encode("utf-8", "replace"))
            case ["resize", {"width": int(width), "height": int(height)}]:
                await self.set_terminal_size(*bounded(width, height))
            case ["ping", str(given)] if len(given) <= 40:
                await self._socket.send_json(["pong", given])
            case ["blur"]:
                await self.blur()
            case ["focus"]:
                await self.focus()

    async def end(self) -> None:
        """Ask the app to end, and kill it when it does not."""
        self._is_ending = True
        try:
            await asyncio.wait_for(self.stop(), END_SECONDS)
        except TimeoutError:
            _log.warning("a dashboard did not end by itself")
        finally:
            if self._leaving is not None:
                self._leaving.cancel()
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    # A browser that is gone is told nothing; the app may draw until it ended in peace.

    async def _draw(self, frame: bytes) -> None:
        with suppress(ConnectionResetError):
            await self._socket.send_bytes(frame)

    async def _tell(self, text: str) -> None:
        with suppress(ConnectionResetError):
            await self._socket.send_str(text)

    async def _leave(self) -> None:
        """The app says that it ends: how it does is seen when its process has; a browser does not wait for ever."""
        self._leaving = asyncio.create_task(self._shut_later())

    async def _shut_later(self) -> None:
        await asyncio.sleep(END_SECONDS)
        await shut(self._socket)

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        return {
            **super()._build_environment(width, height),
            "TEXTUAL_DRIVER": DRIVER,
            **self._environment,
        }


async def shut(socket: web.WebSocketResponse) -> None:
    """Close a connection, also of a browser that reads nothing: it is cut off then."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close()
    except TimeoutError:
        _log.warning("a browser did not read that its dashboard is closed")


async def _last_words(stream: asyncio.StreamReader) -> str:
    """Return the end of what a process says on its standard error, once that is closed."""
    said = b""
    while part := await stream.read(_LAST_WORDS):
        said = (said + part)[-_LAST_WORDS:]
    return said.decode("utf-8", "replace")


def bounded(width: int, height: int) -> tuple[int, int]:
    """Return a size that a screen can have, whatever a browser says."""
    return min(max(width, 20), _WIDEST), min(max(height, 8), _HIGHEST)


def _envelope(message: object) -> object:
    try:
        return message.json()  # type: ignore[attr-defined]  # a WSMessage of its union with the type TEXT
    except ValueError:
        return None
