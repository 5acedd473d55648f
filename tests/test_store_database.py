from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, strategies
from sqlalchemy import Connection, insert, inspect, select, text

from mapper import money
from mapper.errors import ConfigError, PayloadError, StoreError
from mapper.store import exact, migrations, schema, tenants
from mapper.store.database import Database, lock_daemon, open_database
from tests.databases import NOW, add_tenant
from tests.postgres import PostgresServer

pytest_plugins = ["tests.databases"]

SECOND_DAEMON = """
import sys
from pathlib import Path
from mapper.errors import StoreError
from mapper.store.database import lock_daemon
try:
    lock_daemon(Path(sys.argv[1]))
except StoreError as error:
    print(error.code, error.facts["pid"])
"""


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    with open_database(tmp_path / "new" / "mapper.db") as database, database.begin() as conn:
        add_tenant(conn)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes == {"mapper.db": 0o600, "mapper.db-wal": 0o600, "mapper.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_sqlite_survives_a_power_cut_after_each_commit(sqlite: Database) -> None:
    with sqlite.read() as conn:
        found = [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert found == ["wal", 2]


def test_what_a_failed_transaction_wrote_is_gone(database: Database) -> None:
    def fail() -> None:
        with database.begin() as conn:
            add_tenant(conn)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as conn:
        assert tenants.everyone(conn) == ()


def test_two_writers_that_read_first_both_succeed(database: Database) -> None:
    """With a deferred BEGIN the second would fail at once: it would have to write on what it read too early."""
    with database.begin() as conn:
        add_tenant(conn)
    both_started = threading.Barrier(2, timeout=10)

    def count() -> None:
        both_started.wait()
        for _ in range(20):
            with database.begin() as conn:
                tenants.get(conn, "shop")
                tenants.count_mismatch(conn, "shop", now=NOW)

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as conn:
        assert tenants.get(conn, "shop").mismatches == 40


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.begin() as writing:
        add_tenant(writing)
        with database.read() as reading:
            assert tenants.everyone(reading) == ()


def test_reading_cannot_write_on_postgresql(postgres_store: Database) -> None:
    with pytest.raises(Exception, match="read-only"), postgres_store.read() as conn:
        add_tenant(conn, "another")
    with postgres_store.begin() as conn:
        assert conn.execute(text("SHOW transaction_read_only")).scalar() == "off"


def test_a_process_that_freezes_in_a_transaction_gives_its_locks_back(postgres: PostgresServer) -> None:
    """It would stop all others for as long as it is frozen: the reaper, and every call that needs the bucket."""
    url = postgres.new_database()
    lock = text("SELECT pg_advisory_xact_lock(42)")
    with open_database(url, silence=timedelta(seconds=0.2)) as frozen, open_database(url) as other:

        def freeze() -> None:
            with frozen.begin() as late:
                late.execute(lock)
                with other.begin() as conn:
                    conn.execute(lock)
                late.execute(lock)

        with pytest.raises(StoreError) as caught:
            freeze()
        assert caught.value.code == "STO101"
        with frozen.begin() as conn:
            conn.execute(lock)


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        with open_database(tmp_path / "mapper.db") as database, database.begin() as conn:
            assert migrations.migrate(conn) == ()


def test_a_migration_that_fails_half_way_leaves_nothing(database: Database) -> None:
    def half_way(conn: Connection) -> None:
        conn.execute(text("CREATE TABLE half_way (id TEXT)"))
        conn.execute(text("ALTER TABLE tenant ADD COLUMN half TEXT"))
        raise ZeroDivisionError

    def migrate() -> None:
        with database.begin() as conn:
            migrations.migrate(conn, [*migrations.MIGRATIONS, ("0002 half way", half_way)])

    with pytest.raises(ZeroDivisionError):
        migrate()
    with database.begin() as conn:
        assert migrations.migrate(conn) == ()
        assert not inspect(conn).has_table("half_way")
        assert "half" not in {column["name"] for column in inspect(conn).get_columns("tenant")}


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with open_database(tmp_path / "mapper.db") as database, database.begin() as conn:
        conn.execute(insert(schema.migration).values(name="0099 the future", at=NOW))
    with pytest.raises(StoreError) as caught:
        open_database(tmp_path / "mapper.db")
    assert caught.value.code == "STO102"
    assert "0099 the future" in caught.value.message()


def test_daemons_that_start_at_once_migrate_once(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with ThreadPoolExecutor(4) as starts:
        opened = list(starts.map(open_database, [url] * 4))
    # A second one that migrated would have failed on tables that are there, and have left its rows beside these.
    with opened[0].read() as conn:
        assert list(conn.scalars(select(schema.migration.c.name))) == [
            name for name, _ in migrations.MIGRATIONS
        ]
    for database in opened:
        database.close()


@pytest.mark.parametrize(
    "where", ["mysql://host/name", "sqlite:///:memory:", "sqlite://", "://", "postgresql+asyncpg://h/n"]
)
def test_another_kind_of_database_is_refused(where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_database(where)
    assert caught.value.code == "STO104"


def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    somebodys = tmp_path / "mapper.db"
    somebodys.write_text("not a database, but long enough to be looked at" * 40)
    somebodys.chmod(0o644)
    with pytest.raises(StoreError) as caught:
        open_database(somebodys)
    assert caught.value.code == "STO101"
    assert stat.S_IMODE(somebodys.stat().st_mode) == 0o644


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        open_database(tmp_path / "file" / "mapper.db")
    assert caught.value.code == "STO101"


def test_an_unreachable_server_is_refused_without_its_password() -> None:
    with pytest.raises(StoreError) as caught:
        open_database("postgresql://user:hunter2@127.0.0.1:1/name")
    assert caught.value.code == "STO101"
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


def test_the_passwords_of_a_url_are_not_shown(postgres: PostgresServer) -> None:
    with open_database(postgres.new_database().replace("postgres:@", "postgres:hunter2@")) as database:
        assert "hunter2" not in f"{database!r} {database.url} {database.engine!r}"


def test_a_second_daemon_on_one_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mapper.db"
    with lock_daemon(file):
        second = subprocess.run(
            [
                sys.executable,
                "-c",
                SECOND_DAEMON,
                str(file),
            ],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent.parent,
        )
    assert second.stdout.split() == ["STO103", str(os.getpid())]


def test_a_daemon_may_follow_one_that_ended(tmp_path: Path) -> None:
    with lock_daemon(tmp_path / "mapper.db"), pytest.raises(StoreError):
        lock_daemon(tmp_path / "mapper.db")
    lock_daemon(tmp_path / "mapper.db").close()


def test_times_without_a_zone_are_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without a zone"), database.begin() as conn:
        tenants.create(conn, "shop", name="Shop", settings={}, who="t", now=datetime(2026, 3, 1))  # noqa: DTZ001


def test_the_tables_in_the_database_are_those_of_the_schema(database: Database) -> None:
    with database.read() as conn:
        for table in schema.metadata.sorted_tables:
            conn.execute(select(table).limit(1)).all()


@pytest.mark.parametrize(
    "value",
    [
        {"b": Decimal(21), "a": [1, None, True, "x\n€"]},
        {"rate": Decimal("0.90"), "large": Decimal("1E+3"), "small": Decimal("1E-9")},
        [Decimal("-0.00"), 0, -7, ""],
        {"half": "\ud800", "\udfff": [Decimal("1.50")]},
        [10**38, -(10**38), 2**63, 2**64, Decimal("123456789012345678901234567890.1")],
    ],
)
@pytest.mark.parametrize("read", [exact.read, money.loads])
def test_exact_text_gives_back_the_same_value_and_types(value: object, read: Callable[[str], object]) -> None:
    again = read(exact.write(value))
    assert again == value
    assert _types(again) == _types(value)


_JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers(-(10**38), 10**38)
    | strategies.text()
    | strategies.decimals(
        allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20), max_value=10**20
    ),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
)


@given(_JSON)
def test_what_is_read_quickly_is_what_is_read_strictly(value: object) -> None:
    text = exact.write(value)
    strict, quick = money.loads(text), exact.read(text)
    assert (quick, str(quick), _types(quick)) == (strict, str(strict), _types(strict))


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "1 2", "nul"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(PayloadError):
        exact.read(text)


def test_exact_text_does_not_depend_on_the_order_of_keys() -> None:
    assert exact.write({"a": 1, "b": [2]}) == exact.write({"b": [2], "a": 1}) == '{"a":1,"b":[2]}'


def test_exact_text_refuses_what_is_nested_too_deeply() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(PayloadError) as caught:
        exact.write(deep)
    assert caught.value.code == "PAY105"


def test_exact_text_refuses_a_float() -> None:
    with pytest.raises(TypeError, match="float"):
        exact.write({"amount": 0.1})


def _types(value: object) -> object:
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return type(value)


def test_sqlite_tells_milliseconds_whatever_its_version(tmp_path: Path) -> None:
    """The engine's columns have them as their default; SQLite before 3.42 alone would answer null."""
    with open_database(tmp_path / "mapper.db") as opened, opened.begin() as conn:
        conn.exec_driver_sql(
            "CREATE TABLE t (id INTEGER, at BIGINT NOT NULL DEFAULT (unixepoch('subsec') * 1000))"
        )
        conn.exec_driver_sql("INSERT INTO t (id) VALUES (1)")
        at = conn.exec_driver_sql("SELECT at FROM t").scalar_one()
    assert abs(at / 1000 - datetime.now(UTC).timestamp()) < 60
