"""Take the pictures of the dashboard in this folder: real screens of a sandbox shop whose orders were really posted.

    ./dev python docs/screenshots.py

Writes `docs/images/*.svg`. They hold no outside fonts.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from mapper import onboarding, settings
from mapper.demo import SALES, UNKNOWN_NUMBER
from mapper.money import dumps
from mapper.processing import daemon
from mapper.sandbox.serve import Sandbox
from mapper.services.http import Secret
from mapper.store import listing
from mapper.store.database import Database, open_database
from mapper.store.sealing import create_key_file, load_sealer
from tui.app import MapperApp
from tui.memory import Memory
from tui.session import Session

if TYPE_CHECKING:
    from textual.pilot import Pilot

TENANT = "voorbeeldwinkel"
IMAGES = Path(__file__).parent / "images"
# File → the keys that lead to the screen.
SCREENS = {
    "configuration": ("4", "down", "down", "down", "enter"),
    "rules": ("6",),
    "report": ("1",),
    "errors": ("2",),
    "more-info": ("2", "enter"),
}
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def main() -> None:
    """Sell, wait until all has ended, and take the pictures."""
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    IMAGES.mkdir(exist_ok=True)
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="mapper-pictures-")))
        create_key_file(home / "mapper.key")
        sandbox = opened.enter_context(Sandbox(seed=7))
        database = opened.enter_context(open_database(home / "mapper.db"))
        join(database, home, sandbox)
        opened.enter_context(_daemon(home, database))
        sell(sandbox)
        until_all_ended(database)
        for name, keys in SCREENS.items():
            picture = asyncio.run(taken(database, home, keys))
            (IMAGES / f"{name}.svg").write_text(picture, encoding="utf-8")
            print(IMAGES / f"{name}.svg")


def join(database: Database, home: Path, sandbox: Sandbox) -> None:
    """Add the webshop."""
    keys = onboarding.Keys(
        sandbox.ccv,
        sandbox.ccv_public,
        Secret(sandbox.ccv_secret),
        Secret(sandbox.wefact_key),
        sandbox.wefact,
        sandbox.vies,
    )
    sealer = load_sealer(home / "mapper.key", {})
    now = datetime.now(UTC)
    onboarding.add(
        database, sealer, TENANT, keys, settings.example(), who="sanne", go_live_now=False, now=now
    )


class _daemon:  # noqa: N801 (a context manager)
    """`mapper run` meanwhile."""

    def __init__(self, home: Path, database: Database) -> None:
        self._home, self._database = home, database
        self._loop, self._stop = asyncio.new_event_loop(), asyncio.Event()
        self._ready = threading.Event()

    def __enter__(self) -> None:
        options = daemon.Options(
            database=str(self._home / "mapper.db"),
            key_file=self._home / "mapper.key",
            port=0,
            loopback=True,
            say=lambda _: None,
        )

        def ready(address: str) -> None:
            self._address = address
            self._ready.set()

        work = daemon.serve(options, stop=self._stop, ready=ready)
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(work,))
        self._thread.start()
        self._ready.wait(60)
        sealer = load_sealer(self._home / "mapper.key", {})
        registering = onboarding.register_webhooks(
            self._database, sealer, TENANT, self._address, loopback=True, now=datetime.now(UTC)
        )
        asyncio.run(registering)

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)


def sell(sandbox: Sandbox) -> None:
    """Let the shop sell what the demo sells, twice."""

    def admin(base: str, method: str, path: str, body: object) -> httpx.Response:
        url = httpx.URL(base).copy_with(path=f"/_sandbox/{path}")
        return httpx.request(method, url, content=dumps(body), trust_env=False, timeout=60)

    admin(sandbox.vies, "PUT", "switches", {"answers": {UNKNOWN_NUMBER: "INVALID"}})
    for sale in (*SALES, *SALES):
        if sale.kind != "many_rows":
            admin(sandbox.ccv, "POST", "orders", {"kind": sale.kind, "changes": dict(sale.changes)})


def until_all_ended(database: Database) -> None:
    """Wait until nothing is under way."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with database.read() as conn:
            counts = listing.counts(conn, TENANT)
        if counts["done"] >= 14 and not counts["queued"] + counts["processing"]:
            return
        time.sleep(0.5)
    sys.exit(f"not everything ended: {counts}")


async def taken(database: Database, home: Path, keys: tuple[str, ...]) -> str:
    """Return the picture of a screen."""

    def session() -> Session:
        return Session(
            database,
            TENANT,
            (TENANT,),
            "en",
            sealer=lambda: load_sealer(home / "mapper.key", {}),
            key_file=home / "mapper.key",
            loopback=True,
        )

    app = MapperApp(session, memory=Memory(None), language="en")
    async with app.run_test(size=(130, 36)) as pilot:
        await settled(app, pilot)
        for key in keys:
            await pilot.press(key)
            await settled(app, pilot)
        return _FONTS.sub("", app.export_screenshot(title="mapper tui"))


async def settled(app: MapperApp, pilot: Pilot[None]) -> None:
    """Wait until everything that was begun is done."""
    for _ in range(600):
        await pilot.pause(0.05)
        if all(one.is_finished or one.group == "watch" for one in app.workers):
            break
    await pilot.pause(0.1)


if __name__ == "__main__":
    main()
