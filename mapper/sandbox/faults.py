"""What the tester controls: switches for what is unknown about a service, faults to order, and the log of requests."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mapper.money import loads
from mapper.sandbox import weather
from mapper.sandbox.weather import Weather
from mapper.sandbox.wire import AdminError, Answer, Call, Object, php_json

LOG_LENGTH = 5000

FAULT_KINDS = {
    "drop_before": "close the connection without executing or answering",
    "drop_after_commit": "execute, then close the connection without an answer",
    "delay": "answer after `seconds`; `when: before` also executes only then",
    "status": "answer HTTP `status`; `when: after` executes first",
    "ban": "the service's firewall shuts the caller out from here on (WeFact: until reset or `banned: false`)",
    "html": "answer HTTP 200 with a web page; `when: after` executes first",
    "truncated": "execute, then answer with only the first half of the body",
    "empty": "answer a list as if nothing were found",
    "short": "answer a list without the second half of its rows; its total stays",
    "drip": "execute, then send the answer bit by bit, over `seconds`",
    "hang_up": "answer, then close the connection `seconds` later, where the next request may be under way",
}


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that can be set. Without `choices` it may be any value of the default's type."""

    default: Any
    about: str
    choices: tuple[Any, ...] = ()
    negative: bool = False

    def accepts(self, value: Any) -> bool:
        """Tell whether `value` can be set."""
        if self.choices:
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(self.default, (int, Decimal)):
            return isinstance(value, (int, Decimal)) and (self.negative or value >= 0)
        return isinstance(value, type(self.default))


COMMON: Mapping[str, Switch] = {
    "speed": Switch(
        1, "how many times shorter the seconds of faults, lags and delays are than a real service's"
    ),
    "clock_skew": Switch(0, "seconds by which the service's clock is ahead; below 0: behind", negative=True),
}

_PAGE = b"<!DOCTYPE html><html><head><title>Onderhoud</title></head><body><h1>Even geduld</h1></body></html>"


@dataclass(slots=True)
class Fault:
    """One ordered fault. It strikes `times` calls that match, after letting `skip` of them pass."""

    kind: str
    match: Mapping[str, str]
    times: int
    skip: int
    seconds: float
    status: int
    when: str

    def matches(self, call: Call, labels: Mapping[str, str]) -> bool:
        """Tell whether the call is meant."""
        return _is_meant(self.match, call, labels)

    def to_json(self) -> Object:
        """Return the fault as the admin API shows it."""
        return {
            "kind": self.kind,
            "match": dict(self.match),
            "times": self.times,
            "skip": self.skip,
            "seconds": Decimal(str(self.seconds)),
            "status": self.status,
            "when": self.when,
        }


@dataclass(slots=True)
class Controls:
    """Switches, faults and request log of one emulator; `time` gives the time with its zone."""

    own: Mapping[str, Switch]
    time: Callable[[], datetime]
    values: Object = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    weather: Weather | None = None
    requests: deque[Object] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))

    @property
    def switches(self) -> Mapping[str, Switch]:
        """Return the service's own switches, and those that all services have."""
        return {**self.own, **COMMON}

    def clock(self) -> datetime:
        """Return the time by the service's clock."""
        return self.time() + timedelta(seconds=float(self["clock_skew"]))

    def scaled(self, seconds: float) -> float:
        """Return how long something lasts that takes so many seconds in the real world."""
        return seconds / max(float(self["speed"]), 0.001)

    def __getitem__(self, name: str) -> Any:
        """Return a switch's value."""
        return self.values.get(name, self.switches[name].default)

    def shown(self) -> Object:
        """Return every switch with its value."""
        return {name: self[name] for name in self.switches}

    def set(self, given: Any) -> None:
        """Set switches. Raises AdminError, and sets none, when one is unknown or has a value it cannot have."""
        for name, value in _object(given, "switches").items():
            switch = self.switches.get(name)
            if switch is None:
                raise AdminError(f"no switch '{name}'; there are: {', '.join(sorted(self.switches))}")
            if not switch.accepts(value):
                raise AdminError(f"switch '{name}' cannot be {value!r}: {switch.about}")
        self.values.update(given)

    def order_faults(self, given: Any) -> None:
        """Add faults, one or a list. Raises AdminError, and adds none, when one cannot be read."""
        wanted = given if isinstance(given, list) else [given]
        self.faults.extend([_fault(each) for each in wanted])

    def take_fault(self, call: Call, labels: Mapping[str, str]) -> Fault | None:
        """Return the first fault that strikes this call, counted off, else what the weather brings, or None."""
        for fault in self.faults:
            if not fault.matches(call, labels):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
            return fault
        if self.weather is not None and _is_meant(self.weather.match, call, labels):
            struck = self.weather.strike()
            return _fault(struck) if struck else None
        return None

    def set_weather(self, given: Any) -> None:
        """Let faults strike at random, or with 0 percent none any more. Raises AdminError."""
        wanted = _object(given, "weather")
        self.weather = weather.read(wanted, _match(wanted))

    def reset(self) -> None:
        """Forget switches, faults and requests."""
        self.values.clear()
        self.faults.clear()
        self.weather = None
        self.requests.clear()


def page(status: int, *, retry_after: float) -> Answer:
    """Return the web page a proxy or a maintenance script gives instead of the service's answer."""
    headers = {"Retry-After": str(math.ceil(retry_after))} if status in {429, 503} else {}
    return Answer(status, _PAGE, "text/html; charset=utf-8", headers)


def spoilt(answer: Answer, kind: str, seconds: float) -> Answer | None:
    """Return what is left of an executed call's answer; None: nothing."""
    match kind:
        case "drop_after_commit":
            return None
        case "truncated":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case "empty" | "short":
            return _with_fewer_rows(answer, kind)
        case "drip":
            return replace(answer, over=seconds)
        case "hang_up":
            return replace(answer, hang_up=seconds)
    return answer


def _with_fewer_rows(answer: Answer, kind: str) -> Answer:
    """What is no list stays as it is."""
    body = loads(answer.body)
    name = next((name for name, value in body.items() if isinstance(value, list) and name != "errors"), None)
    if name is None:
        return answer
    kept = body[name][: len(body[name]) // 2] if kind == "short" else []
    body |= {name: kept} | ({"next": None} if "next" in body else {})
    if "currentresults" in body:
        body |= {"currentresults": len(kept)} | ({} if kind == "short" else {"totalresults": 0})
        if not kept:
            del body[name]
    return replace(answer, body=php_json(body).encode())


def _fault(given: Any) -> Fault:
    wanted = _object(given, "a fault")
    unknown = set(wanted) - {"kind", "match", "times", "skip", "seconds", "status", "when"}
    if unknown:
        raise AdminError(f"a fault has no '{min(unknown)}'")
    if wanted.get("kind") not in FAULT_KINDS:
        raise AdminError(f"a fault's kind is one of {', '.join(FAULT_KINDS)}")
    if wanted.get("when", "before") not in {"before", "after"}:
        raise AdminError("a fault's 'when' is before or after")
    return Fault(
        kind=wanted["kind"],
        match=_match(wanted),
        times=int(_number(wanted, "times", 1)),
        skip=int(_number(wanted, "skip", 0)),
        seconds=float(_number(wanted, "seconds", 1)),
        status=int(_number(wanted, "status", 503)),
        when=wanted.get("when", "after" if wanted["kind"] == "delay" else "before"),
    )


def _match(wanted: Object) -> dict[str, str]:
    match = _object(wanted.get("match", {}), "match")
    if not set(match) <= {"path", "method", "controller", "action"}:
        raise AdminError("a fault matches by path, method, controller and action")
    return {name: str(value) for name, value in match.items()}


def _is_meant(match: Mapping[str, str], call: Call, labels: Mapping[str, str]) -> bool:
    """Tell whether a call is meant: `path` is a part of the target, all else must be equal (ignoring case)."""
    facts = {"method": call.method, **labels}
    return all(
        wanted in call.target if name == "path" else facts.get(name, "").lower() == wanted.lower()
        for name, wanted in match.items()
    )


def _object(value: Any, name: str) -> Object:
    if not isinstance(value, dict):
        raise AdminError(f"{name}: expected a JSON object")
    return value


def _number(wanted: Object, name: str, default: int) -> int | Decimal:
    value = wanted.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not 0 <= value <= 1_000_000:
        raise AdminError(f"a fault's '{name}' is a number from 0")
    return value
