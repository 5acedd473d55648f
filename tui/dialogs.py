"""Small windows that ask one thing: yes or no, a text, a typed confirmation, one of several.

Only what posts, deletes or is hard to take back is asked about. The question names the thing; y and n answer it, not
Enter, so that nobody confirms by habit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from mapper.diagnostics import printable
from tui.face import Face

R = TypeVar("R")


class Dialog(Face, ModalScreen[R], Generic[R]):
    """A window over the others; Escape closes it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False)]


async def ask(app: App[Any], dialog: Dialog[R]) -> R | None:
    """Show a window and return its answer; None: it was left without one. Call it in a worker."""
    answer: R | None = await app.push_screen_wait(dialog)
    return answer


class Confirm(Dialog[bool]):
    """A question with yes and no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,j", "dismiss(True)", "Yes", show=False),
        Binding("n", "dismiss(False)", "No", show=False),
    ]

    def __init__(self, title: str, told: str, *, yes: str, is_grave: bool = False) -> None:
        super().__init__()
        self._title, self._told, self._yes, self._grave = title, told, yes, is_grave

    def compose(self) -> ComposeResult:
        """Lay out the question and its answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = Text(self._title)
            yield VerticalScroll(Static(Text(self._told)), classes="told", can_focus=False)
            with Horizontal(classes="buttons"):
                yes = Text(f"{self._yes} (y)")
                yield Button(yes, id="yes", variant="error" if self._grave else "primary")
                yield Button(Text(f"{self.t('No')} (n)"), id="no")

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class Ask(Dialog[str]):
    """A question answered with a text. With `wanted` only that text is an answer: a typed confirmation."""

    def __init__(
        self, title: str, told: str, *, label: str, wanted: str = "", value: str = "", secret: bool = False
    ) -> None:
        super().__init__()
        self._title, self._told, self._label = title, told, label
        self._wanted, self._value, self._secret = wanted, value, secret

    def compose(self) -> ComposeResult:
        """Lay out the question and the field."""
        with Vertical(classes="dialog") as box:
            box.border_title = Text(self._title)
            yield VerticalScroll(Static(Text(self._told)), classes="told", can_focus=False)
            yield Static(Text(self._label), classes="label")
            yield Input(self._value, password=self._secret, select_on_focus=False)
            yield Static("", id="wrong", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(Text(self.t("Continue")), id="yes", variant="primary")
                yield Button(Text(self.t("Cancel")), id="no")

    def wrong(self, given: str) -> str:
        """Return why this is no answer; empty when it is one."""
        if self._wanted and given != self._wanted:
            return self.t("Type {wanted} to go on, or press Escape.", wanted=printable(self._wanted, 80))
        return "" if given else self.t("Something must be filled in.")

    @on(Input.Submitted)
    @on(Button.Pressed, "#yes")
    def _go_on(self) -> None:
        given = self.query_one(Input).value.strip()
        wrong = self.wrong(given)
        self.query_one("#wrong", Static).update(Text(printable(wrong, 300)))
        if not wrong:
            self.dismiss(given)

    @on(Button.Pressed, "#no")
    def _leave(self) -> None:
        self.dismiss(None)


class Choose(Dialog[str]):
    """One of several, by (key, text)."""

    def __init__(
        self, title: str, options: Sequence[tuple[str, str]], *, chosen: str = "", told: str = ""
    ) -> None:
        super().__init__()
        self._title, self._options, self._chosen, self._told = title, options, chosen, told

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog -list") as box:
            box.border_title = Text(self._title)
            if self._told:
                yield Static(Text(self._told), classes="head")
            yield OptionList(
                *[
                    Option(Text(printable(text, 100)), id=f"o{number}")
                    for number, (_, text) in enumerate(self._options)
                ]
            )

    def on_mount(self) -> None:
        """Begin at what is chosen now."""
        keys = [key for key, _ in self._options]
        if self._chosen in keys:
            self.query_one(OptionList).highlighted = keys.index(self._chosen)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._options[event.option_index][0])


class Told(Dialog[None]):
    """Something to read: help, a long text. Escape, Enter or q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q,question_mark", "dismiss(None)", "Close", show=False)
    ]

    def __init__(self, title: str, told: Text) -> None:
        super().__init__()
        self._title, self._told = title, told

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        with Vertical(classes="dialog -wide") as box:
            box.border_title = Text(self._title)
            box.border_subtitle = Text(self.t("Escape closes"))
            yield VerticalScroll(Static(self._told), classes="told")
