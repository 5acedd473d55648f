"""What tabs and screens share: their session, talking to a person, and work that must not hold the screen up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from textual.containers import Vertical

from mapper.errors import Language, MapperError
from tui.session import Session

if TYPE_CHECKING:
    from textual.widget import Widget as _Widget

    from tui.app import MapperApp
else:
    # Textual takes styles and keys from the first base that is a widget: that must be the other one.
    _Widget = object

P = ParamSpec("P")
T = TypeVar("T")


def told(error: MapperError, language: Language) -> str:
    """Return what is wrong, and below it what to do about it."""
    remedy = error.remedy(language)
    return f"{error.code}: {error.message(language)}" + (f"\n→ {remedy}" if remedy else "")


class Face(_Widget):
    """A part of the screen that knows the app and its session."""

    @property
    def mapper(self) -> MapperApp:
        """Return the app."""
        return cast("MapperApp", self.app)

    @property
    def session(self) -> Session:
        """Return the session: it is opened before anything that has a face is made."""
        return self.mapper.session

    def t(self, text: str, /, **facts: object) -> str:
        """Return a text of the screens in the person's language."""
        return self.mapper.t(text, **facts)

    async def attempt(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Do work in a thread; an error with a code is told to the person, and None comes back."""
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except MapperError as error:
            self.mapper.tell_error(error)
            return None


class TabBody(Face, Vertical):
    """One tab. It is made on its first visit; `read` is called then, and whenever something changed."""

    NAME = ""
    HELP_TEXT = ""

    @property
    def has_changes(self) -> bool:
        """Tell whether something is not saved."""
        return False

    def read(self) -> None:
        """Read anew what the tab shows; the cursor stays where it is."""

    def leave(self) -> None:
        """Go back to where one begins, from a search or a field."""
        self.arrive()

    def arrive(self) -> None:
        """Take the focus."""
        for widget in self.query("*"):
            if widget.focusable and widget.can_focus and not widget.has_class("-filter"):
                widget.focus()
                return
