"""S5 on the screens: keys, passwords and tokens show on none of them, not even while they are typed: canaries, 0."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from textual.widgets import Input

from mapper.processing import connections
from mapper.store import accounts, credentials, handshakes, licences, schema, tickets, web_sessions
from tests import orders
from tests.daemons import home, open_shop
from tests.tui.kit import add_order, app_of, drive, settle, text_of
from tui.configuration.tab import SECTIONS
from tui.document_screen import PARTS
from tui.places import TABS
from tui.records import Records

TYPED = ("canary-typed-wefact-key", "canary-typed-shop-secret", "canary-typed-password")
REFUSED = "canary that WeFact refuses and repeats"


def planted(shop) -> dict[str, str]:
    """Give the webshop one of each secret, and return them by name."""
    kept, now = shop.home, datetime.now(UTC)
    found = {"the sealing key": kept.key_file.read_text().strip()}
    with kept.database.begin() as conn:
        account = licences.get(conn, shop.tenant).account
        accounts.set_password(conn, account, "canary-stored-password")
        found["the password"] = "canary-stored-password"
        found["a session's token"] = web_sessions.open_(conn, shop.tenant, now=now)
        found["where the store sends back"] = "https://shop.example/canary-return-address"
        back = found["where the store sends back"]
        handshakes.keep(conn, shop.tenant, "public", return_url=back, sealer=kept.sealer, now=now)
        found["the webhook's path"] = conn.scalars(select(schema.tenant.c.webhook_token)).one()
        for event in ("orders.created", "orders.deleted"):
            found[f"the key of {event}"] = f"canary-key-of-{event}"
            credentials.put_webhook(
                conn, shop.tenant, event, shop_webhook_id=1, address="a", key=found[f"the key of {event}"],
                sealer=kept.sealer, now=now,
            )  # fmt: skip
        for name in (connections.CCV_SECRET, connections.WEFACT_KEY):
            found[name] = credentials.get(conn, shop.tenant, name, sealer=kept.sealer)
        tickets.open_(conn, shop.tenant, "question", subject="s", text="t", bundle={}, who="x", now=now)
    return found


def test_S5_no_screen_shows_a_secret_stored_or_typed(tmp_path, sandbox):
    with home(tmp_path) as at:
        shop = open_shop(at, sandbox, None)
        secrets = planted(shop)
        add_order(at.database, 1, orders.order(), tenant=shop.tenant)
        add_order(at.database, 2, orders.order(), tenant=shop.tenant, ends="error", cause="WEF302",
                  facts={"action": "invoice/add", "sentence": "refused"})  # fmt: skip
        add_order(at.database, 3, orders.order(paid=False), tenant=shop.tenant, ends="open")
        app = app_of(
            at.database, shop.tenant, sealer=lambda: at.sealer, key_file=at.key_file, loopback=True,
            now=lambda: datetime.now(UTC),
        )  # fmt: skip
        screens: list[str] = []

        async def act(app, pilot):
            visitor = Visitor(app, pilot, screens)
            await visitor.every_tab()
            await visitor.every_part_of_a_document()
            await visitor.configuration()
            await visitor.password()

        drive(app, act)
    shown = "\n".join(screens)
    assert len(screens) > 30
    for proof in ("●  WeFact", "WEF20", "CCV2", "The password is changed", "WEF302", "Licence key"):
        assert proof in shown, proof
    looked_for = {**secrets, **{one: one for one in (*TYPED, REFUSED)}}
    assert [name for name, secret in looked_for.items() if secret in shown.replace("\n", "")] == []


def test_S5_a_merchant_is_not_shown_where_the_database_is(filled):
    async def act(app, pilot):
        app.action_go("profile")
        await settle(app, pilot)
        assert "Licence key" in text_of(app)
        assert [row.key for row in app.current.query_one(Records).rows if row.key == "database"] == []

    drive(app_of(filled, is_support=False), act)


class Visitor:
    """Goes through the screens and keeps what each of them shows."""

    def __init__(self, app, pilot, screens):
        self.app, self.pilot, self.screens = app, pilot, screens

    async def look(self, *, waiting=False):
        await settle(self.app, self.pilot, waiting=waiting)
        self.screens.append(text_of(self.app))

    async def press(self, *keys, waiting=False):
        for key in keys:
            await self.pilot.press(key)
            await self.look(waiting=waiting)

    async def go(self, tab):
        self.app.action_go(tab)
        await self.look()

    async def type_in(self, *texts):
        await self.pilot.press("enter")
        for one in texts:
            await settle(self.app, self.pilot, waiting=True)
            self.app.screen.query_one(Input).value = one
            await self.look(waiting=True)
            await self.press("enter", waiting=True)
        await self.look()

    async def every_tab(self):
        for name in TABS:
            await self.go(name)

    async def every_part_of_a_document(self):
        await self.go("errors")
        await self.press("enter", "w", *(str(number) for number in range(1, len(PARTS) + 1)), "x")
        while len(self.app.screen_stack) > 1:
            await self.press("escape")

    async def configuration(self):
        await self.go("configuration")
        for name in (*SECTIONS, "connections"):
            self.app.current.query_one("#sections", Records).go_to(name)
            await self.look()
        keys = self.app.current.query_one("#connections", Records)
        keys.focus()
        for name, given in (("wefact", TYPED[:1]), ("wefact", (REFUSED,)), ("ccv", ("public", TYPED[1]))):
            keys.go_to(f"key {name}")
            await self.type_in(*given)

    async def password(self):
        await self.go("profile")
        self.app.current.query_one(Records).go_to("password")
        await self.type_in(TYPED[2], TYPED[2])
        await self.press("ctrl+p", waiting=True)
