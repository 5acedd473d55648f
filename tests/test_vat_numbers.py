"""VAT numbers, offline: every member state's own check, and the traps around them (spec K2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.vat.numbers import PREFIXES, Number, check

VALID = [
    "ATU13585627",
    "BE0428759497",
    "BG175074752",
    "CY10259033P",
    "CZ25123891",
    "DE136695976",
    "DK13585628",
    "EE100931558",
    "EL094259216",
    "ES54362315K",
    "FI20774740",
    "FR40303265045",
    "HR33392005961",
    "HU12892312",
    "IE6433435F",
    "IT00743110157",
    "LT119511515",
    "LU15027442",
    "LV40003521600",
    "MT11679112",
    "NL004495445B01",
    "PL8567346215",
    "PT501964843",
    "RO18547290",
    "SE123456789701",
    "SI50223054",
    "SK2022749619",
    "XI980780684",
]


@pytest.mark.parametrize("number", VALID)
def test_K2_each_member_states_number_is_valid(number: str) -> None:
    assert check(number, "NL") == Number(number[:2], number[2:])


def test_K2_the_samples_cover_every_prefix() -> None:
    assert {number[:2] for number in VALID} == PREFIXES


@pytest.mark.parametrize("number", VALID)
def test_K2_a_number_without_prefix_takes_the_billing_countrys(number: str) -> None:
    country = "GR" if number.startswith("EL") else number[:2]
    assert check(number[2:], country) == Number(number[:2], number[2:])


@pytest.mark.parametrize(
    ("typed", "country", "prefix", "digits"),
    [
        ("GR 094259216", "GR", "EL", "094259216"),
        ("gr094259216", "NL", "EL", "094259216"),
        ("nl 0044.95.445.B.01", "NL", "NL", "004495445B01"),
        ("DE136695976", "NL", "DE", "136695976"),
        ("DE 136 695 976\u200b", "NL", "DE", "136695976"),
        ("\u202aDE136695976\u202c", "NL", "DE", "136695976"),
        ("DE\u00a0136–695–976", "NL", "DE", "136695976"),
        ("ＤＥ１３６６９５９７６", "NL", "DE", "136695976"),
        ("BE 428.759.497", "BE", "BE", "0428759497"),
        ("K7399859412", "FR", "FR", "K7399859412"),
        ("XI 980 7806 84", "GB", "XI", "980780684"),
        ("40303265045", "MC", "FR", "40303265045"),
    ],
)
def test_K2_what_people_type_is_understood(typed: str, country: str, prefix: str, digits: str) -> None:
    assert check(typed, country) == Number(prefix, digits)


@pytest.mark.parametrize(
    ("typed", "country", "problem"),
    [
        ("", "NL", "empty"),
        (" - \u200b", "NL", "empty"),
        ("DE136695977", "DE", "check digit"),
        ("NL123456789B01", "NL", "check digit"),
        ("DE13669597", "DE", "format"),
        ("NLNL004495445B01", "NL", "format"),
        ("9" * 5000, "NL", "format"),
        ("IM3720000224", "NL", "one-stop shop"),
        ("EU372022452", "NL", "one-stop shop"),
        ("GB980780684", "GB", "not EU"),
        ("980780684", "GB", "not EU"),
        ("CHE107787577", "CH", "not EU"),
        ("EX123456789", "NL", "not EU"),
        ("123456789", "", "not EU"),
        ("DЕ136695976", "DE", "characters"),  # a Cyrillic Ie
        ("DE13669597٦", "DE", "characters"),
        ("DE13669597²", "DE", "characters"),
        ("DE136695976\x00", "DE", "characters"),
        ("DE136695976; NL004495445B01", "DE", "characters"),
    ],
)
def test_K2_a_wrong_number_says_what_is_wrong(typed: str, country: str, problem: str) -> None:
    number = check(typed, country)
    assert (number.problem, number.valid) == (problem, False)


def test_K2_the_suffix_ex_of_the_small_enterprise_scheme_is_refused() -> None:
    assert check("DE136695976EX", "DE").problem == "format"


@given(st.text(), st.sampled_from(["NL", "FR", "IE", "GR", "GB", "US", ""]))
def test_K2_any_text_gets_an_answer(typed: str, country: str) -> None:
    number = check(typed, country)
    assert number.valid == (not number.problem)
    assert number.digits.isascii()


@given(st.sampled_from(VALID), st.text("０１２３４５６７８９AB+*", min_size=1, max_size=14))
def test_K2_a_valid_answer_is_accepted_again(prefix_of: str, typed: str) -> None:
    number = check(prefix_of[:2] + typed, "NL")
    assert not number.valid or check(number.country + number.digits, "NL") == number
