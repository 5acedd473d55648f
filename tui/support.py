"""Report problem and Ask us (T8): a ticket with what is needed to answer it, and without personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from mapper.diagnostics import printable
from tui import amounts
from tui.dialogs import Ask, Told, ask
from tui.document import joined
from tui.face import Face
from tui.session import Session

if TYPE_CHECKING:
    from mapper.store.rows import Ticket

_FINDING_PARTS = ("id", "severity", "about", "rule")


def bundle(session: Session, document_id: str | None) -> dict[str, Any]:
    """Return what support needs to look into it: versions, state, cause, and of findings their ids and places."""
    from mapper import __version__
    from mapper.store import documents, payloads, tenants

    with session.database.read() as conn:
        told: dict[str, Any] = {
            "version": __version__,
            "settings": tenants.get(conn, session.tenant).settings_revision,
        }
        if document_id is None:
            return told
        document = documents.get(conn, session.tenant, document_id)
        mapped = payloads.mapping(conn, session.tenant, document_id)
    told |= {
        "document": document.id,
        "state": document.state,
        "cause": document.cause,
        "attempts": document.attempts,
        "payload": document.payload_hash,
    }
    if mapped is not None:
        findings = [{name: one.get(name) for name in _FINDING_PARTS} for one in mapped.findings]
        told |= {
            "rules": mapped.rules,
            "mapped_with_settings": mapped.settings_revision,
            "findings": findings,
        }
    return told


def open_ticket(
    session: Session, *, kind: str, subject: str, text: str, document_id: str | None = None, cause: str = ""
) -> Ticket:
    """Open a ticket; of a problem whose cause has an open one, return that one. Raises UsageError USE170."""
    from mapper.store import tickets

    told = bundle(session, document_id)
    with session.database.begin() as conn:
        return tickets.open_(
            conn,
            session.tenant,
            "problem" if kind == "problem" else "question",
            subject=subject,
            text=text,
            bundle=told,
            who=session.who,
            cause=cause,
            document_id=document_id,
            now=session.now(),
        )


async def ask_us(face: Face) -> None:
    """Ask for a question, and send it. Call it in a worker."""
    t = face.t
    told = t("We answer by mail, and under Profile. Do not put passwords or keys in it.")
    text = await ask(face.app, Ask(t("Ask us"), told, label=t("Your question")))
    if text:
        made = await face.attempt(open_ticket, face.session, kind="question", subject=text[:80], text=text)
        _tell(face, made)


async def report_problem(face: Face, document_id: str, cause: str) -> None:
    """Ask what was tried, and send it with all that is known of the document. Call it in a worker."""
    t = face.t
    told = t(
        "Everything needed to look into {document} goes along, without the customer's data.",
        document=document_id,
    )
    label = t("What did you try, what do you expect?")
    text = await ask(face.app, Ask(t("Report problem"), told, label=label))
    if text:
        made = await face.attempt(
            open_ticket,
            face.session,
            kind="problem",
            subject=f"{cause} {document_id}",
            text=text,
            document_id=document_id,
            cause=cause,
        )
        _tell(face, made)


def _tell(face: Face, made: Ticket | None) -> None:
    if made is not None:
        face.mapper.tell(
            face.t("Ticket {number}: {subject}", number=made.number, subject=printable(made.subject, 80))
        )


def ticket_text(face: Face, ticket: Ticket) -> Told:
    """Return a window with a ticket and its answer."""
    zone = face.mapper.shown.zone
    head = f"{face.t(ticket.state)} · {ticket.who} · {amounts.moment(ticket.at, zone)}"
    body = joined(Text(head, "dim"), ticket.text)
    if ticket.answer:
        answered = f"{ticket.answered_by} · {amounts.moment(ticket.answered_at, zone)}"
        body = joined(body, Text(face.t("Answer"), "bold"), Text(answered, "dim"), ticket.answer)
    facts = "\n".join(f"{name}: {_brief(value)}" for name, value in ticket.bundle.items())
    return Told(printable(f"{ticket.number}: {ticket.subject}", 80), joined(body, Text(facts, "dim")))


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one.get("id")) if isinstance(one, Mapping) else str(one) for one in value)
    return printable(str(value), 80)
