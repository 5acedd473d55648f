"""`purge`, `tenant erase|export`: how long data is kept, and how it leaves."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import timedelta

import click

from mapper import fiscal
from mapper.cli.options import json_option, now, print_json, print_records, say
from mapper.cli.state import State
from mapper.errors import StoreError


@click.command()
@click.option(
    "--people-days",
    type=click.IntRange(0, 3650),
    default=60,
    show_default=True,
    help="How long customers stay in finished documents.",
)
@click.option(
    "--fiscal-years",
    type=click.IntRange(fiscal.YEARS, 50),
    default=fiscal.YEARS,
    show_default=True,
    envvar="MAPPER_FISCAL_YEARS",
    help="How long documents stay after their year; sold to another country: 10 at least.  [env: MAPPER_FISCAL_YEARS]",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@json_option
@click.pass_obj
def purge(state: State, *, people_days: int, fiscal_years: int, dry_run: bool, as_json: bool) -> None:
    """Remove what was kept long enough: customers in finished documents, deliveries, closed tickets, old documents.

    `mapper run` does it every night. Without its customer a document keeps amounts, codes, countries and postcode
    areas, so that it still replays. After the years of tax law it is deleted whole; the journal keeps what was done.
    """
    from mapper import retention

    terms = retention.Terms(timedelta(days=people_days), fiscal_years)
    with state.open() as database:
        done = retention.purge(database, terms, who=getpass.getuser(), now=now(), dry_run=dry_run)
    columns = ("tenant", "documents", "deliveries", "tickets", "deleted")
    if dry_run:
        say("Nothing was removed; this would go:")
    print_records([asdict(one) for one in done], columns, as_json=as_json, right=columns[1:])


@click.command()
@click.argument("name")
@click.argument("email")
@json_option
@click.pass_obj
def erase(state: State, *, name: str, email: str, as_json: bool) -> int:
    """Erase a customer, by e-mail address, from all finished documents of a webshop.

    Exit code 1 when unfinished documents still name them: post or ignore those, then erase again. WeFact and the shop
    keep what they have: erase it there too.
    """
    from mapper import retention

    with state.open() as database:
        done = retention.erase(database, name, email, who=getpass.getuser(), now=now())
    if as_json:
        print_json({"tenant": name, "erased": list(done.erased), "unfinished": list(done.unfinished)})
    say(f"Erased from {len(done.erased)} document(s) of {name}; backups keep it until they are removed.")
    for document in done.unfinished:
        say(f"{document} is not finished and still names them.")
    return 1 if done.unfinished else 0


@click.command("journal")
@click.argument("name")
@click.option("--document", metavar="ID", help="Only of this document, such as order-906.")
@click.option(
    "--last", type=click.IntRange(1, 100_000), default=50, show_default=True, help="So many of the newest."
)
@json_option
@click.pass_obj
def show_journal(state: State, *, name: str, document: str | None, last: int, as_json: bool) -> None:
    """Show who did what when: processing, keys, terms, passwords, stops. Settings have `tenant show --history`.

    Exit code 1 when an entry was changed or removed since it was written.
    """
    from mapper.money import dumps
    from mapper.store import journal, tenants

    with state.open() as database, database.read() as conn:
        tenants.get(conn, name)
        found = journal.newest(conn, name, document_id=document, limit=last)
        broken = journal.verify(conn, name)
    records = [
        {
            "number": one.number,
            "at": one.at.isoformat(timespec="seconds"),
            "document": one.document_id or "",
            "event": one.event,
            "facts": dict(one.facts) if as_json else dumps(dict(one.facts)),
        }
        for one in found
    ]
    columns = ("number", "at", "document", "event", "facts")
    print_records(records, columns, as_json=as_json, right=("number",), widest=120)
    if broken is not None:
        raise StoreError("STO174", number=broken, tenant=name)


@click.command()
@click.argument("name")
@click.option("--csv", "as_csv", is_flag=True, help="Only the list of documents, as CSV for a spreadsheet.")
@click.pass_obj
def export(state: State, *, name: str, as_csv: bool) -> None:
    """Print everything that is kept about a webshop, one JSON object a line; its keys are not among it."""
    from mapper import export as exporting

    with state.open() as database, database.read() as conn:
        found = exporting.records(conn, name)
        if not as_csv:
            for record in found:
                print_json(record)
            return
        from mapper.cli.spreadsheet import print_csv

        columns = (
            "id", "number", "order_number", "customer", "total_incl", "currency", "state", "cause", "identifier",
            "code", "dated", "done_at",
        )  # fmt: skip
        print_csv((record for record in found if record["table"] == "document"), columns)
