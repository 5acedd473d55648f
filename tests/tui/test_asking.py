"""T1 without the store: `mapper tenant add` asks in a real terminal for what was not given, and shows no key."""

from __future__ import annotations

import pytest

from mapper.store import tenants
from mapper.store.database import open_database
from mapper.store.sealing import create_key_file
from tests.tui.terminals import terminal


@pytest.mark.slow
def test_T1_tenant_add_asks_for_shop_and_keys_tries_both_and_proposes_settings(tmp_path, sandbox):
    create_key_file(tmp_path / "mapper.key")
    open_database(tmp_path / "mapper.db").close()
    urls = ("--wefact-url", sandbox.wefact, "--vies-url", sandbox.vies)
    command = ("--home", str(tmp_path), "--language", "en", "tenant", "add", "winkel", *urls)
    with terminal(*command, MAPPER_LOOPBACK="1") as screen:
        for question, answer in (
            ("shop's address", sandbox.ccv), ("public API key", sandbox.ccv_public),
            ("secret", sandbox.ccv_secret), ("WeFact", sandbox.wefact_key),
        ):  # fmt: skip
            screen.until(question)
            screen.press(answer, "enter")
        screen.until("Both connections work; added winkel (home country NL)")
        assert screen.ended() == 0
    assert sandbox.ccv_secret.encode() not in screen.raw
    assert sandbox.wefact_key.encode() not in screen.raw
    with open_database(tmp_path / "mapper.db") as database, database.read() as conn:
        rates = tenants.settings(conn, "winkel")["vat"]["rates"]
    assert {(one["country"], one["rate"]): one["revenue"]["code"] for one in rates}["NL", 21] == "V21"
