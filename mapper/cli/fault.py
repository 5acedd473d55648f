"""The report of a fault in the mapper itself: everything a developer needs, nothing that is secret."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mapper import __version__

# Keys, tokens, signatures; passwords in addresses; e-mail addresses.
_LONG_WORD = re.compile(r"(?<![\w/.])[A-Za-z0-9_\-+=]{20,}(?![\w/.])")
_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]*@")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASS", re.IGNORECASE)


def write_report(
    error: BaseException, arguments: Sequence[str], home: Path, *, environ: Mapping[str, str]
) -> Path:
    """Write the report, readable by its owner only, and return its path; not in `home` when that is not writable."""
    text = "\n".join(
        [
            f"mapper {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"at {datetime.now(UTC).isoformat(timespec='seconds')}",
            f"command: mapper {' '.join(_shape(arguments))}",
            "",
            redact("".join(traceback.format_exception(error)), environ),
        ]
    )
    try:
        folder = home / "faults"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(".txt", "fault-", folder, text=True)
    except OSError:
        descriptor, name = tempfile.mkstemp(".txt", "mapper-fault-", text=True)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return Path(name)


def redact(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` without keys, passwords and e-mail addresses, and without any secret of the environment."""
    for name, value in environ.items():
        if _SECRET_NAME.search(name) and len(value) >= 6:
            text = text.replace(value, "***")
    return _EMAIL.sub("***@***", _LONG_WORD.sub("***", _PASSWORD.sub(r"\1:***@", text)))


def _shape(arguments: Sequence[str]) -> list[str]:
    """Return the words of the command without the values given to it."""
    return [
        part.partition("=")[0] if part.startswith("-") else part if part.isalpha() else "…"
        for part in arguments
    ]
