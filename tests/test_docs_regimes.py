"""docs/regimes.md names entries of the rules and cases that exist, and every regime's case is one that runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "regimes.md"
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| regime")
]


def read(name: str) -> Any:
    return yaml.load((ROOT / "rules" / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def entries() -> set[str]:
    rules = read("ccv_order.yaml")
    found = {
        f"{section}.{name}" for section in ("document", "every_line", "totals") for name in rules[section]
    }
    found |= {f"lines.{line.get('name', line['kind'])}" for line in rules["lines"] if "kind" in line}
    return found | {f"checks.{check['id']}" for check in rules["checks"]}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_regime_names_an_entry_of_the_rules_and_a_case(row: list[str]) -> None:
    _, _, _, _, entry, case = row
    assert entry.strip("`") in entries()
    assert not case or case in {one["case"] for one in read("cases/regimes.yaml")}


def test_every_regime_of_the_cases_is_in_the_table() -> None:
    named = {row[5].partition(":")[0] for row in TABLE if row[5]}
    told = {one["case"].partition(":")[0] for one in read("cases/regimes.yaml")}
    assert told - named <= {"Voucher", "Points", "Shipping", "Quantity"}


def test_the_readme_leads_to_it() -> None:
    assert re.search(r"\(docs/regimes\.md\)", (ROOT / "README.md").read_text(encoding="utf-8"))
