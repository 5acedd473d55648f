"""The footer, in the person's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.widget import Widget

from tui.face import Face

if TYPE_CHECKING:
    from textual.screen import Screen

_ALWAYS = frozenset({"explain_screen", "command_palette"})
_GAPS = 3


class Key(NamedTuple):
    """A key as it is shown; `pressed` is its name for the app."""

    shown: str
    does: str
    action: str
    pressed: str
    enabled: bool


class Keys(Face, Widget, can_focus=False):
    """The keys that work here; a click on one is a press. One widget for all: a widget each costs as much as a tab.

    What there is no room for is left out whole; the way to all of it, help and the palette, always stays.
    """

    DEFAULT_CSS = """
    Keys {
        dock: bottom;
        height: 1;
        color: $footer-foreground;
        background: $footer-background;
        .keys--key {
            color: $footer-key-foreground;
            background: $footer-key-background;
            text-style: bold;
        }
        .keys--description {
            color: $footer-description-foreground;
            background: $footer-description-background;
        }
        .keys--under-mouse { background: $block-hover-background; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key", "keys--description", "keys--under-mouse"}
    ALLOW_SELECT = False

    _under_mouse = ""

    def on_mount(self) -> None:
        """Follow what has the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen.app.app_focus:
            self.call_after_refresh(self.refresh)

    def render(self) -> Text:
        """Return the keys in one line."""
        line = Text(no_wrap=True, end="")
        for key in _fitting(self._keys(), self.size.width):
            line.append_text(self._drawn(key))
        return line

    def _keys(self) -> list[Key]:
        keys: dict[str, Key] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                does = self.t(binding.description) if binding.description else ""
                shown = self.app.get_key_display(binding)
                keys[binding.action] = Key(shown, does, binding.action, binding.key, enabled)
        return list(keys.values())

    def _drawn(self, key: Key) -> Text:
        styles = (self.get_component_rich_style(f"keys--{part}") for part in ("key", "description"))
        drawn = Text.assemble(*zip((f" {key.shown} ", f"{key.does} "), styles, strict=True))
        if not key.enabled:
            drawn.stylize(Style(dim=True))
            return drawn
        drawn.stylize(Style.from_meta({"key": key.pressed}))
        if key.pressed == self._under_mouse:
            drawn.stylize(self.get_component_rich_style("keys--under-mouse"))
        return drawn

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key that was clicked."""
        if pressed := event.style.meta.get("key"):
            self.app.simulate_key(pressed)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which key a click would press."""
        self._point_at(event.style.meta.get("key", ""))

    def on_leave(self) -> None:
        """Show none any more."""
        self._point_at("")

    def _point_at(self, pressed: str) -> None:
        if pressed != self._under_mouse:
            self._under_mouse = pressed
            self.refresh()


def _fitting(keys: Sequence[Key], width: int) -> list[Key]:
    """Return the keys that fit: those of the app itself first, then the others from the left."""
    shown = [key for key in keys if key.action in _ALWAYS]
    room = width - sum(map(_width, shown))
    for key in keys:
        if key not in shown and room >= _width(key):
            room -= _width(key)
            shown.append(key)
    return [key for key in keys if key in shown]


def _width(key: Key) -> int:
    return cell_len(key.shown) + cell_len(key.does) + _GAPS
