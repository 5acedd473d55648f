"""Report problem and Ask us (T8): a ticket with everything needed to answer it, without customers and keys."""

from __future__ import annotations

import platform
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mapper import __version__, redaction
from mapper.errors import MapperError
from mapper.money import dumps
from mapper.store import documents, journal, operations, payloads, tenants, tickets
from mapper.store.database import Database
from mapper.store.rows import Document, MappingResult, Ticket
from mapper.wording import reason_of

MAX_BUNDLE = 512 * 1024
# Left out first where a bundle is too large.
_LARGEST = ("trace", "payload", "requests", "document_mapped")


def report_problem(
    database: Database, tenant: str, document_id: str, *, text: str, who: str, now: datetime
) -> Ticket:
    """Open a ticket about a document; of a cause that has an open one, return that.

    Raises UsageError STO110 or STO111 (no such webshop or document), USE170 (no text).
    """
    with database.begin() as conn:
        document = documents.get(conn, tenant, document_id)
        said = reason_of(conn, document, "en").said
        bundle = bundle_of(conn, document, is_sqlite=database.is_sqlite)
        words = _words_of(conn, document)
        subject = redaction.without(
            f"{document.number or document.id}: {document.cause or document.state}", words
        )
        return tickets.open_(
            conn,
            tenant,
            "problem",
            subject=subject[: tickets.MAX_SUBJECT],
            text=text.strip() or redaction.without(said, words) or document.state,
            bundle=bundle,
            who=who,
            cause=document.cause or document.id,
            document_id=document.id,
            now=now,
        )


def ask(database: Database, tenant: str, *, subject: str, text: str, who: str, now: datetime) -> Ticket:
    """Open a ticket with a question. Raises UsageError STO110 or USE170."""
    with database.begin() as conn:
        tenants.get(conn, tenant)
        bundle = _versions(conn, tenant, is_sqlite=database.is_sqlite)
        return tickets.open_(
            conn, tenant, "question", subject=subject, text=text, bundle=bundle, who=who, now=now
        )


def bundle_of(conn: Connection, document: Document, *, is_sqlite: bool) -> dict[str, Any]:
    """Return what answers a question about a document: payload, findings, trace, calls, all redacted, and versions."""
    tenant, words = document.tenant, _words_of(conn, document)
    mapped = payloads.mapping(conn, tenant, document.id)
    content = {
        **_versions(conn, tenant, is_sqlite=is_sqlite),
        "document": {
            "id": document.id, "number": document.number, "state": document.state, "cause": document.cause,
            "facts": dict(document.facts), "revision": document.revision, "attempts": document.attempts,
            "identifier": document.identifier, "code": document.code, "total_incl": document.total_incl,
            "dated": document.dated.isoformat(), "changed_at": document.changed_at.isoformat(),
        },
        "payload": redaction.redacted(_payload(conn, document)),
        **(_mapping(mapped) if mapped else {}),
        "operations": [
            {
                "key": one.key, "step": one.step, "state": one.state, "attempt": one.attempt,
                "identifier": one.identifier, "code": one.code, "error": one.error,
                "intent_at": one.intent_at.isoformat(),
            }
            for one in operations.of_document(conn, tenant, document.id)
        ],
        "journal": [
            {"at": one.at.isoformat(), "event": one.event, "facts": dict(one.facts)}
            for one in journal.entries(conn, tenant, document_id=document.id)
        ],
    }  # fmt: skip
    bundle: dict[str, Any] = redaction.without(content, words)
    for part in _LARGEST:
        if len(dumps(bundle)) > MAX_BUNDLE and part in bundle:
            bundle[part] = "left out: too large"
    return bundle


def _mapping(mapped: MappingResult) -> dict[str, Any]:
    return {
        "rules": mapped.rules,
        "settings_revision_used": mapped.settings_revision,
        "document_mapped": redaction.redacted(mapped.document),
        "requests": redaction.redacted(mapped.requests),
        "findings": mapped.findings,
        "trace": mapped.trace,
    }


def _words_of(conn: Connection, document: Document) -> set[str]:
    """Return what names people in a document, so that it is found in findings and trace too."""
    words = redaction.personal_values(_payload(conn, document))
    return words | redaction.personal_values({"customer": document.customer})


def _payload(conn: Connection, document: Document) -> dict[str, Any]:
    try:
        return payloads.payload(conn, document.tenant, document.id)
    except MapperError:
        return {}  # it was never fetched, or is removed after its retention: the bundle says so by being empty


def _versions(conn: Connection, tenant: str, *, is_sqlite: bool) -> dict[str, Any]:
    return {
        "mapper": __version__,
        "python": platform.python_version(),
        "database": "sqlite" if is_sqlite else "postgresql",
        "tenant": tenant,
        "settings_revision": tenants.get(conn, tenant).settings_revision,
        "settings": _settings(tenants.settings(conn, tenant)),
    }


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The shop's name may be its owner's; the rest of the settings is what an answer depends on."""
    return {name: value for name, value in settings.items() if name != "name"}
