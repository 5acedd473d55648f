"""The cases beside the rules, one test each; and that the runner says no when it must."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mapper.authoring.cases import Case, read_cases
from mapper.authoring.coverage import coverage
from mapper.authoring.trial import places, run_case
from mapper.diagnostics import Diagnostic
from mapper.mapping import load_rulebooks, shipped_rules
from mapper.rulebook.dutch import in_dutch

SHIPPED = load_rulebooks()
CASES = read_cases(SHIPPED)

HEAD = """\
# The first line stays.
- case: "a case"     # so does this
  fixture: nl-ideal
"""


@pytest.mark.parametrize("case", CASES.found, ids=[f"{one.file.stem}: {one.name}" for one in CASES.found])
def test_the_case_holds(case: Case) -> None:
    outcome = run_case(SHIPPED, case)
    assert list(places(outcome.failures)) == []


def test_no_case_is_left_out() -> None:
    assert [problem.render() for problem in CASES.problems] == []
    written = sum(
        path.read_text(encoding="utf-8").count("\n- case:")
        for path in (shipped_rules() / "cases").glob("*.yaml")
    )
    assert len(CASES.found) == written > 100


def test_the_cases_reach_every_rule_row_and_check() -> None:
    reached = coverage(SHIPPED, [(one.kind, one.payload, one.settings) for one in CASES.found])
    assert [str(part) for part in reached.uncovered] == []
    assert reached.percent == 100


def test_coverage_counts_without_a_single_order() -> None:
    nothing = coverage(SHIPPED, [])
    assert (nothing.percent, len(nothing.uncovered)) == (0, len(nothing.parts))
    assert len({part.key for part in nothing.parts}) == len(nothing.parts)


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[Diagnostic]:
    return read_cases(SHIPPED, [write(folder, text)]).problems


def holds(folder: Path, text: str) -> bool:
    cases = read_cases(SHIPPED, [write(folder, text)])
    assert cases.problems == []
    assert cases.found
    return not any(run_case(SHIPPED, case).failures for case in cases.found)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that stands once in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "line", "column", "said"),
    [
        ("  expect: {total_inc: 67.35}", 4, 12, "Did you mean 'total_incl'?"),
        ("  expect:\n    customer.emial: x", 5, 5, "Did you mean 'customer.email'?"),
        ("  expect:\n    lines:\n      1: {vat_cod: V21}", 6, 11, "Did you mean 'lines.1.vat_code'?"),
        ("  expect: {lines.vat_code: V21}", 4, 12, "They count from 1: lines.1."),
        ("  expect: {invoice.Statuss: 0}", 4, 12, "Did you mean 'invoice.Status'?"),
        (
            "  expect: {invoice.CustomFields.shiping_city: x}",
            4,
            12,
            "Did you mean 'invoice.CustomFields.shipping_city'?",
        ),
        ("  expect: {invoise.Status: 0}", 4, 12, "Did you mean 'invoice'?"),
        ("  expect: {invoice: 0}", 4, 12, "is a whole request"),
        ("  expect: {customer: x}", 4, 12, "has parts"),
        ("  expect: {findings: [K33 error]}", 4, 23, "No check is called 'K33'."),
        ("  expect: {findings: [K1 wait]}", 4, 23, "It gives: error, info."),
        ("  expect: {lines: [revenu]}", 4, 20, "Did you mean 'revenue'?"),
        ("  expect: {requests: [debtor, invoise]}", 4, 31, "Did you mean 'invoice'?"),
        ("  expect: {id: 1}\n  not: [K99]", 5, 9, "No check is called 'K99'."),
        ("  expect: {id: 1}\n  not: [invoice.InvoiceCod]", 5, 9, "Did you mean 'invoice.InvoiceCode'?"),
        ("  expect: {id: 1}\n  change: {paymethd: x}", 5, 12, "Did you mean 'paymethod'?"),
        ("  expect: {id: 1}\n  change: {customer.emial: x}", 5, 12, "Did you mean 'customer.email'?"),
        ("  expect: {id: 1}\n  change:\n    rows.1.taxx: 9", 6, 5, "Did you mean 'rows.1.tax'?"),
        ("  expect: {id: 1}\n  change: {rows.4.tax: 9}", 5, 12, "rows.3 for one more"),
        ("  expect: {id: 1}\n  settings: {invoice.statu: sent}", 5, 14, "Did you mean 'invoice.status'?"),
        (
            "  expect: {id: 1}\n  settings: {invoice.term: 7, invoice.status: send}",
            5,
            31,
            "must be one of draft, sent, paid",
        ),
        ("  expect: {total_incl: 67,35}", 4, 27, "A decimal number is written with a point"),
        ("  expect:\n    total_incl: 67,35", 5, 17, "A decimal number is written with a point: 67.35."),
        ("  expect:\n    total_incl: 1.067,35", 5, 17, "A decimal number is written with a point: 1067.35."),
        ("  expect:\n    total_incl: €67.35", 5, 17, "'total_incl' is a number; '€67.35' is none."),
        ("  expect:\n    lines.1.quantity: two", 5, 23, "'lines.1.quantity' is a number; 'two' is none."),
        (
            "  expect: {id: 1}\n  change: {total_price: 67,35}",
            5,
            28,
            "A decimal number is written with a point",
        ),
        (
            "  expect: {id: 1}\n  change:\n    rows.1.tax: 5,5",
            6,
            17,
            "A decimal number is written with a point: 5.5.",
        ),
        ("  expct: {id: 1}", 4, 3, "Did you mean 'expect'?"),
        ("  change: {paid: true}", 2, 3, "A case expects something."),
        ("  expect: {}", 4, 11, "`expect` holds"),
        ("  expect: {id: 1}\n  change: paid", 5, 11, "'change' holds"),
        ("  expect: {id: 1}\n  vies: vallid", 5, 9, "Did you mean 'valid'?"),
    ],
)
def test_what_cannot_be_is_shown_with_its_place_and_what_was_meant(tmp_path, body, line, column, said):
    problem, *_ = problems(tmp_path, HEAD + body + "\n")
    assert (problem.place.line, problem.place.column) == (line, column)
    assert problem.code.startswith("CASE10")
    assert said in problem.render()
    dutch = in_dutch(problem)
    assert not re.search(
        r"\b(There|The|Did you|Write|is no|has no|no check)\b", dutch.message + dutch.hint
    ), dutch


def test_a_case_that_cannot_be_run_fails_the_run(tmp_path, mapper):
    path = write(tmp_path, HEAD + "  expect: {total_inc: 67.35}\n")
    ran = mapper("test", path)
    assert ran.code == 1
    assert f"{path}:4:12: CASE105: Neither the document nor a request has 'total_inc'." in ran.out
    assert "0 cases in 1 files: 0 right, 0 wrong. 1 problems keep cases from being run." in ran.err


@pytest.mark.parametrize("text", ["", "case: x", "- 7", "- {case: x, fixture: nope, expect: {id: 1}}", "- {"])
def test_a_file_that_holds_no_cases_is_a_problem(tmp_path, text):
    assert problems(tmp_path, text)[0].place.line == 1


def test_K2_a_case_that_says_what_vies_answers_fails_where_vies_is_not_asked(tmp_path, mapper):
    path = write(tmp_path, HEAD + "  vies: valid\n  expect: {id: 500001}\n")
    ran = mapper("test", path)
    assert f"{path}:4:9: vies\n    expected valid\n    got      not asked" in ran.out


def test_a_wrong_case_shows_what_came_where_and_why(tmp_path, mapper):
    path = write(
        tmp_path, HEAD + "  change: {paymethod: Bank}\n  expect: {payment_method: ideal, id: 500001}\n"
    )
    ran = mapper("test", path)
    assert ran.code == 1
    assert f"{path}:5:28: payment_method\n    expected ideal\n    got      banktransfer" in ran.out
    assert "match _paymethod" in ran.out
    assert "✓ 'transfer' or 'bank' or 'invoice' or 'rekening' → banktransfer   in 'bank'" in ran.out
    assert "1 cases in 1 files: 0 right, 1 wrong." in ran.err


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("total_incl: 67.350", True),
        ("total_incl: 67.351", False),
        ("total_incl: '67.35'", True),
        ("lines.1.unit_excl: 20.6198347107", True),
        ("lines.1.unit_excl: 20.61983471", False),
        ("customer.company: ''", True),
        ("customer.company: null", False),
        ("customer.zipcode: 3511ab", False),
        ("delivery: null", True),
        ("delivery.city: null", False),
        ("lines.9.vat_code: null", False),
        ("invoice.InvoiceCode: null", True),
        ("invoice.Status: 0", True),
        ("paid: true", True),
        ("paid: 'true'", True),
        ("findings: none", True),
        ("findings: [K1 info]", False),
        ("all_findings: []", True),
        ("lines: [revenue, revenue]", False),
        ("requests: [debtor, invoice]", True),
        ("requests: [invoice, debtor]", False),
    ],
)
def test_values_are_compared_exactly(tmp_path, written, right):
    assert holds(tmp_path, f"{HEAD}  expect:\n    {written}\n") is right


@pytest.mark.parametrize(
    ("absent", "right"),
    [
        ("send", True),
        ("invoice", False),
        ("rounding", True),
        ("shipping", False),
        ("K1", True),
        ("K3", False),
        ("K3 error", True),
        ("invoice.InvoiceCode", True),
        ("invoice.Status", False),
        ("delivery", True),
    ],
)
def test_what_should_not_be_there_is_missed_when_it_is(tmp_path, absent, right):
    assert holds(tmp_path, f"{HEAD}  not: [{absent}]\n") is right


def test_rows_are_changed_added_and_taken_away(tmp_path):
    one_more = (
        "  change: {rows.3: {product_name: Filter, count: 4}}\n"
        "  expect: {lines.3.description: Filter, lines.3.quantity: 4, lines.3.unit_incl: 12.50}\n"
    )
    one_less = HEAD.splitlines()[1] + "\n  fixture: nl-ideal\n  change: {rows.1: null}\n"
    assert holds(tmp_path, HEAD + one_more + one_less + "  expect: {lines: [revenue, shipping]}\n")


def test_update_writes_what_came_and_keeps_comments_and_layout(tmp_path, mapper):
    wrong = (
        HEAD
        + """\
  change: {paymethod: CCVPay_PayPal}
  expect:
    payment_method: ideal    # the table's fourth row

    total_incl:   "1"        # aligned
    customer.company: x
    delivery:
    requests: [invoice]      # in this order
    customer: {email: a@b.nl, city: 'Utrecht'}
    findings: [K1 error]
"""
    )
    right = (
        wrong.replace("method: ideal", "method: paypal")
        .replace('  "1"', "  67.35")
        .replace("company: x", 'company: ""')
        .replace("[invoice] ", "[debtor, invoice] ")
        .replace("a@b.nl", '"sanne@example.nl"')
        .replace("[K1 error]", "[]")
    )
    path = write(tmp_path, wrong)
    ran = mapper("test", path, "--update")
    assert path.read_text(encoding="utf-8") == right
    assert ran.code == 0
    assert "-    payment_method: ideal    # the table's fourth row" in ran.out
    assert "+    payment_method: paypal    # the table's fourth row" in ran.out
    assert mapper("test", path, "--update").out == ""


def test_update_leaves_alone_what_no_value_can_mend(tmp_path, mapper):
    text = HEAD + "  expect: {lines.9.kind: rounding, total_inc: 3}\n  not: [invoice]\n"
    path = write(tmp_path, text)
    assert mapper("test", path, "--update").code == 1
    assert path.read_text(encoding="utf-8") == text


def copied(tmp_path: Path) -> Path:
    """A copy of the shipped rules with their cases."""
    return Path(shutil.copytree(shipped_rules(), tmp_path / "rules"))


GIFT = """\
  - kind: shipping
    name: gift
    if: id == 7
    values:
      {account: {text: shipping}, description: {text: Gift}, product_code: {text: Gift}, quantity: 1,
       vat_percent: 21, discount: 0, _price: 1}
"""

ADDED = {
    "document._method_by_name: klarna → afterpay": (
        "ccv_order.yaml", "      - {any: [ideal], then: ideal} ", "      - {any: [klarna], then: afterpay}\n"
    ),
    "request invoice.PaymentMethod: bitcoin → other": (
        "wefact.yaml",
        "                - {any: [paypal], then: paypal}",
        "                - {any: [bitcoin], then: other}\n",
    ),
    "check K9: speaks": (
        "ccv_order.yaml", "  - id: K8\n", "  - id: K9\n    if: id == 7\n    severity: info\n    say: {en: 7, nl: 7}\n"
    ),
    "line gift: made": (
        "ccv_order.yaml",
        "  - kind: payment ",
        GIFT,
    ),
}  # fmt: skip


def test_an_added_row_check_or_line_that_no_case_reaches_is_named(tmp_path, mapper):
    rules = copied(tmp_path)
    for file, before, added in ADDED.values():
        edit(rules / file, before, added + before)
    ran = mapper("test", "--rules", rules, "--coverage")
    assert ran.code == 0, ran.out
    for named, (file, _, added) in ADDED.items():
        text = (rules / file).read_text(encoding="utf-8")
        line = text[: text.index(added)].count("\n") + 1
        assert f"not covered: {rules / file}:{line}:" in ran.out
        assert named in ran.out
    assert "Coverage 100 %" not in ran.err


def test_a_changed_rule_fails_the_cases_that_know_better(tmp_path, mapper):
    rules = copied(tmp_path)
    edit(rules / "ccv_order.yaml", "{any: [afterpay], then: afterpay}", "{any: [pay later], then: afterpay}")
    ran = mapper("test", "--rules", rules, "-k", "afterpay")
    assert ran.code == 1
    assert "expected afterpay" in ran.out
    assert "got      default" in ran.out


def test_only_some_cases_are_run_when_asked(mapper):
    some = mapper("test", "-k", "credit points")
    assert (some.code, some.err.split(" cases")[0]) == (0, "1")
    assert "Coverage" not in some.err
    one_file = mapper("test", shipped_rules() / "cases" / "payment-methods.yaml")
    assert one_file.code == 0
    assert "in 1 files" in one_file.err


def test_records_for_programs(tmp_path, mapper):
    path = write(
        tmp_path, HEAD + "  expect: {total_incl: 1}\n- {case: b, fixture: nl-ideal, expect: {total_inc: 1}}\n"
    )
    problem, wrong, reached = mapper("test", path, "--coverage", "--json").records
    assert (problem["code"], problem["line"]) == ("CASE105", 5)
    assert wrong["right"] is False
    assert wrong["failures"][0] | {"file": ""} == {
        "path": "total_incl", "expected": "1", "got": "67.35", "file": "", "line": 4, "column": 24,
    }  # fmt: skip
    assert 0 < reached["coverage"]["percent"] < 100
    assert {"rule", "what", "file", "line"} == set(reached["coverage"]["uncovered"][0])
