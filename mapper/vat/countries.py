"""Countries as people and shops write them: by code or by name, in any language of a European shop."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

LANGUAGES = (
    "nl", "en", "de", "fr", "es", "it", "pl", "pt", "tr", "da", "sv", "fi", "cs", "sk", "sl", "hu", "ro", "bg", "hr",
    "el", "et", "lv", "lt", "mt", "ga", "nb", "ru", "uk", "ar",
)  # fmt: skip
"""A name that means two countries in two of them (Kongo) is none: that would be a guess."""

# Codes that are used for a country and are not its ISO code, and Northern Ireland's, which babel does not know.
CODES = {"UK": "GB", "EL": "GR", "XI": "XI"}

NAMES = {
    "holland": "NL", "the netherlands": "NL", "nederlands": "NL", "pays bas": "NL",
    "great britain": "GB", "groot brittannie": "GB", "england": "GB", "engeland": "GB", "scotland": "GB",
    "schotland": "GB", "wales": "GB", "northern ireland": "XI", "noord ierland": "XI", "nordirland": "XI",
    "usa": "US", "united states of america": "US", "vs": "US", "verenigde staten van amerika": "US",
    "czech republic": "CZ", "tsjechische republiek": "CZ", "tschechische republik": "CZ", "turkey": "TR",
    "republic of ireland": "IE", "eire": "IE", "slowaakse republiek": "SK", "luxembourg": "LU",
}  # fmt: skip
"""What CLDR has no entry for, as `plain_name` writes it."""

# CLDR's codes for groups, tests and what is unknown: no goods go there.
_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


def plain_name(name: str) -> str:
    """Return a name without capitals, accents, punctuation and double spaces."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(one if one.isalnum() else " " for one in letters if not unicodedata.combining(one))
    return " ".join(kept.split())


@lru_cache(maxsize=1)
def known_codes() -> frozenset[str]:
    """Return every code that stands for a country or a territory with its own address."""
    from babel import Locale

    codes = {str(code) for code in Locale("en").territories}
    return frozenset({code for code in codes if len(code) == 2} - _NO_COUNTRY | {"XI"})


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    from babel import Locale

    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in known_codes():
                found.setdefault(plain_name(name), set()).add(str(code))
    return {name: min(codes) for name, codes in found.items() if len(codes) == 1} | NAMES


@lru_cache(maxsize=4096)
def country_code(name: str) -> str | None:
    """Return the two letters of a country given by code or name; None for what is no country, never a guess."""
    plain = name.strip().upper()
    if len(plain) == 2 and plain.isascii() and plain.isalpha():
        code = CODES.get(plain, plain)
        return code if code in known_codes() else _codes_by_name().get(plain_name(name))
    return _codes_by_name().get(plain_name(name)) if plain else None
