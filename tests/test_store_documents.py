from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from mapper.errors import StoreError, UsageError
from mapper.processing.reading import posted_otherwise
from mapper.store import documents, listing, payloads
from mapper.store.database import Database, open_database
from mapper.store.rows import Document
from tests.databases import MINUTE, NOW, add_document, add_tenant, bring_to

pytest_plugins = ["tests.databases"]

STATES = ["open", "queued", "processing", "done", "error", "waiting", "ignored"]

MOVES: dict[str, Callable[..., Document]] = {
    "queue": documents.queue,
    "finish": partial(documents.finish, identifier="42", code="F0042"),
    "fail": partial(documents.fail, cause="K1"),
    "wait": partial(documents.wait, until=NOW + MINUTE, why="K2"),
    "release": partial(documents.release, why="R6"),
    "ignore": partial(documents.ignore, reason="cancelled"),
    "reopen": documents.reopen,
    "process_again": documents.process_again,
    "mark_drift": documents.mark_drift,
}
ALLOWED = {
    "queue": {
        "open": "queued",
        "waiting": "queued",
        "error": "queued",
        "queued": "queued",
        "processing": "processing",
    },
    "finish": {"processing": "done"},
    "fail": dict.fromkeys(["open", "queued", "processing", "waiting", "error"], "error"),
    "wait": {"processing": "waiting"},
    "release": {"processing": "open"},
    "ignore": dict.fromkeys(["open", "queued", "processing", "waiting", "error", "ignored"], "ignored"),
    "reopen": dict.fromkeys(["error", "waiting", "ignored"], "open"),
    "process_again": dict.fromkeys(["done", "error"], "open"),
    "mark_drift": {"done": "done"},
}


@pytest.fixture(scope="module")
def every_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A store with one document in each state, its id from the place in STATES."""
    with open_database(tmp_path_factory.mktemp("states") / "mapper.db") as opened:
        with opened.begin() as conn:
            for shop_id, state in enumerate(STATES):
                bring_to(conn, add_document(conn, shop_id=shop_id), state)
        yield opened


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("move", MOVES)
def test_a_document_moves_only_where_it_may(every_state: Database, move: str, state: str) -> None:
    with every_state.engine.connect() as conn:  # closed without a commit
        document = documents.get(conn, "shop", f"order-{STATES.index(state)}")
        expected = ALLOWED[move].get(state)
        if expected is None:
            with pytest.raises(StoreError) as caught:
                MOVES[move](conn, "shop", document.id, now=NOW)
            assert caught.value.code == "STO120"
            assert documents.get(conn, "shop", document.id) == document
        else:
            assert MOVES[move](conn, "shop", document.id, now=NOW).state == expected


@pytest.mark.parametrize("state", STATES)
def test_R4_what_is_done_or_ignored_is_not_claimed(database: Database, state: str) -> None:
    with database.begin() as conn:
        document = bring_to(conn, add_document(conn), state)
        claimed = documents.claim(conn, "shop", document.id, revision=1, worker="w2", now=NOW)
        assert (claimed is None) == (state in {"done", "ignored"})
        assert claimed is None or (claimed.state, claimed.claimed_by) == ("processing", "w2")


def test_an_older_revision_does_not_take_the_work_of_a_newer_one(database: Database) -> None:
    with database.begin() as conn:
        document = add_document(conn)
        claim = partial(documents.claim, conn, "shop", document.id, worker="w", now=NOW)
        assert [claim(revision=revision) is not None for revision in (2, 1, 2, 3)] == [
            True,
            False,
            True,
            True,
        ]


def test_every_claim_counts_as_an_attempt_but_for_what_was_too_early(database: Database) -> None:
    with database.begin() as conn:
        document = add_document(conn)
        claim = partial(documents.claim, conn, "shop", document.id, revision=1, worker="w", now=NOW)
        assert [claim().attempts, claim().attempts] == [1, 2]
        assert documents.release(conn, "shop", document.id, why="R6", now=NOW).attempts == 1


def test_noting_a_document_again_raises_its_revision_and_keeps_its_state(database: Database) -> None:
    with database.begin() as conn:
        first = bring_to(conn, add_document(conn), "done")
        later = documents.note(conn, "shop", "order", 906, now=NOW + MINUTE)
        same = documents.note(conn, "shop", "order", 906, now=NOW + MINUTE, changed=False)
    assert (first.revision, first.state) == (1, "done")
    assert (later.revision, later.state, later.noted_at) == (2, "done", NOW + MINUTE)
    assert same == later


def test_a_deleted_document_stays_deleted(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        assert documents.note(conn, "shop", "order", 1, now=NOW, deleted=True).deleted
        assert documents.note(conn, "shop", "order", 1, now=NOW).deleted


def test_an_order_and_an_invoice_of_one_id_are_two_documents(database: Database) -> None:
    with database.begin() as conn:
        order = add_document(conn, shop_id=7)
        invoice = documents.note(conn, "shop", "invoice", 7, order_id=906, now=NOW)
    assert (order.id, order.order_id) == ("order-7", 7)
    assert (invoice.id, invoice.order_id) == ("invoice-7", 906)


def test_W19_a_posted_document_in_error_counts_as_posted(database: Database) -> None:
    invoice = {"order": "https://shop/api/rest/v1/orders/906"}
    with database.begin() as conn:
        document = bring_to(conn, add_document(conn), "processing")
        assert posted_otherwise(conn, "shop", "invoice", 7, invoice) == ()
        documents.fail(conn, "shop", document.id, cause="W19", identifier="42", code="F0042", now=NOW)
        assert [one.name for one in posted_otherwise(conn, "shop", "invoice", 7, invoice)] == ["F0042"]


def test_K4_the_documents_of_an_order_are_found_across_kinds(database: Database) -> None:
    with database.begin() as conn:
        bring_to(conn, add_document(conn), "done")
        documents.note(conn, "shop", "invoice", 7, order_id=906, now=NOW)
        bring_to(conn, add_document(conn, shop_id=907), "done")
        assert [found.id for found in documents.of_order(conn, "shop", 906)] == ["invoice-7", "order-906"]


def test_R8_processing_again_makes_room_for_a_second_invoice(database: Database) -> None:
    with database.begin() as conn:
        done = bring_to(conn, add_document(conn), "done")
        again = documents.process_again(conn, "shop", done.id, now=NOW)
    assert (again.state, again.again, again.identifier, again.revision) == ("open", 1, "", 2)


def test_R5_ignoring_by_hand_is_told_from_ignoring_by_rule(database: Database) -> None:
    with database.begin() as conn:
        document = add_document(conn)
        by_hand = documents.ignore(conn, "shop", document.id, reason="booked by hand", by="person", now=NOW)
    assert (by_hand.ignored_by, by_hand.cause) == ("person", "booked by hand")


def test_a_document_that_is_not_there_is_named(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        for move in MOVES.values():
            with pytest.raises(UsageError) as caught:
                move(conn, "shop", "order-1", now=NOW)
            assert caught.value.code == "STO111"
        with pytest.raises(UsageError):
            documents.claim(conn, "shop", "order-1", revision=1, worker="w", now=NOW)


def test_what_lists_show_is_kept_and_found(database: Database) -> None:
    with database.begin() as conn:
        document = add_document(conn)
        documents.describe(
            conn,
            "shop",
            document.id,
            number="000000906",
            customer="Åsa O'Neil 100%",
            email="Asa@Example.nl",
            total_incl=Decimal("12.50"),
            currency="EUR",
            dated=NOW - MINUTE,
        )
        found = documents.by_number(conn, "shop", "000000906")
        assert [(one.customer, one.total_incl, one.dated) for one in found] == [
            ("Åsa O'Neil 100%", Decimal("12.50"), NOW - MINUTE)
        ]
        searches = ["906", "åsa", "ÅSA", "o'neil", "100%", "asa@example", "1_0", "0%0", "nobody"]
        hits = [len(listing.page(conn, "shop", search=text).documents) for text in searches]
    assert hits == [1, 1, 1, 1, 1, 1, 0, 0, 0]


def test_text_no_database_can_hold_is_shown_instead_of_refused(database: Database) -> None:
    with database.begin() as conn:
        name = add_document(conn).id
        shown = documents.describe(
            conn, "shop", name, customer="a\x00b\ud800", email="\x00", number="\x1b[1m"
        )
        assert (shown.customer, shown.number) == ("a\\u0000b\\ud800", "\\u001b[1m")
        assert len(listing.page(conn, "shop", search="b\ud800").documents) == 1
        assert documents.ignore(conn, "shop", name, reason="\x00", now=NOW).cause == "\\u0000"
        payloads.keep(conn, "shop", name, {"x": "a\x00b\ud800"}, now=NOW)
        assert payloads.payload(conn, "shop", name) == {"x": "a\x00b\ud800"}


def test_pages_show_each_document_once_newest_first(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        for shop_id in range(1, 26):
            dated = NOW - MINUTE * (shop_id // 3)  # some share a moment
            documents.note(conn, "shop", "order", shop_id, now=NOW, dated=dated)
        shown: list[Document] = []
        after = None
        while True:
            page = listing.page(conn, "shop", after=after, limit=10)
            shown += page.documents
            if (after := page.after) is None:
                break
    assert len({document.id for document in shown}) == len(shown) == 25
    assert [document.dated for document in shown] == sorted((one.dated for one in shown), reverse=True)


def test_pages_are_filtered_by_state_period_and_cause(database: Database) -> None:
    with database.begin() as conn:
        add_tenant(conn)
        for shop_id, state in enumerate(STATES, start=1):
            dated = NOW - timedelta(days=shop_id)
            bring_to(conn, documents.note(conn, "shop", "order", shop_id, now=NOW, dated=dated), state)

        def ids(**wanted: object) -> list[str]:
            return [one.id for one in listing.page(conn, "shop", **wanted).documents]  # type: ignore[arg-type]

        assert ids(states=["open", "done"]) == ["order-1", "order-4"]
        assert ids(since=NOW - timedelta(days=3), until=NOW - timedelta(days=1)) == ["order-2", "order-3"]
        assert ids(cause="K1") == ["order-5"]
        assert listing.counts(conn, "shop") == dict.fromkeys(STATES, 1)
        assert [one.id for one in listing.unsettled(conn, "shop")] == [
            "order-1",
            "order-2",
            "order-3",
            "order-6",
        ]
        assert [one.id for one in listing.unsettled(conn, "shop", after="order-2", limit=1)] == ["order-3"]
        assert listing.oldest_queued(conn, "shop") == NOW


@pytest.mark.parametrize("after", ["", "x", "2026-03-01 order-1", "2026-03-01T12:00:00 order-1"])
def test_a_place_in_a_list_that_never_was_is_refused(sqlite: Database, after: str) -> None:
    with sqlite.read() as conn, pytest.raises(UsageError) as caught:
        listing.page(conn, "shop", after=after)
    assert caught.value.code == "STO116"


def test_waiting_documents_are_due_when_their_time_comes(database: Database) -> None:
    with database.begin() as conn:
        document = bring_to(conn, add_document(conn), "waiting")
        assert listing.due(conn, "shop", now=NOW) == ()
        assert [one.id for one in listing.due(conn, "shop", now=NOW + MINUTE)] == [document.id]


def test_errors_are_grouped_by_cause(database: Database) -> None:
    with database.begin() as conn:
        for shop_id, cause in enumerate(["K3", "K1", "K3"], start=1):
            document = add_document(conn, shop_id=shop_id)
            documents.fail(conn, "shop", document.id, cause=cause, now=NOW + MINUTE * shop_id)
        found = listing.causes(conn, "shop")
    assert [(one.cause, one.count, one.newest) for one in found] == [
        ("K3", 2, NOW + MINUTE * 3),
        ("K1", 1, NOW + MINUTE * 2),
    ]


def test_a_payload_comes_back_as_it_was_with_its_hash(database: Database) -> None:
    payload = {
        "id": 906,
        "total_price": Decimal("10.00"),
        "tax": Decimal(21),
        "rows": [{"count": 2}],
        "x": None,
    }
    with database.begin() as conn:
        document = add_document(conn)
        digest = payloads.keep(conn, "shop", document.id, payload, now=NOW)
        again = payloads.keep(conn, "shop", document.id, payload | {}, now=NOW + MINUTE)
        newer = payloads.keep(conn, "shop", document.id, payload | {"id": 907}, now=NOW)
        assert payloads.payload(conn, "shop", document.id)["id"] == 907
        found = payloads.payload(conn, "shop", document.id, digest)
        assert documents.get(conn, "shop", document.id).payload_hash == newer
    assert digest == again == payloads.hash_of(payload) != newer
    assert found == payload
    assert type(found["tax"]) is Decimal


def test_a_payload_that_is_not_kept_is_said_so(database: Database) -> None:
    with database.begin() as conn:
        document = add_document(conn)
        with pytest.raises(StoreError) as caught:
            payloads.payload(conn, "shop", document.id)
    assert caught.value.code == "STO117"


def test_the_latest_mapping_is_kept_with_its_hashes(database: Database) -> None:
    with database.begin() as conn:
        name = add_document(conn).id
        assert payloads.mapping(conn, "shop", name) is None
        for rules, moment in (("r1", NOW), ("r2", NOW + MINUTE), ("r1", NOW + MINUTE * 2)):
            payloads.keep_mapping(
                conn,
                "shop",
                name,
                payload_hash="p",
                rules=rules,
                settings_revision=1,
                document={"total_incl": Decimal("12.50"), "at": moment.isoformat()},
                requests=[{"name": "invoice"}],
                findings=[],
                trace=[["a", 1]],
                now=moment,
            )
        found = payloads.mapping(conn, "shop", name)
    assert found is not None
    assert (found.rules, found.at, found.requests, found.trace) == (
        "r1",
        NOW + MINUTE * 2,
        [{"name": "invoice"}],
        [["a", 1]],
    )
    assert found.document == {"total_incl": Decimal("12.50"), "at": found.at.isoformat()}
