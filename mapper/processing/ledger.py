"""Exactly one effect per document on a service that has no idempotency keys.

The intent is committed before the call and completed after it. An intent without a result is unknown: the call may
have been executed although its answer was lost. Unknown is settled by looking, never by calling again: after the
settle time (the service may still be working, and its search may lag) it is searched twice; one hit is adopted, two
stop for a person, none means that the call may be made again. Only a definite refusal clears an intent.

That nothing was found is believed only of an answer that shows what must be in it: something we made before. A page
that got lost, or a filter that an account does not know, looks like nothing, and would double the invoice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection

from mapper.errors import Banned, Refused, ServiceError, Temporary, Unauthorised
from mapper.mapping import Request, Search
from mapper.money import dumps
from mapper.processing import searching
from mapper.processing.outcome import Stop
from mapper.processing.searching import Row
from mapper.services.wefact import WeFact, decimal_of, text_of
from mapper.store import operations, restored
from mapper.store.database import Database
from mapper.store.rows import Operation

# How many effects made before are asked to bear witness: the merchant may have deleted some.
WITNESSES = 5

_T = TypeVar("_T")


class Doubtful(ServiceError):
    """What happened at the service cannot be settled by looking; a person has to."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `settle`: how long after an intent a search can be believed; `pause` lies between its two searches.

    Where nothing bears witness that an answer is whole, it is asked again each settle time, `asks` times.
    """

    settle: float = 180
    pause: float = 5
    asks: int = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """What exists at the service now. Amounts are of invoices; `adopted` when it was found instead of made."""

    identifier: str
    code: str = ""
    amount_incl: Decimal | None = None
    amount_tax: Decimal | None = None
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """The operations of one tenant. `lease` tells whether this process may still act: nobody has taken its work over.

    `token` gives the mark of an effect by its key, always the same one: a ledger that forgot the effect finds it too
    (`store/restored.py`). `several` hits are an error, or the lowest Identifier is taken.
    `key_given_at`: what was made before may be in another administration, where its Identifier is something else's.
    """

    database: Database
    wefact: WeFact
    tenant: str
    lease: Callable[[], bool]
    now: Callable[[], datetime]
    token: Callable[[str], str]
    key_given_at: datetime | None = None
    timing: Timing = field(default_factory=Timing)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def ensure(
        self,
        request: Request,
        key: str,
        *,
        document_id: str,
        names: Mapping[str, str],
        several: Literal["stop", "lowest"] = "stop",
    ) -> Effect:
        """Return what `request` makes, made now or earlier, and never twice.

        `key` identifies the effect within the tenant; `names` fills the placeholders. Raises Stop (`later`: not yet
        settled, or PRO103, found nothing in an answer that cannot be believed), Doubtful PRO201 (two found), PRO202
        (nothing to search by), PRO205 (no answer could be believed), and what the service's client raises.
        """
        params = searching.filled(request.params, request.slots, names)
        operation = await self._begin(request, key, document_id, params)
        if operation.state == "done":
            return _recorded(operation)
        forgotten = await self._forgotten_since(document_id)
        if forgotten or not operation.fresh:
            found = await self._settle(request, operation, names, several, forgotten)
            if isinstance(found, Effect):
                return await self._finish(key, found)
            operation = found
        params = searching.filled(params, request.slots, {"operation.token": operation.token})
        answer = await self._call(request, operation, params)
        return await self._finish(key, _made(request.controller, answer))

    async def found(self, key: str, identifier: str) -> None:
        """Complete what an earlier try began under `key`, if one did: what it was to make was found in another way."""
        begun = await asyncio.to_thread(_unfinished, self.database, self.tenant, key)
        if begun:
            await self._finish(key, Effect(identifier, adopted=True))

    async def send(self, request: Request, key: str, *, document_id: str, invoice: str) -> bool:
        """Have an invoice mailed once; returns False when it had been mailed before.

        Mailing has no mark to search for: before a second try the invoice itself must say that it was not sent.
        Raises Doubtful PRO203 when it does not say.
        """
        params = searching.filled(request.params, request.slots, {"invoice.Identifier": invoice})
        operation = await self._begin(request, key, document_id, params)
        if operation.state == "done":
            return False
        if not operation.fresh or await self._forgotten_since(document_id):
            self._wait_until_settled(operation)
            if await self._was_sent(invoice):
                await self._finish(key, Effect(invoice, adopted=True))
                return False
            operation = await self._touch(operation)
        await self._call(request, operation, params)
        await self._finish(key, Effect(invoice))
        return True

    async def find(self, search: Search, names: Mapping[str, str]) -> list[Row]:
        """Return what equals `search.same`, lowest Identifier first."""
        return await searching.find(self.wefact, search, names)

    async def _settle(
        self,
        request: Request,
        operation: Operation,
        names: Mapping[str, str],
        several: Literal["stop", "lowest"],
        forgotten: datetime | None,
    ) -> Effect | Operation:
        """Return what was found, or the operation with its intent renewed when there is nothing.

        The effect may be as old as `forgotten`, when the ledger lost what it knew of it.
        """
        self._wait_until_settled(operation)
        if request.find is None:
            raise Doubtful("PRO202", operation=request.name, document=operation.document_id)
        named = {**names, "operation.token": operation.token}
        since = min(forgotten or operation.intent_at, await self._shown_since(operation))
        ours: frozenset[str] = frozenset()
        for number, search in enumerate((request.find, _wide(request, since, named))):
            if number:
                await self.sleep(self.timing.pause)
            rows = await searching.candidates(self.wefact, search, named)
            ours = await self._made(operation.step, rows)
            if several == "stop":
                # What another operation made is not this one's, and needs no call to tell.
                rows = [row for row in rows if text_of(row, "Identifier") not in ours]
            hits = await searching.equal(self.wefact, search, rows, named)
            operation = await self._searched(operation)
            if len(hits) > 1 and several == "stop":
                identifiers = ", ".join(text_of(row, "Identifier") for row in hits)
                raise Doubtful("PRO201", operation=request.name, identifiers=identifiers)
            if hits:
                return await self._shown(request.controller, hits[0])
        if not ours:
            self._doubt(request, operation, several)
        return await self._touch(operation)

    def _doubt(self, request: Request, operation: Operation, several: Literal["stop", "lowest"]) -> None:
        """Ask again later, and at last leave it to a person whether there is an invoice; others do no such harm."""
        looks = operation.searches // 2
        if looks <= self.timing.asks:
            raise Stop("later", "PRO103", {"operation": operation.step}, seconds=self.timing.settle)
        if several == "stop":
            reference = text_of(request.params, "ReferenceNumber")
            raise Doubtful(
                "PRO205", operation=operation.step, reference=reference, document=operation.document_id
            )

    def _wait_until_settled(self, operation: Operation) -> None:
        """Come back later instead of sleeping: the tenant's other documents need the slot."""
        latest = max(operation.intent_at, operation.searched_at or operation.intent_at)
        left = latest + timedelta(seconds=self.timing.settle) - self.now()
        if left > timedelta(0):
            raise Stop("later", "PRO101", {"operation": operation.step}, seconds=left.total_seconds())

    async def _touch(self, seen: Operation) -> Operation:
        """Renew the intent before calling again, unless somebody else did since it was seen."""
        touched = await self._write(
            lambda conn: operations.touch(conn, self.tenant, seen.key, seen=seen, now=self.now())
        )
        if touched is None:
            raise Stop("later", "PRO101", {"operation": seen.step}, seconds=self.timing.settle)
        return touched

    async def _call(self, request: Request, operation: Operation, params: Mapping[str, Any]) -> Row:
        async def last_look() -> None:
            nonlocal operation
            if not self.lease():
                # The intent stays: whoever took the work over may be acting on it at this moment.
                raise Stop("later", "PRO102", seconds=self.timing.settle)
            if self.now() - operation.intent_at > timedelta(seconds=self.timing.pause):
                # The call waited for its turn: whoever looks for its effect counts from the intent.
                operation = await self._touch(operation)

        key, controller, action = operation.key, request.controller, request.action
        try:
            return await self.wefact.call(controller, action, params, changes=True, last_look=last_look)
        except Temporary as error:
            if error.maybe_executed:
                await self._write(lambda conn: operations.lost(conn, self.tenant, key, now=self.now()))
            else:
                await self._refuse(operation, error.code)
            raise
        except (Refused, Unauthorised, Banned) as error:
            await self._refuse(operation, error.code)
            raise

    async def _shown(self, controller: str, row: Row) -> Effect:
        """Return an adopted object; an invoice is read in full, because its totals are to be checked (W19)."""
        if controller == "invoice":
            shown = await self.wefact.show(controller, text_of(row, "Identifier"))
            row = shown if shown is not None else row
        return _effect(controller, row, adopted=True)

    async def _was_sent(self, invoice: str) -> bool:
        shown = await self.wefact.show("invoice", invoice)
        count = decimal_of(shown, "Sent") if shown is not None else None
        if shown is None or count is None:
            raise Doubtful("PRO203", identifier=invoice)
        return count > 0 or _is_moment(text_of(shown, "SentDate"))

    async def _begin(
        self, request: Request, key: str, document_id: str, params: Mapping[str, Any]
    ) -> Operation:
        fingerprint = hashlib.sha256(dumps(params).encode("utf-8", "surrogatepass")).hexdigest()
        return await self._write(
            lambda conn: operations.begin(
                conn,
                self.tenant,
                document_id=document_id,
                step=request.name,
                key=key,
                token=self.token(key),
                fingerprint=fingerprint,
                now=self.now(),
            )
        )

    async def _finish(self, key: str, effect: Effect) -> Effect:
        await self._write(
            lambda conn: operations.finish(
                conn,
                self.tenant,
                key,
                identifier=effect.identifier,
                code=effect.code,
                amount_incl=effect.amount_incl,
                amount_tax=effect.amount_tax,
                now=self.now(),
            )
        )
        return effect

    async def _searched(self, operation: Operation) -> Operation:
        return await self._write(
            lambda conn: operations.searched(conn, self.tenant, operation.key, now=self.now())
        )

    async def _shown_since(self, operation: Operation) -> datetime:
        """Return since when a list must begin, to show this effect and some that were made before."""
        return await asyncio.to_thread(_shown_since, self.database, self.tenant, operation, self.key_given_at)

    async def _made(self, step: str, rows: Iterable[Row]) -> frozenset[str]:
        """Return the Identifiers in a list that operations of ours made."""
        identifiers = {text_of(row, "Identifier") for row in rows}
        since = self.key_given_at
        return await asyncio.to_thread(_made_by_us, self.database, self.tenant, step, identifiers, since)

    async def _forgotten_since(self, document_id: str) -> datetime | None:
        return await asyncio.to_thread(_forgotten_since, self.database, self.tenant, document_id)

    async def _refuse(self, made: Operation, error: str) -> None:
        await self._write(
            lambda conn: operations.refuse(
                conn, self.tenant, made.key, error=error, now=self.now(), attempt=made.attempt
            )
        )

    async def _write(self, work: Callable[[Connection], _T]) -> _T:
        return await asyncio.to_thread(_in_transaction, self.database, work)


def _wide(request: Request, since: datetime, names: Mapping[str, str]) -> Search:
    """Return the second search: all that were made since the day before, by the service's clock.

    No source attests that WeFact's list finds by ReferenceNumber (wefact-api, section 0), and a search that silently
    finds nothing would double the invoice; `created` is documented. The service's clock is Dutch, ours is not.
    """
    assert request.find is not None
    start = (since - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    params = searching.filled(request.params, request.slots, names)
    debtor = {field: str(params[field]) for field in ("Debtor", "DebtorCode") if params.get(field)}
    same = {**request.find.same, **debtor}
    return replace(request.find, action="list", params={"created": {"from": start}}, same=same)


def _forgotten_since(database: Database, tenant: str, document_id: str) -> datetime | None:
    with database.read() as conn:
        return restored.forgotten_since(conn, tenant, document_id)


def _shown_since(database: Database, tenant: str, operation: Operation, since: datetime | None) -> datetime:
    with database.read() as conn:
        made = operations.latest_made(conn, tenant, operation.step, limit=WITNESSES, since=since)
    return min([operation.intent_at, *(one.intent_at for one in made)])


def _made_by_us(
    database: Database, tenant: str, step: str, identifiers: Collection[str], since: datetime | None
) -> frozenset[str]:
    with database.read() as conn:
        return frozenset(operations.that_made(conn, tenant, step, identifiers, since=since))


def _unfinished(database: Database, tenant: str, key: str) -> bool:
    with database.read() as conn:
        operation = operations.find(conn, tenant, key)
    return operation is not None and operation.state in operations.UNRESOLVED


def _in_transaction(database: Database, work: Callable[[Connection], _T]) -> _T:
    with database.begin() as conn:
        return work(conn)


def _made(controller: str, answer: Row) -> Effect:
    """Return what a successful answer says was made.

    An answer without an Identifier does not tell what exists: unknown, so that the next try looks first.
    """
    made = answer.get(controller)
    if not isinstance(made, Mapping) or not text_of(made, "Identifier"):
        raise Temporary("WEF104", maybe_executed=True, controller=controller, action="add")
    return _effect(controller, made, adopted=False)


def _effect(controller: str, row: Row, *, adopted: bool) -> Effect:
    return Effect(
        identifier=text_of(row, "Identifier"),
        code=text_of(row, f"{controller.capitalize()}Code"),
        amount_incl=decimal_of(row, "AmountIncl"),
        amount_tax=decimal_of(row, "AmountTax"),
        adopted=adopted,
    )


def _recorded(operation: Operation) -> Effect:
    return Effect(
        operation.identifier, operation.code, operation.amount_incl, operation.amount_tax, adopted=False
    )


def _is_moment(text: str) -> bool:
    """Tell a real date from an empty one; PHP services write none as zeros."""
    return any(digit in text for digit in "123456789")
