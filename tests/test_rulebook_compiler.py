"""Compiled rules: every form by a little rulebook of its own, faults at the rule's place, and rules that stay data."""

from __future__ import annotations

import builtins
import json
from decimal import Decimal
from pathlib import Path

import pytest
from rulefolders import SOURCE, copied, little

from mapper import settings
from mapper.errors import RuleError
from mapper.mapping import TARGET, Mapped, load_rulebooks, mapped_json
from mapper.money import loads

ORDERS = sorted((Path(__file__).parent / "fixtures").glob("order-*.json"))
EXAMPLE = settings.example()


@pytest.fixture
def mapped_by(tmp_path):
    """Map an order with id 1 by little rules."""

    def call(source, target=None, tenant=EXAMPLE, **order) -> Mapped:
        folder = little(tmp_path, source) if target is None else little(tmp_path, source, target)
        payload = loads(json.dumps(order))
        return load_rulebooks(folder).bind(tenant).apply("order", {"id": 1} | payload)

    return call


def value(mapped):
    assert mapped.document is not None, mapped.findings
    return mapped.document["x"]


# The forms

WHEN = """
document:
  id: order.id
  x:
    when:
      - {if: needed(order.status) > 5, then: {text: late}}
      - {if: needed(order.status) > 2, then: {text: middle}}
    otherwise: {text: early}
"""


@pytest.mark.parametrize(("status", "told"), [(6, "late"), (5, "middle"), (2, "early")])
def test_when_gives_the_first_case_that_holds(mapped_by, status, told):
    assert value(mapped_by(WHEN, status=status)) == told


def test_when_without_otherwise_gives_nothing(mapped_by):
    source = (
        "document:\n  id: order.id\n  x:\n    when:\n      - {if: order.paid, then: needed(order.status)}\n"
    )
    assert value(mapped_by(source, paid=False, status=1)) is None


@pytest.fixture
def refused(tmp_path):
    """Return (code, line, hint) of each problem of little rules that do not load."""

    def call(source, target=None):
        with pytest.raises(RuleError) as caught:
            load_rulebooks(little(tmp_path, source) if target is None else little(tmp_path, source, target))
        return [(one.code, one.place.line, one.hint) for one in caught.value.diagnostics]

    return call


MAYBE = """
document:
  id: order.id
  x:
    when:
      - {if: order.paid, then: order.total_price}
"""


@pytest.mark.parametrize("otherwise", ["", "    otherwise: none\n"])
@pytest.mark.parametrize("use", ["x + 1", "round_half_up(x, 2)", "x > 0", "x if order.paid else 0"])
def test_a_value_of_when_that_may_be_none_is_refused_where_it_is_needed(refused, otherwise, use):
    source = f"{MAYBE}{otherwise}  y: {use}\n"
    ((code, line, hint),) = refused(source)
    assert (code, line) == ("RULE221", source.count("\n") + 1)
    assert "otherwise" in hint
    assert "needed(x)" in hint


def test_a_value_of_when_that_may_be_none_is_refused_where_a_request_needs_it(refused):
    target = """
values:
  _sum: document.x + 1
requests:
  - {name: invoice, controller: invoice, action: add, params: {Id: document.id, Sum: _sum}}
"""
    assert [(code, line) for code, line, _ in refused(MAYBE, target)] == [("RULE221", 4)]


@pytest.mark.parametrize(
    "value",
    ["x: {find: order.rows, as: row, by: row.count, is: 1, give: row.price}", "x: order.total_tax or none"],
)
def test_what_find_or_none_may_leave_empty_is_refused_where_it_is_needed(refused, value):
    assert [code for code, _, _ in refused(f"document:\n  id: order.id\n  {value}\n  y: x + 1\n")] == [
        "RULE221"
    ]


def test_a_sum_over_lines_of_which_one_may_have_none_is_refused(refused):
    source = """
document:
  id: order.id
lines:
  - kind: revenue
    name: rows
    each: order.rows
    as: row
    values:
      amount:
        when:
          - {if: row.count > 1, then: row.price}
totals:
  sum: sum(rows.amount)
"""
    ((code, line, hint),) = refused(source)
    assert (code, line) == ("RULE221", source.count("\n") + 1)
    assert "'amount'" in hint


def test_a_default_makes_a_value_of_when_sure(mapped_by):
    source = MAYBE.replace("  x:", "  _x:") + "  x: (_x or 5) + 1\n"
    assert value(mapped_by(source, paid=False, total_price=1)) == 6


@pytest.mark.parametrize(
    ("subject", "word", "hint"),
    [
        ("clean(order.paymethod or '')", "iDEAL", "Write 'ideal'."),
        ("clean(order.paymethod or '')", "in3-later", "Write 'in3later'."),
        ("clean(order.paymethod or '')", "'-'", "Remove it."),
        ("upper(order.paymethod or '')", "ideal", "Write 'IDEAL'."),
        ("_method", "Bank-Transfer", "Write 'banktransfer'."),
    ],
)
@pytest.mark.parametrize("row", ["any", "all"])
def test_a_keyword_that_its_text_cannot_hold_is_refused_with_the_word_to_write(
    refused, subject, word, hint, row
):
    source = f"""
document:
  id: order.id
  _method: clean(order.paymethod or '')
  x:
    match: {subject}
    keywords:
      - {{{row}: [{word}], then: first}}
    otherwise: none
"""
    assert refused(source) == [("RULE222", 9, hint)]


def test_a_keyword_of_a_text_as_it_came_may_have_capitals(mapped_by):
    source = """
document:
  id: order.id
  x:
    match: order.paymethod or ''
    keywords:
      - {any: [iDEAL], then: first}
    otherwise: none
"""
    assert value(mapped_by(source, paymethod="iDEAL")) == "first"


@pytest.mark.parametrize(
    ("method", "told"),
    [("ideal", "first"), ("mister cash", "both"), ("cash mister", "both"), ("mister", "none"), ("", "none")],
)
def test_match_gives_the_first_row_whose_keywords_stand_in_the_text(mapped_by, method, told):
    source = """
document:
  id: order.id
  x:
    match: order.paymethod or ''
    keywords:
      - {any: [ideal, paypal], then: first}
      - {all: [mister, cash], then: both}
    otherwise: none
"""
    assert value(mapped_by(source, paymethod=method)) == told


def test_find_gives_the_first_entry_that_is_equal(mapped_by):
    source = """
document:
  id: order.id
  x: {find: order.rows, as: row, by: [row.count, row.tax], is: [2, 21], give: row.price}
"""
    rows = [
        {"count": 2, "tax": 9, "price": 1},
        {"count": 2, "tax": 21, "price": 2},
        {"count": 2, "tax": 21, "price": 3},
    ]
    assert value(mapped_by(source, rows=rows)) == 2
    assert value(mapped_by(source, rows=rows[:1])) is None
    assert value(mapped_by(source, rows=[])) is None


def test_find_in_the_settings_is_a_table_made_once(mapped_by):
    source = """
document:
  id: order.id
  x: {find: tenant.vat.rates, as: one, by: [one.country, one.rate], is: ["'NL'", RATE], give: one.revenue.code}
"""
    assert value(mapped_by(source.replace("RATE", "21"))) == "V21"
    assert value(mapped_by(source.replace("RATE", "5"))) is None


def test_collect_gives_something_of_every_entry_that_fits(mapped_by):
    source = "document:\n  id: order.id\n  x: {collect: order.rows, as: row, where: row.count > 1, give: row.price}\n"
    rows = [{"count": 1, "price": 1}, {"count": 2, "price": 2}, {"count": 3, "price": 3}]
    assert value(mapped_by(source, rows=rows)) == [2, 3]


def test_fields_are_a_record_or_nothing(mapped_by):
    fields = "{a: needed(order.status), b: {text: '{order.id}!'}}"
    source = f"document:\n  id: order.id\n  x: {{if: order.paid, fields: {fields}}}\n"
    assert value(mapped_by(source, paid=True, status=3)) == {"a": 3, "b": "1!"}
    assert value(mapped_by(source, paid=False)) is None


@pytest.mark.parametrize(("form", "told"), [("all", [False, False, True]), ("any", [False, True, True])])
def test_all_and_any_join_conditions(mapped_by, form, told):
    source = f"document:\n  id: order.id\n  x: {{{form}: [order.paid, needed(order.status) > 2]}}\n"
    given = [
        value(mapped_by(source, paid=paid, status=status))
        for paid, status in ((False, 1), (False, 3), (True, 3))
    ]
    assert given == told


def test_a_placeholder_stands_for_what_only_the_service_knows(mapped_by):
    target = """
requests:
  - {name: debtor, controller: debtor, action: add, params: {Name: {text: x}}}
  - {name: invoice, controller: invoice, action: add, params: {Debtor: {placeholder: debtor.Identifier}}}
"""
    mapped = mapped_by("document: {id: order.id}", target)
    assert [one.params for one in mapped.requests] == [{"Name": "x"}, {"Debtor": "{debtor.Identifier}"}]


def test_parameters_without_value_are_left_out(mapped_by):
    target = """
requests:
  - name: invoice
    controller: invoice
    action: add
    params: {A: document.x or none, B: "''", C: "0", D: "false", E: {fields: {F: document.x or none}}}
"""
    mapped = mapped_by("document: {id: order.id, x: order.paymethod or none}", target)
    assert mapped.requests[0].params == {"C": 0, "D": False, "E": {}}


def test_working_values_of_two_groups_are_never_mixed_up(mapped_by):
    source = """
document: {id: order.id}
lines:
  - {kind: a, each: order.rows, as: row, values: {_b_c: row.price}}
  - {kind: a_b, each: order.rows, as: row, values: {_c: row.count}}
totals: {x: sum(a._b_c), y: sum(a_b._c)}
"""
    mapped = mapped_by(source, rows=[{"price": 1, "count": 10}, {"price": 2, "count": 20}])
    assert (value(mapped), mapped.document["y"]) == (3, 30)


@pytest.mark.parametrize(
    "formula",
    [
        "order.id / 3",
        "count(order.rows) / 3",
        "highest(order.rows.count) / highest(order.rows.count)",
        "(order.id or order.total_price) / (order.id or order.total_price)",
        "(order.id if order.paid else order.total_price) / 3",
    ],
)
def test_no_division_of_whole_numbers_makes_a_float(mapped_by, formula):
    mapped = mapped_by(
        f"document: {{id: order.id, x: '{formula}'}}", paid=True, rows=[{"count": 1, "tax": 3}]
    )
    assert isinstance(value(mapped), Decimal)


# Nothing an author writes becomes code

HOSTILE = [
    "__import__('os').system('touch owned')",
    "x\\n__import__('os')",
    '\\"; import os; \\"',
    "a' or '",
    "{0.__class__}",
    "print\\u2028x",
    "v_id",
    "reports",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_only_a_key(mapped_by, tmp_path, monkeypatch, key):
    monkeypatch.chdir(tmp_path)
    source = (
        f'document:\n  id: order.id\n  x: {{fields: {{"{key}": order.id, "plain": {{text: "{key}"}}}}}}\n'
    )
    if "{" in key:
        source = source.replace("text: ", "fields: {inner: 1}, other: ").replace(', other: "' + key + '"', "")
    mapped = mapped_by(source)
    assert next(iter(value(mapped).values())) == 1
    assert not Path("owned").exists()


@pytest.mark.parametrize("where", ["name", "as", "kind", "document", "values", "find"])
@pytest.mark.parametrize(
    "name", ["__import__('os')", "a b", "a\\nb", "", "1a", "none", "lambda", "ｎ", "a.b"]
)
def test_a_name_that_is_none_is_refused(mapped_by, where, name):
    sources = {
        "name": f'document: {{id: order.id}}\nlines:\n  - {{kind: a, name: "{name}", values: {{p: 1}}}}\n',
        "as": f'document: {{id: order.id}}\nlines:\n  - {{kind: a, each: order.rows, as: "{name}", values: {{}}}}\n',
        "kind": f'document: {{id: order.id}}\nlines:\n  - {{kind: "{name}", values: {{p: 1}}}}\n',
        "document": f'document: {{id: order.id, "{name}": 1}}\n',
        "values": f'document: {{id: order.id}}\nlines:\n  - values: {{"{name}": 1}}\n',
        "find": f'document: {{id: order.id, x: {{find: order.rows, as: "{name}", by: 1, is: 1, give: 1}}}}\n',
    }
    if where in {"name", "as"} and not name:
        pytest.skip("an empty name means the usual one")
    with pytest.raises(RuleError) as refused:
        mapped_by(sources[where], rows=[])
    assert "RULE212" in {one.code for one in refused.value.diagnostics}


def test_names_of_the_compiler_and_of_python_are_free_to_use(mapped_by):
    names = [
        "record",
        "run",
        "bind",
        "reports",
        "lines_all",
        "zero",
        "half_up",
        "missing",
        "case",
        "item",
        "p_order",
        "x1",
    ]
    names += [name for name in ("sum", "len", "print", "object") if hasattr(builtins, name)]
    source = "document:\n  id: order.id\n" + "".join(
        f"  {name}: {number}\n" for number, name in enumerate(names)
    )
    mapped = mapped_by(source + "  x: sum([1, 2]) + case\n")
    assert value(mapped) == 3 + names.index("case")
    assert [mapped.document[name] for name in names] == list(range(len(names)))


# Faults point into the YAML

ROWS = """
document:
  id: order.id
lines:
  - kind: row
    each: order.rows
    as: row
    values:
      share: 100 / row.count
      price: row.price
totals:
  x: sum(row.share)
"""


@pytest.mark.parametrize(
    ("rows", "code", "place", "told"),
    [
        ([{"count": 1, "price": 1}, {"count": 0, "price": 1}], "MAP204", "10:14", "zero"),
        ([{"count": 1, "price": 1}] * 2 + [{"count": 1}], "MAP201", "11:14", "'row.price' (row 3)"),
        ([{"count": 1, "price": "12,50"}], "MAP202", "11:14", "'row.price' (row 1)"),
        ([{"count": 1, "price": True}], "MAP202", "11:14", "true or false"),
        ([{"count": 1, "price": {}}], "MAP202", "11:14", "an object"),
        ([{"count": 1, "price": 1}, None], "MAP202", "6:5", "'row' (row 2)"),
        ([{"count": 1, "price": 1}, 7], "MAP202", "6:5", "'row' (row 2)"),
        ("many", "MAP202", "7:11", "'order.rows'"),
        ({"0": {}}, "MAP202", "7:11", "'order.rows'"),
        (None, "MAP201", "7:11", "'order.rows'"),
    ],
)
def test_a_fault_is_told_at_its_rule_and_row(mapped_by, rows, code, place, told):
    mapped = mapped_by(ROWS, rows=rows)
    (finding,) = mapped.findings
    assert mapped.document is None
    assert (finding.id, finding.severity) == (code, "error")
    assert str(finding.place).rpartition("/")[2].startswith(f"{SOURCE}:{place}")
    assert told in finding.say["en"]
    assert finding.say["nl"] and finding.help["en"]  # noqa: PT018


@pytest.mark.parametrize(
    ("formula", "column"),
    [("1 / (order.id - 1)", 6), ("2 * (3 + 1 / (order.id - 1))", 15), ("'1 / (order.id - 1)'", 7)],
)
def test_a_division_by_zero_is_told_at_its_column(mapped_by, formula, column):
    (finding,) = mapped_by(f"document:\n  id: order.id\n  x: {formula}\n").findings
    assert (finding.id, finding.place.line, finding.place.column) == ("MAP204", 5, column)


def test_a_fault_inside_a_block_is_told_at_its_line(mapped_by):
    (finding,) = mapped_by(
        "document:\n  id: order.id\n  x: |\n    1 +\n    2 +\n    3 / (order.id - 1)\n"
    ).findings
    assert (finding.place.line, finding.place.column) == (8, 5)


@pytest.mark.parametrize(
    ("formula", "order", "code"),
    [
        (
            "round_half_up(order.total_price, needed(order.status))",
            {"total_price": 1, "status": 13},
            "MAP203",
        ),
        ("decimal_text(order.total_price, needed(order.status))", {"total_price": 1, "status": -1}, "MAP203"),
        ("local_time(order.create_date, 'Europe/Amsterdam')", {"create_date": "yesterday"}, "MAP203"),
        ("local_time(order.create_date, 'Nowhere/Land')", {"create_date": "2026-01-01T00:00:00Z"}, "MAP"),
        ("country_name('NL', 'zz')", {}, "MAP203"),
        ("order.total_price * needed(order.status)", {"total_price": 1e39, "status": 10**39}, "none"),
        ("round_half_up(order.total_price, 2)", {"total_price": 1e39}, "MAP204"),
    ],
)
def test_what_a_function_cannot_do_is_a_finding(mapped_by, formula, order, code):
    mapped = mapped_by(f'document:\n  id: order.id\n  x: "{formula}"\n', **order)
    assert "".join(one.id for one in mapped.findings).startswith(code) or (
        code == "none" and not mapped.findings
    )
    assert mapped_json(mapped)["findings"] or mapped.document


@pytest.mark.parametrize(
    "payload", [None, 5, "text", [], [{}], {}, {"id": None}, {"id": {}}, {"rows": 5}, {"id": "x" * 9999}]
)
def test_no_payload_makes_the_shipped_rules_raise(payload):
    mapped = load_rulebooks().bind(EXAMPLE).apply("order", payload)
    assert mapped.held == "error"
    assert mapped.document is None
    assert mapped_json(mapped)["findings"]


# Traced and untraced


@pytest.mark.parametrize("path", ORDERS, ids=lambda path: path.stem)
def test_a_trace_changes_nothing(path):
    mapper = load_rulebooks().bind(EXAMPLE)
    payload = loads(path.read_bytes())
    document, _, requests, _ = mapper.run("order", payload)
    mapped = mapper.apply("order", payload)
    assert document == mapped.document
    assert [one[1] for one in requests] == [one.params for one in mapped.requests]
    assert payload == loads(path.read_bytes())
    assert mapped == mapper.apply("order", payload)


# Rules stay data: Python holds none of them


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        (SOURCE, "{any: [ideal], then: ideal}", "{any: [deal], then: dealt}", ("payment_method", "dealt")),
        (SOURCE, "  is_credit: false", "  is_credit: true ", ("is_credit", True)),
        (SOURCE, "{text: Shipping costs}", "{text: Verzending}", ("Verzending", None)),
        (TARGET, "      PhoneNumber:", "      MobileNumber:", ("MobileNumber", None)),
    ],
    ids=["a keyword", "a formula", "a text", "a field of WeFact"],
)
def test_a_changed_rule_changes_the_output(tmp_path, file, old, new, changed):
    payload = loads((Path(__file__).parent / "fixtures" / "order-nl-ideal.json").read_bytes())
    before = mapped_json(load_rulebooks().bind(EXAMPLE).apply("order", payload))
    after = mapped_json(
        load_rulebooks(copied(tmp_path, {file: (old, new)})).bind(EXAMPLE).apply("order", payload)
    )
    assert before != after
    name, told = changed
    if told is not None:
        assert after["document"][name] == told
    else:
        assert name in str(after["requests"])
        assert name not in str(before["requests"])


def test_a_changed_text_changes_what_is_said(tmp_path):
    old, new = (
        "The goods go to {_territory.name}, outside the EU, but",
        "Nothing may be charged in {_country}, yet",
    )
    payload = loads((Path(__file__).parent / "fixtures" / "order-export-us.json").read_bytes()) | {
        "total_tax": 5
    }
    mapped = load_rulebooks(copied(tmp_path, {SOURCE: (old, new)})).bind(EXAMPLE).apply("order", payload)
    assert "Nothing may be charged in US, yet 5.00 VAT was charged: 0 % is expected." in {
        one.say["en"] for one in mapped.findings
    }
