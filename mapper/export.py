"""Everything kept about one webshop, as records: for its merchant, or for another system. Keys are not among it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mapper.store import accounts, licences, schema, tenants

# Keys, sessions and the engine's own marks are of no use to anybody else.
_LEFT_OUT = frozenset({"credential", "webhook", "webhook_event", "handshake", "web_session"})
_SECRET = frozenset({"webhook_token", "webhook_lookup"})


def records(conn: Connection, tenant: str) -> Iterator[dict[str, Any]]:
    """Yield every row of a webshop with the name of its table, in the same order every time.

    Raises UsageError STO110. Times are UTC, contents of files base64.
    """
    row = tenants.get(conn, tenant)
    account = accounts.get(conn, licences.get(conn, tenant).account)
    yield {"table": "account", "role": account.role, "email": account.email, "language": account.language}
    for table in schema.metadata.sorted_tables:
        owner = table.c.id if table.name == "tenant" else table.c.get("tenant")
        if owner is None or table.name in _LEFT_OUT:
            continue
        columns = [column for column in table.c if column.name not in _SECRET]
        query = select(*columns).where(owner == row.id).order_by(*table.primary_key.columns)
        for found in conn.execute(query):
            yield {"table": table.name} | {name: _value(value) for name, value in found._mapping.items()}  # noqa: SLF001 (its public name)


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
