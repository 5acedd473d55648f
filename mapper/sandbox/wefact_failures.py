"""Refusals of WeFact, and the reading of its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mapper.sandbox.wire import Object

_NUMBER = re.compile(r"[+-]?([0-9]{1,10}(\.[0-9]{0,30})?|\.[0-9]{1,30})")


class Failed(Exception):
    """A call that WeFact answers with `status: error` and these sentences."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = list(sentences)
        super().__init__("; ".join(sentences))


def text(asked: Object, name: str) -> str:
    """Return a text parameter; absent and null are empty. Raises Failed for lists and objects."""
    value = asked.get(name)
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise Failed(f"Invalid type for '{name}'")
    return str(value)


def decimal(asked: Object, name: str, path: str = "") -> Decimal:
    """Return a number, given as JSON number or as text with a dot. Raises Failed, also for `1,250.50`."""
    value = asked.get(name)
    written = str(value).strip() if isinstance(value, (str, int, Decimal)) else ""
    if not _NUMBER.fullmatch(written):
        raise Failed(f"Invalid type for '{path}{name}'")
    return Decimal(written)


def day(value: str, *, refuse_time: bool) -> date:
    """Return a date; a time behind it is cut off, or refused. Raises Failed."""
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        if not refuse_time and len(value) == 19:
            return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").date()  # noqa: DTZ007 - WeFact's times have no zone
    except ValueError:
        pass
    raise Failed("De datum is niet juist ingevuld")


def reject_identifier(asked: Object) -> None:
    """Refuse an Identifier on an add."""
    if asked.get("Identifier") not in (None, ""):
        raise Failed("Een Identifier is niet toegestaan voor deze actie")


def reject_types(asked: Object, texts: Iterable[str], *, strict: bool, path: str = "") -> None:
    """Refuse lists, objects and, when strict, numbers where a text is meant."""
    for name in texts:
        value: Any = asked.get(name, "")
        if not isinstance(value, str) and (strict or isinstance(value, (dict, list))):
            raise Failed(f"Invalid type for '{path}{name}'")
