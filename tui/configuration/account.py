"""What only the services know and the settings choose from: tax codes, layouts, payment methods, debtors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapper.services.wefact import text_of
from tui.session import Session

if TYPE_CHECKING:
    from mapper.vat_settings import SaleCode

DEBTOR_FIELDS = "DebtorCode|CompanyName|SurName|EmailAddress"
MOST_DEBTORS = 50


@dataclass(frozen=True, slots=True)
class Account:
    """Tax codes for sales and layouts (code, name) of the WeFact account, payment methods of the shop."""

    codes: tuple[SaleCode, ...]
    layouts: tuple[tuple[str, str], ...]
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Debtor:
    """A debtor of WeFact."""

    code: str
    name: str
    place: str


def read(session: Session) -> Account:
    """Ask both services. Raises ServiceError, and ConfigError where a key is missing."""
    from mapper.processing.connections import Connections
    from mapper.vat_settings import sale_codes

    async def ask() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with Connections(session.database, session.sealer(), loopback=session.loopback) as services:
            settings = await services.wefact_settings(session.tenant)
            return settings, await (await services.shop(session.tenant)).paymethods()

    settings, methods = asyncio.run(ask())
    identities = settings.get("CorporateIdentity")
    rows = list(identities.values()) if isinstance(identities, Mapping) else identities or []
    layouts = tuple(
        (text_of(one, "LanguageCode"), text_of(one, "Name")) for one in rows if isinstance(one, Mapping)
    )
    names = tuple(dict.fromkeys(filter(None, (text_of(one, "combined_name") for one in methods))))
    return Account(sale_codes(settings), layouts, names)


def find_debtors(session: Session, wanted: str) -> list[Debtor]:
    """Search debtors in WeFact by code, company, name or e-mail. Raises ServiceError, ConfigError."""
    from mapper.processing.connections import Connections

    async def ask() -> list[dict[str, Any]]:
        async with Connections(session.database, session.sealer(), loopback=session.loopback) as services:
            wefact = await services.wefact(session.tenant)
            return await wefact.search("debtor", {"searchat": DEBTOR_FIELDS, "searchfor": wanted})

    found = []
    for row in asyncio.run(ask())[:MOST_DEBTORS]:
        person = " ".join(filter(None, (text_of(row, "Initials"), text_of(row, "SurName"))))
        name = text_of(row, "CompanyName") or person
        place = " ".join(
            filter(None, (text_of(row, "City"), text_of(row, "Country"), text_of(row, "EmailAddress")))
        )
        found.append(Debtor(text_of(row, "DebtorCode"), name, place))
    return found
