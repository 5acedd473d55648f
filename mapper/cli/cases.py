"""`test`: the cases of the rules, and what of the rules they reach. Needs no network and no database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapper.cli.authoring import rules_option
from mapper.cli.options import json_option, print_json, print_records, say, told
from mapper.cli.state import State
from mapper.cli.talk import talked
from mapper.diagnostics import printable
from mapper.errors import Language, UsageError

if TYPE_CHECKING:
    from mapper.authoring.cases import Cases
    from mapper.authoring.coverage import Coverage
    from mapper.authoring.trial import Outcome
    from mapper.mapping import Rulebooks


@click.command("test")
@rules_option
@click.option(
    "--update", is_flag=True, help="Write what came in place of what was expected, and show the change."
)
@click.option("--groups", is_flag=True, help="List what differs by identical change, for --accept.")
@click.option("--accept", "accepted", type=click.IntRange(1), multiple=True, metavar="N",
              help="As --update, for the cases of one of the groups only.")  # fmt: skip
@click.option(
    "--coverage", "show_uncovered", is_flag=True, help="Name every rule and table row that no case reaches."
)
@click.option("-k", "text", metavar="TEXT", help="Only cases with this text in their sentence.")
@json_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.pass_obj
def test(
    state: State,
    *,
    rules: Path | None,
    update: bool,
    groups: bool,
    accepted: tuple[int, ...],
    show_uncovered: bool,
    text: str | None,
    as_json: bool,
    files: tuple[Path, ...],
) -> int:
    """Run the cases of the rules: FILEs, or all in the folder `cases` of the rules.

    A case that fails shows what it expects, what came, and why the field has that value. Exit code 1 when a case fails
    or cannot be run, else 0.
    """
    from mapper.authoring.cases import read_cases
    from mapper.mapping import load_rulebooks

    rulebooks = load_rulebooks(rules)
    cases = read_cases(rulebooks, files)
    outcomes = _run(rulebooks, cases, text)
    chosen = _of_groups(outcomes, accepted) if accepted else outcomes
    if (update or accepted) and _update(cases, chosen, as_talk=as_json):
        cases = read_cases(rulebooks, files)
        outcomes = _run(rulebooks, cases, text)
    if groups:
        _print_groups(outcomes, as_json=as_json)
        return 1 if cases.problems or any(one.failures for one in outcomes) else 0
    covered = _coverage(rulebooks, outcomes) if show_uncovered or not (files or text) else None
    if as_json:
        _print(cases, outcomes, covered, state.language)
    else:
        _tell(rulebooks, cases, outcomes, covered, state.language, named=show_uncovered)
    return 1 if cases.problems or any(one.failures for one in outcomes) else 0


def _run(rulebooks: Rulebooks, cases: Cases, text: str | None) -> list[Outcome]:
    from mapper.authoring.trial import run_case

    wanted = (text or "").casefold()
    return [run_case(rulebooks, case) for case in cases.found if wanted in case.name.casefold()]


def _of_groups(outcomes: Sequence[Outcome], numbers: Sequence[int]) -> list[Outcome]:
    """Return the cases of some groups, by their numbers from 1. Raises UsageError CASE106 for one that is not there."""
    from mapper.authoring.trial import grouped

    groups = grouped(outcomes)
    for number in numbers:
        if number > len(groups):
            raise UsageError("CASE106", number=number, count=len(groups))
    return [one for number in sorted(set(numbers)) for one in groups[number - 1].outcomes]


def _print_groups(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    from mapper.authoring.trial import grouped

    records = []
    for number, group in enumerate(grouped(outcomes), start=1):
        changes = [
            f"{path}: {expected} → {got}" if expected or got else path
            for path, expected, got in group.changes
        ]
        shown: Any = changes if as_json else "; ".join(changes)
        example = group.outcomes[0].case
        place = f"{example.place.file}:{example.place.line}"
        records.append({"group": number, "cases": len(group.outcomes), "change": shown, "example": place})
    print_records(
        records,
        ("group", "cases", "change", "example"),
        as_json=as_json,
        right=("group", "cases"),
        widest=140,
    )
    say("Accept one: the same with --accept N in place of --groups." if records else "Every case is right.")


def _update(cases: Cases, outcomes: Sequence[Outcome], *, as_talk: bool) -> bool:
    """Rewrite the files whose expectations failed; tell whether there were any."""
    from mapper.authoring.trial import difference, updated

    changed = False
    for path, source in cases.sources.items():
        failures = [failure for one in outcomes if one.case.file == path for failure in one.failures]
        text = updated(source, failures)
        if text != source.text:
            path.write_text(text, encoding="utf-8", newline="")
            for line in difference(source, text).splitlines():
                click.echo(printable(line), err=as_talk)
            changed = True
    return changed


def _coverage(rulebooks: Rulebooks, outcomes: Sequence[Outcome]) -> Coverage:
    from mapper.authoring.coverage import coverage

    return coverage(rulebooks, [(one.case.kind, one.case.payload, one.case.settings) for one in outcomes])


def _tell(
    rulebooks: Rulebooks,
    cases: Cases,
    outcomes: Sequence[Outcome],
    covered: Coverage | None,
    language: Language,
    *,
    named: bool,
) -> None:
    from mapper.authoring.expectations import missing
    from mapper.authoring.trial import explained

    for problem in cases.problems:
        click.echo(told(problem, language).render())
    failed = [one for one in outcomes if one.failures]
    for one in failed:
        click.echo(printable(f"{one.case.place}: {one.case.name}"))
        for failure in one.failures:
            click.echo(printable(f"  {failure.place}: {failure.path}"))
            for word, value in (("expected", failure.expected), ("got", failure.got)):
                click.echo(printable(f"    {talked(word, language):<8} {missing(value, language)}"))
            for line in explained(rulebooks, one, failure, language).splitlines():
                click.echo(f"      {printable(line)}")
    if covered is not None:
        for part in covered.uncovered if named else ():
            click.echo(printable(f"{talked('not covered', language)}: {part.told(language)}"))
    sentences = _summary(cases, outcomes, len(failed), covered, named=named)
    say(" ".join(talked(one, language) for one in sentences))


def _summary(
    cases: Cases, outcomes: Sequence[Outcome], failed: int, covered: Coverage | None, *, named: bool
) -> list[str]:
    words = [
        f"{len(outcomes)} cases in {len(cases.sources)} files: {len(outcomes) - failed} right, {failed} wrong."
    ]
    if cases.problems:
        words.append(f"{len(cases.problems)} problems keep cases from being run.")
    if covered is not None:
        reached = len(covered.parts) - len(covered.uncovered)
        words.append(
            f"Coverage {covered.percent} %: {reached} of {len(covered.parts)} rules, rows and checks."
        )
        if covered.uncovered and not named:
            words.append("--coverage names the others.")
    return words


def _print(cases: Cases, outcomes: Sequence[Outcome], covered: Coverage | None, language: Language) -> None:
    for problem in cases.problems:
        print_json(told(problem, language).to_json())
    for one in outcomes:
        place = one.case.place
        record: dict[str, Any] = {"case": one.case.name, "file": place.file, "line": place.line}
        record["right"] = not one.failures
        record["failures"] = [
            {
                "path": failure.path,
                "expected": failure.expected,
                "got": failure.got,
                "file": failure.place.file,
                "line": failure.place.line,
                "column": failure.place.column,
            }
            for failure in one.failures
        ]
        print_json(record)
    if covered is not None:
        print_json({"coverage": covered.to_json()})
