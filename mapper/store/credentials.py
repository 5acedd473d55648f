"""The services' keys and the shop's webhooks of a tenant, sealed. Wrap at once what comes back unsealed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, delete, select

from mapper.errors import ConfigError
from mapper.store import schema
from mapper.store.rows import Webhook
from mapper.store.upsert import insert_into

if TYPE_CHECKING:
    from mapper.store.sealing import Sealer

_CREDENTIAL = schema.credential.c
_WEBHOOK = schema.webhook.c
_EVERYTHING = select(_CREDENTIAL.name, _CREDENTIAL.sealed).where(_CREDENTIAL.tenant == bindparam("of"))


def put(conn: Connection, tenant: str, name: str, value: str, *, sealer: Sealer, now: datetime) -> None:
    """Keep a secret of the tenant, in place of the one of that name (`ccv.secret`, `wefact.key`, …)."""
    sealed = sealer.seal(tenant, name, value)
    conn.execute(
        insert_into(conn, schema.credential)
        .values(tenant=tenant, name=name, sealed=sealed, at=now)
        .on_conflict_do_update(index_elements=["tenant", "name"], set_={"sealed": sealed, "at": now})
    )


def get(conn: Connection, tenant: str, name: str, *, sealer: Sealer) -> str:
    """Return a secret. Raises ConfigError SEC104 (never put), SEC103 or SEC105 (does not open)."""
    query = select(_CREDENTIAL.sealed).where(_CREDENTIAL.tenant == tenant, _CREDENTIAL.name == name)
    sealed = conn.scalars(query).one_or_none()
    if sealed is None:
        raise ConfigError("SEC104", tenant=tenant, field=name)
    return sealer.open(tenant, name, sealed)


def everything(conn: Connection, tenant: str, *, sealer: Sealer) -> dict[str, str]:
    """Return the tenant's secrets by name. Raises ConfigError SEC103 or SEC105 when one does not open."""
    rows = conn.execute(_EVERYTHING, {"of": tenant})
    return {row.name: sealer.open(tenant, row.name, row.sealed) for row in rows}


def names(conn: Connection, tenant: str) -> tuple[str, ...]:
    """Return which secrets the tenant has."""
    query = select(_CREDENTIAL.name).where(_CREDENTIAL.tenant == tenant).order_by(_CREDENTIAL.name)
    return tuple(conn.scalars(query))


def given_at(conn: Connection, tenant: str, name: str) -> datetime | None:
    """Return when the present secret of that name was given; None without one."""
    query = select(_CREDENTIAL.at).where(_CREDENTIAL.tenant == tenant, _CREDENTIAL.name == name)
    return conn.scalars(query).one_or_none()


def forget(conn: Connection, tenant: str, name: str) -> None:
    """Remove a secret; nothing happens when there is none."""
    conn.execute(delete(schema.credential).where(_CREDENTIAL.tenant == tenant, _CREDENTIAL.name == name))


def put_webhook(
    conn: Connection,
    tenant: str,
    event: str,
    *,
    shop_webhook_id: int,
    address: str,
    key: str,
    sealer: Sealer,
    now: datetime,
) -> None:
    """Keep what the shop answered when a webhook for `event` was registered at `address`."""
    values = {
        "shop_webhook_id": shop_webhook_id,
        "address": address,
        "sealed_key": sealer.seal(tenant, f"webhook {event}", key),
        "at": now,
    }
    conn.execute(
        insert_into(conn, schema.webhook)
        .values(tenant=tenant, event=event, **values)
        .on_conflict_do_update(index_elements=["tenant", "event"], set_=values)
    )


def webhook(conn: Connection, tenant: str, event: str) -> Webhook | None:
    """Return the registration for an event."""
    return next((one for one in webhooks(conn, tenant) if one.event == event), None)


def webhooks(conn: Connection, tenant: str) -> tuple[Webhook, ...]:
    """Return the tenant's registrations by event."""
    columns = [_WEBHOOK[name] for name in Webhook.__slots__]
    rows = conn.execute(select(*columns).where(_WEBHOOK.tenant == tenant).order_by(_WEBHOOK.event))
    return tuple(Webhook(*row) for row in rows)


def webhook_key(conn: Connection, tenant: str, event: str, *, sealer: Sealer) -> str | None:
    """Return the key that signs the deliveries of an event; None when no webhook is registered for it."""
    query = select(_WEBHOOK.sealed_key).where(_WEBHOOK.tenant == tenant, _WEBHOOK.event == event)
    sealed = conn.scalars(query).one_or_none()
    return None if sealed is None else sealer.open(tenant, f"webhook {event}", sealed)


def forget_webhook(conn: Connection, tenant: str, event: str) -> None:
    """Remove a registration; nothing happens when there is none."""
    conn.execute(delete(schema.webhook).where(_WEBHOOK.tenant == tenant, _WEBHOOK.event == event))
