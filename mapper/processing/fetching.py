"""A document as the shop has it now, and what it means when the shop does not give it (R6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mapper.errors import Refused, Temporary
from mapper.processing.connections import Connections
from mapper.processing.outcome import Stop
from mapper.services.ccv import CcvShop
from mapper.store.rows import Document

DELETED = "deleted in the shop (R6)"
# With doubling pauses about four minutes: longer than a shop's caches and restarts take.
ASKED = 5
_ABSENT = "CCV301"
_WINDOW = timedelta(minutes=1)


async def fetched(connections: Connections, document: Document) -> dict[str, Any]:
    """Return the document with all its rows.

    Anything on the way to the shop may answer 404 for a moment, so that alone closes no document. It is deleted when
    a webhook said so too, or when the shop's own signed list lacks it. Raises Stop `ignore` for what is deleted, `fail`
    CCV109 for what stayed away without being deleted, and before that Temporary CCV109.
    """
    shop = await connections.shop(document.tenant)
    try:
        if document.kind == "invoice":
            return await shop.invoice(document.shop_id)
        return await shop.order(document.shop_id)
    except Refused as error:
        if error.code != _ABSENT:
            raise
        host = error.facts["shop"]
    if document.deleted or await _is_unlisted(shop, document):
        raise Stop("ignore", DELETED)
    if document.attempts >= ASKED:
        raise Stop("fail", "CCV109", {"shop": host, "document": document.id})
    raise Temporary("CCV109", maybe_executed=False, shop=host, document=document.id)


async def _is_unlisted(shop: CcvShop, document: Document) -> bool:
    """Tell whether the shop's list of the minute the document was made lacks it; False when that is not known yet."""
    if not document.number:
        return False
    listing = shop.invoices if document.kind == "invoice" else shop.orders
    listed = listing(created_from=document.dated - _WINDOW, created_to=document.dated + _WINDOW)
    return all([str(one["id"]) != str(document.shop_id) async for one in listed])
