"""The app of one browser: a process of its own, which textual-serve starts and whose frames it passes on."""

from __future__ import annotations

import asyncio
import logging
import shlex
import sys
from collections.abc import Mapping

from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from tui.browser.visits import Visit

END_SECONDS = 10.0
_WIDEST, _HIGHEST = 400, 150
_LONGEST_TEXT = 65_536
_log = logging.getLogger("mapper.dashboard")


class Running(AppService):
    """The app as an account sees it. Its environment says where the installation is; its command has no secret."""

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
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=self._close,
            download_manager=downloads,
        )
        self._socket = socket
        self._environment = environment

    async def run(self) -> None:
        """Pass on what the app draws; when it ended, however it did, so does the connection."""
        await super().run()
        await self._close()

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
        try:
            await asyncio.wait_for(self.stop(), END_SECONDS)
        except TimeoutError:
            _log.warning("a dashboard did not end by itself")
        finally:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    async def _close(self) -> None:
        await self._socket.close()

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        return {**super()._build_environment(width, height), **self._environment}


def bounded(width: int, height: int) -> tuple[int, int]:
    """Return a size that a screen can have, whatever a browser says."""
    return min(max(width, 20), _WIDEST), min(max(height, 8), _HIGHEST)


def _envelope(message: object) -> object:
    try:
        return message.json()  # type: ignore[attr-defined]  # a WSMessage of its union with the type TEXT
    except ValueError:
        return None
