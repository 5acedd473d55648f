"""What one version of the rules makes of one payload: without trace, and no further than is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mapper.diagnostics import Finding
from mapper.findings import FAULTS, of_checks, unfit
from mapper.mapping import Mapper
from mapper.processing.amounts import amounts
from mapper.rulebook.compiler import Compiled, Run

Json = Mapping[str, Any]

Rates = dict[Decimal, list[Decimal]]
"""Euros by VAT percentage: [net, VAT]."""

Sent = tuple[Sequence[Any], Sequence[Any]]
Made = tuple[Json, Sequence[Any], Sent]

_ZERO = Decimal(0)


def recorded(part: Run, payload: Json) -> Sequence[Any]:
    """Return what a traced part of the rules records for a payload. Raises what the rules raise."""
    records: list[Any] = []
    part(payload, records.append)
    return records


class Outcome:
    """What one version makes of one payload: its document at once, its requests when they are asked for.

    `same` is the outcome of another version whose rules for such documents are the same: its document is taken over.
    `made` is what was found without mapping the payload: document, what checks say of it, and what `sent` returns.
    """

    __slots__ = ("_recorded", "_sent", "document", "fault", "kind", "mapper", "payload", "said")

    def __init__(
        self, mapper: Mapper, kind: str, payload: Json, same: Outcome | None = None, made: Made | None = None
    ) -> None:
        self.mapper, self.kind, self.payload = mapper, kind, payload
        self.document: Json | None = None
        self.said: Sequence[Any] = ()
        self.fault: Finding | None = None
        self._sent: Sent | None = None
        self._recorded: tuple[Run, Sequence[Any]] | None = None
        if made is not None:
            self.document, self.said, self._sent = made
            return
        if same is not None:
            self.document, self.said = same.document, same.said
            return
        if unfit(payload) is not None:
            self._stop()
            return
        try:
            self.document, self.said = mapper.plain(kind)[0](payload)
        except FAULTS:
            # Also a kind of document that rules of another day do not know.
            self._stop()

    def sent(self) -> Sent:
        """Return the requests and what the checks of the target say, as the compiled rules give them."""
        if self._sent is None:
            self._sent = ((), ())
            if self.document is not None:
                try:
                    self._sent = self.mapper.plain(self.kind)[1](self.document)
                except FAULTS:
                    self._stop()
        return self._sent

    def sends_as(self, other: Outcome) -> None:
        """Take over what another version sends: the same document went to the same rules."""
        self._sent = other.sent()

    def recorded(self, part: Run) -> Sequence[Any]:
        """Return what a traced part of the rules records for the payload. Raises what the rules raise."""
        if self._recorded is None or self._recorded[0] is not part:
            self._recorded = part, recorded(part, self.payload)
        return self._recorded[1]

    def _stop(self) -> None:
        # The traced rules tell what it stopped at.
        self.fault = self.mapper.apply(self.kind, self.payload).findings[-1]

    @property
    def holds(self) -> tuple[str, ...]:
        """Return what keeps it from being posted, such as `K1 total_incl`; nothing when it would be posted."""
        _, more = self.sent()
        if self.fault is not None:
            return (f"{self.fault.id} {self.fault.about}".strip(),)
        found = set()
        for compiled, said in ((self._source, self.said), (self.mapper.rulebooks.target, more)):
            for number, severity, *_ in said:
                check = compiled.rules.checks[number]
                if severity not in {"warning", "info"} or "ignore" in check.facts:
                    found.add(f"{check.id} {check.about}".strip())
        return tuple(sorted(found))

    @property
    def remarks(self) -> list[Finding]:
        """Return all that is said of it."""
        _, more = self.sent()
        halves = ((self._source, self.said), (self.mapper.rulebooks.target, more))
        return [replace(one, place=None) for half in halves for one in of_checks(*half, offline=False)]

    @property
    def _source(self) -> Compiled:
        return self.mapper.rulebooks.sources[self.kind]

    def requests(self) -> list[tuple[str, Any, Any, Any]]:
        """Return what would be sent: each request's name, parameters, search and what is expected of the answer."""
        rules = self.mapper.rulebooks.target.rules.requests
        return [(rules[number].name, *rest) for number, *rest in self.sent()[0]]

    def lines(self) -> list[Json]:
        """Return the lines of the invoice that would be sent."""
        return [
            line
            for name, params, _, _ in self.requests()
            if name == "invoice"
            for line in params["InvoiceLines"]
        ]

    def charged(self) -> Any:
        """Return all that `rates` are made of, besides the settings: cheaper to compare than to calculate."""
        if self.document is None:
            return None
        sent = [(line.get("TaxCode"), line["Number"], line["PriceExcl"]) for line in self.lines()]
        lines = [(line["vat_code"], line["charged_percent"]) for line in self.document["lines"]]
        return self.document["total_incl"], lines, sent

    def rates(self) -> Rates:
        """Return what the invoice comes to per VAT percentage."""
        found: Rates = {}
        for part in (
            () if self.document is None else amounts(self.document, self.lines(), self.mapper.settings)
        ):
            net, tax = found.setdefault(part["percent"], [_ZERO, _ZERO])
            found[part["percent"]] = [net + part["excl"], tax + part["tax"]]
        return found
