"""Hints of webhooks that were accepted and wait for their turn to be noted: short, so that accepting stays quick."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from mapper.store import schema
from mapper.store.rows import Hint
from mapper.store.upsert import insert_into

_HINT = schema.hint.c
_COLUMNS = [_HINT[name] for name in Hint.__slots__]


def keep(conn: Connection, hints: Sequence[Hint]) -> None:
    """Record hints of any tenants; the same delivery twice is one."""
    rows = [{name: getattr(one, name) for name in Hint.__slots__} for one in hints]
    conn.execute(insert_into(conn, schema.hint).on_conflict_do_nothing(), rows)


def take(conn: Connection, *, limit: int) -> list[Hint]:
    """Remove the oldest hints and return them; another process that takes at this moment gets others."""
    query = select(*_COLUMNS).order_by(_HINT.at, _HINT.tenant, _HINT.body_hash).limit(limit)
    rows = conn.execute(query.with_for_update(skip_locked=True)).all()
    found = [Hint(*row) for row in rows]
    for one in found:
        conn.execute(
            delete(schema.hint).where(
                _HINT.tenant == one.tenant, _HINT.event == one.event, _HINT.body_hash == one.body_hash
            )
        )
    return found
