"""The README cannot rot: every command stands in it, and every command line in it runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mapper.cli import tenants
from mapper.cli.program import COMMANDS
from mapper.processing import engine  # noqa: F401 (imported here, so that its import is not timed below)

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVED = {"run", "sandbox", "tui"}


def command_lines() -> list[list[str]]:
    """The `mapper …` lines of the README's code blocks, in order, split as a shell does."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in blocks.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "mapper"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name):
    assert f"mapper {name}" in README or f"./dev {name}" in README


@pytest.mark.parametrize("name", tenants.tenant.commands)
def test_every_tenant_command_is_in_the_readme(name):
    assert f"mapper tenant {name}" in README


def test_every_folder_and_file_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_line_in_the_readme_runs(mapper, sandbox, tmp_path, monkeypatch):
    """In the order of the README, with the sandbox in place of the services."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ccv.secret").write_text(sandbox.ccv_secret)
    (tmp_path / "wefact.key").write_text(sandbox.wefact_key)
    sold = [sandbox.sell("nl_ideal")[0] for _ in range(2)]
    (tmp_path / "order.json").write_text(json.dumps(sold[0], default=float))
    given = {
        "https://www.voorbeeldwinkel.nl": sandbox.ccv,
        "3f9c2b": sandbox.ccv_public,
        "order-906": f"order-{sold[0]['id']}",
        "order-907": f"order-{sold[1]['id']}",
    }
    for line in command_lines():
        words = [given.get(word, word) for word in line]
        if words[0] in SERVED:
            continue
        target = words[words.index(">") + 1] if ">" in words else None
        words = words[: words.index(">")] if target else words
        if words[:2] == ["tenant", "add"]:
            words += ["--wefact-url", sandbox.wefact, "--vies-url", sandbox.vies]
        if words[0] == "ignore":
            assert mapper("process", words[1]).code == 0
        ran = mapper(*words)
        assert ran.code == 0, f"mapper {' '.join(line)}: {ran.err}"
        if target:
            (tmp_path / target).write_text(ran.out)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "sign"), [("sandbox", "stdout"), ("run", "stderr")])
def test_what_serves_until_it_is_stopped_ends_well(mapper, command, sign):
    assert mapper("init").code == 0
    options = ["--port", "0"] if command == "run" else []
    served = subprocess.Popen(
        [sys.executable, "-m", "mapper", command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with served:
        first = getattr(served, sign).readline()
        served.send_signal(signal.SIGTERM)
        _, said = served.communicate(timeout=20)
    assert "http://127.0.0.1:" in first, said
    assert served.returncode == 0
    assert "Traceback" not in said
