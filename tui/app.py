"""Report, Errors and Open in a terminal: read page by page from the database, the newest first.

Everything from a shop is shown as text objects, never as markup: a customer named `[bold]` must not format anything.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar
from zoneinfo import ZoneInfo

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Footer, Header, Input, Static, TabbedContent, TabPane

from mapper.diagnostics import printable
from mapper.errors import Language
from mapper.store import listing, tenants
from mapper.store.database import Database
from mapper.store.rows import Document, State
from mapper.wording import Reason, reason_of

PAGE = 100
_COLUMNS = ("Date", "Number", "Customer", "Total", "Invoice", "State")


@dataclass(frozen=True, slots=True)
class Part:
    """One page of a list as it is shown: each document with why it is where it is; `after` asks for the next."""

    rows: tuple[tuple[Document, Reason], ...]
    after: str | None


def read_part(
    database: Database,
    tenant: str,
    states: tuple[State, ...],
    *,
    search: str,
    after: str | None,
    language: Language,
) -> Part:
    """Read one page in one transaction."""
    with database.read() as conn:
        page = listing.page(conn, tenant, states=states, search=search, after=after, limit=PAGE)
        rows = tuple((document, reason_of(conn, document, language)) for document in page.documents)
    return Part(rows, page.after)


class DocumentList(Vertical):
    """A list of documents in some states; the next page is read when the cursor reaches the end of this one."""

    DEFAULT_CSS = """
    DocumentList DataTable { height: 1fr; }
    DocumentList Static { height: auto; max-height: 6; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, app: MapperApp, states: tuple[State, ...], *, id: str) -> None:
        super().__init__(id=id)
        self._owner = app
        self._states = states
        self._rows: list[tuple[Document, Reason]] = []
        self._after: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the table, and below it why the chosen document is where it is."""
        yield DataTable[Text](cursor_type="row", zebra_stripes=True)
        yield Static("", markup=False)

    def on_mount(self) -> None:
        """Read the first page."""
        self.table.add_columns(*_COLUMNS)
        self.reload()

    @property
    def table(self) -> DataTable[Text]:
        """The table itself."""
        return self.query_one(DataTable)

    def reload(self) -> None:
        """Read the list anew from its beginning."""
        self._read(None)

    @work(exclusive=True)
    async def _read(self, after: str | None) -> None:
        owner = self._owner
        part = await asyncio.to_thread(
            read_part,
            owner.database,
            owner.tenant,
            self._states,
            search=owner.search,
            after=after,
            language=owner.language,
        )
        if after is None:
            self._rows.clear()
            self.table.clear()
        self._rows += part.rows
        self._after = part.after
        for document, _ in part.rows:
            self.table.add_row(*_cells(document, owner.zone))
        if not self._rows:
            self.query_one(Static).update("None.")

    @on(DataTable.RowHighlighted)
    def _show(self, event: DataTable.RowHighlighted) -> None:
        if event.cursor_row < len(self._rows):
            document, reason = self._rows[event.cursor_row]
            said = " ".join(part for part in (document.cause and f"{document.cause}:", reason.said) if part)
            told = "\n".join(printable(line) for line in (said, reason.remedy) if line)
            self.query_one(Static).update(told)
        if event.cursor_row == len(self._rows) - 1 and self._after is not None:
            self._read(self._after)


class MapperApp(App[None]):
    """The app for one webshop; it only reads."""

    TITLE = "CCV Shop → WeFact"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("r", "refresh", "Read again"),
        Binding("slash", "search", "Search"),
    ]

    def __init__(self, database: Database, tenant: str, language: Language = "en") -> None:
        super().__init__()
        self.database = database
        self.tenant = tenant
        self.language: Language = language
        self.search = ""
        with database.read() as conn:
            self.sub_title = printable(tenants.get(conn, tenant).name, 60)
            self.zone = ZoneInfo(tenants.settings(conn, tenant)["time_zone"])

    def compose(self) -> ComposeResult:
        """Lay out the search field and the three lists."""
        yield Header()
        yield Input(placeholder="Search in number, customer or e-mail")
        with TabbedContent(initial="report"):
            with TabPane("Report", id="report"):
                yield DocumentList(self, ("done",), id="report-list")
            with TabPane("Errors", id="errors"):
                yield DocumentList(self, ("error",), id="errors-list")
            with TabPane("Open", id="open"):
                yield DocumentList(self, ("open", "queued", "processing", "waiting"), id="open-list")
        yield Footer()

    def action_refresh(self) -> None:
        """Read all lists again."""
        for documents in self.query(DocumentList):
            documents.reload()

    def action_search(self) -> None:
        """Go to the search field."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _search(self, event: Input.Submitted) -> None:
        self.search = event.value
        self.action_refresh()


def _cells(document: Document, zone: ZoneInfo) -> list[Text]:
    total = "" if document.total_incl is None else f"{document.currency} {document.total_incl:.2f}"
    return [
        Text(document.dated.astimezone(zone).strftime("%Y-%m-%d %H:%M")),
        Text(printable(document.number, 40)),
        Text(printable(document.customer, 40)),
        Text(printable(total, 20), justify="right"),
        Text(printable(document.code or document.identifier, 40)),
        Text(document.state),
    ]
