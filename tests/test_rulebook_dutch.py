"""Who asks for Dutch is told in Dutch what is wrong with a rule file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rulefolders import copied
from test_rulebook_once import ONCE
from test_rulebook_silent import SILENT
from test_rulebook_tables import WRONG

from mapper.diagnostics import Diagnostic, Place
from mapper.errors import RuleError
from mapper.mapping import load_rulebooks
from mapper.rulebook.dutch import DUTCH, in_dutch
from mapper.rulebook.functions import FORMS


@pytest.fixture(scope="module")
def tmp_path(tmp_path_factory):
    """One folder for all: rules that a change left as they were need not be read again."""
    return tmp_path_factory.mktemp("rules")


FIXTURES = Path(__file__).parent / "fixtures"
ENGLISH = re.compile(r"\b(There|the|Did you|Write|is no|cases|problems)\b")
ORDER = "ccv_order.yaml"
CURRENCY = "  currency: upper(trim(order.currency)) "


def dutch(folder, file, old, new):
    with pytest.raises(RuleError) as caught:
        load_rulebooks(copied(folder, {file: (old, new)}))
    return [(one.message, one.hint) for one in map(in_dutch, caught.value.diagnostics)]


TOLD = {
    "  currency: ordr.currency ": [
        ("'ordr' bestaat hier niet.", "Bedoelde u 'order'? Een tekst staat tussen aanhalingstekens: 'ordr'.")
    ],
    "  currency: EUR ": [("'EUR' bestaat hier niet.", "Een tekst schrijft u als {text: EUR}.")],
    "  currency: order.total_price * 0,5 ": [
        ("'0,5' heeft een komma: een getal met decimalen schrijft u met een punt.", "Schrijf 0.5.")
    ],
    "  currency: order.total_price * order.currency ": [
        (
            "'*' rekent met getallen; dit is een tekst.",
            "Voeg teksten samen met {text: \"{a} {b}\"} of join(' ', a, b).",
        )
    ],
    "  currency: round_half_up(order.currency, 2) ": [
        ("round_half_up wil hier een getal; dit is een tekst.", "round_half_up(x, 2): op centen.")
    ],
    "  currency: {texte: EUR} ": [("Dit is geen vorm van een waarde.", "Bedoelde u 'text'?")],
    "  currency: {text: EUR, texte: USD} ": [("Een tekst heeft geen 'texte'.", "Hier bekend: text.")],
}


@pytest.mark.parametrize("line", TOLD)
def test_a_mistake_is_told_in_dutch_with_the_words_of_the_file(tmp_path, line):
    told = dutch(tmp_path, ORDER, CURRENCY, line)
    for (message, hint), (wanted, meant) in zip(told, TOLD[line], strict=False):
        assert message == wanted
        assert hint.endswith(meant) or meant in hint


MISTAKES = ONCE | WRONG | {name: (ORDER, *case) for name, case in SILENT.items()}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES)
def test_no_mistake_of_these_falls_back_to_english(tmp_path, case):
    file, old, new, *_ = case
    for message, hint in dutch(tmp_path, file, old, new):
        assert "There" not in message + hint
        assert " the " not in message + hint
        assert "Did you" not in hint


def test_what_has_no_dutch_is_told_as_the_catalogue_has_it_with_the_english_behind():
    told = in_dutch(Diagnostic("RULE204", Place("r.yaml", 1, 1), "Something new.", "Do it."))
    assert told.message == "De uitdrukking is niet te ontleden. (Something new.)"
    assert told.hint == "Herstel deze bij het teken; docs/rules.md toont elke vorm. (Do it.)"


def test_each_translation_fills_in_what_the_english_does():
    assert [one for one, other in DUTCH.items() if one.count("{}") != other.count("{}")] == []


def test_the_words_of_the_file_are_not_translated(tmp_path):
    old = "      quantity: row.count "
    assert dutch(tmp_path, ORDER, old, "      quantity: row.cuont ") == [
        ("row heeft geen 'cuont'.", "Bedoelde u 'row.count'?")
    ]


def test_every_function_is_explained_in_dutch():
    known = {one.doc for one in load_rulebooks().functions.values()} | set(FORMS.values())
    assert {one for one in known if one not in DUTCH} == set()


def test_a_failing_case_its_reason_and_its_coverage_are_told_in_dutch(tmp_path, mapper):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "- case: een geval\n  fixture: nl-ideal\n  change: {paymethod: invoice}\n"
        "  expect: {payment_method: ideal}\n  not: [total_incl]\n",
        encoding="utf-8",
    )
    ran = mapper("--language", "nl", "test", path, "--coverage")
    assert "    verwacht ideal\n    kreeg    banktransfer\n" in ran.out
    assert "    verwacht niets: het hoort er niet te zijn\n" in ran.out
    assert "✗ 'ideal' → ideal   niet bereikt" in ran.out
    assert "→ banktransfer   in 'invoice'" in ran.out
    assert "niet gedekt: rules/ccv_order.yaml:" in ran.out
    assert ": request send: gemaakt\n" in ran.out
    assert "1 gevallen in 1 bestanden: 0 goed, 1 fout. Dekking " in ran.err
    assert not ENGLISH.search(ran.err)


def test_an_explanation_is_told_in_dutch_and_the_rules_own_words_stay(mapper):
    file = FIXTURES / "order-nl-ideal.json"
    ran = mapper("--language", "nl", "explain", file, "total_incl", "payment_method", "lines.3.unit_excl")
    assert "✗ _configured_method   afwezig of leeg" in ran.out
    assert "niet in 'ccvpay_ideal'" in ran.out
    assert "nummer 1 van " in ran.out
    assert "✓ if totals_include_vat" in ran.out
    assert not re.search(r"not reached|absent|explained above|not in '|, by ", ran.out)


def test_check_speaks_the_language_asked_for(tmp_path, mapper):
    folder = copied(tmp_path / "rules", {ORDER: (CURRENCY, "  currency: ordr.currency ")})
    ran = mapper("--language", "nl", "check", "--rules", folder)
    assert ran.code == 2
    assert "RULE207: 'ordr' bestaat hier niet." in ran.err
    assert "De regels bevatten 1 fout(en)." in ran.err
    plain = mapper("--language", "nl", "check", "--plain", "--rules", folder)
    assert "RULE207: 'ordr' bestaat hier niet. Bedoelde u 'order'?" in plain.out
