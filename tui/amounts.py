"""Counts, amounts and times as people of the screen's language write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from mapper.errors import Language
from mapper.money import decimal_text, round_half_up

_BARS = "▁▂▃▄▅▆▇█"


def count(number: int, language: Language) -> str:
    """Return 16,667, in Dutch 16.667."""
    text = f"{number:,}"
    return text.replace(",", ".") if language == "nl" else text


def amount(value: Decimal, language: Language) -> str:
    """Return 1,234.50, in Dutch 1.234,50; rounded half-up to cents."""
    text = f"{round_half_up(value, 2):,.2f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text


def money(value: Decimal | None, currency: str, language: Language) -> str:
    """Return an amount with its currency, empty when there is none; euros have their sign."""
    if value is None:
        return ""
    return f"{'€' if currency in {'EUR', ''} else currency} {amount(value, language)}"


def percent(rate: Decimal, language: Language) -> str:
    """Return 5.5 %, in Dutch 5,5 %."""
    text = decimal_text(rate)
    return (text.replace(".", ",") if language == "nl" else text) + " %"


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """Return a time in the webshop's zone to the minute."""
    return "" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def spark(values: Sequence[int], width: int) -> str:
    """Return a line of bars, one for each value, or for some together where there are more than fit."""
    if not values or width < 1:
        return ""
    each = -(-len(values) // width)
    sums = [sum(values[start : start + each]) for start in range(0, len(values), each)]
    top = max(sums)
    if top <= 0:
        return "·" * len(sums)
    return "".join("·" if value <= 0 else _BARS[(value * 8 - 1) // top] for value in sums)
