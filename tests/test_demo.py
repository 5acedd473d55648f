"""The demo is the first thing anyone sees: it must work, add up, and leave nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from children import command, forked

from mapper.demo import SALES


def demo(tmp_path: Path, *arguments: str) -> str:
    """Run it as a person does: in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "mapper", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "TMPDIR": str(tmp_path), "MAPPER_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.mark.slow
def test_B3_B4_every_order_of_the_demo_becomes_one_invoice_and_it_adds_up(tmp_path):
    told = demo(tmp_path, "--seed", "7")
    done = len([sale for sale in SALES if sale.ends == "done"])
    assert len(re.findall(r"^2026-\d+ .*\[concept\]\d{4} ", told, re.MULTILINE)) == done
    assert re.search(rf"^{done} orders of € ([\d.]+) = {done} invoices of € \1\.$", told, re.MULTILINE)
    assert re.findall(r"^ +(K\d): ", told, re.MULTILINE) == ["K2", "K7", "K8"]
    assert re.search(r"rules/ccv_order\.yaml:\d+:\d+", told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_demo_that_is_kept_can_be_looked_at(mapper, tmp_path):
    ran = forked(command, ["demo", "--keep"], {"TMPDIR": str(tmp_path)}, tmp_path / "told")
    ran.join(90)
    home = re.search(r"--home (\S+)", (tmp_path / "told").read_text())[1]
    assert Path(home).parent == tmp_path
    assert len(mapper("report", "--json", "--home", home).records) == 10
    assert len(mapper("errors", "--json", "--home", home).records) == 3
