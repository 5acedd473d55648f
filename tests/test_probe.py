"""`doctor --probe` measures how an account rounds, and leaves no draft behind (W19, T1)."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from mapper.errors import Temporary, UsageError
from mapper.probe import DEBTOR, MODELS, Measured, measure, telling_lines
from mapper.services.http import Secret, Unlimited, open_client
from mapper.services.wefact import WeFact


def probe(sandbox, debtor: str = "") -> Measured:
    async def scenario() -> Measured:
        async with open_client(loopback=True, timeout=5) as client:
            key = Secret(sandbox.wefact_key)
            wefact = WeFact(client, sandbox.wefact, key, Unlimited(), jitter=lambda: 0.0)
            return await measure(wefact, token="probe-1", debtor=debtor, wait=lambda _: asyncio.sleep(0))

    return asyncio.run(scenario())


def drafts(sandbox) -> list:
    return sandbox.objects("wefact")["invoices"]


@pytest.mark.parametrize("model", MODELS)
def test_T1_each_model_is_told_from_the_others(sandbox, model):
    sandbox.switch("wefact", arithmetic=model)
    measured = probe(sandbox)
    assert measured.models == (model,)
    assert drafts(sandbox) == []


@pytest.mark.parametrize("decimals", [2, 3, 4, 6])
@pytest.mark.parametrize("model", ["A", "C", "E"])
def test_T1_few_decimals_are_not_taken_for_another_model(sandbox, model, decimals):
    sandbox.switch("wefact", arithmetic=model, price_decimals=decimals)
    measured = probe(sandbox)
    assert (measured.models, measured.decimals) == ((model,), decimals)


@pytest.mark.parametrize("works", [True, False])
def test_T1_whether_the_reference_can_be_searched(sandbox, works):
    sandbox.switch("wefact", search_reference=works)
    assert probe(sandbox).searchable is works


def test_T1_one_debtor_is_made_once_and_one_that_exists_can_be_named(sandbox):
    first, second = probe(sandbox), probe(sandbox)
    assert (first.debtor_made, second.debtor_made) == (True, False)
    assert first.debtor == second.debtor == probe(sandbox, first.debtor).debtor
    assert [debtor["CompanyName"] for debtor in sandbox.objects("wefact")["debtors"]] == [DEBTOR]


def test_T1_a_draft_whose_answer_was_lost_is_found_and_deleted(sandbox):
    sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        probe(sandbox)
    assert drafts(sandbox) == []


def test_T1_a_draft_that_cannot_be_deleted_is_named(sandbox):
    sandbox.fault("wefact", kind="drop_before", times=9, match={"controller": "invoice", "action": "delete"})
    with pytest.raises(UsageError) as raised:
        probe(sandbox)
    (left,) = drafts(sandbox)
    assert (raised.value.code, raised.value.facts["draft"]) == ("USE140", f"Identifier {left['Identifier']}")


def test_T1_an_account_without_vat_codes_is_not_probed():
    with pytest.raises(UsageError) as raised:
        telling_lines({"V0": Decimal(0)})
    assert raised.value.code == "USE141"


def test_T1_the_doctor_says_which_setting_to_change_and_changes_it_only_when_told(shop, sandbox):
    sandbox.switch("wefact", arithmetic="C")
    told = shop("doctor", "--probe", "--yes")
    assert (told.code, "rounding model           C" in told.out) == (1, True)
    assert "invoice.rounding_model=C" in told.err
    assert shop("doctor", "--probe", "--yes", "--json").records[0]["setting"] == "B"
    assert shop("doctor", "--probe", "--yes", "--set").code == 0
    assert shop("doctor", "--probe", "--yes", "--json").records[0]["setting"] == "C"
    assert drafts(sandbox) == []


def test_T1_the_doctor_asks_before_it_posts(shop, sandbox):
    ran = shop("doctor", "--probe")
    assert (ran.code, "USE143" in ran.err) == (2, True)
    assert sandbox.objects("wefact")["debtors"] == []


def test_T1_the_doctor_says_that_a_webshop_is_paused(shop):
    shop("pause", "--tenant", "winkel", "--reason", "stocktaking")
    assert "winkel is paused (stocktaking)" in shop("doctor", "--probe", "--yes").err
