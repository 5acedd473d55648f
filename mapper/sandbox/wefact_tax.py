"""The VAT codes of the emulated account: the usual Dutch ones, and one per EU country and rate in force in 2026."""

from __future__ import annotations

from decimal import Decimal

from mapper.sandbox.wire import Object

# Country: standard rate first, then the reduced ones, as percentages.
_RATES = {
    "AT": "20 10 13 4.9", "BE": "21 6 12", "BG": "20 9", "CY": "19 5 9 3", "CZ": "21 12", "DE": "19 7", "DK": "25",
    "EE": "24 9 13", "ES": "21 10 4", "FI": "25.5 10 13.5 14", "FR": "20 5.5 10 2.1", "GR": "24 6 13 4",
    "HR": "25 5 13", "HU": "27 5 18", "IE": "23 9 13.5", "IT": "22 5 10 4", "LT": "21 5 12 9", "LU": "17 8 14 3",
    "LV": "21 5 12", "MT": "18 5 7 12", "NL": "21 9", "PL": "23 5 8", "PT": "23 6 13", "RO": "21 11", "SE": "25 6 12",
    "SI": "22 5 9.5", "SK": "23 5 19", "EL": "24 6 13 4", "XI": "20 5",
}  # fmt: skip
_SPECIAL = (
    ("V21", "21% btw", "21"), ("V9", "9% btw", "9"), ("V0", "0% btw", "0"), ("ICP", "Intracommunautaire levering", "0"),
    ("EXP", "Export buiten de EU", "0"), ("VRIJ", "Vrijgesteld", "0"), ("MARGE", "Margeregeling", "0"),
)  # fmt: skip


def sale_codes() -> dict[str, Object]:
    """Return the codes as `settings/list` has them: Rate is a fraction in a text of six decimals."""
    codes = {code: _code(code, name, rate) for code, name, rate in _SPECIAL}
    for country, rates in _RATES.items():
        for rate in rates.split():
            code = country + rate.replace(".", "")
            codes[code] = _code(code, f"{rate.replace('.', ',')}% {country}", rate)
    return codes


def purchase_codes() -> dict[str, Object]:
    """Return the codes for purchases."""
    return {
        code: _code(code, name, rate)
        for code, name, rate in (("I21", "21% btw", "21"), ("I9", "9% btw", "9"))
    }


def percentage(code: Object) -> Decimal:
    """Return a code's rate as a percentage."""
    return (Decimal(code["Rate"]) * 100).normalize()


def _code(code: str, name: str, rate: str) -> Object:
    return {
        "TaxCode": code, "Name": name, "Rate": format(Decimal(rate) / 100, ".6f"),
        "IsDefault": "yes" if code in {"V21", "I21"} else "no",
    }  # fmt: skip
