"""One document: what is kept of it, how it is told, and in brief beside a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from mapper.diagnostics import printable
from mapper.errors import Language
from tui import amounts
from tui.face import Face
from tui.session import Session

if TYPE_CHECKING:
    from mapper.store.rows import Document, JournalEntry, MappingResult, Operation, VatNumberCheck
    from mapper.wording import Reason

WEFACT = "https://www.mijnwefact.nl/"
"""Where people use WeFact. No source tells the address of one invoice's page."""

_PAIR_GAP = 2


@dataclass(frozen=True, slots=True)
class Whole:
    """A document with all that is kept of it; `journal` newest first."""

    document: Document
    reason: Reason
    mapped: MappingResult | None
    operations: tuple[Operation, ...]
    journal: tuple[JournalEntry, ...]
    checks: tuple[VatNumberCheck, ...]

    @property
    def lines(self) -> Sequence[Mapping[str, Any]]:
        """Return the lines of the mapped document."""
        return (self.mapped.document or {}).get("lines", ()) if self.mapped else ()


def whole(session: Session, document_id: str) -> Whole:
    """Read a document whole. Raises UsageError STO111 when there is none of that id."""
    from mapper.store import documents, journal, operations, payloads, vat_numbers
    from mapper.wording import reason_of

    tenant = session.tenant
    with session.database.read() as conn:
        document = documents.get(conn, tenant, document_id)
        return Whole(
            document,
            reason_of(conn, document, session.language),
            payloads.mapping(conn, tenant, document_id),
            operations.of_document(conn, tenant, document_id),
            journal.entries(conn, tenant, document_id=document_id)[::-1],
            vat_numbers.checks(conn, tenant, document_id),
        )


def titled(found: Whole, session: Session) -> Text:
    """Return the title of a screen about one document: kind, number, customer, total and state, safe to draw."""
    document, t = found.document, session.t
    total = amounts.money(document.total_incl, document.currency, session.language)
    title = (
        f"{t(document.kind.capitalize())} {document.number or document.id} · {document.customer} · {total}"
    )
    return Text(printable(f"{title} · {t(document.state)}", 150))


def pairs(rows: Sequence[tuple[str, str]], *, width: int = 0) -> Text:
    """Return labels with their values under each other; empty ones are left out. All of it plain text."""
    kept = [(label, value) for label, value in rows if value]
    widest = max([width, *(len(label) for label, _ in kept)], default=0)
    told = Text()
    for number, (label, value) in enumerate(kept):
        told.append("\n" if number else "")
        told.append(label.ljust(widest + _PAIR_GAP), "dim")
        told.append(printable(value, 300))
    return told


def joined(*parts: Text | str) -> Text:
    """Return texts under each other, an empty line between them; empty ones are left out."""
    told = Text()
    for part in parts:
        text = Text(printable(part, 2000)) if isinstance(part, str) else part
        if text:
            told.append("\n\n" if told else "")
            told.append_text(text)
    return told


class Brief(Face, VerticalScroll, can_focus=False):
    """What a document is, beside the list it is in."""

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static("", markup=False)

    def clear(self) -> None:
        """Show nothing."""
        self.query_one(Static).update("")

    def show(self, document: Document, reason: Reason) -> None:
        """Show a document: what is known at once, and a moment later its lines."""
        self.query_one(Static).update(joined(*self._parts(document, reason)))
        self._complete(document.id)

    def _parts(self, document: Document, reason: Reason) -> tuple[Text, Text]:
        """Return what is known of it and why it is where it is; of what stopped or waits the reason first."""
        facts, why = self.facts(document), self.why(document, reason)
        return (facts, why) if document.state == "done" else (why, facts)

    @work(exclusive=True, group="brief")
    async def _complete(self, document_id: str) -> None:
        found = await self.attempt(whole, self.session, document_id)
        if found is not None and self.query(Static):
            parts = self._parts(found.document, found.reason)
            self.query_one(Static).update(joined(*parts, self.lines(found)))

    def facts(self, document: Document) -> Text:
        """Return what the lists know of it."""
        t, language, zone = self.t, self.session.language, self.mapper.shown.zone
        title = Text(
            printable(f"{t(document.kind.capitalize())} {document.number or document.id}", 80), "bold"
        )
        told = pairs(
            (
                (t("Customer"), document.customer),
                (t("Date"), amounts.moment(document.dated, zone)),
                (t("Total"), amounts.money(document.total_incl, document.currency, language)),
                (t("State"), t(document.state)),
                (t("Invoice"), document.code),
                (t("WeFact id"), document.identifier),
                (t("Done"), amounts.moment(document.done_at, zone)),
                (
                    t("Again at"),
                    amounts.moment(document.next_at, zone) if document.state == "waiting" else "",
                ),
                (t("Tries"), str(document.attempts) if document.attempts > 1 else ""),
                (t("Changed"), self._drift(document)),
            )
        )
        return Text("\n").join([title, told])

    def _drift(self, document: Document) -> str:
        at = amounts.moment(document.drift_at, self.mapper.shown.zone)
        return self.t("in the shop since, at {at}", at=at) if at else ""

    def why(self, document: Document, reason: Reason) -> Text:
        """Return why it is where it is."""
        told = Text()
        if reason.said:
            told.append(f"{document.cause}  " if is_code(document.cause) else "", "bold")
            told.append(printable(reason.said, 800))
        if reason.remedy:
            told.append("\n→ ", "bold")
            told.append(printable(reason.remedy, 800))
        return told

    def lines(self, found: Whole) -> Text:
        """Return its lines in short."""
        language, told = self.session.language, Text()
        for number, line in enumerate(found.lines[:12]):
            told.append("\n" if number else "")
            told.append(printable(line_title(line, language), 90))
        if len(found.lines) > 12:
            told.append("\n" + self.t("and {count} more lines", count=len(found.lines) - 12), "dim")
        return told


def is_code(cause: str) -> bool:
    """Tell whether a cause is a code (K3, WEF101); others are words already."""
    return cause.isalnum() and cause.isascii() and len(cause) <= 7


def coded(cause: str, said: str) -> str:
    """Return what is said of a cause, after its code when it has one."""
    return f"{cause}: {said}" if is_code(cause) and said else said or cause


def line_title(line: Mapping[str, Any], language: Language) -> str:
    """Return a line in short: amount, rate, what."""
    total = amounts.amount(Decimal(line["total_incl"]), language)
    rate = amounts.percent(Decimal(line["vat_percent"]), language)
    return f"{total:>10}  {rate:>6}  {line['description']}"


def copy(face: Face, text: str) -> None:
    """Copy a text to the clipboard, and say what."""
    face.app.copy_to_clipboard(text)
    face.mapper.tell(face.t("Copied: {text}", text=printable(text, 60)))


def browse(face: Face, document: Document) -> None:
    """Open WeFact, with the invoice's code in the clipboard: no source tells the address of an invoice's page."""
    wanted = document.code or document.identifier
    if not wanted:
        face.mapper.tell(face.t("It has no invoice in WeFact yet."), severity="warning")
        return
    face.app.copy_to_clipboard(wanted)
    face.app.open_url(WEFACT)
    face.mapper.tell(face.t("Copied {code}: search for it in WeFact.", code=printable(wanted, 60)))
