"""Who sits at the screen, and what of the installation they may see: what every tab is given."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from mapper.errors import ConfigError, Language
from tui.words import spoken

if TYPE_CHECKING:
    from mapper.store.database import Database
    from mapper.store.rows import Pause, State, Tenant
    from mapper.store.sealing import Sealer

# As `processing.connections` has it, whose HTTP client a real webshop's first frame need not wait for.
_WEFACT_URL = "wefact.url"

Environment = Literal["sandbox", "live", "unknown"]


@dataclass(slots=True)
class Session:
    """One person at one webshop. `tenants` are those they may switch to; support also sees the rules.

    `sealer` opens the services' keys when a call needs them; it raises ConfigError where there is no key. `translate`
    says in the person's language what other parts of the program say in English.
    """

    database: Database
    tenant: str
    tenants: tuple[str, ...]
    language: Language
    sealer: Callable[[], Sealer]
    key_file: Path = Path("mapper.key")
    translate: Callable[[str], str] = field(default=str)
    loopback: bool = False
    is_support: bool = True
    who: str = field(default_factory=getpass.getuser)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def t(self, text: str, /, **facts: object) -> str:
        """Return a text of the screens in the person's language, its `{placeholders}` filled."""
        return spoken(text, self.language, **facts)

    def shown(self) -> Shown:
        """Read what the header tells about the webshop."""
        from mapper.store import credentials, listing, tenants
        from mapper.wording import reason

        with self.database.read() as conn:
            tenant = tenants.get(conn, self.tenant)
            settings = tenants.settings(conn, self.tenant)
            counts = listing.counts(conn, self.tenant)
            pause = tenants.pause_of(conn, self.tenant)
            names = credentials.names(conn, self.tenant)
        why = reason(pause.reason, {}, (), self.language).said if pause is not None else ""
        return Shown(tenant, settings, counts, pause, why, self._environment(names))

    def _environment(self, names: tuple[str, ...]) -> Environment:
        """Tell whether documents go to the real WeFact. Its address is kept only where it is another."""
        if _WEFACT_URL not in names:
            return "live"
        import httpx

        from mapper.processing.connections import WEFACT_DEFAULT_URL
        from mapper.store import credentials

        try:
            with self.database.read() as conn:
                url = credentials.get(conn, self.tenant, _WEFACT_URL, sealer=self.sealer())
        except ConfigError:
            return "unknown"
        if url.rstrip("/") == WEFACT_DEFAULT_URL.rstrip("/"):
            return "live"
        return "sandbox" if httpx.URL(url).host in {"127.0.0.1", "localhost", "::1"} else "unknown"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the header and the tabs' labels tell: the webshop, its counts by state, and whether it is paused."""

    tenant: Tenant
    settings: Mapping[str, Any]
    counts: Mapping[State, int]
    pause: Pause | None
    pause_reason: str
    environment: Environment

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which a document's date counts."""
        return ZoneInfo(self.settings["time_zone"])

    @property
    def under_way(self) -> int:
        """Return how many documents are on their way."""
        counts = self.counts
        return counts["open"] + counts["queued"] + counts["processing"] + counts["waiting"]


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Return the day a moment is on in the webshop's zone."""
    return moment.astimezone(zone).date()
