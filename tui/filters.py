"""The line over a list of documents: what is searched for, and in which period."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from tui import period as periods
from tui.dialogs import Ask, Choose, ask
from tui.face import Face, TabBody
from tui.period import Period


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
