"""The client of CCV Shop over real HTTP: signatures both ways, paging, errors, hostile answers (spec R2, B3)."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from mapper.errors import MapperError, PayloadError, Refused, Temporary, Unauthorised
from mapper.services.ccv import CcvShop, is_signed, webhook_signature
from mapper.services.http import Secret, TooLarge, open_client
from tests.loopback import Answer, Asked, loopback, unused_port

PUBLIC = "PUB^KEY"
SECRET = "canary-4f1c-ccv-secret"
NOW = datetime(2022, 11, 26, 0, 45, 54, tzinfo=UTC)
ORDER_PATH = "/api/rest/v1/orders/7/"
ROWS_PATH = "/api/rest/v1/orders/7/orderrows/"

T = TypeVar("T")


def sign(secret: str, *parts: str) -> str:
    return hmac.new(secret.encode(), "|".join(parts).encode(), hashlib.sha512).hexdigest()


def signed(asked: Asked, body: str, *, status: int = 200, secret: str = SECRET) -> Answer:
    date = "2022-11-26T00:45:55Z"
    hashed = sign(secret, PUBLIC, asked.method, asked.target, body, date)
    return Answer(body.encode(), status, {"x-date": date, "x-hash": hashed})


def shop_of(pages: Mapping[str, Any]) -> Callable[[Asked], Answer]:
    """Answer each path with its JSON value, correctly signed."""
    return lambda asked: signed(asked, json.dumps(pages[urlsplit(asked.target).path]))


def collection(*items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"start": 0, "size": 100, "next": None, "items": list(items), **more}


def run(
    answer: Callable[[Asked], Answer],
    use: Callable[[CcvShop], Awaitable[T]],
    *,
    timeout: float = 5,
    asked: list[Asked] | None = None,
    public: str = PUBLIC,
    secret: str = SECRET,
) -> T:
    """Use the client against a server that gives `answer`; `asked` receives the requests."""

    async def scenario() -> T:
        async with loopback(answer) as server, open_client(loopback=True, timeout=timeout) as client:
            shop = CcvShop(client, server.url, public, Secret(secret), now=lambda: NOW, jitter=lambda: 0.0)
            try:
                return await use(shop)
            finally:
                (asked if asked is not None else []).extend(server.asked)

    return asyncio.run(scenario())


async def all_orders(shop: CcvShop) -> list[dict[str, Any]]:
    return [order async for order in shop.orders()]


# The reference's known-answer vectors.
PATCH_HASH = (
    "81f810fbdff025e8922ee59bb063fbcaa7ff3a6e25d1d634560228132ad32e17"
    "f12f93ee46569a6fa2743d050b73a0ad04281aca0f43e32d6097c76258ee5656"
)
PATCH_ANSWER_HASH = (
    "5cd61e73521c457a6a288689d6b1d49b8add3bfa1ef4fb25aabdae367f531a19"
    "1e378c90a8d36344db963f149c4ca5d19df04173cd3521124c75fa08f2b96dd0"
)
GET_HASH = (
    "5cc4266cad75e36877338cf4dcdf204a0d5b1f90842973f0ae9c6fcfdbb240d0"
    "3b308e25109b12728dafcd286df444894689b8ee4e448eb02a0a8ef914fbe128"
)
WEBHOOK_HASH = (
    "afee0b2017ff94232f7d3b11d7568b349e9104b50241cf55391163041de14324"
    "e9476b8a5b33848ac866bd82adf140f29b239ce35f7eab64ccc86ca257510112"
)


def test_a_get_is_signed_as_the_known_vector() -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Answer:
        date = "2022-11-26T00:45:55Z"
        hashed = sign("SECRETKEY", "PUBKEY", "GET", request.target, "{}", date)
        return Answer(b"{}", 200, {"x-date": date, "x-hash": hashed})

    run(
        answer,
        lambda shop: shop._call("GET", "/orders/?start=0&size=25"),
        asked=asked,
        public="PUBKEY",
        secret="SECRETKEY",
    )
    assert asked[0].target == "/api/rest/v1/orders/?start=0&size=25"
    assert asked[0].headers["x-public"] == "PUBKEY"
    assert asked[0].headers["x-date"] == "2022-11-26T00:45:54Z"
    assert asked[0].headers["x-hash"] == GET_HASH


def test_a_patch_and_its_empty_answer_are_signed_as_the_known_vectors() -> None:
    asked: list[Asked] = []
    answer = Answer(b"", 204, {"x-date": "2022-11-26T00:45:55Z", "x-hash": PATCH_ANSWER_HASH})
    run(
        lambda _: answer,
        lambda shop: shop._call("PATCH", "/apps/8", body=b'{"is_installed":true}'),
        asked=asked,
        public="PUBKEY",
        secret="SECRETKEY",
    )
    assert asked[0].headers["x-hash"] == PATCH_HASH


def test_what_is_signed_is_what_goes_on_the_wire() -> None:
    asked: list[Asked] = []
    since = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)

    async def paid(shop: CcvShop) -> list[dict[str, Any]]:
        return [order async for order in shop.orders(created_from=since, is_paid=True)]

    run(shop_of({"/api/rest/v1/orders/": collection()}), paid, asked=asked)
    request = asked[0]
    assert request.headers["x-hash"] == sign(
        SECRET, PUBLIC, "GET", request.target, "", request.headers["x-date"]
    )
    assert parse_qs(urlsplit(request.target).query) == {
        "orderby": ["id"],
        "min_create_date": ["2025-03-01 12:00:00"],
        "is_paid": ["true"],
        "start": ["0"],
        "size": ["100"],
    }


def test_a_webhook_delivery_is_signed_as_the_known_vector() -> None:
    address, body = "https://app.example/hook?shop=1", b'{"id":1}'
    assert webhook_signature("WEBHOOKKEY", address, body) == WEBHOOK_HASH
    assert is_signed("WEBHOOKKEY", address, body, WEBHOOK_HASH)


@pytest.mark.parametrize("given", ["", "é" * 128, "\udcff", WEBHOOK_HASH[:-1] + "3", WEBHOOK_HASH.upper()])
def test_a_wrong_webhook_signature_is_false_and_never_an_error(given: str) -> None:
    assert not is_signed("WEBHOOKKEY", "https://app.example/hook?shop=1", b'{"id":1}', given)


def test_a_webhook_without_a_key_is_never_signed() -> None:
    forged = webhook_signature("", "https://app.example/hook", b"{}")
    assert not is_signed("", "https://app.example/hook", b"{}", forged)


def test_an_order_has_the_rows_of_all_pages() -> None:
    def answer(asked: Asked) -> Answer:
        if urlsplit(asked.target).path == ORDER_PATH:
            return signed(asked, '{"id": "7", "total_price": 12.50}')
        start = int(parse_qs(urlsplit(asked.target).query)["start"][0])
        page = collection(*({"id": start + i, "price": 0.1} for i in range(50)), start=start, size=50)
        if start < 100:
            # Another host: only the offset may be taken from it.
            page["next"] = f"https://elsewhere.example{ROWS_PATH}?start={start + 50}&size=50"
        return signed(asked, json.dumps(page))

    order = run(answer, lambda shop: shop.order(7))
    assert [row["id"] for row in order["rows"]] == list(range(150))
    assert str(order["total_price"]) == "12.50"
    assert str(order["rows"][0]["price"]) == "0.1"


@pytest.mark.parametrize(("absent", "calls"), [(True, 2), (False, 1)])
def test_a_full_page_without_next_is_followed_by_a_look_at_the_one_after(*, absent: bool, calls: int) -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Answer:
        first = "start=0" in request.target
        page = collection(*({"id": i} for i in range(100 if first else 0)))
        if absent:
            del page["next"]
        return signed(request, json.dumps(page))

    assert len(run(answer, all_orders, asked=asked)) == 100
    assert len(asked) == calls


def test_an_order_that_shifts_to_the_next_page_is_listed_once() -> None:
    def answer(asked: Asked) -> Answer:
        if "start=0" in asked.target:
            return signed(asked, json.dumps(collection({"id": 1}, {"id": 2}, next="x?start=2")))
        return signed(asked, json.dumps(collection({"id": 2}, {"id": 3})))

    assert [order["id"] for order in run(answer, all_orders)] == [1, 2, 3]


@pytest.mark.parametrize("following", ["?start=1", "?start=0", "nowhere"])
def test_pages_that_do_not_end_are_an_error(following: str) -> None:
    endless = shop_of({"/api/rest/v1/orders/": collection({"id": 1}, next=following)})
    with pytest.raises(Refused) as caught:
        run(endless, all_orders)
    assert caught.value.code == "CCV304"


def test_a_next_page_that_lies_before_this_one_is_an_error() -> None:
    def answer(asked: Asked) -> Answer:
        start = int(parse_qs(urlsplit(asked.target).query)["start"][0])
        following = "?start=5" if start == 0 else "?start=2"
        return signed(asked, json.dumps(collection({"id": start}, next=following)))

    with pytest.raises(Refused) as caught:
        run(answer, all_orders)
    assert (caught.value.code, caught.value.facts["reason"]) == ("CCV304", "the next page is no further")


def test_an_order_of_a_million_rows_is_refused_at_5000() -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Answer:
        if urlsplit(request.target).path == ORDER_PATH:
            return signed(request, '{"id": 7}')
        start = int(parse_qs(urlsplit(request.target).query)["start"][0])
        rows = [{"id": start + i} for i in range(1000)]
        return signed(request, json.dumps(collection(*rows, next=f"x?start={start + 1000}")))

    with pytest.raises(Refused) as caught:
        run(answer, lambda shop: shop.order(7), asked=asked)
    assert (caught.value.code, caught.value.facts["limit"]) == ("CCV303", 5000)
    assert len(asked) == 7


@pytest.mark.parametrize("merchant", [{"country_code": "BE"}, {"items": [{"country_code": "BE"}]}])
def test_the_merchant_comes_alone_or_as_a_collection(merchant: dict[str, Any]) -> None:
    pages = {
        "/api/rest/v1/webshops/": {"items": [{"id": "3", "name": "Winkel"}]},
        "/api/rest/v1/webshops/3/merchant/": merchant,
    }
    assert run(shop_of(pages), lambda shop: shop.merchant()) == {"country_code": "BE"}


def test_R2_a_webhook_that_was_not_made_after_all_is_refused() -> None:
    def answer(asked: Asked) -> Answer:
        return signed(asked, "" if asked.method == "POST" else json.dumps(collection()))

    with pytest.raises(Refused) as caught:
        run(answer, lambda shop: shop.create_webhook("orders.created", "https://a.example/h"))
    assert caught.value.code == "CCV307"


def test_R2_a_refusal_to_delete_a_webhook_is_told() -> None:
    with pytest.raises(Refused) as caught:
        run(lambda _: Answer(b"", 400), lambda shop: shop.delete_webhook(31))
    assert caught.value.code == "CCV302"


def test_payment_methods_are_listed() -> None:
    pages = {"/api/rest/v1/paymethods/": {"items": [{"id": 3, "label": "Vooraf overmaken"}]}}
    assert run(shop_of(pages), lambda shop: shop.paymethods()) == [{"id": 3, "label": "Vooraf overmaken"}]


@pytest.mark.parametrize("empty", [True, False])
def test_R2_a_webhook_is_registered_even_when_the_answer_is_empty(*, empty: bool) -> None:
    asked: list[Asked] = []
    hook = {"id": 31, "event": "orders.created", "address": "https://a.example/h?t=1", "key": "k"}

    def answer(request: Asked) -> Answer:
        if request.method == "GET":
            return signed(request, json.dumps(collection({**hook, "id": 30, "event": "x"}, hook)))
        body = "" if empty else json.dumps(hook)
        return signed(request, body, status=204 if empty else 201)

    made = run(
        answer,
        lambda shop: shop.create_webhook("orders.created", "https://a.example/h?t=1"),
        asked=asked,
    )
    assert made == hook
    assert json.loads(asked[0].body) == {
        "event": "orders.created",
        "address": "https://a.example/h?t=1",
        "is_active": True,
    }
    expected = sign(
        SECRET, PUBLIC, "POST", asked[0].target, asked[0].body.decode(), asked[0].headers["x-date"]
    )
    assert asked[0].headers["x-hash"] == expected


@pytest.mark.parametrize("status", [204, 404])
def test_R2_a_webhook_that_is_gone_already_is_deleted(status: int) -> None:
    run(lambda asked: signed(asked, "", status=status), lambda shop: shop.delete_webhook(31))


def wrong_secret(asked: Asked) -> Answer:
    return signed(asked, '{"id": 7}', secret="another")


def other_body(asked: Asked) -> Answer:
    right = signed(asked, '{"id": 7}')
    return Answer(b'{"id": 7, "paid": true}', 200, right.headers)


def no_signature(asked: Asked) -> Answer:
    return Answer(b"<html>Onderhoud</html>", 200)


def signature_with_odd_bytes(asked: Asked) -> Answer:
    return Answer(b"{}", 200, {"x-date": "2022-11-26T00:45:55Z", "x-hash": "\xe9\xff"})


@pytest.mark.parametrize("answer", [wrong_secret, other_body, no_signature, signature_with_odd_bytes])
def test_an_answer_that_is_not_the_shops_is_not_used(answer: Callable[[Asked], Answer]) -> None:
    with pytest.raises(Temporary) as caught:
        run(answer, lambda shop: shop.order(7))
    assert (caught.value.code, caught.value.maybe_executed) == ("CCV105", False)
    with pytest.raises(Temporary) as caught:
        run(answer, lambda shop: shop.create_webhook("orders.created", "https://a.example/h"))
    assert (caught.value.code, caught.value.maybe_executed) == ("CCV105", True)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(b'{"status":429,"code":"429.10","developermessage":"Please lower"}', 429), "CCV106"),
        (Answer(b"oops", 502), "CCV103"),
        (Answer(b'{"status":500,"code":"500.20"}', 500), "CCV103"),
        (Answer(how="drop"), "CCV102"),
        (Answer(how="hang"), "CCV108"),
        (Answer(how="drip"), "CCV108"),
        (Answer(b"x" * (5 * 1024 * 1024 + 1), 200), "CCV107"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_pass_is_temporary(answer: Answer, code: str) -> None:
    with pytest.raises(Temporary) as caught:
        run(lambda _: answer, lambda shop: shop.order(7), timeout=answer.patience)
    assert (caught.value.code, caught.value.maybe_executed) == (code, False)


def test_a_compressed_answer_that_unfolds_beyond_the_cap_is_not_read() -> None:
    small = gzip.compress(b" " * (6 * 1024 * 1024))
    with pytest.raises(Temporary) as caught:
        run(lambda _: Answer(small, 200, {"content-encoding": "gzip"}), lambda shop: shop.order(7))
    assert caught.value.code == "CCV107"


def test_the_cap_holds_for_every_use_of_the_client() -> None:
    async def scenario() -> None:
        large = Answer(b"x" * (5 * 1024 * 1024 + 1))
        async with loopback(lambda _: large) as server, open_client(loopback=True) as client:
            await client.get(server.url)

    with pytest.raises(TooLarge):
        asyncio.run(scenario())


def test_a_body_of_exactly_five_mebibytes_is_read() -> None:
    filler = "x" * (5 * 1024 * 1024 - len('{"items": [{"a": ""}]}'))
    body = json.dumps({"items": [{"a": filler}]})
    assert len(body) == 5 * 1024 * 1024
    assert run(lambda asked: signed(asked, body), lambda shop: shop.paymethods()) == [{"a": filler}]


def test_the_rate_limit_asks_for_a_minute() -> None:
    with pytest.raises(Temporary) as caught:
        run(lambda _: Answer(b"", 429), lambda shop: shop.order(7))
    assert caught.value.retry_after == 60


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Answer(b'{"status":401,"developermessage":"hash"}', 401), Unauthorised, "CCV201"),
        (
            Answer(b"", 401, {"date": "Sat, 26 Nov 2022 00:45:50 GMT"}),
            Unauthorised,
            "CCV201",
        ),
        (Answer(b"", 401, {"date": "Sat, 26 Nov 2022 00:35:50 GMT"}), Unauthorised, "CCV202"),
        (Answer(b"", 401, {"date": "yesterday"}), Unauthorised, "CCV201"),
        (Answer(b"", 403), Unauthorised, "CCV203"),
        (Answer(b"[]", 404), Refused, "CCV301"),
        (Answer(b"", 400), Refused, "CCV302"),
        (Answer(b'{"status":500,"code":"500.90"}', 500), Refused, "CCV302"),
        (Answer(b'{"status":501,"code":"501.20"}', 501), Refused, "CCV302"),
        (Answer(b"", 301, {"location": "https://elsewhere.example/"}), Refused, "CCV305"),
    ],
)
def test_what_stays_is_refused_at_once(answer: Answer, kind: type[MapperError], code: str) -> None:
    asked: list[Asked] = []
    with pytest.raises(kind) as caught:
        run(lambda _: answer, lambda shop: shop.order(7), asked=asked)
    assert caught.value.code == code
    assert len(asked) == 1


def test_a_clock_that_is_off_is_told_with_its_remedy() -> None:
    answer = Answer(b"", 401, {"date": "Sat, 26 Nov 2022 00:35:54 GMT"})
    with pytest.raises(Unauthorised) as caught:
        run(lambda _: answer, lambda shop: shop.order(7))
    assert caught.value.facts["seconds"] == 600
    assert "clock" in caught.value.remedy()
    assert "klok" in caught.value.remedy("nl")


@pytest.mark.parametrize(
    "body",
    ['{"id": 7, "total": NaN}', '{"id": 7, "id": 8}', '{"id": 7, "total": 1e99}', "[" * 100_000],
)
def test_a_signed_answer_with_impossible_content_is_a_payload_error(body: str) -> None:
    with pytest.raises(PayloadError):
        run(lambda asked: signed(asked, body), lambda shop: shop.order(7))


@pytest.mark.parametrize(("body", "code"), [("{", "CCV104"), ("", "CCV104")])
def test_a_signed_answer_that_is_cut_short_is_temporary(body: str, code: str) -> None:
    with pytest.raises(Temporary) as caught:
        run(lambda asked: signed(asked, body), lambda shop: shop.order(7))
    assert caught.value.code == code


def test_a_row_without_id_is_never_dropped_as_a_double() -> None:
    pages = {ORDER_PATH: {"id": 7}, ROWS_PATH: collection({"price": 1}, {"price": 2})}
    with pytest.raises(Refused) as caught:
        run(shop_of(pages), lambda shop: shop.order(7))
    assert caught.value.code == "CCV307"


@pytest.mark.parametrize("public", ["", "PUB\nKEY", "“PUB”", "PUB\x00"])
def test_a_public_key_that_fits_no_header_is_refused(public: str) -> None:
    with pytest.raises(Unauthorised) as caught:
        run(shop_of({}), lambda shop: shop.webshop(), public=public)
    assert caught.value.code == "CCV204"


@pytest.mark.parametrize("order", ["[]", "null", '{"id": 8}', '{"order": 7}'])
def test_an_answer_of_another_shape_is_refused(order: str) -> None:
    with pytest.raises(Refused) as caught:
        run(lambda asked: signed(asked, order), lambda shop: shop.order(7))
    assert caught.value.code == "CCV307"


@pytest.mark.parametrize("items", ['{"items": null}', "{}", '{"items": [1]}', '{"items": []}'])
def test_a_collection_of_another_shape_is_refused(items: str) -> None:
    with pytest.raises(Refused) as caught:
        run(lambda asked: signed(asked, items), lambda shop: shop.webshop())
    assert caught.value.code == "CCV307"


def test_a_read_is_tried_three_times_and_a_change_once() -> None:
    asked: list[Asked] = []

    def recovers(request: Asked) -> Answer:
        asked.append(request)
        return Answer(b"", 503) if len(asked) < 3 else signed(request, '{"items": []}')

    assert run(recovers, lambda shop: shop.paymethods()) == []
    assert len(asked) == 3

    asked.clear()
    with pytest.raises(Temporary) as caught:
        run(recovers, lambda shop: shop.create_webhook("orders.created", "https://a.example/h"))
    assert caught.value.maybe_executed
    assert len(asked) == 1


def test_a_shop_that_cannot_be_reached_was_certainly_not_called() -> None:
    async def scenario() -> Temporary:
        port = await unused_port()
        async with open_client(loopback=True) as client:
            shop = CcvShop(client, f"http://127.0.0.1:{port}", PUBLIC, Secret(SECRET), jitter=lambda: 0.0)
            with pytest.raises(Temporary) as caught:
                await shop.create_webhook("orders.created", "https://a.example/h")
            return caught.value

    error = asyncio.run(scenario())
    assert (error.code, error.maybe_executed) == ("CCV101", False)


@pytest.mark.parametrize(
    "root",
    [
        "http://shop.example",
        "https://shop.example:8443",
        "https://user:pass@shop.example",
        "https://shop.example/api",
        "https://shop.example?x=1",
        "ftp://shop.example",
        "shop.example",
        "https://[::1",
        "",
    ],
)
@pytest.mark.parametrize("on_loopback", [False, True])
def test_only_plain_https_addresses_are_called(root: str, *, on_loopback: bool) -> None:
    async def scenario() -> None:
        async with open_client(loopback=on_loopback) as client:
            await CcvShop(client, root, PUBLIC, Secret(SECRET)).webshop()

    with pytest.raises(Refused) as caught:
        asyncio.run(scenario())
    assert caught.value.code == "CCV306"
    assert "pass" not in str(caught.value)


def test_this_machine_is_called_over_http_only_when_allowed() -> None:
    async def scenario() -> None:
        async with open_client() as client:
            await CcvShop(client, "http://127.0.0.1:1", PUBLIC, Secret(SECRET)).webshop()

    with pytest.raises(Refused) as caught:
        asyncio.run(scenario())
    assert caught.value.code == "CCV306"


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret(SECRET)
    shown = f"{secret} {secret!r} {secret!s} {secret:>40} {[secret]}"
    assert SECRET not in shown
    assert secret.reveal() == SECRET
    assert secret == Secret(SECRET)
    assert secret != Secret("other")
    assert secret != SECRET
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        secret.__reduce__()


FAILURES = [
    Answer(b"", 401),
    Answer(SECRET.encode(), 403),
    Answer(b"", 404),
    Answer(b"", 429),
    Answer(b"", 500),
    Answer(b"{}", 200),
    Answer(how="drop"),
    Answer(how="hang"),
]


@pytest.mark.parametrize("answer", FAILURES)
def test_the_secret_is_in_no_error_and_no_log(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(MapperError) as caught:
        run(lambda _: answer, lambda shop: shop.order(7), timeout=answer.patience)
    error = caught.value
    told = [
        repr(error),
        str(error),
        error.message("nl"),
        error.remedy(),
        error.remedy("nl"),
        str(error.facts),
    ]
    assert SECRET not in " ".join([*told, caplog.text])
    ours = [record for record in caplog.records if record.name == "mapper.services"]
    assert ours
    assert all(record.getMessage().startswith("ccv GET /orders/7/: ") for record in ours)
