"""How far long work is: a bar on a terminal, a line now and then elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from typing import Self

import click

_WIDTH = 30
_BAR_SECONDS, _LINE_SECONDS = 0.1, 10.0


class Progress:
    """Shows `done` of `total` under a title; a context manager that ends the line."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = time.monotonic()
        self._shown_at = float("-inf")
        self._is_terminal = sys.stderr.isatty()
        self._is_open = False

    def show(self, done: int, total: int, note: str = "") -> None:
        """Show the present state, if the last one shown is old enough, or the work is done."""
        now = time.monotonic()
        every = _BAR_SECONDS if self._is_terminal else _LINE_SECONDS
        if done < total and now - self._shown_at < every:
            return
        self._shown_at = now
        text = f"{self._title} {done:,} of {total:,}{self._left(done, total, now)}{note and f'; {note}'}"
        if not self._is_terminal:
            click.echo(text, err=True)
            return
        filled = _WIDTH * done // total if total else _WIDTH
        # Back to the start, and erase what is left of a longer line.
        click.echo(f"\r[{'#' * filled}{'.' * (_WIDTH - filled)}] {text}\x1b[K", err=True, nl=False)
        self._is_open = True

    def _left(self, done: int, total: int, now: float) -> str:
        if not 0 < done < total:
            return ""
        minutes = (now - self._started) / done * (total - done) / 60
        return f", about {minutes:.0f} min left" if minutes >= 1 else ", less than a minute left"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._is_open:
            click.echo(err=True)
