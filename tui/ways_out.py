"""What only a person can decide: an invoice with another total, or one that may exist and cannot be looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tui.dialogs import Ask, Choose, ask
from tui.face import Face

if TYPE_CHECKING:
    from mapper.store.rows import Document


async def settle(face: Face, document_id: str) -> bool | None:
    """Offer the two ways out of a document that only a person can settle; None when it is none.

    Returns whether the person took one. Call it in a worker.
    """
    from mapper.processing import actions, mismatch
    from mapper.store import documents

    def read() -> Document:
        with face.session.database.read() as conn:
            return documents.get(conn, face.session.tenant, document_id)

    found = await face.attempt(read)
    if found is None:
        return None
    if mismatch.has_invoice(found):
        return await _settle_mismatch(face, found)
    if found.state in documents.STOPPED and found.cause in actions.LEFT_TO_A_PERSON:
        return await _settle_unknown(face, found)
    return None


async def _settle_mismatch(face: Face, found: Document) -> bool:
    """W19: the invoice exists with another total."""
    from mapper.processing import mismatch

    session, t = face.session, face.t

    def accept(why: str) -> Document:
        return mismatch.accept(
            session.database, session.tenant, found.id, reason=why, now=session.now(), who=session.who
        )

    def anew(why: str) -> Document:
        return mismatch.post_anew(
            session.database,
            session.sealer(),
            session.tenant,
            found.id,
            reason=why,
            now=session.now(),
            loopback=session.loopback,
            who=session.who,
        )

    title = t("Its invoice {invoice} exists with another total", invoice=found.code or found.identifier)
    ways = [
        (t("Take that invoice as it is, once corrected in WeFact"), accept),
        (t("Delete that draft in WeFact and post anew"), anew),
    ]
    return await _decided(face, title, ways)


async def _settle_unknown(face: Face, found: Document) -> bool:
    """PRO202, PRO205: the invoice was asked for, and whether it was made nothing but a look in WeFact can tell."""
    from mapper.processing import actions

    session, t = face.session, face.t

    def leave(why: str) -> Document:
        return actions.ignore(
            session.database,
            session.tenant,
            found.id,
            reason=why,
            now=session.now(),
            force=True,
            who=session.who,
        )

    def make(why: str) -> Document:
        return actions.process(
            session.database,
            session.tenant,
            found.id,
            now=session.now(),
            again=True,
            reason=why,
            who=session.who,
        )

    wanted = str(found.facts.get("reference") or found.order_number or found.number)
    title = t("Look in WeFact for {reference}: is its invoice there?", reference=wanted)
    ways = [
        (t("It is there: leave this document alone"), leave),
        (t("It is not there: have it made"), make),
    ]
    return await _decided(face, title, ways)


async def _decided(face: Face, title: str, ways: Sequence[tuple[str, Callable[[str], Document]]]) -> bool:
    """Ask which way, and why; go it and say what the document is now."""
    t = face.t
    chosen = await ask(
        face.app, Choose(title, [(str(number), told) for number, (told, _) in enumerate(ways)])
    )
    if chosen is None:
        return False
    why = await ask(
        face.app, Ask(t("Why?"), t("The reason is kept in the document's history."), label=t("Reason"))
    )
    if not why:
        return False
    settled = await face.attempt(ways[int(chosen)][1], why)
    if settled is not None:
        face.mapper.tell(
            t("{document} is {state} now.", document=settled.number or settled.id, state=t(settled.state))
        )
        await face.mapper.read_again()
    return settled is not None
