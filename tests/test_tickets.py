"""T8 and R10: tickets with all that answers them and nobody's data, mailed over a real SMTP server; the digest."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest

from mapper import letters, redaction, ticketing
from mapper.errors import ConfigError, StoreError, UsageError
from mapper.mailing import Mail, Mailer, load_mailer
from mapper.money import dumps
from mapper.store import accounts, documents, licences, payloads, tenants, tickets
from mapper.store.database import Database
from tests.databases import MINUTE, NOW, add_document, add_tenant, bring_to
from tests.inbox import Inbox
from tests.orders import order

pytest_plugins = ["tests.databases", "tests.inbox"]

DAY = timedelta(days=1)


@pytest.fixture
def failed(sqlite: Database) -> Database:
    """A merchant with an e-mail address, and an order that stopped."""
    with sqlite.begin() as conn:
        document = bring_to(conn, add_document(conn), "error")
        payloads.keep(conn, "shop", document.id, order(), now=NOW)
        documents.describe(conn, "shop", document.id, number="000000906", customer="Soumaya van Spanje")
        account = licences.get(conn, "shop").account
        accounts.set_contact(conn, account, email="kees@winkel.example", language="nl")
        licences.set_extra_email(conn, "shop", "boekhouder@kantoor.example")
    return sqlite


def report(database: Database, **changes: str):
    return ticketing.report_problem(
        database, "shop", "order-906", **({"text": "The total is wrong", "who": "kees"} | changes), now=NOW
    )


def test_T8_of_one_cause_one_problem_is_open_at_a_time(failed: Database) -> None:
    first = report(failed)
    assert report(failed, text="again").number == first.number
    with failed.begin() as conn:
        other = bring_to(conn, add_document(conn, shop_id=907), "error")
    again = ticketing.report_problem(failed, "shop", other.id, text="x", who="kees", now=NOW)
    assert again.number == first.number
    with failed.begin() as conn:
        tickets.close(conn, "shop", first.number)
    assert report(failed).number == first.number + 1


def test_T8_questions_stand_beside_each_other(failed: Database) -> None:
    for number in (1, 2):
        asked = ticketing.ask(failed, "shop", subject="VAT", text="Which code?", who="kees", now=NOW)
        assert asked.number == number
    with pytest.raises(UsageError, match="USE170"):
        ticketing.ask(failed, "shop", subject=" ", text="x", who="kees", now=NOW)


def test_T8_the_bundle_answers_without_naming_anybody(failed: Database) -> None:
    whole = order()
    people = redaction.personal_values(whole)
    assert len(people) >= 5
    bundle = report(failed).bundle
    text = dumps(dict(bundle))
    assert [word for word in people if word in text] == []
    assert "Spanje" not in text
    assert "@" not in text
    assert bundle["payload"]["total_price"] == whole["total_price"]
    assert bundle["payload"]["customer"]["billingaddress"]["country_code"] == "NL"
    assert (bundle["document"]["cause"], bundle["mapper"]) == ("K1", ticketing.__version__)
    assert {"findings", "trace", "operations", "journal", "settings"} - bundle.keys() <= {"findings", "trace"}


def test_T8_a_ticket_and_its_answer_are_mailed_once(failed: Database, inbox: tuple[Inbox, Mailer]) -> None:
    received, mailer = inbox
    report(failed)
    assert [letters.send_tickets(failed, mailer, now=NOW) for _ in range(2)] == [1, 0]
    (asked,) = received.mails
    assert (asked["To"], asked["Reply-To"]) == ("support@example.org", "kees@winkel.example")
    assert asked["Subject"] == "[shop #1] 000000906: K1"
    (attached,) = asked.iter_attachments()
    assert json.loads(attached.get_content())["document"]["id"] == "order-906"
    with failed.begin() as conn:
        tickets.answer(conn, "shop", 1, text="Set V21", who="els", now=NOW)
    assert letters.send_tickets(failed, mailer, now=NOW) == 1
    answered = received.mails[-1]
    assert answered["To"] == "kees@winkel.example, boekhouder@kantoor.example"
    assert answered["Subject"].startswith("Antwoord op uw vraag")
    assert answered.get_content().strip() == "Set V21"


def test_T8_a_mail_that_cannot_be_handed_in_stays_to_be_sent(
    failed: Database, inbox: tuple[Inbox, Mailer]
) -> None:
    received, mailer = inbox
    report(failed)
    nowhere = Mailer("127.0.0.1", 9, False, "", "", "mapper@example.org", "support@example.org")
    refused = Mailer(mailer.host, mailer.port, False, "", "", "mapper@example.org", "nobody@example.org")
    assert letters.send_tickets(failed, nowhere, now=NOW) == 0
    assert letters.send_tickets(failed, refused, now=NOW) == 0
    assert received.mails == []
    assert letters.send_tickets(failed, mailer, now=NOW) == 1


def test_T8_no_header_is_made_of_what_people_write(failed: Database, inbox: tuple[Inbox, Mailer]) -> None:
    received, mailer = inbox
    hostile = "Hello\r\nBcc: all@example.org\x1b[2J"
    ticketing.ask(failed, "shop", subject=hostile, text="x", who="kees", now=NOW)
    letters.send_tickets(failed, mailer, now=NOW)
    (mail,) = received.mails
    assert mail["Bcc"] is None
    assert "\x1b" not in mail["Subject"]


def test_R10_each_error_and_each_long_wait_is_told_once_in_one_mail(
    failed: Database, inbox: tuple[Inbox, Mailer]
) -> None:
    received, mailer = inbox
    with failed.begin() as conn:
        bring_to(conn, add_document(conn, shop_id=907), "waiting")
        documents.describe(conn, "shop", "order-907", number="907", customer="Jan Jansen")
    later = NOW + 2 * DAY
    assert [letters.send_digests(failed, mailer, now=later) for _ in range(2)] == [1, 0]
    (mail,) = received.mails
    assert mail["Subject"] == "shop: 1 gestopt, 1 wachtend"
    body = mail.get_content()
    assert "000000906: K1." in body
    assert "- 907: " in body
    assert "Spanje" not in body
    assert "Jansen" not in body


def test_R10_what_waits_for_less_than_a_day_is_not_told(
    failed: Database, inbox: tuple[Inbox, Mailer]
) -> None:
    received, mailer = inbox
    with failed.begin() as conn:
        bring_to(conn, add_document(conn, shop_id=907), "waiting")
    letters.send_digests(failed, mailer, now=NOW + MINUTE)
    assert received.mails[0]["Subject"] == "shop: 1 gestopt, 0 wachtend"
    letters.send_digests(failed, mailer, now=NOW + DAY + MINUTE)
    assert received.mails[1]["Subject"] == "shop: 0 gestopt, 1 wachtend"


def test_R10_a_stopped_webshop_gets_no_mail(failed: Database, inbox: tuple[Inbox, Mailer]) -> None:
    received, mailer = inbox
    with failed.begin() as conn:
        tenants.stand_still(conn, "shop", reason=tenants.STOPPED, now=NOW)
    assert letters.send_digests(failed, mailer, now=NOW + DAY) == 0
    assert received.mails == []


def test_a_server_elsewhere_is_never_spoken_to_without_encryption(
    inbox: tuple[Inbox, Mailer], monkeypatch
) -> None:
    received, mailer = inbox
    monkeypatch.setattr("socket.getaddrinfo", _leads_to("127.0.0.1", mailer.port))
    elsewhere = Mailer("mail.example.org", mailer.port, False, "user", "secret", "mapper@example.org", "")
    with pytest.raises(StoreError, match="MAIL101"):
        elsewhere.send(Mail(["a@example.org"], "x", "x"))
    assert received.mails == []


def _leads_to(address: str, port: int):
    """A name service of the test: every name is this machine."""
    return lambda *_given, **_named: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.mark.parametrize(
    "environ",
    [
        {"MAPPER_SMTP": "http://x"}, {"MAPPER_SMTP": "smtps://"}, {"MAPPER_SMTP": "smtps://h:x"},
        {"MAPPER_SMTP": "smtps://h"}, {"MAPPER_SMTP": "smtps://h", "MAPPER_MAIL_FROM": "nobody"},
    ],
)  # fmt: skip
def test_mail_settings_that_cannot_be_are_told_at_the_start(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="MAIL103"):
        load_mailer(environ)


def test_mail_settings_come_from_a_credential_before_the_environment(tmp_path) -> None:
    (tmp_path / "mapper-smtp").write_text("smtps://me:p%40ss@mail.example\n")
    environ = {
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "MAPPER_SMTP": "nonsense",
        "MAPPER_MAIL_FROM": "a@b.nl",
    }
    mailer = load_mailer(environ)
    assert mailer is not None
    assert (mailer.host, mailer.port, mailer.is_tls, mailer.user, mailer.password) == (
        "mail.example",
        465,
        True,
        "me",
        "p@ss",
    )
    assert "p@ss" not in repr(mailer)
    assert load_mailer({}) is None


def test_T8_support_answers_and_closes_on_the_command_line(shop, sandbox) -> None:
    (sold,) = sandbox.sell("nl_ideal")
    assert shop("process", f"order-{sold['id']}").code == 0
    made = shop("ticket", "report", f"order-{sold['id']}", "--text", "Where is it?", "--json").records[0]
    assert (made["number"], made["state"]) == (1, "open")
    assert shop("ticket", "ask", "VAT", "--text", "Which?").code == 0
    assert [one["number"] for one in shop("ticket", "list", "--json").records] == [1, 2]
    assert shop("ticket", "answer", 1, "--text", "Soon").code == 0
    assert shop("ticket", "show", 1, "--json").records[0]["answer"] == "Soon"
    assert shop("ticket", "close", 1).code == 0
    assert "USE172" in shop("ticket", "answer", 1, "--text", "x").err
    assert [one["number"] for one in shop("ticket", "list", "--tenant", "winkel", "--json").records] == [2]
    assert "USE171" in shop("ticket", "show", 9).err


def test_a_tenant_without_an_address_is_told_nothing(sqlite: Database, inbox: tuple[Inbox, Mailer]) -> None:
    received, mailer = inbox
    with sqlite.begin() as conn:
        add_tenant(conn)
        bring_to(conn, add_document(conn), "error")
    assert letters.send_digests(sqlite, mailer, now=NOW + DAY) == 0
    assert received.mails == []
