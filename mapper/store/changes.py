"""Whether anything of a tenant changed: cheap enough to ask every second while nothing happens."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import Connection, func, select

from mapper.store import listing, schema
from mapper.store.database import Database

Mark = tuple[object, ...]


def mark(conn: Connection, tenant: str) -> Mark:
    """Return a value that is another once a document moved, the journal grew or the settings changed."""
    journal, row = schema.journal.c, schema.tenant.c
    number = conn.scalars(select(func.max(journal.number)).where(journal.tenant == tenant)).one()
    own = conn.execute(select(row.settings_revision, row.paused_at).where(row.id == tenant)).one_or_none()
    everyone = schema.installation.c
    paused = conn.scalars(select(everyone.at).where(everyone.name == "paused")).one_or_none()
    return (number, tuple(own or ()), paused, tuple(listing.counts(conn, tenant).values()))


class Watch:
    """Asks again and again; an SQLite file is only read when another process or thread wrote to it.

    Used from one thread at a time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reachable():
            self._conn = database.engine.connect() if database.is_sqlite else None
        self._version: object = None
        self._known: tuple[str, Mark] | None = None

    def mark(self, tenant: str) -> Mark:
        """Return the tenant's mark now. Raises StoreError STO101 when the database does not answer."""
        version = self._data_version()
        if version is None or version != self._version or self._known is None or self._known[0] != tenant:
            with self._database.read() as conn:
                self._known = tenant, mark(conn, tenant)
            self._version = version
        return self._known[1]

    def _data_version(self) -> object:
        """Return SQLite's count of commits by others; of PostgreSQL nothing as cheap is known."""
        if self._conn is None:
            return None
        with self._database.reachable():
            return self._conn.exec_driver_sql("PRAGMA data_version").scalar()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._conn is not None:
            self._conn.close()
