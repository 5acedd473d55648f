"""Keys are sealed, change while everything goes on, and show nowhere: canaries found, 0."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from daemons import home
from sqlalchemy import update

from mapper.errors import ConfigError
from mapper.processing import daemon
from mapper.services.http import Secret
from mapper.store import credentials, handshakes, resealing, schema
from mapper.store.database import Database
from mapper.store.sealing import Sealer, add_key, create_key_file, load_sealer
from tests.databases import NOW, add_tenant

pytest_plugins = ["tests.databases"]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    create_key_file(tmp_path / "mapper.key")
    return tmp_path / "mapper.key"


def test_a_running_process_follows_a_new_key_without_a_restart(sqlite: Database, key_file: Path) -> None:
    running = load_sealer(key_file, {})
    with sqlite.begin() as conn:
        add_tenant(conn)
        credentials.put(conn, "shop", "wefact.key", "k1", sealer=running, now=NOW)
        handshakes.keep(conn, "shop", "public", return_url="https://x", sealer=running, now=NOW)
        credentials.put_webhook(
            conn,
            "shop",
            "orders.created",
            shop_webhook_id=1,
            address="a",
            key="hook",
            sealer=running,
            now=NOW,
        )
        add_key(key_file)
        assert resealing.reseal(conn, load_sealer(key_file, {})) == 3
        assert credentials.get(conn, "shop", "wefact.key", sealer=running) == "k1"
        assert credentials.webhook_key(conn, "shop", "orders.created", sealer=running) == "hook"
        assert handshakes.return_url(conn, "shop", sealer=running) == "https://x"
        assert len(resealing.counts(conn)) == 1
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_rotate_and_forget_leave_both_connections_working(shop) -> None:
    before = shop("key", "show", "--json").records
    assert shop("key", "rotate", "--add-only").code == 0
    assert [one["secrets"] for one in shop("key", "show", "--json").records] == [0, before[0]["secrets"]]
    rotated = shop("key", "rotate")
    assert rotated.code == 0, rotated.err
    after = shop("key", "show", "--json").records
    assert [one["use"] for one in after] == ["seals", "opens"]
    assert (after[1]["key"], after[1]["secrets"]) == (before[0]["key"], 0)
    assert shop("key", "forget").code == 2
    assert shop("key", "forget", "--yes").code == 0
    assert [one["use"] for one in shop("key", "show", "--json").records] == ["seals"]
    assert shop("doctor").code in {0, 1}
    assert "SEC10" not in shop("doctor").out


def test_a_key_from_elsewhere_is_not_changed_here(shop, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(os.environ["MAPPER_HOME"])
    monkeypatch.setenv("MAPPER_KEY", (home / "mapper.key").read_text())
    assert "SEC109" in shop("key", "rotate").err


def test_a_systemd_credential_comes_before_all_else(tmp_path: Path, key_file: Path) -> None:
    create_key_file(tmp_path / "mapper-key")
    credential = load_sealer(key_file, {"CREDENTIALS_DIRECTORY": str(tmp_path), "MAPPER_KEY": "nonsense"})
    assert (
        credential.key_ids
        == load_sealer(tmp_path / "mapper-key", {}).key_ids
        != load_sealer(key_file, {}).key_ids
    )


@pytest.mark.parametrize(
    ("table", "moved"),
    [
        ("credential", {"tenant": "other"}),
        ("credential", {"name": "ccv.secret"}),
        ("webhook", {"tenant": "other"}),
    ],
)
def test_ciphertext_that_was_moved_is_refused(sqlite: Database, table: str, moved: dict[str, str]) -> None:
    sealer = Sealer.generate()
    with sqlite.begin() as conn:
        add_tenant(conn)
        add_tenant(conn, "other")
        credentials.put(conn, "shop", "wefact.key", "k", sealer=sealer, now=NOW)
        credentials.put_webhook(
            conn, "shop", "orders.created", shop_webhook_id=1, address="a", key="k", sealer=sealer, now=NOW
        )
        conn.execute(update(schema.metadata.tables[table]).values(moved))
        where = {"tenant": "shop", "name": "wefact.key"} | moved
        reads = {
            "webhook": lambda: credentials.webhook_key(
                conn, where["tenant"], "orders.created", sealer=sealer
            ),
            "credential": lambda: credentials.get(conn, where["tenant"], where["name"], sealer=sealer),
        }
        with pytest.raises(ConfigError, match="SEC103"):
            reads[table]()
        with pytest.raises(ConfigError, match="SEC103"):
            resealing.reseal(conn, _both(sealer, Sealer.generate()))


def _both(old: Sealer, new: Sealer) -> Sealer:
    """A sealer that opens with the old key and seals with the new one."""
    new._ciphers |= old._ciphers
    return new


def test_S5_canaries_show_nowhere(shop, sandbox, tmp_path: Path) -> None:
    """Secrets of every kind; what the program says, logs, stores and runs is searched for each of them."""
    canaries = {
        "the shop's secret": sandbox.ccv_secret,
        "WeFact's key": sandbox.wefact_key,
        "the app's secret": "canary-app-secret-91f3",
        "the mail password": "canary-mail-password-72d0",
        "a login password": shop("tenant", "password", "winkel").out.strip(),
        "the sealing key": (Path(os.environ["MAPPER_HOME"]) / "mapper.key").read_text().strip(),
    }
    said: dict[str, str] = {}

    def run(*arguments: object) -> None:
        ran = shop(*arguments)
        said[" ".join(map(str, arguments))] = ran.out + ran.err

    secret_file = tmp_path / "app.secret"
    secret_file.write_text(canaries["the app's secret"])
    secret_file.chmod(0o600)
    environ = {
        **os.environ,
        "MAPPER_APP_SECRET_FILE": str(secret_file),
        "MAPPER_SMTP": f"smtps://mapper:{canaries['the mail password']}@127.0.0.1:9",
        "MAPPER_MAIL_FROM": "mapper@example.org",
        "MAPPER_LOG": "json",
        "PYTHONUNBUFFERED": "1",
    }
    sold = sandbox.sell("nl_ideal", count=2)
    sandbox.fault(
        "wefact", kind="status", status=403, times=2, match={"controller": "invoice", "action": "add"}
    )
    options = ["run", "--port", "0", "--public-url", "http://127.0.0.1:1"]
    with subprocess.Popen(
        [sys.executable, "-m", "mapper", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    ) as daemon:
        assert daemon.stderr is not None
        first = daemon.stderr.readline()
        run("process", f"order-{sold[0]['id']}")
        said["the process list"] = Path(f"/proc/{daemon.pid}/cmdline").read_text()
        daemon.terminate()
        _, logged = daemon.communicate(timeout=30)
        said["the log"] = first + logged
    for arguments in (
        ("tenant", "show", "winkel"), ("tenant", "show", "winkel", "--json"), ("tenant", "list"), ("doctor",),
        ("errors",),
        ("report", "--json"), ("open", "--json"), ("key", "show"), ("tenant", "licence", "winkel"),
        ("tenant", "licence", "x"),
        ("process", f"order-{sold[1]['id']}", "--dry-run"), ("tenant", "set", "winkel", "--wefact-key-env", "NOTHING"),
        ("ticket", "report", f"order-{sold[0]['id']}", "--text", "x"), ("ticket", "show", 1, "--json"),
        ("tenant", "export", "winkel"), ("tenant", "journal", "winkel"),
        ("explain", "--document", f"order-{sold[0]['id']}"),
        ("backup", tmp_path / "copy.db"),
    ):  # fmt: skip
        run(*arguments)
    home = Path(os.environ["MAPPER_HOME"])
    stored = {
        str(file): file.read_bytes() for file in [*home.rglob("*"), tmp_path / "copy.db"] if file.is_file()
    }
    found = [
        (where, what) for what, canary in canaries.items() for where, text in said.items() if canary in text
    ]
    found += [
        (where, what)
        for what, canary in canaries.items()
        for where, content in stored.items()
        if canary.encode() in content and not (what == "the sealing key" and where.endswith("mapper.key"))
    ]
    assert found == []
    assert "bundle" in said["ticket show 1 --json"]
    assert json.loads(said["the log"].splitlines()[-1])
    assert str(Secret(sandbox.wefact_key)) == "***"


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_daemon_with_the_key_file_of_another_installation_does_not_start(
    tmp_path: Path, *, is_ours: bool
) -> None:
    with home(tmp_path) as at:
        with at.database.begin() as conn:
            add_tenant(conn)
            strange = Sealer.generate()
            credentials.put(
                conn, "shop", "ccv.secret", "k", sealer=at.sealer if is_ours else strange, now=NOW
            )
            credentials.put(conn, "shop", "wefact.key", "k", sealer=strange, now=NOW)
        started: list[str] = []

        async def run() -> None:
            stop = asyncio.Event()
            stop.set()
            await daemon.serve(at.options(only="web"), stop=stop, ready=started.append)

        if is_ours:
            asyncio.run(run())
        else:
            with pytest.raises(ConfigError) as caught:
                asyncio.run(run())
            assert caught.value.code == "SEC105"
        assert bool(started) is is_ours
