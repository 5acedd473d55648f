"""Rules have versions: published, adopted by a running daemon, refused when they do not load, and remembered."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from mapper.errors import RuleError
from mapper.mapping import FILES, hash_of, load_rulebooks, rulebooks_from, shipped_rules, texts_of
from mapper.processing.adoption import RulesInUse, keep_adopting
from mapper.store import heartbeats, rulebooks
from mapper.store.database import open_database
from tests.databases import NOW

pytest_plugins = ["tests.databases"]

DUTCH = "Verzendkosten"


@pytest.fixture(scope="module")
def shipped():
    return load_rulebooks()


@pytest.fixture
def folder(tmp_path):
    """A folder of rules to work in, without cases."""
    made = tmp_path / "rules"
    made.mkdir()
    for name in FILES:
        shutil.copy(shipped_rules() / name, made)
    return made


def dutch(texts):
    """The same rules with another text on shipping lines."""
    changed = texts["ccv_order.yaml"].replace("Shipping costs", DUTCH)
    assert changed != texts["ccv_order.yaml"]
    return {**texts, "ccv_order.yaml": changed}


def broken(texts):
    """Rules that only a later version of the program could load."""
    return {**texts, "wefact.yaml": texts["wefact.yaml"].replace("integer(_status)", "whole(_status)")}


def write(folder, texts):
    for name, text in texts.items():
        (folder / name).write_text(text)


def publish(conn, texts, message="test"):
    rulebooks.publish(conn, texts, hash_of(texts), who="test", message=message, now=NOW)


# identity


def test_rules_are_known_by_their_texts_wherever_they_come_from(shipped, folder):
    assert rulebooks_from(shipped.texts).hash == load_rulebooks(folder).hash == shipped.hash
    assert hash_of(texts_of(folder)) == shipped.hash
    assert hash_of(dutch(shipped.texts)) != shipped.hash


def test_rules_that_lack_a_file_or_hold_an_unknown_one_do_not_load(shipped):
    texts = {name: text for name, text in shipped.texts.items() if name != "wefact.yaml"}
    with pytest.raises(RuleError) as caught:
        rulebooks_from({**texts, "peppol.yaml": "rulebook: peppol"})
    places = [(one.code, one.place.file) for one in caught.value.diagnostics]
    assert places[:2] == [("RULE101", "rules/wefact.yaml"), ("RULE101", "rules/peppol.yaml")]


# publish, history, diff, rollback


def test_published_rules_have_a_history_that_can_be_compared_and_taken_back(mapper, folder, shipped):
    mapper("init")
    assert "shipped and shipped are the same." in mapper("rules", "diff").err
    first = mapper("publish", "--rules", folder, "--message", "as shipped", "--json")
    assert first.records == [{"rules": shipped.hash, "cases": 0, "overlays": 0, "published": True}]
    assert "no cases" in first.err
    write(folder, dutch(shipped.texts))
    changed = mapper("rules", "diff", "--rules", folder)
    assert (
        "-      description: {text: Shipping costs}\n+      description: {text: Verzendkosten}" in changed.out
    )
    assert mapper("publish", "--rules", folder, "-m", "Dutch shipping").code == 0
    assert mapper("rules", "diff", "--rules", folder).out == ""
    assert "are active already" in mapper("publish", "--rules", folder, "-m", "again").err.replace(
        "were", "are"
    )
    assert mapper("rules", "rollback", shipped.hash[:10], "-m", "customers wondered").code == 0
    history = mapper("rules", "history", "--json").records
    assert [(one["message"], one["active"]) for one in history] == [
        ("customers wondered", True),
        ("Dutch shipping", False),
        ("as shipped", False),
    ]
    assert history[0]["rules"] == history[2]["rules"] == shipped.hash
    (told,) = mapper("rules", "diff", history[2]["rules"][:8], history[1]["rules"][:8], "--json").records
    assert (told["file"], "+      description: {text: Verzendkosten}" in told["diff"]) == (
        "ccv_order.yaml",
        True,
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("rules", "rollback", "0000", "-m", "x"), "STO141"),
        (("rules", "rollback", "", "-m", "x"), "STO141"),
        (("rules", "rollback", "%", "-m", "x"), "STO141"),
        (("publish", "-m", " "), "PUB101"),
        (("publish",), "USE100"),
        (("rules", "diff", "a", "b", "c"), "USE100"),
    ],
)
def test_what_cannot_be_published_or_rolled_back_to_is_said(mapper, shipped, arguments, code):
    mapper("init")
    ran = mapper(*arguments)
    assert (ran.code, ran.err.split(":")[0]) == (2, code)
    assert mapper("rules", "history", "--json").records == []


def test_rules_that_do_not_load_are_not_published(mapper, folder, shipped):
    mapper("init")
    write(folder, broken(shipped.texts))
    ran = mapper("publish", "--rules", folder, "-m", "typo")
    assert ran.code == 2
    assert "There is no function 'whole'" in ran.err
    assert mapper("rules", "history", "--json").records == []


def test_rules_whose_cases_fail_are_not_published(mapper, folder, shipped):
    mapper("init")
    (folder / "cases").mkdir()
    case = "- case: S1, shipping is called so\n  fixture: nl-ideal\n  expect: {lines.3.description: Shipping costs}\n"
    (folder / "cases" / "orders.yaml").write_text(case)
    payloads = shipped_rules() / "cases" / "payloads"
    fixture = next(path for path in sorted(payloads.glob("*.json")) if b"total_shipping" in path.read_bytes())
    (folder / "cases" / "payloads").mkdir()
    shutil.copy(fixture, folder / "cases" / "payloads" / "nl-ideal.json")
    write(folder, dutch(shipped.texts))
    ran = mapper("publish", "--rules", folder, "-m", "Dutch shipping")
    assert (ran.code, "PUB102" in ran.err) == (1, True)
    assert "S1, shipping is called so" in ran.err
    # That of the shipped rules would tell that all is well.
    assert f"Run `mapper test --rules {folder}` to see why." in ran.err
    assert mapper("rules", "history", "--json").records == []


def test_rules_that_a_tenant_s_overlay_does_not_fit_are_not_published(shop, folder, shipped, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("document:\n  title: {text: x}\n")
    texts = {**shipped.texts}
    texts["ccv_order.yaml"] = texts["ccv_order.yaml"].replace(
        "document:\n", "document:\n  title: {text: y}\n", 1
    )
    write(folder, texts)
    assert shop("publish", "--rules", folder, "-m", "a title").code == 0
    assert shop("tenant", "overlay", "winkel", overlay).code == 0
    write(folder, shipped.texts)
    ran = shop("publish", "--rules", folder, "-m", "no title")
    assert ran.code == 2
    assert "overlay of winkel:2:3: RULE301" in ran.err


# adoption


def test_a_daemon_looks_cheaply_and_adopts_once(sqlite, shipped):
    rules = RulesInUse(shipped)
    assert rules.look(sqlite, "one", now=NOW) == ""
    with sqlite.begin() as conn:
        publish(conn, dutch(shipped.texts), "Dutch shipping")
    assert (
        rules.look(sqlite, "one", now=NOW)
        == f"rules {hash_of(dutch(shipped.texts))[:12]} in use: Dutch shipping"
    )
    assert rules.look(sqlite, "one", now=NOW) == ""
    assert rules.present.hash == hash_of(dutch(shipped.texts))


def test_a_daemon_that_starts_with_bad_rules_published_takes_the_last_that_load(database, shipped):
    with database.begin() as conn:
        heartbeats.beat(conn, "one", host="here", pid=1, now=NOW)
        publish(conn, dutch(shipped.texts))
        publish(conn, broken(shipped.texts))
    rules = RulesInUse(shipped)
    said = rules.look(database, "one", now=NOW)
    assert said.startswith(f"rules {hash_of(broken(shipped.texts))[:12]} refused")
    assert "rules/wefact.yaml:" in said
    with database.read() as conn:
        (adoption,) = rulebooks.adoptions(conn, now=NOW, ttl=NOW - NOW)
    assert adoption.hash == rules.present.hash == hash_of(dutch(shipped.texts))
    assert adoption.refused == hash_of(broken(shipped.texts))


def test_a_database_out_of_reach_is_told_once_and_not_every_second(tmp_path, shipped, caplog):
    with open_database(tmp_path / "mapper.db") as database:
        database.close()
        (tmp_path / "mapper.db").write_bytes(b"somebody put something else here" * 200)

        async def look_on() -> None:
            looking = keep_adopting(
                RulesInUse(shipped), database, "one", now=lambda: NOW, say=print, seconds=0.01
            )
            await asyncio.wait_for(looking, 0.3)

        with pytest.raises(TimeoutError):
            asyncio.run(look_on())
    assert [one.message for one in caplog.records] == ["rules: STO101"]


@contextmanager
def served(tmp_path):
    """A real daemon in a process of its own; gives its address and what it says."""
    command = [sys.executable, "-m", "mapper", "run", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if " listening on " in line:
                break
        reading = threading.Thread(target=lambda: said.extend(process.stderr))
        reading.start()
        try:
            yield said[-1].split()[-1], said
        finally:
            process.terminate()
            process.wait(20)
            reading.join(20)


def until(address, true, seconds=5.0):
    """Wait until what /healthz says of the rules is right; return how long it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        told = httpx.get(f"{address}/healthz", trust_env=False).json()["rules"]
        if true(told):
            return time.monotonic() - begun
        time.sleep(0.05)
    raise AssertionError(f"in vain: {told}")


def processed(shop, sandbox, tmp_path):
    """Sell an order and wait until the daemon made its invoice; return the document and its lines in WeFact."""
    (order,) = sandbox.sell("nl_ideal")
    document = f"order-{order['id']}"
    assert shop("process", document).code == 0
    deadline = time.monotonic() + 15
    while not any(record["id"] == document for record in shop("report", "--json").records):
        assert time.monotonic() < deadline, shop("errors").out
        time.sleep(0.05)
    made = max(sandbox.objects("wefact")["invoices"], key=lambda one: int(one["Identifier"]))
    return document, [line["Description"] for line in made["InvoiceLines"]]


@pytest.mark.slow
def test_a_running_daemon_adopts_within_five_seconds_and_refuses_what_does_not_load(
    shop, sandbox, tmp_path, folder, shipped
):
    new, bad = hash_of(dutch(shipped.texts)), hash_of(broken(shipped.texts))
    with served(tmp_path) as (address, said):
        old, lines = processed(shop, sandbox, tmp_path)
        assert "Shipping costs" in lines
        on_the_day = shop("explain", "--document", old, "--json")
        one_field = shop("explain", "--document", old, "lines.2.total_incl", "invoice.Term")
        assert "others" not in on_the_day.err

        write(folder, dutch(shipped.texts))
        assert shop("publish", "--rules", folder, "-m", "Dutch shipping").code == 0
        until(address, lambda rules: rules["in_use"] == [new])
        _, lines = processed(shop, sandbox, tmp_path)
        assert DUTCH in lines
        second = max(record["id"] for record in shop("report", "--json").records)

        later = shop("explain", "--document", old, "--json")
        assert later.out == on_the_day.out
        assert shop("explain", "--document", old, "lines.2.total_incl", "invoice.Term").out == one_field.out
        assert f"The rules of today are others: {new[:12]}" in later.err
        assert "calculates otherwise" not in later.err

        with open_database(tmp_path / "home" / "mapper.db") as database, database.begin() as conn:
            publish(conn, broken(shipped.texts))
        until(address, lambda rules: rules["refused"] == [bad] and rules["in_use"] == [new])
        assert f"{bad[:12]} refused, {new[:12]} stay in use" in shop("doctor").out
        _, lines = processed(shop, sandbox, tmp_path)
        assert DUTCH in lines

        assert shop("rules", "rollback", shipped.hash[:12], "-m", "back").code == 0
        until(address, lambda rules: rules["in_use"] == [shipped.hash] and not rules["refused"])
        assert shop("explain", "--document", old, "--json").out == on_the_day.out
        then = shop("explain", "--document", second, "lines.3.description")
        assert then.out.startswith(f"lines.3.description = {DUTCH}\n")
        assert f"with rules {new[:12]}" in then.err
        assert f"The rules of today are others: {shipped.hash[:12]}" in then.err
    assert any(line.endswith(f"rules {new[:12]} in use: Dutch shipping\n") for line in said)
    assert any(
        (f"rules {bad[:12]} refused, {new[:12]} stay in use: rules/wefact.yaml:" in line) for line in said
    )


# what a document was mapped with


def test_a_document_that_was_never_mapped_or_is_not_there_is_said(shop):
    assert "STO111" in shop("explain", "--document", "order-1").err
    assert "USE128" in shop("explain", "--document", "order-1", "--rules", "x").err
