"""docs/rules.md is true: its examples load, and its list of functions is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mapper.mapping import load_rulebooks, payload_schema
from mapper.rulebook.compiler import compile_rules
from mapper.rulebook.expressions import Reader
from mapper.rulebook.functions import reference
from mapper.rulebook.loader import read_rules
from mapper.rulebook.source import Source, read
from mapper.rulebook.types import from_schema
from mapper.settings_schema import SCHEMA

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=[str(number) for number in range(1, len(EXAMPLES) + 1)])
def test_every_example_loads_and_compiles(example: str) -> None:
    functions = load_rulebooks().functions
    fields = "" if "document:" in example else "document: {id: order.id}\n"
    text = f"rulebook: example\nreads: order\n{fields}{example}"
    reader = Reader(Source(text, "example.yaml"), functions)
    given = {
        "order": from_schema(payload_schema("order"), outside=True),
        "tenant": from_schema(SCHEMA, outside=False),
    }
    rules = read_rules(read(text, "example.yaml"), reader, given)
    assert [problem.render() for problem in reader.problems] == []
    compile_rules(rules, functions)


def test_there_is_an_example_of_every_form() -> None:
    forms = {"text", "when", "match", "find", "collect", "all", "fields", "lines", "checks"}
    assert {form for form in forms if any(f"{form}:" in example for example in EXAMPLES)} == forms


def test_the_table_of_functions_is_the_one_made_from_them() -> None:
    table = reference(load_rulebooks().functions)
    assert table in PAGE.read_text(encoding="utf-8"), "put in what `mapper rules functions` prints"
