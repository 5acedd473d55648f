"""The three clients against the sandbox, which was written from the services' documentation on its own."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from mapper.errors import Banned, Refused, ServiceError, Temporary, Unauthorised
from mapper.services.ccv import CcvShop, is_signed
from mapper.services.http import Secret, Unlimited, open_client
from mapper.services.vies import Vies
from mapper.services.wefact import WeFact, decimal_of, text_of
from tests.conftest import Services
from tests.loopback import Answer, Asked, loopback

T = TypeVar("T")
LINES = [{"Number": "2", "Description": "Koffie", "PriceExcl": "10", "TaxCode": "V21"}]


def calls(sandbox: Services, service: str) -> int:
    return len(sandbox.admin(service, "GET", "requests")["requests"])


def with_shop(
    sandbox: Services,
    use: Callable[[CcvShop], Awaitable[T]],
    *,
    secret: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> T:
    async def scenario() -> T:
        async with open_client(loopback=True, timeout=5) as client:
            key = Secret(sandbox.ccv_secret if secret is None else secret)
            return await use(
                CcvShop(client, sandbox.ccv, sandbox.ccv_public, key, now=now, jitter=lambda: 0.0)
            )

    return asyncio.run(scenario())


def with_wefact(
    sandbox: Services, use: Callable[[WeFact], Awaitable[T]], *, key: str | None = None, timeout: float = 5
) -> T:
    async def scenario() -> T:
        async with open_client(loopback=True, timeout=timeout) as client:
            secret = Secret(sandbox.wefact_key if key is None else key)
            return await use(WeFact(client, sandbox.wefact, secret, Unlimited(), jitter=lambda: 0.0))

    return asyncio.run(scenario())


async def add_debtor(wefact: WeFact, email: str = "a@example.nl", **more: str) -> dict[str, Any]:
    params = {"SurName": "Jansen", "EmailAddress": email, **more}
    answer = await wefact.call("debtor", "add", params, changes=True)
    debtor: dict[str, Any] = answer["debtor"]
    return debtor


async def add_invoice(wefact: WeFact, debtor: str) -> dict[str, Any]:
    params = {"Debtor": debtor, "InvoiceLines": LINES, "Comment": "token-1"}
    answer = await wefact.call("invoice", "add", params, changes=True)
    invoice: dict[str, Any] = answer["invoice"]
    return invoice


def test_an_order_of_320_rows_is_read_whole(sandbox: Services) -> None:
    made = sandbox.admin("ccv", "POST", "orders", {"kind": "many_rows"})["orders"][0]
    order = with_shop(sandbox, lambda shop: shop.order(made["id"]))
    assert [row["id"] for row in order["rows"]] == [row["id"] for row in made["rows"]]
    assert len(order["rows"]) == 320
    assert isinstance(order["total_price"], Decimal | int)


@pytest.mark.parametrize("following", ["null", "absent"])
def test_orders_are_listed_page_by_page(sandbox: Services, following: str) -> None:
    sandbox.admin("ccv", "PUT", "switches", {"next": following})
    sandbox.admin("ccv", "POST", "orders", {"kind": "nl_ideal", "count": 200})
    made = sandbox.admin("ccv", "POST", "orders", {"kind": "unpaid"})["orders"][0]
    hour = timedelta(hours=1)

    async def listed(shop: CcvShop) -> list[list[Any]]:
        now = datetime.now(UTC)
        return [
            [order["id"] async for order in shop.orders()],
            [order["id"] async for order in shop.orders(is_paid=False)],
            [order["id"] async for order in shop.orders(created_from=now - hour, created_to=now + hour)],
            [order["id"] async for order in shop.orders(created_from=now + hour)],
        ]

    every, unpaid, recent, later = with_shop(sandbox, listed)
    assert every == sorted(set(every))
    assert (len(every), unpaid, recent, later) == (201, [made["id"]], every, [])


@pytest.mark.parametrize("shape", ["object", "collection"])
def test_the_home_country_is_the_merchants(sandbox: Services, shape: str) -> None:
    sandbox.admin("ccv", "PUT", "switches", {"merchant": shape, "home_country": "BE"})
    assert with_shop(sandbox, lambda shop: shop.merchant())["country_code"] == "BE"


def test_the_shop_and_its_payment_methods_are_read(sandbox: Services) -> None:
    assert with_shop(sandbox, lambda shop: shop.webshop())["id"]
    assert all(method["id"] for method in with_shop(sandbox, lambda shop: shop.paymethods()))


def test_R2_webhooks_are_registered_listed_and_deleted(sandbox: Services) -> None:
    events = ["orders.created", "orders.updated.ispaid", "orders.updated.status", "orders.deleted"]

    async def scenario(shop: CcvShop) -> list[Any]:
        made = [await shop.create_webhook(event, "http://127.0.0.1:9/hook?t=1") for event in events]
        listed = await shop.webhooks()
        for hook in [*made, made[0]]:
            await shop.delete_webhook(hook["id"])
        return [[(hook["event"], bool(hook["key"])) for hook in listed], await shop.webhooks()]

    assert with_shop(sandbox, scenario) == [[(event, True) for event in events], []]


def test_a_wrong_secret_and_a_wrong_clock_are_told_apart(sandbox: Services) -> None:
    with pytest.raises(Unauthorised) as caught:
        with_shop(sandbox, lambda shop: shop.webshop(), secret="other")
    assert caught.value.code == "CCV201"
    with pytest.raises(Unauthorised) as caught:
        with_shop(sandbox, lambda shop: shop.webshop(), now=lambda: datetime.now(UTC) - timedelta(minutes=10))
    assert caught.value.code == "CCV202"
    assert abs(int(str(caught.value.facts["seconds"])) + 600) < 5


def test_an_answer_signed_with_another_secret_is_not_used(sandbox: Services) -> None:
    sandbox.admin("ccv", "PUT", "switches", {"check_signature": False})
    with pytest.raises(Temporary) as caught:
        with_shop(sandbox, lambda shop: shop.webshop(), secret="other")
    assert caught.value.code == "CCV105"


def test_an_order_that_does_not_exist_is_refused(sandbox: Services) -> None:
    with pytest.raises(Refused) as caught:
        with_shop(sandbox, lambda shop: shop.order(1))
    assert caught.value.code == "CCV301"


@pytest.mark.parametrize(
    ("fault", "times", "code", "tries"),
    [
        ({"kind": "status", "status": 503}, 2, "", 3),
        ({"kind": "status", "status": 503}, 3, "CCV103", 3),
        ({"kind": "drop_before"}, 2, "", 3),
        ({"kind": "html"}, 1, "CCV105", 1),
        ({"kind": "truncated"}, 1, "CCV105", 1),
        ({"kind": "ban"}, 1, "CCV106", 1),
    ],
)
def test_a_fault_of_the_shop_is_retried_or_told(
    sandbox: Services, fault: dict[str, Any], times: int, code: str, tries: int
) -> None:
    sandbox.admin("ccv", "POST", "faults", {**fault, "times": times, "match": {"path": "paymethods"}})
    try:
        with_shop(sandbox, lambda shop: shop.paymethods())
        told = ""
    except Temporary as error:
        told = error.code
    assert (told, calls(sandbox, "ccv")) == (code, tries)


def test_settings_hold_the_tax_codes(sandbox: Services) -> None:
    settings = with_wefact(sandbox, lambda wefact: wefact.settings())
    assert decimal_of(settings["Tax"]["Codes"]["Sale"]["V21"], "Rate") == Decimal("0.21")


@pytest.mark.parametrize("scalars", ["mixed", "strings", "numbers"])
def test_W14_W20_what_was_added_is_found_and_shown(sandbox: Services, scalars: str) -> None:
    sandbox.admin("wefact", "PUT", "switches", {"scalars": scalars})

    async def scenario(wefact: WeFact) -> None:
        debtor = text_of(await add_debtor(wefact), "Identifier")
        invoice = await add_invoice(wefact, debtor)
        found = await wefact.search("debtor", {"searchat": "EmailAddress", "searchfor": "A@example.nl"})
        assert [text_of(row, "Identifier") for row in found] == [debtor]
        shown = await wefact.show("invoice", text_of(invoice, "Identifier"))
        assert shown is not None
        assert text_of(shown, "Comment") == "token-1"
        assert decimal_of(shown, "AmountIncl") == Decimal("24.20")

    with_wefact(sandbox, scenario)


@pytest.mark.parametrize("show_error", ["wefact", "hostfact"])
def test_W16_what_is_not_there_is_none(sandbox: Services, show_error: str) -> None:
    sandbox.admin("wefact", "PUT", "switches", {"show_error": show_error})

    async def scenario(wefact: WeFact) -> list[Any]:
        return [
            await wefact.search("invoice", {"searchat": "ReferenceNumber", "searchfor": "1001"}),
            await wefact.show("invoice", "99999"),
            await wefact.show("debtor", "99999"),
            await wefact.show("product", "NONE", by="ProductCode"),
        ]

    assert with_wefact(sandbox, scenario) == [[], None, None, None]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_wrong_key_is_unauthorised(sandbox: Services, language: str) -> None:
    sandbox.admin("wefact", "PUT", "switches", {"key_error": language})
    with pytest.raises(Unauthorised) as caught:
        with_wefact(sandbox, lambda wefact: wefact.show("invoice", "1"), key="other")
    assert caught.value.code == "WEF201"


def test_a_refused_address_is_named(sandbox: Services) -> None:
    sandbox.admin("wefact", "PUT", "switches", {"allowed_ips": ["192.0.2.1"]})
    with pytest.raises(Unauthorised) as caught:
        with_wefact(sandbox, lambda wefact: wefact.settings())
    assert (caught.value.code, caught.value.facts["ip"]) == ("WEF202", "127.0.0.1")


@pytest.mark.parametrize("body", ["text", "json"])
def test_a_ban_is_not_tried_again(sandbox: Services, body: str) -> None:
    sandbox.admin("wefact", "PUT", "switches", {"banned": True, "ban_body": body})
    with pytest.raises(Banned) as caught:
        with_wefact(sandbox, lambda wefact: wefact.settings())
    assert caught.value.facts["ip"] == "127.0.0.1"
    assert calls(sandbox, "wefact") == 1


def test_an_unknown_call_and_a_wrong_field_are_refused(sandbox: Services) -> None:
    with pytest.raises(Refused) as caught:
        with_wefact(sandbox, lambda wefact: wefact.call("debtor", "delete", {}, changes=True))
    assert caught.value.code == "WEF301"
    with pytest.raises(Refused) as caught:
        with_wefact(sandbox, lambda wefact: add_debtor(wefact, Identifier="5"))
    assert (caught.value.code, caught.value.facts["sentence"]) == (
        "WEF302",
        "Een Identifier is niet toegestaan voor deze actie",
    )


@pytest.mark.parametrize(
    ("fault", "code", "made"),
    [
        ({"kind": "drop_after_commit"}, "WEF102", 1),
        ({"kind": "drop_before"}, "WEF102", 0),
        ({"kind": "delay", "seconds": 0.6}, "WEF106", 1),
        ({"kind": "status", "status": 503, "when": "after"}, "WEF103", 1),
        ({"kind": "status", "status": 503}, "WEF103", 0),
        ({"kind": "truncated"}, "WEF104", 1),
        ({"kind": "html", "when": "after"}, "WEF104", 1),
    ],
)
def test_B3_a_lost_answer_may_have_been_carried_out_and_is_not_repeated(
    sandbox: Services, fault: dict[str, Any], code: str, made: int
) -> None:
    debtor = text_of(with_wefact(sandbox, add_debtor), "Identifier")
    sandbox.admin("wefact", "POST", "faults", {**fault, "match": {"controller": "invoice", "action": "add"}})
    patience = 0.2 if fault["kind"] == "delay" else 10
    with pytest.raises(ServiceError) as caught:
        with_wefact(sandbox, lambda wefact: add_invoice(wefact, debtor), timeout=patience)
    error = caught.value
    assert isinstance(error, Temporary)
    assert (error.code, error.maybe_executed) == (code, True)
    assert len(sandbox.admin("wefact", "GET", "objects")["invoices"]) == made
    assert calls(sandbox, "wefact") == 2


def test_a_delivery_is_signed_over_address_and_body(sandbox: Services) -> None:
    """The form is inferred, so both sides read it from the same single source."""
    sandbox.admin("ccv", "PUT", "switches", {"webhook_signature": "address-body"})
    heard: list[Any] = []

    async def scenario(shop: CcvShop) -> dict[str, Any]:
        def answer(asked: Asked) -> Answer:
            heard.append(asked)
            return Answer(b"OK")

        async with loopback(answer) as server:
            address = f"{server.url}/hook?t=1"
            hook = await shop.create_webhook("orders.created", address)
            await asyncio.to_thread(sandbox.admin, "ccv", "POST", "orders", {"kind": "nl_ideal"})
            for _ in range(100):
                if heard:
                    break
                await asyncio.sleep(0.02)
            return {"key": hook["key"], "address": address}

    hook = with_shop(sandbox, scenario)
    assert is_signed(hook["key"], hook["address"], heard[0].body, heard[0].headers["x-hash"])
    assert not is_signed(hook["key"], hook["address"], heard[0].body + b" ", heard[0].headers["x-hash"])


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("VALID", "valid"),
        ("INVALID", "invalid"),
        ("INVALID_INPUT", "invalid"),
        ("SERVICE_UNAVAILABLE", "unknown"),
        ("MS_UNAVAILABLE", "unknown"),
        ("TIMEOUT", "unknown"),
        ("VAT_BLOCKED", "unknown"),
        ("IP_BLOCKED", "unknown"),
        ("GLOBAL_MAX_CONCURRENT_REQ", "unknown"),
        ("MS_MAX_CONCURRENT_REQ", "unknown"),
    ],
)
def test_K2_vies_has_three_answers(sandbox: Services, word: str, state: str) -> None:
    sandbox.admin("vies", "PUT", "switches", {"answers": {"DE136695976": word}})

    async def scenario() -> tuple[str, str, bool]:
        async with open_client(loopback=True, timeout=5) as client:
            answer = await Vies(client, sandbox.vies).check("DE", "136695976", requester="NL004495445B01")
            return answer.state, answer.code, bool(answer.consultation)

    assert asyncio.run(scenario()) == (state, word, state != "unknown" and word != "INVALID_INPUT")


def test_I4_I8_an_invoice_comes_with_its_order_and_a_credit_with_what_it_corrects(sandbox: Services) -> None:
    (order,) = sandbox.sell("payment_fee")
    debit = sandbox.admin("ccv", "POST", "invoices", {"order": order["id"]})
    part = {"order": order["id"], "changes": {"type": "credit"}, "rows": [{"of": 1, "count": 1}]}
    first, second = (sandbox.admin("ccv", "POST", "invoices", part) for _ in range(2))
    found = with_shop(sandbox, lambda shop: shop.invoice(second["id"]))
    assert (found["paymethod"], found["is_platform_sale"]) == ("After-Pay", False)
    assert found["original"]["id"] == debit["id"]
    assert found["creditable"] == debit["total_price"] + first["total_price"]
    assert found["creditable_vat"] == debit["total_tax"] + first["total_tax"]
    sold = sandbox.objects("ccv")["orders"][0]
    left: dict[Decimal, Decimal] = defaultdict(Decimal)
    for row in sold["rows"]:
        left[row["tax"]] += row["price_with_attributes"] * row["count"]
    left[sold["rows"][0]["tax"]] -= sold["rows"][0]["price_with_attributes"]
    left[sold["shipping_tax_percentage"]] += sold["total_shipping"]
    assert found["earlier_credits"] == 1
    assert {one["rate"]: one["amount"] for one in found["creditable_rates"]} == {
        rate: amount + sold["paymethod_costs"] + sold["extra_payment_option_price"]
        for rate, amount in left.items()
    }
    assert [row["count"] for row in found["rows"]] == [-1]
    assert "original" not in with_shop(sandbox, lambda shop: shop.invoice(debit["id"]))


@pytest.mark.parametrize("how", ["by number", "deleted"])
def test_I4_an_order_is_found_by_its_number_and_may_be_gone(sandbox: Services, how: str) -> None:
    (order,) = sandbox.sell("payment_fee")
    changes = {"order": None} if how == "by number" else {}
    invoice = sandbox.admin("ccv", "POST", "invoices", {"order": order["id"], "changes": changes})
    if how == "deleted":
        sandbox.admin("ccv", "DELETE", f"orders/{order['id']}")
    found = with_shop(sandbox, lambda shop: shop.invoice(invoice["id"]))
    assert found.get("paymethod") == ("After-Pay" if how == "by number" else None)


def test_the_reference_of_an_invoice_is_read_and_written(sandbox: Services) -> None:
    (order,) = sandbox.sell("nl_ideal")
    id = sandbox.admin("ccv", "POST", "invoices", {"order": order["id"]})["id"]

    async def work(shop: CcvShop) -> tuple[str, str]:
        before = await shop.external_reference(id)
        await shop.set_external_reference(id, "F0001")
        return before, await shop.external_reference(id)

    assert with_shop(sandbox, work) == ("", "F0001")
