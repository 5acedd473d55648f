"""The files that rules consist of, a tenant's overlay among them, read together with all their problems."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from mapper.diagnostics import Diagnostic, Place
from mapper.errors import RuleError
from mapper.rulebook import forms
from mapper.rulebook.calls import WEFACT, check_calls
from mapper.rulebook.compiler import Compiled, compile_rules
from mapper.rulebook.emitter import Site
from mapper.rulebook.expressions import Reader
from mapper.rulebook.functions import Function
from mapper.rulebook.loader import form_of, read_rules, sections
from mapper.rulebook.overlay import Overlaid, changeable, extended, overlay
from mapper.rulebook.pieces import read_in_pieces
from mapper.rulebook.reuse import keep, kept, recall, shape, texts_key
from mapper.rulebook.rules import Entry, LineRule, Rules
from mapper.rulebook.source import Node, Source, read_text
from mapper.rulebook.types import UNREAD, Type, join
from mapper.vat import rates as vat_rates
from mapper.vat import territories as vat_territories

KINDS: Mapping[str, str] = {"order": "ccv_order.yaml", "invoice": "ccv_invoice.yaml"}
TARGET = "wefact.yaml"
RATES = "vat_rates.yaml"
TERRITORIES = "vat_territories.yaml"
INVARIANTS = "invariants.yaml"
"""Stands beside the rules, as cases do, and is none of them: what is proven of rules does not make them others."""
NEEDED = (KINDS["order"], TARGET, RATES)
"""Rules without the other kinds are whole; documents of such a kind then stop (MAP207)."""
FILES = (*KINDS.values(), TARGET, RATES, TERRITORIES)
OPTIONAL = (TERRITORIES,)
"""Rules published before these existed ask nothing of them; where they are absent, the shipped ones count."""
OVERLAY = "overlay.yaml"

_OF_NAMES = ("RULE207", "RULE208", "RULE221")


def overlay_name(tenant: str) -> str:
    """Return what places call a tenant's overlay."""
    return f"overlay of {tenant}"


def hash_of(texts: Mapping[str, str]) -> str:
    """Return the hash that identifies rules by the texts of their files."""
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name}\0{texts[name]}\0".encode())
    return digest.hexdigest()


def roots_of(texts: Mapping[str, str], files: Mapping[str, str]) -> dict[str, Node]:
    """Return each rule file's YAML by its name, whole: a rulebook that extends another has that one's entries, too.

    For whoever reads rules that were loaded before by themselves: coverage and the reference evaluator.
    """
    reading = RuleFiles(files)
    roots = {name: reading.root(name, text) for name, text in texts.items()}
    reading.extend(roots)
    return roots


class RuleFiles:
    """Reads rule files, called as `files` says, collecting their problems; no table was checked after `today`.

    Whatever depends on a file that is `unread`, because nobody knows what it holds, has no problems of its own. Rules
    of several kinds share entries: a problem at a place that was `told` is none again.
    """

    def __init__(self, files: Mapping[str, str], today: date = date.max) -> None:
        self.files = files
        self.today = today
        self.problems: list[Diagnostic] = []
        self.sources: dict[str, Source] = {}
        self.unread: set[str] = set()
        self.told: set[Place] = set()
        self.bases: dict[str, tuple[str]] = {}

    def in_order(self) -> list[Diagnostic]:
        """Return the problems in the order of the files, and of the lines of each; a misspelt guard is told once."""
        order = {file: number for number, file in enumerate(self.files.values())}
        misspelt = {one.place[:2] for one in self.problems if one.code != "RULE227"}
        told = [one for one in self.problems if one.code != "RULE227" or one.place[:2] not in misspelt]
        return sorted(told, key=lambda one: (order.get(one.place.file, -1), one.place.line, one.place.column))

    def refuse(self, name: str, message: str) -> None:
        """Note that a file should or should not be there."""
        hint = f"Rules are the files {', '.join(FILES)}."
        self.problems.append(Diagnostic("RULE101", Place(self.files[name], 1, 1), message, hint))

    def text(self, name: str, path: Path) -> str | None:
        """Return the text of a file; None when it cannot be read."""
        hint = f"A rules folder holds {', '.join(FILES)}."
        try:
            return read_text(path, self.files[name], hint if name in FILES else "")
        except RuleError as error:
            self.problems += error.diagnostics
            return None

    def root(self, name: str, text: str) -> Node:
        """Return a file's YAML; an empty map when it is none."""
        shown = self.files[name]
        self.sources[shown] = Source(text, shown)
        try:
            return kept(("yaml", text, shown), lambda: read_in_pieces(text, shown))
        except RuleError as error:
            self.problems += error.diagnostics
            self.unread.add(name)
            return Node("map", Place(shown, 1, 1))

    def frame(self, roots: dict[str, Node]) -> None:
        """Look at the sections of each rulebook; a misspelt one is told, and counts as what it was meant to be."""
        for name, root in roots.items():
            if name not in {*KINDS.values(), TARGET} - self.unread:
                continue
            reader = Reader(self.sources[self.files[name]], {})
            roots[name] = sections(root, forms.TARGET_RULEBOOK if name == TARGET else form_of(root), reader)
            self.problems += reader.problems
            guessed = len(roots[name].entries) == len(root.entries)
            if not guessed or any(
                one.code == "RULE211" or one.place == root.place for one in reader.problems
            ):
                self.unread.add(name)

    def overlay(self, roots: dict[str, Node], texts: Mapping[str, str]) -> Overlaid:
        """Put the tenant's overlay, if there is one, into the rulebooks."""
        if OVERLAY not in texts or self.unread - {RATES, TERRITORIES}:
            return Overlaid((), ())
        # An overlay changes the nodes, which others may have.
        roots.update({name: changeable(roots[name]) for name in (*KINDS.values(), TARGET) if name in roots})
        rulebooks = [roots[name] for name in (*KINDS.values(), TARGET) if name in roots]
        overlaid = overlay(rulebooks, roots[OVERLAY], self.sources[self.files[OVERLAY]])
        self.problems += overlaid.problems
        return overlaid

    def extend(self, roots: dict[str, Node]) -> None:
        """Give each rulebook that extends another the entries of that one."""
        for name, root in roots.items():
            if name not in KINDS.values() or "extends" not in root.entries or name in self.unread:
                continue
            base = root.entries["extends"]
            if base.text in self.unread:
                self.unread.add(name)
                continue
            if base.text == name or base.text not in roots or "extends" in roots[base.text].entries:
                hint = f"One of: {', '.join(other for other in KINDS.values() if other != name)}."
                message = f"'{base.text}' cannot be extended."
                self.problems.append(self.problem(Diagnostic("RULE303", base.place, message, hint)))
                self.unread.add(name)
                continue
            self.bases[name] = (base.text,)
            merged = replace(changeable(roots[base.text]), place=root.place)
            roots[name], problems = extended(merged, root, self.sources[self.files[name]])
            self.problems += problems

    def calls(self, root: Node) -> None:
        """Check what the requests ask of WeFact; of the service of a rulebook named otherwise nothing is known."""
        named = root.entries.get("rulebook")
        if TARGET not in self.unread and "requests" in root.entries and named and named.text == WEFACT:
            self.problems += map(self.problem, check_calls(root.entries["requests"]))

    def document(self, sources: Mapping[str, Rules]) -> Type:
        """Return the type of a document of any kind: the fields that every kind that was read sets, and alike."""
        kinds = [rules for rules in sources.values() if rules.document.fields is not None]
        if not kinds:
            return Type("record")
        fields = dict(kinds[0].document.fields or {})
        for rules in kinds[1:]:
            own = rules.document.fields or {}
            for name in [*fields, *(one for one in own if one not in fields)]:
                joined = join(fields[name], own[name]) if name in own and name in fields else None
                if joined is None:
                    self.refuse_unlike(name, kinds[0], rules)
                fields[name] = joined or UNREAD
        return Type("record", fields=fields)

    def refuse_unlike(self, name: str, first: Rules, other: Rules) -> None:
        """Note a field that two kinds of documents do not set alike, unless one of them has a problem with its name."""
        files = {rules.file for rules in (first, other) if name not in (rules.document.fields or {})}
        if any(one.code == "RULE212" and one.place.file in files for one in self.problems):
            return
        told = _unlike(name, first, other)
        # Under its wrong name nothing took the place of it: what is wrong with it there follows from the name.
        wrong = {
            (entry.place.file, entry.place.line)
            for rules in (first, other)
            for entry in rules.steps
            if isinstance(entry, Entry) and entry.name != name and entry.name.casefold() == name.casefold()
        }
        self.problems = [
            one
            for one in self.problems
            if one.code != "RULE208" or (one.place.file, one.place.line) not in wrong
        ]
        self.problems.append(self.problem(told))

    def problem(self, one: Diagnostic) -> Diagnostic:
        """Return a problem with the line of the file it is in, which may be the overlay."""
        return self.sources[one.place.file].problem(one.code, one.place, one.message, one.hint)

    def rates(self, root: Node | None) -> vat_rates.VatRates:
        """Return the VAT rates; none when the table has problems, so that the rules are checked all the same."""
        try:
            if root is not None and root.entries:
                return self.table(RATES, root, vat_rates.from_node)
            if root is not None and not self.problems:
                self.problems.append(Diagnostic("RULE107", root.place, "The table of VAT rates is empty."))
        except RuleError as error:
            self.problems += [self.problem(one) for one in error.diagnostics]
        return vat_rates.VatRates(date.min, {}, {})

    def territories(self, root: Node) -> vat_territories.Territories:
        """Return the territories; none when the table has problems, so that the rules are checked all the same."""
        try:
            if root.entries:
                return self.table(TERRITORIES, root, vat_territories.from_node)
        except RuleError as error:
            self.problems += [self.problem(one) for one in error.diagnostics]
        return vat_territories.NONE

    def table(self, name: str, root: Node, read_table: Callable[[Node, date], _Table]) -> _Table:
        """Return a table, as it was read before when its text is the same."""
        file = self.files[name]
        return kept((name, self.sources[file].text, file, self.today), lambda: read_table(root, self.today))

    def compiled(
        self,
        name: str,
        root: Node,
        texts: Mapping[str, str],
        available: Mapping[str, Function],
        given: Mapping[str, Type],
    ) -> Part:
        """Return a rulebook, typed, that can be compiled; as it was when the texts it depends on are the same."""
        related = (name, *self.bases.get(name, ()), OVERLAY, RATES, TERRITORIES)
        key = (
            name,
            texts_key(related, texts, self.files),
            shape(given["document"]) if name == TARGET else None,
        )
        before = recall(key) if name not in self.unread else None
        rules = before.rules if before is not None else self.rules(name, root, available, given)
        return Part(key, rules, available, before)

    def rules(
        self, name: str, root: Node, available: Mapping[str, Function], given: Mapping[str, Type]
    ) -> Rules:
        """Return a rulebook, typed; `given` are the names it starts from."""
        if name in self.unread:
            return Rules(name, self.files[name], "", given, (), (), (), Type("record", fields=None))
        reader = Reader(self.sources[self.files[name]], available, rulebook=name)
        others = [
            self.files[other] for other in (*KINDS.values(), OVERLAY) if other in self.files and other != name
        ]
        rules = replace(read_rules(root, reader, given), others=tuple(others))
        found = {
            (one.place, one.code, one.message): one for one in reader.problems if not self.is_told(one.place)
        }
        self.told.update(one.place for one in found.values())
        if name in self.bases:
            found = {key: _taken_over(one, self.files[name]) for key, one in found.items()}
        told = sorted(
            found.values(), key=lambda one: (one.place.file != rules.file, one.place.line, one.place.column)
        )
        self.problems += map(self.problem, _without_repeats(told))
        # What an overlay takes the place of may have been a value's only reader.
        if not told and self.files.get(OVERLAY) not in self.sources:
            unread = [one for one in _unread(rules) if one.place not in self.told]
            self.told.update(one.place for one in unread)
            self.problems += map(self.problem, unread)
        return rules

    def is_told(self, place: Place) -> bool:
        """Tell whether a rulebook before this one had a problem there, so that what is there will change."""
        return any((one.file, one.line) == (place.file, place.line) for one in self.told)

    def check_needs(self, part: Part) -> None:
        """Note each value that a rule needs although the shop's API, or another rule, says that there may be none."""
        if part.before is None and part.rules.lacking:
            needed = (site for site in part.compiled().sites if site.nullable)
            sites = {site.place: site for site in needed if site.place not in self.told}
            self.told.update(sites)
            self.problems += map(self.problem, _without_repeats(map(_need, sites.values())))


_Table = TypeVar("_Table")


@dataclass(slots=True)
class Part:
    """One rulebook of a load: typed, compiled when it is asked for, and kept for the next load when all was well."""

    key: Hashable
    rules: Rules
    available: Mapping[str, Function]
    before: Compiled | None
    made: Compiled | None = None

    def compiled(self) -> Compiled:
        """Return the rules, compiled."""
        if self.made is None:
            self.made = self.before or compile_rules(self.rules, self.available)
        return self.made

    def keep(self) -> None:
        """Keep what was compiled."""
        keep(self.key, self.compiled())


def _unlike(name: str, first: Rules, other: Rules) -> Diagnostic:
    """Say that two kinds of documents do not set a field alike, at the rule of the one that sets it, or the later."""
    kinds = [(rules, (rules.document.fields or {}).get(name)) for rules in (first, other)]
    setting = [rules for rules, kind in kinds if kind is not None]
    place = _place_of(name, setting[-1])
    if len(setting) == 2:
        told = " and ".join(f"as {kind.called} by {rules.name}" for rules, kind in kinds if kind is not None)
        message = f"'{name}' is set {told}."
    else:
        missing = next(rules for rules, kind in kinds if kind is None)
        message = f"'{name}' is set by {setting[0].name}, but not by {missing.name}."
        written = {one.casefold(): one for one in missing.document.fields or {}}
        if other_name := written.get(name.casefold()):
            return _spelt_otherwise(name, place, other_name, missing)
    hint = "Every kind of document has the same fields; set it to `none` where it means nothing."
    return Diagnostic("RULE225", place, message, hint)


def _spelt_otherwise(name: str, place: Place, other: str, rules: Rules) -> Diagnostic:
    """Say that a kind of document sets a field under a name in other letters: names have no capitals."""
    if other.islower():
        message, hint = f"'{name}' is not set by {rules.name}.", f"Is it called '{other}' there?"
        return Diagnostic("RULE225", place, message, hint)
    message = f"'{other}' is set here only; other kinds of documents set '{name}'."
    return Diagnostic("RULE225", _place_of(other, rules), message, f"Did you mean '{name}'?")


def _place_of(name: str, rules: Rules) -> Place:
    entries = (step for step in rules.steps if isinstance(step, Entry) and step.name == name)
    return next((entry.place for entry in entries), Place(rules.file, 1, 1))


def _unread(rules: Rules) -> Iterator[Diagnostic]:
    """Yield each working value that nothing reads: where a rulebook extends another, a slip of the pen makes one.

    What it takes over from the other may have lost its reader there.
    """
    groups = [step.entries if isinstance(step, LineRule) else (step,) for step in rules.steps]
    entries = [entry for group in groups for entry in group]
    for entry in entries:
        if not entry.public and entry.name not in rules.mentioned and entry.place.file == rules.file:
            close = difflib.get_close_matches(
                entry.name, rules.mentioned & {one.name for one in entries} - {entry.name}, 1
            )
            hint = f"Did you mean '{close[0]}'?" if close else "Remove it, or read it somewhere."
            yield Diagnostic("RULE228", entry.place, f"Nothing reads the working value '{entry.name}'.", hint)


def _taken_over(one: Diagnostic, file: str) -> Diagnostic:
    """Say of a problem in an entry that one rulebook takes over from another that it is one there only."""
    if one.place.file == file:
        return one
    message = f"{one.message} That is so in {file}, which takes this rule over."
    hint = (
        "Read what both have, or give that file an entry of its own." if one.code == "RULE208" else one.hint
    )
    return replace(one, message=message, hint=hint)


def _need(site: Site) -> Diagnostic:
    must = f"say that it must be there: `needed({site.what})`"
    if site.outside:
        hint = f"Give a default, as in `{site.what} or none`, or {must}."
        return Diagnostic("RULE221", site.place, f"'{site.what}' may be null in the shop's API.", hint)
    message = f"'{site.what}' may be without value: the rule that makes it does not always give one."
    return Diagnostic(
        "RULE221", site.place, message, f"Give it `otherwise` there, or a default here, or {must}."
    )


def _without_repeats(problems: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the problems; a name that is nowhere, or has no value, once: where it is read first, with all lines."""
    first: dict[tuple[Any, ...], Diagnostic] = {}
    lines: dict[tuple[Any, ...], list[str]] = {}
    for one in problems:
        key = (one.code, one.place.file, one.message, None if one.code in _OF_NAMES else one.place)
        if first.setdefault(key, one).place.line != one.place.line:
            lines.setdefault(key, []).append(str(one.place.line))
    for key, one in first.items():
        others = ", ".join(dict.fromkeys(lines.get(key, ())))
        yield replace(one, message=f"{one.message} Also on line {others}.") if others else one
