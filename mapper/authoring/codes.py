"""Help for every code that a person can meet (T9): what it says, why it happens, what to do, and an example.

Errors come from `catalogue.py`, their causes and examples from `causes.yaml`; findings come from the checks of the
shipped rules.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mapper.catalogue import CATALOGUE, describe
from mapper.diagnostics import Finding
from mapper.errors import Language, UsageError
from mapper.mapping import load_rulebooks, shipped_rules
from mapper.rulebook import source

_CAUSES = Path(__file__).with_name("causes.yaml")
_RULEBOOKS = ("ccv_order.yaml", "ccv_invoice.yaml", "wefact.yaml")
_NO_REMEDY = {"en": "Nothing needs to be done.", "nl": "Er hoeft niets te gebeuren."}
_HEADING = {
    "en": ("Why", "What to do", "Example"),
    "nl": ("Waarom", "Wat te doen", "Voorbeeld"),
}


@dataclass(frozen=True, slots=True)
class Help:
    """One code in one language. `message` and `remedy` keep their `{placeholders}`; `example` has them filled.

    A check has its example on the page only: it is what one of the rules' cases makes it say.
    """

    code: str
    message: str
    cause: str
    remedy: str
    example: str = ""
    place: str = ""


def known() -> tuple[str, ...]:
    """Return every code: those of errors in the order of the catalogue, then those of checks only."""
    return (*CATALOGUE, *(code for code in _checks() if code not in CATALOGUE))


def help_of(code: str, language: Language) -> tuple[Help, ...]:
    """Return what there is to say about a code: one entry for an error, one for each check of that id.

    Raises UsageError USE130 for a code that does not exist.
    """
    wanted = code.upper()
    found = [_of_error(wanted, language)] if wanted in CATALOGUE else []
    found += [_of_check(wanted, check, language) for check in _checks().get(wanted, ())]
    if not found:
        raise UsageError("USE130", given=code[:40])
    return tuple(found)


def page() -> str:
    """Return docs/errors.md: every code in English and Dutch."""
    examples = _findings()
    return "\n".join(_page(examples)) + "\n"


def _page(examples: Mapping[str, Finding]) -> Iterator[str]:
    yield "# What an error means, and what to do"
    yield ""
    yield "Look up one code: `mapper explain WEF202`; in Dutch: `mapper explain WEF202 --language nl`."
    yield "This page holds all of them. It is made by `mapper explain --codes`. Placeholders such as `{shop}` stand for"
    yield "what the message names. Codes of a letter and a number (K1, L4) are findings of the rules' checks."
    for code in known():
        yield f"\n## {code}"
        for english, dutch in zip(help_of(code, "en"), help_of(code, "nl"), strict=True):
            yield from _shown(english, "en", examples)
            yield from _shown(dutch, "nl", examples)


def _findings() -> dict[str, Finding]:
    """Return what each check of the rules says in the first of the rules' cases that makes it speak, by its place."""
    from mapper.authoring.cases import read_cases

    rulebooks = load_rulebooks()
    found: dict[str, Finding] = {}
    for case in read_cases(rulebooks).found:
        for finding in rulebooks.bind(case.settings).apply(case.kind, case.payload, offline=True).findings:
            found.setdefault(str(finding.place), finding)
    return found


def _shown(help: Help, language: Language, examples: Mapping[str, Finding]) -> Iterator[str]:
    why, remedy, example = _HEADING[language]
    filled = help.example or examples[help.place].say[language]
    yield f"\n**{help.message}**\n"
    yield f"- {why}: {help.cause}"
    yield f"- {remedy}: {help.remedy}"
    yield f"- {example}: {_code_span(filled)}"


def _code_span(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{' '.join(text.split())}{fence}"


def _of_error(code: str, language: Language) -> Help:
    entry, told = CATALOGUE[code], _causes()["codes"][code]
    message, remedy = (entry.nl, entry.remedy_nl) if language == "nl" else (entry.en, entry.remedy_en)
    example = told.get("example") or describe(code, _facts(code), language).message
    return Help(code, _plain(message), told[language], _plain(remedy), example)


def _facts(code: str) -> dict[str, Any]:
    return {**_causes()["facts"], **_causes()["codes"][code].get("facts", {})}


def _plain(template: str) -> str:
    """Return a template as people read it: doubled braces, which stand for braces, are single."""
    parts = []
    for literal, name, _, _ in string.Formatter().parse(template):
        parts.append(literal + (f"{{{name}}}" if name and name != "where" else ""))
    return "".join(parts)


def _of_check(code: str, check: dict[str, Any], language: Language) -> Help:
    remedy = check.get("help", _NO_REMEDY)[language]
    return Help(code, check["say"][language], _condition(check, language), remedy, place=check["place"])


def _condition(check: dict[str, Any], language: Language) -> str:
    """Return when a check speaks, in the rule's own words."""
    test = f"not ({check['that']})" if "that" in check else str(check["if"])
    where = {"en": "the rule about `{}` in {} says so when", "nl": "de regel over `{}` in {} zegt dit als"}
    return f"{where[language].format(check['about'], check['file'])} {_code_span(test)}"


@lru_cache(maxsize=1)
def _causes() -> Any:
    return source.read_file(_CAUSES).plain()


@lru_cache(maxsize=1)
def _checks() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name in _RULEBOOKS:
        checks = source.read_file(shipped_rules() / name, f"rules/{name}").entries.get("checks")
        for node in checks.items if checks else ():
            check = {**node.plain(), "file": name, "place": str(node.place)}
            found.setdefault(str(check["id"]), []).append(check)
    return found
