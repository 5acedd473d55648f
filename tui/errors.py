"""Errors: what stopped, grouped by cause, and the way out of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from tui import amounts, causes
from tui.document import Brief, copy
from tui.document_screen import DocumentScreen
from tui.face import TabBody
from tui.lists import DocumentTable, FilterLine, Query
from tui.more_info import MoreInfo, go_to_setting
from tui.period import Period
from tui.processing import ignore, process
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.store.rows import Cause, Document, State
    from mapper.wording import Reason

_ALL = "all"
_STOPPED: tuple[State, ...] = ("error",)


class Errors(TabBody):
    """The tab."""

    NAME = "errors"
    HELP_TEXT = (
        "What stopped before anything wrong could be posted, grouped by cause. Choose a cause above, then a "
        "document below. Enter gives more information: the cause, where in the order it lies, and what to do."
        " Mend it in the shop, in WeFact or in Configuration, then Process: it shows first what would be "
        "posted. Space marks several; P takes all of a cause. Ignore leaves a document alone for good, with a"
        " reason."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "process", "Process", id="errors.process"),
        Binding("P", "process_all", "Process all of the cause", show=False, id="errors.process_all"),
        Binding("i", "ignore", "Ignore", id="errors.ignore"),
        Binding("s", "setting", "Setting", id="errors.setting"),
        Binding("r", "report", "Report problem", id="errors.report"),
        Binding("space", "nothing", "Mark", show=False, id="errors.mark"),
        Binding("x", "explain", "Explain", show=False, id="errors.explain"),
        Binding("y", "copy", "Copy", show=False, id="errors.copy"),
        Binding("tab", "other", "Causes ⇄ documents", show=False, id="errors.other", priority=True),
    ]

    def compose(self) -> ComposeResult:
        """Lay out filters, causes, documents and what is chosen."""
        t = self.t
        yield FilterLine("errors", Period("all"))
        with Horizontal(classes="halves"):
            with Vertical(classes="left"):
                yield Records(
                    (
                        Column(t("Count"), 6, right=True),
                        Column(t("Cause"), 7),
                        Column(t("What"), 24, grow=1),
                        Column(t("Newest"), 16, spare=1),
                    ),
                    id="causes",
                )
                yield DocumentTable(
                    (
                        Column(t("Number"), 10),
                        Column(t("Customer"), 14, grow=1),
                        Column(t("Total"), 13, right=True),
                        Column(t("Cause"), 7),
                        Column(t("Date"), 16, spare=1),
                    ),
                    self._row,
                    id="errors-list",
                )
            yield Brief(classes="beside")

    def on_mount(self) -> None:
        """Name the parts."""
        self._causes.border_title = self.t("Causes")
        self._table.border_title = self.t("Documents")

    @property
    def _causes(self) -> Records:
        return self.query_one("#causes", Records)

    @property
    def _table(self) -> DocumentTable:
        return self.query_one(DocumentTable)

    def arrive(self) -> None:
        """Take the focus."""
        self._table.focus()

    def read(self) -> None:
        """Read causes and documents."""
        self._read_causes()

    @on(FilterLine.Changed)
    def _changed(self) -> None:
        self.read()

    @work(exclusive=True, group="causes")
    async def _read_causes(self) -> None:
        line = self.query_one(FilterLine)
        found = await self.attempt(self._grouped, line.period, line.search)
        if found is None:
            return
        language, zone = self.session.language, self.mapper.shown.zone
        total = sum(one.count for one in found)
        rows = (
            [Row(_ALL, (amounts.count(total, language), "", self.t("all causes"), ""))]
            if len(found) != 1
            else []
        )
        for one in found:
            title = self.t(causes.title(one.cause)) if causes.title(one.cause) else ""
            cells = (amounts.count(one.count, language), one.cause, title, amounts.moment(one.newest, zone))
            rows.append(Row(f"cause {one.cause}", cells, "bad"))
        self._causes.show(rows if found else [], note=self.t("Nothing stopped. All is well."))
        self._load(again=True)

    def _grouped(self, period: Period, search: str) -> tuple[Cause, ...]:
        from mapper.store import listing

        session, zone = self.session, self.mapper.shown.zone
        since, until = period.bounds(session.now().astimezone(zone).date(), zone)
        with session.database.read() as conn:
            return listing.causes(conn, session.tenant, since=since, until=until, search=search)

    @on(Records.Highlighted, "#causes")
    def _chosen_cause(self) -> None:
        self._load()

    def _load(self, *, again: bool = False) -> None:
        line, row = self.query_one(FilterLine), self._causes.current
        cause = row.key.removeprefix("cause ") if row is not None and row.key != _ALL else ""
        self._table.load(Query(_STOPPED, line.period, line.search, cause), again=again)

    @on(Records.Opened, "#causes")
    def _to_documents(self) -> None:
        self._table.focus()

    def _row(self, document: Document, reason: Reason) -> Row:
        language, zone = self.session.language, self.mapper.shown.zone
        return Row(
            document.id,
            (
                document.number or document.id,
                document.customer,
                amounts.money(document.total_incl, document.currency, language),
                document.cause,
                amounts.moment(document.dated, zone),
            ),
        )

    @on(Records.Highlighted, "#errors-list")
    def _highlighted(self) -> None:
        if (chosen := self._table.chosen) is not None:
            self.query_one(Brief).show(*chosen)
        else:
            self.query_one(Brief).clear()

    # actions

    def action_other(self) -> None:
        """Go from the causes to the documents, and back."""
        (self._causes if self._table.has_focus else self._table).focus()

    def action_nothing(self) -> None:
        """Mark is the table's own; this names it in the footer while the causes have the focus."""

    @on(Records.Opened, "#errors-list")
    def action_more(self) -> None:
        """Tell all about the document and what is wrong with it."""
        if (chosen := self._table.chosen) is not None:
            self.app.push_screen(MoreInfo(chosen[0].id))

    def action_process(self) -> None:
        """Process the marked documents, or that of the cursor."""
        process(self, self._table.wanted)

    def action_process_all(self) -> None:
        """Process all of the cause."""
        self._process_all()

    @work(exclusive=True, group="all")
    async def _process_all(self) -> None:
        row = self._causes.current
        if row is None:
            return
        line = self.query_one(FilterLine)
        cause = row.key.removeprefix("cause ") if row.key != _ALL else ""
        found = await self.attempt(self._ids, Query(_STOPPED, line.period, line.search, cause))
        process(self, found or [])

    def _ids(self, query: Query) -> list[str]:
        from mapper.store import listing

        session, zone = self.session, self.mapper.shown.zone
        since, until = query.period.bounds(session.now().astimezone(zone).date(), zone)
        with session.database.read() as conn:
            page = listing.page(
                conn,
                session.tenant,
                states=_STOPPED,
                since=since,
                until=until,
                search=query.search,
                cause=query.cause,
                limit=500,
            )
        return [document.id for document in page.documents]

    def action_ignore(self) -> None:
        """Ignore the marked documents, or that of the cursor."""
        ignore(self, self._table.wanted)

    @work(exclusive=True, group="ask")
    async def action_report(self) -> None:
        """Send support all that is needed to look into it."""
        from tui.support import report_problem

        if (chosen := self._table.chosen) is not None:
            await report_problem(self, chosen[0].id)

    def action_setting(self) -> None:
        """Go to the setting that mends it."""
        if (chosen := self._table.chosen) is not None:
            go_to_setting(self, *chosen)

    def action_explain(self) -> None:
        """Open the document at its fields."""
        if (chosen := self._table.chosen) is not None:
            self.app.push_screen(DocumentScreen(chosen[0].id, part="fields"))

    def action_copy(self) -> None:
        """Copy the number."""
        if (chosen := self._table.chosen) is not None:
            copy(self, chosen[0].number or chosen[0].id)
