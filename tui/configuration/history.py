"""The section with who changed what, and the way back to what held before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on

from mapper.diagnostics import printable
from tui import amounts
from tui.configuration.part import Part
from tui.dialogs import Told
from tui.document import pairs
from tui.face import Face
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.store.rows import SettingsChange

_LONGEST = 120


class History(Part):
    """The changes, newest first. Enter tells one."""

    def __init__(self, face: Face, *, id: str) -> None:
        t = face.t
        super().__init__(
            (Column(t("When"), 16), Column(t("Who"), 12), Column(t("Changed"), 30, grow=1)), id=id
        )

    def draw(self) -> None:
        """Show them."""
        from mapper.settings import differences

        zone, rows = self.mapper.shown.zone, []
        for one in self.tab.history:
            told = ", ".join(differences(one.old, one.new)) if one.old else self.t("first settings")
            rows.append(Row(str(one.revision), (amounts.moment(one.at, zone), one.who, told)))
        self.show(rows)

    def told(self) -> Text:
        """Return what can be done."""
        return Text(self.t("Enter tells the change; b goes back to what held before it, to be saved with w."))

    @property
    def _chosen(self) -> SettingsChange | None:
        row = self.current
        return next((one for one in self.tab.history if row and str(one.revision) == row.key), None)

    @on(Records.Opened)
    def _tell(self) -> None:
        if (change := self._chosen) is None:
            return
        from mapper.money import dumps
        from mapper.settings import differences

        told = []
        for key in differences(change.old or {}, change.new):
            before, after = (_brief(dumps(_value(one, key))) for one in (change.old, change.new))
            told.append((key, f"{before} → {after}" if change.old else after))
        title = self.t(
            "Settings {revision}, by {who}", revision=change.revision, who=printable(change.who, 60)
        )
        self.app.push_screen(Told(title, pairs(told)))

    def action_back_to(self) -> None:
        """Take what held before the change of the cursor into the draft."""
        if (change := self._chosen) is None:
            return
        if change.old is None:
            self.mapper.tell(self.t("Before the first settings there were none."), severity="warning")
            return
        from mapper.settings import completed

        self.tab.draft.put_all(completed(change.old))
        self.tab.redraw()
        self.mapper.tell(
            self.t("What held before revision {revision}; w saves it.", revision=change.revision)
        )


def _value(settings: Any, key: str) -> Any:
    for name in key.split("."):
        settings = settings.get(name) if isinstance(settings, Mapping) else None
    return settings


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
