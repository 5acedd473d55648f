"""What is mailed: tickets to support, answers to merchants, and the digest of what stopped or waits (R10).

A mail that cannot be handed in stays to be sent. Nothing in a mail names a customer.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mapper.diagnostics import printable
from mapper.errors import Language, MapperError
from mapper.mailing import Mail, Mailer
from mapper.money import dumps
from mapper.phrases import dutch
from mapper.store import accounts, digests, licences, tenants, tickets
from mapper.store.database import Database
from mapper.store.rows import Document, Ticket
from mapper.wording import reason_of

WAITS = timedelta(days=1)
LISTED = 50

_log = logging.getLogger("mapper.processing")

_WORDS = {
    "ticket": ("[{tenant} #{number}] {subject}", "[{tenant} #{number}] {subject}"),
    "answer": ("Answer to your question: {subject}", "Antwoord op uw vraag: {subject}"),
    "digest": ("{tenant}: {errors} stopped, {waiting} waiting", "{tenant}: {errors} gestopt, {waiting} wachtend"),
    "errors": ("Stopped since the last mail:", "Gestopt sinds de vorige mail:"),
    "waiting": ("Waiting for more than a day:", "Wacht langer dan een dag:"),
    "more": ("and {count} more", "en nog {count}"),
    "look": (
        "Look at them in the dashboard, tabs Errors and Open.",
        "Bekijk ze op het dashboard, tabs Fouten en Open.",
    ),
}  # fmt: skip


def send_tickets(database: Database, mailer: Mailer, *, now: datetime) -> int:
    """Mail new tickets to support and new answers to their merchants; return how many were handed in."""
    with database.read() as conn:
        letters = [(ticket, _letter(conn, mailer, ticket)) for ticket in tickets.unmailed(conn)]
    sent = 0
    for ticket, mail in letters:
        if mail.to and not _handed_in(mailer, mail, ticket.tenant):
            continue
        with database.begin() as conn:
            tickets.mark_mailed(conn, ticket.tenant, ticket.number, now=now)
        sent += bool(mail.to)
    return sent


def send_digests(database: Database, mailer: Mailer, *, now: datetime) -> int:
    """Mail each merchant, once, what stopped since the last mail and what came to wait for more than a day (R10)."""
    with database.read() as conn:
        chosen = [one.id for one in tenants.everyone(conn) if one.pause_reason not in tenants.STANDSTILLS]
    return sum(_send_digest(database, mailer, tenant, now=now) for tenant in chosen)


def _send_digest(database: Database, mailer: Mailer, tenant: str, *, now: datetime) -> bool:
    with database.read() as conn:
        told = digests.told_until(conn, tenant) or tenants.get(conn, tenant).created_at - WAITS
        errors = digests.stopped(conn, tenant, since=told, until=now)
        waiting = digests.waiting(conn, tenant, since=told - WAITS, until=now - WAITS)
        to, language = _merchant(conn, tenant)
        mail = _digest(conn, tenant, to, language, errors, waiting) if to and (errors or waiting) else None
    if mail is not None and not _handed_in(mailer, mail, tenant):
        return False
    with database.begin() as conn:
        digests.tell(conn, tenant, until=now)
    return mail is not None


def _digest(
    conn: Connection,
    tenant: str,
    to: list[str],
    language: Language,
    errors: tuple[Document, ...],
    waiting: tuple[Document, ...],
) -> Mail:
    lines: list[str] = []
    for heading, listed in (("errors", errors), ("waiting", waiting)):
        if listed:
            lines += [_word(heading, language), *(_line(conn, one, language) for one in listed[:LISTED])]
        if len(listed) > LISTED:
            lines.append(_word("more", language, count=len(listed) - LISTED))
        lines.append("")
    subject = _word("digest", language, tenant=tenant, errors=len(errors), waiting=len(waiting))
    return Mail(to, subject, "\n".join([*lines, _word("look", language), ""]))


def _line(conn: Connection, document: Document, language: Language) -> str:
    """Return a document with its code and remedy; the message could name the customer, the remedy cannot."""
    reason = reason_of(conn, document, language)
    cause = dutch(document.cause) if language == "nl" else document.cause
    return printable(
        f"- {document.number or document.id}: {cause or document.state}. {reason.remedy}", 400
    ).rstrip()


def _letter(conn: Connection, mailer: Mailer, ticket: Ticket) -> Mail:
    to, language = _merchant(conn, ticket.tenant)
    facts = {"tenant": ticket.tenant, "number": ticket.number, "subject": ticket.subject}
    if ticket.state == "open":
        name = f"ticket-{ticket.tenant}-{ticket.number}.json"
        support = [mailer.support] if mailer.support else []
        subject = _word("ticket", "en", **facts)
        reply_to = to[0] if to else ""
        return Mail(support, subject, f"{ticket.text}\n", reply_to, (name, dumps(dict(ticket.bundle))))
    answered = to if ticket.answer else []
    return Mail(answered, _word("answer", language, **facts), f"{ticket.answer}\n", mailer.support)


def _merchant(conn: Connection, tenant: str) -> tuple[list[str], Language]:
    licence = licences.get(conn, tenant)
    account = accounts.get(conn, licence.account)
    language: Language = "en" if account.language == "en" else "nl"
    return list(dict.fromkeys(one for one in (account.email, licence.extra_email) if one)), language


def _handed_in(mailer: Mailer, mail: Mail, tenant: str) -> bool:
    try:
        mailer.send(mail)
    except MapperError as error:
        _log.warning("a mail about %s could not be sent: %s", tenant, error.code)
        return False
    return True


def _word(name: str, language: Language, **facts: object) -> str:
    english, dutch_text = _WORDS[name]
    return (dutch_text if language == "nl" else english).format(**facts)
