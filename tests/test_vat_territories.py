"""Where goods go for VAT: postcodes, countries by code and name, and what rules make of them (spec O5, L9, K6, K7)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from orders import address, document, found, mapped, order, rates, row, rulebooks

from mapper.errors import RuleError
from mapper.mapping import load_rulebooks, rulebooks_from, shipped_rules
from mapper.rulebook.source import read
from mapper.vat.countries import country_code
from mapper.vat.territories import from_node

TABLE = rulebooks().territories
RATES = rulebooks().rates


@pytest.mark.parametrize(
    ("country", "postcode", "code", "in_eu", "treated_as"),
    [
        ("ES", "35001", "ES-CN", False, "ES"), ("ES", "E-38001", "ES-CN", False, "ES"),
        ("ES", "28001", "ES", True, "ES"),
        ("ES", "07001", "ES", True, "ES"), ("ES", "51001", "ES-CE", False, "ES"),
        ("ES", "52 006", "ES-ML", False, "ES"),
        ("IC", "35001", "IC", False, "IC"), ("EA", "51001", "EA", False, "EA"),
        ("DE", "78266", "DE-BUESINGEN", False, "DE"), ("DE", "D-27498", "DE-HELGOLAND", False, "DE"),
        ("DE", "78262", "DE", True, "DE"), ("IT", "23041", "IT-LIVIGNO", False, "IT"),
        ("IT", "23030", "IT", True, "IT"), ("IT", "47890", "SM", False, "SM"), ("IT", "00120", "VA", False, "VA"),
        ("DK", "3900", "GL", False, "GL"), ("DK", "DK-3700", "DK", True, "DK"),
        ("DE", "DE78266", "DE-BUESINGEN", False, "DE"), ("DE", "D 27498", "DE-HELGOLAND", False, "DE"),
        ("FR", "F97400", "RE", False, "RE"),
        ("IT", "I-22061", "IT-CAMPIONE", False, "IT"), ("IT", "22060", "IT", True, "IT"),
        ("FI", "22100", "AX", False, "AX"), ("AX", "22100", "AX", False, "AX"), ("FI", "FI-00100", "FI", True, "FI"),
        ("GR", "63086", "GR-69", False, "GR"), ("GR", "63075", "GR", True, "GR"),
        ("GR", "853 00", "GR-ISLANDS", True, "GR"),
        ("FR", "97110", "GP", False, "GP"), ("FR", "97133", "BL", False, "BL"), ("FR", "97150", "MF", False, "MF"),
        ("FR", "97200", "MQ", False, "MQ"), ("FR", "97300", "GF", False, "GF"), ("FR", "97400", "RE", False, "RE"),
        ("FR", "97500", "PM", False, "PM"), ("FR", "97600", "YT", False, "YT"), ("FR", "98600", "WF", False, "WF"),
        ("FR", "98713", "PF", False, "PF"), ("FR", "98800", "NC", False, "NC"), ("FR", "98000", "MC", True, "FR"),
        ("MC", "98000", "MC", True, "FR"), ("MC", "", "MC", True, "FR"), ("RE", "", "RE", False, "RE"),
        ("FR", "20000", "FR-20R", True, "FR"), ("FR", "75020", "FR", True, "FR"),
        ("PT", "9500-123", "PT-20", True, "PT"), ("PT", "9000-001", "PT-30", True, "PT"),
        ("PT", "1000-001", "PT", True, "PT"),
        ("AT", "6691", "AT-JUNGHOLZ", True, "AT"), ("AT", "6992", "AT-JUNGHOLZ", True, "AT"),
        ("AT", "6900", "AT", True, "AT"),
        ("GB", "bt1 5gs", "XI", True, "XI"), ("XI", "", "XI", True, "XI"), ("GB", "B1 1AA", "GB", False, "GB"),
        ("IM", "IM1 1AA", "IM", False, "IM"), ("JE", "JE2 3AB", "JE", False, "JE"), ("GG", "", "GG", False, "GG"),
        ("GI", "", "GI", False, "GI"), ("SM", "47890", "SM", False, "SM"), ("VA", "00120", "VA", False, "VA"),
        ("AD", "", "AD", False, "AD"), ("CH", "8001", "CH", False, "CH"), ("LI", "", "LI", False, "LI"),
        ("NO", "0150", "NO", False, "NO"), ("FO", "", "FO", False, "FO"), ("GL", "", "GL", False, "GL"),
        ("AW", "", "AW", False, "AW"), ("BQ", "", "BQ", False, "BQ"), ("NL", "3511AB", "NL", True, "NL"),
        ("CY", "", "CY", True, "CY"),
    ],
)  # fmt: skip
def test_K6_an_address_is_in_the_territory_of_its_postcode(country, postcode, code, in_eu, treated_as):
    found = TABLE.resolve(country, postcode, RATES)
    assert (found.code, found.in_eu_vat, found.treated_as) == (code, in_eu, treated_as)


@pytest.mark.parametrize(
    ("place", "day", "expected"),
    [
        ("PT-20", "2026-11-24", ["16", "9", "4"]),
        ("PT-30", "2024-09-30", ["22", "12", "5"]),
        ("PT-30", "2024-10-01", ["22", "12", "4"]),
        ("AT-JUNGHOLZ", "2026-01-01", ["19", "13", "10"]),
        ("FR-20R", "2026-11-24", ["20", "13", "10", "5.5", "2.1", "0.9"]),
        ("XI", "2026-11-24", ["20", "5"]),
    ],
)
def test_K7_a_territory_has_rates_of_its_own(place, day, expected):
    assert [str(rate) for rate in TABLE.rates_of(place, day, (), RATES)] == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('postcodes: ["35"]', 'postcodes: ["3-5"]'), "no beginning of a postcode"),
        (("vat_area: false", "vat_area: no"), "true or false"),
        (("country: ES", "country: Spain"), "two capitals"),
        (("vat_area: false", "area: false"), "has no 'area'"),
        (("postcode_source: a", "treated_as: E"), "two capitals"),
    ],
)
def test_a_row_that_is_not_right_is_refused(change, said):
    row = 'ES-CN: {name: {en: a, nl: b}, country: ES, postcodes: ["35"], vat_area: false, postcode_source: a}'
    text = f"checked: 2026-11-24\nterritories:\n  {row}\n"
    assert from_node(read(text, "t")).by_code
    with pytest.raises(RuleError) as caught:
        from_node(read(text.replace(*change), "t"))
    assert any(said in one.message for one in caught.value.diagnostics)


def test_a_postcode_that_leads_to_two_places_is_refused():
    row = '{name: {en: a, nl: b}, country: ES, postcodes: ["35"], vat_area: false, postcode_source: a}'
    with pytest.raises(RuleError, match="RULE100"):
        from_node(read(f"checked: 2026-11-24\nterritories:\n  A: {row}\n  B: {row}\n", "t"))


def test_rules_published_before_the_table_existed_still_load_with_the_shipped_one():
    texts = {name: text for name, text in load_rulebooks().texts.items() if name != "vat_territories.yaml"}
    assert rulebooks_from(texts).territories == TABLE
    assert (shipped_rules() / "vat_territories.yaml").exists()


# --- in a document


def sent(country, zipcode, rate="0", **changes):
    there = {**address("US", delivery=True), "country_code": country, "zipcode": zipcode}
    return order(row("100", rate), customer={"deliveryaddress": there}, **changes)


@pytest.mark.parametrize(
    ("country", "zipcode", "held"),
    [
        ("ES", "35001", None),
        ("ES", "28001", "wait"),
        ("GB", "BT1 5GS", "wait"),
        ("GB", "M1 1AA", None),
        ("MC", "98000", "wait"),
    ],
)
def test_K7_at_0_percent_only_the_eus_vat_area_is_held(country, zipcode, held):
    assert mapped(sent(country, zipcode)).held == held


def test_K7_the_united_kingdom_before_2021_waits_for_a_person():
    early, late = (
        sent("GB", "M1 1AA", create_date=day) for day in ("2020-06-01T10:00:00Z", "2021-01-01T10:00:00Z")
    )
    assert (mapped(early).held, mapped(late).held) == ("wait", None)
    assert [one.about for one in mapped(early).findings if one.severity == "wait"] == ["date"]


@pytest.mark.parametrize(("home", "zipcode"), [("DE", "27498"), ("ES", "38001")])
def test_O5_goods_to_an_own_territory_outside_the_eu_are_an_export(home, zipcode):
    made = mapped(sent(home, zipcode), home_country=home)
    assert made.document is not None
    assert (made.document["is_international"], made.held) == (True, None)


@pytest.mark.parametrize(("zipcode", "ids"), [("35001", {"K6"}), ("28001", set())])
def test_K6_vat_on_goods_to_the_canary_islands_is_an_error(zipcode, ids):
    result = mapped(sent("ES", zipcode, "21"), vat__rates=rates(("ES", "21", "ES21")))
    assert {one.id for one in result.findings if one.severity == "error"} == ids


def test_L9_monaco_takes_the_code_of_france():
    made = document(sent("MC", "98000", "20"), vat__rates=rates(("FR", "20", "FR20")))
    assert (made["territory"], made["country"], made["lines"][0]["vat_code"]) == ("MC", "FR", "FR20")


@pytest.mark.parametrize(
    ("country", "zipcode", "said"),
    [("FR", "97400", 1), ("MC", "98000", 1), ("FR", "75001", 0), ("AX", "22100", 0)],
)
def test_K7_a_territory_that_changes_the_treatment_is_said(country, zipcode, said):
    findings = [
        one for one in mapped(sent(country, zipcode)).findings if (one.id, one.about) == ("K7", "territory")
    ]
    assert [one.severity for one in findings] == ["info"] * said


CODES = {
    "AT": rates(("AT", "20", "AT20"), ("AT", "19", "AT19"), ("AT", "10", "AT10")),
    "PT": rates(("PT", "23", "PT23"), ("PT", "16", "PT16"), ("PT", "9", "PT9")),
    "home": rates(("AT", "21", "V21"), ("AT", "9", "V9")),
}


@pytest.mark.parametrize(
    ("country", "zipcode", "rate", "codes"),
    [
        ("AT", "6691", "19", "AT"),
        ("AT", "1010", "20", "AT"),
        ("PT", "9500-001", "16", "PT"),
        ("PT", "1000-001", "23", "PT"),
        ("AT", "6691", "21", "home"),
    ],
)
def test_P1_payment_costs_have_the_standard_rate_of_the_territory(country, zipcode, rate, codes):
    sold = sent(country, zipcode, rate, shipping="5", shipping_rate=rate, fee="2", fee_rate=rate)
    result = mapped(sold, vat__rates=CODES[codes])
    assert result.held is None, found(result)
    (paid,) = [line for line in result.document["lines"] if line["kind"] == "payment"]
    assert paid["vat_percent"] == int(rate)


@pytest.mark.parametrize(("country", "zipcode"), [("US", "10001"), ("ES", "35001"), ("GB", "M1 1AA")])
def test_K7_an_icp_sale_that_leaves_the_eu_is_held(country, zipcode):
    result = mapped(sent(country, zipcode, icp=True, vat_number="DE136695976"))
    assert ("K7", "error") in found(result)
    assert "ICP" in next(one for one in result.findings if one.severity == "error").help["en"]


@pytest.mark.parametrize(
    ("country", "zipcode", "named"), [("GB", "BT1 5GS", "XI"), ("MC", "98000", "FR"), ("AT", "6691", "AT")]
)
def test_K3_names_the_country_under_which_the_code_is_to_be_set(country, zipcode, named):
    result = mapped(sent(country, zipcode, "20"), vat__rates=rates(("NL", "21", "V21")))
    said = [one for one in result.findings if one.id == "K3" and one.severity == "error"]
    assert said
    assert all(f" {named} " in one.say["en"] and one.facts["country"] == named for one in said)


@pytest.mark.parametrize("codes", [rates(("FR", "20", "FR20")), rates(("FR", "90", "FR90"))])
def test_L1_a_real_rate_below_1_taken_for_a_fraction_is_told_with_its_setting(codes):
    sold = sent("FR", "20000", "0.9", shipping="5", shipping_rate="0.9")
    told = [one for one in mapped(sold, vat__rates=codes).findings if one.id in {"K3", "K7"}]
    wrong = [one for one in told if one.severity in {"error", "warning"}]
    assert wrong
    for one in wrong:
        assert "vat.real_rates_below_one" in one.help["en"]
        assert "vat.real_rates_below_one" in one.help["nl"]
        assert "0.9" in one.help["en"]
    real = mapped(sold, vat__rates=rates(("FR", "0.9", "FR09")), vat__real_rates_below_one=[Decimal("0.9")])
    assert not [
        one for one in real.findings if one.severity in {"error", "warning"} and one.id in {"K3", "K7"}
    ]


def test_L1_a_fraction_that_is_a_rate_needs_no_word_of_that_setting():
    result = mapped(sent("DE", "10115", "19"), vat__rates=rates(("NL", "21", "V21")))
    assert "real_rates" not in "".join(one.help["en"] for one in result.findings)


def test_K7_rates_before_the_table_begins_are_said_to_be_unchecked():
    early = sent("DE", "10115", "19", create_date="2015-12-30T10:00:00Z")
    said = [one for one in mapped(early).findings if one.id == "K7"]
    assert [(one.severity, one.about) for one in said] == [("warning", "date")]
    assert "2015-12-30" in said[0].say["en"]
    assert "2015" not in str([one.say for one in mapped(sent("DE", "10115", "19")).findings])


# --- countries as people write them


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("NL", "NL"), (" nl ", "NL"), ("UK", "GB"), ("el", "GR"),
        ("XI", "XI"), ("Holland", "NL"), ("Nederland", "NL"),
        ("Germany", "DE"), ("Duitsland", "DE"), ("ALLEMAGNE", "DE"),
        ("Almanya", "DE"), ("Niemcy", "DE"), ("Ελλάδα", "GR"),
        ("Yunanistan", "GR"), ("Griekenland", "GR"), ("belgie", "BE"), ("België", "BE"), ("Belgique", "BE"),
        ("Türkiye", "TR"), ("Turkey", "TR"), ("  Canarische   Eilanden", "IC"),
        ("Ceuta en Melilla", "EA"), ("USA", "US"),
        ("Great-Britain", "GB"), ("Noord-Ierland", "XI"), ("Tsjechische Republiek", "CZ"), ("Österreich", "AT"),
        ("", None), ("ZZ", None), ("EU", None), ("QQ", None),
        ("Nergenshuizen", None), ("Kongo", None), ("N", None), ("…", None),
    ],
)  # fmt: skip
def test_C1_a_country_is_known_by_code_or_name_and_never_guessed(written, code):
    assert country_code(written) == code


@pytest.mark.parametrize("where", ["billingaddress", "deliveryaddress"])
@pytest.mark.parametrize(("code", "name"), [("ZZ", "Nederland"), ("", "Nergenshuizen"), ("N1", "")])
def test_C1_an_unknown_country_stops_the_document_with_its_own_code(where, code, name):
    sold = order(deliver_to="BE")
    sold["customer"][where] |= {"country_code": code, "country": name}
    result = mapped(sold)
    assert [(one.id, one.severity) for one in result.findings] == [("MAP208", "error")]
    assert result.document is None
    assert (code or name) in result.findings[0].say["nl"]


@pytest.mark.parametrize(("code", "country"), [(" be", "BE"), ("EL", "GR"), ("UK", "GB")])
def test_C1_codes_of_billing_addresses_are_put_right(code, country):
    sold = order()
    sold["customer"]["billingaddress"]["country_code"] = code
    assert document(sold)["customer"]["country"] == country
