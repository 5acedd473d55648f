"""Settings while they are changed: nothing is saved before all of it is right, and every step can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from mapper.errors import Language

if TYPE_CHECKING:
    from mapper.diagnostics import Diagnostic

Settings = dict[str, Any]


class Draft:
    """`saved` is what holds now, `current` what it would become; `problems` are told by the key of their setting."""

    def __init__(self, saved: Mapping[str, Any]) -> None:
        self.saved: Settings = deepcopy(dict(saved))
        self.current: Settings = deepcopy(self.saved)
        self.problems: dict[str, Diagnostic] = {}
        self._steps: list[Settings] = []

    @property
    def changes(self) -> dict[str, Any]:
        """Return the dotted keys that differ from what is saved, with their new values."""
        from mapper.settings import differences

        return differences(self.saved, self.current)

    @property
    def can_save(self) -> bool:
        """Tell whether there is something to save, all of it right."""
        return bool(self.changes) and not self.problems

    def get(self, key: str) -> Any:
        """Return the value of a dotted key."""
        value: Any = self.current
        for name in key.split("."):
            value = value[name]
        return value

    def put(self, key: str, value: Any) -> None:
        """Change one setting, and look what is wrong by now."""
        self._steps.append(deepcopy(self.current))
        *parents, last = key.split(".")
        target = self.current
        for name in parents:
            target = target[name]
        target[last] = value
        self._check()

    def put_all(self, settings: Mapping[str, Any]) -> None:
        """Change everything at once, as to what held before."""
        self._steps.append(deepcopy(self.current))
        self.current = deepcopy(dict(settings))
        self._check()

    def undo(self) -> bool:
        """Take the last step back; False when there is none."""
        if not self._steps:
            return False
        self.current = self._steps.pop()
        self._check()
        return True

    def problem_of(self, key: str, language: Language) -> str:
        """Return what is wrong with a setting, or with a part of it; empty when nothing is."""
        for about, problem in self.problems.items():
            if about == key or about.startswith((f"{key}.", f"{key}[")):
                return told(problem, language)
        return ""

    def rebase(self, saved: Mapping[str, Any]) -> None:
        """Take over what was saved meanwhile, when nothing is changed here."""
        if not self.changes:
            self.__init__(saved)  # type: ignore[misc]

    def _check(self) -> None:
        from mapper.settings import SettingsError, check

        self.problems = {}
        try:
            self.current = check(self.current)
        except SettingsError as error:
            self.problems = {problem.about: problem for problem in reversed(error.diagnostics)}


def told(problem: Diagnostic, language: Language) -> str:
    """Return a problem in a language, with its hint."""
    message, hint = (problem.message, problem.hint)
    if language == "nl" and problem.dutch is not None:
        message, hint = problem.dutch
    return f"{message} {hint}".strip()
