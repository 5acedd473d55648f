"""The same commands on PostgreSQL: B8, one code for one machine and for many."""

from __future__ import annotations

import pytest

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
