"""A webshop leaves (T2): nothing is received or posted any more, its keys are destroyed, its records stay."""

from __future__ import annotations

from datetime import datetime

from mapper import onboarding
from mapper.errors import MapperError
from mapper.services.ccv import CcvShop
from mapper.services.http import open_client
from mapper.store import credentials, handshakes, journal, licences, tenants, web_sessions
from mapper.store.database import Database
from mapper.store.sealing import Sealer


async def stop(
    database: Database,
    sealer: Sealer,
    tenant: str,
    *,
    reason: str,
    who: str,
    loopback: bool,
    now: datetime,
) -> MapperError | None:
    """Stop a webshop's integration for good; stopping it again changes nothing.

    What the shop keeps of it (webhooks, the installed mark) is removed first, while there are keys. When the shop does
    not let us, its error is returned and the integration stops all the same: the webhooks then lead nowhere.
    Raises UsageError STO110.
    """
    with database.read() as conn:
        tenants.get(conn, tenant)
    failure: MapperError | None = None
    try:
        await _leave_shop(database, sealer, tenant, loopback=loopback)
    except MapperError as error:
        failure = error
    with database.begin() as conn:
        # First: it waits for whoever still adds a key.
        licences.stop(conn, tenant, reason=reason, now=now)
        for name in credentials.names(conn, tenant):
            credentials.forget(conn, tenant, name)
        for hook in credentials.webhooks(conn, tenant):
            credentials.forget_webhook(conn, tenant, hook.event)
        handshakes.forget(conn, tenant)
        web_sessions.close_all(conn, tenant)
        tenants.stand_still(conn, tenant, reason=tenants.STOPPED, now=now)
        facts = {"who": who, "reason": reason[:200], "shop": failure.code if failure else "told"}
        journal.append(conn, tenant, None, "stopped", facts, now=now)
    return failure


async def _leave_shop(database: Database, sealer: Sealer, tenant: str, *, loopback: bool) -> None:
    with database.read() as conn:
        hooks = credentials.webhooks(conn, tenant)
        from_store = handshakes.is_known(conn, tenant)
        keys = onboarding.shop_keys(conn, sealer, tenant)
    async with open_client(loopback=loopback) as client:
        shop = CcvShop(client, *keys)
        for hook in hooks:
            await shop.delete_webhook(hook.shop_webhook_id)
        if from_store:
            await shop.set_installed(int((await shop.app())["id"]), installed=False)
