"""T6: how dashboards in browsers end: by an error, with a server that was killed, with a visitor who reads nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession, TCPConnector, WSMsgType, WSServerHandshakeError

from mapper.store.database import open_database
from mapper.store.sealing import create_key_file
from tests.tui.kit import fill
from tests.tui.served import PASSWORD, Screen, Visitor, merchant_of, serving, websocket
from tests.tui.terminals import PATIENT


@pytest.fixture
def server(tmp_path):
    """A server of its own, as the tests here end it or what it runs; with the key of its merchant."""
    create_key_file(tmp_path / "mapper.key")
    with open_database(tmp_path / "mapper.db") as database:
        fill(database)
        key = merchant_of(database)
    with serving(tmp_path) as server:
        yield server, key


def logged_in(server, key):
    visitor = Visitor(server.url)
    assert visitor.log_in(key, PASSWORD).status_code == 303
    return visitor


def until(is_there):
    deadline = time.monotonic() + PATIENT
    while not is_there():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def small_socket(address):
    """Return a socket that takes little before it is read from."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setblocking(False)
    return made


def test_a_dashboard_that_does_not_start_tells_why_and_neither_secrets_nor_tracebacks(server, tmp_path):
    running, key = server
    visitor = logged_in(running, key)
    assert visitor.client.get("/failed").status_code == 404
    with closing(sqlite3.connect(tmp_path / "mapper.db")) as raw, raw:
        raw.execute("insert into migration (name, at) values (?, ?)", ("9999 of later", datetime.now(UTC)))

    async def run():
        async with ClientSession() as session, websocket(session, visitor) as open_socket:
            await Screen(open_socket).ended()

    asyncio.run(run())
    told = visitor.client.get("/failed")
    assert told.status_code == 200
    assert all(text in told.text for text in ("WEB243", "STO102", "Open it again", 'href="/"'))
    said = running.said.read_text()
    assert "a dashboard ended with exit code" in said
    assert "9999 of later" in said
    for text in (told.text, said):
        assert not any(
            secret in text for secret in ("Traceback", str(tmp_path / "mapper.key"), PASSWORD, key)
        )
    # Of another login it is not told.
    with closing(sqlite3.connect(tmp_path / "mapper.db")) as raw, raw:
        raw.execute("delete from migration where name = ?", ("9999 of later",))
    assert logged_in(running, key).client.get("/failed").status_code == 404

    async def again():
        async with ClientSession() as session, websocket(session, visitor) as open_socket:
            screen = Screen(open_socket)
            await screen.until("F2026-1")
            assert visitor.client.get("/failed").status_code == 404
            await screen.press("ctrl+q")
            await screen.ended()

    asyncio.run(again())
    assert visitor.client.get("/failed").status_code == 404


def test_dashboards_end_when_their_server_was_killed(server):
    running, key = server
    visitor = logged_in(running, key)
    ended = []

    async def run():
        async with ClientSession() as session, websocket(session, visitor) as open_socket:
            await Screen(open_socket).until("F2026-1")
            # One that draws would notice by itself.
            with suppress(TimeoutError):
                while True:
                    await open_socket.receive(timeout=1)
            ended.extend(running.dashboards())
            assert len(ended) == 1
            running.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(until, lambda: not any(map(is_alive, ended)))

    asyncio.run(run())


def test_a_visitor_who_reads_nothing_keeps_no_server_from_stopping(server):
    running, key = server
    visitor = logged_in(running, key)

    async def run():
        connector = TCPConnector(socket_factory=small_socket)
        async with ClientSession(connector=connector) as session, websocket(session, visitor) as open_socket:
            await Screen(open_socket).until("F2026-1")
            # More than pipes and sockets hold: a screen anew for each.
            for number in range(40):
                await open_socket.send_json(["resize", {"width": 350 + number % 2, "height": 140}])
                await asyncio.sleep(0.05)
            running.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(running.process.wait, 30)

    asyncio.run(run())
    assert running.process.returncode == 0


def test_a_browser_that_leaves_ends_its_dashboard_in_peace_and_makes_room_when_it_ended(server):
    running, key = server
    visitor = logged_in(running, key)

    async def run():
        async with ClientSession() as session:
            sockets = [await websocket(session, visitor) for _ in range(5)]
            with pytest.raises(WSServerHandshakeError) as refused:
                await websocket(session, visitor)
            assert refused.value.status == 429
            screen = Screen(sockets[0])
            await screen.until("F2026-1")
            # Longer than any of ours: the connection ends, and with it the app.
            await sockets[0].send_str("x" * 300_000)
            await screen.ended()
            for one in sockets[1:]:
                await one.close()
            await asyncio.to_thread(until, lambda: not running.dashboards())
            async with websocket(session, visitor) as open_socket:
                await Screen(open_socket).until("F2026-1")
                message = await open_socket.receive()
                assert message.type in {WSMsgType.BINARY, WSMsgType.TEXT}

    asyncio.run(run())
    assert "did not end by itself" not in running.said.read_text()
