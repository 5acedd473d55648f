"""A real terminal (pty) with `mapper tui` in it.

PYTEST_DONT_REWRITE: tests also import from here, before pytest could rewrite it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENT = 45.0
_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])"
)


class Terminal:
    """What the program wrote, and how to answer it. `raw` is every byte of it."""

    def __init__(self, descriptor: int, pid: int) -> None:
        self._descriptor, self._pid = descriptor, pid
        self.raw = b""
        self._seen = 0

    def press(self, *keys: str) -> None:
        """Type; names of keys stand for their sequences."""
        for key in keys:
            os.write(self._descriptor, KEYS.get(key, key).encode())
            self._read(0.15)
            # A lone escape is told from the beginning of a sequence by the time after it, whatever is drawn meanwhile.
            told = time.monotonic() + (1.0 if key == "escape" else 0.0)
            while time.monotonic() < told:
                self._read(0.1)

    def until(self, text: str) -> None:
        """Wait until a text was drawn since the last time."""
        deadline = time.monotonic() + PATIENT
        while text not in self.drawn():
            assert time.monotonic() < deadline, f"{text!r} never came: {self.drawn()[-1500:]}"
            self._read(0.2)
        self._seen = len(self.raw)

    def drawn(self) -> str:
        """Return what was drawn since `until` last found something, without sequences."""
        return drawn_text(self.raw[self._seen :])

    def ended(self) -> int:
        """Wait for the end and return the exit code."""
        deadline = time.monotonic() + PATIENT
        while time.monotonic() < deadline:
            self._read(0.1)
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("it does not end")

    def _read(self, seconds: float) -> None:
        while select.select([self._descriptor], [], [], seconds)[0]:
            try:
                part = os.read(self._descriptor, 65536)
            except OSError:  # the program closed its end
                return
            if not part:
                return
            self.raw += part
            seconds = 0.02

    def close(self) -> None:
        """End the program, if it still runs."""
        if self._pid:
            os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
        os.close(self._descriptor)


KEYS = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "pagedown": "\x1b[6~",
    "end": "\x1b[F", "home": "\x1b[H", "delete": "\x1b[3~", "ctrl+q": "\x11", "ctrl+p": "\x10",
}  # fmt: skip


def drawn_text(raw: bytes) -> str:
    """Return what a program drew, without sequences."""
    return _SEQUENCE.sub(b"", raw).decode("utf-8", "replace")


@contextmanager
def terminal(*arguments: str, columns: int = 120, rows: int = 34, **environment: str) -> Iterator[Terminal]:
    """Run `mapper` with arguments in a terminal of its own."""
    size = struct.pack("HHHH", rows, columns, 0, 0)
    pid, descriptor = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.environ |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "TEXTUAL_ANIMATIONS": "none",
            **environment,
        }
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            os.environ.pop(name, None)
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "mapper", *arguments])
    shown = Terminal(descriptor, pid)
    try:
        yield shown
    finally:
        shown.close()
