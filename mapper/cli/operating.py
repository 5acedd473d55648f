"""`init`, `run`, `process`, `ignore`, `pause`, `resume`: what the person does who runs the mapper."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mapper import fiscal
from mapper.cli.options import (
    chosen_tenant,
    json_option,
    now,
    print_json,
    say,
    tell,
    tell_pause,
    tenant_option,
)
from mapper.cli.state import State
from mapper.errors import UsageError

if TYPE_CHECKING:
    from mapper.appstore.installation import StoreApp
    from mapper.store.database import Database

_DOCUMENT_ID = re.compile(r"(order|invoice)-[0-9]{1,18}\Z")


@click.command()
@json_option
@click.pass_obj
def init(state: State, *, as_json: bool) -> None:
    """Make the state folder, the key that seals the services' keys, and the database. Harmless to repeat.

    Keep a copy of the key apart from copies of the database: without it the services' keys cannot be read.
    """
    from mapper.processing import engine
    from mapper.store.database import open_database
    from mapper.store.sealing import create_key_file

    state.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    makes_key = not state.key_file.exists() and "MAPPER_KEY" not in state.environ
    if makes_key:
        create_key_file(state.key_file)
    state.sealer()
    with open_database(state.database) as database:
        engine.prepare(database.engine, upgrade=True)
        where = database.url
    say(f"{'Made' if makes_key else 'Kept'} the key in {state.key_file}; the database is {where}.")
    say("Next: mapper tenant add NAME")
    if as_json:
        print_json({"home": str(state.home), "key_file": str(state.key_file), "database": where})


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where webhooks come in.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one."
)
@click.option(
    "--rules", type=click.Path(path_type=Path), help="A folder of rules to use until some are published."
)
@click.option(
    "--address",
    default="default",
    show_default=True,
    metavar="NAME",
    help="A name for this machine's egress IP address: WeFact limits calls per address.",
)
@click.option(
    "--only",
    type=click.Choice(["web", "worker"]),
    help="Only receive webhooks, or only process documents: start as many of each as you need.",
)
@click.option(
    "--public-url",
    envvar="MAPPER_PUBLIC_URL",
    metavar="URL",
    help="Where the app store reaches this web server; opens the install pages.  [env: MAPPER_PUBLIC_URL]",
)
@click.option(
    "--app-secret-file",
    type=click.Path(path_type=Path),
    envvar="MAPPER_APP_SECRET_FILE",
    metavar="FILE",
    help="The app's secret at CCV; else the systemd credential mapper-app-secret.  [env: MAPPER_APP_SECRET_FILE]",
)
@click.option(
    "--shop-host",
    "hosts",
    multiple=True,
    envvar="MAPPER_SHOP_HOSTS",
    metavar="HOST",
    help="Let in shops under this domain too; '*': every shop that CCV signs for.  [env: MAPPER_SHOP_HOSTS]",
)
@click.option(
    "--webhook-signature",
    "signature",
    type=click.Choice(["address-body", "body"]),
    envvar="MAPPER_WEBHOOK_SIGNATURE",
    default="address-body",
    show_default=True,
    help="What CCV signs webhooks over: undocumented, hence to choose.  [env: MAPPER_WEBHOOK_SIGNATURE]",
)
@click.option(
    "--fiscal-years",
    type=click.IntRange(fiscal.YEARS, 50),
    envvar="MAPPER_FISCAL_YEARS",
    default=fiscal.YEARS,
    show_default=True,
    help="How long documents stay after their year, see `mapper purge`.  [env: MAPPER_FISCAL_YEARS]",
)
@click.option(
    "--log",
    type=click.Choice(["text", "json"]),
    envvar="MAPPER_LOG",
    default="text",
    show_default=True,
    help="How events are written on stderr: lines for people, or JSON.  [env: MAPPER_LOG]",
)
@click.pass_obj
def run(
    state: State,
    *,
    host: str,
    port: int,
    rules: Path | None,
    address: str,
    only: Literal["web", "worker"] | None,
    fiscal_years: int,
    log: Literal["text", "json"],
    public_url: str | None,
    app_secret_file: Path | None,
    hosts: tuple[str, ...],
    signature: str,
) -> None:
    """Receive webhooks and process documents until stopped (Ctrl-C, or SIGTERM).

    Several processes share the work on PostgreSQL; on an SQLite file one process works, others may receive webhooks.
    """
    from mapper.mailing import load_mailer
    from mapper.processing import daemon

    with state.open():
        pass  # tells what is missing before anything starts
    app = _store_app(state, public_url, app_secret_file, hosts) if public_url else None
    daemon.run(
        daemon.Options(
            database=state.database,
            key_file=state.key_file,
            host=host,
            port=port,
            loopback=state.loopback,
            rules=rules,
            address=address,
            only=only,
            log=log,
            fiscal_years=fiscal_years,
            signature=signature,
            app=app,
            mailer=load_mailer(state.environ),
        )
    )


def _store_app(state: State, url: str, file: Path | None, hosts: tuple[str, ...]) -> StoreApp:
    from mapper.appstore.installation import StoreApp
    from mapper.appstore.signing import CCV_HOSTS
    from mapper.onboarding import check_webhook_url
    from mapper.services.http import Secret
    from mapper.store.sealing import read_secret

    check_webhook_url(url, loopback=state.loopback)
    secret = Secret(read_secret(file, "mapper-app-secret", state.environ))
    beside = {name: state.environ.get(f"MAPPER_{name.upper()}", "") for name in ("wefact_url", "vies_url")}
    own = beside if state.loopback else {}
    return StoreApp(url, secret, (*CCV_HOSTS, *(one.lower() for one in hosts)), state.loopback, **own)


@click.command()
@click.argument("documents", nargs=-1, required=True, metavar="ID...")
@click.option(
    "--again",
    is_flag=True,
    help="Make a second invoice for a document that has one, or a new one in place of a draft with another total; "
    "needs --reason.",
)
@click.option(
    "--accept",
    is_flag=True,
    help="Take the invoice with another total as it is, once corrected in WeFact; needs --reason.",
)
@click.option("--reason", default="", help="Why; kept in the document's journal.")
@click.option(
    "--dry-run", is_flag=True, help="Fetch and map, and show what would be posted; post and store nothing."
)
@click.option("--rules", type=click.Path(path_type=Path), help="With --dry-run: another folder of rules.")
@tenant_option
@json_option
@click.pass_obj
def process(
    state: State,
    documents: tuple[str, ...],
    *,
    tenant: str | None,
    again: bool,
    accept: bool,
    reason: str,
    dry_run: bool,
    rules: Path | None,
    as_json: bool,
) -> int:
    """Process documents (order-906, invoice-41, or a number) now; `mapper run` does the work."""
    with state.open() as database:
        name = chosen_tenant(database, tenant)
        if rules is not None and not dry_run:
            raise UsageError("USE111")
        if accept and (again or dry_run):
            raise click.UsageError("--accept goes with --reason only", click.get_current_context())
        ended = 0
        for document in [document_id(database, name, given) for given in documents]:
            try:
                if dry_run:
                    done = _preview(state, database, name, document, rules, again=again, reason=reason)
                else:
                    done = _process(
                        state,
                        database,
                        name,
                        document,
                        again=again,
                        accept=accept,
                        reason=reason,
                        as_json=as_json,
                    )
            except UsageError as error:
                done = tell(error, state.language)
            ended = max(ended, done)
        if not (dry_run or accept):
            _tell_whether_it_runs(database, name)
    return ended


def _process(
    state: State,
    database: Database,
    tenant: str,
    document: str,
    *,
    again: bool,
    accept: bool,
    reason: str,
    as_json: bool,
) -> int:
    from mapper.processing import actions, mismatch
    from mapper.store import documents

    with database.read() as conn:
        kind, _, shop_id = document.rpartition("-")
        known = documents.find(conn, tenant, "invoice" if kind == "invoice" else "order", int(shop_id))
    who = getpass.getuser()
    if accept:
        queued = mismatch.accept(database, tenant, document, reason=reason, now=now(), who=who)
    elif again and known is not None and mismatch.has_invoice(known):
        sealer, at = state.sealer(), now()
        queued = mismatch.post_anew(
            database, sealer, tenant, document, reason=reason, now=at, loopback=state.loopback, who=who
        )
    else:
        queued = actions.process(database, tenant, document, now=now(), again=again, reason=reason, who=who)
    say(f"{queued.id}: {queued.state}")
    if as_json:
        print_json({"id": queued.id, "state": queued.state})
    return 0


def _tell_whether_it_runs(database: Database, tenant: str) -> None:
    from mapper.store import heartbeats

    tell_pause(database, tenant)
    with database.read() as conn:
        at_work = heartbeats.alive(conn, now=now(), ttl=heartbeats.TTL)
    if not at_work:
        say("No `mapper run` works on this database now: it is done as soon as one is started.")


def _preview(
    state: State,
    database: Database,
    tenant: str,
    document: str,
    rules: Path | None,
    *,
    again: bool,
    reason: str,
) -> int:
    """Print what would be posted, as `mapper map` prints it; 1 when it would not be posted."""
    from mapper.mapping import mapped_json
    from mapper.processing.preview import preview
    from mapper.wording import reason as worded

    kind, _, shop_id = document.rpartition("-")
    shown = preview(
        database,
        state.sealer(),
        tenant,
        int(shop_id),
        now=now(),
        kind="invoice" if kind == "invoice" else "order",
        rules=rules,
        again=again,
        reason=reason,
        loopback=state.loopback,
    )
    mapped = mapped_json(shown.mapped, state.language)
    stop = shown.stop
    why = worded(stop.cause, stop.facts, mapped["findings"], state.language) if stop else None
    record = {
        "id": document,
        "would_post": stop is None,
        "cause": stop.cause if stop else "",
        "why": why.said if why else "",
        "debtor": shown.debtor,
    }
    print_json(record | mapped)
    if why is None:
        earlier = " (what an earlier try began is brought to its end)" if shown.begun else ""
        say(f"{document}: would be posted{earlier}.")
        return 0
    say(f"{document}: would not be posted: {why.said}")
    if why.remedy:
        say(f"  {why.remedy}")
    return 1


@click.command()
@click.argument("document", metavar="ID")
@click.option("--reason", required=True, help="Why, such as: booked by hand.")
@click.option("--force", is_flag=True, help="Also when WeFact may have made its invoice.")
@tenant_option
@json_option
@click.pass_obj
def ignore(
    state: State, document: str, *, reason: str, force: bool, tenant: str | None, as_json: bool
) -> None:
    """Leave a document alone from now on, with a reason."""
    from mapper.processing import actions

    with state.open() as database:
        name = chosen_tenant(database, tenant)
        found = document_id(database, name, document)
        ignored = actions.ignore(
            database, name, found, reason=reason, now=now(), force=force, who=getpass.getuser()
        )
    invoice = f"; invoice {ignored.code or ignored.identifier} stays in WeFact" if ignored.identifier else ""
    say(f"{ignored.id}: {ignored.state}{invoice}")
    if as_json:
        print_json({"id": ignored.id, "state": ignored.state, "reason": reason})


@click.command()
@click.option("--tenant", metavar="NAME", help="Only this webshop; all when left out.")
@click.option("--reason", required=True, help="Why; shown wherever the pause is.")
@json_option
@click.pass_obj
def pause(state: State, *, tenant: str | None, reason: str, as_json: bool) -> None:
    """Stop posting, for one webshop or for all. Webhooks are still received, nothing is lost."""
    from mapper.processing import actions

    with state.open() as database:
        actions.pause(database, tenant, reason=reason, now=now(), who=getpass.getuser())
    say(f"Paused {tenant or 'every webshop'}.")
    if as_json:
        print_json({"tenant": tenant, "paused": reason})


@click.command()
@click.option(
    "--tenant",
    metavar="NAME",
    help="Only this webshop. When left out the pause of all ends; one that is paused itself stays so.",
)
@json_option
@click.pass_obj
def resume(state: State, *, tenant: str | None, as_json: bool) -> None:
    """Post again after a pause; what waited is processed now."""
    from mapper.processing import actions
    from mapper.store import tenants

    with state.open() as database:
        count = actions.resume(database, tenant, now=now(), who=getpass.getuser())
        say(f"Resumed {tenant or 'every webshop'}; {count} document(s) go on.")
        with database.read() as conn:
            paused = {one.id: tenants.pause_of(conn, one.id) for one in tenants.everyone(conn)}
    still = {name: pause.reason for name, pause in paused.items() if pause is not None}
    for name, reason in still.items() if tenant is None else ():
        say(f"Still paused: {name} ({reason}). To end that: mapper resume --tenant {name}")
    if as_json:
        print_json({"tenant": tenant, "go_on": count, "paused": still})


def document_id(database: Database, tenant: str, given: str) -> str:
    """Return the id of the document a person means by an id or by a number of the shop.

    Raises UsageError USE106 (neither) or USE107 (the number belongs to several).
    """
    from mapper.store import documents

    if _DOCUMENT_ID.match(given):
        return given
    with database.read() as conn:
        found = documents.by_number(conn, tenant, given)
    if not found:
        raise UsageError("USE106", given=given[:60])
    if len(found) > 1:
        raise UsageError("USE107", given=given[:60], documents=", ".join(one.id for one in found[:10]))
    return found[0].id
