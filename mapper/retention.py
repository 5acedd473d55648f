"""How long data about people is kept, and how it goes: by age, and at a customer's request.

What goes are names, addresses and free texts. Amounts, codes, countries and postcode areas stay, so that a document
still replays; the journal never held more. A document that is not finished keeps everything: it could not be posted
otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from mapper.store import events, journal, redacting, tenants, tickets
from mapper.store.accounts import checked_email
from mapper.store.database import Database

PEOPLE = timedelta(days=60)
DELIVERIES = timedelta(days=30)
TICKETS = timedelta(days=365)
# So many documents are redacted in one transaction: webhooks wait for it on SQLite.
CHUNK = 50


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed of a webshop: documents without people now, deliveries, tickets."""

    tenant: str
    documents: int
    deliveries: int
    tickets: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done about a person: documents without them now, and those that are not finished and still name them."""

    tenant: str
    erased: tuple[str, ...]
    unfinished: tuple[str, ...]


def purge(database: Database, *, people: timedelta = PEOPLE, now: datetime) -> tuple[Purged, ...]:
    """Remove what was kept long enough, of every webshop; running it again removes nothing more."""
    with database.read() as conn:
        everyone = [one.id for one in tenants.everyone(conn)]
    return tuple(_purge(database, tenant, people, now) for tenant in everyone)


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


def _purge(database: Database, tenant: str, people: timedelta, now: datetime) -> Purged:
    with database.read() as conn:
        old = redacting.finished_before(conn, tenant, now - people)
    _redact(database, tenant, old)
    with database.begin() as conn:
        done = Purged(
            tenant,
            len(old),
            events.purge(conn, tenant, before=now - DELIVERIES),
            tickets.forget(conn, tenant, before=now - TICKETS),
        )
        if done.documents or done.tickets:
            counted = {name: count for name, count in asdict(done).items() if isinstance(count, int)}
            journal.append(conn, tenant, None, "purged", counted, now=now)
    return done


def _redact(database: Database, tenant: str, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), CHUNK):
        with database.begin() as conn:
            for document in ids[start : start + CHUNK]:
                redacting.redact(conn, tenant, document)
