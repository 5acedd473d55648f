"""The install pages one by one: what each shows, and what it takes from the merchant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from mapper import logins, mapping, onboarding, vat_settings
from mapper.appstore import html
from mapper.appstore.installation import TERMS_VERSION, Step
from mapper.appstore.visit import WHO, Form, Visit
from mapper.errors import ConfigError, UsageError
from mapper.processing import connections
from mapper.services.http import Secret
from mapper.store import accounts, credentials, journal, licences, tenants
from mapper.vat.rates import VatRates
from mapper.vat_settings import SaleCode

ORDER_STATUSES = range(1, 15)
MODES = ("paid_orders", "order_statuses", "invoices")
_DESTINATION = "destination"
_SCHEMES = ("icp", "international")


async def show_terms(visit: Visit) -> list[str]:
    """Show the terms; the e-mail address is the one given before, else the one that the shop knows."""
    shop, _ = await visit.shop_facts()
    email = await run_in_threadpool(_kept_email, visit) or str(shop.get("email") or "")
    name = shop.get("name") or visit.tenant
    return [
        f"<p>{html.safe(visit.say('terms.intro', shop=name))}</p>",
        f"<ol>{_items(visit, 'terms')}</ol>",
        html.entry("email", visit.say("terms.email"), email, kind="email"),
        html.check("accept", visit.say("terms.accept", version=TERMS_VERSION, shop=name)),
        f"<details><summary>{html.safe(visit.say('terms.existing'))}</summary>",
        f"<p>{html.safe(visit.say('terms.existing_help'))}</p>",
        html.entry("key", visit.say("terms.key")),
        html.entry("password", visit.say("terms.password"), kind="password"),
        "</details>",
    ]


async def take_terms(visit: Visit, form: Form) -> None:
    """Keep who agreed to which terms, when, and the shop's name and country."""
    if form.get("accept") != "yes":
        raise ConfigError("WEB220")
    email = accounts.checked_email(form.get("email", ""))
    shop, _ = await visit.shop_facts()
    now, database = visit.desk.now(), visit.desk.database
    owner = None
    if form.get("key"):
        owner = await run_in_threadpool(
            logins.login, database, form["key"], form.get("password", ""), now=now
        )
        if owner.role != "merchant":
            raise UsageError("WEB201")
    changes = {"name": str(shop.get("name") or visit.tenant)[:100], "language": visit.language}
    country = str(shop.get("country_code") or "").upper()
    if not (await visit.settings())["home_country"]:
        changes["home_country"] = country or "NL"
    await visit.change_settings(**changes)

    def keep() -> None:
        with database.begin() as conn:
            if owner is not None:
                licences.move(conn, visit.tenant, owner.id)
            else:
                _keep_email(conn, visit, email)
            licences.accept_terms(conn, visit.tenant, version=TERMS_VERSION, now=now)
            facts = {"version": TERMS_VERSION, "who": WHO}
            journal.append(conn, visit.tenant, None, "terms accepted", facts, now=now)

    await run_in_threadpool(keep)


def _kept_email(visit: Visit) -> str:
    with visit.desk.database.read() as conn:
        licence = licences.get(conn, visit.tenant)
        return licence.extra_email or accounts.get(conn, licence.account).email


def _keep_email(conn: Connection, visit: Visit, email: str) -> None:
    """Keep who gets the mails; about a merchant's other shops they stay with whom they were."""
    account = licences.get(conn, visit.tenant).account
    if len(licences.of_account(conn, account, with_hidden=True)) == 1:
        accounts.set_contact(conn, account, email=email, language=visit.language)
    elif email != accounts.get(conn, account).email:
        licences.set_extra_email(conn, visit.tenant, email)


async def show_wefact(visit: Visit) -> list[str]:
    """Say how to make a key, and ask for it."""
    hint = visit.say("wefact.kept") if visit.has_wefact_key() else ""
    return [
        f"<ol>{_items(visit, 'wefact')}</ol>",
        html.entry("wefact_key", visit.say("wefact.key"), kind="password", hint=hint),
    ]


async def take_wefact(visit: Visit, form: Form) -> None:
    """Try the key against WeFact itself, then keep it. Raises ServiceError: WEF202 names the address to allow."""
    key = form.get("wefact_key", "").strip()
    if not key and visit.has_wefact_key():
        await visit.wefact_settings()
        return
    if not key or len(key) > 200 or len(key.split()) != 1 or not key.isascii():
        raise ConfigError("WEB221")
    await visit.ask_wefact(Secret(key))

    def keep() -> None:
        with visit.desk.database.begin() as conn:
            licences.hold(conn, visit.tenant)
            sealer, now = visit.desk.sealer, visit.desk.now()
            credentials.put(conn, visit.tenant, connections.WEFACT_KEY, key, sealer=sealer, now=now)
            journal.append(conn, visit.tenant, None, "WeFact key given", {"who": WHO}, now=now)

    await run_in_threadpool(keep)


async def show_layout(visit: Visit) -> list[str]:
    """Offer the account's layouts."""
    chosen = (await visit.settings())["invoice"]["layout"] or ""
    layouts = onboarding.layouts(await visit.wefact_settings())
    return [
        html.choice("layout", visit.say("layout.label"), [("", visit.say("layout.none")), *layouts], chosen)
    ]


async def take_layout(visit: Visit, form: Form) -> None:
    """Keep a layout that the account has."""
    layout = form.get("layout", "")
    if layout and layout not in {code for code, _ in onboarding.layouts(await visit.wefact_settings())}:
        raise ConfigError("WEB222")
    invoice = {**(await visit.settings())["invoice"], "layout": layout or None}
    await visit.change_settings(invoice=invoice)


async def show_vat(visit: Visit) -> list[str]:
    """Show what is set or proposed: the home country first, the rest folded away."""
    settings = await visit.settings()
    codes = vat_settings.sale_codes(await visit.wefact_settings())
    home, vat = settings["home_country"], _shown_vat(visit, settings, codes)
    options = [("", visit.say("vat.none")), *((one.code, f"{one.code} – {one.name}") for one in codes)]
    ours = [entry for entry in vat["rates"] if entry["country"] == home]
    others = [entry for entry in vat["rates"] if entry["country"] != home]
    at_home = {entry["rate"] for entry in ours}
    is_destination = any(entry["rate"] not in at_home for entry in others)
    schemes = [
        _vat_row(visit, visit.say(f"vat.{name}"), "0", f"code:{name}", options, _code_of(vat[name]))
        for name in _SCHEMES
    ]
    return [
        f"<p>{html.safe(visit.say('vat.intro'))}</p>",
        f"<h2>{html.safe(visit.say('vat.home', country=home))}</h2>",
        _vat_table(visit, [*(_rate_row(visit, entry, options) for entry in ours), *schemes]),
        f"<details><summary>{html.safe(visit.say('vat.others'))} ({len(others)})</summary>",
        html.radios(
            "others",
            visit.say("vat.choice"),
            [("home", visit.say("vat.choice_home", country=home)), (_DESTINATION, visit.say("vat.choice_destination"))],
            _DESTINATION if is_destination else "home",
        ),
        f'<p><button class="plain" name="propose" value="yes">{html.safe(visit.say("vat.propose"))}</button></p>',
        _vat_table(visit, [_rate_row(visit, entry, options) for entry in others]),
        "</details>",
    ]  # fmt: skip


async def take_vat(visit: Visit, form: Form) -> None:
    """Keep the codes as they were chosen. The first time, and with "propose again", other countries follow from them.

    With "propose again" the merchant stays here to see what came of it.
    """
    codes = vat_settings.sale_codes(await visit.wefact_settings())
    settings = await visit.settings()
    known = {one.code for one in codes} | {""}
    shown = _shown_vat(visit, settings, codes)
    rates = [_with_code(entry, form.get(_field_of(entry)), known) for entry in shown["rates"]]
    chosen = [entry for entry in rates if _code_of(entry)]
    schemes = {name: _with_code(shown[name], form.get(f"code:{name}"), known) for name in _SCHEMES}
    vat = {**shown, "rates": chosen, **schemes}
    if not any(entry["country"] == settings["home_country"] for entry in chosen):
        raise ConfigError("WEB223", country=settings["home_country"])
    if form.get("propose") or not settings["vat"]["rates"]:
        is_destination = form.get("others") == _DESTINATION
        vat = _proposed(visit, {**settings, "vat": vat}, codes, destination=is_destination).vat
    await visit.change_settings(vat=vat)
    if form.get("propose"):
        raise Stay


class Stay(Exception):
    """The page is shown once more with what was kept: the merchant has not gone on yet."""


async def show_payments(visit: Visit) -> list[str]:
    """Offer a fixed debtor for each of the shop's payment methods."""
    _, methods = await visit.shop_facts()
    fixed = {one["method"]: one.get("debtor") or "" for one in (await visit.settings())["payment_methods"]}
    names = _method_names(methods)
    fields = [
        html.entry(f"debtor:{name}", visit.say("payments.debtor", method=name), fixed.get(name, ""))
        for name in names
    ]
    return [
        f"<p>{html.safe(visit.say('payments.intro'))}</p>",
        *(fields or [f"<p>{html.safe(visit.say('payments.empty'))}</p>"]),
    ]


async def take_payments(visit: Visit, form: Form) -> None:
    """Keep the methods that got a debtor; others that were set elsewhere stay."""
    _, methods = await visit.shop_facts()
    names = _method_names(methods)
    kept = [one for one in (await visit.settings())["payment_methods"] if one["method"] not in names]
    given = [(name, form.get(f"debtor:{name}", "").strip()) for name in names]
    kept += [{"method": name, "debtor": debtor} for name, debtor in given if debtor]
    await visit.change_settings(payment_methods=kept)


async def show_golive(visit: Visit) -> list[str]:
    """Ask which documents are booked, from which day."""
    settings = await visit.settings()
    modes = [(name, visit.say(f"golive.{name}")) for name in MODES]
    chosen = {str(number) for number in settings["statuses"]}
    boxes = [
        html.check("statuses", str(number), str(number), checked=str(number) in chosen)
        for number in ORDER_STATUSES
    ]
    statuses = [("draft", visit.say("golive.draft")), ("sent", visit.say("golive.sent"))]
    return [
        html.radios("mode", visit.say("golive.mode"), modes, settings["mode"]),
        f"<details><summary>{html.safe(visit.say('golive.order_statuses'))}</summary>{''.join(boxes)}</details>",
        html.entry("process_from", visit.say("golive.from"), settings["process_from"], kind="date"),
        html.radios("status", visit.say("golive.status"), statuses, settings["invoice"]["status"]),
    ]


async def take_golive(visit: Visit, form: Form) -> None:
    """Keep the mode and the go-live. Raises ConfigError SET112 for another mode without a new day."""
    old, today = await visit.settings(), visit.desk.now().astimezone(ZoneInfo("Europe/Amsterdam")).date()
    wanted = form.get("process_from") or today.isoformat()
    numbers = [int(one) for one in form.get("statuses", "").split(",") if one.isdecimal() and len(one) < 3]
    changes = {
        "mode": form.get("mode", old["mode"]),
        "statuses": numbers if form.get("mode") == "order_statuses" else [],
        "process_from": wanted,
        "invoice": {**old["invoice"], "status": form.get("status", old["invoice"]["status"])},
    }
    if visit.is_installed:
        onboarding.check_mode(old, changes, given=wanted != old["process_from"], today=today)
    await visit.change_settings(**changes)
    new = await visit.settings()

    def go_live() -> None:
        """A day that has not ended yet begins now: what was sold this morning may be booked by hand already."""
        with visit.desk.database.begin() as conn:
            if new["process_from"] == today.isoformat() and not visit.is_installed:
                tenants.go_live(conn, visit.tenant, visit.desk.now())
            elif new["process_from"] != old["process_from"] or not visit.is_installed:
                onboarding.go_live(conn, visit.tenant, new)

    await run_in_threadpool(go_live)


async def show_done(visit: Visit) -> list[str]:
    """Ask for the start."""
    return [f"<p>{html.safe(visit.say('done.intro'))}</p>"]


SHOW: Mapping[Step, Callable[[Visit], Awaitable[list[str]]]] = {
    "terms": show_terms,
    "wefact": show_wefact,
    "layout": show_layout,
    "vat": show_vat,
    "payments": show_payments,
    "golive": show_golive,
    "done": show_done,
}
TAKE: Mapping[str, Callable[[Visit, Form], Awaitable[None]]] = {
    "terms": take_terms,
    "wefact": take_wefact,
    "layout": take_layout,
    "vat": take_vat,
    "payments": take_payments,
    "golive": take_golive,
}


def _proposed(
    visit: Visit, settings: Mapping[str, Any], codes: Sequence[SaleCode], *, destination: bool
) -> vat_settings.Proposal:
    day = visit.desk.now().date().isoformat()
    return vat_settings.propose(settings, codes, _rates(), destination=destination, day=day)


@lru_cache(maxsize=1)
def _rates() -> VatRates:
    """Loading the rules takes most of a second."""
    return mapping.load_rulebooks().rates


def _shown_vat(visit: Visit, settings: Mapping[str, Any], codes: Sequence[SaleCode]) -> dict[str, Any]:
    """Return what is set, else the proposal, with an empty entry for each rate of the home country without a code."""
    home = settings["home_country"]
    proposal = _proposed(visit, settings, codes, destination=False)
    vat = dict(settings["vat"]) if settings["vat"]["rates"] else proposal.vat
    known = {(entry["country"], entry["rate"]) for entry in vat["rates"]}
    empty = [
        {"country": one.country, "rate": one.rate, **{name: {"code": None} for name in vat_settings.ACCOUNTS}}
        for one in proposal.undecided
        if one.country == home and (one.country, one.rate) not in known
    ]
    return {**vat, "rates": sorted([*vat["rates"], *empty], key=lambda entry: entry["country"] != home)}


def _field_of(entry: Mapping[str, Any]) -> str:
    return f"code:{entry['country']}:{entry['rate']}"


def _code_of(entry: Mapping[str, Any]) -> str:
    return entry["revenue"]["code"] or ""


def _items(visit: Visit, name: str) -> str:
    return "".join(f"<li>{html.safe(visit.say(f'{name}.{number}'))}</li>" for number in (1, 2, 3))


def _with_code(entry: Mapping[str, Any], code: str | None, known: set[str]) -> dict[str, Any]:
    """Return an entry with another code for all its accounts; an unchanged one keeps what was set apart for each."""
    if code is None or code == _code_of(entry):
        return dict(entry)
    if code not in known:
        raise ConfigError("WEB224", given=code[:20])
    accounts_of = {name: {**entry[name], "code": code or None} for name in vat_settings.ACCOUNTS}
    return {**entry, **accounts_of}


def _rate_row(visit: Visit, entry: Mapping[str, Any], options: list[tuple[str, str]]) -> str:
    country, rate = str(entry["country"]), str(entry["rate"])
    return _vat_row(visit, country, rate, _field_of(entry), options, _code_of(entry))


def _vat_row(
    visit: Visit, country: str, rate: str, name: str, options: list[tuple[str, str]], code: str
) -> str:
    label = f"{visit.say('vat.code')}, {country} {rate} %"
    chosen = html.choice(name, label, options, code, shown=False)
    return f"<tr><td>{html.safe(country)}</td><td>{html.safe(rate)} %</td><td>{chosen}</td></tr>"


def _vat_table(visit: Visit, rows: list[str]) -> str:
    heads = "".join(
        f"<th scope='col'>{html.safe(visit.say(f'vat.{name}'))}</th>" for name in ("country", "rate", "code")
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _method_names(methods: list[dict[str, Any]]) -> list[str]:
    """Return the names of the shop's payment methods as its orders carry them, each once."""
    names = (str(one.get("combined_name") or one.get("method") or "").strip() for one in methods)
    return list(dict.fromkeys(name for name in names if name and len(name) <= 100))
