"""T1, T2 end to end: the sandbox's App Store, the install pages and a daemon, in real Chromium without JavaScript."""

from __future__ import annotations

import socket

import pytest
from browser import Browser, chromium

from mapper.appstore.installation import StoreApp
from mapper.sandbox.appstore import APP_SECRET
from mapper.services.http import Secret
from mapper.store import licences, tenants
from tests.daemons import home, running, wait_for

pytestmark = pytest.mark.slow


def install(browser: Browser, sandbox, url: str) -> None:
    """Go through the pages, with a wrong key and an interruption on the way."""
    browser.open(f"{sandbox.ccv}/_sandbox/store")
    browser.fill("input[name=app]", url)
    browser.press("button[value=install]")

    assert "Stap 1 van 7" in browser.wait_for("Voorwaarden")
    browser.press("#accept-yes")
    browser.press("main button")
    browser.wait_for("Verbinding met WeFact")
    browser.fill("#wefact_key", "verkeerd")
    browser.press("main button")
    browser.wait_for("WEF201")
    browser.fill("#wefact_key", sandbox.wefact_key)
    browser.press("main button")
    browser.wait_for("Factuurlayout")

    # The merchant closes the page, and begins again in the shop.
    browser.open(f"{sandbox.ccv}/_sandbox/store")
    browser.press("button[value=install]")
    browser.wait_for("Factuurlayout")
    browser.press("main button")
    browser.wait_for("Btw-code in WeFact")
    browser.press('select[name="code:NL:21"] option[value="V21"]')
    browser.press('select[name="code:NL:9"] option[value="V9"]')
    browser.press("main form > p:last-child button")
    browser.wait_for("Betaalmethoden")
    browser.press("main button")
    browser.wait_for("Wat er geboekt wordt")
    browser.press("main button")
    browser.wait_for("Klaar om te beginnen")
    browser.press("main button")


def test_T1_T2_a_merchant_installs_sells_edits_and_uninstalls(tmp_path, sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = StoreApp(url, Secret(APP_SECRET), (), True, sandbox.wefact, sandbox.vies)
    with home(tmp_path) as at, running(at, port=port, app=app), chromium(javascript=False) as browser:
        install(browser, sandbox, url)
        welcome = browser.wait_for("De koppeling werkt")
        assert "● CCV Shop: verbonden (Zandbakwinkel)" in welcome
        assert "● WeFact: verbonden" in welcome
        assert "deze ene keer getoond" in welcome
        assert [line for line in browser.log() if "Content Security Policy" in line] == []

        (order,) = sandbox.sell("nl_ideal")
        with at.database.read() as conn:
            (tenant,) = tenants.everyone(conn)
        wait_for(lambda: len(sandbox.objects("wefact")["invoices"]) == 1)
        (invoice,) = sandbox.objects("wefact")["invoices"]
        assert invoice["ReferenceNumber"] == order["ordernumber_full"]

        browser.press("a.button")
        assert "Boekhoudkoppeling: geïnstalleerd" in browser.wait_for("App Store van de zandbakwinkel")
        browser.press("button[value=edit]")
        browser.wait_for("De koppeling werkt")
        browser.press('a[href="/app/install/layout"]')
        browser.press('select[name=layout] option[value="en_en"]')
        browser.press("main button")
        browser.wait_for("De koppeling werkt")

        browser.open(f"{sandbox.ccv}/_sandbox/store")
        browser.press("button[value=uninstall]")
        browser.wait_for("Boekhoudkoppeling: niet geïnstalleerd")
        with at.database.read() as conn:
            assert licences.get(conn, tenant.id).stopped_at is not None
        assert sandbox.objects("ccv")["webhooks"] == []
