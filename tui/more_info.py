"""More info: what is wrong with a document, where in the shop's data, and the ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from mapper.diagnostics import printable
from tui import causes
from tui.document import Whole, copy, joined, titled, whole
from tui.document_screen import DocumentScreen
from tui.face import Face
from tui.footer import Keys
from tui.processing import ignored, processed
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.store.rows import Document
    from mapper.wording import Reason


class MoreInfo(Face, Screen[None]):
    """What is wrong with a document: cause, place in the shop's data, remedy, and the ways out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
        Binding("p", "process", "Process", id="more.process"),
        Binding("i", "ignore", "Ignore", id="more.ignore"),
        Binding("s", "setting", "Setting", id="more.setting"),
        Binding("r", "report", "Report problem", id="more.report"),
        Binding("w", "whole", "Everything", id="more.whole"),
        Binding("x", "explain", "Explain", id="more.explain"),
        Binding("n", "next", "Next mark", id="more.next"),
        Binding("y", "copy", "Copy", show=False, id="more.copy"),
    ]
    HELP_TEXT = (
        "Left what is wrong, why, and what to do about it. Right what the shop sent, with ◀ at the fields "
        "that it is about; n goes to the next of them. Mend it, then Process: it fetches the document anew."
    )

    def __init__(self, document_id: str) -> None:
        super().__init__()
        self._document_id = document_id
        self._found: Whole | None = None

    def compose(self) -> ComposeResult:
        """Lay out what is told and what the shop sent."""
        yield Static("", id="title", markup=False)
        with Horizontal(classes="halves -even"):
            yield VerticalScroll(Static("", id="told", markup=False), id="told-box")
            yield Records(
                (
                    Column("", 1),
                    Column(self.t("Field of the shop"), 30, grow=1),
                    Column(self.t("Value"), 20, grow=1),
                ),
                id="payload",
            )
        yield Keys()

    def on_mount(self) -> None:
        """Read the document."""
        self.query_one("#payload", Records).border_title = self.t("What the shop sent")
        self.query_one("#payload", Records).tell(self.t("Reading…"))
        self.query_one("#told-box").border_title = self.t("What is wrong")
        self._read()

    @work(exclusive=True, group="more")
    async def _read(self) -> None:
        found = await self.attempt(whole, self.session, self._document_id)
        if not self.query(Records):
            return
        if found is None:
            self.dismiss(None)
            return
        self._found = found
        self.query_one("#title", Static).update(titled(found, self.session))
        self.query_one("#told", Static).update(self._told(found))
        # On the border it stays in sight, however long the rest is.
        if key := causes.mending_key(found.document.cause, found.reason.remedy):
            hint = f"s  {self.t('goes to the setting {key}', key=key)}"
            self.query_one("#told-box").border_subtitle = Text(hint)
        self.query_one(Records).focus()
        payload = await self.attempt(self._payload)
        marked = (
            await self.attempt(
                causes.places, self.session, self._document_id, found.mapped, found.document.cause
            )
            if found.mapped is not None
            else frozenset()
        )
        if self.query(Records):  # else it was left meanwhile
            self._show(payload or {}, marked or frozenset())

    def _payload(self) -> dict[str, Any]:
        from mapper.errors import StoreError
        from mapper.store import payloads

        try:
            with self.session.database.read() as conn:
                return payloads.payload(conn, self.session.tenant, self._document_id)
        except StoreError:
            return {}  # nothing was fetched yet

    def _show(self, payload: dict[str, Any], marked: frozenset[str]) -> None:
        rows = []
        for path, value in causes.flat(payload):
            hit = path in marked or any(path.startswith((f"{one}.", f"{one}[")) for one in marked)
            if not (hit or value):
                continue
            rows.append(Row(path, ("◀" if hit else "", path, value), "bad" if hit else ""))
        self.query_one(Records).show(rows, note=self.t("Nothing was fetched from the shop yet."))
        self.action_next()

    def _told(self, found: Whole) -> Text:
        t, document = self.t, found.document
        head = Text(document.cause, "bold")
        if causes.title(document.cause):
            head.append(f"  {t(causes.title(document.cause))}", "bold")
        body = joined(head, found.reason.said)
        if found.reason.remedy:
            body = joined(body, Text(t("What to do"), "bold"), found.reason.remedy)
        finding = next(
            (one for one in found.mapped.findings if one.get("id") == document.cause)
            if found.mapped
            else iter(()),
            None,
        )
        if finding is not None and finding.get("about"):
            body = joined(body, Text(t("Where"), "bold"))
            body.append("\n" + printable(f"{finding['about']}   {finding.get('rule', '')}", 200))
        if found.document.facts:
            facts = "\n".join(f"{name}: {value}" for name, value in document.facts.items())
            body = joined(body, Text(t("Facts"), "bold"), facts)
        others = [
            one for one in (found.mapped.findings if found.mapped else ())
            if one.get("id") != document.cause and one.get("severity") in {"error", "wait", "warning"}
        ]  # fmt: skip
        if others:
            body = joined(body, Text(t("Also found"), "bold"))
            for one in others:
                said = one.get("message")
                text = said.get(self.session.language) or said.get("en") if isinstance(said, dict) else said
                body.append("\n" + printable(f"{one.get('id')}: {text}", 400))
        return body

    def action_next(self) -> None:
        """Go to the next marked field."""
        records = self.query_one(Records)
        keys = [row.key for row in records.rows if row.tone]
        if keys:
            current = records.current.key if records.current else ""
            records.go_to(keys[(keys.index(current) + 1) % len(keys)] if current in keys else keys[0])

    @work(exclusive=True, group="process")
    async def action_process(self) -> None:
        """Process it, and go back to the list."""
        if await processed(self, [self._document_id]):
            self.dismiss(None)

    @work(exclusive=True, group="process")
    async def action_ignore(self) -> None:
        """Ignore it, and go back to the list."""
        if await ignored(self, [self._document_id]):
            self.dismiss(None)

    @work(exclusive=True, group="ask")
    async def action_report(self) -> None:
        """Send support all that is needed to look into it."""
        from tui.support import report_problem

        if self._found is not None:
            await report_problem(self, self._document_id)

    def action_setting(self) -> None:
        """Go to the setting that mends it."""
        if self._found is not None:
            go_to_setting(self, self._found.document, self._found.reason)

    def action_whole(self) -> None:
        """Show all that is kept of it."""
        self.app.push_screen(DocumentScreen(self._document_id))

    def action_explain(self) -> None:
        """Show its fields, to explain one."""
        self.app.push_screen(DocumentScreen(self._document_id, part="fields"))

    def action_copy(self) -> None:
        """Copy the value of the cursor."""
        row = self.query_one(Records).current
        if row is not None:
            copy(self, row.cells[-1])


def go_to_setting(face: Face, document: Document, reason: Reason) -> None:
    """Go to the setting that mends what a document stopped at."""
    from tui.configuration import rates

    key = causes.mending_key(document.cause, reason.remedy)
    if not key:
        face.mapper.tell(face.t("No setting mends this; More info says what does."), severity="warning")
        return
    row = rates.row_of(document.facts) if key in {"vat.rates", "vat.icp", "vat.international"} else ""
    face.mapper.go_to_setting(key, row)
