"""Configuration and Profile: changed field by field, saved at once, with history, undo and the account's own lists."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, date, datetime

import pytest
from textual.widgets import Input, Select, Static

from mapper import settings
from mapper.store import accounts, licences, subscriptions, tenants, tickets
from tests.daemons import home, open_shop
from tests.tui.kit import NOW, app_of, drive, settle, text_of
from tui.configuration import rates
from tui.configuration.draft import Draft
from tui.configuration.tab import SECTIONS, Configuration
from tui.records import Records
from tui.words.settings import LABELS, VALUES


@pytest.fixture
def connected(tmp_path, sandbox):
    with home(tmp_path) as at:
        yield open_shop(at, sandbox, None)


def of(shop, **session):
    sealer = lambda: shop.home.sealer  # noqa: E731
    now = lambda: datetime.now(UTC)  # noqa: E731
    return app_of(
        shop.home.database,
        shop.tenant,
        sealer=sealer,
        key_file=shop.home.key_file,
        loopback=True,
        now=now,
        **session,
    )


async def section(app, pilot, name):
    app.action_go("configuration")
    await settle(app, pilot)
    tab = app.current
    assert isinstance(tab, Configuration)
    tab.query_one("#sections", Records).go_to(name)
    await settle(app, pilot)
    tab.part.focus()
    return tab


def stored(database, tenant="winkel"):
    with database.read() as conn:
        return tenants.settings(conn, tenant)


def test_T5_every_setting_of_the_schema_has_its_place_and_both_languages():
    placed = set(itertools.chain.from_iterable(keys for _, keys in SECTIONS.values()))
    simple = {
        key
        for key, schema in settings.dotted_keys()
        if schema.get("type") != "object" and not key.startswith(("vat.icp", "vat.international"))
    } - {"vat.rates", "payment_methods"}
    assert placed == simple == LABELS.keys()
    choices = {f"{key} {one}" for key, schema in settings.dotted_keys() for one in schema.get("enum", ())}
    assert choices == VALUES.keys()


def test_T5_a_setting_is_changed_undone_and_saved_with_its_history(changing):
    async def act(app, pilot):
        tab = await section(app, pilot, "invoice")
        fields = tab.query_one("#fields", Records)
        fields.go_to("invoice.status")
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        await pilot.press("down", "enter")
        await settle(app, pilot)
        fields.go_to("invoice.send_by_email")
        await pilot.press("enter")
        await settle(app, pilot)
        assert len(tab.draft.changes) == 2
        assert stored(changing)["invoice"]["status"] == "draft"  # nothing holds before it is saved
        await pilot.press("u")
        await settle(app, pilot)
        assert tab.part.border_subtitle == "1 not saved: w saves, u undoes"
        await pilot.press("w")
        await settle(app, pilot)
        assert "Saved as settings 2." in text_of(app)
        tab = await section(app, pilot, "history")
        await pilot.press("enter")
        await settle(app, pilot)
        assert "invoice.status" in text_of(app)
        assert '"draft" → "sent"' in text_of(app)
        await pilot.press("escape", "b")
        await settle(app, pilot)
        await pilot.press("w")
        await settle(app, pilot)

    drive(app_of(changing), act)
    with changing.read() as conn:
        newest, before, *_ = tenants.settings_history(conn, "winkel")
    assert (before.who, before.new["invoice"]["status"], before.new["invoice"]["send_by_email"]) == (
        "test",
        "sent",
        False,
    )
    assert newest.new["invoice"]["status"] == "draft"


def test_T5_what_the_schema_does_not_allow_is_told_at_the_field(changing):
    async def act(app, pilot):
        tab = await section(app, pilot, "invoice")
        fields = tab.query_one("#fields", Records)
        fields.go_to("invoice.term")
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        app.screen.query_one(Input).value = "400"
        await pilot.pause(0.1)
        assert "SET103" in text_of(app) or "400" in str(app.screen.query_one("#wrong", Static).render())
        await pilot.press("enter")
        assert len(app.screen_stack) == 2  # not taken
        app.screen.query_one(Input).value = "30"
        await pilot.pause(0.1)
        await pilot.press("enter")
        await settle(app, pilot)
        assert tab.draft.get("invoice.term") == 30

    drive(app_of(changing), act)


def test_K4_a_setting_that_needs_another_keeps_all_from_being_saved(changing):
    async def act(app, pilot):
        tab = await section(app, pilot, "documents")
        tab.draft.put("mode", "order_statuses")
        tab.redraw()
        await settle(app, pilot)
        assert tab.part.border_subtitle == "1 not right: cannot be saved"
        await pilot.press("w")
        await settle(app, pilot)
        assert stored(changing)["mode"] == "paid_orders"
        tab.draft.put("statuses", [5])
        tab.action_save()
        await settle(app, pilot)
        assert "SET112" in text_of(app)  # another mode asks for a new go-live
        tab.draft.put("process_from", "2026-12-01")
        tab.action_save()
        await settle(app, pilot)

    drive(app_of(changing), act)
    assert stored(changing)["mode"] == "order_statuses"


def test_settings_changed_meanwhile_are_not_overwritten(changing):
    async def act(app, pilot):
        tab = await section(app, pilot, "general")
        tab.draft.put("name", "Mine")

        def other():
            with changing.begin() as conn:
                theirs = {**tenants.settings(conn, "winkel"), "name": "Theirs"}
                tenants.put_settings(conn, "winkel", theirs, who="other", now=NOW)

        await asyncio.to_thread(other)
        tab.action_save()
        await settle(app, pilot)
        assert "USE153" in text_of(app)

    drive(app_of(changing), act)
    assert stored(changing)["name"] == "Theirs"


def test_T5_codes_come_from_the_account_and_are_copied_to_marked_rows(connected, same_screen):
    connected.settings(vat={})

    async def act(app, pilot):
        tab = await section(app, pilot, "vat")
        table = tab.query_one("#vat", Records)
        # What the home country needs and has not stands at the top.
        assert [row.key for row in table.rows[:3]] == ["new NL 21", "new NL 9", "icp"]
        for country, rate in (("NL", "21"), ("BE", "21"), ("DE", "21")):
            table.go_to("new NL 21" if country == "NL" else f"new {country}")
            await pilot.press("enter")
            await settle(app, pilot, waiting=True)
            app.screen.query_one("#rate", Input).value = rate
            if country == "NL":
                select = app.screen.query_one("#code-revenue", Select)
                assert "V21" in [value for _, value in select._options]
                select.value = "V21"
                app.screen.query_one("#centre-revenue", Input).value = "8000"
            else:
                app.screen.query_one("#code-revenue", Select).value = "V9"
            await pilot.click("#yes")
            await settle(app, pilot)
        # A row that has codes opens with them, so that taking it over changes nothing.
        table.go_to("NL 21")
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        assert app.screen.query_one("#code-revenue", Select).value == "V21"
        await pilot.press("escape")
        await settle(app, pilot)
        table.mark("BE 21")
        table.mark("DE 21")
        table.go_to("NL 21")
        await pilot.press("c")
        await settle(app, pilot)
        await pilot.press("w")
        await settle(app, pilot)

    drive(of(connected), act)
    rates = stored(connected.home.database, connected.tenant)["vat"]["rates"]
    assert {(one["country"], one["revenue"]["code"], one["revenue"]["cost_centre"]) for one in rates} == {
        ("NL", "V21", "8000"), ("BE", "V21", "8000"), ("DE", "V21", "8000"),
    }  # fmt: skip


def test_T5_destination_rates_in_one_choice_and_all_removed_after_typing_the_name(connected):
    connected.settings(vat={})

    async def act(app, pilot):
        tab = await section(app, pilot, "vat")
        await pilot.press("n")
        await settle(app, pilot, waiting=True)
        await pilot.press("enter")
        await settle(app, pilot)
        keys = {row.key for row in tab.query_one("#vat", Records).rows}
        assert {"DE 19", "BE 21", "FR 5.5"} <= keys
        await pilot.press("R")
        await settle(app, pilot, waiting=True)
        await pilot.press(*"wrong", "enter")
        await pilot.pause()
        assert len(app.screen_stack) == 2
        app.screen.query_one(Input).value = connected.tenant
        await pilot.press("enter")
        await settle(app, pilot)
        assert tab.draft.current["vat"]["rates"] == []

    drive(of(connected), act)


def test_W15_a_fixed_debtor_is_searched_in_wefact(connected):
    connected.add_debtor(CompanyName="Kas & Co", EmailAddress="kas@example.nl")

    async def act(app, pilot):
        tab = await section(app, pilot, "methods")
        table = tab.query_one("#methods", Records)
        assert len(table.rows) > 1  # those of the shop
        table.action_jump(0)
        method = table.current.key
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        app.screen.query_one(Input).value = "kas"
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        assert "Kas & Co" in text_of(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert tab.draft.current["payment_methods"][0]["method"] == method
        assert tab.draft.current["payment_methods"][0]["debtor"].startswith("DB")

    drive(of(connected), act)


def test_T1_both_dots_and_a_new_key_is_tried_before_it_is_kept(connected):
    async def act(app, pilot):
        tab = await section(app, pilot, "connections")
        await settle(app, pilot)
        shown = text_of(app)
        assert "●  CCV Shop" in shown
        assert "●  WeFact" in shown
        tab.query_one("#connections", Records).go_to("key wefact")
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        app.screen.query_one(Input).value = "wrong-key"
        await pilot.press("enter")
        await settle(app, pilot)
        assert "WEF20" in text_of(app)
        await pilot.press("t")
        await settle(app, pilot)
        assert "●  WeFact" in text_of(app)  # the old one still holds

    drive(of(connected), act)


def test_profile_shows_the_licence_and_changes_contact_and_password(
    changing, same_screen, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    with changing.begin() as conn:
        subscriptions.add(
            conn, "winkel", "Invoice November.pdf", b"%PDF-1.7 x", dated=date(2026, 11, 1), who="op", now=NOW
        )

    async def type_in(app, pilot, text):
        await settle(app, pilot, waiting=True)
        app.screen.query_one(Input).value = text
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)

    async def act(app, pilot):
        await pilot.press("5")
        await settle(app, pilot)
        table = app.current.query_one(Records)
        table.go_to("extra")
        await pilot.press("enter")
        await type_in(app, pilot, "boek@example.nl")
        table.go_to("password")
        await pilot.press("enter")
        await type_in(app, pilot, "a long enough password")
        await type_in(app, pilot, "another password")
        assert "two different passwords" in text_of(app)
        await pilot.press("enter")
        await type_in(app, pilot, "a long enough password")
        await type_in(app, pilot, "a long enough password")
        table.go_to("document 1")
        await pilot.press("enter")
        await settle(app, pilot)
        await pilot.press("a")
        await type_in(app, pilot, "How do I add a shop?")
        await settle(app, pilot)
        assert "Ticket 1: How do I add a shop?" in text_of(app)

    drive(app_of(changing), act)
    with changing.read() as conn:
        licence = licences.get(conn, "winkel")
        assert licence.extra_email == "boek@example.nl"
        assert accounts.has_password(conn, licence.account)
        (ticket,) = tickets.of_tenant(conn, "winkel")
    assert (ticket.kind, ticket.text) == ("question", "How do I add a shop?")
    assert (tmp_path / "Invoice-November.pdf").read_bytes().startswith(b"%PDF")


def test_T8_report_problem_sends_what_is_needed_and_nothing_personal(changing):
    async def act(app, pilot):
        await pilot.press("2")
        await settle(app, pilot)
        await pilot.press("r")
        await settle(app, pilot, waiting=True)
        app.screen.query_one(Input).value = "Why?"
        await pilot.press("enter")
        await settle(app, pilot)
        assert "Ticket 1: 2026-7: K8" in text_of(app)

    drive(app_of(changing), act)
    with changing.read() as conn:
        (ticket,) = tickets.of_tenant(conn, "winkel")
    assert (ticket.document_id, ticket.cause, ticket.text) == ("order-7", "K8", "Why?")
    assert "Sanne" not in str(ticket.bundle)


def test_T2_the_integration_is_stopped_only_after_typing_its_name(connected):
    async def act(app, pilot):
        await pilot.press("5")
        await settle(app, pilot)
        app.current.action_stop()
        await settle(app, pilot, waiting=True)
        app.screen.query_one(Input).value = connected.tenant
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        app.screen.query_one(Input).value = "moving"
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        await pilot.press("y")
        await settle(app, pilot)

    drive(of(connected), act)
    with connected.home.database.read() as conn:
        assert licences.get(conn, connected.tenant).state(datetime.now(UTC)) == "stopped"


def test_a_draft_goes_back_step_by_step():
    draft = Draft(settings.example())
    draft.put("invoice.term", "30")
    draft.put("invoice.term", "abc")
    assert not draft.can_save
    assert "invoice.term" in draft.problem_of("invoice.term", "en")
    assert "invoice.term" in draft.problem_of("invoice.term", "nl")
    assert draft.undo()
    assert (draft.get("invoice.term"), draft.changes, draft.can_save) == (30, {"invoice.term": 30}, True)
    assert draft.undo()
    assert not draft.undo()
    assert not draft.changes


def test_rows_of_vat_codes_are_replaced_copied_and_removed():
    vat = settings.example()["vat"]
    new = rates.copied(vat, "NL 21", ["DE 19", "icp"])
    assert rates.entry_of(new, "DE 19")["revenue"]["code"] == "V21"
    assert rates.entry_of(new, "icp")["revenue"]["code"] == "V21"
    assert rates.entry_of(vat, "DE 19")["revenue"]["code"] == "DE19"
    left = rates.without(vat, ["NL 21", "icp"])
    assert rates.entry_of(left, "NL 21") is None
    assert left["icp"]["revenue"]["code"] is None
