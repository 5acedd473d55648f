"""How a document's work ends before it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mapper.errors import Fact

# Key or address refused: every further document would fail the same way.
WEFACT_REFUSES_US = frozenset({"WEF201", "WEF202", "WEF203"})


@dataclass(slots=True, eq=False)
class Stop(Exception):
    """Ends the work on a document: `fail` → error, `later` → waiting for `seconds`, `open` (R6), `ignore`.

    `cause` is a finding id, an error code or, for open and ignore, the reason. `identifier` and `code` are
    WeFact's when an invoice exists all the same (W19).
    """

    kind: Literal["fail", "later", "open", "ignore"]
    cause: str
    facts: dict[str, Fact] = field(default_factory=dict)
    seconds: float = 0
    identifier: str = ""
    code: str = ""
