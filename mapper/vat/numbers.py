"""VAT numbers checked without network: prefix, format and check digits.

A number that fails here is certainly wrong; one that passes may still be unregistered: VIES knows.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

Problem = Literal["", "empty", "format", "check digit", "one-stop shop", "not EU", "characters"]

PREFIXES = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU",
        "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
    }
)  # fmt: skip
"""The prefixes VIES knows: the member states, Greece as EL, and XI for goods in Northern Ireland."""

# IM is the import one-stop shop, EU the non-Union one: they identify a scheme's user, never a customer.
ONE_STOP_SHOP = frozenset({"IM", "EU"})

# Greece's numbers start with EL, not its ISO code; businesses in Monaco hold French numbers.
_PREFIX_OF_COUNTRY = {"GR": "EL", "MC": "FR"}

_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Number:
    """A checked number: `country` is VIES's prefix, `digits` the rest as VIES wants it, letters included.

    Both are as far as they could be read when `problem` is not empty.
    """

    country: str
    digits: str
    problem: Problem = ""

    @property
    def valid(self) -> bool:
        """Return whether prefix, format and check digits are right."""
        return not self.problem


def check(number: str, country: str) -> Number:
    """Check a number as a customer typed it; `country` (ISO code) gives the prefix if the number has none."""
    plain = _plain(number)
    if plain is None:
        return Number("", "", "characters")
    if not plain:
        return Number("", "", "empty")
    if len(plain) > _LONGEST:
        return Number("", "", "format")
    prefix, rest = _split(plain, _PREFIX_OF_COUNTRY.get(country.upper(), country.upper()))
    if prefix in ONE_STOP_SHOP:
        return Number(prefix, rest, "one-stop shop")
    if prefix not in PREFIXES:
        return Number(prefix, rest, "not EU")
    return _checked(prefix, rest)


def _plain(number: str) -> str | None:
    """Return the number in ASCII capitals without separators, or None when it holds a look-alike or a symbol.

    Refusing comes before normalising: NFKC turns superscripts and circled digits into plain ones too.
    """
    kept = []
    for character in number:
        category = unicodedata.category(character)
        if category in {"Cf", "Zs", "Pd"} or character in "\t\r\n./,_":
            continue
        # Full-width forms come from East Asian keyboards and are unambiguous.
        plain = unicodedata.normalize("NFKC", character) if "！" <= character <= "～" else character
        if not plain.isascii() or not (plain.isalnum() or plain in "+*./,_-"):
            return None
        kept.append(plain if plain not in "./,_-" else "")
    return "".join(kept).upper()


def _split(plain: str, country: str) -> tuple[str, str]:
    head = plain[:2]
    if not head.isalpha():
        return country, plain
    prefix = _PREFIX_OF_COUNTRY.get(head, head)
    # A French number may begin with two letters of its own: its key.
    if prefix not in PREFIXES | ONE_STOP_SHOP | {"GB", "EX"} and country == "FR" and len(plain) == 11:
        return country, plain
    return prefix, plain[2:]


def _checked(prefix: str, rest: str) -> Number:
    from stdnum.eu import vat
    from stdnum.exceptions import InvalidChecksum, ValidationError

    try:
        valid = vat.validate(prefix + rest)
    except InvalidChecksum:
        return Number(prefix, rest, "check digit")
    except ValidationError:
        return Number(prefix, rest, "format")
    return Number(prefix, valid[2:])
