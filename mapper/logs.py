"""What a running mapper writes on standard error: one line per event, each with the document it is about.

No line holds personal data: messages are ours (codes, numbers, counts), and of what libraries say only the first line
is taken, without the values of a statement.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, TextIO

from mapper.diagnostics import printable

Form = Literal["text", "json"]

LONGEST = 600
# A full disk makes the engine complain every second.
REPEAT_SECONDS = 60.0

_KIND = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Cancelled)\w*)(?=:|$)", re.MULTILINE)
_about: ContextVar[tuple[str, str]] = ContextVar("about", default=("", ""))
_daemon = logging.getLogger("mapper.daemon")


@contextmanager
def concerning(tenant: str, document: str) -> Iterator[None]:
    """Have every line that is written in the block name this document."""
    token = _about.set((tenant, document))
    try:
        yield
    finally:
        _about.reset(token)


def say(line: str) -> None:
    """Tell what happened, for whoever runs the mapper."""
    _daemon.info("%s", line)


def listen(form: Form = "text", stream: TextIO | None = None) -> None:
    """Write everything that is logged from now on to `stream` (standard error), in place of any other way."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else Lines())
    handler.addFilter(Sparing())
    root, engine = logging.getLogger(), logging.getLogger("dbos")
    for logger in (root, engine):
        logger.handlers[:] = [handler]
    # The engine adds a handler of its own, with tracebacks, unless it has one.
    engine.propagate = False
    logging.getLogger("mapper").setLevel(logging.INFO)


class Sparing(logging.Filter):
    """Lets a library say the same thing once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is to be written."""
        if _is_ours(record):
            return True
        now, key = time.monotonic(), (record.name, told(record)[:80])
        self._said = {known: at for known, at in self._said.items() if now - at < REPEAT_SECONDS}
        is_new = key not in self._said
        self._said.setdefault(key, now)
        return is_new


class Lines(logging.Formatter):
    """Lines for people: moment, level unless it is the usual one, document, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one record."""
        tenant, document = _about.get()
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        about = f"{tenant} {document}: " if document else ""
        moment = datetime.fromtimestamp(record.created, UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S}Z {level}{about}{told(record)}"


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, and tenant and document where it is about one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one record."""
        tenant, document = _about.get()
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "at": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": told(record),
        }
        if document:
            line |= {"tenant": tenant, "document": document}
        return json.dumps(line)


def told(record: logging.LogRecord) -> str:
    """Return the message of a record, fit for a terminal; an exception by its kind and its place only."""
    text = record.getMessage()
    if not _is_ours(record):
        text = _first_line(text)
    if record.exc_info and record.exc_info[0] is not None:
        text = f"{text.rstrip(': ')} ({record.exc_info[0].__name__}{_place(record)})"
    return printable(" | ".join(text.split("\n")).strip(), LONGEST)


def _first_line(text: str) -> str:
    """Return the first line of what a library says; of a traceback in it the kind of its last exception."""
    said, trace, rest = text.partition("Traceback (most recent call last):")
    line = said.partition("\n")[0].partition("[SQL:")[0].partition("[parameters:")[0]
    kinds = _KIND.findall(rest) if trace else []
    return line + kinds[-1] if kinds else line


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.startswith("mapper")


def _place(record: logging.LogRecord) -> str:
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
