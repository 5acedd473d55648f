"""The tables of the keys of rulebooks, overlays, cases and VAT tables serve loader and editors alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mapper.mapping import load_rulebooks, rule_schemas, shipped_rules
from mapper.rulebook import forms
from mapper.rulebook.source import read

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
RULES = sorted(shipped_rules().glob("*.yaml"))
CASES = sorted((shipped_rules() / "cases").glob("*.yaml"))
FIRST = "# yaml-language-server: $schema="


def schema_of(path: Path) -> str:
    return "cases.schema.json" if path in CASES else f"{path.stem}.schema.json"


def fits(schema: str, text: str) -> list[str]:
    """Return how a text differs from a schema, as an editor would say it."""
    content = json.loads(json.dumps(read(text, "file.yaml").plain(), default=float))
    Draft202012Validator.check_schema(rule_schemas()[schema])
    return [error.message for error in Draft202012Validator(rule_schemas()[schema]).iter_errors(content)]


@pytest.mark.parametrize("path", [*RULES, *CASES], ids=lambda path: path.name)
def test_a_shipped_file_fits_the_schema_that_editors_use(path: Path) -> None:
    assert fits(schema_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [*RULES, *CASES], ids=lambda path: path.name)
def test_the_first_line_of_a_shipped_file_names_its_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(FIRST)
    schema = path.parent / first.removeprefix(FIRST)
    assert schema.resolve() == shipped_rules() / "schemas" / schema_of(path)


@pytest.mark.parametrize("name", sorted(rule_schemas()))
def test_the_shipped_schema_is_the_one_made_from_the_loader_s_tables(name: str) -> None:
    shipped = json.loads((shipped_rules() / "schemas" / name).read_text(encoding="utf-8"))
    assert shipped == rule_schemas()[name], "run: mapper rules schema --write rules/schemas"


def test_the_overlay_of_the_documentation_fits_its_schema() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Overlays")[2]
    text = section.partition("```yml\n")[2].partition("```")[0]
    assert FIRST in text
    assert fits("overlay.schema.json", text) == []


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        ("overlay.schema.json", "documents: {currency: {text: EUR}}", "'documents' was unexpected"),
        ("overlay.schema.json", "checks: [{id: K8, severity: info}]", "'about' is a required property"),
        ("cases.schema.json", "- {case: x, fixture: y, expct: {id: 1}}", "'expct' was unexpected"),
        ("cases.schema.json", "- {case: x, expect: {id: 1}}", "'fixture' is a required property"),
        ("invariants.schema.json", "invariants: [{id: x, that: 1 > 0}]", "'say' is a required property"),
        ("vat_rates.schema.json", "checked: yesterday", "does not match"),
        ("vat_territories.schema.json", "checked: 2026-01-01\nterritory: {}", "'territory' was unexpected"),
    ],
)
def test_an_editor_sees_what_the_loader_refuses(schema: str, text: str, said: str) -> None:
    assert [one for one in fits(schema, text) if said in one]


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
        forms.INVARIANTS,
        forms.INVARIANT,
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
