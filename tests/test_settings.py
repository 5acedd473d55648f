"""Settings: one schema, every problem at its place, every default."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from mapper import settings, settings_text
from mapper.cli.options import told
from mapper.settings import SettingsError

FULL = """\
name: Voorbeeldwinkel
home_country: NL
time_zone: Europe/Amsterdam
language: nl
mode: paid_orders
statuses: []
process_from: 2026-01-01
vat:
  rates:
    - {country: NL, rate: 21, revenue: {code: V21}, shipping: {code: V21}, payment: {code: V21}}
    - {country: NL, rate: 9,  revenue: {code: V9, cost_centre: "8001"}, shipping: {code: V9}, payment: {code: V9}}
  icp:           {revenue: {code: ICP}, shipping: {code: ICP}, payment: {code: ICP}}
  international: {revenue: {code: EXP}, shipping: {code: EXP}, payment: {code: EXP}}
  real_rates_below_one: [0.9]
payment_methods:
  - {method: iDEAL}
  - {method: Bank-Transfer, debtor: DB10001}
invoice: {status: draft, code: automatic, layout: null, term: 14, send_by_email: false, cost_centre: null,
          shipping_fields: english, address: debtor}
products: {synchronise: false}
margin_scheme: false
checks: {eu_zero_rate: hold, vies_unknown: wait, zero_total: ignore, discounts_in_rows: false, rounding_limit: 0.05}
"""


def read(tmp_path, text):
    file = tmp_path / "tenant.yaml"
    file.write_text(text)
    return settings.read(file, today=date(2026, 11, 24))


def refused(tmp_path, text):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    return caught.value


def problems(tmp_path, text):
    found = refused(tmp_path, text).diagnostics
    return [(one.code, one.place.line, one.place.column) for one in found]


def test_the_settings_of_the_specification_are_read_as_they_stand(tmp_path):
    found = read(tmp_path, FULL)
    assert found["vat"]["rates"][1] == {
        "country": "NL",
        "rate": Decimal(9),
        "revenue": {"code": "V9", "cost_centre": "8001"},
        "shipping": {"code": "V9", "cost_centre": None},
        "payment": {"code": "V9", "cost_centre": None},
    }
    assert found["vat"]["real_rates_below_one"] == [Decimal("0.9")]
    assert found["payment_methods"] == [
        {"method": "iDEAL", "debtor": None},
        {"method": "Bank-Transfer", "debtor": "DB10001"},
    ]
    assert found["checks"]["rounding_limit"] == Decimal("0.05")
    assert found["process_from"] == "2026-01-01"


def test_an_empty_file_gets_every_default(tmp_path):
    found = read(tmp_path, "")
    assert list(found) == list(settings.SCHEMA["properties"])
    assert found["time_zone"] == "Europe/Amsterdam"
    assert found["invoice"] == {
        "status": "draft",
        "code": "automatic",
        "layout": None,
        "term": 14,
        "send_by_email": False,
        "cost_centre": None,
        "shipping_fields": "english",
        "address": "debtor",
        "rounding_model": "B",
        "write_reference": False,
    }
    assert found["vat"]["icp"]["shipping"] == {"code": None, "cost_centre": None}


def test_R9_settings_without_a_go_live_date_go_live_today(tmp_path):
    assert read(tmp_path, "name: x")["process_from"] == "2026-11-24"


def test_defaults_are_not_shared_between_tenants():
    first, second = settings.check({}), settings.check({})
    first["vat"]["rates"].append("changed")
    assert second["vat"]["rates"] == []


def test_shipping_and_payment_costs_are_booked_as_revenue_when_left_out(tmp_path):
    found = read(tmp_path, "vat: {rates: [{country: NL, rate: 21, revenue: {code: V21, cost_centre: Web}}]}")
    assert found["vat"]["rates"][0]["payment"] == {"code": "V21", "cost_centre": "Web"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("home_contry: NL", ("SET101", 1, 1)),
        ("name: x\ninvoice:\n  statu: draft", ("SET101", 3, 3)),
        ("vat:\n  rates:\n    - {country: NL, revenue: {code: V21}}", ("SET102", 3, 7)),
        ("invoice: {status: concept}", ("SET103", 1, 11)),
        ("invoice: {term: veertien}", ("SET103", 1, 11)),
        ("invoice: {term: 14.5}", ("SET103", 1, 11)),
        ("margin_scheme: ja", ("SET103", 1, 1)),
        ("products: true", ("SET103", 1, 1)),
        ("vat: {rates: [{country: nl, rate: 21, revenue: {code: V21}}]}", ("SET103", 1, 16)),
        ("vat: {rates: [{country: NL, rate: 210, revenue: {code: V21}}]}", ("SET103", 1, 29)),
        ("checks: {rounding_limit: -1}", ("SET103", 1, 10)),
        ("time_zone: Europe/Amsterdm", ("SET104", 1, 1)),
        ("process_from: 2026-02-30", ("SET105", 1, 1)),
        ("process_from: 01-02-2026", ("SET105", 1, 1)),
        ("process_from: 2026-01-01 10:00", ("SET105", 1, 1)),
        ("process_from: 2026-01-01T10:00:00Z", ("SET105", 1, 1)),
        ("mode: order_statuses", ("SET107", 1, 1)),
        ("home_country: XX", ("SET115", 1, 1)),
        ("vat: {rates: [{country: UK, rate: 20, revenue: {code: A}}]}", ("SET115", 1, 16)),
        ("vat: {rates: [{country: EL, rate: 24, revenue: {code: A}}]}", ("SET115", 1, 16)),
    ],
)
def test_a_problem_is_shown_at_its_key(tmp_path, text, found):
    assert problems(tmp_path, text) == [found]


def test_a_country_and_rate_may_stand_once_only(tmp_path):
    text = "vat:\n  rates:\n" + "    - {country: NL, rate: 21.0, revenue: {code: A}}\n" * 2
    assert problems(tmp_path, text.replace("21.0", "21", 1)) == [("SET106", 4, 7)]


@pytest.mark.parametrize(("one", "other"), [("iDEAL", "IDEAL"), ("Bank-Transfer", "banktransfer")])
def test_O8_payment_methods_that_are_the_same_after_clean_up_are_refused(tmp_path, one, other):
    """Which of two fixed debtors gets the invoice may not depend on their order (W15)."""
    text = f"payment_methods:\n  - {{method: {one}, debtor: DB1}}\n  - {{method: {other}, debtor: DB2}}\n"
    assert problems(tmp_path, text) == [("SET113", 3, 5)]
    told = refused(tmp_path, text).diagnostics[0].message
    assert f"'{other}'" in told
    assert f"'{one}'" in told


def test_a_file_that_is_no_yaml_is_a_problem_of_the_settings(tmp_path):
    error = refused(tmp_path, "name: 'x")
    assert (error.code, error.diagnostics[0].code) == ("SET100", "RULE102")
    with pytest.raises(SettingsError):
        settings.changed(settings.example(), {"name": "'x"})


def test_a_change_is_no_place_in_a_file():
    with pytest.raises(SettingsError) as caught:
        settings.changed(settings.example(), {"invoice.status": "concept", "term": "3"})
    assert [one.line().partition(": ")[0] for one in caught.value.diagnostics] == ["settings", "settings"]


def test_statuses_that_the_mode_does_not_use_are_pointed_out():
    with_statuses = settings.check({"statuses": [5], "vat_of": {"shipping_rate": 21}})
    assert [code for code, _ in settings.unused(with_statuses)] == ["SET114", "SET114"]
    assert settings.unused(settings.check({"mode": "order_statuses", "statuses": [5]})) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "invoice: {term: veertien}",
            "'invoice.term' moet een geheel getal van 0 tot 365 zijn, niet 'veertien'.",
        ),
        ("margin_scheme: ja", "'margin_scheme' moet waar of onwaar zijn, niet 'ja'."),
        (
            "invoice: {cost_centre: [1]}",
            "'invoice.cost_centre' moet een tekst, of leeg zijn, niet een lijst.",
        ),
        ("home_contry: NL", "'home_contry' is geen instelling. Bedoelde u 'home_country'?"),
    ],
)
def test_problems_are_told_in_dutch_too(tmp_path, text, said):
    (problem,) = refused(tmp_path, text).diagnostics
    assert said in told(problem, "nl").line()


def test_all_problems_are_shown_at_once_in_the_order_of_the_file(tmp_path):
    text = FULL.replace("draft", "concept").replace("home_country", "home").replace("false}", "maybe}", 1)
    assert [line for _, line, _ in problems(tmp_path, text)] == [2, 18, 20]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("home_contry: NL", "Did you mean 'home_country'?"),
        ("rounding_limit: 0", "Did you mean 'checks.rounding_limit'?"),
        ("vat: {icpp: {}}", "Did you mean 'icp'?"),
        ("time_zone: Europe/Amsterdm", "Did you mean 'Europe/Amsterdam'?"),
    ],
)
def test_the_key_that_was_meant_is_named(tmp_path, text, hint):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert caught.value.diagnostics[0].hint == hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name:\n\tx: 1", "RULE102"),
        ("name: a\nname: b", "RULE103"),
        ("name: &a x\nlanguage: *a", "RULE104"),
        ("name: !!python/object/apply:os.system [x]", "RULE105"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(tmp_path, text, code):
    assert refused(tmp_path, text).diagnostics[0].code == code


def test_no_surprise_of_yaml_changes_a_value(tmp_path):
    text = "name: NO\nvat: {rates: [{country: NO, rate: 25, revenue: {code: 021, cost_centre: 8001}}]}"
    found = read(tmp_path, text)
    assert found["name"] == "NO"
    assert found["vat"]["rates"][0]["revenue"] == {"code": "021", "cost_centre": "8001"}


def test_the_example_has_a_code_for_every_eu_country():
    rates = settings.example()["vat"]["rates"]
    codes = {(rate["country"], str(rate["rate"])): rate["revenue"]["code"] for rate in rates}
    assert len({country for country, _ in codes}) == 27
    assert codes["NL", "21"] == "V21"
    assert codes["NL", "0"] == "V0"
    assert codes["FI", "25.5"] == "FI255"
    assert settings.example()["vat"]["icp"]["shipping"]["code"] == "ICP"


def test_checked_settings_stay_what_they_are():
    example = settings.example()
    assert settings.check(example) == example


def test_settings_written_as_yaml_are_read_back_the_same(tmp_path):
    odd = settings.example()
    odd["name"] = 'Café "De: #1"\n\x07\u202e - \U0001f600'
    odd["invoice"] |= {"layout": "null", "cost_centre": "0123"}
    odd["payment_methods"] = [{"method": "a: b", "debtor": None}, {"method": "true", "debtor": "x, {y}"}]
    assert read(tmp_path, settings_text.write(odd)) == odd


def test_a_change_is_written_as_a_dotted_key():
    new = settings.changed(settings.example(), {"invoice.status": "sent", "checks.rounding_limit": "0"})
    assert new["invoice"]["status"] == "sent"
    assert new["checks"]["rounding_limit"] == Decimal(0)
    assert settings.changed(new, {"invoice.layout": "nl_nl"})["invoice"]["layout"] == "nl_nl"
    assert settings.changed(new, {"invoice.layout": ""})["invoice"]["layout"] is None


@pytest.mark.parametrize("key", ["invoice.statu", "invoce.status", "name.x", "", "vat.rates.0.rate"])
def test_a_change_of_an_unknown_key_is_refused(key):
    with pytest.raises(SettingsError) as caught:
        settings.changed(settings.example(), {key: "x"})
    assert caught.value.diagnostics[0].code == "SET101"


def test_every_setting_has_a_description():
    assert [key for key, schema in settings.dotted_keys() if not schema.get("description")] == []
