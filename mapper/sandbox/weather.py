"""Faults at random: which calls are struck, and how, follows from a seed and the number of the call alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from mapper.sandbox.wire import AdminError, Object

# Name → a fault to order. Seconds are those of the real world: a client waits 30 for an answer.
STRIKES: Mapping[str, Object] = {
    "lost_call": {"kind": "drop_before"},
    "lost_answer": {"kind": "drop_after_commit"},
    "error_before": {"kind": "status", "when": "before"},
    "error_after": {"kind": "status", "when": "after"},
    "late_commit": {"kind": "delay", "when": "before", "seconds": 45},
    "stall": {"kind": "delay", "when": "after", "seconds": 45},
    "slow": {"kind": "delay", "when": "after", "seconds": 5},
    "drip": {"kind": "drip", "seconds": 20},
    "truncated": {"kind": "truncated"},
    "page_before": {"kind": "html", "when": "before"},
    "page_after": {"kind": "html", "when": "after"},
    "empty_list": {"kind": "empty"},
    "short_list": {"kind": "short"},
    "hang_up": {"kind": "hang_up", "seconds": 0},
    "too_many": {"kind": "status", "status": 429},
    "ban": {"kind": "ban"},
}
_STATUSES = (500, 502, 504)
# These last for minutes or hours, whatever the scale: they are asked for by name.
_ONLY_ASKED = frozenset({"too_many", "ban"})


@dataclass(slots=True)
class Weather:
    """Of the calls that match, `percent` are struck by one of `faults`; `calls` counts them."""

    percent: int
    seed: int
    faults: tuple[str, ...]
    match: Mapping[str, str]
    calls: int = 0

    def strike(self) -> Object | None:
        """Count a call and return the fault that strikes it, or None."""
        self.calls += 1
        chance = Random(f"{self.seed} {self.calls}")  # noqa: S311
        if chance.random() * 100 >= self.percent:
            return None
        fault = STRIKES[chance.choice(self.faults)]
        status = {"status": chance.choice(_STATUSES)} if fault["kind"] == "status" else {}
        return {**status, **fault}

    def to_json(self) -> Object:
        """Return the weather as the admin API shows it."""
        faults, match = list(self.faults), dict(self.match)
        return {"percent": self.percent, "seed": self.seed, "faults": faults, "match": match}


def read(given: Any, match: Mapping[str, str]) -> Weather:
    """Read `{"percent": 10, "seed": 7, "faults": ["lost_answer", …]}`; without faults all but those that last.

    Raises AdminError for what has another shape.
    """
    unknown = set(given) - {"percent", "seed", "faults", "match"}
    if unknown:
        raise AdminError(f"weather has no '{min(unknown)}'")
    faults = given.get("faults", [name for name in STRIKES if name not in _ONLY_ASKED])
    if not isinstance(faults, list) or not faults or not set(map(str, faults)) <= set(STRIKES):
        raise AdminError(f"weather's 'faults' are some of {', '.join(STRIKES)}")
    percent, seed = given.get("percent", 10), given.get("seed", 1)
    for name, value, most in (("percent", percent, 100), ("seed", seed, 2**53)):
        if type(value) is not int or not 0 <= value <= most:
            raise AdminError(f"weather's '{name}' is a whole number from 0 to {most}")
    return Weather(percent, seed, tuple(faults), match)
