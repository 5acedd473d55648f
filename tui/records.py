"""A table that fills its width, scrolls over any number of rows, and draws only those in view.

Cells are plain text: nothing in them is markup, and no control character of theirs reaches the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events, on
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mapper.diagnostics import printable

LONGEST = 200
GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its width in cells, how much of the spare width it takes, and how dear it is when there is too little.

    Columns of the highest `spare` are left out first; those of 0 always stay.
    """

    title: str
    width: int
    grow: int = 0
    right: bool = False
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row, by a key that stays when the list is read again. `tone` names the look of its first cell.

    A `heading` is a title between rows that the cursor passes over.
    """

    key: str
    cells: tuple[str, ...]
    tone: str = ""
    heading: bool = False


class Records(ScrollView, can_focus=True):
    """The table. `show` and `append` fill it; the cursor stays at its key, or near it when that row is gone."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "records--titles",
        "records--row",
        "records--odd",
        "records--cursor",
        "records--cursor-away",
        "records--heading",
        "records--note",
        "records--good",
        "records--bad",
        "records--busy",
        "records--muted",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
        Binding("enter", "open", "Show"),
    ]

    cursor = reactive(-1, repaint=False)

    @dataclass
    class Highlighted(Message):
        """The cursor is on another row, or its row was read again; None: there is none."""

        records: Records
        row: Row | None

        @property
        def control(self) -> Records:
            """Return the table."""
            return self.records

    @dataclass
    class Opened(Message):
        """Enter, or a click on the row of the cursor."""

        records: Records
        row: Row

        @property
        def control(self) -> Records:
            """Return the table."""
            return self.records

    @dataclass
    class NearEnd(Message):
        """The cursor or the view comes to the end of what is loaded."""

        records: Records

        @property
        def control(self) -> Records:
            """Return the table."""
            return self.records

    def __init__(self, columns: Sequence[Column], *, note: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._rows: list[Row] = []
        self._marked: set[str] = set()
        self._note = note
        self._fitted: tuple[int, list[tuple[int, Column, int]]] = (-1, [])

    # what it shows

    @property
    def rows(self) -> Sequence[Row]:
        """Return the rows that are loaded."""
        return self._rows

    @property
    def current(self) -> Row | None:
        """Return the row of the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    @property
    def marked(self) -> list[str]:
        """Return the keys of the marked rows, in their order."""
        return [row.key for row in self._rows if row.key in self._marked]

    def show(self, rows: Iterable[Row], *, note: str = "") -> None:
        """Show other rows; the cursor stays at the row with its key. `note` stands where there is none."""
        key, place = (self.current.key if self.current else ""), max(self.cursor, 0)
        self._rows, self._note = list(rows), note
        self._marked &= {row.key for row in self._rows}
        found = next((number for number, row in enumerate(self._rows) if row.key == key), None)
        self._resize()
        self._put_cursor(found if found is not None else min(place, len(self._rows) - 1), again=True)

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows at the end."""
        self._rows += rows
        self._resize()

    def tell(self, note: str) -> None:
        """Say something in place of rows."""
        self._rows, self._note = [], note
        self._marked.clear()
        self._resize()
        self._put_cursor(-1, again=True)

    def mark(self, key: str, *, on: bool | None = None) -> None:
        """Mark a row, or take its mark away."""
        on = key not in self._marked if on is None else on
        (self._marked.add if on else self._marked.discard)(key)
        self.refresh()

    def unmark_all(self) -> None:
        """Take all marks away."""
        self._marked.clear()
        self.refresh()

    def go_to(self, key: str) -> bool:
        """Put the cursor on a row by its key; False when it is not loaded."""
        for number, row in enumerate(self._rows):
            if row.key == key:
                self._put_cursor(number)
                return True
        return False

    # moving

    def action_move(self, by: int) -> None:
        """Move the cursor, past headings."""
        target = self.cursor + by
        while 0 <= target < len(self._rows) and self._rows[target].heading:
            target += by
        if 0 <= target < len(self._rows):
            self._put_cursor(target)
        elif by < 0:
            self.scroll_to(y=0, animate=False)

    def action_page(self, by: int) -> None:
        """Move the cursor by what is in view."""
        height = max(1, self.size.height - 2)
        self._put_cursor(max(0, min(len(self._rows) - 1, self.cursor + by * height)), step=by)

    def action_jump(self, to: int) -> None:
        """Go to the first row, or to the last that is loaded."""
        self._put_cursor(0 if to == 0 else len(self._rows) - 1, step=1 if to == 0 else -1)

    def action_open(self) -> None:
        """Open the row of the cursor."""
        if self.current is not None and not self.current.heading:
            self.post_message(self.Opened(self, self.current))

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        number = event.y - 1 + round(self.scroll_y)
        if event.y < 1 or not 0 <= number < len(self._rows) or self._rows[number].heading:
            return
        if number == self.cursor:
            self.action_open()
        else:
            self._put_cursor(number)

    def _put_cursor(self, number: int, *, again: bool = False, step: int = 1) -> None:
        while 0 <= number < len(self._rows) and self._rows[number].heading:
            number += step
            if not 0 <= number < len(self._rows):
                number, step = (number - step, -step) if step < 0 else (-1, step)
                break
        if 0 <= number < len(self._rows) and self._rows[number].heading:
            number = next((n for n, row in enumerate(self._rows) if not row.heading), -1)
        if number == self.cursor and not again:
            return
        self.cursor = number
        self.refresh()
        if number >= 0:
            top = 0 if number <= 1 else number
            self.scroll_to_region(
                Region(0, top, 1, 2 + number - top), animate=False, force=True, immediate=True
            )
        row = self.current
        self.post_message(self.Highlighted(self, row))
        if self._rows and number >= len(self._rows) - max(1, self.size.height):
            self.post_message(self.NearEnd(self))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for more rows when the wheel comes to the end of those there are."""
        super().watch_scroll_y(old_value, new_value)
        if new_value > old_value and new_value + 2 * self.size.height >= len(self._rows):
            self.post_message(self.NearEnd(self))

    # drawing

    def _resize(self) -> None:
        self.virtual_size = Size(max(1, self.size.width), len(self._rows) + 1)
        self.refresh()

    def on_resize(self) -> None:
        """Fit the columns to another width."""
        self._resize()

    def render_line(self, y: int) -> Strip:
        """Draw one line: the titles, a row, or the note where there is no row."""
        width = self.size.width
        if y == 0:
            return self._strip([column.title for column in self._columns], "records--titles", " ")
        number = y - 1 + round(self.scroll_y)
        if number < len(self._rows):
            return self._row(number)
        style = self.get_component_rich_style("records--note")
        lines = self._note.split("\n")
        if not self._rows and 2 <= y < 2 + len(lines):
            return Strip(
                [Segment(set_cell_size("  " + printable(lines[y - 2], LONGEST), width), style)], width
            )
        return Strip([Segment(" " * width, self.rich_style)], width)

    def _row(self, number: int) -> Strip:
        row = self._rows[number]
        if row.heading:
            text = set_cell_size(" " + printable(row.cells[0], LONGEST), self.size.width)
            return Strip([Segment(text, self.get_component_rich_style("records--heading"))], self.size.width)
        look = "records--odd" if number % 2 else "records--row"
        mark = "●" if row.key in self._marked else " "
        if number == self.cursor:
            look = "records--cursor" if self.has_focus else "records--cursor-away"
            mark = "◉" if row.key in self._marked else "▸"
        return self._strip(row.cells, look, mark, row.tone)

    def _strip(self, cells: Sequence[str], look: str, mark: str, tone: str = "") -> Strip:
        width = self.size.width
        style = self.get_component_rich_style(look)
        toned = style
        if tone and "cursor" not in look:
            toned = style + self.get_component_rich_style(f"records--{tone}", partial=True)
        parts, used = [Segment(mark + " ", style)], 2
        for number, (place, column, size) in enumerate(self._fit(width)):
            gap = GAP if number else 0
            text = fitted(cells[place] if place < len(cells) else "", size, right=column.right)
            parts += [Segment(" " * gap, style), Segment(text, toned if place == 0 else style)]
            used += gap + size
        parts.append(Segment(" " * max(0, width - used), style))
        return Strip(parts).crop(0, width)

    def _fit(self, width: int) -> list[tuple[int, Column, int]]:
        """Return the columns that are shown, each with its number and its width."""
        if self._fitted[0] == width:
            return self._fitted[1]
        shown = list(enumerate(self._columns))
        room = width - 3

        def needed() -> int:
            return sum(column.width for _, column in shown) + GAP * (len(shown) - 1)

        while needed() > room and (dearest := max((column.spare for _, column in shown), default=0)):
            last = max(place for place, column in shown if column.spare == dearest)
            shown = [(place, column) for place, column in shown if place != last]
        spare = room - needed()
        shares = sum(column.grow for _, column in shown) or 1
        sized = [
            (place, column, max(1, column.width + spare * column.grow // shares)) for place, column in shown
        ]
        self._fitted = (width, sized)
        return sized


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Return text from anywhere as exactly `width` cells of a terminal; what is cut ends with …."""
    safe = printable(text, LONGEST)
    if cell_len(safe) > width:
        safe = set_cell_size(safe, max(0, width - 1)).rstrip() + "…"
    gap = " " * (width - cell_len(safe))
    return gap + safe if right else safe + gap


def dated_tones(state: str) -> str:
    """Return the look of a document's state; the state is told in words as well."""
    return _TONES.get(state, "")


_TONES: Mapping[str, str] = {
    "done": "good",
    "error": "bad",
    "waiting": "busy",
    "processing": "busy",
    "queued": "busy",
    "ignored": "muted",
    "open": "muted",
}
