"""What the invoiced documents come to per country and VAT rate, kept by document so that a period is one query.

Amounts are whole cents in the database: SUM is then exact on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select

from mapper.money import decimal_text, round_half_up
from mapper.store import payloads, schema
from mapper.store.rows import Turnover

_TURNOVER = schema.turnover.c
_DOCUMENT = schema.document.c
_CENT = Decimal("0.01")


def keep(conn: Connection, tenant: str, document_id: str) -> None:
    """Keep what the document, as it was mapped last, comes to; in place of what was kept before."""
    conn.execute(
        delete(schema.turnover).where(_TURNOVER.tenant == tenant, _TURNOVER.document_id == document_id)
    )
    mapped = payloads.mapping(conn, tenant, document_id)
    parts = shares(mapped.document) if mapped is not None and mapped.document else {}
    for (country, rate), (excl, tax) in parts.items():
        conn.execute(
            insert(schema.turnover).values(
                tenant=tenant,
                document_id=document_id,
                country=country,
                rate=decimal_text(rate),
                excl_cents=int(excl / _CENT),
                tax_cents=int(tax / _CENT),
            )
        )


def shares(document: Mapping[str, Any]) -> dict[tuple[str, Decimal], tuple[Decimal, Decimal]]:
    """Return (net, VAT) in euros by (delivery country, rate) of a mapped document.

    Per rate net and gross are rounded half-up to cents; what the document's total has more or less is the largest's.
    """
    if not document.get("lines"):
        return {}
    country = ((document.get("delivery") or document.get("customer")) or {}).get("country") or ""
    sums: dict[Decimal, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for line in document["lines"]:
        rate = Decimal(line.get("charged_percent", line["vat_percent"])).normalize()
        excl, incl = sums[rate]
        sums[rate] = excl + Decimal(line["total_excl"]), incl + Decimal(line["total_incl"])
    rounded = {rate: (round_half_up(excl, 2), round_half_up(incl, 2)) for rate, (excl, incl) in sums.items()}
    left = Decimal(document["total_incl"]) - sum((incl for _, incl in rounded.values()), Decimal(0))
    largest = max(rounded, key=lambda rate: (abs(rounded[rate][1]), rate))
    rounded[largest] = rounded[largest][0], rounded[largest][1] + left
    return {(country, rate): (excl, incl - excl) for rate, (excl, incl) in rounded.items()}


def of_period(
    conn: Connection, tenant: str, *, since: datetime | None = None, until: datetime | None = None
) -> tuple[Turnover, ...]:
    """Return the turnover of the documents that are done, by country and rate, the largest net first.

    By the date the shop gave them: `since` is included, `until` is not.
    """
    joined = schema.turnover.join(
        schema.document,
        and_(_DOCUMENT.tenant == _TURNOVER.tenant, _DOCUMENT.id == _TURNOVER.document_id),
    )
    excl, tax = func.sum(_TURNOVER.excl_cents), func.sum(_TURNOVER.tax_cents)
    query = (
        select(_TURNOVER.country, _TURNOVER.rate, func.count(), excl, tax)
        .select_from(joined)
        .where(_TURNOVER.tenant == tenant, _DOCUMENT.tenant == tenant, _DOCUMENT.state == "done")
        .group_by(_TURNOVER.country, _TURNOVER.rate)
    )
    if since is not None:
        query = query.where(_DOCUMENT.dated >= since)
    if until is not None:
        query = query.where(_DOCUMENT.dated < until)
    found = [
        Turnover(country, Decimal(rate), count, int(net) * _CENT, int(vat) * _CENT)
        for country, rate, count, net, vat in conn.execute(query)
    ]
    return tuple(sorted(found, key=lambda one: (-one.excl, one.country, -one.rate)))


def backfill(conn: Connection) -> None:
    """Keep it for every document that was done before this was kept."""
    done = select(_DOCUMENT.tenant, _DOCUMENT.id).where(_DOCUMENT.state == "done")
    for tenant, document_id in conn.execute(done).all():
        keep(conn, tenant, document_id)
