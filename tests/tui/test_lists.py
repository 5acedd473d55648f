"""Report, Errors and Open: what they show in each state, page by page, and what their actions do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from textual.widgets import Input, Static

from mapper.store import documents, journal
from mapper.store.database import open_database
from tests import orders
from tests.tui.kit import HOSTILE, NOW, add_order, add_shop, app_of, drive, settle, text_of
from tui.document_screen import DocumentScreen
from tui.lists import PAGE, DocumentTable
from tui.more_info import MoreInfo
from tui.records import Records

NARROW, WIDE, VAST = (80, 24), (120, 34), (200, 60)


@pytest.mark.parametrize("language", ["en", "nl"])
def test_T6_every_list_in_each_size_and_language(filled, same_screen, language):
    async def act(app, pilot):
        for number, name in enumerate(("report", "errors", "open"), start=1):
            await pilot.press(str(number))
            for size in (NARROW, WIDE, VAST):
                await pilot.resize_terminal(*size)
                await settle(app, pilot)
                looks = size == WIDE and language == "en"
                same_screen(app, f"{name}-{size[0]}", looks=looks)

    drive(app_of(filled, language=language), act)


def test_T6_an_empty_webshop_says_so(tmp_path, same_screen):
    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database)

        async def act(app, pilot):
            for number, name in enumerate(("report", "errors", "open"), start=1):
                await pilot.press(str(number))
                await settle(app, pilot)
                same_screen(app, f"{name}-empty")

        drive(app_of(database), act, NARROW)


def test_T6_a_list_of_one_document_needs_no_group_of_all(tmp_path, same_screen):
    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database)
        add_order(database, 1, orders.order(orders.row("49.90")))
        add_order(database, 2, orders.order(orders.row("80"), currency="SEK"), ends="error", cause="K8")
        facts = {"action": "invoice/add"}
        add_order(database, 3, orders.order(), ends="waiting", cause="WEF101", facts=facts)

        async def act(app, pilot):
            for number, name in enumerate(("report", "errors", "open"), start=1):
                await pilot.press(str(number))
                await settle(app, pilot)
                same_screen(app, f"{name}-one")

        drive(app_of(database), act, NARROW)


def test_T6_a_list_is_read_on_as_the_cursor_goes_down_and_tells_the_total(tmp_path):
    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database)
        with database.begin() as conn:
            for shop_id in range(1, PAGE + 31):
                document = documents.note(conn, "winkel", "order", shop_id, now=NOW)
                dated = NOW - timedelta(minutes=shop_id)
                documents.describe(conn, "winkel", document.id, number=str(shop_id), dated=dated)

        async def act(app, pilot):
            await pilot.press("3")
            await settle(app, pilot)
            table = app.current.query_one(DocumentTable)
            assert len(table.rows) == PAGE
            assert f"{PAGE} of {PAGE + 30}" in text_of(app)
            await pilot.press("end")
            await settle(app, pilot)
            assert [row.cells[1] for row in table.rows] == [str(n) for n in range(1, PAGE + 31)]

        drive(app_of(database), act)


def test_T6_search_and_period_narrow_the_list_and_the_figures(filled):
    async def act(app, pilot):
        table = app.current.query_one(DocumentTable)
        assert len(table.rows) == 6
        await pilot.press("slash", *"2026-6")
        await asyncio.sleep(0.2)
        await settle(app, pilot)
        assert [row.key for row in table.rows] == ["order-6"]
        await pilot.press("escape")
        assert table.has_focus
        await pilot.press("escape")
        await asyncio.sleep(0.2)
        await settle(app, pilot)
        assert len(table.rows) == 6
        await pilot.press("left_square_bracket")
        await settle(app, pilot)
        assert "October 2026" in text_of(app)
        assert table.rows == []
        assert "0 documents" in text_of(app)
        await pilot.press("d")
        await settle(app, pilot, waiting=True)
        await pilot.press("end", "enter")
        await settle(app, pilot, waiting=True)
        await pilot.press(*"2026-11-24", "space", *"2026-11-24", "enter")
        await settle(app, pilot)
        assert "2026-11-24 – 2026-11-24" in text_of(app)
        assert len(table.rows) == 6

    drive(app_of(filled), act)


def test_T6_the_figures_are_the_sums_of_the_documents(filled, same_screen):
    async def act(app, pilot):
        shown = text_of(app)
        # Five orders of 49.90 and 4.95 at 21 % and 12.50 at 9 %, and one of 100.00 at 19 %, VAT included.
        assert "436.75" in shown  # gross
        await pilot.press("f")
        await settle(app, pilot)
        same_screen(app, "figures")

    drive(app_of(filled), act)


def test_B1_a_document_opens_whole_and_any_value_is_explained(filled, same_screen):
    async def act(app, pilot):
        await pilot.press("end", "enter")
        await settle(app, pilot)
        assert isinstance(app.screen, DocumentScreen)
        for number, name in enumerate(("summary", "lines", "requests", "fields", "history"), start=1):
            await pilot.press(str(number))
            await settle(app, pilot)
            same_screen(app, f"document-{name}")
        await pilot.press("2", "x")
        await settle(app, pilot)
        shown = text_of(app)
        assert "lines.1.total_incl = " in shown
        assert "rules/ccv_order.yaml:" in shown
        assert "order.rows[0].count = " in shown
        await pilot.press("y", "escape", "escape")
        await settle(app, pilot)
        assert app.current.NAME == "report"

    drive(app_of(filled), act)


def test_R5_more_info_tells_cause_place_and_remedy_and_marks_the_field(filled, same_screen):
    async def act(app, pilot):
        await pilot.press("2", "slash", *"2026-7")
        await asyncio.sleep(0.2)
        await settle(app, pilot)
        await pilot.press("enter", "enter")
        await settle(app, pilot)
        assert isinstance(app.screen, MoreInfo)
        marked = [row.key for row in app.screen.query_one(Records).rows if row.tone]
        assert marked == ["currency"]
        assert app.screen.query_one(Records).current.key == "currency"
        same_screen(app, "more-info")

    drive(app_of(filled), act)


def test_R5_errors_are_grouped_by_cause(filled):
    async def act(app, pilot):
        await pilot.press("2")
        await settle(app, pilot)
        groups = app.current.query_one("#causes", Records)
        assert [row.cells[:2] for row in groups.rows] == [("4", ""), ("2", "K7"), ("1", "K8"), ("1", "W19")]
        table = app.current.query_one(DocumentTable)
        await pilot.press("tab", "down")
        await settle(app, pilot)
        assert groups.has_focus
        assert {row.cells[3] for row in table.rows} == {"K7"}
        await pilot.press("tab", "space", "space")
        assert table.marked == ["order-8", "order-9"]
        assert "2 marked" in text_of(app)

    drive(app_of(filled), act)


def test_R5_ignore_asks_for_a_reason_and_says_what_happened(changing):
    async def act(app, pilot):
        await pilot.press("2")
        await settle(app, pilot)
        await pilot.press("i")
        await settle(app, pilot, waiting=True)
        await pilot.press("enter")
        await pilot.pause()
        assert "Something must be filled in." in text_of(app)
        await pilot.press(*"by hand", "enter")
        await settle(app, pilot)
        assert "1 ignored: by hand" in text_of(app)
        await pilot.press("3", "v")
        await settle(app, pilot)
        keys = [row.key for row in app.current.query_one(DocumentTable).rows]
        assert keys == ["order-7", "order-13"]

    drive(app_of(changing), act)
    with changing.read() as conn:
        ignored = documents.get(conn, "winkel", "order-7")
    assert (ignored.state, ignored.ignored_by, ignored.cause) == ("ignored", "person", "by hand")


def test_W19_an_invoice_with_another_total_is_taken_over_with_a_reason(changing):
    async def act(app, pilot):
        await pilot.press("2", "end")
        await settle(app, pilot)
        table = app.current.query_one(DocumentTable)
        assert table.go_to("order-10")
        await pilot.press("p")
        await settle(app, pilot, waiting=True)
        assert "exists with another total" in text_of(app)
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        await pilot.press(*"mended", "enter")
        await settle(app, pilot)

    with changing.begin() as conn:
        documents.fail(
            conn, "winkel", "order-10", cause="W19", facts={}, identifier="77", code="F77", now=NOW
        )
    drive(app_of(changing), act)
    with changing.read() as conn:
        assert documents.get(conn, "winkel", "order-10").state == "done"


@pytest.mark.parametrize(("way", "ends"), [("up", "ignored"), ("down", "queued")])
def test_R8_an_invoice_that_was_looked_for_in_vain_is_left_alone_or_made_with_a_reason(changing, way, ends):
    async def act(app, pilot):
        await pilot.press("2")
        await settle(app, pilot)
        assert app.current.query_one(DocumentTable).go_to("order-7")
        await pilot.press("p")
        await settle(app, pilot, waiting=True)
        assert "Look in WeFact for 2026-7: is its invoice there?" in text_of(app)
        if way == "down":
            await pilot.press("down")
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        await pilot.press(*"looked", "enter")
        await settle(app, pilot)
        assert f"2026-7 is {ends} now." in text_of(app)

    with changing.begin() as conn:
        facts = {"operation": "invoice", "reference": "2026-7"}
        documents.fail(conn, "winkel", "order-7", cause="PRO205", facts=facts, now=NOW)
    drive(app_of(changing), act)
    with changing.read() as conn:
        assert documents.get(conn, "winkel", "order-7").state == ends
        last = journal.entries(conn, "winkel", document_id="order-7")[-1]
    assert last.facts["reason"] == "looked"


def test_a_hostile_name_formats_nothing_and_crashes_nothing(tmp_path):
    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database, name=HOSTILE.replace("\x00", "").replace("\ud83d", ""))
        payload = orders.order(
            orders.row("10", product_name=HOSTILE[:-1].replace("\ud83d", "")), currency="SEK"
        )
        add_order(database, 1, payload, ends="error", cause="K8", customer=HOSTILE)

        async def act(app, pilot):
            await pilot.press("2")
            await settle(app, pilot)
            shown = text_of(app)
            assert "[bold]Eve[/]" in shown
            for key in ("enter", "w", "2", "3", "4", "5"):
                await pilot.press(key)
                await settle(app, pilot)
                shown += text_of(app)
            assert not {"\x1b", "\u202e", "\u200b", "\x07", "\x00"} & set(shown)

        drive(app_of(database), act, VAST)


def test_the_keys_of_a_list_without_documents_do_nothing(tmp_path):
    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database)

        async def act(app, pilot):
            for tab in "123":
                await pilot.press(tab)
                await settle(app, pilot)
                await pilot.press(
                    "enter", "p", "i", "s", "x", "y", "o", "space", "end", "pagedown", "f", "escape"
                )
                await settle(app, pilot, waiting=True)
            assert app.query_one(Static)
            assert not app.query_one(Input).has_focus

        drive(app_of(database), act)
