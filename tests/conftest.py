"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import settings as properties

from mapper.money import dumps, loads
from mapper.sandbox.serve import Sandbox

# Plain http to this machine: to read the certificates for each call would take longer than the call.
_ADMIN = httpx.Client(
    trust_env=False, verify=False, timeout=10, limits=httpx.Limits(max_keepalive_connections=0)
)

# A machine that does something else meanwhile makes no property wrong.
properties.register_profile("mapper", deadline=None)
properties.load_profile("mapper")


@dataclass(frozen=True, slots=True)
class Services:
    """The sandbox of one test: its addresses and keys, and its admin API by name."""

    served: Sandbox

    @property
    def ccv(self) -> str:
        return self.served.ccv

    @property
    def wefact(self) -> str:
        return self.served.wefact

    @property
    def vies(self) -> str:
        return self.served.vies

    @property
    def ccv_public(self) -> str:
        return self.served.ccv_public

    @property
    def ccv_secret(self) -> str:
        return self.served.ccv_secret

    @property
    def wefact_key(self) -> str:
        return self.served.wefact_key

    def admin(self, service: str, method: str, path: str, body: Any = None) -> Any:
        """Call `/_sandbox/<path>` of `ccv`, `wefact` or `vies`; return the parsed answer."""
        root = httpx.URL(self.served.urls[service]).copy_with(path="/").join(f"/_sandbox/{path}")
        content = None if body is None else dumps(body)
        answer = _ADMIN.request(method, root, content=content)
        assert answer.is_success, answer.text
        return loads(answer.content) if answer.content else None

    def sell(self, kind: str, *, count: int = 1, **changes: Any) -> list[dict[str, Any]]:
        """Let the shop sell; its registered webhooks fire."""
        body = {"kind": kind, "count": count, "changes": changes}
        sold: list[dict[str, Any]] = self.admin("ccv", "POST", "orders", body)["orders"]
        return sold

    def switch(self, service: str, **values: Any) -> None:
        """Set switches until the test ends."""
        self.admin(service, "PUT", "switches", values)

    def fault(self, service: str, **fault: Any) -> None:
        """Order a fault."""
        self.admin(service, "POST", "faults", [fault])

    def objects(self, service: str) -> dict[str, Any]:
        """Return everything the service stores."""
        stored: dict[str, Any] = self.admin(service, "GET", "objects")
        return stored


@pytest.fixture(scope="session")
def _served() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def sandbox(_served: Sandbox) -> Services:
    """The three services on loopback, empty; one set of servers for all tests, reset for each."""
    services = Services(_served)
    for service in ("ccv", "wefact", "vies"):
        services.admin(service, "POST", "reset")
    return services


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[Any]:
        """The JSON Lines on stdout."""
        return [loads(line) for line in self.out.splitlines()]


Mapper = Callable[..., Ran]


@pytest.fixture
def mapper(tmp_path, monkeypatch, capsys) -> Mapper:
    """Run `mapper …` in this process, in a state folder of its own, against services on loopback."""
    from mapper.cli.program import run

    monkeypatch.setenv("MAPPER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MAPPER_LOOPBACK", "1")
    for name in ("MAPPER_DATABASE", "MAPPER_KEY", "MAPPER_TENANT", "MAPPER_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "110")

    def call(*arguments: str | Sequence[str]) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@pytest.fixture
def shop(mapper: Mapper, sandbox: Services, tmp_path) -> Mapper:
    """`mapper` with one webshop, `winkel`, connected to the sandbox."""
    assert mapper("init").code == 0
    secret, key = tmp_path / "secret", tmp_path / "wefact"
    secret.write_text(sandbox.ccv_secret + "\n")
    key.write_text(sandbox.wefact_key + "\n")
    settings = tmp_path / "settings.yaml"
    settings.write_text(mapper("tenant", "example").out.replace("# process_from:", "process_from:"))
    keys = ("--secret-file", secret, "--wefact-key-file", key, "--public", sandbox.ccv_public)
    where = ("--shop", sandbox.ccv, "--wefact-url", sandbox.wefact, "--vies-url", sandbox.vies)
    added = mapper("tenant", "add", "winkel", *where, *keys, "--settings", settings)
    assert added.code == 0, added.err
    return mapper
