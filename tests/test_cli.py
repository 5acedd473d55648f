"""The command line: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mapper import settings
from mapper.cli import fault, program
from mapper.cli.options import print_json
from mapper.cli.program import COMMANDS
from mapper.store import documents, journal, tenants
from mapper.store.database import open_database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = "Eve \x1b[2J\u202e[bold]x[/] \x9b31m"


def database(tmp_path):
    return open_database(tmp_path / "home" / "mapper.db")


def noted(conn, shop_id, *, customer="Jan Jansen", total="10.00", day=1, state="open"):
    document = documents.note(conn, "winkel", "order", shop_id, now=NOW)
    documents.describe(
        conn,
        "winkel",
        document.id,
        number=f"2026-{shop_id}",
        dated=datetime(2026, 11, day, 10, tzinfo=UTC),
        customer=customer,
        total_incl=Decimal(total),
        currency="EUR",
    )
    if state == "open":
        return
    claimed = documents.claim(conn, "winkel", document.id, revision=1, worker="test", now=NOW)
    assert claimed is not None
    if state == "done":
        documents.finish(conn, "winkel", document.id, identifier="7", code="F2026-0001", now=NOW)
    if state == "error":
        facts = {"field": "AmountIncl", "answered": "1.00", "expected": "2.00"}
        documents.fail(conn, "winkel", document.id, cause="W19", facts=facts, now=NOW)


# Help and use


def test_help_shows_every_command(mapper):
    shown = mapper("--help").out.partition("Commands:")[2].splitlines()
    listed = {line.split()[0]: line.split(maxsplit=1)[1] for line in shown if line.strip()}
    assert listed == {name: said for name, (_, _, said) in COMMANDS.items()}
    assert all(len(said) <= 60 and said.endswith(".") for said in listed.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(mapper, name):
    ran = mapper(name, "-h")
    assert ran.code == 0
    command = program.program.get_command(program.program.make_context("mapper", ["init"]), name)
    assert command is not None
    assert command.help
    assert all(option.help for option in command.params if option.param_type_name == "option"), name


@pytest.mark.parametrize("name", ["add", "list", "show", "set", "example"])
def test_every_tenant_command_has_help(mapper, name, snapshot):
    ran = mapper("tenant", name, "--help")
    assert ran.code == 0
    assert ran.out == snapshot


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tenat"], "There is no command 'tenat'. Did you mean 'tenant'?"),
        (["report", "--limt", "3"], "No such option '--limt'"),
        (["ignore", "order-1"], "Missing option '--reason'"),
        (["report", "--from", "gisteren"], "'gisteren' does not match the format"),
    ],
)
def test_wrong_use_is_told_on_stderr_with_exit_code_2(mapper, arguments, said):
    ran = mapper(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("USE100: ")
    assert said in ran.err
    assert "Run `mapper" in ran.err


def test_commands_talk_dutch_when_asked(shop, sandbox, tmp_path):
    """Every word of English that is left in what a merchant reads."""
    (order,) = sandbox.sell("nl_ideal")
    said = ""
    for arguments in (
        ["init"],
        ["doctor"],
        ["process", f"order-{order['id']}", "--dry-run"],
        ["process", f"order-{order['id']}"],
        ["pause", "--reason", "verhuizing"],
        ["open"],
        ["errors"],
        ["resume"],
        ["tenant", "set", "winkel", "invoice.term=30"],
        ["tenant", "set", "winkel", "--public", sandbox.ccv_public, "--no-require-signature"],
        ["check"],
        ["backup", tmp_path / "backup.db"],
        ["database", "copy", tmp_path / "backup.db", tmp_path / "moved.db"],
        ["database", "restored", "--from", "2026-11-24"],
        ["doctor", "--probe", "--yes"],
    ):
        ran = shop("--language", "nl", *arguments)
        said += ran.err + ("" if ran.out.startswith("{") else ran.out)
    english = re.findall(
        r"\b(the|is paused|are|not|would|connected|made|works|with|found|and|every|each|your|queued)\b", said
    )
    assert english == [], said


def test_errors_speak_dutch_when_asked(mapper):
    assert "Draai eerst `mapper init`" in mapper("--language", "nl", "report").err


def test_before_init_every_command_that_needs_the_database_says_so(mapper, tmp_path):
    for arguments in (["report"], ["run"], ["doctor"], ["tenant", "list"], ["pause", "--reason", "x"]):
        ran = mapper(*arguments)
        assert ran.code == 2
        assert ran.err.startswith("USE101: ")
    assert not (tmp_path / "home").exists()


# State folder


def test_init_makes_everything_readable_by_its_owner_only(mapper, tmp_path):
    ran = mapper("init", "--json")
    home = tmp_path / "home"
    assert ran.records == [
        {
            "home": str(home),
            "key_file": str(home / "mapper.key"),
            "database": f"sqlite:///{home / 'mapper.db'}",
        }
    ]
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "mapper.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "mapper.db").stat().st_mode) == 0o600


def test_init_again_keeps_the_key(mapper, tmp_path):
    mapper("init")
    key = (tmp_path / "home" / "mapper.key").read_text()
    assert mapper("init").code == 0
    assert (tmp_path / "home" / "mapper.key").read_text() == key


def test_a_key_that_others_can_read_is_refused(mapper, tmp_path):
    mapper("init")
    (tmp_path / "home" / "mapper.key").chmod(0o644)
    ran = mapper("init")
    assert ran.code == 2
    assert ran.err.startswith("SEC106: ")


def test_a_disk_that_is_full_leaves_no_half_key_behind(mapper, tmp_path):
    command = f"ulimit -f 0; {sys.executable} -m mapper --home {tmp_path / 'home'} init"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.returncode == 5
    assert done.stderr.startswith(b"STO150: ")
    assert mapper("init").code == 0


# Webshops


def test_a_webshop_is_added_after_both_connections_were_tried(shop, sandbox, tmp_path):
    assert shop("tenant", "list", "--json").records == [
        {
            "tenant": "winkel",
            "name": "Voorbeeldwinkel",
            "home": "NL",
            "licence": "trial",
            "go_live": "2019-12-31T23:00+00:00",
            "done": 0,
            "errors": 0,
            "open": 0,
            "paused": "",
        }
    ]
    seen = [request["path"] for request in sandbox.admin("ccv", "GET", "requests")["requests"]]
    assert any("/webshops/" in path for path in seen)


def test_what_is_no_key_is_shown_so_that_people_see_which_shop_it_is(shop, sandbox):
    keys = shop("tenant", "show", "winkel", "--json").records[0]["keys"]
    assert (keys["ccv.api_root"], keys["wefact.url"]) == (sandbox.ccv, sandbox.wefact)
    assert {keys["ccv.secret"], keys["wefact.key"]} == {"***"}


def test_a_setting_without_effect_is_pointed_out(shop):
    ran = shop("tenant", "set", "winkel", "statuses=[5]")
    assert ran.code == 0
    assert "SET114: 'statuses' has no effect: it only counts when 'mode' is order_statuses." in ran.err


def connected(sandbox, tmp_path):
    """The options of `tenant add` for the sandbox."""
    where = ("--shop", sandbox.ccv, "--public", sandbox.ccv_public, "--wefact-url", sandbox.wefact)
    return (*where, "--secret-file", tmp_path / "secret", "--wefact-key-file", tmp_path / "wefact")


def test_a_shop_belongs_to_one_webshop_only(shop, sandbox, tmp_path):
    ran = shop("tenant", "add", "ander", *connected(sandbox, tmp_path))
    assert ran.code == 2
    assert ran.err.startswith(f"USE112: The shop {sandbox.ccv} is already that of winkel")
    assert [one["tenant"] for one in shop("tenant", "list", "--json").records] == ["winkel"]


@pytest.mark.parametrize(
    "url", ["foo", "https://mapper.example/hook?x=1", "https://mapper.example/#x", "https://"]
)
def test_an_address_that_webhooks_cannot_reach_is_refused_before_anything_is_kept(
    mapper, sandbox, tmp_path, url
):
    mapper("init")
    for name, key in (("secret", sandbox.ccv_secret), ("wefact", sandbox.wefact_key)):
        (tmp_path / name).write_text(key)
    ran = mapper("tenant", "add", "winkel", *connected(sandbox, tmp_path), "--webhook-url", url)
    assert (ran.code, ran.err.partition(":")[0]) == (2, "SET108")
    assert mapper("tenant", "list", "--json").records == []


def test_a_webshop_whose_webhooks_are_refused_is_added_and_says_what_to_do(mapper, sandbox, tmp_path):
    mapper("init")
    for name, key in (("secret", sandbox.ccv_secret), ("wefact", sandbox.wefact_key)):
        (tmp_path / name).write_text(key)
    sandbox.fault("ccv", kind="status", status=400, match={"path": "/webhooks/", "method": "POST"}, times=9)
    url = "https://mapper.example"
    ran = mapper("tenant", "add", "winkel", *connected(sandbox, tmp_path), "--webhook-url", url)
    assert ran.code == 2
    assert "CCV302: " in ran.err
    assert "USE113: Webshop winkel is added, but its webhooks could not be registered." in ran.err
    assert len(mapper("tenant", "list", "--json").records) == 1


def test_a_lost_sealing_key_is_no_end_since_all_keys_can_be_given_anew(shop, sandbox, tmp_path):
    (tmp_path / "home" / "mapper.key").unlink()
    shop("init")
    bad = [line for line in shop("doctor").out.splitlines() if line.startswith("✗ BAD ")]
    assert len(bad) == 1
    assert "SEC105" in bad[0]
    keys = (*connected(sandbox, tmp_path), "--vies-url", sandbox.vies)
    assert shop("tenant", "set", "winkel", *keys).code == 0
    assert shop("doctor").code == 0


def test_the_public_key_and_the_address_of_a_shop_can_be_changed(shop, sandbox):
    ran = shop("tenant", "set", "winkel", "--public", "wrong^key")
    assert (ran.code, ran.err.partition(":")[0]) == (4, "CCV201")
    assert shop("tenant", "set", "winkel", "--public", sandbox.ccv_public, "--shop", sandbox.ccv).code == 0


def test_a_webshop_can_insist_on_signed_webhooks(shop, tmp_path):
    for option, required in (("--require-signature", True), ("--no-require-signature", False)):
        assert shop("tenant", "set", "winkel", option).code == 0
        with database(tmp_path) as opened, opened.read() as conn:
            assert tenants.get(conn, "winkel").signature_required is required


def test_keys_are_never_printed_and_never_stored_readable(shop, sandbox, tmp_path):
    printed = "".join(
        shop(*arguments).out + shop(*arguments).err
        for arguments in (["tenant", "show", "winkel"], ["tenant", "show", "winkel", "--json"], ["doctor"])
    )
    stored = b"".join(path.read_bytes() for path in (tmp_path / "home").glob("mapper.db*"))
    for key in (sandbox.ccv_secret, sandbox.wefact_key):
        assert key not in printed
        assert key.encode() not in stored


def test_a_refused_key_adds_nothing_and_is_not_repeated(mapper, sandbox, tmp_path):
    mapper("init")
    wrong = tmp_path / "wrong"
    wrong.write_text("this-is-not-the-key-0123456789")
    ran = mapper(
        *("tenant", "add", "winkel", "--shop", sandbox.ccv, "--public", sandbox.ccv_public),
        *("--secret-file", wrong, "--wefact-key-file", wrong, "--wefact-url", sandbox.wefact),
    )
    assert ran.code == 4
    assert re.match(r"CCV20\d: ", ran.err)
    assert "this-is-not-the-key" not in ran.err
    assert mapper("tenant", "list", "--json").records == []


def test_a_key_on_the_command_line_is_warned_about(mapper, sandbox):
    mapper("init")
    ran = mapper(
        *("tenant", "add", "winkel", "--shop", sandbox.ccv, "--public", sandbox.ccv_public),
        *("--secret", sandbox.ccv_secret, "--wefact-key", sandbox.wefact_key, "--wefact-url", sandbox.wefact),
    )
    assert ran.code == 0
    assert "--secret is visible to other users of this machine" in ran.err
    assert sandbox.ccv_secret not in ran.err


def test_without_a_terminal_a_missing_key_is_not_asked_for(mapper, sandbox, monkeypatch):
    mapper("init")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        ran = mapper("tenant", "add", "x", "--shop", sandbox.ccv, "--public", sandbox.ccv_public)
    assert ran.code == 2
    assert ran.err.startswith("USE104: ")


def test_R9_a_webshop_without_go_live_date_goes_live_when_it_is_added(mapper, sandbox, monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", sandbox.ccv_secret)
    monkeypatch.setenv("WEFACT_KEY", sandbox.wefact_key)
    mapper("init")
    before = datetime.now(UTC).isoformat(timespec="minutes")
    added = mapper(
        *("tenant", "add", "winkel", "--shop", sandbox.ccv, "--public", sandbox.ccv_public),
        *("--secret-env", "SHOP_SECRET", "--wefact-key-env", "WEFACT_KEY", "--wefact-url", sandbox.wefact),
    )
    assert added.code == 0, added.err
    assert mapper("tenant", "list", "--json").records[0]["go_live"] >= before


def test_wrong_settings_are_shown_with_every_place(mapper, sandbox, tmp_path):
    mapper("init")
    file = tmp_path / "settings.yaml"
    file.write_text("home_contry: NL\ninvoice: {status: concept}\n")
    ran = mapper("tenant", "add", "winkel", "--settings", file)
    assert ran.code == 2
    assert f"{file}:1:1: SET101" in ran.err
    assert f"{file}:2:11: SET103" in ran.err
    assert "Did you mean 'home_country'?" in ran.err


def test_a_setting_is_changed_by_its_key_and_kept_in_the_history(shop):
    assert shop("tenant", "set", "winkel", "invoice.status=sent", "checks.rounding_limit=0").code == 0
    latest = shop("tenant", "show", "winkel", "--history", "--json").records[0]
    assert latest["revision"] == 2
    assert latest["changed"] == {"invoice.status": "sent", "checks.rounding_limit": "0"}


def test_the_settings_shown_can_be_given_back(shop, tmp_path):
    file = tmp_path / "shown.yaml"
    file.write_text(shop("tenant", "show", "winkel").out)
    assert shop("tenant", "set", "winkel", "--settings", file).code == 0
    assert len(shop("tenant", "show", "winkel", "--history", "--json").records) == 1


def test_R2_webhooks_are_registered_once_and_anew(shop, sandbox):
    url = "http://127.0.0.1:9"
    for _ in range(2):
        ran = shop("tenant", "set", "winkel", "--webhook-url", url)
        assert ran.code == 0, ran.err
    registered = sandbox.objects("ccv")["webhooks"]
    events = {"orders.created", "orders.updated.ispaid", "orders.updated.status", "orders.deleted"}
    assert sorted(hook["event"] for hook in registered) == sorted(events)


# Lists


def test_the_lists_show_what_is_asked_for(shop, tmp_path, snapshot):
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, 1, state="done", total="1234.5")
        noted(conn, 2, state="done", day=2, customer="Piet Pietersen")
        noted(conn, 3, state="error", day=3)
        noted(conn, 4, day=4)
    for arguments in (
        ["report"],
        ["report", "--search", "piet"],
        ["errors"],
        ["open"],
        ["report", "--to", "2026-11-01"],
    ):
        assert shop(*arguments).out == snapshot(name=" ".join(arguments))


def test_a_list_goes_on_over_every_page(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        for shop_id in range(1, 452):
            noted(conn, shop_id)
    listed = shop("open", "--json", "--limit", "450").records
    assert len({record["id"] for record in listed}) == 450


def test_a_hostile_name_cannot_command_the_terminal(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, 1, customer=HOSTILE, state="done")
    for arguments in (["report"], ["report", "--json"]):
        shown = shop(*arguments).out
        assert "Eve" in shown
        assert shown.replace("\n", "").isprintable()


def test_json_holds_every_value_whatever_its_characters(capsys):
    print_json({"name": HOSTILE, "half": "\ud800", "tag": "\U000e0041", "é": "\u00a0"})
    written = capsys.readouterr().out
    assert written.removesuffix("\n").isprintable()
    assert json.loads(written) == {"name": HOSTILE, "half": "\ud800", "tag": "\U000e0041", "é": "\u00a0"}


def test_which_webshop_is_asked_when_there_are_several(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        settings = tenants.settings(conn, "winkel")
        tenants.create(conn, "tweede", name="Tweede", settings=settings, who="test", now=NOW)
    ran = shop("report")
    assert ran.code == 2
    assert ran.err.startswith("USE103: There are several webshops: tweede, winkel.")
    assert shop("report", "--tenant", "tweede").code == 0
    assert shop("report", "--tenant", "derde").err.startswith("STO110: ")


# Operating


def test_R8_a_done_document_is_processed_again_only_on_purpose(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, 1, state="done")
    assert shop("process", "order-1").err.startswith("PRO301: ")
    assert shop("process", "order-1", "--again").err.startswith("PRO302: ")
    ran = shop("process", "order-1", "--again", "--reason", "customer asked", "--json")
    assert (ran.code, ran.records) == (0, [{"id": "order-1", "state": "queued"}])


def test_a_document_is_also_found_by_its_number(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, 8)
    assert shop("process", "2026-8", "--json").records[0]["id"] == "order-8"
    assert shop("process", "2026-9").err.startswith("USE106: ")


def test_R5_a_document_is_ignored_with_a_reason_that_is_kept(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, 1, state="error")
    assert shop("ignore", "order-1", "--reason", "booked by hand").code == 0
    ignored = shop("open", "--ignored", "--json").records[0]
    assert (ignored["state"], ignored["why"], ignored["ignored_by"]) == (
        "ignored",
        "booked by hand",
        "person",
    )
    with database(tmp_path) as opened, opened.read() as conn:
        assert journal.entries(conn, "winkel", document_id="order-1")


def test_R11_a_pause_is_visible_everywhere_until_it_ends(shop):
    assert shop("pause", "--reason", "new codes").code == 0
    assert shop("tenant", "list", "--json").records[0]["paused"] == "new codes"
    assert "every webshop is paused: new codes" in shop("doctor").out
    assert shop("resume").code == 0
    assert shop("tenant", "list", "--json").records[0]["paused"] == ""


def test_a_dry_run_shows_what_would_be_posted_and_posts_nothing(shop, sandbox):
    order = sandbox.sell("nl_ideal")[0]
    ran = shop("process", f"order-{order['id']}", "--dry-run")
    assert ran.code == 0, ran.err
    shown = ran.records[0]
    assert [request["action"] for request in shown["requests"]] == ["add", "add"]
    assert shown["document"]["number"] == order["ordernumber_full"]
    assert sandbox.objects("wefact")["invoices"] in ([], {})
    assert shop("open", "--json").records == []


def test_a_period_that_ends_before_it_begins_is_refused(shop):
    ran = shop("report", "--from", "2026-02-01", "--to", "2026-01-31")
    assert (ran.code, ran.out) == (2, "")
    assert "--to 2026-01-31 is before --from 2026-02-01" in ran.err


def test_R8_the_report_names_the_first_invoice_of_a_document_that_has_a_second(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, 1, state="done")
    assert shop("process", "order-1", "--again", "--reason", "lost in the post").code == 0
    with database(tmp_path) as opened, opened.begin() as conn:
        assert documents.claim(conn, "winkel", "order-1", revision=2, worker="test", now=NOW)
        documents.finish(conn, "winkel", "order-1", identifier="8", code="F2026-0002", now=NOW)
    (record,) = shop("report", "--json").records
    assert (record["invoice"]["identifier"], record["earlier_invoices"]) == ("8", ["7"])
    assert "made again; earlier: 7" in shop("report").out


def test_R8_a_dry_run_of_a_document_that_is_done_says_so_as_the_real_one_does(shop, sandbox, tmp_path):
    (order,) = sandbox.sell("nl_ideal")
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, order["id"], state="done")
    ran = shop("process", f"order-{order['id']}", "--dry-run")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"PRO301: Document order-{order['id']} is done: invoice 7 exists")
    ran = shop("process", f"order-{order['id']}", "--dry-run", "--again", "--reason", "lost in the post")
    assert (ran.code, ran.records[0]["would_post"]) == (0, True)


def test_K4_a_dry_run_of_an_order_whose_invoice_is_posted_would_post_nothing(shop, sandbox, tmp_path):
    (order,) = sandbox.sell("nl_ideal")
    with database(tmp_path) as opened, opened.begin() as conn:
        invoice = documents.note(conn, "winkel", "invoice", 5, order_id=order["id"], now=NOW)
        assert documents.claim(conn, "winkel", invoice.id, revision=1, worker="test", now=NOW)
        documents.finish(conn, "winkel", invoice.id, identifier="8", code="F2026-0008", now=NOW)
    ran = shop("process", f"order-{order['id']}", "--dry-run")
    assert (ran.code, ran.records[0]["would_post"]) == (1, False)
    assert f"order-{order['id']}: would not be posted: posted as F2026-0008 (K4)" in ran.err


def test_a_dry_run_tells_what_holds_a_document_in_words_with_the_remedy(shop, sandbox):
    held, zero = sandbox.sell("nl_ideal", currency="USD"), sandbox.sell("free")
    ran = shop("process", *(f"order-{order['id']}" for order in (*held, *zero)), "--dry-run")
    assert ran.code == 1
    assert [record["cause"] for record in ran.records] == ["K8", "zero total (R6)"]
    assert "would not be posted: The order is in USD" in ran.err


def test_K3_a_dry_run_knows_that_wefact_lacks_a_tax_code(shop, sandbox):
    codes = (
        'vat.rates=[{"country": "NL", "rate": 21, "revenue": {"code": "V99"}},'
        '{"country": "NL", "rate": 9, "revenue": {"code": "V98"}}]'
    )
    assert shop("tenant", "set", "winkel", codes).code == 0
    (order,) = sandbox.sell("nl_ideal")
    ran = shop("process", f"order-{order['id']}", "--dry-run")
    assert (ran.code, ran.records[0]["cause"]) == (1, "K3")
    assert "V99" in ran.err


def test_a_dry_run_goes_on_to_the_next_document(shop, sandbox, tmp_path):
    first, second = sandbox.sell("nl_ideal", count=2)
    with database(tmp_path) as opened, opened.begin() as conn:
        noted(conn, first["id"], state="done")
    ran = shop("process", f"order-{first['id']}", f"order-{second['id']}", "--dry-run")
    assert ran.code == 2
    assert [record["id"] for record in ran.records] == [f"order-{second['id']}"]


def test_a_dry_run_shows_amounts_as_map_does(shop, sandbox):
    (order,) = sandbox.sell("nl_ideal")
    document = shop("process", f"order-{order['id']}", "--dry-run").records[0]["document"]
    assert re.fullmatch(r"[0-9]+\.[0-9]{2}", document["total_incl"])


def test_process_says_when_nothing_is_there_to_do_the_work(shop, sandbox):
    (order,) = sandbox.sell("nl_ideal")
    assert "No `mapper run` works on this database now" in shop("process", f"order-{order['id']}").err


def test_other_rules_are_only_for_a_dry_run(shop, sandbox):
    ran = shop("process", "order-1", "--rules", "rules")
    assert (ran.code, ran.err.partition(":")[0]) == (2, "USE111")


@pytest.mark.parametrize("command", ["report", "errors", "open"])
def test_R11_the_lists_say_that_posting_is_paused(shop, command):
    shop("pause", "--tenant", "winkel", "--reason", "stocktaking")
    assert "Posting is paused since" in shop(command).err
    assert "stocktaking" in shop(command).err
    shop("resume")
    assert "paused" not in shop(command).err


def test_R11_resume_of_all_names_the_webshops_that_stay_paused(shop, tmp_path):
    with database(tmp_path) as opened, opened.begin() as conn:
        tenants.create(conn, "ander", name="Ander", settings=settings.example(), who="test", now=NOW)
        tenants.pause(conn, "ander", reason="moving", now=NOW)
    ran = shop("resume", "--json")
    assert ran.records == [{"tenant": None, "go_on": 0, "paused": {"ander": "moving"}}]
    assert "Still paused: ander (moving). To end that: mapper resume --tenant ander" in ran.err


def test_R11_resume_ends_the_own_pause_of_the_only_webshop(shop):
    shop("pause", "--tenant", "winkel", "--reason", "stocktaking")
    ran = shop("resume", "--json")
    assert ran.records[0]["paused"] == {}
    assert shop("tenant", "list", "--json").records[0]["paused"] == ""


def test_W19_accept_goes_alone(shop):
    ran = shop("process", "order-1", "--accept", "--again", "--reason", "x")
    assert (ran.code, "--accept goes with --reason only" in ran.err) == (2, True)
    assert shop("process", "order-1", "--accept", "--reason", "x").err.startswith("STO111: ")


# Doctor


def test_the_doctor_shows_both_dots_with_words(shop):
    ran = shop("doctor")
    assert ran.code == 0, ran.out
    assert re.search(r"^● ok    winkel: CCV Shop +connected to ", ran.out, re.MULTILINE)
    assert re.search(r"^● ok    winkel: WeFact +connected$", ran.out, re.MULTILINE)


def test_T1_the_doctor_names_the_address_that_wefact_refuses(shop, sandbox):
    sandbox.switch("wefact", allowed_ips=[])
    ran = shop("doctor")
    assert ran.code == 1
    bad = [line for line in ran.out.splitlines() if line.startswith("✗ BAD ")]
    assert len(bad) == 1
    assert "127.0.0.1" in bad[0]


def test_the_doctor_sees_a_webhook_that_the_shop_lost(shop, sandbox):
    shop("tenant", "set", "winkel", "--webhook-url", "http://127.0.0.1:9")
    sandbox.admin("ccv", "POST", "reset")
    checks = {(check["about"], check["name"]): check for check in shop("doctor", "--json").records}
    assert checks["winkel", "webhooks"]["verdict"] == "bad"


# How it ends


def test_a_fault_of_the_mapper_shows_no_traceback_and_leaves_a_private_report(mapper, tmp_path, monkeypatch):
    monkeypatch.setitem(program.COMMANDS, "map", ("mapper.cli.nowhere", "map", ""))  # type: ignore[arg-type]
    ran = mapper("map", "--secret=abc")
    assert ran.code == 70
    assert ran.err.startswith("USE999: ")
    assert "Traceback" not in ran.err
    report = Path(re.search(r"in (\S+\.txt)\.", ran.err)[1])
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "ModuleNotFoundError" in report.read_text()
    assert "abc" not in report.read_text()


def test_a_report_holds_no_secret():
    text = (
        "postgresql://user:hunter2@host/db jan@example.nl "
        "0123456789abcdef0123456789abcdef sleutel-uit-omgeving /usr/lib/python3.11/asyncio/base_events.py"
    )
    shown = fault.redact(text, {"MAPPER_KEY": "sleutel-uit-omgeving"})
    assert shown == "postgresql://user:***@host/db ***@*** *** *** /usr/lib/python3.11/asyncio/base_events.py"


def test_a_reader_that_goes_away_is_no_error(mapper):
    command = f"{sys.executable} -m mapper tenant example | head -c 10"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert ran.stderr == ""


@pytest.mark.slow
def test_interrupted_is_130(mapper):
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "mapper", "map", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background inherits that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no thread forks here)
    ) as waiting:
        waiting.stdin.write("{}\n")
        waiting.stdin.flush()
        assert waiting.stdout.readline().startswith("{")
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=20)
    assert (waiting.returncode, said.strip()) == (130, "Interrupted.")


def test_K4_another_mode_needs_another_go_live(shop):
    refused = shop("tenant", "set", "winkel", "mode=invoices")
    assert (refused.code, "SET112" in refused.err) == (2, True)
    changed = shop("tenant", "set", "winkel", "mode=invoices", "process_from=2026-12-01")
    assert changed.code == 0, changed.err
    assert "--webhook-url" in changed.err


def test_R9_a_shop_added_with_the_example_settings_goes_live_now_and_not_in_the_past(mapper, tmp_path):
    from mapper import settings

    written = tmp_path / "settings.yaml"
    written.write_text(mapper("tenant", "example").out)
    today = NOW.date()
    assert settings.read(written, today=today)["process_from"] == today.isoformat()
