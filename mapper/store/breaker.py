"""Member states whose part of VIES fails: after some answers in a row that say nothing, nobody asks for a while.

Shared by all tenants and processes. When the time is over one question goes out; the others wait for its answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from mapper.store import schema
from mapper.store.upsert import insert_into

UNKNOWNS_TO_OPEN = 5
# For as long as a question can take, its answer included.
_TRIAL = timedelta(minutes=1)

_BREAKER = schema.vies_breaker.c


def admit(conn: Connection, country: str, *, now: datetime) -> datetime | None:
    """Return None when the member state may be asked now, else until when not.

    The one that may ask first after a pause keeps the others out for a minute.
    """
    query = select(_BREAKER.unknowns, _BREAKER.open_until).where(_BREAKER.country == country)
    row = conn.execute(query.with_for_update()).one_or_none()
    if row is None or row.open_until is None:
        return None
    if row.open_until > now:
        until: datetime = row.open_until
        return until
    _put(conn, country, row.unknowns, now + _TRIAL)
    return None


def record(conn: Connection, country: str, *, answered: bool, now: datetime, open_for: timedelta) -> None:
    """Count what a question came to: an answer closes the breaker, the fifth unknown in a row opens it."""
    insert = insert_into(conn, schema.vies_breaker).values(country=country, unknowns=0)
    conn.execute(insert.on_conflict_do_nothing())
    query = select(_BREAKER.unknowns).where(_BREAKER.country == country)
    known: int = conn.scalars(query.with_for_update()).one()
    unknowns = 0 if answered else known + 1
    _put(conn, country, unknowns, now + open_for if unknowns >= UNKNOWNS_TO_OPEN else None)


def open_breakers(conn: Connection, *, now: datetime) -> dict[str, datetime]:
    """Return the member states that are not asked now, with until when."""
    query = select(_BREAKER.country, _BREAKER.open_until).where(_BREAKER.open_until > now)
    return {row.country: row.open_until for row in conn.execute(query.order_by(_BREAKER.country))}


def states(conn: Connection, *, now: datetime) -> dict[str, bool]:
    """Return the member states that ever failed to answer, with whether each is left alone now."""
    query = select(_BREAKER.country, _BREAKER.open_until).order_by(_BREAKER.country)
    return {row.country: row.open_until is not None and row.open_until > now for row in conn.execute(query)}


def _put(conn: Connection, country: str, unknowns: int, open_until: datetime | None) -> None:
    statement = update(schema.vies_breaker).where(_BREAKER.country == country)
    conn.execute(statement.values(unknowns=unknowns, open_until=open_until))
