"""A document mapped again with the payload, settings and rules of its day, so that its explanation is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mapper.authoring.explain import Explainer
from mapper.errors import UsageError
from mapper.mapping import Mapped, Rulebooks, hash_of, rulebooks_from
from mapper.processing.adoption import texts_in_use
from mapper.store import documents, exact, payloads, rulebooks, tenants
from mapper.store.database import Database
from mapper.store.rows import MappingResult


@dataclass(frozen=True, slots=True)
class Recalled:
    """A document's last mapping, made again. `present` is the hash of the rules its tenant has now.

    `is_same` tells whether every value came out as it was kept that day; a later version of the program might differ.
    """

    kind: str
    payload: Mapping[str, Any]
    settings: Mapping[str, Any]
    rulebooks: Rulebooks
    mapped: Mapped
    kept: MappingResult
    present: str
    is_same: bool

    def explainer(self) -> Explainer:
        """Return what explains its values."""
        return Explainer(self.rulebooks, self.kind, self.payload, self.settings, self.mapped)

    @property
    def at(self) -> datetime:
        """Return when it was mapped."""
        return self.kept.at

    @property
    def has_other_rules_now(self) -> bool:
        """Tell whether it would be mapped with other rules today."""
        return self.present != self.rulebooks.hash


def recall(database: Database, tenant: str, document_id: str) -> Recalled:
    """Map a stored document again as it was mapped last.

    Raises UsageError STO111 (no such document), STO118 (never mapped), StoreError STO112, STO117 (rules or payload are
    not kept), RuleError (this version of the program cannot load the rules of that day).
    """
    with database.read() as conn:
        document = documents.get(conn, tenant, document_id)
        kept = payloads.mapping(conn, tenant, document_id)
        if kept is None:
            raise UsageError("STO118", document=document_id)
        payload = payloads.payload(conn, tenant, document_id, kept.payload_hash)
        settings = tenants.settings_of(conn, tenant, kept.settings_revision)
        texts = rulebooks.get(conn, kept.rules)
        present = hash_of(texts_in_use(conn, tenant))
    loaded = rulebooks_from(texts, tenant=tenant, whole=False)
    mapped = loaded.bind(settings).apply(document.kind, payload)
    is_same = exact.write(mapped.trace.to_json()) == exact.write(kept.trace)
    return Recalled(document.kind, payload, settings, loaded, mapped, kept, present, is_same)
