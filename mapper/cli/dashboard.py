"""Starting the dashboard: what it opens, for whom, and what is told when it ends with an error."""

from __future__ import annotations

import gc
import getpass
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mapper.cli.state import State
from mapper.errors import Language, UsageError

if TYPE_CHECKING:
    from mapper.store.database import Database
    from tui.session import Session


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sits at the screen: the webshops they may see, the one they begin at, and the language they read."""

    who: str
    tenant: str
    tenants: tuple[str, ...]
    language: Language
    is_support: bool


def open_dashboard(
    state: State, tenant: str | None, *, account: str | None, language: Language | None
) -> None:
    """Run the app until it is left, as `account` sees it; None: as support.

    Raises what ended it: MapperError, or a fault of ours.
    """
    # Of what is imported nothing is garbage: looking for it takes a tenth of the time to the first list.
    gc.disable()
    from tui.app import MapperApp
    from tui.memory import Memory

    _check_made(state)
    with ExitStack() as opened:

        def open_session() -> Session:
            from mapper.cli.talk import talked
            from tui.session import Session

            database = opened.enter_context(state.open())
            viewer = _operator(database, tenant) if account is None else _member(database, account, tenant)
            session = Session(
                database,
                viewer.tenant,
                viewer.tenants,
                language or viewer.language,
                sealer=state.sealer,
                key_file=state.key_file,
                loopback=state.loopback,
                is_support=viewer.is_support,
                who=viewer.who,
            )
            session.translate = lambda text: talked(text, session.language)
            gc.freeze()
            gc.enable()
            return session

        app = MapperApp(open_session, memory=Memory(_memory_file(state, account)), language=language)
        app.run()
        if app.fault is not None:
            raise app.fault


def serve_dashboard(state: State, host: str, port: int, public_url: str | None) -> None:
    """Serve the app to browsers until stopped (Ctrl-C, or SIGTERM). Raises UsageError USE101, USE190 or USE191."""
    import asyncio
    import signal

    from mapper import logs
    from mapper.cli.options import say
    from tui.browser.server import Address, serve

    _check_made(state)
    # The address of a database server may hold a password, which a command line would show to everyone here.
    environment = {"MAPPER_HOME": str(state.home), "MAPPER_DATABASE": state.database}
    if state.loopback:
        environment["MAPPER_LOOPBACK"] = "1"

    def ready(url: str) -> None:
        say(f"The dashboard is at {url}; Ctrl-C stops it.")

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        with state.open() as database:
            await serve(
                database, Address(host, port, public_url), environment=environment, ready=ready, stop=stop
            )

    logs.listen()
    asyncio.run(until_stopped())


def _check_made(state: State) -> None:
    file = state.database_file
    if file is not None and not file.exists():
        raise UsageError("USE101", file=str(file))


def _operator(database: Database, tenant: str | None) -> Viewer:
    """On the operator's own machine whoever opens the dashboard is support."""
    from mapper.cli.options import chosen_tenant
    from mapper.store import tenants

    name = chosen_tenant(database, tenant)
    with database.read() as conn:
        everyone = tuple(one.id for one in tenants.everyone(conn))
        language: Language = "en" if tenants.settings(conn, name).get("language") == "en" else "nl"
    return Viewer(getpass.getuser(), name, everyone, language, is_support=True)


def _member(database: Database, account: str, tenant: str | None) -> Viewer:
    """Raises UsageError USE162 (no such account), STO110 (no webshop of theirs) or WEB241 (they have none)."""
    from mapper import logins
    from mapper.store import accounts

    with database.read() as conn:
        known = accounts.get(conn, account)
        seen = tuple(one.tenant for one in logins.visible(conn, known))
        if not seen:
            raise UsageError("WEB241")
        name = logins.check_visible(conn, known, tenant).tenant if tenant is not None else seen[0]
    language: Language = "en" if known.language == "en" else "nl"
    return Viewer(known.name or "merchant", name, seen, language, is_support=known.role == "support")


def _memory_file(state: State, account: str | None) -> Path:
    if account is None:
        return state.home / "tui.json"
    safe = "".join(one for one in account if one.isascii() and (one.isalnum() or one == "-"))
    return state.home / f"tui-{safe[:60]}.json"
