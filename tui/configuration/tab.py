"""The tab Configuration: sections left, the one that is chosen right; saved all at once, with undo."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, Static

from tui.configuration.connections import Connections
from tui.configuration.draft import Draft
from tui.configuration.fields import Fields
from tui.configuration.history import History
from tui.configuration.methods import PaymentMethods
from tui.configuration.part import Part
from tui.configuration.vat_codes import VatCodes
from tui.face import TabBody
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.store.rows import SettingsChange
    from mapper.vat.rates import VatRates
    from tui.configuration.account import Account

CONNECTIONS, VAT, METHODS, HISTORY = "connections", "vat", "methods", "history"
# Section → (title, keys of its fields); those without keys are parts of their own.
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    CONNECTIONS: ("Connections", ()),
    "documents": (
        "Documents",
        ("mode", "statuses", "process_from", "home_country", "vat_number", "currency", "time_zone", "margin_scheme"),
    ),
    "invoice": (
        "Invoice",
        (
            "invoice.layout", "invoice.status", "invoice.code", "invoice.term", "invoice.send_by_email",
            "invoice.cost_centre", "invoice.address", "invoice.shipping_fields", "invoice.write_reference",
            "invoice.rounding_model",
        ),
    ),
    VAT: ("VAT codes", ()),
    "vat_of": (
        "VAT of costs",
        (
            "vat_of.shipping", "vat_of.shipping_rate", "vat_of.payment", "vat_of.payment_rate",
            "vat.real_rates_below_one", "vat.legal_rates",
        ),
    ),
    METHODS: ("Payment methods", ()),
    "products": ("Products", ("products.synchronise",)),
    "checks": (
        "Checks",
        (
            "checks.eu_zero_rate", "checks.vies_unknown", "checks.zero_total", "checks.discounts_in_rows",
            "checks.rounding_limit", "checks.impact_limit",
        ),
    ),
    "general": ("General", ("name", "language")),
    HISTORY: ("Who changed what", ()),
}  # fmt: skip
_FIELDS = "fields"


@dataclass(frozen=True, slots=True)
class _Read:
    settings: Mapping[str, Any]
    history: tuple[SettingsChange, ...]


class Configuration(TabBody):
    """The tab. Its parts read from it the draft, its history, and what the services offer to choose from."""

    NAME = "configuration"
    HELP_TEXT = (
        "All settings of the webshop. Left the sections, right the settings; Enter changes one. Nothing holds"
        " before w saves it, all at once; u takes the last step back. A setting that does not fit the others "
        "says so and keeps the rest from being saved. VAT codes: Enter changes a row, a adds one, c copies "
        "the codes of the row to the marked ones, n fills in destination rates (OSS) or those of the home "
        "country, Delete removes a row, R all of them. Payment methods: Enter searches the fixed debtor in "
        "WeFact. In the history, Enter tells a change and b goes back to what held before it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "save", "Save", id="configuration.save"),
        Binding("u", "undo", "Undo", id="configuration.undo"),
        Binding("t", "of_part('test')", "Test", id="configuration.test"),
        Binding("space", "of_part('mark')", "Mark", id="configuration.mark"),
        Binding("a", "of_part('add')", "Add", id="configuration.add"),
        Binding("c", "of_part('copy_codes')", "Copy", id="configuration.copy"),
        Binding("n", "of_part('propose')", "Fill in", id="configuration.propose"),
        Binding("delete", "of_part('remove')", "Remove", id="configuration.remove"),
        Binding("R", "of_part('remove_all')", "Remove all", show=False, id="configuration.remove_all"),
        Binding("b", "of_part('back_to')", "Restore", id="configuration.before"),
        Binding("tab", "other", "Sections ⇄ settings", show=False, priority=True, id="configuration.other"),
    ]

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._draft: Draft | None = None
        self.account: Account | None = None
        self.rates: VatRates | None = None
        self.history: tuple[SettingsChange, ...] = ()
        self._asked_account = False
        self._wanted = ""

    def compose(self) -> ComposeResult:
        """Lay out sections, settings and help."""
        with Horizontal(classes="settings"):
            yield Records((Column(self.t("Section"), 16, grow=1),), id="sections")
            with Vertical():
                with ContentSwitcher(id="section", initial=CONNECTIONS):
                    yield Fields(self, id=_FIELDS)
                    yield VatCodes(self, id=VAT)
                    yield PaymentMethods(self, id=METHODS)
                    yield Connections(self, id=CONNECTIONS)
                    yield History(self, id=HISTORY)
                yield Static("", id="setting-help", markup=False)

    def on_mount(self) -> None:
        """Show the sections."""
        self._sections.show([Row(name, (self.t(title),)) for name, (title, _) in SECTIONS.items()])
        self._sections.border_title = self.t("Settings")
        self.part.tell(self.t("Reading…"))

    def arrive(self) -> None:
        """Take the focus."""
        (self.part if self._wanted else self._sections).focus()

    def read(self) -> None:
        """Read the settings, unless they are being changed."""
        self._read()

    @work(exclusive=True, group="settings")
    async def _read(self) -> None:
        found = await self.attempt(self._stored)
        if found is None:
            return
        if self._draft is None:
            self._draft = Draft(found.settings)
        else:
            self._draft.rebase(found.settings)
        self.history = found.history
        self.redraw()
        if self._wanted:
            self._go_to(self._wanted)
        if not self._asked_account:
            self._asked_account = True
            self._ask_account()

    def _stored(self) -> _Read:
        from mapper.store import tenants

        with self.session.database.read() as conn:
            tenant = self.session.tenant
            return _Read(tenants.settings(conn, tenant), tenants.settings_history(conn, tenant))

    @work(exclusive=True, group="account")
    async def _ask_account(self) -> None:
        """Ask the services what there is to choose from; without them codes are typed."""
        from tui.configuration import account

        self.rates = await asyncio.to_thread(_vat_rates)
        self.redraw()
        self.account = await self.attempt(account.read, self.session)
        self.redraw()

    # what is shown

    @property
    def draft(self) -> Draft:
        """Return the settings as they would become."""
        assert self._draft is not None
        return self._draft

    @property
    def has_changes(self) -> bool:
        """Tell whether something is not saved."""
        return self._draft is not None and bool(self._draft.changes)

    @property
    def _sections(self) -> Records:
        return self.query_one("#sections", Records)

    @property
    def _section(self) -> str:
        row = self._sections.current
        return row.key if row is not None else CONNECTIONS

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the settings of the section that is chosen."""
        return SECTIONS[self._section][1]

    @property
    def part(self) -> Part:
        """Return the list of the section that is chosen."""
        return self.query_one(f"#{_FIELDS if self.keys else self._section}", Part)

    @on(Records.Highlighted, "#sections")
    def redraw(self) -> None:
        """Show the section that is chosen with the draft as it is by now."""
        if self._draft is None:
            return
        part = self.part
        self.query_one("#section", ContentSwitcher).current = part.id
        part.draw()
        part.border_title = self.t(SECTIONS[self._section][0])
        changes = len(self.draft.changes)
        told = self.t("{count} not saved: w saves, u undoes", count=changes) if changes else ""
        if self.draft.problems:
            told = self.t("{count} not right: cannot be saved", count=len(self.draft.problems))
        part.border_subtitle = told
        self._tell_help()
        self.refresh_bindings()

    @on(Records.Highlighted, "#section Records")
    def _tell_help(self) -> None:
        self.query_one("#setting-help", Static).update(self.part.told())

    def go_to(self, key: str, row: str = "") -> None:
        """Go to a setting, in a table of its own to a row, as soon as it is there."""
        self._wanted = key
        self.query_one(VatCodes).want(row)
        if self._draft is not None:
            self._go_to(key)

    def _go_to(self, key: str) -> None:
        self._wanted = ""
        of_fields = next((name for name, (_, keys) in SECTIONS.items() if key in keys), "")
        of_parts = {"vat": VAT, "payment_methods": METHODS}.get(key.partition(".")[0], CONNECTIONS)
        self._sections.go_to(of_fields or of_parts)
        self.redraw()
        self.part.go_to(key)
        self.part.focus()

    # actions

    @on(Records.Opened, "#sections")
    def _enter(self) -> None:
        self.part.focus()

    def action_other(self) -> None:
        """Go from the sections to the settings, and back."""
        (self.part if self._sections.has_focus else self._sections).focus()

    async def action_of_part(self, name: str) -> None:
        """Do what the section that is chosen can do."""
        await self.app.run_action(name, self.part)

    def action_undo(self) -> None:
        """Take the last step back."""
        if self.draft.undo():
            self.redraw()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Save all that is changed, all at once."""
        t = self.t
        if not self.draft.can_save:
            told = t("Not everything is right yet.") if self.draft.changes else t("Nothing to save.")
            self.mapper.tell(told, severity="warning")
            return
        changes = self.draft.changes
        revision = await self.attempt(
            self._save, self.draft.saved, self.draft.current, "process_from" in changes
        )
        if revision is None:
            return
        self._draft = None
        self.mapper.tell(t("Saved as settings {revision}.", revision=revision))
        if "mode" in changes:
            told = t("Webhooks are of the mode: register them anew with `mapper tenant set --webhook-url`.")
            self.mapper.tell(told, severity="warning")
        await self.mapper.read_again()

    def _save(self, seen: Mapping[str, Any], new: Mapping[str, Any], given: bool) -> int:  # noqa: FBT001
        from mapper import onboarding

        session = self.session
        with session.database.begin() as conn:
            return onboarding.change_settings(
                conn, session.tenant, new, seen=seen, given=given, who=session.who, now=session.now()
            )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what does not go with the section; grey out saving where there is nothing to save."""
        if action == "of_part" and not hasattr(self.part, f"action_{parameters[0]}"):
            return False
        if self._draft is None:
            return None
        if action == "save":
            return True if self.draft.can_save else None
        if action == "undo":
            return True if self.draft.changes else None
        return True


def _vat_rates() -> VatRates:
    from mapper.mapping import load_rulebooks

    return load_rulebooks().rates
