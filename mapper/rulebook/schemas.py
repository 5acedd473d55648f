"""JSON schemas of the files that authors write, for editors: made from the tables in `forms.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mapper.rulebook import forms

_SCALAR = {"type": ["string", "number", "boolean"]}
_LISTS: Mapping[str, str] = {
    "cases": "case", "keyword rows": "keyword row", "line rules": "line step", "requests": "request", "checks": "check",
    "check changes": "check change", "invariants": "invariant", "vat rates": "vat rate", "postcodes": "word",
}  # fmt: skip
_MAPS: Mapping[str, str] = {
    "entries": "entry", "facts": "expression", "expectations": "expectation", "texts by name": "word",
    "countries": "country", "vat countries": "vat country", "territories": "territory",
}  # fmt: skip


def editor_schema(rulebook: forms.Form, functions: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON schema of a kind of rulebook, for editors. `functions` are all functions with their help."""
    listed = "\n".join(f"{name}: {doc}" for name, doc in sorted(functions.items()))
    expression = (
        "An expression: names, fields by dot, + - * /, comparison, and, or, not, `a if b else c`, functions."
    )
    defs: dict[str, Any] = {
        "expression": {**_SCALAR, "description": f"{expression}\n\n{listed}"},
        "condition": {**_SCALAR, "description": "An expression that holds or does not hold."},
        "template": {"type": "string", "description": "A text with {expressions} in it."},
        "word": {**_SCALAR},
        "entry": {"anyOf": [{"$ref": "#/$defs/value"}]},
        "value": {
            "anyOf": [
                {"$ref": "#/$defs/expression"},
                *({"$ref": f"#/$defs/{name}"} for name in forms.VALUES),
            ],
        },
        "line step": {"anyOf": [{"$ref": "#/$defs/line rule"}, {"$ref": "#/$defs/between lines"}]},
    }
    named = {
        "line rule": forms.LINE_RULE, "between lines": forms.BETWEEN_LINES, "request": forms.REQUEST,
        "search": forms.SEARCH, "expectation": forms.EXPECTATION, "check": forms.CHECK, "texts": forms.TEXTS,
        "case": forms.CASE, "keyword row": forms.KEYWORD_ROW, "check change": forms.CHECK_CHANGE,
        "invariant": forms.INVARIANT,
    }  # fmt: skip
    defs |= {name: _form(form) for name, form in {**named, **forms.VALUES}.items()}
    return {**_head(rulebook), **_form(rulebook), "$defs": defs}


def table_schema(table: forms.Form) -> dict[str, Any]:
    """Return the JSON schema of a table of VAT rates or territories, for editors."""
    defs = {
        "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
        "day": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "percentage": {"type": "number", "minimum": 0, "maximum": 100},
        "word": _SCALAR,
    }
    named = {
        "vat rate": forms.VAT_RATE, "vat country": forms.VAT_COUNTRY, "names": forms.NAMES,
        "territory": forms.TERRITORY,
    }  # fmt: skip
    parts = {name: _form(form) for name, form in named.items()}
    return {**_head(table), **_form(table), "$defs": defs | parts}


def cases_schema() -> dict[str, Any]:
    """Return the JSON schema of a file of cases, for editors."""
    either = [{"required": ["expect"]}, {"required": ["not"]}]
    case = {**_form(forms.RULE_CASE), "anyOf": either}
    return {**_head(forms.RULE_CASE), "type": "array", "items": case, "$defs": {"word": _SCALAR}}


def _head(form: forms.Form) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": form.what}


def _form(form: forms.Form) -> dict[str, Any]:
    return {
        "type": "object",
        "description": form.doc,
        "properties": {key.name: {**_shape(key.shape), "description": key.doc} for key in form.keys},
        "required": list(form.needed),
        "additionalProperties": False,
    }


def _shape(shape: forms.Shape) -> dict[str, Any]:
    if shape in _LISTS:
        return {"type": "array", "items": _reference(_LISTS[shape])}
    if shape in _MAPS:
        return {"type": "object", "additionalProperties": _reference(_MAPS[shape])}
    if shape in _SHAPES:
        return _SHAPES[shape]
    return _reference(shape)


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _many(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _reference(name), "minItems": 1}


_SHAPES: Mapping[str, dict[str, Any]] = {
    "line rule changes": {"type": "object", "additionalProperties": _shape("entries")},
    "request changes": {"type": "object", "additionalProperties": _form(forms.REQUEST_CHANGE)},
    "words": _many("word"),
    "conditions": _many("expression"),
    "one or more": {"anyOf": [_many("expression"), _reference("expression")]},
    "flag": {"type": "boolean"},
    "severity": {"anyOf": [{"enum": ["error", "wait", "warning", "info"]}, _reference("value")]},
    "changes": {"type": "object", "minProperties": 1},
    "absent": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "number": {"type": "integer", "minimum": 1},
}
