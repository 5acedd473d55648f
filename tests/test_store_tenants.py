from __future__ import annotations

import base64
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from mapper.errors import ConfigError, StoreError, UsageError
from mapper.store import credentials, rulebooks, schema, tenants
from mapper.store.database import Database
from mapper.store.sealing import Sealer, create_key_file, load_sealer
from tests.databases import MINUTE, NOW, add_tenant

pytest_plugins = ["tests.databases"]

SECRET = "the secret of the shop"
KEY = base64.b64encode(bytes(range(32))).decode()


def test_R9_a_tenant_goes_live_when_it_is_added(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        created = tenants.get(conn, "shop")
        tenants.go_live(conn, "shop", NOW - MINUTE)
        tenants.set_home_country(conn, "shop", "BE")
        later = tenants.get(conn, "shop")
    assert (created.process_from, created.home_country) == (NOW, "NL")
    assert (later.process_from, later.home_country) == (NOW - MINUTE, "BE")


@pytest.mark.parametrize("tenant", ["", "Shop", "a b", "a:b", "../a", "-a", "a-", "é", "a" * 64])
def test_an_id_that_does_not_fit_an_address_is_refused(sqlite: Database, tenant: str) -> None:
    with sqlite.begin() as conn, pytest.raises(UsageError) as caught:
        add_tenant(conn, tenant)
    assert caught.value.code == "STO113"


def test_a_tenant_is_added_once(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        with pytest.raises(UsageError) as caught:
            add_tenant(conn)
    assert caught.value.code == "STO114"


def test_a_tenant_that_is_not_there_is_named(sqlite: Database) -> None:
    with sqlite.begin() as conn:
        for ask in (
            lambda: tenants.get(conn, "nobody"),
            lambda: tenants.settings(conn, "nobody"),
            lambda: tenants.pause(conn, "nobody", reason="r", now=NOW),
            lambda: tenants.resume(conn, "nobody"),
            lambda: tenants.count_mismatch(conn, "nobody", now=NOW),
        ):
            with pytest.raises(UsageError) as caught:
                ask()
            assert caught.value.code == "STO110"


def test_settings_come_back_exactly_with_who_changed_what_when(database: Database) -> None:
    first, second = {"rate": Decimal(21), "term": 14}, {"rate": Decimal("21.5"), "term": 14}
    with database.begin() as conn:
        tenants.create(conn, "shop", name="Shop", settings=first, who="ann", now=NOW)
        assert tenants.put_settings(conn, "shop", dict(reversed(first.items())), who="bob", now=NOW) == 1
        assert tenants.put_settings(conn, "shop", second, who="bob", now=NOW + MINUTE) == 2
        history = tenants.settings_history(conn, "shop")
        assert tenants.settings(conn, "shop") == second
        assert type(tenants.settings_of(conn, "shop", 1)["rate"]) is Decimal
        with pytest.raises(UsageError) as caught:
            tenants.settings_of(conn, "shop", 3)
    assert caught.value.code == "STO115"
    assert [(one.revision, one.who, one.at, one.old, one.new) for one in history] == [
        (2, "bob", NOW + MINUTE, first, second),
        (1, "ann", NOW, None, first),
    ]


def test_R11_a_pause_keeps_its_first_reason_and_that_of_all_comes_first(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        pause_of = partial(tenants.pause_of, conn, "shop")
        assert pause_of() is None
        for reason in ("holiday", "later"):
            tenants.pause(conn, "shop", reason=reason, now=NOW)
            tenants.pause_all(conn, reason=f"all {reason}", now=NOW)
        shown = pause_of()
        tenants.resume_all(conn)
        own = pause_of()
        tenants.resume(conn, "shop")
        assert pause_of() is None
    assert shown is not None
    assert own is not None
    assert (shown.reason, own.reason, own.at) == ("all holiday", "holiday", NOW)


def test_W19_three_wrong_totals_in_a_row_pause_the_tenant(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        count = partial(tenants.count_mismatch, conn, "shop", now=NOW)
        assert [count(), count()] == [1, 2]
        tenants.clear_mismatches(conn, "shop")
        assert [count(), count()] == [1, 2]
        assert tenants.pause_of(conn, "shop") is None
        assert count() == 3
        pause = tenants.pause_of(conn, "shop")
        assert pause is not None
        assert pause.reason == "W19"
        tenants.resume(conn, "shop")
        assert tenants.get(conn, "shop").mismatches == 0


def test_a_tenant_is_found_by_its_whole_webhook_token_only(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn, "a")
        add_tenant(conn, "b")
        token = tenants.get(conn, "a").webhook_token
        found = tenants.by_webhook_token(conn, token)
        assert found is not None
        assert found.id == "a"
        for guess in ("", token[:-1], token + "x", token.swapcase(), "é"):
            assert tenants.by_webhook_token(conn, guess) is None
        assert len(base64.urlsafe_b64decode(token)) * 8 >= 128
        assert token not in repr(tenants.everyone(conn))


def test_secrets_are_sealed_in_the_database(database: Database) -> None:
    sealer = Sealer.generate()
    with database.begin() as conn:
        add_tenant(conn)
        for value in ("old", SECRET):
            credentials.put(conn, "shop", "ccv.secret", value, sealer=sealer, now=NOW)
        stored = conn.execute(text("SELECT sealed FROM credential")).scalars().one()
        assert credentials.get(conn, "shop", "ccv.secret", sealer=sealer) == SECRET
        assert credentials.names(conn, "shop") == ("ccv.secret",)
        credentials.forget(conn, "shop", "ccv.secret")
        with pytest.raises(ConfigError) as caught:
            credentials.get(conn, "shop", "ccv.secret", sealer=sealer)
    assert caught.value.code == "SEC104"
    assert SECRET not in stored


def test_no_page_of_the_file_holds_a_secret(sqlite: Database, tmp_path: Path) -> None:
    with sqlite.begin() as conn:
        add_tenant(conn)
        credentials.put(conn, "shop", "ccv.secret", SECRET, sealer=Sealer.generate(), now=NOW)
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_secret_moved_to_another_tenant_or_field_does_not_open(database: Database) -> None:
    sealer = Sealer.generate()
    with database.begin() as conn:
        for tenant in ("a", "b"):
            add_tenant(conn, tenant)
            for field in ("ccv.secret", "wefact.key"):
                credentials.put(conn, tenant, field, f"{tenant} {field}", sealer=sealer, now=NOW)
        table = schema.credential.c
        query = select(table.sealed).where(table.tenant == "a", table.name == "ccv.secret")
        sealed = conn.scalars(query).one()
        conn.execute(update(schema.credential).values(sealed=sealed))
        assert credentials.get(conn, "a", "ccv.secret", sealer=sealer) == "a ccv.secret"
        for tenant, field in (("a", "wefact.key"), ("b", "ccv.secret"), ("b", "wefact.key")):
            with pytest.raises(ConfigError) as caught:
                credentials.get(conn, tenant, field, sealer=sealer)
            assert caught.value.code == "SEC103"
            assert sealed not in str(caught.value)


def test_every_changed_character_of_a_sealed_secret_is_noticed() -> None:
    sealer = Sealer.generate()
    sealed = sealer.seal("shop", "key", SECRET)
    for place in range(len(sealed) - 3):  # the last characters of base64 have bits that mean nothing
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(ConfigError) as caught:
            sealer.open("shop", "key", changed)
        assert caught.value.code in {"SEC103", "SEC105"}
    for broken in ("", "v1", "v1..", sealed[:40], "v2" + sealed[2:], sealed + "é"):
        with pytest.raises(ConfigError):
            sealer.open("shop", "key", broken)


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    sealer = Sealer.generate()
    assert len({sealer.seal("shop", "key", SECRET) for _ in range(100)}) == 100


def test_a_replaced_key_still_opens_while_its_line_stays(tmp_path: Path) -> None:
    file = tmp_path / "key"
    create_key_file(file)
    old_line = file.read_text()
    sealed = load_sealer(file, {}).seal("shop", "key", SECRET)
    file.write_text(f"{KEY}\n{old_line}")
    assert load_sealer(file, {}).open("shop", "key", sealed) == SECRET
    file.write_text(f"{KEY}\n")
    with pytest.raises(ConfigError) as caught:
        load_sealer(file, {}).open("shop", "key", sealed)
    assert caught.value.code == "SEC105"


def test_the_key_is_taken_from_systemd_then_the_environment_then_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "key"
    create_key_file(file)
    (tmp_path / "mapper-key").write_text(base64.b64encode(b"s" * 32).decode())
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "MAPPER_KEY": KEY}
    shown = [repr(load_sealer(file, dict(list(environ.items())[start:]))) for start in (0, 1, 2)]
    assert len(set(shown)) == 3
    assert load_sealer(None, {"MAPPER_KEY": KEY}).seal("a", "b", "c").startswith("v1.")
    assert KEY not in "".join(shown)


def test_a_key_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"

    def code(environ: dict[str, str]) -> str:
        with pytest.raises(ConfigError) as caught:
            load_sealer(file, environ)
        return caught.value.code

    assert code({}) == "SEC101"
    assert code({"MAPPER_KEY": "short"}) == "SEC102"
    assert code({"MAPPER_KEY": "  "}) == "SEC102"
    create_key_file(file)
    file.chmod(0o640)
    assert code({}) == "SEC106"
    with pytest.raises(ConfigError) as caught:
        create_key_file(file)
    assert caught.value.code == "SEC107"


def test_webhooks_are_kept_with_a_sealed_key(database: Database) -> None:
    sealer = Sealer.generate()
    with database.begin() as conn:
        add_tenant(conn)
        assert credentials.webhook_key(conn, "shop", "orders.created", sealer=sealer) is None
        for shop_webhook_id in (1, 2):
            credentials.put_webhook(
                conn,
                "shop",
                "orders.created",
                shop_webhook_id=shop_webhook_id,
                address="https://x.example/hook",
                key=SECRET,
                sealer=sealer,
                now=NOW,
            )
        found = credentials.webhook(conn, "shop", "orders.created")
        assert found is not None
        assert (found.shop_webhook_id, found.address) == (2, "https://x.example/hook")
        assert credentials.webhook_key(conn, "shop", "orders.created", sealer=sealer) == SECRET
        assert SECRET not in conn.execute(text("SELECT sealed_key FROM webhook")).scalars().one()
        credentials.forget_webhook(conn, "shop", "orders.created")
        assert credentials.webhooks(conn, "shop") == ()


def test_rulebooks_are_kept_by_hash(database: Database) -> None:
    with database.begin() as conn:
        for _ in range(2):
            rulebooks.keep(conn, {"ccv_order.yaml": "source: order\n"}, "abc", now=NOW)
        assert rulebooks.get(conn, "abc") == {"ccv_order.yaml": "source: order\n"}
        with pytest.raises(StoreError) as caught:
            rulebooks.get(conn, "abd")
    assert caught.value.code == "STO112"
