"""The rows of the lists beside the editor of rules: the tree, the problems, and the values that would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tui.covered import NONE, TONES, Covered, Entry, entries_of
from tui.records import Row
from tui.workbench import RULE_FILES, Trial

if TYPE_CHECKING:
    from mapper.diagnostics import Diagnostic, Place
    from tui.session import Session


def tree(texts: Mapping[str, str], saved: Mapping[str, str], marks: Mapping[Entry, str]) -> Iterator[Row]:
    """Yield the files with their sections and rules, by place; each rule with the mark of what cases reach of it."""
    for name in RULE_FILES:
        text = texts.get(name, "")
        star = " ●" if text != saved.get(name) else ""
        yield Row(f"{name}:1", ("", f"{name}{star}"))
        for entry, line, _ in entries_of(name, text):
            _, section, rule = entry
            mark = marks.get(entry, "")
            yield Row(f"{name}:{line}", (mark, f"  {rule}" if rule else f" {section}"), TONES[mark])


def problems(found: Sequence[Diagnostic], open_file: str, session: Session) -> Iterator[Row]:
    """Yield what is wrong, each by its place."""
    for number, one in enumerate(found):
        is_dutch = session.language == "nl" and bool(one.dutch)
        message, hint = one.dutch if is_dutch and one.dutch else (one.message, one.hint)
        yield _at(one.place, f"p{number}", f"✗ {message} {hint}".strip(), open_file, "bad")


def uncovered(covered: Covered, open_file: str, session: Session) -> Iterator[Row]:
    """Yield what no case reaches, of the open file first."""
    names = sorted(RULE_FILES, key=lambda name: name != open_file)
    missed = [part for name in names for part in covered.uncovered(name)]
    for number, part in enumerate(missed):
        way = part.way(session.language)
        rule = f"{part.rule}: {way}" if way else part.rule
        told = session.t("{mark} no case reaches {rule}", mark=NONE, rule=rule)
        yield _at(part.place, f"c{number}", told, open_file, "busy")


def _at(place: Place, number: str, told: str, open_file: str, tone: str) -> Row:
    name = place.file.removeprefix("rules/")
    where = f"{place.line}:{place.column}" if name == open_file else f"{name}:{place.line}"
    return Row(f"{name}|{place.line}|{place.column}|{number}", (where, told), tone)


def changed(trial: Trial) -> Iterator[Row]:
    """Yield the values of a real document that would be others."""
    for one in trial.changed:
        yield Row(one.path, (one.path, one.before or "–", one.after or "–"), "busy")
