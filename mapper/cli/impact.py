"""`impact`: what changed rules or settings would have done to the documents of history, in euros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapper.cli.authoring import rules_option, settings_option
from mapper.cli.options import (
    chosen_tenant,
    day_option,
    json_option,
    language,
    now,
    period_of,
    print_json,
    print_records,
    say,
)
from mapper.cli.progress import Progress
from mapper.cli.state import State
from mapper.diagnostics import printable

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from mapper.authoring.impact import Group, Impact
    from mapper.authoring.replay import Cause
    from mapper.authoring.replaying import Change
    from mapper.store.database import Database
    from mapper.store.history import Scope

_SHOWN = 20


@click.command()
@click.argument("versions", nargs=-1, metavar="[OLD] [NEW]")
@rules_option
@click.option(
    "--tenant", metavar="NAME", envvar="MAPPER_TENANT", help="One webshop; all of them when left out."
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="A changed setting, such as invoice.term=8."
)
@settings_option
@click.option(
    "--overlay", type=click.Path(path_type=Path), metavar="FILE", help="Another overlay of the webshop."
)
@day_option("--from", "since", help="Only documents from this day on.")
@day_option("--to", "until", help="Only documents until this day.")
@click.option(
    "--last", type=click.IntRange(1), metavar="N", help="Only the newest N documents of each webshop."
)
@click.option("--limit", type=click.FloatRange(0), default=0, metavar="EUR",
              help="Exit code 0 up to so many moved euros.  [default: 0]")  # fmt: skip
@click.option(
    "--html", "report", type=click.Path(path_type=Path), metavar="FILE", help="Write a report to mail."
)
@click.option(
    "--all", "show_all", is_flag=True, help=f"Show every group of documents, not the first {_SHOWN}."
)
@json_option
@click.pass_obj
def impact(
    state: State,
    *,
    versions: tuple[str, ...],
    rules: Path | None,
    tenant: str | None,
    changes: tuple[str, ...],
    settings_file: Path | None,
    overlay: Path | None,
    since: datetime | None,
    until: datetime | None,
    last: int | None,
    limit: float,
    report: Path | None,
    show_all: bool,
    as_json: bool,
) -> int:
    """Map the stored documents again, by OLD and by NEW rules, and show what would be another, to the cent.

    OLD and NEW are the beginning of a hash or a folder. Without OLD it is what is in use. Without NEW it is the folder
    of --rules, or else the shipped rules, as `mapper publish` has it; where settings or an overlay are given, what is
    in use. Nothing is posted and nothing is stored. Ignored documents are left out.

    Exit code 0 when no euro would be booked otherwise and nothing would stop that went through, else 1.
    """
    from mapper.store.history import Scope

    if len(versions) > 2:
        raise click.UsageError("At most two versions can be compared.", click.get_current_context())
    of_one = bool(changes or settings_file or overlay)
    with state.open() as database:
        tenant = chosen_tenant(database, tenant) if of_one else tenant
        begin, end = period_of(since, until, zone_of(database, tenant))
        old, new = _texts(database, versions, rules, of_one=of_one)
        asked = _changes(database, tenant, old, new, changes, settings_file, overlay)
        found = replayed(database, asked, Scope(begin, end, last))
    if found is None:
        return 1
    show(found, as_json=as_json, most=None if show_all else _SHOWN)
    if report is not None:
        write(found, asked, report)
    return 1 if exceeds(found, {one.tenant: Decimal(str(limit)) for one in asked}) else 0


def replayed(database: Database, changes: list[Change], scope: Scope) -> Impact | None:
    """Replay with a progress bar on stderr."""
    from mapper.authoring.replaying import replay

    found = None
    with Progress("Replayed") as progress:
        for found in replay(database, changes, scope, progress=progress.show):  # noqa: B007 (the last sum counts)
            pass
    return found


def exceeds(found: Impact, limits: Mapping[str, Decimal]) -> bool:
    """Tell whether a person must see it: something stops that went through, or more euros move than a limit."""
    return bool(found.counts.get("stops")) or any(
        moved > limits.get(tenant, Decimal(0)) for tenant, moved in found.moved.items()
    )


def show(found: Impact, *, as_json: bool, most: int | None = None, talk: bool = False) -> None:
    """Print the sums and groups: data on stdout, or all of it as `talk` on stderr."""
    if as_json and not talk:
        print_json({"impact": found.to_json()})
        for group in found.sorted_groups:
            print_json({"group": group.to_json()})
        return
    heading = _heading(found)
    groups = found.sorted_groups
    for group in groups if most is None else groups[:most]:
        for line in _told(group):
            click.echo(printable(line, 300), err=talk)
    rates = _rates(found)
    if groups and rates:
        click.echo(err=talk)
    columns = ("vat", "net", "tax", "gross")
    print_records(rates, columns, as_json=False, right=columns, err=talk)
    for line in heading:
        say(line)
    if most is not None and len(groups) > most:
        say(f"{len(groups) - most} more groups: --all shows them.")


def write(found: Impact, changes: list[Change], path: Path) -> None:
    """Write the report as one HTML file."""
    from mapper.authoring.impact_report import html
    from mapper.cli.talk import talked

    texts = {
        name: text for one in reversed(changes) for name, text in {**one.old.texts, **one.new.texts}.items()
    }
    lines = {f"rules/{name}": text.splitlines() for name, text in texts.items()}

    def line_of(cause: Cause) -> str:
        of_file = lines.get(cause.place.file, [])
        return of_file[cause.place.line - 1].strip() if 0 < cause.place.line <= len(of_file) else ""

    spoken = language()
    heading = [f"{now():%Y-%m-%d %H:%M} UTC", *(talked(line, spoken) for line in _heading(found))]
    text = html(found, heading, line_of=line_of, words=lambda phrase: talked(phrase, spoken), language=spoken)
    path.write_text(text, encoding="utf-8")
    say(f"Wrote {path}.")


def zone_of(database: Database, tenant: str | None) -> ZoneInfo:
    """Return the zone of a webshop, or that of the first."""
    from zoneinfo import ZoneInfo

    from mapper.store import tenants

    with database.read() as conn:
        one = tenant or next((known.id for known in tenants.everyone(conn)), None)
        return ZoneInfo("UTC" if one is None else tenants.settings(conn, one)["time_zone"])


def _texts(
    database: Database, versions: tuple[str, ...], rules: Path | None, *, of_one: bool
) -> tuple[Mapping[str, str] | None, Mapping[str, str] | None]:
    """Return the files of both versions, None for what is in use."""
    from mapper.cli.rules import version_of

    old = version_of(database, versions[0])[1] if versions else None
    if len(versions) > 1:
        return old, version_of(database, versions[1])[1]
    return old, None if rules is None and of_one else texts_of_folder(rules)


def texts_of_folder(folder: Path | None) -> Mapping[str, str]:
    """Return the texts of a folder; the problems of rules that do not load are told by the folder's own names."""
    from mapper.errors import RuleError
    from mapper.mapping import load_rulebooks, rulebooks_from, texts_of

    texts = texts_of(folder)
    try:
        rulebooks_from(texts)
    except RuleError:
        load_rulebooks(folder)
        raise
    return texts


def _changes(
    database: Database,
    tenant: str | None,
    old: Mapping[str, str] | None,
    new: Mapping[str, str] | None,
    changes: tuple[str, ...],
    settings_file: Path | None,
    overlay: Path | None,
) -> list[Change]:
    from mapper import settings
    from mapper.authoring.replaying import changes_of
    from mapper.cli.tenants import split
    from mapper.rulebook.source import read_text

    def changed(present: Mapping[str, Any]) -> Mapping[str, Any]:
        given = settings.read(settings_file) if settings_file is not None else present
        return settings.changed(given, split(changes)) if changes else given

    text = read_text(overlay, str(overlay)) if overlay is not None else None
    return changes_of(database, tenant=tenant, old=old, new=new, settings=changed, overlay=text)


def _heading(found: Impact) -> list[str]:
    edits = [f"{path} ({place})" for path, place in found.edits]
    told = "; ".join(edits[:10])
    counts = {effect: found.counts.get(effect, 0) for effect in ("changed", "stops", "cured")}
    same = found.documents - sum(counts.values())
    more = " …" if len(edits) > 10 else ""
    told = f"Edited: {told}{more}." if edits else "No rule and no setting says anything else."
    would = f"{counts['stops']} would stop, {counts['cured']} would go through; {same} stay as they are."
    counted = f"Of {found.documents} stored documents {counts['changed']} invoices would be others, {would}"
    lines = [told, counted]
    if found.moved and any(found.moved.values()):
        lines.append(f"€ {sum(found.moved.values()):.2f} would be booked otherwise.")
    if found.unread:
        lines.append(f"{found.unread} documents could not be read and were left out.")
    return lines


def _told(group: Group) -> Iterator[str]:
    """Yield the lines that tell of a group: what happens to how many, what differs, by which rules."""
    from mapper.authoring.impact_report import EFFECT_WORDS, cause_text, example_text, signed, value_text
    from mapper.cli.talk import talked

    def words(phrase: str) -> str:
        return talked(phrase, language())

    count, gross = f"{group.documents} {words('document(s)')}", f"€ {signed(group.amounts.gross)}"
    yield f"{words(EFFECT_WORDS[group.effect])}: {count}, {gross}, {words('such as')} {example_text(group)}"
    yield from (f"    {value_text(one, words)}" for one in group.values)
    if group.various:
        yield f"    {words('(the values are those of the example)')}"
    yield from (f"  {words('by')} {cause_text(one, words)}" for one in group.causes)


def _rates(found: Impact) -> list[dict[str, str]]:
    from mapper.authoring.impact_report import signed, total
    from mapper.cli.talk import talked

    whole = total(found)
    if not whole.rates:
        return []
    rates = [
        {"vat": f"{percent:f} %", "net": signed(net), "tax": signed(tax), "gross": signed(net + tax)}
        for percent, (net, tax) in sorted(whole.rates.items())
        if net or tax
    ]
    sums = {"net": signed(whole.net), "tax": signed(whole.tax), "gross": signed(whole.gross)}
    return [*rates, {"vat": talked("total", language()), **sums}]
