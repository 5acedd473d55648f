"""`migrate`: post documents from before the go-live, after a person saw what that means in euros."""

from __future__ import annotations

import asyncio
import getpass
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mapper.cli.options import (
    agreed,
    chosen_tenant,
    day_option,
    json_option,
    now,
    period_of,
    print_json,
    print_records,
    say,
    tenant_option,
)
from mapper.cli.progress import Progress
from mapper.cli.state import State
from mapper.errors import Language, UsageError
from mapper.phrases import dutch

if TYPE_CHECKING:
    from mapper.processing.migration import Group, Scope, Survey
    from mapper.store.database import Database

_LOOK_SECONDS = 0.5


@click.command()
@day_option("--from", "since", help="From this day (2026-01-01) on.")
@day_option("--to", "until", help="To this day; the last before the go-live when left out.")
@click.option("--dry-run", is_flag=True, help="Read the period and show the sums; post nothing.")
@click.option("--stop", is_flag=True, help="Take back what was agreed and is not in the queue yet.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@tenant_option
@json_option
@click.pass_obj
def migrate(
    state: State,
    /,
    since: datetime | None,
    until: datetime | None,
    *,
    dry_run: bool,
    stop: bool,
    yes: bool,
    tenant: str | None,
    as_json: bool,
) -> int:
    """Post documents from before the go-live: a period of them, after you saw the sums per VAT rate and agreed.

    May be stopped, or killed, at any moment: the same command goes on where it was. Once you agreed, `mapper run` does
    the work, behind the live orders of every webshop; nothing is posted twice.
    """
    with state.open() as database:
        name = chosen_tenant(database, tenant)
        if stop:
            return _stop(database, name)
        if since is None:
            raise UsageError("USE116")
        return _migrate(state, database, name, since, until, dry_run=dry_run, yes=yes, as_json=as_json)


def _migrate(
    state: State,
    database: Database,
    tenant: str,
    since: datetime,
    until: datetime | None,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    from mapper.processing import migration
    from mapper.store import tenants

    with database.read() as conn:
        zone = ZoneInfo(tenants.settings(conn, tenant)["time_zone"])
    begin, end = period_of(since, until, zone)
    assert begin is not None
    scope = migration.scope_of(database, tenant, begin, end, now=now())
    found = _survey(state, database, tenant, scope)
    _print(found, scope, zone, state.language, as_json=as_json)
    if dry_run:
        say(
            "Nothing was posted. The same command without --dry-run reads again only what changed within a day."
        )
        return 1 if found.stopped else 0
    if found.posted and _is_wanted(found, tenant, yes=yes):
        count = migration.agree(database, tenant, scope, who=getpass.getuser(), now=now())
        say(
            f"Agreed: {count} document(s). The work goes on without this command: Ctrl-C only stops watching."
        )
    return max(_follow(database, tenant, scope), 1 if found.stopped else 0)


def _survey(state: State, database: Database, tenant: str, scope: Scope) -> Survey:
    from mapper import mapping
    from mapper.processing import migration
    from mapper.processing.adoption import texts_in_use
    from mapper.processing.connections import Connections

    with database.read() as conn:
        texts = texts_in_use(conn, tenant)
    rulebooks = mapping.rulebooks_from(texts, tenant=tenant)

    async def run() -> Survey:
        async with Connections(database, state.sealer(), loopback=state.loopback) as connections:
            return await migration.survey(
                database, connections, tenant, scope, rulebooks, now=now, progress=shown.show
            )

    with Progress("Read") as shown:
        return asyncio.run(run())


def _is_wanted(found: Survey, tenant: str, *, yes: bool) -> bool:
    question = f"Post {found.posted} document(s) of € {found.total:.2f} to the WeFact of {tenant}?"
    if yes or agreed(question, "--yes"):
        return True
    say("Nothing was posted.")
    return False


def _print(found: Survey, scope: Scope, zone: ZoneInfo, language: Language, *, as_json: bool) -> None:
    if as_json:
        print_json(_record(found, scope, zone, language))
        return
    rates = [
        {
            "vat": f"{rate.percent:f} %",
            "code": rate.code,
            "documents": rate.documents,
            "net": f"{rate.excl:.2f}",
            "tax": f"{rate.tax:.2f}",
            "gross": f"{rate.incl:.2f}",
        }
        for rate in found.rates
    ]
    sums = {name: sum(getattr(rate, name) for rate in found.rates) for name in ("excl", "tax", "incl")}
    total = {"vat": "total", "code": "", "documents": found.posted}
    total |= {"net": f"{sums['excl']:.2f}", "tax": f"{sums['tax']:.2f}", "gross": f"{sums['incl']:.2f}"}
    columns = ("vat", "code", "documents", "net", "tax", "gross")
    print_records([*rates, total], columns, as_json=False, right=("vat", *columns[2:]))
    say(_counted(found, scope, zone))
    for group in found.stopped:
        message, remedy = group.said.get(language, ["", ""])
        say(f"{_group(group, language)}: {message}")
        if remedy:
            say(f"  {remedy}")
    for group in found.left:
        say(_group(group, language))
    if found.vies:
        say(f"{found.vies} of those to post wait for VIES's answer about a VAT number, which is asked then.")


def _counted(found: Survey, scope: Scope, zone: ZoneInfo) -> str:
    begin, end = (moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") for moment in (scope.since, scope.until))
    stopped, left = (sum(group.documents for group in groups) for groups in (found.stopped, found.left))
    counted = f"{found.posted} to post + {stopped} that would stop + {left} left alone"
    return f"From {begin} to {end} the shop has {found.listed} document(s) = {counted}."


def _group(group: Group, language: Language) -> str:
    cause = dutch(group.cause) if language == "nl" else group.cause
    euros = f", € {group.total:.2f}" if group.total else ""
    return f"{group.documents} × {cause}{euros} ({', '.join(group.examples)})"


def _record(found: Survey, scope: Scope, zone: ZoneInfo, language: Language) -> dict[str, Any]:
    def groups(some: tuple[Group, ...]) -> list[dict[str, Any]]:
        return [
            {
                "cause": group.cause,
                "why": group.said.get(language, ["", ""])[0],
                "remedy": group.said.get(language, ["", ""])[1],
                "documents": group.documents,
                "total": group.total,
                "examples": list(group.examples),
            }
            for group in some
        ]

    return {
        "from": scope.since.astimezone(zone).isoformat(timespec="seconds"),
        "to": scope.until.astimezone(zone).isoformat(timespec="seconds"),
        "kind": scope.kind,
        "listed": found.listed,
        "posted": found.posted,
        "total": found.total,
        "vies": found.vies,
        "rates": [
            {
                "code": rate.code,
                "percent": rate.percent,
                "documents": rate.documents,
                "net": rate.excl,
                "tax": rate.tax,
                "gross": rate.incl,
            }
            for rate in found.rates
        ],
        "stopped": groups(found.stopped),
        "left": groups(found.left),
    }


def _follow(database: Database, tenant: str, scope: Scope) -> int:
    """Show how far `mapper run` is with what was agreed, until it is through; 1 when documents stopped."""
    from mapper.processing import migration
    from mapper.store import heartbeats

    with Progress("Processed") as shown:
        while True:
            states = migration.progress_of(database, tenant, scope)
            total, coming = (
                sum(states.values()),
                sum(states.get(one, 0) for one in (None, "queued", "processing")),
            )
            if not total:
                return 0
            shown.show(total - coming, total, _noted(states))
            with database.read() as conn:
                at_work = heartbeats.alive(conn, now=now(), ttl=heartbeats.TTL)
            if not coming or not at_work:
                break
            time.sleep(_LOOK_SECONDS)
    if coming:
        say(f"{coming} document(s) are posted as soon as a `mapper run` is started on this database.")
    return 1 if states.get("error") else 0


def _noted(states: dict[Any, int]) -> str:
    told = ("done", "error", "waiting", "open", "ignored")
    return ", ".join(f"{states[state]} {state}" for state in told if states.get(state))


def _stop(database: Database, tenant: str) -> int:
    from mapper.processing import migration

    count = migration.withdraw(database, tenant, who=getpass.getuser(), now=now())
    say(f"{count} document(s) are not posted after all; what is in the queue already is.")
    return 0
