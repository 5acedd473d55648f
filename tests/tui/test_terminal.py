"""The dashboard in a real terminal: hostile names through every screen."""

from __future__ import annotations

import pytest

from mapper.store import tenants
from mapper.store.database import open_database
from mapper.store.sealing import create_key_file
from tests import orders
from tests.tui.kit import add_order, add_shop
from tests.tui.terminals import terminal

NAMES = (
    "[/b] [bold red]x[/] [@click=app.quit]y[/] [",
    "\x1b]0;HACKED\x07 \x1b[2JHACKED \x1bcHACKED \x9b31mHACKED",
    "\u202eDEKCAH\u202c \u2066x\u2069 \u200b\u200d\ufeff",
    "👩‍👩‍👧‍👦 漢字 é e\u0301 " + "\u0301" * 60,
    "A" * 10_000,
    "line\nbreak\ttab\rreturn\x00nul",
    "{money} %s {0} $primary \\",
)
HOSTILE_BYTES = (b"\x1b]0;HACKED", b"\x1bcHACKED", b"\x9b31mHACKED", "\u202e".encode(), "\u200b".encode(),
                 "\u2066".encode(), "\ufeff".encode(), b"\x00")  # fmt: skip


@pytest.mark.slow
def test_hostile_names_go_through_every_screen_and_none_of_their_bytes_reach_the_terminal(tmp_path):
    create_key_file(tmp_path / "mapper.key")
    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database, name="[/b] \x1b]0;HACKED\x07 shop")
        for number in range(210):
            name = (
                NAMES[number % len(NAMES)].replace("\x00", "") if number % 3 else NAMES[number % len(NAMES)]
            )
            ends, cause = [("done", ""), ("error", "K8"), ("waiting", "WEF101")][number % 3]
            if number < 12:
                payload = orders.order(
                    orders.row("10", product_name=name.replace("\x00", "")), currency="SEK"
                )
                facts = {"action": name.replace("\x00", "")[:200]}
                add_order(database, number + 1, payload, ends=ends, cause=cause, facts=facts, customer=name)
            else:
                add_order(
                    database, number + 1, _PLAIN, ends=ends, cause=cause, facts={"action": "x"}, customer=name
                )
        with database.begin() as conn:
            tenants.pause(conn, "winkel", reason=NAMES[1], now=tenants.get(conn, "winkel").created_at)
    with terminal("--home", str(tmp_path), "--language", "en", "tui", MAPPER_LOOPBACK="1") as screen:
        screen.until("Report")
        screen.until("F2026-1")
        screen.press("enter")
        screen.until("First seen")
        screen.press("2", "3", "4", "5", "q", "2")
        screen.until("Book this order by hand")
        screen.press("enter")
        screen.until("currency")
        screen.press("w")
        screen.until("First seen")
        screen.press("q")
        screen.until("What the shop sent")
        screen.press("q")
        screen.until("Causes")
        screen.press("3")
        screen.until("On their way")
        screen.press("down", "end", "pagedown", "ctrl+p", "open 2026")
        screen.until("2026-")
        screen.press("escape", "4")
        screen.until("Connections")
        screen.press("5")
        screen.until("Licence key")
        screen.press("6")
        screen.until("ccv_order.yaml")
        screen.press("ctrl+q")
        assert screen.ended() == 0
    raw = screen.raw
    assert [one for one in HOSTILE_BYTES if one in raw] == []
    assert b"HACKED" in raw  # as text it is there


_PLAIN = orders.order()
