"""One merchant's visit to the install pages: whose webshop it is, in which language, and what the steps share."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool

from mapper import onboarding, settings
from mapper.appstore.installation import StoreApp
from mapper.appstore.texts import text
from mapper.errors import Language
from mapper.mailing import Mailer
from mapper.processing import connections
from mapper.services.ccv import CcvShop
from mapper.services.http import Secret, open_client
from mapper.services.wefact import WeFact
from mapper.store import credentials, tenants
from mapper.store.database import Database
from mapper.store.limits import AddressBudget
from mapper.store.sealing import Sealer

Form = Mapping[str, str]
WHO = "merchant"


@dataclass(frozen=True, slots=True)
class Desk:
    """What all visits share."""

    app: StoreApp
    database: Database
    sealer: Sealer
    mailer: Mailer | None
    now: Callable[[], datetime]
    address: str = "default"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a merchant who is let in."""

    desk: Desk
    tenant: str
    language: Language
    csrf: str
    is_installed: bool

    def say(self, name: str, **facts: object) -> str:
        """Return a text of the pages."""
        return text(name, self.language, **facts)

    async def settings(self) -> dict[str, Any]:
        """Return the webshop's settings."""
        return await run_in_threadpool(self._settings)

    async def change_settings(self, **changes: Any) -> None:
        """Keep changed settings. Raises SettingsError when they cannot be."""
        await run_in_threadpool(self._change_settings, changes)

    async def wefact_settings(self) -> dict[str, Any]:
        """Return what WeFact says of the administration, which also proves that the key works. Raises ServiceError."""
        with self.desk.database.read() as conn:
            keys = onboarding.stored_keys(conn, self.desk.sealer, self.tenant)
        return await self.ask_wefact(keys.wefact_key)

    async def ask_wefact(self, key: Secret) -> dict[str, Any]:
        """Return the same with a key that need not be kept yet."""
        url = self.desk.app.wefact_url or connections.WEFACT_DEFAULT_URL
        budget = AddressBudget(self.desk.database, self.desk.address)
        async with open_client(loopback=self.desk.app.loopback) as client:
            return await WeFact(client, url, key, budget).settings()

    async def shop_facts(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the merchant as the shop knows them, and its payment methods. Raises ServiceError."""
        with self.desk.database.read() as conn:
            keys = onboarding.shop_keys(conn, self.desk.sealer, self.tenant)
        async with open_client(loopback=self.desk.app.loopback) as client:
            shop = CcvShop(client, *keys)
            return {**await shop.webshop(), **await shop.merchant()}, await shop.paymethods()

    def has_wefact_key(self) -> bool:
        """Tell whether a key of WeFact is kept."""
        with self.desk.database.read() as conn:
            return connections.WEFACT_KEY in credentials.names(conn, self.tenant)

    def _settings(self) -> dict[str, Any]:
        with self.desk.database.read() as conn:
            return tenants.settings(conn, self.tenant)

    def _change_settings(self, changes: Mapping[str, Any]) -> None:
        now = self.desk.now()
        with self.desk.database.begin() as conn:
            old = tenants.settings(conn, self.tenant)
            new = settings.check({**old, **changes})
            tenants.put_settings(conn, self.tenant, new, who=WHO, now=now)
            if new["home_country"]:
                tenants.set_home_country(conn, self.tenant, new["home_country"])


def csrf_of(token: str) -> str:
    """Return what a form of this session must carry: it follows from the cookie, and does not reveal it."""
    return hmac.new(token.encode(), b"install pages", hashlib.sha256).hexdigest()
