"""Starting the dashboard: what it opens, and what is told when it ends with an error."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from mapper.cli.state import State
from mapper.errors import Language, UsageError

if TYPE_CHECKING:
    from tui.session import Session


def open_dashboard(state: State, tenant: str | None, *, language: Language | None) -> None:
    """Run the app until it is left. Raises what ended it: MapperError, or a fault of ours."""
    from tui.app import MapperApp
    from tui.memory import Memory

    file = state.database_file
    if file is not None and not file.exists():
        raise UsageError("USE101", file=str(file))
    with ExitStack() as opened:

        def open_session() -> Session:
            from mapper.cli.options import chosen_tenant
            from mapper.cli.talk import talked
            from mapper.store import tenants
            from tui.session import Session

            database = opened.enter_context(state.open())
            name = chosen_tenant(database, tenant)
            with database.read() as conn:
                everyone = tuple(one.id for one in tenants.everyone(conn))
                spoken: Language = "en" if tenants.settings(conn, name).get("language") == "en" else "nl"
            session = Session(
                database,
                name,
                everyone,
                language or spoken,
                sealer=state.sealer,
                key_file=state.key_file,
                loopback=state.loopback,
            )
            session.translate = lambda text: talked(text, session.language)
            return session

        app = MapperApp(open_session, memory=Memory(state.home / "tui.json"), language=language)
        app.run()
        if app.fault is not None:
            raise app.fault
