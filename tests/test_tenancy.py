"""Licences, logins, invoices of the subscription, stopping: T2–T4, T7."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from mapper import logins
from mapper.errors import UsageError
from mapper.store import accounts, documents, licences, schema, subscriptions, tenants
from mapper.store.database import Database
from tests.databases import MINUTE, NOW, add_document, add_tenant

pytest_plugins = ["tests.databases"]

PASSWORD = "vier gewone woorden samen"


@pytest.fixture
def two(sqlite: Database) -> Database:
    """Two webshops of different merchants, each with a password, and somebody at support."""
    with sqlite.begin() as conn:
        for name in ("a", "b"):
            add_tenant(conn, name)
            accounts.set_password(conn, licences.get(conn, name).account, f"{PASSWORD} {name}")
        made = accounts.create(conn, role="support", name="els", now=NOW)
        accounts.set_password(conn, made.id, PASSWORD)
    return sqlite


def key_of(database: Database, tenant: str) -> str:
    with database.read() as conn:
        return licences.get(conn, tenant).key


@pytest.mark.parametrize(
    ("begun", "ends"),
    [
        (datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 1, tzinfo=UTC), datetime(2027, 1, 31, 23, tzinfo=UTC)),
    ],
)
def test_T4_a_trial_ends_on_the_first_of_the_next_month_in_amsterdam(begun: datetime, ends: datetime) -> None:
    assert licences.first_of_next_month(begun) == ends


def test_T4_a_licence_is_on_trial_then_active_until_it_is_stopped(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        held = licences.get(conn, "shop")
        assert held.state(NOW) == "trial"
        assert held.state(held.trial_until - timedelta(seconds=1)) == "trial"
        assert held.state(held.trial_until) == "active"
        licences.stop(conn, "shop", reason="moved", now=NOW)
        assert licences.get(conn, "shop").state(NOW) == "stopped"
        licences.mark_installed(conn, "shop", now=held.trial_until + MINUTE)
        again = licences.get(conn, "shop")
    assert (again.state(held.trial_until + MINUTE), again.key) == ("active", held.key)


def test_T3_a_merchant_logs_in_with_the_key_of_any_of_its_webshops(two: Database) -> None:
    with two.begin() as conn:
        add_tenant(conn, "c")
        licences.move(conn, "c", licences.get(conn, "a").account)
    for tenant in ("a", "c"):
        account = logins.login(two, key_of(two, tenant).lower().replace("-", " "), f"{PASSWORD} a", now=NOW)
        with two.read() as conn:
            assert [one.tenant for one in logins.visible(conn, account)] == ["a", "c"]
            with pytest.raises(UsageError, match="STO110"):
                logins.check_visible(conn, account, "b")


def test_T3_an_old_key_is_removed_from_the_list_once_it_is_stopped(two: Database) -> None:
    account = logins.login(two, key_of(two, "a"), f"{PASSWORD} a", now=NOW)
    with two.begin() as conn:
        with pytest.raises(UsageError, match="STO173"):
            licences.hide(conn, "a")
        licences.stop(conn, "a", reason="other shop", now=NOW)
        licences.hide(conn, "a")
        assert logins.visible(conn, account) == ()


def test_T3_support_sees_every_webshop(two: Database) -> None:
    account = logins.login(two, "els", PASSWORD, now=NOW)
    with two.read() as conn:
        assert [one.tenant for one in logins.visible(conn, account)] == ["a", "b"]


@pytest.mark.parametrize("name", ["key of a", "els", "nobody", "", "AAAAA-AAAAA-AAAAA-AAAAA", "' OR 1=1 --"])
def test_T3_a_wrong_password_is_refused_in_the_same_words_whoever_it_is(two: Database, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        logins.login(two, key_of(two, "a") if name == "key of a" else name, f"{PASSWORD} b", now=NOW)
    assert (refused.value.code, refused.value.facts) == ("WEB201", {})


def test_T3_an_account_without_a_password_lets_nobody_in(sqlite: Database) -> None:
    with sqlite.begin() as conn:
        add_tenant(conn)
    for tried in ("", " ", "password"):
        with pytest.raises(UsageError, match="WEB201"):
            logins.login(sqlite, key_of(sqlite, "shop"), tried, now=NOW)


def test_T3_guessing_is_throttled_ever_longer_and_the_right_password_waits_too(two: Database) -> None:
    key = key_of(two, "a")
    for _ in range(accounts.FREE_TRIES):
        with pytest.raises(UsageError, match="WEB201"):
            logins.login(two, key, "wrong", now=NOW)
    with pytest.raises(UsageError, match="WEB202") as locked:
        logins.login(two, key, f"{PASSWORD} a", now=NOW)
    assert locked.value.facts["seconds"] == 31
    later = NOW + timedelta(seconds=31)
    with pytest.raises(UsageError, match="WEB201"):
        logins.login(two, key, "wrong", now=later)
    with pytest.raises(UsageError, match="WEB202") as locked:
        logins.login(two, key, "wrong", now=later)
    assert locked.value.facts["seconds"] == 61
    logins.login(two, key_of(two, "b"), f"{PASSWORD} b", now=later)
    logins.login(two, key, f"{PASSWORD} a", now=later + timedelta(seconds=61))
    with pytest.raises(UsageError, match="WEB201"):
        logins.login(two, key, "wrong", now=later + timedelta(seconds=62))


def test_T3_a_password_is_kept_as_a_slow_hash_with_a_salt_of_its_own(two: Database) -> None:
    with two.begin() as conn:
        for name in ("a", "b"):
            accounts.set_password(conn, licences.get(conn, name).account, PASSWORD)
        kept = conn.scalars(select(schema.account.c.password)).all()
    assert len(set(kept)) == 3
    assert all(one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for one in kept)


@pytest.mark.parametrize("email", ["jan", "a@b@c", "jan@x.nl\r\nBcc: all@x.nl", "Jan <jan@x.nl>", "a@b,c@d"])
def test_T7_what_is_no_single_address_never_becomes_a_recipient(sqlite: Database, email: str) -> None:
    with sqlite.begin() as conn:
        add_tenant(conn)
        with pytest.raises(UsageError, match="USE161"):
            licences.set_extra_email(conn, "shop", email)


def test_T7_only_a_pdf_becomes_an_invoice_of_the_subscription(sqlite: Database) -> None:
    with sqlite.begin() as conn:
        add_tenant(conn)
        kept = subscriptions.add(
            conn, "shop", "../../Factuur 12.pdf", b"%PDF-1.7 x", dated=date(2026, 3, 1), who="op", now=NOW
        )
        assert kept.name == "Factuur-12.pdf"
        assert subscriptions.content(conn, "shop", kept.number) == b"%PDF-1.7 x"
        with pytest.raises(UsageError, match="USE164"):
            subscriptions.add(conn, "shop", "x.pdf", b"<html>", dated=date(2026, 3, 1), who="op", now=NOW)


def test_R11_a_stopped_webshop_is_not_resumed_by_accident(sqlite: Database) -> None:
    with sqlite.begin() as conn:
        add_tenant(conn)
        tenants.stand_still(conn, "shop", reason=tenants.STOPPED, now=NOW)
        with pytest.raises(UsageError, match="STO172"):
            tenants.resume(conn, "shop")
        tenants.begin_work(conn, "shop")
        assert tenants.pause_of(conn, "shop") is None


def test_T2_stop_removes_webhooks_and_keys_and_keeps_the_records(shop, sandbox, tmp_path) -> None:
    assert shop("tenant", "set", "winkel", "--webhook-url", "https://mapper.example").code == 0
    assert len(sandbox.objects("ccv")["webhooks"]) == 4
    assert shop("tenant", "stop", "winkel", "--reason", "x").code == 2
    stopped = shop("tenant", "stop", "winkel", "--reason", "moved", "--yes")
    assert stopped.code == 0, stopped.err
    assert sandbox.objects("ccv")["webhooks"] == []
    shown = shop("tenant", "show", "winkel", "--json").records[0]
    assert (shown["keys"], shown["webhooks"]) == ({}, [])
    assert shop("tenant", "list", "--json").records[0]["licence"] == "stopped"
    assert "Give its keys with `mapper tenant set`, then: mapper tenant start winkel" in shop("open").err
    assert "STO172" in shop("resume", "--tenant", "winkel").err
    assert shop("tenant", "stop", "winkel", "--reason", "again", "--yes").code == 0
    assert shop("tenant", "start", "winkel").code == 2


def test_T2_a_stopped_webshop_starts_again_with_new_keys(shop, sandbox, tmp_path) -> None:
    assert shop("tenant", "stop", "winkel", "--reason", "moved", "--yes").code == 0
    secrets = ("--secret-file", tmp_path / "secret", "--wefact-key-file", tmp_path / "wefact")
    where = ("--shop", sandbox.ccv, "--wefact-url", sandbox.wefact, "--vies-url", sandbox.vies)
    given = shop("tenant", "set", "winkel", "--public", sandbox.ccv_public, *secrets, *where)
    assert given.code == 0, given.err
    started = shop("tenant", "start", "winkel")
    assert started.code == 0, started.err
    assert shop("tenant", "list", "--json").records[0]["licence"] == "trial"


def test_T2_a_shop_that_cannot_be_told_does_not_keep_the_integration_alive(shop, sandbox) -> None:
    assert shop("tenant", "set", "winkel", "--webhook-url", "https://mapper.example").code == 0
    sandbox.fault("ccv", kind="status", status=401, match={"method": "DELETE"}, times=9)
    stopped = shop("tenant", "stop", "winkel", "--reason", "moved", "--yes")
    assert stopped.code == 0
    assert "could not be told" in stopped.err
    assert shop("tenant", "show", "winkel", "--json").records[0]["keys"] == {}


def test_T3_T7_the_operator_manages_licence_password_and_invoices(shop, tmp_path) -> None:
    secret = shop("tenant", "password", "winkel").out.strip()
    assert len(secret) == 16
    changed = shop("tenant", "licence", "winkel", "--email", "kees@winkel.example", "--json").records[0]
    assert (changed["email"], changed["password"], changed["state"]) == (
        "kees@winkel.example",
        "set",
        "trial",
    )
    pdf = tmp_path / "factuur.pdf"
    pdf.write_bytes(b"%PDF-1.7 factuur")
    assert shop("tenant", "document", "add", "winkel", pdf, "--date", "2026-03-01").code == 0
    (listed,) = shop("tenant", "document", "list", "winkel", "--json").records
    assert (listed["name"], listed["dated"]) == ("factuur.pdf", "2026-03-01")
    assert shop("tenant", "document", "save", "winkel", 1, tmp_path / "copy.pdf").code == 0
    assert (tmp_path / "copy.pdf").read_bytes() == b"%PDF-1.7 factuur"
    assert shop("tenant", "document", "save", "winkel", 1, tmp_path / "copy.pdf").code == 2


def test_T3_support_is_added_by_the_operator(shop) -> None:
    assert len(shop("support", "add", "els", "--email", "els@support.example").out.strip()) == 16
    assert "USE160" in shop("support", "add", "els").err
    assert "USE160" in shop("support", "add", "Els; DROP").err
    assert [one["name"] for one in shop("support", "list", "--json").records] == ["els"]


def test_a_stopped_webshop_s_documents_stay(sqlite: Database) -> None:
    with sqlite.begin() as conn:
        add_document(conn)
        tenants.stand_still(conn, "shop", reason=tenants.STOPPED, now=NOW)
        assert documents.get(conn, "shop", "order-906").state == "open"
