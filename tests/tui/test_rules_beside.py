"""Rules: what stands beside the lines while one types: euros of the newest documents, and what cases reach."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from mapper.store import payloads
from mapper.store.database import open_database
from mapper.store.listing import page
from tests import orders
from tests.tui.kit import PATIENT, add_order, add_shop, app_of, drive, settle
from tests.tui.test_rules import opened, type_over
from tui.records import Records
from tui.rule_editor import RuleEditor

NUMBERED = "    that: filled(number)\n"
ROW = "      - {all: [mister, cash], then: mistercash}"
NEW_ROW = "      - {all: [zzpay, cash], then: zzpaycash}"
SIZES = {"narrow": (80, 24), "wide": (160, 50)}


def beside(tab):
    """Return what stands around the editor: the rule of the cursor, and what reaches it."""
    editor = tab.query_one(RuleEditor)
    return str(editor.border_title), str(editor.border_subtitle)


def line_of(tab, text):
    lines = tab.query_one(RuleEditor).text.splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(text.rstrip("\n")))


def booked(database):
    """Return the sums of the documents that the shipped rules let through, worked out one by one."""
    found = []
    with database.read() as conn:
        for one in page(conn, "winkel", limit=100).documents:
            mapped = orders.mapped(payloads.payload(conn, "winkel", one.id))
            if mapped.held is None and one.state != "ignored":
                found.append(mapped.document["total_incl"])
    return found


def test_the_euros_of_the_newest_documents_follow_the_edit_and_go_with_it(filled, few_cases):
    async def act(app, pilot):
        tab = await opened(app, pilot)
        changed = tab.query_one("#changed", Records)
        assert not changed.border_subtitle
        # One order goes to Germany and passes; it is one of € 100.
        await type_over(
            app, pilot, tab, NUMBERED, "    that: filled(number) and (country != 'DE' or _untaxed)\n"
        )
        assert changed.border_subtitle == "newest 12: 0 others, 1 stop, € 100.00"
        await type_over(
            app, pilot, tab, "    that: filled(number) and (country != 'DE' or _untaxed)\n", NUMBERED
        )
        assert not tab.has_changes
        assert not changed.border_subtitle
        await type_over(app, pilot, tab, NUMBERED, "    that: not filled(number)\n")
        sums = booked(filled)
        euros = f"{sum(sums, Decimal(0)):,.2f}"
        assert changed.border_subtitle == f"newest 12: 0 others, {len(sums)} stop, € {euros}"

    drive(app_of(filled, key_file=few_cases), act, (160, 50))


def test_the_next_key_ends_the_count_of_euros_and_no_older_one_is_ever_shown(changing, few_cases):
    for shop_id in range(100, 160):
        add_order(changing, shop_id, orders.order(orders.row("49.90"), orders.row("12.50", rate="9")))

    async def act(app, pilot):
        tab = await opened(app, pilot)
        editor, changed = tab.query_one(RuleEditor), tab.query_one("#changed", Records)
        seen = set()

        async def look():
            while True:
                seen.add(changed.border_subtitle)
                await asyncio.sleep(0)

        looking = asyncio.create_task(look())
        line = line_of(tab, NUMBERED)
        editor.focus()
        editor.load_text(editor.text.replace(NUMBERED, "    that: id > 900000\n"))
        deadline = asyncio.get_running_loop().time() + PATIENT
        while "…" not in seen:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0)
        (older,) = [one for one in app.workers if one.group == "weigh"]
        editor.move_cursor((line - 1, 100))
        await pilot.press("backspace")
        assert older.is_finished
        seen.clear()  # a quick machine may have shown it before the key
        await settle(app, pilot)
        assert editor.text.splitlines()[line - 1] == "    that: id > 90000"
        assert changed.border_subtitle == "newest 72: 0 others, 0 stop, € 0.00"
        looking.cancel()
        assert seen - {"", "…", None} == {changed.border_subtitle}

    drive(app_of(changing, key_file=few_cases), act, (160, 50))


def test_beside_a_line_stands_how_many_cases_and_documents_reach_it(changing, few_cases):
    add_order(changing, 90, orders.order(paymethod="Mister Cash"))
    add_order(changing, 91, orders.order(paymethod="Zzpay"))

    async def act(app, pilot):
        tab = await opened(app, pilot)
        await settle(app, pilot, reached=True)
        editor, problems = tab.query_one(RuleEditor), tab.query_one("#problems", Records)
        tree = {
            row.cells[1].strip(): row
            for row in tab.query_one("#tree", Records).rows
            if row.key.startswith("ccv_order")
        }
        marked = {
            name: tree[name].cells[0] for name in ("order_number", "_method_by_name", "kind: surcharge")
        }
        assert marked == {"order_number": "✓", "_method_by_name": "◐", "kind: surcharge": "◐"}
        assert (tree["order_number"].tone, tree["_method_by_name"].tone) == ("good", "busy")

        editor.move_cursor((line_of(tab, ROW) - 1, 0))
        await pilot.pause()
        name = "ccv_order.yaml · document._method_by_name"
        assert beside(tab) == (name, "◐ 3 cases, 2 of 8 branches; here 1 case; 1 × in 14 documents")
        editor.move_cursor((line_of(tab, "    match: _paymethod") - 2, 0))
        await pilot.pause()
        assert beside(tab)[1] == "◐ 3 cases, 2 of 8 branches; 14 × in 14 documents, 1 without a row"

        # A row more: no case for it, and the list of problems leads to it.
        await type_over(app, pilot, tab, ROW, f"{NEW_ROW}\n{ROW}")
        assert beside(tab)[1] == ""
        await settle(app, pilot, reached=True)
        at = line_of(tab, NEW_ROW)
        (told,) = [row for row in problems.rows if row.cells[0] == f"{at}:9"]
        assert told.cells[1] == "○ no case reaches document._method_by_name: zzpay and cash → zzpaycash"
        assert problems.border_subtitle.startswith("valid · cases reach ")
        problems.go_to(told.key)
        problems.focus()
        await pilot.press("enter")
        await pilot.pause()
        assert beside(tab)[1] == "◐ 3 cases, 2 of 9 branches; here no case; 0 × in 14 documents"

        # A case for it, written beside the rules, is found at the next look.
        file = few_cases.parent / "rules" / "cases" / "methods.yaml"
        case = (
            "- case: new\n  fixture: nl-ideal\n  change: {paymethod: Zzpay cash}\n"
            "  expect: {payment_method: zzpaycash}\n"
        )
        file.write_text(file.read_text(encoding="utf-8") + case, encoding="utf-8")
        await type_over(app, pilot, tab, "# How an order", "# So an order")
        await settle(app, pilot, reached=True)
        editor.move_cursor((at - 1, 0))
        await pilot.pause()
        assert beside(tab)[1] == "◐ 4 cases, 3 of 9 branches; here 1 case; 0 × in 14 documents"

    drive(app_of(changing, key_file=few_cases), act, (170, 50))


@pytest.mark.parametrize("size", SIZES)
def test_the_tab_in_each_of_its_states(changing, few_cases, same_screen, size):
    async def act(app, pilot):
        tab = await opened(app, pilot)
        await settle(app, pilot, reached=True)
        editor = tab.query_one(RuleEditor)
        editor.focus()
        editor.move_cursor((line_of(tab, ROW) - 1, 0), center=True)
        await pilot.pause()
        same_screen(app, f"coverage-{size}", looks=size == "wide")
        await type_over(app, pilot, tab, "id: order.id", "id: order.id + 1")
        await settle(app, pilot, reached=True)
        same_screen(app, f"preview-{size}")
        await type_over(app, pilot, tab, "order.total_price if", "order.totall_price if")
        same_screen(app, f"problem-{size}", looks=size == "wide")

    drive(app_of(changing, key_file=few_cases), act, SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_the_tab_before_a_document_was_fetched(tmp_path, few_cases, same_screen, size):
    async def act(app, pilot):
        await opened(app, pilot)
        await settle(app, pilot, reached=True)
        same_screen(app, f"empty-{size}")

    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database)
        drive(app_of(database, key_file=few_cases, language="nl"), act, SIZES[size])
