"""Documents that tax law lets go, deleted whole. The journal keeps what was done with them: it names nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, select, tuple_

from mapper.store import schema, tenants
from mapper.store.redacting import FINISHED

_DOCUMENT = schema.document.c
_TURNOVER = schema.turnover.c
_PAST = schema.past_document.c
_PARTS = (schema.payload, schema.mapping, schema.operation, schema.vat_number_check, schema.turnover)


def expired(
    conn: Connection, tenant: str, *, home: datetime, abroad: datetime, untouched_since: datetime
) -> list[str]:
    """Return the finished documents dated before `home`, oldest first.

    What was sold to another country, or is not known to have been sold at home, is among them only when it is dated
    before `abroad`. A document that was worked on since `untouched_since` is not.
    """
    at_home = tenants.get(conn, tenant).home_country
    query = select(_DOCUMENT.id).where(
        _DOCUMENT.tenant == tenant,
        _DOCUMENT.state.in_(FINISHED),
        _DOCUMENT.dated < home,
        _DOCUMENT.changed_at < untouched_since,
        (_DOCUMENT.dated < abroad) | (_DOCUMENT.state == "ignored") | _sold_at_home(at_home),
    )
    return list(conn.scalars(query.order_by(_DOCUMENT.dated, _DOCUMENT.id)))


def remove(conn: Connection, tenant: str, ids: Sequence[str]) -> None:
    """Delete documents with everything that belongs to them, but for those that somebody took up again meanwhile."""
    still = select(_DOCUMENT.id).where(
        _DOCUMENT.tenant == tenant, _DOCUMENT.id.in_(ids), _DOCUMENT.state.in_(FINISHED)
    )
    ids = conn.scalars(still.with_for_update()).all()
    for table in _PARTS:
        conn.execute(delete(table).where(table.c.tenant == tenant, table.c.document_id.in_(ids)))
    of_shop = select(_DOCUMENT.kind, _DOCUMENT.shop_id).where(
        _DOCUMENT.tenant == tenant, _DOCUMENT.id.in_(ids)
    )
    conn.execute(
        delete(schema.past_document).where(
            _PAST.tenant == tenant, tuple_(_PAST.kind, _PAST.shop_id).in_(of_shop)
        )
    )
    conn.execute(delete(schema.document).where(_DOCUMENT.tenant == tenant, _DOCUMENT.id.in_(ids)))


def _sold_at_home(country: str) -> ColumnElement[bool]:
    of_document = (_TURNOVER.tenant == _DOCUMENT.tenant, _TURNOVER.document_id == _DOCUMENT.id)
    return exists().where(*of_document) & ~exists().where(*of_document, _TURNOVER.country != country)
