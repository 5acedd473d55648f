"""A webshop joins: both connections are tried, then keys are sealed, settings kept and webhooks registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import Connection

from mapper import vat_settings
from mapper.diagnostics import printable
from mapper.errors import ConfigError, Refused, UsageError
from mapper.processing import connections
from mapper.services.ccv import CcvShop
from mapper.services.http import CallBudget, Secret, open_client
from mapper.services.wefact import WeFact
from mapper.store import credentials, journal, licences, tenants
from mapper.store.database import Database
from mapper.store.rows import Tenant
from mapper.store.sealing import Sealer
from mapper.vat_settings import SaleCode
from mapper.web import INVOICE_EVENTS, ORDER_EVENTS, UNSURE_EVENTS, webhook_path


@dataclass(frozen=True, slots=True)
class Keys:
    """How both services are reached. The addresses of WeFact and VIES are the real ones when empty."""

    api_root: str
    public: str
    secret: Secret = field(repr=False)
    wefact_key: Secret = field(repr=False)
    wefact_url: str = ""
    vies_url: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """What the services said when they were first reached."""

    shop_name: str
    home_country: str
    layouts: tuple[str, ...]
    sale_codes: tuple[SaleCode, ...]

    @property
    def tax_codes(self) -> tuple[str, ...]:
        """Return the VAT codes for sales that WeFact has."""
        return tuple(one.code for one in self.sale_codes)


async def connect(keys: Keys, budget: CallBudget, *, loopback: bool) -> Connected:
    """Try both connections. Raises ServiceError with what is wrong and how to mend it."""
    async with open_client(loopback=loopback) as client:
        shop = CcvShop(client, keys.api_root, keys.public, keys.secret)
        webshop, merchant = await shop.webshop(), await shop.merchant()
        url = keys.wefact_url or connections.WEFACT_DEFAULT_URL
        settings = await WeFact(client, url, keys.wefact_key, budget).settings()
    return Connected(
        shop_name=str(webshop.get("name") or ""),
        home_country=str(merchant.get("country_code") or "").upper(),
        layouts=tuple(code for code, _ in layouts(settings)),
        sale_codes=vat_settings.sale_codes(settings),
    )


def sale_codes(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tax codes for sales in WeFact's `settings/list` (wefact-api 2.2: an object keyed by code)."""
    tax = settings.get("Tax")
    codes = tax.get("Codes") if isinstance(tax, Mapping) else None
    sale = codes.get("Sale") if isinstance(codes, Mapping) else None
    return tuple(str(row.get("TaxCode") or "") for row in _rows(sale))


def layouts(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (code, name) of the invoice layouts in WeFact's `settings/list`."""
    rows = _rows(settings.get("CorporateIdentity"))
    return [(str(one.get("LanguageCode")), str(one.get("Name") or one.get("LanguageCode"))) for one in rows]


def missing_codes(settings: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """Return the tax codes that a tenant's settings name and WeFact does not have (K3)."""
    known_codes = {code.casefold() for code in known}
    vat = settings["vat"]
    accounts = [
        entry[kind] for entry in (*vat["rates"], vat["icp"], vat["international"]) for kind in _ACCOUNTS
    ]
    named = sorted({account["code"] for account in accounts if account["code"]})
    return [code for code in named if code.casefold() not in known_codes]


_ACCOUNTS = ("revenue", "shipping", "payment")


def add(
    database: Database,
    sealer: Sealer,
    tenant: str,
    keys: Keys,
    settings: Mapping[str, Any],
    *,
    who: str,
    go_live_now: bool,
    now: datetime,
) -> Tenant:
    """Keep a new tenant with its keys and settings, all or nothing.

    It goes live at this moment, or at the start of the settings' `process_from`. Raises UsageError STO113 or STO114.
    """
    with database.begin() as conn:
        tenants.create(conn, tenant, name=settings["name"], settings=settings, who=who, now=now)
        if not go_live_now:
            go_live(conn, tenant, settings)
        put_keys(conn, sealer, tenant, _named(keys), now=now)
        return tenants.get(conn, tenant)


def go_live(conn: Connection, tenant: str, settings: Mapping[str, Any]) -> None:
    """Let the tenant's `process_from` hold from the start of that day in its zone (R9)."""
    start = datetime.fromisoformat(settings["process_from"]).replace(tzinfo=ZoneInfo(settings["time_zone"]))
    tenants.go_live(conn, tenant, start)


def put_keys(
    conn: Connection, sealer: Sealer, tenant: str, named: Mapping[str, str], *, now: datetime
) -> None:
    """Seal and keep what is not empty, by the names in `processing.connections`."""
    for name, value in named.items():
        if value:
            credentials.put(conn, tenant, name, value, sealer=sealer, now=now)
    if shop := named.get(connections.CCV_ROOT):
        licences.set_shop(conn, tenant, shop)


def check_shop_is_free(conn: Connection, sealer: Sealer, tenant: str, api_root: str) -> None:
    """Raise UsageError USE112 when another tenant has this shop: each of its orders would be invoiced twice."""
    for other in tenants.everyone(conn):
        if other.id == tenant or connections.CCV_ROOT not in credentials.names(conn, other.id):
            continue
        root = credentials.get(conn, other.id, connections.CCV_ROOT, sealer=sealer)
        if licences.plain(root) == licences.plain(api_root):
            raise UsageError("USE112", shop=printable(api_root, 100), tenant=other.id)


def stored_keys(
    conn: Connection, sealer: Sealer, tenant: str, given: Mapping[str, str] | None = None
) -> Keys:
    """Return the keys of a tenant, with those `given` in place of the stored ones, which then need not open.

    Raises ConfigError SEC104 when a required one is missing, SEC103 or SEC105 when a stored one does not open.
    """
    known, new = credentials.names(conn, tenant), given or {}

    def read(name: str, *, optional: bool = False) -> str:
        if new.get(name):
            return new[name]
        if optional and name not in known:
            return ""
        return credentials.get(conn, tenant, name, sealer=sealer)

    return Keys(
        api_root=read(connections.CCV_ROOT),
        public=read(connections.CCV_PUBLIC),
        secret=Secret(read(connections.CCV_SECRET)),
        wefact_key=Secret(read(connections.WEFACT_KEY)),
        wefact_url=read(connections.WEFACT_URL, optional=True),
        vies_url=read(connections.VIES_URL, optional=True),
    )


def shop_keys(conn: Connection, sealer: Sealer, tenant: str) -> tuple[str, str, Secret]:
    """Return the shop's address and key pair. Raises ConfigError SEC104 when the tenant has none."""
    root, public, secret = (
        credentials.get(conn, tenant, name, sealer=sealer)
        for name in (connections.CCV_ROOT, connections.CCV_PUBLIC, connections.CCV_SECRET)
    )
    return root, public, Secret(secret)


def check_webhook_url(base_url: str, *, loopback: bool) -> None:
    """Raise ConfigError SET108 when webhooks cannot reach this address with a path of ours behind it."""
    try:
        url = httpx.URL(base_url)
        schemes = {"https", "http"} if loopback else {"https"}
        is_fit = url.scheme in schemes and bool(url.host) and not (url.query or url.fragment or url.userinfo)
    except httpx.InvalidURL:
        is_fit = False
    if not is_fit:
        raise ConfigError("SET108", url=printable(base_url, 100))


async def register_webhooks(
    database: Database, sealer: Sealer, tenant: str, base_url: str, *, loopback: bool, now: datetime
) -> list[str]:
    """Register every event of the tenant's mode at `base_url`, in place of all that was registered before.

    Returns the events; one that the shop may not offer is left out when it refuses it.
    Raises ConfigError SET108 when `base_url` is no address for webhooks, ServiceError when the shop refuses.
    """
    check_webhook_url(base_url, loopback=loopback)
    with database.read() as conn:
        keys, row = stored_keys(conn, sealer, tenant), tenants.get(conn, tenant)
        old = {hook.event: hook.shop_webhook_id for hook in credentials.webhooks(conn, tenant)}
        mode = tenants.settings(conn, tenant)["mode"]
    events = (*UNSURE_EVENTS, *INVOICE_EVENTS) if mode == "invoices" else ORDER_EVENTS
    registered = []
    async with open_client(loopback=loopback) as client:
        shop = CcvShop(client, keys.api_root, keys.public, keys.secret)
        for event in events:
            address = base_url.rstrip("/") + webhook_path(row.webhook_token, event)
            hook = await _registered(shop, event, address)
            if hook is None:
                continue
            registered.append(event)
            with database.begin() as conn:
                credentials.put_webhook(
                    conn,
                    tenant,
                    event,
                    shop_webhook_id=int(hook["id"]),
                    address=address,
                    key=str(hook.get("key") or ""),
                    sealer=sealer,
                    now=now,
                )
            if event in old and old[event] != int(hook["id"]):
                await shop.delete_webhook(old[event])
        for event in old.keys() - registered:
            await shop.delete_webhook(old[event])
            with database.begin() as conn:
                credentials.forget_webhook(conn, tenant, event)
    return registered


async def _registered(shop: CcvShop, event: str, address: str) -> Mapping[str, Any] | None:
    try:
        return await shop.create_webhook(event, address)
    except Refused:
        if event in UNSURE_EVENTS:
            return None
        raise


def check_mode(old: Mapping[str, Any], new: Mapping[str, Any], *, given: bool, today: date) -> None:
    """Refuse another mode without a new go-live (K4): documents of both kinds would be of the same sales.

    `given` tells whether the go-live was named along with the mode. Raises ConfigError SET112.
    """
    moved = given or new["process_from"] != old["process_from"] or new["process_from"] >= today.isoformat()
    if new["mode"] != old["mode"] and not moved:
        raise ConfigError(
            "SET112",
            old=old["mode"],
            new=new["mode"],
            process_from=new["process_from"],
            today=today.isoformat(),
        )


def change_settings(
    conn: Connection,
    tenant: str,
    new: Mapping[str, Any],
    *,
    seen: Mapping[str, Any] | None = None,
    given: bool = False,
    who: str,
    now: datetime,
) -> int:
    """Put checked settings in the place of the present ones, with all that hangs on them; return their revision.

    `seen` are those that the person saw, `given` tells whether the go-live was named. Raises UsageError USE153 (they
    are others by now), ConfigError SET112 (another mode without a new go-live).
    """
    old = tenants.settings(conn, tenant)
    if seen is not None and dict(seen) != old:
        raise UsageError("USE153", tenant=tenant)
    check_mode(old, new, given=given, today=now.date())
    revision = tenants.put_settings(conn, tenant, new, who=who, now=now)
    if new["process_from"] != old["process_from"]:
        go_live(conn, tenant, new)
    if new["home_country"]:
        tenants.set_home_country(conn, tenant, new["home_country"])
    return revision


async def change_keys(
    database: Database,
    sealer: Sealer,
    tenant: str,
    given: Mapping[str, str],
    budget: CallBudget,
    *,
    loopback: bool,
    who: str,
    now: datetime,
) -> Connected:
    """Try both connections with the `given` keys and addresses in place of the stored ones, then keep them.

    They go by the names of `processing.connections`. Raises what `stored_keys`, `check_shop_is_free` and `connect` do.
    """
    with database.read() as conn:
        keys = stored_keys(conn, sealer, tenant, given)
        check_shop_is_free(conn, sealer, tenant, keys.api_root)
    connected = await connect(keys, budget, loopback=loopback)
    with database.begin() as conn:
        put_keys(conn, sealer, tenant, given, now=now)
        journal.append(
            conn, tenant, None, "keys given", {"who": who, "names": ", ".join(sorted(given))}, now=now
        )
    return connected


def _named(keys: Keys) -> dict[str, str]:
    return {
        connections.CCV_ROOT: keys.api_root,
        connections.CCV_PUBLIC: keys.public,
        connections.CCV_SECRET: keys.secret.reveal(),
        connections.WEFACT_KEY: keys.wefact_key.reveal(),
        connections.WEFACT_URL: keys.wefact_url,
        connections.VIES_URL: keys.vies_url,
    }


def _rows(value: object) -> list[Mapping[str, Any]]:
    """Return the rows of a list, or of an object keyed by code; WeFact answers either, and [] for none."""
    rows = list(value.values()) if isinstance(value, Mapping) else value
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
