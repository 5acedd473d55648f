"""What people see of a problem: the line, the spot marked, and nothing that commands a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.diagnostics import Diagnostic, Finding, Place, printable

HOSTILE = [
    *map(chr, range(0x20)),
    "\x7f",
    *map(chr, range(0x80, 0xA0)),
    *"\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff",
    "\ud800",
    "\udfff",
    "\U000e0001",
    "\U000e0041",
    "\U000e007f",
]


@pytest.mark.parametrize("character", HOSTILE, ids=[f"U+{ord(one):04X}" for one in HOSTILE])
def test_a_character_that_changes_a_terminal_is_shown_as_its_number(character):
    shown = printable(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert f"{ord(character):04x}" in shown
    assert shown.encode().decode("unicode_escape", "surrogatepass") == f"a{character}b"


@pytest.mark.parametrize(
    "text", ["Zoë Müller-Ångström", "株式会社", "Ελλάδα", "€ 12,50 – ½ × 3", "😀", "[/b] [TODO]", ""]
)
def test_what_people_write_stays_as_it_is(text):
    assert printable(text) == text


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_reaches_a_terminal_with_controls(text):
    shown = printable(text, 50)
    assert len(shown) <= 50
    assert not any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} for one in shown)
    shown.encode()


def test_a_long_text_is_cut():
    assert printable("x" * 3000, 10) == "xxxxxxxxx…"


def rendered(line, column, length=1, *, message="Wrong.", file="rules/x.yaml"):
    return (
        Diagnostic("RULE999", Place(file, 7, column, length), message, "Mend it.", line).render().split("\n")
    )


def width(text):
    return sum(2 if unicodedata.east_asian_width(one) in {"W", "F"} else 1 for one in text)


def test_a_problem_is_shown_with_its_place_line_and_hint():
    assert rendered("  total: pirce + 1", 10, 5) == [
        "rules/x.yaml:7:10: RULE999: Wrong.",
        "  7 |   total: pirce + 1",
        "    |          ^^^^^",
        "  Mend it.",
    ]


@pytest.mark.parametrize(
    ("before", "wrong"),
    [
        ("plain: ", "pirce"),
        ("\ttab:\t", "pirce"),
        ("naam: '株式会社' + ", "pirce"),
        ("escape: \x1b[31m\u202e ", "pirce"),
        ("naïve: ", "prïce"),
        ("wide: ", "株式"),
        ("x" * 500 + ": ", "pirce"),
        ("", "pirce"),
    ],
    ids=["plain", "tabs", "wide before", "controls before", "accents", "wide", "long line", "first column"],
)
def test_the_carets_stand_under_what_is_wrong(before, wrong):
    _, line, carets, _ = rendered(f"{before}{wrong} and more", len(before) + 1, len(wrong))
    start = carets.index("^")
    assert set(carets[start:]) == {"^"}
    assert line[: line.index(wrong)] and width(line[: line.index(wrong)]) == start  # noqa: PT018
    assert len(carets[start:]) == width(wrong)
    assert line.isprintable()
    assert len(line) < 250


def test_accents_written_apart_take_no_column_of_their_own():
    _, line, carets, _ = rendered("e\u0301e\u0301: pirce", 7, 5)
    assert carets.index("^") == line.index("pirce") - 2


def test_a_spot_behind_the_end_of_its_line_is_still_marked():
    _, line, carets, _ = rendered("total:", 9)
    assert line == "  7 | total:"
    assert carets.rstrip().endswith("^")


def test_a_long_line_is_cut_around_the_spot():
    _, line, carets, _ = rendered("x" * 9000 + "WRONG" + "y" * 9000, 9001, 5)
    assert line.startswith("  7 | …x")
    assert line.endswith("y…")
    assert line.index("WRONG") == carets.index("^")


def test_nothing_in_a_problem_can_command_the_terminal():
    shown = "\n".join(
        rendered(
            "a\x1b]0;owned\x07: \x9b31m", 3, message="'\x1b[2J' is wrong\u202e.", file="rules/\x1b[31m.yaml"
        )
    )
    assert not set(shown) & set(HOSTILE) - {"\n"}


def test_a_finding_is_told_in_the_language_asked_for_or_else_in_english():
    finding = Finding(
        "K1",
        "error",
        {"en": "Wrong.", "nl": "Fout."},
        {"en": "Mend it."},
        Place("r.yaml", 3, 5),
        "total",
        {"a": "1"},
    )
    assert finding.to_json("nl") == {
        "id": "K1", "severity": "error", "message": "Fout.", "help": "Mend it.", "about": "total", "rule": "r.yaml:3:5",
        "facts": {"a": "1"},
    }  # fmt: skip
