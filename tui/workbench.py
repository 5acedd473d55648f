"""Rules while they are written: a folder of their own, checked, tried on a real document, and published from."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapper.errors import RuleError

if TYPE_CHECKING:
    from mapper.authoring.cases import Cases
    from mapper.authoring.census import Census
    from mapper.authoring.coverage import Coverage
    from mapper.authoring.impact import Impact
    from mapper.authoring.publishing import Publication
    from mapper.diagnostics import Diagnostic
    from mapper.mapping import Mapped, Rulebooks
    from mapper.store.rows import Document
    from tui.census import NewRow
    from tui.session import Session

RULE_FILES = ("ccv_order.yaml", "ccv_invoice.yaml", "wefact.yaml")
NEWEST = 1000
"""So many documents tell what a table is asked, in about as many milliseconds."""
Say = Callable[[str], None]
Stamp = Mapping[Path, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Checked:
    """Texts that were looked at: what is wrong with them, or the rules they make."""

    texts: Mapping[str, str]
    problems: Sequence[Diagnostic]
    loaded: Rulebooks | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A value of a document or request that would be another; None on a side: it is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A real document mapped by the rules in use and by those on the workbench; `stops` are the errors of these."""

    document: str
    changed: Sequence[Changed]
    stops: Sequence[str]
    total: str


class Workbench:
    """The folder with the rules that are written, made of the rules in use when it is not there yet."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self.folder = folder
        self._read: tuple[Stamp, Cases] | None = None

    def read(self) -> dict[str, str]:
        """Return the texts by file; the folder comes with the first save. Raises RuleError, StoreError."""
        from mapper.mapping import OVERLAY, load_rulebooks, texts_of
        from mapper.processing.adoption import texts_in_use

        if self.folder.is_dir():
            return texts_of(self.folder)
        with self._session.database.read() as conn:
            texts = texts_in_use(conn, self._session.tenant, fallback=lambda: load_rulebooks().texts)
        return {name: text for name, text in texts.items() if name != OVERLAY}

    def save(self, texts: Mapping[str, str]) -> None:
        """Write what is changed, each file whole or not at all; the first time with the shipped cases beside it."""
        from mapper.mapping import shipped_rules

        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            shutil.copytree(shipped_rules() / "cases", self.folder / "cases")
        for name, text in texts.items():
            path = self.folder / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                fresh = path.with_suffix(".new")
                fresh.write_text(text, encoding="utf-8")
                fresh.replace(path)

    def check(self, texts: Mapping[str, str]) -> Checked:
        """Return what is wrong with the texts, or the rules they make."""
        from mapper.mapping import rulebooks_from

        try:
            return Checked(texts, (), rulebooks_from(texts))
        except RuleError as error:
            return Checked(texts, error.diagnostics, None)

    def documents(self) -> list[Document]:
        """Return the webshop's newest documents, those that were fetched. Raises StoreError."""
        from mapper.store import listing

        with self._session.database.read() as conn:
            page = listing.page(conn, self._session.tenant, limit=100)
        return [one for one in page.documents if one.payload_hash]

    def trial(self, loaded: Rulebooks, document_id: str) -> Trial:
        """Map a stored document by both. Raises UsageError STO118 when it was never fetched, StoreError."""
        from mapper.mapping import OVERLAY, rulebooks_from
        from mapper.processing.adoption import texts_in_use
        from mapper.store import documents, payloads, tenants

        session = self._session
        with session.database.read() as conn:
            document = documents.get(conn, session.tenant, document_id)
            payload = payloads.payload(conn, session.tenant, document_id)
            settings = tenants.settings(conn, session.tenant)
            texts = texts_in_use(conn, session.tenant)
        overlay = {OVERLAY: texts[OVERLAY]} if OVERLAY in texts else {}
        before = rulebooks_from(texts, tenant=session.tenant).bind(settings).apply(document.kind, payload)
        rules = rulebooks_from({**loaded.texts, **overlay}, tenant=session.tenant) if overlay else loaded
        after = rules.bind(settings).apply(document.kind, payload)
        return Trial(
            document.number or document.id,
            changes(before, after),
            [
                f"{one.id}: {one.say.get(session.language, one.say['en'])}"
                for one in after.findings
                if one.severity == "error"
            ],
            str((after.document or {}).get("total_incl", "")),
        )

    def cases(self, loaded: Rulebooks) -> tuple[int, list[str]]:
        """Run the cases beside the rules; return how many there are, and the failures by place."""
        from mapper.authoring.cases import read_cases
        from mapper.authoring.trial import places, run_case

        found = read_cases(loaded, [path for path in self._case_files() if path.suffix == ".yaml"])
        told = [problem.line() for problem in found.problems]
        for case in found.found:
            told += places(run_case(loaded, case).failures)
        return len(found.found), told

    def impact(
        self, loaded: Rulebooks, cancelled: Callable[[], bool], newest: int | None = None
    ) -> Impact | None:
        """Replay the webshop's history, or its newest documents, by the rules in use and by these.

        None when cancelled at once.
        """
        from mapper.authoring.replaying import changes_of, replay
        from mapper.store.history import Scope

        session, found = self._session, None
        asked = changes_of(session.database, tenant=session.tenant, new=loaded.texts)
        scope = Scope(None, None, newest)
        for found in replay(session.database, asked, scope, cancelled=cancelled, processes=1):  # noqa: B007
            pass  # the last sum counts
        return found

    def census(self, loaded: Rulebooks, cancelled: Callable[[], bool]) -> Census | None:
        """Count what the webshop's newest documents ask of the tables of these rules; None when cancelled at once."""
        from mapper.authoring.census import census
        from mapper.authoring.replaying import changes_of
        from mapper.store.history import Scope

        session, found = self._session, None
        asked = changes_of(session.database, tenant=session.tenant, new=loaded.texts)
        versions = {one.tenant: one.new for one in asked}
        scope = Scope(None, None, NEWEST)
        for found in census(session.database, versions, scope, cancelled=cancelled, processes=1):  # noqa: B007
            pass  # the last sum counts
        return found

    def coverage(self, loaded: Rulebooks, cancelled: Callable[[], bool]) -> Coverage | None:
        """Return what the cases beside the rules reach of these; None when cancelled."""
        from mapper.authoring.coverage import coverage

        cases = takewhile(lambda _: not cancelled(), self._cases(loaded).found)
        found = coverage(loaded, ((one.kind, one.payload, one.settings) for one in cases))
        return None if cancelled() else found

    def _cases(self, loaded: Rulebooks) -> Cases:
        """Return the cases beside the rules, read again when a file is another, or when not all of them fitted."""
        from mapper.authoring.cases import read_cases

        files = self._case_files()
        stamp = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}
        if self._read is None or self._read[0] != stamp or self._read[1].problems:
            self._read = stamp, read_cases(loaded, [path for path in files if path.suffix == ".yaml"])
        return self._read[1]

    def _case_files(self) -> list[Path]:
        """Return the files of the cases, and the orders and invoices that these begin with."""
        from mapper.authoring.cases import FOLDER
        from mapper.mapping import shipped_rules

        folder = (self.folder if self.folder.is_dir() else shipped_rules()) / FOLDER
        return sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".json"})

    def publish(self, message: str, tell: Say) -> Publication:
        """Make the saved rules the active ones. Raises what `publishing.publish` does."""
        from mapper.authoring import publishing

        session = self._session
        return publishing.publish(
            session.database, self.folder, who=session.who, message=message, now=session.now(), tell=tell
        )


def with_new_row(loaded: Rulebooks, new: NewRow) -> tuple[str, str, int]:
    """Return the file that a table of keywords stands in, its text with one more row, and the line of that row."""
    from mapper.authoring.rows import with_row
    from mapper.rulebook.rules import Match

    halves = (*loaded.sources.values(), loaded.target)
    tables = (one.table for half in halves for one in half.lookups if one.place == new.table)
    table = next(one for one in tables if isinstance(one, Match))
    name = new.table.file.removeprefix("rules/")
    old = loaded.texts[name]
    text = with_row(old, table, new.word, new.then)
    pairs = enumerate(zip(text.splitlines(), [*old.splitlines(), ""], strict=False), start=1)
    return name, text, next(number for number, (after, before) in pairs if after != before)


def changes(before: Mapped, after: Mapped) -> list[Changed]:
    """Return every value of document and requests that differs, by its path."""
    old, new = _values(before), _values(after)
    paths = dict.fromkeys((*old, *new))
    return [Changed(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def _values(mapped: Mapped) -> dict[str, str]:
    found = dict(_flat(mapped.document or {}, ""))
    for number, request in enumerate(mapped.requests, start=1):
        name = request.name if request.name != "product" else f"product.{number}"
        found |= dict(_flat(request.params, name))
    return found


def _flat(value: Any, path: str) -> list[tuple[str, str]]:
    from mapper.authoring.explanation import brief

    if isinstance(value, Mapping):
        return [
            pair
            for name, inner in value.items()
            for pair in _flat(inner, f"{path}.{name}" if path else str(name))
        ]
    if isinstance(value, list | tuple):
        return [
            pair for number, inner in enumerate(value, start=1) for pair in _flat(inner, f"{path}.{number}")
        ]
    return [(path, brief(value))]


def rules_in(text: str) -> list[tuple[int, str, bool]]:
    """Return (line, name, whether it is a section) of every entry that a tree of a rule file shows."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        depth = len(line) - len(line.lstrip())
        if not stripped or stripped.startswith("#"):
            continue
        name = stripped.partition(":")[0]
        if depth == 0 and ":" in stripped:
            found.append((number, name, True))
        elif depth == 2 and ":" in stripped:
            is_item = stripped.startswith("- ")
            shown = stripped.removeprefix("- ").partition("#")[0].strip() if is_item else name
            found.append((number, shown[:60], False))
    return found
