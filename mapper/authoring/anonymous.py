"""Payloads without the persons in them: what they come to in the books stays, to the cent.

Only fields that the shop's API documents stay. Of texts only those that say nothing of a person stay as they are
(codes, countries, products, payment methods); every other is replaced, the same text by the same one in all payloads of
a run. Numbers stay, but those that identify something are counted anew. Of a postcode the beginning stays, by which
territories are told apart; a VAT number becomes another valid one of its country.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mapper.mapping import payload_schema
from mapper.vat import numbers

_KEPT = frozenset(
    {
        "currency", "deliver_method", "orderedinlng", "paymethod", "paymethod_label", "country", "country_code",
        "product_name", "product_number", "sub_product_number", "product_type", "unit", "type", "status",
        "customertype", "ordernumber_prefix", "invoicenumber_prefix",
    }
)  # fmt: skip
_CALLED: Mapping[str, str] = {
    "first_name": "Voornaam", "last_name": "Achternaam", "full_name": "Klant", "company": "Bedrijf", "street": "Straat",
    "address_line_1": "Straat", "address_line_2": "Adres", "city": "Plaats", "option_name": "Optie",
    "value_name": "Waarde", "extra_costs_description": "Toeslag", "ordernumber_full": "O", "invoicenumber_full": "F",
}  # fmt: skip
_COUNTED = frozenset({"id", "ordernumber", "invoicenumber", "reservationnumber", "transaction_id"})
_VAT = frozenset({"vatnumber", "btw"})
_TRIES = 3000


@dataclass(slots=True)
class Anonymiser:
    """Replaces what tells who somebody is, the same by the same. `keep_postcodes`: where a part is not enough."""

    keep_postcodes: bool = False
    _given: dict[tuple[str, str], int] = field(default_factory=dict)

    def payload(self, payload: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """Return a payload without persons."""
        cleaned: dict[str, Any] = self._value("", payload, payload_schema(kind))
        return cleaned

    def _value(self, name: str, value: Any, schema: Mapping[str, Any]) -> Any:
        if isinstance(value, Mapping):
            known = schema.get("properties", {})
            return {key: self._value(key, inner, known[key]) for key, inner in value.items() if key in known}
        if isinstance(value, list):
            return [self._value(name, one, schema.get("items", {})) for one in value]
        if isinstance(value, str):
            return self._text(name, value) if value.strip() else value
        if isinstance(value, bool) or value is None:
            return value
        is_counted = name in _COUNTED or (name.endswith("_id") and name != "paymethod_id")
        return self._count(name, str(value)) if is_counted and value else value

    def _count(self, name: str, value: str) -> int:
        """Return the same number for the same value of a name, from 1."""
        kind = "id" if name.endswith("id") else name
        return self._given.setdefault((kind, value), sum(one == kind for one, _ in self._given) + 1)

    def _text(self, name: str, text: str) -> str:
        if name in _KEPT:
            return text
        if name.endswith(("_date", "date_created")) or name in {"create_date", "deliver_date"}:
            # The day decides about rates; the time says nothing but when somebody was at home.
            return f"{text[:10]}T12:00:00Z" if len(text) > 10 else text
        if name in _VAT:
            return self._vat(text)
        number = self._count(name, text.strip())
        if name in _CALLED:
            return f"{_CALLED[name]} {number}"
        if "mail" in name:
            return f"klant{number}@example.com"
        if name in {"zipcode", "postcode"}:
            return text if self.keep_postcodes else _postcode(text)
        if name in {"order", "original"} and "/" in text:
            return f"https://shop.example/api/rest/v1/{name}s/{number}/"
        return f"{number:08d}" if any(map(str.isdigit, text)) else f"… {number}"

    def _vat(self, text: str) -> str:
        """Return another VAT number of the same country, valid if this one is."""
        checked = numbers.check(text, "")
        prefix = "".join(one for one in text[:2] if one.isalpha())
        if checked.problem or len(prefix) != 2:
            return f"{prefix}0" if prefix else "0"
        random = Random(self._count("vat", text))  # noqa: S311 (a made-up number, no secret)
        for _ in range(_TRIES):
            made = prefix + "".join(str(random.randint(0, 9)) if one.isdigit() else one for one in text[2:])
            if not numbers.check(made, "").problem and made != text:
                return made
        return f"{prefix}0"


def _postcode(text: str) -> str:
    """Return a postcode whose last characters are none of anybody: 3511 AB is 3500 AA, 10115 is 10100."""
    plain = text.strip()
    kept = max(2, len(plain) // 2 - 1) if len(plain) > 4 else 2
    tail = "".join("0" if one.isdigit() else "A" if one.isalpha() else one for one in plain[kept:])
    return plain[:kept] + tail
