"""What compiled rules call while they run: checked reads of a payload, and the faults they raise."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NoReturn

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_HALVES = re.compile("[\ud800-\udfff]")


class MissingValue(Exception):
    """A value the rules need is absent. `site` counts the places in a compiled rulebook that need one."""

    def __init__(self, site: int) -> None:
        self.site = site
        super().__init__(site)


class WrongType(Exception):
    """A payload field holds another type than the shop's API documents."""

    def __init__(self, path: str, wanted: str, found: str) -> None:
        self.path, self.wanted, self.found = path, wanted, found
        super().__init__(path)


def missing(site: int) -> NoReturn:
    raise MissingValue(site)


def filled(value: object) -> bool:
    """Tell whether there is something: a text of blanks holds nothing."""
    return bool(value.strip()) if isinstance(value, str) else value is not None and value != []


def exact(value: Any) -> Any:
    """Return a whole number as Decimal, anything else as it is: two of them divided would make a float."""
    return Decimal(value) if value.__class__ is int else value


def as_number(value: object, path: str) -> Decimal | None:
    # JSON has whole amounts as integers: by far the commonest case.
    if value.__class__ is int:
        return Decimal(value)
    if value is None or isinstance(value, Decimal):
        return value
    raise WrongType(path, "a number", _found(value))


def as_integer(value: object, path: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    # Real payloads hold some ids as text (`user.id`), and unset values as an empty one.
    if value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    raise WrongType(path, "a whole number", _found(value))


def clean_text(text: str) -> str:
    """Return a text as one line on paper: each control character a space, each half of a character U+FFFD."""
    return _HALVES.sub("\ufffd", _CONTROLS.sub(" ", text))


def as_text(value: object, path: str) -> str | None:
    if isinstance(value, str):
        return value if value.isprintable() else clean_text(value)
    if value is None:
        return None
    # Shops write numbers where the documentation has text (house numbers, telephone numbers).
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise WrongType(path, "a text", _found(value))


def as_flag(value: object, path: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    # PHP writes flags as 0 and 1 now and then.
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise WrongType(path, "true or false", _found(value))


def as_record(value: object, path: str) -> dict[str, Any] | None:
    # PHP writes an empty object as an empty list.
    if value is None or value == []:
        return None
    if isinstance(value, dict):
        return value
    raise WrongType(path, "an object", _found(value))


def as_list(value: object, path: str) -> list[Any] | None:
    if value is None or isinstance(value, list):
        return value
    raise WrongType(path, "a list", _found(value))


def as_any(value: object, path: str) -> object:
    return value


def as_item(value: object, path: str) -> dict[str, Any]:
    """Return a record of a list, which is never absent: PHP's empty object is an empty one."""
    if value == []:
        return {}
    record = as_record(value, path)
    if record is None:
        raise WrongType(path, "an object", "null")
    return record


def column(items: list[Any], name: str, kind: str, path: str, site: int) -> list[Any]:
    """Return one field of every record of a payload's list; each must be there and of its documented type."""
    read = READERS[kind][0] if kind in READERS else as_any
    values = [read(as_item(item, path.rpartition(".")[0]).get(name), path) for item in items]
    return values if None not in values else missing(site)


READERS = {
    "number": (as_number, Decimal),
    "integer": (as_integer, int),
    "text": (as_text, str),
    "flag": (as_flag, bool),
    "record": (as_record, dict),
    "list": (as_list, list),
}


def _found(value: object) -> str:
    if isinstance(value, str):
        return f"the text '{value[:40]}'"
    names = {bool: "true or false", dict: "an object", list: "a list", int: "a number", Decimal: "a number"}
    return names.get(type(value), type(value).__name__)
