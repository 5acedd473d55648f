"""The window for one row of the VAT codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Select, Static

from mapper.diagnostics import printable
from tui import amounts
from tui.configuration.rates import ACCOUNTS, replaced
from tui.dialogs import Dialog

if TYPE_CHECKING:
    from mapper.vat_settings import SaleCode
    from tui.configuration.draft import Draft


class EditRate(Dialog[dict[str, Any]]):
    """One row: its rate, and per account type a code of the WeFact account and a cost centre."""

    def __init__(
        self,
        title: str,
        draft: Draft,
        key: str,
        entry: Mapping[str, Any],
        codes: Sequence[SaleCode] | None,
        *,
        asks_rate: bool,
    ) -> None:
        super().__init__()
        self._title, self._draft, self._key = title, draft, key
        self._entry, self._codes, self._asks_rate = dict(entry), codes, asks_rate

    def compose(self) -> ComposeResult:
        """Lay out the fields."""
        t = self.t
        words = {"revenue": t("Revenue"), "shipping": t("Shipping costs"), "payment": t("Payment costs")}
        with Vertical(classes="dialog") as box:
            box.border_title = Text(self._title)
            if self._asks_rate:
                with Horizontal(classes="pair"):
                    yield Static(Text(t("Rate in %")), classes="name")
                    yield Input(
                        f"{self._entry['rate']:f}" if "rate" in self._entry else "", id="rate", compact=True
                    )
            for account in ACCOUNTS:
                booked = self._entry.get(account) or {}
                with Horizontal(classes="pair"):
                    yield Static(Text(words[account]), classes="name")
                    yield self._code(account, booked.get("code") or "")
                    yield Input(
                        booked.get("cost_centre") or "",
                        placeholder=t("cost centre"),
                        id=f"centre-{account}",
                        compact=True,
                        max_length=200,
                    )
            yield Static("", id="wrong", markup=False)
            yield Static(
                Text(t("Shipping and payment are as revenue where they are left empty.")), classes="head"
            )
            with Horizontal(classes="buttons"):
                yield Button(Text(t("Take over")), id="yes", variant="primary")
                yield Button(Text(t("Cancel")), id="no")

    def on_mount(self) -> None:
        """Begin at the code where the rate is known already."""
        if self._asks_rate and "rate" in self._entry and not self._entry.get("revenue"):
            self.query_one("#code-revenue").focus()

    def _code(self, account: str, code: str) -> Select[str] | Input:
        if not self._codes:
            return Input(
                code, id=f"code-{account}", compact=True, placeholder=self.t("tax code"), max_length=50
            )
        options = [(Text(text), value) for text, value in self._options(code)]
        known = {value for _, value in options}
        chosen = next((value for value in known if value.casefold() == code.casefold()), None)
        return Select(
            options,
            prompt=self.t("choose a code"),
            value=Select.NULL if chosen is None else chosen,
            id=f"code-{account}",
            compact=True,
        )

    def _options(self, code: str) -> Iterator[tuple[str, str]]:
        """Yield the codes of the account: those of the row's rate first, and of these what is no other country's."""
        from mapper.vat_settings import countries_named

        assert self._codes is not None
        country = self._entry.get("country", "")
        rate = self._entry.get("rate", Decimal(0))
        language = self.session.language
        if code and code.casefold() not in {one.code.casefold() for one in self._codes}:
            yield self.t("{code} (not in WeFact)", code=printable(code, 50)), code

        def order(one: SaleCode) -> tuple[bool, bool, str]:
            named = countries_named(one)
            return one.rate != rate, bool(named) and country not in named, one.code

        for one in sorted(self._codes, key=order):
            text = f"{one.code}  {amounts.percent(one.rate, language)}  {one.name}"
            yield printable(text, 60), one.code

    @on(Button.Pressed)
    @on(Input.Submitted)
    def _answer(self, event: Button.Pressed | Input.Submitted) -> None:
        if isinstance(event, Button.Pressed) and event.button.id == "no":
            self.dismiss(None)
            return
        entry = self._filled()
        wrong = self._wrong(entry)
        if wrong:
            self.query_one("#wrong", Static).update(Text(printable(wrong, 300)))
        else:
            self.dismiss(entry)

    def _filled(self) -> dict[str, Any]:
        entry = dict(self._entry)
        if self._asks_rate:
            entry["rate"] = self.query_one("#rate", Input).value.replace(",", ".").removesuffix("%").strip()
        first = self._value("code-revenue") or None
        for account in ACCOUNTS:
            code = self._value(f"code-{account}") or first
            centre = self._value(f"centre-{account}") or None
            entry[account] = {"code": code, "cost_centre": centre}
        return entry

    def _value(self, name: str) -> str:
        field = self.query_one(f"#{name}")
        if isinstance(field, Input):
            return field.value.strip()
        assert isinstance(field, Select)
        return "" if field.is_blank() else str(field.value)

    def _wrong(self, entry: dict[str, Any]) -> str:
        from mapper.settings import SettingsError, check
        from tui.configuration.draft import told

        current = self._draft.current
        try:
            check({**current, "vat": replaced(current["vat"], self._key, entry)})
        except SettingsError as error:
            mine = [one for one in error.diagnostics if one.about.startswith("vat")]
            return told(mine[0], self.session.language) if mine else ""
        return ""
