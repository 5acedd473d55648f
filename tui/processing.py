"""Process and Ignore: what would be posted is shown first, long work has a bar and can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, ProgressBar, Static

from mapper.diagnostics import printable
from mapper.errors import MapperError, UsageError
from tui import amounts
from tui.dialogs import Ask, Confirm, Dialog, ask
from tui.document import coded, joined, line_title
from tui.face import Face
from tui.records import Column, Records, Row
from tui.session import Session
from tui.ways_out import settle

if TYPE_CHECKING:
    from mapper.processing.preview import Preview
    from mapper.store.rows import Document


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What processing a document would do: `would_post`, else `why` it would stop. `preview` is None on an error."""

    document: Document
    would_post: bool
    why: str
    remedy: str
    preview: Preview | None


def foresee(session: Session, document_id: str) -> Foreseen:
    """Fetch and map a document as `mapper process --dry-run` does."""
    from mapper.mapping import mapped_json
    from mapper.processing.preview import preview
    from mapper.store import documents
    from mapper.wording import reason

    with session.database.read() as conn:
        document = documents.get(conn, session.tenant, document_id)
    try:
        seen = preview(
            session.database,
            session.sealer(),
            session.tenant,
            document.shop_id,
            now=session.now(),
            kind=document.kind,
            loopback=session.loopback,
        )
    except MapperError as error:
        told = f"{error.code}: {error.message(session.language)}"
        return Foreseen(document, False, told, error.remedy(session.language), None)
    if seen.stop is None:
        return Foreseen(document, True, "", "", seen)
    findings = mapped_json(seen.mapped, session.language)["findings"]
    why = reason(seen.stop.cause, seen.stop.facts, findings, session.language)
    return Foreseen(document, False, coded(seen.stop.cause, why.said), why.remedy, seen)


class ProcessScreen(Dialog[int]):
    """Documents that somebody wants processed: first looked at one by one, then posted when the person agrees.

    The answer is how many went to the queue.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,j", "post", "Post", show=False),
        Binding("n", "dismiss(0)", "No", show=False),
    ]

    def __init__(self, documents: Sequence[str]) -> None:
        super().__init__()
        self._documents = list(documents)
        self._foreseen: list[Foreseen] = []
        self._ready = False

    def compose(self) -> ComposeResult:
        """Lay out the list, what is told of the row of the cursor, and the answers."""
        t = self.t
        with Vertical(classes="dialog -wide") as box:
            box.border_title = Text(t("Process: what would be posted"))
            yield ProgressBar(total=len(self._documents), show_eta=False, id="progress")
            yield Records(
                (
                    Column(t("Number"), 12),
                    Column(t("Customer"), 14, grow=1, spare=1),
                    Column(t("Total"), 13, right=True),
                    Column(t("Outcome"), 24, grow=3),
                ),
                id="foreseen",
            )
            yield Static("", id="told", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(Text(f"{t('Post')} (y)"), id="yes", variant="primary", disabled=True)
                yield Button(Text(f"{t('Cancel')} (Esc)"), id="no")

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(Records).tell(self.t("Fetching from the shop and mapping; nothing is posted yet…"))
        self._look()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        for document in self._documents:
            found = await self.attempt(foresee, self.session, document)
            if found is not None:
                self._foreseen.append(found)
            self.query_one(ProgressBar).advance(1)
            self.query_one(Records).show([self._row(one) for one in self._foreseen])
        self._ready = True
        count = len(self._fit)
        button = self.query_one("#yes", Button)
        button.label = Text(f"{self.t('Post {count}', count=count)} (y)")
        button.disabled = not count
        button.display = bool(count)
        self.query_one(ProgressBar).display = False
        self.query_one(Records).focus()

    @property
    def _fit(self) -> list[Foreseen]:
        return [one for one in self._foreseen if one.would_post]

    def _row(self, one: Foreseen) -> Row:
        document, language = one.document, self.session.language
        total, currency = document.total_incl, document.currency
        if one.preview is not None and one.preview.mapped.document:
            total, currency = (
                one.preview.mapped.document["total_incl"],
                one.preview.mapped.document["currency"],
            )
        sign = "✓ " + self.t("would be posted") if one.would_post else "✗ " + one.why
        cells = (
            document.number or document.id,
            document.customer,
            amounts.money(total, currency, language),
            sign,
        )
        return Row(document.id, cells, "good" if one.would_post else "bad")

    @on(Records.Highlighted)
    def _tell(self, event: Records.Highlighted) -> None:
        one = next((one for one in self._foreseen if event.row and one.document.id == event.row.key), None)
        if one is not None:
            self.query_one("#told", Static).update(self._told(one))

    def _told(self, one: Foreseen) -> Text:
        t, language = self.t, self.session.language
        if one.preview is None or not one.would_post:
            return joined(one.why, f"→ {one.remedy}" if one.remedy else "")
        document = one.preview.mapped.document or {}
        debtor = t("debtor {debtor}", debtor=one.preview.debtor) if one.preview.debtor else t("a new debtor")
        invoice = next(
            (request for request in one.preview.mapped.requests if request.name == "invoice"), None
        )
        if invoice is not None and str(invoice.params.get("Debtor", "")).isdigit():
            debtor = t("debtor {debtor}", debtor=str(invoice.params["Debtor"]))
        head = t("To {debtor}", debtor=debtor)
        if one.preview.begun:
            head += " · " + t("what an earlier try began is brought to its end")
        lines = [line_title(line, language) for line in document.get("lines", ())]
        more = [f"… +{len(lines) - 8}"] if len(lines) > 8 else []
        total = amounts.amount(Decimal(document.get("total_incl", 0)), language)
        findings = [
            f"{finding.id}: {finding.say.get(language) or finding.say.get('en', '')}"
            for finding in one.preview.mapped.findings
            if finding.severity == "warning"
        ]
        told = "\n".join(
            printable(line, 110) for line in [*lines[:8], *more, f"{total:>10}  {t('together')}"]
        )
        return joined(head, Text(told), Text(printable("  ".join(findings), 400)))

    @on(Button.Pressed, "#yes")
    def action_post(self) -> None:
        """Post those that would be posted."""
        if self._ready and self._fit:
            self._ready = False
            self._post()

    @on(Button.Pressed, "#no")
    def _leave(self) -> None:
        self.dismiss(0)

    @work(exclusive=True, group="post")
    async def _post(self) -> None:
        self.query_one("#yes", Button).disabled = True
        done = 0
        for one in self._fit:
            if await self.attempt(queue, self.session, one.document.id) is not None:
                done += 1
        self.dismiss(done)


def queue(session: Session, document_id: str) -> Document:
    """Have a document processed now. Raises what `actions.process` raises."""
    from mapper.processing import actions

    return actions.process(session.database, session.tenant, document_id, now=session.now(), who=session.who)


def is_running(session: Session) -> bool:
    """Tell whether a `mapper run` works on this database."""
    from mapper.store import heartbeats

    with session.database.read() as conn:
        return bool(heartbeats.alive(conn, now=session.now(), ttl=heartbeats.TTL))


def process(face: Face, documents: Sequence[str]) -> None:
    """Show what would be posted, post it when the person agrees, and say what happened."""
    if documents:
        face.run_worker(processed(face, documents), exclusive=True, group="process")


async def processed(face: Face, documents: Sequence[str]) -> bool:
    """Do as `process` does, in a worker, and tell whether anything was decided."""
    if len(documents) == 1 and (decided := await settle(face, documents[0])) is not None:
        return decided
    done = await ask(face.app, ProcessScreen(documents))
    if not done:
        return False
    face.mapper.tell(face.t("{count} to be processed now.", count=done))
    if face.mapper.shown.pause is not None:
        face.mapper.tell(face.t("Posting is paused: they wait until it is resumed."), severity="warning")
    elif await face.attempt(is_running, face.session) is False:
        face.mapper.tell(
            face.t("No `mapper run` works on this database now: it is done as soon as one is started."),
            severity="warning",
        )
    await face.mapper.read_again()
    return True


def ignore(face: Face, documents: Sequence[str]) -> None:
    """Leave documents alone from now on, with a reason."""
    if documents:
        face.run_worker(ignored(face, documents), exclusive=True, group="process")


async def ignored(face: Face, documents: Sequence[str]) -> bool:
    """Do as `ignore` does, in a worker, and tell whether any is left alone now."""
    from mapper.processing import actions

    session, t = face.session, face.t
    told = t("Left alone from now on, until Process takes it up again.")
    title = (
        t("Ignore {count} documents", count=len(documents))
        if len(documents) > 1
        else t("Ignore this document")
    )
    reason = await ask(face.app, Ask(title, told, label=t("Reason, such as: booked by hand")))
    if not reason:
        return False
    done = 0
    for document in documents:
        force = False
        while True:
            try:
                await asyncio.to_thread(
                    actions.ignore,
                    session.database,
                    session.tenant,
                    document,
                    reason=reason,
                    now=session.now(),
                    force=force,
                    who=session.who,
                )
                done += 1
            except UsageError as error:
                if error.code == "PRO306" and not force:
                    question = f"{error.message(session.language)}\n\n{error.remedy(session.language)}"
                    grave = Confirm(t("Ignore all the same?"), question, yes=t("Ignore"), is_grave=True)
                    force = await ask(face.app, grave) is True
                    if force:
                        continue
                else:
                    face.mapper.tell_error(error)
            except MapperError as error:
                face.mapper.tell_error(error)
            break
    if done:
        face.mapper.tell(t("{count} ignored: {reason}", count=done, reason=reason))
        await face.mapper.read_again()
    return done > 0
