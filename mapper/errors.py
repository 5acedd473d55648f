"""The errors that stop work. Every one has a code from `catalogue.py`, and tells what, where, why and what to do.

    MapperError              exit 1
    ├── UsageError           2    a wrong flag, an unknown tenant or document
    ├── ConfigError          2    settings or a key file that cannot be used
    ├── RuleError            2    a rulebook that does not load; carries all its diagnostics
    ├── PayloadError         1    a document of the shop that cannot be read or mapped
    ├── ServiceError         3    CCV Shop, WeFact or VIES
    │   ├── Temporary        3    the call may succeed later; carries retry_after and whether it may have been executed
    │   ├── Refused          4    the service understood and said no: trying again changes nothing
    │   ├── Unauthorised     4    key or IP address refused
    │   └── Banned           4    the service's firewall shut us out: every further call makes it worse
    └── StoreError           5    the database, or the disk

What people write or send (rules, settings, documents) is reported as values instead, all of it at once: see
`diagnostics.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mapper.diagnostics import Diagnostic

Language = Literal["en", "nl"]
Fact = str | int | None


class MapperError(Exception):
    """An error with a code. `facts` fill the placeholders of the catalogue's texts and must hold no secret."""

    exit_code = 1

    def __init__(self, code: str, **facts: Fact) -> None:
        self.code = code
        self.facts = facts
        super().__init__(code)

    def __str__(self) -> str:
        return f"{self.code}: {self.message()}"

    def message(self, language: Language = "en") -> str:
        """Return what went wrong, where and why, in one or two sentences."""
        from mapper.catalogue import describe

        return describe(self.code, self.facts, language).message

    def remedy(self, language: Language = "en") -> str:
        """Return what to do about it."""
        from mapper.catalogue import describe

        return describe(self.code, self.facts, language).remedy


class UsageError(MapperError):
    """A command that asks for something that is not there."""

    exit_code = 2


class ConfigError(MapperError):
    """Settings, or the key file, that cannot be used."""

    exit_code = 2


class RuleError(MapperError):
    """A rulebook that does not load. `diagnostics` holds every problem found, in file order."""

    exit_code = 2

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("RULE100", count=len(self.diagnostics))


class PayloadError(MapperError):
    """A document of the shop that cannot be read or mapped. Its texts begin with `where`, when it is known."""

    def at(self, where: str, **facts: Fact) -> PayloadError:
        """Return the error with the file it is in, and other facts in place of these."""
        return PayloadError(self.code, **{**self.facts, **facts, "where": f"{where}: "})


class ServiceError(MapperError):
    """A call to CCV Shop, WeFact or VIES that did not give what was asked."""

    exit_code = 3


class Temporary(ServiceError):
    """The same call may succeed later.

    `maybe_executed` is true when the request may have reached the service although no answer came back: whoever calls
    something that is not idempotent must then look before calling again. `retry_after` is in seconds.
    """

    def __init__(
        self, code: str, *, maybe_executed: bool, retry_after: float | None = None, **facts: Fact
    ) -> None:
        self.maybe_executed = maybe_executed
        self.retry_after = retry_after
        super().__init__(code, **facts)


class Refused(ServiceError):
    """The service understood the call and said no."""

    exit_code = 4


class Unauthorised(ServiceError):
    """The service does not accept our key or our IP address."""

    exit_code = 4


class Banned(ServiceError):
    """The service's firewall shut this address out. Stop all calls to it: more calls prolong the ban.

    `retry_after` is how many seconds nobody behind the address calls.
    """

    exit_code = 4
    retry_after = 3600.0


class StoreError(MapperError):
    """The database, or the disk, cannot be used as asked."""

    exit_code = 5
