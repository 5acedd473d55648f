"""The section with the connections: a dot for each, tested anew, and new keys that are tried before they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work

from mapper.diagnostics import printable
from tui.configuration.part import Part
from tui.dialogs import Ask, ask
from tui.face import Face
from tui.records import Column, Records, Row

if TYPE_CHECKING:
    from mapper.doctor import Check

_DOTS = {"good": ("●", "good"), "attention": ("▲", "busy"), "bad": ("✗", "bad")}


class Connections(Part):
    """What was tested, and the keys. Enter on a key asks for another; on anything else it tests again."""

    def __init__(self, face: Face, *, id: str) -> None:
        t = face.t
        super().__init__((Column("", 1), Column(t("What"), 16), Column(t("Outcome"), 30, grow=1)), id=id)
        self._checks: list[Check] = []
        self._tested = False

    def draw(self) -> None:
        """Show them; the first time they are tested."""
        if not self._tested:
            self._tested = True
            self.action_test()
        testing = self.t("Testing the connections…")
        rows = [] if self._checks else [Row("testing", ("…", "", testing), "muted")]
        for number, one in enumerate(self._checks):
            dot, tone = _DOTS[one.verdict]
            cells = (dot, self.session.translate(one.name), self._said(one))
            rows.append(Row(f"check {number}", cells, tone))
        rows += [
            Row("key ccv", ("✎", self.t("Shop key"), self.t("Enter gives new keys"))),
            Row("key wefact", ("✎", self.t("WeFact key"), self.t("Enter gives a new key"))),
        ]
        self.show(rows)

    def _said(self, one: Check) -> str:
        said = self.session.translate(one.said)
        return f"{said} → {self.session.translate(one.remedy)}" if one.remedy else said

    def told(self) -> Text:
        """Return all that is said of the row of the cursor, and what the dots mean."""
        row, legend = self.current, self.t("● good, ▲ to look at, ✗ bad. t tests again.")
        said = row.cells[-1] if row is not None else ""
        return Text(printable(f"{said}", 400) + ("\n" if said else "") + legend)

    @work(exclusive=True, group="test")
    async def action_test(self) -> None:
        """Test both connections."""
        self._checks = await self.attempt(self._examined) or []
        if self.tab.part is self:
            self.tab.redraw()

    def _examined(self) -> list[Check]:
        from mapper import doctor

        session = self.session

        async def look() -> list[Check]:
            patient = doctor.Patient(
                session.database, session.key_file, {}, session.loopback, session.language, session.now()
            )
            return [check async for check in doctor.connections(patient, session.sealer(), session.tenant)]

        return asyncio.run(look())

    @on(Records.Opened)
    def _opened(self, event: Records.Opened) -> None:
        if event.row.key == "key ccv":
            self._edit_shop_key()
        elif event.row.key == "key wefact":
            self._edit_wefact_key()
        else:
            self.action_test()

    @work(exclusive=True, group="ask")
    async def _edit_shop_key(self) -> None:
        from mapper.processing import connections

        t, title = self.t, self.t("Shop key")
        public = await self._asked(title, t("Public key"))
        secret = await self._asked(title, t("Secret key"), secret=True) if public else None
        if public and secret:
            await self._keep({connections.CCV_PUBLIC: public, connections.CCV_SECRET: secret})

    @work(exclusive=True, group="ask")
    async def _edit_wefact_key(self) -> None:
        from mapper.processing import connections

        t = self.t
        if key := await self._asked(t("WeFact key"), t("API key"), secret=True):
            await self._keep({connections.WEFACT_KEY: key})

    async def _asked(self, title: str, label: str, *, secret: bool = False) -> str | None:
        told = self.t("Both connections are tried with it before it is kept.")
        return await ask(self.app, Ask(title, told, label=label, secret=secret))

    async def _keep(self, given: Mapping[str, str]) -> None:
        if await self.attempt(self._changed, given) is not None:
            self.mapper.tell(self.t("Both connections work with the new keys."))
            self.action_test()

    def _changed(self, given: Mapping[str, str]) -> object:
        from mapper import onboarding
        from mapper.store.limits import AddressBudget

        session = self.session
        budget = AddressBudget(session.database, "default")
        return asyncio.run(
            onboarding.change_keys(
                session.database, session.sealer(), session.tenant, given, budget,
                loopback=session.loopback, who=session.who, now=session.now(),
            )
        )  # fmt: skip
