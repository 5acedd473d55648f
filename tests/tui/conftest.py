"""A filled webshop for every test of the dashboard, and screens compared with snapshots."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from mapper.mapping import shipped_rules
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


@pytest.fixture
def few_cases(tmp_path: Path) -> Path:
    """A key file with a folder of rules beside it that has the cases of three payment methods only."""
    folder = tmp_path / "rules"
    shutil.copytree(shipped_rules(), folder, ignore=shutil.ignore_patterns("*.yaml", "schemas"))
    for name in (
        "ccv_order.yaml",
        "ccv_invoice.yaml",
        "wefact.yaml",
        "vat_rates.yaml",
        "vat_territories.yaml",
    ):
        shutil.copy(shipped_rules() / name, folder)
    (folder / "cases" / "methods.yaml").write_text(
        "".join(
            f"- case: a method\n  fixture: nl-ideal\n  change: {{paymethod: {name}}}\n"
            f"  expect: {{payment_method: {gives}, number: 2025-1001}}\n"
            for name, gives in (
                ("Mister cash", "mistercash"),
                ("PayPal", "paypal"),
                ("paypal plus", "paypal"),
            )
        ),
        encoding="utf-8",
    )
    return tmp_path / "mapper.key"
