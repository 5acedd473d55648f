"""Clients of CCV Shop, WeFact and VIES for a tenant, from what the store keeps. One HTTP client per process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from mapper.errors import ConfigError
from mapper.services.ccv import CcvShop
from mapper.services.http import Secret, open_client
from mapper.services.vies import Turns, Vies
from mapper.services.wefact import WeFact
from mapper.store import credentials, limits
from mapper.store.database import Database
from mapper.store.limits import AddressBudget
from mapper.store.sealing import Sealer

CCV_ROOT, CCV_PUBLIC, CCV_SECRET = "ccv.api_root", "ccv.public", "ccv.secret"
WEFACT_KEY, WEFACT_URL, VIES_URL = "wefact.key", "wefact.url", "vies.url"

WEFACT_DEFAULT_URL = "https://api.mijnwefact.nl/v2/"
VIES_DEFAULT_URL = "https://ec.europa.eu/taxation_customs/vies/rest-api"

# VAT codes change rarely, and a look costs a call of the address's budget.
SETTINGS_SECONDS = 600
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Keys:
    ccv: tuple[str, str, Secret]
    wefact: tuple[str, Secret]
    vies: str


class Connections:
    """Makes clients; an async context manager that closes their connections.

    `loopback` also allows plain http to this machine (the sandbox). `address` names the egress address whose call
    budget is shared with every other process behind it; `pace`: see `AddressBudget`.
    `now`, `jitter` (numbers from 0 to 1) and `transport` take the
    place of the clock, of chance and of the network.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        *,
        loopback: bool = False,
        address: str = "default",
        timeout: float = TIMEOUT_SECONDS,
        pace: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._loopback = loopback
        self._timeout = timeout
        self._now = now
        self._jitter = jitter
        self._transport = transport
        self._budget = AddressBudget(database, address, clock=now, pace=pace)
        self._patient = AddressBudget(
            database, address, clock=now, max_wait=limits.LONGEST_WAIT, burst=limits.BURST // 2, pace=pace
        )
        self._client: httpx.AsyncClient | None = None
        self._settings: dict[str, tuple[float, dict[str, Any]]] = {}
        self.vies_turns = Turns()

    async def __aenter__(self) -> Self:
        self._client = open_client(loopback=self._loopback, timeout=self._timeout, transport=self._transport)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def shop(self, tenant: str) -> CcvShop:
        """Return the tenant's shop. Raises ConfigError SEC104 when a key is missing."""
        root, public, secret = (await self._keys(tenant)).ccv
        return CcvShop(self._http, root, public, secret, now=self._now, jitter=self._jitter)

    async def wefact(self, tenant: str, *, patient: bool = False) -> WeFact:
        """Return the tenant's administration; a `patient` caller leaves half of the burst of calls to live orders.

        Raises ConfigError SEC104 when its key is missing.
        """
        url, key = (await self._keys(tenant)).wefact
        budget = self._patient if patient else self._budget
        return WeFact(self._http, url, key, budget, now=lambda: self._now().timestamp(), jitter=self._jitter)

    async def vies(self, tenant: str) -> Vies:
        """Return the register of VAT numbers."""
        return Vies(self._http, (await self._keys(tenant)).vies, now=self._now)

    async def wefact_settings(self, tenant: str, *, at_most: float = SETTINGS_SECONDS) -> dict[str, Any]:
        """Return the administration's settings, read at most `at_most` seconds ago."""
        read_at, settings = self._settings.get(tenant, (float("-inf"), {}))
        if time.monotonic() - read_at > at_most:
            settings = await (await self.wefact(tenant)).settings()
            self._settings[tenant] = (time.monotonic(), settings)
        return settings

    @property
    def _http(self) -> httpx.AsyncClient:
        assert self._client is not None, "Connections is used outside its context"
        return self._client

    async def _keys(self, tenant: str) -> _Keys:
        """Keys are read anew each time: a changed one counts from the next document on."""
        return await asyncio.to_thread(self._read_keys, tenant)

    def _read_keys(self, tenant: str) -> _Keys:
        with self._database.read() as conn:
            known = credentials.everything(conn, tenant, sealer=self._sealer)

        def read(name: str, default: str | None = None) -> str:
            found = known.get(name, default)
            if found is None:
                raise ConfigError("SEC104", tenant=tenant, field=name)
            return found

        return _Keys(
            ccv=(read(CCV_ROOT), read(CCV_PUBLIC), Secret(read(CCV_SECRET))),
            wefact=(read(WEFACT_URL, WEFACT_DEFAULT_URL), Secret(read(WEFACT_KEY))),
            vies=read(VIES_URL, VIES_DEFAULT_URL),
        )


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(UTC)
