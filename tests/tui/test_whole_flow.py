"""T5, R5: a merchant's first day in a real terminal, against sandbox and daemon."""

from __future__ import annotations

import shutil

import pytest

from tests.daemons import home, open_shop, running, wait_for
from tests.tui.terminals import terminal


def choose(screen, code):
    """Open the row of the cursor, which has no code yet, and choose one."""
    screen.press("enter")
    screen.until("choose a code")
    screen.press("enter")
    screen.until(f"{code}  ")
    screen.press(code, "enter")
    screen.until("Take over")
    screen.press("tab", "enter")
    screen.until("▸ ✓")


@pytest.mark.slow
def test_T5_R5_codes_are_filled_in_one_goes_missing_an_order_stops_and_is_mended_and_posted(
    tmp_path, sandbox
):
    with home(tmp_path) as at, running(at) as hooks:
        shutil.copy2(at.key_file, tmp_path / "mapper.key")
        shop = open_shop(at, sandbox, hooks, vat__rates=[])
        with terminal("--home", str(tmp_path), "--language", "en", "tui", MAPPER_LOOPBACK="1") as screen:
            # From nothing: the codes that fit are filled in, what fits more than one is chosen.
            screen.until("1 Report")
            screen.press("4")
            screen.until("Connections")
            screen.press("down", "down", "down", "enter")
            screen.until("✗  NL N")
            screen.press("n")
            screen.until("Fill in the VAT codes that fit")
            screen.press("enter")
            screen.until("AT20")
            choose(screen, "V21")
            screen.press("w")
            screen.until("Saved")
            # One rate has no code yet, and an order stops at it.
            order = shop.sell()
            assert shop.until(order).cause == "K3"
            screen.press("2")
            screen.until("No VAT code for this country")
            screen.press("enter")
            screen.until("goes to the setting vat.rates")
            screen.press("s")
            screen.until("AT20")
            choose(screen, "V9")
            screen.press("w")
            screen.until("Saved")
            # Mended: it is shown what would be posted, and posted.
            screen.press("2")
            screen.until("No VAT code for this country")
            screen.press("p")
            screen.until("Post 1 (y)")
            screen.press("y")
            wait_for(lambda: len(shop.invoices()) == 1)
            screen.until("Nothing stopped. All is well.")
            screen.press("ctrl+q")
            assert screen.ended() == 0
        assert shop.until(order).state == "done"
