"""What the app store sends, and whether it is theirs: HMAC-SHA512 with the app's secret, over address and content.

Everything from here is hostile until its signature was compared, in constant time, over the bytes as they arrived.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mapper import money
from mapper.diagnostics import printable
from mapper.errors import ConfigError, PayloadError
from mapper.services.http import Secret

# The hosts that are CCV's own (ccv-api 1.1). A shop under its merchant's own domain is let in by the operator.
CCV_HOSTS = ("ccvshop.nl", "securearea.eu", "biedmeer.nl")
ANY_HOST = "*"
_FIELD = 500


@dataclass(frozen=True, slots=True)
class Handover:
    """What a handshake carries. `api_root` is the shop's address without a slash at the end."""

    public: str
    secret: Secret = field(repr=False)
    api_root: str
    return_url: str


def is_signed(secret: Secret, address: str, content: bytes, given: str | None) -> bool:
    """Tell whether `given` is the x-hash of content sent to an address of ours, as it was configured at CCV."""
    if given is None or not given.isascii():
        return False
    message = address.encode() + b"|" + content
    expected = hmac.new(secret.reveal().encode(), message, hashlib.sha512).hexdigest()
    return hmac.compare_digest(expected.encode(), given.lower().encode())


def read_handover(body: bytes, hosts: Sequence[str], *, loopback: bool) -> Handover:
    """Read a signed handshake. Raises ConfigError WEB210 (not of the known form) or WEB211 (a host not let in)."""
    sent = _object(body)
    api_root, back = _text(sent, "api_root").rstrip("/"), _text(sent, "return_url")
    _check_root(api_root, hosts, loopback=loopback)
    schemes = {"https", "http"} if loopback else {"https"}
    if urlsplit(back).scheme not in schemes or not urlsplit(back).hostname:
        raise ConfigError("WEB210", field="return_url")
    return Handover(_text(sent, "api_public"), Secret(_text(sent, "api_secret")), api_root, back)


def read_public(body: bytes) -> str:
    """Return the key whose installation a signed uninstall call ends. Raises ConfigError WEB210."""
    return _text(_object(body), "api_public")


def _check_root(api_root: str, hosts: Sequence[str], *, loopback: bool) -> None:
    """The clients refuse other schemes and private addresses too; here a wrong shop never becomes a webshop of ours."""
    try:
        parts = urlsplit(api_root)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise ConfigError("WEB210", field="api_root") from None
    if loopback and host == "127.0.0.1" and parts.scheme == "http":
        return
    extra = parts.path or parts.query or parts.fragment or parts.username is not None
    is_plain = parts.scheme == "https" and port in {None, 443} and host.isascii() and not extra
    if not is_plain or "." not in host or _is_number(host):
        raise ConfigError("WEB210", field="api_root")
    if ANY_HOST not in hosts and not any(host == one or host.endswith(f".{one}") for one in hosts):
        raise ConfigError("WEB211", host=printable(host, 100))


def _is_number(host: str) -> bool:
    """An address of numbers is no shop, in whatever notation: its last part would be no top-level domain."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        return last.isdigit() or last.startswith("0x")
    return True


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        sent = money.loads(body)
    except PayloadError:
        raise ConfigError("WEB210", field="body") from None
    if not isinstance(sent, dict):
        raise ConfigError("WEB210", field="body")
    return sent


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _FIELD or not value.isprintable():
        raise ConfigError("WEB210", field=name)
    return value
