"""What an invoice comes to per VAT code, by WeFact's arithmetic over the lines that are sent. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from mapper.mapping import Mapped
from mapper.rounding import Priced, Totals, simulate

_ZERO = Decimal(0)


def per_rate(mapped: Mapped, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a mapped document comes to per VAT code; see `amounts`."""
    invoice = next(request for request in mapped.requests if request.name == "invoice")
    return amounts(mapped.document or {}, invoice.params["InvoiceLines"], settings)


def amounts(
    document: Mapping[str, Any], sent: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return what the invoice lines of a document come to per VAT code: `code`, `percent`, `excl`, `tax`, `incl`.

    In euros, so that the parts add up to the document's total: a cent that a model rounds over all rates together is
    the largest part's. An invoice without lines has no parts.
    """
    lines = priced(document, sent, settings)
    if not lines:
        return []
    model = settings["invoice"]["rounding_model"]
    sums = {code: simulate(of_code, model) for code, of_code in lines.items()}
    cents = document["total_incl"] - sum((one.incl for one in sums.values()), _ZERO)
    largest = max(sums, key=lambda code: (abs(sums[code].incl), code))
    one = sums[largest]
    sums[largest] = Totals(one.excl, one.tax + cents, one.incl + cents)
    return [
        {"code": code, "percent": lines[code][0].percent, "excl": one.excl, "tax": one.tax, "incl": one.incl}
        for code, one in sorted(sums.items())
    ]


def priced(
    document: Mapping[str, Any], sent: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]
) -> dict[str, list[Priced]]:
    """Return the invoice lines of a document as they are sent, by VAT code, with the percentage it stands for."""
    percents = {line["vat_code"]: line["charged_percent"] for line in document["lines"]}
    lines: dict[str, list[Priced]] = defaultdict(list)
    for line in sent:
        code = str(line.get("TaxCode", ""))
        if code not in percents:
            percents[code] = _percent(code, settings)
        lines[code].append(Priced(Decimal(line["Number"]), Decimal(line["PriceExcl"]), percents[code]))
    return lines


def _percent(code: str, settings: Mapping[str, Any]) -> Decimal:
    """Return the rate that a code stands for in the settings: nothing else may be sold at that of a rounding line."""
    found = (
        entry["rate"]
        for entry in reversed(settings["vat"]["rates"])
        if entry.get("revenue") and entry["revenue"]["code"] == code
    )
    return next(found, _ZERO)
