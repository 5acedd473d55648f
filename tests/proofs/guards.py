"""Every guard of exactly-once broken in turn, and what the torture finds (B3): what it cannot find proves nothing.

    ./dev proof guards ["no intent" …]

Each is a real daemon with one piece replaced (tests/broken_guards.py), dealt the one blow that shows it. The same blow
to a whole daemon must leave everything right.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from broken_guards import GUARDS, Broken, Guard

from mapper.torture.campaign import Campaign
from mapper.torture.child import Entry, main
from mapper.torture.run import Ended


def dealt(guard: Guard, entry: Entry) -> Ended:
    """Return what the guard's blow leaves of a daemon."""
    campaign = Campaign([(guard.database, guard.plan)], guard.speed, entry=entry, patience=30)
    ((_, ended),) = campaign.ended()
    return ended


def prove(names: Sequence[str], *, whole: bool) -> int:
    """Print what was found, and return how many were not found out."""
    missed = 0
    for name in names:
        guard = GUARDS[name]
        ended = dealt(guard, Broken(name))
        caught = guard.finds in ended.verdict.faults
        blamed = whole and not dealt(guard, main).is_right
        missed += not caught or blamed
        found = ", ".join(f"{len(numbers)} {fault}" for fault, numbers in ended.verdict.faults.items())
        verdict = "found out" if caught else "NOT FOUND OUT"
        print(f"{name:<42} {verdict:<14} {found}{'; A WHOLE DAEMON IS BLAMED' if blamed else ''}", flush=True)
    print(f"{len(names) - missed} of {len(names)} found out")
    return missed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="which; all when left out")
    parser.add_argument("--whole", action="store_true", help="deal each blow to a whole daemon, too")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in GUARDS]
    if unknown:
        parser.error(f"there is no guard {unknown[0]!r}; there are: {', '.join(GUARDS)}")
    sys.exit(1 if prove(given.names or list(GUARDS), whole=given.whole) else 0)
