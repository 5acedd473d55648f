"""A period of a list: a month, quarter or year counted back from today, days of one's own, or all there is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from mapper.errors import Language

Kind = Literal["month", "quarter", "year", "all", "days"]
KINDS: tuple[Kind, ...] = ("month", "quarter", "year", "all", "days")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_NAMES: dict[Language, str] = {
    "en": "January February March April May June July August September October November December",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}


@dataclass(frozen=True, slots=True)
class Period:
    """`back` counts whole periods back from the present one; `first` and `last` are the days of one's own."""

    kind: Kind = "month"
    back: int = 0
    first: date | None = None
    last: date | None = None

    def days(self, today: date) -> tuple[date | None, date | None]:
        """Return the first and the last day; None: no bound."""
        if self.kind == "all":
            return None, None
        if self.kind == "days":
            return self.first, self.last
        size = _MONTHS[self.kind]
        month = (today.year * 12 + today.month - 1) // size * size - self.back * size
        after = month + size
        return date(month // 12, month % 12 + 1, 1), date(after // 12, after % 12 + 1, 1) - timedelta(days=1)

    def bounds(self, today: date, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """Return since when (included) and until when (not), in the webshop's zone."""
        first, last = self.days(today)
        since = None if first is None else datetime.combine(first, time(), zone)
        until = None if last is None else datetime.combine(last + timedelta(days=1), time(), zone)
        return since, until

    def moved(self, by: int) -> Period:
        """Return the period before (-1) or after (1), never beyond the present one; all and days do not move."""
        if self.kind not in _MONTHS:
            return self
        return replace(self, back=max(0, self.back - by))

    def title(self, today: date, language: Language, *, all_words: str) -> str:
        """Return the period in words: November 2026, Q4 2026, 2026, 1 Jan - 31 Mar 2026."""
        first, last = self.days(today)
        if first is None and last is None:
            return all_words
        if self.kind == "days" or first is None:
            return f"{first or '…'} – {last or '…'}"
        if self.kind == "month":
            return f"{_NAMES[language].split()[first.month - 1]} {first.year}"
        return (
            f"{'K' if language == 'nl' else 'Q'}{(first.month + 2) // 3} {first.year}"
            if self.kind == "quarter"
            else str(first.year)
        )

    def written(self) -> str:
        """Return it as text to remember."""
        return f"{self.kind} {self.back} {self.first or '-'} {self.last or '-'}"


def read(text: str) -> Period | None:
    """Return what was remembered; None when it is no period."""
    parts = text.split()
    kind = next((one for one in KINDS if parts and one == parts[0]), None)
    if kind is None or len(parts) != 4 or not parts[1].isdigit() or int(parts[1]) > 1200:
        return None
    first, last = (day_of(one) for one in parts[2:])
    return Period(kind, int(parts[1]), first, last)


def day_of(text: str) -> date | None:
    """Return a day written as 2026-01-31, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def per_day(hours: dict[datetime, int], first: date, last: date, zone: ZoneInfo) -> list[int]:
    """Return how many there are of each day of a zone from `first` to `last`."""
    counts = [0] * ((last - first).days + 1)
    for hour, count in hours.items():
        place = (hour.astimezone(zone).date() - first).days
        if 0 <= place < len(counts):
            counts[place] += count
    return counts
