"""What the tabs with lists of documents share: search, period, and a table that is read page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Input

from mapper.errors import MapperError
from tui import amounts
from tui.document import Brief, copy
from tui.face import Face, TabBody, told
from tui.filters import FilterLine
from tui.period import Period
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.store.rows import Document, State
    from mapper.wording import Reason

PAGE = 100
MOST_AGAIN = 1000
"""How many loaded rows are read again when something changed; who scrolled further sees it on the next visit."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which documents a table shows."""

    states: tuple[State, ...]
    period: Period
    search: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One page as it was read: each document with why it is where it is; `after` asks for the next."""

    documents: tuple[tuple[Document, Reason], ...]
    after: str | None
    total: int


class DocumentTable(Face, Records):
    """Documents, newest first: pages of 100 are read as the cursor or the wheel comes to the end of what is there."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "mark", "Mark", show=False)]

    def __init__(
        self, columns: Sequence[Column], row_of: Callable[[Document, Reason], Row], *, id: str
    ) -> None:
        super().__init__(columns, id=id)
        self.none = ""
        self._row_of = row_of
        self._query: Query | None = None
        self._after: str | None = None
        self._total = 0
        self._is_read = asyncio.Event()
        self.documents: dict[str, tuple[Document, Reason]] = {}

    @property
    def chosen(self) -> tuple[Document, Reason] | None:
        """Return the document of the cursor, with why it is where it is."""
        return self.documents.get(self.current.key) if self.current else None

    @property
    def wanted(self) -> list[str]:
        """Return the ids of the marked documents, else that of the cursor."""
        return self.marked or ([self.current.key] if self.current else [])

    def load(self, query: Query, *, again: bool = False) -> None:
        """Show other documents; `again` reads the same ones again."""
        if query != self._query:
            self._query, self._after, self._total = query, None, 0
            if not self.rows:
                self.tell(self.t("Reading…"))
            self.unmark_all()
            self._read(PAGE)
        elif again:
            self.reload()

    def reload(self) -> None:
        """Read again as many as are loaded; the cursor stays at its document."""
        if self._query is not None and len(self.rows) <= MOST_AGAIN:
            self._read(max(PAGE, len(self.rows)))

    async def until_read(self) -> None:
        """Wait while a page is read: what matters less comes after it."""
        await self._is_read.wait()

    def action_mark(self) -> None:
        """Mark the document, and go to the next."""
        if self.current is not None:
            self.mark(self.current.key)
            self.action_move(1)
            self._tell_total()

    @work(exclusive=True, group="page")
    async def _read(self, limit: int) -> None:
        self._is_read.clear()
        try:
            part = await self._part(None, limit)
        finally:
            self._is_read.set()
        if part is None:
            return
        self.documents = {document.id: (document, reason) for document, reason in part.documents}
        self._after, self._total = part.after, part.total
        self.show(self._made(part), note=self._none())
        self._tell_total()

    @on(Records.NearEnd)
    def _more(self) -> None:
        if self._after is not None:
            self._read_on()

    @work(exclusive=True, group="page")
    async def _read_on(self) -> None:
        after = self._after
        part = await self._part(after, PAGE)
        if part is None or after != self._after:
            return
        self.documents |= {document.id: (document, reason) for document, reason in part.documents}
        self._after, self._total = part.after, part.total
        self.append(self._made(part))
        self._tell_total()

    async def _part(self, after: str | None, limit: int) -> Part | None:
        assert self._query is not None
        try:
            return await asyncio.to_thread(self._page, self._query, after, limit)
        except MapperError as error:
            self.tell(told(error, self.session.language))
            return None

    def _page(self, query: Query, after: str | None, limit: int) -> Part:
        from mapper.store import listing
        from mapper.wording import reason_of

        session = self.session
        zone = self.mapper.shown.zone
        since, until = query.period.bounds(session.now().astimezone(zone).date(), zone)
        with session.database.read() as conn:
            page = listing.page(
                conn,
                session.tenant,
                states=query.states,
                since=since,
                until=until,
                search=query.search,
                cause=query.cause,
                after=after,
                limit=limit,
            )
            rows = tuple((one, reason_of(conn, one, session.language)) for one in page.documents)
            total = len(rows)
            if page.after is not None or after is not None:
                total = listing.count(
                    conn,
                    session.tenant,
                    states=query.states,
                    since=since,
                    until=until,
                    search=query.search,
                    cause=query.cause,
                )
        return Part(rows, page.after, total)

    def _made(self, part: Part) -> list[Row]:
        return [replace(self._row_of(*one), key=one[0].id) for one in part.documents]

    def _none(self) -> str:
        assert self._query is not None
        if self._query.search:
            return self.t("Nothing is found. Escape clears the search; d changes the period.")
        return self.none

    def _tell_total(self) -> None:
        language = self.session.language
        loaded, total = amounts.count(len(self.rows), language), amounts.count(self._total, language)
        told = (
            total
            if len(self.rows) >= self._total
            else self.t("{loaded} of {total}", loaded=loaded, total=total)
        )
        if self.marked:
            told = self.t("{marked} marked · {told}", marked=len(self.marked), told=told)
        self.border_subtitle = told


FILTERING: list[BindingType] = [
    Binding("slash", "search", "Search", id="search"),
    Binding("left_square_bracket", "period_by(-1)", "Earlier", show=False, id="period.before"),
    Binding("right_square_bracket", "period_by(1)", "Later", show=False, id="period.after"),
]


class ListTab(TabBody):
    """A tab with a line to filter by, a table of documents, and beside it what the one of the cursor is."""

    @property
    def table(self) -> DocumentTable:
        """Return the table."""
        return self.query_one(DocumentTable)

    @property
    def filters(self) -> FilterLine:
        """Return the line above it."""
        return self.query_one(FilterLine)

    def arrive(self) -> None:
        """Take the focus."""
        self.table.focus()

    def leave(self) -> None:
        """Leave the search field; with the focus elsewhere, clear the search."""
        field = self.filters.query_one(Input)
        if not field.has_focus:
            field.value = ""
        self.arrive()

    @on(FilterLine.Changed)
    def _filtered(self) -> None:
        self.read()

    @on(Records.Highlighted, "DocumentTable")
    def _highlighted(self) -> None:
        if (chosen := self.table.chosen) is not None:
            self.query_one(Brief).show(*chosen)
        else:
            self.query_one(Brief).clear()

    def action_search(self) -> None:
        """Go to the search field."""
        self.filters.query_one(Input).focus()

    def action_period(self) -> None:
        """Choose the period."""
        self.filters.choose()

    def action_period_by(self, by: int) -> None:
        """Go to the period before or after."""
        self.filters.move(by)

    def action_explain(self) -> None:
        """Open the document at all its fields, to explain one."""
        from tui.document_screen import DocumentScreen

        if (chosen := self.table.chosen) is not None:
            self.app.push_screen(DocumentScreen(chosen[0].id, part="fields"))

    def action_copy(self) -> None:
        """Copy the number."""
        if (chosen := self.table.chosen) is not None:
            copy(self, chosen[0].number or chosen[0].id)
