"""How the app of a browser draws and listens: as textual-serve has it, but it ends when nobody listens any more.

A server that was killed tells its apps nothing: all they see is that their standard input is closed.
"""

from __future__ import annotations

import os
import threading
from functools import partial

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp

END_SECONDS = 10.0
"""So long may what is at work take, such as an invoice that is being posted."""


class BrowserDriver(WebDriver):
    """The driver, which `running.Running` names to the process."""

    def run_input_thread(self) -> None:
        """Listen; when the server is gone, end the app, and the process if that does not."""
        super().run_input_thread()
        if self.exit_event.is_set():
            return
        self._write = partial(_into_nothing)
        self._app.post_message(ExitApp())
        end = threading.Timer(END_SECONDS, os._exit, (1,))
        end.daemon = True
        end.start()


def _into_nothing(frame: bytes) -> int:
    """Take a frame that nobody will see: the pipe to the server is broken."""
    return len(frame)
