"""The terminal app, driven by Textual's pilot."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from textual.widgets import DataTable, Input, Static

from mapper import settings
from mapper.store import documents, tenants
from mapper.store.database import open_database
from tui.app import PAGE, DocumentList, MapperApp

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = "[bold]Eve[/] [@click=app.quit]x[/] [/nope] \x1b[2J\u202e"


@pytest.fixture
def database(tmp_path):
    with open_database(tmp_path / "mapper.db") as opened:
        with opened.begin() as conn:
            tenants.create(conn, "winkel", name="[b]W", settings=settings.example(), who="test", now=NOW)
        yield opened


def add(database, shop_id, customer, *, failed=False):
    with database.begin() as conn:
        document = documents.note(conn, "winkel", "order", shop_id, now=NOW)
        dated = NOW - timedelta(minutes=shop_id)
        documents.describe(conn, "winkel", document.id, number=str(shop_id), dated=dated, customer=customer)
        if failed:
            documents.claim(conn, "winkel", document.id, revision=1, worker="test", now=NOW)
            facts = {"field": HOSTILE, "answered": "1", "expected": "2"}
            documents.fail(conn, "winkel", document.id, cause="W19", facts=facts, now=NOW)


def drive(database, act):
    """Run the app without a terminal and act on it."""

    async def run():
        app = MapperApp(database, "winkel")
        async with app.run_test(size=(140, 30)) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(run())


async def settle(app, pilot):
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def test_a_hostile_name_formats_nothing_and_crashes_nothing(database):
    add(database, 1, HOSTILE, failed=True)

    async def act(app, pilot):
        app.query_one("TabbedContent").active = "errors"
        await settle(app, pilot)
        errors = app.query_one("#errors-list", DocumentList)
        name = errors.table.get_row_at(0)[2]
        assert name.plain.startswith("[bold]Eve[/] [@click=app.quit]x[/]")
        assert not name.spans
        assert "\x1b" not in name.plain
        errors.table.focus()
        await settle(app, pilot)
        told = str(errors.query_one(Static).render())
        assert "[bold]Eve[/]" in told
        assert "\x1b" not in told

    drive(database, act)


def test_a_list_is_read_page_by_page_as_the_cursor_goes_down(database):
    for shop_id in range(1, PAGE + 31):
        add(database, shop_id, f"Customer {shop_id}")

    async def act(app, pilot):
        app.query_one("TabbedContent").active = "open"
        await settle(app, pilot)
        table = app.query_one("#open-list DataTable", DataTable)
        assert table.row_count == PAGE
        table.focus()
        table.move_cursor(row=PAGE - 1)
        await settle(app, pilot)
        assert table.row_count == PAGE + 30
        assert len({table.get_row_at(row)[1].plain for row in range(table.row_count)}) == PAGE + 30

    drive(database, act)


def test_a_search_narrows_every_list(database):
    add(database, 1, "Jansen")
    add(database, 2, "Bakker")

    async def act(app, pilot):
        app.query_one(Input).value = "jans"
        app.query_one(Input).focus()
        await pilot.press("enter")
        await settle(app, pilot)
        table = app.query_one("#open-list DataTable", DataTable)
        assert [table.get_row_at(row)[2].plain for row in range(table.row_count)] == ["Jansen"]

    drive(database, act)
