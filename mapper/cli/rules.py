"""`rules`: what belongs to rule files as such, and to their published versions."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapper.cli.options import json_option, now, print_json, print_records, say
from mapper.cli.state import State
from mapper.diagnostics import printable

if TYPE_CHECKING:
    from mapper.authoring.publishing import Publication
    from mapper.store.database import Database

_FOLDER = click.Path(path_type=Path)
rules_option = click.option(
    "--rules", "folder", type=_FOLDER, metavar="DIR", help="A folder of rules in place of the shipped ones."
)
message_option = click.option(
    "--message", "-m", required=True, metavar="TEXT", help="What changed and why, for the history."
)


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
