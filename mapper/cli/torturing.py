"""`torture`: the proof of exactly one invoice per order, for whoever wants to see it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click

from mapper.cli.options import json_option, language, print_json, say
from mapper.cli.progress import Progress
from mapper.cli.talk import talked

if TYPE_CHECKING:
    from mapper.torture.campaign import DatabaseKind
    from mapper.torture.run import Ended


def _seeds(_context: click.Context, _option: click.Parameter, given: str) -> range:
    """Read `7` or `1-100`."""
    first, dash, last = given.partition("-")
    if not (first.isdecimal() and (last.isdecimal() if dash else not last)) or len(given) > 19:
        raise click.BadParameter("give a number, or two as in 1-100")
    seeds = range(int(first), int(last or first) + 1)
    if not seeds:
        raise click.BadParameter("the last is before the first")
    return seeds


@click.command()
@click.option(
    "--on",
    "database",
    type=click.Choice(["sqlite", "postgresql", "both"]),
    default="sqlite",
    show_default=True,
    help="On which database.",
)
@click.option(
    "--seeds", default="1", show_default=True, metavar="A-B", callback=_seeds, help="One run for each."
)
@click.option(
    "--kills",
    type=click.IntRange(0, 10_000),
    default=16,
    show_default=True,
    help="In each run; all points in turn.",
)
@click.option(
    "--lost-answers",
    type=click.IntRange(0, 200),
    default=0,
    show_default=True,
    help="Of WeFact, in each run.",
)
@click.option("--orders", type=click.IntRange(1, 20), default=2, show_default=True, help="Sold at each kill.")
@click.option(
    "--speed",
    type=click.IntRange(1, 60),
    default=30,
    show_default=True,
    help="How many times faster than real life: settle time, timeouts, faults.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Runs at the same time."
)
@json_option
def torture(
    *,
    database: Literal["sqlite", "postgresql", "both"],
    seeds: range,
    kills: int,
    lost_answers: int,
    orders: int,
    speed: int,
    jobs: int,
    as_json: bool,
) -> int:
    """Kill real daemons at every point of their work, cut wires, lose answers; then count the invoices.

    Each run sets up the sandbox's services, a database and a webshop, sells, and kills the daemon (kill -9) at the
    points F1 to F16 while the services fail at random. Then it compares what the services hold: every order exactly
    one invoice of the right amount and customer, mailed once, and no other invoice. The same seed kills at the same
    points and loses the same answers. The full proof: --on both --seeds 1-100 --lost-answers 10.

    Exit code 1 when something is lost, doubled, wrong, or stopped for a person.
    """
    from mapper.torture.campaign import Campaign
    from mapper.torture.plan import plan_of

    chosen: list[DatabaseKind] = ["sqlite", "postgresql"] if database == "both" else [database]
    plans = [
        (
            kind,
            plan_of(
                seed, kills=kills, lost_answers=lost_answers, orders=orders, freezes=_freezes(kind, kills)
            ),
        )
        for seed in seeds
        for kind in chosen
    ]
    total, wrong = len(plans), 0
    records: list[dict[str, Any]] = []
    with Progress("torture") as progress, _interruptible():
        for kind, ended in Campaign(plans, speed, jobs).ended():
            records.append(_record(kind, ended))
            wrong += not ended.is_right
            if as_json:
                print_json(records[-1])
            progress.show(len(records), total, f"{wrong} wrong" if wrong else "")
    if not as_json:
        _print(records)
    return 1 if wrong else 0


@contextmanager
def _interruptible() -> Iterator[None]:
    """Asked to stop it takes its daemons and databases down, as on Ctrl-C."""
    earlier = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in earlier.items():
            signal.signal(one, handler)


def _freezes(kind: DatabaseKind, kills: int) -> int:
    """On PostgreSQL others take over what a process leaves: there one is also frozen, and comes back."""
    return min(1, kills) if kind == "postgresql" else 0


def _record(kind: DatabaseKind, ended: Ended) -> dict[str, Any]:
    return {
        "database": kind,
        "seed": ended.plan.seed,
        "right": ended.is_right,
        "orders": ended.verdict.orders,
        "invoices": ended.verdict.invoices,
        "kills": sum(ended.kills.values()) + sum(ended.elsewhere.values()),
        "points": dict(sorted(ended.kills.items())),
        "elsewhere": dict(sorted(ended.elsewhere.items())),
        "lost_answers": len(ended.plan.lost),
        "faults": {name: list(found) for name, found in ended.verdict.faults.items()},
        "stopped": list(ended.stopped),
        "broken_off": ended.broken_off,
        "seconds": round(ended.seconds, 1),
    }


def _print(records: list[dict[str, Any]]) -> None:
    """Print the sums per database, and every run that went wrong."""
    for kind in dict.fromkeys(record["database"] for record in records):
        runs = [record for record in records if record["database"] == kind]
        sums = {
            name: sum(run[name] for run in runs) for name in ("orders", "invoices", "kills", "lost_answers")
        }
        elsewhere = sum(sum(run["elsewhere"].values()) for run in runs)
        found = {
            name: sum(len(run["faults"].get(name, ())) for run in runs)
            for name in ("lost", "doubled", "wrong")
        }
        line = (
            f"{kind}: seeds {runs[0]['seed']}-{max(run['seed'] for run in runs)}, {sums['kills']} kills"
            f" ({elsewhere} not at their point), {sums['lost_answers']} lost answers, {sums['orders']} orders,"
            f" {sums['invoices']} invoices: {found['lost']} lost, {found['doubled']} doubled, {found['wrong']} wrong"
        )
        click.echo(talked(line, language()))
    for run in records:
        if not run["right"]:
            say(f"{run['database']} seed {run['seed']}: {run['faults']} {run['stopped']} {run['broken_off']}")
