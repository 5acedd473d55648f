"""The web server of `mapper tui --serve`: login, pages, the app's own files, and the websocket of each browser.

textual-serve knows neither who asks nor from where. Here nothing of it is reached without a login, the websocket and
every form only from a page of ours (Origin), and no page refers to another host.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import textual_serve
from aiohttp import web
from textual_serve.download_manager import DownloadManager

from mapper.appstore import html
from mapper.appstore.visit import csrf_of
from mapper.diagnostics import printable
from mapper.errors import Language, MapperError, UsageError
from mapper.store.database import Database
from tui.browser import pages
from tui.browser.running import Running, bounded, shut
from tui.browser.visits import LIFETIME, Visit, Visits

MOST_OPEN, MOST_OF_ACCOUNT = 40, 5
"""How many apps run at once: each is a process of about 100 MB."""
_AT_ONCE, _MOST_WAITING = 2, 20
"""A login takes 19 MiB and a tenth of a second, whoever asks."""
_READ_SECONDS = 10.0
_LOOK_SECONDS = 2.0
END_SECONDS = 5.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # with none at all a browser would not say where a form comes from
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_log = logging.getLogger("mapper.dashboard")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, and how browsers reach it: a proxy with TLS before it, or this machine alone."""

    host: str
    port: int
    public_url: str | None = None

    def check(self) -> None:
        """Raise UsageError USE190 when passwords would cross a network in the open."""
        public = urlsplit(self.public_url or f"http://{self.host}")
        is_own = public.hostname in _LOOPBACK and self.host in _LOOPBACK
        if public.path.strip("/") or not (public.hostname and (public.scheme == "https" or is_own)):
            raise UsageError("USE190", url=(self.public_url or f"http://{self.host}")[:200])

    def origins(self, port: int) -> frozenset[str]:
        """Return what a browser may call the place of our pages; `port` is the one that was given to us."""
        if self.public_url is not None:
            return frozenset({self.public_url.rstrip("/")})
        return frozenset(f"http://{name}:{port}" for name in ("127.0.0.1", "localhost"))


async def serve(
    database: Database,
    address: Address,
    *,
    environment: Mapping[str, str],
    ready: Callable[[str], None],
    stop: asyncio.Event,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Serve until `stop`. `environment` tells each app where the installation is; `ready` is given the address.

    Raises UsageError USE190, or USE191 when the port is taken.
    """
    address.check()
    desk = _Desk(database, environment, now)
    runner = web.AppRunner(desk.app(), access_log=None, handle_signals=False, shutdown_timeout=END_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise UsageError("USE191", port=address.port, reason=error.strerror) from None
        port = int(runner.addresses[0][1])
        desk.origins = address.origins(port)
        ready(address.public_url or f"http://{address.host}:{port}")
        await stop.wait()
    finally:
        await desk.close()
        await runner.cleanup()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Desk:
    """Where browsers come to."""

    def __init__(
        self, database: Database, environment: Mapping[str, str], now: Callable[[], datetime]
    ) -> None:
        self.origins: frozenset[str] = frozenset()
        self._visits = Visits(database, now)
        self._environment = environment
        self._now = now
        self._downloads = DownloadManager()
        self._open: dict[web.WebSocketResponse, str] = {}
        self._last: dict[str, Running] = {}
        self._logins = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(middlewares=[self._guard], client_max_size=16_384)
        app.add_routes([
            web.get("/", self._terminal),
            web.get(pages.LOGIN, self._ask),
            web.post(pages.LOGIN, self._login),
            web.post(pages.LOGOUT, self._logout),
            web.get(pages.SOCKET, self._socket),
            web.get(pages.FAILED, self._failed),
            web.get("/download/{key}", self._download),
            web.get(pages.STYLE_PATH, _file(html.STYLE, "text/css")),
            web.get(pages.TERMINAL_STYLE_PATH, _file(pages.TERMINAL_STYLE, "text/css")),
            web.get(pages.SCRIPT_PATH, _file(pages.SCRIPT, "text/javascript")),
            web.static(pages.STATIC, Path(textual_serve.__file__).parent / "static"),
        ])  # fmt: skip
        app.on_response_prepare.append(self._add_headers)
        return app

    async def close(self) -> None:
        """End every app."""
        await asyncio.gather(*map(shut, tuple(self._open)))

    # pages

    async def _terminal(self, request: web.Request) -> web.StreamResponse:
        visit = await self._visit(request)
        if visit is None:
            raise web.HTTPSeeOther(pages.LOGIN)
        if self._is_full(visit):
            return _page(pages.failed(_language(request), UsageError("WEB242")), 429)
        socket = f"{self._origin(request).replace('http', 'ws', 1)}{pages.SOCKET}"
        return _page(pages.terminal(visit.language, visit.csrf, socket), csp=pages.CSP.format(socket=socket))

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        if await self._visit(request) is not None:
            raise web.HTTPSeeOther("/")
        return self._form(request)

    async def _login(self, request: web.Request) -> web.StreamResponse:
        form = await self._sent(request)
        name = form.get("name", "")[:200]
        if not self._is_ours(request, form, csrf_of(request.cookies.get(self._cookie("login"), ""))):
            return self._form(request, name, UsageError("WEB240"), 403)
        if self._waiting >= _MOST_WAITING:
            return self._form(request, name, UsageError("WEB231"), 429)
        self._waiting += 1
        try:
            async with self._logins:
                token = await asyncio.to_thread(self._visits.begin, name, form.get("password", "")[:1_000])
        except UsageError as error:
            _log.warning("a login was refused: %s", error.code)
            return self._form(request, name, error, 403)
        finally:
            self._waiting -= 1
        answer = web.HTTPSeeOther("/")
        self._set_cookie(answer, "visit", token)
        raise answer

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        form = await self._sent(request)
        visit = await self._visit(request)
        if visit is not None and self._is_ours(request, form, visit.csrf):
            self._visits.end(request.cookies[self._cookie("visit")])
        raise web.HTTPSeeOther(pages.LOGIN)

    # the app

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") not in self.origins:
            raise web.HTTPForbidden
        visit = await self._known(request)
        if self._is_full(visit):
            raise web.HTTPTooManyRequests
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=262_144)
        self._open[socket] = visit.account.id
        running = self._last[visit.csrf] = Running(visit, socket, self._downloads, self._environment)
        login = asyncio.create_task(self._end_with_login(request, socket))
        try:
            await socket.prepare(request)
            await running.start(*bounded(_number(request, "width", 80), _number(request, "height", 24)))
            async with asyncio.timeout((visit.until - self._now()).total_seconds()):
                await running.follow()
        except TimeoutError:
            await shut(socket)
        finally:
            login.cancel()
            try:
                await running.end()
            finally:
                # Not before: who opens and closes without end has no more processes than others.
                self._open.pop(socket, None)
                if running.failure is None and self._last.get(visit.csrf) is running:
                    del self._last[visit.csrf]
        return socket

    async def _end_with_login(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Close an app once its person logged out, or the account's password is another."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if await self._visit(request) is None:
                    break
            except MapperError as error:
                _log.warning("a login could not be looked up: %s", error.code)
        await shut(socket)

    async def _failed(self, request: web.Request) -> web.StreamResponse:
        """Tell why the dashboard of this browser ended; 404 when it ended well."""
        visit = await self._known(request)
        running = self._last.get(visit.csrf)
        if running is None or running.failure is None:
            raise web.HTTPNotFound
        return _page(pages.failed(visit.language, running.failure))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Pass on a file that an app delivers; its key is known to the browser of that app alone."""
        visit = await self._known(request)
        key = request.match_info["key"]
        try:
            told = await self._downloads.get_download_metadata(key)
        except KeyError:
            raise web.HTTPNotFound from None
        if not isinstance(told.app_service, Running) or told.app_service.account != visit.account.id:
            raise web.HTTPNotFound
        name = "".join(one for one in told.file_name if one.isascii() and (one.isalnum() or one in "._-"))
        answer = web.StreamResponse()
        answer.content_type = "application/octet-stream"
        answer.headers["content-disposition"] = f'attachment; filename="{name or "file"}"'
        await answer.prepare(request)
        async for part in self._downloads.download(key):
            await answer.write(part)
        await answer.write_eof()
        return answer

    def _is_full(self, visit: Visit) -> bool:
        counted = Counter(self._open.values())
        return counted.total() >= MOST_OPEN or counted[visit.account.id] >= MOST_OF_ACCOUNT

    # who asks, and from where

    async def _visit(self, request: web.Request) -> Visit | None:
        token = request.cookies.get(self._cookie("visit"), "")
        return await asyncio.to_thread(self._visits.of, token) if 0 < len(token) <= 100 else None

    async def _known(self, request: web.Request) -> Visit:
        visit = await self._visit(request)
        if visit is None:
            raise web.HTTPForbidden
        return visit

    def _is_ours(self, request: web.Request, form: Mapping[str, str], csrf: str) -> bool:
        """Tell whether a form was sent by a page of ours, in this browser."""
        is_own = request.headers.get("Origin") in self.origins
        return is_own and hmac.compare_digest(form.get("csrf", "").encode(), csrf.encode())

    async def _sent(self, request: web.Request) -> dict[str, str]:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                body = await request.read()
            return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=10))
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except ValueError:
            raise web.HTTPUnprocessableEntity from None

    def _form(
        self, request: web.Request, name: str = "", error: MapperError | None = None, status: int = 200
    ) -> web.Response:
        token = secrets.token_urlsafe(32)
        answer = _page(pages.login(_language(request), csrf_of(token), name=name, error=error), status)
        self._set_cookie(answer, "login", token)
        return answer

    def _origin(self, request: web.Request) -> str:
        """Return the name that this browser knows us by."""
        own = f"http://{request.host}"
        return own if own in self.origins else next(iter(self.origins))

    @property
    def _is_https(self) -> bool:
        return any(one.startswith("https:") for one in self.origins)

    def _cookie(self, name: str) -> str:
        # With this prefix a browser takes the cookie from this host alone, over https alone.
        return f"__Host-mapper-{name}" if self._is_https else f"mapper-{name}"

    def _set_cookie(self, answer: web.Response | web.HTTPSeeOther, name: str, token: str) -> None:
        answer.set_cookie(
            self._cookie(name), token, max_age=int(LIFETIME.total_seconds()), path="/",
            secure=self._is_https, httponly=True, samesite="Lax",
        )  # fmt: skip

    async def _add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
        if self._is_https:
            response.headers["strict-transport-security"] = "max-age=31536000"

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer errors with a page: neither a traceback nor data."""
        try:
            return await handler(request)
        except MapperError as error:
            _log.error("a page could not be shown: %s", printable(str(error)))
            return _page(pages.failed(_language(request), error), 503)


def _page(text: str, status: int = 200, *, csp: str = "") -> web.Response:
    own = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={"content-security-policy": csp or own},
    )


def _file(text: str, kind: str) -> Handler:
    async def file(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=kind, headers={"cache-control": "max-age=3600"})

    return file


def _language(request: web.Request) -> Language:
    return "en" if request.headers.get("Accept-Language", "")[:2].lower() == "en" else "nl"


def _number(request: web.Request, name: str, default: int) -> int:
    given = request.query.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else default
