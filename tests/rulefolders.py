"""Folders of rules for tests: little ones, and copies of the shipped ones with something changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from mapper.mapping import KINDS, RATES, TARGET, shipped_rules

SOURCE = KINDS["order"]
FILES = (SOURCE, TARGET, RATES)

LITTLE_TARGET = """
requests:
  - {name: invoice, controller: invoice, action: add, params: {Id: document.id}}
"""


def little(folder: Path, source: str, target: str = LITTLE_TARGET) -> Path:
    """Write a folder with two rulebooks, whose first two lines are made here, and the shipped VAT rates."""
    folder.mkdir(exist_ok=True)
    (folder / SOURCE).write_text(f"rulebook: little\nreads: order\n{source.lstrip()}", encoding="utf-8")
    (folder / TARGET).write_text(f"rulebook: target\nreads: document\n{target.lstrip()}", encoding="utf-8")
    shutil.copy(shipped_rules() / RATES, folder)
    return folder


def copied(folder: Path, changes: dict[str, tuple[str, str]]) -> Path:
    """Copy the shipped rules, replacing in each file named a text that stands there exactly once."""
    shutil.copytree(shipped_rules(), folder, dirs_exist_ok=True)
    for name, (old, new) in changes.items():
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return folder
