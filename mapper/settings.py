"""A tenant's settings: read, checked against one schema, and filled with defaults.

Settings are a nested dict shaped as `settings_schema.SCHEMA`, with every key present: numbers are Decimal, counts int,
`process_from` a `YYYY-MM-DD` string. Nothing here touches the network or the database.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from mapper.catalogue import describe
from mapper.diagnostics import Diagnostic, Place, printable
from mapper.errors import ConfigError, Fact, RuleError
from mapper.phrases import dutch
from mapper.rulebook import source
from mapper.rulebook.functions import clean
from mapper.settings_schema import DAY, SCHEMA, Schema
from mapper.vat import numbers
from mapper.vat.countries import country_code

__all__ = [
    "SCHEMA", "SettingsError", "changed", "check", "differences", "dotted_keys", "example", "read", "unused",
]  # fmt: skip

Settings = dict[str, Any]
KeyPath = tuple[str | int, ...]

NOWHERE = Place("settings", 0, 0)
"""The place of a problem in settings that are in no file."""

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?\Z")
# A day outside of these is a slip of the pen, and none of the reckoning with it would be right.
_YEARS = range(1990, 2200)

# Standard and reduced rates of the EU in force in November 2026; the Netherlands also has 0 % goods.
_EXAMPLE_RATES = """
NL 21 9 0
AT 20 10 13
BE 21 6 12
BG 20 9
CY 19 5 9
CZ 21 12
DE 19 7
DK 25
EE 24 9 13
ES 21 10
FI 25.5 10 13.5
FR 20 5.5 10
GR 24 6 13
HR 25 5 13
HU 27 5 18
IE 23 9 13.5
IT 22 5 10
LT 21 5 12
LU 17 8 14
LV 21 5 12
MT 18 5 7 12
PL 23 5 8
PT 23 6 13
RO 21 11
SE 25 6 12
SI 22 5 9.5
SK 23 5 19
"""


class SettingsError(ConfigError):
    """Settings that cannot be used. `diagnostics` holds every problem found, in file order."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("SET100", count=len(self.diagnostics))


def read(path: Path, *, today: date | None = None) -> Settings:
    """Return the settings in the YAML file at `path`, checked.

    Raises SettingsError with all problems and their places, also of a file that is not plain YAML.
    """
    file = str(path)
    with _as_settings():
        text = source.read_text(path, file)
        root = source.read(text, file)
    return _Check(file, dict(_places(root, ())), text.splitlines()).run(root.plain(), today)


def check(raw: Mapping[str, Any], *, today: date | None = None) -> Settings:
    """Return `raw` with its values typed by the schema and every default filled in.

    `today` is the go-live date of settings that name none. Raises SettingsError with all problems.
    """
    return _Check(NOWHERE.file, {}, ()).run(raw, today)


def completed(settings: Mapping[str, Any]) -> Settings:
    """Return settings that were checked by an earlier version, with the defaults of the keys it did not know."""
    known = deepcopy(dict(settings))
    _fill(known, SCHEMA)
    return known


def changed(
    settings: Mapping[str, Any], changes: Mapping[str, str], *, today: date | None = None
) -> Settings:
    """Return `settings` with each dotted key set to a value written as YAML, such as `invoice.status` to `sent`.

    Raises SettingsError for an unknown key, and for a value that is no YAML or that the schema does not allow.
    """
    raw = deepcopy(dict(settings))
    for key, written in changes.items():
        *parents, last = key.split(".")
        target = raw
        for number, name in enumerate(parents, start=1):
            inner = target.get(name)
            if not isinstance(inner, dict):
                unknown = ".".join(parents[:number])
                raise SettingsError([_problem("SET101", NOWHERE, {"key": unknown}, _nearest(unknown))])
            target = inner
        with _as_settings():
            target[last] = source.read(written, key).plain() if written.strip() else None
    return check(raw, today=today)


def unused(settings: Settings) -> list[tuple[str, dict[str, Fact]]]:
    """Return what is set but has no effect beside the other settings, as codes of the catalogue with their facts."""
    found: list[tuple[str, dict[str, Fact]]] = []
    if settings["statuses"] and settings["mode"] != "order_statuses":
        found.append(("SET114", {"key": "statuses", "of": "mode", "needed": "order_statuses"}))
    for costs in ("shipping", "payment"):
        key, of = f"vat_of.{costs}_rate", f"vat_of.{costs}"
        if settings["vat_of"][f"{costs}_rate"] is not None and settings["vat_of"][costs] != "fixed":
            found.append(("SET114", {"key": key, "of": of, "needed": "fixed"}))
    return found


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the dotted keys whose values differ, with the new value."""
    found: dict[str, Any] = {}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            found |= differences(before, value, f"{prefix}{name}.")
        elif value != before:
            found[f"{prefix}{name}"] = value
    return found


def dotted_keys(schema: Schema = SCHEMA, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every dotted key that `changed` accepts, with its schema."""
    for name, inner in schema["properties"].items():
        yield f"{prefix}{name}", inner
        if inner.get("type") == "object":
            yield from dotted_keys(inner, f"{prefix}{name}.")


def example() -> Settings:
    """Return the built-in example: a Dutch shop with a code for every EU country and rate, ICP and International."""
    rates = []
    for line in _EXAMPLE_RATES.split("\n")[1:-1]:
        country, *percents = line.split()
        for percent in percents:
            account = {"code": _code(country, percent)}
            rates.append({"country": country, "rate": percent, "revenue": account})
    raw: Settings = {
        "name": "Voorbeeldwinkel",
        "home_country": "NL",
        "process_from": "2020-01-01",
        "vat": {
            "rates": rates,
            "icp": {"revenue": {"code": "ICP"}},
            "international": {"revenue": {"code": "EXP"}},
        },
    }
    return check(raw)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _code(country: str, percent: str) -> str:
    return f"V{percent}" if country == "NL" else country + percent.replace(".", "")


def _places(node: source.Node, path: KeyPath) -> Iterator[tuple[KeyPath, Place]]:
    """Yield where each key and list item stands."""
    yield path, node.place
    for name, inner in node.entries.items():
        yield from _places(inner, (*path, name))
        yield (*path, name), node.keys[name]
    for number, inner in enumerate(node.items):
        yield from _places(inner, (*path, number))


@contextmanager
def _as_settings() -> Iterator[None]:
    """Turn the problems of YAML, which rules have as well, into those of settings."""
    try:
        yield
    except RuleError as error:
        raise SettingsError(error.diagnostics) from None


def _problem(
    code: str, place: Place, facts: Mapping[str, Fact], hint: str = "", excerpt: str = ""
) -> Diagnostic:
    english, translated = describe(code, facts, "en"), describe(code, facts, "nl")
    in_dutch = translated.message, dutch(hint) if hint else translated.remedy
    about = str(facts.get("key", ""))
    return Diagnostic(code, place, english.message, hint or english.remedy, excerpt, in_dutch, about)


class _Check:
    """Types, validates and completes one set of settings; collects all problems."""

    def __init__(self, file: str, places: Mapping[KeyPath, Place], lines: Sequence[str]) -> None:
        self.file = file
        self.places = places
        self.lines = lines
        self.problems: list[Diagnostic] = []

    def run(self, raw: object, today: date | None) -> Settings:
        typed = _typed(raw, SCHEMA)
        self._validate(typed)
        if not self.problems:
            _fill(typed, SCHEMA)
            typed.setdefault("process_from", (today or datetime.now(UTC).date()).isoformat())
            self._check_meaning(typed)
        if self.problems:
            raise SettingsError(
                sorted(self.problems, key=lambda problem: (problem.place.line, problem.place.column))
            )
        return {name: typed[name] for name in SCHEMA["properties"]}

    def refuse(self, code: str, path: KeyPath, hint: str = "", **facts: Fact) -> None:
        """Record a problem at the deepest part of `path` that the file holds."""
        known = path
        while known not in self.places and known:
            known = known[:-1]
        place = self.places.get(known, NOWHERE if not self.places else Place(self.file, 1, 1))
        excerpt = self.lines[place.line - 1] if self.places and place.line <= len(self.lines) else ""
        self.problems.append(_problem(code, place, {"key": _dotted(path), **facts}, hint, excerpt))

    def _validate(self, typed: object) -> None:
        from jsonschema import Draft202012Validator

        for error in Draft202012Validator(SCHEMA).iter_errors(typed):
            path: KeyPath = tuple(error.absolute_path)
            if error.validator == "additionalProperties":
                for name in error.instance:
                    if name not in error.schema["properties"]:
                        self.refuse("SET101", (*path, str(name)), _nearest(_dotted((*path, str(name)))))
            elif error.validator == "required":
                for name in error.schema["required"]:
                    if name not in error.instance:
                        self.refuse("SET102", (*path, name))
            elif error.schema.get("pattern") == DAY["pattern"] and error.validator == "pattern":
                self.refuse("SET105", path, found=_shown(error.instance))
            else:
                self.refuse("SET103", path, expected=_expected(error.schema), found=_shown(error.instance))

    def _check_meaning(self, settings: Settings) -> None:
        if settings["time_zone"] not in _zones():
            zone = printable(settings["time_zone"], 60)
            close = difflib.get_close_matches(settings["time_zone"], _zones(), 1)
            self.refuse("SET104", ("time_zone",), f"Did you mean '{close[0]}'?" if close else "", found=zone)
        else:
            ZoneInfo(settings["time_zone"])
        try:
            is_day = date.fromisoformat(settings["process_from"]).year in _YEARS
        except ValueError:
            is_day = False
        if not is_day:
            self.refuse("SET105", ("process_from",), found=settings["process_from"])
        if settings["mode"] == "order_statuses" and not settings["statuses"]:
            self.refuse("SET107", ("statuses",))
        self._check_unique_methods(settings["payment_methods"])
        self._check_countries(settings)
        self._check_unique_rates(settings["vat"]["rates"])
        self._check_legal_rates(settings["vat"]["legal_rates"])
        for costs in ("shipping", "payment"):
            if settings["vat_of"][costs] == "fixed" and settings["vat_of"][f"{costs}_rate"] is None:
                self.refuse("SET111", ("vat_of", f"{costs}_rate"), costs=costs)
        own = numbers.check(settings["vat_number"] or "", settings["home_country"] or "")
        if settings["vat_number"] is not None and not own.valid:
            self.refuse("SET110", ("vat_number",), problem=own.problem)

    def _check_legal_rates(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for number, row in enumerate(rows):
            path: KeyPath = ("vat", "legal_rates", number)
            for name in ("from", "to"):
                try:
                    date.fromisoformat(row[name] or row["from"])
                except ValueError:
                    self.refuse("SET105", (*path, name), found=str(row[name]))
            if row["to"] is not None and row["to"] < row["from"]:
                self.refuse("SET109", (*path, "to"), first=row["from"], last=row["to"])

    def _check_countries(self, settings: Settings) -> None:
        places: list[tuple[KeyPath, str]] = [
            (("vat", "rates", number, "country"), row["country"])
            for number, row in enumerate(settings["vat"]["rates"])
        ]
        if settings["home_country"] is not None:
            places.append((("home_country",), settings["home_country"]))
        for path, country in places:
            if country_code(country) != country:
                self.refuse("SET115", path, found=_shown(country))

    def _check_unique_methods(self, methods: Sequence[Mapping[str, Any]]) -> None:
        """O8 compares after clean-up: of two that are then equal, only the first would ever count (W15)."""
        seen: dict[str, str] = {}
        for number, entry in enumerate(methods):
            method = clean(entry["method"])
            if method in seen:
                path, facts = ("payment_methods", number), {"method": entry["method"], "other": seen[method]}
                self.refuse("SET113", path, **{name: _shown(one) for name, one in facts.items()})
            seen.setdefault(method, entry["method"])

    def _check_unique_rates(self, rates: Sequence[Mapping[str, Any]]) -> None:
        seen: set[tuple[str, Decimal]] = set()
        for number, entry in enumerate(rates):
            pair = (entry["country"], entry["rate"])
            if pair in seen:
                path = ("vat", "rates", number)
                self.refuse("SET106", path, country=pair[0], rate=format(pair[1], "f"))
            seen.add(pair)


def _typed(value: object, schema: Schema) -> Any:
    """Return a copy of `value` with scalars in the type the schema asks for, where their text allows it."""
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        return {str(name): _typed(inner, properties.get(name, {})) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(inner, schema.get("items", {})) for inner in value]
    wanted = schema.get("type", ())
    types = {wanted} if isinstance(wanted, str) else set(wanted)
    text = _text(value)
    if types & {"number", "integer"} and text is not None and _NUMBER.match(text):
        number = Decimal(text)
        whole = "integer" in types and number == number.to_integral_value()
        return int(number) if whole else number
    return text if "string" in types and text is not None else value


def _text(value: object) -> str | None:
    """Return a scalar as it was written; None for null and for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, str | int | float) else None


def _fill(settings: Settings, schema: Schema) -> None:
    properties: Schema = schema["properties"]
    for account in ("shipping", "payment"):
        if "revenue" in properties and account not in settings:
            settings[account] = deepcopy(settings.get("revenue", {}))
    for name, inner in properties.items():
        if name not in settings and "default" in inner:
            settings[name] = _typed(deepcopy(inner["default"]), inner)
        if inner.get("type") == "object":
            _fill(settings[name], inner)
        elif inner.get("items", {}).get("type") == "object":
            for item in settings[name]:
                _fill(item, inner["items"])


def _dotted(path: KeyPath) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return printable(text.lstrip("."), 120) or "the settings"


def _nearest(key: str) -> str:
    """Return a hint naming the key that was probably meant."""
    bare = re.sub(r"\[[0-9]+\]", "", key)
    prefix, _, name = bare.rpartition(".")
    known = [*_all_keys(SCHEMA, "")]
    siblings = [other for other in known if other.rpartition(".")[0] == prefix]
    close = difflib.get_close_matches(name, [other.rpartition(".")[2] for other in siblings], 1)
    if close:
        return f"Did you mean '{close[0]}'?"
    elsewhere = [other for other in known if other.rpartition(".")[2] == name]
    if elsewhere:
        return f"Did you mean '{elsewhere[0]}'?"
    close = difflib.get_close_matches(bare, known, 1)
    names = ", ".join(other.rpartition(".")[2] for other in siblings)
    return f"Did you mean '{close[0]}'?" if close else f"Known here: {names}." if names else ""


def _all_keys(schema: Schema, prefix: str) -> Iterator[str]:
    inner = schema.get("items", schema)
    for name, below in inner.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from _all_keys(below, f"{prefix}{name}.")


def _expected(schema: Schema) -> str:
    """Say what the schema allows, in phrases that have their Dutch."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = {
        "object": "a map of keys",
        "array": "a list",
        "string": "a text",
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
    }
    said = " / ".join(words[kind] for kind in kinds if kind != "null")
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    high = schema.get("exclusiveMaximum", high)
    if low is not None:
        said += f" from {low} to {high}" if "minimum" in schema else f" between {low} and {high}"
    if "pattern" in schema:
        said += f" ({schema['description'].rstrip('.')})"
    return f"{said}, or empty" if "null" in kinds else said


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a map of keys"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    return f"'{printable(_text(value) or '', 60)}'"
