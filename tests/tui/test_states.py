"""Every tab while it is read, when it cannot be read, and Configuration and Profile in each size and language."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from mapper.store import schema
from tests.tui.kit import app_of, drive, settle, text_of
from tui.configuration.tab import SECTIONS
from tui.memory import Memory
from tui.records import Records

NARROW, WIDE = (80, 24), (160, 50)
KEY = "AAAAA-BBBBB-CCCCC-DDDDD"


def test_T6_a_tab_says_that_it_is_being_read(filled, same_screen):
    gate = threading.Event()
    memory = Memory(None)
    memory.put("tab", "profile")

    async def act(app, pilot):
        # All that is read goes through the threads: the only one there is waits.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        held = asyncio.create_task(asyncio.to_thread(gate.wait))
        for number, name in enumerate(("report", "errors", "open", "configuration"), start=1):
            await pilot.press(str(number))
            await pilot.pause()
            same_screen(app, f"{name}-loading")
        gate.set()
        await held
        await settle(app, pilot)
        assert "Reading…" not in text_of(app)

    drive(app_of(filled, memory=memory), act, NARROW)


def test_T6_a_database_that_cannot_be_read_is_told_with_what_to_do(changing):
    async def act(app, pilot):
        changing.engine.dispose()
        for end in ("", "-wal", "-shm"):
            changing.path.with_name(changing.path.name + end).write_bytes(b"no database" * 1000)
        await pilot.press("f5")
        await settle(app, pilot)
        assert "STO101" in text_of(app)
        for number in range(2, 6):
            for toast in list(app._notifications):
                app._unnotify(toast)
            await pilot.press(str(number))
            await settle(app, pilot)
            shown = text_of(app)
            assert "STO101" in shown
            assert "→ Check that it exists" in shown

    drive(app_of(changing), act)


@pytest.mark.parametrize(("language", "sizes"), [("en", (NARROW, WIDE)), ("nl", (NARROW,))])
def test_T5_every_section_of_configuration_and_profile_in_each_size(changing, same_screen, language, sizes):
    with changing.begin() as conn:
        conn.execute(update(schema.licence).values(key=KEY))

    async def look(app, pilot, name, *, looks=False):
        for width, height in sizes:
            await pilot.resize_terminal(width, height)
            for toast in list(app._notifications):
                app._unnotify(toast)
            await settle(app, pilot)
            same_screen(app, f"{name}-{width}-{language}", looks=looks and (width, language) == (160, "en"))

    async def act(app, pilot):
        await pilot.press("4")
        await settle(app, pilot)
        # What a service answers is an error: no keys are kept.
        for name in SECTIONS:
            app.current.query_one("#sections", Records).go_to(name)
            await settle(app, pilot)
            app.current.part.focus()
            await look(app, pilot, name, looks=name == "vat")
        await pilot.press("5")
        await look(app, pilot, "profile")

    # The database's address is shown to support alone, and is another in every run.
    drive(app_of(changing, language=language, is_support=False), act)
