"""VAT codes per country, rate and account type, as a table that is quick to fill (T5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Select, Static

from mapper.diagnostics import printable
from tui import amounts
from tui.dialogs import Dialog
from tui.face import Face
from tui.records import Column, Row

if TYPE_CHECKING:
    from mapper.vat.rates import VatRates
    from mapper.vat_settings import SaleCode
    from tui.draft import Draft

ACCOUNTS = ("revenue", "shipping", "payment")
Rate = tuple[str, Decimal]
SCHEMES = ("icp", "international")
NEW = "new "

Vat = dict[str, Any]


def columns(face: Face) -> tuple[Column, ...]:
    """Return the columns of the table."""
    t = face.t
    return (
        Column("", 1),
        Column(t("Country"), 14, grow=1),
        Column(t("Rate"), 7, right=True),
        Column(t("Revenue"), 10),
        Column(t("Shipping"), 10),
        Column(t("Payment"), 10),
        Column(t("Cost centres"), 13, grow=1, spare=1),
    )


def rows(
    face: Face,
    vat: Mapping[str, Any],
    home: str,
    codes: Sequence[SaleCode] | None,
    eu: Sequence[str],
    lacking: Iterable[Rate] = (),
) -> list[Row]:
    """Return the table: the home country first, then the others, ICP and International, then what is not sold to.

    `lacking` are rates that need a code and have none: they stand in the table as rows that Enter fills in.
    """
    names = country_names(face.session.language)
    known = None if codes is None else {one.code.casefold() for one in codes}
    present = {key_of(one) for one in vat["rates"]}
    wanting = [{"country": country, "rate": rate} for country, rate in dict.fromkeys(lacking)]
    entries: list[Mapping[str, Any]] = [
        *vat["rates"],
        *(one for one in wanting if key_of(one) not in present),
    ]
    made = []
    for entry in sorted(entries, key=lambda one: (one["country"] != home, one["country"], -one["rate"])):
        rate = amounts.percent(entry["rate"], face.session.language)
        name = f"{entry['country']} {names.get(entry['country'], '')}"
        key = key_of(entry)
        made.append(_row(key if key in present else f"{NEW}{key}", name, rate, entry, known))
    made.append(_row("icp", face.t("ICP: businesses in the EU"), "0 %", vat["icp"], known))
    made.append(
        _row("international", face.t("International: outside the EU"), "0 %", vat["international"], known)
    )
    sold = {entry["country"] for entry in entries}
    missing = [country for country in eu if country not in sold]
    if missing:
        made.append(Row("heading", (face.t("Not sold to yet: Enter fills one in"),), heading=True))
        made += [Row(f"{NEW}{one}", ("", f"{one} {names.get(one, '')}", ""), "muted") for one in missing]
    return made


def _row(key: str, name: str, rate: str, entry: Mapping[str, Any], known: set[str] | None) -> Row:
    codes = [(entry.get(account) or {}).get("code") or "–" for account in ACCOUNTS]
    centres = [(entry.get(account) or {}).get("cost_centre") or "" for account in ACCOUNTS]
    wrong = known is not None and any(code.casefold() not in known for code in codes)
    sign = "" if known is None else "✗" if wrong else "✓"
    told = ", ".join(dict.fromkeys(filter(None, centres)))
    return Row(key, (sign, name, rate, *codes, told), "bad" if wrong else "good" if sign else "")


def lacking(vat: Mapping[str, Any], home: str, rates: VatRates, day: str) -> list[Rate]:
    """Return the rates of the home country on a day that have no row."""
    from mapper import vat_settings

    found = vat_settings.uses({"vat": vat, "home_country": home}, (), rates, day)
    present = {key_of(one) for one in vat["rates"]}
    own = [(one.country, one.rate) for one in found if one.country == home]
    return [one for one in dict.fromkeys(own) if key_of({"country": one[0], "rate": one[1]}) not in present]


def row_of(facts: Mapping[str, object]) -> str:
    """Return the key of the row that a finding about a VAT code speaks of: its facts `country` and `rate`."""
    country, rate = str(facts.get("country", "")), str(facts.get("rate", ""))
    if country.lower() in SCHEMES or not rate:
        return country.lower()
    return key_of({"country": country, "rate": Decimal(rate)})


def key_of(entry: Mapping[str, Any]) -> str:
    """Return the key of a row."""
    return f"{entry['country']} {entry['rate'].normalize():f}"


def entry_of(vat: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Return what a row stands for."""
    if key in SCHEMES:
        return dict(vat[key])
    return next((one for one in vat["rates"] if key_of(one) == key), None)


def replaced(vat: Mapping[str, Any], key: str, entry: Mapping[str, Any]) -> Vat:
    """Return VAT settings with one row changed, or added."""
    new = deepcopy(dict(vat))
    if key in SCHEMES:
        new[key] = dict(entry)
        return new
    kept = [dict(entry) if key_of(one) == key else one for one in new["rates"]]
    if key not in {key_of(one) for one in new["rates"]}:
        kept.append(dict(entry))
    new["rates"] = kept
    return new


def copied(vat: Mapping[str, Any], key: str, others: Sequence[str]) -> Vat:
    """Return VAT settings where other rows have the codes and cost centres of one."""
    new = deepcopy(dict(vat))
    source = entry_of(vat, key) or {}
    for other in others:
        target = entry_of(new, other)
        if target is not None and other != key:
            new = replaced(new, other, {**target, **{account: dict(source[account]) for account in ACCOUNTS}})
    return new


def without(vat: Mapping[str, Any], keys: Sequence[str]) -> Vat:
    """Return VAT settings without some rows; ICP and International lose their codes."""
    new = deepcopy(dict(vat))
    new["rates"] = [one for one in new["rates"] if key_of(one) not in keys]
    for scheme in set(SCHEMES) & set(keys):
        new[scheme] = {account: {"code": None, "cost_centre": None} for account in ACCOUNTS}
    return new


def eu_countries(rates: VatRates) -> list[str]:
    """Return the EU's countries by code."""
    return sorted({*rates.standard, *rates.also_eu})


def country_names(language: str) -> Mapping[str, str]:
    """Return the names of countries in a language."""
    from babel import Locale

    names: Mapping[str, str] = Locale(language).territories
    return names


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
        select = Select(
            options, prompt=self.t("choose a code"), allow_blank=True, id=f"code-{account}", compact=True
        )
        if chosen is not None:
            select.value = chosen
        return select

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
        from tui.draft import told

        current = self._draft.current
        try:
            check({**current, "vat": replaced(current["vat"], self._key, entry)})
        except SettingsError as error:
            mine = [one for one in error.diagnostics if one.about.startswith("vat")]
            return told(mine[0], self.session.language) if mine else ""
        return ""
