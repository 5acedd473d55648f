"""A sample of the proof that every document comes out to the cent or is held (B4, K1, I8): tests/proofs/rounding.py."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from proofs.rounding import MODELS, basket, credit, invoice, prove

SAMPLE = range(40)


@pytest.fixture(scope="module")
def counts() -> dict[str, Counter[str]]:
    outcome = prove(1, SAMPLE)
    assert outcome.wrong == ()
    return dict(outcome.counts)


@pytest.mark.parametrize("model", MODELS)
def test_B4_every_invoice_and_credit_comes_out_to_the_cent_or_is_held(
    model: str, counts: dict[str, Counter[str]]
) -> None:
    assert counts[model]["documents"] == len(SAMPLE) * 2 * 2
    assert counts[model]["held"] == 0


def test_B4_the_baskets_need_rounding_lines_under_some_models(counts: dict[str, Counter[str]]) -> None:
    assert counts["C"]["rounding line"] > counts["B"]["rounding line"] > 0


def test_K1_a_shop_that_rounds_vat_per_row_is_posted_to_the_cent_or_held() -> None:
    outcome = prove(2, range(10), shop="row")
    assert outcome.wrong == ()
    assert sum(one["held"] for one in outcome.counts.values()) > 0


def test_I8_a_credit_has_the_signs_that_the_api_may_give_it() -> None:
    debit = invoice(basket(1, 0), included=True)
    back, forth = credit(debit, negative=True), credit(debit, negative=False)
    assert back["total_price"] == -debit["total_price"] == -forth["total_price"]
    assert back["rows"][0]["price_with_attributes"] == -forth["rows"][0]["price_with_attributes"]


def test_B4_the_proof_prints_a_row_of_figures_for_each_model() -> None:
    program = Path(__file__).parent / "proofs" / "rounding.py"
    command = [sys.executable, program, "--baskets", "10", "--processes", "1"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in told.splitlines() if line[:1] in MODELS and line[1:2] == " "]
    assert [row[:3] for row in rows] == [[model, "40", "0"] for model in MODELS]
    assert told.endswith("wrong: 0\n")
