"""Amounts: read exactly, rounded half-up, written without exponents."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.errors import PayloadError
from mapper.money import MAX_JSON_BYTES, decimal_text, dumps, loads, round_half_up

amounts = st.decimals("-99999999.999999", "99999999.999999", places=6)


# Reading


def test_amounts_are_read_as_they_are_written():
    read = loads('{"price": 0.1, "more": 0.2, "count": 3, "big": 12345678901234567890.12, "small": 1e-10}')
    assert read["price"] + read["more"] == Decimal("0.3")
    assert read["big"] == Decimal("12345678901234567890.12")
    assert read["small"] == Decimal("0.0000000001")
    assert type(read["count"]) is int


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "PAY101"),
        ("{", "PAY101"),
        ("[1,]", "PAY101"),
        ("{'a': 1}", "PAY101"),
        ("1 2", "PAY101"),
        ('"tab\there"', "PAY101"),
        ("\ufeff1", "PAY101"),
        (b"\x00\x00", "PAY101"),
        (b'"\xff"', "PAY101"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PAY101"),
        ("NaN", "PAY102"),
        ('{"a": Infinity}', "PAY102"),
        ("[-Infinity]", "PAY102"),
        ('{"a": 1, "b": 2, "a": 3}', "PAY103"),
        ('{"o": {"a": 1, "a": 1}}', "PAY103"),
        ("[" * 100_000, "PAY105"),
        ('{"a":' * 50_000, "PAY105"),
        ("9" * 41, "PAY106"),
        ("0." + "1" * 40, "PAY106"),
        ("1e41", "PAY106"),
        ("1e-41", "PAY106"),
        ("1e999", "PAY106"),
        ("0e99999", "PAY106"),
        ("1e99999999999999999999", "PAY106"),
        ("-1e-99999999999999999999", "PAY106"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_strict_json_is_refused_with_its_code(text, code):
    with pytest.raises(PayloadError) as refused:
        loads(text)
    assert refused.value.code == code
    assert refused.value.message() and refused.value.message("nl") and refused.value.remedy()  # noqa: PT018


def test_a_mistake_in_json_is_told_by_line_and_column():
    with pytest.raises(PayloadError) as refused:
        loads('{\n "a": 1,\n "b" 2\n}')
    assert (refused.value.facts["line"], refused.value.facts["column"]) == (3, 6)


def test_a_document_that_is_too_large_is_not_parsed():
    with pytest.raises(PayloadError) as refused:
        loads(" " * (MAX_JSON_BYTES + 1))
    assert refused.value.code == "PAY104"


# Rounding


@pytest.mark.parametrize(
    ("amount", "places", "rounded"),
    [
        ("0.005", 2, "0.01"),
        ("-0.005", 2, "-0.01"),
        ("0.015", 2, "0.02"),
        ("0.025", 2, "0.03"),
        ("-0.025", 2, "-0.03"),
        ("0.0049999999", 2, "0.00"),
        ("2.5", 0, "3"),
        ("3.5", 0, "4"),
        ("-2.5", 0, "-3"),
        ("1.0000000000005", 12, "1.000000000001"),
        ("7", 2, "7.00"),
        ("1" + "0" * 80 + ".005", 2, "1" + "0" * 80 + ".01"),
    ],
)
def test_a_tie_goes_away_from_zero(amount, places, rounded):
    assert str(round_half_up(Decimal(amount), places)) == rounded


@given(amounts, st.integers(0, 6))
def test_a_full_credit_is_the_exact_negative(amount, places):
    assert round_half_up(-amount, places) == -round_half_up(amount, places)


@given(amounts, st.integers(0, 6))
def test_rounding_never_moves_more_than_half_a_step(amount, places):
    step = Decimal(1).scaleb(-places)
    rounded = round_half_up(amount, places)
    assert abs(rounded - amount) * 2 <= step
    assert rounded % step == 0
    assert round_half_up(rounded, places) == rounded


# Writing


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        ("1E+5", None, "100000"),
        ("1E-7", None, "0.0000001"),
        ("1.500", None, "1.5"),
        ("100", None, "100"),
        ("100.00", None, "100"),
        ("-0", None, "0"),
        ("-0.00", None, "0"),
        ("-0.004", 2, "0"),
        ("0.005", 2, "0.01"),
        ("-1.23456789012", 10, "-1.2345678901"),
        ("1.9999999999999", 6, "2"),
        ("0E-10", None, "0"),
    ],
)
def test_amounts_are_written_without_exponent_and_trailing_zeros(amount, places, text):
    assert decimal_text(Decimal(amount), places) == text


@given(amounts)
def test_a_written_amount_is_the_amount(amount):
    text = decimal_text(amount)
    assert Decimal(text) == amount
    assert "E" not in text
    assert not (text.endswith(("0", ".")) and "." in text)
    assert json.loads(dumps({"amount": amount})) == {"amount": text}


def test_a_float_is_never_written_as_an_amount_by_accident():
    with pytest.raises(ValueError, match="JSON"):
        dumps(float("nan"))
    with pytest.raises(TypeError, match="set has no JSON form"):
        dumps({1})
