"""How long tax law wants documents kept, counted in whole years after the year of the document.

The Netherlands: seven years (article 52 AWR). What was sold to consumers in another member state under the one-stop
shop: ten (article 63c of Regulation (EU) 282/2011).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

YEARS, YEARS_ABROAD = 7, 10
# A year begins up to half a day earlier or later where the shop is than it does in UTC.
_ZONES = timedelta(days=1)


def kept_since(now: datetime, years: int = YEARS) -> datetime:
    """Return the moment from which documents are kept: older ones may go."""
    return datetime(now.year - years, 1, 1, tzinfo=UTC) - _ZONES


def postable_since(now: datetime) -> datetime:
    """Return the moment from which documents may be posted. All that is gone is older, so that none is posted twice."""
    return kept_since(now) + 2 * _ZONES
