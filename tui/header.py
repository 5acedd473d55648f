"""The top line: which webshop, whether it is the sandbox or the real WeFact, and whether posting is paused."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from mapper.diagnostics import printable
from tui.face import Face
from tui.session import Shown


class TopLine(Face, Horizontal):
    """Filled by `show`, as often as it changes. A click on the webshop's name opens the switcher."""

    def compose(self) -> ComposeResult:
        """Lay out name and signs."""
        yield Static("CCV Shop → WeFact", id="brand")
        yield Static("", id="webshop", markup=False)
        yield Static("", id="paused", markup=False)
        yield Static("", id="environment", markup=False)

    def show(self, shown: Shown) -> None:
        """Show the webshop."""
        self.query_one("#webshop", Static).update(
            Text(printable(shown.settings.get("name") or shown.tenant.name, 60))
        )
        paused = self.query_one("#paused", Static)
        paused.display = shown.pause is not None
        if shown.pause is not None:
            paused.update(Text(self.t("PAUSED: {why}", why=printable(shown.pause_reason, 40))))
        sign = self.query_one("#environment", Static)
        words = {
            "sandbox": self.t("SANDBOX"),
            "live": self.t("LIVE"),
            "unknown": self.t("OTHER WEFACT"),
        }
        sign.update(Text(f" {words[shown.environment]} "))
        for name in words:
            sign.set_class(name == shown.environment, f"-{name}")
            self.screen.set_class(name == shown.environment, f"-{name}")
