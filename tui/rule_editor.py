"""The editor of a rule file: YAML told apart by colour and weight, problems marked at their place, fields completed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.widgets import TextArea

if TYPE_CHECKING:
    from mapper.diagnostics import Diagnostic

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_KEY = re.compile(r"^(\s*(?:- )?)([\w.-]+)(?=:(?:\s|$))")
_INNER_KEY = re.compile(r"(?<=[{,] )([\w-]+)(?=:\s)")
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_WORD = re.compile(r"\b(?:and|or|not|if|else|in|true|false|null)\b")
_PATH = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)\.([a-z_]*)$")


class RuleEditor(TextArea):
    """A text area that shows diagnostics; `complete` proposes the rest of a field's name, the right arrow takes it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rule-editor--comment",
        "rule-editor--key",
        "rule-editor--quoted",
        "rule-editor--word",
        "rule-editor--problem",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id, soft_wrap=False, show_line_numbers=True, tab_behavior="indent", max_checkpoints=200
        )
        self.problems: Sequence[Diagnostic] = ()
        self.known: Mapping[str, Any] = {}
        self.cursor_blink = False

    def mark(self, problems: Sequence[Diagnostic]) -> None:
        """Show other diagnostics."""
        self.problems = problems
        self._line_cache.clear()
        self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line with its looks."""
        line = super().get_line(line_index)
        text = line.plain
        comment = _COMMENT.search(text)
        end = comment.start() if comment else len(text)
        if comment:
            line.stylize(self.get_component_rich_style("rule-editor--comment", partial=True), comment.start())
        for pattern, group, look in (
            (_KEY, 2, "key"), (_INNER_KEY, 1, "key"), (_WORD, 0, "word"), (_QUOTED, 0, "quoted"),
        ):  # fmt: skip
            style = self.get_component_rich_style(f"rule-editor--{look}", partial=True)
            for found in pattern.finditer(text, 0, end):
                line.stylize(style, found.start(group), found.end(group))
        wrong = self.get_component_rich_style("rule-editor--problem", partial=True)
        for problem in self.problems:
            if problem.place.line == line_index + 1:
                start = problem.place.column - 1
                line.stylize(wrong, start, start + max(1, problem.place.length))
        return line

    def update_suggestion(self) -> None:
        """Propose the rest of a payload's field name after a dot, when only one begins so."""
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        found = _PATH.search(before)
        self.suggestion = completion(self.known, *found.groups()) if found else ""


def completion(known: Mapping[str, Any], path: str, begun: str) -> str:
    """Return what completes a field's name: the rest of the one that begins so, or what all of them share."""
    names = [name for name in fields_of(known, path) if name.startswith(begun)]
    if not names:
        return ""
    first, last = min(names), max(names)
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return first[len(begun) : shared]


def fields_of(known: Mapping[str, Any], path: str) -> Iterable[str]:
    """Return the names of the fields below a path such as `order.customer`; `known` is a schema by first name."""
    first, *rest = path.split(".")
    schema = known.get(first)
    for name in rest:
        schema = _below(schema).get(name)
    return _below(schema)


def _below(schema: Any) -> Mapping[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    if "items" in schema:
        return _below(schema["items"])
    found = schema.get("properties", {})
    return found if isinstance(found, Mapping) else {}


@lru_cache(maxsize=1)
def known_fields() -> Mapping[str, Any]:
    """Return the schemas that the names in rules begin with: order, invoice, a row of either, tenant."""
    from mapper.mapping import payload_schema
    from mapper.settings_schema import SCHEMA

    order, invoice = payload_schema("order"), payload_schema("invoice")
    rows = order.get("properties", {}).get("rows", {})
    return {"order": order, "invoice": invoice, "row": rows, "tenant": SCHEMA}
