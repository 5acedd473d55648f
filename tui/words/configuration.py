"""The Dutch of Configuration and Profile."""

from __future__ import annotations

WORDS: dict[str, str] = {}
