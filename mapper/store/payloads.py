"""The shop's payloads as fetched, and what they were mapped to: with hashes, so that each can be replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from mapper.errors import StoreError
from mapper.store import exact, schema
from mapper.store.rows import MappingResult
from mapper.store.upsert import insert_into

_PAYLOAD = schema.payload.c
_MAPPING = schema.mapping.c
# Made once: making a query takes longer than running it.
_LATEST = (
    select(*[_MAPPING[name] for name in MappingResult.__slots__])
    .where(_MAPPING.tenant == bindparam("of"), _MAPPING.document_id == bindparam("document"))
    .order_by(_MAPPING.at.desc(), _MAPPING.settings_revision.desc())
    .limit(1)
)


def hash_of(payload: Mapping[str, Any]) -> str:
    """Return the hash of a payload; the order of its keys does not matter."""
    return exact.digest(exact.write(payload))


def keep(
    conn: Connection, tenant: str, document_id: str, payload: Mapping[str, Any], *, now: datetime
) -> str:
    """Keep a payload as the document's present one and return its hash. The same payload is kept once."""
    text = exact.write(payload)
    digest = exact.digest(text)
    statement = insert_into(conn, schema.payload).values(
        tenant=tenant, document_id=document_id, hash=digest, text=text, at=now
    )
    conn.execute(statement.on_conflict_do_nothing())
    document = schema.document.c
    conn.execute(
        update(schema.document)
        .where(document.tenant == tenant, document.id == document_id)
        .values(payload_hash=digest, redacted=None)
    )
    return digest


def payload(conn: Connection, tenant: str, document_id: str, digest: str | None = None) -> dict[str, Any]:
    """Return the document's present payload, or that with this hash. Raises StoreError STO117 without one."""
    if digest is None:
        document = schema.document.c
        wanted = select(document.payload_hash).where(document.tenant == tenant, document.id == document_id)
        digest = conn.scalars(wanted).one_or_none()
    query = select(_PAYLOAD.text).where(
        _PAYLOAD.tenant == tenant, _PAYLOAD.document_id == document_id, _PAYLOAD.hash == digest
    )
    text = conn.scalars(query).one_or_none()
    if text is None:
        raise StoreError("STO117", document=document_id)
    found: dict[str, Any] = exact.read(text)
    return found


def keep_mapping(
    conn: Connection,
    tenant: str,
    document_id: str,
    *,
    payload_hash: str,
    rules: str,
    settings_revision: int,
    document: Mapping[str, Any] | None,
    requests: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    trace: Sequence[Any],
    now: datetime,
) -> None:
    """Keep what a payload was mapped to; the same payload, rules and settings replace their earlier result."""
    results = {"document": document, "requests": requests, "findings": findings, "trace": trace, "at": now}
    statement = insert_into(conn, schema.mapping).values(
        tenant=tenant,
        document_id=document_id,
        payload_hash=payload_hash,
        rules=rules,
        settings_revision=settings_revision,
        **results,
    )
    key = ["tenant", "document_id", "payload_hash", "rules", "settings_revision"]
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=results))


def mapping(conn: Connection, tenant: str, document_id: str) -> MappingResult | None:
    """Return the latest mapping of a document, None before the first."""
    row = conn.execute(_LATEST, {"of": tenant, "document": document_id}).one_or_none()
    return None if row is None else MappingResult(*row)
