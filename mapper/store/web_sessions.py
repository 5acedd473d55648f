"""Browsers that were let in to install a webshop. Only the hash of a session's token is kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from mapper.store import exact, schema

LIFETIME = timedelta(hours=2)

_SESSION = schema.web_session.c


def open_(conn: Connection, tenant: str, *, now: datetime) -> str:
    """Begin a session for a webshop's merchant and return its token; sessions that ended are forgotten."""
    conn.execute(delete(schema.web_session).where(_SESSION.tenant == tenant, _SESSION.expires_at <= now))
    token = secrets.token_urlsafe(32)
    conn.execute(
        insert(schema.web_session).values(
            digest=exact.digest(token), tenant=tenant, created_at=now, expires_at=now + LIFETIME
        )
    )
    return token


def tenant_of(conn: Connection, token: str, *, now: datetime) -> str | None:
    """Return the webshop that the session of this token is for; None when there is none, or it ended."""
    query = select(_SESSION.tenant).where(_SESSION.digest == exact.digest(token), _SESSION.expires_at > now)
    return conn.scalars(query).one_or_none()


def close_all(conn: Connection, tenant: str) -> None:
    """End every session of a webshop."""
    conn.execute(delete(schema.web_session).where(_SESSION.tenant == tenant))
