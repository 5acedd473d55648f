"""The section with the VAT codes per country, rate and account type: a table that is quick to fill (T5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on, work

from tui import amounts
from tui.configuration import rates
from tui.configuration.edit_rate import EditRate
from tui.configuration.part import Part
from tui.configuration.rates import ACCOUNTS, Rate, entry_of, key_of
from tui.dialogs import Ask, Choose, ask
from tui.face import Face
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.vat_settings import SaleCode

_NEW = "new "


class VatCodes(Part):
    """The table. Enter changes a row or fills one in."""

    def __init__(self, face: Face, *, id: str) -> None:
        t = face.t
        super().__init__(
            (
                Column("", 1),
                Column(t("Country"), 11, grow=2),
                Column(t("Rate"), 6, right=True),
                Column(t("Revenue"), 8, grow=1),
                Column(t("Shipping"), 10, grow=1),
                Column(t("Payment"), 8, grow=1),
                Column(t("Cost centres"), 13, grow=1, spare=1),
            ),
            id=id,
        )
        self._undecided: tuple[Rate, ...] = ()
        self._wanted = ""

    def want(self, key: str) -> None:
        """Go to a row as soon as it is there."""
        self._wanted = key

    def draw(self) -> None:
        """Show them, and what is lacking."""
        tab = self.tab
        vat, home = tab.draft.current["vat"], tab.draft.current["home_country"] or ""
        codes = tab.account.codes if tab.account else None
        eu, lacking = [], list(self._undecided)
        if tab.rates is not None:
            eu = rates.eu_countries(tab.rates)
        if tab.rates is not None and home:
            lacking += rates.lacking(vat, home, tab.rates, self.session.now().date().isoformat())
        self.show(_rows(self, vat, home, codes, eu, lacking))
        if self._wanted and (self.go_to(self._wanted) or self.go_to(f"{_NEW}{self._wanted}")):
            self._wanted = ""

    def told(self) -> Text:
        """Return what the table is for."""
        return Text(
            self.t(
                "Which tax code of WeFact each country, rate and account type is booked with. ✓ the codes exist, "
                "✗ one is missing: documents that need it stop."
            )
        )

    def _put(self, vat: Mapping[str, Any]) -> None:
        self.tab.draft.put("vat", vat)
        self.tab.redraw()

    @property
    def _vat(self) -> dict[str, Any]:
        vat: dict[str, Any] = self.tab.draft.current["vat"]
        return vat

    @on(Records.Opened)
    def _opened(self, event: Records.Opened) -> None:
        self._edit(event.row.key)

    @work(exclusive=True, group="ask")
    async def _edit(self, key: str) -> None:
        asks_rate = key not in rates.SCHEMES
        if key.startswith(_NEW):
            entry = self._new(key.removeprefix(_NEW))
            key = f"{key} row"
        elif (found := entry_of(self._vat, key)) is not None:
            entry = found
        else:
            return
        title = key
        if not asks_rate:
            title = self.t(key.capitalize())
        elif (name := _names(self.session.language).get(entry["country"])) is not None:
            title = name
        codes = self.tab.account.codes if self.tab.account else None
        window = EditRate(title, self.tab.draft, key, entry, codes, asks_rate=asks_rate)
        if (made := await ask(self.app, window)) is not None:
            self._put(rates.replaced(self._vat, key, made))

    def _new(self, key: str) -> dict[str, Any]:
        """Return what a row of a country begins with: its rate where that is known, else the home country's codes."""
        country, _, rate = key.partition(" ")
        if rate:
            return {"country": country, "rate": Decimal(rate)}
        home = self.tab.draft.current["home_country"]
        like: Mapping[str, Any] = next((one for one in self._vat["rates"] if one["country"] == home), {})
        return {**like, "country": country}

    def action_mark(self) -> None:
        """Mark the row, and go to the next."""
        if self.current is not None:
            self.mark(self.current.key)
            self.action_move(1)

    @work(exclusive=True, group="ask")
    async def action_add(self) -> None:
        """Add a country's rate."""
        t = self.t
        window = Ask(t("Add a rate"), t("Two capital letters, such as DE."), label=t("Country"))
        if country := await ask(self.app, window):
            self._edit(f"{_NEW}{country.strip().upper()[:2]}")

    def action_copy_codes(self) -> None:
        """Give the marked rows the codes of the row of the cursor."""
        if self.current is None or not self.marked:
            self.mapper.tell(
                self.t("Mark rows with space, then c copies the codes of the cursor's row to them.")
            )
            return
        vat, count = rates.copied(self._vat, self.current.key, self.marked), len(self.marked)
        self.unmark_all()
        self._put(vat)
        self.mapper.tell(self.t("Copied to {count} rows; not saved yet.", count=count))

    @work(exclusive=True, group="ask")
    async def action_propose(self) -> None:
        """Fill in what fits from the account's own codes."""
        from mapper import vat_settings

        t, tab = self.t, self.tab
        if tab.account is None or tab.rates is None:
            self.mapper.tell(t("WeFact's codes are not known: test the connections."), severity="warning")
            return
        options = [
            ("destination", t("Each EU country at its own rates (OSS)")),
            ("home", t("Each EU country at the home country's rates")),
        ]
        chosen = await ask(self.app, Choose(t("Fill in the VAT codes that fit"), options))
        if chosen is None:
            return
        day = self.session.now().date().isoformat()
        proposal = vat_settings.propose(
            tab.draft.current, tab.account.codes, tab.rates, destination=chosen == "destination", day=day
        )
        self._undecided = tuple(
            (one.country, one.rate) for one in proposal.undecided if len(one.country) == 2
        )
        for country, rate in self._undecided[:1]:
            self.want(key_of({"country": country, "rate": rate}))
        self._put(proposal.vat)
        undecided = len(proposal.undecided)
        told = t("{count} rows; {undecided} to choose yourself: no code or more than one fits.",
                 count=len(proposal.vat["rates"]), undecided=undecided)  # fmt: skip
        self.mapper.tell(told, severity="warning" if undecided else "information")

    def action_remove(self) -> None:
        """Remove the marked rows, or that of the cursor."""
        keys = self.marked or ([self.current.key] if self.current else [])
        self.unmark_all()
        self._put(rates.without(self._vat, keys))

    @work(exclusive=True, group="ask")
    async def action_remove_all(self) -> None:
        """Remove all VAT settings, after the webshop's name was typed."""
        t, wanted = self.t, self.session.tenant
        told = t("All VAT codes are removed, to start over. Documents stop until there are new ones.")
        label = t("Type {name}", name=wanted)
        if await ask(self.app, Ask(t("Remove VAT settings"), told, label=label, wanted=wanted)) == wanted:
            self._put({})


def _rows(
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
    names = _names(face.session.language)
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
        made.append(_row(key if key in present else f"{_NEW}{key}", name, rate, entry, known))
    made.append(_row("icp", face.t("ICP: businesses in the EU"), "0 %", vat["icp"], known))
    made.append(
        _row("international", face.t("International: outside the EU"), "0 %", vat["international"], known)
    )
    sold = {entry["country"] for entry in entries}
    missing = [country for country in eu if country not in sold]
    if missing:
        made.append(Row("heading", (face.t("Not sold to yet: Enter fills one in"),), heading=True))
        made += [Row(f"{_NEW}{one}", ("", f"{one} {names.get(one, '')}", ""), "muted") for one in missing]
    return made


def _row(key: str, name: str, rate: str, entry: Mapping[str, Any], known: set[str] | None) -> Row:
    codes = [(entry.get(account) or {}).get("code") or "–" for account in ACCOUNTS]
    centres = [(entry.get(account) or {}).get("cost_centre") or "" for account in ACCOUNTS]
    wrong = known is not None and any(code.casefold() not in known for code in codes)
    sign = "" if known is None else "✗" if wrong else "✓"
    told = ", ".join(dict.fromkeys(filter(None, centres)))
    return Row(key, (sign, name, rate, *codes, told), "bad" if wrong else "good" if sign else "")


def _names(language: str) -> Mapping[str, str]:
    from babel import Locale

    names: Mapping[str, str] = Locale(language).territories
    return names
