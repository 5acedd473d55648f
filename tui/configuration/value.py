"""The windows that change one setting; they take only what the schema allows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, SelectionList, Static
from textual.widgets.selection_list import Selection

from mapper.diagnostics import printable
from mapper.settings_schema import Schema
from tui.dialogs import Ask, Choose, Dialog, ask
from tui.face import Face
from tui.words.settings import STATUSES, help_of, label, value_text

if TYPE_CHECKING:
    from tui.configuration.account import Account
    from tui.configuration.draft import Draft


class Statuses(Dialog[list[int]]):
    """Order statuses to choose from."""

    def __init__(self, title: str, told: str, chosen: Sequence[int]) -> None:
        super().__init__()
        self._title, self._told, self._chosen = title, told, frozenset(chosen)

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog -list") as box:
            box.border_title = Text(self._title)
            yield Static(Text(self._told))
            yield SelectionList[int](*[Selection(str(one), one, one in self._chosen) for one in STATUSES])
            with Horizontal(classes="buttons"):
                yield Button(Text(self.t("Take over")), id="yes", variant="primary")
                yield Button(Text(self.t("Cancel")), id="no")

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        chosen = sorted(self.query_one(SelectionList).selected)
        self.dismiss(chosen if event.button.id == "yes" else None)


class Value(Ask):
    """A text or number; what the schema does not allow is told at the field, and not taken."""

    def __init__(self, face: Face, draft: Draft, key: str, schema: Schema, value: str) -> None:
        language = face.session.language
        super().__init__(
            label(key, language), help_of(key, schema, language), label=_expected(face, schema), value=value
        )
        self._draft, self._key, self._schema = draft, key, schema

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#wrong", Static).update(Text(printable(self.wrong(event.value), 300)))

    def wrong(self, given: str) -> str:
        """Return what the schema has against the value."""
        from mapper.settings import SettingsError, check
        from tui.configuration.draft import told

        raw = _with(self._draft.current, self._key, parsed(given, self._schema))
        try:
            check(raw)
        except SettingsError as error:
            for problem in error.diagnostics:
                if problem.about.startswith(self._key):
                    return told(problem, self.session.language)
        return ""


def _with(settings: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return settings with one dotted key changed; the others are shared."""
    name, _, rest = key.partition(".")
    return {**settings, name: _with(settings[name], rest, value) if rest else value}


def parsed(written: str, schema: Schema) -> Any:
    """Return what was written as the schema wants it: empty is null, or the default; a list is split at commas."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    text = written.strip()
    if "array" in kinds:
        return [one.strip().replace(",", ".") for one in text.replace(";", " ").split()]
    if not text and "null" in kinds:
        return None
    if {"number", "integer"} & set(kinds):
        return text.replace(",", ".").removesuffix("%").strip()
    return text


def _expected(face: Face, schema: Schema) -> str:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "array" in kinds:
        return face.t("Values, with spaces between them; empty for none")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        return face.t("From {low} to {high}", low=low, high=high)
    return face.t("May be empty") if "null" in kinds else ""


async def edit(face: Face, draft: Draft, key: str, schema: Schema, account: Account | None) -> bool:
    """Ask for another value of a setting and put it in the draft; False when it stays as it was."""
    value, language = draft.get(key), face.session.language
    title, told = label(key, language), help_of(key, schema, language)
    new: Any
    if schema["type"] == "boolean":
        new = not value
    elif "enum" in schema:
        options = [(one, value_text(key, one, language)) for one in schema["enum"]]
        new = await ask(face.app, Choose(title, options, chosen=value, told=told))
    elif key == "statuses":
        new = await ask(face.app, Statuses(title, told, value))
    elif key == "invoice.layout" and account is not None and account.layouts:
        options = [
            ("", face.t("WeFact's own")),
            *((code, f"{name} ({code})") for code, name in account.layouts),
        ]
        chosen = await ask(face.app, Choose(title, options, chosen=value or "", told=told))
        new = None if chosen is None else chosen
    else:
        written = await ask(face.app, Value(face, draft, key, schema, _written(value)))
        new = None if written is None else written
    if new is None:
        return False
    if isinstance(new, str) and "enum" not in schema:
        new = parsed(new, schema)
    if new == value:
        return False
    draft.put(key, new)
    return True


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
