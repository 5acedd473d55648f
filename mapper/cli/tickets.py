"""`ticket report|ask|list|show|answer|close`: questions and problems, from both sides."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click

from mapper.cli.options import chosen_tenant, json_option, now, print_json, print_records, say, tenant_option
from mapper.cli.state import State
from mapper.diagnostics import printable

if TYPE_CHECKING:
    from mapper.store.rows import Ticket


@click.group()
def ticket() -> None:
    """Report a problem, ask something, and answer."""


@ticket.command()
@click.argument("document")
@click.option("--text", default="", help="What you saw and expected; else what the mapper says itself.")
@tenant_option
@json_option
@click.pass_obj
def report(state: State, *, document: str, text: str, tenant: str | None, as_json: bool) -> None:
    """Report a problem with a document (order-906, or a number), with all that is needed to answer it.

    Its payload, findings, trace and calls go along, without customers and keys. One ticket of a cause is open at once.
    """
    from mapper import ticketing
    from mapper.cli.operating import document_id

    with state.open() as database:
        name = chosen_tenant(database, tenant)
        found = document_id(database, name, document)
        made = ticketing.report_problem(database, name, found, text=text, who=getpass.getuser(), now=now())
    _tell(made, as_json=as_json)


@ticket.command()
@click.argument("subject")
@click.option("--text", required=True, help="The question.")
@tenant_option
@json_option
@click.pass_obj
def ask(state: State, *, subject: str, text: str, tenant: str | None, as_json: bool) -> None:
    """Ask something."""
    from mapper import ticketing

    with state.open() as database:
        name = chosen_tenant(database, tenant)
        made = ticketing.ask(database, name, subject=subject, text=text, who=getpass.getuser(), now=now())
    _tell(made, as_json=as_json)


@ticket.command("list")
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@tenant_option
@json_option
@click.pass_obj
def list_(state: State, *, closed: bool, tenant: str | None, as_json: bool) -> None:
    """List tickets: of one webshop, or all that wait for support, the oldest first."""
    from mapper.store import tickets

    with state.open() as database, database.read() as conn:
        found = (
            tickets.of_tenant(conn, tenant, closed=closed) if tenant else tickets.waiting(conn, closed=closed)
        )
    records = [
        {
            "tenant": one.tenant,
            "number": one.number,
            "at": one.at if not as_json else one.at.isoformat(timespec="seconds"),
            "kind": one.kind,
            "state": one.state,
            "subject": one.subject,
        }
        for one in found
    ]
    print_records(
        records, ("tenant", "number", "at", "kind", "state", "subject"), as_json=as_json, right=("number",)
    )


@ticket.command()
@click.argument("number", type=int)
@tenant_option
@json_option
@click.pass_obj
def show(state: State, *, number: int, tenant: str | None, as_json: bool) -> None:
    """Show a ticket; with --json also its bundle."""
    from mapper.store import tickets

    with state.open() as database:
        name = chosen_tenant(database, tenant)
        with database.read() as conn:
            found = tickets.get(conn, name, number)
    if as_json:
        print_json(_record(found) | {"bundle": dict(found.bundle)})
        return
    for field, value in _record(found).items():
        if value:
            click.echo(f"{field:<12} {printable(str(value), 10_000)}")


@ticket.command()
@click.argument("number", type=int)
@click.option("--text", required=True, help="The answer; it is mailed to the merchant.")
@tenant_option
@click.pass_obj
def answer(state: State, *, number: int, text: str, tenant: str | None) -> None:
    """Answer a ticket."""
    from mapper.store import tickets

    with state.open() as database:
        name = chosen_tenant(database, tenant)
        with database.begin() as conn:
            tickets.answer(conn, name, number, text=text, who=getpass.getuser(), now=now())
    say(f"Answered ticket {number} of {name}.")


@ticket.command()
@click.argument("number", type=int)
@tenant_option
@click.pass_obj
def close(state: State, *, number: int, tenant: str | None) -> None:
    """Close a ticket: the next problem of its cause opens a new one."""
    from mapper.store import tickets

    with state.open() as database:
        name = chosen_tenant(database, tenant)
        with database.begin() as conn:
            tickets.close(conn, name, number)
    say(f"Closed ticket {number} of {name}.")


def _tell(made: Ticket, *, as_json: bool) -> None:
    say(f"Ticket {made.number} of {made.tenant}: {made.subject}")
    if as_json:
        print_json(_record(made))


def _record(one: Ticket) -> dict[str, Any]:
    return {
        "tenant": one.tenant,
        "number": one.number,
        "kind": one.kind,
        "state": one.state,
        "cause": one.cause,
        "document": one.document_id or "",
        "at": one.at.isoformat(timespec="seconds"),
        "who": one.who,
        "subject": one.subject,
        "text": one.text,
        "answer": one.answer,
        "answered_by": one.answered_by,
    }
