"""What `wefact.yaml` asks of WeFact is held against WeFact's own names: what it does not know, it ignores."""

from __future__ import annotations

import pytest
from rulefolders import TARGET, copied

from mapper.errors import RuleError
from mapper.mapping import load_rulebooks, shipped_rules


@pytest.fixture(scope="module")
def tmp_path(tmp_path_factory):
    """One folder for all: rules that a change left as they were need not be read again."""
    return tmp_path_factory.mktemp("rules")


NAMES = {
    ("      Term: integer", "      Trem: integer"): "Did you mean 'Term'?",
    ("      CompanyNumber:", "      CompanyNr:"): "Did you mean 'CompanyNumber'?",
    ("            PriceExcl: decimal_text(line", "            PriceExl: decimal_text(line"): "'PriceExcl'?",
    ("      ProductKeyPhrase:", "      ProductPhrase:"): "'ProductKeyPhrase'?",
    ("        searchat: {text: ReferenceNumber}", "        searchat: {text: RefrenceNumber}"): "'ReferenceNumber'?",
    ("        searchat: {text: EmailAddress}", "        seachat: {text: EmailAddress}"): "'searchat'?",
    ("        Comment: {placeholder: operation.token}", "        Coment: {placeholder: operation.token}"): "'Comment'?",
    ("      AmountIncl: {amount", "      AmountIncll: {amount"): "'AmountIncl'?",
    ("      AmountTax: {amount", "      AmountVat: {amount"): "'AmountTax'?",
    ("    action: sendbyemail", "    action: sendbymail"): "'sendbyemail'?",
    ("    controller: product\n    action: add", "    controller: products\n    action: add"): "'product'?",
}  # fmt: skip

GUARDS = {
    ('within: "0"}', 'within: "1000"}'): "The invoice's total must be exactly the shop's",
    ("{amount: document.total_incl, within", "{amount: document.total_excl, within"): "must be exactly the shop's",
    ('      AmountIncl: {amount: document.total_incl, within: "0"}\n', ""): "is not compared with the shop's",
    ("        Comment: {placeholder: operation.token}\n    expect", "        Status: '0'\n    expect"): "found again",
}  # fmt: skip


def problems(folder, old, new):
    with pytest.raises(RuleError) as caught:
        load_rulebooks(copied(folder, {TARGET: (old, new)}))
    return caught.value.diagnostics


@pytest.mark.parametrize("change", NAMES, ids=lambda change: change[1].strip())
def test_a_name_that_wefact_does_not_have_is_refused_with_the_one_that_was_meant(tmp_path, change):
    old, new = change
    text = (shipped_rules() / TARGET).read_text(encoding="utf-8")
    first = text[: text.index(old)].count("\n") + 1
    found = problems(tmp_path, old, new)
    (named,) = [one for one in found if one.code == "RULE226"]
    assert first <= named.place.line <= first + new.count("\n")
    assert NAMES[change] in named.hint


@pytest.mark.parametrize("change", GUARDS, ids=lambda change: change[1].strip() or "removed")
def test_W19_W20_the_guards_of_the_invoice_cannot_be_taken_away(tmp_path, change):
    found = problems(tmp_path, *change)
    assert any(one.code == "RULE227" and GUARDS[change] in one.message for one in found)


def test_an_overlay_cannot_send_what_wefact_does_not_know(tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("requests:\n  invoice:\n    params:\n      Trem: '30'\n")
    with pytest.raises(RuleError) as caught:
        load_rulebooks(overlay_file=overlay)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.place.file, problem.place.line) == ("RULE226", str(overlay), 4)


def test_custom_fields_are_the_merchants_own(tmp_path):
    loaded = load_rulebooks(copied(tmp_path, {TARGET: ("verzend_bedrijf:", "verzend_firma:")}))
    assert loaded.target.rules.requests
