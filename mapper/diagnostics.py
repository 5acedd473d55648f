"""Problems as values: diagnostics of files people write, findings about documents the shop sends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from mapper.errors import Language

Severity = Literal["error", "wait", "warning", "info"]

_EXCERPT = 160
_EXCERPT_BEFORE = 60


class Place(NamedTuple):
    """A spot in a file. Line and column count from 1; `length` is the number of characters to mark.

    Line 0 is no spot, where `file` says all that is known.
    """

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem in a rule or settings file: what, where, why, and a hint how to mend it.

    `dutch` are message and hint in Dutch, where whoever found it speaks it. `about` is the dotted key of a setting.
    """

    code: str
    place: Place
    message: str
    hint: str = ""
    excerpt: str = ""
    dutch: tuple[str, str] | None = None
    about: str = ""

    def render(self) -> str:
        """Return the problem for a terminal: position, message, the line with the spot marked, and the hint."""
        lines = [f"{printable(str(self.place))}: {self.code}: {printable(self.message)}"]
        if self.excerpt:
            number = str(self.place.line)
            shown, marker = _marked(self.excerpt, self.place.column - 1, self.place.length)
            lines.append(f"  {number} | {shown}")
            lines.append(f"  {' ' * len(number)} | {marker}")
        if self.hint:
            lines.append(f"  {printable(self.hint)}")
        return "\n".join(lines)

    def line(self) -> str:
        """Return the problem on one line, `file:line:column: code: message`, as editors and CI read it."""
        return printable(f"{self.place}: {self.code}: {self.message} {self.hint}".replace("\n", " ").rstrip())

    def to_json(self) -> dict[str, Any]:
        """Return the problem as JSON-able values."""
        return {
            "code": self.code,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says about a document. `say` and `help` hold one text per language (`en`, `nl`).

    `place` is the rule that found it, `about` the field it concerns, `facts` the values that decided, as text.
    """

    id: str
    severity: Severity
    say: Mapping[str, str]
    help: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None
    about: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self, language: Language = "en") -> dict[str, Any]:
        """Return the finding as JSON-able values, in one language; empty parts are left out."""
        shown: dict[str, Any] = {
            "id": self.id,
            "severity": self.severity,
            "message": self.say.get(language) or self.say.get("en", ""),
            "help": self.help.get(language) or self.help.get("en", ""),
            "about": self.about,
            "rule": str(self.place) if self.place else "",
            "facts": dict(self.facts),
        }
        return {name: value for name, value in shown.items() if value}


# C0 and C1 controls, DEL, bidirectional controls, zero-width characters, line and paragraph separators, the byte
# order mark, tag characters and lone surrogates: each can change what a terminal shows or does.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str, limit: int = 2000) -> str:
    """Return text from outside made safe for a terminal or a log: controls shown as escapes, cut to `limit`."""
    shown = _UNPRINTABLE.sub(lambda match: _escape(ord(match.group())), text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(character: int) -> str:
    return f"\\u{character:04x}" if character <= 0xFFFF else f"\\U{character:08x}"


def _marked(line: str, start: int, length: int) -> tuple[str, str]:
    """Return the part of a line around a spot, and carets under exactly that spot, whatever the characters' widths."""
    first = max(0, min(start, len(line)) - _EXCERPT_BEFORE) if len(line) > _EXCERPT else 0
    part = line[first : first + _EXCERPT].replace("\t", " ")
    before = ("…" if first else "") + printable(part[: start - first])
    spot = printable(part[start - first : start - first + length])
    after = printable(part[start - first + length :])
    more = "…" if first + _EXCERPT < len(line) else ""
    return before + spot + after + more, " " * _columns(before) + "^" * max(1, _columns(spot))


def _columns(text: str) -> int:
    """Return how many columns a terminal gives to a text: East Asian wide characters take two, accents none."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in {"W", "F"} else 1
        for one in text
    )
