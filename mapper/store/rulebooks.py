"""Rules by hash, so that an old document is explained with those of its day; and which are published.

Rules have no tenant. They are kept as the texts of their files, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from mapper.errors import StoreError, UsageError
from mapper.store import schema
from mapper.store.rows import Adoption, Published
from mapper.store.upsert import insert_into

_PUBLISHED = schema.published.c
_COLUMNS = [_PUBLISHED[name] for name in Published.__slots__]
_ADOPTION = schema.adoption.c


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


def publish(
    conn: Connection, texts: Mapping[str, str], digest: str, *, who: str, message: str, now: datetime
) -> None:
    """Make rules the active ones; running daemons adopt them."""
    keep(conn, texts, digest, now=now)
    conn.execute(insert(schema.published).values(hash=digest, who=who, at=now, message=message))


def active(conn: Connection) -> Published | None:
    """Return the last publication, None before the first. A few hundred bytes: cheap enough to ask every second."""
    row = conn.execute(select(*_COLUMNS).order_by(_PUBLISHED.number.desc()).limit(1)).one_or_none()
    return None if row is None else Published(*row)


def history(conn: Connection) -> tuple[Published, ...]:
    """Return every publication, newest first."""
    return tuple(
        Published(*row) for row in conn.execute(select(*_COLUMNS).order_by(_PUBLISHED.number.desc()))
    )


def find(conn: Connection, prefix: str) -> str:
    """Return the one hash of rules kept here, published or used by a document or process, that begins so.

    Raises UsageError STO141 when there is none, STO142 when there are several.
    """
    # Compared here, not with LIKE, so that nothing in the prefix is a wildcard.
    hashes = conn.scalars(select(schema.rulebook.c.hash))
    known = [one for one in hashes if prefix and one.startswith(prefix)]
    if not known:
        raise UsageError("STO141", rules=prefix[:64])
    if len(known) > 1:
        raise UsageError("STO142", rules=prefix[:64], count=len(known))
    return str(known[0])


def adopt(
    conn: Connection, executor: str, digest: str, *, refused: str = "", reason: str = "", now: datetime
) -> None:
    """Say which rules a process uses from now on, and which newer ones it refused."""
    values = {"hash": digest, "refused": refused, "reason": reason, "at": now}
    statement = insert_into(conn, schema.adoption).values(executor=executor, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["executor"], set_=values))


def adoptions(conn: Connection, *, now: datetime, ttl: timedelta) -> tuple[Adoption, ...]:
    """Return what the processes that gave a sign of life within `ttl` use, by name."""
    beats = schema.heartbeat.c
    query = (
        select(*(_ADOPTION[name] for name in Adoption.__slots__))
        .join(schema.heartbeat, beats.executor == _ADOPTION.executor)
        .where(beats.beat_at >= now - ttl)
        .order_by(_ADOPTION.executor)
    )
    return tuple(Adoption(*row) for row in conn.execute(query))
