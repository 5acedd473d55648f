"""The tabs: the line they are chosen from, and the place of each, which is made on its first visit."""

from __future__ import annotations

from importlib import import_module

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widgets import ContentSwitcher, Tabs
from textual.widgets import Tab as TabLabel

from tui import amounts
from tui.face import Face, TabBody

# Name → (title, module, class): a module is imported on the tab's first visit.
TABS: dict[str, tuple[str, str, str]] = {
    "report": ("Report", "tui.report", "Report"),
    "errors": ("Errors", "tui.errors", "Errors"),
    "open": ("Open", "tui.open", "Open"),
    "configuration": ("Configuration", "tui.configuration.tab", "Configuration"),
    "profile": ("Profile", "tui.profile", "Profile"),
    "rules": ("Rules", "tui.rules", "Rules"),
}
FOR_SUPPORT = frozenset({"rules"})


class Places(Face, Vertical):
    """The tabs of the app. Before the database is open they can be chosen, and are filled as soon as it is."""

    tab: reactive[str] = reactive("report", init=False)

    def compose(self) -> ComposeResult:
        """Lay out the line, and the place below it."""
        app = self.mapper
        names = [
            name for name in TABS if name not in FOR_SUPPORT or (app.is_open and self.session.is_support)
        ]
        remembered = app.memory.get("tab")
        start = remembered if remembered in names else "report"
        self.set_reactive(Places.tab, start)
        yield Tabs(*[self._labelled(name) for name in names], active=start, id="tabs")
        yield ContentSwitcher(id="places")

    def _labelled(self, name: str) -> TabLabel:
        return TabLabel(Text(self._label(name)), id=name)

    def _label(self, name: str) -> str:
        app = self.mapper
        title = f"{list(TABS).index(name) + 1} {self.t(TABS[name][0])}"
        if not app.is_open or name not in {"errors", "open"}:
            return title
        count = app.shown.counts["error"] if name == "errors" else app.shown.under_way
        return f"{title} ({amounts.count(count, self.session.language)})" if count else title

    @property
    def _line(self) -> Tabs:
        return self.query_one("#tabs", Tabs)

    @property
    def _switcher(self) -> ContentSwitcher:
        return self.query_one("#places", ContentSwitcher)

    @property
    def current(self) -> TabBody | None:
        """Return the tab that is shown, None before it is made and while it is made anew."""
        place = f"place-{self.tab}"
        for switcher in self.query("#places").results(ContentSwitcher):
            if switcher.current == place:
                return next(switcher.query(f"#{place}").results(TabBody), None)
        return None

    async def begin(self) -> None:
        """Show the tab that was chosen, now that the database is open; support is given its own as well."""
        for name in FOR_SUPPORT if self.session.is_support else ():
            if not self.query(f"#tabs #{name}"):
                await self._line.add_tab(self._labelled(name))
                if self.mapper.memory.get("tab") == name:
                    self._line.active = name
        self.relabel()
        self.show_tab()

    def relabel(self) -> None:
        """Tell anew how many documents wait in a tab."""
        for label in self.query("#tabs Tab").results(TabLabel):
            if label.id:
                label.label = Text(self._label(label.id))

    async def empty(self) -> None:
        """Forget every tab that was made."""
        self._switcher.current = None
        await self._switcher.remove_children()

    @on(Tabs.TabActivated, "#tabs")
    def _activated(self, event: Tabs.TabActivated) -> None:
        # An event of a tab that was left again meanwhile is late: to follow it would go back and forth for ever.
        if event.tab.id and event.tab.id == event.tabs.active:
            self.tab = event.tab.id

    def watch_tab(self) -> None:
        """Show another tab."""
        if self.mapper.is_open:
            self.mapper.memory.put("tab", self.tab)
            self.show_tab()

    @work(exclusive=True, group="tab")
    async def show_tab(self) -> None:
        """Make the tab on its first visit, show it and give it the focus."""
        switcher, place = self._switcher, f"place-{self.tab}"
        if not switcher.query(f"#{place}"):
            _, module, name = TABS[self.tab]
            made: TabBody = getattr(import_module(module), name)(id=place)
            made.display = False  # the switcher shows it; another key may come before
            await switcher.mount(made)
        switcher.current = place
        if self.current is not None:
            self.current.read()
            if len(self.app.screen_stack) == 1:
                self.current.arrive()

    def choose(self, name: str) -> None:
        """Go to a tab, when there is one of that name."""
        if self.query(f"#tabs #{name}"):
            self._line.active = name

    async def go(self, name: str) -> TabBody | None:
        """Go to a tab and return it, made."""
        self._line.active = name
        self.tab = name
        await self.show_tab().wait()
        return self.current
