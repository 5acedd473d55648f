"""Making rules the active ones: checked, their cases right, and every tenant's overlay still fitting."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mapper.authoring.cases import read_cases
from mapper.authoring.trial import run_case
from mapper.diagnostics import Diagnostic, printable
from mapper.errors import MapperError, RuleError, UsageError
from mapper.mapping import OVERLAY, Rulebooks, load_rulebooks, rulebooks_from
from mapper.processing.adoption import texts_in_use
from mapper.store import overlays, rulebooks, tenants
from mapper.store.database import Database
from mapper.store.rows import Published


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published, or would be: `cases` that ran, tenants' `overlays` that were tried, and whether it is new.

    `declined`: a person saw what it would change, and did not want it.
    """

    hash: str
    cases: int
    overlays: int
    is_new: bool
    declined: bool = False


Agree = Callable[[Mapping[str, str]], bool]
"""Shows what rules, by the texts of their files, would change, and tells whether a person wants them."""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """How one file differs between two versions of the rules, as a unified diff."""

    file: str
    before: str
    after: str
    diff: str


def publish(
    database: Database,
    folder: Path | None,
    *,
    who: str,
    message: str,
    now: datetime,
    tell: Callable[[str], None],
    agree: Agree = lambda _texts: True,
) -> Publication:
    """Make the rules of a folder (the shipped ones when None) the active ones; the active ones again change nothing.

    `agree` is asked last, when they are others than the active ones and all is well.
    Raises RuleError (the rules, their cases or an overlay do not load), MapperError PUB102 (cases fail; `tell` gets a
    line for each), UsageError PUB101 (no message).
    """
    _require(message)
    loaded = load_rulebooks(folder, today=now.date())
    cases = _try_cases(loaded, folder, tell)
    tried = _try_overlays(database, loaded.texts)
    return _agreed(
        database, loaded.texts, loaded.hash, cases, tried, agree, who=who, message=message, now=now
    )


def rollback(
    database: Database,
    prefix: str,
    *,
    who: str,
    message: str,
    now: datetime,
    agree: Agree = lambda _texts: True,
) -> Publication:
    """Make rules that were in use before the active ones again, by the beginning of their hash; `agree` as above.

    Raises UsageError STO141, STO142 (which rules?), PUB103 (with a tenant's overlay), PUB101 (no message), RuleError
    (they no longer load, or an overlay does not fit them).
    """
    _require(message)
    with database.read() as conn:
        digest = rulebooks.find(conn, prefix)
        texts = rulebooks.get(conn, digest)
    if OVERLAY in texts:
        raise UsageError("PUB103", rules=digest[:12])
    rulebooks_from(texts)
    tried = _try_overlays(database, texts)
    return _agreed(database, texts, digest, 0, tried, agree, who=who, message=message, now=now)


def put_overlay(
    database: Database, tenant: str, text: str, *, file: str, who: str, now: datetime
) -> Rulebooks | None:
    """Check an overlay against the rules in use and make it the tenant's; an empty one removes what there is.

    Return the tenant's rules, None after a removal. Raises RuleError; `file` is what its problems call the text.
    """
    with database.read() as conn:
        texts = texts_in_use(conn, tenants.get(conn, tenant).id)
    base = {name: one for name, one in texts.items() if name != OVERLAY}
    loaded = rulebooks_from({**base, OVERLAY: text}, overlay_file=file) if text else None
    with database.begin() as conn:
        overlays.put(conn, tenant, text, who=who, now=now)
    return loaded


def differences(
    before: Mapping[str, str], after: Mapping[str, str], names: tuple[str, str]
) -> Iterator[FileDifference]:
    """Yield how each file differs, of those that do."""
    for file in sorted({*before, *after}):
        old, new = before.get(file, ""), after.get(file, "")
        if old != new:
            lines = difflib.unified_diff(
                old.splitlines(), new.splitlines(), f"{names[0]}/{file}", f"{names[1]}/{file}", lineterm=""
            )
            yield FileDifference(file, names[0], names[1], "\n".join(lines))


def _require(message: str) -> None:
    if not message.strip():
        raise UsageError("PUB101")


def _try_cases(loaded: Rulebooks, folder: Path | None, tell: Callable[[str], None]) -> int:
    cases = read_cases(loaded)
    if cases.problems:
        raise RuleError(cases.problems)
    outcomes = [run_case(loaded, case) for case in cases.found]
    failed = [outcome for outcome in outcomes if outcome.failures]
    for outcome in failed:
        tell(printable(f"{outcome.case.place}: {outcome.case.name}"))
        for one in outcome.failures:
            tell(printable(f"  {one.place}: {one.path}: expected {one.expected}, got {one.got}"))
    if failed:
        rules = "" if folder is None else f" --rules {shlex.quote(str(folder))}"
        raise MapperError("PUB102", failed=len(failed), count=len(outcomes), rules=rules)
    return len(outcomes)


def _try_overlays(database: Database, texts: Mapping[str, str]) -> int:
    """Load the rules with each tenant's overlay; return how many there are. Raises RuleError with all problems."""
    problems: list[Diagnostic] = []
    with database.read() as conn:
        found = {one.id: text for one in tenants.everyone(conn) if (text := overlays.current(conn, one.id))}
    for tenant, text in found.items():
        try:
            rulebooks_from({**texts, OVERLAY: text}, tenant=tenant)
        except RuleError as error:
            problems += error.diagnostics
    if problems:
        raise RuleError(problems)
    return len(found)


def _agreed(
    database: Database,
    texts: Mapping[str, str],
    digest: str,
    cases: int,
    tried: int,
    agree: Agree,
    *,
    who: str,
    message: str,
    now: datetime,
) -> Publication:
    with database.read() as conn:
        present = rulebooks.active(conn)
    if (present is None or present.hash != digest) and not agree(texts):
        return Publication(digest, cases, tried, is_new=False, declined=True)
    with database.begin() as conn:
        is_new = _publish(conn, texts, digest, who=who, message=message, now=now)
    return Publication(digest, cases, tried, is_new)


def _publish(
    conn: Connection, texts: Mapping[str, str], digest: str, *, who: str, message: str, now: datetime
) -> bool:
    present: Published | None = rulebooks.active(conn)
    if present is not None and present.hash == digest:
        return False
    rulebooks.publish(conn, texts, digest, who=who, message=message.strip(), now=now)
    return True
