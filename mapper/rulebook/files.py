"""The files that rules consist of, a tenant's overlay among them, read together with all their problems."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from mapper.diagnostics import Diagnostic, Place
from mapper.errors import RuleError
from mapper.rulebook.compiler import Compiled
from mapper.rulebook.expressions import Reader
from mapper.rulebook.functions import Function
from mapper.rulebook.loader import read_rules
from mapper.rulebook.overlay import Overlaid, extended, overlay
from mapper.rulebook.rules import Rules
from mapper.rulebook.source import Node, Source, read, read_text
from mapper.rulebook.types import Type, join
from mapper.vat import rates as vat_rates
from mapper.vat import territories as vat_territories

KINDS: Mapping[str, str] = {"order": "ccv_order.yaml", "invoice": "ccv_invoice.yaml"}
TARGET = "wefact.yaml"
RATES = "vat_rates.yaml"
TERRITORIES = "vat_territories.yaml"
NEEDED = (KINDS["order"], TARGET, RATES)
"""Rules without the other kinds are whole; documents of such a kind then stop (MAP207)."""
FILES = (*KINDS.values(), TARGET, RATES, TERRITORIES)
OPTIONAL = (TERRITORIES,)
"""Rules published before these existed ask nothing of them; where they are absent, the shipped ones count."""
OVERLAY = "overlay.yaml"


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
    """Reads rule files, called as `files` says, collecting their problems."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.problems: list[Diagnostic] = []
        self.sources: dict[str, Source] = {}

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
            return read(text, shown)
        except RuleError as error:
            self.problems += error.diagnostics
            return Node("map", Place(shown, 1, 1))

    def overlay(self, roots: dict[str, Node], texts: Mapping[str, str]) -> Overlaid:
        """Put the tenant's overlay, if there is one, into the rulebooks."""
        if OVERLAY not in texts:
            return Overlaid((), ())
        rulebooks = [roots[name] for name in (*KINDS.values(), TARGET) if name in roots]
        overlaid = overlay(rulebooks, roots[OVERLAY], self.sources[self.files[OVERLAY]])
        self.problems += overlaid.problems
        return overlaid

    def extend(self, roots: dict[str, Node]) -> None:
        """Give each rulebook that extends another the entries of that one."""
        for name, root in roots.items():
            if name not in KINDS.values() or "extends" not in root.entries:
                continue
            base = root.entries["extends"]
            if base.text == name or base.text not in roots or "extends" in roots[base.text].entries:
                hint = f"One of: {', '.join(other for other in KINDS.values() if other != name)}."
                message = f"'{base.text}' cannot be extended."
                self.problems.append(self.problem(Diagnostic("RULE303", base.place, message, hint)))
                continue
            merged = replace(roots[base.text].copy(), place=root.place)
            roots[name], problems = extended(merged, root, self.sources[self.files[name]])
            self.problems += problems

    def document(self, sources: Mapping[str, Rules]) -> Type:
        """Return the type of a document of any kind: the fields that every kind sets, and alike."""
        kinds = list(sources.values())
        fields = dict(kinds[0].document.fields or {})
        for rules in kinds[1:]:
            own = rules.document.fields or {}
            for name, kind in list(fields.items()):
                joined = join(kind, own[name]) if name in own else None
                if joined is None:
                    how = f"as {own[name].called}, not as {kind.called}" if name in own else "nowhere"
                    message = f"'{name}' is set {how} by {rules.file}, but by {kinds[0].file}."
                    hint = (
                        "Every kind of document has the same fields; set it to `none` where it means nothing."
                    )
                    self.problems.append(Diagnostic("RULE225", Place(rules.file, 1, 1), message, hint))
                else:
                    fields[name] = joined
        return Type("record", fields=fields)

    def problem(self, one: Diagnostic) -> Diagnostic:
        """Return a problem with the line of the file it is in, which may be the overlay."""
        return self.sources[one.place.file].problem(one.code, one.place, one.message, one.hint)

    def rates(self, root: Node | None) -> vat_rates.VatRates:
        """Return the VAT rates; none when the table has problems, so that the rules are checked all the same."""
        try:
            if root is not None and root.entries:
                return vat_rates.from_node(root)
            if root is not None and not self.problems:
                self.problems.append(Diagnostic("RULE107", root.place, "The table of VAT rates is empty."))
        except RuleError as error:
            self.problems += [self.problem(one) for one in error.diagnostics]
        return vat_rates.VatRates(date.min, {}, {})

    def territories(self, root: Node) -> vat_territories.Territories:
        """Return the territories; none when the table has problems, so that the rules are checked all the same."""
        try:
            if root.entries:
                return vat_territories.from_node(root)
        except RuleError as error:
            self.problems += [self.problem(one) for one in error.diagnostics]
        return vat_territories.NONE

    def rules(
        self, name: str, root: Node, available: Mapping[str, Function], given: Mapping[str, Type]
    ) -> Rules:
        """Return a rulebook, typed; `given` are the names it starts from."""
        if not root.entries:
            return Rules(name, self.files[name], "", given, (), (), (), Type("record", fields=None))
        reader = Reader(self.sources[self.files[name]], available)
        others = [
            self.files[other] for other in (*KINDS.values(), OVERLAY) if other in self.files and other != name
        ]
        rules = replace(read_rules(root, reader, given), others=tuple(others))
        unique = {(one.place, one.code, one.message): self.problem(one) for one in reader.problems}
        own = rules.file
        self.problems += sorted(
            unique.values(), key=lambda one: (one.place.file != own, one.place.line, one.place.column)
        )
        return rules

    def check_needs(self, compiled: Compiled) -> None:
        """Note each field that a rule needs although the shop's API says that it may be null."""
        for site in {(site.what, site.place): site for site in compiled.sites if site.nullable}.values():
            message = f"'{site.what}' may be null in the shop's API."
            hint = f"Give a default, as in `{site.what} or none`, or say that it must be there: `needed({site.what})`."
            self.problems.append(self.problem(Diagnostic("RULE221", site.place, message, hint)))
