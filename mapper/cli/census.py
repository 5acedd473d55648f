"""`census`: what history asks of the tables of the rules, and which fields its payloads have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapper.cli.authoring import rules_option
from mapper.cli.impact import texts_of_folder, zone_of
from mapper.cli.options import day_option, json_option, language, period_of, print_json, print_records, say
from mapper.cli.progress import Progress
from mapper.cli.state import State

if TYPE_CHECKING:
    from mapper.authoring.census import Census, Table

_SHOWN = 10


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
@click.option(
    "--fields", "show_fields", is_flag=True, help="Show the fields of the payloads in place of the tables."
)
@click.option(
    "--all", "show_all", is_flag=True, help=f"Show every value that no row was for, not the first {_SHOWN}."
)
@json_option
@click.pass_obj
def census(
    state: State,
    *,
    rules: Path | None,
    tenant: str | None,
    since: datetime | None,
    until: datetime | None,
    last: int | None,
    show_fields: bool,
    show_all: bool,
    as_json: bool,
) -> None:
    """Count, over the stored documents, what the tables of the rules were asked.

    For every table of keywords or settings: how often each row applied (once a document), which never did, which an
    earlier row took the documents of, and the values that no row was for, each with an example. With --fields: which
    fields the payloads have, how often they are null, and which of them a rule reads. A rule that reads a field that no
    payload has is a warning.

    By the rules in use, or those of --rules. Nothing is stored.
    """
    from mapper.authoring.census import Census
    from mapper.authoring.census import census as counted
    from mapper.authoring.replaying import changes_of
    from mapper.store.history import Scope

    found = Census()
    with state.open() as database:
        begin, end = period_of(since, until, zone_of(database, tenant))
        texts = texts_of_folder(rules) if rules is not None else None
        changes = changes_of(database, tenant=tenant, new=texts)
        versions = {one.tenant: one.new for one in changes}
        with Progress("Counted") as shown:
            for found in counted(database, versions, Scope(begin, end, last), progress=shown.show):  # noqa: B007
                pass
    if as_json:
        _print_json(found)
    elif show_fields:
        _print_fields(found)
    else:
        _print_tables(found, most=None if show_all else _SHOWN)
    _tell(found)


def _print_json(found: Census) -> None:
    for table in found.tables.values():
        print_json({"table": table.to_json()})
    for (kind, path), one in sorted(found.fields.items()):
        read_at = str(one.read_at) if one.read_at else ""
        told = {"kind": kind, "path": path, "seen": one.seen, "types": one.kinds, "read_at": read_at}
        print_json({"field": told})
    for unseen in found.unseen:
        told = {"kind": unseen.kind, "path": unseen.path, "rule": str(unseen.place), "close": unseen.close}
        print_json({"unseen": told})


def _print_tables(found: Census, *, most: int | None) -> None:
    records = []
    for table in found.tables.values():
        head = f"{table.path} ({table.place})"
        records += [{"table": head, **one} for one in _rows(table)]
        missed = table.sorted_missed
        for value, count, (tenant, document) in missed if most is None else missed[:most]:
            gives = f" → {table.otherwise}" if table.otherwise else ""
            note = f"{_talked('no row')}{gives}; {_talked('such as')} {tenant} {document}"
            records.append({"table": head, "row": value or "''", "documents": count, "note": note})
        if most is not None and len(missed) > most:
            rest = sum(count for _, count, _ in missed[most:])
            records.append({"table": head, "row": "…", "documents": rest, "note": _talked("no row")})
    print_records(
        records, ("table", "row", "documents", "note"), as_json=False, right=("documents",), widest=90
    )


def _rows(table: Table) -> list[dict[str, Any]]:
    """Return the rows of a table; of a list of the settings only those that applied, and how many never did."""
    records, silent = [], 0
    for row in table.rows.values():
        if row.place is None and not row.hits:
            silent += 1
            continue
        notes = [_talked("never")] if not row.hits else []
        notes += [f"{_talked('taken by')} {by}: {count}" for by, count in row.shadowed.items()]
        says = f"{row.says} → {row.then}" if row.then else row.says
        records.append({"row": says, "documents": row.hits, "note": "; ".join(notes)})
    if silent:
        records.append(
            {"row": f"({silent})", "documents": 0, "note": _talked("entries of the settings: never")}
        )
    return records


def _print_fields(found: Census) -> None:
    records = []
    for (kind, path), one in sorted(found.fields.items()):
        types = ", ".join(
            f"{name} {count}" for name, count in sorted(one.kinds.items(), key=lambda part: -part[1])
        )
        record = {"kind": kind, "field": path, "seen": one.seen, "documents": found.documents.get(kind, 0)}
        record |= {"null": f"{100 * one.nulls / one.seen:.1f} %" if one.seen else "", "types": types}
        records.append(record | {"read": str(one.read_at) if one.read_at else ""})
    columns = ("kind", "field", "seen", "documents", "null", "types", "read")
    print_records(records, columns, as_json=False, right=("seen", "documents", "null"))


def _tell(found: Census) -> None:
    for one in found.unseen:
        hint = f" Did you mean {one.close}?" if one.close else ""
        say(f"{one.place}: reads {one.path}, which none of {one.documents} documents ({one.kind}) has.{hint}")
    counts = ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in sorted(found.documents.items())
    )
    say(f"Counted over {counts}." if counts else "There are no stored documents to count over.")
    if found.unread:
        say(f"{found.unread} documents could not be read and were left out.")


def _talked(phrase: str) -> str:
    from mapper.cli.talk import talked

    return talked(phrase, language())
