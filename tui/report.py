"""Report: what is invoiced in a period, in figures and one by one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from tui import amounts
from tui import period as periods
from tui.document import Brief, browse, copy
from tui.document_screen import DocumentScreen
from tui.face import Face
from tui.filters import FilterLine
from tui.lists import FILTERING, DocumentTable, ListTab, Query
from tui.period import Period
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.store.rows import Document, State, Turnover
    from mapper.wording import Reason

_NOTHING = Decimal(0)
_DONE: tuple[State, ...] = ("done",)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a period comes to; `days` counts its documents day by day."""

    documents: int
    turnover: tuple[Turnover, ...]
    days: list[int]

    @property
    def excl(self) -> Decimal:
        """Return the net in euros."""
        return sum((one.excl for one in self.turnover), _NOTHING)

    @property
    def tax(self) -> Decimal:
        """Return the VAT in euros."""
        return sum((one.tax for one in self.turnover), _NOTHING)

    def by(self, field: str) -> list[tuple[str | Decimal, Decimal, Decimal]]:
        """Return (country or rate, net, VAT), the largest first."""
        sums: dict[str | Decimal, tuple[Decimal, Decimal]] = defaultdict(lambda: (_NOTHING, _NOTHING))
        for one in self.turnover:
            key = one.country if field == "country" else one.rate
            excl, tax = sums[key]
            sums[key] = excl + one.excl, tax + one.tax
        return sorted(((key, excl, tax) for key, (excl, tax) in sums.items()), key=lambda one: -one[1])


class Figures(Face, Horizontal):
    """The period in figures: totals with a line of bars, euros per rate, euros per country."""

    def compose(self) -> ComposeResult:
        """Lay out three blocks."""
        yield Static("", id="totals", markup=False)
        yield Static("", id="rates", markup=False)
        yield Static("", id="countries", markup=False)

    def show(self, sums: Sums) -> None:
        """Show the figures."""
        t, language = self.t, self.session.language
        total = Text()
        total.append(amounts.count(sums.documents, language), "bold")
        total.append(" " + t("documents") + "\n", "dim")
        for label, value, style in (
            (t("net"), sums.excl, ""),
            (t("VAT"), sums.tax, ""),
            (t("gross"), sums.excl + sums.tax, "bold"),
        ):
            total.append(f"{label:<7}", "dim")
            total.append(f"€ {amounts.amount(value, language):>13}\n", style)
        total.append(amounts.spark(sums.days, 31))
        self.query_one("#totals", Static).update(total)
        rates = [(amounts.percent(Decimal(key), language), excl, tax) for key, excl, tax in sums.by("rate")]
        self.query_one("#rates", Static).update(self._block(t("per rate"), rates))
        countries = [(str(key) or "?", excl, tax) for key, excl, tax in sums.by("country")]
        self.query_one("#countries", Static).update(self._block(t("per country"), countries))

    def _block(self, title: str, rows: list[tuple[str, Decimal, Decimal]]) -> Text:
        language, told = self.session.language, Text()
        told.append(f"{title:<13}{self.t('net'):>13}{self.t('VAT'):>12}", "dim")
        shown = rows if len(rows) <= 4 else rows[:3]
        for name, excl, tax in shown:
            told.append(f"\n{name:<13}")
            told.append(f"{amounts.amount(excl, language):>13}{amounts.amount(tax, language):>12}")
        if len(rows) > len(shown):
            told.append("\n" + self.t("and {count} more: f", count=len(rows) - len(shown)), "dim")
        return told


class Report(ListTab):
    """The tab."""

    NAME = "report"
    HELP_TEXT = (
        "What is invoiced in WeFact, newest first, with the figures of the period: euros per VAT rate and per"
        " delivery country, as mapped to the cent. The bars are documents per day. Enter opens a document "
        "with its lines, what was sent to WeFact and why every value is what it is. What is done is never "
        "processed again by itself."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "explain", "Explain", id="report.explain"),
        Binding("f", "figures", "Figures", id="report.figures"),
        Binding("y", "copy", "Copy", show=False, id="report.copy"),
        Binding("o", "browse", "Open WeFact", show=False, id="report.browse"),
        Binding("d", "period", "Period", id="period"),
        *FILTERING,
    ]

    def compose(self) -> ComposeResult:
        """Lay out filters, figures, the list and what is chosen."""
        t = self.t
        yield FilterLine("report", Period("month"))
        yield Figures(id="figures")
        with Horizontal(classes="halves"):
            yield DocumentTable(
                (
                    Column(t("Date"), 16),
                    Column(t("Number"), 10),
                    Column(t("Customer"), 16, grow=1),
                    Column(t("Total"), 13, right=True),
                    Column(t("Invoice"), 13),
                    Column(t("Note"), 8, spare=1),
                ),
                self._row,
                id="report-list",
            )
            yield Brief(classes="beside")

    def on_mount(self) -> None:
        """Name the table."""
        self.table.border_title = self.t("Invoiced")
        self.table.none = self.t(
            "Nothing is invoiced in this period yet.\nd chooses another; 3 shows what is on its way."
        )

    def read(self) -> None:
        """Read list and figures."""
        line = self.filters
        query = Query(_DONE, line.period, line.search)
        self.table.load(query, again=True)
        self._read_sums(line.period)

    @work(exclusive=True, group="sums")
    async def _read_sums(self, period: Period) -> None:
        await self.table.until_read()
        sums = await self.attempt(self._sums, period)
        if sums is not None:
            self.query_one(Figures).show(sums)

    def _sums(self, period: Period) -> Sums:
        from mapper.store import listing, turnover

        session, zone = self.session, self.mapper.shown.zone
        today = session.now().astimezone(zone).date()
        since, until = period.bounds(today, zone)
        with session.database.read() as conn:
            count = listing.count(conn, session.tenant, states=_DONE, since=since, until=until)
            parts = turnover.of_period(conn, session.tenant, since=since, until=until)
            hours = listing.by_hour(conn, session.tenant, states=_DONE, since=since, until=until)
        first, last = period.days(today)
        days = [hour.astimezone(zone).date() for hour in hours]
        first, last = first or min(days, default=today), last or max(days, default=today)
        return Sums(count, parts, periods.per_day(hours, first, last, zone))

    def _row(self, document: Document, reason: Reason) -> Row:
        language, zone = self.session.language, self.mapper.shown.zone
        note = self.t("changed since") if document.drift_at else document.cause
        return Row(
            document.id,
            (
                amounts.moment(document.dated, zone),
                document.number or document.id,
                document.customer,
                amounts.money(document.total_incl, document.currency, language),
                document.code or document.identifier,
                note,
            ),
        )

    @on(Records.Opened, "#report-list")
    def action_open(self) -> None:
        """Open the document whole."""
        if (chosen := self.table.chosen) is not None:
            self.app.push_screen(DocumentScreen(chosen[0].id))

    def action_figures(self) -> None:
        """Show the figures per country and rate, all of them."""
        self._show_figures(self.filters.period)

    @work(exclusive=True, group="figures")
    async def _show_figures(self, period: Period) -> None:
        from tui.dialogs import Told

        sums = await self.attempt(self._sums, period)
        if sums is None:
            return
        today = self.session.now().astimezone(self.mapper.shown.zone).date()
        t, language = self.t, self.session.language
        told = Text(
            f"{t('Country'):<9}{t('Rate'):>8}{t('Documents'):>12}{t('net'):>16}{t('VAT'):>15}\n", "dim"
        )
        for one in sorted(sums.turnover, key=lambda one: (one.country, -one.rate)):
            rate, count = amounts.percent(one.rate, language), amounts.count(one.documents, language)
            told.append(f"{one.country or '?':<9}{rate:>8}{count:>12}")
            told.append(f"{amounts.amount(one.excl, language):>16}{amounts.amount(one.tax, language):>15}\n")
        told.append(f"{t('Together'):<9}{'':>8}{amounts.count(sums.documents, language):>12}", "bold")
        told.append(
            f"{amounts.amount(sums.excl, language):>16}{amounts.amount(sums.tax, language):>15}", "bold"
        )
        title = period.title(today, language, all_words=t("all there is"))
        self.app.push_screen(Told(title, told))

    def action_copy(self) -> None:
        """Copy the invoice's code, else the number."""
        if (chosen := self.table.chosen) is not None:
            copy(self, chosen[0].code or chosen[0].number or chosen[0].id)

    def action_browse(self) -> None:
        """Open WeFact."""
        if (chosen := self.table.chosen) is not None:
            browse(self, chosen[0])
