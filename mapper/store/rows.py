"""What the queries return: one frozen value per row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

State = Literal["open", "queued", "processing", "done", "error", "waiting", "ignored"]
Kind = Literal["order", "invoice"]
OperationState = Literal["intended", "done", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Posting stands still since `at`, because of `reason`."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """One merchant. `process_from` is the go-live (R9); `mismatches` counts W19 failures in a row."""

    id: str
    name: str
    home_country: str
    created_at: datetime
    process_from: datetime
    settings_revision: int
    paused_at: datetime | None
    pause_reason: str
    mismatches: int
    signature_required: bool
    webhook_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """Who changed the settings, when, from what (None: the first) to what."""

    revision: int
    at: datetime
    who: str
    old: dict[str, Any] | None
    new: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook registered in the shop for one event, without its key."""

    event: str
    shop_webhook_id: int
    address: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Document:
    """An order or invoice of the shop and how far it came.

    `cause` is why it is where it is: a finding id or error code (error), what it waits for (waiting), the
    reason (ignored, open). `facts` fill the cause's texts. `identifier` and `code` are WeFact's. `again`
    counts the times it was deliberately let go a second time (R8) and belongs in the keys of its operations.
    """

    tenant: str
    id: str
    kind: Kind
    shop_id: int
    order_id: int | None
    state: State
    revision: int
    claimed_revision: int
    claimed_by: str
    attempts: int
    again: int
    deleted: bool
    next_at: datetime | None
    cause: str
    facts: Mapping[str, Any]
    ignored_by: str
    number: str
    order_number: str
    customer: str = field(repr=False)
    total_incl: Decimal | None
    currency: str
    identifier: str
    code: str
    payload_hash: str
    dated: datetime
    noted_at: datetime
    changed_at: datetime
    done_at: datetime | None
    drift_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `after` asks for the next part; None: this was the last."""

    documents: tuple[Document, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Documents in error for the same reason. `newest` is when the last one came."""

    cause: str
    count: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Turnover:
    """What the documents of a period come to in one country at one rate (percent), in euros."""

    country: str
    rate: Decimal
    documents: int
    excl: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class MappingResult:
    """What a payload was mapped to, with which rules and settings."""

    document_id: str
    payload_hash: str
    rules: str
    settings_revision: int
    document: dict[str, Any] | None = field(repr=False)
    requests: list[dict[str, Any]] = field(repr=False)
    findings: list[dict[str, Any]] = field(repr=False)
    trace: list[Any] = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """One time that rules were made the active ones, by `publish` or `rollback`."""

    number: int
    hash: str
    who: str
    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class OverlayChange:
    """One change of a tenant's overlay; an empty text is its removal."""

    number: int
    at: datetime
    who: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Adoption:
    """Which rules a running process uses; `refused` are newer ones that do not load there, and `reason` says why."""

    executor: str
    hash: str
    refused: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Operation:
    """One effect on a service: intended before the call, completed after it.

    `fresh` is true only for the caller whose `begin` made this attempt: only that caller may call without
    looking first. `token` is what the service can be searched for, `fingerprint` the hash of what was to be
    sent.
    """

    key: str
    document_id: str
    step: str
    token: str
    fingerprint: str
    state: OperationState
    attempt: int
    intent_at: datetime
    searches: int
    searched_at: datetime | None
    finished_at: datetime | None
    identifier: str
    code: str
    amount_incl: Decimal | None
    amount_tax: Decimal | None
    error: str
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event, chained to the one before by hash."""

    number: int
    at: datetime
    document_id: str | None
    event: str
    facts: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process that runs documents."""

    executor: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime


@dataclass(frozen=True, slots=True)
class Ban:
    """A service's firewall shut our address out until `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class VatNumberCheck:
    """What VIES said about a document's VAT number (prefix included), and to whom.

    `code` is VIES's word or ours; `first_asked_at` began this round of questions, `asked_at` is the latest of `asks`.
    """

    number: str = field(repr=False)
    state: Literal["valid", "invalid", "unknown"]
    code: str
    consultation: str
    requester: str
    first_asked_at: datetime
    asked_at: datetime
    asks: int


@dataclass(frozen=True, slots=True)
class PastDocument:
    """A document of the shop that a migration asks for, and what it would become.

    `outcome` is empty before it is read, then as `outcome.Stop` has it: `fail`, `open`, `ignore`; or `post`. `said` are
    message and remedy by language. `vat` is one object per VAT code: `code`, `percent`, and in euros `excl`, `tax`,
    `incl`. `agreed_at`: a person agreed to post it; `taken_at`: since then its work is the engine's.
    """

    kind: Kind
    shop_id: int
    order_id: int | None
    number: str
    dated: datetime
    basis: str
    seen_at: datetime
    read_at: datetime | None
    outcome: str
    cause: str
    said: Mapping[str, list[str]] = field(repr=False)
    total_incl: Decimal | None
    vat: list[dict[str, Any]]
    agreed_at: datetime | None
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hint:
    """What a webhook said: an event of a document. `body_hash` tells a delivery from the same one again."""

    tenant: str
    event: str
    body_hash: str
    shop_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What comparing shop and WeFact over `since` (included) to `until` found, as `reconcile.py` wrote it."""

    at: datetime
    since: datetime
    until: datetime
    counts: dict[str, Any]
    differences: list[dict[str, Any]]


Role = Literal["merchant", "support"]
LicenceState = Literal["installing", "trial", "active", "stopped"]
TicketKind = Literal["problem", "question"]
TicketState = Literal["open", "answered", "closed"]


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in. `name` is support's login name; a merchant logs in with the key of any of its licences."""

    id: str
    role: Role
    name: str | None
    email: str = field(repr=False)
    language: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Licence:
    """A webshop's licence (T3, T4). `hidden`: an old one that its merchant does not want to see any more.

    `progress` names the last page of the installation that its merchant finished.
    """

    tenant: str
    key: str = field(repr=False)
    account: str
    shop: str
    created_at: datetime
    trial_until: datetime
    installed_at: datetime | None
    stopped_at: datetime | None
    stop_reason: str
    hidden: bool
    extra_email: str = field(repr=False)
    terms_version: str
    terms_at: datetime | None
    progress: str

    def state(self, now: datetime) -> LicenceState:
        """Return whether it is being installed, on trial until the first of a month, active, or stopped."""
        if self.stopped_at is not None:
            return "stopped"
        if self.installed_at is None:
            return "installing"
        return "trial" if now < self.trial_until else "active"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A question, or a problem with a document (T8). `bundle` holds what answers it, redacted."""

    tenant: str
    number: int
    kind: TicketKind
    cause: str
    document_id: str | None
    subject: str = field(repr=False)
    text: str = field(repr=False)
    bundle: Mapping[str, Any] = field(repr=False)
    who: str
    at: datetime
    state: TicketState
    answer: str = field(repr=False)
    answered_by: str
    answered_at: datetime | None
    mailed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubscriptionDocument:
    """An invoice of the subscription (T7), without its content. `dated` is a day, `size` is in bytes."""

    number: int
    name: str
    dated: str
    size: int
    who: str
    at: datetime
