"""Why a value is what it is: the tree of rules and inputs, as `mapper explain` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from mapper.diagnostics import printable
from tui.dialogs import Dialog
from tui.session import Session

if TYPE_CHECKING:
    from mapper.authoring.explain import Explainer
    from mapper.authoring.explanation import Explanation

_SIGNS = "│├└─ "


def explainer_of(session: Session, document_id: str) -> Explainer:
    """Return what explains a stored document with the rules and settings of its day. Raises what `recall` raises."""
    from mapper.authoring.recall import recall

    return recall(session.database, session.tenant, document_id).explainer()


class ExplainScreen(Dialog[None]):
    """One value explained."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,x,enter", "dismiss(None)", "Close", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, explained: Explanation) -> None:
        super().__init__()
        self._explained = explained

    def compose(self) -> ComposeResult:
        """Lay out the tree."""
        with Vertical(classes="dialog -wide") as box:
            box.border_title = Text(printable(self._explained.path, 80))
            box.border_subtitle = Text(self.t("y copies · Escape closes"))
            yield VerticalScroll(Static(tree(self._explained)), classes="told")

    def action_copy(self) -> None:
        """Copy the explanation."""
        self.app.copy_to_clipboard(self._explained.render())
        self.mapper.tell(self.t("Copied the explanation."))


def tree(explained: Explanation) -> Text:
    """Return the tree with its values, rules and cases told apart by weight, and by their signs."""
    told = Text(no_wrap=False)
    for number, line in enumerate(explained.render().splitlines()):
        told.append("\n" if number else "")
        content = line.lstrip(_SIGNS)
        told.append(line[: len(line) - len(content)], "dim")
        told.append(content, _style(content))
    return told


def _style(content: str) -> str:
    if content.startswith(("✗", "(")):
        return "dim"
    if content.startswith(("✓", "≈")):
        return "italic"
    return "dim" if content.startswith("rules/") or ".yaml:" in content.partition("  ")[0] else "bold"
