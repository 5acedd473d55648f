"""`key show|rotate|forget`: the key that seals the services' keys, changed while `mapper run` goes on."""

from __future__ import annotations

import click

from mapper.cli.options import agreed, json_option, print_records, say
from mapper.cli.state import State
from mapper.errors import ConfigError


@click.group()
def key() -> None:
    """The sealing key: show what it seals, and change it."""


@key.command()
@json_option
@click.pass_obj
def show(state: State, *, as_json: bool) -> None:
    """Show the keys' ids, never the keys, and how many stored secrets each seals."""
    from mapper.store import resealing

    with state.open() as database, database.read() as conn:
        sealed = resealing.counts(conn)
    here = state.sealer().key_ids
    records = [
        {
            "key": one,
            "secrets": sealed.get(one, 0),
            "use": "seals" if one == here[0] else "opens" if one in here else "missing",
        }
        for one in dict.fromkeys((*here, *sealed))
    ]
    print_records(records, ("key", "secrets", "use"), as_json=as_json, right=("secrets",))


@key.command()
@click.option("--add-only", is_flag=True, help="Only put the new key in the file; seal nothing with it yet.")
@click.pass_obj
def rotate(state: State, *, add_only: bool) -> None:
    """Make a new key and seal every stored secret with it; the old key stays until `key forget`.

    `mapper run` goes on meanwhile: it reads the key file anew when it meets the new key. With several machines begin
    with --add-only, copy the key file to each, then run this once more.
    """
    from mapper.store import resealing
    from mapper.store.sealing import add_key, is_in_file

    with state.open() as database:
        sealer = state.sealer()
        with database.read() as conn:
            is_new = set(resealing.counts(conn)) <= {sealer.key_ids[0]}
        if is_new and not is_in_file(state.key_file, state.environ):
            raise ConfigError("SEC109")
        if is_new:
            add_key(state.key_file)
            sealer = state.sealer()
        if add_only:
            say(f"Copy {state.key_file} to the other machines, then: mapper key rotate")
            return
        with database.begin() as conn:
            count = resealing.reseal(conn, sealer)
    say(
        f"{count} secrets are sealed with key {sealer.key_ids[0]}. Copy {state.key_file}, then: mapper key forget"
    )


@key.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(state: State, *, yes: bool) -> None:
    """Remove the old keys from the key file, once nothing is sealed with them; older backups need them."""
    from mapper.store import resealing
    from mapper.store.sealing import is_in_file, keep_first_key

    with state.open() as database:
        sealer = state.sealer()
        with database.begin() as conn:
            resealing.reseal(conn, sealer)
        if not is_in_file(state.key_file, state.environ):
            raise ConfigError("SEC109")
        if not yes and not agreed("Remove the old keys? Backups from before need them.", "--yes"):
            raise click.Abort
        removed = keep_first_key(state.key_file)
    say(f"Removed {removed} old keys.")
