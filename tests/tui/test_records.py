"""The table: fits any width, keeps its cursor, and lets nothing of a shop's text through to the terminal."""

from __future__ import annotations

import asyncio
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from tui.records import Column, Records, Row, fitted

COLUMNS = (
    Column("A", 5),
    Column("B", 8, grow=1),
    Column("C", 8, right=True, spare=1),
    Column("D", 6, spare=2),
)


@given(st.text(max_size=60), st.integers(1, 30), st.booleans())
def test_a_cell_is_exactly_as_wide_as_asked_and_holds_no_control_character(text, width, right):
    cell = fitted(text, width, right=right)
    assert cell_len(cell) == width
    assert not [
        one for one in cell if unicodedata.category(one) in {"Cc", "Cs"} or one in "\u202e\u200b\u2066"
    ]


class Shown(App[None]):
    def __init__(self, rows):
        super().__init__()
        self.records, self.rows, self.opened = Records(COLUMNS), rows, []

    def compose(self):
        yield self.records

    def on_mount(self):
        self.records.show(self.rows, note="Nothing here.")
        self.records.focus()

    def on_records_opened(self, event):
        self.opened.append(event.row.key)


def rows(count, start=0):
    return [Row(f"k{number}", (f"a{number}", "b" * 40, "c", "d")) for number in range(start, start + count)]


def run(app, act, size=(60, 12)):
    async def go():
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(pilot)

    asyncio.run(go())


def lines(app):
    return [strip.text for strip in app.screen._compositor.render_strips()]


@pytest.mark.parametrize("width", [20, 40, 60, 160])
def test_every_line_fills_the_width_and_the_dearest_columns_go_first(width):
    app = Shown(rows(30))

    async def act(pilot):
        shown = lines(app)
        assert all(cell_len(line) == width for line in shown)
        titles = shown[0].split()
        assert titles == ["A", "B", "C", "D"][: {20: 2, 40: 4}.get(width, 4)]

    run(app, act, size=(width, 12))


def test_the_cursor_stays_at_its_row_when_others_come_and_go():
    app = Shown(rows(50))

    async def act(pilot):
        await pilot.press("pagedown", "down")
        at = app.records.current.key
        app.records.show(rows(3, start=100) + rows(50))
        assert app.records.current.key == at
        app.records.show([row for row in rows(50) if row.key != at])
        assert app.records.current.key == f"k{int(at[1:]) + 4}"  # what came in its place

    run(app, act)


def test_keys_and_mouse_go_over_rows_past_headings_and_open_them():
    made = [Row("h1", ("One",), heading=True), *rows(2), Row("h2", ("Two",), heading=True), *rows(2, start=5)]
    app = Shown(made)

    async def act(pilot):
        assert app.records.current.key == "k0"
        await pilot.press("down", "down", "enter")
        await pilot.press("home", "enter", "up", "end", "enter")
        await pilot.click(Records, offset=(3, 2))
        await pilot.click(Records, offset=(3, 2))
        await pilot.click(Records, offset=(3, 1))  # a heading
        assert app.opened == ["k5", "k0", "k6", "k0"]

    run(app, act)


def test_marks_follow_their_rows_and_an_empty_table_says_why():
    app = Shown(rows(4))

    async def act(pilot):
        app.records.mark("k1")
        app.records.mark("k3")
        app.records.mark("k1", on=False)
        app.records.show(rows(5, start=2))
        assert app.records.marked == ["k3"]
        assert "●" in lines(app)[2] or await pilot.pause() or "●" in lines(app)[2]
        app.records.show([], note="None in November.")
        await pilot.pause()
        assert app.records.current is None
        assert any("None in November." in line for line in lines(app))

    run(app, act)


def test_ten_thousand_rows_cost_what_is_in_view():
    app = Shown(rows(10_000))

    async def act(pilot):
        await pilot.press("end")
        assert app.records.current.key == "k9999"
        assert "a9999" in lines(app)[-1] or "a9999" in lines(app)[-2]
        await pilot.press("pageup")
        assert app.records.current.key == f"k{9999 - (app.records.size.height - 2)}"

    run(app, act)
