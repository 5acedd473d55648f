"""Request bodies as PHP reads them: JSON, or forms with brackets (`InvoiceLines[0][Number]=2`)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from mapper.errors import PayloadError
from mapper.sandbox.wire import MAX_DEPTH, Object, parsed

MAX_FIELDS = 10_000
_NAME = re.compile(r"([^\[]+)((?:\[[^\[\]]*\])*)")


def parameters(body: bytes) -> Object:
    """Return the parameters of a request. JSON is recognised by its first character, whatever the header says."""
    if body.lstrip()[:1] == b"{":
        try:
            asked = parsed(body)
        except PayloadError:
            return {}
        return asked if isinstance(asked, dict) else {}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    tree: Object = {}
    for name, value in pairs:
        _place(tree, name, value)
    return {name: _listed(value) for name, value in tree.items()}


def _place(tree: Object, name: str, value: str) -> None:
    match = _NAME.fullmatch(name)
    if match is None or match[2].count("[") > MAX_DEPTH:
        tree[name] = value
        return
    steps = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    node = tree
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        key = step if step or node is tree else str(len(node))
        if following is None:
            node[key] = value
            return
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]


def _listed(value: Any) -> Any:
    """Turn `{"0": …, "1": …}` into a list, as PHP's arrays are both."""
    if not isinstance(value, dict):
        return value
    items = {name: _listed(item) for name, item in value.items()}
    if items and list(items) == [str(place) for place in range(len(items))]:
        return list(items.values())
    return items
