"""The addresses of the app: handshake, install pages and uninstall, as Starlette routes for the web server.

Sizes are looked at before anything is read, signatures before anything is believed. A page's form counts only with the
session's cookie and the token that follows from it. Errors are pages with a code, never a traceback.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import get_args
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from mapper import offboarding, onboarding
from mapper.appstore import html, steps, welcome
from mapper.appstore.installation import (
    STEPS,
    Step,
    StoreApp,
    activate,
    finish_step,
    next_step,
    take_over,
)
from mapper.appstore.signing import is_signed, read_handover, read_public
from mapper.appstore.texts import text
from mapper.appstore.visit import Desk, Visit, csrf_of
from mapper.diagnostics import printable
from mapper.errors import ConfigError, Language, MapperError, StoreError
from mapper.mailing import Mailer
from mapper.store import accounts, handshakes, licences, web_sessions
from mapper.store.database import Database
from mapper.store.sealing import Sealer
from mapper.web import READ_SECONDS, Throttle, read_body

HANDSHAKE, INSTALL, UNINSTALL = "/app/handshake", "/app/install", "/app/uninstall"
MAX_HANDSHAKE, MAX_FORM, MAX_FIELDS = 16_384, 131_072, 1_000
_log = logging.getLogger("mapper.web")
Handler = Callable[[Request], Awaitable[Response]]


def routes(
    database: Database,
    sealer: Sealer,
    app: StoreApp,
    *,
    mailer: Mailer | None = None,
    address: str = "default",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pages: Throttle | None = None,
) -> list[Route]:
    """Return the routes of the app. `pages` throttles what one webshop's visitors ask for and send.

    `address` names the egress address whose call budget is shared.
    """
    counter = _Counter(
        Desk(app, database, sealer, mailer, now, address), pages or Throttle(burst=40, per_second=0.5)
    )
    return [
        Route(HANDSHAKE, counter.handshake, methods=["POST"]),
        Route(UNINSTALL, counter.uninstall, methods=["POST"]),
        Route(INSTALL, counter.enter, methods=["GET"]),
        Route(INSTALL + "/overview", counter.overview, methods=["GET"]),
        Route(INSTALL + "/{step}", counter.page, methods=["GET", "POST"]),
        Route("/app/language", counter.language, methods=["POST"]),
        Route(html.STYLE_PATH, _style, methods=["GET"]),
    ]


class _Counter:
    """Where the app store and merchants come to."""

    def __init__(self, desk: Desk, pages: Throttle) -> None:
        self._desk = desk
        self._pages = pages

    async def handshake(self, request: Request) -> Response:
        """Take a shop's keys: sealed and committed before the answer (ccv-api 2.8)."""
        app = self._desk.app
        body = await self._signed_body(request, HANDSHAKE)
        if isinstance(body, Response):
            return body

        def keep() -> None:
            handover = read_handover(body, app.hosts, loopback=app.loopback)
            with self._desk.database.begin() as conn:
                take_over(conn, self._desk.sealer, app, handover, now=self._desk.now())

        return await self._answered("handshake", keep)

    async def uninstall(self, request: Request) -> Response:
        """Stop a shop's integration; an installation that is not known any more is uninstalled already."""
        body = await self._signed_body(request, UNINSTALL)
        if isinstance(body, Response):
            return body
        try:
            public = read_public(body)
        except ConfigError as error:
            return _refused("uninstall", error)
        tenant = await run_in_threadpool(self._tenant_of, public)
        if tenant is not None:
            try:
                failure = await offboarding.stop(
                    self._desk.database,
                    self._desk.sealer,
                    tenant,
                    reason="uninstalled from the app store",
                    who="app store",
                    loopback=self._desk.app.loopback,
                    now=self._desk.now(),
                )
            except StoreError as error:
                return _refused("uninstall", error)
            if failure is not None:
                _log.warning("uninstall of %s: the shop could not be told: %s", tenant, failure.code)
        return PlainTextResponse("OK")

    async def enter(self, request: Request) -> Response:
        """Let a merchant in whom the shop sends with a signed address; it leads on to an address without secrets."""
        app = self._desk.app
        public = request.query_params.get("api_public", "")[:500]
        language: Language = "en" if request.query_params.get("language", "nl")[:2].lower() != "nl" else "nl"
        given = request.query_params.get("x-hash") or request.headers.get("x-hash")
        if not is_signed(app.secret, app.address(INSTALL), public.encode(), given):
            return _gone(language, 403)

        tenant = await run_in_threadpool(self._tenant_of, public)
        if tenant is None:
            return _gone(language, 403)
        if not self._pages.is_allowed(tenant, self._desk.now()):
            return _denied(language, "WEB231", 429)

        def let_in() -> tuple[str, str]:
            with self._desk.database.begin() as conn:
                account = accounts.get(conn, licences.get(conn, tenant).account)
                accounts.set_contact(conn, account.id, email=account.email, language=language)
                return web_sessions.open_(conn, tenant, now=self._desk.now()), _start(
                    licences.get(conn, tenant).installed_at, next_step(conn, tenant)
                )

        token, place = await run_in_threadpool(let_in)
        answer = RedirectResponse(f"{INSTALL}/{place}", 303)
        answer.set_cookie(
            self._cookie, token, max_age=int(web_sessions.LIFETIME.total_seconds()), path="/",
            secure=self._is_https, httponly=True, samesite="lax",
        )  # fmt: skip
        return answer

    async def page(self, request: Request) -> Response:
        """Show a page of the installation, or take what was filled in."""
        visit = await self._visit(request)
        if visit is None:
            return _gone("nl", 403)
        step = request.path_params["step"]
        if step not in get_args(Step):
            return _gone(visit.language, 404)
        form: dict[str, str] = {}
        if request.method == "POST":
            taken = await self._form(request, visit)
            if isinstance(taken, Response):
                return taken
            form = taken
        elif not self._is_allowed(visit):
            return _denied(visit.language, "WEB231", 429)
        allowed = await run_in_threadpool(self._reached, visit)
        if not visit.is_installed and STEPS.index(step) > STEPS.index(allowed):
            return RedirectResponse(f"{INSTALL}/{allowed}", 303)
        if request.method != "POST":
            return await self._shown(visit, step)
        if step == "done":
            return await self._start(visit)
        return await self._taken(visit, step, form)

    async def overview(self, request: Request) -> Response:
        """Show an installed webshop's connections, and the way to each page."""
        visit = await self._visit(request)
        if visit is None:
            return _gone("nl", 403)
        if not visit.is_installed:
            return RedirectResponse(f"{INSTALL}/{await run_in_threadpool(self._reached, visit)}", 303)
        if not self._is_allowed(visit):
            return _denied(visit.language, "WEB231", 429)
        return await welcome.overview(visit)

    async def language(self, request: Request) -> Response:
        """Show the pages in the other language from now on."""
        visit = await self._visit(request)
        if visit is None:
            return _gone("nl", 403)
        form = await self._form(request, visit)
        if isinstance(form, Response):
            return form
        language: Language = "en" if visit.language == "nl" else "nl"

        def change() -> str:
            with self._desk.database.begin() as conn:
                account = accounts.get(conn, licences.get(conn, visit.tenant).account)
                accounts.set_contact(conn, account.id, email=account.email, language=language)
                return _start(licences.get(conn, visit.tenant).installed_at, next_step(conn, visit.tenant))

        start = await run_in_threadpool(change)
        wanted = form.get("step", "")
        return RedirectResponse(f"{INSTALL}/{wanted if wanted in get_args(Step) else start}", 303)

    async def _shown(self, visit: Visit, step: Step, problem: str = "", status: int = 200) -> Response:
        try:
            inside = await steps.SHOW[step](visit)
        except MapperError as error:
            if problem:
                inside = []
            else:
                problem, inside, status = _problem(visit.language, error), [], 503
        number = STEPS.index(step) + 1
        button = "done.start" if step == "done" else "save" if visit.is_installed else "next"
        place = "" if visit.is_installed else visit.say("step", number=number, count=len(STEPS))
        heading = visit.say(f"{step}.heading")
        fields = [html.form(f"{INSTALL}/{step}", visit.csrf, inside, visit.say(button))] if inside else []
        back = (
            f'<p><a href="{INSTALL}/overview">{html.safe(visit.say("back"))}</a></p>'
            if visit.is_installed
            else ""
        )
        body = [f"<p>{html.safe(place)}</p>", f"<h1>{html.safe(heading)}</h1>", problem, *fields, back]
        return welcome.respond(
            html.page(heading, visit.language, body, header=welcome.header(visit, step)), status
        )

    async def _taken(self, visit: Visit, step: Step, form: dict[str, str]) -> Response:
        try:
            await steps.TAKE[step](visit, form)
            if visit.is_installed and step == "golive":
                await onboarding.register_webhooks(
                    self._desk.database,
                    self._desk.sealer,
                    visit.tenant,
                    self._desk.app.public_url,
                    loopback=self._desk.app.loopback,
                    now=self._desk.now(),
                )
        except steps.Stay:
            return RedirectResponse(f"{INSTALL}/{step}", 303)
        except MapperError as error:
            return await self._shown(visit, step, _problem(visit.language, error), 422)

        def go_on() -> str:
            with self._desk.database.begin() as conn:
                finish_step(conn, visit.tenant, step)
                return _start(licences.get(conn, visit.tenant).installed_at, next_step(conn, visit.tenant))

        return RedirectResponse(f"{INSTALL}/{await run_in_threadpool(go_on)}", 303)

    async def _start(self, visit: Visit) -> Response:
        if visit.is_installed:
            return RedirectResponse(f"{INSTALL}/overview", 303)
        try:
            password = await activate(
                self._desk.database, self._desk.sealer, self._desk.app, visit.tenant, now=self._desk.now()
            )
        except MapperError as error:
            return await self._shown(visit, "done", _problem(visit.language, error), 422)
        return await welcome.overview(visit, password=password)

    async def _signed_body(self, request: Request, path: str) -> bytes | Response:
        body = await _bounded(request, MAX_HANDSHAKE)
        if isinstance(body, Response):
            return body
        if not is_signed(
            self._desk.app.secret, self._desk.app.address(path), body, request.headers.get("x-hash")
        ):
            return PlainTextResponse("signature", 401)
        return body

    async def _answered(self, what: str, work: Callable[[], None]) -> Response:
        try:
            await run_in_threadpool(work)
        except MapperError as error:
            return _refused(what, error)
        return PlainTextResponse("OK")

    async def _visit(self, request: Request) -> Visit | None:
        token = request.cookies.get(self._cookie, "")
        if not token or len(token) > 100:
            return None

        def find() -> Visit | None:
            with self._desk.database.read() as conn:
                tenant = web_sessions.tenant_of(conn, token, now=self._desk.now())
                if tenant is None:
                    return None
                licence = licences.get(conn, tenant)
                language: Language = "en" if accounts.get(conn, licence.account).language == "en" else "nl"
                is_installed = licence.state(self._desk.now()) in {"trial", "active"}
                return Visit(self._desk, tenant, language, csrf_of(token), is_installed)

        return await run_in_threadpool(find)

    async def _form(self, request: Request, visit: Visit) -> dict[str, str] | Response:
        """Return what a form of ours sent; of fields given several times all values, with commas between them."""
        origin = request.headers.get("origin")
        if origin not in {None, "null", self._desk.app.public_url.rstrip("/")}:
            return _denied(visit.language, "WEB230", 403)
        body = await _bounded(request, MAX_FORM)
        if isinstance(body, Response):
            return body
        form: dict[str, str] = {}
        try:
            sent = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            return PlainTextResponse("form", 422)
        for name, value in sent:
            form[name] = f"{form[name]},{value}" if name in form else value
        if not hmac.compare_digest(form.get("csrf", "").encode(), visit.csrf.encode()):
            return _denied(visit.language, "WEB230", 403)
        if not self._is_allowed(visit):
            return _denied(visit.language, "WEB231", 429)
        return form

    def _is_allowed(self, visit: Visit) -> bool:
        """Tell whether the webshop may ask more: each page calls WeFact, whose limit all webshops here share."""
        return self._pages.is_allowed(visit.tenant, self._desk.now())

    def _reached(self, visit: Visit) -> Step:
        with self._desk.database.read() as conn:
            return next_step(conn, visit.tenant)

    def _tenant_of(self, public: str) -> str | None:
        with self._desk.database.read() as conn:
            return handshakes.tenant_of(conn, public)

    @property
    def _is_https(self) -> bool:
        return self._desk.app.public_url.startswith("https:")

    @property
    def _cookie(self) -> str:
        # With this prefix a browser takes the cookie from this host alone, over https alone.
        return "__Host-mapper" if self._is_https else "mapper"


async def _style(_request: Request) -> Response:
    return Response(html.STYLE, media_type="text/css", headers={"cache-control": "max-age=3600"})


async def _bounded(request: Request, limit: int) -> bytes | Response:
    try:
        async with asyncio.timeout(READ_SECONDS):
            body = await read_body(request, limit)
    except TimeoutError:
        return PlainTextResponse("too slow", 408, headers={"connection": "close"})
    return PlainTextResponse("too large", 413, headers={"connection": "close"}) if body is None else body


def _start(installed_at: datetime | None, step: Step) -> str:
    return "overview" if installed_at is not None else step


def _refused(what: str, error: MapperError) -> Response:
    _log.warning("%s refused: %s", what, printable(str(error), 300))
    status = 503 if isinstance(error, StoreError) else 422
    return PlainTextResponse(error.code, status)


def _problem(language: Language, error: MapperError) -> str:
    """Return an error for its page; of settings each problem by itself, with its own code."""
    told = [
        (*(one.dutch if language == "nl" and one.dutch else (one.message, one.hint)), one.code)
        for one in getattr(error, "diagnostics", ())
    ] or [(error.message(language), error.remedy(language), error.code)]
    return "".join(html.problem(text("went_wrong", language), *one) for one in told)


def _denied(language: Language, code: str, status: int) -> Response:
    told = _problem(language, ConfigError(code))
    return welcome.respond(html.page(text("went_wrong", language), language, [told], header=""), status)


def _gone(language: Language, status: int) -> Response:
    body = [
        f"<h1>{html.safe(text('gone.heading', language))}</h1>",
        f"<p>{html.safe(text('gone.text', language), 800)}</p>",
    ]
    return welcome.respond(html.page(text("gone.heading", language), language, body), status)
