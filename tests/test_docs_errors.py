"""T9: every code that a person can meet has a cause, a remedy and an example, in English and Dutch."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapper.authoring import codes
from mapper.catalogue import CATALOGUE

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"


def test_T9_the_page_is_the_one_made_from_catalogue_causes_and_rules():
    assert PAGE.read_text(encoding="utf-8") == codes.page(), (
        "run: ./dev mapper explain --codes > docs/errors.md"
    )


@pytest.mark.parametrize("language", ["en", "nl"])
def test_T9_every_error_has_a_cause_a_remedy_and_an_example_of_its_own(language):
    for code in CATALOGUE:
        (told,) = [one for one in codes.help_of(code, language) if not one.place]
        assert all((told.message, told.cause, told.remedy, told.example)), code
        assert "{" not in told.example or code.startswith(("RULE", "CASE")), code


def test_T9_no_cause_is_kept_for_a_code_that_is_gone():
    assert sorted(codes._causes()["codes"].keys() - CATALOGUE.keys()) == []


def test_T9_causes_differ_between_the_languages():
    assert [code for code, told in codes._causes()["codes"].items() if told["en"] == told["nl"]] == []


def test_T9_a_code_is_explained_in_the_language_asked_for(mapper):
    english, dutch = mapper("explain", "WEF202"), mapper("explain", "wef202", "--language", "nl")
    assert "A key of WeFact works only from the addresses that are listed beside it." in english.out
    assert "203.0.113.7" in english.out
    assert "Een sleutel van WeFact werkt alleen vanaf de adressen die erbij staan." in dutch.out


def test_T9_a_finding_of_the_rules_is_explained_by_its_checks(mapper):
    told = mapper("explain", "K8", "--json")
    assert [record["code"] for record in told.records] == ["K8"]
    assert "ccv_order.yaml" in told.records[0]["cause"]


def test_T9_a_code_that_does_not_exist_says_where_all_codes_are(mapper):
    told = mapper("explain", "WEF999")
    assert told.code == 2
    assert "USE130" in told.err
