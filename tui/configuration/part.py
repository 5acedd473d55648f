"""What the sections of Configuration share: a list that shows the draft, and words below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text

from tui.face import Face, TabBody
from tui.records import Records

if TYPE_CHECKING:
    from tui.configuration.tab import Configuration


class Part(Face, Records):
    """A section's list. What it can do are its actions; the tab has their keys."""

    @property
    def tab(self) -> Configuration:
        """Return the tab, which holds the draft."""
        return cast("Configuration", next(one for one in self.ancestors if isinstance(one, TabBody)))

    def draw(self) -> None:
        """Show the draft as it is by now."""
        raise NotImplementedError

    def told(self) -> Text:
        """Return what is said below the list, of all of it or of the row of the cursor."""
        raise NotImplementedError
