"""How far a webshop's installation came, and its first and last step: what the app store starts and ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import Connection

from mapper import onboarding, settings
from mapper.appstore.signing import Handover
from mapper.errors import UsageError
from mapper.processing import connections
from mapper.services.ccv import CcvShop
from mapper.services.http import Secret, open_client
from mapper.store import accounts, credentials, handshakes, journal, licences, tenants
from mapper.store.database import Database
from mapper.store.rows import Tenant
from mapper.store.sealing import Sealer

Step = Literal["terms", "wefact", "layout", "vat", "payments", "golive", "done"]
STEPS: tuple[Step, ...] = ("terms", "wefact", "layout", "vat", "payments", "golive", "done")
TERMS_VERSION = "2026-11"


@dataclass(frozen=True, slots=True)
class StoreApp:
    """How the operator's app is known at CCV. `public_url` is where our web server is reached, without a path."""

    public_url: str
    secret: Secret = field(repr=False)
    hosts: tuple[str, ...]
    loopback: bool = False
    wefact_url: str = ""
    vies_url: str = ""

    def address(self, path: str) -> str:
        """Return the whole address of a path of ours, as it is configured at CCV and signed."""
        return self.public_url.rstrip("/") + path


def take_over(
    conn: Connection, sealer: Sealer, app: StoreApp, handover: Handover, *, now: datetime
) -> Tenant:
    """Keep a handshake's keys, sealed, for its shop: a known shop's old records are found again.

    A webshop that is installed goes on working with the new keys; a new or stopped one stands still until its merchant
    went through the pages.
    """
    tenants.one_at_a_time(conn)
    tenant = _known(conn, sealer, handover.api_root)
    if tenant is None:
        begun = {
            **settings.example(), "name": _host(handover), "process_from": now.date().isoformat(),
            "home_country": None, "vat": {},
        }  # fmt: skip
        name = _free_name(conn, _host(handover))
        checked = settings.check(begun)
        tenants.create(
            conn, name, name=_host(handover), settings=checked, who="app store", installed=False, now=now
        )
        tenant = tenants.get(conn, name)
    elif licences.get(conn, tenant.id).stopped_at is not None:
        tenants.stand_still(conn, tenant.id, reason=tenants.INSTALLING, now=now)
        licences.begin_again(conn, tenant.id)
    keys = {
        connections.CCV_ROOT: handover.api_root,
        connections.CCV_PUBLIC: handover.public,
        connections.CCV_SECRET: handover.secret.reveal(),
        connections.WEFACT_URL: app.wefact_url,
        connections.VIES_URL: app.vies_url,
    }
    onboarding.put_keys(conn, sealer, tenant.id, keys, now=now)
    handshakes.keep(conn, tenant.id, handover.public, return_url=handover.return_url, sealer=sealer, now=now)
    journal.append(conn, tenant.id, None, "handshake", {"who": "app store"}, now=now)
    return tenants.get(conn, tenant.id)


def next_step(conn: Connection, tenant: str) -> Step:
    """Return the first page that the merchant has not been through; "done" when only the last is left, or none."""
    reached = licences.get(conn, tenant).progress
    finished = STEPS.index(reached) + 1 if reached in STEPS else 0
    if finished > STEPS.index("wefact") and connections.WEFACT_KEY not in credentials.names(conn, tenant):
        return "wefact"
    return STEPS[min(finished, len(STEPS) - 1)]


def finish_step(conn: Connection, tenant: str, step: Step) -> None:
    """Note that a page is done; going back to an earlier one loses nothing."""
    reached = licences.get(conn, tenant).progress
    if reached not in STEPS or STEPS.index(step) > STEPS.index(reached):
        licences.set_progress(conn, tenant, step)


async def activate(
    database: Database, sealer: Sealer, app: StoreApp, tenant: str, *, now: datetime
) -> str | None:
    """Register the webhooks, tell the shop that its app is installed, and let the webshop work.

    Returns the merchant's new password the first time, else None. Raises ServiceError with nothing begun when the shop
    refuses.
    """
    await onboarding.register_webhooks(
        database, sealer, tenant, app.public_url, loopback=app.loopback, now=now
    )
    with database.read() as conn:
        keys = onboarding.shop_keys(conn, sealer, tenant)
    async with open_client(loopback=app.loopback) as client:
        shop = CcvShop(client, *keys)
        await shop.set_installed(int((await shop.app())["id"]), installed=True)
    with database.begin() as conn:
        licences.hold(conn, tenant)
        account = licences.get(conn, tenant).account
        fresh = None if accounts.has_password(conn, account) else accounts.new_password(conn, account)
        licences.mark_installed(conn, tenant, now=now)
        licences.set_progress(conn, tenant, "done")
        tenants.begin_work(conn, tenant)
        journal.append(conn, tenant, None, "installed", {"who": "merchant"}, now=now)
    return fresh


def _known(conn: Connection, sealer: Sealer, api_root: str) -> Tenant | None:
    """Return the webshop of a shop, also of one whose address stands only among its sealed keys."""
    licence = licences.by_shop(conn, api_root)
    if licence is not None:
        return tenants.get(conn, licence.tenant)
    try:
        onboarding.check_shop_is_free(conn, sealer, "", api_root)
    except UsageError as taken:
        return tenants.get(conn, str(taken.facts["tenant"]))
    return None


def _host(handover: Handover) -> str:
    return urlsplit(handover.api_root).hostname or "shop"


def _free_name(conn: Connection, host: str) -> str:
    """Return an id for a webshop, made of its host: www.voorbeeldwinkel.nl becomes voorbeeldwinkel-nl."""
    name = re.sub(r"[^a-z0-9]+", "-", host.lower().removeprefix("www.")).strip("-")[:50] or "shop"
    taken = {one.id for one in tenants.everyone(conn)}
    numbered = (f"{name}-{number}" for number in range(2, 10_000))
    return name if name not in taken else next(one for one in numbered if one not in taken)
