"""A mistake in a rule file is told once, at its place, whatever else depends on what is wrong there."""

from __future__ import annotations

import re

import pytest
from rulefolders import copied

from mapper.errors import RuleError
from mapper.mapping import load_rulebooks, shipped_rules


@pytest.fixture(scope="module")
def tmp_path(tmp_path_factory):
    """One folder for all: rules that a change left as they were need not be read again."""
    return tmp_path_factory.mktemp("rules")


ORDER, INVOICE, TARGET, RATES = "ccv_order.yaml", "ccv_invoice.yaml", "wefact.yaml", "vat_rates.yaml"


def told(folder, file, old, new):
    """Return the problems of the shipped rules with one change, and the line of the change."""
    text = (shipped_rules() / file).read_text(encoding="utf-8")
    changed = text[: text.index(old)].count("\n") + old[: len(old) - len(old.lstrip("\n"))].count("\n") + 1
    with pytest.raises(RuleError) as caught:
        load_rulebooks(copied(folder, {file: (old, new)}))
    return [
        (one.place.file.rpartition("/")[2], one.place.line, one.code) for one in caught.value.diagnostics
    ], changed


ONCE = {
    "a misspelt name": (ORDER, "  paid: order.paid ", "  paid: ordr.paid ", "RULE207"),
    "a misspelt form": (ORDER, "    match: _paymethod", "    macth: _paymethod", "RULE215"),
    "a misspelt section": (ORDER, "\ndocument:\n", "\ndocumnt:\n", "RULE219"),
    "a misspelt section of lines": (ORDER, "\nlines:\n", "\nline:\n", "RULE219"),
    "a misspelt every_line": (ORDER, "\nevery_line:\n", "\nevery_lines:\n", "RULE219"),
    "a misspelt section of totals": (ORDER, "\ntotals:\n", "\ntotal:\n", "RULE219"),
    "a misspelt key of a line rule": (ORDER, "  - kind: shipping ", "  - kid: shipping ", "RULE219"),
    "a misspelt key of a form": (
        ORDER,
        "    as: configured\n    by: clean(configured.method)\n    is: _paymethod",
        "    az: configured\n    by: clean(configured.method)\n    is: _paymethod",
        "RULE219",
    ),
    "a misspelt key of a check": (ORDER, "  - id: O2\n", "  - di: O2\n", "RULE219"),
    "a misspelt field of a line": (ORDER, "      quantity: row.count ", "      quantty: row.count ", "RULE213"),
    "a name in every line": (ORDER, "  _factor: 1 + vat_percent / 100", "  _factor: 1 + vat_percnt / 100", "RULE207"),
    "values of requests": (TARGET, "\nvalues:\n", "\nvaleus:\n", "RULE219"),
    "a section of an extension": (INVOICE, "\ndocument:\n", "\ndocumnt:\n", "RULE219"),
    "what an extension extends": (INVOICE, "extends: ccv_order.yaml", "extends: ccv_ordr.yaml", "RULE303"),
    "a check of an extension that takes the place of its own": (
        INVOICE,
        "  - id: K1\n    about: total_price_exc_tax\n",
        "  - id: K1\n    about: total_price_inc_tax\n",
        "RULE302",
    ),
    "a working value that nothing reads": (
        INVOICE,
        "    _price: invoice.extra_costs * _others_sign ",
        "    _prise: invoice.extra_costs * _others_sign ",
        "RULE228",
    ),
    "a field that only one kind of document sets": (
        INVOICE,
        "  total_vat: invoice.total_tax",
        "  total_btw: invoice.total_tax",
        "RULE225",
    ),
    "a name in a formula that every line needs": (
        ORDER,
        "  unit_excl: _price / _factor if rows_include_vat else _price ",
        "  unit_excl: unit_exc + 1 ",
        "RULE207",
    ),
    "a word that is compared": (
        ORDER,
        "  _untaxed: is_icp or is_international or _is_free_export\n",
        "  _untaxed: tenant.invoice.status == draft\n",
        "RULE207",
    ),
    "a flag compared with a text, in a rule that an invoice has otherwise": (
        ORDER,
        "  paid: order.paid ",
        "  paid: order.paid == 'true' ",
        "RULE205",
    ),
    "a flag compared with a text, in a rule that an invoice takes over": (
        ORDER,
        "  _untaxed: is_icp or is_international or _is_free_export\n",
        "  _untaxed: order.paid == 'true'\n",
        "RULE205",
    ),
    "a field that an invoice does not have": (
        ORDER,
        "  _untaxed: is_icp or is_international or _is_free_export\n",
        "  _untaxed: order.paid\n",
        "RULE208",
    ),
    "only another word for otherwise": (
        ORDER,
        "    match: _paymethod\n",
        "    when: [{else: {text: a}}]\n  _not_used:\n    match: _paymethod\n",
        "RULE219",
    ),
    "only otherwise": (
        ORDER,
        "    match: _paymethod\n",
        "    when: [{otherwise: {text: a}}]\n  _not_used:\n    match: _paymethod\n",
        "RULE219",
    ),
    "else below the cases": (
        ORDER,
        "    otherwise: row.product_name or ''",
        "    else: row.product_name or ''",
        "RULE219",
    ),
    "else in a case": (
        ORDER,
        "    otherwise: _billing.zipcode or ''\n",
        "        else: _billing.zipcode or ''\n",
        "RULE219",
    ),
    "a misspelt field where the total is guarded": (
        TARGET,
        "{amount: document.total_incl, ",
        "{amount: document.total_inc, ",
        "RULE208",
    ),
    "a keyword row without a colon": (
        ORDER,
        "      - {any: [ideal], then: ideal} ",
        "      - {any: [ideal], then ideal} ",
        "RULE219",
    ),
    "a keyword row with another key": (
        ORDER,
        "      - {any: [ideal], then: ideal} ",
        "      - {woord: [ideal], then: ideal} ",
        "RULE219",
    ),
    "a line rule that sets a field as something else": (
        ORDER,
        "      quantity: row.count ",
        "      quantity: row.product_name ",
        "RULE205",
    ),
    "a check without an id": (ORDER, "  - id: O2\n    about: number\n", "  - about: number\n", "RULE218"),
    "a check without a severity": (
        ORDER,
        "  - id: O2\n    about: number\n    that: filled(number)\n    severity: error\n",
        "  - id: O2\n    about: number\n    that: filled(number)\n",
        "RULE218",
    ),
    "one condition where a list belongs": (
        ORDER,
        "      - filled(_delivery.address_line_1)\n",
        "      filled(_delivery.address_line_1)\n  _not_used:\n    any:\n",
        "RULE211",
    ),
    "a misspelt request": (TARGET, "  - name: debtor ", "  - name: debitor ", "RULE214"),
    "a field in capitals": (ORDER, "  paid: order.paid ", "  Paid: order.paid ", "RULE225"),
    "what cannot be a name": (ORDER, "  paid: order.paid ", "  paid-x: order.paid ", "RULE212"),
    "a list to go through that may be none": (
        ORDER,
        "    each: order.rows\n",
        "    each: order.rows or none\n",
        "RULE221",
    ),
    "a list to collect from that may be none": (
        ORDER,
        "    collect: order.rows\n",
        "    collect: (order.rows if is_icp else none)\n",
        "RULE221",
    ),
    "the word extends": (INVOICE, "extends: ccv_order.yaml", "extnds: ccv_order.yaml", "RULE219"),
}  # fmt: skip


def test_otherwise_among_the_cases_is_told_once(tmp_path):
    old = "          - if: _spreads_shipping\n            then: share.key\n"
    problems, line = told(tmp_path, ORDER, old, old + "          - otherwise: 0\n")
    assert problems == [(ORDER, line + 2, "RULE219")]


@pytest.mark.parametrize("name", ONCE)
def test_a_mistake_is_told_once_at_its_place(tmp_path, name):
    file, old, new, code = ONCE[name]
    problems, line = told(tmp_path, file, old, new)
    assert problems == [(file, line, code)]


def test_a_field_in_capitals_is_told_with_its_right_name(tmp_path):
    with pytest.raises(RuleError) as caught:
        load_rulebooks(copied(tmp_path, {ORDER: ("  paid: order.paid ", "  Paid: is_icp ")}))
    assert [(one.code, one.hint) for one in caught.value.diagnostics] == [("RULE225", "Did you mean 'paid'?")]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (ORDER, "rulebook: ccv_order\n", "rulebook: [ccv_order\n"),
        (INVOICE, "reads: invoice\n", "reads: [invoice\n"),
        (TARGET, "reads: document\n", "reads: [document\n"),
        (RATES, "also_eu:\n", "also_eu: [\n"),
    ],
)
def test_a_file_that_is_no_yaml_is_told_without_what_follows_from_it(tmp_path, file, old, new):
    problems, line = told(tmp_path, file, old, new)
    assert {name for name, _, _ in problems} == {file}
    assert {code for _, _, code in problems} <= {"RULE102", "RULE108"}
    assert len(problems) <= 2
    assert problems[0][1] in {line, line + 1}


def test_a_section_that_nobody_can_guess_leaves_the_rest_unread(tmp_path):
    problems, line = told(tmp_path, ORDER, "\ntotals:\n", "\nwhatever:\n")
    assert problems == [(ORDER, line, "RULE219")]


def test_a_name_that_is_gone_is_told_where_it_is_first_read_with_the_other_lines(tmp_path):
    with pytest.raises(RuleError) as caught:
        load_rulebooks(
            copied(tmp_path, {ORDER: ("  _untaxed: is_icp or is_international or _is_free_export\n", "")})
        )
    first, *others = caught.value.diagnostics
    assert not [one for one in others if one.place.file == first.place.file]
    assert re.match(r"There is no '_untaxed' here. Also on line \d+, \d+, ", first.message)
