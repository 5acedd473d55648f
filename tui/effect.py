"""What other rules would have done to the history of a webshop, in words and euros."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from mapper.diagnostics import printable
from tui import amounts

if TYPE_CHECKING:
    from mapper.authoring.impact import Impact
    from tui.session import Session

MOST_GROUPS = 40


def brief(found: Impact, session: Session) -> str:
    """Return the effect on the newest documents in one line."""
    return session.t(
        "newest {count}: {others} others, {stops} stop, € {moved}",
        count=amounts.count(found.documents, session.language),
        others=found.counts.get("changed", 0),
        stops=found.counts.get("stops", 0),
        moved=_moved(found, session),
    )


def sums(found: Impact, session: Session) -> str:
    """Return what one wants to know before publishing, as a sentence."""
    return session.t(
        "Of {count} documents {stops} would stop that went through; € {moved} would be booked otherwise.",
        count=amounts.count(found.documents, session.language),
        stops=found.counts.get("stops", 0),
        moved=_moved(found, session),
    )


def _moved(found: Impact, session: Session) -> str:
    return amounts.amount(sum(found.moved.values(), Decimal(0)), session.language)


def told(found: Impact, session: Session) -> Text:
    """Return the whole effect: the sums, and what would be another by identical change."""
    from mapper.authoring.impact_report import cause_text, example_text, total, value_text

    t, language = session.t, session.language
    whole = total(found)
    text = Text()
    text.append(t("{count} documents mapped again.", count=amounts.count(found.documents, language)) + "\n")
    for label, amount in ((t("net"), whole.net), (t("VAT"), whole.tax), (t("gross"), whole.gross)):
        text.append(f"{label:<7}", "dim")
        text.append(f"€ {amounts.amount(amount, language):>13}\n", "bold")
    groups = found.sorted_groups
    if not groups:
        text.append("\n" + t("Nothing would be another."))
    for group in groups[:MOST_GROUPS]:
        text.append(f"\n{group.documents:>6} × ", "bold")
        text.append(printable(f"{t(group.effect)}  € {amounts.amount(group.amounts.gross, language)}", 100))
        for value in group.values[:4]:
            text.append("\n         " + printable(value_text(value, t), 120))
        for cause in group.causes[:2]:
            text.append("\n         " + printable(cause_text(cause), 120), "dim")
        text.append("\n         " + printable(example_text(group), 120), "dim")
    return text
