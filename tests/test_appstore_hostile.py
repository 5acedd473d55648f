"""T1, S7: what a hostile visitor of the install pages tries, with a session of their own: none of it works."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mapper import offboarding
from mapper.appstore import steps
from mapper.appstore.installation import STEPS
from mapper.appstore.routes import INSTALL
from mapper.appstore.visit import Desk, Visit
from mapper.errors import UsageError
from mapper.processing import connections
from mapper.store import accounts, credentials, licences, limits, tenants
from mapper.store.database import Database
from tests.appstore import Store, filled_in
from tests.databases import NOW

pytest_plugins = ["tests.databases"]


@pytest.fixture
def store(sqlite: Database, sandbox) -> Store:
    return Store(sqlite, sandbox)


@pytest.mark.parametrize("step", STEPS[1:])
def test_T1_no_page_is_jumped_over_by_sending_a_later_ones_form(store: Store, step: str) -> None:
    """Terms that nobody agreed to, or a webshop that starts without them."""
    store.handshake()
    store.enter()
    token = filled_in(store.get("terms"))["csrf"]
    sent = {"csrf": token, "wefact_key": store.sandbox.wefact_key, "code:NL:21": "V21", "mode": "paid_orders"}
    answer = store.browser.post(f"{INSTALL}/{step}", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{INSTALL}/terms")
    with store.database.read() as conn:
        assert connections.WEFACT_KEY not in credentials.names(conn, store.tenant)
        assert licences.get(conn, store.tenant).progress == ""


@pytest.mark.parametrize(
    "day", ["0001-01-01", "9999-12-31", "2026-02-30", "\x00", "2026-W01-1", "١٩٩٩-01-01"]
)
def test_T1_a_day_that_cannot_be_is_refused_or_kept_and_never_an_error_of_ours(
    store: Store, day: str
) -> None:
    store.install(until="golive")
    assert store.post("golive", process_from=day).status_code in {303, 422}


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ("terms", {"email": "a\x00@b.nl"}),
        ("terms", {"email": "a@b.nl\r\nBcc: c@d.nl"}),
        ("terms", {"key": "\ufffd" * 1_000, "password": "x" * 20_000}),
        ("wefact", {"wefact_key": "a\x00b"}),
        ("layout", {"layout": "\x00"}),
        ("vat", {"code:NL:21": "\x00"}),
        ("golive", {"mode": "\x00"}),
        ("golive", {"mode": "order_statuses", "statuses": "²,99999999999999999999,-1"}),
        ("golive", {"status": "4"}),
    ],
)
def test_T1_hostile_values_are_refused_on_their_page(store: Store, step: str, fields: dict[str, str]) -> None:
    store.install(until=step)
    assert store.post(step, **({"accept": "yes"} | fields)).status_code == 422


def test_T1_a_zero_byte_reaches_no_database(database: Database, sandbox) -> None:
    """PostgreSQL would refuse the query."""
    store = Store(database, sandbox)
    store.install(until="terms")
    for name in ("key", "password", "email"):
        sent = {"accept": "yes", "key": "A", name: "A\x00B"}
        assert store.post("terms", **sent).status_code == 422


def test_T1_a_debtor_is_no_novel(store: Store) -> None:
    store.install(until="payments")
    name = next(name for name in filled_in(store.get("payments")) if name.startswith("debtor:"))
    assert store.post("payments", **{name: "D" * 100_000}).status_code == 422


def test_T1_a_key_that_arrives_after_the_end_is_not_kept(store: Store, sandbox) -> None:
    """Uninstalled while WeFact is asked about the key: the keys are destroyed, and stay so."""
    store.install()
    visit = Visit(
        Desk(store.app, store.database, store.sealer, None, lambda: NOW),
        store.tenant,
        "en",
        "",
        is_installed=True,
    )
    end = offboarding.stop(
        store.database, store.sealer, store.tenant, reason="x", who="x", loopback=True, now=NOW
    )
    asyncio.run(end)
    with pytest.raises(UsageError, match="STO172"):
        asyncio.run(steps.take_wefact(visit, {"wefact_key": sandbox.wefact_key}))
    with store.database.read() as conn:
        assert credentials.names(conn, store.tenant) == ()


@pytest.mark.parametrize(
    "root", ["https://SHOP.ccvshop.nl", "https://shop.ccvshop.nl:443", "https://shop.ccvshop.nl./"]
)
def test_T1_one_shop_is_one_webshop_however_its_address_is_written(
    sqlite: Database, sandbox, root: str
) -> None:
    """Two webshops of one shop would invoice each order twice."""
    store = Store(sqlite, sandbox, hosts=("ccvshop.nl",), loopback=False)
    back = "https://shop.ccvshop.nl/back"
    for address in ("https://shop.ccvshop.nl", root):
        assert store.handshake(api_root=address, return_url=back).text == "OK"
    assert store.tenant == "shop-ccvshop-nl"


def test_T1_two_handshakes_at_once_make_one_webshop(database: Database, sandbox) -> None:
    store = Store(database, sandbox, hosts=("ccvshop.nl",), loopback=False)
    good = {"api_root": "https://shop.ccvshop.nl", "return_url": "https://shop.ccvshop.nl/back"}
    codes: list[int] = []
    both = [
        threading.Thread(target=lambda: codes.append(store.handshake(**good).status_code)) for _ in range(4)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert codes == [200] * 4
    assert store.tenant == "shop-ccvshop-nl"


def test_T1_visits_with_a_signed_address_are_throttled(store: Store) -> None:
    store.handshake()
    codes = {store.enter().status_code for _ in range(70)}
    assert codes == {303, 429}


def test_T1_looking_at_pages_without_end_uses_up_nobodys_calls_to_wefact(store: Store, sandbox) -> None:
    """All webshops of a machine share WeFact's limit, and are banned together."""
    store.install(until="layout")
    codes = [store.browser.get(f"{INSTALL}/layout").status_code for _ in range(70)]
    assert (codes[0], codes[-1]) == (200, 429)
    assert len(sandbox.admin("wefact", "GET", "requests")["requests"]) < 65


def test_T1_pages_keep_to_the_call_budget_of_their_machines_address(sqlite: Database, sandbox) -> None:
    store = Store(sqlite, sandbox, address="office")
    store.install(until="layout")
    with sqlite.read() as conn:
        assert limits.addresses(conn) == ("office",)


def test_T3_a_page_of_one_shop_changes_nothing_of_the_merchants_others(store: Store) -> None:
    """Whoever manages one shop need not be trusted with the mails about another of the same licence holder."""
    with store.database.begin() as conn:
        tenants.create(conn, "first", name="First", settings={}, who="x", now=NOW)
        first = licences.get(conn, "first")
        accounts.set_password(conn, first.account, "vier gewone woorden samen")
        accounts.set_contact(conn, first.account, email="boss@example.nl", language="nl")
    store.handshake()
    store.enter()
    login = {"key": first.key, "password": "vier gewone woorden samen"}
    assert store.post("terms", accept="yes", email="mine@example.nl", **login).status_code == 303
    assert store.post("terms", accept="yes", email="mine@example.nl").status_code == 303
    with store.database.read() as conn:
        (second,) = {one.id for one in tenants.everyone(conn)} - {"first"}
        assert accounts.get(conn, first.account).email == "boss@example.nl"
        assert licences.get(conn, second).extra_email == "mine@example.nl"
