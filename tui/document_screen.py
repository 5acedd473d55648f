"""A document whole, on a screen of its own, where every value can be explained."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static, Tab, Tabs

from mapper.errors import Language
from tui import amounts
from tui.document import Whole, browse, coded, copy, titled, whole
from tui.face import Face
from tui.footer import Keys
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.authoring.explain import Explainer

PARTS = ("summary", "lines", "requests", "fields", "history")


class DocumentScreen(Face, Screen[None]):
    """A document whole. `x` explains the value of the cursor, down to the rule."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
        Binding("x", "explain", "Explain", id="explain"),
        Binding("p", "process", "Process", id="process"),
        Binding("i", "ignore", "Ignore", id="ignore"),
        Binding("y", "copy", "Copy", id="copy"),
        Binding("o", "browse", "Open WeFact", id="browse"),
        *[Binding(str(n), f"part('{part}')", part, show=False) for n, part in enumerate(PARTS, start=1)],
    ]
    HELP_TEXT = (
        "Everything that is kept of one order or invoice of the shop. 1 to 5 choose a part; x explains the "
        "value of the cursor: the rule and its line, what it was made of, and why other cases did not apply. "
        "The explanation uses the rules and settings of the day it was mapped."
    )

    def __init__(self, document_id: str, *, part: str = "summary") -> None:
        super().__init__()
        self._document_id = document_id
        self._start = part
        self.whole: Whole | None = None
        self._explainer: Explainer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the title, the parts and the keys."""
        titles = dict(zip(PARTS, ("Summary", "Lines", "Requests", "All fields", "History"), strict=True))
        yield Static("", id="title", markup=False)
        yield Tabs(
            *[Tab(Text(f"{n} {self.t(titles[part])}"), id=part) for n, part in enumerate(PARTS, start=1)],
            active=self._start,
        )
        with ContentSwitcher(id="parts", initial=self._start):
            yield Records((Column("", 22), Column("", 40, grow=1)), id="summary")
            yield Records(self._line_columns(), id="lines")
            yield Records(
                (Column(self.t("Parameter"), 30), Column(self.t("Value"), 30, grow=1)), id="requests"
            )
            yield Records(
                (
                    Column(self.t("Field"), 30),
                    Column(self.t("Value"), 24, grow=1),
                    Column(self.t("Rule"), 30, spare=1),
                ),
                id="fields",
            )
            yield Records(
                (Column(self.t("When"), 16), Column(self.t("What"), 22), Column(self.t("Facts"), 30, grow=1)),
                id="history",
            )
        yield Keys()

    def _line_columns(self) -> tuple[Column, ...]:
        t = self.t
        return (
            Column("", 2, right=True),
            Column(t("Description"), 20, grow=1),
            Column(t("Count"), 6, right=True),
            Column(t("Price excl."), 12, right=True, spare=1),
            Column(t("VAT"), 6, right=True),
            Column(t("Code"), 8, spare=2),
            Column(t("Total excl."), 11, right=True),
            Column(t("Total incl."), 11, right=True),
        )

    def on_mount(self) -> None:
        """Read the document."""
        self._read()

    @work(exclusive=True, group="whole")
    async def _read(self) -> None:
        found = await self.attempt(whole, self.session, self._document_id)
        if not self.query(Records):
            return
        if found is None:
            self.dismiss(None)
            return
        self.whole = found
        self.query_one("#title", Static).update(titled(found, self.session))
        self.query_one("#summary", Records).show(self._summary(found))
        self.query_one("#lines", Records).show(self._lines(found), note=self.t("Not mapped yet."))
        self.query_one("#requests", Records).show(list(self._requests(found)), note=self.t("Not mapped yet."))
        self.query_one("#fields", Records).show(self._fields(found), note=self.t("Not mapped yet."))
        self.query_one("#history", Records).show(self._history(found), note=self.t("Nothing yet."))
        self.query_one(f"#{self._start}", Records).focus()

    # the parts

    def _summary(self, found: Whole) -> list[Row]:
        t, zone, language = self.t, self.mapper.shown.zone, self.session.language
        document, mapped = found.document, found.mapped
        rows = [_heading(t("In the shop"))]
        rows += _rows(
            (t("Number"), document.number),
            (t("Order number"), document.order_number if document.order_number != document.number else ""),
            (t("Id"), document.id),
            (t("Date"), amounts.moment(document.dated, zone)),
            (t("Customer"), document.customer),
            (t("Total"), amounts.money(document.total_incl, document.currency, language)),
            (t("Deleted there"), t("yes") if document.deleted else ""),
            (t("Changed there"), amounts.moment(document.drift_at, zone)),
        )
        rows += [_heading(t("Here"))]
        rows += _rows(
            (t("State"), t(document.state)),
            (t("Why"), coded(document.cause, found.reason.said)),
            (t("What to do"), found.reason.remedy),
            (t("First seen"), amounts.moment(document.noted_at, zone)),
            (t("Last change"), amounts.moment(document.changed_at, zone)),
            (t("Again at"), amounts.moment(document.next_at, zone)),
            (t("Tries"), str(document.attempts or "")),
            (t("Worked on by"), document.claimed_by),
            (t("Rules"), mapped.rules[:12] if mapped else ""),
            (t("Settings"), str(mapped.settings_revision) if mapped else ""),
        )
        for finding in mapped.findings if mapped else ():
            rows.append(_finding(finding, language))
        rows += [_heading("WeFact")]
        rows += _rows(
            (t("Invoice"), document.code),
            (t("Identifier"), document.identifier),
            (t("Done"), amounts.moment(document.done_at, zone)),
        )
        for one in found.operations:
            told = " · ".join(part for part in (t(one.state), one.code or one.identifier, one.error) if part)
            rows.append(
                Row(f"operation.{one.key}", (one.step, f"{told} · {amounts.moment(one.intent_at, zone)}"))
            )
        for check in found.checks:
            told = f"{check.number} {t(check.state)} {check.code} {check.consultation}".strip()
            rows.append(
                Row(f"vies.{check.number}", ("VIES", f"{told} · {amounts.moment(check.asked_at, zone)}"))
            )
        return rows

    def _lines(self, found: Whole) -> list[Row]:
        language = self.session.language
        rows = []
        for number, line in enumerate(found.lines, start=1):
            cells = (
                str(number),
                str(line["description"]),
                str(line["quantity"]),
                amounts.amount(Decimal(line["unit_excl"]), language),
                amounts.percent(Decimal(line["vat_percent"]), language),
                str(line.get("vat_code") or ""),
                amounts.amount(Decimal(line["total_excl"]), language),
                amounts.amount(Decimal(line["total_incl"]), language),
            )
            rows.append(Row(f"lines.{number}.total_incl", cells))
        return rows

    def _requests(self, found: Whole) -> list[Row]:
        rows = []
        for request in found.mapped.requests if found.mapped else ():
            name = str(request.get("name") or request.get("controller"))
            rows.append(_heading(f"{request.get('controller')} / {request.get('action')}"))
            rows += [Row(path, (path, value)) for path, value in _flat(request.get("params") or {}, name)]
        return rows

    def _fields(self, found: Whole) -> list[Row]:
        rows = []
        for one in found.mapped.trace if found.mapped else ():
            path, line = str(one["path"]).partition(".")[2], one.get("line")
            if not path.startswith("_"):
                path = path if line is None else f"lines.{line}.{path}"
                rows.append(Row(path, (path, _short(one["value"]), str(one["rule"]))))
        return rows

    def _history(self, found: Whole) -> list[Row]:
        zone = self.mapper.shown.zone
        return [
            Row(
                str(entry.number),
                (
                    amounts.moment(entry.at, zone),
                    self.t(entry.event) if entry.event in _EVENTS else entry.event,
                    ", ".join(f"{name} {value}" for name, value in entry.facts.items() if value),
                ),
            )
            for entry in found.journal
        ]

    # actions

    def action_part(self, part: str) -> None:
        """Choose a part."""
        self.query_one(Tabs).active = part

    @on(Tabs.TabActivated)
    def _chosen(self, event: Tabs.TabActivated) -> None:
        if event.tab.id is not None:
            self.query_one("#parts", ContentSwitcher).current = event.tab.id
            self.query_one(f"#{event.tab.id}", Records).focus()

    @property
    def _records(self) -> Records:
        return self.query_one(f"#{self.query_one('#parts', ContentSwitcher).current}", Records)

    def action_explain(self) -> None:
        """Explain the value of the cursor."""
        row = self._records.current
        path = row.key if row is not None else ""
        explainable = self._records.id in {"lines", "requests", "fields"}
        self._explain(path if explainable else "total_incl")

    @on(Records.Opened)
    def _opened(self) -> None:
        self.action_explain()

    @work(exclusive=True, group="explain")
    async def _explain(self, path: str) -> None:
        from tui.explaining import ExplainScreen, explainer_of

        if self._explainer is None:
            self._explainer = await self.attempt(explainer_of, self.session, self._document_id)
        if self._explainer is not None:
            explained = await self.attempt(self._explainer.explain, path)
            if explained is not None:
                self.app.push_screen(ExplainScreen(explained))

    def action_process(self) -> None:
        """Show what would be posted, and post it when the person agrees."""
        from tui.processing import process

        process(self, [self._document_id])

    def action_ignore(self) -> None:
        """Leave the document alone, with a reason."""
        from tui.processing import ignore

        ignore(self, [self._document_id])

    def action_copy(self) -> None:
        """Copy what the cursor is on."""
        row = self._records.current
        if row is not None:
            text = row.cells[-1] if self._records.id != "lines" else row.cells[1]
            copy(self, text)

    def action_browse(self) -> None:
        """Open WeFact in the browser, the invoice's code copied to search for."""
        if self.whole is not None:
            browse(self, self.whole.document)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what this document cannot have done."""
        document = self.whole.document if self.whole else None
        if action in {"process", "ignore"} and (document is None or document.state in {"done", "processing"}):
            return None
        if action == "browse" and (document is None or not document.identifier):
            return None
        return True


def _heading(title: str) -> Row:
    return Row(f"heading {title}", (title,), heading=True)


def _rows(*told: tuple[str, str]) -> list[Row]:
    return [Row(label, (label, value)) for label, value in told if value]


def _finding(finding: Mapping[str, Any], language: Language) -> Row:
    said = finding.get("message")
    text = said.get(language) or said.get("en", "") if isinstance(said, Mapping) else str(said or "")
    severity = str(finding.get("severity"))
    tone = {"error": "bad", "wait": "busy", "warning": "busy"}.get(severity, "")
    return Row(f"finding.{finding.get('id')}.{text[:40]}", (f"{finding.get('id')} {severity}", text), tone)


def _flat(value: Any, path: str) -> list[tuple[str, str]]:
    """Return every parameter with its path as `explain` takes it; items count from 1."""
    if isinstance(value, Mapping):
        return [pair for name, inner in value.items() for pair in _flat(inner, f"{path}.{name}")]
    if isinstance(value, list):
        return [
            pair for number, inner in enumerate(value, start=1) for pair in _flat(inner, f"{path}.{number}")
        ]
    return [(path, _short(value))]


def _short(value: Any) -> str:
    from mapper.authoring.explanation import brief

    return brief(value)


_EVENTS = frozenset(
    {
        "noted",
        "process",
        "again",
        "accepted",
        "done",
        "ignored by a person",
        "vies",
        "not mailed",
        "error",
        "waiting",
    }
)
