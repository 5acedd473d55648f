"""The frame around the tabs: keys, memory, palette, help, language, and errors told without a traceback."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from pathlib import Path

from textual.command import CommandInput
from textual.widgets import Input, Static

from mapper.errors import StoreError
from mapper.processing import actions, connections
from mapper.store import documents, tenants
from tests.tui.kit import NOW, add_shop, app_of, drive, settle, text_of
from tui import session
from tui.app import MapperApp
from tui.dialogs import Told
from tui.document_screen import DocumentScreen
from tui.explaining import ExplainScreen
from tui.footer import Keys
from tui.memory import Memory
from tui.palette import _EVERYWHERE
from tui.places import FOR_SUPPORT, TABS
from tui.records import Records
from tui.words import WORDS

SOURCES = sorted((Path(__file__).parents[2] / "tui").rglob("*.py"))


def test_tabs_are_chosen_by_number_and_by_mouse_and_remembered(filled, tmp_path):
    memory = Memory(tmp_path / "tui.json")

    async def act(app, pilot):
        assert app.places.tab == "report"
        await pilot.press("3")
        await settle(app, pilot)
        assert app.current.NAME == "open"
        await pilot.click("#tabs #errors")
        await settle(app, pilot)
        assert app.current.NAME == "errors"
        await pilot.press("slash", *"7")
        await asyncio.sleep(0.2)
        await settle(app, pilot)

    drive(app_of(filled, memory=memory), act)
    assert Memory(tmp_path / "tui.json").get("tab") == "errors"

    async def again(app, pilot):
        assert app.current.NAME == "errors"
        assert app.current.query_one(Input).value == "7"

    drive(app_of(filled, memory=Memory(tmp_path / "tui.json")), again)


def test_a_key_in_the_footer_is_pressed_by_mouse_unless_it_is_greyed_out(filled):
    async def act(app, pilot):
        async def click(name):
            (footer,) = (line for line in text_of(app).splitlines() if " Explain" in line)
            await pilot.hover(Keys, offset=(footer.index(name), 0))
            await pilot.click(Keys, offset=(footer.index(name), 0))
            await settle(app, pilot)

        await pilot.press("1", "enter")
        await settle(app, pilot)
        await click("Process")  # it is done
        assert isinstance(app.screen, DocumentScreen)
        await click("Explain")
        assert isinstance(app.screen, ExplainScreen)

    drive(app_of(filled), act)


def test_keys_that_follow_each_other_quickly_leave_one_tab_on_the_screen(filled):
    async def act(app, pilot):
        for key in "142536413":
            app.simulate_key(key)
            await asyncio.sleep(0.01)
        await settle(app, pilot)
        assert [one.id for one in app.query("#places > *") if one.display] == ["place-open"]
        assert app.current.query_one("#open-list", Records).rows

    drive(app_of(filled), act)


def test_the_palette_finds_actions_and_documents(filled):
    async def act(app, pilot):
        await pilot.press("ctrl+p")
        await pilot.pause()
        app.screen.query_one(CommandInput).value = "open order 2026-7"
        for _ in range(50):
            await pilot.pause(0.05)
            if "Order 2026-7" in text_of(app):
                break
        assert "Order 2026-7 · Sanne de Vries · error" in text_of(app)
        await pilot.press("enter")
        for _ in range(50):
            await pilot.pause(0.05)
            if isinstance(app.screen, DocumentScreen):
                break
        await settle(app, pilot)
        assert isinstance(app.screen, DocumentScreen)

    drive(app_of(filled), act)


def test_help_explains_the_screen_and_names_its_keys(filled, same_screen):
    async def act(app, pilot):
        await pilot.press("2")
        await settle(app, pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Told)
        same_screen(app, "help")
        await pilot.press("escape")
        assert len(app.screen_stack) == 1

    drive(app_of(filled), act)


def test_the_language_changes_at_once_and_is_remembered(filled):
    memory = Memory(None)

    async def act(app, pilot):
        app.action_language()
        await settle(app, pilot)
        assert "Gefactureerd" in text_of(app)
        assert "1 Rapportage" in text_of(app)

    drive(app_of(filled, memory=memory), act)
    assert memory.get("language") == "nl"


def test_light_and_dark(filled):
    async def act(app, pilot):
        assert app.current_theme.dark
        app.action_light()
        await pilot.pause()
        assert not app.current_theme.dark

    drive(app_of(filled), act)


def test_a_pause_is_seen_at_the_top_and_ended_there(changing, same_screen):
    async def act(app, pilot):
        app.action_pause()
        await settle(app, pilot, waiting=True)
        await pilot.press(*"tax", "enter")
        await settle(app, pilot)
        assert "PAUSED: tax" in text_of(app)
        app.action_pause()
        await settle(app, pilot, waiting=True)
        await pilot.press("y")
        await settle(app, pilot)
        assert "PAUSED" not in text_of(app)

    drive(app_of(changing), act)


def test_what_changes_meanwhile_is_shown_without_moving_the_cursor(changing):
    async def act(app, pilot):
        await pilot.press("2", "down")
        await settle(app, pilot)
        table = app.current.query_one("#errors-list", Records)
        at = table.current.key
        await asyncio.to_thread(actions.ignore, changing, "winkel", "order-7", reason="by hand", now=NOW)
        for _ in range(60):
            await pilot.pause(0.1)
            if "2 Errors (3)" in text_of(app):
                break
        await settle(app, pilot)
        assert "2 Errors (3)" in text_of(app)
        assert table.current.key == at
        assert "order-7" not in [row.key for row in table.rows]

    drive(app_of(changing), act)


def test_another_webshop_is_one_key_away_and_shows_nothing_of_the_first(changing):
    add_shop(changing, "other", name="Other shop")

    async def act(app, pilot):
        app.action_switch()
        await settle(app, pilot, waiting=True)
        await pilot.press("down", "enter")
        await settle(app, pilot)
        assert app.session.tenant == "other"
        assert "2026-1" not in text_of(app)
        assert "Errors (" not in text_of(app)

    drive(app_of(changing, tenants=("winkel", "other")), act)


def test_a_database_that_cannot_be_opened_ends_the_app_with_its_error():
    def broken():
        raise StoreError("STO101", url="x", reason="gone")

    app = MapperApp(broken, language="en")

    async def run():
        async with app.run_test() as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()

    asyncio.run(run())
    assert isinstance(app.fault, StoreError)
    assert app.return_code == 1


def test_an_error_while_reading_is_told_where_the_list_stands(changing):
    async def act(app, pilot):
        table = app.current.query_one(Records)

        def fail(*_):
            raise StoreError("STO101", url="db", reason="locked")

        table._page = fail
        table.reload()
        await settle(app, pilot)
        assert "STO101" in text_of(app)

    drive(app_of(changing), act)


# texts


def literals():
    """Yield every text that the screens speak, as it stands in the code."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                wanted = {"t": 0, "say": 0, "spoken": 0, "Binding": 2}.get(name)
                if (
                    wanted is not None
                    and len(node.args) > wanted
                    and isinstance(node.args[wanted], ast.Constant)
                ):
                    yield node.args[wanted].value
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HELP_TEXT":
                yield ast.literal_eval(node.value)
    yield from (title for title, _, _ in TABS.values())
    yield from _EVERYWHERE.values()


def test_every_text_of_the_screens_has_its_dutch():
    assert sorted({text for text in literals() if text and text not in WORDS}) == []


def test_both_languages_fill_the_same_placeholders():
    import string

    def names(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert [text for text, dutch in WORDS.items() if names(text) != names(dutch)] == []


def test_no_english_stands_on_a_dutch_screen(filled):
    shown = []

    async def act(app, pilot):
        # The rules themselves are English.
        for tab in TABS.keys() - FOR_SUPPORT:
            app.action_go(tab)
            await settle(app, pilot)
            shown.append(text_of(app))
            await pilot.press("enter")
            await settle(app, pilot, waiting=True)
            shown.append(text_of(app))
            while len(app.screen_stack) > 1:
                await pilot.press("escape")
                await settle(app, pilot)

    drive(app_of(filled, language="nl"), act, size=(200, 60))
    of_documents = {"Shipping", "Shipping costs", "none"}  # what lines and rules themselves say
    english = [text for text, dutch in WORDS.items() if dutch != text and len(text) > 3 and "{" not in text]
    english = [text for text in english if text not in of_documents]
    dutch = " ".join(WORDS.values())
    found = [
        text for text in english for screen in shown if f" {text} " in f" {screen} " and text not in dutch
    ]
    assert found == []


def test_a_text_given_as_a_string_is_never_read_as_markup(filled):
    async def act(app, pilot):
        app.tell("[/b] [red]x[/] [@click=app.quit]y[/]", severity="warning")
        await pilot.pause(0.2)
        assert "[/b] [red]x[/]" in text_of(app)

    drive(app_of(filled), act)


def test_S6_the_store_still_holds_what_was_only_looked_at(filled):
    with filled.read() as conn:
        assert documents.get(conn, "winkel", "order-7").state == "error"
        assert tenants.pause_of(conn, "winkel") is None


def test_an_address_of_wefact_is_known_by_the_name_it_is_kept_under():
    assert session._WEFACT_URL == connections.WEFACT_URL


def test_the_face_imports_neither_engine_nor_schema_checks_before_it_needs_them():
    said = (
        "import sys; import tui.app, tui.report, mapper.store.database, mapper.store.listing, mapper.store.turnover;"
        "import mapper.wording; print(*({'dbos', 'jsonschema', 'httpx', 'starlette', 'babel'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_the_top_line_tells_sandbox_from_live(filled):
    async def act(app, pilot):
        assert str(app.query_one("#environment", Static).render()).strip() == "LIVE"

    drive(app_of(filled), act)
