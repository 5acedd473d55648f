"""Daemons with one guard broken each, and the blow that shows it: the torture must tell each of them from a whole one.

Each runs in a process of its own, where the piece that guards is replaced before the daemon starts. Nothing of this is
in the mapper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import update

from mapper.errors import Temporary
from mapper.processing import ledger, posting, searching, sweep
from mapper.processing.lease import Lease
from mapper.processing.ledger import Ledger
from mapper.services.wefact import WeFact
from mapper.store import operations, schema
from mapper.store.database import open_database
from mapper.store.upsert import insert_into
from mapper.torture.child import Told, main
from mapper.torture.plan import Blow, Plan, Sale

FIRST, SECOND = Sale("nl_ideal", "eerste@klant.example"), Sale("nl_ideal", "tweede@klant.example")
ADD, LIST = {"controller": "invoice", "action": "add"}, {"controller": "invoice", "action": "list"}
NO_REFERENCES = {"search_reference": False}


def killed(point: str, **how: Any) -> Plan:
    return Plan(1, FIRST, blows=(Blow(point, 1, (SECOND,), **how),))


def unanswered(how: Mapping[str, Any], **more: Any) -> Plan:
    return Plan(1, FIRST, lost=((SECOND, how),), **more)


@dataclass(frozen=True)
class Guard:
    """A broken guard: what is broken, the plan that shows it, and what the torture must find."""

    breaks: Callable[[Told], None]
    plan: Plan
    finds: str
    database: str = "sqlite"
    speed: int = 60


def no_intent(_: Told) -> None:
    """The intent of an earlier try is not looked at."""
    real = operations.begin

    def begin(*given, **named):
        found = real(*given, **named)
        return found if found.state == "done" else replace(found, fresh=True)

    operations.begin = begin


def intents_cleared_at_start(told: Told) -> None:
    """What was intended before a start is taken for not done."""
    with open_database(told.options.database) as database, database.begin() as conn:
        intended = schema.operation.c.state.in_(operations.UNRESOLVED)
        conn.execute(update(schema.operation).where(intended).values(state="refused"))


def no_settle(_: Told) -> None:
    """It is searched at once."""
    Ledger._wait_until_settled = lambda *_: None


def no_second_search(_: Told) -> None:
    """One search by reference is enough."""
    ledger._wide = lambda request, *_: request.find
    Ledger._doubt = lambda *_: None


def believe_an_empty_list(_: Told) -> None:
    """A list without an earlier invoice says that there is none."""
    Ledger._doubt = lambda *_: None


def believe_a_short_list(_: Told) -> None:
    """A list may end before its total."""
    real = WeFact.rows

    async def rows(self, *given):
        try:
            async for row in real(self, *given):
                yield row
        except Temporary as error:
            if error.code != "WEF104":
                raise

    WeFact.rows = rows


def adopt_by_reference_alone(_: Told) -> None:
    """Whatever invoice carries the order's number is the order's."""
    real = searching.equal

    async def equal(wefact, search, rows, names):
        return list(rows)[:1] if search.controller == "invoice" else await real(wefact, search, rows, names)

    searching.equal = equal


def believe_what_the_search_finds(_: Told) -> None:
    """WeFact's search matches parts of text."""
    real = searching.equal

    async def equal(wefact, search, rows, names):
        return list(rows) if search.controller == "debtor" else await real(wefact, search, rows, names)

    searching.equal = equal


def calls(change: Callable[..., Any]) -> None:
    """Replace how WeFact is called: `change(real, self, controller, action, params, named)`."""
    real = WeFact.call

    async def call(self, controller, action, params, **named):
        return await change(real, self, controller, action, params, named)

    WeFact.call = call


def clears_the_intent(code: str) -> Callable[[Told], None]:
    """After such an error the call is taken for not executed."""

    async def change(real, self, controller, action, params, named):
        try:
            return await real(self, controller, action, params, **named)
        except Temporary as error:
            if error.code == code:
                error.maybe_executed = False
            raise

    return lambda _: calls(change)


def no_token(_: Told) -> None:
    """The invoice carries no mark of ours."""

    async def change(real, self, controller, action, params, named):
        kept = {name: value for name, value in params.items() if (action, name) != ("add", "Comment")}
        return await real(self, controller, action, kept, **named)

    calls(change)


def calls_again_at_once(_: Told) -> None:
    """A call that changes something is repeated as one that does not."""

    async def change(real, self, controller, action, params, named):
        try:
            return await real(self, controller, action, params, **named)
        except Temporary:
            return await real(self, controller, action, params, **named)

    calls(change)


def no_last_look(_: Told) -> None:
    """Nobody looks, right before the call, whether another process has the work."""

    async def change(real, self, controller, action, params, named):
        return await real(self, controller, action, params, changes=named["changes"])

    calls(change)


def looks_before_its_turn(_: Told) -> None:
    """The last look comes before the wait for the limit instead of after it."""

    async def change(real, self, controller, action, params, named):
        if named.get("last_look"):
            await named["last_look"]()
        return await real(self, controller, action, params, changes=named["changes"])

    calls(change)


def no_lease(_: Told) -> None:
    """Whoever was frozen goes on, and renews an intent that another one has completed."""
    Lease.is_fresh = lambda _: True
    Ledger._touch = lambda _, seen: _as_it_was(seen)


async def _as_it_was(seen):
    return seen


def rowcount_for_returning(_: Told) -> None:
    """The driver's count of rows tells whether the intent is ours: psycopg's is -1 for none."""
    real = operations.begin

    def begin(conn, tenant, *, key, document_id, step, token, fingerprint, now):
        values = {"tenant": tenant, "key": key, "document_id": document_id, "step": step, "token": token}
        anew = {"state": "intended", "attempt": 1, "intent_at": now, "fingerprint": fingerprint}
        empty = {"searches": 0, "identifier": "", "code": "", "error": ""}
        statement = insert_into(conn, schema.operation).values(**values, **anew, **empty)
        count = conn.execute(statement.on_conflict_do_nothing()).rowcount
        found = operations.find(conn, tenant, key)
        if found.state == "refused":
            return real(
                conn,
                tenant,
                key=key,
                document_id=document_id,
                step=step,
                token=token,
                fingerprint=fingerprint,
                now=now,
            )
        return replace(found, fresh=bool(count) and found.state != "done")

    operations.begin = begin


def no_sweep(_: Told) -> None:
    """Webhooks are believed to arrive."""

    async def nothing(*_, **__) -> None:
        return

    sweep.sweep_everyone = nothing


def mails_again(_: Told) -> None:
    """Whether an invoice was mailed is not asked."""

    async def not_sent(*_) -> bool:
        return False

    Ledger._was_sent = not_sent


def own_mark_each_time(_: Told) -> None:
    """Each try has a mark of its own, so that what an earlier one made is not known again."""
    real = operations.touch

    def touch(conn, tenant, key, **named):
        found = real(conn, tenant, key, **named)
        return None if found is None else replace(found, token=f"mapper {datetime.now(UTC).timestamp()}")

    operations.touch = touch
    real_begin = operations.begin

    def begin(conn, tenant, **named):
        return real_begin(conn, tenant, **{**named, "token": f"mapper {datetime.now(UTC).timestamp()}"})

    operations.begin = begin
    equal = searching.equal
    searching.equal = lambda wefact, search, rows, names: equal(
        wefact, search, rows, {**names, "operation.token": f"mapper {datetime.now(UTC).timestamp()}"}
    )


def debtor_of_the_day(_: Told) -> None:
    """Every order gets a debtor of its own."""

    async def nothing(*_) -> None:
        return

    posting._existing = nothing
    posting._party = lambda _: ("", "")


_DROPPED = {"kind": "drop_after_commit"}
_EMPTY = {"kind": "empty", "times": 40, "match": LIST}
_AGAIN = Sale("nl_ideal", SECOND.email)

GUARDS: Mapping[str, Guard] = {
    "no intent": Guard(no_intent, killed("F11"), "doubled"),
    "intents cleared at start": Guard(intents_cleared_at_start, killed("F11"), "doubled"),
    "no settle": Guard(no_settle, unanswered(_DROPPED, switches={"search_lag": 60}), "doubled", speed=15),
    "no settle, late commit": Guard(no_settle, killed("F11", late=True), "doubled", speed=10),
    "no second search": Guard(no_second_search, unanswered(_DROPPED, switches=NO_REFERENCES), "doubled"),
    "believe an empty list": Guard(
        believe_an_empty_list, unanswered(_DROPPED, switches=NO_REFERENCES, faults=(_EMPTY,)), "doubled"
    ),
    "believe a short list": Guard(
        believe_a_short_list,
        unanswered(
            _DROPPED,
            switches=NO_REFERENCES,
            others=tuple(Sale("nl_ideal", f"{n}@klant.example") for n in range(4)),
            faults=({"kind": "short", "times": 40, "match": LIST},),
        ),
        "doubled",
    ),
    "adopt by reference alone": Guard(adopt_by_reference_alone, killed("F10", booked=True), "lost"),
    "believe what the search finds": Guard(
        believe_what_the_search_finds,
        Plan(
            1,
            Sale("nl_ideal", "jan@klant.example"),
            blows=(Blow("F6", 1, (Sale("nl_ideal", "an@klant.example"),)),),
        ),
        "wrong",
    ),
    "clear the intent on 5xx": Guard(
        clears_the_intent("WEF103"), unanswered({"kind": "status", "status": 502, "when": "after"}), "doubled"
    ),
    "clear the intent on a timeout": Guard(
        clears_the_intent("WEF106"), unanswered({"kind": "delay", "seconds": 45, "when": "before"}), "doubled"
    ),
    "clear the intent on half an answer": Guard(
        clears_the_intent("WEF104"), unanswered({"kind": "truncated"}), "doubled"
    ),
    "clear the intent on a broken connection": Guard(
        clears_the_intent("WEF102"), unanswered(_DROPPED), "doubled"
    ),
    "no token in Comment": Guard(no_token, unanswered(_DROPPED), "doubled"),
    "a mark of its own for each try": Guard(own_mark_each_time, killed("F11"), "doubled"),
    "call again at once": Guard(calls_again_at_once, unanswered(_DROPPED), "doubled"),
    "no sweep": Guard(no_sweep, Plan(1, FIRST, blows=(Blow("F1", 1, (SECOND,)),)), "lost"),
    "mail again": Guard(mails_again, killed("F16"), "mails"),
    "a debtor for each order": Guard(
        debtor_of_the_day, Plan(1, FIRST, blows=(Blow("F6", 1, (FIRST,)),)), "debtors"
    ),
    "no last look": Guard(no_last_look, killed("F10", frozen=True), "doubled", "postgresql"),
    "look before the limit's wait": Guard(
        looks_before_its_turn, killed("TURN", frozen=True), "doubled", "postgresql"
    ),
    "no lease": Guard(no_lease, killed("F10", frozen=True), "doubled", "postgresql"),
    "rowcount for RETURNING": Guard(rowcount_for_returning, killed("F11"), "doubled", "postgresql"),
}


@dataclass(frozen=True)
class Broken:
    """What a process runs in place of the daemon; found again by its name in the process that is forked."""

    name: str

    def __call__(self, told: Told, line: Connection) -> None:
        GUARDS[self.name].breaks(told)
        main(told, line)
