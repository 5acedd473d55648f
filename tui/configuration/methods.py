"""The section with the payment methods of the shop and the fixed debtors of their invoices (T5, W15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from tui.configuration.part import Part
from tui.dialogs import Ask, Dialog, ask
from tui.face import Face
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from tui.configuration.account import Debtor


class PaymentMethods(Part):
    """The methods. Enter searches the fixed debtor of one."""

    def __init__(self, face: Face, *, id: str) -> None:
        t = face.t
        super().__init__(
            (Column(t("Payment method"), 24, grow=1), Column(t("Fixed debtor"), 24, grow=1)), id=id
        )

    def draw(self) -> None:
        """Show those that are set, then those of the shop that are not."""
        from mapper.rulebook.functions import clean

        t, own = self.t, self.t("each customer's own")
        rows = [Row(one["method"], (one["method"], one["debtor"] or own)) for one in self._known]
        known = {clean(one["method"]) for one in self._known}
        of_shop = self.tab.account.methods if self.tab.account else ()
        others = [name for name in of_shop if clean(name) not in known]
        if others:
            rows.append(Row("", (t("Not set: each customer's own debtor"),), heading=True))
            rows += [Row(name, (name, ""), "muted") for name in others]
        self.show(rows, note=t("None: a adds one."))

    def told(self) -> Text:
        """Return what a fixed debtor is."""
        return Text(self.t("Invoices of a method with a fixed debtor all go to that debtor; ICP never does."))

    @property
    def _known(self) -> Sequence[Mapping[str, Any]]:
        known: Sequence[Mapping[str, Any]] = self.tab.draft.current["payment_methods"]
        return known

    def _put(self, methods: list[dict[str, Any]]) -> None:
        self.tab.draft.put("payment_methods", methods)
        self.tab.redraw()

    @work(exclusive=True, group="ask")
    async def action_add(self) -> None:
        """Add a payment method."""
        t = self.t
        told = t("As the shop writes it; hyphens and capitals do not matter.")
        window = Ask(t("Add a payment method"), told, label=t("Payment method"))
        if method := await ask(self.app, window):
            self._put(with_debtor(self._known, method, None))

    def action_remove(self) -> None:
        """Remove the method of the cursor."""
        if self.current is not None:
            self._put([dict(one) for one in self._known if one["method"] != self.current.key])

    @on(Records.Opened)
    def _opened(self, event: Records.Opened) -> None:
        self._edit(event.row.key)

    @work(exclusive=True, group="ask")
    async def _edit(self, method: str) -> None:
        debtor = next((one["debtor"] or "" for one in self._known if one["method"] == method), "")
        chosen = await ask(self.app, FixedDebtor(method, debtor))
        if chosen is not None:
            self._put(with_debtor(self._known, method, chosen or None))


def with_debtor(
    settings: Sequence[Mapping[str, Any]], method: str, debtor: str | None
) -> list[dict[str, Any]]:
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
        from tui.configuration.account import find_debtors

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
