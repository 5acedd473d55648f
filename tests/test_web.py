from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import re
import select
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import Connection
from starlette.applications import Starlette

from mapper import intake
from mapper.errors import StoreError
from mapper.services.ccv import is_signed
from mapper.store import (
    breaker,
    credentials,
    documents,
    heartbeats,
    hints,
    limits,
    listing,
    operations,
    schema,
    tenants,
)
from mapper.store.database import Database, open_database
from mapper.store.rows import Document, Hint
from mapper.store.sealing import Sealer
from mapper.web import Throttle, create_app, webhook_path
from tests.databases import MINUTE, NOW, add_document, add_tenant, bring_to
from tests.postgres import PostgresServer

pytest_plugins = ["tests.databases"]

KEY = "WEBHOOKKEY"
ADDRESS = "https://app.example/hook?shop=1"
BODY = b'{"id":1}'
# The vector of the inferred form, made outside this project.
VECTOR = (
    "afee0b2017ff94232f7d3b11d7568b349e9104b50241cf55391163041de14324"
    "e9476b8a5b33848ac866bd82adf140f29b239ce35f7eab64ccc86ca257510112"
)
EVENT = "orders.created"


class Shop:
    """A tenant with a registered webhook, the app that receives it, and what was dispatched."""

    def __init__(
        self, database: Database, *, throttle: Throttle | None = None, read_seconds: float = 10
    ) -> None:
        self.database = database
        self.dispatched: list[tuple[str, Document, str]] = []
        self.now = NOW
        self.sealer = Sealer.generate()
        self.app = create_app(
            database,
            self.dispatch,
            sealer=self.sealer,
            is_signed=is_signed,
            now=lambda: self.now,
            throttle=throttle,
            read_seconds=read_seconds,
        )
        with database.begin() as conn:
            add_tenant(conn)
            self.token = tenants.get(conn, "shop").webhook_token
            credentials.put_webhook(
                conn, "shop", EVENT, shop_webhook_id=1, address=ADDRESS, key=KEY, sealer=self.sealer, now=NOW
            )

    def dispatch(self, conn: Connection, tenant: str, document: Document, *, reason: str) -> None:
        assert conn.in_transaction()
        self.dispatched.append((tenant, document, reason))

    def post(
        self, body: bytes | AsyncIterator[bytes] = BODY, event: str = EVENT, **headers: str | bytes
    ) -> httpx.Response:
        sent = [(name.replace("_", "-").encode(), _bytes(value)) for name, value in headers.items()]
        return self.send(httpx.Request("POST", self.url(event), content=body, headers=sent))

    def url(self, event: str = EVENT) -> str:
        return "http://test" + webhook_path(self.token, event)

    def get(self, path: str) -> httpx.Response:
        return self.send(httpx.Request("GET", f"http://test{path}"))

    def send(self, request: httpx.Request) -> httpx.Response:
        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
                answered = await client.send(request)
            await self.app.state.receiver.intake.rest()
            return answered

        return asyncio.run(answer())


@pytest.fixture
def shop(sqlite: Database) -> Shop:
    return Shop(sqlite)


def test_R2_a_webhook_is_noted_and_dispatched_in_one_transaction(database: Database) -> None:
    shop = Shop(database)
    assert shop.post().status_code == 200
    with database.read() as conn:
        found = documents.get(conn, "shop", "order-1")
    assert shop.dispatched == [("shop", found, "webhook")]
    assert (found.state, found.revision, found.deleted) == ("open", 1, False)


def test_R2_what_was_accepted_is_noted_later_when_it_cannot_be_now(database: Database) -> None:
    shop = Shop(database)

    def fail(conn: Connection, tenant: str, document: Document, *, reason: str) -> None:
        raise StoreError("STO101", url="", reason="locked")

    shop.app = create_app(database, fail, sealer=shop.sealer, is_signed=is_signed)
    assert shop.post().status_code == 200
    with database.read() as conn:
        assert documents.find(conn, "shop", "order", 1) is None
        assert conn.execute(schema.webhook_event.select()).all() == []
    assert intake.take_all(database, shop.dispatch, now=NOW) == 1
    assert [document.id for _, document, _ in shop.dispatched] == ["order-1"]
    assert intake.take_all(database, shop.dispatch, now=NOW) == 0


def test_R2_one_that_cannot_be_noted_at_all_holds_up_no_other(shop: Shop, sqlite: Database, caplog) -> None:

    def fail(conn: Connection, tenant: str, document: Document, *, reason: str) -> None:
        if document.shop_id == 2:
            raise ZeroDivisionError

    with sqlite.begin() as conn:
        hints.keep(conn, [Hint("shop", EVENT, f"hash {number}", number, NOW) for number in range(1, 8)])
    assert intake.take_all(sqlite, fail, now=NOW) == 7
    with sqlite.read() as conn:
        noted = [one.shop_id for one in listing.page(conn, "shop").documents]
    assert sorted(noted) == [1, 3, 4, 5, 6, 7]
    assert caplog.messages == ["ZeroDivisionError while noting shop 2; a sweep will find it"]


def test_R2_the_same_delivery_twice_is_one(shop: Shop) -> None:
    assert [shop.post().status_code for _ in range(3)] == [200, 200, 200]
    assert len(shop.dispatched) == 1
    shop.post(b'{"id":1, "status":2}')
    shop.post(event="orders.updated.ispaid")
    assert [document.revision for _, document, _ in shop.dispatched] == [1, 2, 3]


def test_R6_a_deleted_order_is_noted_as_deleted(shop: Shop) -> None:
    assert shop.post(event="orders.deleted").status_code == 200
    assert [document.deleted for _, document, _ in shop.dispatched] == [True]


def test_R2_an_invoice_event_notes_an_invoice(shop: Shop) -> None:
    assert shop.post(event="invoices.updated.status").status_code == 200
    assert [document.id for _, document, _ in shop.dispatched] == ["invoice-1"]


@pytest.mark.parametrize("event", ["orders.foo", "orders", "products.created", "invoices.deleted"])
def test_R2_an_event_the_mapper_never_registers_is_not_found(shop, event):
    assert shop.post(event=event).status_code == 404
    assert shop.dispatched == []


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/wrong/orders.created",
        "/webhooks/%FF%00/orders.created",
        "/webhooks/TOKEN/products.created",
        "/webhooks/TOKEN/orders",
        "/webhooks/TOKEN/orders.CREATED",
        "/webhooks/TOKEN/orders.created.",
        "/webhooks/TOKEN/orders..created",
        "/webhooks/TOKEN/%0Aorders.created",
        "/webhooks/TOKENx/orders.created",
    ],
)
def test_an_unknown_address_is_not_found_whatever_is_wrong_with_it(shop: Shop, path: str) -> None:
    answers = [
        shop.send(httpx.Request("POST", "http://test" + wrong.replace("TOKEN", shop.token), content=BODY))
        for wrong in (path, "/webhooks/wrong/orders.created")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers
    assert shop.dispatched == []


def test_a_right_signature_is_accepted(shop: Shop) -> None:
    assert shop.post(x_hash=VECTOR).status_code == 200
    assert len(shop.dispatched) == 1


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"0" * 128,
        VECTOR[:-1].encode(),
        VECTOR.encode() + b"0",
        VECTOR.upper().encode(),
        b"\xe9\xff",
        VECTOR.encode()[:-1] + b"\xb2",
        "२".encode() * 40,
        hmac.new(b"OTHERKEY", ADDRESS.encode() + b"|" + BODY, hashlib.sha512).hexdigest().encode(),
        hmac.new(KEY.encode(), b"https://app.example/other|" + BODY, hashlib.sha512).hexdigest().encode(),
        hmac.new(KEY.encode(), BODY, hashlib.sha512).hexdigest().encode(),
    ],
)
def test_S7_a_wrong_signature_is_refused(shop: Shop, given: bytes) -> None:
    assert shop.post(x_hash=given).status_code == 401
    assert shop.dispatched == []


def test_S7_the_signature_s_form_is_the_operator_s_choice(shop: Shop) -> None:
    over_body = hmac.new(KEY.encode(), BODY, hashlib.sha512).hexdigest()
    assert is_signed(KEY, ADDRESS, BODY, over_body, form="body")
    assert not is_signed(KEY, ADDRESS, BODY, over_body)
    assert not is_signed("", ADDRESS, BODY, hmac.new(b"", BODY, hashlib.sha512).hexdigest(), form="body")


def test_S7_a_signature_of_another_body_is_refused(shop: Shop) -> None:
    assert shop.post(b'{"id":2}', x_hash=VECTOR).status_code == 401


def test_S7_a_missing_signature_is_refused_when_one_is_required(shop: Shop) -> None:
    with shop.database.begin() as conn:
        tenants.require_signature(conn, "shop", required=True)
    assert shop.post().status_code == 401
    assert (
        shop.post(event="orders.updated.ispaid", x_hash=VECTOR).status_code == 401
    )  # no key to check it with
    assert shop.post(x_hash=VECTOR).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"1"',
        b"{}",
        b'{"id":"1"}',
        b'{"id":1.0}',
        b'{"id":true}',
        b'{"id":null}',
        b'{"id":-1}',
        b'{"id":0}',
        b'{"id":9007199254740992}',
        b'{"id":' + b"9" * 5000 + b"}",
        b'{"id":1,"id":2}',
        b'{"id":NaN}',
        b'{"id":1,"x":NaN}',
        b'{"id":1}{"id":2}',
        b"\xff\xfe",
        b"\x00",
        b'{"id":1,"x":' + b"[" * 50_000,
        b"[" * 50_000 + b"]" * 50_000,
    ],
)
def test_S7_a_body_that_names_no_document_is_refused(shop: Shop, body: bytes) -> None:
    assert shop.post(body).status_code == 422
    assert shop.dispatched == []


def test_S7_mutated_deliveries_never_fail_nor_get_in(shop: Shop) -> None:
    signature = VECTOR.encode()
    for place in range(0, len(signature), 4):
        changed = signature[:place] + bytes([signature[place] ^ 0x80]) + signature[place + 1 :]
        assert shop.post(x_hash=changed).status_code == 401
    for place in range(len(BODY)):
        for flip in (0x01, 0x20, 0x80):
            changed = BODY[:place] + bytes([BODY[place] ^ flip]) + BODY[place + 1 :]
            assert shop.post(changed, x_hash=signature).status_code == 401
    assert shop.dispatched == []


def test_a_large_body_is_given_up_at_the_limit_before_anything_is_done_with_it(shop: Shop) -> None:
    """10 MB in parts of 64 KiB without a length: five parts are read, then no more."""
    taken = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(160):
            taken += 1
            yield b"x" * 65_536

    assert shop.post(parts(), x_hash=VECTOR).status_code == 413
    assert taken == 5


def test_a_body_that_drips_is_given_up(sqlite: Database) -> None:
    shop = Shop(sqlite, read_seconds=0.05)

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    assert shop.post(parts()).status_code == 408


def test_a_large_announced_length_is_refused_unread(shop: Shop) -> None:
    with serving(shop.app) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        path = webhook_path(shop.token, EVENT)
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n".encode())
        assert client.recv(200).startswith(b"HTTP/1.1 413 ")


def test_ten_megabytes_over_http_leave_memory_flat(shop: Shop) -> None:
    before = _resident_bytes()
    with serving(shop.app) as port:
        for _ in range(5):
            assert _stream(port, webhook_path(shop.token, EVENT), megabytes=10) == 413
        grown = _resident_bytes() - before
    assert grown < 8 * 1024 * 1024
    assert shop.dispatched == []


def test_R2_deliveries_over_http_are_on_record_when_they_are_answered(shop: Shop) -> None:
    with serving(shop.app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for shop_id in range(1, 41):
            body = json.dumps({"id": shop_id}).encode()
            assert client.post(webhook_path(shop.token, EVENT), content=body).status_code == 200
    # Stopping waits for an answer, not for what is done with it afterwards.
    intake.take_all(shop.database, shop.dispatch, now=NOW)
    assert len(shop.dispatched) == 40


def test_a_tenant_that_floods_is_told_to_come_back(sqlite: Database) -> None:
    shop = Shop(sqlite, throttle=Throttle(burst=3, per_second=2.0))
    answers = [shop.post(b'{"id":%d}' % shop_id) for shop_id in range(1, 6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["retry-after"] == "10"
    shop.now += timedelta(seconds=1)
    assert [shop.post(b'{"id":%d}' % shop_id).status_code for shop_id in (4, 5, 6)] == [200, 200, 429]
    assert len(shop.dispatched) == 5


def test_a_thousand_changes_at_once_are_no_flood() -> None:
    throttle = Throttle()
    assert all(throttle.is_allowed("shop", NOW) for _ in range(1000))
    assert throttle.is_allowed("another", NOW)


def test_answers_carry_security_headers(shop: Shop) -> None:
    for answer in (shop.post(), shop.get("/healthz"), shop.get("/nowhere"), shop.get(webhook_path("x", "y"))):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"


def test_S5_neither_body_nor_secret_is_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    body = b'{"id":1,"customer_email":"canary@example.nl"}'
    with caplog.at_level(logging.DEBUG):
        shop.post(body)
        shop.post(body, x_hash="f" * 128)
        shop.post(b"canary@example.nl")
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert "canary@example.nl" not in logged
    assert KEY not in logged
    assert shop.token not in logged


def test_S5_the_database_keeps_nothing_of_a_webhook_but_its_id(shop: Shop, tmp_path: Path) -> None:
    shop.post(b'{"id":1,"customer_email":"canary@example.nl"}')
    assert all(b"canary@example.nl" not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_database_that_is_gone_asks_for_redelivery(tmp_path: Path) -> None:
    with open_database(tmp_path / "folder" / "mapper.db") as database:
        shop = Shop(database)
        database.close()  # the pool forgets its connections and opens new ones
        for path in (tmp_path / "folder").iterdir():
            path.unlink()
        (tmp_path / "folder").rmdir()
        answer = shop.post()
        health = shop.get("/healthz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert (health.status_code, health.json()) == (503, {"healthy": False, "database": "STO101"})


def test_a_key_that_is_gone_asks_for_redelivery_and_says_so_in_the_log(
    sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(sqlite)
    shop.app = create_app(sqlite, shop.dispatch, sealer=Sealer.generate(), is_signed=is_signed)
    assert shop.post(x_hash=VECTOR).status_code == 503
    assert "SEC105" in caplog.text
    assert shop.dispatched == []


def test_health_is_good_while_a_daemon_beats(shop: Shop) -> None:
    assert shop.get("/healthz").status_code == 503
    with shop.database.begin() as conn:
        heartbeats.beat(conn, "one", host="h", pid=1, now=NOW)
        bring_to(conn, add_document(conn), "queued")
        tenants.pause_all(conn, reason="r", now=NOW)
    shop.now = NOW + MINUTE
    good = shop.get("/healthz")
    shop.now = NOW + MINUTE * 2
    silent = shop.get("/healthz")
    assert good.status_code == 200
    assert good.json() == {
        "healthy": True,
        "database": "ok",
        "heartbeat": "2026-03-01T12:00:00+00:00",
        "queue_lag_seconds": 60.0,
        "paused": True,
        "banned": {},
        "rules": {"published": None, "in_use": [], "refused": []},
        "tenants": 1,
        "tenants_paused": 0,
    }
    assert silent.status_code == 503


def test_metrics_tell_queue_errors_operations_calls_breakers_and_processes(database: Database) -> None:
    shop = Shop(database)
    with database.begin() as conn:
        for shop_id, state in ((1, "done"), (2, "queued"), (3, "error")):
            bring_to(conn, add_document(conn, shop_id=shop_id), state)
        operations.begin(
            conn, "shop", document_id="order-1", step="s", key="k", token="t", fingerprint="f", now=NOW
        )
        operations.lost(conn, "shop", "k", now=NOW)
        limits.reserve(conn, "192.0.2.1", now=NOW)
        limits.block(conn, 'b"an\\ned', until=NOW + MINUTE * 2, reason="r", now=NOW)
        heartbeats.beat(conn, "one", host="h", pid=1, now=NOW)
        for _ in range(5):
            breaker.record(conn, "DE", answered=False, now=NOW, open_for=MINUTE * 2)
        breaker.record(conn, "FR", answered=True, now=NOW, open_for=MINUTE)
    shop.now = NOW + MINUTE / 2
    answer = shop.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = _samples(answer.text)
    assert samples['mapper_documents{tenant="shop",state="done"}'] == "1"
    assert samples['mapper_queue_depth{tenant="shop"}'] == "1"
    assert samples['mapper_queue_oldest_seconds{tenant="shop"}'] == "30"
    assert samples['mapper_errors{tenant="shop",code="K1"}'] == "1"
    assert samples['mapper_operations{tenant="shop",state="unknown"}'] == "1"
    assert samples['mapper_paused{tenant="shop"}'] == "0"
    assert samples['mapper_calls_left{service="wefact",address="192.0.2.1"}'] == str(limits.BURST)
    assert samples['mapper_calls_left{service="wefact",address="b\\"an\\\\ned"}'] == "0"
    assert samples['mapper_breaker_open{service="wefact",part="192.0.2.1"}'] == "0"
    assert samples['mapper_breaker_open{service="wefact",part="b\\"an\\\\ned"}'] == "1"
    assert samples['mapper_breaker_open{service="vies",part="DE"}'] == "1"
    assert samples['mapper_breaker_open{service="vies",part="FR"}'] == "0"
    assert samples["mapper_processes"] == "1"


def _samples(text: str) -> dict[str, str]:
    """Read Prometheus' text format strictly: HELP and TYPE of a family, then all its samples, each once."""
    assert text.endswith("\n")
    lines, families, samples = text.splitlines(), [], {}
    number = r"[0-9]+(?:\.[0-9]+)?"
    label = r'[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
    for line in lines:
        if line.startswith("# HELP "):
            families.append(line.split(" ")[2])
            continue
        if line.startswith("# TYPE "):
            assert line == f"# TYPE {families[-1]} gauge"
            continue
        found = re.fullmatch(rf"({families[-1]}(?:\{{{label}(?:,{label})*\}})?) ({number})", line)
        assert found, line
        assert found[1] not in samples
        samples[found[1]] = found[2]
    assert len(families) == len(set(families))
    return samples


def test_ready_is_who_takes_webhooks_even_when_nothing_works_on_them(tmp_path: Path) -> None:
    with open_database(tmp_path / "folder" / "mapper.db") as database:
        shop, ready = Shop(database), [True]
        shop.app = create_app(
            database, shop.dispatch, sealer=shop.sealer, is_signed=is_signed, is_ready=lambda: ready[0]
        )
        assert (shop.get("/readyz").status_code, shop.get("/healthz").status_code) == (200, 503)
        ready[0] = False
        assert (shop.get("/readyz").status_code, shop.get("/readyz").json()) == (503, {"ready": False})
        database.close()
        (tmp_path / "folder" / "mapper.db").rename(tmp_path / "gone")
        (tmp_path / "folder" / "mapper.db").mkdir()
        gone = shop.get("/readyz")
    assert (gone.status_code, gone.json()) == (503, {"ready": False, "database": "STO101"})


def test_a_postgresql_that_only_reads_is_not_ready(postgres: PostgresServer) -> None:
    with open_database(postgres.new_database()) as database:
        shop = Shop(database)
        assert shop.get("/readyz").status_code == 200
        with database.begin() as conn:
            name = conn.exec_driver_sql("SELECT current_database()").scalar_one()
            conn.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        database.close()
        assert shop.get("/readyz").status_code == 503


@contextlib.contextmanager
def serving(app: Starlette) -> Iterator[int]:
    """Serve the app with uvicorn in a thread; gives its port."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def _stream(port: int, path: str, *, megabytes: int) -> int:
    """Send a body in chunks for as long as the server reads; return the status it answered."""
    part = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(megabytes * 16):
            if select.select([client], [], [], 0)[0]:
                break
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(part)
        return int(client.recv(12)[9:])


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
