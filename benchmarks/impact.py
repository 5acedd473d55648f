"""What the project claims about replaying history, measured in one run.

    ./dev bench impact [--documents 100000] [--json]

A database with so many stored orders is made. Then old against new rules are replayed over all of it by as many
processes as there are cores, from the database to the grouped sums, with the progress bar; memory is the peak of the
largest process. The preview is what a screen does while somebody types: an edited text loaded, and the newest 1,000
replayed. The peers replay the same documents with the part of the mapping that all can express, in one process: JSON
read, mapped by old and by new rules, compared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import insert

from benchmarks.peers import subset
from mapper import settings
from mapper.authoring.impact import Impact, Recent, impact
from mapper.authoring.made_up import made_up
from mapper.authoring.replay import Pair
from mapper.authoring.replaying import changes_of, replay
from mapper.cli.progress import Progress
from mapper.mapping import rulebooks_from, texts_of
from mapper.store import exact, history, schema, tenants
from mapper.store.database import Database, open_database
from mapper.store.history import Scope, Stored

TENANT = "winkel"
DISTINCT = 2000
SAMPLE = 300
START = datetime(2026, 1, 1, tzinfo=UTC)

# What a support agent changes, by name: a file, what stands there, and what comes instead.
EDITS = {
    "a row of keywords": (
        "ccv_order.yaml",
        "{any: [paypal], then: paypal}",
        "{any: [paypal, klarna], then: paypal}",
    ),
    "a text of lines": ("ccv_order.yaml", "{text: Shipping costs}", "{text: Verzendkosten}"),
    "a parameter of invoices": ("wefact.yaml", "Term: integer(tenant.invoice.term)", "Term: 8"),
}


def fill(database: Database, count: int) -> None:
    """Store orders; every one of some thousand different ones many times, with an id and number of its own."""
    random, given = Random(1), settings.example()  # noqa: S311 (no secret)
    kinds = [
        exact.write(made_up(random, "order", given) | {"id": 500001}) for _ in range(min(DISTINCT, count))
    ]
    parts = [text.partition('"id":500001,') for text in kinds]
    with database.begin() as conn:
        tenants.create(conn, TENANT, name=TENANT, settings=given, who="bench", now=START)
    for first in range(0, count, 5000):
        numbers = range(first, min(first + 5000, count))
        with database.begin() as conn:
            conn.execute(insert(schema.document), [_document(number) for number in numbers])
            conn.execute(insert(schema.payload), [_payload(number, parts) for number in numbers])


def _document(number: int) -> dict[str, Any]:
    dated = START + timedelta(minutes=number)
    return {
        "tenant": TENANT, "id": f"order-{number}", "kind": "order", "shop_id": number, "order_id": number,
        "state": "done", "revision": 1, "deleted": False, "number": str(number), "payload_hash": f"{number:064x}",
        "dated": dated, "noted_at": dated, "changed_at": dated,
    }  # fmt: skip


def _payload(number: int, parts: list[tuple[str, str, str]]) -> dict[str, Any]:
    head, _, tail = parts[number % len(parts)]
    text = f'{head}"id":{number},{tail}'
    return {
        "tenant": TENANT,
        "document_id": f"order-{number}",
        "hash": f"{number:064x}",
        "text": text,
        "at": START,
    }


def edited(name: str) -> dict[str, str]:
    """Return the shipped rules with one of the edits."""
    file, old, new = EDITS[name]
    texts = texts_of()
    if texts[file].count(old) != 1:
        raise SystemExit(f"'{old}' does not stand once in {file}; nothing was measured.")
    return {**texts, file: texts[file].replace(old, new)}


def measured(database: Database, scope: Scope, **changed: Any) -> dict[str, float]:
    """Replay, and return seconds of wall and CPU time, documents that differ, and the largest process in MiB."""
    changes = changes_of(database, **changed)
    before, started = _cpu(), time.perf_counter()
    found = Impact()
    with Progress("Replayed") as progress:
        for found in replay(database, changes, scope, progress=progress.show):  # noqa: B007 (the last sum counts)
            pass
    wall, cpu = time.perf_counter() - started, _cpu() - before
    differ = sum(found.counts.values())
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": wall, "cpu": cpu, "documents": found.documents, "differ": differ, "MiB": largest}


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def preview(database: Database, rounds: int) -> dict[str, float]:
    """Return milliseconds from an edited text to the sums over the newest 1,000, the median of several edits."""
    recent = Recent(newest(database, 1000))
    old = rulebooks_from(texts_of()).bind(settings.example(), soon=True)
    taken: dict[str, list[float]] = {"load": [], "replay": [], "all": []}
    # The first one also maps by the old rules, which are then remembered.
    for number in range(-1, rounds):
        texts = edited("a text of lines")
        texts["ccv_order.yaml"] = texts["ccv_order.yaml"].replace(
            "Verzendkosten", f"Verzendkosten {number + 1}"
        )
        started = time.process_time()
        pair = Pair(old, rulebooks_from(texts).bind(settings.example(), soon=True))
        loaded = time.process_time()
        *_, found = impact({TENANT: pair}, recent=recent)
        ended = time.process_time()
        if found.documents != 1000 or not found.counts.get("changed"):
            raise SystemExit("The preview did not replay 1,000 documents; nothing was measured.")
        if number >= 0:
            taken["load"].append(loaded - started)
            taken["replay"].append(ended - loaded)
            taken["all"].append(ended - started)
    return {name: median(some) * 1000 for name, some in taken.items()}


def newest(database: Database, count: int) -> list[Stored]:
    """Return the newest documents."""
    with database.read() as conn:
        (ids,) = history.portions(conn, TENANT, Scope(last=count), count)
        return history.stored(conn, TENANT, ids)


def peers(database: Database) -> dict[str, float]:
    """Return microseconds of CPU time per document for the same replay by each engine."""
    import orjson

    texts = [one.text for one in newest(database, SAMPLE)]
    figures = {}
    expected: Any = None
    for engine, again in zip(*(_wanted() for _ in range(2)), strict=True):
        loads: Callable[[str], Any] = exact.read if engine.exact else orjson.loads
        prepared = engine.taken if engine.name.startswith("simpleeval") else (lambda order: order)
        run, rerun, shaped = engine.run, again.run, engine.shaped
        made = shaped(run(prepared(loads(texts[0]))))
        expected = expected or made
        if not subset.agree(expected, made, exact=engine.exact):
            raise SystemExit(f"{engine.name} differs from the compiled rules; nothing was measured.")
        times = []
        for _ in range(3):
            started = time.process_time()
            for text in texts:
                order = prepared(loads(text))
                if shaped(run(order)) != shaped(rerun(order)):
                    raise SystemExit(
                        f"{engine.name} gives another result the second time; nothing was measured."
                    )
            times.append((time.process_time() - started) / len(texts))
        figures[engine.name] = min(times) * 1e6
    return figures


def _wanted() -> Iterator[subset.Engine]:
    names = ("compiled rules", "simpleeval", "zen-engine")
    yield from (one for one in subset.engines(settings.example()) if one.name.startswith(names))


def run(count: int, rounds: int) -> dict[str, Any]:
    """Measure everything."""
    with TemporaryDirectory() as folder, open_database(Path(folder) / "mapper.db") as database:
        fill(database, count)
        tenth = Scope(last=max(count // 10, 1))
        figures: dict[str, Any] = {"tenth": measured(database, tenth, new=edited("a text of lines"))}
        for name in EDITS:
            figures[name] = measured(database, Scope(), new=edited(name))
        figures["a setting"] = measured(
            database, Scope(), settings=lambda now: settings.changed(now, {"invoice.term": "8"})
        )
        figures["preview"] = preview(database, rounds)
        figures["peers"] = peers(database)
    return figures


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("\n(a) Stored orders replayed by old and by new rules, from the database to the sums\n")
    for name in (*EDITS, "a setting", "tenth"):
        one = figures[name]
        per = one["cpu"] / one["documents"] * 1e6
        print(
            f"  {name:26} {one['documents']:9,} orders, {one['differ']:7,} differ {one['seconds']:7.1f} s"
            f" {one['cpu']:7.1f} s CPU {per:5.0f} µs each, largest process {one['MiB']:.0f} MiB"
        )
    print("\n(b) An edited text until the newest 1,000 are replayed\n")
    one = figures["preview"]
    print(
        f"  {one['all']:.0f} ms CPU: {one['load']:.0f} ms to load the rules, {one['replay']:.0f} ms to replay"
    )
    print("\n(c) The same replay of the part that every engine can express, one process\n")
    own = figures["peers"]["compiled rules"]
    for name, us in figures["peers"].items():
        print(f"  {name:26} {us:9.0f} µs {us / own:8.1f} × the time of compiled rules")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--documents", type=int, default=100_000, help="stored orders (100000)")
    parser.add_argument("--rounds", type=int, default=9, help="edits of the preview (9)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if find_spec("zen") is None:
        raise SystemExit("The engines to compare with are not installed: run it by ./dev bench impact.")
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start"
    figures = run(options.documents, options.rounds)
    if options.json:
        print(json.dumps({"machine": machine, **figures}, indent=2))
        return
    print(machine)
    show(figures)


if __name__ == "__main__":
    main()
