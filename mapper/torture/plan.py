"""What a seed means: who buys, where the daemon dies, which answers get lost, and how the services fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mapper.torture.points import POINTS, TURN

# Faults that strike reads and writes of WeFact alike. The shop's lists are left whole: an order without its rows is
# refused for a person to see (K1), as it should be.
WEFACT_FAULTS = (
    "lost_call", "lost_answer", "error_before", "error_after", "late_commit", "stall", "slow", "drip", "truncated",
    "page_before", "page_after", "empty_list", "short_list", "hang_up",
)  # fmt: skip
SHOP_FAULTS = ("lost_call", "lost_answer", "error_before", "stall", "slow", "drip", "hang_up")
KINDS = ("nl_ideal", "nl_ideal", "discount_two_rates", "payment_fee", "fractional_count", "de_oss_19")
CUSTOMERS = 5
LONGEST_LAG = 60

# How an answer gets lost, as faults to order; each is executed. Seconds are a real service's.
LOST: Sequence[Mapping[str, Any]] = (
    {"kind": "drop_after_commit"},
    {"kind": "truncated"},
    {"kind": "html", "when": "after"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 502, "when": "after"},
    {"kind": "status", "status": 504, "when": "after"},
    {"kind": "delay", "seconds": 45, "when": "after"},
    {"kind": "delay", "seconds": 45, "when": "before"},
)


@dataclass(frozen=True, slots=True)
class Sale:
    """An order: its kind, and the e-mail address of who buys."""

    kind: str
    email: str


@dataclass(frozen=True, slots=True)
class Blow:
    """One kill: where, the how manieth time it is come by, and what is sold meanwhile.

    `late`: what is under way at a service is executed after the kill instead of before it. `frozen`: instead of being
    killed the process is frozen until another one has done its work, and then goes on. `booked`: the merchant books an
    invoice by hand under the number of each of these orders.
    """

    point: str
    nth: int
    sales: tuple[Sale, ...]
    late: bool = False
    frozen: bool = False
    booked: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All that happens in one run: after a first order the blows, then the lost answers, then what else is sold.

    `switches` are of WeFact's emulator, which then also gets `faults`; `weather` is the percentage of struck calls.
    `signed`: webhooks have a signature. `late`: in the end all webhooks come again, as if a week late, and forged ones
    with them.
    """

    seed: int
    first: Sale
    blows: tuple[Blow, ...] = ()
    lost: tuple[tuple[Sale, Mapping[str, Any]], ...] = ()
    others: tuple[Sale, ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()
    switches: Mapping[str, Any] = field(default_factory=dict)
    webhooks: str = "deliver"
    weather: int = 0
    products: bool = False
    signed: bool = False
    late: bool = False


def plan_of(
    seed: int, *, kills: int = len(POINTS), lost_answers: int = 0, orders: int = 2, freezes: int = 0
) -> Plan:
    """Return the plan of a seed: `kills` at all points in turn, `orders` sold at each, then so many lost answers.

    `freezes`: where several processes share a database, so many times one is frozen instead, right before it calls.
    """
    chance = Random(seed)  # noqa: S311
    points: list[str] = []
    while len(points) < kills:
        points += chance.sample(list(POINTS), len(POINTS))
    blows = tuple(
        Blow(
            point,
            nth=chance.randint(1, max(1, orders)) if point in {"F1", "F2", "F3", "F4"} else 1,
            # A new customer in each: a known one costs no call for its debtor.
            sales=(
                _sale(chance, f"new{number}.{seed}@klant.example"),
                *(_sale(chance, _known(chance, seed)) for _ in range(orders - 1)),
            ),
            late=chance.random() < 0.5,
            booked=chance.random() < 0.1,
        )
        for number, point in enumerate(points[:kills])
    )
    frozen = tuple(
        Blow(
            chance.choice(("F7", "F10", TURN.id)),
            1,
            (_sale(chance, f"frozen{number}.{seed}@klant.example"),),
            frozen=True,
        )
        for number in range(freezes)
    )
    lost = tuple((_sale(chance, _known(chance, seed)), chance.choice(LOST)) for _ in range(lost_answers))
    return Plan(
        seed,
        Sale("nl_ideal", f"first.{seed}@klant.example"),
        blows + frozen,
        lost,
        switches={
            "search_reference": chance.random() < 0.5,
            "search_lag": chance.randint(0, LONGEST_LAG),
            "unknown_column": chance.choice(("none", "none", "all")),
            "scalars": chance.choice(("mixed", "strings", "numbers")),
            "clock_skew": chance.choice((0, 0, -3600, 3600)),
        },
        webhooks=chance.choice(("deliver", "double", "mixed", "mixed")),
        weather=8,
        products=chance.random() < 0.3,
        signed=chance.random() < 0.5,
        late=chance.random() < 0.5,
    )


def _known(chance: Random, seed: int) -> str:
    return f"known{chance.randrange(CUSTOMERS)}.{seed}@klant.example"


def _sale(chance: Random, email: str) -> Sale:
    return Sale(chance.choice(KINDS), email)
