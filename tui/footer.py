"""The footer, in the person's language."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tui.face import Face


class Keys(Face, Footer):
    """The keys that work here. Made anew only when they are others: that costs as much as a tab."""

    _laid_out: object = None

    async def recompose(self) -> None:
        """Lay out the keys that are others by now."""
        keys = [(one.binding, one.enabled) for one in self.screen.active_bindings.values()]
        if (self.mapper.language, keys) != self._laid_out:
            self._laid_out = (self.mapper.language, keys)
            await super().recompose()

    def compose(self) -> ComposeResult:
        """Lay out the keys."""
        for part in super().compose():
            if isinstance(part, FooterKey):
                part.description = self.t(part.description) if part.description else ""
            yield part
