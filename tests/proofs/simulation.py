"""Whole worlds in memory: processes that die and freeze, calls that go wrong, and books that must come out right.

    ./dev proof simulation --seeds 1-10000

Each seed makes another world (tests/worlds): a shop sells, one or two processes run the real processing code against
the emulated services, and whatever can happen to a process or a call does. When calm has come every eligible order has
exactly one invoice of the right amount, no debtor, product or mail is doubled, and the journal's chain is whole. A seed
that fails is printed, and `--seeds N --story` tells its world line by line; the same seed gives the same world.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from worlds.guards import GUARDS, broken
from worlds.world import Told, run, stage

CHUNK = 50


@dataclass(slots=True)
class Outcome:
    """What some seeds gave."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, list[str]]] = field(default_factory=list)

    def add(self, told: Told) -> None:
        self.counts.update(told.counts)
        self.counts["worlds"] += 1
        if told.wrong:
            self.wrong.append((told.seed, told.wrong))

    def join(self, other: Outcome) -> None:
        self.counts.update(other.counts)
        self.wrong += other.wrong


def simulate(seeds: Iterable[int], guard: str = "") -> Outcome:
    """Run worlds one after the other in this process, with all guards or with one of them broken."""
    outcome = Outcome()
    with stage() as on, broken(guard):
        for seed in seeds:
            outcome.add(run(on, seed))
    return outcome


def _in_parts(seeds: range, guard: str, jobs: int) -> Iterator[Outcome]:
    parts = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(simulate, parts, [guard] * len(parts))


def _story(seed: int, guard: str) -> int:
    with stage() as on, broken(guard):
        told = run(on, seed)
    print(*told.story, *told.wrong, sep="\n")
    return 1 if told.wrong else 0


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=_seeds, default=range(1, 10_001), help="such as 1-10000, or one")
    parser.add_argument("--story", action="store_true", help="tell what happens in the first of the seeds")
    parser.add_argument("--without", default="", choices=sorted(GUARDS), help="break one guard on purpose")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    if given.story:
        return _story(given.seeds[0], given.without)
    started, outcome = time.monotonic(), Outcome()
    for part in _in_parts(given.seeds, given.without, given.jobs):
        outcome.join(part)
        done, minutes = outcome.counts["worlds"], (time.monotonic() - started) / 60
        said = f"\r{done} worlds, {done / minutes:.0f} a minute, {len(outcome.wrong)} wrong"
        print(said, end="", file=sys.stderr)
    print(file=sys.stderr)
    counts = outcome.counts
    print(f"{counts.pop('worlds')} worlds, {counts.pop('orders')} orders, {counts.pop('invoices')} invoices")
    print(*(f"  {count:6} {name}" for name, count in sorted(counts.items())), sep="\n")
    for seed, wrong in outcome.wrong[:20]:
        print(f"seed {seed}: {'; '.join(wrong)[:500]}")
    print(f"{len(outcome.wrong)} seeds went wrong" if outcome.wrong else "every world came out right")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
