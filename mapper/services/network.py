"""Which machines are called: public addresses alone, resolved once and held to, so that DNS cannot change its mind.

An address is looked at after the name was resolved, and the connection goes to that very address, under the name that
TLS verifies. Without this, a shop's name could lead to a neighbour, this machine, or a cloud's metadata service.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from typing import Any

import httpcore
import httpx

Resolve = Callable[[str, int], Awaitable[list[str]]]

# Addresses of IPv6 that carry one of IPv4 inside, which could be any: NAT64, also within a network.
_CARRIERS = tuple(ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48"))


class ForbiddenAddress(httpx.UnsupportedProtocol):
    """The address is one this client does not call."""


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, in whatever it may be wrapped."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip.is_multicast or ip.is_unspecified or ip.is_reserved or not ip.is_global:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return True
    is_wrapped = ip.ipv4_mapped is not None or ip.sixtofour is not None or ip.teredo is not None
    return not (is_wrapped or ip.is_site_local or any(ip in carrier for carrier in _CARRIERS))


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its very name, without asking anybody."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


async def resolved(host: str, port: int) -> list[str]:
    """Return a name's addresses. Raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only; with `loopback` also to this machine, when it is named as such."""

    def __init__(
        self,
        *,
        loopback: bool,
        resolve: Resolve = resolved,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._loopback = loopback
        self._resolve = resolve
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the name of the interface)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a name whose addresses are all public. Raises ForbiddenAddress."""
        if self._loopback and is_loopback(host):
            addresses = [host]
        else:
            try:
                addresses = await self._resolve(host, port)
            except (OSError, UnicodeError) as error:
                raise httpcore.ConnectError(str(error)) from error
            if not addresses or not all(is_public(one) for one in addresses):
                raise ForbiddenAddress("only public addresses are called")
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (the name of the interface)
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raise ForbiddenAddress: no service is behind a file."""
        raise ForbiddenAddress("no service is behind a file")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the pool asks between tries."""
        await self._inner.sleep(seconds)


class PublicTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over such a network; it offers no public way to give one."""

    def __init__(self, network: httpcore.AsyncNetworkBackend) -> None:
        context = _tls()
        super().__init__(verify=context, trust_env=False)
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=network,
        )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Reading the certificates takes tens of milliseconds: once a process is enough."""
    return httpx.create_ssl_context(trust_env=False)
