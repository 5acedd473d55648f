"""What a running mapper writes: lines that name their document, no personal data, no tracebacks of libraries."""

from __future__ import annotations

import io
import json
import logging
import os
import resource
import time

import pytest
from children import child
from daemons import home, open_shop, running, wait_for
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mapper import logs

pytest_plugins = ["tests.databases"]

CANARY = "canary@example.nl"


@pytest.fixture
def written():
    """Give a function that starts writing in a form, and what was written since."""
    stream = io.StringIO()
    kept = [(logger, logger.handlers[:], logger.propagate) for logger in map(logging.getLogger, ("", "dbos"))]
    level = logging.getLogger("mapper").level

    def listen(form="text"):
        logs.listen(form, stream)
        return stream

    yield listen
    for logger, handlers, propagate in kept:
        logger.handlers[:] = handlers
        logger.propagate = propagate
    logging.getLogger("mapper").setLevel(level)


def test_a_line_of_json_names_the_document_it_is_about(written):
    stream = written("json")
    with logs.concerning("winkel", "order-906"):
        logging.getLogger("mapper.services").warning("WeFact invoice add: 502")
    logs.say("listening")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    del first["at"], second["at"]
    assert first == {
        "level": "warning",
        "logger": "mapper.services",
        "message": "WeFact invoice add: 502",
        "tenant": "winkel",
        "document": "order-906",
    }
    assert second == {"level": "info", "logger": "mapper.daemon", "message": "listening"}


def test_of_an_error_of_a_library_one_line_is_written_without_values_and_not_every_second(written, sqlite):
    stream = written()
    engine = logging.getLogger("dbos")
    for _ in range(3):
        try:
            with sqlite.engine.connect() as conn:
                conn.execute(text("INSERT INTO nowhere VALUES (:who)"), {"who": CANARY})
        except DBAPIError as error:
            engine.exception("Exception while polling: %s", error)
    (line,) = stream.getvalue().splitlines()
    assert "error: Exception while polling: (sqlite3.OperationalError) no such table: nowhere" in line
    assert "(OperationalError at " in line
    assert CANARY not in line
    assert "Traceback" not in line


def test_nothing_from_outside_commands_the_terminal(written):
    stream = written()
    logging.getLogger("httpx").warning("redirect to \x1b[2J\u202e%s", "\x9b31m")
    assert stream.getvalue().strip("\n").isprintable()


@pytest.mark.slow
def test_every_line_of_a_documents_work_names_it_and_nobody(tmp_path, sandbox, written):
    stream = written("json")
    with home(tmp_path) as at, running(at, say=logs.say) as url:
        shop = open_shop(at, sandbox, url)
        sandbox.fault("wefact", kind="status", status=502, times=1, match={"action": "add"})
        sandbox.sell("nl_ideal", customer={"email": CANARY, "last_name": "Kanarie"})
        wait_for(lambda: any(one.state == "done" for one in shop.all()), stream.getvalue)
        (document,) = shop.all()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    about = [line["message"] for line in lines if line.get("document") == document.id]
    assert any("waiting" in message for message in about), lines
    assert any("done" in message for message in about), lines
    assert CANARY not in stream.getvalue()
    assert "Kanarie" not in stream.getvalue()


@pytest.mark.slow
def test_a_full_disk_is_told_without_tracebacks_and_the_daemon_still_stops_well(tmp_path):
    """A limit on the size of files stands for the disk: SQLite can write no more."""
    with home(tmp_path) as at, child(at) as daemon:
        # A pipe has no size.
        os.mkfifo(daemon.log)
        with os.fdopen(os.open(daemon.log, os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
            daemon.start()
            resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, 0))
            said = b""

            def read() -> bytes:
                nonlocal said
                said += pipe.read() or b""
                return said

            wait_for(lambda: b"STO101" in read(), read)
            # Many heartbeats, and many looks for work, fail meanwhile.
            time.sleep(2)
            ended = daemon.stop()
            lines = read().decode()
    assert "listening on" in lines
    assert "Traceback" not in lines
    assert len(lines.splitlines()) < 40, lines
    assert ended == 0, lines
