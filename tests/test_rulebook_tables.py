"""The tables of VAT rates and territories: what would silently mean nothing is refused at its place."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from rulefolders import copied

from mapper.errors import RuleError
from mapper.mapping import RATES, TERRITORIES, load_rulebooks, shipped_rules

WRONG = {
    "an unknown key": (RATES, "also_eu:\n", "note: x\nalso_eu:\n", "has no 'note'", "Known here"),
    "a misspelt key": (RATES, "checked: 2", "chekced: 2", "has no 'chekced'", "Did you mean 'checked'?"),
    "countries as a list": (
        RATES,
        "also_eu:\n  MC: FR",
        "also_eu: [MC]",
        "'also_eu' holds `name: value` entries.",
        "",
    ),
    "a country in small letters": (RATES, "  BG:\n", "  bg:\n", "A country is two capitals, such as NL.", ""),
    "an unknown key of a country": (RATES, "  BG:\n", "  BG:\n    note: x\n", "A country has no 'note'.", ""),
    "an unknown key of a rate": (
        RATES,
        "{from: 2021-01-01, rate: 19}",
        "{from: 2021-01-01, rate: 19, till: x}",
        "A VAT rate has no 'till'.",
        "Known here: from, to, rate.",
    ),
    "a third language": (
        TERRITORIES,
        "{en: Ceuta, nl: Ceuta}",
        "{en: Ceuta, nl: Ceuta, fr: Ceuta}",
        "A name has no 'fr'.",
        "Known here: en, nl.",
    ),
    "a name in no language": (
        TERRITORIES,
        "{en: Ceuta, nl: Ceuta}",
        "Ceuta",
        "A name holds `name: value`",
        "",
    ),
    "a misspelt section": (
        TERRITORIES,
        "\nterritories:\n",
        "\nterritory:\n",
        "has no 'territory'",
        "Did you mean 'territories'?",
    ),
    "postcodes as a text": (TERRITORIES, 'postcodes: ["51"]', 'postcodes: "51"', "'postcodes' is a list", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_table_does_not_know_is_told_once(tmp_path, name):
    file, old, new, said, hint = WRONG[name]
    with pytest.raises(RuleError) as caught:
        load_rulebooks(copied(tmp_path, {file: (old, new)}))
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.place.file.rpartition("/")[2]) == ("RULE107", file)
    assert said in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize("file", [RATES, TERRITORIES])
def test_check_refuses_a_table_that_was_checked_in_the_future(tmp_path, mapper, file):
    folder = tmp_path / "rules"
    shutil.copytree(shipped_rules(), folder)
    text = (folder / file).read_text(encoding="utf-8")
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    begin = text.index("checked: ") + len("checked: ")
    (folder / file).write_text(text[:begin] + day + text[begin + len(day) :], encoding="utf-8")
    ran = mapper("check", "--plain", "--rules", folder)
    assert ran.code == 2
    assert f"{file}:" in ran.out
    assert f"RULE107: {day} is still to come" in ran.out
    # A clock that is wrong must not stop documents.
    assert load_rulebooks(folder).rates.checked
