"""An impact as one HTML file that can be mailed: no scripts, nothing loaded, and no text that could become markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from mapper.authoring.impact import EFFECTS, Amounts, Group, Impact, euros
from mapper.authoring.replay import Cause, Value
from mapper.diagnostics import printable

Words = Callable[[str], str]
MOST_GROUPS = 500

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1c2330;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d8dde6;vertical-align:top}
th{font-weight:600;background:#f3f5f9}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}.stops{color:#a3180d}.cured{color:#1c6b2a}
@media (prefers-color-scheme:dark){body{background:#14181f;color:#dfe5ee}th{background:#1f2630}
th,td{border-color:#343d4b}.stops{color:#ff9b8f}.cured{color:#8fdc9d}}
"""
# Nothing at all may be loaded or run, whatever stands in the file.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(
    found: Impact, heading: Sequence[str], *, line_of: Callable[[Cause], str], words: Words, language: str
) -> str:
    """Return the report. `heading` are sentences above the tables; `line_of` gives a rule's line as it is written."""
    title = _text(words("Impact of the change"))
    parts = [
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
        *(f"<p>{_text(one)}</p>" for one in heading),
        *_summary(found, words),
        *_rates(found, words),
        *_groups(found, line_of, words),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _summary(found: Impact, words: Words) -> Iterable[str]:
    yield _head(words, "", "documents", "net", "tax", "gross")
    for effect in EFFECTS:
        if found.counts.get(effect):
            amounts = found.amounts.get(effect, Amounts())
            shown = (str(found.counts[effect]), *_euros(amounts))
            yield _row(
                f'<span class="{effect.partition(" ")[0]}">{_text(words(EFFECT_WORDS[effect]))}</span>', shown
            )
    yield "</table>"


def _rates(found: Impact, words: Words) -> Iterable[str]:
    whole = total(found)
    if not whole.rates:
        return
    yield f"<h2>{_text(words('Per VAT rate'))}</h2>"
    yield _head(words, "vat", "net", "tax", "gross")
    for percent, (net, tax) in sorted(whole.rates.items()):
        yield _row(f"{percent:f} %", (signed(net), signed(tax), signed(net + tax)))
    yield _row(_text(words("total")), _euros(whole)) + "</table>"


def _groups(found: Impact, line_of: Callable[[Cause], str], words: Words) -> Iterable[str]:
    groups = found.sorted_groups
    if not groups:
        return
    yield f"<h2>{_text(words('By identical change'))}</h2>"
    yield _head(words, "effect", "documents", "net", "tax", "gross", "change", "rule", "example")
    for group in groups[:MOST_GROUPS]:
        rules = "<br>".join(
            f"<code>{_text(cause_text(one, words))}</code><br><code>{_text(line_of(one))}</code>"
            for one in group.causes
        )
        values = "<br>".join(f"<code>{_text(value_text(one, words))}</code>" for one in group.values)
        if group.various:
            values += "<br>" + _text(words("(the values are those of the example)"))
        name = f'<span class="{group.effect.partition(" ")[0]}">{_text(words(EFFECT_WORDS[group.effect]))}</span>'
        cells = (str(group.documents), *_euros(group.amounts))
        last = (values, rules, _text(example_text(group)))
        yield _row(name, cells, last)
    yield "</table>"
    if len(groups) > MOST_GROUPS:
        yield f"<p>+ {len(groups) - MOST_GROUPS}</p>"


EFFECT_WORDS = {
    "stops": "would stop",
    "changed": "other invoice",
    "cured": "would go through",
    "stops otherwise": "stops for another reason",
    "unsent": "nothing sent differs",
    "remarks": "only other remarks",
}


def total(found: Impact) -> Amounts:
    """Return what would be booked, less what was: changed invoices, those that stop, and those that go through."""
    whole = Amounts()
    for amounts in found.amounts.values():
        whole.add(amounts.rates, amounts.gross)
    return whole


def signed(amount: object) -> str:
    """Write a difference in euros with its sign."""
    text = euros(amount)  # type: ignore[arg-type]
    return text if text.startswith("-") or text == "0.00" else f"+{text}"


def value_text(value: Value, words: Words = str) -> str:
    """Return one value that differs, or by which checks a document stops, in a few words."""
    path = words("stops by") if value.path == "stops" else value.path
    return f"{path}: {value.old or '–'} → {value.new or '–'}" if value.old or value.new else path


def cause_text(cause: Cause, words: Words = str) -> str:
    """Return the rule that made a difference, in a few words."""
    told = f"{cause.place} {cause.path}"
    if cause.gone:
        told += f" ({words('no longer there')})"
    return told + (f": {cause.old or '–'} → {cause.new or '–'}" if cause.old or cause.new else "")


def example_text(group: Group) -> str:
    """Return the example of a group: tenant, document and number."""
    return " ".join(part for part in group.example if part)


def _euros(amounts: Amounts) -> tuple[str, str, str]:
    return signed(amounts.net), signed(amounts.tax), signed(amounts.gross)


def _head(words: Words, *columns: str) -> str:
    numbers = {"documents", "net", "tax", "gross"}
    cells = (
        f"<th{' class=n' if one in numbers else ''}>{_text(words(one.upper()).capitalize())}</th>"
        for one in columns
    )
    return f"<table><tr>{''.join(cells)}</tr>"


def _row(first: str, numbers: Iterable[str], last: Iterable[str] = ()) -> str:
    cells = [f"<td>{first}</td>", *(f"<td class=n>{_text(one)}</td>" for one in numbers)]
    return f"<tr>{''.join(cells)}{''.join(f'<td>{one}</td>' for one in last)}</tr>"


def _text(text: str) -> str:
    """Return text that is text in HTML, whatever a customer or an author wrote."""
    return escape(printable(text, 500))
