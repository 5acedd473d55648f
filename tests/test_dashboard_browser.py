"""T6 in real Chromium: log in, open an error, mend and process it, and see it invoiced."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import date

import pytest
from browser import Browser, chromium

from mapper import settings
from mapper.store import subscriptions
from mapper.store.database import open_database
from mapper.store.sealing import create_key_file
from tests.daemons import home, open_shop, running, wait_for
from tests.tui.kit import NOW, add_shop
from tests.tui.served import PASSWORD, merchant_of, served
from tests.tui.terminals import drawn_text

pytestmark = pytest.mark.slow

RATES = settings.example()["vat"]["rates"]
# The terminal is a canvas: what is drawn on it is read where it comes in.
EAVESDROP = """
window.drawn = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (one) => {
      if (typeof one.data !== "string") window.drawn.push(...new Uint8Array(one.data));
    });
  }
};
"""


def until(browser: Browser, text: str) -> None:
    """Wait until the terminal was sent a text since the last time."""
    deadline, drawn = time.monotonic() + 60, b""
    while text not in drawn_text(drawn):
        assert time.monotonic() < deadline, f"{text!r} never came: {drawn_text(drawn)[-1500:]}"
        drawn += bytes(browser.run("const had = window.drawn || []; window.drawn = []; return had"))
        time.sleep(0.1)


def log_in(browser: Browser, url: str, key: str, password: str) -> None:
    browser.open(url)
    browser.fill("#name", key)
    browser.fill("#password", password)
    browser.press("main button")


def test_T6_a_merchant_logs_in_and_processes_an_error_in_the_browser(tmp_path, sandbox):
    with home(tmp_path) as at, running(at) as hooks, chromium() as browser:
        shutil.copy2(at.key_file, tmp_path / "mapper.key")
        shop = open_shop(at, sandbox, hooks, vat__rates=RATES[1:])
        key = merchant_of(at.database, shop.tenant)
        order = shop.sell()
        assert shop.until(order).cause == "K3"
        with served(tmp_path) as url:
            browser.before_each_page(EAVESDROP)
            log_in(browser, url, key, "wrong")
            assert "WEB201" in browser.wait_for("WEB201")
            log_in(browser, url, key, PASSWORD)
            until(browser, "2 Errors (1)")
            browser.type("2")
            until(browser, "K3")
            browser.type("\ue007")
            until(browser, "What the shop sent")
            shop.settings(vat__rates=RATES)
            browser.type("p")
            until(browser, "Post 1 (y)")
            browser.type("y")
            wait_for(lambda: len(shop.invoices()) == 1)
            until(browser, "Nothing stopped. All is well.")
            picture = browser.picture()
            assert picture.startswith(b"\x89PNG")
            assert len(picture) > 20_000  # an empty window has some 5,000
            (tmp_path / "browser.png").write_bytes(picture)
            browser.type("\ue009q")
            assert "Log out" in browser.wait_for("Log out")
            browser.press("button")
            assert "Log in" in browser.wait_for("Licence key")
            assert [line for line in browser.log() if "Content Security Policy" in line] == []


def test_T6_a_merchant_downloads_an_invoice_of_the_subscription_and_reads_why_a_dashboard_ended(tmp_path):
    create_key_file(tmp_path / "mapper.key")
    paper = b"%PDF-1.7 " + bytes(range(256)) * 1000  # more than one portion of a download
    with open_database(tmp_path / "mapper.db") as database:
        add_shop(database)
        key = merchant_of(database)
        with database.begin() as conn:
            subscriptions.add(
                conn, "winkel", "Invoice November.pdf", paper, dated=date(2026, 11, 1), who="op", now=NOW
            )
    saved = tmp_path / "saved"
    saved.mkdir()
    with served(tmp_path) as url, chromium(downloads=saved) as browser:
        browser.before_each_page(EAVESDROP)
        log_in(browser, url, key, PASSWORD)
        until(browser, "5 Profile")
        browser.type("5")
        until(browser, "Invoice-November.pdf")
        browser.type(
            "\ue010" + 5 * "\ue013" + "\ue007"
        )  # below the paper: no questions, and four rows of technique
        wait_for(lambda: [one.name for one in saved.iterdir()] == ["Invoice-November.pdf"], seconds=60)
        wait_for(lambda: (saved / "Invoice-November.pdf").read_bytes() == paper)

        with closing(sqlite3.connect(tmp_path / "mapper.db")) as raw, raw:
            raw.execute("insert into migration (name, at) values ('9999 of later', '2026-11-24')")
        browser.open(url)
        told = browser.wait_for("WEB243")
        assert "STO102" in told
        assert "Open again" in told
