"""Profile: the webshop's licence and its state, contact, password, invoices of the subscription, pause, stop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui import amounts, contact
from tui.document import copy
from tui.face import TabBody
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.store.rows import (
        Account,
        Heartbeat,
        Licence,
        Published,
        SubscriptionDocument,
        Ticket,
        Webhook,
    )

LANGUAGES = {"nl": "Nederlands", "en": "English"}


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of a webshop beside its settings and documents."""

    licence: Licence
    account: Account
    has_password: bool
    documents: tuple[SubscriptionDocument, ...]
    tickets: tuple[Ticket, ...]
    webhooks: tuple[Webhook, ...]
    beat: Heartbeat | None
    published: Published | None


class Profile(TabBody):
    """The tab."""

    NAME = "profile"
    HELP_TEXT = (
        "Who the webshop is here: its licence key and state, where mails go, the invoices of the "
        "subscription, and the questions asked. Enter changes or opens the row of the cursor. Pause holds "
        "posting until it is resumed; nothing gets lost. Stopping the integration destroys its keys: "
        "documents and history stay."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "ask_us", "Ask us", id="profile.ask"),
        Binding("p", "app.pause", "Pause", id="profile.pause"),
        Binding("s", "app.switch", "Webshop", id="profile.switch"),
        Binding("l", "app.language", "Language", id="profile.language"),
        Binding("y", "copy", "Copy", id="profile.copy"),
        Binding("S", "stop", "Stop the integration", show=False, id="profile.stop"),
    ]

    def compose(self) -> ComposeResult:
        """Lay out the one list."""
        with Vertical():
            yield Records((Column(self.t("What"), 26), Column(self.t("Value"), 40, grow=1)), id="profile")

    def on_mount(self) -> None:
        """Name the list."""
        self._known: Known | None = None
        self.query_one(Records).border_title = self.t("Profile")
        self.query_one(Records).tell(self.t("Reading…"))

    def read(self) -> None:
        """Read what is kept."""
        self._read()

    @work(exclusive=True, group="profile")
    async def _read(self) -> None:
        self._known = await self.attempt(self._stored)
        if self._known is not None:
            self.query_one(Records).show(self._rows(self._known))

    def _stored(self) -> Known:
        from mapper.store import (
            accounts,
            credentials,
            heartbeats,
            licences,
            rulebooks,
            subscriptions,
            tickets,
        )

        session = self.session
        with session.database.read() as conn:
            licence = licences.get(conn, session.tenant)
            return Known(
                licence,
                accounts.get(conn, licence.account),
                accounts.has_password(conn, licence.account),
                subscriptions.of_tenant(conn, session.tenant),
                tickets.of_tenant(conn, session.tenant, closed=True, limit=30),
                credentials.webhooks(conn, session.tenant),
                heartbeats.latest(conn),
                rulebooks.active(conn),
            )

    def _rows(self, known: Known) -> list[Row]:
        t, session, shown = self.t, self.session, self.mapper.shown
        zone, licence = shown.zone, known.licence
        state = t(licence.state(session.now()))
        if licence.state(session.now()) == "trial":
            state += " " + t("until {day}", day=str(licence.trial_until.astimezone(zone).date()))
        posting = (
            t("paused since {at}: {why}", at=amounts.moment(shown.pause.at, zone), why=shown.pause_reason)
            if shown.pause
            else t("on")
        )
        terms = t(
            "version {version}, {at}",
            version=licence.terms_version,
            at=amounts.moment(licence.terms_at, zone),
        )
        nothing = t("none: Enter gives one")
        rows = [
            _heading(t("Webshop")),
            Row("copy tenant", (t("Name"), f"{shown.settings['name']} ({session.tenant})")),
            Row("copy key", (t("Licence key"), licence.key)),
            Row("state", (t("State"), state), "bad" if licence.stopped_at else "good"),
            Row("pause", (t("Posting"), posting), "busy" if shown.pause else "good"),
            Row("live", (t("Live since"), amounts.moment(shown.tenant.process_from, zone))),
            Row("terms", (t("Terms accepted"), terms if licence.terms_at else t("not yet"))),
            Row(
                "switch",
                (
                    t("Other webshops"),
                    ", ".join(one for one in session.tenants if one != session.tenant) or "–",
                ),
            ),
            _heading(t("Contact")),
            Row("email", (t("E-mail"), known.account.email or nothing)),
            Row("extra", (t("Second e-mail"), licence.extra_email or nothing)),
            Row(
                "mails",
                (t("Language of mails"), LANGUAGES.get(known.account.language, known.account.language)),
            ),
            Row("language", (t("Language of these screens"), LANGUAGES[session.language])),
            Row("password", (t("Password"), t("set") if known.has_password else nothing)),
            _heading(t("Invoices of the subscription")),
        ]
        rows += [
            Row(
                f"document {one.number}",
                (one.dated, f"{one.name} ({amounts.count(one.size // 1024 + 1, session.language)} kB)"),
            )
            for one in known.documents
        ] or [Row("no documents", ("–", t("None.")), "muted")]
        rows.append(_heading(t("Questions and problems")))
        rows += [
            Row(
                f"ticket {one.number}",
                (f"{one.number}  {amounts.moment(one.at, zone)}", f"{one.subject} · {t(one.state)}"),
            )
            for one in known.tickets
        ] or [Row("no tickets", ("–", t("None: a asks us something.")), "muted")]
        rows.append(_heading(t("Technique")))
        beat = (
            t("{host}, last sign {at}", host=known.beat.host, at=amounts.moment(known.beat.beat_at, zone))
            if known.beat
            else t("has not run yet")
        )
        hooks = ", ".join(one.event for one in known.webhooks) or t("none: only the sweep finds documents")
        rules = (
            f"{known.published.hash[:12]} · {amounts.moment(known.published.at, zone)}"
            if known.published
            else t("as shipped")
        )
        rows += [
            Row("daemon", ("mapper run", beat)),
            Row("webhooks", (t("Webhooks"), hooks)),
            Row("rules", (t("Rules"), rules)),
            # Where the operator keeps it is none of a merchant's business.
            *([Row("database", (t("Database"), session.database.url))] if session.is_support else []),
            Row("stop", (t("Stop the integration"), t("Enter; its keys are destroyed")), "bad"),
        ]
        return rows

    @on(Records.Opened)
    def _opened(self, event: Records.Opened) -> None:
        key = event.row.key
        actions = {
            "pause": self.mapper.action_pause,
            "switch": self.mapper.action_switch,
            "language": self.mapper.action_language,
            "stop": self.action_stop,
        }
        if key in actions:
            actions[key]()
        elif key in {"email", "extra", "mails", "password"}:
            self._change(key)
        elif key.startswith("document "):
            self._save_document(int(key.partition(" ")[2]))
        elif key.startswith("ticket "):
            self._tell_ticket(int(key.partition(" ")[2]))
        else:
            self.action_copy()

    @work(exclusive=True, group="ask")
    async def _change(self, what: str) -> None:
        if (known := self._known) is None:
            return
        match what:
            case "email":
                await contact.change_email(self, known.account)
            case "extra":
                await contact.change_second_email(self, known.licence)
            case "mails":
                await contact.change_language(self, known.account)
            case "password":
                await contact.change_password(self, known.account)
        self.read()

    @work(exclusive=True, group="document")
    async def _save_document(self, number: int) -> None:
        known = (
            next((one for one in self._known.documents if one.number == number), None)
            if self._known
            else None
        )
        if known is None:
            return

        def content() -> bytes:
            from mapper.store import subscriptions

            with self.session.database.read() as conn:
                return subscriptions.content(conn, self.session.tenant, number)

        found = await self.attempt(content)
        if found is None:
            return
        if self.app.is_web:
            self.app.deliver_binary(BytesIO(found), save_filename=known.name)
            return
        place = Path.home() / "Downloads"
        target = (place if place.is_dir() else Path.home()) / known.name
        try:
            await asyncio.to_thread(target.write_bytes, found)
        except OSError as error:
            self.mapper.tell(f"{target}: {error.strerror}", severity="error")
            return
        self.mapper.tell(self.t("Saved as {file}", file=str(target)))

    @work(exclusive=True, group="ask")
    async def action_ask_us(self) -> None:
        """Ask support something."""
        from tui.support import ask_us

        await ask_us(self)
        self.read()

    def _tell_ticket(self, number: int) -> None:
        from tui.support import ticket_text

        one = (
            next((one for one in self._known.tickets if one.number == number), None) if self._known else None
        )
        if one is not None:
            self.app.push_screen(ticket_text(self, one))

    def action_copy(self) -> None:
        """Copy the value of the cursor."""
        row = self.query_one(Records).current
        if row is not None and self._known is not None:
            wanted = {"copy tenant": self.session.tenant, "copy key": self._known.licence.key}
            copy(self, wanted.get(row.key, row.cells[-1]))

    @work(exclusive=True, group="ask")
    async def action_stop(self) -> None:
        """Stop the integration for good, after its name was typed and a reason given."""
        from tui.stopping import stop_integration

        await stop_integration(self)


def _heading(title: str) -> Row:
    return Row(f"heading {title}", (title,), heading=True)
