"""The Dutch of the few English words that are kept or passed on as values: reasons, states, kinds of values.

What the program stores is the same in every language; a face translates it when it shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

# `{}` stands for what is taken over as it is.
DUTCH = {
    "not paid yet (R1)": "nog niet betaald (R1)",
    "order status unknown (R1)": "bestelstatus onbekend (R1)",
    "order status {} (R1)": "bestelstatus {} (R1)",
    "this shop posts orders, not invoices (R1)": "deze winkel boekt bestellingen, geen facturen (R1)",
    "this shop posts invoices, not orders (R1)": "deze winkel boekt facturen, geen bestellingen (R1)",
    "not completed (R6)": "niet afgerond (R6)",
    "cancelled in the shop (R6)": "geannuleerd in de winkel (R6)",
    "deleted in the shop (R6)": "verwijderd in de winkel (R6)",
    "zero total (R6)": "totaal nul (R6)",
    "older than what tax law keeps (R8)": "ouder dan wat volgens de wet bewaard wordt (R8)",
    "older than the go-live (R9)": "ouder dan de ingangsdatum (R9)",
    "posted as {} (K4)": "geboekt als {} (K4)",
    "in WeFact already (R4)": "al in WeFact (R4)",
    "on its way already": "al onderweg",
    "ignored by a person (R5)": "genegeerd door een persoon (R5)",
    "not installed yet (T1)": "nog niet geïnstalleerd (T1)",
    "stopped (T2)": "gestopt (T2)",
    "missing": "ontbreekt",
    "double": "dubbel",
    "amount": "bedrag",
    "changed": "gewijzigd",
    "deleted": "verwijderd",
    "unknown": "onbekend",
    "open": "open",
    "queued": "in de wachtrij",
    "processing": "in verwerking",
    "waiting": "wachtend",
    "error": "fout",
    "done": "klaar",
    "ignored": "genegeerd",
    "debtor": "debiteur",
    "product": "product",
    "invoice": "factuur",
    " (row {})": " (regel {})",
    "a number": "een getal",
    "a whole number": "een geheel getal",
    "a text": "een tekst",
    "the text '{}'": "de tekst '{}'",
    "true or false": "waar of onwaar",
    "a map of keys": "een blok met sleutels",
    "nothing": "niets",
    "one of {}": "een van {}",
    "{}, or empty": "{}, of leeg",
    "{} / {}": "{} / {}",
    "{} from {} to {}": "{} van {} tot {}",
    "{} between {} and {}": "{} tussen {} en {}",
    "a text (Two capital letters (ISO 3166-1), Greece is GR)": "een tekst (twee hoofdletters; Griekenland is GR)",
    "Did you mean '{}'?": "Bedoelde u '{}'?",
    "Known here: {}.": "Bekend zijn hier: {}.",
    "an object": "een object",
    "a list": "een lijst",
    "null": "niets",
    "a division by zero": "een deling door nul",
    "a number that is too large to calculate with": "een getal dat te groot is om mee te rekenen",
    "'{}' holds {} where an amount belongs": "'{}' bevat {} waar een bedrag hoort",
    "{} is no number of decimals from 0 to 12": "{} is geen aantal decimalen van 0 tot 12",
    "there is nothing to spread the amount over: the rows add up to 0": (
        "er is niets om het bedrag over te verdelen: de regels komen samen op 0"
    ),
    "there is no line to take the VAT rate from": "er is geen regel om het btw-tarief van te nemen",
    "'{}' is not a date and time such as 2026-03-31T22:30:00Z": (
        "'{}' is geen datum en tijd zoals 2026-03-31T22:30:00Z"
    ),
    "'{}' does not say its time zone, such as the Z of 2026-03-31T22:30:00Z": (
        "'{}' noemt geen tijdzone, zoals de Z van 2026-03-31T22:30:00Z"
    ),
    "'{}' is no date that a document can have": "'{}' is geen datum die een document kan hebben",
    "'{}' is no VAT rate": "'{}' is geen btw-tarief",
    "'{}' is not a language such as nl or en": "'{}' is geen taal zoals nl of en",
    "'{}' is no country": "'{}' is geen land",
    "Expecting value": "hier hoort een waarde",
    "Expecting property name enclosed in double quotes": "hier hoort een naam tussen dubbele aanhalingstekens",
    "Illegal trailing comma before end of object": "een komma te veel aan het eind van een object",
    "Illegal trailing comma before end of array": "een komma te veel aan het eind van een lijst",
    "Expecting '{}' delimiter": "hier hoort een '{}'",
    "Unterminated string starting at": "een tekst zonder sluitend aanhalingsteken",
    "Invalid control character at": "een stuurteken in een tekst",
    "Invalid \\escape": "een ongeldig teken na \\",
    "Invalid \\uXXXX escape": "een ongeldig teken na \\u",
    "Extra data": "er staat nog iets achter het document",
    "not UTF-8 text": "geen UTF-8-tekst",
    "it is a folder": "het is een map",
    "there is none": "het is er niet",
    "no permission": "geen toestemming",
    "No such file or directory": "het bestand of de map is er niet",
    "Is a directory": "het is een map",
    "Permission denied": "geen toestemming",
    "No space left on device": "de schijf is vol",
    "locked": "in gebruik",
    "its output": "zijn uitvoer",
}


class Phrasebook:
    """Phrases with their translation. `otherwise` translates what is not in it, also where it fills a phrase."""

    def __init__(
        self, phrases: Mapping[str, str], otherwise: Callable[[str], str] = lambda phrase: phrase
    ) -> None:
        self._phrases = phrases
        self._otherwise = otherwise
        # Those with most words of their own first: others would take their words for what fills them.
        templates = sorted(
            (one for one in phrases if "{}" in one), key=lambda one: -len(one.replace("{}", ""))
        )
        self._patterns = [
            (re.compile(re.escape(one).replace(r"\{\}", "(.*)"), re.DOTALL), phrases[one])
            for one in templates
        ]

    def translated(self, phrase: str) -> str:
        """Return a phrase translated; what is none of ours, as what people write, stays as it is."""
        if phrase in self._phrases:
            return self._phrases[phrase]
        for pattern, translation in self._patterns:
            if found := pattern.fullmatch(phrase):
                return _filled(translation, [self.translated(part) for part in found.groups()])
        return self._otherwise(phrase)


def _filled(template: str, parts: Sequence[str]) -> str:
    between = template.split("{}")
    return between[0] + "".join(part + text for part, text in zip(parts, between[1:], strict=True))


def dutch(phrase: str) -> str:
    """Return a phrase of the program in Dutch; anything else stays as it is."""
    return _book().translated(phrase)


@lru_cache(maxsize=1)
def _book() -> Phrasebook:
    return Phrasebook(DUTCH)
