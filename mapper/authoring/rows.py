"""A value that no row of a table is for, made a row of it: in the text of the rule file, where nothing else changes."""

from __future__ import annotations

import json

from mapper.rulebook import rules as r


def with_row(text: str, table: r.Match, word: str, then: str) -> str:
    """Return a rule file's text with one more row at the end of a table of keywords: what has `word` gives `then`.

    `word` and `then` are written so that they are text, whatever they are. Nothing else changes.
    """
    lines = text.splitlines(keepends=True)
    last = table.rows[-1].place
    start = lines[last.line - 1]
    dash = start.rindex("-", 0, last.column - 1)
    end = last.line
    while end < len(lines) and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > dash:
        end += 1
    ending = "\n" if not lines[end - 1].endswith("\n") else ""
    row = f"{ending}{start[:dash]}- {{any: [{_quoted(word)}], then: {_quoted(then)}}}\n"
    return "".join((*lines[:end], row, *lines[end:]))


def _quoted(text: str) -> str:
    return json.dumps(text)
