"""Rules that are loaded again after an edit are those of the edited files, whatever was kept of the load before."""

from __future__ import annotations

import gc

import pytest
from orders import FIXTURES
from rulefolders import copied

from mapper import settings
from mapper.errors import RuleError
from mapper.mapping import KINDS, OVERLAY, TARGET, load_rulebooks, mapped_json, rulebooks_from
from mapper.money import loads
from mapper.rulebook.reuse import without_collection

TEXTS = load_rulebooks().texts
FILES = {"order": "order-nl-ideal", "invoice": "invoice-debit"}


def mapped(texts, kind):
    """Return all that a document gives under rules made from texts."""
    payload = loads((FIXTURES / f"{FILES[kind]}.json").read_bytes())
    loaded = rulebooks_from(texts)
    return str(mapped_json(loaded.bind(settings.example()).apply(kind, payload))), loaded


def edited(name, old, new):
    assert TEXTS[name].count(old) == 1
    return {**TEXTS, name: TEXTS[name].replace(old, new)}


@pytest.mark.parametrize("kind", ["order", "invoice"])
@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (KINDS["order"], "{text: Shipping costs}", "{text: Verzending}", "Verzending"),
        (TARGET, "      PhoneNumber:", "      MobileNumber:", "MobileNumber"),
    ],
)
def test_an_edit_shows_in_every_kind_of_document_and_is_gone_when_it_is_taken_back(
    kind, file, old, new, told
):
    before, _ = mapped(TEXTS, kind)
    after, _ = mapped(edited(file, old, new), kind)
    again, _ = mapped(TEXTS, kind)
    assert told not in before
    assert told in after
    assert again == before


def test_an_edit_of_what_extends_another_leaves_that_one_as_it_is():
    own = edited(KINDS["invoice"], "_this: {text: invoice}", "_this: {text: bill}")
    assert rulebooks_from(own).sources["order"] is rulebooks_from(TEXTS).sources["order"]
    assert rulebooks_from(own).sources["invoice"] is not rulebooks_from(TEXTS).sources["invoice"]


def test_an_edit_of_the_document_s_types_is_checked_in_what_reads_it():
    rulebooks_from(TEXTS)
    with pytest.raises(RuleError) as refused:
        rulebooks_from(edited(KINDS["order"], "  payment_method: _conf", "  payment_methd: _conf"))
    assert [one.code for one in refused.value.diagnostics if one.place.file.endswith(TARGET)] == ["RULE208"]


@pytest.mark.parametrize(
    "change", [("\nlines:\n", "\nline:\n"), ("  - kind: shipping ", "  - kid: shipping ")]
)
def test_a_mistake_is_told_each_time_the_same_text_is_loaded(tmp_path, change):
    folder = copied(tmp_path, {KINDS["order"]: change})
    told = []
    for _ in range(2):
        with pytest.raises(RuleError) as refused:
            load_rulebooks(folder)
        told.append([str(one.place) for one in refused.value.diagnostics])
    assert told[0] == told[1] != []


def test_an_overlay_changes_the_rules_of_its_webshop_alone():
    plain, _ = mapped(TEXTS, "invoice")
    own, _ = mapped({**TEXTS, OVERLAY: "lines:\n  shipping:\n    description: {text: Vracht}\n"}, "invoice")
    again, _ = mapped(TEXTS, "invoice")
    assert "Vracht" in own
    assert plain == again
    assert "Vracht" not in plain


def test_other_rates_are_those_the_rules_use():
    rates = TEXTS["vat_rates.yaml"]
    before, after = (
        rulebooks_from(TEXTS),
        rulebooks_from({**TEXTS, "vat_rates.yaml": rates.replace("rate: 21", "rate: 22")}),
    )
    assert after.rates.highest("NL", "2026-01-01") == 22
    assert after.sources["order"] is not before.sources["order"]
    assert after.functions["shipped_rate"].call("NL", "2026-01-01") == 22


def test_memory_is_given_back_however_often_rules_are_loaded() -> None:
    before, rings = gc.get_stats()[2]["collections"], []
    for _ in range(40):
        with without_collection():
            rings.clear()
        for _ in range(20_000):
            rings.append([])
            rings[-1].append(rings[-1])
    assert gc.get_stats()[2]["collections"] > before
