"""Browsers that are logged in to the dashboard.

They are kept in the memory of the process that serves it, so that they end with it. Of a token only the hash is kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mapper import logins
from mapper.appstore.visit import csrf_of
from mapper.errors import Language, UsageError
from mapper.store import accounts, exact, licences
from mapper.store.database import Database
from mapper.store.rows import Account

LIFETIME = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is logged in, at which webshop they begin, and what their forms must carry.

    `password` tells this account's password from the next one: who changes it ends every visit.
    """

    account: Account
    tenant: str
    password: str
    csrf: str
    until: datetime

    @property
    def language(self) -> Language:
        """Return the language that the account reads."""
        return "en" if self.account.language == "en" else "nl"


class Visits:
    """Every visit of this process."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._known: dict[str, Visit] = {}

    def begin(self, name: str, password: str) -> str:
        """Log in and return the token of the visit.

        Raises UsageError WEB201, WEB202 (as `logins.login`) or WEB241 (no webshop to see).
        """
        now = self._now()
        account = logins.login(self._database, name, password, now=now)
        with self._database.read() as conn:
            seen = [one.tenant for one in logins.visible(conn, account)]
            licence = licences.by_key(conn, name)
            mark = accounts.password_mark(conn, account.id)
        if not seen:
            raise UsageError("WEB241")
        tenant = licence.tenant if licence is not None and licence.tenant in seen else seen[0]
        token = secrets.token_urlsafe(32)
        self._known = {key: visit for key, visit in self._known.items() if visit.until > now}
        self._known[exact.digest(token)] = Visit(account, tenant, mark, csrf_of(token), now + LIFETIME)
        return token

    def of(self, token: str) -> Visit | None:
        """Return the visit of a token; None when it ended, or the account's password is another by now."""
        visit = self._known.get(exact.digest(token))
        if visit is None or visit.until <= self._now():
            return None
        try:
            with self._database.read() as conn:
                is_same = accounts.password_mark(conn, visit.account.id) == visit.password
        except UsageError:  # the account is gone
            return None
        return visit if is_same else None

    def end(self, token: str) -> None:
        """Log out."""
        self._known.pop(exact.digest(token), None)
