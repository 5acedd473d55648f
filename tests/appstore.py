"""The install pages over ASGI, as the app store and a merchant's browser use them; the sandbox is the services."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from html import unescape
from urllib.parse import urlencode

import httpx

from mapper.appstore.installation import STEPS, StoreApp
from mapper.appstore.routes import HANDSHAKE, INSTALL, routes
from mapper.mailing import Mailer
from mapper.services.ccv import is_signed
from mapper.services.http import Secret
from mapper.store import tenants
from mapper.store.database import Database
from mapper.store.sealing import Sealer
from mapper.web import Throttle, create_app
from tests.databases import NOW

PUBLIC_URL = "https://mapper.example"
SECRET = "the app's secret"


def signature(address: str, content: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), address.encode() + b"|" + content, hashlib.sha512).hexdigest()


class Browser:
    """Sends requests to the server over ASGI; keeps cookies, follows nothing."""

    def __init__(self, server) -> None:
        self._server = server
        self.cookies = httpx.Cookies()

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._send("GET", path))

    def post(self, path: str, **sent) -> httpx.Response:
        return asyncio.run(self._send("POST", path, **sent))

    async def _send(self, method: str, path: str, **sent) -> httpx.Response:
        transport = httpx.ASGITransport(self._server)
        async with httpx.AsyncClient(
            transport=transport, base_url=PUBLIC_URL, cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, **sent)
            self.cookies = client.cookies
        return answer


class Store:
    """The app's web server, as the app store and a merchant's browser use it."""

    def __init__(
        self,
        database: Database,
        sandbox,
        *,
        hosts: tuple[str, ...] = (),
        loopback: bool = True,
        mailer: Mailer | None = None,
        address: str = "default",
    ) -> None:
        self.database, self.sandbox, self.now = database, sandbox, NOW
        self.sealer = Sealer.generate()
        self.app = StoreApp(PUBLIC_URL, Secret(SECRET), hosts, loopback, sandbox.wefact, sandbox.vies)
        routed = routes(
            database,
            self.sealer,
            self.app,
            mailer=mailer,
            address=address,
            now=lambda: self.now,
            pages=Throttle(burst=60, per_second=1),
        )
        server = create_app(
            database, lambda *_, **__: None, sealer=self.sealer, is_signed=is_signed, extra_routes=routed
        )
        self.browser = Browser(server)

    def handshake(self, **changes: object) -> httpx.Response:
        sent = {
            "api_public": self.sandbox.ccv_public, "api_secret": self.sandbox.ccv_secret,
            "api_root": self.sandbox.ccv, "return_url": f"{self.sandbox.ccv}/back",
        } | changes  # fmt: skip
        return self.call(HANDSHAKE, json.dumps(sent).encode())

    def call(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        signed = {"x-hash": signature(PUBLIC_URL + path, body)} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.browser.post(path, content=body, headers=signed)

    def enter(self, language: str = "en", **changes: str) -> httpx.Response:
        public = self.sandbox.ccv_public
        query = {
            "api_public": public, "language": language,
            "x-hash": signature(PUBLIC_URL + INSTALL, public.encode()),
        } | changes  # fmt: skip
        return self.browser.get(f"{INSTALL}?{urlencode(query)}")

    def get(self, step: str) -> str:
        return self.browser.get(f"{INSTALL}/{step}").text

    def post(self, step: str, **fields: str | list[str]) -> httpx.Response:
        """Send a page's own form back, with some fields changed."""
        form = filled_in(self.get(step)) | fields
        return self.browser.post(f"{INSTALL}/{step}", data=form)

    def install(self, *, until: str = "done") -> httpx.Response:
        assert self.handshake().status_code == 200
        answer = self.enter()
        filled = {
            "terms": {"accept": "yes"},
            "wefact": {"wefact_key": self.sandbox.wefact_key},
            "vat": {"code:NL:21": "V21", "code:NL:9": "V9"},
        }
        for step in STEPS[: STEPS.index(until)]:
            answer = self.post(step, **filled.get(step, {}))
            assert answer.status_code == 303, (step, plain(answer.text))
        return self.post("done") if until == "done" else answer

    @property
    def tenant(self) -> str:
        with self.database.read() as conn:
            (one,) = tenants.everyone(conn)
        return one.id


def filled_in(page: str) -> dict[str, str]:
    """Return what a browser would send of the page's form if nothing was touched."""
    form = page[page.rindex('<form method="post" action="/app/install/') :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        of = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if of.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        found[unescape(of["name"])] = unescape(of.get("value", ""))
    for name, inside in re.findall(r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'<option value="([^"]*)" selected>', inside)
        found[unescape(name)] = unescape(chosen[1]) if chosen else ""
    return found


def plain(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
