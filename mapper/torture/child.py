"""One daemon under torture, in a process of its own: the daemon as it runs for real, and a trap where it is to die."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

from mapper.processing import daemon
from mapper.torture.points import AtDatabase, Trap

LISTENING, WORKING, STRUCK = "listening on ", "working;", "struck"


@dataclass(frozen=True, slots=True)
class Told:
    """What a process is to do: run with these options, and at the `nth` time it comes by `trap` be killed or frozen."""

    options: daemon.Options
    log: Path
    trap: AtDatabase | None = None
    nth: int = 1
    frozen: bool = False


Entry: TypeAlias = "Callable[[Told, Connection], None]"
"""What a process runs; a module's function, so that another process can find it by name."""


def main(told: Told, line: Connection) -> None:
    """Run the daemon; `line` is told when it is ready, and when the trap springs. Without its parent it ends."""
    threading.Thread(target=_end_with, args=(line,), name="parent", daemon=True).start()
    with told.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)

    def say(text: str) -> None:
        print(text, flush=True)  # noqa: T201 (the process's own log)
        if text.startswith((LISTENING, WORKING)):
            line.send(text)

    def spring() -> None:
        line.send(STRUCK)
        os.kill(os.getpid(), signal.SIGSTOP if told.frozen else signal.SIGKILL)

    if told.trap is not None:
        Trap(told.trap, told.nth, spring).listen()
    daemon.run(replace(told.options, say=say))


def _end_with(line: Connection) -> None:
    """Nobody is left to kill a daemon whose torturer was killed."""
    with contextlib.suppress(EOFError, OSError):
        line.recv()
    os._exit(1)
