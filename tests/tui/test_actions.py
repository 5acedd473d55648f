"""Every key that a tab, screen or window has: what it does, as an example. A key without one fails a test."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.command import CommandInput, CommandList
from textual.widgets import Input, OptionList

import tui
from mapper.store import tenants
from tests.tui.kit import app_of, drive, settle, text_of
from tui.app import MapperApp
from tui.configuration.tab import Configuration
from tui.dialogs import Confirm, Dialog, Told
from tui.document import WEFACT
from tui.document_screen import DocumentScreen
from tui.errors import Errors
from tui.explaining import ExplainScreen
from tui.lists import DocumentTable
from tui.more_info import MoreInfo
from tui.open import Open
from tui.profile import Profile
from tui.records import Records
from tui.report import Report
from tui.rules import Rules

BACK = ("escape",)


@dataclass(frozen=True)
class Does:
    """What is seen after a key: a text, or what holds of the app. `first` leads there, `then` leads back."""

    seen: str | Callable[[MapperApp], bool]
    first: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


def at(name):
    return lambda app: app.focused is not None and app.focused.id == name


def part(name):
    return lambda app: app.screen.query_one("#parts").current == name


def tab(name):
    return lambda app: app.current is not None and (app.current.NAME, len(app.screen_stack)) == (name, 1)


def searching(app):
    return isinstance(app.focused, Input)


FILTERS = {
    "slash": Does(searching, then=BACK),
    "d": Does("By quarter", then=("home", "enter")),
    "left_square_bracket": Does("October 2026"),
    "right_square_bracket": Does("November 2026"),
}
DOES: dict[type, dict[str, Does]] = {
    Report: {
        "x": Does(part("fields"), then=BACK),
        "f": Does("Together", then=BACK),
        "y": Does("Copied: F2026-1"),
        "o": Does("Copied F2026-1: search for it in WeFact."),
        **FILTERS,
    },
    Errors: {
        "p": Does("Process: what would be posted", then=BACK),
        "P": Does("2026-10", then=BACK),
        "i": Does("Ignore this document", then=BACK),
        "s": Does("No setting mends this"),
        "r": Does("What did you try", then=BACK),
        "x": Does(part("fields"), then=BACK),
        "y": Does("Copied: 2026-7"),
        "space": Does("1 marked", then=("up", "space")),
        "tab": Does(at("causes"), then=("tab",)),
        **FILTERS,
    },
    Open: {
        "p": Does("Process: what would be posted", then=BACK),
        "r": Does("Looking in the shop"),
        "i": Does("Ignore this document", then=BACK),
        "x": Does(part("fields"), then=BACK),
        "y": Does("Copied: 2026-11"),
        "v": Does(lambda app: app.current.table.documents.keys() == {"order-13"}),
        **FILTERS,
    },
    Profile: {
        "a": Does("Your question", then=BACK),
        "p": Does("Pause posting", then=BACK),
        "s": Does("Other webshop", then=BACK),
        "y": Does("Copied: winkel"),
        "S": Does("Type winkel", then=BACK),
        "l": Does("5 Profiel"),
    },
    Rules: {
        "f6": Does("Try the rules on", then=BACK),
        "e": Does(at("editor"), then=BACK),
        "f2": Does("not published yet."),
    },
    DocumentScreen: {
        "escape": Does(lambda app: isinstance(app.screen, MoreInfo), then=("w",)),
        "2": Does(part("lines")),
        "3": Does(part("requests")),
        "4": Does(part("fields")),
        "5": Does(part("history")),
        "1": Does(part("summary")),
        "x": Does(lambda app: isinstance(app.screen, ExplainScreen), then=BACK),
        "p": Does("Process: what would be posted", then=BACK),
        "i": Does("Ignore this document", then=BACK),
        "y": Does("Copied: 2026-7"),
        "o": Does("Copied F2026-1: search for it in WeFact.", first=("escape", "escape", "1", "enter")),
    },
    MoreInfo: {
        "escape": Does(tab("errors"), then=("enter",)),
        "n": Does(lambda app: app.screen.query_one(Records).current.key == "currency"),
        "y": Does("Copied: SEK"),
        "p": Does("Process: what would be posted", then=BACK),
        "i": Does("Ignore this document", then=BACK),
        "r": Does("What did you try", then=BACK),
        "w": Does(part("summary"), then=BACK),
        "x": Does(part("fields"), then=BACK),
        "s": Does("No setting mends this"),
    },
    ExplainScreen: {
        "y": Does("Copied the explanation."),
        "q": Does(lambda app: isinstance(app.screen, DocumentScreen)),
    },
    Told: {"enter": Does(tab("report"))},
    Dialog: {"escape": Does(tab("report"))},
    DocumentTable: {"space": Does("1 marked")},
    Configuration: {
        "tab": Does(at("vat"), first=("down", "down", "down")),
        "space": Does(lambda app: len(app.current.part.marked) == 1, first=("home",)),
        "c": Does("Copied to 1 rows; not saved yet."),
        "u": Does(lambda app: not app.current.has_changes),
        "delete": Does(lambda app: app.current.draft.changes.keys() == {"vat.rates"}, then=("u",)),
        "n": Does("codes are not known"),
        "a": Does("Two capital letters", then=BACK),
        "R": Does("Type winkel", then=BACK),
        "w": Does("Saved as settings 2.", first=("delete",)),
        "b": Does("What held before revision 2", first=("tab", "end", "tab", "home")),
    },
    MapperApp: {
        **{str(number): Does(tab(name)) for number, name in enumerate(("report", "errors", "open"), start=1)},
        "4": Does(tab("configuration")),
        "5": Does(tab("profile")),
        "6": Does(tab("rules"), then=("1",)),
        "z": Does(lambda app: app.screen.maximized is not None, then=("z",)),
        "question_mark": Does("Keys here", then=BACK),
        "ctrl+p": Does(lambda app: bool(app.screen.query(CommandInput)), then=BACK),
        "escape": Does(tab("report")),
        "f5": Does(tab("report")),
        "ctrl+q": Does(lambda app: app._exit),
    },
    Confirm: {"y": Does(lambda app: app._exit), "n": Does(lambda app: app.current.has_changes)},
}  # fmt: skip
# What the examples of other files press.
ELSEWHERE = {
    "Records": "test_records.py",
    "Configuration": "test_configuration.py",
    "ProcessScreen": "test_whole_flow.py",
    "Rules": "test_rules*.py",
    "RuleEditor": "test_rules*.py",
}


def keys_of(place):
    """Return the keys of a class itself, of synonyms the first."""
    return {
        one.key.split(",")[0] if isinstance(one, Binding) else one[0]
        for one in place.__dict__.get("BINDINGS", ())
    }


def places():
    """Return every class of the screens that has keys."""
    found = {}
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, type) and one.__module__ == module.name and keys_of(one):
                found[one.__name__] = one
    return found


def pressed_in(pattern):
    """Return what the tests of some files press, as it stands there."""
    found = set()
    for path in Path(__file__).parent.glob(pattern):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "press":
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    return found


@pytest.mark.parametrize(("name", "place"), places().items())
def test_every_key_has_an_example(name, place):
    has = set(DOES.get(place, ()))
    if name in ELSEWHERE:
        has |= pressed_in(ELSEWHERE[name])
    assert keys_of(place) - has == set()


async def go_through(app, pilot, place, start):
    async def press(*keys):
        for key in keys:
            await pilot.press(key)
            await settle(app, pilot, waiting=True)

    while len(app.screen_stack) > 1:
        await press("escape")
    await press(*start)
    for key, does in DOES[place].items():
        await press(*does.first)
        for toast in list(app._notifications):
            app._unnotify(toast)
        await press(key)
        seen = does.seen in text_of(app) if isinstance(does.seen, str) else does.seen(app)
        assert seen, f"{place.__name__} {key}\n{text_of(app)}"
        await press(*does.then)


@pytest.mark.parametrize(
    "tour",
    [
        {
            Report: (),
            Told: ("f",),
            Dialog: ("d",),
            ExplainScreen: ("enter", "2", "x"),
            DocumentTable: (),
            Open: ("3",),
            Profile: ("5",),
        },
        {
            Errors: ("2",),
            MoreInfo: ("2", "enter"),
            DocumentScreen: ("2", "enter", "w"),
            Rules: ("6",),
            MapperApp: ("1",),
        },
    ],
)
def test_each_key_does_what_it_says(filled, few_cases, monkeypatch, tour):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url, **_: opened.append(url))

    async def act(app, pilot):
        for place, start in tour.items():
            await go_through(app, pilot, place, start)

    drive(app_of(filled, tenants=("winkel", "other"), key_file=few_cases), act)
    assert opened == [WEFACT]


def test_each_key_of_configuration_does_what_it_says(changing):
    async def act(app, pilot):
        await go_through(app, pilot, Configuration, ("4",))

    drive(app_of(changing), act)
    with changing.read() as conn:
        newest, before = tenants.settings_history(conn, "winkel")
    assert len(newest.new["vat"]["rates"]) == len(before.new["vat"]["rates"]) - 1


@pytest.mark.parametrize("key", ["y", "n"])
def test_leaving_with_changes_that_are_not_saved_is_asked_about(filled, key):
    async def act(app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        app.current.draft.put("name", "Other")
        await pilot.press("ctrl+q")
        await settle(app, pilot, waiting=True)
        assert "Leave without saving?" in text_of(app)
        await pilot.press(key)
        await settle(app, pilot)
        assert DOES[Confirm][key].seen(app)

    drive(app_of(filled), act)


def test_the_palette_runs_what_is_the_same_everywhere(filled):
    commands = {
        "Ask us": "Your question",
        "Other webshop": lambda app: app.screen.query_one(OptionList).option_count == 2,
        "Pause or resume": "Pause posting",
        "Light or dark": lambda app: not app.current_theme.dark,
        "Go to Open": tab("open"),
        "Language": lambda app: app.language == "nl",
    }

    async def act(app, pilot):
        for name, seen in commands.items():
            await pilot.press("ctrl+p")
            await pilot.pause()
            app.screen.query_one(CommandInput).value = name
            for _ in range(100):
                await pilot.pause(0.02)
                hits = app.screen.query_one(CommandList)
                if hits.option_count and name in str(hits.get_option_at_index(0).prompt):
                    break
            await pilot.press("enter")
            await settle(app, pilot, waiting=True)
            assert seen in text_of(app) if isinstance(seen, str) else seen(app), f"{name}\n{text_of(app)}"
            if len(app.screen_stack) > 1:
                await pilot.press("escape")
                await settle(app, pilot)

    drive(app_of(filled, tenants=("winkel", "other")), act)
