"""Rulebooks by hash, so that an old document is explained with the rules of its day. They have no tenant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from mapper.errors import StoreError
from mapper.store import schema
from mapper.store.upsert import insert_into


def keep(conn: Connection, texts: Mapping[str, str], digest: str, *, now: datetime) -> None:
    """Keep the files (name → text) of a rulebook under its hash; a known hash changes nothing."""
    statement = insert_into(conn, schema.rulebook).values(hash=digest, texts=texts, at=now)
    conn.execute(statement.on_conflict_do_nothing())


def get(conn: Connection, digest: str) -> dict[str, str]:
    """Return the files of a rulebook. Raises StoreError STO112 when no document was mapped with it here."""
    query = select(schema.rulebook.c.texts).where(schema.rulebook.c.hash == digest)
    texts = conn.scalars(query).one_or_none()
    if texts is None:
        raise StoreError("STO112", rules=digest[:12])
    return dict(texts)
