"""Options that several commands share, and how records are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mapper.diagnostics import printable
from mapper.errors import Language, MapperError, UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from mapper.diagnostics import Diagnostic
    from mapper.store.database import Database

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
tenant_option = click.option(
    "--tenant", metavar="NAME", envvar="MAPPER_TENANT", help="Which webshop; not needed when there is one."
)


def day_option(*names: str, help: str) -> Callable[[Command], Command]:
    """Return an option for a day of the calendar; `period_of` makes moments of it."""
    return click.option(*names, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help=help)


def period_of(
    since: datetime | None, until: datetime | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """Return when the first day begins and the second ends, in a webshop's zone.

    Raises click's UsageError for a period that ends before it begins.
    """
    if since and until and until < since:
        period = f"--to {until:%Y-%m-%d} is before --from {since:%Y-%m-%d}"
        raise click.UsageError(period, click.get_current_context())
    return _start(since, zone), _start(until, zone, days=1)


def _start(day: datetime | None, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    return None if day is None else day.replace(tzinfo=zone) + timedelta(days=days)


def now() -> datetime:
    """Return the present moment; commands pass it on."""
    return datetime.now(UTC)


def say(text: str) -> None:
    """Talk to the person at the terminal, in the language asked for: stderr, so that stdout stays data."""
    from mapper.cli.talk import talked

    click.echo(printable(talked(text, language())), err=True)


def language() -> Language:
    """Return the language that was asked for."""
    context = click.get_current_context(silent=True)
    return getattr(context.obj, "language", "en") if context is not None else "en"


def tell(error: MapperError, language: Language) -> int:
    """Show an error with its code, its places and its remedy; return its exit code."""
    for diagnostic in getattr(error, "diagnostics", ()):
        click.echo(told(diagnostic, language).render(), err=True)
    say(f"{error.code}: {error.message(language)}")
    if remedy := error.remedy(language):
        say(f"  {remedy}")
    return error.exit_code


def tell_pause(database: Database, tenant: str) -> None:
    """Say that nothing is posted now, where somebody might wait for it (R11)."""
    from mapper.store import tenants

    with database.read() as conn:
        pause = tenants.pause_of(conn, tenant)
    if pause is None:
        return
    since = f"Posting is paused since {pause.at:%Y-%m-%d %H:%M} UTC: {pause.reason}."
    if pause.reason == tenants.STOPPED:
        say(f"{since} Give its keys with `mapper tenant set`, then: mapper tenant start {tenant}")
    else:
        say(f"{since} To go on: mapper resume")


def told(problem: Diagnostic, language: Language) -> Diagnostic:
    """Return a problem of a file in the language asked for."""
    if language == "en":
        return problem
    if problem.dutch is not None:
        message, hint = problem.dutch
        return replace(problem, message=message, hint=hint)
    from mapper.rulebook.dutch import in_dutch

    return in_dutch(problem)


def agreed(question: str, option: str) -> bool:
    """Ask a person. Raises UsageError USE150, which names the option, when nobody is at a terminal to answer."""
    if not sys.stdin.isatty():
        raise UsageError("USE150", option=option)
    return click.confirm(question, err=True)


def chosen_tenant(database: Database, given: str | None) -> str:
    """Return the tenant asked for, or the only one. Raises UsageError USE102 (none yet) or USE103 (which one?)."""
    from mapper.store import tenants

    with database.read() as conn:
        if given is not None:
            return tenants.get(conn, given).id
        known = [tenant.id for tenant in tenants.everyone(conn)]
    if not known:
        raise UsageError("USE102")
    if len(known) > 1:
        raise UsageError("USE103", names=", ".join(known[:20]))
    return known[0]


def print_records(
    records: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    right: Sequence[str] = (),
    widest: int = 60,
    err: bool = False,
) -> None:
    """Print records: as JSON Lines, or as a table of `columns`, those named in `right` aligned right.

    With `err` the table is talk, beside a question.
    """
    if as_json:
        for record in records:
            print_json(record)
        return
    rows = [[_cell(record.get(column), widest) for column in columns] for record in records]
    if not rows:
        return
    from mapper.cli.talk import talked

    titles = [talked(column.replace("_", " ").upper(), language()) for column in columns]
    widths = [max(map(len, texts)) for texts in zip(titles, *rows, strict=True)]
    for row in [titles, *rows]:
        cells = [
            text.rjust(width) if column in right else text.ljust(width)
            for text, width, column in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(cells).rstrip(), err=err)


def print_json(record: Mapping[str, Any]) -> None:
    """Print one record as one line of JSON; amounts are strings.

    What could command a terminal, or is no character at all, is written as JSON's own escape: the same value.
    """
    from mapper.money import dumps

    text = dumps(record)
    sys.stdout.write((text if text.isprintable() else "".join(map(_escaped, text))) + "\n")


def _escaped(character: str) -> str:
    # JSON's dumps with `ensure_ascii` writes surrogate pairs beyond the first plane.
    return character if character.isprintable() else json.dumps(character)[1:-1]


def _cell(value: object, widest: int) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return printable(str(value), widest)
