"""Differences that a person accepted: shown as accepted from then on, until they are not the same any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mapper.errors import UsageError
from mapper.processing.reconcile import Difference
from mapper.store import journal, reconciliations
from mapper.store.database import Database
from mapper.store.rows import Reconciliation


def differences_of(found: Reconciliation) -> list[Difference]:
    """Return the differences of a comparison as the store has it."""
    return [Difference.from_json(kept) for kept in found.differences]


def still_open(differences: Sequence[Difference], accepted: dict[str, str]) -> list[Difference]:
    """Return those that nobody accepted; `accepted` are the reasons by mark."""
    return [one for one in differences if one.mark not in accepted]


def dismiss(database: Database, tenant: str, name: str, *, reason: str, now: datetime) -> list[Difference]:
    """Accept what differs of a document or invoice, as the last comparison has it, and return it.

    `name` is the number or id of a document, or the code or Identifier of an invoice. Raises UsageError PRO302 (no
    reason), USE118 (nothing was compared yet), USE119 (nothing of that name differs).
    """
    if not reason.strip():
        raise UsageError("PRO302")
    with database.begin() as conn:
        found = reconciliations.latest(conn, tenant)
        if found is None:
            raise UsageError("USE118", tenant=tenant)
        named = [
            one
            for one in differences_of(found)
            if name in {one.document, one.number, one.identifier, one.invoice} - {""}
        ]
        if not named:
            raise UsageError("USE119", name=name[:80], tenant=tenant)
        for one in named:
            reconciliations.accept(conn, tenant, one.mark, reason=reason.strip(), now=now)
            facts = {"code": one.code, "identifier": one.identifier, "reason": reason.strip()}
            journal.append(conn, tenant, one.document or None, "difference accepted", facts, now=now)
        return named
