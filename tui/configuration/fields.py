"""The sections that are plain settings: each with its value, its origin, and its help below."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.text import Text
from textual import on, work

from mapper.diagnostics import printable
from mapper.settings_schema import SCHEMA, Schema
from tui import amounts
from tui.configuration.part import Part
from tui.configuration.value import edit
from tui.face import Face
from tui.records import Column, Records, Row
from tui.words.settings import help_of, label, value_text


class Fields(Part):
    """The settings of the section that is chosen. Enter changes one."""

    def __init__(self, face: Face, *, id: str) -> None:
        t = face.t
        super().__init__(
            (
                Column(t("Setting"), 24, grow=1),
                Column(t("Value"), 22, grow=1),
                Column(t("Origin"), 12, spare=1),
            ),
            id=id,
        )

    def draw(self) -> None:
        """Show them."""
        schemas, draft, language = _schemas(), self.tab.draft, self.session.language
        rows, changed = [], draft.changes
        for key in self.tab.keys:
            value = draft.get(key)
            problem = draft.problem_of(key, language)
            sign = "✗ " if problem else ""
            shown = _shown(self, key, value, schemas[key])
            origin = self._origin(key, value, schemas[key], changed)
            tone = "bad" if problem else "busy" if key in changed else ""
            rows.append(Row(key, (sign + label(key, language), shown, origin), tone))
        self.show(rows)

    def _origin(self, key: str, value: Any, schema: Schema, changed: Mapping[str, Any]) -> str:
        if key in changed:
            return self.t("not saved")
        default = schema.get("default")
        same = value == default or (default is not None and str(value) == str(default))
        return self.t("default") if same else self.t("set")

    def told(self) -> Text:
        """Return the help of the setting, and what is wrong with it."""
        row, language = self.current, self.session.language
        if row is None:
            return Text()
        told = Text(help_of(row.key, _schemas()[row.key], language))
        problem = self.tab.draft.problem_of(row.key, language)
        if problem:
            told.append("\n✗ " + printable(problem, 300), "bold")
        return told

    @on(Records.Opened)
    def _opened(self, event: Records.Opened) -> None:
        self._edit(event.row.key)

    @work(exclusive=True, group="ask")
    async def _edit(self, key: str) -> None:
        if key == "vat.legal_rates":
            self.mapper.tell(self.t("Rates by law are rows of their own: mapper tenant set --settings FILE"))
            return
        if await edit(self, self.tab.draft, key, _schemas()[key], self.tab.account):
            self.tab.redraw()


def _shown(face: Face, key: str, value: Any, schema: Schema) -> str:
    """Return a setting's value as people read it."""
    t, language = face.t, face.session.language
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if value is None or value == "":
        return "–"
    if isinstance(value, list):
        return ", ".join(_item(one) for one in value) or "–"
    if isinstance(value, Decimal):
        is_percent = schema.get("format") == "percentage"
        return amounts.percent(value, language) if is_percent else amounts.money(value, "EUR", language)
    return value_text(key, value, language) if "enum" in schema else str(value)


def _item(one: Any) -> str:
    if isinstance(one, dict):
        return f"{one.get('country', '')} {one.get('rate', '')} %"
    return str(one)


def _schemas() -> dict[str, Schema]:
    from mapper.settings import dotted_keys

    return dict(dotted_keys(SCHEMA))
