"""What the newest documents asked of the tables of the rules; a value that no row is for becomes one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from mapper.diagnostics import printable
from tui import amounts
from tui.dialogs import Choose, Dialog, ask
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.authoring.census import Census, Table
    from mapper.diagnostics import Place

MOST_MISSED = 50


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to add to the table of keywords at a place: what has `word` gives `then`."""

    table: Place
    word: str
    then: str


class CensusScreen(Dialog[NewRow]):
    """The counts per table. Enter on a value that no row is for makes it a row; the answer is that row."""

    def __init__(self, found: Census) -> None:
        super().__init__()
        self._found = found
        self._missed: dict[str, tuple[Table, str]] = {}

    def compose(self) -> ComposeResult:
        """Lay out the counts."""
        t = self.t
        with Vertical(classes="dialog -wide -census") as box:
            count = amounts.count(sum(self._found.documents.values()), self.session.language)
            box.border_title = Text(t("What the newest {count} documents asked of the tables", count=count))
            box.border_subtitle = Text(t("Enter makes a value a row · Escape closes"))
            yield Records(
                (
                    Column("", 1),
                    Column(t("Row or value"), 24, grow=2),
                    Column(t("Documents"), 9, right=True),
                    Column(t("Gives"), 14, grow=1),
                    Column(t("Note"), 14, grow=1, spare=1),
                ),
                id="census",
            )

    def on_mount(self) -> None:
        """Show the counts."""
        records = self.query_one(Records)
        rows = [row for table in self._found.tables.values() for row in self._rows(table)]
        records.show(rows, note=self.t("No table was asked anything."))
        records.focus()

    def _rows(self, table: Table) -> Iterator[Row]:
        t, language = self.t, self.session.language
        yield Row(f"table {table.place}", (printable(f"{table.path}  {table.place}", 100),), heading=True)
        for place, row in table.rows.items():
            shadow = ", ".join(row.shadowed)
            note = t("an earlier row takes it: {by}", by=shadow) if shadow else ""
            if not row.hits:
                note = note or t("never")
            cells = ("", row.says, amounts.count(row.hits, language), row.then, note)
            yield Row(f"row {table.place} {place}", cells, "" if row.hits else "muted")
        for value, count, (_, document) in table.sorted_missed[:MOST_MISSED]:
            key = f"missed {table.place} {value}"
            if row_can_be_added(table, value):
                self._missed[key] = (table, value)
            note = t("such as {document}", document=document)
            cells = ("✗", value or "''", amounts.count(count, language), table.otherwise, note)
            yield Row(key, cells, "busy")

    @on(Records.Opened, "#census")
    def _chosen(self, event: Records.Opened) -> None:
        if event.row.key in self._missed:
            self._add(*self._missed[event.row.key])
        elif event.row.key.startswith("missed"):
            self.mapper.tell(self.t("That is a list of the settings: Configuration adds to it."))

    @work(exclusive=True, group="ask")
    async def _add(self, table: Table, value: str) -> None:
        gives = dict.fromkeys(row.then for row in table.rows.values())
        title = self.t("What '{value}' gives", value=printable(value, 60))
        then = await ask(self.app, Choose(title, [(one, one) for one in gives]))
        if then is not None:
            self.dismiss(NewRow(table.place, value, then))


def row_can_be_added(table: Table, value: str) -> bool:
    """Tell whether a value can become a row: of a table of keywords of the rules, not of a list of the settings."""
    from mapper.authoring.census import OTHERS

    return value not in {"", OTHERS} and any(row.place is not None for row in table.rows.values())
