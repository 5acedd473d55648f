"""What the project claims about speed, measured in one run.

    ./dev bench [--json] [--rounds N]

All calls of a section take turns in one process, in a new random order each round; a figure is the median round, in CPU
time. Results are compared before anything is measured. See `benchmarks/peers/subset.py` for which peers are exact.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.handwritten import HandWritten
from benchmarks.peers import subset
from mapper import mapping, money, settings
from mapper.rulebook.reference import Evaluator, Interpreter, typed
from mapper.rulebook.source import read

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
SLICE = 0.02  # seconds one engine runs before the next has its turn
ROWS = (1, 10, 100, 1000)

Calls = Mapping[str, Callable[[], Any]]
Figures = dict[str, float]


def order_of(rows: int) -> dict[str, Any]:
    """Return the benchmark's order: two rates, a paid option, shipping; its totals fit the rows."""
    order: dict[str, Any] = money.loads((FIXTURES / "order-nl-ideal.json").read_bytes())
    mug, beans = order["rows"]
    order["rows"] = [{**(beans if number % 2 else mug), "id": 700000 + number} for number in range(rows)]
    mugs, packs = (rows + 1) // 2, rows // 2
    order["total_price"] = Decimal("49.90") * mugs + Decimal("12.50") * packs + Decimal("4.95")
    high = Decimal("49.90") * mugs + Decimal("4.95")
    order["total_tax"] = money.round_half_up(high * 21 / 121 + Decimal("12.50") * packs * 9 / 109, 2)
    return order


def measure(calls: Calls, rounds: int) -> Figures:
    """Return microseconds of CPU time per call."""
    counts = {name: max(1, int(SLICE / _once(call))) for name, call in calls.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        names = list(calls)
        random.shuffle(names)
        for name in names:
            call, count = calls[name], counts[name]
            start = time.process_time()
            for _ in range(count):
                call()
            taken[name].append((time.process_time() - start) / count)
    return {name: median(times) * 1e6 for name, times in taken.items()}


def _once(call: Callable[[], Any]) -> float:
    call()
    start = time.process_time()
    call()
    return max(time.process_time() - start, 1e-6)


def whole_mapping(order: Mapping[str, Any]) -> Calls:
    """Return (a): the shipped rules against the same mapping by hand, with every check, from payload to requests."""
    rulebooks, tenant = mapping.load_rulebooks(), settings.example()
    compiled, by_hand = rulebooks.bind(tenant), HandWritten(tenant, rulebooks.rates, rulebooks.territories)
    evaluator = Evaluator(rulebooks.functions)
    source, target = (
        Interpreter(read(rulebooks.texts[name], name), evaluator, tenant)
        for name in ("ccv_order.yaml", "wefact.yaml")
    )
    ready = typed(order, mapping.payload_schema("order"))

    def interpreted() -> Any:
        return target.requests(source.document("order", ready)[0])[0]

    document, reports, requests, more = compiled.run("order", order)
    made = [(rulebooks.target.rules.requests[one[0]].name, one[1]) for one in requests]
    if reports or more or by_hand.run(order) != (document, [], made) or interpreted() != made:
        raise SystemExit("Compiled rules, hand-written and simpleeval differ; nothing was measured.")
    return {
        "hand-written, Decimal": lambda: by_hand.run(order),
        "compiled rules": lambda: compiled.run("order", order),
        "compiled rules, traced": lambda: compiled.apply("order", order),
        "simpleeval, pre-parsed": interpreted,
    }


def peers(order: Mapping[str, Any]) -> Calls:
    """Return (c): the subset for every engine that is installed."""
    engines = list(subset.engines(settings.example()))
    expected = engines[0].shaped(engines[0].run(order))
    calls = {}
    for engine in engines:
        given = engine.taken(order)
        if not subset.agree(expected, engine.shaped(engine.run(given)), exact=engine.exact):
            raise SystemExit(f"{engine.name} differs from the compiled rules; nothing was measured.")
        calls[engine.name] = lambda run=engine.run, given=given: run(given)
    return calls


def bytes_to_bytes(order: Mapping[str, Any]) -> Calls:
    """Return (b): from JSON to JSON, and parsing the order and printing the requests alone."""
    import msgspec
    import orjson

    text = orjson.dumps(order, default=float)
    compiled = mapping.load_rulebooks().bind(settings.example())
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    encode = msgspec.json.Encoder().encode

    def requests(payload: Any) -> list[Any]:
        return [one[1] for one in compiled.run("order", payload)[2]]

    made = requests(decode(text))
    if requests(money.loads(text)) != made or json.loads(money.dumps(made)) != msgspec.json.decode(
        encode(made)
    ):
        raise SystemExit("The ways to read and write JSON differ; nothing was measured.")
    return {
        "orjson, parse and print alone": lambda: (orjson.loads(text), orjson.dumps(made)),
        "msgspec, parse and print alone": lambda: (msgspec.json.decode(text), encode(made)),
        "msgspec → compiled rules → msgspec": lambda: encode(requests(decode(text))),
        "mapper.money → compiled rules → mapper.money": lambda: money.dumps(
            requests(money.loads(text))
        ).encode(),
    }


def growth() -> Calls:
    """Return (d): orders of 1 to 1,000 rows."""
    compiled = mapping.load_rulebooks().bind(settings.example())
    orders = {rows: order_of(rows) for rows in ROWS}
    if any(compiled.run("order", order)[1] for order in orders.values()):
        raise SystemExit("A generated order has findings; nothing was measured.")
    return {
        f"{rows:,} row{'s'[: rows - 1]}": lambda order=order: compiled.run("order", order)
        for rows, order in orders.items()
    }


def edit_to_live(folder: Path, order: Mapping[str, Any]) -> Calls:
    """Return (e): a saved edit of a rule of orders, which invoices share, until a first order is mapped by it."""
    for name, text in mapping.load_rulebooks().texts.items():
        (folder / name).write_text(text)
    edited, tenant = folder / "ccv_order.yaml", settings.example()
    text = edited.read_text()
    edits = iter(range(1_000_000))

    def edit() -> Any:
        edited.write_text(text.replace("{text: Shipping costs}", f"{{text: Shipping costs {next(edits)}}}"))
        return mapping.load_rulebooks(folder).bind(tenant).apply("order", order)

    return {"edit to live": edit}


def run(rounds: int) -> dict[str, Figures]:
    """Measure everything; microseconds by section and name."""
    order = order_of(3)
    figures = {
        "whole mapping": measure(whole_mapping(order), rounds),
        "subset": measure(peers(order), rounds),
        "bytes to bytes": measure(bytes_to_bytes(order), rounds),
        "growth": measure(growth(), rounds),
    }
    with TemporaryDirectory() as folder:
        figures["edit to live"] = measure(edit_to_live(Path(folder), order), rounds)
    return figures


TITLES = {
    "whole mapping": "(a) Parsed payload of three rows → document, checks, requests: the shipped rules",
    "subset": "(c) The part of it that every engine can express, parsed payload → requests",
    "bytes to bytes": "(b) The shipped rules, JSON bytes → the requests' JSON bytes",
    "growth": "(d) The shipped rules on orders of many rows",
    "edit to live": "(e) Saved edit of a rule → a first order mapped by it",
}


def show(figures: Mapping[str, Figures]) -> None:
    """Print the figures as tables."""
    for section, measured in figures.items():
        print(f"\n{TITLES[section]}\n")
        first = next(iter(measured.values()))
        by_hand = measured.get("hand-written, Decimal", first)
        before = (0, 0.0)
        for name, us in measured.items():
            if section == "edit to live":
                print(f"  {us / 1000:.1f} ms")
            elif section == "growth":
                rows = int(name.split()[0].replace(",", ""))
                more = (us - before[1]) / (rows - before[0])
                before = (rows, us)
                print(f"  {name:46} {us:10.1f} µs {more:10.2f} µs for each row more than above")
            elif section == "bytes to bytes":
                print(f"  {name:46} {us:10.1f} µs {us / first:10.2f} × the time of orjson alone")
            else:
                print(f"  {name:46} {us:10.1f} µs {by_hand / us:10.3f} × the speed by hand")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the figures in µs as JSON")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each section (15)")
    options = parser.parse_args()
    if find_spec("msgspec") is None:
        raise SystemExit("The engines to compare with are not installed: run it by ./dev bench.")
    machine = {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "load": os.getloadavg()[0],
    }
    figures = run(options.rounds)
    if options.json:
        print(json.dumps({"machine": machine, "us": figures}, indent=2))
        return
    print(
        f"Python {machine['python']}, {machine['processor']}, load {machine['load']:.1f} at the start; CPU time"
    )
    show(figures)


if __name__ == "__main__":
    main()
