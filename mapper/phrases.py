"""The Dutch of the few English words that are kept or passed on as values: reasons, states, kinds of values.

What the program stores is the same in every language; a face translates it when it shows it.
"""

from __future__ import annotations

import re
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
    "older than the go-live (R9)": "ouder dan de ingangsdatum (R9)",
    "posted as {} (K4)": "geboekt als {} (K4)",
    "in WeFact already (R4)": "al in WeFact (R4)",
    "on its way already": "al onderweg",
    "ignored by a person (R5)": "genegeerd door een persoon (R5)",
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
    "revenue": "omzet",
    "shipping": "verzendkosten",
    "payment": "betaalkosten",
    " (row {})": " (regel {})",
    "a number": "een getal",
    "a whole number": "een geheel getal",
    "a text": "een tekst",
    "the text '{}'": "de tekst '{}'",
    "true or false": "waar of onwaar",
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


def dutch(phrase: str) -> str:
    """Return a phrase in Dutch; what is none of ours, as what people write, stays as it is."""
    if phrase in DUTCH:
        return DUTCH[phrase]
    for pattern, translated in _patterns():
        if found := pattern.fullmatch(phrase):
            return translated.format(*map(dutch, found.groups()))
    return phrase


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    templates = [(english, translated) for english, translated in DUTCH.items() if "{}" in english]
    return [
        (re.compile(re.escape(one).replace(r"\{\}", "(.*)"), re.DOTALL), other) for one, other in templates
    ]
