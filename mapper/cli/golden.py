"""`golden`: cases from history, without persons."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from mapper.cli.authoring import rules_option
from mapper.cli.impact import texts_of_folder, zone_of
from mapper.cli.options import day_option, json_option, period_of, print_records, say
from mapper.cli.progress import Progress
from mapper.cli.state import State


@click.command()
@rules_option
@click.option(
    "--tenant", metavar="NAME", envvar="MAPPER_TENANT", help="One webshop; all of them when left out."
)
@day_option("--from", "since", help="Only documents from this day on.")
@day_option("--to", "until", help="Only documents until this day.")
@click.option(
    "--last", type=click.IntRange(1), metavar="N", help="Only the newest N documents of each webshop."
)
@click.option("--write", "folder", type=click.Path(path_type=Path), metavar="DIR",
              help="Write them into `cases` of this folder of rules.")  # fmt: skip
@json_option
@click.pass_obj
def golden(
    state: State,
    *,
    rules: Path | None,
    tenant: str | None,
    since: datetime | None,
    until: datetime | None,
    last: int | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Choose the fewest stored documents that reach all that history reaches of the rules, and make cases of them.

    Names, addresses, numbers of persons and texts of customers are replaced, the same by the same; amounts stay. What
    cannot be replaced without another outcome is left out and told. Without --write the cases are only listed.

    `mapper test` runs them. After a change of the rules `mapper test --groups` lists what differs, by identical change,
    and `mapper test --accept N` writes the new outcome of one group.
    """
    from mapper.authoring.golden import choose, write
    from mapper.authoring.replaying import changes_of
    from mapper.store.history import Scope

    with state.open() as database:
        begin, end = period_of(since, until, zone_of(database, tenant))
        texts = texts_of_folder(rules) if rules is not None else None
        versions = {one.tenant: one.new for one in changes_of(database, tenant=tenant, new=texts)}
        with Progress("Looked at") as shown:
            chosen = choose(database, versions, Scope(begin, end, last), progress=shown.show)
    records = [{"case": one.name, "kind": one.kind, "expectations": len(one.expect)} for one in chosen.golden]
    print_records(
        records, ("case", "kind", "expectations"), as_json=as_json, right=("expectations",), widest=110
    )
    say(
        f"{len(chosen.golden)} cases reach the {chosen.ways} ways of {chosen.documents} documents through the rules."
    )
    for name, document in chosen.left:
        say(f"{name} {document} was left out: without its customer it comes to something else.")
    if folder is not None and chosen.golden:
        say(f"Wrote {write(chosen, folder)}.")
