"""T6, T8: the dashboard behind a login over HTTP: who is let in, from where, and what they see."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from mapper.errors import UsageError
from mapper.store import accounts, licences
from mapper.store.database import Database, open_database
from mapper.store.sealing import create_key_file
from tests import orders
from tests.tui.kit import add_order, add_shop, fill
from tests.tui.served import PASSWORD, Screen, Visitor, csrf_in, merchant_of, served, websocket
from tests.tui.terminals import ROOT
from tui.browser.running import bounded
from tui.browser.server import Address


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    database: Database
    key: str
    other_key: str

    def visitor(self, key: str = "", password: str = PASSWORD) -> Visitor:
        visitor = Visitor(self.url)
        assert visitor.log_in(key or self.key, password).status_code == 303
        return visitor


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("served")
    create_key_file(folder / "mapper.key")
    with open_database(folder / "mapper.db") as database:
        fill(database)
        add_shop(database, "other", name="Somebody else")
        add_order(
            database, 77, orders.order(), tenant="other", ends="error", cause="K1", customer="Not Yours"
        )
        now = datetime.now(UTC)
        with database.begin() as conn:
            support = accounts.create(conn, role="support", name="sam", language="en", now=now)
            accounts.set_password(conn, support.id, PASSWORD)
        keys = [merchant_of(database, tenant) for tenant in ("winkel", "other")]
        with served(folder) as url:
            yield Served(url, database, *keys)


def test_nothing_is_shown_without_a_login(dashboard):
    visitor = Visitor(dashboard.url)
    asked = visitor.client.get("/")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login")
    assert visitor.client.get("/download/x").status_code == 403
    assert visitor.client.get("/ws").status_code == 403


def test_a_wrong_password_is_refused_without_telling_which_of_the_two_is_wrong(dashboard):
    visitor = Visitor(dashboard.url)
    wrong = visitor.log_in(dashboard.other_key, "wrong")
    unknown = visitor.log_in("AAAA-BBBB", "wrong")
    assert wrong.status_code == unknown.status_code == 403
    assert "WEB201" in wrong.text
    assert "WEB201" in unknown.text
    assert visitor.client.get("/").status_code == 303


def test_S2_a_login_counts_only_from_our_own_page(dashboard):
    visitor = Visitor(dashboard.url)
    foreign = visitor.log_in(dashboard.key, PASSWORD, origin="https://evil.example")
    assert (foreign.status_code, "WEB240" in foreign.text) == (403, True)
    forged = visitor.client.post(
        "/login",
        data={"name": dashboard.key, "password": PASSWORD, "csrf": "0" * 64},
        headers={"origin": dashboard.url},
    )
    assert forged.status_code == 403
    assert visitor.client.get("/").status_code == 303


def test_pages_refer_to_no_other_host_and_forbid_all_that_they_do_not_need(dashboard):
    visitor = dashboard.visitor()
    page = visitor.client.get("/")
    styles = [visitor.client.get(path) for path in re.findall(r'href="(/[^"]+\.css)"', page.text)]
    login = Visitor(dashboard.url).client.get("/login")
    assert len(styles) == 2
    for one in (page, login, *styles):
        text = re.sub(r"/\*.*?\*/", "", one.text, flags=re.DOTALL)
        assert re.findall(r"(?:https?:)?//(?!127\.0\.0\.1)[a-z][^\s\"']*", text) == []
        assert one.headers["x-frame-options"] == "DENY"
        assert one.headers["x-content-type-options"] == "nosniff"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert f"connect-src 'self' {dashboard.url.replace('http', 'ws')}/ws;" in policy
    cookie = Visitor(dashboard.url).log_in(dashboard.key, PASSWORD).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Cookie": "mapper-visit=x"}]
)
def test_S2_the_websocket_opens_only_for_our_own_page_with_a_login(dashboard, headers):
    visitor = dashboard.visitor()

    async def run():
        async with ClientSession() as session:
            with pytest.raises(WSServerHandshakeError) as refused:
                async with websocket(session, visitor, **headers):
                    pass
            assert refused.value.status == 403

    asyncio.run(run())


def test_T3_a_merchant_sees_only_their_own_webshops_and_no_rules(dashboard):
    visitor = dashboard.visitor()

    async def run():
        async with ClientSession() as session, websocket(session, visitor) as socket:
            screen = Screen(socket)
            await screen.until("F2026-1")
            # What no page sends is left out.
            await socket.send_str("no JSON")
            await socket.send_json(["resize", {"width": 10**9, "height": -1}])
            await socket.send_json(["stdin", 7])
            await socket.send_json(["resize", {"width": 120, "height": 34}])
            await screen.press("2")
            await screen.until("Another currency")
            await screen.press("5")
            await screen.until("Technique")
            await screen.press("ctrl+p")
            await screen.until("Search for an action")
            await screen.press("escape")
            await screen.until("Technique")
            await screen.press("s")
            await screen.until("─ Other webshop ─")
            await screen.press("enter")
            await screen.until("All actions")
            await screen.press("ctrl+q")
            await screen.ended()
            assert "Not Yours" not in screen.drawn
            assert "Somebody else" not in screen.drawn
            assert "6 Rules" not in screen.drawn
            assert "mapper.db" not in screen.drawn

    asyncio.run(run())


def test_T6_support_sees_every_webshop_and_the_rules(dashboard):
    visitor = dashboard.visitor("sam")

    async def run():
        async with ClientSession() as session, websocket(session, visitor) as socket:
            screen = Screen(socket)
            await screen.until("6 Rules")
            await screen.press("2")
            await screen.until("Not Yours")

    asyncio.run(run())


def test_logging_out_and_another_password_end_the_visit(dashboard):
    visitor, second = dashboard.visitor(dashboard.other_key), dashboard.visitor(dashboard.other_key)
    csrf = csrf_in(visitor.client.get("/"))
    visitor.client.post("/logout", data={"csrf": csrf}, headers={"origin": dashboard.url})
    assert visitor.client.get("/").headers["location"] == "/login"
    assert second.client.get("/").status_code == 200
    with dashboard.database.begin() as conn:
        accounts.set_password(conn, licences.get(conn, "other").account, PASSWORD)
    assert second.client.get("/").headers["location"] == "/login"


def test_S2_a_dashboard_that_is_open_ends_with_its_login(dashboard):
    """Whoever changes the password because somebody else knows it must not go on being watched."""
    one, another = dashboard.visitor(dashboard.other_key), dashboard.visitor(dashboard.other_key)
    csrf = csrf_in(one.client.get("/"))

    async def run():
        async with (
            ClientSession() as session,
            websocket(session, one) as first,
            websocket(session, another) as second,
        ):
            screens = Screen(first), Screen(second)
            for screen in screens:
                await screen.until("Somebody else")
            await asyncio.to_thread(
                one.client.post, "/logout", data={"csrf": csrf}, headers={"origin": dashboard.url}
            )
            await screens[0].ended()
            assert not second.closed
            with dashboard.database.begin() as conn:
                accounts.set_password(conn, licences.get(conn, "other").account, PASSWORD)
            await screens[1].ended()

    asyncio.run(run())


def test_every_command_of_the_page_serves(tmp_path):
    create_key_file(tmp_path / "mapper.key")
    with open_database(tmp_path / "mapper.db") as database:
        fill(database)
    page = (ROOT / "docs" / "dashboard.md").read_text()
    told = re.findall(r"^mapper tui --serve +(?:#|(\S.*?) +#)", page, re.MULTILINE)
    assert len(told) == 3
    for arguments in told:
        with served(tmp_path, *arguments.split()) as url:
            assert url.startswith("https://dashboard.example" if arguments else "http://127.0.0.1:")


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("0.0.0.0", None),
        ("0.0.0.0", "http://dashboard.example"),
        ("127.0.0.1", "http://dashboard.example"),
        ("0.0.0.0", "http://127.0.0.1"),
        ("0.0.0.0", "https://dashboard.example/path"),
        ("127.0.0.1", "https://"),
    ],
)
def test_S2_passwords_cross_no_network_in_the_open(host, public):
    with pytest.raises(UsageError, match="USE190"):
        Address(host, 8090, public).check()


@pytest.mark.parametrize(
    ("host", "public"),
    [("127.0.0.1", None), ("127.0.0.1", "https://d.example"), ("0.0.0.0", "https://d.example/")],
)
def test_it_is_served_on_this_machine_or_behind_tls(host, public):
    Address(host, 8090, public).check()


def test_a_screen_has_the_size_that_a_screen_can_have():
    assert bounded(10**9, -5) == (400, 8)
    assert bounded(120, 34) == (120, 34)
