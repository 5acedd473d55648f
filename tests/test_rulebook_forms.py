"""The tables of a rulebook's keys serve loader and editors alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from mapper.mapping import load_rulebooks, rule_schemas, shipped_rules
from mapper.rulebook import forms

NAMES = ("ccv_order.yaml", "ccv_invoice.yaml", "wefact.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_rulebook_fits_the_schema_that_editors_use(name: str) -> None:
    schema = rule_schemas()[f"{name.removesuffix('.yaml')}.schema.json"]
    Draft202012Validator.check_schema(schema)
    content = yaml.load((shipped_rules() / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(_flags(content))]
    assert errors == []


@pytest.mark.parametrize("name", NAMES)
def test_the_first_line_of_a_rulebook_names_its_schema(name: str) -> None:
    first = (shipped_rules() / name).read_text(encoding="utf-8").splitlines()[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (shipped_rules() / schema).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_schema_is_the_one_made_from_the_loader_s_tables(name: str) -> None:
    file = f"{name.removesuffix('.yaml')}.schema.json"
    shipped = json.loads((shipped_rules() / "schemas" / file).read_text(encoding="utf-8"))
    assert shipped == rule_schemas()[file], "run: mapper rules schema --write rules/schemas"


def test_the_loader_knows_exactly_the_keys_of_the_tables() -> None:
    """A key that a table names but the loader ignores would be a promise that editors make and nobody keeps."""
    folder = Path(forms.__file__).parent
    source = "".join(
        (folder / name).read_text(encoding="utf-8") for name in ("loader.py", "overlay.py", "files.py")
    )
    everything = [
        forms.SOURCE_RULEBOOK,
        forms.TARGET_RULEBOOK,
        forms.LINE_RULE,
        forms.REQUEST,
        forms.SEARCH,
        forms.CHECK,
    ]
    keys = {
        key
        for form in [*everything, forms.CASE, forms.KEYWORD_ROW, *forms.VALUES.values()]
        for key in form.known
    }
    assert [key for key in sorted(keys) if f'"{key}"' not in source and f"'{key}'" not in source] == []


def test_every_key_and_function_has_help() -> None:
    for schema in rule_schemas().values():
        for name, definition in schema["$defs"].items():
            for key, inner in definition.get("properties", {}).items():
                assert inner.get("description"), f"{name}.{key}"
    assert all(function.doc for function in load_rulebooks().functions.values())


def _flags(value: object) -> object:
    """BaseLoader keeps every scalar as text; the one flag of the language is `offline`."""
    if isinstance(value, dict):
        return {
            name: inner == "true" if name == "offline" else _flags(inner) for name, inner in value.items()
        }
    return [_flags(inner) for inner in value] if isinstance(value, list) else value
