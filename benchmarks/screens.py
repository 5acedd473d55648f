"""How fast the dashboard is, in a real terminal (pty): first frame, first data, key to paint, idle CPU.

    ./dev python benchmarks/screens.py [--json] [--documents N] [--runs N]

A webshop with so many documents is made in a temporary folder; `mapper tui` then starts again and again. Figures are
medians, of key to paint also the 95th percentile. CPU time is that of the program until then, whatever else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])"
)
DOWN = b"\x1b[B"
_TOTAL = Decimal("12.10")


def fill(home: Path, count: int) -> None:
    """Make a database with a webshop and so many invoiced documents, one a minute back from now."""
    from sqlalchemy import insert

    from mapper import settings
    from mapper.store import schema, tenants
    from mapper.store.database import open_database
    from mapper.store.sealing import create_key_file

    create_key_file(home / "mapper.key")
    now = datetime.now(UTC)
    with open_database(home / "mapper.db") as database, database.begin() as conn:
        tenants.create(conn, "winkel", name="Winkel", settings=settings.example(), who="benchmark", now=now)
        for start in range(0, count, 5000):
            numbers = range(start, min(start + 5000, count))
            conn.execute(insert(schema.document), [_document(number, now) for number in numbers])
            conn.execute(insert(schema.turnover), [_turnover(number) for number in numbers])


def _document(number: int, now: datetime) -> dict[str, object]:
    state = "error" if number % 500 == 0 else "open" if number % 300 == 0 else "done"
    customer = f"Customer {number % 977}"
    return {
        "tenant": "winkel", "id": f"order-{number}", "kind": "order", "shop_id": number, "order_id": number,
        "state": state, "revision": 1, "deleted": False, "facts": {}, "cause": "K8" if state == "error" else "",
        "number": f"2026-{number}", "order_number": f"2026-{number}", "customer": customer, "total_incl": _TOTAL,
        "currency": "EUR", "search": f"2026-{number} {customer}".casefold(), "identifier": str(number),
        "code": f"F{number}", "dated": now - timedelta(minutes=number), "noted_at": now, "changed_at": now,
    }  # fmt: skip


def _turnover(number: int) -> dict[str, object]:
    return {
        "tenant": "winkel", "document_id": f"order-{number}", "country": ("NL", "DE", "BE")[number % 3],
        "rate": ("21", "9")[number % 2], "excl_cents": 1000, "tax_cents": 210,
    }  # fmt: skip


class Screen:
    """`mapper tui` in a terminal of 120 × 40."""

    def __init__(self, home: Path) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self.began = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.chdir(ROOT)
            arguments = ("--home", str(home), "--language", "en", "tui")
            os.execv(sys.executable, [sys.executable, "-m", "mapper", *arguments])  # noqa: S606
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.raw = b""

    def until(self, *wanted: bytes, seconds: float = 60) -> float:
        """Return the milliseconds since the start at which all of it was drawn."""
        while not all(one in _SEQUENCE.sub(b"", self.raw) for one in wanted):
            if time.perf_counter() - self.began > seconds:
                raise TimeoutError(wanted)
            self.read(0.005)
        return (time.perf_counter() - self.began) * 1000

    def read(self, seconds: float) -> bool:
        """Read what is there within so many seconds; tell whether there was something."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        self.raw += os.read(self.fd, 1 << 20)
        return True

    def quiet(self) -> None:
        """Wait until nothing is drawn for a while."""
        while self.read(0.6):
            pass

    def key(self, key: bytes) -> float:
        """Return the milliseconds from a key to the first thing it draws."""
        began = time.perf_counter()
        os.write(self.fd, key)
        self.read(5)
        taken = (time.perf_counter() - began) * 1000
        while self.read(0.03):
            pass
        return taken

    def cpu(self) -> float:
        """Return the seconds of CPU the program took so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        os.write(self.fd, b"\x11")
        deadline = time.perf_counter() + 10
        while time.perf_counter() < deadline:
            try:
                self.read(0.05)
            except OSError:
                break
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                os.close(self.fd)
                return
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def measure(documents: int, runs: int, idle: float) -> dict[str, float]:
    """Return the figures in milliseconds, and idle CPU in percent."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", "mapper", "tui"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="mapper-screens-") as folder:
        home = Path(folder)
        fill(home, documents)
        frames, data, keys, frame_cpu, data_cpu = [], [], [], [], []
        for run in range(runs + 1):
            screen = Screen(home)
            frame = screen.until(b"1 Report", b"All actions")
            frame_used = screen.cpu() * 1000
            first = screen.until(b"2026-1 ")
            if run:  # the first one warms the disk up
                frames.append(frame)
                data.append(first)
                frame_cpu.append(frame_used)
                data_cpu.append(screen.cpu() * 1000)
            screen.quiet()
            keys += [screen.key(DOWN) for _ in range(20)] if run else []
            if run == runs:
                before, began = screen.cpu(), time.perf_counter()
                time.sleep(idle)
                used = 100 * (screen.cpu() - before) / (time.perf_counter() - began)
            screen.close()
    return {
        "documents": documents,
        "first_frame_ms": round(median(frames)),
        "first_data_ms": round(median(data)),
        "first_frame_cpu_ms": round(median(frame_cpu)),
        "first_data_cpu_ms": round(median(data_cpu)),
        "key_to_paint_ms": round(median(keys), 1),
        "key_to_paint_p95_ms": round(quantiles(keys, n=20)[-1], 1),
        "idle_cpu_percent": round(used, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle", type=float, default=10)
    given = parser.parse_args()
    figures = measure(given.documents, given.runs, given.idle)
    if given.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:<22} {value}")


if __name__ == "__main__":
    main()
