"""VIES asked for days (K2): deferred checks, breaker and evidence, by a given clock against the sandbox."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from daemons import home, open_shop, running, wait_for

from mapper import settings
from mapper.cli.evidence import evidence
from mapper.mapping import load_rulebooks
from mapper.processing import connections
from mapper.processing.adoption import RulesInUse
from mapper.processing.connections import Connections
from mapper.processing.environment import Environment, Patience
from mapper.processing.verification import BUSY, NOT_ASKED, Question, Verdict, question_of, verify
from mapper.sandbox.outages import Outage
from mapper.sandbox.serve import Sandbox
from mapper.services.vies import Turns
from mapper.store import breaker, credentials, documents, payloads, tenants, vat_numbers
from mapper.store.database import Database, open_database
from mapper.store.sealing import Sealer

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DE, FR = Question("DE", "136695976"), Question("FR", "40303265045")
MINUTES, HOURS, DAYS = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# No pauses within a call: the clock of these tests stands still meanwhile.
AT_ONCE = Patience(quick=(0.0, 0.0))


@dataclass
class Clock:
    """The time, for mapper and sandbox alike."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


CLOCK = Clock()


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with Sandbox(clock=CLOCK) as served:
        yield served


@dataclass
class Register:
    """A tenant's documents and VIES, by a clock that the test moves."""

    served: Sandbox
    database: Database
    clock: Clock
    said: list[str] = field(default_factory=list)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.served.vies}/_sandbox/{path}", json=body, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()

    def switch(self, **switches: Any) -> None:
        self.admin("PUT", "switches", switches)

    @property
    def asked(self) -> list[str]:
        """The verdicts that VIES gave, in order."""
        return [one["verdict"] for one in self.admin("GET", "objects")["checks"]]

    def run(self, work: Callable[[Environment], Any], patience: Patience = AT_ONCE) -> Any:
        async def inside() -> Any:
            async with Connections(self.database, SEALER, loopback=True) as connected:
                return await work(self.environment(connected, patience))

        return asyncio.run(inside())

    def environment(self, connections: Connections, patience: Patience) -> Environment:
        return Environment(
            database=self.database,
            connections=connections,
            rules=RULES,
            executor="test",
            lease=lambda: True,
            now=self.clock,
            jitter=lambda: 0.0,
            say=self.said.append,
            vies=patience,
        )

    def ask(
        self,
        question: Question = DE,
        *,
        of: int = 1,
        by_hand: bool = False,
        patience: Patience = AT_ONCE,
        times: int = 1,
    ) -> Verdict:
        """Ask once (or several times in a row) for a document, as its work does; return the last verdict."""
        with self.database.begin() as conn:
            document = documents.note(conn, "shop", "order", of, now=self.clock())

        async def work(environment: Environment) -> Verdict:
            for _ in range(times):
                verdict = await verify(environment, document, question, by_hand=by_hand)
            return verdict

        verdict: Verdict = self.run(work, patience)
        return verdict


RULES = RulesInUse(load_rulebooks())
SEALER = Sealer.generate()


@pytest.fixture
def vies(served: Sandbox, tmp_path) -> Iterator[Register]:
    CLOCK.now = START
    with open_database(tmp_path / "mapper.db") as database:
        with database.begin() as conn:
            tenants.create(conn, "shop", name="Shop", settings=settings.example(), who="test", now=START)
            named = {
                connections.CCV_ROOT: "http://127.0.0.1:9",
                connections.CCV_PUBLIC: "p",
                connections.CCV_SECRET: "s",
                connections.WEFACT_KEY: "k",
                connections.VIES_URL: served.vies,
            }
            for name, value in named.items():
                credentials.put(conn, "shop", name, value, sealer=SEALER, now=START)
        register = Register(served, database, CLOCK)
        register.admin("POST", "reset")
        yield register


# Deferred checks


def test_K2_an_outage_is_asked_about_again_at_5_min_30_min_2_h_and_on_until_72_h(vies):
    vies.switch(outages={"DE": "MS_UNAVAILABLE"})
    times = []
    verdict = vies.ask()
    while verdict.seconds is not None:
        vies.clock.forward(timedelta(seconds=verdict.seconds))
        times.append((vies.clock() - START) / HOURS)
        verdict = vies.ask()
    assert times == [1 / 12, 0.5, 2, 6, 12, 24, 36, 48, 60, 72]
    assert verdict.gave_up
    assert (verdict.check.first_asked_at, verdict.check.asked_at) == (START, START + 3 * DAYS)


def test_K2_an_outage_of_two_days_ends_in_a_valid_answer(vies):
    vies.switch(outages={"DE": "MS_MAX_CONCURRENT_REQ"})
    verdict = vies.ask()
    while verdict.seconds is not None:
        vies.clock.forward(timedelta(seconds=verdict.seconds))
        if vies.clock() - START >= 2 * DAYS:
            vies.switch(outages={})
        verdict = vies.ask()
    assert verdict.check.state == "valid"
    assert vies.clock() - START == 2 * DAYS


def test_K2_after_giving_up_a_person_begins_a_new_round(vies):
    vies.switch(outages={"DE": "MS_UNAVAILABLE"})
    vies.ask()
    vies.clock.forward(3 * DAYS)
    assert vies.ask().gave_up
    vies.clock.forward(HOURS)
    verdict = vies.ask(by_hand=True)
    assert (verdict.check.first_asked_at, verdict.seconds) == (vies.clock(), 300)


def test_K2_the_checks_are_spread_so_that_not_all_documents_ask_in_the_same_second(vies):
    vies.switch(outages={"DE": "MS_UNAVAILABLE"})

    async def ask(environment: Environment) -> float | None:
        with vies.database.begin() as conn:
            document = documents.note(conn, "shop", "order", 1, now=vies.clock())
        verdict = await verify(spread(environment, jitter=0.5), document, DE)
        return verdict.seconds

    assert vies.run(ask) == 315


def spread(environment: Environment, *, jitter: float) -> Environment:
    return replace(environment, jitter=lambda: jitter)


def test_K2_within_a_call_there_are_three_tries(vies):
    vies.switch(outages={"DE": "TIMEOUT"})
    assert vies.ask().check.asks == 3
    assert vies.asked == ["TIMEOUT"] * 3


def test_K2_a_quick_try_that_succeeds_is_enough(vies):
    vies.admin("PUT", "outages", {"DE": {"percent": 50, "seed": 17}})
    fails = [Outage(50, seed=17).holds_at("DE", START, call) for call in (1, 2, 3)]
    assert fails[0]
    assert not all(fails)
    verdict = vies.ask()
    assert verdict.check.state == "valid"
    assert verdict.check.asks == fails.index(False) + 1


# Reuse


def test_K2_a_valid_answer_is_reused_for_the_same_document_for_a_day(vies):
    vies.ask()
    vies.clock.forward(23 * HOURS)
    assert vies.ask().check.asked_at == START
    assert vies.asked == ["VALID"]
    vies.clock.forward(HOURS)
    assert vies.ask().check.asked_at == START + DAYS
    assert vies.asked == ["VALID", "VALID"]


def test_K2_another_document_or_number_is_asked_about_itself(vies):
    vies.ask()
    vies.ask(of=2)
    vies.ask(FR)
    assert len(vies.asked) == 3


@pytest.mark.parametrize(
    ("passed", "by_hand", "asks"),
    [(59 * MINUTES, False, 1), (60 * MINUTES, False, 2), (MINUTES, True, 2)],
)
def test_K2_invalid_counts_for_an_hour_at_most_and_never_against_a_person(vies, passed, by_hand, asks):
    vies.switch(default="INVALID")
    assert vies.ask().check.state == "invalid"
    vies.clock.forward(passed)
    vies.ask(by_hand=by_hand)
    assert vies.asked == ["INVALID"] * asks


# Breaker and turns


def test_K2_after_five_unknowns_in_a_row_nobody_asks_that_state_for_ten_minutes(vies):
    vies.switch(outages={"DE": "MS_UNAVAILABLE"})
    vies.ask(of=1)
    verdict = vies.ask(of=2)
    assert len(vies.asked) == 5
    assert verdict.check.code == NOT_ASKED
    vies.switch(outages={})
    vies.clock.forward(10 * MINUTES - timedelta(seconds=1))
    verdict = vies.ask(of=3)
    assert (verdict.check.state, verdict.check.code, verdict.seconds) == ("unknown", NOT_ASKED, 300)
    assert len(vies.asked) == 5
    vies.clock.forward(timedelta(seconds=1))
    assert vies.ask(of=3).check.state == "valid"
    assert vies.ask(of=1).check.state == "valid"


def test_K2_another_member_state_is_asked_meanwhile(vies):
    vies.switch(outages={"DE": "MS_UNAVAILABLE"})
    vies.ask(times=2)
    assert vies.ask(FR).check.state == "valid"


def test_K2_when_the_ten_minutes_are_over_one_question_goes_out_and_its_failure_closes_again(vies):
    vies.switch(outages={"DE": "MS_UNAVAILABLE"})
    vies.ask(times=2)
    vies.clock.forward(10 * MINUTES)
    assert vies.ask(of=2).check.asks == 1
    with vies.database.read() as conn:
        assert breaker.open_breakers(conn, now=vies.clock()) == {"DE": vies.clock() + 10 * MINUTES}


def test_K2_the_first_to_ask_after_a_pause_keeps_others_out_until_it_has_its_answer(vies):
    open_for = timedelta(minutes=10)
    with vies.database.begin() as conn:
        for _ in range(5):
            breaker.record(conn, "DE", answered=False, now=START, open_for=open_for)
        later = START + open_for
        assert breaker.admit(conn, "DE", now=later) is None
        assert breaker.admit(conn, "DE", now=later) == later + timedelta(minutes=1)
        breaker.record(conn, "DE", answered=True, now=later, open_for=open_for)
        assert breaker.admit(conn, "DE", now=later) is None


def test_K2_at_most_one_question_per_state_and_two_in_all_are_under_way():
    async def scenario() -> tuple[int, dict[str, int]]:
        turns, busy = Turns(), dict.fromkeys(("DE", "FR", "IT"), 0)
        most, most_of = 0, dict.fromkeys(busy, 0)

        async def ask(country: str) -> None:
            nonlocal most
            async with turns.turn(country, patience=5) as mine:
                assert mine
                busy[country] += 1
                most = max(most, sum(busy.values()))
                most_of[country] = max(most_of[country], busy[country])
                await asyncio.sleep(0.005)
                busy[country] -= 1

        await asyncio.gather(*(ask(country) for country in busy for _ in range(5)))
        return most, most_of

    assert asyncio.run(scenario()) == (2, {"DE": 1, "FR": 1, "IT": 1})


def test_K2_who_gets_no_turn_in_time_waits_without_blaming_the_member_state(vies):
    async def work(environment: Environment) -> Verdict:
        with vies.database.begin() as conn:
            document = documents.note(conn, "shop", "order", 1, now=vies.clock())
        async with environment.connections.vies_turns.turn("DE", patience=1):
            return await verify(environment, document, DE)

    verdict = vies.run(work, Patience(turn=0.05))
    assert (verdict.check.code, verdict.seconds, verdict.check.asks) == (BUSY, 300, 0)
    assert vies.asked == []


# Requester and evidence


def test_K2_with_the_shops_own_number_vies_gives_a_consultation_number(vies):
    question = question_of("DE", "136695976", "nl 0044.95.445.B01", "NL")
    assert question.requester == "NL004495445B01"
    check = vies.ask(question).check
    assert check.consultation.startswith("WAPI")
    assert check.requester == "NL004495445B01"


@pytest.mark.parametrize("own", [None, "", "NL123"])
def test_K2_without_a_right_number_of_its_own_the_shop_asks_anonymously(own):
    assert question_of("DE", "136695976", own, "NL").requester == ""


def test_K2_an_own_number_that_vies_refuses_does_not_hold_the_order(vies):
    check = vies.ask(Question("DE", "136695976", "NL000000000X00")).check
    assert (check.state, check.requester, check.asks) == ("valid", "", 2)
    assert vies.asked == ["INVALID_REQUESTER_INFO", "VALID"]


def test_K2_every_number_a_document_had_keeps_its_evidence(vies):
    vies.switch(answers={"DE136695976": "INVALID"})
    vies.ask()
    vies.clock.forward(HOURS)
    vies.ask(FR)
    with vies.database.read() as conn:
        kept = vat_numbers.checks(conn, "shop", "order-1")
    assert [(one.number, one.state, one.asked_at) for one in kept] == [
        ("FR40303265045", "valid", START + HOURS),
        ("DE136695976", "invalid", START),
    ]


# A year's worth of trouble


def test_K2_with_many_outages_for_weeks_every_document_gets_its_answer_within_three_days(vies):
    """The profile of reliability: outages in stretches, mostly at night; 60 documents in nine days."""
    profile = {"percent": 45, "minutes": 20, "seed": 11, "hours": [17, 3], "code": "MS_MAX_CONCURRENT_REQ"}
    vies.admin("PUT", "outages", {"DE": profile, "*": {"percent": 20, "seed": 5}})
    sold = [(START + number * 3.6 * HOURS, number, DE if number % 3 else FR) for number in range(60)]
    queue = [(at, number, question) for at, number, question in sold]
    heapq.heapify(queue)
    ended: dict[int, tuple[str, timedelta]] = {}

    async def simulate(environment: Environment) -> None:
        while queue:
            vies.clock.now, number, question = heapq.heappop(queue)
            with vies.database.begin() as conn:
                document = documents.note(conn, "shop", "order", number + 1, now=vies.clock())
            verdict = await verify(environment, document, question)
            if verdict.seconds is not None:
                heapq.heappush(queue, (vies.clock() + timedelta(seconds=verdict.seconds), number, question))
            else:
                ended[number] = verdict.check.state, vies.clock() - sold[number][0]

    vies.run(simulate)
    assert {state for state, _ in ended.values()} == {"valid"}
    assert max(took for _, took in ended.values()) <= 3 * DAYS
    assert sum(verdict != "VALID" for verdict in vies.asked) > 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"DE": {"percent": 101}},
        {"DE": {"hours": [1]}},
        {"DE": {"often": 1}},
        {"de": {}},
        {"DE": {"code": "down"}},
        [],
    ],
)
def test_a_profile_of_outages_that_cannot_be_read_is_refused(vies, wrong):
    answer = httpx.put(f"{vies.served.vies}/_sandbox/outages", json=wrong, trust_env=False)
    assert answer.status_code == 400
    assert vies.admin("GET", "outages") == {}


def test_a_profile_over_midnight_fails_in_its_hours_only_and_shows_in_the_status(vies):
    vies.admin("PUT", "outages", {"DE": {"percent": 100, "hours": [19, 1]}})

    def status() -> str:
        answer = httpx.get(f"{vies.served.vies}/check-status", trust_env=False).json()
        return next(one["availability"] for one in answer["countries"] if one["countryCode"] == "DE")

    seen = []
    for hour in (18, 19, 0, 1):
        vies.clock.now = START.replace(hour=hour)
        seen.append(status())
    assert seen == ["Available", "Unavailable", "Unavailable", "Available"]


# The whole way, by the daemon


def test_K2_after_the_last_check_a_person_sees_what_to_do_and_process_asks_anew(tmp_path, sandbox):
    with home(tmp_path) as at, running(at, vies_retry=0.0003) as url:
        shop = open_shop(at, sandbox, url, vat_number="NL004495445B01")
        sandbox.switch("vies", outages={"DE": "MS_UNAVAILABLE"})
        document = shop.sell("icp_de")
        failed = shop.until(document, "error")
        with at.database.read() as conn:
            kept = payloads.mapping(conn, shop.tenant, document)
        (finding,) = [one for one in kept.findings if one["id"] == "K2"]
        assert failed.cause == "K2"
        assert "process the document" in finding["help"]["en"]
        sandbox.switch("vies", outages={})
        wait_for(lambda: not _open(at.database))
        shop.process(document)
        done = shop.until(document, "done")
        assert done.total_incl == Decimal(str(shop.invoices()[0]["AmountIncl"]))
        with at.database.read() as conn:
            (check,) = vat_numbers.checks(conn, shop.tenant, document)
            (shown,) = evidence(conn, done, ZoneInfo("Europe/Amsterdam"))
        assert (check.state, shown["answer"], shown["requester"]) == ("valid", "valid", "NL004495445B01")
        assert shown["consultation"] == check.consultation != ""
        shop.retire()


def _open(database: Database) -> dict[str, datetime]:
    with database.read() as conn:
        return breaker.open_breakers(conn, now=datetime.now(UTC))
