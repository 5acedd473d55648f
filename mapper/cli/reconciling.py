"""`reconcile`: what differs between shop and WeFact, in euros, with why and what to do."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mapper.cli.options import (
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
from mapper.cli.spreadsheet import print_csv
from mapper.cli.state import State
from mapper.diagnostics import printable
from mapper.errors import Language, UsageError
from mapper.phrases import dutch

if TYPE_CHECKING:
    from mapper.store.database import Database
    from mapper.store.rows import Reconciliation

_COLUMNS = ("what", "date", "document", "number", "invoice", "shop", "wefact", "difference", "code")
_AMOUNTS = ("shop", "wefact", "difference")
_CSV = (
    "what",
    "code",
    "date",
    "document",
    "number",
    "identifier",
    "invoice",
    *_AMOUNTS,
    "why",
    "remedy",
    "accepted",
)


@click.group(invoke_without_command=True)
@day_option("--from", "since", help="From this day (2026-01-01); five weeks ago when left out.")
@day_option("--to", "until", help="To this day (2026-01-31); today when left out.")
@click.option("--last", is_flag=True, help="Show what the nightly comparison found; ask nobody anything.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the differences as CSV, for a spreadsheet.")
@tenant_option
@json_option
@click.pass_context
def reconcile(
    ctx: click.Context,
    /,
    since: datetime | None,
    until: datetime | None,
    *,
    last: bool,
    as_csv: bool,
    tenant: str | None,
    as_json: bool,
) -> int:
    """Compare shop and WeFact both ways: missing, double, another amount, changed after posting, deleted.

    Changes nothing anywhere. Ends with 1 when something differs that nobody accepted. `mapper run` does the same
    every night.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    state: State = ctx.obj
    if (last and (since or until)) or (as_csv and as_json):
        raise UsageError("USE117")
    with state.open() as database:
        name = chosen_tenant(database, tenant)
        found = _kept(database, name) if last else _compared(state, database, name, since, until)
        records = _records(database, name, found, state.language)
        if as_csv:
            print_csv(records, _CSV)
        elif as_json:
            print_records(records, (), as_json=True)
            print_json(
                _summary(found, database, name) | {"accepted": sum(bool(one["accepted"]) for one in records)}
            )
        else:
            _print_table(records, state.language)
    if not as_json:
        _tell(found, accepted=sum(bool(record["accepted"]) for record in records))
    return 1 if any(not record["accepted"] for record in records) else 0


@reconcile.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is right as it is.")
@tenant_option
@json_option
@click.pass_obj
def dismiss(state: State, name: str, *, reason: str, tenant: str | None, as_json: bool) -> None:
    """Accept what differs of a document or invoice, as it was last compared.

    It is shown as accepted from now on, and comes back when it changes. NAME is a number, id, code or Identifier.
    """
    from mapper.processing.dismissal import dismiss as dismissed

    with state.open() as database:
        shop = chosen_tenant(database, tenant)
        for one in dismissed(database, shop, name, reason=reason, now=now()):
            if as_json:
                print_json(
                    {"code": one.code, "document": one.document, "invoice": one.invoice, "reason": reason}
                )
            else:
                say(f"{one.code} {one.number or one.invoice}: accepted as it is.")


def _kept(database: Database, tenant: str) -> Reconciliation:
    from mapper.store import reconciliations

    with database.read() as conn:
        found = reconciliations.latest(conn, tenant)
    if found is None:
        raise UsageError("USE118", tenant=tenant)
    say(f"As compared at {found.at:%Y-%m-%d %H:%M} UTC.")
    return found


def _compared(
    state: State, database: Database, tenant: str, since: datetime | None, until: datetime | None
) -> Reconciliation:
    from mapper.processing import reconcile as comparing
    from mapper.processing.connections import Connections
    from mapper.store import tenants

    with database.read() as conn:
        settings = tenants.settings(conn, tenant)
    begin, end = period_of(since, until, ZoneInfo(settings["time_zone"]))
    first, last = comparing.period(settings, now=now())

    async def run() -> Reconciliation:
        async with Connections(database, state.sealer(), loopback=state.loopback) as connections:
            found = await comparing.compare(
                database,
                connections,
                tenant,
                since=begin or min(first, end or first),
                until=end or last,
                now=now(),
                progress=shown.show,
            )
            if since is None and until is None:
                await asyncio.to_thread(comparing.keep, database, tenant, found, now())
            return found.kept(now())

    with Progress("Days compared:") as shown:
        return asyncio.run(run())


def _records(
    database: Database, tenant: str, found: Reconciliation, language: Language
) -> list[dict[str, Any]]:
    from mapper.processing.reconcile import Difference, explained
    from mapper.store import reconciliations

    records = []
    with database.read() as conn:
        accepted = reconciliations.accepted(conn, tenant)
        for kept in found.differences:
            one = Difference.from_json(kept)
            why = explained(conn, tenant, one, language)
            names = ("what", "code", "date", "document", "number", "identifier", "invoice", *_AMOUNTS)
            records.append(
                {name: getattr(one, name) for name in names}
                | {"why": why.said, "remedy": why.remedy, "accepted": accepted.get(one.mark, "")}
            )
    return records


def _print_table(records: list[dict[str, Any]], language: Language) -> None:
    """Print a line for each difference, and under the table why it differs and what to do next."""
    shown = [
        record
        | {name: f"{record[name]:.2f}" for name in _AMOUNTS}
        | {"what": dutch(record["what"]) if language == "nl" else record["what"]}
        for record in records
    ]
    print_records(shown, _COLUMNS, as_json=False, right=_AMOUNTS)
    for record in records:
        name = record["number"] or record["invoice"]
        click.echo()
        click.echo(printable(f"{record['code']} {name}: {record['why']}", 1000))
        if record["accepted"]:
            word = "geaccepteerd" if language == "nl" else "accepted"
            click.echo(printable(f"  ✓ {word}: {record['accepted']}", 1000))
        else:
            click.echo(printable(f"  → {record['remedy']}", 1000))


def _summary(found: Reconciliation, database: Database, tenant: str) -> dict[str, Any]:
    from mapper.store import tenants

    with database.read() as conn:
        zone = ZoneInfo(tenants.settings(conn, tenant)["time_zone"])
    return {
        "at": found.at.astimezone(zone).isoformat(timespec="seconds"),
        "from": found.since.astimezone(zone).isoformat(timespec="seconds"),
        "to": found.until.astimezone(zone).isoformat(timespec="seconds"),
        "counts": found.counts,
        "adds_up": not found.counts["missing"]["documents"],
        "differences": len(found.differences),
    }


def _tell(found: Reconciliation, *, accepted: int) -> None:
    from mapper.processing.reconcile import STATES

    counts = found.counts
    sums = " + ".join(f"{counts[state]['documents']} {state}" for state in STATES)
    euros = " + ".join(f"{counts[state]['total']:.2f}" for state in STATES)
    say(f"{counts['eligible']['documents']} eligible = {sums}.")
    say(f"In euros: {counts['eligible']['total']:.2f} = {euros}.")
    say(f"WeFact has {counts['in_wefact']['documents']} of them, of {counts['in_wefact']['total']:.2f}.")
    kept = f" {accepted} of them accepted." if accepted else ""
    say(f"{len(found.differences)} difference(s).{kept}" if found.differences else "Nothing differs.")
