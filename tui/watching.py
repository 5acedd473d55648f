"""What changes in the database while somebody looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from mapper.errors import MapperError
from tui.session import Session

POLL_SECONDS = 1.0


async def changes(session: Session) -> AsyncIterator[None]:
    """Look every second, and yield when something of the webshop is another."""
    from mapper.store.changes import Watch

    with Watch(session.database) as watch:
        known: object = None
        while True:
            try:
                mark: object = await asyncio.to_thread(watch.mark, session.tenant)
            except MapperError:
                mark = known  # what a tab reads next tells it
            if known is not None and mark != known:
                yield
            known = mark
            await asyncio.sleep(POLL_SECONDS)
