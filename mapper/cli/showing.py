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
@click.pass_obj
@click.pass_context
def tui(ctx: click.Context, state: State, *, tenant: str | None) -> None:
    """Open the dashboard: Report, Errors, Open, Configuration, Profile, and Rules for support.

    In the language that was chosen there last, else the webshop's; --language goes before both.
    """
    from mapper.cli.dashboard import open_dashboard

    given = ctx.find_root().get_parameter_source("language")
    is_asked = given is not None and given is not ParameterSource.DEFAULT
    open_dashboard(state, tenant, language=state.language if is_asked else None)
