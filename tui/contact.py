"""Where mails go and in which language, and the password of the merchant: asked for and kept, with who did it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.dialogs import Ask, ask
from tui.face import Face

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mapper.store.rows import Account, Licence


async def change_email(face: Face, account: Account) -> None:
    """Ask for another address."""
    t = face.t
    told = t("Mails about new errors and what waits too long go there.")
    email = await ask(face.app, Ask(t("E-mail"), told, label=t("Address"), value=account.email))
    if email:
        await _keep_contact(face, account, email, account.language)


async def change_language(face: Face, account: Account) -> None:
    """Write mails in the other language from now on."""
    await _keep_contact(face, account, account.email, "en" if account.language == "nl" else "nl")


async def _keep_contact(face: Face, account: Account, email: str, language: str) -> None:
    from mapper.store import accounts

    def change(conn: Connection) -> None:
        accounts.set_contact(conn, account.id, email=email, language=language)

    await _keep(face, change, "contact changed", face.t("Changed."))


async def change_second_email(face: Face, licence: Licence) -> None:
    """Ask for the second address, which a dash removes."""
    from mapper.store import licences

    t = face.t
    told = t("Mails about this webshop also go there; a dash removes it.")
    given = await ask(face.app, Ask(t("Second e-mail"), told, label=t("Address"), value=licence.extra_email))

    def change(conn: Connection) -> None:
        licences.set_extra_email(conn, face.session.tenant, "" if given == "-" else str(given))

    if given:
        await _keep(face, change, "contact changed", t("Changed."))


async def change_password(face: Face, account: Account) -> None:
    """Ask for another password, twice."""
    from mapper.store import accounts

    t = face.t
    title = t("New password")
    told = t("At least 12 characters. The merchant logs in with the licence key and this password.")
    given = await ask(face.app, Ask(title, told, label=title, secret=True))
    if not given:
        return
    again = await ask(face.app, Ask(title, t("The same once more."), label=title, secret=True))
    if given != again:
        face.mapper.tell(t("These are two different passwords: nothing was changed."), severity="warning")
        return

    def change(conn: Connection) -> None:
        accounts.set_password(conn, account.id, given)

    await _keep(face, change, "password changed", t("The password is changed."))


async def _keep(face: Face, change: Callable[[Connection], None], event: str, told: str) -> None:
    def kept() -> bool:
        from mapper.store import journal

        session = face.session
        with session.database.begin() as conn:
            change(conn)
            journal.append(conn, session.tenant, None, event, {"who": session.who}, now=session.now())
        return True

    if await face.attempt(kept):
        face.mapper.tell(told)
