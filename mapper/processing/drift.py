"""Whether the shop changed a document after it was posted (R4): reported, never carried over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from mapper import mapping
from mapper.errors import MapperError
from mapper.processing import fetching
from mapper.processing.engine import JSON
from mapper.processing.environment import Environment
from mapper.processing.outcome import Stop
from mapper.store import documents, exact, journal, payloads, rulebooks, tenants
from mapper.store.rows import MappingResult


async def look(environment: Environment, tenant: str, document_id: str) -> dict[str, JSON]:
    """Fetch a done document and mark it when its invoice would be another now. A failing look is not repeated."""
    found = await environment.read(lambda conn: documents.get(conn, tenant, document_id))
    posted = await environment.read(lambda conn: payloads.mapping(conn, tenant, document_id))
    if posted is None or found.drift_at is not None or found.state != "done":
        return {"outcome": "done"}
    try:
        payload = await fetching.fetched(environment.connections, found)
        texts, settings = await environment.read(lambda conn: _of_that_day(conn, tenant, posted))
        rules = await asyncio.to_thread(environment.rules.compiled, texts, tenant)
        mapped = await asyncio.to_thread(mapping.apply, rules, found.kind, payload, settings)
        changed = amounts(mapped.document) != amounts(posted.document)
    except Stop as stop:
        changed = stop.kind == "ignore"
    except MapperError:
        return {"outcome": "done"}
    if changed:
        await environment.write(lambda conn: _mark(conn, environment, tenant, document_id))
    return {"outcome": "drift" if changed else "done"}


def _of_that_day(
    conn: Connection, tenant: str, posted: MappingResult
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the rules and settings a document was posted with: other ones since are no change of the shop."""
    texts = rulebooks.get(conn, posted.rules)
    return texts, tenants.settings_of(conn, tenant, posted.settings_revision)


def amounts(document: Mapping[str, Any] | None) -> str:
    """Return what of a document decides its invoice's amounts, as canonical text."""
    if document is None:
        return ""
    totals = {name: document.get(name) for name in ("total_incl", "total_excl", "total_vat")}
    lines = [
        {name: line.get(name) for name in ("quantity", "total_incl", "vat_code")}
        for line in document.get("lines", ())
    ]
    return exact.write({"totals": totals, "lines": lines})


def _mark(conn: Connection, environment: Environment, tenant: str, document_id: str) -> None:
    now = environment.now()
    documents.mark_drift(conn, tenant, document_id, now=now)
    journal.append(conn, tenant, document_id, "drift", {}, now=now)
