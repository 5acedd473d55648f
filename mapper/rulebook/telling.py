"""What a check says: its texts are put together when somebody reads them, from the values that were there.

The texts in every language, and the facts, mostly hold the same values: compiled rules hand over each once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mapper.diagnostics import Place
from mapper.rulebook.rules import Check
from mapper.rulebook.tree import Expr, Text


class Told(NamedTuple):
    """A value as it stands in a text: how its expression is written, and whether it is told as an amount in euros."""

    written: str | Place
    in_euros: bool


def told_by(check: Check, written: Mapping[Place, str]) -> dict[Told, Expr]:
    """Return the values that a check tells, in the order in which compiled rules give them."""
    texts = [part for text in (*check.say.values(), *check.help.values()) for part in _values(text)]
    told = {_told(part, written): part for part in texts}
    return told | {_fact(part, written): part for part in check.facts.values()}


def said_by(
    check: Check, written: Mapping[Place, str], values: Sequence[str]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return what a check says, its help, and its facts, all by name, from the values it tells."""
    told = dict(zip(told_by(check, written), values, strict=True))

    def filled(text: Text) -> str:
        return "".join(part if isinstance(part, str) else told[_told(part, written)] for part in text.parts)

    say, help_ = ({name: filled(text) for name, text in texts.items()} for texts in (check.say, check.help))
    return say, help_, {name: told[_fact(part, written)] for name, part in check.facts.items()}


def _values(text: Text) -> Iterator[Expr]:
    return (part for part in text.parts if not isinstance(part, str))


def _told(part: Expr, written: Mapping[Place, str]) -> Told:
    return Told(written.get(part.place) or part.place, part.type.unit == "money")


def _fact(part: Expr, written: Mapping[Place, str]) -> Told:
    return Told(written.get(part.place) or part.place, in_euros=False)
