"""Open: what is on its way, why it waits and until when; and what is ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from tui import amounts
from tui.document import Brief, copy
from tui.document_screen import DocumentScreen
from tui.face import TabBody
from tui.lists import DocumentTable, FilterLine, Query
from tui.period import Period
from tui.processing import ignore, process
from tui.records import Column, Records, Row, dated_tones

if TYPE_CHECKING:
    from mapper.processing.sweep import SweepReport
    from mapper.store.rows import Document, State
    from mapper.wording import Reason

_UNDER_WAY: tuple[State, ...] = ("open", "queued", "processing", "waiting")


class Open(TabBody):
    """The tab."""

    NAME = "open"
    HELP_TEXT = (
        "Orders and invoices that are not processed yet: not in the right status in the shop, in the queue, "
        "or waiting for a service, with the time of the next try. Every night their status is looked at again"
        " by itself; r does that now. Process fetches one at once and shows what would be posted, also of "
        "before the go-live. v shows what is ignored instead; Process takes one of those up again."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "process", "Process now", id="open.process"),
        Binding("r", "refresh", "Refresh", id="open.refresh"),
        Binding("v", "ignored", "Ignored ⇄ open", id="open.ignored"),
        Binding("i", "ignore", "Ignore", id="open.ignore"),
        Binding("x", "explain", "Explain", show=False, id="open.explain"),
        Binding("y", "copy", "Copy", show=False, id="open.copy"),
    ]

    shows_ignored = False

    def compose(self) -> ComposeResult:
        """Lay out filters, the list and what is chosen."""
        t = self.t
        yield FilterLine("open", Period("all"))
        with Horizontal(classes="halves"):
            yield DocumentTable(
                (
                    Column(t("State"), 13),
                    Column(t("Number"), 10),
                    Column(t("Customer"), 14, grow=2, spare=1),
                    Column(t("Total"), 12, right=True, spare=3),
                    Column(t("Why"), 18, grow=3),
                    Column(t("Again at"), 16),
                    Column(t("Date"), 16, spare=2),
                ),
                self._row,
                id="open-list",
            )
            yield Brief(classes="beside")

    def on_mount(self) -> None:
        """Name the table."""
        self._retitle()

    def _retitle(self) -> None:
        self._table.border_title = self.t("Ignored") if self.shows_ignored else self.t("On their way")

    @property
    def _table(self) -> DocumentTable:
        return self.query_one(DocumentTable)

    def arrive(self) -> None:
        """Take the focus."""
        self._table.focus()

    def read(self) -> None:
        """Read the list."""
        line = self.query_one(FilterLine)
        states: tuple[State, ...] = ("ignored",) if self.shows_ignored else _UNDER_WAY
        self._table.load(Query(states, line.period, line.search), again=True)

    @on(FilterLine.Changed)
    def _changed(self) -> None:
        self.read()

    def _row(self, document: Document, reason: Reason) -> Row:
        language, zone = self.session.language, self.mapper.shown.zone
        return Row(
            document.id,
            (
                self.t(document.state),
                document.number or document.id,
                document.customer,
                amounts.money(document.total_incl, document.currency, language),
                reason.said,
                amounts.moment(document.next_at, zone),
                amounts.moment(document.dated, zone),
            ),
            dated_tones(document.state),
        )

    @on(Records.Highlighted, "#open-list")
    def _highlighted(self) -> None:
        if (chosen := self._table.chosen) is not None:
            self.query_one(Brief).show(*chosen)
        else:
            self.query_one(Brief).clear()

    @on(Records.Opened, "#open-list")
    def action_open(self) -> None:
        """Open the document whole."""
        if (chosen := self._table.chosen) is not None:
            self.app.push_screen(DocumentScreen(chosen[0].id))

    def action_process(self) -> None:
        """Process the marked documents, or that of the cursor."""
        process(self, self._table.wanted)

    def action_ignore(self) -> None:
        """Ignore the marked documents, or that of the cursor."""
        ignore(self, self._table.wanted)

    def action_ignored(self) -> None:
        """Show what is ignored, or what is on its way."""
        self.shows_ignored = not self.shows_ignored
        self._retitle()
        self.read()

    def action_refresh(self) -> None:
        """Look in the shop for what its webhooks lost, and at the status of every open document."""
        self.mapper.tell(self.t("Looking in the shop…"))
        self._sweep()

    @work(exclusive=True, group="sweep")
    async def _sweep(self) -> None:
        report = await self.attempt(self._swept)
        if report is not None:
            count = amounts.count(report.dispatched, self.session.language)
            self.mapper.tell(self.t("Looked in the shop: {count} go on.", count=count))
            await self.mapper.read_again()

    def _swept(self) -> SweepReport:
        from mapper.processing import actions

        session = self.session
        return actions.sweep(
            session.database, session.sealer(), session.tenant, now=session.now(), loopback=session.loopback
        )

    def action_explain(self) -> None:
        """Open the document at its fields."""
        if (chosen := self._table.chosen) is not None:
            self.app.push_screen(DocumentScreen(chosen[0].id, part="fields"))

    def action_copy(self) -> None:
        """Copy the number."""
        if (chosen := self._table.chosen) is not None:
            copy(self, chosen[0].number or chosen[0].id)
