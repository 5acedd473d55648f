"""`map`, `check` and `explain`: what rule authors use. Needs no network and no database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapper.cli.options import chosen_tenant, json_option, now, print_json, say, tenant_option, told
from mapper.cli.payloads import STDIN, payloads
from mapper.cli.state import State
from mapper.cli.talk import talked
from mapper.diagnostics import Diagnostic
from mapper.errors import Language, MapperError, PayloadError, RuleError, UsageError

if TYPE_CHECKING:
    from mapper.authoring.explain import Explainer
    from mapper.authoring.invariants import Invariants
    from mapper.mapping import Rulebooks

_FILE = click.Path(path_type=Path)
_CODE = re.compile(r"[A-Za-z]{1,4}[0-9]{1,3}")

kind_option = click.option("--kind", type=click.Choice(["order", "invoice"]), default="order", show_default=True,
                           help="What the payloads are.")  # fmt: skip
settings_option = click.option("--settings", "settings_file", type=_FILE, metavar="FILE",
                               help="A merchant's settings; a built-in example when left out.")  # fmt: skip
rules_option = click.option(
    "--rules", type=_FILE, metavar="DIR", help="A folder of rules in place of the shipped ones."
)
rows_option = click.option("--rows", "rows_file", type=_FILE, metavar="FILE",
                           help="The rows of the payload, as the shop's API answers them.")  # fmt: skip

overlay_option = click.option("--overlay", type=_FILE, metavar="FILE",
                              help="A webshop's changes to single rules.")  # fmt: skip


@click.command("map")
@kind_option
@settings_option
@rules_option
@overlay_option
@rows_option
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...")
@click.pass_obj
def map_(
    state: State,
    *,
    kind: str,
    settings_file: Path | None,
    rules: Path | None,
    overlay: Path | None,
    rows_file: Path | None,
    files: tuple[Path, ...],
) -> int:
    """Map payloads and print, one JSON object a line, the document, the requests to WeFact and the findings.

    A FILE holds one payload with its rows merged in as `rows`. Without FILE, or with -, payloads are read as JSON Lines
    from standard input. Nothing is sent. Exit code 0 when no payload has an error finding, else 1.
    """
    from mapper.mapping import load_rulebooks, mapped_json
    from mapper.processing.eligibility import dated

    if rows_file is not None and len(files) != 1:
        raise UsageError("USE121", count=len(files))
    mapper = load_rulebooks(rules, overlay_file=overlay).bind(_settings(settings_file))
    failed = False
    for payload in payloads(files or (STDIN,), rows_file):
        if isinstance(payload, PayloadError):
            failed = True
            print_json(_unread(payload, state))
            continue
        mapped = dated(mapper.apply(kind, payload, offline=True), payload, now())
        failed = failed or mapped.held == "error"
        print_json(mapped_json(mapped, state.language))
    return 1 if failed else 0


@click.command()
@settings_option
@rules_option
@overlay_option
@json_option
@click.option(
    "--plain", is_flag=True, help="One line a problem, file:line:column: code: message, for editors and CI."
)
@click.option("--types", is_flag=True, help="Show the type of every value.")
@click.option("--deep", is_flag=True, help="Prove the invariants, too: over stored and made-up documents.")
@click.option("--random", "count", type=click.IntRange(0), default=2000, show_default=True, metavar="N",
              help="With --deep: so many made-up documents.")  # fmt: skip
@click.option(
    "--seed", type=int, default=1, show_default=True, help="With --deep: others are made up by another."
)
@click.pass_obj
def check(
    state: State,
    *,
    settings_file: Path | None,
    rules: Path | None,
    overlay: Path | None,
    as_json: bool,
    plain: bool,
    types: bool,
    deep: bool,
    count: int,
    seed: int,
) -> int:
    """Check rules, their invariants, and settings when given, and show all problems at once, each with its place.

    With --deep the invariants of `invariants.yaml` are proven of every document that would be posted: of those stored,
    where there is a database, and of made-up ones. What breaks one is shown as small as it gets, with the rules that
    made its values; then the exit code is 1.
    """
    from mapper.cli.overlays import tell_replaced
    from mapper.rulebook.bound import bound
    from mapper.settings import SettingsError

    problems: list[Diagnostic] = []
    loaded, invariants = _checked(problems, rules, overlay, settings_file)
    if types and loaded is not None:
        _print_types(loaded, as_json=as_json)
    if as_json or plain:
        for problem in (told(one, state.language) for one in problems):
            print_json(problem.to_json()) if as_json else click.echo(problem.line())
    elif problems:
        raise RuleError(problems) if loaded is None else SettingsError(problems)
    if loaded is not None and not problems:
        tell_replaced(loaded)
        say(f"{', '.join(sorted(loaded.texts))}: no problems. Rules {loaded.hash[:12]}.")
        for compiled in (*loaded.sources.values(), loaded.target):
            most = bound(compiled.rules)
            say(f"{compiled.rules.file}: at most {most.document} operations a document and {most.row} a row.")
    if problems or not deep:
        return RuleError.exit_code if problems else 0
    if loaded is None or invariants is None:
        say("These rules have no invariants.")
        return 0
    from mapper.cli.deep import prove

    holds = prove(
        state, loaded, invariants, _settings(settings_file), count=count, seed=seed, as_json=as_json
    )
    return 0 if holds else 1


@click.command()
@kind_option
@settings_option
@rules_option
@overlay_option
@rows_option
@click.option("--document", metavar="ID", help="A stored document, such as order-906, in place of FILE.")
@tenant_option
@json_option
@click.option("--codes", is_flag=True, help="Print the page of all error codes, docs/errors.md.")
@click.argument("arguments", nargs=-1, metavar="[FILE|CODE] [FIELD]...")
@click.pass_obj
def explain(
    state: State,
    *,
    kind: str,
    settings_file: Path | None,
    rules: Path | None,
    overlay: Path | None,
    rows_file: Path | None,
    document: str | None,
    tenant: str | None,
    as_json: bool,
    codes: bool,
    arguments: tuple[str, ...],
) -> int:
    """Explain why a value is what it is, rule by rule, and why the other cases did not apply; or what a CODE means.

    FIELD is a field of the document (total_incl, customer.email, lines.1.unit_excl) or a parameter of a request
    (invoice.InvoiceLines.1.PriceExcl). Without FIELD every field is listed with the rule that made it.

    With --document a stored document is explained with the payload, settings and rules it was mapped with. With a CODE
    as messages carry it (WEF202, K1): why it happens and what to do.
    """
    if codes:
        from mapper.authoring.codes import page

        click.echo(page(), nl=False)
        return 0
    if document is None and len(arguments) == 1 and _CODE.fullmatch(arguments[0]):
        return _explain_code(state, arguments[0], as_json=as_json)
    from mapper.authoring.explain import Explainer
    from mapper.mapping import load_rulebooks

    if document is not None:
        if settings_file or rules or overlay or rows_file:
            raise UsageError("USE128")
        return _explain_stored(state, document, tenant, arguments, as_json=as_json)
    if not arguments:
        raise click.UsageError("Missing argument 'FILE'.", click.get_current_context())
    rulebooks, settings = load_rulebooks(rules, overlay_file=overlay), _settings(settings_file)
    nothing = PayloadError("PAY101", line=1, column=1, reason="there is nothing")
    payload = next(payloads((Path(arguments[0]),), rows_file), nothing)
    if isinstance(payload, PayloadError):
        raise payload
    mapped = rulebooks.bind(settings).apply(kind, payload)
    if isinstance(payload, dict):
        explainer = Explainer(rulebooks, kind, payload, settings, mapped)
        _print_explanations(explainer, arguments[1:], state.language, as_json=as_json)
    for finding in mapped.findings:
        place = f"{finding.place}: " if finding.place else ""
        say(f"{place}{finding.id} {finding.severity}: {finding.say[state.language]}")
    return 1 if mapped.document is None else 0


def _explain_code(state: State, code: str, *, as_json: bool) -> int:
    from mapper.authoring.codes import help_of

    for help in help_of(code, state.language):
        record = {name: getattr(help, name) for name in ("code", "message", "cause", "remedy", "example")}
        if as_json:
            print_json(record)
            continue
        for name, text in record.items():
            if text:
                click.echo(f"{talked(name, state.language):<12} {text}")
    return 0


def _explain_stored(
    state: State, document: str, tenant: str | None, paths: Sequence[str], *, as_json: bool
) -> int:
    """Explain a stored document, with what was found that day, and say what is different today."""
    from mapper.authoring.recall import recall

    with state.open() as database:
        recalled = recall(database, chosen_tenant(database, tenant), document)
    _print_explanations(recalled.explainer(), paths, state.language, as_json=as_json)
    for finding in recalled.kept.findings:
        place = f"{finding['rule']}: " if finding.get("rule") else ""
        say(f"{place}{finding['id']} {finding['severity']}: {finding['message'][state.language]}")
    moment, digest = recalled.at.isoformat(" ", "seconds"), recalled.rulebooks.hash[:12]
    say(f"{document} as mapped at {moment} with rules {digest}, settings {recalled.kept.settings_revision}.")
    if recalled.has_other_rules_now:
        say(f"The rules of today are others: {recalled.present[:12]}.")
    if not recalled.is_same:
        say("This version of the program calculates otherwise than that of the day.")
    return 1 if recalled.mapped.document is None else 0


def _print_explanations(
    explainer: Explainer, paths: Sequence[str], language: Language, *, as_json: bool
) -> None:
    told = [explainer.explain(path) for path in paths] if paths else list(explainer.summary())
    if not paths and (stopped := explainer.stopped()) is not None:
        told.append(stopped)
    for one in told:
        if as_json:
            print_json(one.to_json())
        else:
            click.echo(one.render(language) + ("\n" if paths else ""))


def _print_types(loaded: Rulebooks, *, as_json: bool) -> None:
    from mapper.rulebook.rules import given

    told: dict[tuple[str, str], str] = {}
    for compiled in (*loaded.sources.values(), loaded.target):
        for entry in compiled.entries:
            told.setdefault((str(entry.place), entry.path), str(given(entry.value)))
    for (place, path), kind in told.items():
        if as_json:
            print_json({"path": path, "type": kind, "rule": place})
        else:
            click.echo(f"{path:42} {kind:28} {place}")


def _checked(
    problems: list[Diagnostic], rules: Path | None, overlay: Path | None, settings_file: Path | None
) -> tuple[Rulebooks | None, Invariants | None]:
    from mapper.authoring.invariants import load_invariants
    from mapper.mapping import load_rulebooks
    from mapper.settings import SettingsError, read

    loaded = invariants = None
    try:
        loaded = load_rulebooks(rules, overlay_file=overlay, today=now().date())
        invariants = load_invariants(loaded, rules)
    except RuleError as error:
        problems += error.diagnostics
    try:
        if settings_file is not None:
            read(settings_file)
    except SettingsError as error:
        problems += error.diagnostics
    return loaded, invariants


def _settings(path: Path | None) -> Mapping[str, Any]:
    from mapper.settings import example, read

    return example() if path is None else read(path)


def _unread(error: MapperError, state: State) -> dict[str, Any]:
    finding = {
        "id": error.code,
        "severity": "error",
        "message": error.message(state.language),
        "help": error.remedy(state.language),
    }
    return {"document": None, "requests": [], "findings": [finding]}
