"""One tenant's changes to single entries of the rules, put into the rulebooks' nodes before these are typed.

So an overlaid entry is checked as any other, and its place is that in the overlay. docs/rules.md, "Overlays", has the
form. An overlay replaces what is there; only a request may get a parameter that it does not have yet.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mapper.diagnostics import Diagnostic, Place
from mapper.rulebook import forms
from mapper.rulebook.source import Node, Source

SECTIONS = tuple(forms.OVERLAY.known)
_NAMED = ("document", "every_line", "totals", "values")
_CHECK_KEYS = tuple(key for key in forms.CHECK_CHANGE.known if key not in {"id", "about", "nth"})
_TESTS = ("that", "if")
_HOLDERS = frozenset({"values", "params"})
"""What holds entries inside a line rule and a request."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """One entry of an overlay: its path for people, its place, and that of what it replaces (None: a new parameter)."""

    path: str
    place: Place
    was: Place | None


@dataclass(frozen=True, slots=True)
class Overlaid:
    """What an overlay replaced, and its problems."""

    replaced: tuple[Replaced, ...]
    problems: tuple[Diagnostic, ...]


def overlay(roots: Iterable[Node], changes: Node, source: Source) -> Overlaid:
    """Put the entries of `changes`, read from `source`, into the rulebooks' nodes; problems leave these as they are.

    Problems: RULE211 a section that is no map or list, RULE219 an unknown key, RULE301 nothing to replace, RULE302
    several checks fit.
    """
    placed = _Overlay(list(roots), source)
    placed.put(changes)
    return Overlaid(tuple(placed.replaced), tuple(placed.problems))


def changeable(root: Node) -> Node:
    """Return a rulebook's node in which entries can be replaced. What is not replaced stays the very same node."""
    sections = {}
    for name, node in root.entries.items():
        items = [_own(item) if _is_changed_in_place(name, item) else item for item in node.items]
        sections[name] = replace(_own(node), items=items)
    return replace(root, entries=sections, keys=dict(root.keys))


def _is_changed_in_place(section: str, item: Node) -> bool:
    return section == "requests" or (section == "lines" and "kind" not in item.entries)


def _own(node: Node) -> Node:
    """Return a map like another one, in which entries can be replaced, also those of its values or parameters."""
    entries = {
        name: replace(inner, entries=dict(inner.entries), keys=dict(inner.keys))
        if name in _HOLDERS
        else inner
        for name, inner in node.entries.items()
    }
    return replace(node, entries=entries, keys=dict(node.keys))


def extended(base: Node, changes: Node, source: Source) -> tuple[Node, tuple[Diagnostic, ...]]:
    """Return a rulebook that has the entries of another, `base` (which is changed), and its own in their place.

    An entry that `base` does not have stands right above the next one that takes another's place; a check that it does
    not have stands at the end. Problems are those of an overlay.
    """
    placed = _Overlay([base], source, adds=True)
    sections = {name: node for name, node in changes.entries.items() if name in SECTIONS}
    placed.put(Node("map", changes.place, entries=sections, keys=changes.keys))
    for name in ("rulebook", "reads"):
        if name in changes.entries:
            base.entries[name], base.keys[name] = changes.entries[name], changes.keys[name]
    return base, tuple(placed.problems)


class _Overlay:
    """`adds`: an entry that is not there yet is added, instead of being a problem."""

    def __init__(self, roots: list[Node], source: Source, *, adds: bool = False) -> None:
        self.roots = roots
        self.source = source
        self.adds = adds
        self.replaced: list[Replaced] = []
        self.problems: list[Diagnostic] = []

    def put(self, changes: Node) -> None:
        sections = self.entries(changes, "An overlay")
        for name, node in sections.items():
            place = changes.keys[name]
            if name in _NAMED:
                self.named(name, self.maps(name), node)
            elif name == "lines":
                for line, values in self.entries(node, "'lines'").items():
                    self.named(f"lines.{line}", self.line_rules(line), values, node.keys[line], "line rule")
            elif name == "requests":
                self.requests(node)
            elif name == "checks":
                self.checks(node)
            else:
                self.refuse("RULE219", place, f"An overlay has no '{name}'.", _close(name, SECTIONS))

    def named(
        self, section: str, maps: list[Node], changes: Node, place: Place | None = None, what: str = "section"
    ) -> None:
        """Replace values by name in the first of the maps that has them."""
        if not maps and place is not None:
            known = [_name(rule) for rule in self.rules_of_lines()] if what == "line rule" else []
            name = section.rpartition(".")[2]
            self.refuse("RULE301", place, f"There is no {what} '{name}'.", _close(name, known))
            return
        known = list(dict.fromkeys(name for one in maps for name in one.entries))
        for name, value in self.entries(changes, f"'{section}'").items():
            inside = next((one for one in maps if name in one.entries), None)
            if inside is None and self.adds and maps:
                self.add(maps[0], changes, name)
            elif inside is None:
                message = f"'{section}' has no '{name}' to replace."
                self.refuse("RULE301", changes.keys[name], message, _close(name, known))
            else:
                self.replace(f"{section}.{name}", inside, name, value, changes.keys[name])

    def add(self, inside: Node, changes: Node, name: str) -> None:
        """Put a new entry above the next one of the changes that takes another's place; at the end if there is none."""
        names = list(changes.entries)
        later = (other for other in names[names.index(name) + 1 :] if other in inside.entries)
        above = next(later, None)
        entries: dict[str, Node] = {}
        for known, node in inside.entries.items():
            if known == above:
                entries[name] = changes.entries[name]
            entries[known] = node
        entries.setdefault(name, changes.entries[name])
        inside.entries, inside.keys[name] = entries, changes.keys[name]

    def requests(self, changes: Node) -> None:
        found = {name: node for root in self.roots for name, node in _by_name(root.entries.get("requests"))}
        for name, node in self.entries(changes, "'requests'").items():
            request = found.get(name)
            if request is None:
                message = f"There is no request '{name}'."
                self.refuse("RULE301", changes.keys[name], message, _close(name, list(found)))
                continue
            for key, params in self.entries(node, f"'requests.{name}'").items():
                given = request.entries.get("params")
                if key != "params":
                    message = f"An overlay changes the `params` of a request, not its '{key}'."
                    self.refuse("RULE219", node.keys[key], message, "")
                elif given is not None and given.kind == "map":
                    for param, value in self.entries(params, "'params'").items():
                        path = f"requests.{name}.params.{param}"
                        self.replace(path, given, param, value, params.keys[param])

    def checks(self, changes: Node) -> None:
        if changes.kind != "list":
            self.refuse("RULE211", changes.place, "'checks' is a list: each item begins with '- '.", "")
            return
        for item in changes.items:
            self.check(item)

    def check(self, changes: Node) -> None:
        entries = self.entries(changes, "A check of an overlay")
        wanted = {key: entries[key].text for key in ("id", "about") if key in entries}
        if len(wanted) < 2:
            message = "A check of an overlay names the `id` and the `about` of the check it changes."
            self.refuse("RULE218", changes.place, message, "")
            return
        said = f"{wanted['id']} about {wanted['about']}"
        known = [one for one in self.all_checks() if one.kind == "map"]
        fitting = [one for one in known if all(_word(one, key) == value for key, value in wanted.items())]
        number = entries["nth"].text if "nth" in entries else "1" if len(fitting) == 1 else ""
        if any(one.place.file == changes.place.file for one in fitting) and "nth" not in entries:
            message = f"A check {said} stands here already: this one would take its place."
            self.refuse("RULE302", changes.place, message, "Give one of the two another `about`.")
        elif not fitting and self.adds and self.roots[0].entries.get("checks") is not None:
            self.roots[0].entries["checks"].items.append(changes)
        elif not fitting:
            names = [f"{_word(one, 'id')} about {_word(one, 'about')}" for one in known]
            self.refuse("RULE301", changes.place, f"There is no check {said}.", _close(said, names))
        elif not number.isdecimal() or not 1 <= int(number) <= len(fitting):
            message = f"{len(fitting)} checks are {said}."
            self.refuse(
                "RULE302", changes.place, message, f"Say which one: `nth: 1` to `nth: {len(fitting)}`."
            )
        else:
            self.change_check(said, fitting[int(number) - 1], changes, entries)

    def change_check(self, said: str, check: Node, changes: Node, entries: Mapping[str, Node]) -> None:
        self.replaced.append(Replaced(f"checks.{said}", changes.place, check.place))
        check = self.own(check)
        check.place = changes.place
        for key, value in entries.items():
            if key in {"id", "about", "nth"}:
                continue
            if key not in _CHECK_KEYS:
                message = f"A check of an overlay has no '{key}'."
                self.refuse("RULE219", changes.keys[key], message, _close(key, _CHECK_KEYS))
                continue
            if key in _TESTS:
                # `that` and `if` say the same thing in two ways: the new one takes the other's place.
                for old in _TESTS:
                    check.entries.pop(old, None)
            check.entries[key], check.keys[key] = value, changes.keys[key]

    def replace(self, path: str, inside: Node, name: str, value: Node, place: Place) -> None:
        self.replaced.append(Replaced(path, place, inside.keys.get(name)))
        inside.entries[name], inside.keys[name] = value, place

    # what may be replaced

    def maps(self, section: str) -> list[Node]:
        found = [root.entries[section] for root in self.roots if section in root.entries]
        if section == "values":
            between = (item for item in self.line_items() if set(item.entries) == {"values"})
            found += [item.entries["values"] for item in between]
        return [node for node in found if node.kind == "map"]

    def line_items(self) -> Iterator[Node]:
        for root in self.roots:
            lines = root.entries.get("lines")
            yield from (item for item in (lines.items if lines is not None else ()) if item.kind == "map")

    def rules_of_lines(self) -> Iterator[Node]:
        return (item for item in [*self.line_items()] if "kind" in item.entries)

    def line_rules(self, name: str) -> list[Node]:
        rules = [self.own(rule) for rule in self.rules_of_lines() if _name(rule) == name]
        values = [rule.entries.get("values") for rule in rules]
        return [node for node in values if node is not None and node.kind == "map"]

    def all_checks(self) -> Iterator[Node]:
        for root in self.roots:
            checks = root.entries.get("checks")
            yield from checks.items if checks is not None else ()

    def own(self, item: Node) -> Node:
        """Put a copy in the place of a line rule or a check, since others may have the very same."""
        sections = (root.entries.get(name) for root in self.roots for name in ("lines", "checks"))
        own = _own(item)
        for section in filter(None, sections):
            section.items[:] = [own if one is item else one for one in section.items]
        return own

    # problems

    def entries(self, node: Node, what: str) -> dict[str, Node]:
        if node.kind != "map":
            self.refuse("RULE211", node.place, f"{what} holds `name: value` entries.", "")
            return {}
        return node.entries

    def refuse(self, code: str, place: Place, message: str, hint: str) -> None:
        self.problems.append(self.source.problem(code, place, message, hint))


def _by_name(requests: Node | None) -> Iterator[tuple[str, Node]]:
    for item in requests.items if requests is not None else ():
        if item.kind == "map":
            yield _word(item, "name"), item


def _name(rule: Node) -> str:
    return _word(rule, "name") or _word(rule, "kind")


def _word(node: Node, key: str) -> str:
    found = node.entries.get(key)
    return found.text if found is not None else ""


def _close(name: str, known: Iterable[str]) -> str:
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known here: {', '.join(names[:30])}." if names else ""
