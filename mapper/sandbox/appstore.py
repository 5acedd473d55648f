"""The emulated shop's App Store page, in a browser: install, edit and uninstall an app (ccv-api 2.8)."""

from __future__ import annotations

import hashlib
import hmac
import json
from html import escape
from urllib.parse import parse_qsl, urlencode

import httpx

from mapper.sandbox.ccv import PUBLIC, SECRET, CcvShop
from mapper.sandbox.wire import Answer, Call

APP_SECRET = "sandbox-app-secret"  # noqa: S105 - the emulator's own, guards nothing
_SECONDS = 30


class AppStore:
    """The page under /_sandbox/store. The app's base address is given in the form, its paths are /app/…."""

    def __init__(self, shop: CcvShop) -> None:
        self._shop = shop
        self._app = ""
        self._said = ""

    async def page(self, call: Call) -> Answer:
        """Show the page, or do what a button asks and show what came of it."""
        if call.method == "POST":
            form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
            self._app = form.get("app", self._app).rstrip("/")
            return await self._asked(form.get("do", ""), form.get("language", "nl"))
        installed = "geïnstalleerd" if self._shop.is_app_installed else "niet geïnstalleerd"
        buttons = "".join(
            f'<button name="do" value="{name}">{told}</button> '
            for name, told in (
                ("install", "App installeren"),
                ("edit", "Wijzigen"),
                ("uninstall", "Verwijderen"),
            )
        )
        page = (
            '<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>App Store</title></head><body>'
            f"<h1>App Store van de zandbakwinkel</h1><p id='state'>Boekhoudkoppeling: {installed}</p>"
            f"<p id='said'>{escape(self._said)}</p><form method='post' action='/_sandbox/store'>"
            f"<label>Adres van de app <input name='app' size='50' value='{escape(self._app)}'></label> "
            "<select name='language'><option>nl</option><option>en</option></select> "
            f"{buttons}</form></body></html>"
        )
        return Answer(200, page.encode(), "text/html; charset=utf-8")

    async def _asked(self, what: str, language: str) -> Answer:
        if what == "install":
            handed = {
                "api_public": PUBLIC, "api_secret": SECRET, "api_root": self._shop.base,
                "return_url": f"{self._shop.base}/_sandbox/store",
            }  # fmt: skip
            if await self._call("/app/handshake", handed):
                return self._redirect(self._install_url(language))
        elif what == "edit":
            return self._redirect(self._install_url(language))
        elif what == "uninstall" and await self._call("/app/uninstall", {"api_public": PUBLIC}):
            self._shop.is_app_installed = False
        return self._redirect("/_sandbox/store")

    async def _call(self, path: str, sent: dict[str, str]) -> bool:
        body, address = json.dumps(sent).encode(), self._app + path
        headers = {"x-hash": app_signature(address, body), "content-type": "application/json"}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=_SECONDS) as client:
                answer = await client.post(address, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._said = f"{path}: {type(error).__name__}"
            return False
        self._said = f"{path}: {answer.status_code}"
        return answer.status_code == 200

    def _install_url(self, language: str) -> str:
        address = f"{self._app}/app/install"
        signed = {
            "api_public": PUBLIC,
            "language": language,
            "x-hash": app_signature(address, PUBLIC.encode()),
        }
        return f"{address}?{urlencode(signed)}"

    def _redirect(self, address: str) -> Answer:
        return Answer(303, b"", "text/plain", {"location": address})


def app_signature(address: str, content: bytes) -> str:
    """Return the x-hash of what is sent to an address of the app."""
    return hmac.new(APP_SECRET.encode(), address.encode() + b"|" + content, hashlib.sha512).hexdigest()
