"""A rule file read in pieces, so that after an edit only the piece that was edited is read anew.

A piece is an entry of a section, or of the file. Where cutting could change what the text means, it is read whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from mapper.diagnostics import Place
from mapper.rulebook.source import MAX_CHARACTERS, MAX_NODES, Node, Part, Source, is_plain, part, read

MOST_PIECES = 5_000

_SECTION = re.compile("([A-Za-z_][A-Za-z0-9_]*): *(#.*)?")
_BEGINS_FILE_ENTRY = re.compile("[A-Za-z_]")
# A list or map in brackets may not be followed by another entry.
_BEGINS_SECTION_ENTRY = re.compile("  [^ #{\\[]")
_read: dict[tuple[str, int, int, str], Part] = {}


def read_in_pieces(text: str, file: str) -> Node:
    """Read YAML text as `source.read` does, with the nodes of pieces that were read before. Raises RuleError as it."""
    if len(text) <= MAX_CHARACTERS and is_plain(text):
        root = _Cut(Source(text, file)).file()
        if root is not None:
            return root
    return read(text, file)


class _Cut:
    """Each method returns None for what cannot be read in pieces, or holds a problem."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0

    def file(self) -> Node | None:
        starts = self.beginnings(_BEGINS_FILE_ENTRY, 0, len(self.source.lines))
        sections = [self.section(*bounds) for bounds in starts]
        return _joined(sections, "map") if self.count <= MAX_NODES else None

    def section(self, start: int, end: int) -> Node | None:
        """Return a map with the one entry that stands on these lines."""
        header = _SECTION.fullmatch(self.source.lines[start])
        entries = self.beginnings(_BEGINS_SECTION_ENTRY, start + 1, end) if header else []
        if header is None or not entries:
            return self.piece(start, end, 0)
        nodes = [self.piece(*bounds, 1) for bounds in entries]
        inside = _joined(nodes, "map" if nodes[0] is not None and nodes[0].kind == "map" else "list")
        name, place = header[1], Place(self.source.file, start + 1, 1, 1)
        return inside and Node(
            "map", place, entries={name: inside}, keys={name: place._replace(length=len(name))}
        )

    def beginnings(self, begins: re.Pattern[str], start: int, end: int) -> list[tuple[int, int]]:
        """Return where entries begin and end; none when something else stands above the first."""
        lines = self.source.lines
        found = [number for number in range(start, end) if begins.match(lines[number])]
        above = lines[start : found[0]] if found else []
        if any(line.strip() and not line.lstrip().startswith("#") for line in above):
            return []
        return list(pairwise([*found, end])) if found else []

    def piece(self, start: int, end: int, depth: int) -> Node | None:
        lines = self.source.lines
        text = "\n".join(lines[start:end]) + ("\n" if end < len(lines) else "")
        key = (self.source.file, start, depth, text)
        found = _read.get(key)
        if found is None:
            found = part(self.source, text, above=start, depth=depth)
            if found is None:
                return None
            if len(_read) >= MOST_PIECES:
                _read.clear()
            _read[key] = found
        self.count += found.count
        return found.root


def _joined(pieces: Iterable[Node | None], kind: str) -> Node | None:
    """Return one map or list of all the pieces hold; None when one is something else, or a key stands there twice."""
    whole: Node | None = None
    for piece in pieces:
        if piece is None or piece.kind != kind or kind not in {"map", "list"}:
            return None
        if whole is None:
            whole = Node(piece.kind, piece.place)
        if not whole.entries.keys().isdisjoint(piece.entries):
            return None
        whole.items += piece.items
        whole.entries |= piece.entries
        whole.keys |= piece.keys
    return whole
