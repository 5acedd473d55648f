"""Configuration: every setting with its help, default and origin; saved all at once, with history and undo."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, Static

from mapper.diagnostics import printable
from mapper.settings_schema import SCHEMA, Schema
from tui import amounts, fields, methods, vat_table
from tui.dialogs import Ask, Choose, Told, ask
from tui.document import pairs
from tui.draft import Draft
from tui.face import TabBody
from tui.records import Column, Records, Row
from tui.words.settings import help_of, label

if TYPE_CHECKING:
    from mapper.doctor import Check
    from mapper.store.rows import SettingsChange
    from mapper.vat.rates import VatRates
    from tui.account import Account

CONNECTIONS, VAT, METHODS, HISTORY = "connections", "vat", "methods", "history"
# Section → (title, keys of its fields); those without keys are tables of their own.
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
_DOTS = {"good": ("●", "good"), "attention": ("▲", "busy"), "bad": ("✗", "bad")}


@dataclass(frozen=True, slots=True)
class _Read:
    settings: Mapping[str, Any]
    changes: tuple[SettingsChange, ...]


class Configuration(TabBody):
    """The tab."""

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
        Binding("t", "test", "Test connections", id="configuration.test"),
        Binding("space", "mark", "Mark", id="configuration.mark"),
        Binding("a", "add", "Add", id="configuration.add"),
        Binding("c", "copy_codes", "Copy to marked", id="configuration.copy"),
        Binding("n", "propose", "Fill in", id="configuration.propose"),
        Binding("delete", "remove", "Remove", id="configuration.remove"),
        Binding("R", "remove_all", "Remove all", show=False, id="configuration.remove_all"),
        Binding("b", "back_to", "Back to before", id="configuration.before"),
        Binding("tab", "other", "Sections ⇄ settings", show=False, priority=True, id="configuration.other"),
    ]

    def compose(self) -> ComposeResult:
        """Lay out sections, settings and help."""
        t = self.t
        with Horizontal(classes="settings"):
            yield Records((Column(t("Section"), 16, grow=1),), id="sections")
            with Vertical():
                with ContentSwitcher(id="section"):
                    yield Records(
                        (
                            Column(t("Setting"), 24, grow=1),
                            Column(t("Value"), 22, grow=1),
                            Column(t("Origin"), 12, spare=1),
                        ),
                        id="fields",
                    )
                    yield Records(vat_table.columns(self), id=VAT)
                    yield Records(methods.columns(self), id=METHODS)
                    yield Records(
                        (Column("", 1), Column(t("What"), 16), Column(t("Told"), 30, grow=1)), id=CONNECTIONS
                    )
                    yield Records(
                        (
                            Column(t("When"), 16),
                            Column(t("Who"), 12),
                            Column(t("Changed"), 30, grow=1),
                        ),
                        id=HISTORY,
                    )
                yield Static("", id="setting-help", markup=False)

    def on_mount(self) -> None:
        """Begin with nothing read."""
        self._draft: Draft | None = None
        self._account: Account | None = None
        self._rates: VatRates | None = None
        self._changes: tuple[SettingsChange, ...] = ()
        self._checks: list[Check] = []
        self._asked_account = self._tested = False
        self._wanted = self._wanted_row = ""
        self._undecided: tuple[vat_table.Rate, ...] = ()
        sections = self.query_one("#sections", Records)
        sections.show([Row(name, (self.t(title),)) for name, (title, _) in SECTIONS.items()])
        sections.border_title = self.t("Settings")

    def arrive(self) -> None:
        """Take the focus."""
        (self._list if self._wanted else self.query_one("#sections", Records)).focus()

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
        self._changes = found.changes
        self._show()
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
        from tui import account

        self._rates = await asyncio.to_thread(_vat_rates)
        self._show()
        self._account = await self.attempt(account.read, self.session)
        self._show()

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
    def _section(self) -> str:
        row = self.query_one("#sections", Records).current
        return row.key if row is not None else CONNECTIONS

    @property
    def _list(self) -> Records:
        return self.query_one(f"#{_place(self._section)}", Records)

    @on(Records.Highlighted, "#sections")
    def _chosen(self) -> None:
        if self._draft is not None:
            self._show()

    @on(Records.Opened, "#sections")
    def _enter(self) -> None:
        self._list.focus()

    def _show(self) -> None:
        if self._draft is None:
            return
        section = self._section
        self.query_one("#section", ContentSwitcher).current = _place(section)
        {
            VAT: self._show_vat,
            METHODS: self._show_methods,
            CONNECTIONS: self._show_connections,
            HISTORY: self._show_history,
        }.get(section, self._show_fields)()
        records = self._list
        records.border_title = self.t(SECTIONS[section][0])
        changes = len(self.draft.changes)
        told = self.t("{count} not saved: w saves, u undoes", count=changes) if changes else ""
        if self.draft.problems:
            told = self.t("{count} not right: cannot be saved", count=len(self.draft.problems))
        records.border_subtitle = told
        self._tell_help()
        self.refresh_bindings()

    def _show_fields(self) -> None:
        schemas, rows = _schemas(), []
        changed = self.draft.changes
        for key in SECTIONS[self._section][1]:
            value = self.draft.get(key)
            problem = self.draft.problem_of(key, self.session.language)
            shown = fields.shown_value(self, key, value, schemas[key])
            origin = self._origin(key, value, schemas[key], changed)
            tone = "bad" if problem else "busy" if key in changed else ""
            sign = "✗ " if problem else ""
            rows.append(Row(key, (sign + label(key, self.session.language), shown, origin), tone))
        self.query_one("#fields", Records).show(rows)

    def _origin(self, key: str, value: Any, schema: Schema, changed: Mapping[str, Any]) -> str:
        if key in changed:
            return self.t("not saved")
        default = schema.get("default")
        same = value == default or (default is not None and str(value) == str(default))
        return self.t("default") if same else self.t("set")

    def _show_vat(self) -> None:
        vat, home = self.draft.current["vat"], self.draft.current["home_country"] or ""
        codes = self._account.codes if self._account else None
        eu = vat_table.eu_countries(self._rates) if self._rates else []
        lacking = list(self._undecided)
        if self._rates is not None and home:
            lacking += vat_table.lacking(vat, home, self._rates, self.session.now().date().isoformat())
        records = self.query_one(f"#{VAT}", Records)
        records.show(vat_table.rows(self, vat, home, codes, eu, lacking))
        row = self._wanted_row
        if row and (records.go_to(row) or records.go_to(f"{vat_table.NEW}{row}")):
            self._wanted_row = ""

    def _show_methods(self) -> None:
        of_shop = self._account.methods if self._account else ()
        rows = methods.rows(self, self.draft.current["payment_methods"], of_shop)
        self.query_one(f"#{METHODS}", Records).show(rows, note=self.t("None: a adds one."))

    def _show_connections(self) -> None:
        records = self.query_one(f"#{CONNECTIONS}", Records)
        if not self._tested:
            self._tested = True
            self.action_test()
        testing = self.t("Testing the connections…")
        rows = [] if self._checks else [Row("testing", ("…", testing, ""), "muted")]
        for number, one in enumerate(self._checks):
            dot, tone = _DOTS[one.verdict]
            rows.append(
                Row(f"check {number}", (dot, self.session.translate(one.name), self._told(one)), tone)
            )
        rows += [
            Row("key ccv", ("✎", self.t("Shop key"), self.t("Enter gives a new public and secret key"))),
            Row("key wefact", ("✎", self.t("WeFact key"), self.t("Enter gives a new key"))),
        ]
        records.show(rows)

    def _told(self, one: Check) -> str:
        said = self.session.translate(one.said)
        return f"{said} → {self.session.translate(one.remedy)}" if one.remedy else said

    def _show_history(self) -> None:
        zone, rows = self.mapper.shown.zone, []
        for change in self._changes:
            told = ", ".join(_changed(change)) if change.old else self.t("first settings")
            rows.append(Row(str(change.revision), (amounts.moment(change.at, zone), change.who, told)))
        self.query_one(f"#{HISTORY}", Records).show(rows)

    @on(Records.Highlighted, "#section Records")
    def _tell_help(self) -> None:
        told, row, language = Text(), self._list.current, self.session.language
        if self._section in {VAT, METHODS, CONNECTIONS, HISTORY}:
            words = {
                VAT: self.t(
                    "Which tax code of WeFact each country, rate and account type is booked with. ✓ the codes exist, "
                    "✗ one is missing: documents that need it stop."
                ),
                METHODS: self.t(
                    "Invoices of a method with a fixed debtor all go to that debtor; ICP never does."
                ),
                CONNECTIONS: self.t("● good, ▲ to look at, ✗ bad. t tests again."),
                HISTORY: self.t(
                    "Enter tells the change; b goes back to what held before it, to be saved with w."
                ),
            }
            told = Text(words[self._section])
        elif row is not None:
            told = Text(help_of(row.key, _schemas()[row.key], language))
            problem = self.draft.problem_of(row.key, language)
            if problem:
                told.append("\n✗ " + printable(problem, 300), "bold")
        self.query_one("#setting-help", Static).update(told)

    # actions

    @on(Records.Opened, "#fields")
    def _edit_field(self, event: Records.Opened) -> None:
        self._edit(event.row.key)

    @work(exclusive=True, group="ask")
    async def _edit(self, key: str) -> None:
        if key == "vat.legal_rates":
            self.mapper.tell(self.t("Rates by law are rows of their own: mapper tenant set --settings FILE"))
            return
        if await fields.edit(self, self.draft, key, _schemas()[key], self._account):
            self._show()

    @on(Records.Opened, f"#{VAT}")
    def _edit_vat(self, event: Records.Opened) -> None:
        self._edit_rate(event.row.key)

    @work(exclusive=True, group="ask")
    async def _edit_rate(self, key: str) -> None:
        vat = self.draft.current["vat"]
        if key.startswith(vat_table.NEW):
            country, _, rate = key.removeprefix(vat_table.NEW).partition(" ")
            home = self.draft.current["home_country"]
            entry: dict[str, Any] = {"country": country}
            if rate:
                entry["rate"] = Decimal(rate)
            else:
                entry = {**next((one for one in vat["rates"] if one["country"] == home), {}), **entry}
            key, asks_rate = f"{key} row", True
        else:
            found = vat_table.entry_of(vat, key)
            if found is None:
                return
            entry, asks_rate = found, key not in vat_table.SCHEMES
        names = vat_table.country_names(self.session.language)
        title = names.get(entry.get("country", ""), self.t(key.capitalize()) if not asks_rate else key)
        codes = self._account.codes if self._account else None
        made = await ask(
            self.app, vat_table.EditRate(title, self.draft, key, entry, codes, asks_rate=asks_rate)
        )
        if made is not None:
            self.draft.put("vat", vat_table.replaced(self.draft.current["vat"], key, made))
            self._show()

    def action_mark(self) -> None:
        """Mark a row of the VAT table."""
        row = self._list.current
        if self._section == VAT and row is not None:
            self._list.mark(row.key)
            self._list.action_move(1)

    @work(exclusive=True, group="ask")
    async def action_add(self) -> None:
        """Add a country's rate, or a payment method."""
        t = self.t
        if self._section == METHODS:
            told = t("As the shop writes it; hyphens and capitals do not matter.")
            method = await ask(self.app, Ask(t("Add a payment method"), told, label=t("Payment method")))
            if method:
                self.draft.put(
                    "payment_methods", methods.put(self.draft.current["payment_methods"], method, None)
                )
                self._show()
        elif self._section == VAT:
            country = await ask(
                self.app, Ask(t("Add a rate"), t("Two capital letters, such as DE."), label=t("Country"))
            )
            if country:
                self._edit_rate(f"{vat_table.NEW}{country.strip().upper()[:2]}")

    def action_copy_codes(self) -> None:
        """Give the marked rows the codes of the row of the cursor."""
        records = self._list
        if records.current is None or not records.marked:
            self.mapper.tell(
                self.t("Mark rows with space, then c copies the codes of the cursor's row to them.")
            )
            return
        vat = vat_table.copied(self.draft.current["vat"], records.current.key, records.marked)
        count = len(records.marked)
        self.draft.put("vat", vat)
        records.unmark_all()
        self._show()
        self.mapper.tell(self.t("Copied to {count} rows; not saved yet.", count=count))

    @work(exclusive=True, group="ask")
    async def action_propose(self) -> None:
        """Fill in what fits from the account's own codes."""
        from mapper import vat_settings

        if self._account is None or self._rates is None:
            self.mapper.tell(
                self.t("WeFact's codes are not known: test the connections."), severity="warning"
            )
            return
        options = [
            ("destination", self.t("Each EU country at its own rates (OSS)")),
            ("home", self.t("Each EU country at the home country's rates")),
        ]
        chosen = await ask(self.app, Choose(self.t("Fill in the VAT codes that fit"), options))
        if chosen is None:
            return
        day = self.session.now().date().isoformat()
        proposal = vat_settings.propose(
            self.draft.current, self._account.codes, self._rates, destination=chosen == "destination", day=day
        )
        self.draft.put("vat", proposal.vat)
        self._undecided = tuple(
            (one.country, one.rate) for one in proposal.undecided if len(one.country) == 2
        )
        first = next(iter(self._undecided), None)
        self._wanted_row = vat_table.key_of({"country": first[0], "rate": first[1]}) if first else ""
        self._show()
        undecided = len(proposal.undecided)
        told = self.t("{count} rows; {undecided} to choose yourself: no code or more than one fits.",
                      count=len(proposal.vat["rates"]), undecided=undecided)  # fmt: skip
        self.mapper.tell(told, severity="warning" if undecided else "information")

    def action_remove(self) -> None:
        """Remove the marked rows, or that of the cursor."""
        records = self._list
        keys = records.marked or ([records.current.key] if records.current else [])
        if self._section == VAT:
            self.draft.put("vat", vat_table.without(self.draft.current["vat"], keys))
        elif self._section == METHODS:
            names = {key.removeprefix("method ") for key in keys}
            kept = [one for one in self.draft.current["payment_methods"] if one["method"] not in names]
            self.draft.put("payment_methods", kept)
        records.unmark_all()
        self._show()

    @work(exclusive=True, group="ask")
    async def action_remove_all(self) -> None:
        """Remove all VAT settings, after the webshop's name was typed."""
        told = self.t("All VAT codes are removed, to start over. Documents stop until there are new ones.")
        wanted = self.session.tenant
        title = self.t("Remove VAT settings")
        label_ = self.t("Type {name}", name=wanted)
        if await ask(self.app, Ask(title, told, label=label_, wanted=wanted)) == wanted:
            self.draft.put("vat", {})
            self._show()

    @on(Records.Opened, f"#{METHODS}")
    def _edit_method(self, event: Records.Opened) -> None:
        self._edit_debtor(event.row.key.removeprefix("method "))

    @work(exclusive=True, group="ask")
    async def _edit_debtor(self, method: str) -> None:
        known = self.draft.current["payment_methods"]
        debtor = next((one["debtor"] or "" for one in known if one["method"] == method), "")
        chosen = await ask(self.app, methods.FixedDebtor(method, debtor))
        if chosen is not None:
            self.draft.put("payment_methods", methods.put(known, method, chosen or None))
            self._show()

    @work(exclusive=True, group="test")
    async def action_test(self) -> None:
        """Test both connections."""
        self._checks = await self.attempt(self._examined) or []
        if self._section == CONNECTIONS:
            self._show()

    def _examined(self) -> list[Check]:
        from mapper import doctor

        session = self.session

        async def look() -> list[Check]:
            patient = doctor.Patient(
                session.database, session.key_file, {}, session.loopback, session.language, session.now()
            )
            return [check async for check in doctor.connections(patient, session.sealer(), session.tenant)]

        return asyncio.run(look())

    @on(Records.Opened, f"#{CONNECTIONS}")
    def _edit_connection(self, event: Records.Opened) -> None:
        if event.row.key.startswith("key "):
            self._edit_key(event.row.key.removeprefix("key "))
        else:
            self.action_test()

    @work(exclusive=True, group="ask")
    async def _edit_key(self, service: str) -> None:
        from mapper.processing import connections

        t, given = self.t, dict[str, str]()
        told = t("Both connections are tried with it before it is kept.")
        if service == "ccv":
            public = await ask(self.app, Ask(t("Shop key"), told, label=t("Public key")))
            secret = None
            if public:
                secret = await ask(self.app, Ask(t("Shop key"), told, label=t("Secret key"), secret=True))
            if public and secret:
                given = {connections.CCV_PUBLIC: public, connections.CCV_SECRET: secret}
        else:
            key = await ask(self.app, Ask(t("WeFact key"), told, label=t("API key"), secret=True))
            given = {connections.WEFACT_KEY: key} if key else {}
        if given and await self.attempt(self._change_keys, given) is not None:
            self.mapper.tell(t("Both connections work with the new keys."))
            self.action_test()

    def _change_keys(self, given: Mapping[str, str]) -> object:
        from mapper import onboarding
        from mapper.store.limits import AddressBudget

        session = self.session
        budget = AddressBudget(session.database, "default")
        return asyncio.run(
            onboarding.change_keys(
                session.database, session.sealer(), session.tenant, given, budget,
                loopback=session.loopback, who=session.who, now=session.now(),
            )
        )  # fmt: skip

    @on(Records.Opened, f"#{HISTORY}")
    def _tell_change(self, event: Records.Opened) -> None:
        change = next((one for one in self._changes if str(one.revision) == event.row.key), None)
        if change is None:
            return
        from mapper.money import dumps
        from mapper.settings import differences

        old = change.old or {}
        told = []
        for key in differences(old, change.new):
            before: Any = old
            after: Any = change.new
            for name in key.split("."):
                before = before.get(name) if isinstance(before, Mapping) else None
                after = after.get(name) if isinstance(after, Mapping) else None
            told.append((key, f"{_brief(dumps(before))} → {_brief(dumps(after))}"))
        title = self.t(
            "Settings {revision}, by {who}", revision=change.revision, who=printable(change.who, 60)
        )
        self.app.push_screen(Told(title, pairs(told)))

    def action_back_to(self) -> None:
        """Take what held before a change into the draft."""
        row = self._list.current
        change = next((one for one in self._changes if row and str(one.revision) == row.key), None)
        if self._section != HISTORY or change is None:
            return
        if change.old is None:
            self.mapper.tell(self.t("Before the first settings there were none."), severity="warning")
            return
        from mapper.settings import completed

        self.draft.put_all(completed(change.old))
        self._show()
        self.mapper.tell(
            self.t("What held before revision {revision}; w saves it.", revision=change.revision)
        )

    def action_undo(self) -> None:
        """Take the last step back."""
        if self.draft.undo():
            self._show()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Save all that is changed, all at once."""
        if not self.draft.can_save:
            told = (
                self.t("Nothing to save.")
                if not self.draft.changes
                else self.t("Not everything is right yet.")
            )
            self.mapper.tell(told, severity="warning")
            return
        other_mode = "mode" in self.draft.changes
        revision = await self.attempt(
            self._save, self.draft.saved, self.draft.current, "process_from" in self.draft.changes
        )
        if revision is None:
            return
        self._draft = None
        self.mapper.tell(self.t("Saved as settings {revision}.", revision=revision))
        if other_mode:
            told = self.t(
                "Webhooks are of the mode: register them anew with `mapper tenant set --webhook-url`."
            )
            self.mapper.tell(told, severity="warning")
        await self.mapper.read_again()

    def _save(self, seen: Mapping[str, Any], new: Mapping[str, Any], given: bool) -> int:  # noqa: FBT001
        from mapper import onboarding

        session = self.session
        with session.database.begin() as conn:
            return onboarding.change_settings(
                conn, session.tenant, new, seen=seen, given=given, who=session.who, now=session.now()
            )

    def action_other(self) -> None:
        """Go from the sections to the settings, and back."""
        sections = self.query_one("#sections", Records)
        (self._list if sections.has_focus else sections).focus()

    def go_to(self, key: str, row: str = "") -> None:
        """Go to a setting, in a table of its own to a row, as soon as it is there."""
        self._wanted, self._wanted_row = key, row
        if self._draft is not None:
            self._go_to(key)

    def _go_to(self, key: str) -> None:
        self._wanted = ""
        section = next((name for name, (_, keys) in SECTIONS.items() if key in keys), "")
        section = section or {"vat": VAT, "payment_methods": METHODS}.get(
            key.split(".", maxsplit=1)[0], CONNECTIONS
        )
        self.query_one("#sections", Records).go_to(section)
        self._show()
        self._list.go_to(key)
        self._list.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what does not go with the section; grey out saving where there is nothing to save."""
        if self._draft is None:
            return None
        section = self._section
        if action in {"mark", "copy_codes", "propose", "remove_all"}:
            return section == VAT
        if action in {"add", "remove"}:
            return section in {VAT, METHODS}
        if action in {"test", "back_to"}:
            return section == {"test": CONNECTIONS, "back_to": HISTORY}[action]
        if action == "save":
            return True if self.draft.can_save else None
        if action == "undo":
            return True if self.draft.changes else None
        return True


def _place(section: str) -> str:
    return section if section in {VAT, METHODS, CONNECTIONS, HISTORY} else "fields"


def _schemas() -> dict[str, Schema]:
    from mapper.settings import dotted_keys

    return dict(dotted_keys(SCHEMA))


def _changed(change: SettingsChange) -> list[str]:
    from mapper.settings import differences

    return list(differences(change.old or {}, change.new))


def _brief(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"


def _vat_rates() -> VatRates:
    from mapper.mapping import load_rulebooks

    return load_rulebooks().rates
