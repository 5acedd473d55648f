"""Periods of a list: months, quarters and years in the webshop's zone (T6)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import amounts, period
from tui.memory import Memory
from tui.period import Period

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("given_period", "first", "last", "title"),
    [
        (Period("month"), "2026-11-01", "2026-11-30", "November 2026"),
        (Period("month", 11), "2025-12-01", "2025-12-31", "December 2025"),
        (Period("quarter", 2), "2026-04-01", "2026-06-30", "Q2 2026"),
        (Period("year", 1), "2025-01-01", "2025-12-31", "2025"),
        (
            Period("days", 0, date(2026, 1, 5), date(2026, 1, 9)),
            "2026-01-05",
            "2026-01-09",
            "2026-01-05 – 2026-01-09",
        ),
    ],
)
def test_T6_a_period_has_its_days_and_its_title(given_period, first, last, title):
    assert given_period.days(TODAY) == (date.fromisoformat(first), date.fromisoformat(last))
    assert given_period.title(TODAY, "en", all_words="all") == title


def test_T6_a_quarter_begins_at_midnight_in_the_shops_zone():
    since, until = Period("quarter", 2).bounds(TODAY, AMSTERDAM)
    assert since.astimezone(UTC) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert until.astimezone(UTC) == datetime(2026, 6, 30, 22, tzinfo=UTC)


@given(
    st.sampled_from(["month", "quarter", "year"]),
    st.integers(0, 60),
    st.dates(date(1990, 1, 1), date(2200, 1, 1)),
)
def test_T6_periods_follow_each_other_without_a_gap(kind, back, today):
    later, earlier = Period(kind, back), Period(kind, back).moved(-1)
    assert (later.days(today)[0] - earlier.days(today)[1]).days == 1
    assert earlier.moved(1) == later
    assert period.read(later.written()) == later


@pytest.mark.parametrize(
    "text", ["", "month", "week 0 - -", "month -1 - -", "month 99999 - -", "[b] 1 2 3 4"]
)
def test_what_was_remembered_wrongly_is_no_period(text):
    assert period.read(text) is None


def test_documents_are_counted_by_the_shops_days():
    hours = {datetime(2026, 3, 31, 22, tzinfo=UTC): 3, datetime(2026, 3, 31, 21, tzinfo=UTC): 1}
    assert period.per_day(hours, date(2026, 3, 31), date(2026, 4, 1), AMSTERDAM) == [1, 3]


def test_amounts_are_written_as_people_of_the_language_do():
    assert amounts.amount(Decimal("-1234.565"), "en") == "-1,234.57"
    assert amounts.amount(Decimal("1234.5"), "nl") == "1.234,50"
    assert amounts.money(Decimal(1), "SEK", "nl") == "SEK 1,00"
    assert amounts.percent(Decimal("5.50"), "nl") == "5,5 %"
    assert amounts.count(16667, "nl") == "16.667"


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=400), st.integers(1, 60))
def test_the_bars_fit_their_place_and_the_highest_is_full(values, width):
    bars = amounts.spark(values, width)
    assert len(bars) <= width
    assert ("█" in bars) == any(values)


def test_a_damaged_memory_is_as_none_at_all(tmp_path):
    file = tmp_path / "tui.json"
    for text in (b"\xff\xfe", b"[1]", b'{"tab": 7', b'{"tab": 7}'):
        file.write_bytes(text)
        memory = Memory(file)
        assert memory.get("tab", "report") == "report"
    memory.put("tab", "open")
    assert Memory(file).get("tab") == "open"


def test_a_memory_that_cannot_be_written_is_no_reason_to_fail(tmp_path):
    memory = Memory(tmp_path / "absent" / "tui.json")
    memory.put("tab", "open")
    assert memory.get("tab") == "open"
