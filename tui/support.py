"""Report problem and Ask us (T8): a ticket with what is needed to answer it, and without personal data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mapper.diagnostics import printable
from tui import amounts
from tui.dialogs import Ask, Told, ask
from tui.document import joined
from tui.face import Face

if TYPE_CHECKING:
    from mapper.store.rows import Ticket


async def ask_us(face: Face) -> None:
    """Ask for a question, and send it. Call it in a worker."""
    t = face.t
    told = t("We answer by mail, and under Profile. Do not put passwords or keys in it.")
    text = await ask(face.app, Ask(t("Ask us"), told, label=t("Your question")))
    if text:
        from mapper import ticketing

        session = face.session
        made = await face.attempt(
            ticketing.ask,
            session.database,
            session.tenant,
            subject=text[:80],
            text=text,
            who=session.who,
            now=session.now(),
        )
        _tell(face, made)


async def report_problem(face: Face, document_id: str) -> None:
    """Ask what was tried, and send it with all that is known of the document. Call it in a worker."""
    t = face.t
    told = t(
        "Everything needed to look into {document} goes along, without the customer's data.",
        document=document_id,
    )
    label = t("What did you try, what do you expect?")
    text = await ask(face.app, Ask(t("Report problem"), told, label=label))
    if text:
        from mapper import ticketing

        session = face.session
        made = await face.attempt(
            ticketing.report_problem,
            session.database,
            session.tenant,
            document_id,
            text=text,
            who=session.who,
            now=session.now(),
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
    return Told(printable(f"{ticket.number}: {ticket.subject}", 80), body)
