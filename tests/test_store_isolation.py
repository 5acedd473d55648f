"""Two tenants with the same document ids, keys, tokens, e-mails and codes: neither sees or changes the other's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest
from sqlalchemy import Connection, event, select

import mapper.store
from mapper.store import (
    accounts,
    changes,
    credentials,
    digests,
    documents,
    events,
    expiring,
    handshakes,
    history,
    journal,
    licences,
    listing,
    operations,
    overlays,
    parties,
    past,
    payloads,
    reconciliations,
    redacting,
    restored,
    schema,
    subscriptions,
    sweeps,
    tenants,
    tickets,
    turnover,
    vat_numbers,
    web_sessions,
)
from mapper.store.database import Database, open_database
from mapper.store.rows import Reconciliation, VatNumberCheck
from mapper.store.sealing import Sealer
from tests.databases import MINUTE, NOW, add_tenant, bring_to

pytest_plugins = ["tests.databases"]

MODULES = [
    changes,
    credentials,
    digests,
    documents,
    events,
    expiring,
    handshakes,
    history,
    journal,
    licences,
    listing,
    operations,
    overlays,
    parties,
    past,
    payloads,
    reconciliations,
    redacting,
    restored,
    subscriptions,
    sweeps,
    tenants,
    turnover,
    tickets,
    vat_numbers,
    web_sessions,
]
SEALER = Sealer.generate()
LATER = NOW + MINUTE
WORTH = {
    "customer": {"country": "NL"},
    "total_incl": Decimal("12.10"),
    "lines": [{"vat_percent": Decimal(21), "total_excl": Decimal(10), "total_incl": Decimal("12.10")}],
}
PERIOD = {"since": NOW, "until": NOW + 9 * MINUTE}
OF_TENANTS = [
    table for table in schema.metadata.sorted_tables if "tenant" in table.c or table.name == "tenant"
]


def fill(conn: Connection, tenant: str) -> None:
    """Give a tenant one row or more in every table; only values differ between tenants, never keys."""
    add_tenant(conn, tenant)
    tenants.put_settings(conn, tenant, {"name": tenant}, who=tenant, now=NOW)
    credentials.put(conn, tenant, "wefact.key", f"secret of {tenant}", sealer=SEALER, now=NOW)
    credentials.put_webhook(
        conn, tenant, "orders.created", shop_webhook_id=1, address=tenant, key=tenant, sealer=SEALER, now=NOW
    )
    events.accept(conn, tenant, "orders.created", "hash", 1, now=NOW)
    for shop_id, state in enumerate(
        ["open", "queued", "processing", "done", "error", "waiting", "ignored"], start=1
    ):
        document = bring_to(conn, documents.note(conn, tenant, "order", shop_id, now=NOW), state)
        documents.describe(conn, tenant, document.id, number=f"00{shop_id}", customer=f"customer of {tenant}")
        payloads.keep(conn, tenant, document.id, {"of": tenant}, now=NOW)
        keep_mapping(conn, tenant, document.id)
        for key in (f"key {shop_id}", f"other {shop_id}"):
            begin(conn, tenant, document.id, key)
    operations.finish(conn, tenant, "other 1", identifier="9", now=NOW)
    parties.remember_debtor(conn, tenant, "a@b.nl", identifier=f"debtor of {tenant}", now=NOW)
    parties.remember_product(conn, tenant, "SKU", identifier=f"product of {tenant}", now=NOW)
    journal.append(conn, tenant, "order-1", "noted", {"of": tenant}, now=NOW)
    turnover.keep(conn, tenant, "order-4")
    overlays.put(conn, tenant, f"# of {tenant}", who=tenant, now=NOW)
    vat_numbers.keep(conn, tenant, "order-1", vat_number_check(tenant))
    sweeps.record(conn, tenant, until=NOW if tenant == "a" else LATER)
    for shop_id in (1, 2, 3):
        want(conn, tenant, shop_id)
    past.keep(conn, tenant, "order", 2, outcome="post", cause=f"of {tenant}", now=NOW)
    past.keep(conn, tenant, "order", 3, outcome="post", now=NOW)
    past.agree(conn, tenant, "order", since=NOW + 2 * MINUTE, until=NOW + 4 * MINUTE, now=NOW)
    reconciliations.keep(conn, tenant, compared(tenant), forget_before=NOW)
    reconciliations.accept(conn, tenant, "mark", reason=f"of {tenant}", now=NOW)
    digests.tell(conn, tenant, until=NOW if tenant == "a" else LATER)
    licences.accept_terms(conn, tenant, version=f"of {tenant}", now=NOW)
    handshakes.keep(conn, tenant, tenant, return_url=f"https://{tenant}", sealer=SEALER, now=NOW)
    web_sessions.open_(conn, tenant, now=NOW)
    subscribe(conn, tenant)
    report(conn, tenant, "K1")
    ask(conn, tenant)
    tickets.close(conn, tenant, 2)


def subscribe(conn: Connection, tenant: str) -> object:
    content = f"%PDF-{tenant}".encode()
    return subscriptions.add(conn, tenant, "f.pdf", content, dated=NOW.date(), who=tenant, now=NOW)


def report(conn: Connection, tenant: str, cause: str) -> object:
    return tickets.open_(
        conn, tenant, "problem", subject=tenant, text=tenant, bundle={}, who=tenant, cause=cause, now=NOW
    )


def ask(conn: Connection, tenant: str) -> object:
    return tickets.open_(
        conn, tenant, "question", subject=tenant, text=tenant, bundle={}, who=tenant, now=NOW
    )


def want(conn: Connection, tenant: str, shop_id: int) -> None:
    past.note(
        conn,
        tenant,
        "order",
        shop_id,
        order_id=None,
        number="",
        dated=NOW + shop_id * MINUTE,
        basis=tenant,
        read_since=NOW,
        now=NOW,
    )


def compared(mark: str) -> Reconciliation:
    return Reconciliation(NOW, NOW, NOW, {"of": mark}, [])


def begin(conn: Connection, tenant: str, document: str, key: str) -> object:
    return operations.begin(
        conn, tenant, document_id=document, step="s", key=key, token=f"t {key}", fingerprint=tenant, now=NOW
    )


def keep_mapping(conn: Connection, tenant: str, document: str) -> None:
    payloads.keep_mapping(
        conn,
        tenant,
        document,
        payload_hash="p",
        rules="r",
        settings_revision=1,
        document={"of": tenant, **WORTH},
        requests=[],
        findings=[],
        trace=[],
        now=NOW,
    )


def vat_number_check(code: str) -> VatNumberCheck:
    return VatNumberCheck("DE136695976", "valid", code, "", "", NOW, NOW, 1)


def touch(conn: Connection, tenant: str) -> object:
    seen = operations.find(conn, tenant, "key 1")
    assert seen is not None
    return operations.touch(conn, tenant, "key 1", seen=seen, now=LATER)


def stop_and_hide(conn: Connection, tenant: str) -> None:
    licences.stop(conn, tenant, reason="x", now=LATER)
    licences.hide(conn, tenant)


READS: dict[str, Callable[[Connection, str], object]] = {
    "credentials.get": lambda c, t: credentials.get(c, t, "wefact.key", sealer=SEALER),
    "credentials.names": credentials.names,
    "credentials.webhook": lambda c, t: credentials.webhook(c, t, "orders.created"),
    "credentials.webhooks": credentials.webhooks,
    "credentials.webhook_key": lambda c, t: credentials.webhook_key(c, t, "orders.created", sealer=SEALER),
    "digests.told_until": digests.told_until,
    "digests.stopped": lambda c, t: digests.stopped(c, t, since=NOW - MINUTE, until=LATER),
    "digests.waiting": lambda c, t: digests.waiting(c, t, since=NOW - MINUTE, until=LATER),
    "documents.get": lambda c, t: documents.get(c, t, "order-1"),
    "documents.find": lambda c, t: documents.find(c, t, "order", 1),
    "documents.by_number": lambda c, t: documents.by_number(c, t, "001"),
    "documents.of_order": lambda c, t: documents.of_order(c, t, 4),
    "credentials.given_at": lambda c, t: credentials.given_at(c, t, "wefact.key"),
    "credentials.everything": lambda c, t: credentials.everything(c, t, sealer=SEALER),
    "events.latest": events.latest,
    "events.count": lambda c, t: events.count(c, t, before=LATER),
    "expiring.expired": lambda c, t: expiring.expired(c, t, home=LATER, abroad=NOW, untouched_since=LATER),
    "history.count": lambda c, t: history.count(c, t, history.Scope()),
    "history.portions": lambda c, t: list(history.portions(c, t, history.Scope(), 3)),
    "history.stored": lambda c, t: history.stored(c, t, ["order-1", "order-4"]),
    "handshakes.is_known": handshakes.is_known,
    "handshakes.return_url": lambda c, t: handshakes.return_url(c, t, sealer=SEALER),
    "licences.get": licences.get,
    "subscriptions.of_tenant": subscriptions.of_tenant,
    "subscriptions.content": lambda c, t: subscriptions.content(c, t, 1),
    "tickets.get": lambda c, t: tickets.get(c, t, 1),
    "tickets.count_closed": lambda c, t: tickets.count_closed(c, t, before=LATER),
    "tickets.of_tenant": lambda c, t: tickets.of_tenant(c, t, closed=True),
    "journal.entries": journal.entries,
    "journal.newest": journal.newest,
    "journal.verify": journal.verify,
    "listing.page": listing.page,
    "listing.counts": listing.counts,
    "listing.causes": listing.causes,
    "listing.count": listing.count,
    "listing.by_hour": listing.by_hour,
    "changes.mark": changes.mark,
    "listing.due": lambda c, t: listing.due(c, t, now=LATER),
    "listing.unsettled": listing.unsettled,
    "listing.oldest_queued": listing.oldest_queued,
    "operations.find": lambda c, t: operations.find(c, t, "key 1"),
    "operations.by_token": lambda c, t: operations.by_token(c, t, "t key 1"),
    "operations.that_made": lambda c, t: operations.that_made(c, t, "s", {"9"}),
    "operations.latest_made": lambda c, t: operations.latest_made(c, t, "s", limit=9),
    "operations.of_document": lambda c, t: operations.of_document(c, t, "order-1"),
    "operations.unresolved": lambda c, t: operations.unresolved(c, t, before=LATER),
    "operations.counts": operations.counts,
    "overlays.current": overlays.current,
    "overlays.history": overlays.history,
    "parties.debtor": lambda c, t: parties.debtor(c, t, "a@b.nl"),
    "parties.product": lambda c, t: parties.product(c, t, "SKU"),
    "past.find": lambda c, t: past.find(c, t, "order", 2),
    "past.is_agreed": lambda c, t: past.is_agreed(c, t, "order", 3),
    "past.agreed_ids": lambda c, t: past.agreed_ids(c, t, "order", **PERIOD),
    "past.page": lambda c, t: past.page(c, t, "order", **PERIOD),
    "past.count_unread": lambda c, t: past.count_unread(c, t, "order", **PERIOD),
    "past.untaken": lambda c, t: past.untaken(c, t, limit=9),
    "past.progress": lambda c, t: past.progress(c, t, "order", **PERIOD),
    "past.under_way": past.under_way,
    "reconciliations.latest": reconciliations.latest,
    "reconciliations.accepted": reconciliations.accepted,
    "payloads.payload": lambda c, t: payloads.payload(c, t, "order-1"),
    "payloads.mapping": lambda c, t: payloads.mapping(c, t, "order-1"),
    "redacting.finished_before": lambda c, t: redacting.finished_before(c, t, LATER),
    "redacting.of_person": lambda c, t: [one.id for one in redacting.of_person(c, t, "a@b.nl")],
    "redacting.tax_numbers": lambda c, t: redacting.tax_numbers(c, t, "order-1"),
    "restored.forgotten_since": lambda c, t: restored.forgotten_since(c, t, "order-1"),
    "sweeps.swept_until": sweeps.swept_until,
    "tenants.get": tenants.get,
    "vat_numbers.check_of": lambda c, t: vat_numbers.check_of(c, t, "order-1", "DE136695976"),
    "vat_numbers.checks": lambda c, t: vat_numbers.checks(c, t, "order-1"),
    "tenants.settings": tenants.settings,
    "tenants.settings_history": tenants.settings_history,
    "tenants.settings_of": lambda c, t: tenants.settings_of(c, t, 2),
    "tenants.pause_of": tenants.pause_of,
    "turnover.of_period": turnover.of_period,
}

WRITES: dict[str, Callable[[Connection, str], object]] = {
    "credentials.put": lambda c, t: credentials.put(c, t, "wefact.key", "new", sealer=SEALER, now=LATER),
    "credentials.forget": lambda c, t: credentials.forget(c, t, "wefact.key"),
    "credentials.put_webhook": lambda c, t: credentials.put_webhook(
        c, t, "orders.created", shop_webhook_id=2, address="x", key="x", sealer=SEALER, now=LATER
    ),
    "credentials.forget_webhook": lambda c, t: credentials.forget_webhook(c, t, "orders.created"),
    "digests.tell": lambda c, t: digests.tell(c, t, until=LATER),
    "documents.note": lambda c, t: documents.note(c, t, "order", 1, now=LATER),
    "documents.describe": lambda c, t: documents.describe(c, t, "order-1", number="x"),
    "documents.queue": lambda c, t: documents.queue(c, t, "order-1", now=LATER),
    "documents.claim": lambda c, t: documents.claim(c, t, "order-2", revision=1, worker="x", now=LATER),
    "documents.finish": lambda c, t: documents.finish(c, t, "order-3", identifier="1", code="x", now=LATER),
    "documents.fail": lambda c, t: documents.fail(c, t, "order-1", cause="x", now=LATER),
    "documents.wait": lambda c, t: documents.wait(c, t, "order-3", until=LATER, why="x", now=LATER),
    "documents.remark": lambda c, t: documents.remark(c, t, "order-3", cause="x", facts={}, now=LATER),
    "documents.accept": lambda c, t: documents.accept(c, t, "order-5", now=LATER),
    "documents.release": lambda c, t: documents.release(c, t, "order-3", why="x", now=LATER),
    "documents.ignore": lambda c, t: documents.ignore(c, t, "order-1", reason="x", now=LATER),
    "documents.reopen": lambda c, t: documents.reopen(c, t, "order-5", now=LATER),
    "documents.process_again": lambda c, t: documents.process_again(c, t, "order-4", now=LATER),
    "documents.mark_drift": lambda c, t: documents.mark_drift(c, t, "order-4", now=LATER),
    "events.accept": lambda c, t: events.accept(c, t, "orders.created", "new", 1, now=LATER),
    "expiring.remove": lambda c, t: expiring.remove(c, t, ["order-4"]),
    "events.purge": lambda c, t: events.purge(c, t, before=LATER),
    "handshakes.keep": lambda c, t: handshakes.keep(c, t, "new", return_url="x", sealer=SEALER, now=LATER),
    "handshakes.forget": handshakes.forget,
    "licences.accept_terms": lambda c, t: licences.accept_terms(c, t, version="new", now=LATER),
    "licences.mark_installed": lambda c, t: licences.mark_installed(c, t, now=LATER),
    "licences.set_progress": lambda c, t: licences.set_progress(c, t, "vat"),
    "licences.begin_again": licences.begin_again,
    "licences.stop": lambda c, t: licences.stop(c, t, reason="x", now=LATER),
    "licences.hide": stop_and_hide,
    "licences.hold": licences.hold,
    "licences.set_shop": lambda c, t: licences.set_shop(c, t, "https://x.nl"),
    "licences.set_extra_email": lambda c, t: licences.set_extra_email(c, t, "x@y.nl"),
    "licences.move": lambda c, t: licences.move(c, t, accounts.create(c, now=LATER).id),
    "subscriptions.add": subscribe,
    "tickets.open_": lambda c, t: report(c, t, "K2"),
    "tickets.answer": lambda c, t: tickets.answer(c, t, 1, text="x", who="x", now=LATER),
    "tickets.close": lambda c, t: tickets.close(c, t, 1),
    "tickets.mark_mailed": lambda c, t: tickets.mark_mailed(c, t, 1, now=LATER),
    "tickets.forget": lambda c, t: tickets.forget(c, t, before=LATER),
    "web_sessions.open_": lambda c, t: web_sessions.open_(c, t, now=LATER),
    "web_sessions.close_all": web_sessions.close_all,
    "journal.append": lambda c, t: journal.append(c, t, "order-1", "x", {}, now=LATER),
    "operations.begin": lambda c, t: begin(c, t, "order-1", "new key"),
    "operations.finish": lambda c, t: operations.finish(c, t, "key 1", identifier="1", now=LATER),
    "operations.refuse": lambda c, t: operations.refuse(c, t, "key 1", error="x", now=LATER),
    "operations.lost": lambda c, t: operations.lost(c, t, "key 1", now=LATER),
    "operations.searched": lambda c, t: operations.searched(c, t, "key 1", now=LATER),
    "operations.touch": touch,
    "overlays.put": lambda c, t: overlays.put(c, t, "new: 1", who="x", now=LATER),
    "parties.remember_debtor": lambda c, t: parties.remember_debtor(
        c, t, "a@b.nl", identifier="x", now=LATER
    ),
    "parties.forget_debtor": lambda c, t: parties.forget_debtor(c, t, "a@b.nl"),
    "parties.remember_product": lambda c, t: parties.remember_product(c, t, "SKU", identifier="x", now=LATER),
    "parties.forget_product": lambda c, t: parties.forget_product(c, t, "SKU"),
    "past.note": lambda c, t: want(c, t, 9),
    "past.keep": lambda c, t: past.keep(c, t, "order", 1, outcome="fail", now=LATER),
    "past.forget_unseen": lambda c, t: past.forget_unseen(c, t, "order", **PERIOD, seen_since=LATER),
    "past.agree": lambda c, t: past.agree(c, t, "order", **PERIOD, now=LATER),
    "past.withdraw": past.withdraw,
    "past.take": lambda c, t: past.take(c, t, "order", 3, now=LATER),
    "reconciliations.accept": lambda c, t: reconciliations.accept(c, t, "mark", reason="new", now=LATER),
    "reconciliations.keep": lambda c, t: reconciliations.keep(c, t, compared("new"), forget_before=LATER),
    "payloads.keep": lambda c, t: payloads.keep(c, t, "order-1", {"new": 1}, now=LATER),
    "payloads.keep_mapping": lambda c, t: keep_mapping(c, t, "order-1"),
    "redacting.redact": lambda c, t: redacting.redact(c, t, "order-1"),
    "redacting.forget_person": lambda c, t: redacting.forget_person(c, t, t),
    "sweeps.record": lambda c, t: sweeps.record(c, t, until=LATER),
    "vat_numbers.keep": lambda c, t: vat_numbers.keep(c, t, "order-1", vat_number_check("new")),
    "tenants.put_settings": lambda c, t: tenants.put_settings(c, t, {"new": 1}, who="x", now=LATER),
    "tenants.set_home_country": lambda c, t: tenants.set_home_country(c, t, "BE"),
    "tenants.go_live": lambda c, t: tenants.go_live(c, t, LATER),
    "tenants.require_signature": lambda c, t: tenants.require_signature(c, t, required=True),
    "tenants.pause": lambda c, t: tenants.pause(c, t, reason="x", now=LATER),
    "tenants.resume": tenants.resume,
    "tenants.stand_still": lambda c, t: tenants.stand_still(c, t, reason=tenants.STOPPED, now=LATER),
    "tenants.begin_work": tenants.begin_work,
    "tenants.count_mismatch": lambda c, t: tenants.count_mismatch(c, t, now=LATER),
    "tenants.clear_mismatches": tenants.clear_mismatches,
    "turnover.keep": lambda c, t: turnover.keep(c, t, "order-4"),
}


# What only adds a row names the tenant in it, and compares nothing.
INSERTS = {
    "reconciliations.accept",
    "credentials.put",
    "credentials.put_webhook",
    "digests.tell",
    "documents.note",
    "events.accept",
    "operations.begin",
    "parties.remember_debtor",
    "parties.remember_product",
    "payloads.keep_mapping",
    "vat_numbers.keep",
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, dict[str, object]]]:
    """A store with both tenants, and what the first read while it was alone."""
    with open_database(tmp_path_factory.mktemp("isolation") / "mapper.db") as database:
        with database.begin() as conn:
            restored.mark(conn, taken_at=NOW)
            restored.begin_work(conn, now=LATER)
            fill(conn, "a")
            alone = {name: read(conn, "a") for name, read in READS.items()}
            fill(conn, "b")
        yield database, alone


@pytest.mark.parametrize("name", READS)
def test_S6_a_tenant_reads_what_it_would_read_alone(
    both: tuple[Database, dict[str, object]], name: str
) -> None:
    database, alone = both
    with database.read() as conn, only_with_tenant(conn):
        assert READS[name](conn, "a") == alone[name]


@pytest.mark.parametrize("name", WRITES)
def test_S6_a_tenant_changes_its_own_rows_only(both: tuple[Database, dict[str, object]], name: str) -> None:
    database, _ = both
    with database.engine.connect() as conn:  # closed without a commit
        before = rows_of(conn, "b")
        with only_with_tenant(conn):
            WRITES[name](conn, "a")
        assert rows_of(conn, "b") == before


def test_S6_every_query_is_tried() -> None:
    known = {f"{module.__name__.rpartition('.')[2]}.{name}" for module in MODULES for name in queries(module)}
    # Both make the row that gives a tenant its own.
    assert known == READS.keys() | WRITES.keys() | {"tenants.create", "licences.grant"}


def test_S6_every_module_of_the_store_that_reads_by_tenant_is_tried() -> None:
    found = (import_module(f"mapper.store.{one.name}") for one in iter_modules(mapper.store.__path__))
    missing = [module.__name__ for module in found if module not in MODULES and list(queries(module))]
    assert missing == []


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_S6_a_planted_missing_filter_is_caught(both: tuple[Database, dict[str, object]], name: str) -> None:
    """Each query runs once more with the comparison of the tenant taken out of its SQL; only an insert has none."""
    database, _ = both
    query = READS.get(name) or WRITES[name]
    with database.engine.connect() as conn, without_filter(conn) as planted:  # closed without a commit
        try:
            with only_with_tenant(conn):
                query(conn, "a")
        except AssertionError:
            return
    assert planted == []
    assert name in INSERTS


def test_S6_the_guard_sees_a_query_without_a_tenant(sqlite: Database) -> None:
    with sqlite.begin() as conn, pytest.raises(AssertionError), only_with_tenant(conn):
        conn.execute(select(schema.operation).where(schema.operation.c.key == "x"))


def queries(module: ModuleType) -> Iterator[str]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        own = function.__module__ == module.__name__ and not name.startswith("_")
        if own and list(inspect.signature(function).parameters)[:2] == ["conn", "tenant"]:
            yield name


@contextmanager
def without_filter(conn: Connection) -> Iterator[list[str]]:
    """Take every comparison of the tenant out of the statements of a connection; gives those that had one."""
    planted: list[str] = []

    def plant(
        _conn: object, _cursor: object, statement: str, parameters: object, *_rest: object
    ) -> tuple[str, object]:
        changed = re.sub(r"(?:tenant\.id|\b\w+\.tenant) = \?", "? IS NOT NULL", statement)
        if changed != statement:
            planted.append(statement)
        return changed, parameters

    event.listen(conn, "before_cursor_execute", plant, retval=True)
    try:
        yield planted
    finally:
        event.remove(conn, "before_cursor_execute", plant)


NAMES = "|".join(table.name for table in OF_TENANTS)


def tables_of(statement: str) -> list[str]:
    return re.findall(rf"(?:FROM|^UPDATE) ({NAMES})\b", statement)


def is_guarded(statement: str) -> bool:
    """Tell whether a SELECT, UPDATE or DELETE compares the tenant of every tenant's table that it reads or changes.

    One comparison is with a tenant that was given: a join alone, of two tables of every tenant, guards nothing.
    """
    owners = ["tenant.id" if table == "tenant" else f"{table}.tenant" for table in tables_of(statement)]
    is_given = any(f"{owner} = ?" in statement for owner in owners)
    return not owners or (is_given and all(f"{owner} = " in statement for owner in owners))


def rows_of(conn: Connection, tenant: str) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for table in OF_TENANTS:
        owner = table.c.id if table.name == "tenant" else table.c.tenant
        found[table.name] = [tuple(row) for row in conn.execute(select(table).where(owner == tenant))]
    return found


@contextmanager
def only_with_tenant(conn: Connection) -> Iterator[None]:
    """Fail on a SELECT, UPDATE or DELETE of a tenant's table that does not compare the tenant."""

    def check(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        assert is_guarded(statement), statement

    event.listen(conn, "before_cursor_execute", check)
    try:
        yield
    finally:
        event.remove(conn, "before_cursor_execute", check)
