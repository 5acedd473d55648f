"""Serves the three emulators on loopback: as a context manager for tests, and until a signal for `mapper sandbox`."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import uvicorn

from mapper.errors import ConfigError
from mapper.sandbox import appstore, ccv, vies, wefact
from mapper.sandbox.faults import COMMON, FAULT_KINDS, Switch
from mapper.sandbox.front import Front, Line
from mapper.sandbox.shop import KINDS
from mapper.sandbox.weather import STRIKES

_STOP_WITHIN = 10


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """The three emulators, from `with Sandbox() as sandbox:` until the block ends; port 0 is any free one.

    They run in one background thread. Raises ConfigError SBX101 when a port is taken.
    """

    def __init__(
        self,
        ccv_port: int = 0,
        wefact_port: int = 0,
        vies_port: int = 0,
        *,
        seed: int = 1,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._ports = (ccv_port, wefact_port, vies_port)
        self._shop = ccv.CcvShop(seed=seed, clock=clock)
        self._fronts = [
            Front(self._shop, appstore.AppStore(self._shop).page),
            Front(wefact.WeFact(clock=clock)),
            Front(vies.Vies(clock=clock)),
        ]
        self._servers: list[uvicorn.Server] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ccv = self.wefact = self.vies = ""
        self.ccv_public, self.ccv_secret, self.wefact_key = ccv.PUBLIC, ccv.SECRET, wefact.KEY

    @property
    def urls(self) -> Mapping[str, str]:
        """Return the three base addresses: the shop's root, WeFact's URL, and the root of VIES' REST service."""
        return {"ccv": self.ccv, "wefact": self.wefact, "vies": self.vies}

    def __enter__(self) -> Self:
        """Start serving; the addresses are known, and answer, from here on."""
        with ExitStack() as opened:
            sockets = [opened.enter_context(_listening(port)) for port in self._ports]
            opened.pop_all()
        roots = [f"http://127.0.0.1:{each.getsockname()[1]}" for each in sockets]
        self.ccv, self.wefact, self.vies = roots[0], f"{roots[1]}/v2/", roots[2]
        self._shop.base = self.ccv
        self._servers = [uvicorn.Server(_config(front)) for front in self._fronts]
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(sockets, started), name="sandbox", daemon=True
        )
        self._thread.start()
        started.wait(_STOP_WITHIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving, and wait until every socket is closed."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop)
            self._thread.join(_STOP_WITHIN)

    def _run(self, sockets: list[socket.socket], started: threading.Event) -> None:
        asyncio.run(self._serve(sockets, started))

    async def _serve(self, sockets: list[socket.socket], started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        serving = [
            asyncio.create_task(server.serve(sockets=[each]))
            for server, each in zip(self._servers, sockets, strict=True)
        ]
        while not self._all_started(serving):  # noqa: ASYNC110 - uvicorn tells by a flag only that it listens
            await asyncio.sleep(0.005)
        started.set()
        await asyncio.gather(*serving)
        await self._shop.webhooks.close()

    def _all_started(self, serving: list[asyncio.Task[None]]) -> bool:
        return all(server.started or task.done() for server, task in zip(self._servers, serving, strict=True))

    def _stop(self) -> None:
        for front in self._fronts:
            front.close()
        for server in self._servers:
            server.should_exit = True


def serve(ccv_port: int, wefact_port: int, vies_port: int, seed: int) -> None:
    """Serve until SIGINT or SIGTERM; the first line of standard output is the three addresses as JSON."""
    stop = threading.Event()
    with Sandbox(ccv_port, wefact_port, vies_port, seed=seed) as sandbox:
        before = {
            each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            sys.stdout.write(json.dumps(dict(sandbox.urls)) + "\n")
            sys.stdout.flush()
            # A wait without a timeout would keep Python from running the signal handler on some platforms.
            while not stop.wait(0.5):
                pass
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _listening(port: int) -> socket.socket:
    # Only with the protocol named does asyncio switch Nagle's algorithm off: 40 ms an answer else.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise ConfigError("SBX101", port=port, reason=str(error)) from None
    return bound


def _config(front: Front) -> uvicorn.Config:
    return uvicorn.Config(
        front, http=Line, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False,
        server_header=False, date_header=True, timeout_graceful_shutdown=2, timeout_keep_alive=60,
    )  # fmt: skip


def _switches(switches: Mapping[str, Switch]) -> str:
    lines = []
    for name, switch in switches.items():
        values = (
            f" ({', '.join(str(choice) or '(empty)' for choice in switch.choices)})" if switch.choices else ""
        )
        lines.append(f"  {name} = {json.dumps(switch.default, default=str)}: {switch.about}{values}")
    return "\n".join(lines)


def _words(fault: Mapping[str, object]) -> str:
    details = ", ".join(f"{name} {value}" for name, value in fault.items() if name != "kind")
    return f"{fault['kind']}{details and f' ({details})'}"


ADMIN_HELP = f"""\
Admin API: JSON over HTTP under /_sandbox/ of each address (WeFact: beside /v2/), without keys.

Every service:
  GET    /_sandbox/requests   every request received: method, path, controller, action, body, status, fault
  GET    /_sandbox/objects    everything stored
  GET    /_sandbox/switches   PUT {{"name": value, …}} sets some
  POST   /_sandbox/faults     one fault or a list; GET shows those left, DELETE takes them back
  PUT    /_sandbox/weather    {{"percent": 10, "seed": 1, "faults": [names below], "match": {{…}}}}: of the calls that
                              match, so many percent are struck at random, the same ones for the same seed
  POST   /_sandbox/reset      forget objects, switches, faults and requests

CCV Shop (keys: x-public {ccv.PUBLIC}, secret {ccv.SECRET}):
  POST   /_sandbox/orders     {{"kind": "nl_ideal", "count": 1, "changes": {{…}}, "rows": [{{…}}]}}: sells orders,
                              answers {{"orders": […]}} with rows; changes merge in deep; totals follow unless given
  PATCH  /_sandbox/orders/ID  the changes, or {{"changes": {{…}}, "rows": […]}}; sends the webhooks that belong to them
  DELETE /_sandbox/orders/ID  sends orders.deleted
  POST   /_sandbox/invoices   {{"order": ID, "changes": {{"type": "credit"}}, "rows": [{{"of": 1, "count": 1}}, …]}}
  PATCH  /_sandbox/invoices/ID  {{"status": "paid"}}   DELETE /_sandbox/invoices/ID
  GET    /_sandbox/kinds      GET /_sandbox/deliveries: webhooks sent, and how they were answered
  GET    /_sandbox/store      the App Store page, for a browser (the app's secret: {appstore.APP_SECRET})
  POST   /_sandbox/deliveries sends all webhooks so far once more, the newest first, as if a week late;
                              {{"forge": ID}} sends one about that order, signed by somebody without the key

WeFact (key: {wefact.KEY}):
  GET    /_sandbox/outbox     what sendbyemail would have mailed
  POST   /_sandbox/call       {{"controller": …, "action": …, …}}: what the merchant does by hand; no key, no fault

VIES:
  PUT    /_sandbox/outages    a profile by country, * for all others: {{"DE": {{"percent": 30, "minutes": 15, "seed": 7,
                              "hours": [19, 1], "code": "MS_UNAVAILABLE"}}}}: of the stretches of that many minutes,
                              or with 0 of the calls, so many percent fail, between these hours (UTC)

A fault: {{"kind": …, "match": {{"path": part of it, "method": …, "controller": …, "action": …}}, "times": 1, "skip": 0,
"seconds": 1, "status": 503, "when": "before" or "after" executing}}. Kinds:
{chr(10).join(f"  {name}: {about}" for name, about in FAULT_KINDS.items())}

Faults of the weather (seconds are a real service's; the switch speed shortens them):
{chr(10).join(f"  {name}: {_words(fault)}" for name, fault in STRIKES.items())}

Kinds of orders: {", ".join(KINDS)}.

Switches of every service:
{_switches(COMMON)}

Switches of CCV Shop:
{_switches(ccv.SWITCHES)}

Switches of WeFact:
{_switches(wefact.SWITCHES)}

Switches of VIES (base address is that of the REST service; a number of the right structure is valid):
{_switches(vies.SWITCHES)}
"""
