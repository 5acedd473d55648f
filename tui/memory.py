"""What the app remembers of a person between two times: tab, filters, theme, language. Never anything of a document."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

_MOST_BYTES = 64_000


class Memory:
    """A small JSON file in the state folder. One that is damaged or not writable is no reason to fail."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Any] = _read(path)

    def get(self, name: str, default: str = "") -> str:
        """Return what was kept as text, else the default."""
        found = self._known.get(name, default)
        return found if isinstance(found, str) else default

    def put(self, name: str, value: str) -> None:
        """Keep a text."""
        if self._known.get(name) == value:
            return
        self._known[name] = value
        if self._path is None:
            return
        # Where it cannot be written, as on a full disk, the next start is as the first was.
        with suppress(OSError):
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
            fresh.replace(self._path)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            known = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
