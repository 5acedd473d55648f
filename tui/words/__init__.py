"""The texts of the screens: English, as they stand in the code, with their Dutch."""

from __future__ import annotations

from mapper.errors import Language
from tui.words import configuration, everywhere, lists, rules

WORDS: dict[str, str] = {**everywhere.WORDS, **lists.WORDS, **configuration.WORDS, **rules.WORDS}


def spoken(text: str, language: Language, /, **facts: object) -> str:
    """Return a text in a language, its `{placeholders}` filled; what has no Dutch is a name and stays as it is."""
    said = WORDS.get(text, text) if language == "nl" else text
    return said.format(**facts) if facts else said
