"""`report`, `errors` and `open`: the lists a merchant lives with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mapper.cli.options import (
    Command,
    chosen_tenant,
    day_option,
    json_option,
    period_of,
    print_records,
    say,
    tell_pause,
    tenant_option,
)
from mapper.cli.state import State
from mapper.errors import Language

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mapper.store.database import Database
    from mapper.store.rows import Document
    from mapper.store.rows import State as DocumentState

_BATCH = 200

Filters = dict[str, Any]


def _filter_options(command: Command) -> Command:
    for option in (
        json_option,
        click.option(
            "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
        ),
        click.option("--search", default="", metavar="TEXT", help="Found in number, customer or e-mail."),
        day_option("--to", "until", help="To this day (2026-01-31) or earlier."),
        day_option("--from", "since", help="From this day (2026-01-01) or later."),
        tenant_option,
    ):
        command = option(command)
    return command


@click.command()
@_filter_options
@click.pass_obj
def report(state: State, /, tenant: str | None, *, as_json: bool, **filters: Any) -> None:
    """List the documents that are invoiced, newest first."""
    columns = ("date", "number", "customer", "total", "invoice", "note")
    _print(state, tenant, ("done",), columns, filters, as_json=as_json)


@click.command()
@_filter_options
@click.pass_obj
def errors(state: State, /, tenant: str | None, *, as_json: bool, **filters: Any) -> None:
    """List the documents that stopped, newest first, with what is wrong."""
    columns = ("date", "id", "number", "customer", "total", "cause", "why")
    _print(state, tenant, ("error",), columns, filters, as_json=as_json)


@click.command("open")
@click.option("--ignored", is_flag=True, help="List what is ignored instead.")
@_filter_options
@click.pass_obj
def open_(state: State, /, tenant: str | None, *, ignored: bool, as_json: bool, **filters: Any) -> None:
    """List the documents that are on their way: not yet in the right status, queued, waiting."""
    columns = ("date", "id", "number", "customer", "total", "state", "next", "why")
    states: Sequence[DocumentState] = ("ignored",) if ignored else ("open", "queued", "processing", "waiting")
    _print(state, tenant, states, columns, filters, as_json=as_json)


def _print(
    state: State,
    tenant: str | None,
    states: Sequence[DocumentState],
    columns: Sequence[str],
    filters: Filters,
    *,
    as_json: bool,
) -> None:
    with state.open() as database:
        name = chosen_tenant(database, tenant)
        records = _records(database, name, states, filters, state.language, for_json=as_json)
        if as_json:
            print_records(records, columns, as_json=True)
            return
        tell_pause(database, name)
        shown = list(records)
        print_records(shown, columns, as_json=False, right=("total",), widest=100)
        if len(shown) == filters["limit"]:
            say(f"The first {len(shown)}; see more with --limit.")
        elif not shown:
            say("None.")
        for cause, remedy in {
            record["cause"]: record["remedy"] for record in shown if record["remedy"]
        }.items():
            say(f"{cause} → {remedy}")


def _records(
    database: Database,
    tenant: str,
    states: Sequence[DocumentState],
    filters: Filters,
    language: Language,
    *,
    for_json: bool,
) -> Iterator[dict[str, Any]]:
    """Yield up to `limit` records, read page by page."""
    from mapper.cli.evidence import evidence
    from mapper.cli.talk import talked
    from mapper.store import listing, tenants
    from mapper.wording import reason_of

    with database.read() as conn:
        zone = ZoneInfo(tenants.settings(conn, tenant)["time_zone"])
    since, until = period_of(filters["since"], filters["until"], zone)
    left, after = filters["limit"], None
    as_record: Callable[[Document, ZoneInfo], dict[str, Any]] = json_record if for_json else _row
    while left > 0:
        with database.read() as conn:
            page = listing.page(
                conn,
                tenant,
                states=states,
                since=since,
                until=until,
                search=filters["search"],
                after=after,
                limit=min(left, _BATCH),
            )
            records = []
            for document in page.documents:
                reason = reason_of(conn, document, language)
                record = as_record(document, zone) | {"why": reason.said, "remedy": reason.remedy}
                earlier = _earlier_invoices(conn, document)
                if for_json:
                    record["earlier_invoices"] = earlier
                else:
                    notes = [
                        talked(record["note"], language),
                        reason.said if document.state == "done" else "",
                    ]
                    if earlier:
                        notes.append(talked(f"made again; earlier: {', '.join(earlier)}", language))
                    record["note"] = "; ".join(filter(None, notes))
                    record["state"] = talked(document.state, language)
                records.append(record | {"vies": evidence(conn, document, zone)} if for_json else record)
        yield from records
        left, after = left - len(records), page.after
        if after is None:
            return


def _earlier_invoices(conn: Connection, document: Document) -> list[str]:
    """Return the Identifiers of the invoices that were made before the present one, on purpose (R8)."""
    from mapper.store import journal

    if not document.again:
        return []
    entries = journal.entries(conn, document.tenant, document_id=document.id)
    return [str(entry.facts["first"]) for entry in entries if entry.event == "again"]


def _row(document: Document, zone: ZoneInfo) -> dict[str, Any]:
    total = "" if document.total_incl is None else f"{document.currency} {document.total_incl:.2f}"
    return {
        "date": document.dated.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        "id": document.id,
        "number": document.number,
        "customer": document.customer,
        "total": total,
        "state": document.state,
        "invoice": document.code or document.identifier,
        "cause": document.cause,
        "next": document.next_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if document.next_at else "",
        "note": "changed in the shop since" if document.drift_at else "",
    }


def json_record(document: Document, zone: ZoneInfo) -> dict[str, Any]:
    """Return a document as `--json` prints it: times in the webshop's zone, amounts as strings."""

    def moment(at: datetime | None) -> str | None:
        return at.astimezone(zone).isoformat(timespec="seconds") if at else None

    return {
        "id": document.id,
        "kind": document.kind,
        "state": document.state,
        "number": document.number,
        "order_number": document.order_number,
        "date": moment(document.dated),
        "customer": document.customer,
        "total_incl": document.total_incl,
        "currency": document.currency,
        "invoice": {"identifier": document.identifier, "code": document.code}
        if document.identifier
        else None,
        "cause": document.cause,
        "facts": dict(document.facts),
        "ignored_by": document.ignored_by,
        "attempts": document.attempts,
        "next_at": moment(document.next_at),
        "done_at": moment(document.done_at),
        "changed_since": moment(document.drift_at),
    }
