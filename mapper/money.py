"""Exact numbers: JSON read without floats, rounding half-up by name, amounts written without exponents."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, NoReturn

from mapper.errors import PayloadError

MAX_JSON_BYTES = 32 * 1024 * 1024
MAX_NUMBER_CHARACTERS = 40

# The widest product of two numbers that `loads` lets in, with 12 decimals.
_WIDE = Context(prec=4 * MAX_NUMBER_CHARACTERS)
_STEPS = tuple(Decimal(1).scaleb(-places) for places in range(13))


def round_half_up(amount: Decimal, places: int) -> Decimal:
    """Round to `places` decimals (0 to 12); a tie goes away from zero, as Dutch VAT law has it.

    Source: Uitvoeringsbesluit omzetbelasting 1968, art. 5a: arithmetic rounding, on the third decimal.
    """
    return amount.quantize(_STEPS[places], ROUND_HALF_UP, _WIDE)


def decimal_text(amount: Decimal, places: int | None = None) -> str:
    """Write an amount without exponent or trailing zeros, rounded half-up to at most `places` decimals."""
    text = format(amount, "f")
    point = text.find(".")
    if point < 0:
        return "0" if text == "-0" else text
    if places is not None and len(text) - point - 1 > places:
        text = format(round_half_up(amount, places), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def loads(text: str | bytes) -> Any:
    """Read JSON: numbers with decimals become Decimal, whole ones int.

    Raises PayloadError PAY101 (not JSON), PAY102 (NaN or Infinity), PAY103 (a key twice in one object),
    PAY104 (too large), PAY105 (nested too deeply), PAY106 (a number too long to be an amount).
    """
    if len(text) > MAX_JSON_BYTES:
        raise PayloadError("PAY104", size=len(text), limit=MAX_JSON_BYTES)
    try:
        return json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except RecursionError:
        raise PayloadError("PAY105") from None
    except json.JSONDecodeError as error:
        raise PayloadError("PAY101", line=error.lineno, column=error.colno, reason=error.msg) from None
    except UnicodeDecodeError as error:
        raise PayloadError("PAY101", line=1, column=error.start + 1, reason="not UTF-8 text") from None


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Write JSON with every Decimal as a string; the same value always gives the same text."""
    return json.dumps(value, default=_encode, ensure_ascii=False, allow_nan=False, indent=indent)


def _encode(value: object) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= MAX_NUMBER_CHARACTERS else None
    except InvalidOperation:
        # An exponent of twenty digits is more than Decimal itself can hold.
        number = None
    if number is None or abs(number.adjusted()) > MAX_NUMBER_CHARACTERS:
        raise PayloadError("PAY106", number=text[:MAX_NUMBER_CHARACTERS])
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise PayloadError("PAY106", number=text[:MAX_NUMBER_CHARACTERS])
    return int(text)


def _refuse_constant(text: str) -> NoReturn:
    raise PayloadError("PAY102", number=text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PayloadError("PAY103", key=twice[:100])
    return unique
