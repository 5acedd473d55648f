"""The command palette: every action by its name, and documents by their number ("open order 1042")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from mapper.diagnostics import printable
from tui.words import WORDS

if TYPE_CHECKING:
    from tui.app import MapperApp

_MOST = 8
_MOVES = ("go(", "move(", "page(", "jump(", "open", "nothing", "dismiss(")
_EVERYWHERE = {
    "ask_us": "Ask us…",
    "switch": "Other webshop…",
    "language": "Language: Nederlands / English",
    "light": "Light or dark",
    "pause": "Pause or resume posting…",
    "end": "Quit",
}
_PREFIXES = ("open order", "open invoice", "open", "order", "invoice", "bestelling", "factuur")


class Actions(Provider):
    """What can be done where one is, and everywhere."""

    @property
    def _mapper(self) -> MapperApp:
        return cast("MapperApp", self.app)

    def _all(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        app = self._mapper
        if not app.is_open:
            return
        from tui.places import TABS

        for name, (title, _, _) in TABS.items():
            if app.screen_stack[0].query(f"#tabs #{name}"):
                yield app.t("Go to {tab}", tab=app.t(title)), "", partial(app.action_go, name)
        seen = set()
        for node, binding, enabled, _ in self.screen.active_bindings.values():
            action = binding.action.removeprefix("app.")
            is_ours = binding.description in WORDS and not binding.action.startswith(_MOVES)
            if is_ours and enabled and action not in seen and action not in _EVERYWHERE:
                seen.add(action)
                text = app.t(binding.description)
                yield text, app.get_key_display(binding), partial(app.run_action, binding.action, node)
        for action, text in _EVERYWHERE.items():
            yield app.t(text), "", getattr(app, f"action_{action}")

    async def discover(self) -> Hits:
        """List every action."""
        for text, key, run in self._all():
            yield DiscoveryHit(_with_key(Content(text), key), run, text=text)

    async def search(self, query: str) -> Hits:
        """List the actions whose name fits."""
        matcher = self.matcher(query)
        for text, key, run in self._all():
            if (score := matcher.match(text)) > 0:
                yield Hit(score, _with_key(matcher.highlight(text), key), run, text=text)


def _with_key(text: Content, key: str) -> Content:
    return Content.assemble(text, (f"  {key}", "dim")) if key else text


class Numbers(Provider):
    """Documents by number, order number, customer or e-mail."""

    async def search(self, query: str) -> Hits:
        """List the documents that are found."""
        app = cast("MapperApp", self.app)
        wanted = query.strip().casefold()
        for prefix in _PREFIXES:
            wanted = wanted.removeprefix(prefix + " ")
        if not app.is_open or len(wanted) < 2:
            return
        async for hit in self._found(app, wanted):
            yield hit

    async def _found(self, app: MapperApp, wanted: str) -> AsyncIterator[Hit]:
        from mapper.store import listing
        from tui.document_screen import DocumentScreen

        def read():  # type: ignore[no-untyped-def]  # noqa: ANN202
            with app.session.database.read() as conn:
                return listing.page(conn, app.session.tenant, search=wanted, limit=_MOST).documents

        for document in await asyncio.to_thread(read):
            text = printable(
                f"{app.t(document.kind.capitalize())} {document.number or document.id} · {document.customer}"
                f" · {app.t(document.state)}",
                100,
            )
            score = 1.0 if wanted in {document.number.casefold(), document.order_number.casefold()} else 0.6
            yield Hit(score, Content(text), partial(app.push_screen, DocumentScreen(document.id)), text=text)
