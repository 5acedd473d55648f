"""INSERT … ON CONFLICT, which SQLAlchemy spells per database."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import sqlite


def insert_into(conn: Connection, table: Table) -> sqlite.Insert:
    """Return an insert for the connection's database that can be given `on_conflict_do_…`.

    Whether a row came about is told by RETURNING only: `rowcount` was seen to be 1 on psycopg when nothing
    was inserted. Both dialects' inserts have the same methods; the type is that of one of them.
    """
    if conn.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return cast("sqlite.Insert", postgresql.insert(table))
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
