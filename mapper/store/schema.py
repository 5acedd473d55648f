"""The tables. Keys are (tenant, id), so that a query without a tenant cannot find a row by accident.

Times are fixed-width UTC ISO text (`2026-01-31T22:30:00.000000Z`), because it sorts as time does on both
databases and can be read by whoever opens the file. Amounts are text of a Decimal. Nothing is stored as a
float but the rate bucket, which is no money.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from mapper.money import decimal_text
from mapper.store import exact


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC text with microseconds. Raises ValueError for a naive one."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write a time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read a time."""
        return None if value is None else datetime.fromisoformat(value)


class Amount(TypeDecorator[Decimal]):
    """A Decimal, kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Write an amount."""
        return None if value is None else decimal_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read an amount."""
        return None if value is None else Decimal(value)


class Json(TypeDecorator[Any]):
    """A JSON value, kept as exact text (`exact.py`)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write a JSON value."""
        return None if value is None else exact.write(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Read a JSON value."""
        return None if value is None else exact.read(value)


metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _tenant() -> Column[str]:
    return Column("tenant", Text, ForeignKey("tenant.id"), nullable=False)


def _of_document() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "document_id"], ["document.tenant", "document.id"])


tenant = Table(
    "tenant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    _text("home_country"),
    Column("created_at", Moment, nullable=False),
    Column("process_from", Moment, nullable=False),
    Column("swept_until", Moment),
    Column("settings", Json, nullable=False),
    Column("settings_revision", Integer, nullable=False),
    Column("paused_at", Moment),
    _text("pause_reason"),
    _count("mismatches"),
    Column("signature_required", Boolean, nullable=False),
    Column("webhook_token", Text, nullable=False),
    Column("webhook_lookup", Text, nullable=False, unique=True),
)

# What holds for the whole installation, such as a pause of all tenants.
installation = Table(
    "installation",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

settings_change = Table(
    "settings_change",
    metadata,
    _tenant(),
    Column("revision", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("old", Json),
    Column("new", Json, nullable=False),
    PrimaryKeyConstraint("tenant", "revision"),
)

credential = Table(
    "credential",
    metadata,
    _tenant(),
    Column("name", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "name"),
)

webhook = Table(
    "webhook",
    metadata,
    _tenant(),
    Column("event", Text, nullable=False),
    Column("shop_webhook_id", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("sealed_key", Text, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "event"),
)

# The body holds the customer's e-mail and is not needed: a webhook is only a hint. Its hash finds duplicates.
webhook_event = Table(
    "webhook_event",
    metadata,
    _tenant(),
    Column("body_hash", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("shop_id", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "event", "body_hash"),
)

# Accepted and not yet noted; usually for milliseconds.
hint = Table(
    "hint",
    metadata,
    _tenant(),
    Column("event", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("shop_id", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "event", "body_hash"),
)

document = Table(
    "document",
    metadata,
    _tenant(),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("shop_id", BigInteger, nullable=False),
    Column("order_id", BigInteger),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    _count("claimed_revision"),
    _text("claimed_by"),
    _count("attempts"),
    _count("again"),
    Column("deleted", Boolean, nullable=False),
    Column("next_at", Moment),
    _text("cause"),
    Column("facts", Json, nullable=False, server_default="{}"),
    _text("ignored_by"),
    _text("number"),
    _text("order_number"),
    _text("customer"),
    Column("total_incl", Amount),
    _text("currency"),
    _text("search"),
    _text("identifier"),
    _text("code"),
    _text("payload_hash"),
    Column("dated", Moment, nullable=False),
    Column("noted_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("done_at", Moment),
    Column("drift_at", Moment),
    Column("redacted", Boolean),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "kind", "shop_id"),
    Index("document_by_date", "tenant", "dated", "id"),
    Index("document_by_state", "tenant", "state", "dated", "id"),
    Index("document_by_order", "tenant", "order_id"),
)

payload = Table(
    "payload",
    metadata,
    _tenant(),
    Column("document_id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "document_id", "hash"),
    _of_document(),
)

mapping = Table(
    "mapping",
    metadata,
    _tenant(),
    Column("document_id", Text, nullable=False),
    Column("payload_hash", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("settings_revision", Integer, nullable=False),
    Column("document", Json),
    Column("requests", Json, nullable=False),
    Column("findings", Json, nullable=False),
    Column("trace", Json, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "document_id", "payload_hash", "rules", "settings_revision"),
    _of_document(),
)

operation = Table(
    "operation",
    metadata,
    _tenant(),
    Column("key", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("intent_at", Moment, nullable=False),
    _count("searches"),
    Column("searched_at", Moment),
    Column("finished_at", Moment),
    _text("identifier"),
    _text("code"),
    Column("amount_incl", Amount),
    Column("amount_tax", Amount),
    _text("error"),
    PrimaryKeyConstraint("tenant", "key"),
    UniqueConstraint("tenant", "token"),
    _of_document(),
    Index("operation_by_document", "tenant", "document_id"),
    Index("operation_by_state", "tenant", "state", "intent_at"),
)

journal = Table(
    "journal",
    metadata,
    _tenant(),
    Column("number", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("document_id", Text),
    Column("event", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "number"),
    Index("journal_by_document", "tenant", "document_id", "number"),
)

# A document's VAT number as VIES answered about it: the proof for a sale without VAT. `requester` is the tenant's own
# number where VIES took it; `asks` counts the questions since `first_asked_at`.
vat_number_check = Table(
    "vat_number_check",
    metadata,
    _tenant(),
    Column("document_id", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    _text("code"),
    _text("consultation"),
    _text("requester"),
    Column("first_asked_at", Moment, nullable=False),
    Column("asked_at", Moment, nullable=False),
    _count("asks"),
    PrimaryKeyConstraint("tenant", "document_id", "number"),
    _of_document(),
)

# Member states whose part of VIES fails, for all tenants and processes.
vies_breaker = Table(
    "vies_breaker",
    metadata,
    Column("country", Text, primary_key=True),
    Column("unknowns", Integer, nullable=False),
    Column("open_until", Moment),
)

# What each invoiced document comes to per country and VAT rate, in cents.
turnover = Table(
    "turnover",
    metadata,
    _tenant(),
    Column("document_id", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("rate", Text, nullable=False),
    Column("excl_cents", BigInteger, nullable=False),
    Column("tax_cents", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "document_id", "country", "rate"),
    _of_document(),
)

debtor = Table(
    "debtor",
    metadata,
    _tenant(),
    Column("person", Text, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "person"),
)

product = Table(
    "product",
    metadata,
    _tenant(),
    Column("code", Text, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "code"),
)

rulebook = Table(
    "rulebook",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("texts", Json, nullable=False),
    Column("at", Moment, nullable=False),
)

# The active rules are those of the newest row: a rollback publishes an old hash again.
published = Table(
    "published",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("hash", Text, ForeignKey("rulebook.hash"), nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("message", Text, nullable=False),
)

# The present overlay is that of the newest row; an empty text is none.
overlay_change = Table(
    "overlay_change",
    metadata,
    _tenant(),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "number"),
)

# Which rules each running process uses, and which it refused and why (code and message; no personal data).
adoption = Table(
    "adoption",
    metadata,
    Column("executor", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    _text("refused"),
    _text("reason"),
    Column("at", Moment, nullable=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("executor", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("beat_at", Moment, nullable=False),
)

# `next_free` is the time at which the bucket would be full again after the calls given out so far.
rate_bucket = Table(
    "rate_bucket",
    metadata,
    Column("address", Text, primary_key=True),
    Column("next_free", Moment, nullable=False),
    Column("banned_until", Moment),
    _text("ban_reason"),
)

# Documents from before the go-live that a migration asks for (R7). `basis` is what they were read with; `vat` holds the
# euros per VAT code. An agreed row is the permission to post a document that old (R9). No customers here.
past_document = Table(
    "past_document",
    metadata,
    _tenant(),
    Column("kind", Text, nullable=False),
    Column("shop_id", BigInteger, nullable=False),
    Column("order_id", BigInteger),
    _text("number"),
    Column("dated", Moment, nullable=False),
    Column("basis", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("read_at", Moment),
    _text("outcome"),
    _text("cause"),
    Column("said", Json, nullable=False, server_default="{}"),
    Column("total_incl", Amount),
    Column("vat", Json, nullable=False, server_default="[]"),
    Column("agreed_at", Moment),
    Column("taken_at", Moment),
    PrimaryKeyConstraint("tenant", "kind", "shop_id"),
    Index("past_document_by_date", "tenant", "kind", "dated", "shop_id"),
)

# What comparisons of shop and WeFact found (B5): counts and differences, without customers.
reconciliation = Table(
    "reconciliation",
    metadata,
    _tenant(),
    Column("at", Moment, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("counts", Json, nullable=False),
    Column("differences", Json, nullable=False),
    PrimaryKeyConstraint("tenant", "at"),
)

# Differences that a person accepted as they are, by a digest of all that is told of them.
accepted_difference = Table(
    "accepted_difference",
    metadata,
    _tenant(),
    Column("mark", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "mark"),
)

# Who may log in. A merchant logs in with a licence key, support with `name`; `password` is an Argon2id hash in PHC
# form, empty when none was set.
account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("name", Text, unique=True),
    _text("email"),
    Column("language", Text, nullable=False),
    _text("password"),
    _count("failures"),
    Column("locked_until", Moment),
    Column("created_at", Moment, nullable=False),
)

# One per webshop (T3). `shop` is the shop's address, by which a new installation finds its old records.
licence = Table(
    "licence",
    metadata,
    Column("tenant", Text, ForeignKey("tenant.id"), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("account", Text, ForeignKey("account.id"), nullable=False),
    _text("shop"),
    Column("created_at", Moment, nullable=False),
    Column("trial_until", Moment, nullable=False),
    Column("installed_at", Moment),
    Column("stopped_at", Moment),
    _text("stop_reason"),
    Column("hidden", Boolean, nullable=False),
    _text("extra_email"),
    _text("terms_version"),
    Column("terms_at", Moment),
    _text("progress"),
    Index("licence_by_account", "account"),
    Index("licence_by_shop", "shop"),
)

# A browser that is let in. The token itself is nowhere but in its cookie. `tenant` is the webshop it installs.
web_session = Table(
    "web_session",
    metadata,
    Column("digest", Text, primary_key=True),
    _tenant(),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# What the app store handed over for a shop, until the merchant's browser comes (ccv-api 2.8). `sealed` holds the
# address to go back to.
handshake = Table(
    "handshake",
    metadata,
    Column("public", Text, primary_key=True),
    _tenant(),
    Column("sealed", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

# Questions and problems (T8). One problem of a cause is open at a time; `bundle` holds what answers it, without
# customers and keys.
ticket = Table(
    "ticket",
    metadata,
    _tenant(),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("document_id", Text),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("bundle", Json, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    _text("answer"),
    _text("answered_by"),
    Column("answered_at", Moment),
    Column("mailed_at", Moment),
    PrimaryKeyConstraint("tenant", "number"),
    Index(
        "ticket_of_cause", "tenant", "cause", unique=True,
        sqlite_where=text("kind = 'problem' AND state <> 'closed'"),
        postgresql_where=text("kind = 'problem' AND state <> 'closed'"),
    ),
)  # fmt: skip

# Invoices of the subscription, for download (T7).
subscription_document = Table(
    "subscription_document",
    metadata,
    _tenant(),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("dated", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "number"),
)

# Until when the mails about errors told everything (R10).
digest_mail = Table(
    "digest_mail",
    metadata,
    Column("tenant", Text, ForeignKey("tenant.id"), primary_key=True),
    Column("told_until", Moment, nullable=False),
)

migration = Table(
    "migration",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)
