"""A sample of the simulated worlds, and the proof that they would show a broken guard (tests/proofs/simulation.py)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from proofs.simulation import Outcome
from worlds.guards import GUARDS, broken
from worlds.world import Stage, run, stage

# For each guard a world that comes out wrong without it; it is in the sample, and comes out right with it.
SHOWN_BY = {
    "an intent is somebody's": 116,
    "a lost answer is unknown": 116,
    "unknown waits to be settled": 287,
    "done is done": 3,
    "lost work is dispatched again": 20,
    "the shop is swept": 3,
    "mail is looked for": 83,
    "a second search": 228,
}
SAMPLE = sorted({*range(1, 9), *SHOWN_BY.values()})
REPLAYED = 116


@pytest.fixture(scope="module")
def on() -> Iterator[Stage]:
    with stage() as made:
        yield made


def test_R4_every_order_has_one_right_invoice_whatever_died_and_whatever_got_lost(on: Stage) -> None:
    outcome = Outcome()
    for seed in SAMPLE:
        outcome.add(run(on, seed))
    assert outcome.wrong == []
    counts = outcome.counts
    assert counts["invoices"] == counts["orders"] - counts["left to a person"] > len(SAMPLE)
    assert min(counts["killed"], counts["frozen"], counts["timed out after"], counts["502 after"]) > 0


@pytest.mark.parametrize("guard", SHOWN_BY)
def test_R4_a_guard_that_is_broken_shows(on: Stage, guard: str) -> None:
    assert SHOWN_BY.keys() == GUARDS.keys()
    with broken(guard):
        assert run(on, SHOWN_BY[guard]).wrong


def test_R4_a_seed_tells_the_same_story_again_also_in_another_process(on: Stage) -> None:
    first, second = (run(on, REPLAYED).story for _ in range(2))
    assert first == second
    program = Path(__file__).parent / "proofs" / "simulation.py"
    command = [sys.executable, program, "--seeds", str(REPLAYED), "--story"]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout.splitlines() == first
