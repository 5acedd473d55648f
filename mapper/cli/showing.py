"""`demo` and `tui`: what shows the mapper to people."""

from __future__ import annotations

import click

from mapper.cli.options import chosen_tenant, tenant_option
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
def tui(state: State, *, tenant: str | None) -> None:
    """Open the terminal app: Report, Errors and Open, to look through."""
    from tui.app import MapperApp

    with state.open() as database:
        MapperApp(database, chosen_tenant(database, tenant), state.language).run()
