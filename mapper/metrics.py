"""What a monitoring system is told: Prometheus' text format, every family with its help and type before its samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mapper.diagnostics import printable
from mapper.store import breaker, heartbeats, limits, listing, operations, tenants

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Family:
    """One gauge and its samples."""

    name: str
    about: str
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """Add a sample."""
        given = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        shown = f"{round(value, 1):.15g}"
        self.samples.append(f"{self.name}{{{given}}} {shown}" if given else f"{self.name} {shown}")

    def lines(self) -> Iterable[str]:
        """Return the family as text."""
        return (f"# HELP {self.name} {self.about}", f"# TYPE {self.name} gauge", *self.samples)


def exposed(conn: Connection, *, now: datetime) -> str:
    """Return all families. They name the tenants, so a proxy passes on `/webhooks/` only."""
    families = [*_of_tenants(conn, now), *_of_services(conn, now), *_of_processes(conn, now)]
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _of_tenants(conn: Connection, now: datetime) -> list[Family]:
    by_state = Family("mapper_documents", "Documents by state.")
    depth = Family("mapper_queue_depth", "Documents that wait for their turn.")
    oldest = Family("mapper_queue_oldest_seconds", "How long the oldest of them waits; 0 when there is none.")
    errors = Family("mapper_errors", "Documents that stopped for a person, by the code of the cause.")
    effects = Family("mapper_operations", "Effects on WeFact by state; unknown ones wait to be looked up.")
    paused = Family("mapper_paused", "Whether posting stands still.")
    for tenant in tenants.everyone(conn):
        counts = listing.counts(conn, tenant.id)
        since = listing.oldest_queued(conn, tenant.id)
        _each(by_state, counts, tenant.id, "state")
        depth.add(counts["queued"], tenant=tenant.id)
        oldest.add(max((now - since).total_seconds(), 0) if since else 0, tenant=tenant.id)
        for cause in listing.causes(conn, tenant.id):
            errors.add(cause.count, tenant=tenant.id, code=cause.cause)
        _each(effects, operations.counts(conn, tenant.id), tenant.id, "state")
        paused.add(tenants.pause_of(conn, tenant.id) is not None, tenant=tenant.id)
    return [by_state, depth, oldest, errors, effects, paused]


def _of_services(conn: Connection, now: datetime) -> list[Family]:
    calls = Family("mapper_calls_left", "Calls to the service that may be made at once from this address.")
    shut = Family(
        "mapper_breaker_open", "Whether a service, or the part of it that is named, is left alone now."
    )
    for address in limits.addresses(conn):
        calls.add(limits.calls_left(conn, address, now=now), service="wefact", address=address)
        shut.add(limits.ban(conn, address, now=now) is not None, service="wefact", part=address)
    for country, is_open in breaker.states(conn, now=now).items():
        shut.add(is_open, service="vies", part=country)
    return [calls, shut]


def _of_processes(conn: Connection, now: datetime) -> list[Family]:
    alive = Family(
        "mapper_processes", "Processes that work on documents and gave a sign of life in the last minute."
    )
    alive.add(len(heartbeats.alive(conn, now=now, ttl=heartbeats.TTL)))
    return [alive]


def _each(family: Family, counts: Mapping[Any, int], tenant: str, label: str) -> None:
    for name, count in counts.items():
        family.add(count, tenant=tenant, **{label: name})


def _escaped(value: str) -> str:
    return printable(value).replace("\\", "\\\\").replace('"', '\\"')
