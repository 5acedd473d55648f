"""The payloads that `map` and `explain` are given: files, or JSON Lines on standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mapper.diagnostics import printable
from mapper.errors import PayloadError, UsageError

STDIN = Path("-")
_INPUT = "standard input"


def payloads(files: Sequence[Path], rows_file: Path | None) -> Iterator[Any]:
    """Yield each payload, or the PayloadError that says where and why it cannot be read.

    Raises UsageError USE122 (a rows file without rows), USE123 (a file that cannot be read) before the first is given;
    PayloadError for a rows file that is no JSON.
    """
    for path in (*files, *([rows_file] if rows_file else ())):
        _check_readable(path)
    rows = _rows(rows_file) if rows_file is not None else None
    return _all(files, rows)


def _all(files: Sequence[Path], rows: list[Any] | None) -> Iterator[Any]:
    for path in files:
        for payload in _lines() if path == STDIN else [_payload(path)]:
            if rows is not None and isinstance(payload, dict):
                payload["rows"] = rows
            yield payload


def _check_readable(path: Path) -> None:
    """Opening it would take what a pipe holds."""
    if path == STDIN:
        return
    if path.is_dir():
        raise UsageError("USE123", file=printable(str(path), 200), reason="it is a folder")
    if not os.access(path, os.R_OK):
        reason = "no permission" if path.exists() else "there is none"
        raise UsageError("USE123", file=printable(str(path), 200), reason=reason)


def _payload(path: Path) -> Any:
    from mapper.money import loads

    where = printable(str(path), 200)
    try:
        content = _bytes(path)
    except PayloadError as error:
        return error.at(where)
    try:
        return loads(content)
    except PayloadError as error:
        if error.facts.get("reason") == "Extra data" and _begins_another(content, error):
            return PayloadError("PAY107", line=error.facts["line"]).at(where)
        return error.at(where)


def _begins_another(content: bytes, error: PayloadError) -> bool:
    line, column = int(str(error.facts["line"])), int(str(error.facts["column"]))
    return content.splitlines()[line - 1][column - 1 :].startswith(b"{")


def _lines() -> Iterator[Any]:
    """Yield the payloads of standard input: JSON Lines, or a single document written over several lines."""
    from mapper.money import loads

    stream = sys.stdin.buffer
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        if number > 1:
            yield _line(line, number)
            continue
        try:
            yield loads(line)
        except PayloadError as error:
            if error.code != "PAY101":
                yield _placed(error, number)
                continue
            yield from _whole(line + stream.read())
            return


def _whole(text: bytes) -> Iterator[Any]:
    """Yield the one document that the text is, else what each of its lines is."""
    from mapper.money import loads

    try:
        yield loads(text)
    except PayloadError:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield _line(line, number)


def _line(line: bytes, number: int) -> Any:
    from mapper.money import loads

    try:
        return loads(line)
    except PayloadError as error:
        return _placed(error, number)


def _placed(error: PayloadError, number: int) -> PayloadError:
    if error.code == "PAY101":
        return error.at(_INPUT, line=number)
    return error.at(f"{_INPUT}, line {number}")


def _rows(path: Path) -> list[Any]:
    """Return the rows of a collection as the API answers it, or of a plain list."""
    rows = _payload(path)
    if isinstance(rows, PayloadError):
        raise rows
    found = rows.get("items") if isinstance(rows, dict) else rows
    if not isinstance(found, list):
        raise UsageError("USE122", file=printable(str(path), 200))
    return found


def _bytes(path: Path) -> bytes:
    from mapper.money import MAX_JSON_BYTES

    try:
        # A device or a pipe has no size to ask for.
        with path.open("rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise UsageError("USE123", file=printable(str(path), 200), reason=error.strerror or "") from None
    if len(content) > MAX_JSON_BYTES:
        raise PayloadError("PAY104", size=max(len(content), path.stat().st_size), limit=MAX_JSON_BYTES)
    return content
