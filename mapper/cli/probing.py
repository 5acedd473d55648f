"""`doctor --probe`: asks, measures how WeFact rounds, and says which setting that is."""

from __future__ import annotations

import asyncio
import getpass
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from mapper.cli.options import language, now, print_json, say
from mapper.cli.state import State
from mapper.cli.talk import talked
from mapper.errors import UsageError

if TYPE_CHECKING:
    from mapper.probe import Measured
    from mapper.store.database import Database


@dataclass(frozen=True, slots=True)
class Asked:
    """What was given with --probe."""

    tenant: str
    debtor: str
    sets: bool
    yes: bool
    as_json: bool


def run(state: State, database: Database, asked: Asked) -> int:
    """Measure one webshop's WeFact. Exit code 1 when no model was found, or the settings name another one.

    Raises UsageError USE143 when nobody can be asked, and what `probe.measure` raises.
    """
    from mapper.store import tenants

    with database.read() as conn:
        own = tenants.get(conn, asked.tenant)
        pause = own.pause_reason if own.paused_at is not None else None
        present = str(tenants.settings(conn, asked.tenant)["invoice"]["rounding_model"])
    if pause is not None:
        say(
            f"{asked.tenant} is paused ({pause}): nothing is posted for its orders, but the probe would post."
        )
    if not asked.yes:
        if not sys.stdin.isatty():
            raise UsageError("USE143")
        question = f"Post one draft to the WeFact of {asked.tenant}, and delete it again?"
        click.confirm(talked(question, language()), abort=True, err=True)
    measured = asyncio.run(_measure(state, database, asked))
    _tell(measured, present, as_json=asked.as_json)
    if len(measured.models) != 1:
        return 0 if present in measured.models else 1
    model = measured.models[0]
    if model == present:
        return 0
    if not asked.sets:
        say(f"Set it: mapper tenant set {asked.tenant} invoice.rounding_model={model}  (or probe with --set)")
        return 1
    _set(database, asked.tenant, model)
    return 0


async def _measure(state: State, database: Database, asked: Asked) -> Measured:
    from mapper import probe
    from mapper.processing.connections import Connections

    async with Connections(database, state.sealer(), loopback=state.loopback) as services:
        wefact = await services.wefact(asked.tenant)
        return await probe.measure(wefact, token=f"probe-{uuid4().hex}", debtor=asked.debtor)


def _tell(measured: Measured, present: str, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "models": list(measured.models),
                "setting": present,
                "price_decimals": measured.decimals,
                "reference_searchable": measured.searchable,
                "debtor": measured.debtor,
                "debtor_made": measured.debtor_made,
            }
        )
        return
    models = ", ".join(measured.models) or f"none of the five known (its totals: {measured.totals})"
    _echo(f"rounding model           {models}; the setting invoice.rounding_model is {present}")
    enough = "" if measured.decimals >= 6 else ": fewer than the 6 that are sent, totals may differ by a cent"
    _echo(f"decimals of PriceExcl    {measured.decimals}{enough}")
    _echo(f"search by reference      {'works' if measured.searchable else 'does not find the draft'}")
    _echo("The draft was deleted.")
    if measured.debtor_made:
        _echo(f"Debtor {measured.debtor} was made for it and stays: WeFact lets no debtor be deleted.")


def _echo(text: str) -> None:
    click.echo(talked(text, language()))


def _set(database: Database, tenant: str, model: str) -> None:
    from mapper import settings
    from mapper.store import tenants

    with database.begin() as conn:
        new = settings.changed(tenants.settings(conn, tenant), {"invoice.rounding_model": model})
        revision = tenants.put_settings(conn, tenant, new, who=getpass.getuser(), now=now())
    say(f"{tenant}: settings {revision}, invoice.rounding_model={model}.")
