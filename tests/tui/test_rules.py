"""Rules: problems while one types, what they change in a real document, cases, impact, and publishing."""

from __future__ import annotations

import asyncio

import pytest

from mapper.store import rulebooks
from tests import orders
from tests.tui.kit import add_order, app_of, drive, settle, text_of
from tui.records import Records
from tui.rule_editor import RuleEditor, completion, known_fields
from tui.rules import Rules
from tui.workbench import Workbench, rules_in

WIDE = (170, 50)


async def opened(app, pilot):
    app.action_go("rules")
    await settle(app, pilot)
    tab = app.current
    assert isinstance(tab, Rules)
    return tab


async def type_over(app, pilot, tab, old, new):
    editor = tab.query_one(RuleEditor)
    editor.load_text(editor.text.replace(old, new))
    await pilot.pause()
    await settle(app, pilot)


def test_B2_a_problem_is_told_at_its_place_while_one_types_and_the_preview_follows(changing, tmp_path):
    async def act(app, pilot):
        tab = await opened(app, pilot)
        shown = text_of(app)
        assert all(
            text in shown for text in ("document", "✓ The rules load.", "Nothing: as the rules in use.")
        )
        problems, changed = tab.query_one("#problems", Records), tab.query_one("#changed", Records)
        assert problems.rows == changed.rows == []

        await type_over(app, pilot, tab, "order.total_price if", "order.totall_price if")
        assert any("totall_price" in row.cells[1] for row in problems.rows)
        await pilot.press("f8")
        assert tab.query_one(RuleEditor).has_focus
        line = int(problems.current.key.split("|")[1])
        assert tab.query_one(RuleEditor).cursor_location[0] == line - 1

        await type_over(app, pilot, tab, "order.totall_price if", "order.total_price if")
        assert problems.rows == []
        await type_over(app, pilot, tab, "id: order.id", "id: order.id + 1")
        assert ("id", "1", "2") in [row.cells for row in changed.rows] or changed.rows
        assert changed.border_subtitle.startswith("newest 12: ")
        assert tab.has_changes

    drive(app_of(changing, key_file=tmp_path / "mapper.key"), act, WIDE)


def test_B2_cases_impact_and_publishing(changing, few_cases):
    async def act(app, pilot):
        tab = await opened(app, pilot)
        await pilot.press("f7")
        await settle(app, pilot)
        assert "All 3 cases hold." in text_of(app)
        await type_over(app, pilot, tab, "# How an order", "# So an order")
        await pilot.press("f9")
        await settle(app, pilot)
        assert "documents mapped again." in text_of(app)
        await pilot.press("escape", "f10")
        await settle(app, pilot, waiting=True)
        await pilot.press(*"words", "enter")
        await settle(app, pilot)
        assert "Published" in text_of(app)

    drive(app_of(changing, key_file=few_cases), act, WIDE)
    with changing.read() as conn:
        active = rulebooks.active(conn)
        assert active is not None
        assert (active.who, active.message) == ("test", "words")
        assert "# So an order" in rulebooks.get(conn, active.hash)["ccv_order.yaml"]


def test_rules_that_fail_their_cases_are_not_published(changing, few_cases):
    async def act(app, pilot):
        tab = await opened(app, pilot)
        await type_over(app, pilot, tab, "number: needed(order.ordernumber_full)", "number: text(order.id)")
        await pilot.press("f10")
        await settle(app, pilot, waiting=True)
        await pilot.press(*"wrong", "enter")
        await settle(app, pilot)
        assert "PUB102" in text_of(app)

    drive(app_of(changing, key_file=few_cases), act, WIDE)
    with changing.read() as conn:
        assert rulebooks.active(conn) is None


def test_a_value_that_no_row_of_a_table_is_for_becomes_a_row_in_the_editor(changing, few_cases):
    add_order(changing, 90, orders.order(paymethod="Zzpay 3000"))

    async def act(app, pilot):
        tab = await opened(app, pilot)
        await pilot.press("f3")
        await settle(app, pilot, waiting=True)
        records = app.screen.query_one("#census", Records)
        # In a list of the settings, and in a table of keywords.
        of_settings, missed = [row for row in records.rows if row.cells[1:2] == ("zzpay 3000",)]
        assert missed.cells[2] == "1"
        records.go_to(of_settings.key)
        await pilot.press("enter")
        await pilot.pause()
        assert "Configuration adds to it" in text_of(app)
        records.go_to(missed.key)
        await pilot.press("enter")
        await settle(app, pilot, waiting=True)
        await pilot.press("enter")
        await settle(app, pilot)
        editor = tab.query_one(RuleEditor)
        assert editor.has_focus
        line = editor.text.splitlines()[editor.cursor_location[0]]
        assert line.strip().startswith('- {any: ["zzpay 3000"], then: ')
        assert [row for row in tab.query_one("#problems", Records).rows if row.tone == "bad"] == []
        assert tab.has_changes
        await pilot.press("f3")
        await settle(app, pilot, waiting=True)
        rows = app.screen.query_one("#census", Records).rows
        signs = [row.cells[0] for row in rows if row.cells[1:2] == ("zzpay 3000",)]
        assert signs == ["✗", ""]

    drive(app_of(changing, key_file=few_cases), act, WIDE)


@pytest.mark.parametrize(
    ("path", "begun", "completed"),
    [
        ("order", "ordernumber_f", "ull"),
        ("order.customer.billingaddress", "zipc", "ode"),
        ("row", "product_numb", "er"),
        ("tenant.invoice", "stat", "us"),
        ("order", "zzz", ""),
        ("nothing.here", "a", ""),
    ],
)
def test_names_of_fields_are_completed_as_far_as_only_one_way_leads(path, begun, completed):
    assert completion(known_fields(), path, begun) == completed


def test_the_tree_names_sections_and_their_rules():
    text = "# c\ndocument:\n  id: order.id\n\nchecks:\n  - id: K1\n    that: x\n"
    assert rules_in(text) == [
        (2, "document", True),
        (3, "id", False),
        (5, "checks", True),
        (6, "id: K1", False),
    ]


def test_a_file_is_written_whole_and_read_back(changing, tmp_path):
    app = app_of(changing)
    session = app._open_session()
    bench = Workbench(session, tmp_path / "rules")
    texts = asyncio.run(asyncio.to_thread(bench.read))
    bench.save(texts)
    bench.save({**texts, "wefact.yaml": texts["wefact.yaml"] + "# more\n"})
    assert bench.read()["wefact.yaml"].endswith("# more\n")
    assert list((tmp_path / "rules").glob("*.new")) == []
    assert bench.cases(bench.check(bench.read()).loaded)[1] == []
