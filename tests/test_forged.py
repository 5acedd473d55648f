"""Forged requests by the thousand at every address that is open to the world: none gets in, none breaks anything.

MAPPER_FORGED=10000 ./dev test tests/test_forged.py
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
from collections import Counter

import httpx
from sqlalchemy import func, select

from mapper.appstore.installation import StoreApp
from mapper.appstore.routes import HANDSHAKE, INSTALL, UNINSTALL, routes
from mapper.services.ccv import is_signed
from mapper.services.http import Secret
from mapper.store import credentials, schema, tenants
from mapper.store.database import Database
from mapper.store.sealing import Sealer
from mapper.web import create_app, webhook_path
from tests.databases import NOW, add_tenant

pytest_plugins = ["tests.databases"]

COUNT = int(os.environ.get("MAPPER_FORGED", "1500"))
EVENT = "orders.created"
HOSTILE = [
    "",
    "\x00",
    "' OR 1=1 --",
    "../../etc/passwd",
    "%00",
    "é",
    "x" * 5000,
    "{}",
    "[" * 2000,
    "null",
    "-1",
    "1e999",
]


def forged(draw: random.Random, token: str) -> httpx.Request:
    """One request that somebody without any key could make, of a shape that is as right as they can know."""
    paths = [
        webhook_path(token, EVENT), webhook_path(token[:-1] + draw.choice("AZaz09_-"), EVENT), webhook_path("x", EVENT),
        HANDSHAKE, UNINSTALL, INSTALL, f"{INSTALL}/wefact", f"{INSTALL}/done", "/app/language", "/app/nothing",
    ]  # fmt: skip
    body = draw.choice(
        [
            json.dumps({"id": draw.randrange(10**6)}), json.dumps({"api_public": "sandbox^public"}),
            json.dumps({name: draw.choice(HOSTILE) for name in ("api_public", "api_secret", "api_root", "return_url")}),
            "csrf=" + "0" * 64 + "&accept=yes", draw.choice(HOSTILE), draw.randbytes(draw.randrange(300)).hex(),
        ]
    ).encode()  # fmt: skip
    headers = {
        "x-hash": draw.choice([draw.randbytes(64).hex(), "", "00", draw.choice(HOSTILE)]).encode()[:3000],
        "content-type": draw.choice([b"application/json", b"application/x-www-form-urlencoded", b"text/xml"]),
        "cookie": f"__Host-mapper={draw.randbytes(32).hex()}; mapper={draw.choice(HOSTILE)}".encode(),
    }
    clean = {name: value.replace(b"\x00", b"").replace(b"\n", b"") for name, value in headers.items()}
    query = f"?api_public=sandbox%5Epublic&x-hash={draw.randbytes(64).hex()}" if draw.random() < 0.3 else ""
    method = draw.choice(["POST", "POST", "POST", "GET", "PUT", "DELETE"])
    return httpx.Request(
        method, "https://mapper.example" + draw.choice(paths) + query, content=body, headers=clean
    )


def test_S7_T1_of_forged_requests_none_is_accepted_and_memory_stays_flat(sqlite: Database) -> None:
    dispatched: list[object] = []
    sealer, draw = Sealer.generate(), random.Random(6)
    app = StoreApp("https://mapper.example", Secret("the app's secret"), ("*",))
    server = create_app(
        sqlite,
        lambda *given, **_: dispatched.append(given),
        sealer=sealer,
        is_signed=is_signed,
        extra_routes=routes(sqlite, sealer, app),
    )
    with sqlite.begin() as conn:
        add_tenant(conn)
        tenants.require_signature(conn, "shop", required=True)
        token = tenants.get(conn, "shop").webhook_token
        credentials.put_webhook(
            conn, "shop", EVENT, shop_webhook_id=1, address="https://a", key="K", sealer=sealer, now=NOW
        )
        before = rows(conn)
    seen: Counter[int] = Counter()

    async def attack(count: int) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server)) as client:
            for _ in range(count // 50):
                answers = await asyncio.gather(*(client.send(forged(draw, token)) for _ in range(50)))
                seen.update(answer.status_code for answer in answers)

    asyncio.run(attack(COUNT // 3))
    warm = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(attack(COUNT - COUNT // 3))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - warm

    assert sum(seen.values()) >= COUNT - 100
    assert {status for status in seen if status >= 500 or status < 400} == set()
    assert dispatched == []
    with sqlite.read() as conn:
        assert rows(conn) == before
    assert grown < 20_000, f"{grown} kB more"


def rows(conn) -> dict[str, int]:
    tables = schema.metadata.sorted_tables
    return {table.name: conn.scalars(select(func.count()).select_from(table)).one() for table in tables}
