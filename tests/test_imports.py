"""What is imported when, and that errors, codes and texts belong together: things a linter cannot see."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from mapper.catalogue import CATALOGUE
from mapper.cli.program import COMMANDS

ROOT = Path(__file__).parent.parent
HEAVY = (
    "sqlalchemy",
    "dbos",
    "httpx",
    "yaml",
    "textual",
    "jsonschema",
    "starlette",
    "uvicorn",
    "cryptography",
)
_CODE = re.compile(r'"([A-Z]{3,4}[0-9]{3})"')


def loaded_after(statement: str) -> set[str]:
    """Return which heavy packages a fresh Python has loaded after the statement."""
    program = (
        f"import sys; {statement}; print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ran.stderr.split())


def test_help_loads_nothing_heavy():
    assert loaded_after("from mapper.cli.program import run; run(['--help'])") == set()


@pytest.mark.parametrize("module", sorted({module for module, _, _ in COMMANDS.values()}))
def test_the_module_of_a_command_loads_nothing_heavy(module):
    assert loaded_after(f"import {module}") == set()


def test_mapping_loads_nothing_that_has_effects():
    assert loaded_after("import mapper.mapping") <= {"yaml"}


def test_help_loads_little_more_than_click_itself():
    """In modules, which a busy machine does not change: 119 where click takes 95."""

    def count(statement: str) -> int:
        program = f"import sys; {statement}; print(len(sys.modules), file=sys.stderr)"
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return int(ran.stderr)

    assert count("from mapper.cli.program import run; run(['--help'])") < 1.5 * count("import click")


def codes_in_source() -> set[str]:
    folders = (ROOT / "mapper", ROOT / "tui")
    sources = (path for folder in folders for path in folder.rglob("*.py") if path.name != "catalogue.py")
    return {code for path in sources for code in _CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_in_the_source_is_in_the_catalogue():
    assert sorted(codes_in_source() - set(CATALOGUE)) == []


def test_every_code_in_the_catalogue_is_used():
    folders = (ROOT / "mapper", ROOT / "tui")
    sources = (path for folder in folders for path in folder.rglob("*.py") if path.name != "catalogue.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert [code for code in CATALOGUE if f'"{code}"' not in text] == []


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_both_languages_say_the_same(code):
    entry = CATALOGUE[code]
    assert placeholders(entry.en) == placeholders(entry.nl)
    assert placeholders(entry.remedy_en) == placeholders(entry.remedy_nl)
    assert all((entry.en, entry.nl, entry.remedy_en, entry.remedy_nl))


def test_a_message_is_a_sentence():
    assert [
        code for code, entry in CATALOGUE.items() if not entry.en.rstrip().endswith((".", "?", "}"))
    ] == []
