"""Changing the sealing key while everything goes on: what is sealed with an older key is sealed with the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, select, update

from mapper.store import handshakes, schema
from mapper.store.sealing import Sealer, key_id_of


@dataclass(frozen=True, slots=True)
class _Place:
    """A column of sealed texts, and the field name that each is bound to, made of the row's key."""

    table: Table
    sealed: Column[str]
    name: Column[str]
    field: str


_PLACES = (
    _Place(schema.credential, schema.credential.c.sealed, schema.credential.c.name, "{}"),
    _Place(schema.webhook, schema.webhook.c.sealed_key, schema.webhook.c.event, "webhook {}"),
    _Place(schema.handshake, schema.handshake.c.sealed, schema.handshake.c.public, handshakes.FIELD),
)


def counts(conn: Connection) -> dict[str, int]:
    """Return how many texts are sealed with which key, by its id."""
    return dict(Counter(key_id_of(sealed) for _, _, _, sealed in _everything(conn)))


def ensure_is_ours(conn: Connection, sealer: Sealer) -> None:
    """Raise ConfigError SEC105 when nothing that is stored opens: the key file is another installation's."""
    first = None
    for place, tenant, name, sealed in _everything(conn):
        if key_id_of(sealed) in sealer.key_ids:
            return
        first = first or (tenant, place.field.format(name), sealed)
    if first is not None:
        sealer.open(*first)


def reseal(conn: Connection, sealer: Sealer) -> int:
    """Seal anew with the first key what another one sealed; return how many.

    Raises ConfigError SEC103 or SEC105 for a text that does not open; nothing is changed then.
    """
    changed = 0
    for place, tenant, name, sealed in list(_everything(conn)):
        if key_id_of(sealed) == sealer.key_ids[0]:
            continue
        field = place.field.format(name)
        new = sealer.seal(tenant, field, sealer.open(tenant, field, sealed))
        row = (place.table.c.tenant == tenant, place.name == name, place.sealed == sealed)
        conn.execute(update(place.table).where(*row).values({place.sealed: new}))
        changed += 1
    return changed


def _everything(conn: Connection) -> Iterator[tuple[_Place, str, str, str]]:
    for place in _PLACES:
        query = select(place.table.c.tenant, place.name, place.sealed)
        for tenant, name, sealed in conn.execute(query).all():
            yield place, tenant, name, sealed
