"""Backups while work goes on, what a restored one forgot, and the move to another database."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from daemons import HASTY, Home, Shop, home, open_shop, running, wait_for
from sqlalchemy import insert, select, update

from mapper.errors import MapperError
from mapper.processing import engine
from mapper.store import copying, documents, heartbeats, journal, restored, schema, tenants
from mapper.store.database import lock_daemon, open_database
from tests.databases import NOW, add_document, add_tenant, bring_to

pytest_plugins = ["tests.databases"]


def references(shop: Shop) -> Counter[str]:
    return Counter(invoice["ReferenceNumber"] for invoice in shop.invoices())


def ordered(shop: Shop) -> Counter[str]:
    return Counter(order["ordernumber_full"] for order in shop.sandbox.objects("ccv")["orders"])


def all_done(shop: Shop, count: int) -> None:
    wait_for(lambda: sum(one.state == "done" for one in shop.all()) == count, shop.all)


@pytest.mark.slow
@pytest.mark.parametrize("search_reference", [True, False])
def test_an_older_backup_that_is_restored_doubles_no_invoice_no_debtor_and_no_mail(
    tmp_path, sandbox, caplog, search_reference
):
    """What was posted since the backup is in WeFact only: queued orders, and orders the backup never heard of."""
    sandbox.switch("wefact", search_reference=search_reference)
    file = tmp_path / "backup.db"
    with home(tmp_path) as at:
        with running(at) as url:
            shop = open_shop(at, sandbox, url, invoice__send_by_email=True, invoice__status="sent")
            sandbox.sell("nl_ideal", count=2)
            all_done(shop, 2)
            sandbox.fault(
                "wefact", kind="delay", seconds=0.4, times=2, when="before", match={"action": "add"}
            )
            sandbox.sell("nl_ideal", count=3, customer={"email": "new@example.com"})
            wait_for(lambda: len(shop.all()) == 5)
            copying.backup(at.database, file, now=datetime.now(UTC))
            sandbox.sell("nl_ideal", count=2)
            all_done(shop, 7)
        mails = shop.calls("invoice", "sendbyemail")
        before = (references(shop), len(shop.debtors()))
    with open_database(file) as database, database.read() as conn:
        assert sum(one.state == "done" for one in _all(conn, shop.tenant)) < 5
    where = tmp_path / "again"
    where.mkdir()
    shutil.copy(file, where / "mapper.db")
    shutil.copy(tmp_path / "key", where / "key")
    with open_database(where / "mapper.db") as database:
        again = Home(where, str(where / "mapper.db"), database, at.sealer)
        with running(again):
            shop = Shop(again, sandbox, shop.tenant)
            all_done(shop, 7)
        assert "is a backup of" in caplog.text
        assert (references(shop), len(shop.debtors())) == before
        assert references(shop) == ordered(shop)
        assert shop.calls("invoice", "sendbyemail") == mails
        with database.read() as conn:
            assert journal.verify(conn, shop.tenant) is None


def _all(conn, tenant):
    return [documents.get(conn, tenant, id) for id in conn.scalars(select(schema.document.c.id))]


def test_orders_that_are_younger_than_a_restored_backup_are_posted_without_looking(sqlite):
    with sqlite.begin() as conn:
        document = add_document(conn)
        restored.mark(conn, taken_at=NOW - timedelta(days=9))
        assert restored.forgotten_since(conn, "shop", document.id) == NOW - timedelta(days=9)
        assert restored.begin_work(conn, now=NOW - timedelta(days=3)) == NOW - timedelta(days=9)
        assert restored.begin_work(conn, now=NOW) is None
        assert restored.forgotten_since(conn, "shop", document.id) is None
        # Restored again: looked for from the older of both backups on.
        restored.mark(conn, taken_at=NOW - timedelta(days=1))
        restored.begin_work(conn, now=NOW)
        assert restored.forgotten_since(conn, "shop", document.id) == NOW - timedelta(days=9)


def test_a_postgresql_database_that_was_dumped_and_restored_is_recognised(postgres):
    with open_database(postgres.new_database()) as database:
        with database.begin() as conn:
            assert restored.begin_work(conn, now=NOW) is None
            heartbeats.beat(conn, "one", host="h", pid=1, now=NOW)
            assert restored.begin_work(conn, now=NOW) is None
        with database.begin() as conn:
            # What pg_restore does: the same rows in a table that was made anew. A failover shows in the timeline.
            rows = [dict(row) for row in conn.execute(select(schema.installation)).mappings()]
            schema.installation.drop(conn)
            schema.installation.create(conn)
            conn.execute(insert(schema.installation), rows)
        with database.begin() as conn:
            assert restored.begin_work(conn, now=NOW + timedelta(days=2)) == NOW
            assert restored.begin_work(conn, now=NOW + timedelta(days=2)) is None


def test_a_backup_is_one_moment_while_others_write_and_only_its_owner_reads_it(sqlite, tmp_path):
    """Each transaction writes two rows; a backup between them would have one."""
    with sqlite.begin() as conn:
        add_tenant(conn)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with sqlite.begin() as conn:
                for _ in range(2):
                    number += 1
                    documents.note(conn, "shop", "order", number, now=NOW)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            copying.backup(sqlite, tmp_path / f"{number}.db", now=NOW)
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        file = tmp_path / f"{number}.db"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with closing(sqlite3.connect(file)) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert conn.execute("SELECT count(*) % 2 FROM document").fetchone() == (0,)
    assert {file.name for file in tmp_path.glob("?.db*")} == {f"{number}.db" for number in range(5)}


def test_a_backup_overwrites_nothing_and_leaves_nothing_behind(sqlite, tmp_path):
    (tmp_path / "b.db").write_text("mine")
    for file, code in ((tmp_path / "b.db", "STO160"), (tmp_path / "no" / "b.db", "STO150")):
        with pytest.raises(MapperError) as caught:
            copying.backup(sqlite, file, now=NOW)
        assert caught.value.code == code
    assert (tmp_path / "b.db").read_text() == "mine"
    assert list(tmp_path.glob("*.part*")) == []


def test_a_backup_of_postgresql_is_left_to_its_own_tool(postgres_store, tmp_path):
    with pytest.raises(MapperError) as caught:
        copying.backup(postgres_store, tmp_path / "b", now=NOW)
    assert caught.value.code == "STO161"
    assert "pg_dump" in caught.value.remedy()


def test_every_table_is_copied_to_the_other_database_and_back(sqlite, postgres, tmp_path):
    with sqlite.begin() as conn:
        for number, state in enumerate(("open", "queued", "processing", "done", "error", "waiting"), 1):
            bring_to(conn, add_document(conn, shop_id=number), state)
            journal.append(conn, "shop", f"order-{number}", "x", {"é": "€ 1,00"}, now=NOW)
        conn.execute(insert(schema.rulebook).values(hash="h", texts={"a": "b"}, at=NOW))
        for number in (1, 2):
            conn.execute(
                insert(schema.published).values(number=number, hash="h", who="w", at=NOW, message="")
            )
    with open_database(postgres.new_database()) as server, open_database(tmp_path / "back.db") as back:
        counts = copying.copy(sqlite, server, now=NOW)
        assert counts["document"] == 6
        with server.begin() as conn:
            tenants.resume_all(conn)
            added = insert(schema.published).values(hash="h", who="w", at=NOW, message="")
            assert conn.execute(added.returning(schema.published.c.number)).scalar_one() == 3
            assert journal.verify(conn, "shop") is None
        copying.copy(server, back, now=NOW)
        with server.read() as one, back.read() as other:
            for table in schema.metadata.sorted_tables:
                if table.name not in {"installation", "migration"}:
                    query = select(table).order_by(*table.primary_key)
                    assert one.execute(query).all() == other.execute(query).all(), table.name
        with sqlite.read() as conn:
            pause = tenants.paused_all(conn)
        assert pause is not None
        assert pause.reason.startswith("moved to postgresql")
        with pytest.raises(MapperError) as caught:
            copying.copy(server, back, now=NOW)
        assert caught.value.code == "STO162"


def test_nothing_is_copied_while_a_daemon_works_on_either(sqlite, postgres_store, tmp_path):
    with open_database(tmp_path / "other.db") as other:
        with lock_daemon(other.path), pytest.raises(MapperError) as caught:
            copying.copy(sqlite, other, now=NOW)
        assert caught.value.code == "STO103"
    with postgres_store.begin() as conn:
        heartbeats.beat(conn, "one", host="h", pid=1, now=NOW)
    with pytest.raises(MapperError) as caught:
        copying.copy(postgres_store, sqlite, now=NOW)
    assert caught.value.code == "STO163"
    with postgres_store.begin() as conn:
        heartbeats.remove(conn, "one")


@pytest.mark.slow
def test_what_was_under_way_goes_on_in_the_database_it_was_moved_to(tmp_path, sandbox, postgres):
    with home(tmp_path) as at:
        with running(at) as url:
            shop = open_shop(at, sandbox, url)
            sandbox.fault("wefact", kind="drop_after_commit", times=2, match={"action": "add"})
            sandbox.sell("nl_ideal", count=4)
            wait_for(lambda: shop.calls("debtor", "add") > 0)
        server = open_database(postgres.new_database())
        engine.prepare(server.engine, upgrade=True)
        copying.copy(at.database, server, now=datetime.now(UTC))
        with server.begin() as conn:
            # Work is lost only when it had the time to be taken up.
            earlier = datetime.now(UTC) - timedelta(minutes=1)
            conn.execute(update(schema.document).values(changed_at=earlier, next_at=earlier))
    with server:
        moved = Home(tmp_path, server.engine.url.render_as_string(hide_password=False), server, at.sealer)
        shop = Shop(moved, sandbox, shop.tenant)
        with running(moved, redispatch_seconds=1, **HASTY):
            wait_for(lambda: sum(one.state == "done" for one in shop.all()) == 4, shop.all, seconds=50)
        assert references(shop) == ordered(shop)
