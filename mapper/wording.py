"""Why a document is where it is, in words: error codes by the catalogue, findings by what the rules said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from mapper.catalogue import CATALOGUE, describe
from mapper.errors import Language
from mapper.phrases import dutch
from mapper.store import payloads
from mapper.store.rows import Document


@dataclass(frozen=True, slots=True)
class Reason:
    """What holds a document, and what to do about it. `said` holds text from outside: print it with `printable`."""

    said: str
    remedy: str = ""


def reason_of(conn: Connection, document: Document, language: Language) -> Reason:
    """Return why the document is in its state; empty when nothing holds it."""
    if not document.cause:
        return Reason("")
    if document.cause in CATALOGUE:
        return reason(document.cause, document.facts, (), language)
    found = payloads.mapping(conn, document.tenant, document.id)
    return reason(document.cause, document.facts, found.findings if found else (), language)


def reason(
    cause: str, facts: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], language: Language
) -> Reason:
    """Return in words why work on a document stopped: `cause` is an error code, a finding's id, or words already."""
    if cause in CATALOGUE:
        return _of_code(cause, facts, language)
    for finding in findings:
        if finding.get("id") == cause and finding.get("severity") in {"error", "wait"}:
            return Reason(_text(finding, ("message", "say"), language), _text(finding, ("help",), language))
    return Reason(_with_facts(dutch(cause) if language == "nl" else cause, facts))


def _of_code(cause: str, facts: Mapping[str, Any], language: Language) -> Reason:
    shown = {name: value if isinstance(value, int) else str(value) for name, value in facts.items()}
    try:
        described = describe(cause, shown, language)
    except KeyError:
        return Reason(_with_facts(cause, facts))
    return Reason(described.message, described.remedy)


def _text(finding: Mapping[str, Any], names: tuple[str, ...], language: Language) -> str:
    for name in names:
        text = finding.get(name)
        if isinstance(text, Mapping):
            text = text.get(language) or text.get("en")
        if text:
            return str(text)
    return ""


def _with_facts(cause: str, facts: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{name} {value}" for name, value in facts.items())
    return f"{cause} ({shown})" if shown else cause
