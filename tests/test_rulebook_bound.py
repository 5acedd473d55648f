"""A rulebook states, when it loads, how much work it can be."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from mapper import mapping, money, settings
from mapper.rulebook.bound import bound

RULES = mapping.load_rulebooks()


class Counting(dict[str, Any]):
    """A row that counts how often it is read."""

    reads = 0

    def get(self, key: str, default: Any = None) -> Any:
        Counting.reads += 1
        return super().get(key, default)


def test_the_bound_grows_with_rows_and_is_the_same_for_every_row() -> None:
    most = bound(RULES.sources["order"].rules)
    assert most.of(0) == most.document
    assert most.of(1000) - most.of(999) == most.row > 0


def test_a_row_is_read_less_often_than_the_bound_says() -> None:
    order = money.loads((Path(__file__).parent / "fixtures" / "order-nl-ideal.json").read_bytes())
    order["rows"] = [Counting(row) for row in order["rows"]]
    Counting.reads = 0
    mapped = RULES.bind(settings.example()).apply("order", order)
    assert mapped.document is not None
    assert 0 < Counting.reads <= 2 * bound(RULES.sources["order"].rules).row


def test_an_operation_more_is_counted(tmp_path: Path) -> None:
    before = bound(RULES.sources["order"].rules)
    folder = shutil.copytree(mapping.shipped_rules(), tmp_path / "rules")
    rules = folder / "ccv_order.yaml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("quantity: row.count ", "quantity: row.count * 1 "), encoding="utf-8")
    after = bound(mapping.load_rulebooks(folder).sources["order"].rules)
    assert after.row == before.row + 2
