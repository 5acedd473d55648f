"""What would silently mean nothing, or something else, is refused before an order meets it: once, at its place."""

from __future__ import annotations

import pytest
from rulefolders import copied

from mapper.errors import RuleError
from mapper.mapping import load_rulebooks, shipped_rules


@pytest.fixture(scope="module")
def tmp_path(tmp_path_factory):
    """One folder for all: rules that a change left as they were need not be read again."""
    return tmp_path_factory.mktemp("rules")


ORDER = "ccv_order.yaml"
AMOUNT = "      _amount: _price * row.count "
ROW = "      - {any: [ideal], then: ideal} "
CARDS = "      - {all: [credit, card], then: creditcard} "
NO_METHOD = "    otherwise: default\n"
CONDITION = "  _untaxed: is_icp or is_international or _is_free_export\n"
CHECK = "    that: filled(number)\n"
SAID = "      en: \"The {_this} has no number: 'order.ordernumber_full' is empty.\"\n"
HELPED = (
    '      en: "Give the {_this} a number in the shop, then process it again: the invoice is found by it."\n'
)

MONEY_BY_MONEY = "cannot be multiplied by an amount of money"
SILENT = {
    # Amounts of money through functions
    "money by the lowest": (
        AMOUNT,
        "      _amount: _price * lowest_of(row.selling_price, 0) ",
        "RULE205",
        MONEY_BY_MONEY,
    ),
    "money by the lowest, turned": (
        AMOUNT,
        "      _amount: _price * lowest_of(0, row.selling_price) ",
        "RULE205",
        MONEY_BY_MONEY,
    ),
    "money by the highest, turned": (
        AMOUNT,
        "      _amount: _price * highest_of(0, row.selling_price) ",
        "RULE205",
        MONEY_BY_MONEY,
    ),
    "money by whole money": (
        AMOUNT,
        "      _amount: _price * integer(row.selling_price) ",
        "RULE205",
        MONEY_BY_MONEY,
    ),
    "money by a sum of a field": (
        AMOUNT,
        "      _amount: _price * (sum_of(row.attributes, 'price') or 0) ",
        "RULE205",
        MONEY_BY_MONEY,
    ),
    "the lowest of money and a percentage": (
        AMOUNT,
        "      _amount: lowest_of(row.selling_price, row.tax) ",
        "RULE205",
        "lowest_of wants an amount of money here",
    ),
    "a sum of a field that is none": (
        AMOUNT,
        "      _amount: sum_of(row.attributes, 'prise') or 0 ",
        "RULE208",
        "row.attributes has no 'prise'.",
    ),
    # Keywords
    "a row that gives nothing": (ROW, "      - {any: [ideal], then:} ", "RULE216", "There is no text here."),
    "a row that gives an empty text": (
        ROW,
        "      - {any: [ideal], then: ''} ",
        "RULE216",
        "There is no text here.",
    ),
    "a row that gives a flag": (
        ROW,
        "      - {any: [ideal], then: true} ",
        "RULE216",
        "'true' is not a text.",
    ),
    "a row that gives a number": (ROW, "      - {any: [ideal], then: 12} ", "RULE216", "'12' is not a text."),
    "a row that gives a list": (
        ROW,
        "      - {any: [ideal], then: [ideal]} ",
        "RULE211",
        "A single word belongs here.",
    ),
    "no row fits, and a number": (NO_METHOD, "    otherwise: 12\n", "RULE216", "'12' is not a text."),
    "no row fits, and nothing": (NO_METHOD, "    otherwise:\n", "RULE216", "There is no text here."),
    "a word that is null": (
        ROW,
        "      - {any: [ideal, null], then: ideal} ",
        "RULE216",
        "There is no text here.",
    ),
    "a word that is a number": (
        ROW,
        "      - {any: [ideal, 12], then: ideal} ",
        "RULE216",
        "'12' is not a text.",
    ),
    "a word that is empty": (ROW, "      - {any: [''], then: ideal} ", "RULE216", "There is no text here."),
    "a word that is a list": (
        ROW,
        "      - {any: [[ideal]], then: ideal} ",
        "RULE211",
        "A single word belongs here.",
    ),
    "words with a semicolon": (
        ROW,
        "      - {any: [ideal; bancontact], then: ideal} ",
        "RULE216",
        "'ideal; bancontact' is one word.",
    ),
    "no words": (ROW, "      - {any: [], then: ideal} ", "RULE216", "A keyword row needs at least one word."),
    "no rows": (
        "    match: _paymethod\n",
        "    match: currency\n    keywords: []\n    otherwise: x\n  _two:\n    match: _paymethod\n",
        "RULE218",
        "`keywords` needs at least one keyword row.",
    ),
    "any and all at once": (
        ROW,
        "      - {any: [ideal], all: [x], then: ideal} ",
        "RULE216",
        "A keyword row has either `any` or `all`.",
    ),
    "a word of which all words stand above": (
        CARDS,
        CARDS.rstrip() + "\n      - {any: [creditcard], then: x} ",
        "RULE222",
        "'creditcard' never decides: the row on line CARDS already takes every text with 'credit', 'card'.",
    ),
    "all words of which some stand above": (
        CARDS,
        CARDS.rstrip() + "\n      - {all: [gift, card, credit], then: x} ",
        "RULE222",
        "'credit' never decides: the row on line CARDS already takes every text with 'credit', 'card'.",
    ),
    # Comparisons
    "a choice that is none, in a list": (
        CONDITION,
        "  _untaxed: tenant.invoice.status in ['draft', 'snet']\n",
        "RULE220",
        "This is never 'snet'.",
    ),
    "small letters after upper": (
        CONDITION,
        "  _untaxed: upper(order.currency) == 'eur'\n",
        "RULE220",
        "'eur' never stands in a text that `upper` made",
    ),
    "capitals after clean": (
        CONDITION,
        "  _untaxed: clean(order.currency) == 'EUR'\n",
        "RULE220",
        "'EUR' never stands in a text that `clean` made",
    ),
    "below and above": (
        CONDITION,
        "  _untaxed: order.total_tax < 0 and order.total_tax > 0\n",
        "RULE220",
        "This never holds",
    ),
    "equal to two texts": (
        CONDITION,
        "  _untaxed: order.currency == 'EUR' and order.currency == 'USD'\n",
        "RULE220",
        "This never holds",
    ),
    "unequal to one of two texts": (
        CONDITION,
        "  _untaxed: order.currency != 'EUR' or order.currency != 'USD'\n",
        "RULE220",
        "This always holds",
    ),
    "all of what contradicts itself": (
        CONDITION,
        "  _untaxed:\n    all: [order.total_tax < 0, is_icp, order.total_tax >= 1]\n",
        "RULE220",
        "This never holds",
    ),
    "any of what is always so": (
        CONDITION,
        "  _untaxed:\n    any: [order.total_tax < 1, is_icp, order.total_tax > 0]\n",
        "RULE220",
        "This always holds",
    ),
    "fewer than none": (CONDITION, "  _untaxed: count(order.rows) < 0\n", "RULE220", "This never holds"),
    "none or more": (CONDITION, "  _untaxed: count(order.rows) >= 0\n", "RULE220", "This always holds"),
    "less than nothing": (
        CONDITION,
        "  _untaxed: abs(order.total_tax) < -1\n",
        "RULE220",
        "This never holds",
    ),
    "the same on both sides": (
        CONDITION,
        "  _untaxed: order.total_tax == order.total_tax\n",
        "RULE220",
        "This always holds",
    ),
    "divided by zero": (
        CONDITION,
        "  _untaxed: order.total_tax / 0 == 1\n",
        "RULE205",
        "Nothing can be divided by 0.",
    ),
    "decimals below zero": (
        CONDITION,
        "  _untaxed: round_half_up(order.total_tax, -1) == 1\n",
        "RULE205",
        "round_half_up gives 0 to 12 decimals.",
    ),
    # Cases and checks
    "a case alone": (
        CONDITION,
        "  _untaxed:\n    if: is_icp\n    then: true\n    else: false\n",
        "RULE215",
        "This is no form of value.",
    ),
    "otherwise below what always holds": (
        CONDITION,
        "  _untaxed:\n    when:\n      - if: true\n        then: is_icp\n    otherwise: false\n",
        "RULE223",
        "This case is never reached: the case below CONDITION always holds.",
    ),
    "no cases": (
        CONDITION,
        "  _untaxed:\n    when: []\n    otherwise: true\n",
        "RULE218",
        "`when` needs at least one case.",
    ),
    "a last case that always holds": (
        CONDITION,
        "  _untaxed:\n    when:\n      - if: is_icp\n        then: true\n      - if: true\n        then: false\n",
        "RULE220",
        "This always holds",
    ),
    "a default that is always taken": (
        CONDITION,
        "  _untaxed: order.is_platform_sale or true\n",
        "RULE220",
        "This always holds",
    ),
    "true among conditions": (
        CONDITION,
        "  _untaxed:\n    any:\n      - is_icp\n      - true\n",
        "RULE220",
        "always",
    ),
    "true beside a condition": (CONDITION, "  _untaxed: is_icp and true\n", "RULE220", "This always holds"),
    "not a constant": (CONDITION, "  _untaxed: not false\n", "RULE220", "This never holds"),
    "constants compared": (CONDITION, "  _untaxed: is_icp or 1 == 2\n", "RULE220", "This never holds"),
    "constants in a list": (
        CONDITION,
        "  _untaxed: is_icp or 'NL' in ['NL', 'BE']\n",
        "RULE220",
        "This always holds",
    ),
    "a value under a constant": (
        CONDITION,
        "  _untaxed: is_icp if true else is_international\n",
        "RULE220",
        "always",
    ),
    "whole numbers with none between": (
        CONDITION,
        "  _untaxed: count(order.rows) > 0 and count(order.rows) < 1\n",
        "RULE220",
        "This never holds",
    ),
    "curly quotes around a keyword": (
        ROW,
        "      - {any: [“ideal”], then: ideal} ",
        "RULE216",
        "'“' is taken for a part of this word.",
    ),
    "a check that always speaks": (CHECK, "    that: false\n", "RULE223", "This check always speaks."),
    "a check that always speaks, by if": (CHECK, "    if: true\n", "RULE223", "This check always speaks."),
    "a check that never speaks": (CHECK, "    that: true\n", "RULE223", "This check never speaks."),
    "a check that never speaks, by if": (CHECK, "    if: false\n", "RULE223", "This check never speaks."),
    "nothing to say": (SAID, '      en: ""\n', "RULE224", "There is no text here."),
    "only spaces to say": (SAID, '      en: "  "\n', "RULE224", "There is no text here."),
    "nothing at all to say": (SAID, "      en:\n", "RULE224", "There is no text here."),
    "no help": (HELPED, '      en: ""\n', "RULE224", "There is no text here."),
}


def told(folder, old, new, file=ORDER):
    """Return the problems of the shipped rules with one change."""
    with pytest.raises(RuleError) as caught:
        load_rulebooks(copied(folder, {file: (old, new)}))
    return caught.value.diagnostics


@pytest.mark.parametrize("name", SILENT)
def test_what_would_silently_mean_something_else_is_refused_once(tmp_path, name):
    old, new, code, message = SILENT[name]
    text = (shipped_rules() / ORDER).read_text(encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    message = message.replace("CARDS", str(text[: text.index(CARDS)].count("\n") + 1))
    message = message.replace("below CONDITION", f"on line {line + 2}")
    (problem,) = told(tmp_path, old, new)
    assert problem.code == code
    assert message in problem.message
    assert problem.hint
    assert line <= problem.place.line <= line + new.count("\n")


def test_a_word_that_a_function_made_is_compared_as_it_made_it_wherever_it_is_read(tmp_path):
    old = "    if: tenant.invoice.status == 'paid' and not document.paid\n"
    (problem,) = told(tmp_path, old, "    if: document.currency == 'eur'\n", "wefact.yaml")
    assert (problem.code, problem.hint) == ("RULE220", "Write 'EUR'.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (AMOUNT, "      _amount: lowest_of(row.selling_price, 0) * row.count "),
        (AMOUNT, "      _amount: (sum_of(row.attributes, 'price') or 0) * row.count "),
        (NO_METHOD, '    otherwise: ""\n'),
        (ROW, '      - {any: [\'12\', "a; b"], then: "true"} '),
        (CONDITION, "  _untaxed: order.total_tax > 0 and order.total_tax < 1\n"),
        (CONDITION, "  _untaxed: order.total_tax >= 1 and order.total_tax <= 1\n"),
        (CONDITION, "  _untaxed: order.total_tax > 1 or order.total_tax < 1\n"),
        (CONDITION, "  _untaxed: order.currency != 'EUR' and order.currency != 'USD'\n"),
        (CONDITION, "  _untaxed: order.total_tax < 0 and order.total_price > 0\n"),
        (CONDITION, "  _untaxed: count(order.rows) > 0\n"),
        (CONDITION, "  _untaxed: count(order.rows) > 0 and count(order.rows) < 2\n"),
        (CONDITION, "  _untaxed: order.total_tax > 0 and order.total_tax < 1 and is_icp\n"),
        (CONDITION, "  _untaxed: order.is_platform_sale or false\n"),
        (
            CONDITION,
            "  _untaxed: needed(order.is_platform_sale) if filled(order.is_platform_sale) else true\n",
        ),
        (CONDITION, "  _untaxed: is_credit\n"),
        (CONDITION, "  _untaxed: upper(order.currency) == 'EUR'\n"),
        (CONDITION, "  _untaxed: order.total_tax / 0.1 == 1\n"),
    ],
)
def test_what_means_something_is_let_through(tmp_path, old, new):
    new = new.replace("_untaxed: ", "_untaxed: _is_free_export or ")  # which nothing else reads
    assert load_rulebooks(copied(tmp_path, {ORDER: (old, new)}))
