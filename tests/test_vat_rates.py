"""The shipped VAT rates: compared with two independent data sets, by day; what K7 and P1 make of them (spec K7, P1)."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duty27_eu_vat
import eu_vat_rates_data
import pytest
from orders import document, mapped, order, rates, row, rulebooks, tenant

from mapper import settings
from mapper.doctor import Patient, examine
from mapper.errors import RuleError
from mapper.rulebook.source import read
from mapper.settings import SettingsError
from mapper.store.database import open_database
from mapper.vat.rates import from_node

TABLE = rulebooks().rates
PLACES = rulebooks().territories
MEMBERS = sorted(set(TABLE.standard) - {"XI"})
TODAY = "2026-11-24"

# The first of every month since 2016, where changes begin, and the days before changes.
FIRSTS = [date(year, month, 1) for year in range(2016, 2027) for month in range(1, 13)]
DAYS = [day for day in FIRSTS if day <= date(2026, 10, 1)]
EVES = [
    date(2016, 5, 31), date(2016, 12, 31), date(2020, 6, 30), date(2020, 8, 31), date(2020, 12, 31), date(2021, 2, 28),
    date(2022, 12, 31), date(2023, 12, 31), date(2024, 8, 31), date(2024, 12, 31), date(2025, 6, 30), date(2025, 7, 31),
]  # fmt: skip


def all_rates(place: str, day: str, own=()) -> list[str]:
    return [str(rate) for rate in PLACES.rates_of(place, day, own, TABLE)]


# --- two independent data sets


def test_there_are_27_member_states_and_northern_ireland():
    assert len(MEMBERS) == 27
    assert {one.code for one in duty27_eu_vat.list_countries()} == {
        "EL" if one == "GR" else one for one in MEMBERS
    }
    assert {one for one in MEMBERS if eu_vat_rates_data.is_eu_member(one)} == set(MEMBERS)


@pytest.mark.parametrize("country", MEMBERS)
def test_standard_rates_are_those_of_the_dated_data_set_on_142_days_and_today(country):
    days = [day.isoformat() for day in (*DAYS, *EVES)] + [TODAY]
    assert len(set(days)) == 143
    ours = {day: TABLE.highest(country, day) for day in days}
    assert ours == {day: duty27_eu_vat.get_standard_rate(country, day) for day in days}


# Standard rates since 2016, each with its first day, as github.com/vatnode/eu-vat-rates-data has them in
# data/eu-vat-rates-history.json of 2026-09-23: from the Commission's last booklet (2021), its database since, and for
# Germany's half year the law itself. Its present rates are those of the package of the same name.
HISTORY = {
    "AT": "20", "BE": "21", "BG": "20", "CY": "19", "CZ": "21", "DE": "19, 2020-07-01 16, 2021-01-01 19", "DK": "25",
    "EE": "20, 2024-01-01 22, 2025-07-01 24", "ES": "21", "FI": "24, 2024-09-01 25.5", "FR": "20",
    "GR": "23, 2016-06-01 24", "HR": "25", "HU": "27", "IE": "23, 2020-09-01 21, 2021-03-01 23", "IT": "22", "LT": "21",
    "LU": "17, 2023-01-01 16, 2024-01-01 17", "LV": "21", "MT": "18", "NL": "21", "PL": "23", "PT": "23",
    "RO": "20, 2017-01-01 19, 2025-08-01 21", "SE": "25", "SI": "22", "SK": "20, 2025-01-01 23",
}  # fmt: skip


@pytest.mark.parametrize("country", MEMBERS)
def test_standard_rates_are_those_of_the_commissions_history_on_the_same_days(country):
    first, *steps = HISTORY[country].split(", ")
    periods = [("2016-01-01", first), *(tuple(step.split()) for step in steps)]
    for day in (*(one.isoformat() for one in (*DAYS, *EVES)), TODAY):
        rate = [rate for begins, rate in periods if begins <= day][-1]
        assert (day, TABLE.highest(country, day)) == (day, Decimal(rate))


@pytest.mark.parametrize("country", [*MEMBERS, "XI", "MC"])
def test_standard_rates_are_those_of_the_commissions_database_today(country):
    assert TABLE.highest(country, TODAY) == Decimal(str(eu_vat_rates_data.get_standard_rate(country)))


# What the Commission's database has of parts of a country, and what it lacks; each has its reason in the table.
REGIONAL = {
    "AT": {"19"}, "FR": {"0.9", "1.05", "8.5", "13"}, "GR": {"17", "4"}, "PT": {"16", "22"},
}  # fmt: skip
LACKING = {"IE": {"4.8"}}


@pytest.mark.parametrize("country", [*MEMBERS, "XI"])
def test_reduced_rates_are_those_of_the_commissions_database_today(country):
    theirs = eu_vat_rates_data.get_rate(country)
    lower = [*theirs["reduced"], theirs["super_reduced"], theirs["parking"]]
    known = {f"{rate:g}" for rate in lower if rate is not None} - REGIONAL.get(country, set())
    known |= LACKING.get(country, set())
    standard = TABLE.highest(country, TODAY)
    assert set(all_rates(country, TODAY)) - {str(standard)} == known


@pytest.mark.parametrize(
    ("country", "day", "expected"),
    [
        ("NL", "2018-12-31", ["21", "6"]),
        ("NL", "2019-01-01", ["21", "9"]),
        ("DE", "2020-07-01", ["16", "5"]),
        ("DE", "2021-01-01T00:00:00", ["19", "7"]),
        ("CZ", "2023-12-31", ["21", "15", "10"]),
        ("CZ", "2024-01-01", ["21", "12"]),
        ("LU", "2023-06-01", ["16", "13", "7", "3"]),
        ("RO", "2025-07-31", ["19", "9", "5"]),
        ("RO", "2025-08-01", ["21", "11"]),
        ("FI", "2025-12-31", ["25.5", "14", "10"]),
        ("FI", "2026-01-01", ["25.5", "13.5", "10"]),
        ("MC", "2026-01-01", ["20", "10", "5.5", "2.1"]),
        ("DK", "2026-01-01", ["25"]),
        ("US", "2026-01-01", []),
        ("NL", "2015-12-31", []),
    ],
)
def test_K7_rates_hold_from_their_first_to_their_last_day(country, day, expected):
    assert all_rates(country, day) == expected


# --- the table is read with care


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        (
            "standard: [{from: 2016-01-01, rate: 21}, {from: 2016-01-01, rate: 22}]",
            6,
            "Two standard rates begin",
        ),
        ("standard: [{from: 2016-01-01, to: 2015-12-31, rate: 21}]", 6, "before the first day"),
        ("standard: [{from: 2016-01-01, rate: 121}]", 6, "no percentage"),
        ("standard: [{from: 2016-01-01, rate: 0.21}]", 6, "is below 1 %"),
        ("standard: [{from: 1 jan, rate: 21}]", 6, "no date"),
        ("standard: [{from: 2016-01-01, rat: 21}]", 6, "has no 'rat'"),
        ("reduced: [{from: 2016-01-01, rate: 9}]", 6, "needs 'standard'"),
        ("zero: []\n    standard: [{from: 2016-01-01, rate: 21}]", 6, "has no 'zero'"),
    ],
)
def test_an_entry_that_is_not_right_is_refused_where_it_stands(rows, line, said):
    text = f"checked: 2026-11-24\nalso_eu: {{}}\nsources: {{a: b}}\nrates:\n  NL:\n    {rows}\n    sources: [a]\n"
    with pytest.raises(RuleError) as caught:
        from_node(read(text, "vat_rates.yaml"))
    assert any(said in one.message for one in caught.value.diagnostics)
    assert line - 1 <= caught.value.diagnostics[0].place.line <= line


def test_a_country_that_is_none_is_refused():
    head = "checked: 2026-11-24\nalso_eu: {}\nsources: {a: b}\nrates:\n"
    text = f"{head}  BX:\n    standard: [{{from: 2016-01-01, rate: 21}}]\n    sources: [a]\n"
    with pytest.raises(RuleError) as caught:
        from_node(read(text, "vat_rates.yaml"))
    (problem,) = caught.value.diagnostics
    assert (problem.place.line, problem.message) == (5, "'BX' is no country.")


def test_a_table_published_before_reduced_rates_were_known_still_loads():
    old = "checked: 2026-10-04\nalso_eu: {MC: FR}\nstandard:\n  FR: [{from: 2016-01-01, rate: 20}]\n"
    table = from_node(read(old, "vat_rates.yaml"))
    assert (table.highest("MC", TODAY), table.in_eu("FR"), table.in_eu("GB")) == (Decimal(20), True, False)


# --- the tenant's own rows


def own(**changes):
    return [
        {
            "country": "DE",
            "kind": "standard",
            "rate": Decimal(17),
            "from": "2026-01-01",
            "to": None,
            **changes,
        }
    ]


@pytest.mark.parametrize(
    ("row", "day", "expected"),
    [
        ({}, "2025-12-31", ["19", "7"]),
        ({}, "2026-01-01", ["17", "7"]),
        ({"to": "2026-06-30"}, "2026-07-01", ["19", "7"]),
        ({"kind": "reduced", "rate": Decimal(6)}, TODAY, ["19", "6"]),
        ({"country": "FR"}, TODAY, ["19", "7"]),
    ],
)
def test_K7_a_tenants_own_row_takes_the_place_of_the_shipped_one(row, day, expected):
    assert all_rates("DE", day, own(**row)) == expected


def test_P1_payment_costs_have_the_tenants_own_standard_rate():
    sold = order(row("100", "17"), country="DE", fee="2", create_date="2026-05-01T10:00:00Z")
    changes = {"vat__rates": [], "vat__legal_rates": [{**own()[0]}]}
    made = document(sold, **changes)
    assert [one["vat_percent"] for one in made["lines"]] == ["17", "17"]
    assert document(sold, vat__rates=[])["lines"][1]["vat_percent"] == "19"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"from": "2026-02-30"}, "SET105"),
        ({"to": "2025-12-31"}, "SET109"),
        ({"country": "Germany"}, "SET103"),
        ({"rate": 101}, "SET103"),
        ({"kind": "low"}, "SET103"),
    ],
)
def test_a_tenants_own_row_is_checked(change, code):
    raw = tenant()
    raw = {**raw, "vat": {**raw["vat"], "legal_rates": own(**change)}}
    with pytest.raises(SettingsError) as caught:
        settings.check(raw)
    assert code in {one.code for one in caught.value.diagnostics}


# --- K7 in a document


@pytest.mark.parametrize(
    ("rate", "warned"), [("9", True), ("7", False), ("19", False), ("21", True), ("0", False)]
)
def test_K7_a_rate_that_is_none_of_the_country_is_a_warning_that_names_those_that_are(rate, warned):
    sold = order(row("100", rate), row("1", "19"), country="DE", create_date="2026-05-01T10:00:00Z")
    said = [
        one.say["en"] for one in mapped(sold, vat__rates=rates(("DE", rate, "X"))).findings if one.id == "K7"
    ]
    assert [f"{rate} % is no VAT rate of DE on 2026-05-01: those were 19, 7 %." in one for one in said] == [
        True
    ] * warned


# --- doctor


@pytest.mark.parametrize(("days", "verdict"), [(90, "good"), (91, "attention")])
def test_the_doctor_warns_when_the_table_was_compared_more_than_90_days_ago(tmp_path, days, verdict):
    checked = min(TABLE.checked, PLACES.checked)
    now = datetime.combine(checked, datetime.min.time(), UTC) + timedelta(days=days)
    base = open_database(tmp_path / "mapper.db")
    patient = Patient(base, tmp_path / "key", {}, loopback=True, language="en", now=now)

    async def looked():
        return [check async for check in examine(patient) if check.name == "VAT rates"]

    try:
        (check,) = asyncio.run(looked())
    finally:
        base.close()
    assert check.verdict == verdict
    assert f"{days} days ago" in check.said
