"""What the lists of documents share: the line with search and period, and a table that is read page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from mapper.errors import MapperError
from tui import amounts
from tui import period as periods
from tui.dialogs import Ask, Choose, ask
from tui.face import Face, TabBody
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


class FilterLine(Face, Horizontal):
    """Search and period of a list."""

    @dataclass
    class Changed(Message):
        """Search or period is another."""

        search: str
        period: Period

    class Arrow(Static):
        """‹ or ›."""

        def __init__(self, by: int) -> None:
            super().__init__("‹" if by < 0 else "›", classes="arrow", markup=False)
            self._by = by

        def on_click(self) -> None:
            """Go to the period before or after."""
            line = self.parent
            assert isinstance(line, FilterLine)
            line.move(self._by)

    def __init__(self, name: str, default: Period) -> None:
        super().__init__(classes="filters")
        self._called = name
        self._default = default
        self.period = default
        self._timer_due = 0

    @property
    def search(self) -> str:
        """Return what is searched for."""
        return self.query_one(Input).value

    def compose(self) -> ComposeResult:
        """Lay out the field, the arrows and the period."""
        memory = self.mapper.memory
        self.period = periods.read(memory.get(f"{self._called}.period")) or self._default
        yield Static("/", classes="slash", markup=False)
        yield Input(
            memory.get(f"{self._called}.search")[:100],
            placeholder=self.t("Search: number, customer or e-mail"),
            compact=True,
            classes="-filter",
            max_length=100,
        )
        yield self.Arrow(-1)
        yield Static("", id="period", markup=False)
        yield self.Arrow(1)

    def on_mount(self) -> None:
        """Show the period."""
        self._show()

    def move(self, by: int) -> None:
        """Go to the period before or after."""
        self.put(self.period.moved(by))

    def put(self, period: Period) -> None:
        """Take another period."""
        if period != self.period:
            self.period = period
            self._show()
            self._tell()

    def find(self, text: str) -> None:
        """Search for a text in all there is."""
        with self.prevent(Input.Changed):
            self.query_one(Input).value = text
        self.period = Period("all")
        self._show()
        self._tell()

    @work(exclusive=True, group="ask")
    async def choose(self) -> None:
        """Ask for the kind of period, and for the days of one's own."""
        words = {
            "month": self.t("By month"),
            "quarter": self.t("By quarter"),
            "year": self.t("By year"),
            "all": self.t("All there is"),
            "days": self.t("From a day to a day"),
        }
        options = [(kind, words[kind]) for kind in periods.KINDS]
        kind = await ask(self.app, Choose(self.t("Period"), options, chosen=self.period.kind))
        if kind == "days":
            wanted = Ask(
                self.t("Period"),
                self.t("Both days are part of it."),
                label=self.t("From and to, such as 2026-01-01 2026-03-31"),
            )
            days = [periods.day_of(one) for one in (await ask(self.app, wanted) or "").split()]
            if len(days) == 2 and days[0] and days[1] and days[0] <= days[1]:
                self.put(Period("days", 0, days[0], days[1]))
            elif days:
                self.app.notify(self.t("These are no two days in order."), severity="warning", markup=False)
        elif kind is not None:
            self.put(Period(next(one for one in periods.KINDS if one == kind)))

    @on(Input.Changed)
    def _later(self, event: Input.Changed) -> None:
        event.stop()
        self._wait()

    @work(exclusive=True, group="typing")
    async def _wait(self) -> None:
        await asyncio.sleep(0.15)
        self._tell()

    @on(Input.Submitted)
    def _leave(self, event: Input.Submitted) -> None:
        event.stop()
        tab = next((one for one in self.ancestors if isinstance(one, TabBody)), None)
        if tab is not None:
            tab.arrive()

    @on(events.Click, "#period")
    def _clicked(self) -> None:
        self.choose()

    def _show(self) -> None:
        today = self.session.now().astimezone(self.mapper.shown.zone).date()
        title = self.period.title(today, self.session.language, all_words=self.t("all there is"))
        self.query_one("#period", Static).update(Text(title))
        self.set_class(self.period.kind in {"all", "days"}, "-still")

    def _tell(self) -> None:
        self.mapper.memory.put(f"{self._called}.search", self.search)
        self.mapper.memory.put(f"{self._called}.period", self.period.written())
        self.post_message(self.Changed(self.search, self.period))


class DocumentTable(Face, Records):
    """Documents, newest first: pages of 100 are read as the cursor or the wheel comes to the end of what is there."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "mark", "Mark", show=False)]

    def __init__(
        self, columns: Sequence[Column], row_of: Callable[[Document, Reason], Row], *, id: str
    ) -> None:
        super().__init__(columns, id=id)
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
            self.tell(f"{error.code}: {error.message(self.session.language)}")
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
        return self.t("None.")

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
