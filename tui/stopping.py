"""Stop the integration of a webshop for good: its name typed, a reason given, and asked once more (T2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mapper.diagnostics import printable
from tui.dialogs import Ask, Confirm, ask
from tui.face import Face

if TYPE_CHECKING:
    from mapper.errors import MapperError


async def stop_integration(face: Face) -> None:
    """Ask, and stop it. Call it in a worker."""
    t, session = face.t, face.session
    tenant, shown = session.tenant, printable(session.tenant, 60)
    told = t(
        "Nothing is received or posted any more, webhooks are removed from the shop, and the keys are destroyed. "
        "Documents and history stay. This cannot be undone without new keys."
    )
    typed = Ask(t("Stop the integration"), told, label=t("Type {name}", name=tenant), wanted=tenant)
    if await ask(face.app, typed) is None:
        return
    why = Ask(t("Why?"), t("The reason is kept in the history."), label=t("Reason"))
    reason = await ask(face.app, why)
    if not reason:
        return
    title = t("Stop {name}?", name=shown)
    if not await ask(face.app, Confirm(title, told, yes=t("Stop"), is_grave=True)):
        return

    def stop() -> tuple[MapperError | None]:
        from mapper import offboarding

        stopping = offboarding.stop(
            session.database, session.sealer(), tenant, reason=reason, who=session.who,
            loopback=session.loopback, now=session.now(),
        )  # fmt: skip
        return (asyncio.run(stopping),)

    done = await face.attempt(stop)
    if done is not None:
        if done[0] is not None:
            face.mapper.tell_error(done[0])
        face.mapper.tell(t("{name} is stopped.", name=shown))
        await face.mapper.read_again()
