"""What the app store handed over for a shop (ccv-api 2.8): its public key, and where its merchant goes back to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from mapper.store import schema
from mapper.store.sealing import Sealer
from mapper.store.upsert import insert_into

_HANDSHAKE = schema.handshake.c
FIELD = "handshake return_url"


def keep(
    conn: Connection, tenant: str, public: str, *, return_url: str, sealer: Sealer, now: datetime
) -> None:
    """Keep a webshop's newest handshake; its earlier ones are forgotten, so that their keys open nothing."""
    forget(conn, tenant)
    sealed = sealer.seal(tenant, FIELD, return_url)
    values = {"tenant": tenant, "sealed": sealed, "at": now}
    conn.execute(
        insert_into(conn, schema.handshake)
        .values(public=public, **values)
        .on_conflict_do_update(index_elements=["public"], set_=values)
    )


def tenant_of(conn: Connection, public: str) -> str | None:
    """Return the webshop whose handshake carried this public key."""
    return conn.scalars(select(_HANDSHAKE.tenant).where(_HANDSHAKE.public == public)).one_or_none()


def is_known(conn: Connection, tenant: str) -> bool:
    """Tell whether the webshop came from the app store."""
    query = select(_HANDSHAKE.public).where(_HANDSHAKE.tenant == tenant)
    return conn.scalars(query).one_or_none() is not None


def return_url(conn: Connection, tenant: str, *, sealer: Sealer) -> str:
    """Return where the shop wants its merchant back; empty when it did not come from the app store."""
    sealed = conn.scalars(select(_HANDSHAKE.sealed).where(_HANDSHAKE.tenant == tenant)).one_or_none()
    return "" if sealed is None else sealer.open(tenant, FIELD, sealed)


def forget(conn: Connection, tenant: str) -> None:
    """Remove a webshop's handshake."""
    conn.execute(delete(schema.handshake).where(_HANDSHAKE.tenant == tenant))
