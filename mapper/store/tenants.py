"""Tenants: who they are, their settings with history, go-live and pauses. Keys are in `credentials.py`."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, text, update

from mapper.errors import UsageError
from mapper.store import accounts, exact, licences, schema
from mapper.store.rows import Pause, SettingsChange, Tenant

# W19: after this many wrong totals in a row something is wrong with the account, not with one document.
MISMATCHES_TO_PAUSE = 3
MISMATCH_REASON = "W19"
# Any number that no other user of the same PostgreSQL database takes.
_LOCK = 7_204_512
INSTALLING, STOPPED = "not installed yet (T1)", "stopped (T2)"
STANDSTILLS = frozenset({INSTALLING, STOPPED})

_TENANT = schema.tenant.c
_COLUMNS = [_TENANT[name] for name in Tenant.__slots__]
_BY_ID = select(*_COLUMNS).where(_TENANT.id == bindparam("one"))
_INSTALLATION = schema.installation.c
_PAUSED_ALL = select(_INSTALLATION.at, _INSTALLATION.value).where(_INSTALLATION.name == "paused")
# The id is part of workflow ids, file names and addresses.
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def create(
    conn: Connection,
    tenant: str,
    *,
    name: str,
    settings: Mapping[str, Any],
    who: str,
    account: str | None = None,
    shop: str = "",
    installed: bool = True,
    now: datetime,
) -> Tenant:
    """Add a tenant that goes live now, with a licence; without an `account` it gets one of its own.

    One that is not `installed` stands still until it is. Raises UsageError STO113 (not a usable id) or STO114 (exists).
    """
    if not _ID.fullmatch(tenant):
        raise UsageError("STO113", tenant=tenant[:80])
    one_at_a_time(conn)
    if _row(conn, tenant) is not None:
        raise UsageError("STO114", tenant=tenant)
    token = secrets.token_urlsafe(24)
    conn.execute(
        insert(schema.tenant).values(
            id=tenant,
            name=name,
            home_country=str(settings.get("home_country") or ""),
            created_at=now,
            process_from=now,
            settings=settings,
            settings_revision=1,
            signature_required=False,
            webhook_token=token,
            webhook_lookup=exact.digest(token),
        )
    )
    _record_settings(conn, tenant, 1, None, settings, who=who, now=now)
    owner = account or accounts.create(conn, now=now).id
    licences.grant(conn, tenant, owner, shop=shop, installed=installed, now=now)
    if not installed:
        stand_still(conn, tenant, reason=INSTALLING, now=now)
    return get(conn, tenant)


def one_at_a_time(conn: Connection) -> None:
    """Let whoever adds tenants follow each other until their transactions end; on SQLite all writers do."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def get(conn: Connection, tenant: str) -> Tenant:
    """Return a tenant. Raises UsageError STO110 when there is none of that id."""
    row = _row(conn, tenant)
    if row is None:
        raise UsageError("STO110", tenant=tenant[:80])
    return Tenant(*row)


def everyone(conn: Connection) -> tuple[Tenant, ...]:
    """Return all tenants by id. For the installation itself: the daemon, metrics, the operator's list."""
    return tuple(Tenant(*row) for row in conn.execute(select(*_COLUMNS).order_by(_TENANT.id)))


def by_webhook_token(conn: Connection, token: str) -> Tenant | None:
    """Return the tenant whose webhooks carry this token.

    The row is found by the token's hash and the token compared in constant time, so that the time an answer
    takes says nothing about how much of a guess was right.
    """
    found = conn.execute(select(*_COLUMNS).where(_TENANT.webhook_lookup == exact.digest(token))).one_or_none()
    if found is None or not hmac.compare_digest(found.webhook_token.encode(), token.encode()):
        return None
    return Tenant(*found)


def settings(conn: Connection, tenant: str) -> dict[str, Any]:
    """Return the tenant's present settings, exactly as they were put."""
    found = conn.scalars(select(_TENANT.settings).where(_TENANT.id == tenant)).one_or_none()
    if found is None:
        raise UsageError("STO110", tenant=tenant[:80])
    return dict(found)


def put_settings(conn: Connection, tenant: str, new: Mapping[str, Any], *, who: str, now: datetime) -> int:
    """Replace the settings and return their revision; equal ones change nothing. The history keeps `who`."""
    old = settings(conn, tenant)
    revision = get(conn, tenant).settings_revision
    if exact.write(old) == exact.write(new):
        return revision
    _change(conn, tenant, settings=new, settings_revision=revision + 1)
    _record_settings(conn, tenant, revision + 1, old, new, who=who, now=now)
    return revision + 1


def settings_history(conn: Connection, tenant: str) -> tuple[SettingsChange, ...]:
    """Return every change of the settings, newest first."""
    changes = _columns(schema.settings_change, SettingsChange)
    query = select(*changes).where(schema.settings_change.c.tenant == tenant)
    rows = conn.execute(query.order_by(schema.settings_change.c.revision.desc()))
    return tuple(SettingsChange(*row) for row in rows)


def settings_of(conn: Connection, tenant: str, revision: int) -> dict[str, Any]:
    """Return the settings as they were at a revision. Raises UsageError STO115 when there was none."""
    change = schema.settings_change.c
    query = select(change.new).where(change.tenant == tenant, change.revision == revision)
    found = conn.scalars(query).one_or_none()
    if found is None:
        raise UsageError("STO115", tenant=tenant, revision=revision)
    return dict(found)


def set_home_country(conn: Connection, tenant: str, country: str) -> None:
    """Keep the country the shop says it is in (two letters)."""
    _change(conn, tenant, home_country=country)


def go_live(conn: Connection, tenant: str, process_from: datetime) -> None:
    """Set the go-live (R9): older documents are posted by a migration only."""
    _change(conn, tenant, process_from=process_from)


def require_signature(conn: Connection, tenant: str, *, required: bool) -> None:
    """Refuse, or accept again, webhooks without a signature."""
    _change(conn, tenant, signature_required=required)


def pause(conn: Connection, tenant: str, *, reason: str, now: datetime) -> None:
    """Stop posting for the tenant (R11). A pause that is on keeps its time and reason."""
    get(conn, tenant)
    conn.execute(
        update(schema.tenant)
        .where(_TENANT.id == tenant, _TENANT.paused_at.is_(None))
        .values(paused_at=now, pause_reason=reason)
    )


def resume(conn: Connection, tenant: str) -> None:
    """Post again for the tenant; the count of wrong totals starts anew.

    Raises UsageError STO172 for one that is not installed yet, or stopped: only an installation ends that.
    """
    row = get(conn, tenant)
    if row.pause_reason in STANDSTILLS:
        raise UsageError("STO172", tenant=tenant, reason=row.pause_reason)
    _change(conn, tenant, paused_at=None, pause_reason="", mismatches=0)


def stand_still(conn: Connection, tenant: str, *, reason: str, now: datetime) -> None:
    """Stop everything for the tenant until `begin_work`, whether or not it is paused; `reason` is a STANDSTILL."""
    _change(conn, tenant, paused_at=now, pause_reason=reason)


def begin_work(conn: Connection, tenant: str) -> None:
    """End a standstill or pause: the tenant is installed."""
    _change(conn, tenant, paused_at=None, pause_reason="", mismatches=0)


def pause_all(conn: Connection, *, reason: str, now: datetime) -> None:
    """Stop posting for every tenant. A pause that is on keeps its time and reason."""
    if paused_all(conn) is None:
        conn.execute(insert(schema.installation).values(name="paused", value=reason, at=now))


def resume_all(conn: Connection) -> None:
    """Post again for every tenant that is not paused itself."""
    conn.execute(delete(schema.installation).where(schema.installation.c.name == "paused"))


def paused_all(conn: Connection) -> Pause | None:
    """Return the pause of all tenants, if it is on."""
    row = conn.execute(_PAUSED_ALL).one_or_none()
    return None if row is None else Pause(row.at, row.value)


def pause_of(conn: Connection, tenant: str) -> Pause | None:
    """Return the pause that holds for the tenant: that of all, else its own."""
    row = get(conn, tenant)
    own = None if row.paused_at is None else Pause(row.paused_at, row.pause_reason)
    return paused_all(conn) or own


def count_mismatch(conn: Connection, tenant: str, *, now: datetime) -> int:
    """Count one more wrong total in a row (W19) and return the count; the third pauses the tenant."""
    query = update(schema.tenant).where(_TENANT.id == tenant).values(mismatches=_TENANT.mismatches + 1)
    count: int | None = conn.scalars(query.returning(_TENANT.mismatches)).one_or_none()
    if count is None:
        raise UsageError("STO110", tenant=tenant[:80])
    if count >= MISMATCHES_TO_PAUSE:
        pause(conn, tenant, reason=MISMATCH_REASON, now=now)
    return count


def clear_mismatches(conn: Connection, tenant: str) -> None:
    """Start counting wrong totals anew: the last total was right."""
    conn.execute(
        update(schema.tenant).where(_TENANT.id == tenant, _TENANT.mismatches > 0).values(mismatches=0)
    )


def _row(conn: Connection, tenant: str) -> Row[*tuple[Any, ...]] | None:
    return conn.execute(_BY_ID, {"one": tenant}).one_or_none()


def _columns(table: Table, row: type) -> list[Any]:
    return [table.c[name] for name in row.__slots__]  # type: ignore[attr-defined]


def _change(conn: Connection, tenant: str, **values: Any) -> None:
    query = update(schema.tenant).where(_TENANT.id == tenant).values(**values).returning(_TENANT.id)
    if conn.execute(query).one_or_none() is None:
        raise UsageError("STO110", tenant=tenant[:80])


def _record_settings(
    conn: Connection,
    tenant: str,
    revision: int,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    *,
    who: str,
    now: datetime,
) -> None:
    conn.execute(
        insert(schema.settings_change).values(
            tenant=tenant, revision=revision, at=now, who=who, old=old, new=new
        )
    )
