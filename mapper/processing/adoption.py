"""The rules a process maps documents with: those last published, else those it was started with.

A running process looks every second which rules are published and adopts new ones. Rules that do not load in this
version of the program are refused: the last good ones stay in use, and everybody is told.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from mapper.diagnostics import printable
from mapper.errors import MapperError, RuleError, StoreError
from mapper.mapping import OVERLAY, Rulebooks, hash_of, rulebooks_from, texts_of
from mapper.store import overlays, rulebooks
from mapper.store.database import Database
from mapper.store.rows import Published

LOOK_SECONDS = 1.0
# A set of compiled rules takes a few megabytes; tenants without an overlay share one.
KEPT = 64

_log = logging.getLogger("mapper.processing")


class RulesInUse:
    """What documents are mapped with. Used by many threads at once; new rules take the place of the old as a whole."""

    def __init__(self, started_with: Rulebooks) -> None:
        # Places say `rules/…` wherever the folder was: a later explanation, from the texts, says the same.
        named = all(shown == f"rules/{name}" for name, shown in started_with.files.items())
        self._present = started_with if named else rulebooks_from(started_with.texts)
        self._compiled: OrderedDict[tuple[str, str], Rulebooks] = OrderedDict()
        self._lock = threading.Lock()
        self._seen: int | None = None

    @property
    def present(self) -> Rulebooks:
        """Return the rules of tenants without an overlay."""
        return self._present

    def of(self, tenant: str, overlay: str) -> Rulebooks:
        """Return a tenant's rules, compiled at first use. Raises RuleError when its overlay does not fit them."""
        present = self._present
        return self.compiled({**present.texts, OVERLAY: overlay}, tenant) if overlay else present

    def compiled(self, texts: Mapping[str, str], tenant: str) -> Rulebooks:
        """Return rules by the texts of their files, of this day or another. Raises RuleError."""
        key = (hash_of(texts), tenant)
        with self._lock:
            known = self._compiled.get(key)
            if known is not None:
                self._compiled.move_to_end(key)
                return known
        made = rulebooks_from(texts, tenant=tenant, whole=False)
        with self._lock:
            self._compiled[key] = made
            while len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        return made

    def look(self, database: Database, executor: str, *, now: datetime) -> str:
        """Adopt the rules last published, if they are new here, and return what to say about it, or nothing.

        Raises StoreError.
        """
        with database.read() as conn:
            published = rulebooks.active(conn)
            number = published.number if published is not None else 0
            if number == self._seen:
                return ""
            candidates = self._candidates(conn)
        refused, reason = "", ""
        for one, texts in candidates:
            try:
                self._present = self._present if one.hash == self._present.hash else rulebooks_from(texts)
                break
            except Exception as error:  # noqa: BLE001 (whatever it is, the process goes on with its last good rules)
                if not refused:
                    refused, reason = one.hash, _reason(error)
        with database.begin() as conn:
            rulebooks.keep(conn, self._present.texts, self._present.hash, now=now)
            rulebooks.adopt(conn, executor, self._present.hash, refused=refused, reason=reason, now=now)
        self._seen = number
        return self._spoken(published, refused, reason)

    def _candidates(self, conn: Connection) -> list[tuple[Published, dict[str, str]]]:
        """Return what may be adopted, newest first: at the start also what was published before the last."""
        publications = rulebooks.history(conn) if self._seen is None else rulebooks.history(conn)[:1]
        different = {one.hash: one for one in reversed(publications)}
        newest_first = sorted(different.values(), key=lambda one: -one.number)
        return [(one, rulebooks.get(conn, one.hash)) for one in newest_first[:10]]

    def _spoken(self, published: Published | None, refused: str, reason: str) -> str:
        if published is None:
            return ""
        if refused:
            _log.error("rules %s refused: %s", refused[:12], reason)
            return f"rules {refused[:12]} refused, {self._present.hash[:12]} stay in use: {reason}"
        return printable(f"rules {published.hash[:12]} in use: {published.message}", 300)


def _reason(error: Exception) -> str:
    if isinstance(error, RuleError) and error.diagnostics:
        more = f" (and {len(error.diagnostics) - 1} more)" if len(error.diagnostics) > 1 else ""
        return printable(error.diagnostics[0].line() + more, 500)
    # A fault of the program: its text may hold anything, its name may not.
    return error.code if isinstance(error, MapperError) else type(error).__name__


async def keep_adopting(
    rules: RulesInUse,
    database: Database,
    executor: str,
    *,
    now: Callable[[], datetime],
    say: Callable[[str], None],
    seconds: float = LOOK_SECONDS,
) -> None:
    """Look for newly published rules until cancelled. A database out of reach is asked again, and told once."""
    failing = False
    while True:
        await asyncio.sleep(seconds)
        try:
            said = await asyncio.to_thread(rules.look, database, executor, now=now())
        except StoreError as error:
            if not failing:
                _log.warning("rules: %s", error.code)
            failing = True
            continue
        failing = False
        if said:
            say(said)


def texts_in_use(
    conn: Connection,
    tenant: str,
    *,
    fallback: Callable[[], Mapping[str, str]] = texts_of,
    published: bool = True,
) -> dict[str, str]:
    """Return the texts of the rules a tenant's documents are mapped with now, its overlay among them.

    `fallback` gives the rules where none are published: those the daemon was started with, or the shipped ones. They
    are used in any case when `published` is false, to try them.
    """
    active = rulebooks.active(conn) if published else None
    texts = dict(fallback()) if active is None else rulebooks.get(conn, active.hash)
    overlay = overlays.current(conn, tenant)
    return {**texts, OVERLAY: overlay} if overlay else texts
