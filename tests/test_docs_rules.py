"""docs/rules.md is true: its examples load, and its list of functions is complete."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mapper.mapping import load_rulebooks, payload_schema, shipped_rules
from mapper.rulebook.compiler import compile_rules
from mapper.rulebook.expressions import Reader
from mapper.rulebook.functions import reference
from mapper.rulebook.loader import read_rules
from mapper.rulebook.source import Source, read
from mapper.rulebook.types import from_schema
from mapper.settings_schema import SCHEMA
from mapper.vat.rates import from_node as rates_of
from mapper.vat.territories import from_node as territories_of

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


def section(title: str) -> list[str]:
    """Return the examples of a section that are no rulebook of orders."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"```yml\n(.*?)```", text, re.DOTALL)


def test_the_example_of_a_rulebook_that_extends_another_loads(tmp_path: Path) -> None:
    shutil.copytree(shipped_rules(), tmp_path, dirs_exist_ok=True)
    (example,) = section("A rulebook that extends another")
    (tmp_path / "ccv_invoice.yaml").write_text(example, encoding="utf-8")
    entries = load_rulebooks(tmp_path).sources["invoice"].entries
    own = {entry.name for entry in entries if entry.place.file.endswith("ccv_invoice.yaml")}
    assert {"number", "_sign", "total_vat", "_price", "_given_discount"} <= own


def test_the_tables_of_vat_are_read() -> None:
    rates, territories = section("Tables of VAT")
    known = rates_of(read(rates, "vat_rates.yaml"))
    place = territories_of(read(territories, "vat_territories.yaml")).resolve("ES", "38001", known)
    assert (place.code, place.in_eu_vat, known.highest("NL", "2026-01-01")) == ("ES-CN", False, 21)


def test_the_table_of_functions_is_the_one_made_from_them() -> None:
    table = reference(load_rulebooks().functions)
    assert table in PAGE.read_text(encoding="utf-8"), "put in what `mapper rules functions` prints"
