"""CSV that a spreadsheet reads as data: amounts as numbers, and no text that it would calculate (CWE-1236)."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mapper.diagnostics import printable

# What a spreadsheet takes for a formula, also in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def print_csv(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print records under a line with the columns' names."""
    written = csv.writer(sys.stdout, lineterminator="\n")
    written.writerow(columns)
    for record in records:
        written.writerow([cell(record[name]) for name in columns])


def cell(value: object) -> str:
    """Return a cell: a Decimal as a number of two decimals, anything else as text that stays text."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    text = printable("" if value is None else str(value), 1000)
    return f"'{text}" if text.startswith(_FORMULA) else text
