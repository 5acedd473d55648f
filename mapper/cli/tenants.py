"""`tenant add|list|show|set|example`: webshops and their settings. Licences are in `licences.py`."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapper.cli import licences, life
from mapper.cli.options import Command, json_option, now, print_json, print_records, say, tell
from mapper.cli.overlays import overlay
from mapper.cli.state import State
from mapper.cli.vat import vat
from mapper.errors import MapperError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mapper.onboarding import Connected, Keys
    from mapper.store.database import Database
    from mapper.store.rows import SettingsChange
    from mapper.store.sealing import Sealer

_FILE = click.Path(path_type=Path)
_SHOP_SECRET, _WEFACT_KEY = "CCV Shop API secret", "WeFact API key"


def _secret_options(option: str, what: str) -> Callable[[Command], Command]:
    """Give a command three ways to take a key; the visible one is there for trying things out."""
    name = option.lstrip("-").replace("-", "_")

    def add(command: Command) -> Command:
        for suffix, kind, said in (
            ("", str, f"The {what} itself: other users of this machine can see it."),
            ("-env", str, f"The environment variable that holds the {what}."),
            ("-file", _FILE, f"The file that holds the {what}."),
        ):
            variable = name + suffix.replace("-", "_")
            metavar = {"": "KEY", "-env": "NAME", "-file": "FILE"}[suffix]
            command = click.option(option + suffix, variable, type=kind, metavar=metavar, help=said)(command)
        return command

    return add


@click.group()
def tenant() -> None:
    """Add, list, show and set webshops."""


tenant.add_command(overlay)
tenant.add_command(vat)
for command in (
    licences.licence,
    licences.password,
    licences.stop,
    licences.start,
    licences.document,
    life.erase,
    life.export,
    life.show_journal,
):
    tenant.add_command(command)


@tenant.command()
@click.argument("name")
@click.option("--shop", metavar="URL", help="The shop's address, such as https://www.example.nl.")
@click.option("--public", metavar="KEY", help="The public half of the shop's API key.")
@_secret_options("--secret", _SHOP_SECRET)
@_secret_options("--wefact-key", _WEFACT_KEY)
@click.option(
    "--wefact-url", default="", metavar="URL", help="WeFact's address, when it is not the real one."
)
@click.option("--vies-url", default="", metavar="URL", help="VIES' address, when it is not the real one.")
@click.option(
    "--settings", "file", type=_FILE, metavar="FILE", help="Settings as `mapper tenant example` prints."
)
@click.option(
    "--webhook-url", default="", metavar="URL", help="Where the shop reaches `mapper run`: https://…"
)
@json_option
@click.pass_obj
def add(
    state: State,
    /,
    name: str,
    *,
    shop: str | None,
    public: str | None,
    wefact_url: str,
    vies_url: str,
    file: Path | None,
    webhook_url: str,
    as_json: bool,
    **secrets: Any,
) -> None:
    """Add a webshop: try both connections, seal its keys, keep its settings, register its webhooks.

    What is not given is asked for. Without --settings the VAT codes are those of WeFact that fit: the home country's
    rates for every EU country, ICP and International.
    """
    from mapper import onboarding
    from mapper.services.http import Secret

    if webhook_url:
        onboarding.check_webhook_url(webhook_url, loopback=state.loopback)
    settings, goes_live_now = _first_settings(name, file)
    with state.open() as database:
        sealer = state.sealer()
        keys = onboarding.Keys(
            api_root=shop or _ask("shop's address", "--shop"),
            public=public or _ask("public API key", "--public"),
            secret=Secret(_secret(state, secrets, "--secret", _SHOP_SECRET)),
            wefact_key=Secret(_secret(state, secrets, "--wefact-key", _WEFACT_KEY)),
            wefact_url=wefact_url,
            vies_url=vies_url,
        )
        with database.read() as conn:
            onboarding.check_shop_is_free(conn, sealer, name, keys.api_root)
        connected = _connect(state, database, keys)
        settings = _completed(settings, connected)
        if file is None:
            settings = _proposed(settings, connected)
        onboarding.add(
            database,
            sealer,
            name,
            keys,
            settings,
            who=getpass.getuser(),
            go_live_now=goes_live_now,
            now=now(),
        )
        say(f"Both connections work; added {name} (home country {settings['home_country']}).")
        _tell_missing_codes(settings, connected)
        _tell_unused(state, settings)
        if webhook_url:
            try:
                _register(state, database, sealer, name, webhook_url)
            except MapperError as error:
                tell(error, state.language)
                raise UsageError("USE113", tenant=name) from None
        else:
            say("No webhooks: give --webhook-url to `mapper tenant set`, else only the sweep finds orders.")
    if as_json:
        print_json({"tenant": name, "shop": connected.shop_name, "home_country": settings["home_country"]})


@tenant.command("list")
@json_option
@click.pass_obj
def list_(state: State, *, as_json: bool) -> None:
    """List the webshops with what is going on in each."""
    from mapper.store import licences as licences_of
    from mapper.store import listing, tenants

    with state.open() as database, database.read() as conn:
        records = []
        for one in tenants.everyone(conn):
            counts = listing.counts(conn, one.id)
            pause = tenants.pause_of(conn, one.id)
            records.append(
                {
                    "tenant": one.id,
                    "name": one.name,
                    "home": one.home_country,
                    "licence": licences_of.get(conn, one.id).state(now()),
                    "go_live": one.process_from.isoformat(timespec="minutes"),
                    "done": counts["done"],
                    "errors": counts["error"],
                    "open": sum(counts[name] for name in ("open", "queued", "processing", "waiting")),
                    "paused": pause.reason if pause else "",
                }
            )
    numbers = ("done", "errors", "open")
    columns = ("tenant", "name", "home", "licence", "go_live", *numbers, "paused")
    print_records(records, columns, as_json=as_json, right=numbers)


@tenant.command()
@click.argument("name")
@click.option("--history", is_flag=True, help="Show who changed which setting when.")
@json_option
@click.pass_obj
def show(state: State, name: str, *, history: bool, as_json: bool) -> None:
    """Show a webshop's settings, as YAML that `tenant set --settings` takes back. Keys are never shown."""
    from mapper import settings_text
    from mapper.store import credentials, tenants

    with state.open() as database, database.read() as conn:
        one = tenants.get(conn, name)
        settings = tenants.settings(conn, name)
        if history:
            _print_history(tenants.settings_history(conn, name), as_json=as_json)
            return
        keys = dict.fromkeys(credentials.names(conn, name), "***") | _addresses(conn, state.sealer(), name)
        hooks = [hook.event for hook in credentials.webhooks(conn, name)]
        pause = tenants.pause_of(conn, name)
    if as_json:
        print_json(
            {"tenant": name, "keys": keys, "webhooks": hooks, "paused": bool(pause), "settings": settings}
        )
        return
    say(
        f"{one.id}: live since {one.process_from.isoformat(timespec='minutes')}, settings {one.settings_revision}"
    )
    say(
        f"keys: {', '.join(f'{key} {value}' for key, value in keys.items()) or 'none'};"
        f" webhooks: {', '.join(hooks) or 'none'}"
    )
    click.echo(settings_text.write(settings), nl=False)


@tenant.command("set")
@click.argument("name")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--settings", "file", type=_FILE, metavar="FILE", help="Replace all settings by this file.")
@click.option("--shop", metavar="URL", help="The shop's address, when it moved.")
@click.option("--public", metavar="KEY", help="The public half of the shop's API key.")
@_secret_options("--secret", _SHOP_SECRET)
@_secret_options("--wefact-key", _WEFACT_KEY)
@click.option("--wefact-url", metavar="URL", help="WeFact's address, when it is not the real one.")
@click.option("--vies-url", metavar="URL", help="VIES' address, when it is not the real one.")
@click.option(
    "--webhook-url", default="", metavar="URL", help="Register the webhooks (anew) at this address."
)
@click.option(
    "--require-signature/--no-require-signature",
    "signed",
    default=None,
    help="Refuse webhooks that are not signed: only when your shop signs them.",
)
@click.pass_obj
def set_(
    state: State,
    /,
    name: str,
    changes: tuple[str, ...],
    *,
    file: Path | None,
    webhook_url: str,
    signed: bool | None,
    **given: Any,
) -> None:
    """Change settings (invoice.status=sent), keys or webhooks; every change of the settings is kept in its history."""
    from mapper import onboarding
    from mapper.store import tenants

    if webhook_url:
        onboarding.check_webhook_url(webhook_url, loopback=state.loopback)
    with state.open() as database:
        keys = _given_keys(state, given)
        if not (changes or file or webhook_url or keys) and signed is None:
            raise UsageError("USE109")
        if changes or file:
            _tell_unused(state, _change_settings(database, name, split(changes), file))
        if keys:
            _change_keys(state, database, name, keys)
        if webhook_url:
            _register(state, database, state.sealer(), name, webhook_url)
        if signed is not None:
            with database.begin() as conn:
                tenants.require_signature(conn, name, required=signed)
            say(f"{name}: webhooks without a signature are {'refused' if signed else 'accepted'}.")


@tenant.command()
def example() -> None:
    """Print example settings with every key explained: a start for your own file."""
    from mapper import settings, settings_text

    written = settings_text.write(settings.example())
    # Commented out, so that a shop added with this file goes live at that moment and not in the past (R9).
    click.echo(written.replace("\nprocess_from:", "\n# process_from:", 1), nl=False)


def _given_keys(state: State, given: dict[str, Any]) -> dict[str, str]:
    """Return the keys and addresses that were given, by the names they are kept under."""
    from mapper.processing import connections

    named = {
        connections.CCV_ROOT: given["shop"],
        connections.CCV_PUBLIC: given["public"],
        connections.CCV_SECRET: _secret(state, given, "--secret", _SHOP_SECRET, ask=False),
        connections.WEFACT_KEY: _secret(state, given, "--wefact-key", _WEFACT_KEY, ask=False),
        connections.WEFACT_URL: given["wefact_url"],
        connections.VIES_URL: given["vies_url"],
    }
    return {name: value for name, value in named.items() if value}


def _first_settings(name: str, file: Path | None) -> tuple[dict[str, Any], bool]:
    """Return the settings to begin with, and whether they go live at this moment."""
    from mapper import settings
    from mapper.rulebook import source

    today = now().date()
    if file is None:
        begun = settings.example() | {"name": name, "process_from": today.isoformat(), "home_country": None}
        return settings.check(begun), True
    return settings.read(file, today=today), "process_from" not in source.read_file(file).entries


def _completed(settings: dict[str, Any], connected: Connected) -> dict[str, Any]:
    """Fill in what only the shop knows."""
    from mapper import settings as checked

    home = settings["home_country"] or connected.home_country or None
    if home is None:
        home = _ask("shop's home country (two letters)", "--settings")
    return checked.check({**settings, "home_country": home, "name": settings["name"] or connected.shop_name})


def _proposed(settings: dict[str, Any], connected: Connected) -> dict[str, Any]:
    """Fill in the account's own VAT codes (T5), and say where a person has to choose."""
    from mapper import mapping, vat_settings
    from mapper import settings as checked

    day, rates = now().date().isoformat(), mapping.load_rulebooks().rates
    proposal = vat_settings.propose(settings, connected.sale_codes, rates, destination=False, day=day)
    for one in proposal.undecided:
        if one.country == settings["home_country"]:
            fitting = ", ".join(one.fitting) or "none in WeFact"
            say(f"{one.country} {one.rate:f} %: choose yourself among {fitting}")
    say(f"Proposed {len(proposal.vat['rates'])} VAT rates; see and change them with: mapper tenant vat NAME")
    return checked.check({**settings, "vat": proposal.vat})


def _connect(state: State, database: Database, keys: Keys) -> Connected:
    from mapper import onboarding
    from mapper.store.limits import AddressBudget

    budget = AddressBudget(database, "default")
    return asyncio.run(onboarding.connect(keys, budget, loopback=state.loopback))


def _register(state: State, database: Database, sealer: Sealer, name: str, url: str) -> None:
    from mapper import onboarding

    registering = onboarding.register_webhooks(
        database, sealer, name, url, loopback=state.loopback, now=now()
    )
    say(f"Registered webhooks for {', '.join(asyncio.run(registering))}.")


def _tell_missing_codes(settings: dict[str, Any], connected: Connected) -> None:
    from mapper import onboarding

    if missing := onboarding.missing_codes(settings, connected.tax_codes):
        say(
            f"WeFact has no tax code {', '.join(missing[:10])}{' …' if len(missing) > 10 else ''}: documents that need"
        )
        say(f"one will stop with an error. WeFact has: {', '.join(connected.tax_codes[:30])}.")


def _change_settings(
    database: Database, name: str, changes: dict[str, str], file: Path | None
) -> dict[str, Any]:
    from mapper import onboarding
    from mapper import settings as checked
    from mapper.store import tenants

    with database.begin() as conn:
        old = tenants.settings(conn, name)
        new = checked.read(file, today=now().date()) if file else old
        new = checked.changed(new, changes) if changes else new
        revision = onboarding.change_settings(
            conn, name, new, given="process_from" in changes, who=getpass.getuser(), now=now()
        )
    say(f"{name}: settings {revision}.")
    if new["mode"] != old["mode"]:
        say(
            "Webhooks are of the mode: register them anew with --webhook-url, else only the sweep finds documents."
        )
    return new


def _change_keys(state: State, database: Database, name: str, given: dict[str, str]) -> None:
    """Try the connections with the new keys and addresses, then keep them."""
    from mapper import onboarding
    from mapper.store.limits import AddressBudget

    budget = AddressBudget(database, "default")
    changing = onboarding.change_keys(
        database,
        state.sealer(),
        name,
        given,
        budget,
        loopback=state.loopback,
        who=getpass.getuser(),
        now=now(),
    )
    asyncio.run(changing)
    say(f"{name}: both connections work with the new keys.")


def _print_history(changes: Sequence[SettingsChange], *, as_json: bool) -> None:
    from mapper.money import dumps
    from mapper.settings import differences

    records = []
    for change in changes:
        changed = differences(change.old or {}, change.new)
        shown = changed if as_json else dumps(changed) if change.old else "first settings"
        moment = change.at.isoformat(timespec="seconds")
        records.append({"revision": change.revision, "at": moment, "who": change.who, "changed": shown})
    print_records(
        records, ("revision", "at", "who", "changed"), as_json=as_json, right=("revision",), widest=200
    )


def _addresses(conn: Connection, sealer: Sealer, tenant: str) -> dict[str, str]:
    """Return what is kept beside the keys and is no secret: it tells which shop and administration these are."""
    from mapper.processing import connections
    from mapper.store import credentials

    known = credentials.names(conn, tenant)
    shown = (connections.CCV_ROOT, connections.CCV_PUBLIC, connections.WEFACT_URL, connections.VIES_URL)
    return {name: credentials.get(conn, tenant, name, sealer=sealer) for name in shown if name in known}


def _tell_unused(state: State, settings: dict[str, Any]) -> None:
    from mapper.catalogue import describe
    from mapper.settings import unused

    for code, facts in unused(settings):
        described = describe(code, facts, state.language)
        say(f"{code}: {described.message}")
        say(f"  {described.remedy}")


def split(changes: tuple[str, ...]) -> dict[str, str]:
    """Return `KEY=VALUE` words as a mapping. Raises UsageError USE108 for one without a value."""
    for change in changes:
        if not change.partition("=")[1]:
            raise UsageError("USE108", given=change[:60])
    return {change.partition("=")[0]: change.partition("=")[2] for change in changes}


def _ask(what: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError("USE100", said=f"The {what} is not given: use {option}", command="mapper tenant add")
    return str(click.prompt(what, err=True)).strip()


def _secret(state: State, given: dict[str, Any], option: str, what: str, *, ask: bool = True) -> str:
    """Return a key from the option, environment variable or file that was named, else from the terminal."""
    name = option.lstrip("-").replace("-", "_")
    if given[name]:
        say(f"{option} is visible to other users of this machine: prefer {option}-file or {option}-env.")
        return str(given[name])
    if variable := given[f"{name}_env"]:
        return _filled(state.environ.get(variable, ""), what, f"${variable}")
    if file := given[f"{name}_file"]:
        try:
            return _filled(file.read_text(encoding="utf-8"), what, str(file))
        except (OSError, UnicodeDecodeError):
            raise UsageError("USE105", what=what, origin=str(file)) from None
    if not ask:
        return ""
    if not sys.stdin.isatty():
        raise UsageError("USE104", what=what, option=option)
    return str(click.prompt(what, hide_input=True, err=True)).strip()


def _filled(text: str, what: str, origin: str) -> str:
    key = text.strip()
    if not key or len(key.split()) != 1:
        raise UsageError("USE105", what=what, origin=origin)
    return key
