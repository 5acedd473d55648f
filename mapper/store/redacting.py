"""Documents without the people in them: payload, mapping, lists and search, all of one document at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from mapper import redaction
from mapper.store import documents, exact, parties, payloads, schema
from mapper.store.rows import Document

FINISHED = frozenset({"done", "ignored"})

_DOCUMENT = schema.document.c
_PAYLOAD = schema.payload.c
_MAPPING = schema.mapping.c
_OPERATION = schema.operation.c
_TICKET = schema.ticket.c
_EMAILS = ("email", "email_invoice", "email_invoice_company", "email_invoice_union")


def finished_before(conn: Connection, tenant: str, moment: datetime) -> list[str]:
    """Return the finished documents that last changed before a moment and still name somebody."""
    query = select(_DOCUMENT.id).where(
        _DOCUMENT.tenant == tenant,
        _DOCUMENT.state.in_(FINISHED),
        _DOCUMENT.changed_at < moment,
        _DOCUMENT.redacted.is_not(True),
    )
    return list(conn.scalars(query.order_by(_DOCUMENT.changed_at, _DOCUMENT.id)))


def of_person(conn: Connection, tenant: str, email: str) -> list[Document]:
    """Return the documents whose payload carries an e-mail address, whatever its case."""
    wanted = email.casefold()
    query = select(_DOCUMENT.id, _DOCUMENT.search).where(
        _DOCUMENT.tenant == tenant, _DOCUMENT.redacted.is_not(True)
    )
    return [
        documents.get(conn, tenant, row.id)
        for row in conn.execute(query).all()
        if wanted in row.search.split() or wanted in _emails_of(conn, tenant, row.id)
    ]


def redact(conn: Connection, tenant: str, document: str) -> None:
    """Take the people out of a document; its present payload and last mapping stay, without them, and replay.

    Nothing happens to one that somebody took up again meanwhile.
    """
    found = documents.get(conn, tenant, document)
    if found.state not in FINISHED:
        return
    words = redaction.personal_values({"customer": found.customer})
    for payload in _payloads_of(conn, tenant, document):
        words |= redaction.personal_values(payload)
    mapped = payloads.mapping(conn, tenant, document)
    new = ""
    if found.payload_hash:
        text = exact.write(redaction.redacted(payloads.payload(conn, tenant, document)))
        new = exact.digest(text)
        at = conn.scalars(
            select(_PAYLOAD.at).where(*_of(_PAYLOAD, tenant, document), _PAYLOAD.hash == found.payload_hash)
        ).one()
        conn.execute(delete(schema.payload).where(*_of(_PAYLOAD, tenant, document)))
        row = {"tenant": tenant, "document_id": document, "hash": new, "text": text, "at": at}
        conn.execute(schema.payload.insert().values(row))
    conn.execute(delete(schema.mapping).where(*_of(_MAPPING, tenant, document)))
    if mapped is not None:
        payloads.keep_mapping(
            conn,
            tenant,
            document,
            payload_hash=new,
            rules=mapped.rules,
            settings_revision=mapped.settings_revision,
            document=redaction.redacted(mapped.document),
            requests=redaction.redacted(mapped.requests),
            findings=redaction.without(mapped.findings, words),
            trace=redaction.without(mapped.trace, words),
            now=mapped.at,
        )
    numbers = " ".join(word for word in (found.number, found.order_number) if word).casefold()
    conn.execute(
        update(schema.document)
        .where(_DOCUMENT.tenant == tenant, _DOCUMENT.id == document)
        .values(
            customer="",
            search=numbers,
            facts=redaction.without(dict(found.facts), words),
            payload_hash=new,
            redacted=True,
        )
    )
    for operation in conn.execute(
        select(_OPERATION.key, _OPERATION.error).where(
            *_of(_OPERATION, tenant, document), _OPERATION.error != ""
        )
    ).all():
        error = redaction.without(operation.error, words)
        where = (_OPERATION.tenant == tenant, _OPERATION.key == operation.key)
        conn.execute(update(schema.operation).where(*where).values(error=error))


def tax_numbers(conn: Connection, tenant: str, document: str) -> set[str]:
    """Return the VAT numbers in a document's payloads: a debtor is kept under address and number."""
    return {
        str(value).strip()
        for payload in _payloads_of(conn, tenant, document)
        for value in (payload.get("vatnumber"), (payload.get("customer") or {}).get("btw"))
        if value
    }


def forget_person(conn: Connection, tenant: str, email: str, numbers: Iterable[str] = ()) -> None:
    """Forget which debtors of WeFact an address has, alone and with VAT numbers, and take it out of tickets."""
    for number in ("", *numbers):
        parties.forget_debtor(conn, tenant, email, tax_number=number)
    query = select(_TICKET.number, _TICKET.subject, _TICKET.text, _TICKET.answer).where(
        _TICKET.tenant == tenant
    )
    for row in conn.execute(query).all():
        texts = {"subject": row.subject, "text": row.text, "answer": row.answer}
        clean = {name: redaction.without(text, {email}) for name, text in texts.items()}
        if clean != texts:
            where = (_TICKET.tenant == tenant, _TICKET.number == row.number)
            conn.execute(update(schema.ticket).where(*where).values(**clean))


def _emails_of(conn: Connection, tenant: str, document: str) -> set[str]:
    return {
        str(value).strip().casefold()
        for payload in _payloads_of(conn, tenant, document)
        for place in (payload, payload.get("customer") or {})
        if isinstance(place, Mapping)
        for name in _EMAILS
        if (value := place.get(name))
    }


def _payloads_of(conn: Connection, tenant: str, document: str) -> Iterator[dict[str, Any]]:
    for text in conn.scalars(select(_PAYLOAD.text).where(*_of(_PAYLOAD, tenant, document))).all():
        yield exact.read(text)


def _of(columns: Any, tenant: str, document: str) -> tuple[Any, Any]:
    return columns.tenant == tenant, columns.document_id == document
