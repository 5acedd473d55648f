"""Invoices of the subscription (T7): PDF files that the operator adds and the merchant downloads."""

from __future__ import annotations

import re
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select

from mapper.errors import UsageError
from mapper.store import schema
from mapper.store.rows import SubscriptionDocument

MAX_BYTES = 5 * 1024 * 1024

_DOCUMENT = schema.subscription_document.c
_COLUMNS = [_DOCUMENT[name] for name in SubscriptionDocument.__slots__]


def add(
    conn: Connection, tenant: str, name: str, content: bytes, *, dated: date, who: str, now: datetime
) -> SubscriptionDocument:
    """Keep a PDF for download under a name that is safe as a file name.

    Raises UsageError USE164 when it is no PDF, or larger than 5 MiB.
    """
    if not content.startswith(b"%PDF-") or len(content) > MAX_BYTES:
        raise UsageError("USE164", file=name[:80], limit=MAX_BYTES)
    number = (
        conn.scalars(select(func.max(_DOCUMENT.number)).where(_DOCUMENT.tenant == tenant)).one() or 0
    ) + 1
    kept = SubscriptionDocument(number, _safe(name), dated.isoformat(), len(content), who, now)
    values = {field: getattr(kept, field) for field in SubscriptionDocument.__slots__}
    conn.execute(insert(schema.subscription_document).values(tenant=tenant, content=content, **values))
    return kept


def of_tenant(conn: Connection, tenant: str) -> tuple[SubscriptionDocument, ...]:
    """Return what a webshop's merchant can download, newest first."""
    query = select(*_COLUMNS).where(_DOCUMENT.tenant == tenant)
    rows = conn.execute(query.order_by(_DOCUMENT.dated.desc(), _DOCUMENT.number.desc()))
    return tuple(SubscriptionDocument(*row) for row in rows)


def content(conn: Connection, tenant: str, number: int) -> bytes:
    """Return a PDF. Raises UsageError USE165 when the webshop has none of that number."""
    query = select(_DOCUMENT.content).where(_DOCUMENT.tenant == tenant, _DOCUMENT.number == number)
    found = conn.scalars(query).one_or_none()
    if found is None:
        raise UsageError("USE165", number=number, tenant=tenant)
    return bytes(found)


def _safe(name: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name.removesuffix(".pdf")).strip("-.")[:80] or "invoice"
    return f"{stem}.pdf"
