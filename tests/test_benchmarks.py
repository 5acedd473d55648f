"""What is measured is the same: engines agree on the subset, and the mapping by hand makes what the rules make."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.handwritten import HandWritten
from benchmarks.mapping import order_of
from benchmarks.peers import subset
from mapper import mapping, money, settings

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("order-*.json"))
TENANT = settings.example()
RULEBOOKS = mapping.load_rulebooks()
ENGINES = list(subset.engines(TENANT))

fixtures = pytest.mark.parametrize("path", FIXTURES, ids=[path.stem for path in FIXTURES])


def read(path: Path) -> dict[str, Any]:
    return money.loads(path.read_bytes())


@fixtures
@pytest.mark.parametrize("engine", ENGINES[1:], ids=[engine.name for engine in ENGINES[1:]])
def test_engines_agree_on_the_subset(engine: subset.Engine, path: Path) -> None:
    order = read(path)
    expected = ENGINES[0].shaped(ENGINES[0].run(order))
    assert subset.agree(expected, engine.shaped(engine.run(engine.taken(order))), exact=engine.exact)


def test_a_cent_or_a_missing_line_is_no_agreement() -> None:
    made = {"total": 1.21, "lines": [{"code": "V21"}]}
    assert subset.agree(made, {"total": 1.21 + 1e-12, "lines": [{"code": "V21", "empty": None}]}, exact=False)
    assert not subset.agree(made, {"total": 1.22, "lines": [{"code": "V21"}]}, exact=False)
    assert not subset.agree(made, {"total": 1.21, "lines": []}, exact=False)
    assert not subset.agree({"total": money.loads("1.21")}, {"total": 1.21}, exact=True)


@pytest.mark.parametrize("status", ["draft", "paid"])
@fixtures
def test_the_mapping_by_hand_makes_what_the_rules_make(path: Path, status: str) -> None:
    changes = {"invoice": {**TENANT["invoice"], "status": status}, "products": {"synchronise": True}}
    tenant = settings.check(TENANT | changes)
    order = read(path)
    document, found, requests = HandWritten(tenant, RULEBOOKS.rates, RULEBOOKS.territories).run(order)
    mapped = RULEBOOKS.bind(tenant).apply("order", order)
    assert document == mapped.document
    assert sorted(found) == sorted((finding.id, finding.severity) for finding in mapped.findings)
    assert requests == [(request.name, request.params) for request in mapped.requests]


def test_a_generated_order_fits_its_totals() -> None:
    mapped = RULEBOOKS.bind(TENANT).apply("order", order_of(10))
    assert mapped.findings == ()
    assert len(mapped.document["lines"]) == 11
