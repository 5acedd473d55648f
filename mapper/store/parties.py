"""Which debtor and product of WeFact belong to a customer and an article: asked before searching there."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mapper.store import exact, schema
from mapper.store.upsert import insert_into

_DEBTOR = schema.debtor.c
_PRODUCT = schema.product.c


def person(email: str, tax_number: str) -> str:
    """Return what a customer is kept under: a hash, since only equality is asked. Case and spaces do not count."""
    return exact.digest(json.dumps([email.strip().casefold(), "".join(tax_number.split()).casefold()]))


def debtor(
    conn: Connection, tenant: str, email: str, *, tax_number: str = "", since: datetime | None = None
) -> str | None:
    """Return the debtor's identifier for this e-mail and tax number, if known, and recorded at `since` or later."""
    query = select(_DEBTOR.identifier).where(
        _DEBTOR.tenant == tenant, _DEBTOR.person == person(email, tax_number)
    )
    return conn.scalars(query if since is None else query.where(_DEBTOR.at >= since)).one_or_none()


def remember_debtor(
    conn: Connection, tenant: str, email: str, *, tax_number: str = "", identifier: str, now: datetime
) -> None:
    """Keep the debtor of this e-mail and tax number, in place of an earlier one."""
    statement = insert_into(conn, schema.debtor).values(
        tenant=tenant, person=person(email, tax_number), identifier=identifier, at=now
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant", "person"], set_={"identifier": identifier, "at": now}
        )
    )


def forget_debtor(conn: Connection, tenant: str, email: str, *, tax_number: str = "") -> None:
    """Drop a record that proved wrong, such as a debtor that was deleted in WeFact."""
    conn.execute(
        delete(schema.debtor).where(_DEBTOR.tenant == tenant, _DEBTOR.person == person(email, tax_number))
    )


def product(conn: Connection, tenant: str, code: str, *, since: datetime | None = None) -> str | None:
    """Return the product's identifier for this product code, if known, and recorded at `since` or later."""
    query = select(_PRODUCT.identifier).where(_PRODUCT.tenant == tenant, _PRODUCT.code == code)
    return conn.scalars(query if since is None else query.where(_PRODUCT.at >= since)).one_or_none()


def remember_product(conn: Connection, tenant: str, code: str, *, identifier: str, now: datetime) -> None:
    """Keep the product of this code, in place of an earlier one."""
    statement = insert_into(conn, schema.product).values(
        tenant=tenant, code=code, identifier=identifier, at=now
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant", "code"], set_={"identifier": identifier, "at": now}
        )
    )


def forget_product(conn: Connection, tenant: str, code: str) -> None:
    """Drop a record that proved wrong."""
    conn.execute(delete(schema.product).where(_PRODUCT.tenant == tenant, _PRODUCT.code == code))
