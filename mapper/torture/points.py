"""The fault points: where a daemon dies. Seen from outside its code, in what it says to its database and its services.

A daemon under torture is the daemon as it runs for real. What it does is told by the statements and commits of its
database connections, which SQLAlchemy lets anyone watch, and by the calls that reach the services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Pool, event
from sqlalchemy.pool import ConnectionPoolEntry

_STRUCK, _COMMITTED = "torture_struck", "torture_committed"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement about a table whose parameters begin with `values`; `parameter` must be there, whatever it is."""

    verb: Literal["INSERT INTO", "UPDATE"]
    table: str
    values: Mapping[str, str] = field(default_factory=dict)
    parameter: str = ""

    def is_it(self, text: str, parameters: Mapping[str, Any]) -> bool:
        """Tell whether a statement is this one."""
        return (
            text.startswith(f"{self.verb} {self.table} ")
            and (not self.parameter or self.parameter in parameters)
            and all(str(parameters.get(name, "")).startswith(value) for name, value in self.values.items())
        )


@dataclass(frozen=True, slots=True)
class AtDatabase:
    """Right before a statement, or when the transaction it belongs to is committed; `after` another one was."""

    statement: Statement
    committed: bool = False
    after: Statement | None = None


@dataclass(frozen=True, slots=True)
class AtService:
    """While a call is at a service: executed, and its answer under way."""

    service: Literal["ccv", "wefact"]
    match: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Point:
    """A fault point and what it is in words."""

    id: str
    words: str
    at: AtDatabase | AtService


_KEPT = Statement("INSERT INTO", "hint")
_CLAIMED = Statement("UPDATE", "document", {"state": "processing"})
_DONE = Statement("UPDATE", "document", {"state": "done"})
_CHECKED = Statement("UPDATE", "tenant", parameter="mismatches")
_TURN = Statement("UPDATE", "rate_bucket")


def _intended(step: str) -> Statement:
    return Statement("INSERT INTO", "operation", {"key": f"{step}:"})


def _finished(step: str) -> Statement:
    return Statement("UPDATE", "operation", {"state": "done", "key_1": f"{step}:"})


def _call(controller: str, action: str) -> AtService:
    return AtService("wefact", {"controller": controller, "action": action})


_ALL = (
    Point("F1", "before a webhook is stored", AtDatabase(_KEPT)),
    Point("F2", "a webhook stored, its 200 not sent", AtDatabase(_KEPT, committed=True)),
    Point("F3", "a webhook answered, its work not claimed", AtDatabase(_CLAIMED)),
    Point("F4", "claimed", AtDatabase(_CLAIMED, committed=True)),
    Point("F5", "while the order is fetched", AtService("ccv", {"path": "/orderrows/", "method": "GET"})),
    Point("F6", "planned, nothing intended", AtDatabase(_intended("debtor"))),
    Point("F7", "debtor intended, not called", AtDatabase(_intended("debtor"), committed=True)),
    Point("F8", "debtor made by WeFact, answer not read", _call("debtor", "add")),
    Point("F9", "debtor's answer read, not committed", AtDatabase(_finished("debtor"))),
    Point("F10", "invoice intended, not called", AtDatabase(_intended("invoice"), committed=True)),
    Point("F11", "invoice made by WeFact, answer not read", _call("invoice", "add")),
    Point("F12", "invoice's answer read, not committed", AtDatabase(_finished("invoice"))),
    Point("F13", "invoice committed, not verified", AtDatabase(_finished("invoice"), committed=True)),
    Point("F14", "while its totals are verified", AtDatabase(_CHECKED)),
    Point("F15", "verified and mailed, the order not yet handled", AtDatabase(_DONE)),
    Point("F16", "while the invoice is mailed", _call("invoice", "sendbyemail")),
)
POINTS: Mapping[str, Point] = {point.id: point for point in _ALL}

# No place to die, but where a process that is frozen, and replaced by another, would do most harm.
TURN = Point(
    "TURN",
    "invoice intended, its turn to call has come",
    AtDatabase(_TURN, committed=True, after=_intended("invoice")),
)


class Trap:
    """Springs when this process comes by a point of its database for the `nth` time."""

    def __init__(self, at: AtDatabase, nth: int, spring: Callable[[], None]) -> None:
        self._at = at
        self._left = nth
        self._spring = spring
        self._is_open = at.after is None

    def listen(self) -> None:
        """Watch every connection of this process from now on."""
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "commit", self._commit)
        event.listen(Pool, "checkin", self._checkin)

    def _before(
        self, conn: Connection, cursor: object, text: str, given: object, context: Any, many: object
    ) -> None:
        # One for each row: what arrives together is stored together.
        rows = getattr(context, "compiled_parameters", None) or [{}]
        parameters = rows[0]
        after = self._at.after
        if after is not None and after.is_it(text, parameters):
            self._is_open = True
        if not self._is_open or not self._at.statement.is_it(text, parameters):
            return
        if self._at.committed:
            conn.info[_STRUCK] = conn.info.get(_STRUCK, 0) + len(rows)
        else:
            self._come_by(len(rows))

    def _commit(self, conn: Connection) -> None:
        """Nothing is committed yet: the connection comes back to its pool when it is."""
        conn.info[_COMMITTED] = conn.info.get(_STRUCK, 0)

    def _checkin(self, _: object, record: ConnectionPoolEntry) -> None:
        record.info.pop(_STRUCK, None)
        self._come_by(record.info.pop(_COMMITTED, 0))

    def _come_by(self, times: int) -> None:
        has_sprung, self._left = self._left <= 0, self._left - times
        if not has_sprung and self._left <= 0:
            self._spring()
