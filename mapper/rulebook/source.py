"""YAML read into nodes that know where they stand in the file.

Only the plain part of YAML: maps, lists and scalars. Anchors, aliases, tags, merge keys, a key twice and more than one
document are refused, and none of YAML 1.1's surprises apply: `NO`, `on`, `0123` and `12:30` are text. Files are bounded
in size, depth and number of nodes, since rules and settings come from people we do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from mapper.diagnostics import Diagnostic, Place
from mapper.errors import RuleError
from mapper.rulebook.misread import misread

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 20
MAX_BYTES = 4 * MAX_CHARACTERS
MAX_NODES = 20_000
FILE_LINES = 1_000_000
"""Added to a line, in compiled code, for each file before its own: code knows one file, none has so many lines."""

Kind = Literal["text", "number", "flag", "null", "list", "map"]

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")
_NUMBER_STARTS = frozenset("-0123456789")
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ESCAPE = re.compile(r"\\(x..|u....|U........|.)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_FLAGS = {"true": True, "false": False}

# libyaml reads a file twenty times as fast as PyYAML itself; wheels of PyYAML have it, other installations may not.
_LIBYAML: Any = getattr(yaml, "CSafeLoader", None)
# What the two read differently, or only libyaml reads: found by reading some 100,000 mutated rules with both.
_READ_DIFFERENTLY = re.compile(
    "[^\n -~\xa1-\u2027\u2030-\ud7ff\ue000-\ufefe\uff01-\ufffd\U00010000-\U0010ffff]|[?]|[|>][-+0-9]*#"
)


@dataclass(slots=True)
class Node:
    """One YAML value. `text` is a scalar's; `items` of a list, `entries` and `keys` (their places) of a map.

    `raw` is a scalar as it stands in the file where that is not its text: with the escapes of a quoted one, with the
    line ends of a folded block. It begins at `place`, after the quote; the lines of a `block` are indented alike.
    """

    kind: Kind
    place: Place
    text: str = ""
    raw: str = ""
    quote: str = ""
    block: bool = False
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)

    def plain(self) -> Any:
        """Return the value as plain Python: str, Decimal, bool, None, list or dict."""
        if self.kind == "map":
            return {name: node.plain() for name, node in self.entries.items()}
        if self.kind == "list":
            return [node.plain() for node in self.items]
        if self.kind == "number":
            return Decimal(self.text)
        if self.kind == "flag":
            return _FLAGS[self.text]
        return None if self.kind == "null" else self.text

    def spot(self, offset: int, length: int = 1) -> Place:
        """Return the place of the characters from `offset` of a scalar's text."""
        if self.raw:
            start, end = (_raw_offset(self, one) for one in (offset, offset + length))
            offset, length = start, max(1, end - start)
        if not self.block:
            return Place(
                self.place.file, self.place.line, self.place.column + len(self.quote) + offset, length
            )
        before = (self.raw or self.text)[:offset]
        line = before.count("\n")
        column = offset - (before.rfind("\n") + 1)
        return Place(self.place.file, self.place.line + line, self.place.column + column, length)


class Source:
    """The text of one file, for excerpts."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    @cached_property
    def lines(self) -> list[str]:
        """The lines as YAML counts them; str.splitlines knows further line ends."""
        return _LINE_END.split(self.text)

    def problem(self, code: str, place: Place, message: str, hint: str = "") -> Diagnostic:
        """Return a diagnostic with the line it stands on."""
        excerpt = self.lines[place.line - 1] if 0 < place.line <= len(self.lines) else ""
        return Diagnostic(code, place, message, hint, excerpt)


def read_file(path: Path, shown_as: str = "") -> Node:
    """Read a YAML file. Raises RuleError as `read` does, and RULE101 when the file cannot be read."""
    file = shown_as or str(path)
    return read(read_text(path, file), file)


def read_text(path: Path, shown_as: str, hint: str = "") -> str:
    """Return the text of a file. Raises RuleError RULE101 when it cannot be read, RULE106 when it is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "no such name"
        raise RuleError(
            [Diagnostic("RULE101", Place(shown_as, 1, 1), f"Cannot read this file: {reason}.", hint)]
        ) from None
    if len(content) > MAX_BYTES:
        message = f"The file has more than {MAX_BYTES} bytes."
        raise RuleError([Diagnostic("RULE106", Place(shown_as, 1, 1), message, "Split it.")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        message = f"Byte {error.start} is not UTF-8 text."
        problem = Diagnostic("RULE101", Place(shown_as, line, column), message, "Save the file as UTF-8.")
        raise RuleError([problem]) from None


def read(text: str, file: str) -> Node:
    """Read YAML text; an empty text is an empty map.

    Raises RuleError with all problems that can be told apart: RULE102 not YAML, RULE103 a key twice, RULE104 anchor,
    alias or merge key, RULE105 tag, RULE106 too large, too deep or too many values, RULE108 a text over several lines.
    """
    source = Source(text, file)
    if len(text) > MAX_CHARACTERS:
        message = f"The file has {len(text)} characters; at most {MAX_CHARACTERS} are read."
        raise RuleError([source.problem("RULE106", Place(file, 1, 1), message, "Split it.")])
    root = _read_quickly(source)
    return root if root is not None else _read_thoroughly(source)


def is_plain(text: str) -> bool:
    """Tell whether libyaml reads a text as PyYAML does, unless it holds a problem."""
    return _LIBYAML is not None and not _READ_DIFFERENTLY.search(text)


def _read_quickly(source: Source) -> Node | None:
    """Read a text by libyaml; None when it holds a problem, or what PyYAML may read otherwise: PyYAML decides then."""
    read_part = part(source, source.text) if is_plain(source.text) else None
    return None if read_part is None else read_part.root or Node("map", Place(source.file, 1, 1))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a plain text: its node, None when it is empty, and how many values it has."""

    root: Node | None
    count: int


def part(source: Source, text: str, *, above: int = 0, depth: int = 0) -> Part | None:
    """Read a part of a plain text, below so many lines and inside so many values; None when it holds a problem."""
    builder = _Builder(source, above, depth)
    try:
        for event in yaml.parse(text, Loader=_LIBYAML):
            if isinstance(event, yaml.ScalarEvent) and not event.value and not event.style:
                return None  # an absent value has another place
            builder.take(event)
    except (yaml.YAMLError, RuleError, ValueError):
        return None
    return None if builder.problems else Part(builder.root, builder.count)


def _read_thoroughly(source: Source) -> Node:
    builder, text, file = _Builder(source), source.text, source.file
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_yaml_problem(builder, error))
    except yaml.reader.ReaderError as error:
        line, column = _line_and_column(text, error.position)
        message = f"The character U+{error.character:04X} may not stand in a YAML file."
        builder.problems.append(source.problem("RULE102", Place(file, line, column), message, "Remove it."))
    except (ValueError, OverflowError):
        # The parser turns \U escapes into characters without a look at their range.
        found = next((one for one in _ESCAPE.finditer(text) if int(one[1][1:] or "0", 16) > 0x10FFFF), None)
        line, column = _line_and_column(text, found.start() if found else 0)
        message = "There is no character with this number."
        builder.problems.append(
            source.problem("RULE102", Place(file, line, column, 10), message, "Remove the escape.")
        )
    if builder.problems:
        raise RuleError(builder.problems)
    return builder.root or Node("map", Place(file, 1, 1))


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    before = _LINE_END.split(text[:position])
    return len(before), len(before[-1]) + 1


def _raw_offset(node: Node, offset: int) -> int:
    """Return where in `node.raw` the character at `offset` of its text stands."""
    at = 0
    for character in node.text[:offset]:
        if node.block:
            # Of several line ends in a row a folded text keeps one less.
            while node.raw[at : at + 1] == "\n" and character not in " \n":
                at += 1
            at += 1
        elif node.quote == "'":
            at += 2 if character == "'" else 1
        else:
            escape = _ESCAPE.match(node.raw, at)
            at = escape.end() if escape else at + 1
    while (
        node.block and node.raw[at : at + 1] == "\n" and node.text[offset : offset + 1] not in {" ", "\n", ""}
    ):
        at += 1
    return min(at, len(node.raw))


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and all below it."""
    yield node
    for child in (*node.items, *node.entries.values()):
        yield from walk(child)


def _yaml_problem(builder: _Builder, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Return what the reader could not read; a text that it took to go on because of that is no problem of its own."""
    source, running_on = builder.source, builder.running_on
    told = misread(source.lines, error, running_on.place if running_on is not None else None)
    if running_on is not None:
        builder.problems.remove(running_on)
    return source.problem("RULE102", Place(source.file, told.line, told.column), told.message, told.hint)


_ONE_LINE = "Close the quote or mend the indentation, keep it on one line, or write it as a block: `key: |`."


class _Builder:
    """Makes nodes from parser events, without recursion, so that depth cannot exhaust the stack.

    What is parsed stands `above` lines further down in the source, inside `depth` values.
    """

    def __init__(self, source: Source, above: int = 0, depth: int = 0) -> None:
        self.source = source
        self.count = 0
        self._above = above
        self._depth = depth
        self.root: Node | None = None
        self.problems: list[Diagnostic] = []
        self.running_on: Diagnostic | None = None
        self._open: list[tuple[Node, list[Node]]] = []

    def take(self, event: yaml.Event) -> None:
        self.running_on = None
        if isinstance(event, yaml.ScalarEvent):
            self._check(event)
            if _goes_on(event):
                self._refuse("RULE108", event, "This text goes on on the next line.", _ONE_LINE)
                self.running_on = self.problems[-1]
            if event.style == '"' and _SURROGATE.search(event.value):
                self._refuse(
                    "RULE102",
                    event,
                    "This text holds half a character.",
                    "Write the character itself, not its escapes.",
                )
            self._add(_scalar(event, self._place(event), self.source, self._above))
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._check(event)
            kind: Kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
            self._enter(Node(kind, self._place(event)))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._leave()
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(
                "RULE104", event, f"'*{event.anchor}' repeats another value.", "Write the value out."
            )
            self._add(Node("null", self._place(event)))
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            message, hint = "A second document begins here.", "Keep one document a file: remove the '---'."
            self._refuse("RULE102", event, message, hint)

    def _check(self, event: Any) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self._stop(event, f"The file has more than {MAX_NODES} values.")
        if event.anchor:
            self._refuse(
                "RULE104",
                event,
                f"'&{event.anchor}' names a value to repeat it.",
                "Write values out where they are used.",
            )
        if event.tag:
            self._refuse(
                "RULE105",
                event,
                f"The tag '{event.tag}' is not allowed.",
                "Remove it; a condition is turned round by `not`: `not order.paid`.",
            )

    def _enter(self, node: Node) -> None:
        if len(self._open) + self._depth >= MAX_DEPTH:
            self._stop(node.place, f"Values are nested more than {MAX_DEPTH} deep.")
        self._open.append((node, []))

    def _leave(self) -> None:
        node, children = self._open.pop()
        if node.kind == "list":
            node.items = children
        else:
            for key, value in zip(children[::2], children[1::2], strict=True):
                self._entry(node, key, value)
        self._add(node)

    def _entry(self, node: Node, key: Node, value: Node) -> None:
        name = key.text
        if key.kind in {"map", "list"}:
            self._refuse("RULE102", key.place, "A key must be a word.", "Write `word: value`.")
        elif name == "<<":
            self._refuse("RULE104", key.place, "'<<' merges another map.", "Write the entries out.")
        elif name in node.entries:
            first = node.keys[name].line
            self._refuse(
                "RULE103",
                key.place,
                f"'{name}' stands here twice; the first is on line {first}.",
                "Remove one.",
            )
        else:
            node.entries[name] = value
            node.keys[name] = key.place

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.root = node

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return Place(self.source.file, self._above + start.line + 1, start.column + 1, length or 1)

    def _refuse(self, code: str, at: Any, message: str, hint: str) -> None:
        place = at if isinstance(at, Place) else self._place(at)
        self.problems.append(self.source.problem(code, place, message, hint))

    def _stop(self, at: Any, message: str) -> None:
        self._refuse("RULE106", at, message, "Split the file.")
        raise RuleError(self.problems)


def _goes_on(event: Any) -> bool:
    """Tell whether a text that is no block stands on more than one line."""
    return bool(event.start_mark.line != event.end_mark.line) and event.style not in {"|", ">"}


def _scalar(event: Any, place: Place, source: Source, above: int) -> Node:
    text = event.value
    if event.style in {"|", ">"}:
        return _block(event, place, source.lines[place.line : above + event.end_mark.line + 1])
    if event.style:
        written = source.lines[place.line - 1][place.column : event.end_mark.column - 1]
        return Node("text", place, text, raw="" if written == text else written, quote=event.style)
    kind: Kind = "text"
    if text[:1] in _NUMBER_STARTS and _NUMBER.match(text):
        kind = "number"
    elif text in _FLAGS:
        kind = "flag"
    elif text in {"null", "~", ""}:
        kind = "null"
    return Node(kind, place, text)


def _block(event: Any, place: Place, lines: Sequence[str]) -> Node:
    """Return a block scalar, which fills these lines and more, placed at its first character."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return Node("text", place, "", block=True)
    text = event.value.rstrip("\n")
    # The indentation is what the parser took off the first line with text, wherever an indicator such as |2 put it.
    first = lines[filled[0]]
    begin = text.lstrip("\n").split("\n")[0]
    indent = max(0, len(first) - len(begin)) if first.endswith(begin) else len(first) - len(first.lstrip(" "))
    raw = "\n".join(line[indent:] for line in lines[: filled[-1] + 1])
    return Node(
        "text",
        Place(place.file, place.line + 1, indent + 1),
        text,
        raw="" if raw == text else raw,
        block=True,
    )
