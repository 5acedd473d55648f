"""What the YAML reader refuses, told in the words of people who never met YAML, at the line where it is mended.

The reader speaks of block ends and tokens, and often meets a mistake only on the line below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import yaml

from mapper.diagnostics import Place

_INDENTED = "Indent it as the entries that it belongs with: two spaces for each level."
_QUOTES = "Put quotes around the text."
_KEY = "Write `key: value`, with a space behind the colon."
_ESCAPES = "A \\ in a text between \" is written \\\\; between ' it stands alone."
_CLOSING = {"{": "}", "[": "]"}
_GOT = re.compile(r"(?:got|found) '(.*)'\Z", re.DOTALL)

# What stands where a map or list should go on, and what its writer meant.
_INSTEAD = {
    "<block mapping start>": ("This line is indented otherwise than the lines around it.", _INDENTED),
    "<block sequence start>": ("This line is indented otherwise than the lines around it.", _INDENTED),
    "?": (
        "A key stands where an item of a list belongs.",
        "Begin it with '- ', or indent it as the entries of the item above it.",
    ),
    "-": (
        "An item of a list stands among keys.",
        "Remove the '- ', or write a key above it and indent the item.",
    ),
    "<scalar>": (
        "Something follows a text that has ended.",
        "Put quotes around all of it; a ' between single quotes is written twice.",
    ),
    ",": ("A comma cannot stand here.", "Remove it, or put quotes around the whole text."),
    **{
        sign: (
            f"This '{sign}' closes nothing that was opened before it.",
            "Remove it, or open it where it belongs.",
        )
        for sign in "}]"
    },
}


class Misread(NamedTuple):
    """A mistake: its line and column, both from 1, what is wrong, and what to do."""

    line: int
    column: int
    message: str
    hint: str


class _Error(NamedTuple):
    """What the reader said; `begin` is where what it was reading began, `at` where it could not go on."""

    problem: str
    context: str
    begin: tuple[int, int]
    at: tuple[int, int]
    got: str
    sign: str


def misread(lines: Sequence[str], error: yaml.MarkedYAMLError, running_on: Place | None) -> Misread:
    """Return a mistake in plain words; `running_on` is where a text begins that the reader took to go on below it."""
    if running_on is not None and lines[running_on.line - 1][running_on.column - 1] in "'\"":
        return _open_quote(running_on.line, running_on.column)
    at = _mark(lines, error.problem_mark or error.context_mark)
    begin = _mark(lines, error.context_mark or error.problem_mark)
    found = _GOT.search(error.problem or "")
    sign = lines[begin[0] - 1][begin[1] - 1 : begin[1]]
    told = _Error(error.problem or "", error.context or "", begin, at, found[1] if found else "", sign)
    return _tab(lines, told) or _unclosed(told) or _misplaced(lines, told, running_on) or _sign(lines, told)


def _mark(lines: Sequence[str], mark: yaml.Mark | None) -> tuple[int, int]:
    if mark is None:
        return 1, 1
    # The end of the file can be a line that is not there.
    line = min(mark.line + 1, len(lines))
    return line, min(mark.column + 1, len(lines[line - 1]) + 1)


def _tab(lines: Sequence[str], told: _Error) -> Misread | None:
    line, column = told.begin if "expected ':'" in told.problem else told.at
    before = lines[line - 1][:column]
    indentation = before[: len(before) - len(before.lstrip())]
    if "\t" not in indentation and not before.endswith("\t"):
        return None
    column = indentation.index("\t") + 1 if "\t" in indentation else column
    hint = "Write spaces: YAML allows no tabs here."
    return Misread(line, column, "A tab stands where only spaces may.", hint)


def _open_quote(line: int, column: int) -> Misread:
    return Misread(line, column, "A quote is opened here and not closed.", "Close it at the end of the text.")


def _unclosed(told: _Error) -> Misread | None:
    """Tell what is opened and not closed where it is opened, and what lacks a comma where that belongs."""
    if "end of stream" in told.problem or "document separator" in told.problem:
        return _open_quote(*told.begin)
    if not told.problem.startswith("expected ','"):
        return None
    closing = _CLOSING.get(told.sign, "")
    if told.at[0] > told.begin[0] or told.got in {"}", "]"} - {closing}:
        return Misread(*told.begin, f"This '{told.sign}' is not closed.", f"Close it with '{closing}'.")
    hint = "Separate entries by commas, and close each { and [ on its line."
    return Misread(*told.at, f"A comma or a '{closing}' is missing before this.", hint)


def _misplaced(lines: Sequence[str], told: _Error, running_on: Place | None) -> Misread | None:
    """Tell of keys, items and lines that stand where they cannot."""
    if told.problem.startswith("expected <block end>"):
        above = _above(lines, told.at[0])
        if told.got == "<block mapping start>" and above and _indentation(lines, above) < told.at[1] - 1:
            return _outdented(lines, above)
        message, hint = _INSTEAD.get(told.got, ("This cannot stand here.", _INDENTED))
        return Misread(*told.at, message, hint)
    if "expected ':'" in told.problem:
        return Misread(*told.begin, "A ':' is missing after a key.", _KEY)
    if "mapping values" in told.problem:
        if running_on is not None:
            return _indented(lines, running_on.line, told.at[0])
        hint = "Put quotes around a text that holds ': '; a second key begins a line."
        return Misread(*told.at, "A second ': ' stands on this line.", hint)
    if "sequence entries" in told.problem:
        hint = "Write each item on a line below the key, or write [a, b]; a text with '- ' needs quotes."
        return Misread(*told.at, "A list cannot begin here.", hint)
    return None


def _indented(lines: Sequence[str], first: int, second: int) -> Misread:
    """Tell which of two lines, of which the second seems to go on with the first, is not indented as others are."""
    if _indentation(lines, first) == _indentation(lines, second):
        return Misread(first, _indentation(lines, first) + 1, "A ':' is missing after a key.", _KEY)
    above = _above(lines, first)
    if above and _indentation(lines, above) == _indentation(lines, second):
        return _outdented(lines, first)
    column = _indentation(lines, second) + 1
    return Misread(
        second, column, "This line is indented further than the one above it, which has a value.", _INDENTED
    )


def _outdented(lines: Sequence[str], number: int) -> Misread:
    column = _indentation(lines, number) + 1
    return Misread(number, column, "This line is indented less than the lines around it.", _INDENTED)


def _above(lines: Sequence[str], number: int) -> int:
    """Return the number of the last line above another that holds something; 0 when there is none."""
    held = (above for above in range(number - 1, 0, -1) if lines[above - 1].strip())
    return next((above for above in held if not lines[above - 1].lstrip().startswith("#")), 0)


def _indentation(lines: Sequence[str], number: int) -> int:
    line = lines[number - 1]
    return len(line) - len(line.lstrip(" "))


def _sign(lines: Sequence[str], told: _Error) -> Misread:
    """Tell of a sign that has another meaning than its writer gave it."""
    line, column = told.at
    own = lines[line - 1][column - 1 : column]
    if "escape" in told.problem:
        return Misread(line, column, "This \\ stands for no character.", _ESCAPES)
    if "block scalar" in told.context:
        hint = "Write the text on the lines below it, indented."
        return Misread(line, column, f"Nothing may follow '{told.sign}' on its line.", hint)
    if told.sign and told.sign in "*&%!" and "scanning" in told.context:
        return Misread(*told.begin, f"A text cannot begin with '{told.sign}'.", _QUOTES)
    if "start any token" in told.problem or "mapping keys" in told.problem or own == "%":
        return Misread(line, column, f"A text cannot begin with '{own}'.", _QUOTES)
    if "node content" in told.problem and len(told.got) == 1:
        return Misread(
            line, column, f"'{told.got}' cannot stand here.", "Remove it, or put quotes around the text."
        )
    return Misread(line, column, "This cannot be read.", "Remove it, or put quotes around the text.")
