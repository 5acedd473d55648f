"""A filled webshop for every test of the dashboard, and screens compared with snapshots."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from mapper.store.database import Database, open_database
from tests.tui.kit import fill, text_of
from tui.app import MapperApp


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A webshop with documents in every state; tests that change something take `changing`."""
    with open_database(tmp_path_factory.mktemp("tui") / "mapper.db") as database:
        fill(database)
        yield database


@pytest.fixture
def changing(tmp_path, filled: Database) -> Iterator[Database]:
    """A copy of it."""
    with (
        closing(sqlite3.connect(filled.path)) as source,
        closing(sqlite3.connect(tmp_path / "mapper.db")) as copy,
    ):
        source.backup(copy)
    with open_database(tmp_path / "mapper.db") as database:
        yield database


class ScreenText(SingleFileSnapshotExtension):
    """A screen as text: reads in a diff."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


class ScreenSvg(SingleFileSnapshotExtension):
    """A screen with its looks."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT

    def serialize(self, data, **kwargs):
        return re.sub(r"terminal-\d+", "terminal", super().serialize(data, **kwargs))


@pytest.fixture
def same_screen(snapshot) -> Callable[..., None]:
    """Compare the screen as text, and where it is asked for also its looks."""

    def check(app: MapperApp, name: str, *, looks: bool = False) -> None:
        assert text_of(app) == snapshot(extension_class=ScreenText, name=name)
        if looks:
            assert app.export_screenshot() == snapshot(extension_class=ScreenSvg, name=name)

    return check
