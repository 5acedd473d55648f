"""Asking VIES about a document's VAT number, for days if need be, and keeping the answer as evidence (K2).

An outage is no answer about the customer: within one call there are a few quick tries, then the document waits and is
asked about again at the times of `Patience`. A member state that fails is left alone for a while by everybody.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mapper.processing.environment import Environment
from mapper.services.vies import Answer
from mapper.store import breaker, journal, vat_numbers
from mapper.store.rows import Document, VatNumberCheck
from mapper.vat import numbers

# Our own words beside VIES's: it was not asked, as its member state fails, or as others of this process are asking.
NOT_ASKED, BUSY = "NOT_ASKED", "BUSY"
_REQUESTER_REFUSED = "INVALID_REQUESTER_INFO"
# What VIES says about us, not about its own state: another try at once gives the same.
_FINAL = frozenset({_REQUESTER_REFUSED, "VAT_BLOCKED", "IP_BLOCKED"})

# The proof is for one supply: a document that is tried again on another day is asked about anew.
VALID_FOR = timedelta(hours=24)
INVALID_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Question:
    """A VAT number that passed the offline check, without prefix, and the tenant's own with its prefix, or none."""

    country: str
    digits: str
    requester: str = ""

    @property
    def number(self) -> str:
        """Return the number with its prefix."""
        return self.country + self.digits


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known about a number now. `seconds` until it is asked about again; None: this round is over."""

    check: VatNumberCheck
    seconds: float | None = None

    @property
    def gave_up(self) -> bool:
        """Tell whether VIES was asked for as long as patience lasts, in vain."""
        return self.check.state == "unknown" and self.seconds is None


def question_of(country: str, digits: str, own_number: str | None, home_country: str | None) -> Question:
    """Return the question, with the tenant's own number as requester when it has one of the right form."""
    own = numbers.check(own_number or "", home_country or "")
    return Question(country, digits, own.country + own.digits if own.valid else "")


async def verify(
    environment: Environment, document: Document, question: Question, *, by_hand: bool = False
) -> Verdict:
    """Return whether the number is valid: by an answer that still counts, else by asking VIES.

    A person who asks (`by_hand`) gets a fresh answer in place of one that was not favourable. Raises nothing for
    an outage; what the database raises.
    """
    now, tenant = environment.now(), document.tenant
    known = await environment.read(
        lambda conn: vat_numbers.check_of(conn, tenant, document.id, question.number)
    )
    if known is not None and _still_counts(known, question, now, by_hand=by_hand):
        return Verdict(known)
    answer, asks = await _asked(environment, tenant, question)
    first = known.first_asked_at if known is not None and _goes_on(environment, known) else now
    check = VatNumberCheck(
        number=question.number,
        state=answer.state,
        code=answer.code,
        consultation=answer.consultation,
        requester=answer.requester,
        first_asked_at=first,
        asked_at=answer.asked_at,
        asks=asks + (known.asks if known is not None and first == known.first_asked_at else 0),
    )
    await environment.write(lambda conn: _keep(conn, document, check, now=now))
    return Verdict(check, _pause(environment, check) if check.state == "unknown" else None)


def _still_counts(known: VatNumberCheck, question: Question, now: datetime, *, by_hand: bool) -> bool:
    age = now - known.asked_at
    if known.state == "valid":
        return age < VALID_FOR and known.requester == question.requester
    return known.state == "invalid" and age < INVALID_FOR and not by_hand


def _goes_on(environment: Environment, known: VatNumberCheck) -> bool:
    """Tell whether the questions so far belong to the round that goes on: an unknown that was not given up."""
    last = timedelta(seconds=environment.vies.checks[-1])
    return known.state == "unknown" and known.asked_at - known.first_asked_at < last


def _pause(environment: Environment, check: VatNumberCheck) -> float | None:
    """Return the seconds until the next check of the round, a little spread, or None after the last."""
    passed = (check.asked_at - check.first_asked_at).total_seconds()
    checks = environment.vies.checks
    following = next((offset for offset in checks if offset > passed), None)
    if following is None:
        return None
    return min((following - passed) * (1 + environment.jitter() / 10), checks[-1] - passed)


async def _asked(environment: Environment, tenant: str, question: Question) -> tuple[Answer, int]:
    """Ask with a few quick tries; return the last answer and how often VIES was asked."""
    asks = 0
    for longest in (*environment.vies.quick, None):
        answer, asked = await _ask_once(environment, tenant, question)
        asks += asked
        if answer.code == _REQUESTER_REFUSED and question.requester:
            # Our own number is wrong or deregistered: that says nothing about the customer's.
            question = replace(question, requester="")
            answer, asked = await _ask_once(environment, tenant, question)
            asks += asked
        if answer.state != "unknown" or answer.code in _FINAL or not asked or longest is None:
            break
        await asyncio.sleep(longest * environment.jitter())
    return answer, asks


async def _ask_once(environment: Environment, tenant: str, question: Question) -> tuple[Answer, bool]:
    """Return VIES's answer and True, or why it was not asked and False."""
    connections = environment.connections
    async with connections.vies_turns.turn(question.country, patience=environment.vies.turn) as mine:
        if not mine:
            return _unasked(environment, question, BUSY), False
        closed = await environment.write(
            lambda conn: breaker.admit(conn, question.country, now=environment.now())
        )
        if closed is not None:
            return _unasked(environment, question, NOT_ASKED), False
        vies = await connections.vies(tenant)
        answer = await vies.check(question.country, question.digits, requester=question.requester)
        answer = replace(answer, asked_at=environment.now())
        answered = answer.state != "unknown" or answer.code in _FINAL
        await environment.write(
            lambda conn: breaker.record(
                conn,
                question.country,
                answered=answered,
                now=environment.now(),
                open_for=timedelta(seconds=environment.vies.breaker),
            )
        )
    return answer, True


def _unasked(environment: Environment, question: Question, code: str) -> Answer:
    return Answer("unknown", question.country, question.digits, environment.now(), code, "")


def _keep(conn: Connection, document: Document, check: VatNumberCheck, *, now: datetime) -> None:
    vat_numbers.keep(conn, document.tenant, document.id, check)
    facts = {
        "country": check.number[:2],
        "state": check.state,
        "code": check.code,
        "consultation": check.consultation,
        "requester": check.requester,
    }
    journal.append(conn, document.tenant, document.id, "vies", facts, now=now)
