"""A sample of the simulated worlds, and the proof that they would show a broken guard (tests/proofs/simulation.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from proofs.simulation import simulate
from worlds.world import run, stage

SAMPLE = range(1, 26)
# For each guard a world that comes out wrong without it: with it, it comes out right.
SHOWN_BY = {
    "an intent is somebody's": 116,
    "a lost answer is unknown": 116,
    "unknown waits to be settled": 271,
    "the settle time is long enough": 271,
    "done is done": 3,
}
REPLAYED = 116


def test_R4_every_order_has_one_right_invoice_whatever_died_and_whatever_got_lost() -> None:
    outcome = simulate(SAMPLE)
    assert outcome.wrong == []
    counts = outcome.counts
    assert counts["invoices"] == counts["orders"] > len(SAMPLE)
    assert min(counts["killed"], counts["frozen"], counts["late"], counts["dropped after"]) > 0


@pytest.mark.parametrize("guard", SHOWN_BY)
def test_R4_a_guard_that_is_broken_shows(guard: str) -> None:
    seed = SHOWN_BY[guard]
    assert simulate([seed], guard).wrong
    assert simulate([seed]).wrong == []


def test_R4_a_seed_tells_the_same_story_again_also_in_another_process() -> None:
    with stage() as on:
        first, second = (run(on, REPLAYED).story for _ in range(2))
    assert first == second
    command = [
        sys.executable,
        Path(__file__).parent / "proofs" / "simulation.py",
        "--seeds",
        str(REPLAYED),
        "--story",
    ]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout.splitlines() == first
