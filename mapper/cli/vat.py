"""`tenant vat`: a webshop's VAT settings beside the tax codes of its WeFact account."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mapper.cli.options import agreed, json_option, now, print_records, say
from mapper.cli.state import State
from mapper.errors import UsageError

if TYPE_CHECKING:
    from mapper.store.database import Database
    from mapper.vat_settings import Proposal, SaleCode, Use

_COLUMNS = ("country", "rate", "account", "code", "cost_centre", "in_wefact", "offered")


@click.command()
@click.argument("name")
@click.option("--propose", is_flag=True, help="Set the codes of the account that fit, after you agree.")
@click.option("--destination", is_flag=True, help="Propose for other EU countries their own rates (OSS).")
@click.option("--remove", is_flag=True, help="Remove all VAT settings, after you type the webshop's name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def vat(
    state: State, /, name: str, *, propose: bool, destination: bool, remove: bool, yes: bool, as_json: bool
) -> None:
    """Show which tax code each country, rate and account type has, and which codes WeFact offers.

    --propose chooses by rate, country and name among the account's codes, never where two fit: those are listed. Other
    EU countries get the home country's rates, or with --destination their own.
    """
    if (propose and remove) or (destination and not propose):
        raise UsageError("USE151")
    with state.open() as database:
        if remove:
            _remove(database, name, yes=yes)
            return
        codes = _codes(state, database, name)
        if propose:
            _propose(database, name, codes, destination=destination, yes=yes)
        if not propose or as_json:
            _print(database, name, codes, as_json=as_json)


def _codes(state: State, database: Database, name: str) -> tuple[SaleCode, ...]:
    """Ask WeFact for the account's tax codes. Raises UsageError USE152 when it has none for sales."""
    from mapper import onboarding, vat_settings
    from mapper.processing.connections import WEFACT_DEFAULT_URL
    from mapper.services.http import open_client
    from mapper.services.wefact import WeFact
    from mapper.store import tenants
    from mapper.store.limits import AddressBudget

    with database.read() as conn:
        tenants.get(conn, name)
        keys = onboarding.stored_keys(conn, state.sealer(), name)

    async def ask() -> dict[str, Any]:
        async with open_client(loopback=state.loopback) as client:
            url = keys.wefact_url or WEFACT_DEFAULT_URL
            return await WeFact(client, url, keys.wefact_key, AddressBudget(database, "default")).settings()

    codes = vat_settings.sale_codes(asyncio.run(ask()))
    if not codes:
        raise UsageError("USE152", tenant=name)
    return codes


def _print(database: Database, name: str, codes: Sequence[SaleCode], *, as_json: bool) -> None:
    from mapper import mapping, vat_settings
    from mapper.store import tenants

    with database.read() as conn:
        settings = tenants.settings(conn, name)
    found = vat_settings.uses(settings, codes, mapping.load_rulebooks().rates, now().date().isoformat())
    print_records(
        [_record(use, as_json=as_json) for use in found], _COLUMNS, as_json=as_json, right=("rate",)
    )
    wrong = sum(1 for use in found if not use.exists)
    if wrong:
        say(
            f"{wrong} of {len(found)} are not set, or their code is unknown in WeFact: documents that need them stop."
        )


def _record(use: Use, *, as_json: bool) -> dict[str, Any]:
    return {
        "country": use.country,
        "rate": use.rate if as_json else format(use.rate, "f"),
        "account": use.account,
        "code": use.code,
        "cost_centre": use.cost_centre,
        "in_wefact": use.exists if as_json else "yes" if use.exists else "no" if use.code else "not set",
        "offered": list(use.offered) if as_json else ", ".join(use.offered),
    }


def _propose(
    database: Database, name: str, codes: Sequence[SaleCode], *, destination: bool, yes: bool
) -> None:
    from mapper import mapping, settings, vat_settings
    from mapper.store import tenants

    with database.read() as conn:
        old = tenants.settings(conn, name)
    day, rates = now().date().isoformat(), mapping.load_rulebooks().rates
    proposal = vat_settings.propose(old, codes, rates, destination=destination, day=day)
    new = settings.check({**old, "vat": proposal.vat})
    _tell(old["vat"], new["vat"], proposal)
    if new == old:
        say(f"{name}: nothing to change.")
        return
    if not yes and not agreed(f"Set these VAT settings for {name}?", "--yes"):
        say("Nothing was changed.")
        return
    _put(database, name, old, new)


def _tell(old: dict[str, Any], new: dict[str, Any], proposal: Proposal) -> None:
    """Say what would change, and where a person has to choose."""
    before = {(one["country"], one["rate"]): one for one in old["rates"]}
    after = {(one["country"], one["rate"]): one for one in new["rates"]}
    for (country, rate), entry in after.items():
        if entry != before.get((country, rate)):
            say(f"{country} {rate:f} %: {entry['revenue']['code']}")
    for country, rate in sorted(before.keys() - after.keys()):
        say(f"{country} {rate:f} %: removed")
    for scheme in ("icp", "international"):
        if new[scheme] != old[scheme]:
            say(f"{scheme}: {new[scheme]['revenue']['code']}")
    for one in proposal.undecided:
        fitting = ", ".join(one.fitting) or "none in WeFact"
        say(f"{one.country} {one.rate:f} %: choose yourself among {fitting}")


def _remove(database: Database, name: str, *, yes: bool) -> None:
    from mapper import settings
    from mapper.store import tenants

    with database.read() as conn:
        old = tenants.settings(conn, name)
    if not yes and not _typed(name):
        say("Nothing was changed.")
        return
    _put(database, name, old, settings.check({**old, "vat": {}}))


def _put(database: Database, name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Keep the settings with their history. Raises UsageError USE153 when they were changed meanwhile."""
    from mapper.store import tenants

    with database.begin() as conn:
        if tenants.settings(conn, name) != old:
            raise UsageError("USE153", tenant=name)
        revision = tenants.put_settings(conn, name, new, who=getpass.getuser(), now=now())
    say(f"{name}: settings {revision}, {len(new['vat']['rates'])} VAT rates.")


def _typed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("USE150", option="--yes")
    said = click.prompt(
        f"This removes all VAT settings. Type {name} to go on", err=True, default="", show_default=False
    )
    return bool(said == name)
