"""`rules`: what belongs to rule files as such, and to their published versions."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapper.cli.authoring import rules_option
from mapper.cli.options import agreed, json_option, now, print_json, print_records, say
from mapper.cli.state import State
from mapper.diagnostics import printable
from mapper.errors import RuleError

if TYPE_CHECKING:
    from mapper.authoring.publishing import Publication
    from mapper.store.database import Database

message_option = click.option(
    "--message", "-m", required=True, metavar="TEXT", help="What changed and why, for the history."
)


yes_option = click.option("--yes", is_flag=True, help="Do not ask, whatever it changes.")


@click.group()
def rules() -> None:
    """Schemas of rule files for editors, and the versions of the rules."""


@rules.command()
@click.option("--write", "folder", type=click.Path(path_type=Path), metavar="DIR",
              help="Write one file each into this folder.")  # fmt: skip
def schema(*, folder: Path | None) -> None:
    """Print the JSON schemas of the rule files, which give an editor completion and help.

    The first line of each shipped rule file names its schema, for editors that speak yaml-language-server.
    """
    from mapper.mapping import rule_schemas
    from mapper.money import dumps

    for name, content in rule_schemas().items():
        if folder is None:
            print_json(content)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(dumps(content, indent=1) + "\n", encoding="utf-8")
            say(f"Wrote {folder / name}.")


@rules.command()
def functions() -> None:
    """Print the table of functions that rules may call, as it stands in docs/rules.md."""
    from mapper.mapping import load_rulebooks
    from mapper.rulebook.functions import reference

    click.echo(reference(load_rulebooks().functions), nl=False)


@rules.command()
@json_option
@click.pass_obj
def history(state: State, *, as_json: bool) -> None:
    """List what was published when, by whom and why; the first line is what is active."""
    from mapper.store import rulebooks

    with state.open() as database, database.read() as conn:
        published = rulebooks.history(conn)
    records = [
        {
            "rules": one.hash if as_json else one.hash[:12],
            "at": one.at.isoformat(timespec="seconds"),
            "who": one.who,
            "active": one is published[0],
            "message": one.message,
        }
        for one in published
    ]
    for record in records if not as_json else ():
        record["active"] = "active" if record["active"] else ""
    print_records(records, ("rules", "at", "who", "active", "message"), as_json=as_json, widest=100)
    if not published:
        say("No rules are published: the shipped ones are in use, or those `mapper run` was started with.")


@rules.command()
@click.argument("versions", nargs=-1, metavar="[A] [B]")
@rules_option
@json_option
@click.pass_obj
def diff(state: State, versions: tuple[str, ...], *, rules: Path | None, as_json: bool) -> None:
    """Show how rules differ, file by file: A (what is published) from B (the folder of --rules, or the shipped ones).

    A and B are the beginning of a hash, or a folder. Where nothing is published yet, A are the shipped rules.
    """
    from mapper.authoring.publishing import differences

    if len(versions) > 2:
        raise click.UsageError("At most two versions can be compared.", click.get_current_context())
    with state.open() as database:
        before = version_of(database, versions[0]) if versions else _published(database)
        after = version_of(database, versions[1]) if len(versions) > 1 else _working(rules)
    found = list(differences(before[1], after[1], (before[0], after[0])))
    if not found:
        say(f"{before[0]} and {after[0]} are the same.")
    for one in found:
        if as_json:
            print_json({"file": one.file, "before": one.before, "after": one.after, "diff": one.diff})
        else:
            click.echo("\n".join(printable(line) for line in one.diff.split("\n")))


@rules.command()
@click.argument("version", metavar="HASH")
@message_option
@yes_option
@json_option
@click.pass_obj
def rollback(state: State, version: str, *, message: str, yes: bool, as_json: bool) -> int:
    """Make rules that were published before the active ones again, by the beginning of their hash.

    What it changes in the stored documents is shown, and asked about, as by `mapper publish`.
    """
    from mapper.authoring import publishing

    who = getpass.getuser()
    with state.open() as database:
        agree = partial(_is_agreed, database, yes=yes)
        done = publishing.rollback(database, version, who=who, message=message, now=now(), agree=agree)
    return _tell(done, as_json=as_json)


@click.command()
@rules_option
@message_option
@yes_option
@json_option
@click.pass_obj
def publish(state: State, *, rules: Path | None, message: str, yes: bool, as_json: bool) -> int:
    """Make the rules of a folder the active ones: checked, their cases right, every webshop's overlay fitting.

    What they change in the stored documents is shown first. When something would stop that went through, or more euros
    would be booked otherwise than a webshop's setting checks.impact_limit allows, it asks.

    A running `mapper run` uses them within five seconds, for the next document; a document that was mapped keeps its
    rules. `mapper rules rollback` takes it back.
    """
    from mapper.authoring import publishing

    who = getpass.getuser()
    with state.open() as database:
        agree = partial(_is_agreed, database, yes=yes)
        done = publishing.publish(database, rules, who=who, message=message, now=now(), tell=say, agree=agree)
    if not done.cases:
        say("These rules have no cases: only loading them was tried.")
    return _tell(done, as_json=as_json)


def _is_agreed(database: Database, texts: Mapping[str, str], *, yes: bool) -> bool:
    """Show what new rules change in history; ask when it is more than the settings let pass."""
    from mapper.authoring.replaying import changes_of
    from mapper.cli.impact import exceeds, replayed, show
    from mapper.store.history import Scope

    changes = changes_of(database, new=texts)
    try:
        found = replayed(database, changes, Scope())
    except RuleError:
        # The new ones were loaded before: those in use are of another version of the program.
        say("The rules in use do not load in this version of the program: nothing can be compared with them.")
        return True
    if found is None or not found.documents:
        return True
    show(found, as_json=False, most=10, talk=True)
    limits = {one.tenant: Decimal(one.old.settings["checks"].get("impact_limit", 0)) for one in changes}
    if yes or not exceeds(found, limits):
        return True
    return agreed("Make these rules the active ones?", "--yes")


def _tell(done: Publication, *, as_json: bool) -> int:
    if as_json:
        print_json(
            {"rules": done.hash, "cases": done.cases, "overlays": done.overlays, "published": done.is_new}
        )
    elif done.declined:
        say("Nothing was published.")
    elif done.is_new:
        tried = f"{done.cases} cases right, {done.overlays} overlays fit" if done.cases else "they load"
        say(f"Rules {done.hash[:12]} are active: {tried}.")
    else:
        say(f"Rules {done.hash[:12]} were active already: nothing changed.")
    return 1 if done.declined else 0


def version_of(database: Database, name: str) -> tuple[str, Mapping[str, str]]:
    """Return what a version is called, and its files: by a folder, or the beginning of a hash.

    Raises UsageError STO141, STO142.
    """
    from mapper.store import rulebooks

    if Path(name).is_dir():
        return _working(Path(name))
    with database.read() as conn:
        digest = rulebooks.find(conn, name)
        return digest[:12], rulebooks.get(conn, digest)


def _published(database: Database) -> tuple[str, Mapping[str, str]]:
    from mapper.store import rulebooks

    with database.read() as conn:
        active = rulebooks.active(conn)
        return (active.hash[:12], rulebooks.get(conn, active.hash)) if active is not None else _working(None)


def _working(folder: Path | None) -> tuple[str, Mapping[str, str]]:
    from mapper.mapping import texts_of

    return str(folder or "shipped"), texts_of(folder)
