"""`tenant licence|password|stop|start|document` and `support`: licences, logins, invoices of the subscription."""

from __future__ import annotations

import asyncio
import getpass
import sys
from datetime import datetime
from pathlib import Path

import click

from mapper.cli.options import agreed, day_option, json_option, now, print_records, say, tell
from mapper.cli.state import State
from mapper.errors import UsageError

_FILE = click.Path(path_type=Path)
_LANGUAGE = click.Choice(["en", "nl"])


@click.command()
@click.argument("name")
@click.option("--email", metavar="ADDRESS", help="Where the merchant's mails go.")
@click.option("--extra-email", metavar="ADDRESS", help="A second address for mails about this webshop.")
@click.option("--mail-language", type=_LANGUAGE, help="The language of mails.")
@click.option("--with", "other", metavar="NAME", help="Put the webshop under the account of this other one.")
@click.option("--hide", is_flag=True, help="Take a stopped webshop from its merchant's list.")
@json_option
@click.pass_obj
def licence(
    state: State,
    *,
    name: str,
    email: str | None,
    extra_email: str | None,
    mail_language: str | None,
    other: str | None,
    hide: bool,
    as_json: bool,
) -> None:
    """Show a webshop's licence, with its key and state, and change whom it belongs to."""
    from mapper.store import accounts, journal, licences

    with state.open() as database, database.begin() as conn:
        held = licences.get(conn, name)
        if other is not None:
            licences.move(conn, name, licences.get(conn, other).account)
            journal.append(conn, name, None, "account changed", {"who": getpass.getuser()}, now=now())
        if extra_email is not None:
            licences.set_extra_email(conn, name, extra_email)
        if hide:
            licences.hide(conn, name)
        held = licences.get(conn, name)
        account = accounts.get(conn, held.account)
        if email is not None or mail_language is not None:
            language = mail_language or account.language
            accounts.set_contact(
                conn, account.id, email=account.email if email is None else email, language=language
            )
            account = accounts.get(conn, held.account)
        if not (email is None and mail_language is None and extra_email is None):
            journal.append(conn, name, None, "contact changed", {"who": getpass.getuser()}, now=now())
        together = [one.tenant for one in licences.of_account(conn, account.id, with_hidden=True)]
        can_log_in = accounts.has_password(conn, account.id)
    record = {
        "tenant": name,
        "key": held.key,
        "state": held.state(now()),
        "trial_until": held.trial_until.date().isoformat(),
        "email": account.email,
        "extra_email": held.extra_email,
        "language": account.language,
        "password": "set" if can_log_in else "none",
        "webshops": ", ".join(together),
    }
    print_records([record], tuple(record), as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--stdin", "given", is_flag=True, help="Read the new password from standard input.")
@click.pass_obj
def password(state: State, *, name: str, given: bool) -> None:
    """Make a new password for the merchant of a webshop, and print it: it is shown this once."""
    from mapper.store import accounts, journal, licences

    text = sys.stdin.readline().rstrip("\n") if given else ""
    with state.open() as database, database.begin() as conn:
        held = licences.get(conn, name)
        if given:
            accounts.set_password(conn, held.account, text)
        else:
            text = accounts.new_password(conn, held.account)
        journal.append(conn, name, None, "password changed", {"who": getpass.getuser()}, now=now())
    say(f"The licence key is {held.key}; the password is changed.")
    if not given:
        click.echo(text)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def stop(state: State, *, name: str, reason: str, yes: bool) -> None:
    """Stop a webshop's integration for good: webhooks removed, keys destroyed, records kept for their retention."""
    from mapper import offboarding
    from mapper.store import tenants

    with state.open() as database:
        with database.read() as conn:
            tenants.get(conn, name)
        if not yes and not agreed(f"Stop {name}? Its keys are destroyed.", "--yes"):
            raise click.Abort
        stopping = offboarding.stop(
            database,
            state.sealer(),
            name,
            reason=reason,
            who=getpass.getuser(),
            loopback=state.loopback,
            now=now(),
        )
        failure = asyncio.run(stopping)
    if failure is not None:
        tell(failure, state.language)
        say("The shop could not be told; its webhooks lead nowhere now.")
    say(f"{name} is stopped: nothing is posted any more, its keys are destroyed.")


@click.command()
@click.argument("name")
@click.pass_obj
def start(state: State, *, name: str) -> None:
    """Let a stopped webshop work again, after its keys were given anew with `mapper tenant set`."""
    from mapper import onboarding
    from mapper.store import journal, licences, tenants
    from mapper.store.limits import AddressBudget

    with state.open() as database:
        sealer = state.sealer()
        with database.read() as conn:
            keys = onboarding.stored_keys(conn, sealer, name)
        asyncio.run(onboarding.connect(keys, AddressBudget(database, "default"), loopback=state.loopback))
        with database.begin() as conn:
            licences.mark_installed(conn, name, now=now())
            tenants.begin_work(conn, name)
            journal.append(conn, name, None, "started", {"who": getpass.getuser()}, now=now())
    say(f"{name} works again; register its webhooks with --webhook-url.")


@click.group()
def document() -> None:
    """Invoices of the subscription, for the merchant to download."""


@document.command("add")
@click.argument("name")
@click.argument("file", type=_FILE)
@day_option("--date", help="The invoice's date; today when left out.")
@click.pass_obj
def add_document(state: State, *, name: str, file: Path, date: datetime | None) -> None:
    """Add a PDF file."""
    from mapper.store import subscriptions, tenants

    try:
        with file.open("rb") as opened:
            content = opened.read(subscriptions.MAX_BYTES + 1)
    except OSError as error:
        raise UsageError("USE123", file=str(file), reason=error.strerror) from None
    with state.open() as database, database.begin() as conn:
        tenants.get(conn, name)
        dated = (date or now()).date()
        kept = subscriptions.add(
            conn, name, file.name, content, dated=dated, who=getpass.getuser(), now=now()
        )
    say(f"{name}: kept {kept.name} as number {kept.number}.")


@document.command("list")
@click.argument("name")
@json_option
@click.pass_obj
def list_documents(state: State, *, name: str, as_json: bool) -> None:
    """List what there is to download."""
    from mapper.store import subscriptions

    with state.open() as database, database.read() as conn:
        kept = subscriptions.of_tenant(conn, name)
    records = [{"number": one.number, "dated": one.dated, "name": one.name, "size": one.size} for one in kept]
    print_records(records, ("number", "dated", "name", "size"), as_json=as_json, right=("number", "size"))


@document.command("save")
@click.argument("name")
@click.argument("number", type=int)
@click.argument("file", type=_FILE)
@click.pass_obj
def save_document(state: State, *, name: str, number: int, file: Path) -> None:
    """Write a PDF to a new file."""
    from mapper.store import subscriptions

    with state.open() as database, database.read() as conn:
        content = subscriptions.content(conn, name, number)
    try:
        with file.open("xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise UsageError("STO160", file=str(file)) from None
    say(f"Wrote {file}.")


@click.group()
def support() -> None:
    """Who works at support: they see every webshop."""


@support.command("add")
@click.argument("name")
@click.option("--email", default="", metavar="ADDRESS", help="Where to reach them.")
@click.option("--mail-language", type=_LANGUAGE, default="nl", show_default=True, help="Their language.")
@click.pass_obj
def add_support(state: State, *, name: str, email: str, mail_language: str) -> None:
    """Add somebody, and print their password: it is shown this once."""
    from mapper.store import accounts

    with state.open() as database, database.begin() as conn:
        made = accounts.create(
            conn, role="support", name=name, email=email, language=mail_language, now=now()
        )
        text = accounts.new_password(conn, made.id)
    say(f"Added {name}; the password is shown this once.")
    click.echo(text)


@support.command("password")
@click.argument("name")
@click.pass_obj
def support_password(state: State, *, name: str) -> None:
    """Make a new password, and print it: it is shown this once."""
    from mapper.store import accounts

    with state.open() as database, database.begin() as conn:
        found = accounts.by_name(conn, name)
        if found is None:
            raise UsageError("USE162", account=name[:40])
        text = accounts.new_password(conn, found.id)
    say(f"The password of {name} is changed.")
    click.echo(text)


@support.command("list")
@json_option
@click.pass_obj
def list_support(state: State, *, as_json: bool) -> None:
    """List who works at support."""
    from mapper.store import accounts

    with state.open() as database, database.read() as conn:
        people = accounts.support(conn)
    records = [
        {
            "name": one.name,
            "email": one.email,
            "language": one.language,
            "since": one.created_at.date().isoformat(),
        }
        for one in people
    ]
    print_records(records, ("name", "email", "language", "since"), as_json=as_json)
