"""Stored documents for tests of what replays history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from orders import tenant as settings_of
from sqlalchemy import Connection

from mapper.store import documents, payloads, tenants
from tests.databases import NOW


def remember(
    conn: Connection,
    orders: Sequence[Mapping[str, Any]],
    *,
    tenant: str = "winkel",
    first: int = 901,
    settings: Mapping[str, Any] | None = None,
) -> list[str]:
    """Store orders of a tenant, a day apart and the first one newest; return the ids of the documents."""
    if tenant not in {known.id for known in tenants.everyone(conn)}:
        tenants.create(conn, tenant, name=tenant, settings=settings or settings_of(), who="test", now=NOW)
    ids = []
    for place, order in enumerate(orders):
        dated = NOW - timedelta(days=place)
        noted = documents.note(
            conn, tenant, "order", first + place, now=NOW, number=str(first + place), dated=dated
        )
        payload = {**order, "id": first + place, "ordernumber_full": str(first + place)}
        payloads.keep(conn, tenant, noted.id, payload, now=NOW)
        ids.append(noted.id)
    return ids
