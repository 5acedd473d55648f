"""Pause and resume posting of the webshop (R11)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mapper.errors import MapperError
from tui import amounts
from tui.dialogs import Ask, Confirm, ask

if TYPE_CHECKING:
    from tui.app import MapperApp


async def pause_or_resume(app: MapperApp) -> None:
    """Ask for the reason and pause, or ask whether to go on and resume."""
    from mapper.processing import actions

    session, t = app.session, app.t
    try:
        if app.shown.tenant.paused_at is not None:
            question = t(
                "Paused since {at}: {why}",
                at=amounts.moment(app.shown.tenant.paused_at, app.shown.zone),
                why=app.shown.pause_reason,
            )
            if await ask(app, Confirm(t("Resume posting?"), question, yes=t("Resume"))):
                count = await asyncio.to_thread(
                    actions.resume, session.database, session.tenant, now=session.now(), who=session.who
                )
                app.tell(t("Posting goes on; {count} documents are taken up.", count=count))
        else:
            told = t("Nothing is posted until it is resumed. Nothing gets lost: webhooks are still received.")
            reason = await ask(app, Ask(t("Pause posting"), told, label=t("Reason")))
            if reason:
                await asyncio.to_thread(
                    actions.pause,
                    session.database,
                    session.tenant,
                    reason=reason,
                    now=session.now(),
                    who=session.who,
                )
                app.tell(t("Posting is paused."))
    except MapperError as error:
        app.tell_error(error)
    await app.read_again()
