"""One order of three rows, parsed payload → WeFact requests: compiled rules against the same mapping by hand, and simpleeval.

    ./dev python benchmarks/mapping.py

All engines take turns in one process, in a new random order each round; the figure is the median round, in CPU time.
Each engine's result is checked to be equal before anything is measured.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.handwritten import HandWritten
from mapper import mapping, money, settings
from mapper.rulebook.reference import Evaluator, Interpreter, typed
from mapper.rulebook.source import read

ROUNDS = 31
FIXTURE = Path(__file__).parents[1] / "tests" / "fixtures" / "order-nl-ideal.json"


def three_rows() -> dict[str, Any]:
    """Return the benchmark's order: two rates, a paid option, shipping."""
    order: dict[str, Any] = money.loads(FIXTURE.read_bytes())
    order["rows"].append({**order["rows"][1], "id": 700099, "product_name": "Filterpapier", "product_number": "FP-4"})
    order["total_price"] = money.loads("79.85")
    order["total_tax"] = money.loads("11.58")
    return order


def engines(order: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return each engine as a call that maps the order, after checking that all agree."""
    rulebooks, tenant = mapping.load_rulebooks(), settings.example()
    compiled = rulebooks.bind(tenant)
    by_hand = HandWritten(tenant, rulebooks.rates)
    evaluator = Evaluator(rulebooks.functions)
    source = Interpreter(read(rulebooks.texts["ccv_order.yaml"], "ccv_order.yaml"), evaluator, tenant)
    target = Interpreter(read(rulebooks.texts["wefact.yaml"], "wefact.yaml"), evaluator, tenant)
    ready = typed(order, mapping.payload_schema("order"))

    def interpreted() -> Any:
        return target.requests(source.document("order", ready)[0])[0]

    document, reports, requests, more = compiled.run("order", order)
    made = [(rulebooks.target.rules.requests[one[0]].name, one[1]) for one in requests]
    if reports or more or by_hand.run(order) != (document, [], made) or interpreted() != made:
        raise SystemExit("The engines do not agree; nothing was measured.")
    return {
        "compiled rules": lambda: compiled.run("order", order),
        "hand-written": lambda: by_hand.run(order),
        "simpleeval, pre-parsed": interpreted,
    }


def measure(calls: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Return microseconds of CPU time per document for each engine."""
    counts = {name: max(1, int(0.02 / _once(call))) for name, call in calls.items()}
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        names = list(calls)
        random.shuffle(names)
        for name in names:
            call, count = calls[name], counts[name]
            start = time.process_time()
            for _ in range(count):
                call()
            rounds[name].append((time.process_time() - start) / count)
    return {name: median(taken) * 1e6 for name, taken in rounds.items()}


def _once(call: Callable[[], Any]) -> float:
    start = time.process_time()
    for _ in range(20):
        call()
    return max((time.process_time() - start) / 20, 1e-6)


def main() -> None:
    """Print the figures, and how they compare with the mapping by hand."""
    figures = measure(engines(three_rows()))
    by_hand = figures["hand-written"]
    if "--json" in sys.argv:
        print(json.dumps({name: {"us": round(us, 1), "ratio": round(by_hand / us, 3)} for name, us in figures.items()}))
        return
    print(f"{'engine':24} {'µs/document':>12} {'speed, hand-written = 1':>25}")
    for name, us in figures.items():
        print(f"{name:24} {us:12.1f} {by_hand / us:25.2f}")


if __name__ == "__main__":
    main()
