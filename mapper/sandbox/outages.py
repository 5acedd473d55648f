"""A profile of VIES's outages: seeded, per member state, in stretches of time or call by call.

One firm counted 384 faults in 90 days, 72 % of them between 19:00 and 01:00 UTC (django-plans issue 249).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from mapper.sandbox.wire import AdminError, Object

EVERYWHERE = "*"
_CODE = re.compile(r"[A-Z][A-Z_]{2,49}")
_COUNTRY = re.compile(r"[A-Z]{2}|\*")


@dataclass(frozen=True, slots=True)
class Outage:
    """How a member state fails: `percent` of all stretches of `minutes`, or of all calls when that is 0.

    `hours` are the first hour and the one after the last (UTC) in which it fails at all; [19, 1] goes over midnight.
    """

    percent: int
    seed: int = 1
    code: str = "MS_UNAVAILABLE"
    minutes: int = 0
    hours: tuple[int, int] = (0, 24)

    def holds_at(self, country: str, now: datetime, call: int) -> bool:
        """Tell whether a call fails; the same seed, country and time, or number of the call, give the same."""
        first, last = self.hours
        inside = first <= now.hour < last if first <= last else now.hour >= first or now.hour < last
        stretch = int(now.timestamp() // 60 // self.minutes) if self.minutes else call
        return inside and Random(f"{self.seed} {country} {stretch}").random() * 100 < self.percent  # noqa: S311


@dataclass(slots=True)
class Outages:
    """Outages by member state, `*` for all others; counts the calls."""

    by_country: dict[str, Outage] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Any) -> Outages:
        """Read `{"DE": {"percent": 30, "minutes": 15, "seed": 7, "hours": [19, 1], "code": "MS_UNAVAILABLE"}}`.

        Raises AdminError for what has another shape.
        """
        if not isinstance(given, dict):
            raise AdminError("outages: expected a JSON object by country")
        return cls({country: _outage(country, wanted) for country, wanted in given.items()})

    def to_json(self) -> Object:
        """Return the profile as it was given, with its defaults."""
        return {
            country: {
                "percent": one.percent,
                "seed": one.seed,
                "code": one.code,
                "minutes": one.minutes,
                "hours": list(one.hours),
            }
            for country, one in self.by_country.items()
        }

    def strikes(self, country: str, now: datetime) -> str | None:
        """Count a call and return the code it fails with, or None."""
        self.calls[country] = call = self.calls.get(country, 0) + 1
        outage = self._of(country)
        return outage.code if outage is not None and outage.holds_at(country, now, call) else None

    def is_down(self, country: str, now: datetime) -> bool:
        """Tell whether the next call will fail."""
        outage = self._of(country)
        return outage is not None and outage.holds_at(country, now, self.calls.get(country, 0) + 1)

    def _of(self, country: str) -> Outage | None:
        return self.by_country.get(country, self.by_country.get(EVERYWHERE))


def _outage(country: str, wanted: Any) -> Outage:
    if not isinstance(wanted, dict) or not _COUNTRY.fullmatch(country):
        raise AdminError(f"outages: '{country}' is no country with an object")
    unknown = set(wanted) - {"percent", "seed", "code", "minutes", "hours"}
    if unknown:
        raise AdminError(f"an outage has no '{min(unknown)}'")
    code, hours = wanted.get("code", "MS_UNAVAILABLE"), wanted.get("hours", [0, 24])
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise AdminError("an outage's 'code' is one of VIES's, such as MS_UNAVAILABLE")
    if not isinstance(hours, list) or len(hours) != 2:
        raise AdminError("an outage's 'hours' are two, such as [19, 1]")
    first, last = (_whole("hours", hour, 24) for hour in hours)
    return Outage(
        _whole("percent", wanted.get("percent", 100), 100),
        _whole("seed", wanted.get("seed", 1), 2**31),
        code,
        _whole("minutes", wanted.get("minutes", 0), 10_000),
        (first, last),
    )


def _whole(name: str, value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise AdminError(f"an outage's '{name}' is a whole number from 0 to {most}")
    return value
