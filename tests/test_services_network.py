"""No call leaves for a private network, whatever a name or an address looks like: forbidden connections made, 0."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpcore
import httpx
import pytest

from mapper.errors import Refused
from mapper.services.ccv import CcvShop
from mapper.services.http import NoReply, Secret, exchange, open_client
from mapper.services.network import PublicNetwork, is_public
from tests.loopback import Answer, loopback

PUBLIC_IP, OTHER_PUBLIC_IP = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


class Connections(httpcore.AsyncNetworkBackend):
    """Notes every connection that is tried, and makes none."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):  # noqa: ASYNC109
        self.tried.append(host)
        raise httpcore.ConnectError("noted")


def call(
    url: str, answers: Sequence[Sequence[str]] = (), *, on_loopback: bool = False
) -> tuple[str, list[str], int]:
    """Return why a call came to nothing, which addresses were tried, and how often the name was asked for."""
    tried, asked = Connections(), []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return list(answers[min(len(asked), len(answers)) - 1]) if answers else [host]

    async def scenario() -> str:
        network = PublicNetwork(loopback=on_loopback, resolve=resolve, inner=tried)
        async with open_client(loopback=on_loopback, network=network) as client:
            with pytest.raises(NoReply) as failure:
                await exchange(client, client.build_request("GET", url), service="s", action="a")
            assert not failure.value.sent
            return failure.value.reason

    return asyncio.run(scenario()), tried.tried, len(asked)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "::ffff:93.184.215.14", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "localhost", "",
    ],
)  # fmt: skip
def test_a_name_that_leads_into_a_private_network_is_not_called(address: str) -> None:
    assert call("https://shop.example/", [[address]]) == ("address", [], 1)


@pytest.mark.parametrize("address", [PUBLIC_IP, OTHER_PUBLIC_IP])
def test_a_public_address_is_called(address: str) -> None:
    assert is_public(address)
    assert call("https://shop.example/", [[address]]) == ("connect", [address], 1)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    assert call("https://shop.example/", [[PUBLIC_IP, "10.0.0.1"]]) == ("address", [], 1)


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """A name that changes its mind between the look and the call (DNS rebinding) is asked once."""
    assert call("https://shop.example/", [[PUBLIC_IP], ["127.0.0.1"]]) == ("connect", [PUBLIC_IP], 1)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://2130706433/",
        "https://0x7f000001/", "https://[::ffff:127.0.0.1]/", "https://localhost/", "http://shop.example/",
        "https://shop.example:8443/", "http://127.0.0.1:8080/", "ftp://shop.example/", "https://127.1/",
    ],
)  # fmt: skip
def test_an_address_written_out_is_held_to_the_same(url: str) -> None:
    reason, tried, _ = call(url)
    assert (reason, tried) == ("address", [])


def test_with_the_sandbox_flag_only_this_machine_by_name_is_let_in_besides() -> None:
    assert call("http://127.0.0.1:9/", on_loopback=True)[:2] == ("connect", ["127.0.0.1"])
    assert call("http://localhost:9/", on_loopback=True)[:2] == ("connect", ["localhost"])
    assert call("https://shop.example/", [["127.0.0.1"]], on_loopback=True)[:2] == ("address", [])
    assert call("http://10.0.0.1/", on_loopback=True)[:2] == ("address", [])


def test_a_name_that_does_not_exist_was_certainly_not_called() -> None:
    async def nothing(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async def scenario() -> None:
        async with open_client(network=PublicNetwork(loopback=False, resolve=nothing)) as client:
            with pytest.raises(NoReply) as failure:
                await exchange(
                    client, client.build_request("GET", "https://x.example/"), service="s", action="a"
                )
            assert (failure.value.reason, failure.value.sent) == ("connect", False)

    asyncio.run(scenario())


def test_a_redirect_into_a_private_network_is_not_followed() -> None:
    async def scenario() -> int:
        away = Answer(b"", 302, {"location": "https://169.254.169.254/"})
        async with loopback(lambda _: away) as server, open_client(loopback=True) as client:
            reply = await exchange(client, client.build_request("GET", server.url), service="s", action="a")
            return reply.status

    assert asyncio.run(scenario()) == 302


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    assert call("https://shop.example/", [[PUBLIC_IP]])[1] == [PUBLIC_IP]


def test_the_shops_client_says_what_is_wrong_with_such_an_address() -> None:
    async def scenario() -> None:
        async with open_client() as client:
            await CcvShop(client, "https://127.0.0.1", "public", Secret("secret")).webshop()

    with pytest.raises(Refused, match="CCV306"):
        asyncio.run(scenario())


def test_tls_is_verified_for_the_name_and_not_for_the_address() -> None:
    """The stream that TLS begins on is asked for the host of the URL, whatever address it was connected to."""
    names: list[str | None] = []

    class Stream(httpcore.AsyncNetworkStream):
        async def start_tls(self, ssl_context, server_hostname=None, timeout=None):  # noqa: ASYNC109
            names.append(server_hostname)
            assert ssl_context.check_hostname
            raise httpcore.ConnectError("enough")

        async def aclose(self) -> None: ...

    class Network(httpcore.AsyncNetworkBackend):
        async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):  # noqa: ASYNC109
            return Stream()

    async def resolve(host: str, port: int) -> list[str]:
        return [PUBLIC_IP]

    async def scenario() -> None:
        network = PublicNetwork(loopback=False, resolve=resolve, inner=Network())
        async with open_client(network=network) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("https://shop.example/")

    asyncio.run(scenario())
    assert names == ["shop.example"]
