"""Who may log in: accounts of merchants and of support, their passwords, and a throttle on guessing them.

Passwords are kept as Argon2id hashes (19 MiB, two passes: OWASP's minimum). Every try is counted before it is looked
at, in the database: from the fifth wrong one on the account waits, each time twice as long, whatever process is asked.
"""

from __future__ import annotations

import os
import re
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from mapper.errors import UsageError
from mapper.store import exact, schema
from mapper.store.rows import Account, Role

FREE_TRIES = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
SHORTEST, LONGEST = 12, 200

_ACCOUNT = schema.account.c
_COLUMNS = [_ACCOUNT[name] for name in Account.__slots__]
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f<>,;:\"\\]{1,64}@[^@\s\x00-\x1f\x7f<>,;:\"\\]{1,189}")


def create(
    conn: Connection,
    *,
    role: Role = "merchant",
    name: str | None = None,
    email: str = "",
    language: str = "nl",
    now: datetime,
) -> Account:
    """Add an account without a password, so that nobody can log in to it yet.

    Raises UsageError USE160 (the name cannot be used, or is taken) or USE161 (no e-mail address).
    """
    if name is not None and (not _NAME.fullmatch(name) or by_name(conn, name) is not None):
        raise UsageError("USE160", name=name[:60])
    account = Account(f"a-{secrets.token_hex(8)}", role, name, checked_email(email), language, now)
    values = {field: getattr(account, field) for field in Account.__slots__}
    conn.execute(insert(schema.account).values(values))
    return account


def get(conn: Connection, account: str) -> Account:
    """Return an account. Raises UsageError USE162 when there is none of that id."""
    return Account(*_row(conn, account))


def by_name(conn: Connection, name: str) -> Account | None:
    """Return support's account of that login name."""
    if not name.isprintable():
        return None  # PostgreSQL compares no text with a zero byte in it
    row = conn.execute(select(*_COLUMNS).where(_ACCOUNT.name == name)).one_or_none()
    return None if row is None else Account(*row)


def support(conn: Connection) -> tuple[Account, ...]:
    """Return the accounts of support by name."""
    rows = conn.execute(select(*_COLUMNS).where(_ACCOUNT.role == "support").order_by(_ACCOUNT.name))
    return tuple(Account(*row) for row in rows)


def set_contact(conn: Connection, account: str, *, email: str, language: str) -> None:
    """Change where mails go, and in which language. Raises UsageError USE161 or USE162."""
    _change(conn, account, email=checked_email(email), language=language)


def set_password(conn: Connection, account: str, password: str) -> None:
    """Let the account log in with this password from now on; an earlier lock ends.

    Raises UsageError USE163 (too short or long) or USE162.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError("USE163", least=SHORTEST, most=LONGEST)
    _change(conn, account, password=_hashed(password), failures=0, locked_until=None)


def new_password(conn: Connection, account: str) -> str:
    """Give the account a random password and return it: it is kept nowhere else."""
    password = secrets.token_urlsafe(12)
    set_password(conn, account, password)
    return password


def has_password(conn: Connection, account: str) -> bool:
    """Tell whether anybody can log in to the account."""
    return bool(conn.scalars(select(_ACCOUNT.password).where(_ACCOUNT.id == account)).one())


def password_mark(conn: Connection, account: str) -> str:
    """Return what tells this password of the account from its next one. Raises UsageError USE162."""
    kept = conn.scalars(select(_ACCOUNT.password).where(_ACCOUNT.id == account)).one_or_none()
    if kept is None:
        raise UsageError("USE162", account=account[:40])
    return exact.digest(kept)


def count_try(conn: Connection, account: str, *, now: datetime) -> str:
    """Count a try to log in and return the password's hash.

    Raises UsageError WEB202, and counts nothing, while the account waits after wrong passwords.
    """
    columns = (_ACCOUNT.failures, _ACCOUNT.locked_until, _ACCOUNT.password)
    row = conn.execute(select(*columns).where(_ACCOUNT.id == account).with_for_update()).one()
    if row.locked_until is not None and now < row.locked_until:
        raise UsageError("WEB202", seconds=round((row.locked_until - now).total_seconds()) + 1)
    failures = row.failures + 1
    beyond = failures - FREE_TRIES
    wait = min(FIRST_WAIT * 2 ** min(beyond, 12), LONGEST_WAIT) if beyond >= 0 else None
    _change(conn, account, failures=failures, locked_until=now + wait if wait else None)
    return str(row.password)


def count_success(conn: Connection, account: str) -> None:
    """Forget the wrong tries: the last one was right."""
    _change(conn, account, failures=0, locked_until=None)


def fits(password: str, kept: str) -> bool:
    """Tell whether a password is the one of a hash; takes as long when there is no hash."""
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password[:LONGEST].encode("utf-8", "replace"), kept or _nobody())
    except InvalidKey:
        return False
    return bool(kept)


def checked_email(text: str) -> str:
    """Return an e-mail address without the space around it, or nothing. Raises UsageError USE161 for anything else."""
    email = text.strip()
    if email and not _EMAIL.fullmatch(email):
        raise UsageError("USE161", given=email[:80])
    return email


def _hashed(password: str) -> str:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=2, lanes=1, memory_cost=19_456)
    return kdf.derive_phc_encoded(password.encode("utf-8", "replace"))


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hashed(secrets.token_urlsafe(32))


def _row(conn: Connection, account: str) -> Row[*tuple[Any, ...]]:
    row = conn.execute(select(*_COLUMNS).where(_ACCOUNT.id == account)).one_or_none()
    if row is None:
        raise UsageError("USE162", account=account[:40])
    return row


def _change(conn: Connection, account: str, **values: Any) -> None:
    statement = update(schema.account).where(_ACCOUNT.id == account).values(**values).returning(_ACCOUNT.id)
    if conn.execute(statement).one_or_none() is None:
        raise UsageError("USE162", account=account[:40])
