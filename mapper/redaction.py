"""Taking people out of what is kept or passed on: amounts, codes, country and postcode area stay, so that it replays.

A field's name decides, whatever service or document it stands in; and what stood in such a field is also taken out of
every sentence and trace that repeats it. An empty field stays empty: rules ask whether it is filled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

GONE = "•"
SHORTEST = 4

# The shop's fields (ccv-api 3.5), the document's, and WeFact's: all in small letters without _.
_PERSONAL = frozenset(
    """
    gender initials firstname lastname fullname company addressline addressline1 addressline2 street
    housenumber housenumbersuffix city province telephone fax mobile phone comment email emailinvoice
    emailinvoicecompany emailinvoiceunion bankaccount iban bic bank tenname bankname reference
    reservationnumber income branche branch website clubcity clubcomment clubname beurs fair stand booth
    carbrand cartype birthdate birthplace birthtime cardnumber findus ssnnumber zzppass kvk memo
    valuename uploads packingslipdeeplink trackandtracecode trackandtracedeeplink transactionid
    companyname surname address emailaddress phonenumber companynumber shippingcompany shippingfirstname
    shippinglastname shippingaddress shippingcity verzendbedrijf verzendvoornaam verzendachternaam
    verzendadres verzendplaats search customer
    """.split()
)
# Postcodes of these countries name a street or house; the first part is the area.
_POSTCODES = frozenset({"zipcode", "shippingzipcode", "verzendpostcode"})
_DUTCH = re.compile(r"([1-9][0-9]{3})\s*[A-Za-z]{2}")
_BRITISH = re.compile(r"([A-Za-z]{1,2}[0-9][0-9A-Za-z]?)\s*[0-9][A-Za-z]{2}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def redacted(value: Any) -> Any:
    """Return JSON-able data without people; its shape, types of numbers and emptiness stay."""
    return _without(_by_name(value, ""), sorted(personal_values(value), key=len, reverse=True))


def personal_values(value: Any) -> set[str]:
    """Return the words of personal fields that are long enough to be recognised in a sentence."""
    return {
        text.strip()
        for name, text in _leaves(value, "")
        if _plain(name) in _PERSONAL and len(text.strip()) >= SHORTEST and not _is_number(text)
    }


def without(value: Any, words: set[str]) -> Any:
    """Return data with words, and every e-mail address, taken out of its texts."""
    return _without(value, sorted(words, key=len, reverse=True))


def _by_name(value: Any, name: str) -> Any:
    if _plain(name) in _PERSONAL and not isinstance(value, Mapping):
        return _emptied(value)
    if _plain(name) in _POSTCODES and isinstance(value, str):
        return _area(value)
    if isinstance(value, Mapping):
        return {key: _by_name(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_by_name(item, name) for item in value]
    return value


def _emptied(value: Any) -> Any:
    """Return what says as much as a field's value about whether it is filled, and nothing else."""
    if isinstance(value, str):
        return GONE if value.strip() else value
    if isinstance(value, list):
        return [_emptied(item) for item in value]
    return 0 if isinstance(value, int) and not isinstance(value, bool) and value else value


def _area(postcode: str) -> str:
    for form in (_DUTCH, _BRITISH):
        if found := form.fullmatch(postcode.strip()):
            return found[1]
    return postcode


def _without(value: Any, words: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(item, words) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without(item, words) for item in value]
    if not isinstance(value, str):
        return value
    for word in words:
        value = value.replace(word, GONE)
    return _EMAIL.sub(GONE, value)


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, name)
    elif isinstance(value, str):
        yield name, value


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _is_number(text: str) -> bool:
    """A number in a personal field could be any amount elsewhere: it is only taken out of its own field."""
    return not re.search(r"[^\W\d_]", text)
