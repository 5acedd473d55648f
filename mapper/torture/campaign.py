"""Many runs, some at a time."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mapper.torture.child import Entry, main
from mapper.torture.plan import Plan
from mapper.torture.postgres import postgres_server
from mapper.torture.run import PATIENCE, Ended, carry_out
from mapper.torture.stage import LEASE_SECONDS

DatabaseKind = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Plans, each with its database, `jobs` at a time; `entry` is what each process under torture runs.

    `lease`: see `stage.LEASE_SECONDS`.
    """

    plans: Sequence[tuple[DatabaseKind, Plan]]
    speed: int
    jobs: int = 1
    entry: Entry = main
    patience: float = PATIENCE
    lease: float = LEASE_SECONDS

    def ended(self) -> Iterator[tuple[DatabaseKind, Ended]]:
        """Carry all out, and yield each as it ends. Raises UsageError TOR101."""
        with ExitStack() as opened:
            new_database: Callable[[], str] | None = None
            if any(kind == "postgresql" for kind, _ in self.plans):
                new_database = opened.enter_context(postgres_server()).new_database
            pool = opened.enter_context(ThreadPoolExecutor(self.jobs, "torture"))
            given_up = threading.Event()
            running: dict[Future[Ended], DatabaseKind] = {
                pool.submit(
                    self._carry_out, plan, new_database if kind == "postgresql" else None, given_up
                ): kind
                for kind, plan in self.plans
            }
            try:
                for future in as_completed(running):
                    yield running[future], future.result()
            finally:
                given_up.set()
                pool.shutdown(cancel_futures=True)

    def _carry_out(
        self, plan: Plan, new_database: Callable[[], str] | None, given_up: threading.Event
    ) -> Ended:
        with tempfile.TemporaryDirectory(prefix="mapper-torture-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            where = new_database() if new_database is not None else str(folder / "mapper.db")
            return carry_out(
                plan,
                folder,
                where,
                speed=self.speed,
                entry=self.entry,
                patience=self.patience,
                lease=self.lease,
                given_up=given_up,
            )
