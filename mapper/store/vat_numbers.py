"""What VIES answered about the VAT numbers of documents: evidence that is kept, one row per document and number."""

from __future__ import annotations

from sqlalchemy import Connection, select

from mapper.store import schema
from mapper.store.rows import VatNumberCheck
from mapper.store.upsert import insert_into

_CHECK = schema.vat_number_check.c
_COLUMNS = [_CHECK[name] for name in VatNumberCheck.__slots__]


def check_of(conn: Connection, tenant: str, document_id: str, number: str) -> VatNumberCheck | None:
    """Return the last answer about a number (with prefix) for a document, None when it was never asked about."""
    query = select(*_COLUMNS).where(
        _CHECK.tenant == tenant, _CHECK.document_id == document_id, _CHECK.number == number
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else VatNumberCheck(*row)


def checks(conn: Connection, tenant: str, document_id: str) -> tuple[VatNumberCheck, ...]:
    """Return the answers about all numbers a document ever had, the latest first."""
    query = select(*_COLUMNS).where(_CHECK.tenant == tenant, _CHECK.document_id == document_id)
    rows = conn.execute(query.order_by(_CHECK.asked_at.desc(), _CHECK.number))
    return tuple(VatNumberCheck(*row) for row in rows)


def keep(conn: Connection, tenant: str, document_id: str, check: VatNumberCheck) -> None:
    """Keep the last answer about a number for a document."""
    values = {name: getattr(check, name) for name in VatNumberCheck.__slots__ if name != "number"}
    statement = insert_into(conn, schema.vat_number_check).values(
        tenant=tenant, document_id=document_id, number=check.number, **values
    )
    key = ["tenant", "document_id", "number"]
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=values))
