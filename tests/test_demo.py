"""The demo is the first thing anyone sees: it must work, add up, and leave nothing behind."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from mapper.demo import SALES


@pytest.mark.slow
def test_B3_B4_every_order_of_the_demo_becomes_one_invoice_and_it_adds_up(mapper, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ran = mapper("demo", "--seed", "7")
    assert ran.code == 0, ran.err
    done = [sale for sale in SALES if sale.ends == "done"]
    assert len(re.findall(r"^2026-\d+ .*\[concept\]\d{4} ", ran.out, re.MULTILINE)) == len(done)
    assert re.search(
        rf"^{len(done)} orders of € ([\d.]+) = {len(done)} invoices of € \1\.$", ran.out, re.MULTILINE
    )
    assert re.findall(r"^ +(K\d): ", ran.out, re.MULTILINE) == ["K2", "K7", "K8"]
    assert re.search(r"rules/ccv_order\.yaml:\d+:\d+", ran.out)
    assert [path for path in tmp_path.iterdir() if path.name.startswith("mapper-demo-")] == []


@pytest.mark.slow
def test_a_demo_that_is_kept_can_be_looked_at(mapper, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ran = mapper("demo", "--keep")
    assert ran.code == 0, ran.err
    home = Path(re.search(r"--home (\S+)", ran.out)[1])
    assert len(mapper("report", "--json", "--home", home).records) == 10
    assert len(mapper("errors", "--json", "--home", home).records) == 3
