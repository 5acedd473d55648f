"""The emulated WeFact behaves as its documentation and recorded answers say, with faults to order."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from wefact import WeFact
from wefact.exceptions import WeFactAPIError

from mapper.errors import ConfigError
from mapper.money import loads
from mapper.sandbox.serve import ADMIN_HELP, Sandbox
from mapper.sandbox.wefact_arithmetic import Line, Totals, totals

LINE = {"Number": 1, "Description": "Mok", "PriceExcl": "100", "TaxCode": "V21"}


class Account:
    """A client of WeFact as its documentation describes one."""

    def __init__(self, served: Sandbox, client: httpx.Client) -> None:
        self.served, self.client = served, client

    def call(self, controller: str, action: str, **params: Any) -> Any:
        asked = {"api_key": self.served.wefact_key, "controller": controller, "action": action} | params
        answer = self.client.post(self.served.wefact, json=asked)
        assert answer.status_code == 200, answer.text
        return loads(answer.content)

    def ok(self, controller: str, action: str, **params: Any) -> Any:
        answer = self.call(controller, action, **params)
        assert answer["status"] == "success", answer
        return answer

    def refused(self, controller: str, action: str, **params: Any) -> str:
        answer = self.call(controller, action, **params)
        assert answer["status"] == "error", answer
        return str(answer["errors"][0])

    def debtor(self, **params: Any) -> Any:
        return self.ok("debtor", "add", **({"SurName": "Bakker"} | params))["debtor"]

    def invoice(self, **params: Any) -> Any:
        if "Debtor" not in params:
            params["Debtor"] = self.debtor(EmailAddress="b@klant.example")["Identifier"]
        return self.ok("invoice", "add", **({"InvoiceLines": [LINE]} | params))["invoice"]

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        root = self.served.wefact.removesuffix("/v2/")
        answer = self.client.request(method, f"{root}/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def switch(self, **values: Any) -> None:
        self.admin("PUT", "switches", values)

    def stored(self, kind: str) -> list[Any]:
        return list(self.admin("GET", "objects")[kind])


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def account(served: Sandbox) -> Iterator[Account]:
    with httpx.Client(trust_env=False) as client:
        account = Account(served, client)
        account.admin("POST", "reset")
        yield account


# Arithmetic


@pytest.mark.parametrize(
    ("lines", "discount", "expected"),
    [
        ([("2", "100"), ("1", "0.19")], "0", ("200.19", "42.04", "242.23")),
        ([("2", "100"), ("155", "0.19"), ("1", "0.19")], "0", ("229.64", "48.22", "277.86")),
        ([("2", "100"), ("155", "0.19"), ("1", "0.19")], "10", ("206.68", "43.40", "250.08")),
    ],
)
def test_model_B_gives_the_totals_that_the_documentation_prints(
    account: Account, lines: list[tuple[str, str]], discount: str, expected: tuple[str, str, str]
) -> None:
    sent = [
        {"Number": number, "PriceExcl": price, "TaxCode": "V21", "Description": "x"}
        for number, price in lines
    ]
    invoice = account.invoice(InvoiceLines=sent, Discount=discount)
    assert (invoice["AmountExcl"], invoice["AmountTax"], invoice["AmountIncl"]) == expected


@pytest.mark.parametrize(
    ("model", "excl", "tax"),
    [
        ("A", "4.06", "0.74"),
        ("B", "4.05", "0.72"),
        ("C", "4.04", "0.72"),
        ("D", "4.06", "0.73"),
        ("E", "4.06", "0.72"),
    ],
)
def test_every_way_of_rounding_gives_this_basket_another_total(model: str, excl: str, tax: str) -> None:
    """3.0149 at 21 % in six lines and 1.0449 at 9 %: net 4.0598, VAT 0.633129 + 0.094041, gross 4.78697."""
    lines = [Line(Decimal(1), Decimal("0.5024"), Decimal(21)) for _ in range(5)]
    lines += [
        Line(Decimal(1), Decimal("0.5029"), Decimal(21)),
        Line(Decimal(1), Decimal("1.0449"), Decimal(9)),
    ]
    assert totals(lines, model=model) == Totals(Decimal(excl), Decimal(tax))


def test_model_and_decimals_are_switches(account: Account) -> None:
    lines = [LINE | {"PriceExcl": "8.2561983", "Number": 3}]
    assert account.invoice(InvoiceLines=lines)["InvoiceLines"][0]["PriceExcl"] == "8.256198"
    account.switch(price_decimals=2, arithmetic="A")
    invoice = account.invoice(InvoiceLines=lines)
    assert invoice["InvoiceLines"][0]["PriceExcl"] == "8.26"
    assert invoice["AmountIncl"] == "29.98"


def test_the_method_incl_can_follow_another_model(account: Account) -> None:
    lines = [LINE | {"PriceExcl": "1.004"}, LINE | {"PriceExcl": "1.004"}]
    account.switch(arithmetic_incl="A")
    assert account.invoice(InvoiceLines=lines)["AmountIncl"] == "2.43"
    assert account.invoice(InvoiceLines=lines, VatCalcMethod="incl")["AmountIncl"] == "2.42"


# Access


def test_access_is_checked_in_order_address_key_controller_action(account: Account) -> None:
    account.switch(allowed_ips=["203.0.113.9"])
    refusal = account.call("nothing", "at all", api_key="wrong")
    assert refusal["errors"] == ["IP 127.0.0.1 has no access to API"]
    account.switch(allowed_ips=["127.0.0.1"])
    refusal = account.call("nothing", "at all", api_key="wrong")
    assert refusal["errors"] == ["De API sleutel kan niet worden gevonden."]
    assert (refusal["controller"], refusal["action"]) == ("invalid", "invalid")
    assert account.refused("nothing", "at all") == "Invalid controller"
    assert account.refused("debtor", "delete") == "Invalid action"
    account.switch(key_error="en")
    assert account.refused("debtor", "list", api_key=None) == "API key is invalid"


def test_every_answer_carries_what_is_left_of_the_limits(account: Account) -> None:
    account.switch(limit_minute=200, limit_hour=3600)
    answer = account.client.post(account.served.wefact, json={"api_key": "wrong"})
    assert int(answer.headers["API-RateLimit-Remaining-Minute"]) < 200
    assert int(answer.headers["API-RateLimit-Remaining-Hour"]) < 3600
    assert int(answer.headers["API-RateLimit-Reset-Minute"]) > time.time()
    assert int(answer.headers["API-RateLimit-Reset-Hour"]) > time.time()


def test_a_breach_of_the_limit_is_a_ban_that_lasts() -> None:
    frozen = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    with Sandbox(clock=lambda: frozen) as served, httpx.Client(trust_env=False) as client:
        account = Account(served, client)
        account.switch(limit_minute=200)
        for _ in range(200):
            account.ok("settings", "list")
        banned = client.post(served.wefact, json={})
        assert (banned.status_code, banned.text) == (403, "IP 127.0.0.1 currently in firewall")
        account.switch(limit_minute=100_000, ban_body="json")
        still = client.post(served.wefact, json={})
        assert (still.status_code, still.json()["controller"]) == (403, "invalid")
        account.switch(banned=False)
        account.ok("settings", "list")


def test_forms_and_json_are_both_read_whatever_the_header_says(account: Account) -> None:
    account.debtor()
    form = {
        "api_key": account.served.wefact_key, "controller": "invoice", "action": "add", "Debtor": "1",
        "InvoiceLines[0][Number]": "2", "InvoiceLines[0][PriceExcl]": "100", "InvoiceLines[0][TaxCode]": "V21",
        "InvoiceLines[1][PriceExcl]": "0.19", "InvoiceLines[1][Description]": "één", "CustomFields[order]": "12",
    }  # fmt: skip
    invoice = account.client.post(account.served.wefact, data=form).json()["invoice"]
    assert (invoice["AmountIncl"], invoice["CustomFields"]) == ("242.23", {"order": "12"})
    assert invoice["InvoiceLines"][1]["Description"] == "één"
    asked = {"api_key": account.served.wefact_key, "controller": "settings", "action": "list"}
    bare = account.client.post(account.served.wefact.rstrip("/"), content=json.dumps(asked))
    assert bare.json()["status"] == "success"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"a[b=c&[]=1&x[[y]]=2&=&&&",
        b'{"api_key": {"a": 1}}',
        b'{"api_key": "\\ud800"}',
    ],
)
def test_a_body_that_is_nonsense_has_no_key(account: Account, body: bytes) -> None:
    answer = account.client.post(account.served.wefact, content=body)
    assert (answer.status_code, answer.json()["controller"]) == (200, "invalid")


def test_numbers_are_texts_or_numbers_as_switched(account: Account) -> None:
    mixed = account.invoice()
    assert (mixed["Identifier"], mixed["Status"], mixed["Discount"]) == ("41", "0", 0)
    assert isinstance(mixed["InvoiceLines"][0]["Identifier"], int)
    account.switch(scalars="strings")
    answer = account.call("invoice", "list")
    assert (answer["totalresults"], answer["invoices"][0]["Identifier"]) == ("1", "41")
    account.switch(scalars="numbers")
    shown = account.call("invoice", "show", Identifier=41)["invoice"]
    assert (shown["Identifier"], shown["AmountIncl"], shown["DebtorCode"]) == (41, 121, "DB10000")


# Debtors, products, settings


def test_debtors_are_added_shown_edited_and_listed(account: Account) -> None:
    made = account.debtor(Initials="Petra", EmailAddress="P.Bakker@klant.example", CustomFields={"nr": "8"})
    assert (made["Identifier"], made["DebtorCode"], made["Country"]) == ("1", "DB10000", "NL")
    assert account.ok("debtor", "show", DebtorCode="db10000")["debtor"] == made
    edited = account.ok("debtor", "edit", Identifier=1, City="Utrecht")["debtor"]
    assert (edited["City"], edited["SurName"]) == ("Utrecht", "Bakker")
    found = account.ok("debtor", "list", searchat="EmailAddress", searchfor="p.bakker@")
    assert found["filters"] == {"searchat": "EmailAddress", "searchfor": "p.bakker@"}
    assert set(found["debtors"][0]) == {
        "Identifier", "DebtorCode", "CompanyName", "Sex", "Initials", "SurName", "EmailAddress", "Modified",
    }  # fmt: skip


def test_an_empty_list_has_no_rows_key(account: Account) -> None:
    answer = account.ok("debtor", "list", searchat="EmailAddress", searchfor="nobody")
    assert (answer["totalresults"], "debtors" in answer) == (0, False)
    account.debtor()
    beyond = account.ok("debtor", "list", offset=5)
    assert (beyond["totalresults"], "debtors" in beyond) == (0, False)
    assert "filters" not in account.ok("debtor", "list")


def test_unknown_parameters_are_ignored(account: Account) -> None:
    account.invoice()
    assert account.ok("invoice", "list", DebtorCode="DB99999")["totalresults"] == 1


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"Identifier": 7, "SurName": "X"}, "Een Identifier is niet toegestaan voor deze actie"),
        ({"CompanyName": " "}, "U dient een bedrijfsnaam of achternaam op te geven"),
        ({"SurName": "X", "Country": "Nederland"}, "Het land is niet juist ingevuld"),
        ({"SurName": ["X"]}, "Invalid type for 'SurName'"),
        ({"SurName": "X", "ZipCode": 1234}, "Invalid type for 'ZipCode'"),
        ({"SurName": "X", "DebtorCode": "db10000"}, "DebtorCode db10000 is al in gebruik"),
    ],
)
def test_a_debtor_that_cannot_be_is_refused(account: Account, params: dict[str, Any], sentence: str) -> None:
    account.debtor()
    assert account.refused("debtor", "add", **params) == sentence
    assert len(account.stored("debtors")) == 1


def test_what_is_not_there_is_not_found(account: Account) -> None:
    assert account.refused("debtor", "show", Identifier=9) == "Klant niet gevonden."
    assert account.refused("invoice", "show", Identifier=999) == "Factuur 999 niet gevonden"
    account.switch(show_error="hostfact")
    assert account.refused("debtor", "show", Identifier=9) == "Ongeldig kenmerk voor debiteur"


def test_products_are_kept_by_code(account: Account) -> None:
    product = {
        "ProductCode": "SKU1",
        "ProductName": "Bonen",
        "ProductKeyPhrase": "Bonen 1 kg",
        "PriceExcl": 12.5,
    }
    made = account.ok("product", "add", **product)["product"]
    assert (made["PriceExcl"], made["TaxPercentage"]) == ("12.5", 21)
    assert account.refused("product", "add", **product) == "ProductCode SKU1 is al in gebruik"
    line = account.invoice(InvoiceLines=[{"ProductCode": "SKU1"}])["InvoiceLines"][0]
    assert (line["Description"], line["PriceExcl"]) == ("Bonen 1 kg", "12.5")
    refusal = account.refused("product", "add", ProductName="X", PriceExcl=1)
    assert refusal == "De omschrijving voor op de factuur is niet juist ingevuld"
    assert account.ok("product", "delete", ProductCode="SKU1")["success"] == ["Product SKU1 is verwijderd"]


def test_settings_list_layouts_and_tax_codes(account: Account) -> None:
    settings = account.ok("settings", "list")["settings"]
    assert settings["CorporateIdentity"][0]["LanguageCode"] == "nl_nl"
    codes = settings["Tax"]["Codes"]["Sale"]
    assert {code: codes[code]["Rate"] for code in ("V21", "V9", "ICP", "DE19", "FI255", "FR55")} == {
        "V21": "0.210000", "V9": "0.090000", "ICP": "0.000000", "DE19": "0.190000", "FI255": "0.255000",
        "FR55": "0.055000",
    }  # fmt: skip
    assert account.ok("group", "list", type="debtor")["totalresults"] == 0


# Invoices


def test_a_draft_gets_its_number_when_it_is_sent(account: Account) -> None:
    draft = account.invoice(Date="2026-03-02", Term=14)
    assert (draft["InvoiceCode"], draft["PayBefore"]) == ("[concept]0001", "2026-03-16")
    assert draft["AmountOutstanding"] == "0.00"
    answer = account.ok("invoice", "sendbyemail", Identifier=draft["Identifier"])
    assert answer["success"] == ["Factuur F2026-0001 is per e-mail verzonden naar b@klant.example."]
    sent = answer["invoice"]
    assert (sent["InvoiceCode"], sent["Status"], sent["Sent"]) == ("F2026-0001", "2", "1")
    assert sent["AmountOutstanding"] == "121.00"
    assert [mail["to"] for mail in account.admin("GET", "outbox")["outbox"]] == ["b@klant.example"]
    assert account.invoice()["InvoiceCode"] == "[concept]0002"


def test_an_invoice_added_as_sent_has_a_number_of_its_own_or_the_next(account: Account) -> None:
    assert account.invoice(Status=2, Date="2026-01-31")["InvoiceCode"] == "F2026-0001"
    assert account.invoice(Status=2, InvoiceCode="2026-1001")["InvoiceCode"] == "2026-1001"
    debtor = account.debtor()["Identifier"]
    params = {"Debtor": debtor, "InvoiceLines": [LINE], "InvoiceCode": "2026-1001"}
    assert account.refused("invoice", "add", Status=2, **params) == "Factuurnummer 2026-1001 is al in gebruik"
    refusal = account.refused("invoice", "add", **params)
    assert refusal == "Een factuurnummer is niet toegestaan voor een conceptfactuur"


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"Identifier": 4}, "Een Identifier is niet toegestaan voor deze actie"),
        ({"Debtor": 77}, "Klant niet gevonden."),
        ({"InvoiceLines": []}, "Een factuur moet minimaal één factuurregel bevatten"),
        ({"InvoiceLines": "[{}]"}, "Invalid type for 'InvoiceLines'"),
        ({"InvoiceLines": [LINE | {"TaxCode": "V77"}]}, "De btw-code V77 bestaat niet"),
        (
            {"InvoiceLines": [LINE | {"PriceExcl": "1,250.50"}]},
            "Invalid type for 'InvoiceLines[0].PriceExcl'",
        ),
        ({"InvoiceLines": [LINE | {"PriceExcl": "NaN"}]}, "Invalid type for 'InvoiceLines[0].PriceExcl'"),
        (
            {"InvoiceLines": [LINE, LINE | {"Description": 5}]},
            "Invalid type for 'InvoiceLines[1].Description'",
        ),
        ({"Status": 9}, "De status is niet juist ingevuld"),
        ({"Discount": 101}, "De korting is niet juist ingevuld"),
        ({"Term": "soon"}, "Invalid type for 'Term'"),
        ({"PaymentMethod": "banktransfer"}, "De betaalmethode of het geslacht is niet juist ingevuld"),
        ({"InvoiceLines": ["Mok"]}, "Invalid type for 'InvoiceLines[0]'"),
        ({"Date": "02-03-2026"}, "De datum is niet juist ingevuld"),
        ({"VatCalcMethod": "both"}, "De btw berekeningsmethode is niet juist ingevuld"),
    ],
)
def test_an_invoice_that_cannot_be_is_refused(
    account: Account, params: dict[str, Any], sentence: str
) -> None:
    account.debtor()
    asked = {"Debtor": 1, "InvoiceLines": [LINE]} | params
    assert account.refused("invoice", "add", **asked) == sentence
    assert account.stored("invoices") == []


def test_a_date_with_a_time_is_cut_or_refused(account: Account) -> None:
    assert account.invoice(Date="2026-03-02 23:59:59")["Date"] == "2026-03-02"
    account.switch(refuse_time=True)
    asked = {"Debtor": 1, "InvoiceLines": [LINE], "Date": "2026-03-02 23:59:59"}
    assert account.refused("invoice", "add", **asked) == "De datum is niet juist ingevuld"


def test_rows_are_found_by_reference_but_never_show_it(account: Account) -> None:
    account.invoice(ReferenceNumber="2026-1001", Comment="token-1")
    row = account.ok("invoice", "list", searchat="ReferenceNumber", searchfor="1001")["invoices"][0]
    assert not {"ReferenceNumber", "Comment", "InvoiceLines"} & set(row)
    assert account.ok("invoice", "show", Identifier=row["Identifier"])["invoice"]["Comment"] == "token-1"
    assert account.ok("invoice", "list", searchat="Comment", searchfor="token-1")["totalresults"] == 0
    account.switch(search_reference=False)
    assert account.ok("invoice", "list", searchat="ReferenceNumber", searchfor="1001")["totalresults"] == 0
    account.switch(unknown_column="all")
    assert account.ok("invoice", "list", searchat="Comment", searchfor="nothing")["totalresults"] == 1
    account.switch(unknown_column="error")
    assert account.refused("invoice", "list", searchat="Comment", searchfor="x")


def test_the_debtor_column_matches_exactly(account: Account) -> None:
    for _ in range(11):
        account.debtor()
    account.invoice(Debtor=11)
    assert account.ok("invoice", "list", searchat="Debtor", searchfor="1")["totalresults"] == 0
    assert account.ok("invoice", "list", searchat="Debtor|InvoiceCode", searchfor="11")["totalresults"] == 1


def test_lists_are_sorted_paged_and_limited_in_time(account: Account) -> None:
    for day in ("2026-01-03", "2026-01-01", "2026-01-02"):
        account.invoice(Date=day, Status=2)
    page = account.ok("invoice", "list", sort="Date", order="ASC", limit=2, offset=1)
    assert [row["Date"] for row in page["invoices"]] == ["2026-01-02", "2026-01-03"]
    assert (page["totalresults"], page["currentresults"], page["offset"]) == (3, 2, 1)
    window = {"from": "2026-01-02", "to": "2026-01-02"}
    assert account.ok("invoice", "list", date=window)["totalresults"] == 1
    assert account.ok("invoice", "list", created={"from": "2099-01-01 00:00:00"})["totalresults"] == 0
    assert account.ok("invoice", "list", status="2|4")["totalresults"] == 3
    assert account.ok("invoice", "list", status="0")["totalresults"] == 0


def test_a_search_may_lag_behind_while_show_does_not(account: Account) -> None:
    account.switch(search_lag=60)
    made = account.invoice(ReferenceNumber="R1")
    assert account.ok("invoice", "list", searchat="ReferenceNumber", searchfor="R1")["totalresults"] == 0
    assert account.ok("invoice", "show", Identifier=made["Identifier"])["invoice"]["ReferenceNumber"] == "R1"


def test_only_drafts_are_deleted_and_only_sent_ones_paid(account: Account) -> None:
    draft = account.invoice()["Identifier"]
    assert "niet op betaald" in account.refused("invoice", "markaspaid", Identifier=draft)
    sent = account.invoice(Status=2, Date="2026-01-01")["Identifier"]
    assert (
        account.refused("invoice", "delete", Identifier=sent)
        == "Alleen conceptfacturen kunnen worden verwijderd"
    )
    assert account.ok("invoice", "delete", Identifier=draft)["success"] == [
        "Conceptfactuur [concept]0001 is verwijderd."
    ]
    assert account.ok("invoice", "markaspaid", Identifier=sent)["success"] == [
        "Factuur F2026-0001 is betaald."
    ]
    assert account.ok("invoice", "show", Identifier=sent)["invoice"]["Status"] == "4"


def test_crediting_makes_the_whole_invoice_negative(account: Account) -> None:
    invoice = account.invoice(Status=2, Date="2026-01-01")
    answer = account.ok("invoice", "credit", Identifier=invoice["Identifier"])
    credit = answer["invoice"]
    assert (credit["Status"], credit["AmountIncl"], credit["InvoiceLines"][0]["PriceExcl"]) == (
        "8",
        "-121.00",
        "-100",
    )
    assert answer["success"][1] == "Factuur F2026-0001 is gecrediteerd."
    assert account.ok("invoice", "show", Identifier=invoice["Identifier"])["invoice"]["Status"] == "9"
    account.refused("invoice", "credit", Identifier=invoice["Identifier"])


def test_lines_are_added_and_deleted_down_to_the_last(account: Account) -> None:
    id = account.invoice()["Identifier"]
    added = account.ok("invoiceline", "add", Identifier=id, InvoiceLines=[LINE | {"PriceExcl": "-10"}])
    assert (added["success"], added["invoice"]["AmountIncl"]) == (
        ["Er zijn 1 factuurregels toegevoegd"],
        "108.90",
    )
    first, second = (line["Identifier"] for line in added["invoice"]["InvoiceLines"])
    account.ok("invoiceline", "delete", Identifier=id, InvoiceLines=[{"Identifier": first}])
    account.refused("invoiceline", "delete", Identifier=id, InvoiceLines=[{"Identifier": second}])


def test_an_invoice_is_changed_field_by_field(account: Account) -> None:
    id = account.invoice(ReferenceNumber="R1", CustomFields={"a": "1"})["Identifier"]
    other = account.debtor(SurName="Visser")["Identifier"]
    params = {
        "Debtor": other,
        "InvoiceLines": [LINE | {"PriceExcl": 50}],
        "CustomFields": {"b": "2"},
        "Status": 2,
    }
    changed = account.ok("invoice", "edit", Identifier=id, **params)["invoice"]
    assert (changed["Debtor"], changed["AmountIncl"], changed["ReferenceNumber"]) == (other, "60.50", "R1")
    assert changed["CustomFields"] == {"a": "1", "b": "2"}
    assert (changed["Status"], changed["InvoiceCode"][:1]) == ("2", "F")


def test_payments_in_parts_end_in_paid_and_can_be_undone(account: Account) -> None:
    id = account.invoice(Status=2)["Identifier"]
    part = account.ok("invoice", "partpayment", Identifier=id, AmountPaid="100")["invoice"]
    assert (part["Status"], part["AmountOutstanding"]) == ("3", "21.00")
    assert account.ok("invoice", "partpayment", Identifier=id, AmountPaid="21")["invoice"]["Status"] == "4"
    assert account.ok("invoice", "markasunpaid", Identifier=id)["invoice"]["AmountOutstanding"] == "121.00"
    account.refused("invoice", "markasunpaid", Identifier=id)
    account.refused("invoice", "markaspaid", Identifier=id, PaymentMethod="banktransfer")


def test_an_invoice_can_be_added_as_paid(account: Account) -> None:
    made = account.invoice(Status="4", PaymentMethod="ideal", PayDate="2026-03-01")
    assert (made["Status"], made["AmountPaid"], made["AmountOutstanding"]) == ("4", "121.00", "0.00")
    assert (made["PaymentMethod"], made["PayDate"]) == ("ideal", "2026-03-01")


def test_a_blocked_draft_is_not_sent(account: Account) -> None:
    id = account.invoice()["Identifier"]
    assert account.ok("invoice", "block", Identifier=id)["invoice"]["SubStatus"] == "BLOCKED"
    account.refused("invoice", "sendbyemail", Identifier=id)
    account.ok("invoice", "unblock", Identifier=id)
    account.ok("invoice", "sendbyemail", Identifier=id)
    account.refused("invoice", "block", Identifier=id)


def test_nobody_is_mailed_without_an_address(account: Account) -> None:
    id = account.invoice(Debtor=account.debtor()["Identifier"])["Identifier"]
    assert account.refused("invoice", "sendbyemail", Identifier=id) == "Er is geen e-mailadres ingevuld"


def test_a_debtors_term_and_an_empty_date_show_on_the_invoice(account: Account) -> None:
    account.switch(empty_date="0000-00-00")
    made = account.invoice(Debtor=account.debtor(InvoiceTerm=30)["Identifier"], Date="2026-03-01")
    assert (made["Term"], made["PayBefore"], made["SentDate"]) == ("30", "2026-03-31", "0000-00-00")


def test_a_product_that_does_not_exist_is_kept_or_refused(account: Account) -> None:
    lines = [LINE | {"ProductCode": "NONE"}]
    assert account.invoice(InvoiceLines=lines)["InvoiceLines"][0]["ProductCode"] == "NONE"
    account.switch(unknown_product="refuse")
    assert account.refused("invoice", "add", Debtor=1, InvoiceLines=lines) == "Product NONE niet gevonden"


def test_actions_that_exist_but_are_not_built_say_so(account: Account) -> None:
    id = account.invoice()["Identifier"]
    assert account.refused("invoice", "schedule", Identifier=id) == "Deze actie doet de zandbak niet na."
    assert account.refused("task", "list") == "Deze actie doet de zandbak niet na."


def test_the_currency_is_the_debtors_and_no_input(account: Account) -> None:
    assert account.invoice(Currency="USD")["Currency"] == "EUR"


def test_an_invoice_is_downloaded_as_pdf(account: Account) -> None:
    file = account.ok("invoice", "download", Identifier=account.invoice()["Identifier"])["invoice"]
    assert (file["Filename"], file["MimeType"]) == ("Factuur_[concept]0001.pdf", "application/pdf")


def test_a_client_written_by_others_works_unchanged(account: Account) -> None:
    other = WeFact(api_key=account.served.wefact_key, api_url=account.served.wefact)
    made = other.debtors.create(CompanyName="Bakkerij Ördög B.V.", EmailAddress="info@bakkerij.example")[
        "debtor"
    ]
    found = other.debtors.list(searchat="EmailAddress", searchfor="info@bakkerij.example")
    assert [row["Identifier"] for row in found["debtors"]] == [made["Identifier"]]
    assert other.debtors.show(Identifier=made["Identifier"])["debtor"]["CompanyName"] == "Bakkerij Ördög B.V."
    lines = [{"Number": 2, "Description": "Meel", "PriceExcl": 100, "TaxCode": "V21"}, {"PriceExcl": 0.19}]
    invoice = other.invoices.create(DebtorCode=made["DebtorCode"], InvoiceLines=lines)["invoice"]
    assert other.invoices.show(Identifier=invoice["Identifier"])["invoice"]["AmountIncl"] == "242.23"
    with pytest.raises(WeFactAPIError):
        other.invoices.show(Identifier="999")


# Faults


def test_a_dropped_answer_leaves_the_object_and_no_answer(
    account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    match = {"controller": "debtor", "action": "add"}
    account.admin("POST", "faults", {"kind": "drop_after_commit", "match": match})
    with pytest.raises(httpx.TransportError):
        account.debtor()
    assert len(account.stored("debtors")) == 1
    entry = account.admin("GET", "requests")["requests"][-1]
    assert (entry["status"], entry["fault"], entry["body"]["api_key"]) == (None, "drop_after_commit", "***")
    account.debtor()
    assert capfd.readouterr() == ("", "")


def test_a_request_dropped_before_it_is_executed_leaves_nothing(account: Account) -> None:
    account.admin("POST", "faults", [{"kind": "drop_before", "times": 2}])
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            account.debtor()
    assert account.stored("debtors") == []


def test_faults_strike_only_what_they_match_and_can_be_taken_back(account: Account) -> None:
    account.admin(
        "POST", "faults", {"kind": "status", "match": {"controller": "invoice"}, "skip": 1, "times": 9}
    )
    account.debtor()
    account.invoice(Debtor=1)
    assert account.admin("GET", "faults")["faults"][0]["skip"] == 0
    account.admin("DELETE", "faults")
    account.invoice(Debtor=1)


@pytest.mark.parametrize(("when", "stored"), [("before", 0), ("after", 1)])
def test_a_gateway_fails_before_or_after_the_call_is_executed(
    account: Account, when: str, stored: int
) -> None:
    account.admin("POST", "faults", {"kind": "status", "status": 502, "when": when})
    asked = {"api_key": account.served.wefact_key, "controller": "debtor", "action": "add", "SurName": "X"}
    answer = account.client.post(account.served.wefact, json=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert len(account.stored("debtors")) == stored


@pytest.mark.parametrize(("when", "stored"), [("before", 0), ("after", 1)])
def test_a_slow_answer_is_executed_late_or_at_once(account: Account, when: str, stored: int) -> None:
    account.admin("POST", "faults", {"kind": "delay", "seconds": 0.3, "when": when})
    asked = {"api_key": account.served.wefact_key, "controller": "debtor", "action": "add", "SurName": "X"}
    with pytest.raises(httpx.ReadTimeout):
        account.client.post(account.served.wefact, json=asked, timeout=0.1)
    assert len(account.stored("debtors")) == stored
    deadline = time.monotonic() + 5
    while len(account.stored("debtors")) < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(account.stored("debtors")) == 1


def test_answers_can_be_a_web_page_or_cut_in_half(account: Account) -> None:
    account.admin("POST", "faults", [{"kind": "html"}, {"kind": "truncated"}])
    asked = {"api_key": account.served.wefact_key, "controller": "settings", "action": "list"}
    page, half = (account.client.post(account.served.wefact, json=asked) for _ in range(2))
    assert (page.status_code, page.text[:9]) == (200, "<!DOCTYPE")
    with pytest.raises(json.JSONDecodeError):
        half.json()


def test_a_list_can_lose_its_rows_silently_or_half_of_them_with_the_total_told(account: Account) -> None:
    for number in range(3):
        account.debtor(SurName=f"Bakker {number}")
    account.admin("POST", "faults", [{"kind": "empty"}, {"kind": "short"}])
    lost, half = (account.ok("debtor", "list") for _ in range(2))
    assert (lost["totalresults"], lost["currentresults"], "debtors" in lost) == (0, 0, False)
    assert (half["totalresults"], half["currentresults"], len(half["debtors"])) == (3, 1, 1)


def test_what_is_done_by_hand_meets_no_fault_and_is_not_logged(account: Account) -> None:
    account.admin("POST", "faults", {"kind": "drop_before"})
    by_hand = {"controller": "debtor", "action": "add", "SurName": "Bakker"}
    assert account.admin("POST", "call", by_hand)["debtor"]["SurName"] == "Bakker"
    assert (len(account.stored("debtors")), account.admin("GET", "requests")["requests"]) == (1, [])
    assert len(account.admin("GET", "faults")["faults"]) == 1


def test_the_weather_strikes_the_same_calls_for_the_same_seed(account: Account) -> None:
    def struck(seed: int) -> list[str | None]:
        account.admin("POST", "reset")
        account.admin("PUT", "switches", {"speed": 1000})
        account.admin("PUT", "weather", {"percent": 50, "seed": seed, "match": {"action": "list"}})
        # On a connection that is just hung up a call would never arrive.
        alone = {"connection": "close"}
        for _ in range(30):
            with suppress(httpx.TransportError):
                asked = {"controller": "debtor", "action": "list"}
                account.client.post(account.served.wefact, json=asked, headers=alone)
        account.client.post(account.served.wefact, json={"controller": "debtor", "action": "show"})
        # A call that was hung up on may be logged a moment later.
        for _ in range(200):
            if len(entries := account.admin("GET", "requests")["requests"]) == 31:
                break
            time.sleep(0.05)
        return [entry["fault"] for entry in entries]

    first = struck(7)
    assert struck(7) == first
    assert struck(8) != first
    assert (len(set(first)) > 5, first[-1]) == (True, None)


def test_an_answer_can_come_bit_by_bit_in_scaled_time(account: Account) -> None:
    account.admin("PUT", "switches", {"speed": 100})
    account.admin("POST", "faults", {"kind": "drip", "seconds": 20})
    started = time.monotonic()
    with account.client.stream("POST", account.served.wefact, json={}) as answer:
        pieces = [piece for piece in answer.iter_raw() if piece]
    assert (len(pieces) > 2, time.monotonic() - started > 0.15) == (True, True)
    assert json.loads(b"".join(pieces))["status"] == "error"


def test_a_connection_can_be_closed_between_two_requests(account: Account) -> None:
    account.admin("POST", "faults", {"kind": "hang_up", "seconds": 0})
    with socket.create_connection(("127.0.0.1", httpx.URL(account.served.wefact).port)) as connection:
        connection.sendall(b"POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert (received[:15], received[-1:]) == (b"HTTP/1.1 200 OK", b"}")


def test_the_clock_can_be_wrong(account: Account) -> None:
    account.admin("PUT", "switches", {"clock_skew": -3600})
    made = datetime.fromisoformat(account.debtor()["Created"]).replace(tzinfo=ZoneInfo("Europe/Amsterdam"))
    behind = datetime.now(UTC) - made
    assert 3590 < behind.total_seconds() < 3660


@pytest.mark.parametrize(
    "wrong", [{"percent": 101}, {"faults": ["rain"]}, {"faults": []}, {"seed": "x"}, {"wind": 1}, []]
)
def test_weather_that_cannot_be_read_is_refused(account: Account, wrong: Any) -> None:
    root = account.served.wefact.removesuffix("/v2/")
    assert account.client.put(f"{root}/_sandbox/weather", json=wrong).status_code == 400


def test_a_ban_to_order_lasts_until_it_is_lifted(account: Account) -> None:
    account.admin("POST", "faults", {"kind": "ban"})
    codes = [account.client.post(account.served.wefact, json={}).status_code for _ in range(3)]
    assert codes == [403, 403, 403]
    account.switch(banned=False)
    account.ok("settings", "list")


# Serving


def test_the_command_prints_its_addresses_first_and_stops_on_a_signal() -> None:
    program = "from mapper.sandbox.serve import serve; serve(0, 0, 0, 1)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        assert set(urls) == {"ccv", "wefact", "vies"}
        assert httpx.get(urls["ccv"] + "/_sandbox/kinds", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_slow_answer_does_not_hold_up_the_end() -> None:
    started = time.monotonic()
    with Sandbox() as served, httpx.Client(trust_env=False) as client:
        account = Account(served, client)
        account.admin("POST", "faults", {"kind": "delay", "seconds": 60})
        with pytest.raises(httpx.ReadTimeout):
            client.post(served.wefact, json={}, timeout=0.05)
    assert time.monotonic() - started < 5


def test_it_listens_on_loopback_only_and_says_when_a_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refusal, Sandbox(wefact_port=port):
            pass
    assert refusal.value.code == "SBX101"
    with pytest.raises(ConfigError), Sandbox(vies_port=70_000):
        pass


def test_the_help_names_every_kind_switch_and_fault(account: Account) -> None:
    for name in (*account.admin("GET", "switches"), "drop_after_commit", "nl_ideal", "real_shape", "outages"):
        assert name in ADMIN_HELP
