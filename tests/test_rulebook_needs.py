"""A value that may be absent is refused wherever a rule needs it, and nowhere else; code is only made to say where."""

from __future__ import annotations

import pytest
from rulefolders import little

from mapper.errors import RuleError
from mapper.mapping import load_rulebooks

DOCUMENT = "document:\n  id: order.id\n  x: {when: [{if: order.paid, then: order.total_price}]}\n"
TEXT = "document:\n  id: order.id\n  x: {when: [{if: order.paid, then: order.paymethod}]}\n"
CHECK = """checks:
  - {id: C1, about: total_price, %s, severity: error, say: {en: '%s', nl: '%s'}, help: {en: Help., nl: Hulp.}}
"""

NEEDED = {
    "a calculation": f"{DOCUMENT}  y: x + 1\n",
    "a comparison": f"{DOCUMENT}  y: x > 0\n",
    "an argument": f"{DOCUMENT}  y: round_half_up(x, 2)\n",
    "the last of a fallback": f"{DOCUMENT}  y: (order.total_tax or x) + 1\n",
    "a side of a choice": f"{DOCUMENT}  y: (x if order.paid else 0) + 1\n",
    "a condition of `when`": f"{DOCUMENT}  y: {{when: [{{if: x > 0, then: 1}}], otherwise: 2}}\n",
    "the value of a case": f"{DOCUMENT}  y: {{when: [{{if: order.paid, then: x + 1}}], otherwise: 2}}\n",
    "the subject of keywords": f"{TEXT}  y: {{match: clean(x), keywords: [{{any: [a], then: b}}], otherwise: c}}\n",
    "what `find` looks for": f"{DOCUMENT}  y: {{find: order.rows, as: row, by: row.price, is: x, give: 1}}\n",
    "what `collect` gives": f"{DOCUMENT}  y: {{collect: order.rows, as: row, give: x * 2}}\n",
    "one of several conditions": f"{DOCUMENT}  y: {{all: [order.paid, x > 0]}}\n",
    "the test of a check": DOCUMENT + CHECK % ("that: x > 0", "No.", "Nee."),
}
HARMLESS = {
    "a copy": f"{DOCUMENT}  y: x or none\n",
    "a default": f"{DOCUMENT}  y: (x or 0) + 1\n",
    "a question": f"{DOCUMENT}  y: filled(x)\n",
    "a promise": f"{DOCUMENT}  y: needed(x) + 1\n",
    "a text": DOCUMENT + CHECK % ("that: order.paid", "{x} is too much.", "{x} is te veel."),
}


def load(folder, source):
    return load_rulebooks(little(folder, source))


@pytest.mark.parametrize("source", NEEDED.values(), ids=NEEDED.keys())
def test_what_may_be_absent_is_refused_where_it_is_needed(tmp_path, source):
    with pytest.raises(RuleError) as caught:
        load(tmp_path, source)
    assert [one.code for one in caught.value.diagnostics] == ["RULE221"]


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_may_be_absent_is_no_problem_where_it_may(tmp_path, source):
    assert not any(site.nullable for site in load(tmp_path, source).sources["order"].sites)


def test_the_code_of_the_shipped_rules_asks_for_nothing_that_may_be_absent():
    rulebooks = load_rulebooks()
    every = [*rulebooks.sources.values(), rulebooks.target]
    assert [site.what for compiled in every for site in compiled.sites if site.nullable] == []
