"""The pages for merchants, support and operators: each begins with a task, and every command in them runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mapper.appstore.texts import TEXTS

ROOT = Path(__file__).parents[1]
PAGES = ("merchant", "support", "operator")


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def commands(name: str) -> list[list[str]]:
    """The `mapper …` lines of a page's code blocks, in order, split as a shell does."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", page(name), re.DOTALL)).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in blocks.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "mapper"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_a_task(name: str) -> None:
    title, task, *_ = page(name).split("\n\n")
    assert title.startswith("# For ")
    assert re.match(r"## [A-Z][a-z]+ ", task), task


@pytest.mark.parametrize("name", PAGES)
def test_every_page_it_links_to_exists(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page(name))
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_what_the_merchant_is_to_press_is_on_the_pages() -> None:
    said = {english for english, _ in TEXTS.values()}
    assert {"Propose again", "Start the integration"} <= said


@pytest.mark.slow
def test_every_command_of_the_support_page_runs(shop, sandbox) -> None:
    """A real daemon stops at one order first, so that there is something to explain."""
    (sold,) = sandbox.sell("nl_ideal", currency="USD")
    document = f"order-{sold['id']}"
    daemon = [sys.executable, "-m", "mapper", "run", "--port", "0"]
    with subprocess.Popen(daemon, stderr=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if " listening on " in line)
        assert shop("process", document).code == 0
        deadline = time.monotonic() + 60
        while not shop("errors", "--json").records:
            assert time.monotonic() < deadline, shop("open").out
            time.sleep(0.1)
        process.terminate()
        process.communicate(timeout=30)
    assert shop("ticket", "report", document).code == 0
    run(shop, "support", {"order-906": document})


def test_every_command_of_the_operator_page_runs(mapper, sandbox, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ccv.secret").write_text(sandbox.ccv_secret)
    (tmp_path / "wefact.key").write_text(sandbox.wefact_key)
    given = {"https://www.voorbeeldwinkel.nl": sandbox.ccv, "3f9c2b": sandbox.ccv_public}
    run(mapper, "operator", given, extra=("--wefact-url", sandbox.wefact, "--vies-url", sandbox.vies))


def test_four_commands_lead_from_a_fresh_machine_to_the_first_real_invoice() -> None:
    first = page("operator").partition("## Open the App Store")[0]
    named = re.findall(r"^mapper (\w+)", first, re.MULTILINE)
    assert named == ["init", "tenant", "doctor", "run"]


def run(mapper, name: str, given: dict[str, str], *, extra: tuple[str, ...] = ()) -> None:
    for line in commands(name):
        words = [given.get(word, word) for word in line]
        if words[0] == "run":
            continue
        if words[:2] == ["tenant", "add"]:
            words += extra
        ran = mapper(*words)
        # A dry run of a document that stopped ends with 1, as it says why it would stop again.
        assert ran.code == (line[0] == "process" and "--dry-run" in line), (
            f"mapper {' '.join(line)}: {ran.err}"
        )
