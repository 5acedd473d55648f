"""The same commands on PostgreSQL: B8, one code for one machine and for many."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from daemons import home, open_shop, running

from mapper import mapping
from mapper.processing import migration, reconcile
from mapper.processing.connections import Connections
from mapper.store import tenants

pytest_plugins = ["tests.postgres"]


@pytest.mark.slow
def test_B8_the_commands_work_the_same_on_postgresql(mapper, sandbox, postgres, tmp_path, monkeypatch):
    url = postgres.new_database()
    monkeypatch.setenv("MAPPER_DATABASE", url)
    monkeypatch.setenv("SHOP_SECRET", sandbox.ccv_secret)
    monkeypatch.setenv("WEFACT_KEY", sandbox.wefact_key)
    assert mapper("init").code == 0
    keys = ("--secret-env", "SHOP_SECRET", "--wefact-key-env", "WEFACT_KEY", "--public", sandbox.ccv_public)
    where = ("--shop", sandbox.ccv, "--wefact-url", sandbox.wefact, "--vies-url", sandbox.vies)
    added = mapper("tenant", "add", "winkel", *where, *keys)
    assert added.code == 0, added.err
    order = sandbox.sell("nl_ideal")[0]
    assert mapper("process", f"order-{order['id']}", "--json").records[0]["state"] == "queued"
    assert mapper("open", "--json").records[0]["id"] == f"order-{order['id']}"
    assert mapper("tenant", "set", "winkel", "invoice.status=sent").code == 0
    doctor = mapper("doctor", "--json")
    assert doctor.code == 0
    assert not (tmp_path / "home" / "mapper.db").exists()


@pytest.mark.slow
def test_B8_comparison_and_migration_work_the_same_on_postgresql(sandbox, postgres, tmp_path):
    def now():
        return datetime.now(UTC)

    def sold(days):
        (order,) = sandbox.sell("nl_ideal", create_date=(now() - timedelta(days=days)).isoformat())
        return f"order-{order['id']}"

    with home(tmp_path, postgres.new_database()) as at, running(at, feed_seconds=0.1):
        shop = open_shop(at, sandbox, None)
        old, missing = sold(10), sold(3)
        with at.database.begin() as conn:
            tenants.go_live(conn, shop.tenant, now() - timedelta(days=5))
        since = now() - timedelta(days=30)
        scope = migration.scope_of(at.database, shop.tenant, since, None, now=now())

        async def look():
            async with Connections(at.database, at.sealer, loopback=True) as connections:
                survey = await migration.survey(
                    at.database, connections, shop.tenant, scope, mapping.load_rulebooks(), now=now
                )
                compared = await reconcile.compare(
                    at.database, connections, shop.tenant, since=since, until=now(), now=now()
                )
                return survey.posted, [(one.code, one.document) for one in compared.differences]

        assert asyncio.run(look()) == (1, [("REC101", missing)])
        assert migration.agree(at.database, shop.tenant, scope, who="test", now=now()) == 1
        shop.until(old, "done")
        assert migration.progress_of(at.database, shop.tenant, scope) == {"done": 1}
        assert asyncio.run(look()) == (0, [("REC101", missing)])
        shop.retire()
