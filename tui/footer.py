"""The footer, in the person's language."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tui.face import Face

_ALWAYS = frozenset({"explain_screen", "command_palette"})
_GAPS = 3


class Keys(Face, Footer):
    """The keys that work here. Made anew only when they are others: that costs as much as a tab.

    What there is no room for is left out whole; the way to all of it, help and the palette, always stays.
    """

    _laid_out: object = None

    async def recompose(self) -> None:
        """Lay out the keys that are others by now."""
        if not self.is_attached:
            return  # its screen was left meanwhile
        keys = [(one.binding, one.enabled) for one in self.screen.active_bindings.values()]
        looks = (self.mapper.language, keys, self.app.size.width)
        if looks != self._laid_out:
            self._laid_out = looks
            await super().recompose()

    def on_resize(self, event: events.Resize) -> None:
        """Show as many as there is room for by now."""
        self.refresh(recompose=True)

    def compose(self) -> ComposeResult:
        """Lay out the keys."""
        keys = [one for one in super().compose() if isinstance(one, FooterKey)]
        for key in keys:
            key.description = self.t(key.description) if key.description else ""
        yield from _fitting(keys, self.app.size.width)


def _fitting(keys: Sequence[FooterKey], width: int) -> list[FooterKey]:
    """Return the keys that fit: those of the app itself first, then the others from the left."""
    shown = [key for key in keys if key.action in _ALWAYS]
    room = width - sum(map(_width, shown))
    for key in keys:
        if key not in shown and room >= _width(key):
            room -= _width(key)
            shown.append(key)
    return [key for key in keys if key in shown]


def _width(key: FooterKey) -> int:
    return cell_len(key.key_display) + cell_len(str(key.description)) + _GAPS
