"""How many calls an egress address may make: a token bucket in the database, shared by all behind it.

WeFact allows 200 calls a minute and 3,600 an hour per IP address and its firewall bans whoever makes more.
One bucket of 130 that refills with one every 1.0417 seconds holds both: at most 130 + 57 = 187 in any minute and
130 + 3,456 = 3,586 in any hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from mapper.errors import Temporary
from mapper.store import schema
from mapper.store.database import Database
from mapper.store.rows import Ban
from mapper.store.upsert import insert_into

BURST = 130
INTERVAL = timedelta(microseconds=1_041_667)
MAX_WAIT = timedelta(seconds=90)
# Whoever is in no hurry waits so long for a turn. Turns beyond it were taken before the clock was set back.
LONGEST_WAIT = timedelta(minutes=15)

_BUCKET = schema.rate_bucket.c
# Made once: making a query takes longer than running it.
_BAN = select(_BUCKET.banned_until, _BUCKET.ban_reason).where(
    _BUCKET.address == bindparam("of"), _BUCKET.banned_until > bindparam("now")
)
_FREE = select(_BUCKET.next_free).where(_BUCKET.address == bindparam("of")).with_for_update()
_TAKE = (
    update(schema.rate_bucket).where(_BUCKET.address == bindparam("of")).values(next_free=bindparam("free"))
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AddressBudget:
    """The call budget of one egress address. Each `take` allows one call.

    With a smaller `burst` calls already wait while that many are left to others: for work that is in no hurry.
    `pace` divides all times, for a sandbox whose limits are that many times WeFact's.
    """

    def __init__(
        self,
        database: Database,
        address: str,
        *,
        clock: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        max_wait: timedelta = MAX_WAIT,
        burst: int = BURST,
        pace: float = 1.0,
    ) -> None:
        self._database = database
        self._address = address
        self._clock = clock
        self._sleep = sleep
        self._max_wait = max_wait / pace
        self._burst = burst
        self._interval = INTERVAL / pace
        self._pace = pace

    async def take(self) -> None:
        """Wait until a call is allowed.

        Raises Temporary with `retry_after`, and nothing executed: STO130 while the address is banned, STO131
        when the wait would be longer than `max_wait`, so that the document gives up its place meanwhile.
        """
        seconds = await asyncio.to_thread(self._reserve)
        if seconds > 0:
            await self._sleep(seconds)
            await asyncio.to_thread(self._refuse_when_banned)

    async def block(self, seconds: float, reason: str) -> float:
        """Record that the service shut this address out: nobody behind it calls for that long. Returns how long."""
        await asyncio.to_thread(self._block, seconds / self._pace, reason)
        return seconds / self._pace

    def _reserve(self) -> float:
        now = self._clock()
        with self._database.begin() as conn:
            _refuse_ban(conn, self._address, now)
            wait = reserve(
                conn,
                self._address,
                now=now,
                max_wait=self._max_wait,
                burst=self._burst,
                interval=self._interval,
            )
        if wait > self._max_wait:
            raise Temporary(
                "STO131",
                maybe_executed=False,
                retry_after=wait.total_seconds(),
                seconds=int(wait.total_seconds()),
            )
        return wait.total_seconds()

    def _refuse_when_banned(self) -> None:
        with self._database.read() as conn:
            _refuse_ban(conn, self._address, self._clock())

    def _block(self, seconds: float, reason: str) -> None:
        now = self._clock()
        with self._database.begin() as conn:
            block(conn, self._address, until=now + timedelta(seconds=seconds), reason=reason, now=now)


def reserve(
    conn: Connection,
    address: str,
    *,
    now: datetime,
    max_wait: timedelta = MAX_WAIT,
    burst: int = BURST,
    interval: timedelta = INTERVAL,
) -> timedelta:
    """Take one token and return how long to wait before using it; beyond `max_wait` none is taken.

    Waiting callers get their turns in order, since each reserves the next free moment.
    """
    next_free: datetime | None = conn.scalars(_FREE, {"of": address}).one_or_none()
    if next_free is None:
        insert = insert_into(conn, schema.rate_bucket).values(address=address, next_free=now)
        conn.execute(insert.on_conflict_do_nothing())
        # Another process may have made it and taken its turns meanwhile.
        next_free = conn.scalars(_FREE, {"of": address}).one()
    free = _taken_until(next_free, now, interval) + interval
    wait = max(free - now - burst * interval, timedelta(0))
    if wait <= max_wait:
        conn.execute(_TAKE, {"of": address, "free": free})
    return wait


def block(conn: Connection, address: str, *, until: datetime, reason: str, now: datetime) -> None:
    """Record a ban of the address; an earlier one that lasts longer stays."""
    known = ban(conn, address, now=now)
    if known is not None and known.until >= until:
        return
    values = {"banned_until": until, "ban_reason": reason}
    statement = insert_into(conn, schema.rate_bucket).values(address=address, next_free=now, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["address"], set_=values))


def ban(conn: Connection, address: str, *, now: datetime) -> Ban | None:
    """Return the ban that holds for the address now."""
    row = conn.execute(_BAN, {"of": address, "now": now}).one_or_none()
    return None if row is None else Ban(row.banned_until, row.ban_reason)


def addresses(conn: Connection) -> tuple[str, ...]:
    """Return the egress addresses that ever called."""
    return tuple(conn.scalars(select(_BUCKET.address).order_by(_BUCKET.address)))


def calls_left(conn: Connection, address: str, *, now: datetime) -> int:
    """Return how many calls the address may make at once, 0 while it is banned."""
    if ban(conn, address, now=now) is not None:
        return 0
    next_free = conn.scalars(select(_BUCKET.next_free).where(_BUCKET.address == address)).one_or_none()
    taken = (_taken_until(next_free, now, INTERVAL) - now) / INTERVAL if next_free else 0.0
    return max(int(BURST - taken), 0)


def _taken_until(next_free: datetime, now: datetime, interval: timedelta) -> datetime:
    """Return until when turns are taken. Where the clock was set back nobody knows: the whole burst is."""
    whole_burst = now + BURST * interval
    return whole_burst if next_free > whole_burst + LONGEST_WAIT else max(next_free, now)


def _refuse_ban(conn: Connection, address: str, now: datetime) -> None:
    known = ban(conn, address, now=now)
    if known is not None:
        until = known.until.isoformat(timespec="minutes")
        left = (known.until - now).total_seconds()
        raise Temporary("STO130", maybe_executed=False, retry_after=left, address=address, until=until)
