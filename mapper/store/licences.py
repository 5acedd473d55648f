"""Licences (T3, T4): one per webshop; on trial until the first of the next month, then active, or stopped."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from mapper.errors import UsageError
from mapper.store import schema
from mapper.store.accounts import checked_email
from mapper.store.rows import Licence

# The operator's calendar: a trial ends when a month of subscription begins.
ZONE = ZoneInfo("Europe/Amsterdam")

_LICENCE = schema.licence.c
_COLUMNS = [_LICENCE[name] for name in Licence.__slots__]
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without I, O, 0 and 1, which people mix up


def grant(
    conn: Connection, tenant: str, account: str, *, shop: str = "", installed: bool, now: datetime
) -> Licence:
    """Give a webshop its licence, with a new key of 100 bits. `installed`: it works already, as one added by hand."""
    values = {
        "tenant": tenant,
        "key": new_key(),
        "account": account,
        "shop": plain(shop),
        "created_at": now,
        "trial_until": first_of_next_month(now),
        "installed_at": now if installed else None,
        "hidden": False,
    }
    conn.execute(insert(schema.licence).values(values))
    return get(conn, tenant)


def get(conn: Connection, tenant: str) -> Licence:
    """Return a webshop's licence. Raises UsageError STO110 when there is no such webshop."""
    row = conn.execute(select(*_COLUMNS).where(_LICENCE.tenant == tenant)).one_or_none()
    if row is None:
        raise UsageError("STO110", tenant=tenant[:80])
    return Licence(*row)


def by_key(conn: Connection, key: str) -> Licence | None:
    """Return the licence of a key, however a person writes it."""
    row = conn.execute(select(*_COLUMNS).where(_LICENCE.key == written(key))).one_or_none()
    return None if row is None else Licence(*row)


def by_shop(conn: Connection, shop: str) -> Licence | None:
    """Return the newest licence of the shop at an address."""
    query = (
        select(*_COLUMNS).where(_LICENCE.shop == plain(shop)).order_by(_LICENCE.created_at.desc()).limit(1)
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else Licence(*row)


def of_account(conn: Connection, account: str, *, with_hidden: bool = False) -> tuple[Licence, ...]:
    """Return a merchant's licences, the oldest first, without those it removed from its list."""
    query = (
        select(*_COLUMNS).where(_LICENCE.account == account).order_by(_LICENCE.created_at, _LICENCE.tenant)
    )
    if not with_hidden:
        query = query.where(~_LICENCE.hidden)
    return tuple(Licence(*row) for row in conn.execute(query))


def accept_terms(conn: Connection, tenant: str, *, version: str, now: datetime) -> None:
    """Keep which terms were accepted, and when; accepting the same again changes nothing."""
    if get(conn, tenant).terms_version != version:
        _change(conn, tenant, terms_version=version, terms_at=now)


def mark_installed(conn: Connection, tenant: str, *, now: datetime) -> None:
    """Let the licence hold (again); a trial is not given twice."""
    _change(conn, tenant, installed_at=now, stopped_at=None, stop_reason="", hidden=False)


def set_progress(conn: Connection, tenant: str, page: str) -> None:
    """Note the last page of the installation that the merchant finished, so that it goes on there."""
    _change(conn, tenant, progress=page)


def begin_again(conn: Connection, tenant: str) -> None:
    """Let a stopped webshop be installed once more, from the first page: keys and agreement are given anew."""
    _change(
        conn,
        tenant,
        installed_at=None,
        stopped_at=None,
        stop_reason="",
        progress="",
        terms_version="",
        hidden=False,
    )


def stop(conn: Connection, tenant: str, *, reason: str, now: datetime) -> None:
    """End the licence; stopping it again keeps the first time and reason."""
    if get(conn, tenant).stopped_at is None:
        _change(conn, tenant, stopped_at=now, stop_reason=reason[:200])


def hold(conn: Connection, tenant: str) -> None:
    """Keep the licence from being stopped until the transaction ends. Raises UsageError STO172 when it is stopped."""
    query = select(_LICENCE.stopped_at).where(_LICENCE.tenant == tenant).with_for_update()
    if conn.scalars(query).one() is not None:
        raise UsageError("STO172", tenant=tenant, reason="stopped (T2)")


def hide(conn: Connection, tenant: str) -> None:
    """Take a stopped licence from its merchant's list. Raises UsageError STO173 for one that is not stopped."""
    if get(conn, tenant).stopped_at is None:
        raise UsageError("STO173", tenant=tenant)
    _change(conn, tenant, hidden=True)


def set_shop(conn: Connection, tenant: str, shop: str) -> None:
    """Keep the shop's address beside the licence."""
    _change(conn, tenant, shop=plain(shop))


def set_extra_email(conn: Connection, tenant: str, email: str) -> None:
    """Send mails about this webshop to a second address too (T7); empty: to no other. Raises UsageError USE161."""
    _change(conn, tenant, extra_email=checked_email(email))


def move(conn: Connection, tenant: str, account: str) -> None:
    """Put the webshop under another account: that of a merchant with several."""
    _change(conn, tenant, account=account)


def first_of_next_month(moment: datetime) -> datetime:
    """Return the start of the month after a moment, in the operator's calendar (T4)."""
    local = moment.astimezone(ZONE)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    return datetime(year, month, 1, tzinfo=ZONE)


def new_key() -> str:
    """Return a licence key that nobody can guess, in groups that a person can read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def written(key: str) -> str:
    """Return a key as it is kept: capitals, in groups of five."""
    letters = "".join(letter for letter in key.upper() if letter.isalnum())[:40]
    return "-".join(letters[start : start + 5] for start in range(0, len(letters), 5))


def plain(shop: str) -> str:
    """Return a shop's address without what does not tell shops apart: case, the scheme's own port, a last dot."""
    scheme, _, rest = shop.strip().rstrip("/").casefold().partition("://")
    host, slash, path = rest.partition("/")
    host = host.removesuffix({"https": ":443", "http": ":80"}.get(scheme, " ")).rstrip(".")
    return f"{scheme}://{host}{slash}{path}" if host else scheme


def _change(conn: Connection, tenant: str, **values: Any) -> None:
    query = update(schema.licence).where(_LICENCE.tenant == tenant).values(**values)
    if conn.execute(query.returning(_LICENCE.tenant)).one_or_none() is None:
        raise UsageError("STO110", tenant=tenant[:80])
