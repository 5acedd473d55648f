"""Stored documents for tests of what replays history."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from orders import tenant as settings_of
from sqlalchemy import Connection

from mapper.mapping import texts_of
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


def lenient() -> dict[str, str]:
    """Return the shipped rules with checks of VAT that only warn: a wrong rate moves euros, and stops nothing."""
    made = texts_of()
    for name, said in (
        ("ccv_order.yaml", "The shop charged {total_vat} VAT"),
        ("wefact.yaml", "VAT of this invoice;"),
    ):
        head, found, tail = made[name].partition(said)
        before, severity, between = head.rpartition("severity: error")
        assert found
        assert severity
        made[name] = f"{before}severity: warning{between}{found}{tail}"
    return made


def careless() -> dict[str, str]:
    """Return lenient rules that book shipping at 9 %."""
    made = lenient()
    assert made["ccv_order.yaml"].count("        otherwise: _shop_percent") == 1
    rule = ("        otherwise: _shop_percent", "        otherwise: 9")
    return {**made, "ccv_order.yaml": made["ccv_order.yaml"].replace(*rule)}


def unplaced(text: str) -> str:
    """Return text without the lines and columns of rules, which move with every edit of the rules."""
    return re.sub(r"(rules/[a-z_]+\.yaml):[0-9]+:[0-9]+", r"\1", text)
