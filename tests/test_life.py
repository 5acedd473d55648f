"""Retention, erasing and export: what is kept, how it goes, and that it still works afterwards."""

from __future__ import annotations

import csv
import getpass
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from mapper import fiscal, redaction, retention
from mapper.mapping import load_rulebooks
from mapper.money import dumps
from mapper.processing import migration
from mapper.processing.reading import refusal
from mapper.settings import example
from mapper.store import documents, events, journal, operations, parties, payloads, schema, tenants, tickets
from mapper.store.database import Database, open_database
from tests.databases import NOW, add_document, add_tenant, bring_to
from tests.orders import order

pytest_plugins = ["tests.databases"]

LATER = NOW + timedelta(days=61)


def keep_order(
    database: Database, shop_id: int = 906, state: str = "done", **changes: object
) -> dict[str, object]:
    """Keep an order with its payload and mapping as processing does, and return the payload."""
    whole = order(**changes)
    mapped = load_rulebooks().bind(example()).apply("order", whole)
    with database.begin() as conn:
        document = bring_to(conn, add_document(conn, shop_id=shop_id), state)
        digest = payloads.keep(conn, "shop", document.id, whole, now=NOW)
        payloads.keep_mapping(
            conn,
            "shop",
            document.id,
            payload_hash=digest,
            rules="r",
            settings_revision=1,
            document=mapped.document,
            requests=[{"params": dict(one.params)} for one in mapped.requests],
            findings=[],
            trace=mapped.trace.to_json(),
            now=NOW,
        )
        email = str(whole["customer"]["email"])
        documents.describe(
            conn, "shop", document.id, number=f"00{shop_id}", customer="Soumaya van Spanje", email=email
        )
        parties.remember_debtor(conn, "shop", email, identifier="12", now=NOW)
    return whole


def stored(database: Database) -> str:
    """Everything that the database holds about documents, as text."""
    with database.read() as conn:
        payload, mapped = (
            payloads.payload(conn, "shop", "order-906"),
            payloads.mapping(conn, "shop", "order-906"),
        )
        document = documents.get(conn, "shop", "order-906")
    assert mapped is not None
    return dumps(
        [payload, mapped.document, mapped.requests, mapped.trace, mapped.findings, document.customer]
    )


def purge(database: Database, now: datetime, **how: bool) -> tuple[retention.Purged, ...]:
    return retention.purge(database, who="op", now=now, **how)


def test_S8_after_their_retention_people_are_gone_and_the_document_still_replays(database: Database) -> None:
    whole = keep_order(database)
    people = redaction.personal_values(whole)
    assert [word for word in people if word in stored(database)] != []
    assert [one.documents for one in purge(database, NOW + timedelta(days=59))] == [0]
    assert [one.documents for one in purge(database, LATER)] == [1]
    assert [one.documents for one in purge(database, LATER)] == [0]
    assert [word for word in people if word in stored(database)] == []
    with database.read() as conn:
        kept = payloads.payload(conn, "shop", "order-906")
        before = payloads.mapping(conn, "shop", "order-906")
    again = load_rulebooks().bind(example()).apply("order", kept)
    assert before is not None
    fresh = load_rulebooks().bind(example()).apply("order", whole)
    for name in (
        "total_incl",
        "total_excl",
        "total_vat",
        "is_icp",
        "is_international",
        "number",
        "payment_method",
    ):
        assert again.document[name] == fresh.document[name], name
    amounts = [(line["vat_code"], line["total_incl"]) for line in again.document["lines"]]
    assert amounts == [(line["vat_code"], line["total_incl"]) for line in fresh.document["lines"]]
    assert {one.id for one in again.findings} == {one.id for one in fresh.findings}


@pytest.mark.parametrize("state", ["open", "error", "waiting"])
def test_S8_what_is_not_finished_keeps_what_it_needs(sqlite: Database, state: str) -> None:
    keep_order(sqlite, state=state)
    assert [one.documents for one in purge(sqlite, NOW + timedelta(days=400))] == [0]


def test_S8_a_document_read_again_is_redacted_again(sqlite: Database) -> None:
    whole = keep_order(sqlite)
    purge(sqlite, LATER)
    with sqlite.begin() as conn:
        payloads.keep(conn, "shop", "order-906", whole, now=LATER)
    assert [one.documents for one in purge(sqlite, LATER)] == [1]


def test_S8_deliveries_and_closed_tickets_go_too(sqlite: Database) -> None:
    with sqlite.begin() as conn:
        add_tenant(conn)
        events.accept(conn, "shop", "orders.created", "hash", 1, now=NOW)
        made = tickets.open_(conn, "shop", "question", subject="s", text="t", bundle={}, who="x", now=NOW)
        tickets.open_(conn, "shop", "question", subject="s", text="t", bundle={}, who="x", now=NOW)
        tickets.close(conn, "shop", made.number)
    (done,) = purge(sqlite, NOW + timedelta(days=366))
    assert (done.deliveries, done.tickets) == (1, 1)


def test_S8_a_person_is_erased_by_address_and_what_is_unfinished_is_named(sqlite: Database) -> None:
    whole = keep_order(sqlite)
    keep_order(sqlite, shop_id=907, state="error")
    number = "NL004495445B01"
    with sqlite.begin() as conn:
        payloads.keep(conn, "shop", "order-906", whole | {"vatnumber": number}, now=NOW)
        address = str(whole["customer"]["email"])
        parties.remember_debtor(conn, "shop", address, tax_number=number, identifier="13", now=NOW)
    email = str(whole["customer"]["email"])
    with sqlite.begin() as conn:
        text = f"{email} complains"
        tickets.open_(conn, "shop", "question", subject="s", text=text, bundle={}, who="x", now=NOW)
    done = retention.erase(sqlite, "shop", email.upper(), who="op", now=NOW)
    assert (done.erased, done.unfinished) == (("order-906",), ("order-907",))
    assert email not in stored(sqlite)
    with sqlite.read() as conn:
        assert parties.debtor(conn, "shop", email) is None
        assert parties.debtor(conn, "shop", email, tax_number=number) is None
        assert tickets.get(conn, "shop", 1).text == f"{redaction.GONE} complains"
        assert journal.entries(conn, "shop")[-1].facts == {"who": "op", "documents": 1, "unfinished": 1}
        assert journal.verify(conn, "shop") is None


@pytest.mark.parametrize(
    ("postcode", "area"),
    [
        ("2586AA", "2586"),
        ("2586 aa", "2586"),
        ("SW1A 1AA", "SW1A"),
        ("35001", "35001"),
        ("27498", "27498"),
        ("", ""),
    ],
)
def test_S8_of_a_postcode_the_area_stays(postcode: str, area: str) -> None:
    assert redaction.redacted({"zipcode": postcode}) == {"zipcode": area}


def test_S8_redaction_keeps_shape_numbers_and_emptiness() -> None:
    given = {
        "email": "",
        "street": "Strandweg",
        "housenumber": 12,
        "kvk": None,
        "total": 12,
        "customer": {"btw": "NL1"},
    }
    assert redaction.redacted(given) == {
        "email": "", "street": redaction.GONE, "housenumber": 0, "kvk": None, "total": 12, "customer": {"btw": "NL1"},
    }  # fmt: skip


def test_S8_an_export_is_whole_and_holds_no_key(shop, sandbox) -> None:
    (sold,) = sandbox.sell("nl_ideal")
    assert shop("process", f"order-{sold['id']}").code == 0
    exported = shop("tenant", "export", "winkel")
    assert exported.code == 0, exported.err
    tables = {record["table"] for record in exported.records}
    assert {"account", "tenant", "licence", "document", "journal", "settings_change"} <= tables
    assert sandbox.ccv_secret not in exported.out
    assert sandbox.wefact_key not in exported.out
    assert "token" not in {
        name for record in exported.records if record["table"] == "tenant" for name in record
    }
    assert shop("tenant", "export", "nobody").code == 2


@pytest.mark.parametrize("hostile", ["=1+1", "+31", "-2", "@SUM(A1)", "\t=1", "＝1", 'a,b\n"c"'])
def test_S8_a_spreadsheet_takes_no_cell_of_an_export_for_a_formula(shop, tmp_path, hostile: str) -> None:
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        document = documents.note(conn, "winkel", "order", 906, now=NOW)
        documents.describe(conn, "winkel", document.id, customer=hostile)
    rows = list(csv.DictReader(io.StringIO(shop("tenant", "export", "winkel", "--csv").out)))
    assert rows[0]["customer"][:1] not in {"=", "+", "-", "@", "\t", "＝"}


def test_who_did_what_when_is_shown_and_a_change_of_it_is_told(shop, sandbox, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WEFACT_KEY", sandbox.wefact_key)
    (sold,) = sandbox.sell("nl_ideal")
    document = f"order-{sold['id']}"
    for done in (
        ("tenant", "password", "winkel"), ("tenant", "licence", "winkel", "--email", "kees@example.nl"),
        ("tenant", "set", "winkel", "--wefact-key-env", "WEFACT_KEY"), ("pause", "--tenant", "winkel", "--reason", "x"),
        ("resume", "--tenant", "winkel"), ("process", document), ("ignore", document, "--reason", "by hand"),
    ):  # fmt: skip
        ran = shop(*done)
        assert ran.code == 0, ran.err
    shown = shop("tenant", "journal", "winkel", "--json")
    assert [one["event"] for one in shown.records] == [
        "password changed", "contact changed", "keys given", "paused", "resumed", "process", "ignored by a person",
    ]  # fmt: skip
    assert {one["facts"]["who"] for one in shown.records} == {getpass.getuser()}
    assert sandbox.wefact_key not in shown.out
    assert len(shop("tenant", "journal", "winkel", "--document", document, "--json").records) == 2
    with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
        conn.exec_driver_sql("UPDATE journal SET facts = '{}' WHERE number = 1")
    changed = shop("tenant", "journal", "winkel")
    assert (changed.code, "STO174" in changed.err) == (5, True)


def test_S8_erase_and_purge_on_the_command_line(shop, sandbox) -> None:
    (sold,) = sandbox.sell("nl_ideal")
    assert shop("process", f"order-{sold['id']}").code == 0
    unfinished = shop("tenant", "erase", "winkel", "nobody@example.org", "--json")
    assert (unfinished.code, unfinished.records[0]["erased"]) == (0, [])
    assert shop("tenant", "erase", "winkel", "no address").code == 2
    nothing = {"tenant": "winkel", "documents": 0, "deliveries": 0, "tickets": 0, "deleted": 0}
    assert shop("purge", "--json").records == [nothing]
    shop("ignore", f"order-{sold['id']}", "--reason", "booked by hand")
    planned = shop("purge", "--people-days", "0", "--dry-run", "--json")
    assert planned.records == [nothing | {"documents": 1}]
    assert "Nothing was removed" in planned.err
    assert shop("purge", "--people-days", "0", "--json").records == planned.records
    assert shop("purge", "--fiscal-years", "6").code == 2


def keep_years(database: Database, shop_id: int, *, country: str = "NL", **changes: object) -> None:
    """Keep an order of 2026 with all that belongs to a posted one, sold to a country; empty: to none that is known."""
    keep_order(database, shop_id=shop_id, **changes)
    document = f"order-{shop_id}"
    with database.begin() as conn:
        operations.begin(
            conn, "shop", key=f"{document}:invoice", document_id=document, step="invoice", token=document,
            fingerprint="f", now=NOW,
        )  # fmt: skip
        if country:
            conn.execute(
                insert(schema.turnover).values(
                    tenant="shop", document_id=document, country=country, rate="21", excl_cents=1, tax_cents=0
                )
            )
        journal.append(conn, "shop", document, "done", {}, now=NOW)


def rows_about(database: Database, document: str) -> set[str]:
    """The tables that hold something of a document."""
    with database.read() as conn:
        return {
            table.name
            for table in schema.metadata.sorted_tables
            for column in ("document_id", "id")
            if column in table.c and table.c[column].type.python_type is str
            and conn.execute(select(table).where(table.c[column] == document)).first()
        }  # fmt: skip


def test_S8_after_the_years_of_tax_law_a_document_is_deleted_whole(database: Database) -> None:
    keep_years(database, 906)
    before, after = datetime(2033, 12, 30, tzinfo=UTC), datetime(2034, 1, 2, tzinfo=UTC)
    assert [one.deleted for one in purge(database, before)] == [0]
    assert {"document", "payload", "mapping", "operation", "turnover", "journal"} <= rows_about(
        database, "order-906"
    )
    assert [one.deleted for one in purge(database, after, dry_run=True)] == [1]
    assert "document" in rows_about(database, "order-906")
    assert [one.deleted for one in purge(database, after)] == [1]
    assert [one.deleted for one in purge(database, after)] == [0]
    assert rows_about(database, "order-906") == {"journal"}
    with database.read() as conn:
        last = journal.entries(conn, "shop")[-1]
        assert journal.verify(conn, "shop") is None
    assert (last.event, last.facts["who"], last.facts["deleted"]) == ("purged", "op", 1)


@pytest.mark.parametrize(("country", "years"), [("NL", 7), ("DE", 10), ("", 10)])
def test_S8_what_was_sold_abroad_is_kept_for_ten_years(sqlite: Database, country: str, years: int) -> None:
    keep_years(sqlite, 906, country=country)
    first = next(
        year for year in range(2027, 2050) if purge(sqlite, datetime(year, 6, 1, tzinfo=UTC))[0].deleted
    )
    assert first == NOW.year + years + 1


def test_S8_an_operator_keeps_documents_longer(sqlite: Database) -> None:
    keep_years(sqlite, 906)
    terms = retention.Terms(years=20)
    for year, deleted in ((2046, 0), (2047, 1)):
        (done,) = retention.purge(sqlite, terms, who="op", now=datetime(year, 6, 1, tzinfo=UTC))
        assert done.deleted == deleted


def test_S8_an_unfinished_document_is_never_deleted(sqlite: Database) -> None:
    keep_years(sqlite, 906, state="error")
    assert [one.deleted for one in purge(sqlite, datetime(2090, 1, 1, tzinfo=UTC))] == [0]


@given(
    st.integers(0, 25_000), st.timedeltas(timedelta(0), timedelta(days=9000)),
    st.timedeltas(timedelta(seconds=1), timedelta(days=9000)),
)  # fmt: skip
def test_R8_nothing_that_may_have_been_deleted_is_ever_posted_again(
    days: int, later: timedelta, age: timedelta
) -> None:
    at = NOW + timedelta(days=days)
    dated = fiscal.kept_since(at) - age
    payload = {"create_date": dated.isoformat(), "paid": True, "is_completed": True}
    stop = refusal(
        "order", payload, settings=example(), process_from=datetime.min.replace(tzinfo=UTC), posted=(),
        go_live_applies=False, now=at + later,
    )  # fmt: skip
    assert stop is not None
    assert (stop.kind, stop.cause) == ("ignore", "older than what tax law keeps (R8)")


def test_R8_a_migration_asks_for_nothing_that_may_have_been_deleted(sqlite: Database) -> None:
    with sqlite.begin() as conn:
        add_tenant(conn)
        tenants.put_settings(conn, "shop", example(), who="x", now=NOW)
    now = datetime(2034, 6, 1, tzinfo=UTC)
    with sqlite.begin() as conn:
        tenants.go_live(conn, "shop", now)
    scope = migration.scope_of(sqlite, "shop", NOW, None, now=now)
    assert scope.since == datetime(2027, 1, 2, tzinfo=UTC)
