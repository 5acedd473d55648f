"""Settings written as YAML that `settings.read` reads back, each key with its description."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from mapper.settings_schema import SCHEMA, Schema

_BARE = re.compile(r"[A-Za-z0-9](?:[\w./+-]| (?=\w))*\Z")
_NEEDS_QUOTES = {"true", "false", "null"}


def write(settings: Mapping[str, Any]) -> str:
    """Return the settings as YAML text."""
    return "\n".join(_lines(settings, SCHEMA, "")) + "\n"


def _lines(settings: Mapping[str, Any], schema: Schema, indent: str) -> Iterator[str]:
    for name, inner in schema["properties"].items():
        value = settings[name]
        comment = f"  # {_comment(inner)}"
        if inner.get("type") == "object" and _holds_objects_only(inner):
            yield f"{indent}{name}: {_flow(value)}{comment}"
        elif inner.get("type") == "object":
            yield f"{indent}{name}:{comment}"
            yield from _lines(value, inner, indent + "  ")
        elif inner.get("items", {}).get("type") == "object" and value:
            yield f"{indent}{name}:{comment}"
            yield from (f"{indent}  - {_flow(item)}" for item in value)
        else:
            yield f"{indent}{name}: {_flow(value)}{comment}"


def _holds_objects_only(schema: Schema) -> bool:
    return all(inner.get("type") == "object" for inner in schema["properties"].values())


def _comment(schema: Schema) -> str:
    choices = f" ({' | '.join(schema['enum'])})" if "enum" in schema else ""
    return f"{schema['description']}{choices}"


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        shown = {name: inner for name, inner in value.items() if inner is not None}
        return "{" + ", ".join(f"{name}: {_flow(inner)}" for name, inner in shown.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return _scalar(str(value))


def _scalar(text: str) -> str:
    if _BARE.match(text) and text not in _NEEDS_QUOTES:
        return text
    # JSON's escapes are YAML's, within double quotes.
    import json

    return json.dumps(text, ensure_ascii=False)
