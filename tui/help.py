"""Help on the screen one is on: what it shows, and every key that works there."""

from __future__ import annotations

from rich.text import Text

from tui.app import MapperApp
from tui.dialogs import Told
from tui.words import WORDS


def help_of(app: MapperApp) -> Told:
    """Return the help of the tab, or of the screen that is over it."""
    place = app.screen if hasattr(app.screen, "HELP_TEXT") else app.current
    told = Text(app.t(str(getattr(place, "HELP_TEXT", ""))))
    told.append("\n\n" + app.t("Keys here") + "\n", "bold")
    seen = set()
    for _, binding, enabled, _ in app.screen.active_bindings.values():
        text = app.t(binding.description)
        # Textual's own keys, such as those of scrolling sideways, are not what a screen is for.
        if binding.description not in WORDS or not enabled or (binding.action, text) in seen:
            continue
        seen.add((binding.action, text))
        told.append(f"\n  {app.get_key_display(binding):<12}", "bold")
        told.append(text)
    told.append(
        "\n\n"
        + app.t(
            "The mouse does the same: a click chooses, a second one opens. Hold Shift to select text with it."
        ),
        "dim",
    )
    return Told(app.t("Help"), told)
