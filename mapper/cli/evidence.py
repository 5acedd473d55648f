"""What VIES answered about a document's VAT numbers, as `--json` prints it: the proof for sales without VAT (K2)."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mapper.store import vat_numbers
from mapper.store.rows import Document


def evidence(conn: Connection, document: Document, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return the answers kept with a document, the latest first; times in the webshop's zone."""
    return [
        {
            "number": check.number,
            "answer": check.state,
            "code": check.code,
            "consultation": check.consultation,
            "requester": check.requester,
            "asked_at": check.asked_at.astimezone(zone).isoformat(timespec="seconds"),
            "first_asked_at": check.first_asked_at.astimezone(zone).isoformat(timespec="seconds"),
            "asks": check.asks,
        }
        for check in vat_numbers.checks(conn, document.tenant, document.id)
    ]
