"""The emulated CCV Shop behaves as the documentation and real payloads say."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from daemons import wait_for

from mapper.money import dumps, loads, round_half_up
from mapper.sandbox.ccv import signature
from mapper.sandbox.serve import Sandbox
from mapper.sandbox.shop import KINDS
from mapper.sandbox.webhooks import signature as delivery_signature

API = "/api/rest/v1"


class Shop:
    """A client of the shop that shares nothing with the emulator but the documentation's text."""

    def __init__(self, served: Sandbox, client: httpx.Client) -> None:
        self.served, self.client = served, client

    def send(self, method: str, target: str, body: str = "", **wrong: str) -> httpx.Response:
        date = wrong.get("date", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        public, secret = (
            wrong.get("public", self.served.ccv_public),
            wrong.get("secret", self.served.ccv_secret),
        )
        message = f"{public}|{method}|{API}{target}|{body}|{date}"
        hashed = hmac.new(secret.encode(), message.encode(), hashlib.sha512).hexdigest()
        headers = {"x-public": public, "x-date": date, "x-hash": hashed}
        return self.client.request(
            method, self.served.ccv + API + target, content=body.encode(), headers=headers
        )

    def get(self, target: str) -> Any:
        answer = self.send("GET", target)
        assert answer.status_code == 200, answer.text
        return loads(answer.content)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        content = dumps(body) if body is not None else None
        answer = self.client.request(method, f"{self.served.ccv}/_sandbox/{path}", content=content)
        assert answer.status_code == 200, answer.text
        return loads(answer.content)

    def sell(self, kind: str = "nl_ideal", **asked: Any) -> Any:
        return self.admin("POST", "orders", {"kind": kind, **asked})["orders"][0]


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def shop(served: Sandbox) -> Iterator[Shop]:
    with httpx.Client(trust_env=False) as client:
        shop = Shop(served, client)
        shop.admin("POST", "reset")
        yield shop


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[bytes, str]]]]:
    """A web server that keeps what is posted to it: bodies and x-hash headers."""
    received: list[tuple[bytes, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((body, self.headers.get("x-hash", "")))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?shop=1", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def until(count: int, items: list[Any]) -> list[Any]:
    deadline = time.monotonic() + 5
    while len(items) < count and time.monotonic() < deadline:
        time.sleep(0.005)
    return items


@pytest.mark.parametrize(
    ("method", "target", "body", "date", "expected"),
    [
        (
            "GET", "/api/rest/v1/orders/?start=0&size=25", b"", "2022-11-26T00:45:54Z",
            ("5cc4266cad75e36877338cf4dcdf204a0d5b1f90842973f0ae9c6fcfdbb240d03b308e25109b12728dafcd286df444894689b8ee4"
            "e448eb02a0a8ef914fbe128"),
        ),
        (
            "PATCH", "/api/rest/v1/apps/8", b'{"is_installed":true}', "2022-11-26T00:45:54Z",
            ("81f810fbdff025e8922ee59bb063fbcaa7ff3a6e25d1d634560228132ad32e17f12f93ee46569a6fa2743d050b73a0ad04281aca0"
            "f43e32d6097c76258ee5656"),
        ),
        (
            "PATCH", "/api/rest/v1/apps/8", b"", "2022-11-26T00:45:55Z",
            ("5cd61e73521c457a6a288689d6b1d49b8add3bfa1ef4fb25aabdae367f531a191e378c90a8d36344db963f149c4ca5d19df04173c"
            "d3521124c75fa08f2b96dd0"),
        ),
    ],
)  # fmt: skip
def test_signatures_equal_the_known_answers(
    method: str, target: str, body: bytes, date: str, expected: str
) -> None:
    assert signature("PUBKEY", "SECRETKEY", method, target, body, date) == expected


def test_a_delivery_is_signed_over_address_and_body() -> None:
    expected = (
        "afee0b2017ff94232f7d3b11d7568b349e9104b50241cf55391163041de14324e9476b8a5b33848ac866bd82adf140f29b239ce35f7eab64"
        "ccc86ca257510112"
    )
    assert delivery_signature("WEBHOOKKEY", "https://app.example/hook?shop=1", b'{"id":1}') == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"public": "someone"},
        {"secret": "guessed"},
        {"date": (datetime.now(UTC) - timedelta(minutes=6)).isoformat()},
        {"date": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        {"date": "yesterday"},
    ],
    ids=["key", "secret", "old", "early", "no date"],
)
def test_a_request_that_is_not_signed_well_is_refused(shop: Shop, wrong: dict[str, str]) -> None:
    answer = shop.send("GET", "/orders/", **wrong)
    assert answer.status_code == 401
    assert set(answer.json()) == {"status", "code", "developermessage"}


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S+0000"])
def test_dates_are_read_in_every_spelling_that_clients_use(shop: Shop, form: str) -> None:
    assert shop.send("GET", "/orders/", date=datetime.now(UTC).strftime(form)).status_code == 200


@pytest.mark.parametrize(
    "target", ["/orders/", "/orders", "/orders?size=3&orderby=id_desc", "/orders/1/", "/nothing"]
)
def test_answers_are_signed_over_the_exact_bytes_and_never_redirect(shop: Shop, target: str) -> None:
    shop.sell()
    answer = shop.send("GET", target)
    signed = f"{shop.served.ccv_public}|GET|{API}{target}|".encode() + answer.content
    signed += f"|{answer.headers['x-date']}".encode()
    expected = hmac.new(shop.served.ccv_secret.encode(), signed, hashlib.sha512).hexdigest()
    assert answer.headers["x-hash"] == expected
    assert answer.status_code in {200, 404}


def test_json_is_spelled_as_php_spells_it(shop: Shop) -> None:
    id = shop.sell("real_shape", rows=[{"product_name": "Café", "price": "595", "discount": 10}])["id"]
    answer = shop.send("GET", f"/orders/{id}/")
    assert b'"href":"http:\\/\\/127.0.0.1:' in answer.content
    assert b"\\/api\\/rest\\/v1\\/orders\\/" in answer.content
    rows = shop.send("GET", f"/orders/{id}/orderrows/")
    assert b'"total_price":585,' in rows.content
    assert b"Caf\\u00e9" in rows.content


def test_pages_follow_one_another_to_the_end(shop: Shop) -> None:
    shop.admin("POST", "orders", {"kind": "bank_nl", "count": 5})
    page = shop.get("/orders/?start=2&size=2")
    root = f"{shop.served.ccv}{API}/orders/"
    assert list(page) == ["start", "size", "href", "first", "previous", "next", "items"]
    assert page["previous"] == f"{root}?start=0&size=2"
    assert page["next"] == f"{root}?start=4&size=2"
    last = shop.get(page["next"].removeprefix(shop.served.ccv + API))
    assert [order["ordernumber"] for order in last["items"]] == [1005]
    assert last["next"] is None


def test_a_page_holds_at_most_250_items_and_150_unasked(shop: Shop) -> None:
    id = shop.sell("many_rows")["id"]
    assert len(shop.get(f"/orders/{id}/orderrows/?size=1000")["items"]) == 250
    first = shop.get(f"/orders/{id}/orderrows/")
    assert (len(first["items"]), first["size"]) == (150, 150)


def test_the_next_link_can_be_absent_on_the_last_page(shop: Shop) -> None:
    shop.admin("PUT", "switches", {"next": "absent"})
    assert "next" not in shop.get("/orders/")


def test_small_collections_have_no_pages(shop: Shop) -> None:
    for path in ("/", "/paymethods/", "/webshops/", "/apps/"):
        assert set(shop.get(path)) == {"href", "items"}


def test_orders_are_filtered_and_sorted_as_documented(shop: Shop) -> None:
    paid = shop.sell("bank_nl", changes={"create_date": "2026-01-10T10:00:00Z"})["id"]
    unpaid = shop.sell("unpaid", changes={"create_date": "2026-01-12T10:00:00Z"})["id"]
    basket = shop.sell("not_completed")["id"]

    def ids(query: str) -> list[int]:
        return [order["id"] for order in shop.get(f"/orders/?{query}")["items"]]

    assert ids("orderby=create_date_desc") == [unpaid, paid]
    assert ids("is_paid=false") == ids("is_paid=0") == [unpaid]
    assert ids("status=4") == [unpaid]
    assert ids("is_completed=false") == [basket]
    assert ids("min_create_date=2026-01-10+10:00:00&max_create_date=2026-01-11") == [paid]
    assert ids("ordernumber=1002") == [unpaid]
    assert ids("minordernumber=1002&orderby=id") == [paid, unpaid]


@pytest.mark.parametrize(
    "query", ["start=-1", "size=x", "orderby=nothing", "is_paid=perhaps", "min_create_date=soon"]
)
def test_parameters_that_mean_nothing_are_refused(shop: Shop, query: str) -> None:
    assert shop.send("GET", f"/orders/?{query}").status_code == 400


def test_an_empty_delivery_address_is_all_empty_texts(shop: Shop) -> None:
    address = shop.sell("nl_ideal")["customer"]["deliveryaddress"]
    assert {address.pop(name) for name in ("gender", "housenumber", "country_code")} == {None}
    assert set(address.values()) == {""}


def test_an_order_has_every_key_in_the_order_of_real_payloads(shop: Shop) -> None:
    documented = (
        "href id ordernumber_prefix ordernumber ordernumber_full invoicenumber transaction_id create_date "
        "deliver_method deliver_date take_out_window is_platform_sale orderedinlng status is_completed paid "
        "safety_deposit_returned paymethod_id paymethod paymethod_label taxes_included "
        "order_row_taxes_included shipping_taxes_included shipping_tax_percentage is_intra_community_order "
        "total_orderrow_price total_shipping total_discounts total_price currency total_tax total_weight "
        "extra_payment_option extra_payment_option_price extra_payment_option_no_sentprice "
        "extra_payment_option_pay_on_pickup extra_price paymethod_costs credit_point_discount extra_costs "
        "extra_costs_description track_and_trace_code track_and_trace_carrier track_and_trace_deeplink "
        "reservationnumber delivery_option user discountcoupon customer pickup_address packing_slip_deeplink "
        "orderrows ordernotes ordermessages ordernotifications orderaffiliatenetworks orderlabels invoices"
    )
    order = shop.get(f"/orders/{shop.sell('real_shape')['id']}/")
    assert list(order) == documented.split()
    assert (order["ordernumber_full"], order["transaction_id"]) == ("1001", None)
    assert order["total_orderrow_price"] == order["total_price"]


def test_the_user_id_is_a_text_unless_switched(shop: Shop) -> None:
    assert isinstance(shop.sell("real_shape")["user"]["id"], str)
    shop.admin("PUT", "switches", {"user_id": "int"})
    assert isinstance(shop.sell("real_shape")["user"]["id"], int)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"many_rows"}))
def test_the_amounts_of_every_kind_add_up(shop: Shop, kind: str) -> None:
    order = shop.sell(kind)
    rows, extras = Decimal(0), Decimal(0)
    for row in order["rows"]:
        options = sum((Decimal(option["price"]) for option in row["attributes"]), Decimal(0))
        unit = Decimal(row["price"]) - Decimal(row["discount"]) + options
        assert Decimal(row["total_price_with_attributes"]) == round_half_up(Decimal(row["count"]) * unit, 2)
        rows += Decimal(row["total_price_with_attributes"])
    for name in ("total_shipping", "paymethod_costs", "extra_payment_option_price", "extra_costs"):
        extras += Decimal(order[name])
    extras -= abs(Decimal(order["total_discounts"])) + abs(Decimal(order["credit_point_discount"]))
    tax = Decimal(0) if order["order_row_taxes_included"] else Decimal(order["total_tax"])
    assert Decimal(order["total_price"]) == rows + extras + tax


def test_the_totals_are_those_of_the_documented_examples(shop: Shop) -> None:
    rows = [
        {"count": 2, "price": "22.45", "tax": 21, "attributes": [{"price": "2.50"}]},
        {"count": 1, "price": "12.50", "tax": 9},
    ]
    order = shop.sell("nl_ideal", rows=rows)
    assert (order["total_price"], order["total_tax"]) == (Decimal("67.35"), Decimal("10.55"))
    rows = [{"count": 10, "price": 8, "tax": 21}, {"count": 1, "price": 35, "tax": 9}]
    order = shop.sell("nl_b2b_excl", rows=rows)
    assert (order["total_price"], order["total_tax"]) == (Decimal("143.42"), Decimal("21.42"))
    order = shop.sell("discount")
    assert (order["total_price"], order["total_tax"]) == (Decimal("83.45"), Decimal("14.48"))


def test_given_totals_win_over_computed_ones(shop: Shop) -> None:
    order = shop.sell("bank_nl", changes={"total_price": 1.02, "customer": {"btw": "NL1"}})
    assert order["total_price"] == Decimal("1.02")
    assert order["customer"]["btw"] == "NL1"
    assert order["customer"]["email"]


def test_the_same_seed_sells_the_same_orders() -> None:
    def sold(seed: int) -> Any:
        with Sandbox(seed=seed) as served, httpx.Client(trust_env=False) as client:
            order = Shop(served, client).sell("nl_ideal")
            return order["customer"], [row["price"] for row in order["rows"]]

    assert sold(7) == sold(7) != sold(8)


def test_orders_and_rows_are_found_by_id(shop: Shop) -> None:
    order = shop.sell("nl_ideal")
    rows = shop.get(f"/orders/{order['id']}/orderrows/")["items"]
    assert shop.get(f"/orderrows/{rows[0]['id']}/") == rows[0] == order["rows"][0]
    assert "rows" not in shop.get(f"/orders/{order['id']}")
    for target in ("/orders/1/", "/orderrows/1/", "/orders/abc/"):
        assert shop.send("GET", target).status_code == 404


def test_the_merchant_tells_the_home_country(shop: Shop) -> None:
    id = shop.get("/webshops/")["items"][0]["id"]
    assert shop.get(f"/webshops/{id}/merchant/")["country_code"] == "NL"
    shop.admin("PUT", "switches", {"home_country": "BE", "merchant": "collection"})
    assert shop.get(f"/webshops/{id}/merchant/")["items"][0]["country_code"] == "BE"
    assert shop.get(f"/webshops/{id}/settings/")["order_status"][7]["id"] == 8


def test_paymethods_say_what_orders_carry(shop: Shop) -> None:
    methods = {each["id"]: each["combined_name"] for each in shop.get("/paymethods/")["items"]}
    order = shop.sell("bank_nl")
    assert methods[order["paymethod_id"]] == order["paymethod"] == "BankTransfer"


def test_the_app_is_marked_installed(shop: Shop) -> None:
    assert shop.send("PATCH", "/apps/8", '{"is_installed":true}').status_code == 204
    assert shop.get("/apps/")["items"][0]["is_installed"] is True


def test_unknown_and_unbuilt_resources_are_told_apart(shop: Shop) -> None:
    assert shop.send("GET", "/nothing/").json()["code"] == "404.20"
    assert shop.send("GET", "/products/").json()["code"] == "501.20"
    assert shop.send("DELETE", "/paymethods/").json()["code"] == "405.10"


def test_each_method_of_each_resource_has_its_own_limit_a_minute(served: Sandbox) -> None:
    frozen = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    with Sandbox(clock=lambda: frozen) as limited, httpx.Client(trust_env=False) as client:
        shop = Shop(limited, client)
        shop.admin("PUT", "switches", {"rate_limit": True})
        date = frozen.strftime("%Y-%m-%dT%H:%M:%SZ")
        codes = [shop.send("GET", "/paymethods/", date=date).status_code for _ in range(151)]
        assert codes == [200] * 150 + [429]
        assert shop.send("GET", "/paymethods/", date=date).json()["code"] == "429.10"
        assert shop.send("GET", "/apps/", date=date).status_code == 200


def test_webhooks_are_kept_with_a_key(shop: Shop) -> None:
    made = shop.send("POST", "/webhooks/", '{"event":"orders.created","address":"http://127.0.0.1:9/hook"}')
    assert made.status_code == 201
    id = made.json()["id"]
    assert len(made.json()["key"]) == 32
    assert shop.send("PATCH", f"/webhooks/{id}/", '{"is_active":false}').status_code == 204
    assert shop.get("/webhooks/")["items"][0]["is_active"] is False
    assert shop.send("DELETE", f"/webhooks/{id}/").status_code == 204
    assert shop.send("GET", f"/webhooks/{id}/").status_code == 404


@pytest.mark.parametrize(
    "body",
    ['{"event":"orders.paid","address":"http://a.example"}', '{"event":"orders.created"}', "[]", "{", ""],
)
def test_a_webhook_for_an_event_that_does_not_exist_is_refused(shop: Shop, body: str) -> None:
    assert shop.send("POST", "/webhooks/", body).status_code == 400


def test_events_are_posted_to_their_addresses(shop: Shop) -> None:
    with receiver() as (address, received):
        for event in ("orders.created", "orders.updated.ispaid", "orders.updated.status", "orders.deleted"):
            shop.send("POST", "/webhooks/", dumps({"event": event, "address": address}))
        order = shop.sell("unpaid")
        until(1, received)
        shop.admin("PATCH", f"orders/{order['id']}", {"paid": True})
        until(2, received)
        shop.send("PATCH", f"/orders/{order['id']}/", '{"status":5}')
        until(3, received)
        shop.admin("DELETE", f"orders/{order['id']}")
        bodies = [loads(body) for body, _ in until(4, received)]
    assert [(body.get("paid"), body.get("previous_status"), body.get("status")) for body in bodies] == [
        (False, None, 4),
        (True, None, None),
        (None, 4, 5),
        (None, None, None),
    ]
    assert {body["href"] for body in bodies} == {order["href"].rstrip("/")}
    assert all(body["order_number"] == order["ordernumber"] for body in bodies)
    wait_for(lambda: [each["status"] for each in shop.admin("GET", "deliveries")["deliveries"]] == [200] * 4)


def test_deliveries_can_be_signed_doubled_and_lost(shop: Shop) -> None:
    with receiver() as (address, received):
        key = shop.send("POST", "/webhooks/", dumps({"event": "orders.created", "address": address})).json()[
            "key"
        ]
        shop.admin("PUT", "switches", {"webhooks": "double", "webhook_signature": "address-body"})
        shop.sell()
        (body, signed), twice = until(2, received)
        assert twice == (body, signed)
        expected = hmac.new(key.encode(), address.encode() + b"|" + body, hashlib.sha512).hexdigest()
        assert signed == expected
        shop.admin("PUT", "switches", {"webhooks": "lose"})
        shop.sell()
        assert shop.admin("GET", "deliveries")["deliveries"][-1]["lost"] is True
        assert len(received) == 2


def test_deliveries_can_be_mixed_up_sent_again_and_forged(shop: Shop) -> None:
    with receiver() as (address, received):
        shop.send("POST", "/webhooks/", dumps({"event": "orders.created", "address": address}))
        mixed = {"webhooks": "mixed", "webhook_delay": 1}
        shop.admin("PUT", "switches", mixed | {"webhook_signature": "address-body"})
        orders = [shop.sell()["id"] for _ in range(12)]
        sent = shop.admin("GET", "deliveries")["deliveries"]
        arrived = [loads(body)["id"] for body, _ in until(sum(not one["lost"] for one in sent), received)]
        lost = {one["body"]["id"] for one in sent if one["lost"]}
        assert (set(arrived) | lost, set(arrived) & lost) == (set(orders), set())
        assert arrived != sorted(arrived)
        assert len(arrived) > len(set(arrived))
        count = len(received)
        assert shop.admin("POST", "deliveries")["sent"] == len(sent)
        until(count + len(sent), received)
        shop.admin("POST", "deliveries", {"forge": orders[0]})
        *_, (body, signed) = until(count + len(sent) + 1, received)
        assert loads(body) == {"id": orders[0], "forged": True}
        key = shop.get("/webhooks/")["items"][0]["key"]
        assert signed != delivery_signature(key, address, body)


def test_an_address_that_is_down_or_slow_holds_nothing_up(shop: Shop) -> None:
    body = dumps({"event": "orders.created", "address": "http://127.0.0.1:9/hook"})
    shop.send("POST", "/webhooks/", body)
    shop.admin("PUT", "switches", {"webhook_delay": 30})
    started = time.monotonic()
    shop.sell()
    assert time.monotonic() - started < 2
    shop.admin("POST", "reset")
    shop.send("POST", "/webhooks/", body)
    shop.sell()
    deadline = time.monotonic() + 5
    while (
        not (deliveries := shop.admin("GET", "deliveries")["deliveries"])[0]["error"]
        and time.monotonic() < deadline
    ):
        time.sleep(0.005)
    assert deliveries[0]["error"] == "ConnectError"


def test_an_invoice_is_made_from_an_order(shop: Shop) -> None:
    order = shop.sell("nl_ideal")
    invoice = shop.admin("POST", "invoices", {"order": order["id"]})
    assert invoice["total_price_inc_tax"] == order["total_price"]
    assert invoice["order"] == order["href"]
    credit = shop.admin("POST", "invoices", {"order": order["id"], "changes": {"type": "credit"}})
    assert credit["total_price"] == -order["total_price"]
    rows = shop.get(f"/invoices/{credit['id']}/invoicerows/")["items"]
    assert rows[0]["invoice_id"] == str(credit["id"])
    assert [
        each["id"] for each in shop.get(f"/invoices/?ordernumber_full={order['ordernumber_full']}")["items"]
    ] == [
        invoice["id"],
        credit["id"],
    ]
    assert shop.send("PATCH", f"/invoices/{invoice['id']}/", '{"external_reference":"F1"}').status_code == 204
    assert shop.get(f"/invoices/{invoice['id']}/")["external_reference"] == "F1"


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": None},
        {"create_date": "soon", "total_shipping": "much", "paid": "yes"},
        {"shipping_tax_percentage": -100, "total_discounts": "1e400", "extra_costs": [1]},
    ],
)
def test_nonsense_in_an_order_is_stored_and_answered(shop: Shop, changes: dict[str, Any]) -> None:
    order = shop.sell("bank_nl", changes=changes, rows=[{"price": "free", "count": None, "tax": {}}])
    answered = shop.get(f"/orders/{order['id']}/")
    assert {name: answered[name] for name in changes} == changes
    assert shop.send("GET", "/orders/?min_create_date=2020-01-01").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "orders", {"kind": "unheard of"}),
        ("POST", "orders", {"count": 0}),
        ("POST", "orders", {"rows": "none"}),
        ("POST", "orders", {"changes": []}),
        ("POST", "orders", []),
        ("POST", "orders", {"changes": loads("[" * 99 + "]" * 99)}),
        ("PATCH", "orders/1", {}),
        ("POST", "invoices", {}),
        ("PUT", "switches", {"unheard": 1}),
        ("PUT", "switches", {"user_id": "float"}),
        ("PUT", "switches", {"rate_limit": "yes"}),
        ("POST", "faults", {"kind": "earthquake"}),
        ("POST", "faults", [{"kind": "delay", "match": {"colour": "red"}}]),
        ("POST", "faults", {"kind": "delay", "seconds": -1}),
        ("GET", "nothing", None),
    ],
)
def test_admin_requests_that_mean_nothing_are_refused_with_a_reason(
    shop: Shop, method: str, path: str, body: Any
) -> None:
    content = dumps(body) if body is not None else None
    answer = shop.client.request(method, f"{shop.served.ccv}/_sandbox/{path}", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_log_holds_requests_without_secrets(shop: Shop) -> None:
    shop.send("PATCH", "/apps/8", '{"is_installed":true}')
    (entry,) = shop.admin("GET", "requests")["requests"]
    assert (entry["method"], entry["path"], entry["status"]) == ("PATCH", f"{API}/apps/8", 204)
    assert entry["body"] == {"is_installed": True}
    assert "x-hash" not in entry["headers"]


def test_a_body_that_is_too_large_is_refused(shop: Shop) -> None:
    answer = shop.client.post(f"{shop.served.ccv}/_sandbox/orders", content=b" " * (9 * 1024 * 1024))
    assert answer.status_code == 413


def test_a_status_of_an_invoice_that_changes_is_told(shop: Shop) -> None:
    with receiver() as (address, received):
        shop.send("POST", "/webhooks/", dumps({"event": "invoices.updated.status", "address": address}))
        id = shop.admin("POST", "invoices", {"order": shop.sell("unpaid")["id"]})["id"]
        assert shop.send("PATCH", f"/invoices/{id}/", '{"status":"paid"}').status_code == 204
        body = loads(until(1, received)[0][0])
    assert (body["id"], body["previous_status"], body["status"]) == (id, "unpaid", "paid")
    row = shop.get(f"/invoices/{id}/invoicerows/")["items"][0]
    assert shop.get(f"/invoicerows/{row['id']}/") == row


def test_a_basket_that_is_completed_later_is_a_new_order(shop: Shop) -> None:
    with receiver() as (address, received):
        shop.send("POST", "/webhooks/", dumps({"event": "orders.created", "address": address}))
        id = shop.sell("not_completed")["id"]
        assert received == []
        rows = [{"count": 3, "price": 10, "tax": 21}]
        changed = shop.admin(
            "PATCH", f"orders/{id}", {"changes": {"is_completed": True, "status": 1}, "rows": rows}
        )
        assert loads(until(1, received)[0][0])["id"] == id
    assert changed["total_price"] == Decimal("34.95")


def test_the_whole_api_can_be_limited_to_order(shop: Shop) -> None:
    shop.admin("POST", "faults", {"kind": "ban", "match": {"path": "/orders/", "method": "get"}})
    assert shop.send("GET", "/paymethods/").status_code == 200
    assert shop.send("GET", "/orders/").json()["code"] == "429.11"
    assert shop.send("GET", "/orders/").status_code == 200


def test_an_id_can_be_chosen_once(shop: Shop) -> None:
    order = shop.sell(changes={"id": 7})
    assert (order["href"], order["rows"][0]["order_id"]) == (f"{shop.served.ccv}{API}/orders/7/", 7)
    twice = shop.client.post(f"{shop.served.ccv}/_sandbox/orders", json={"changes": {"id": 7}})
    assert twice.status_code == 400
    assert [each["id"] for each in shop.admin("GET", "objects")["orders"]] == [7]
