"""What a database forgot that is an older state of itself: a backup that was restored.

Effects that WeFact saw after the backup are not in its ledger. So what looks fresh for a document of that time must be
looked for before it is made. The mark of an effect is the same each time (`posting.mark_of`), so that it is found.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, text

from mapper.store import heartbeats, schema
from mapper.store.upsert import insert_into

# Between the clocks of shop, backup and this machine; and documents whose shop says no date.
MARGIN = timedelta(days=1)

_BACKUP, _RESTORED, _IDENTITY = "backup", "restored", "identity"
_ROW = schema.installation.c
_EVERYTHING = select(_ROW.name, _ROW.value, _ROW.at)


def mark(conn: Connection, *, taken_at: datetime) -> None:
    """Record that this database is a copy of that moment: whoever works on it must look before posting."""
    _put(conn, _BACKUP, "", taken_at)


def begin_work(conn: Connection, *, now: datetime) -> datetime | None:
    """Note that work begins on this database; return of when it is a backup, when it is one that was restored.

    A PostgreSQL database that was dumped and restored is recognised by its identity.
    """
    identity, noted = _identity(conn), _noted(conn)
    known, backup, earlier = noted.get(_IDENTITY), noted.get(_BACKUP), noted.get(_RESTORED)
    if identity and known is not None and known[0] != identity and backup is None:
        beat = heartbeats.latest(conn)
        backup = ("", min(now, beat.beat_at) if beat else known[1])
    if identity and (known is None or known[0] != identity):
        _put(conn, _IDENTITY, identity, now)
    if backup is None:
        return None
    oldest = min(backup[1], datetime.fromisoformat(earlier[0])) if earlier else backup[1]
    _put(conn, _RESTORED, oldest.isoformat(), now)
    conn.execute(delete(schema.installation).where(_ROW.name == _BACKUP))
    return backup[1]


def forgotten_since(conn: Connection, tenant: str, document_id: str) -> datetime | None:
    """Return since when effects of a document may be missing here; None when none can be."""
    noted = _noted(conn)
    backup, known = noted.get(_BACKUP), noted.get(_RESTORED)
    if backup is not None:
        return backup[1]
    if known is None:
        return None
    row = schema.document.c
    dated = conn.scalars(select(row.dated).where(row.tenant == tenant, row.id == document_id)).one_or_none()
    is_older = dated is None or dated <= known[1] + MARGIN
    return datetime.fromisoformat(known[0]) if is_older else None


def forget_identity(conn: Connection) -> None:
    """Let the database be another one without having been restored: it was moved."""
    conn.execute(delete(schema.installation).where(_ROW.name == _IDENTITY))


def _noted(conn: Connection) -> dict[str, tuple[str, datetime]]:
    rows = conn.execute(_EVERYTHING)
    return {row.name: (row.value, row.at) for row in rows}


def _put(conn: Connection, name: str, value: str, at: datetime) -> None:
    statement = insert_into(conn, schema.installation).values(name=name, value=value, at=at)
    changed = {"value": value, "at": at}
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


def _identity(conn: Connection) -> str:
    """Return what is another after dump and restore, or when an older state of the server became the present one."""
    if conn.dialect.name != "postgresql":
        return ""
    query = (
        "SELECT concat_ws('/', (SELECT oid FROM pg_database WHERE datname = current_database()),"
        " 'installation'::regclass::oid, (SELECT timeline_id FROM pg_control_checkpoint()))"
    )
    return str(conn.execute(text(query)).scalar_one())
