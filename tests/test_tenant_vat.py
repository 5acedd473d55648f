"""VAT settings from the account's own tax codes: `mapper tenant vat` (T5, K3)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete

from mapper import settings
from mapper.catalogue import describe
from mapper.mapping import load_rulebooks
from mapper.money import loads
from mapper.processing.reading import missing_facts
from mapper.store import schema, tenants
from mapper.store.database import open_database
from mapper.vat_settings import SaleCode, Undecided, propose, sale_codes, uses

RATES = load_rulebooks().rates
DAY = "2026-11-01"
V21, V9 = SaleCode("V21", "21% btw", Decimal(21)), SaleCode("V9", "9% btw", Decimal(9))
ICP = SaleCode("ICP", "Intracommunautaire levering", Decimal(0))
EXPORT = SaleCode("UIT", "Levering buiten de EU", Decimal(0))
USUAL = (V21, V9, ICP, EXPORT)


def shop(**vat: Any) -> dict[str, Any]:
    """Settings of a Dutch shop with these VAT settings and no others."""
    return settings.check({**settings.example(), "vat": vat})


def entry(country: str, rate: str, code: str, centre: str | None = None) -> dict[str, Any]:
    return {"country": country, "rate": rate, "revenue": {"code": code, "cost_centre": centre}}


def proposed(*codes: SaleCode, destination: bool = False, **vat: Any) -> tuple[dict[str, Any], Any]:
    """The codes proposed by country and rate, and where none could be."""
    made = propose(shop(**vat), codes, RATES, destination=destination, day=DAY)
    settings.check({**shop(), "vat": made.vat})
    chosen = {f"{one['country']} {one['rate']:f}": one["revenue"]["code"] for one in made.vat["rates"]}
    chosen |= {name: made.vat[name]["revenue"]["code"] for name in ("icp", "international")}
    return chosen, made.undecided


# What is proposed


def test_T5_the_home_country_gets_the_codes_of_its_rates_and_the_eu_the_same():
    chosen, undecided = proposed(*USUAL)
    assert (chosen["NL 21"], chosen["NL 9"]) == ("V21", "V9")
    assert (chosen["DE 21"], chosen["FR 9"]) == ("V21", "V9")
    assert (chosen["icp"], chosen["international"]) == ("ICP", "UIT")
    assert undecided == ()
    assert {key.split()[0] for key in chosen} >= {"AT", "SE", "GR", "MC"}
    assert "DE 19" not in chosen


def test_T5_destination_fills_in_each_countrys_own_rates_by_the_country_a_code_names():
    codes = (*USUAL, SaleCode("DE19", "19% DE", Decimal(19)), SaleCode("OSS-FR", "France 20%", Decimal(20)))
    chosen, undecided = proposed(*codes, destination=True)
    assert (chosen["DE 19"], chosen["FR 20"], chosen["MC 20"]) == ("DE19", "OSS-FR", "OSS-FR")
    assert "DE 21" not in chosen
    assert "AT 20" not in chosen
    assert Undecided("AT", Decimal(20), ("OSS-FR",)) in undecided


def test_T5_a_code_without_a_country_is_never_taken_for_another_country():
    chosen, undecided = proposed(*USUAL, destination=True)
    assert "BE 21" not in chosen
    assert Undecided("BE", Decimal(21), ("V21",)) in undecided


@pytest.mark.parametrize(
    "second", [SaleCode("H21", "Hoog tarief", Decimal(21)), SaleCode("L21", "21% diensten", Decimal(21))]
)
def test_T5_where_two_codes_fit_both_are_listed_and_none_is_chosen(second):
    chosen, undecided = proposed(*USUAL, second)
    assert "NL 21" not in chosen
    assert undecided == (Undecided("NL", Decimal(21), ("V21", second.code)),)


def test_T5_a_code_that_names_the_home_country_does_not_go_before_one_that_names_none():
    undecided = proposed(*USUAL, SaleCode("NL21", "", Decimal(21)))[1]
    assert undecided == (Undecided("NL", Decimal(21), ("NL21", "V21")),)


def test_T5_two_codes_for_icp_are_a_choice_for_a_person():
    chosen, undecided = proposed(*USUAL, SaleCode("ICPD", "ICP diensten", Decimal(0)))
    assert chosen["icp"] is None
    assert undecided == (Undecided("ICP", Decimal(0), ("ICP", "ICPD")),)


def test_T5_an_account_without_a_fitting_code_says_which_rate_lacks_one():
    assert Undecided("NL", Decimal(9), ()) in proposed(V21, ICP, EXPORT)[1]


def test_T5_what_is_set_with_codes_that_exist_stays_with_its_cost_centres():
    present = [entry("NL", "21", "V21", "8001"), entry("NL", "0", "ICP"), entry("CH", "8.1", "V9")]
    made = propose(shop(rates=present), USUAL, RATES, destination=False, day=DAY)
    kept = {(one["country"], one["rate"]): one["revenue"] for one in made.vat["rates"]}
    assert kept["NL", Decimal(21)] == {"code": "V21", "cost_centre": "8001"}
    assert kept["NL", Decimal(0)]["code"] == "ICP"
    assert kept["CH", Decimal("8.1")]["code"] == "V9"


def test_T5_a_code_that_wefact_does_not_have_is_replaced_and_the_cost_centre_kept():
    made = propose(shop(rates=[entry("NL", "21", "OUD", "8001")]), USUAL, RATES, destination=False, day=DAY)
    assert made.vat["rates"][0]["revenue"] == {"code": "V21", "cost_centre": "8001"}


def test_T5_going_to_destination_rates_takes_the_home_rates_of_other_countries_away():
    codes = (*USUAL, SaleCode("DE19", "", Decimal(19)))
    chosen, _ = proposed(*codes, destination=True, rates=[entry("DE", "21", "V21")])
    assert [key for key in chosen if key.startswith("DE")] == ["DE 19"]


def test_wefacts_rate_is_a_fraction_and_rows_that_are_no_codes_are_passed_over():
    rows = {"V21": {"TaxCode": "V21", "Name": "21%", "Rate": "0.210000"}, "x": {"TaxCode": "x", "Rate": "?"}}
    for sale in (rows, list(rows.values()), [*rows.values(), None]):
        assert sale_codes({"Tax": {"Codes": {"Sale": sale}}}) == (SaleCode("V21", "21%", Decimal(21)),)
    assert sale_codes({"Tax": []}) == ()


def test_T5_a_rate_of_the_home_country_that_is_not_set_is_shown_as_missing():
    found = uses(shop(rates=[entry("NL", "21", "V21")]), USUAL, RATES, DAY)
    missing = [(one.country, one.rate, one.account, one.offered) for one in found if not one.exists]
    assert missing[:3] == [
        ("NL", Decimal(9), account, ("V9",)) for account in ("revenue", "shipping", "payment")
    ]
    assert {one[0] for one in missing[3:]} == {"ICP", "International"}


# The command


def test_T5_the_command_shows_each_country_rate_and_account_with_what_wefact_offers(shop_with_codes):
    ran = shop_with_codes("tenant", "vat", "winkel", "--json")
    assert ran.code == 0, ran.err
    first = ran.records[0]
    assert (first["country"], first["rate"], first["account"]) == ("NL", "21", "revenue")
    assert (first["code"], first["in_wefact"]) == ("V21", True)
    assert "V21" in first["offered"]
    assert "BE21" in first["offered"]
    assert shop_with_codes("tenant", "vat", "winkel").out.splitlines()[0].split()[:3] == [
        "COUNTRY",
        "RATE",
        "ACCOUNT",
    ]


def test_T5_a_code_that_does_not_exist_is_shown_and_counted(shop_with_codes):
    changes = "vat.icp={revenue: {code: NONE}}"
    assert shop_with_codes("tenant", "set", "winkel", changes).code == 0
    ran = shop_with_codes("tenant", "vat", "winkel")
    assert [line.split()[3:5] for line in ran.out.splitlines() if line.startswith("ICP")] == [
        ["NONE", "no"]
    ] * 3
    assert "unknown in WeFact" in ran.err


def test_T5_a_proposal_is_set_with_its_history(shop_with_codes):
    assert shop_with_codes("tenant", "vat", "winkel", "--remove", "--yes").code == 0
    ran = shop_with_codes("tenant", "vat", "winkel", "--propose", "--yes")
    assert ran.code == 0, ran.err
    assert "NL 21 %: choose yourself among NL21, V21" in ran.err
    rates = ", ".join(f"{{country: NL, rate: {rate}, revenue: {{code: V{rate}}}}}" for rate in (21, 9))
    shop_with_codes("tenant", "set", "winkel", f"vat.rates=[{rates}]")
    assert shop_with_codes("tenant", "vat", "winkel", "--propose", "--yes").code == 0
    made = loads(shop_with_codes("tenant", "show", "winkel", "--json").out)["settings"]["vat"]
    codes = {(one["country"], str(one["rate"])): one["revenue"]["code"] for one in made["rates"]}
    assert (codes["NL", "21"], codes["NL", "9"], codes["DE", "21"]) == ("V21", "V9", "V21")
    assert (made["icp"]["revenue"]["code"], made["international"]["revenue"]["code"]) == ("ICP", "EXP")
    history = shop_with_codes("tenant", "show", "winkel", "--history", "--json").records
    assert [one["revision"] for one in history] == [5, 4, 3, 2, 1]
    assert "nothing to change" in shop_with_codes("tenant", "vat", "winkel", "--propose", "--yes").err


def test_T5_destination_rates_come_from_the_shipped_table(shop_with_codes):
    ran = shop_with_codes("tenant", "vat", "winkel", "--propose", "--destination", "--yes")
    assert ran.code == 0, ran.err
    made = loads(shop_with_codes("tenant", "show", "winkel", "--json").out)["settings"]["vat"]["rates"]
    today = datetime.now(UTC).date().isoformat()
    standard = {(one["country"], Decimal(one["rate"])) for one in made}
    assert all((country, RATES.highest(country, today)) in standard for country in ("DE", "EE", "FI", "RO"))


def test_nothing_changes_without_agreement(shop_with_codes):
    for option in ("--propose", "--remove"):
        ran = shop_with_codes("tenant", "vat", "winkel", option, *["--destination"] * (option == "--propose"))
        assert ran.code == 2
        assert ran.err.splitlines()[-1].startswith("USE150") or "USE150" in ran.err
    assert len(shop_with_codes("tenant", "show", "winkel", "--history", "--json").records) == 1


@pytest.mark.parametrize("options", [["--propose", "--remove"], ["--destination"]])
def test_options_that_exclude_each_other_are_refused(shop_with_codes, options):
    assert "USE151" in shop_with_codes("tenant", "vat", "winkel", *options).err


def test_removing_leaves_no_vat_settings(shop_with_codes):
    shop_with_codes("tenant", "vat", "winkel", "--remove", "--yes")
    made = loads(shop_with_codes("tenant", "show", "winkel", "--json").out)["settings"]["vat"]
    assert made["rates"] == []
    assert made["icp"]["revenue"]["code"] is None


@pytest.fixture
def shop_with_codes(request: pytest.FixtureRequest) -> Any:
    """The `mapper` command with a webshop connected to the sandbox's account."""
    return request.getfixturevalue("shop")


def test_settings_from_before_a_key_existed_get_its_default_when_the_database_is_opened(tmp_path):
    old = {name: value for name, value in shop().items() if name not in {"vat_of", "vat_number"}}
    with open_database(tmp_path / "mapper.db") as database, database.begin() as conn:
        tenants.create(conn, "winkel", name="Winkel", settings=old, who="test", now=datetime.now(UTC))
        conn.execute(delete(schema.migration).where(schema.migration.c.name.startswith("0004")))
    with open_database(tmp_path / "mapper.db") as database, database.read() as conn:
        assert tenants.settings(conn, "winkel") == shop()


# K3's words


def test_K3_a_code_that_wefact_lacks_is_named_with_country_rate_account_and_document():
    document = {
        "number": "2026-906",
        "country": "DE",
        "lines": [{"vat_code": "DE19", "vat_percent": Decimal("19.0"), "account": "shipping"}],
    }
    facts = missing_facts(["DE19"], document)
    assert facts == {
        "code": "DE19",
        "country": "DE",
        "rate": "19",
        "account": "shipping",
        "document": "2026-906",
    }
    for language in ("en", "nl"):
        said = describe("PRO213", facts, language)
        assert all(part in said.message for part in ("DE19", "DE", "19 %", "shipping", "2026-906"))
        assert "mapper tenant vat" in said.remedy
