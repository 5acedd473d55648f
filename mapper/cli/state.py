"""Where an installation keeps its things: the state folder, the key, the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mapper.errors import Language, UsageError

if TYPE_CHECKING:
    from mapper.store.database import Database
    from mapper.store.sealing import Sealer


@dataclass(frozen=True, slots=True)
class State:
    """What every command gets: the folder, the database's URL or file, and how to speak."""

    home: Path
    database: str
    loopback: bool
    language: Language
    environ: Mapping[str, str]

    @classmethod
    def locate(
        cls,
        home: str | None,
        database: str | None,
        *,
        loopback: bool,
        language: Language,
        environ: Mapping[str, str],
    ) -> State:
        """Return the state by what was given, else by the environment, else by the XDG folder."""
        given = home or environ.get("MAPPER_HOME")
        share = Path(
            environ.get("XDG_DATA_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".local/share"
        )
        folder = (Path(given).expanduser() if given else share / "mapper").absolute()
        return cls(folder, database or str(folder / "mapper.db"), loopback, language, environ)

    @property
    def key_file(self) -> Path:
        """The file that holds the key which seals the services' keys."""
        return self.home / "mapper.key"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None when the database is a server."""
        where = self.database.removeprefix("sqlite:///")
        return None if "://" in where else Path(where)

    def sealer(self) -> Sealer:
        """Return what opens the services' keys. Raises ConfigError when the key is missing or open to others."""
        from mapper.store.sealing import load_sealer

        return load_sealer(self.key_file, self.environ)

    @contextmanager
    def open(self) -> Iterator[Database]:
        """Open the database. Raises UsageError USE101 before `mapper init` made it."""
        from mapper.store.database import open_database

        file = self.database_file
        if file is not None and not file.exists():
            raise UsageError("USE101", file=str(file))
        with open_database(self.database) as database:
            yield database
