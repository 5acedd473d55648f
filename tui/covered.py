"""What the cases and the newest documents reach of the rules: told beside the lines that they are written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui import amounts
from tui.workbench import rules_in

if TYPE_CHECKING:
    from mapper.authoring.census import Census, Table
    from mapper.authoring.coverage import Coverage, Part
    from tui.session import Session

ALL, SOME, NONE = "✓", "◐", "○"
TONES = {ALL: "good", SOME: "busy", NONE: "bad", "": ""}

Entry = tuple[str, str, str]
"""An entry of the tree: its file, its section, and its name."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Texts of rules by file, what the cases reach of them, and what the newest documents ask of their tables."""

    texts: Mapping[str, str]
    coverage: Coverage
    census: Census | None = None

    def marks(self) -> dict[Entry, str]:
        """Return for every entry of the tree whether cases reach all of it, some, or nothing."""
        found: dict[Entry, str] = {}
        for name, text in self.texts.items():
            parts = self._parts(name)
            for entry, first, last in entries_of(name, text):
                own = [part for part in parts if first <= part.place.line < last]
                if own:
                    found[entry] = self._mark(own)
        return found

    def uncovered(self, name: str) -> Sequence[Part]:
        """Return the parts of a file that no case reaches, in its order."""
        missed = set(self.coverage.uncovered)
        return [part for part in self._parts(name) if part in missed]

    def rule_at(self, name: str, line: int) -> str:
        """Return what the rule is called that a line of a file belongs to; empty before the first."""
        above = [part.rule for part in self._parts(name) if part.place.line <= line]
        return above[-1] if above else ""

    def told_at(self, name: str, line: int, session: Session) -> str:
        """Return how many cases reach the rule of a line, how many of its branches, and how often documents did."""
        rule = self.rule_at(name, line)
        parts = [part for part in self._parts(name) if part.rule == rule]
        if not parts:
            return ""
        branches = [part for part in parts if part.what]
        told = f"{self._mark(parts)} {self._cases(parts, session)}"
        if branches:
            reached = sum(part.key in self.coverage.reached for part in branches)
            told += ", " + session.t("{reached} of {count} branches", reached=reached, count=len(branches))
        here = [part for part in branches if part.place.line == line]
        if here and len(branches) > len(here):
            told += "; " + session.t("here {cases}", cases=self._cases(here, session))
        history = self._history(name, line, rule, session)
        return f"{told}; {history}" if history else told

    def _parts(self, name: str) -> list[Part]:
        own = [part for part in self.coverage.parts if part.place.file == f"rules/{name}"]
        return sorted(own, key=lambda part: part.place.line)

    def _mark(self, parts: Sequence[Part]) -> str:
        reached = [part.key in self.coverage.reached for part in parts]
        return ALL if all(reached) else SOME if any(reached) else NONE

    def _cases(self, parts: Sequence[Part], session: Session) -> str:
        numbers = set().union(*(self.coverage.reached.get(part.key, ()) for part in parts))
        if len(numbers) < 2:
            return session.t("1 case" if numbers else "no case")
        return session.t("{count} cases", count=amounts.count(len(numbers), session.language))

    def _history(self, name: str, line: int, rule: str, session: Session) -> str:
        """Return how often the row of a line applied, or the tables of a rule were asked, in the newest documents."""
        tables = self._tables(name, rule)
        if self.census is None or not self.census.documents or not tables:
            return ""
        rows = [row for table in tables for row in table.rows.values()]
        here = [row.hits for row in rows if row.place is not None and row.place.line == line]
        missed = sum(count for table in tables for count, _ in table.missed.values())
        count = amounts.count(sum(self.census.documents.values()), session.language)
        hits = amounts.count(sum(here) if here else sum(table.asked for table in tables), session.language)
        told = session.t("{hits} × in {count} documents", hits=hits, count=count)
        if missed and not here:
            missing = amounts.count(missed, session.language)
            told += ", " + session.t("{missed} without a row", missed=missing)
        return told

    def _tables(self, name: str, rule: str) -> list[Table]:
        tables = self.census.tables.values() if self.census is not None else ()
        own = [table for table in tables if table.place.file == f"rules/{name}"]
        return [table for table in own if self.rule_at(name, table.place.line) == rule]


def entries_of(name: str, text: str) -> Iterator[tuple[Entry, int, int]]:
    """Yield the entries of a file's tree, each with its first line and the first line after it."""
    rules, section = rules_in(text), ""
    ends = [line for line, _, _ in rules[1:]] + [len(text.splitlines()) + 1]
    for (line, rule, is_section), end in zip(rules, ends, strict=True):
        section = rule if is_section else section
        yield (name, section, "" if is_section else rule), line, end
