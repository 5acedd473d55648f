"""`tenant overlay`: one webshop's changes to single entries of the rules."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapper.cli.options import json_option, now, print_json, print_records, say
from mapper.cli.state import State
from mapper.errors import UsageError

if TYPE_CHECKING:
    from mapper.mapping import Rulebooks
    from mapper.store.database import Database


@click.command()
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option("--remove", is_flag=True, help="Take the webshop's overlay away.")
@click.option("--show", is_flag=True, help="Print the overlay, as it can be given back.")
@click.option("--history", is_flag=True, help="List who changed it when.")
@json_option
@click.pass_obj
def overlay(
    state: State, name: str, file: Path | None, *, remove: bool, show: bool, history: bool, as_json: bool
) -> None:
    """Change single entries of the rules for one webshop, as FILE says; without FILE show them.

    The overlay is checked with the rules in use before it is kept. `mapper run` uses it for the next document.
    """
    if sum((file is not None, remove, show, history)) > 1:
        raise UsageError("USE126")
    with state.open() as database:
        if history:
            _print_history(database, name, as_json=as_json)
        elif file is None and not remove:
            _print_present(database, name, as_json=as_json)
        else:
            _put(database, name, file, as_json=as_json)


def _put(database: Database, name: str, file: Path | None, *, as_json: bool) -> None:
    from mapper.authoring.publishing import put_overlay
    from mapper.rulebook.source import read_text

    text = read_text(file, str(file)) if file is not None else ""
    if file is not None and not text.strip():
        raise UsageError("USE127", file=str(file))
    loaded = put_overlay(database, name, text, file=str(file), who=getpass.getuser(), now=now())
    if loaded is None:
        say(f"{name}: the overlay is removed.")
    elif as_json:
        print_json({"tenant": name, "rules": loaded.hash, "replaced": replaced(loaded)})
    else:
        tell_replaced(loaded)
        say(f"{name}: the overlay is in use, rules {loaded.hash[:12]}.")


def replaced(loaded: Rulebooks) -> list[dict[str, str]]:
    """Return what an overlay replaces as JSON-able values; `was` is empty for a new parameter."""
    return [
        {"path": one.path, "rule": str(one.place), "was": str(one.was) if one.was else ""}
        for one in loaded.replaced
    ]


def tell_replaced(loaded: Rulebooks) -> None:
    """Say which entries an overlay replaces."""
    for one in loaded.replaced:
        say(f"{one.place}: {one.path} " + (f"replaces {one.was}" if one.was else "is new"))


def _print_present(database: Database, name: str, *, as_json: bool) -> None:
    from mapper.store import overlays, tenants

    with database.read() as conn:
        text = overlays.current(conn, tenants.get(conn, name).id)
    if as_json:
        print_json({"tenant": name, "overlay": text})
    elif text:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        say(f"{name} has no overlay.")


def _print_history(database: Database, name: str, *, as_json: bool) -> None:
    from mapper.store import overlays, tenants

    with database.read() as conn:
        changes = overlays.history(conn, tenants.get(conn, name).id)
    records = []
    for change in changes:
        size = f"{len(change.text.splitlines())} lines" if change.text else "removed"
        moment, shown = change.at.isoformat(timespec="seconds"), change.text if as_json else size
        records.append({"number": change.number, "at": moment, "who": change.who, "overlay": shown})
    print_records(records, ("number", "at", "who", "overlay"), as_json=as_json, right=("number",))
