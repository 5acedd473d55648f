"""Sealing of the services' keys: AES-256-GCM, bound to the tenant and field they belong to.

The sealing key is outside the database: a systemd credential, an environment variable, or a file of mode
0600. Such a key text holds one key per line, 32 bytes in base64; the first seals, all open, so that a key can
be replaced.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mapper.errors import ConfigError

KEY_BYTES = 32
NONCE_BYTES = 12
CREDENTIAL = "mapper-key"
VARIABLE = "MAPPER_KEY"
_VERSION = "v1"


class Sealer:
    """Seals and opens texts. Holds the keys; its repr shows only their ids.

    `reread` gives the keys anew: a running process meets a key that was added since it started, and goes on.
    """

    def __init__(
        self, keys: tuple[bytes, ...], reread: Callable[[], tuple[bytes, ...]] | None = None
    ) -> None:
        self._reread = reread
        self._take(keys)

    def _take(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._sealing = _key_id(keys[0])

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Return the ids of the keys at hand; the first one seals."""
        return tuple(self._ciphers)

    @classmethod
    def generate(cls) -> Sealer:
        """Return a sealer with a new random key that is kept nowhere else."""
        return cls((secrets.token_bytes(KEY_BYTES),))

    def seal(self, tenant: str, field: str, text: str) -> str:
        """Return `v1.<key id>.<base64 of nonce and ciphertext>`; it opens only for this tenant and field."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._sealing].encrypt(nonce, text.encode(), _belonging(tenant, field))
        return f"{_VERSION}.{self._sealing}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, tenant: str, field: str, sealed: str) -> str:
        """Return what was sealed.

        Raises ConfigError SEC103 when it was changed, or sealed for another tenant or field, and SEC105 when
        none of the keys at hand sealed it.
        """
        version, _, rest = sealed.partition(".")
        key_id, _, encoded = rest.partition(".")
        if version != _VERSION or not encoded:
            raise ConfigError("SEC103", tenant=tenant, field=field)
        if key_id not in self._ciphers and self._reread is not None:
            self._take(self._reread())
        if key_id not in self._ciphers:
            raise ConfigError("SEC105", tenant=tenant, field=field, key=key_id[:8])
        try:
            raw = base64.b64decode(encoded, validate=True)
            cipher = self._ciphers[key_id]
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _belonging(tenant, field)).decode()
        except (InvalidTag, ValueError):
            raise ConfigError("SEC103", tenant=tenant, field=field) from None

    def __repr__(self) -> str:
        return f"Sealer({', '.join(self._ciphers)})"


def key_id_of(sealed: str) -> str:
    """Return the id of the key that sealed a text."""
    return sealed.split(".")[1] if sealed.count(".") >= 2 else ""


def load_sealer(path: Path | None, environ: Mapping[str, str]) -> Sealer:
    """Return a sealer with the keys of this installation, which reads them anew when it meets another one."""
    return Sealer(_load(path, environ), lambda: _load(path, environ))


def is_in_file(path: Path, environ: Mapping[str, str]) -> bool:
    """Tell whether the keys come from the file, and not from a credential or the environment."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    return (
        not (folder and (Path(folder) / CREDENTIAL).is_file())
        and not environ.get(VARIABLE)
        and path.is_file()
    )


def _load(path: Path | None, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """Read the keys from `$CREDENTIALS_DIRECTORY/mapper-key`, else `$MAPPER_KEY`, else the file.

    Raises ConfigError SEC101 (no key anywhere), SEC102 (not 32 bytes in base64) or SEC106 (others may read
    the file).
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and (credential := Path(folder) / CREDENTIAL).is_file():
        return _parse(credential.read_text(errors="replace"), str(credential))
    if environ.get(VARIABLE):
        return _parse(environ[VARIABLE], f"${VARIABLE}")
    if path is None or not path.is_file():
        raise ConfigError("SEC101", file=str(path or ""))
    if path.stat().st_mode & 0o077:
        raise ConfigError("SEC106", file=str(path))
    return _parse(path.read_text(errors="replace"), str(path))


def read_secret(path: Path | None, credential: str, environ: Mapping[str, str]) -> str:
    """Return a secret of the installation: a file of mode 0600, else the systemd credential of that name.

    Raises ConfigError SEC108 (neither is there, or it is empty) or SEC106 (others may read the file).
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if path is not None and path.is_file() and path.stat().st_mode & 0o077:
        raise ConfigError("SEC106", file=str(path))
    file = path or (Path(folder) / credential if folder else None)
    secret = file.read_text(errors="replace").strip() if file is not None and file.is_file() else ""
    if not secret:
        raise ConfigError("SEC108", file=str(file or ""), credential=credential)
    return secret


def create_key_file(path: Path) -> None:
    """Write a new random key, readable by its owner only. Raises ConfigError SEC107 when the file exists."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError("SEC107", file=str(path)) from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()  # half a key would be in the way of the next try
        raise


def add_key(path: Path) -> None:
    """Put a new random key before those of the file: it seals from now on, the others still open."""
    _replace(path, [base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(), *path.read_text().split()])


def keep_first_key(path: Path) -> int:
    """Remove all keys but the first from the file; return how many. What only they opened is lost."""
    keys = path.read_text().split()
    _replace(path, keys[:1])
    return len(keys) - 1


def _replace(path: Path, keys: list[str]) -> None:
    """Write the file anew, all or nothing: whoever reads it meanwhile sees the old keys or the new ones."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _parse(text: str, origin: str) -> tuple[bytes, ...]:
    keys = []
    for line in text.split():
        try:
            key = base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise ConfigError("SEC102", file=origin)
        keys.append(key)
    if not keys:
        raise ConfigError("SEC102", file=origin)
    return tuple(keys)


def _key_id(key: bytes) -> str:
    return sha256(b"mapper key id" + key).hexdigest()[:8]


def _belonging(tenant: str, field: str) -> bytes:
    """Return the associated data: no two pairs of tenant and field give the same bytes."""
    return json.dumps([tenant, field]).encode()
