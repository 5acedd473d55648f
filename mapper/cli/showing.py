"""`demo` and `tui`: what shows the mapper to people."""

from __future__ import annotations

import click
from click.core import ParameterSource

from mapper.cli.options import tenant_option
from mapper.cli.state import State


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="What the shop's customers buy.")
@click.option("--keep", is_flag=True, help="Keep the database, to look at it afterwards.")
@click.pass_obj
def demo(state: State, *, seed: int, keep: bool) -> None:
    """Watch a sandbox shop sell and correct invoices appear in a sandbox WeFact.

    Needs no network, no keys and no database; takes about ten seconds and leaves nothing behind.
    """
    from mapper.demo import play

    command = state.environ.get("MAPPER_COMMAND", "mapper")
    play(click.echo, seed=seed, keep=keep, language=state.language, command=command)


@click.command()
@tenant_option
@click.option(
    "--serve", is_flag=True, help="Serve it to browsers, behind a login with licence key and password."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where --serve listens.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0: any free one."
)
@click.option(
    "--public-url", metavar="URL", help="How browsers reach --serve: https://… of a proxy with TLS."
)
@click.option(
    "--account", metavar="ID", help="Open it as this account sees it, as --serve does for whoever logs in."
)
@click.pass_obj
@click.pass_context
def tui(
    ctx: click.Context,
    state: State,
    *,
    tenant: str | None,
    serve: bool,
    host: str,
    port: int,
    public_url: str | None,
    account: str | None,
) -> None:
    """Open the dashboard: Report, Errors, Open, Configuration, Profile, and Rules for support.

    In the language that was chosen there last, else the webshop's; --language goes before both. With --serve it opens
    in browsers instead, where a merchant sees only their own webshops.
    """
    from mapper.cli.dashboard import open_dashboard, serve_dashboard

    if serve:
        serve_dashboard(state, host, port, public_url)
        return
    given = ctx.find_root().get_parameter_source("language")
    is_asked = given is not None and given is not ParameterSource.DEFAULT
    open_dashboard(state, tenant, account=account, language=state.language if is_asked else None)
