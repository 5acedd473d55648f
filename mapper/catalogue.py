"""Every error code with its message and remedy, in English and Dutch.

Codes are stable: a code is never given another meaning. The prefix names the part: RULE rulebooks, MAP mapping a
document, PAY reading a payload, CCV, WEF and VIE the services, SET settings, SEC keys, STO the database, PRO
processing, WEB incoming requests, USE the command line, SBX the sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mapper.errors import Fact, Language


@dataclass(frozen=True, slots=True)
class Described:
    """One error in one language."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Message and remedy as templates; `{name}` is filled from the error's facts."""

    en: str
    nl: str
    remedy_en: str
    remedy_nl: str


def describe(code: str, facts: Mapping[str, Fact], language: Language) -> Described:
    """Fill the texts of `code`. Raises KeyError for a code that is not in the catalogue."""
    entry = CATALOGUE[code]
    shown = {name: "" if value is None else value for name, value in facts.items()}
    if language == "nl":
        return Described(entry.nl.format_map(shown), entry.remedy_nl.format_map(shown))
    return Described(entry.en.format_map(shown), entry.remedy_en.format_map(shown))


RULES: dict[str, Entry] = {
    "RULE100": Entry(
        "The rules have {count} problem(s).",
        "De regels bevatten {count} fout(en).",
        "Mend each problem at the place named, then run `mapper check`.",
        "Herstel elke fout op de genoemde plaats en draai daarna `mapper check`.",
    ),
}

PAYLOADS: dict[str, Entry] = {
    "PAY101": Entry(
        "This is not JSON: {reason} (line {line}, column {column}).",
        "Dit is geen JSON: {reason} (regel {line}, kolom {column}).",
        "Give the document exactly as the shop's API answers it.",
        "Geef het document precies zoals de API van de winkel het antwoordt.",
    ),
    "PAY102": Entry(
        "The document holds {number}, which is not a number JSON allows.",
        "Het document bevat {number}; dat is geen getal dat JSON toestaat.",
        "Ask the shop for the document again; if it stays, report it to the shop's maker.",
        "Vraag het document opnieuw op; blijft het zo, meld het dan bij de maker van de winkel.",
    ),
    "PAY103": Entry(
        "The key '{key}' stands twice in one object, so its value is uncertain.",
        "De sleutel '{key}' staat twee keer in één object; de waarde is dus onzeker.",
        "Remove one of the two.",
        "Verwijder een van de twee.",
    ),
    "PAY104": Entry(
        "The document has {size} bytes; at most {limit} are read.",
        "Het document is {size} bytes groot; er worden er hooguit {limit} gelezen.",
        "Give one document at a time, as JSON or as JSON Lines.",
        "Geef één document tegelijk, als JSON of als JSON Lines.",
    ),
    "PAY105": Entry(
        "The document is nested too deeply to be an order or an invoice.",
        "Het document is te diep genest om een bestelling of factuur te zijn.",
        "Give the document exactly as the shop's API answers it.",
        "Geef het document precies zoals de API van de winkel het antwoordt.",
    ),
    "PAY106": Entry(
        "The number {number} is too long to be an amount.",
        "Het getal {number} is te lang om een bedrag te zijn.",
        "Correct the amount in the shop, then process the document again.",
        "Verbeter het bedrag in de winkel en verwerk het document daarna opnieuw.",
    ),
}

SERVICES: dict[str, Entry] = {}

SETTINGS: dict[str, Entry] = {
    "SET100": Entry(
        "The settings have {count} problem(s).",
        "De instellingen bevatten {count} fout(en).",
        "Mend each problem at the place named, then give the settings again.",
        "Herstel elke fout op de genoemde plaats en geef de instellingen opnieuw op.",
    ),
    "SET101": Entry(
        "'{key}' is not a setting.",
        "'{key}' is geen instelling.",
        "Remove it, or look up its name with `mapper tenant example`.",
        "Verwijder deze, of zoek de naam op met `mapper tenant example`.",
    ),
    "SET102": Entry(
        "'{key}' must be given.",
        "'{key}' moet opgegeven worden.",
        "Add it; `mapper tenant example` shows how.",
        "Voeg deze toe; `mapper tenant example` laat zien hoe.",
    ),
    "SET103": Entry(
        "'{key}' must be {expected}, not {found}.",
        "'{key}' moet {expected} zijn, niet {found}.",
        "Change the value; `mapper tenant example` shows every setting with its meaning.",
        "Verander de waarde; `mapper tenant example` toont elke instelling met haar betekenis.",
    ),
    "SET104": Entry(
        "'{key}' is {found}, which is not a time zone.",
        "'{key}' is {found}; dat is geen tijdzone.",
        "Write it as Europe/Amsterdam.",
        "Schrijf deze als Europe/Amsterdam.",
    ),
    "SET105": Entry(
        "'{key}' is {found}, which is not a date.",
        "'{key}' is {found}; dat is geen datum.",
        "Write it as 2026-01-31.",
        "Schrijf deze als 2026-01-31.",
    ),
    "SET106": Entry(
        "'{key}' gives country {country} and rate {rate} a second time.",
        "'{key}' noemt land {country} en tarief {rate} een tweede keer.",
        "Keep one entry for each country and rate.",
        "Houd één regel per land en tarief.",
    ),
    "SET107": Entry(
        "'{key}' is empty, so with mode order_statuses nothing would ever be invoiced.",
        "'{key}' is leeg; met mode order_statuses zou nooit iets gefactureerd worden.",
        "List the order statuses that count, such as [5, 6].",
        "Noem de bestelstatussen die tellen, zoals [5, 6].",
    ),
}

STORE: dict[str, Entry] = {}

PROCESSING: dict[str, Entry] = {}

WEB: dict[str, Entry] = {}

USAGE: dict[str, Entry] = {}

SANDBOX: dict[str, Entry] = {}

CATALOGUE: dict[str, Entry] = RULES | PAYLOADS | SERVICES | SETTINGS | STORE | PROCESSING | WEB | USAGE | SANDBOX
