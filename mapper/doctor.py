"""Looks at everything the mapper needs to work, and says what is wrong and how to mend it. Changes nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from mapper.errors import Language, MapperError
from mapper.onboarding import missing_codes, sale_codes
from mapper.processing.connections import Connections
from mapper.store import (
    credentials,
    heartbeats,
    limits,
    listing,
    overlays,
    reconciliations,
    rulebooks,
    tenants,
)
from mapper.store.database import Database
from mapper.store.sealing import Sealer, load_sealer

Verdict = Literal["good", "attention", "bad"]

RATES_DAYS = 90
SILENT = timedelta(minutes=2)
# A night was missed.
OLD = timedelta(days=2)
_STATES = ("done", "error", "waiting", "ignored", "missing")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `about` is a tenant, or empty for the installation."""

    name: str
    about: str
    verdict: Verdict
    said: str
    code: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """The installation that is looked at."""

    database: Database
    key_file: Path
    environ: Mapping[str, str]
    loopback: bool
    language: Language
    now: datetime
    address: str = "default"


async def examine(patient: Patient) -> AsyncGenerator[Check, None]:
    """Yield every check: the installation first, then each webshop."""
    yield Check("database", "", "good", patient.database.url)
    sealer: Sealer | None = None
    try:
        sealer = load_sealer(patient.key_file, patient.environ)
        _open_all(patient, sealer)
        yield Check(
            "key", "", "good", "the services' keys can be read; it is in no backup: keep a copy apart"
        )
    except MapperError as error:
        sealer = None
        yield _failed("key", "", error, patient.language)
    for check in (*_rules(patient), *_published(patient), *_adopted(patient), *_installation(patient)):
        yield check
    with patient.database.read() as conn:
        known = [tenant.id for tenant in tenants.everyone(conn)]
    if not known:
        yield Check("webshops", "", "attention", "there is none yet", remedy="mapper tenant add NAME")
    for tenant in known:
        for check in (*_tenant(patient, tenant), *_compared(patient, tenant), *_overlay(patient, tenant)):
            yield check
        if sealer is not None:
            async for check in connections(patient, sealer, tenant):
                yield check


def _open_all(patient: Patient, sealer: Sealer) -> None:
    """Raise the ConfigError of the first stored key that does not open."""
    with patient.database.read() as conn:
        for tenant in tenants.everyone(conn):
            for name in credentials.names(conn, tenant.id):
                credentials.get(conn, tenant.id, name, sealer=sealer)


def _rules(patient: Patient) -> list[Check]:
    """Look at the shipped rules, and at the age of the VAT rates among them."""
    from mapper.mapping import load_rulebooks

    try:
        rulebooks = load_rulebooks()
        checked = min(rulebooks.rates.checked, rulebooks.territories.checked)
    except MapperError as error:
        return [_failed("rules", "", error, patient.language)]
    days = (patient.now.date() - checked).days
    said = f"the shipped ones were compared with their sources {days} days ago"
    remedy = "Update the mapper, or check the rates you sell at yourself."
    is_recent = days <= RATES_DAYS
    return [
        Check("rules", "", "good", f"loaded, {rulebooks.hash[:12]}"),
        Check("VAT rates", "", "good", said)
        if is_recent
        else Check("VAT rates", "", "attention", said, remedy=remedy),
    ]


def _published(patient: Patient) -> Iterator[Check]:
    """Look at the published rules."""
    from mapper.mapping import rulebooks_from

    with patient.database.read() as conn:
        published = rulebooks.active(conn)
        texts = rulebooks.get(conn, published.hash) if published is not None else {}
    if published is None:
        return
    moment = f"{published.at:%Y-%m-%d %H:%M} UTC"
    try:
        rulebooks_from(texts)
        said = f"{published.hash[:12]}, by {published.who} on {moment}: {published.message}"
        yield Check("published rules", "", "good", said)
    except MapperError as error:
        yield _failed("published rules", "", error, patient.language)


def _adopted(patient: Patient) -> Iterator[Check]:
    """Look at what running processes made of the published rules."""
    with patient.database.read() as conn:
        published = rulebooks.active(conn)
        adopted = rulebooks.adoptions(conn, now=patient.now, ttl=SILENT)
    for one in adopted:
        if one.refused:
            said = f"{one.refused[:12]} refused, {one.hash[:12]} stay in use: {one.reason}"
            remedy = "Publish rules that load, or: mapper rules rollback HASH --message TEXT"
            yield Check("rules in use", "", "bad", said, remedy=remedy)
        elif published is not None and one.hash != published.hash:
            yield Check("rules in use", "", "attention", f"{one.hash[:12]}, not yet those published")
        else:
            yield Check("rules in use", "", "good", one.hash[:12])


def _overlay(patient: Patient, tenant: str) -> Iterator[Check]:
    """Look whether a webshop's overlay fits the rules in use."""
    from mapper.mapping import rulebooks_from
    from mapper.processing.adoption import texts_in_use

    with patient.database.read() as conn:
        if not overlays.current(conn, tenant):
            return
        texts = texts_in_use(conn, tenant)
    try:
        loaded = rulebooks_from(texts, tenant=tenant)
        yield Check("overlay", tenant, "good", f"changes {len(loaded.replaced)} rules, {loaded.hash[:12]}")
    except MapperError as error:
        yield _failed("overlay", tenant, error, patient.language)


def _installation(patient: Patient) -> Iterator[Check]:
    with patient.database.read() as conn:
        beat = heartbeats.latest(conn)
        ban = limits.ban(conn, patient.address, now=patient.now)
        left = limits.calls_left(conn, patient.address, now=patient.now)
        pause = tenants.paused_all(conn)
    if beat is not None and patient.now - beat.beat_at < SILENT:
        yield Check("daemon", "", "good", f"runs on {beat.host} (process {beat.pid})")
    else:
        since = f"silent since {beat.beat_at:%Y-%m-%d %H:%M} UTC" if beat else "has not run yet"
        yield Check("daemon", "", "attention", since, remedy="Start it: mapper run")
    if ban is None:
        yield Check("limits", "", "good", f"{left} calls to WeFact may be made at once")
    else:
        said = f"WeFact's firewall shut this address out until {ban.until:%Y-%m-%d %H:%M} UTC"
        yield Check("limits", "", "bad", said, remedy="Wait; calls before that make it last longer.")
    if pause is not None:
        yield Check(
            "pause", "", "attention", f"every webshop is paused: {pause.reason}", remedy="mapper resume"
        )


def _tenant(patient: Patient, tenant: str) -> Iterator[Check]:
    with patient.database.read() as conn:
        own = tenants.get(conn, tenant)
        hooks = credentials.webhooks(conn, tenant)
        counts = listing.counts(conn, tenant)
    if own.paused_at is not None:
        remedy = f"mapper resume --tenant {tenant}"
        yield Check("pause", tenant, "attention", f"paused: {own.pause_reason}", remedy=remedy)
    if not hooks:
        remedy = f"mapper tenant set {tenant} --webhook-url https://…"
        yield Check("webhooks", tenant, "attention", "none: only the sweep finds orders", remedy=remedy)
    if counts["error"]:
        said = f"{counts['error']} document(s) stopped with an error"
        yield Check("documents", tenant, "attention", said, remedy=f"mapper errors --tenant {tenant}")


def _compared(patient: Patient, tenant: str) -> Iterator[Check]:
    """Look at what the last comparison of shop and WeFact found."""
    from mapper.processing.dismissal import differences_of, still_open

    with patient.database.read() as conn:
        found = reconciliations.latest(conn, tenant)
        accepted = reconciliations.accepted(conn, tenant)
    if found is None:
        said = "shop and WeFact were not compared yet"
        yield Check("comparison", tenant, "attention", said, remedy=f"mapper reconcile --tenant {tenant}")
        return
    counts, differences = found.counts, differences_of(found)
    are_open = len(still_open(differences, accepted))
    states = " + ".join(f"{counts[state]['documents']} {state}" for state in _STATES)
    moment, eligible = f"{found.at:%Y-%m-%d %H:%M} UTC", counts["eligible"]["documents"]
    told = f"of {moment}: {eligible} eligible = {states}; {are_open} difference(s)"
    told += f", {len(differences) - are_open} accepted"
    if are_open:
        remedy = f"mapper reconcile --last --tenant {tenant}"
        yield Check("comparison", tenant, "bad", told, remedy=remedy)
    elif patient.now - found.at > OLD:
        yield Check(
            "comparison", tenant, "attention", told, remedy="`mapper run` compares every night at 3.17"
        )
    else:
        yield Check("comparison", tenant, "good", told)


async def connections(patient: Patient, sealer: Sealer, tenant: str) -> AsyncGenerator[Check, None]:
    """Yield both connection dots, and what each service says about what we keep."""
    database = patient.database
    async with Connections(database, sealer, loopback=patient.loopback, address=patient.address) as services:
        for look in (_shop, _wefact):
            try:
                for check in await look(patient, services, tenant):
                    yield check
            except MapperError as error:
                name = "CCV Shop" if look is _shop else "WeFact"
                yield _failed(name, tenant, error, patient.language)


async def _shop(patient: Patient, services: Connections, tenant: str) -> list[Check]:
    shop = await services.shop(tenant)
    name = str((await shop.webshop()).get("name") or "the shop")
    checks = [Check("CCV Shop", tenant, "good", f"connected to {name}")]
    with patient.database.read() as conn:
        ours = credentials.webhooks(conn, tenant)
    if ours:
        theirs = {str(hook.get("id")) for hook in await shop.webhooks() if hook.get("is_active", True)}
        lost = [hook.event for hook in ours if str(hook.shop_webhook_id) not in theirs]
        if lost:
            remedy = f"mapper tenant set {tenant} --webhook-url https://…"
            said = f"the shop no longer has those for {', '.join(lost)}"
            checks.append(Check("webhooks", tenant, "bad", said, remedy=remedy))
        else:
            checks.append(Check("webhooks", tenant, "good", f"{len(ours)} registered"))
    return checks


async def _wefact(patient: Patient, services: Connections, tenant: str) -> list[Check]:
    settings = await (await services.wefact(tenant)).settings()
    with patient.database.read() as conn:
        own = tenants.settings(conn, tenant)
    checks = [Check("WeFact", tenant, "good", "connected")]
    codes = sale_codes(settings)
    missing = missing_codes(own, codes)
    if missing:
        said = f"WeFact has no {', '.join(missing[:10])}; it has {', '.join(codes[:20])}"
        remedy = f"Set the codes you use: mapper tenant set {tenant} --settings FILE"
        checks.append(Check("tax codes", tenant, "attention", said, "K3", remedy))
    else:
        checks.append(Check("tax codes", tenant, "good", "WeFact has every one in the settings"))
    return checks


def _failed(name: str, about: str, error: MapperError, language: Language) -> Check:
    return Check(name, about, "bad", error.message(language), error.code, error.remedy(language))
