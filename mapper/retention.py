"""How long data is kept, and how it goes: by age, and at a customer's request.

What goes first are names, addresses and free texts. Amounts, codes, countries and postcode areas stay, so that a
document still replays; the journal never held more. A document that is not finished keeps everything: it could not be
posted otherwise. After the years of tax law a document goes whole (`fiscal.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from mapper import fiscal
from mapper.store import events, expiring, journal, redacting, tenants, tickets
from mapper.store.accounts import checked_email
from mapper.store.database import Database

PEOPLE = timedelta(days=60)
DELIVERIES = timedelta(days=30)
TICKETS = timedelta(days=365)
# So many documents are redacted or deleted in one transaction: webhooks wait for it on SQLite.
CHUNK = 50


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed of a webshop: documents without people now, deliveries, tickets, and documents whole."""

    tenant: str
    documents: int
    deliveries: int
    tickets: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done about a person: documents without them now, and those that are not finished and still name them."""

    tenant: str
    erased: tuple[str, ...]
    unfinished: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what is kept: people in finished documents, and documents, in `years` after their own (7 at least)."""

    people: timedelta = PEOPLE
    years: int = fiscal.YEARS


def purge(
    database: Database, terms: Terms = Terms(), *, who: str, now: datetime, dry_run: bool = False
) -> tuple[Purged, ...]:
    """Remove what was kept long enough, of every webshop; running it again removes nothing more.

    `dry_run` tells what would go, and removes nothing.
    """
    with database.read() as conn:
        everyone = [one.id for one in tenants.everyone(conn)]
    return tuple(_purge(database, tenant, terms, who, now, dry_run=dry_run) for tenant in everyone)


def erase(database: Database, tenant: str, email: str, *, who: str, now: datetime) -> Erased:
    """Remove a person, by e-mail address, from everything that is finished.

    What is not finished is named: post or ignore it, then erase again. Raises UsageError USE161 (no address) or STO110.
    """
    address = checked_email(email)
    with database.read() as conn:
        tenants.get(conn, tenant)
        found = redacting.of_person(conn, tenant, address)
        numbers = {number for one in found for number in redacting.tax_numbers(conn, tenant, one.id)}
    finished = [one.id for one in found if one.state in redacting.FINISHED]
    unfinished = tuple(one.id for one in found if one.state not in redacting.FINISHED)
    _redact(database, tenant, finished)
    with database.begin() as conn:
        redacting.forget_person(conn, tenant, address, numbers)
        counted = {"documents": len(finished), "unfinished": len(unfinished)}
        journal.append(conn, tenant, None, "person erased", {"who": who, **counted}, now=now)
    return Erased(tenant, tuple(finished), unfinished)


def _purge(
    database: Database, tenant: str, terms: Terms, who: str, now: datetime, *, dry_run: bool
) -> Purged:
    with database.read() as conn:
        expired = expiring.expired(
            conn,
            tenant,
            home=fiscal.kept_since(now, terms.years),
            abroad=fiscal.kept_since(now, max(terms.years, fiscal.YEARS_ABROAD)),
            untouched_since=now - terms.people,
        )
        leaving = set(expired)
        old = [
            one for one in redacting.finished_before(conn, tenant, now - terms.people) if one not in leaving
        ]
        deliveries, closed = now - DELIVERIES, now - TICKETS
        done = Purged(
            tenant,
            len(old),
            events.count(conn, tenant, before=deliveries),
            tickets.count_closed(conn, tenant, before=closed),
            len(expired),
        )
    if dry_run:
        return done
    _redact(database, tenant, old)
    for chunk in _chunks(expired):
        with database.begin() as conn:
            expiring.remove(conn, tenant, chunk)
    with database.begin() as conn:
        events.purge(conn, tenant, before=deliveries)
        tickets.forget(conn, tenant, before=closed)
        if done.documents or done.tickets or done.deleted:
            counted = {name: count for name, count in asdict(done).items() if isinstance(count, int)}
            journal.append(conn, tenant, None, "purged", {"who": who, **counted}, now=now)
    return done


def _redact(database: Database, tenant: str, ids: Sequence[str]) -> None:
    for chunk in _chunks(ids):
        with database.begin() as conn:
            for document in chunk:
                redacting.redact(conn, tenant, document)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
