"""What goes over the wire: a request as received, an answer as sent, and JSON spelled as PHP spells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from mapper.errors import PayloadError
from mapper.money import decimal_text, loads

Object = dict[str, Any]
ZERO = Decimal(0)
MAX_DIGITS = 12
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `target` is path and query exactly as they came; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer: str

    @property
    def path(self) -> str:
        """Return the target without its query."""
        return self.target.partition("?")[0]

    @property
    def parts(self) -> list[str]:
        """Return the segments of the path; a slash at the end makes no difference."""
        return [part for part in self.path.split("/") if part]

    @property
    def query(self) -> dict[str, str]:
        """Return the query's parameters; of one that is given twice the last counts, as in PHP."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; its body is sent over so many seconds, and so many later the connection is closed, if at all."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    over: float = 0
    hang_up: float | None = None


class AdminError(Exception):
    """An admin request that cannot be carried out; the text goes back to whoever sent it, with HTTP 400."""


def parsed(body: bytes) -> Any:
    """Read a JSON body. Raises PayloadError, also for what is nested deeper than any API of these needs."""
    value = loads(body)
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for each in level for item in _items(each)]
        if not level:
            return value
    raise PayloadError("PAY105")


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def php_json(value: Any) -> str:
    """Write JSON as PHP's json_encode does: slashes escaped, ASCII only, whole amounts without decimals.

    Source: real payloads of CCV Shop; WeFact's own samples escape the euro sign.
    """
    if isinstance(value, Mapping):
        pairs = (f"{_text(str(name))}:{php_json(item)}" for name, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(php_json(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return decimal_text(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    return json.dumps(value).replace("/", "\\/")


def merged(original: Mapping[str, Any], changes: Mapping[str, Any]) -> Object:
    """Return `original` with `changes` merged in: objects key by key, everything else replaced."""
    result = dict(original)
    for name, value in changes.items():
        inner = result.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            value = merged(inner, value)  # noqa: PLW2901 - the merged one takes the place of the bare one
        result[name] = value
    return result


def as_decimal(value: Any) -> Decimal:
    """Return a number of a payload as Decimal; whatever is no amount counts as 0, as testers may store nonsense."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return ZERO
    return number if number.is_finite() and abs(number.adjusted()) <= MAX_DIGITS else ZERO
