"""T1, T2: handshake, install pages and uninstall of the CCV App Store, over HTTP, with the sandbox as the services."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from mapper.appstore.installation import STEPS
from mapper.appstore.routes import HANDSHAKE, INSTALL, UNINSTALL
from mapper.appstore.texts import TEXTS
from mapper.store import accounts, credentials, journal, licences, schema, tenants, web_sessions
from mapper.store.database import Database
from tests.appstore import PUBLIC_URL, SECRET, Store, filled_in, plain, signature
from tests.databases import NOW

pytest_plugins = ["tests.databases", "tests.inbox"]

PASSWORD = "vier gewone woorden samen"


@pytest.fixture
def store(sqlite: Database, sandbox) -> Store:
    return Store(sqlite, sandbox)


def test_T1_from_handshake_to_both_dots_green(store: Store, sandbox) -> None:
    done = store.install()
    page = plain(done.text)
    assert done.status_code == 200
    assert "● CCV Shop: connected (Zandbakwinkel)" in page
    assert "● WeFact: connected" in page
    assert "shown this once" in page
    assert f'href="{sandbox.ccv}/back"' in done.text
    assert sandbox.admin("ccv", "GET", "objects")["webhooks"][0]["address"].startswith(PUBLIC_URL)
    patched = [one for one in sandbox.admin("ccv", "GET", "requests")["requests"] if one["method"] == "PATCH"]
    assert [one["body"] for one in patched] == [{"is_installed": True}]
    with store.database.read() as conn:
        licence = licences.get(conn, store.tenant)
        assert (licence.state(NOW), licence.terms_version, licence.terms_at) == ("trial", "2026-11", NOW)
        assert tenants.pause_of(conn, store.tenant) is None
        assert tenants.settings(conn, store.tenant)["home_country"] == "NL"
        events = [one.event for one in journal.entries(conn, store.tenant)]
    assert events == ["handshake", "terms accepted", "WeFact key given", "installed"]


def test_T1_the_password_is_shown_once_and_opens_the_dashboard(store: Store) -> None:
    from mapper import logins

    shown = re.search(r'<output id="password">([^<]+)</output>', store.install().text)
    assert shown is not None
    again = store.browser.get(f"{INSTALL}/overview")
    assert again.status_code == 200
    assert shown[1] not in again.text
    with store.database.read() as conn:
        key = licences.get(conn, store.tenant).key
    assert logins.login(store.database, key, unescape(shown[1]), now=NOW).role == "merchant"


def test_T1_the_password_is_mailed_once_in_the_merchants_language(sqlite: Database, sandbox, inbox) -> None:
    received, mailer = inbox
    store = Store(sqlite, sandbox, mailer=mailer)
    store.install(until="wefact")
    store.post("terms", accept="yes", email="kees@winkel.example")
    done = store.install()
    shown = re.search(r'<output id="password">([^<]+)</output>', done.text)
    assert shown is not None
    store.enter()
    store.get("overview")
    (mail,) = received.mails
    assert mail["To"] == "kees@winkel.example"
    assert unescape(shown[1]) in mail.get_content()
    with sqlite.read() as conn:
        assert licences.get(conn, store.tenant).key in mail.get_content()


def test_T1_an_interrupted_installation_goes_on_where_it_stopped(store: Store) -> None:
    for step in STEPS:
        store.install(until=step) if step != "done" else store.post("golive")
        store.browser.cookies.clear()
        assert store.enter().headers["location"] == f"{INSTALL}/{step}"
        assert store.get(step)


def test_T1_nothing_is_posted_before_the_installation_is_finished(store: Store) -> None:
    store.install(until="golive")
    with store.database.read() as conn:
        pause = tenants.pause_of(conn, store.tenant)
    assert pause is not None
    assert pause.reason == tenants.INSTALLING


def test_T1_edit_opens_the_same_pages(store: Store) -> None:
    store.install()
    store.browser.cookies.clear()
    assert store.enter("nl").headers["location"] == f"{INSTALL}/overview"
    assert "● WeFact: verbonden" in plain(store.get("overview"))
    assert store.post("layout", layout="en_en").headers["location"] == f"{INSTALL}/overview"
    with store.database.read() as conn:
        assert tenants.settings(conn, store.tenant)["invoice"]["layout"] == "en_en"


def test_T1_the_ip_address_to_allow_is_read_from_wefacts_refusal(store: Store, sandbox) -> None:
    store.install(until="wefact")
    sandbox.switch("wefact", allowed_ips=["203.0.113.9"])
    refused = store.post("wefact", wefact_key=sandbox.wefact_key)
    assert refused.status_code == 422
    assert "127.0.0.1" in plain(refused.text)
    assert "WEF202" in refused.text
    assert sandbox.wefact_key not in refused.text


@pytest.mark.parametrize(
    ("step", "fields", "code"),
    [
        ("terms", {"accept": ""}, "WEB220"),
        ("terms", {"accept": "yes", "email": "no address"}, "USE161"),
        ("terms", {"accept": "yes", "key": "AAAAA-BBBBB", "password": "x"}, "WEB201"),
        ("wefact", {"wefact_key": ""}, "WEB221"),
        ("wefact", {"wefact_key": "two words"}, "WEB221"),
        ("wefact", {"wefact_key": "wrong"}, "WEF201"),
        ("layout", {"layout": "xx_xx"}, "WEB222"),
        ("vat", {"code:NL:21": "NOPE"}, "WEB224"),
        ("vat", {"code:NL:21": "", "code:NL:9": "", "code:NL:0": ""}, "WEB223"),
        ("golive", {"mode": "everything"}, "SET103"),
        ("golive", {"process_from": "31-12-2026"}, "SET105"),
        ("golive", {"mode": "order_statuses"}, "SET107"),
    ],
)
def test_T1_what_cannot_be_is_refused_on_its_page_and_nothing_goes_on(
    store: Store, step: str, fields: dict[str, str], code: str
) -> None:
    store.install(until=step)
    refused = store.post(step, **fields)
    assert (refused.status_code, code in refused.text) == (422, True), plain(refused.text)
    assert store.enter().headers["location"] == f"{INSTALL}/{step}"


def test_T1_a_merchant_adds_a_shop_to_the_key_they_have(store: Store) -> None:
    with store.database.begin() as conn:
        tenants.create(conn, "first", name="First", settings={}, who="x", now=NOW)
        first = licences.get(conn, "first")
        accounts.set_password(conn, first.account, PASSWORD)
    assert store.handshake().status_code == 200
    store.enter()
    assert store.post("terms", accept="yes", key=first.key, password=PASSWORD).status_code == 303
    with store.database.read() as conn:
        assert len(licences.of_account(conn, first.account)) == 2


def test_T1_destination_rates_are_proposed_in_one_choice(store: Store) -> None:
    store.install(until="vat")
    chosen = {"code:NL:21": "V21", "others": "destination", "propose": "yes"}
    assert store.post("vat", **chosen).headers["location"] == f"{INSTALL}/vat"
    with store.database.read() as conn:
        rates = tenants.settings(conn, store.tenant)["vat"]["rates"]
    assert ("DE", 19) in {(one["country"], one["rate"]) for one in rates}


def test_T5_other_countries_follow_the_home_countrys_codes(store: Store) -> None:
    store.install(until="payments")
    with store.database.read() as conn:
        vat = tenants.settings(conn, store.tenant)["vat"]
    codes = {(one["country"], one["rate"]): one["revenue"]["code"] for one in vat["rates"]}
    assert (codes["NL", 21], codes["DE", 21], codes["DE", 9]) == ("V21", "V21", "V9")
    assert (vat["icp"]["revenue"]["code"], vat["international"]["revenue"]["code"]) == ("ICP", "EXP")


def test_T1_a_payment_method_gets_a_fixed_debtor(store: Store) -> None:
    store.install(until="payments")
    page = store.get("payments")
    name = next(name for name in filled_in(page) if name.startswith("debtor:"))
    assert store.post("payments", **{name: "DB10001"}).status_code == 303
    with store.database.read() as conn:
        kept = tenants.settings(conn, store.tenant)["payment_methods"]
    assert kept == [{"method": name.removeprefix("debtor:"), "debtor": "DB10001"}]


def test_T2_uninstall_removes_webhooks_and_keys_and_reinstall_finds_the_records(
    store: Store, sandbox
) -> None:
    store.install()
    tenant, body = store.tenant, json.dumps({"api_public": sandbox.ccv_public}).encode()
    assert store.call(UNINSTALL, body).text == "OK"
    assert sandbox.objects("ccv")["webhooks"] == []
    with store.database.read() as conn:
        assert credentials.names(conn, tenant) == ()
        assert licences.get(conn, tenant).state(NOW) == "stopped"
        key = licences.get(conn, tenant).key
    assert store.browser.get(f"{INSTALL}/overview").status_code == 403
    assert store.enter().status_code == 403
    assert store.call(UNINSTALL, body).text == "OK"

    assert store.install().status_code == 200
    assert store.tenant == tenant
    with store.database.read() as conn:
        again = licences.get(conn, tenant)
    assert (again.key, again.state(NOW)) == (key, "trial")


def test_T2_a_shop_that_is_gone_is_uninstalled_all_the_same(store: Store, sandbox) -> None:
    store.install()
    sandbox.fault("ccv", kind="status", status=401, match={"method": "DELETE"}, times=50)
    body = json.dumps({"api_public": sandbox.ccv_public}).encode()
    assert store.call(UNINSTALL, body).status_code == 200
    with store.database.read() as conn:
        assert credentials.names(conn, store.tenant) == ()


def test_T1_keys_are_sealed_before_the_answer(store: Store, sandbox) -> None:
    assert store.handshake().status_code == 200
    with store.database.read() as conn:
        kept = [*conn.scalars(schema.credential.select().with_only_columns(schema.credential.c.sealed))]
    assert len(kept) >= 3
    assert not any(sandbox.ccv_secret in one or sandbox.ccv_public in one for one in kept)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"api_root": "https://evil.example"}, "WEB211"),
        ({"api_root": "https://ccvshop.nl.evil.example"}, "WEB211"),
        ({"api_root": "https://evilccvshop.nl"}, "WEB211"),
        ({"api_root": "http://shop.ccvshop.nl"}, "WEB210"),
        ({"api_root": "https://shop.ccvshop.nl:8443"}, "WEB210"),
        ({"api_root": "https://shop.ccvshop.nl/api"}, "WEB210"),
        ({"api_root": "https://user@shop.ccvshop.nl"}, "WEB210"),
        ({"api_root": "https://169.254.169.254"}, "WEB210"),
        ({"api_root": "https://0x7f.1"}, "WEB210"),
        ({"api_root": "https://[::1]"}, "WEB210"),
        ({"api_root": "file:///etc/passwd"}, "WEB210"),
        ({"api_root": 5}, "WEB210"),
        ({"api_public": ""}, "WEB210"),
        ({"api_secret": "x" * 501}, "WEB210"),
        ({"return_url": "javascript:alert(1)"}, "WEB210"),
    ],
)
def test_T1_a_signed_handshake_of_a_wrong_shop_is_refused(
    sqlite: Database, sandbox, changes: dict[str, object], code: str
) -> None:
    store = Store(sqlite, sandbox, hosts=("ccvshop.nl",), loopback=False)
    good = {"api_root": "https://shop.ccvshop.nl", "return_url": "https://shop.ccvshop.nl/back"}
    answer = store.handshake(**(good | changes))
    assert (answer.status_code, answer.text) == (422, code)
    with sqlite.read() as conn:
        assert tenants.everyone(conn) == ()


def test_T1_a_shop_of_ccv_is_let_in(sqlite: Database, sandbox) -> None:
    store = Store(sqlite, sandbox, hosts=("ccvshop.nl",), loopback=False)
    answer = store.handshake(api_root="https://shop.ccvshop.nl", return_url="https://shop.ccvshop.nl/back")
    assert (answer.text, store.tenant) == ("OK", "shop-ccvshop-nl")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00",
        "x" * 10_000,
        signature(PUBLIC_URL + HANDSHAKE, b"other"),
        signature(PUBLIC_URL + HANDSHAKE, b"{}", "?"),
    ],
)
def test_T1_a_forged_handshake_is_refused(store: Store, given: str) -> None:
    assert store.call(HANDSHAKE, b"{}", x_hash=given).status_code == 401
    assert store.browser.post(HANDSHAKE, content=b"{}", headers={"x-hash": b"\xe9"}).status_code == 401
    unsigned = store.browser.post(HANDSHAKE, content=b"{}")
    assert unsigned.status_code == 401


def test_T1_size_is_looked_at_before_the_body_and_its_signature(store: Store) -> None:
    assert store.call(HANDSHAKE, b"x" * 16_385).status_code == 413


def test_T1_a_forged_or_changed_visit_is_refused(store: Store, sandbox) -> None:
    store.handshake()
    assert store.enter(**{"x-hash": "00"}).status_code == 403
    assert store.enter(api_public="other").status_code == 403
    unknown = "unknown^public"
    hashed = signature(PUBLIC_URL + INSTALL, unknown.encode())
    assert store.enter(**{"api_public": unknown, "x-hash": hashed}).status_code == 403
    assert store.browser.get(f"{INSTALL}/terms").status_code == 403


def test_T1_the_cookie_is_this_hosts_alone_and_ends(store: Store) -> None:
    store.handshake()
    cookie = store.enter().headers["set-cookie"]
    assert cookie.startswith("__Host-mapper=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert store.browser.get(f"{INSTALL}/terms").status_code == 200
    store.now = NOW + web_sessions.LIFETIME + timedelta(seconds=1)
    assert store.browser.get(f"{INSTALL}/terms").status_code == 403


@pytest.mark.parametrize("wrong", ["", "0" * 64, "é"])
def test_T1_a_form_without_the_sessions_token_changes_nothing(store: Store, wrong: str) -> None:
    store.install(until="layout")
    denied = store.post("layout", layout="en_en", csrf=wrong)
    assert (denied.status_code, "WEB230" in denied.text) == (403, True)
    with store.database.read() as conn:
        assert tenants.settings(conn, store.tenant)["invoice"]["layout"] is None


def test_T1_a_form_of_another_site_changes_nothing(store: Store) -> None:
    store.install(until="layout")
    form = filled_in(store.get("layout")) | {"layout": "en_en"}
    denied = store.browser.post(f"{INSTALL}/layout", data=form, headers={"origin": "https://evil.example"})
    assert denied.status_code == 403


def test_T1_a_session_opens_its_own_webshop_only(store: Store) -> None:
    store.install(until="layout")
    mine = store.tenant
    with store.database.begin() as conn:
        tenants.create(conn, "other", name="Other", settings={}, who="x", now=NOW)
    assert store.post("layout", layout="en_en", tenant="other").status_code == 303
    with store.database.read() as conn:
        assert tenants.settings(conn, mine)["invoice"]["layout"] == "en_en"
        assert tenants.settings(conn, "other") == {}


def test_T1_tries_are_throttled(store: Store) -> None:
    store.install(until="wefact")
    form = filled_in(store.get("wefact")) | {"wefact_key": ""}
    codes = [store.browser.post(f"{INSTALL}/wefact", data=form).status_code for _ in range(61)]
    assert (codes[0], codes[-1]) == (422, 429)


def test_T1_every_page_keeps_to_itself_and_needs_no_script(store: Store) -> None:
    store.install(until="wefact")
    for path in (f"{INSTALL}/terms", f"{INSTALL}/wefact", f"{INSTALL}/nothing", INSTALL):
        answer = store.browser.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "<script" not in answer.text
        assert re.findall(r'(?:src|href)="(?!/|http://127)[^"]*"', answer.text) == []


def test_S5_no_page_no_log_and_no_database_page_holds_a_key_or_a_session(
    store: Store, sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    done = store.install().text
    password = unescape(re.findall(r'<output id="password">([^<]+)</output>', done)[0])
    pages = [store.get(step) for step in ("overview", *STEPS[:-1])]
    pages.append(store.post("wefact", wefact_key="canary-refused-key").text)
    pages.append(store.call(HANDSHAKE, b"{}").text)
    keys = {
        sandbox.ccv_secret,
        sandbox.wefact_key,
        SECRET,
        "canary-refused-key",
        store.browser.cookies["__Host-mapper"],
    }
    assert [page for page in (*pages, done) for key in keys if key in page] == []
    assert [page for page in pages if password in page] == []
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert [key for key in (*keys, password) if key.encode() in kept or key in caplog.text] == []


def test_T1_hostile_names_of_the_shop_are_text_on_the_page(store: Store, sandbox) -> None:
    store.install(until="payments")
    with store.database.begin() as conn:
        old = tenants.settings(conn, store.tenant)
        hostile = '"><script>alert(1)</script>'
        tenants.put_settings(
            conn,
            store.tenant,
            {**old, "payment_methods": [{"method": "iDEAL", "debtor": hostile}]},
            who="x",
            now=NOW,
        )
    for step in ("payments", "vat", "layout"):
        assert "<script" not in store.get(step)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_T1_pages_speak_the_shops_language_and_switch(store: Store, language: str) -> None:
    store.handshake()
    store.enter(language)
    page = store.get("terms")
    assert f'<html lang="{language}">' in page
    token = filled_in(page)["csrf"]
    switched = store.browser.post("/app/language", data={"csrf": token, "step": "terms"})
    assert switched.headers["location"] == f"{INSTALL}/terms"
    assert f'<html lang="{"en" if language == "nl" else "nl"}">' in store.get("terms")


def test_T1_every_text_is_there_in_both_languages() -> None:
    assert [name for name, (english, dutch) in TEXTS.items() if not english or not dutch] == []
    fields = re.compile(r"\{\w+\}")
    assert [
        n for n, (en, nl) in TEXTS.items() if sorted(fields.findall(en)) != sorted(fields.findall(nl))
    ] == []


def test_T1_every_field_has_a_label(store: Store) -> None:
    store.install(until="done")
    for step in STEPS[:-1]:
        page = store.get(step)
        named = set(re.findall(r'<label for="([^"]*)"', page))
        fields = re.findall(r"<(?:input|select)[^>]*>", page)
        bare = [tag for tag in fields if 'type="hidden"' not in tag and "aria-label=" not in tag]
        assert [tag for tag in bare if re.search(r'id="([^"]*)"', tag)[1] not in named] == [], step
