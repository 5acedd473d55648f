"""An installed webshop at a glance: both connections, the licence, the password once, and the way to each page."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from mapper.appstore import html
from mapper.appstore.visit import Visit
from mapper.errors import MapperError
from mapper.mailing import Mail
from mapper.store import accounts, handshakes, licences
from mapper.store.rows import Account, Licence

CSP = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
EDITABLE = ("wefact", "layout", "vat", "payments", "golive")


async def overview(visit: Visit, *, password: str | None = None) -> Response:
    """Show both connections, tried at this moment, and what belongs to the licence."""
    dots = [await _shop_dot(visit), await _wefact_dot(visit)]
    licence, account, back = await run_in_threadpool(_records, visit)
    heading = visit.say("overview.heading")
    state = licence.state(visit.desk.now())
    day = licence.trial_until.astimezone(licences.ZONE).date().isoformat()
    links = "".join(
        f'<li><a href="/app/install/{step}">{html.safe(visit.say(f"{step}.heading"))}</a></li>'
        for step in EDITABLE
    )
    body = [
        f"<h1>{html.safe(heading)}</h1>",
        *dots,
        f"<p>{html.safe(visit.say('overview.key'))}</p><output>{html.safe(licence.key)}</output>",
        f"<p>{html.safe(visit.say(f'overview.{state}', day=day))}</p>",
        *(await _password(visit, licence, account, password) if password else ()),
        f"<h2>{html.safe(visit.say('overview.edit'))}</h2><ul>{links}</ul>",
    ]
    if back:
        body.append(
            f'<p><a class="button" href="{html.safe(back, 500)}">{html.safe(visit.say("to_shop"))}</a></p>'
        )
    return respond(html.page(heading, visit.language, body, header=header(visit, "overview")))


def respond(page: str, status: int = 200) -> Response:
    """Return a page with the headers that keep it to itself."""
    return HTMLResponse(page, status, headers={"content-security-policy": CSP, "cache-control": "no-store"})


def header(visit: Visit, step: str) -> str:
    """Return the top of each page, with the way to the other language."""
    switch = html.form(
        "/app/language",
        visit.csrf,
        [html.hidden("step", step)],
        visit.say("other_language"),
    ).replace("<button>", '<button class="plain">')
    return f"<p>{html.safe(visit.say('title'))}</p>{switch}"


async def _shop_dot(visit: Visit) -> str:
    try:
        shop, _ = await visit.shop_facts()
    except MapperError as error:
        return html.dot(
            "CCV Shop", f"{visit.say('overview.failed')}: {error.message(visit.language)}", good=False
        )
    return html.dot("CCV Shop", f"{visit.say('overview.connected')} ({shop.get('name') or ''})", good=True)


async def _wefact_dot(visit: Visit) -> str:
    try:
        await visit.wefact_settings()
    except MapperError as error:
        return html.dot(
            "WeFact", f"{visit.say('overview.failed')}: {error.message(visit.language)}", good=False
        )
    return html.dot("WeFact", visit.say("overview.connected"), good=True)


async def _password(visit: Visit, licence: Licence, account: Account, password: str) -> list[str]:
    is_mailed = await run_in_threadpool(_mail, visit, licence, account, password)
    told = visit.say("overview.mailed", email=account.email) if is_mailed else visit.say("overview.unmailed")
    return [
        f"<p>{html.safe(visit.say('overview.password'))}</p>",
        f'<output id="password">{html.safe(password)}</output><p>{html.safe(told)}</p>',
    ]


def _mail(visit: Visit, licence: Licence, account: Account, password: str) -> bool:
    """Mail how to log in; False when there is no mail, or it could not be sent: the page then says so."""
    if visit.desk.mailer is None or not account.email:
        return False
    subject, body = _LETTER[visit.language]
    try:
        visit.desk.mailer.send(
            Mail(
                [account.email],
                subject,
                body.format(key=licence.key, password=password, tenant=licence.tenant),
            )
        )
    except MapperError:
        return False
    return True


_LETTER = {
    "en": (
        "CCV Shop to WeFact: your licence key and password",
        (
            "The integration of {tenant} works.\n\nLicence key: {key}\nPassword: {password}\n\n"
            "Log in with both in the mapper's dashboard. Keep this mail, or change the password there.\n"
        ),
    ),
    "nl": (
        "CCV Shop naar WeFact: uw licentiesleutel en wachtwoord",
        (
            "De koppeling van {tenant} werkt.\n\nLicentiesleutel: {key}\nWachtwoord: {password}\n\n"
            "Log met beide in op het dashboard van de mapper. Bewaar deze mail, of wijzig daar het wachtwoord.\n"
        ),
    ),
}


def _records(visit: Visit) -> tuple[Licence, Account, str]:
    with visit.desk.database.read() as conn:
        licence = licences.get(conn, visit.tenant)
        back = handshakes.return_url(conn, visit.tenant, sealer=visit.desk.sealer)
        return licence, accounts.get(conn, licence.account), back
