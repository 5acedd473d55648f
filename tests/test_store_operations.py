from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from mapper.errors import StoreError
from mapper.store import operations
from mapper.store.database import Database
from mapper.store.rows import Operation
from tests.databases import MINUTE, NOW, add_document

pytest_plugins = ["tests.databases"]

KEY = "order-906:invoice:0"


def begin(conn: Connection, *, token: str = "token", fingerprint: str = "f") -> Operation:
    return operations.begin(
        conn,
        "shop",
        document_id="order-906",
        step="invoice",
        key=KEY,
        token=token,
        fingerprint=fingerprint,
        now=NOW,
    )


def test_B3_of_eight_that_begin_at_once_one_may_call(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
    ready = threading.Barrier(8, timeout=20)
    begun: list[Operation] = []

    def race(number: int) -> None:
        ready.wait()
        with database.begin() as conn:
            begun.append(begin(conn, token=f"token {number}"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(operation.fresh for operation in begun) == [False] * 7 + [True]
    assert len({operation.token for operation in begun}) == 1


def test_B3_an_intent_without_a_result_is_not_fresh_again(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        assert begin(conn).fresh
    with database.begin() as conn:
        found = begin(conn, token="another")
        assert (found.fresh, found.state, found.token, found.attempt) == (False, "intended", "token", 1)


def test_a_finished_operation_answers_with_its_result(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        begin(conn)
        for _ in range(2):
            operations.finish(
                conn,
                "shop",
                KEY,
                identifier="42",
                code="F1",
                amount_incl=Decimal("1.10"),
                amount_tax=Decimal("0.10"),
                now=NOW,
            )
        found = begin(conn)
    assert (found.fresh, found.state, found.identifier, found.amount_incl) == (
        False,
        "done",
        "42",
        Decimal("1.10"),
    )


def test_another_result_never_replaces_the_first(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        begin(conn)
        operations.finish(conn, "shop", KEY, identifier="42", now=NOW)
        with pytest.raises(StoreError) as caught:
            operations.finish(conn, "shop", KEY, identifier="43", now=NOW)
    assert caught.value.code == "STO121"


def test_a_refused_operation_begins_anew_with_its_first_token(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        begin(conn)
        operations.refuse(conn, "shop", KEY, error="WEF301", now=NOW)
        again = begin(conn, token="another", fingerprint="g")
    assert (again.fresh, again.attempt, again.token, again.fingerprint) == (True, 2, "token", "g")
    assert again.error == ""


@pytest.mark.parametrize("settle", ["finish", "refuse"])
def test_what_is_settled_cannot_be_refused_lost_searched_or_touched(sqlite: Database, settle: str) -> None:
    with sqlite.begin() as conn:
        add_document(conn)
        seen = begin(conn)
        if settle == "finish":
            operations.finish(conn, "shop", KEY, identifier="42", now=NOW)
        else:
            operations.refuse(conn, "shop", KEY, error="WEF301", now=NOW)
        for move in (
            lambda: operations.refuse(conn, "shop", KEY, error="e", now=NOW),
            lambda: operations.lost(conn, "shop", KEY, now=NOW),
            lambda: operations.searched(conn, "shop", KEY, now=NOW),
        ):
            with pytest.raises(StoreError) as caught:
                move()
            assert caught.value.code == "STO121"
        assert operations.touch(conn, "shop", KEY, seen=seen, now=NOW) is None


def test_an_unknown_operation_is_searched_and_then_intended_by_one(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        begin(conn)
        lost = operations.lost(conn, "shop", KEY, now=NOW + MINUTE)
        operations.searched(conn, "shop", KEY, now=NOW + MINUTE * 4)
        seen = operations.searched(conn, "shop", KEY, now=NOW + MINUTE * 5)
        again = operations.touch(conn, "shop", KEY, seen=seen, now=NOW + MINUTE * 6)
        second = operations.touch(conn, "shop", KEY, seen=seen, now=NOW + MINUTE * 6)
    assert (lost.state, lost.intent_at) == ("unknown", NOW + MINUTE)
    assert (seen.searches, seen.searched_at) == (2, NOW + MINUTE * 5)
    assert again is not None
    assert (again.fresh, again.state, again.attempt, again.searches) == (True, "intended", 2, 0)
    assert again.intent_at == NOW + MINUTE * 6
    assert second is None


def test_unresolved_operations_are_listed_by_age(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        begin(conn)
        assert operations.unresolved(conn, "shop", before=NOW) == ()
        assert [one.key for one in operations.unresolved(conn, "shop", before=NOW + MINUTE)] == [KEY]
        assert operations.counts(conn, "shop") == {"intended": 1, "done": 0, "refused": 0, "unknown": 0}
        operations.refuse(conn, "shop", KEY, error="e", now=NOW)
        assert operations.unresolved(conn, "shop", before=NOW + MINUTE) == ()
        assert [one.state for one in operations.of_document(conn, "shop", "order-906")] == ["refused"]


def test_an_operation_that_never_began_cannot_end(database: Database) -> None:
    with database.begin() as conn:
        add_document(conn)
        with pytest.raises(StoreError) as caught:
            operations.finish(conn, "shop", KEY, identifier="42", now=NOW)
        assert operations.find(conn, "shop", KEY) is None
    assert caught.value.facts["state"] == "absent"
