"""The merchant's dashboard: a thin face on the same functions as the command line.

The first frame is painted before the database is opened: its packages are imported by the thread that opens it. A tab
is made on its first visit. Everything from a shop is shown as plain text (`records.py`, `printable`), never as markup.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.worker import WorkerFailed

from mapper.diagnostics import printable
from mapper.errors import Language, MapperError
from tui.dialogs import Choose, Confirm, ask
from tui.face import TabBody, told
from tui.footer import Keys
from tui.header import TopLine
from tui.memory import Memory
from tui.places import TABS, Places
from tui.session import Session, Shown
from tui.themes import THEMES
from tui.words import spoken

if TYPE_CHECKING:
    from textual.command import Provider

OF_TABS = frozenset({"go", "leave", "read"})
"""What works where a tab is shown, and not on a window over it."""


def _palette(name: str) -> type[Provider]:
    found: type[Provider] = getattr(import_module("tui.palette"), name)
    return found


class MapperApp(App[None]):
    """The app. `open_session` opens the database, in a thread; `fault` is what ended the app, if something did.

    `language` is what was asked for; None: what was used last, else the webshop's.
    """

    TITLE = "CCV Shop → WeFact"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        lambda: _palette("Actions"),
        lambda: _palette("Numbers"),
    }
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (160, "-vast")]  # noqa: RUF012 (as Textual's App has it)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        *[
            Binding(str(number), f"go('{name}')", title, show=False, id=f"tab.{name}")
            for number, (name, (title, _, _)) in enumerate(TABS.items(), start=1)
        ],
        Binding("escape", "leave", "Back", show=False, id="back"),
        Binding("f5", "read", "Read again", show=False, id="read"),
        Binding("z", "maximise", "Maximise", show=False, id="maximise"),
        Binding("question_mark", "explain_screen", "Help", id="help"),
        Binding("ctrl+p", "command_palette", "All actions", id="palette"),
        Binding("ctrl+q", "end", "Quit", show=False, id="quit"),
    ]

    def __init__(
        self,
        open_session: Callable[[], Session],
        *,
        memory: Memory | None = None,
        language: Language | None = None,
    ) -> None:
        super().__init__()
        self.memory = memory or Memory(None)
        self._open_session = open_session
        self._asked = language
        remembered = self.memory.get("language")
        self.language: Language | None = language or (
            "nl" if remembered == "nl" else "en" if remembered else None
        )
        self.session: Session
        self.shown: Shown
        self.is_open = False
        self.fault: Exception | None = None
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = (
            self.memory.get("theme") if self.memory.get("theme") in self.available_themes else THEMES[0].name
        )

    def t(self, text: str, /, **facts: object) -> str:
        """Return a text of the screens in the person's language."""
        return spoken(text, self.language or "en", **facts)

    def compose(self) -> ComposeResult:
        """Lay out the top line, the tabs, and the place of the tab that is chosen."""
        yield TopLine(id="top")
        if self.language is not None:
            yield Places()
        yield Keys()

    def on_mount(self) -> None:
        """Open the database once the first frame is painted."""
        self.call_after_refresh(self._open)

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        try:
            self.session, self.shown = await asyncio.to_thread(self._opened)
        except MapperError as error:
            self.end_with(error)
            return
        self.is_open = True
        if self.language is None:
            self.language = self.session.language
            await self.mount(Places(), after="#top")
        self.query_one(TopLine).show(self.shown)
        await self.query_one(Places).begin()
        self._watch()

    def _opened(self) -> tuple[Session, Shown]:
        session = self._open_session()
        if self.language is not None:
            session.language = self.language
        return session, session.shown()

    @property
    def places(self) -> Places:
        """Return the tabs."""
        return self.screen_stack[0].query_one(Places)

    @property
    def current(self) -> TabBody | None:
        """Return the tab that is shown, None before it is made and while it is made anew."""
        return self.places.current if self.is_open and self.screen_stack[0].query(Places) else None

    async def go(self, name: str) -> TabBody | None:
        """Go to a tab and return it, made; windows over it are closed."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        return await self.places.go(name)

    def action_go(self, name: str) -> None:
        """Go to a tab; before the database is open: as soon as it is."""
        for places in self.screen_stack[0].query(Places):
            places.choose(name)

    # what changes meanwhile

    @work(exclusive=True, group="watch")
    async def _watch(self) -> None:
        """Read again what is shown whenever something changed."""
        from tui.watching import changes

        async for _ in changes(self.session):
            await self.read_again()

    async def read_again(self) -> None:
        """Read the top line and the tab that is shown anew."""
        try:
            self.shown = await asyncio.to_thread(self.session.shown)
        except MapperError as error:
            self.tell_error(error)
            return
        if not self.is_running:
            return  # it ended while the database was read
        self.screen_stack[0].query_one(TopLine).show(self.shown)
        self.places.relabel()
        if self.current is not None:
            self.current.read()

    async def renew(self, *, tenant: str | None = None, language: Language | None = None) -> None:
        """Make every tab anew, for another webshop or in another language."""
        if tenant is not None:
            self.session.tenant = tenant
        if language is not None:
            self.language = self.session.language = language
            self.memory.put("language", language)
        await self.places.empty()
        await self.read_again()
        self.screen_stack[0].query_one(Keys).refresh(recompose=True)
        self._watch()
        self.places.show_tab()

    # actions

    def action_leave(self) -> None:
        """Leave what is maximised, else what the tab is busy with."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.current is not None:
            self.current.leave()

    async def action_read(self) -> None:
        """Read everything again."""
        if self.is_open:
            await self.read_again()

    def action_maximise(self) -> None:
        """Give the whole screen to what has the focus, or take it back."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused)

    def action_explain_screen(self) -> None:
        """Explain what is on the screen, and its keys."""
        from tui.help import help_of

        if self.current is not None:
            self.push_screen(help_of(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what makes no sense before the database is open."""
        if action in OF_TABS and len(self.screen_stack) > 1:
            return False
        if action == "explain_screen":
            return True if self.is_open else None
        return True

    def action_command_palette(self) -> None:
        """Show every action."""
        from textual.command import CommandPalette

        if self.is_open and not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(CommandPalette(placeholder=self.t("Search for an action or a document…")))

    @work(exclusive=True, group="ask")
    async def action_switch(self) -> None:
        """Go to another webshop."""
        options = [(name, name) for name in self.session.tenants]
        title = self.t("Other webshop…").rstrip("…")
        chosen = await ask(self, Choose(title, options, chosen=self.session.tenant))
        if chosen not in (None, self.session.tenant):
            await self.renew(tenant=chosen)

    @work(exclusive=True, group="ask")
    async def action_language(self) -> None:
        """Speak the other language."""
        await self.renew(language="en" if self.session.language == "nl" else "nl")

    def action_light(self) -> None:
        """Change between dark and light."""
        self.theme = THEMES[1].name if self.theme == THEMES[0].name else THEMES[0].name
        self.memory.put("theme", self.theme)

    @work(exclusive=True, group="ask")
    async def action_ask_us(self) -> None:
        """Ask support something, from anywhere."""
        from tui.support import ask_us

        if self.current is not None:
            await ask_us(self.current)

    @work(exclusive=True, group="ask")
    async def action_pause(self) -> None:
        """Stop posting with a reason, or go on."""
        from tui.pausing import pause_or_resume

        await pause_or_resume(self)

    # telling

    def tell(self, text: str, *, severity: SeverityLevel = "information") -> None:
        """Say what happened, for a moment."""
        timeout = 5 if severity == "information" else 9
        told = "\n".join(printable(line, 600) for line in text.splitlines())
        self.notify(told, severity=severity, markup=False, timeout=timeout)

    def tell_error(self, error: MapperError) -> None:
        """Say what is wrong and what to do about it."""
        language = self.language or "en"
        self.tell(told(error, language), severity="error")

    def go_to_setting(self, key: str, row: str = "") -> None:
        """Go to Configuration, to the field of a setting, or to a row of its table."""
        self.run_worker(self._go_to_setting(key, row), exclusive=True, group="go")

    async def _go_to_setting(self, key: str, row: str) -> None:
        from tui.configuration.tab import Configuration

        tab = await self.go("configuration")
        if isinstance(tab, Configuration):
            tab.go_to(key, row)

    @work(exclusive=True, group="end")
    async def action_end(self) -> None:
        """Leave; what is not saved is asked about."""
        tabs = self.screen_stack[0].query(TabBody)
        if any(one.has_changes for one in tabs) and not await ask(
            self,
            Confirm(
                self.t("Leave without saving?"),
                self.t("Changed settings or rules are not saved yet."),
                yes=self.t("Leave"),
                is_grave=True,
            ),
        ):
            return
        self.exit()

    def end_with(self, error: Exception) -> None:
        """End the app; who started it tells the error."""
        self.fault = cast("Exception", error.error) if isinstance(error, WorkerFailed) else error
        self.exit(return_code=1)

    def _handle_exception(self, error: Exception) -> None:
        """Let no traceback reach the terminal: the command that started the app reports the fault."""
        if self.is_headless:
            super()._handle_exception(error)
        else:
            self.end_with(error)
