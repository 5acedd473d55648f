"""What is said of a document: by checks of the rules, or of a payload that the rules could not map at all."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from mapper.catalogue import describe
from mapper.diagnostics import Finding, Place, Severity
from mapper.errors import Fact
from mapper.rulebook.compiler import Compiled
from mapper.rulebook.emitter import LINE
from mapper.rulebook.functions import RuleFault, UnknownCountry
from mapper.rulebook.origins import origins
from mapper.rulebook.rules import Rules
from mapper.rulebook.runtime import MissingValue, WrongType
from mapper.rulebook.source import FILE_LINES
from mapper.rulebook.telling import said_by

MAX_ROWS = 5000

# What a traced run records: the entry's number, its value, and the case that applied.
Record = tuple[int, Any, Any]

FAULTS = (
    MissingValue,
    WrongType,
    RuleFault,
    ArithmeticError,
    TypeError,
    LookupError,
    ValueError,
    AttributeError,
)


def of_code(
    code: str,
    facts: Mapping[str, Fact],
    *,
    id: str = "",
    severity: Severity = "error",
    place: Place | None = None,
    about: str = "",
) -> Finding:
    """Return a finding in the words of the catalogue, in both languages; its id is the code when none is given."""
    english, dutch = (describe(code, facts, language) for language in ("en", "nl"))
    return Finding(
        id or code,
        severity,
        say={"en": english.message, "nl": dutch.message},
        help={"en": english.remedy, "nl": dutch.remedy},
        place=place,
        about=about,
        facts={name: str(value) for name, value in facts.items() if value},
    )


def unfit(payload: object) -> Finding | None:
    """Say why a payload cannot be looked at at all; None when it can."""
    if not isinstance(payload, Mapping):
        return of_code("MAP205", {"found": type(payload).__name__}, about="payload")
    rows = payload.get("rows")
    if isinstance(rows, list) and len(rows) > MAX_ROWS:
        return of_code("MAP206", {"count": len(rows), "limit": MAX_ROWS}, about="rows")
    return None


def of_fault(fault: Exception, compiled: Compiled, records: Sequence[Record]) -> Finding:
    """Return what to say of a payload that a rule could not go on with: which rule, which field, which row."""
    item = next((value for number, _, value in reversed(records) if number == LINE), None)
    if isinstance(fault, MissingValue):
        site = compiled.sites[fault.site]
        fields = (
            origins(compiled, records, site.expr) if site.what.startswith("_") or "(" in site.what else []
        )
        fields = fields or [site.what]
        told: dict[str, Fact] = {"path": "' / '".join(fields), "row": _row(fields[0], item)}
        return of_code("MAP201", told, place=site.place, about=fields[0])
    place = _rule_place(fault, compiled.rules)
    if isinstance(fault, WrongType):
        facts: dict[str, Fact] = {
            "path": fault.path,
            "wanted": fault.wanted,
            "found": fault.found,
            "row": _row(fault.path, item),
        }
        return of_code("MAP202", facts, place=place, about=fault.path)
    if isinstance(fault, UnknownCountry):
        return of_code(
            "MAP208", {"country": fault.country, "address": fault.address}, place=place, about="country"
        )
    row = f" (row {item + 1})" if item is not None and _is_of_row(place, compiled) else ""
    if isinstance(fault, RuleFault):
        return of_code("MAP203", {"reason": str(fault), "row": row}, place=place)
    return of_code("MAP204", {"reason": _reason(fault), "row": row}, place=place)


def _is_of_row(place: Place | None, compiled: Compiled) -> bool:
    """Tell whether a rule is one of the lines made from the rows: the record only knows lines that were begun."""
    if place is None:
        return False
    above = [one for one in compiled.entries if one.place.file == place.file and one.place.line <= place.line]
    nearest = max(above, key=lambda one: one.place.line, default=None)
    return nearest is not None and nearest.path.partition(".")[0] == "rows"


def _reason(fault: Exception) -> str:
    """Say why a calculation failed; Decimal's own words are the names of its classes."""
    if isinstance(fault, ZeroDivisionError):
        return "a division by zero"
    if isinstance(fault, ArithmeticError):
        return "a number that is too large to calculate with"
    return f"{type(fault).__name__}: {str(fault)[:200]}"


def _row(path: str, item: int | None) -> str:
    """Say which row a path such as `row.tax` is about; the record only knows lines that were begun."""
    return (
        "" if item is None or path.split(".", maxsplit=1)[0] in {"order", "invoice"} else f" (row {item + 1})"
    )


def _rule_place(fault: Exception, rules: Rules) -> Place | None:
    """Return where in the rules the fault happened: compiled code carries the YAML's positions."""
    file = rules.file
    for frame, _ in reversed(list(traceback.walk_tb(fault.__traceback__))):
        if frame.f_code.co_filename == file:
            break
    else:
        return None
    summary = [one for one in traceback.extract_tb(fault.__traceback__) if one.filename == file][-1]
    number, line = divmod(summary.lineno or 1, FILE_LINES)
    return Place(rules.files[number], line, (summary.colno or 0) + 1)


def of_checks(compiled: Compiled, reports: Sequence[Any], *, offline: bool) -> list[Finding]:
    """Return what the checks of a rulebook reported; without `offline` not what a service will be asked."""
    found = []
    for number, severity, told, item in reports:
        check = compiled.rules.checks[number]
        if check.offline and not offline:
            continue
        about = check.about if item is None else f"{check.about} of line {item + 1}"
        say, help_, facts = said_by(check, compiled.rules.written, told)
        found.append(Finding(check.id, _severity(severity), say, help_, check.place, about, facts))
    return found


def _severity(text: str) -> Severity:
    return text if text in {"wait", "warning", "info"} else "error"  # type: ignore[return-value]
