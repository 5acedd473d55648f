"""Payment methods of the shop and the fixed debtors of their invoices (T5, W15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from tui.dialogs import Dialog
from tui.face import Face
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from tui.account import Debtor


def columns(face: Face) -> tuple[Column, ...]:
    """Return the columns of the table."""
    return (Column(face.t("Payment method"), 24, grow=1), Column(face.t("Fixed debtor"), 24, grow=1))


def rows(face: Face, settings: Sequence[Mapping[str, Any]], of_shop: Sequence[str]) -> list[Row]:
    """Return the methods that are set, then those of the shop that are not."""
    from mapper.rulebook.functions import clean

    made = [
        Row(f"method {one['method']}", (one["method"], one["debtor"] or face.t("each customer's own")))
        for one in settings
    ]
    known = {clean(one["method"]) for one in settings}
    others = [name for name in of_shop if clean(name) not in known]
    if others:
        made.append(
            Row("heading", (face.t("In the shop, not set: each customer's own debtor"),), heading=True)
        )
        made += [Row(f"method {name}", (name, ""), "muted") for name in others]
    return made


def put(settings: Sequence[Mapping[str, Any]], method: str, debtor: str | None) -> list[dict[str, Any]]:
    """Return the settings with a method's debtor changed, or the method added."""
    changed = [{**one, "debtor": debtor} if one["method"] == method else dict(one) for one in settings]
    if method not in {one["method"] for one in settings}:
        changed.append({"method": method, "debtor": debtor})
    return changed


class FixedDebtor(Dialog[str]):
    """Search debtors in WeFact and choose one. The answer is its code, or empty for none."""

    def __init__(self, method: str, debtor: str) -> None:
        super().__init__()
        self._method, self._debtor = method, debtor

    def compose(self) -> ComposeResult:
        """Lay out the search and what it finds."""
        t = self.t
        with Vertical(classes="dialog -wide") as box:
            box.border_title = Text(t("Fixed debtor of {method}", method=self._method))
            yield Static(
                Text(
                    t(
                        "All its invoices go to this debtor; not those of ICP, which always have the customer's own."
                    )
                ),
                classes="head",
            )
            yield Input(
                self._debtor, placeholder=t("Search in WeFact: code, company, name or e-mail"), max_length=100
            )
            yield Records(
                (
                    Column(t("Code"), 12),
                    Column(t("Name"), 24, grow=1),
                    Column(t("Place, e-mail"), 24, grow=1, spare=1),
                ),
                id="debtors",
            )
            with Horizontal(classes="buttons"):
                yield Button(Text(t("No fixed debtor")), id="none")
                yield Button(Text(t("Cancel")), id="no")

    def on_mount(self) -> None:
        """Say how it works."""
        self.query_one(Records).tell(self.t("Enter searches; Enter on a row takes it."))

    @on(Input.Submitted)
    def _search(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.query_one(Records).tell(self.t("Searching in WeFact…"))
            self._find(event.value.strip())

    @work(exclusive=True, group="debtors")
    async def _find(self, wanted: str) -> None:
        from tui.account import find_debtors

        found: list[Debtor] | None = await self.attempt(find_debtors, self.session, wanted)
        records = self.query_one(Records)
        if not found:
            records.tell(self.t("None."))
            return
        records.show([Row(one.code, (one.code, one.name, one.place)) for one in found])
        records.focus()

    @on(Records.Opened)
    def _take(self, event: Records.Opened) -> None:
        self.dismiss(event.row.key)

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss("" if event.button.id == "none" else None)
