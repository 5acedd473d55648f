"""The ledger against the sandbox: whatever happens to a call or its answer, WeFact holds exactly one object."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from mapper import settings
from mapper.errors import Refused, Temporary
from mapper.mapping import Request, Search
from mapper.processing.ledger import Doubtful, Ledger, Timing
from mapper.processing.outcome import Stop
from mapper.processing.searching import filled
from mapper.services.http import Secret, Unlimited, open_client
from mapper.services.wefact import WeFact
from mapper.store import documents, operations, tenants
from mapper.store.database import open_database

KEY = "invoice:order-1:0"
SETTLED = timedelta(seconds=181)


@dataclass
class Clock:
    """Time that passes when told to; pauses are counted instead of slept."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    pauses: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def wait(self, span: timedelta) -> None:
        self.at += span

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@dataclass
class Bench:
    """One tenant's ledger on a real database, with a real client of the sandbox's WeFact."""

    database: object
    sandbox: object
    clock: Clock = field(default_factory=Clock)
    leased: bool = True
    key_given_at: datetime | None = None
    budget: object = field(default_factory=Unlimited)

    def run(self, work):
        """Run `work(ledger)` in an event loop of its own, as a process that has just started would."""

        async def main():
            async with open_client(loopback=True) as client:
                wefact = WeFact(client, self.sandbox.wefact, Secret(self.sandbox.wefact_key), self.budget)
                return await work(
                    Ledger(
                        database=self.database,
                        wefact=wefact,
                        tenant="winkel",
                        lease=lambda: self.leased,
                        now=self.clock.now,
                        token=lambda key: f"mapper {key}",
                        key_given_at=self.key_given_at,
                        timing=Timing(settle=180, pause=5),
                        sleep=self.clock.sleep,
                    )
                )

        return asyncio.run(main())

    def ensure(self, request=None):
        return self.run(
            lambda ledger: ledger.ensure(request or invoice(), KEY, document_id="order-1", names={})
        )

    def make_an_earlier_one(self):
        """Make the invoice of another document, which every list from then on must show."""
        self.run(
            lambda ledger: ledger.ensure(
                invoice(ReferenceNumber="1000"), "invoice:order-2:0", document_id="order-2", names={}
            )
        )

    def invoices(self):
        return self.sandbox.objects("wefact")["invoices"]

    def operation(self, key=KEY):
        with self.database.read() as conn:
            return operations.find(conn, "winkel", key)

    def calls(self, action):
        requests = self.sandbox.admin("wefact", "GET", "requests")["requests"]
        return sum(one["action"] == action for one in requests)


@pytest.fixture
def bench(tmp_path, sandbox):
    now = datetime.now(UTC)
    with open_database(tmp_path / "mapper.db") as database:
        with database.begin() as conn:
            tenants.create(conn, "winkel", name="Winkel", settings=settings.example(), who="test", now=now)
            for number in (1, 2):
                documents.note(conn, "winkel", "order", number, now=now)
        bench = Bench(database, sandbox)
        bench.run(
            lambda ledger: ledger.wefact.call(
                "debtor", "add", {"SurName": "Jansen", "EmailAddress": "jan@example.com"}, changes=True
            )
        )
        yield bench


def invoice(**params):
    lines = [{"Number": "1", "Description": "Zakmes", "PriceExcl": "100", "TaxCode": "V21"}]
    return Request(
        "invoice",
        "invoice",
        "add",
        {"Debtor": "1", "ReferenceNumber": "1001", "Comment": "{operation.token}", "InvoiceLines": lines}
        | params,
        Search(
            "invoice",
            "list",
            {"searchat": "ReferenceNumber", "searchfor": "1001"},
            {"Comment": "{operation.token}"},
            frozenset({"Comment"}),
        ),
        slots=frozenset({"Comment"}),
    )


def sending(identifier):
    return lambda ledger: ledger.send(
        Request(
            "send",
            "invoice",
            "sendbyemail",
            {"Identifier": "{invoice.Identifier}"},
            slots=frozenset({"Identifier"}),
        ),
        "send:order-1:0",
        document_id="order-1",
        invoice=identifier,
    )


def test_an_invoice_is_made_once_and_then_remembered(bench):
    made = bench.ensure()
    again = bench.ensure()
    assert (again.identifier, again.code) == (made.identifier, made.code)
    assert (made.amount_incl, made.amount_tax) == (Decimal("121.00"), Decimal("21.00"))
    assert len(bench.invoices()) == 1
    assert bench.calls("list") == 0


def test_W20_the_intent_is_in_the_database_before_the_call_and_its_token_in_the_invoice(bench):
    bench.ensure()
    assert bench.invoices()[0]["Comment"] == bench.operation().token


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after_commit"},
        {"kind": "truncated"},
        {"kind": "status", "status": 504, "when": "after"},
        {"kind": "html"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_W20_an_invoice_whose_answer_was_lost_is_found_and_adopted(bench, fault):
    bench.make_an_earlier_one()
    bench.sandbox.fault("wefact", match={"controller": "invoice", "action": "add"}, **fault)
    with pytest.raises(Temporary) as caught:
        bench.ensure()
    assert caught.value.maybe_executed
    assert bench.operation().state == "unknown"

    bench.clock.wait(SETTLED)
    made = bench.ensure()

    assert [str(one["Identifier"]) for one in bench.invoices()[1:]] == [made.identifier]
    assert made.amount_incl == Decimal("121.00")


def test_nothing_is_searched_or_called_before_the_service_had_time_to_settle(bench):
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"action": "add", "controller": "invoice"})
    with pytest.raises(Temporary):
        bench.ensure()
    calls = len(bench.sandbox.admin("wefact", "GET", "requests")["requests"])

    bench.clock.wait(timedelta(seconds=60))
    with pytest.raises(Stop) as caught:
        bench.ensure()

    assert (caught.value.kind, caught.value.cause) == ("later", "PRO101")
    assert caught.value.seconds == pytest.approx(120, abs=1)
    assert len(bench.sandbox.admin("wefact", "GET", "requests")["requests"]) == calls


@pytest.mark.parametrize("kind", ["status", "drop_before"])
def test_a_call_that_was_not_executed_is_repeated_only_after_two_empty_searches(bench, kind):
    bench.make_an_earlier_one()
    bench.sandbox.fault("wefact", kind=kind, match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()

    bench.clock.wait(SETTLED)
    bench.ensure()

    assert len(bench.invoices()) == 2
    assert (bench.calls("list"), bench.clock.pauses) == (2, [5])


@pytest.fixture
def unknown(bench):
    """An account that does not search by ReferenceNumber, and an invoice whose answer was lost."""
    bench.sandbox.switch("wefact", search_reference=False)
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()
    bench.clock.wait(SETTLED)
    return bench


def lose_the_list(bench, times):
    """The list by creation time answers as if there were no invoices at all; the one by reference is empty anyway."""
    match = {"controller": "invoice", "action": "list"}
    bench.sandbox.fault("wefact", kind="empty", times=times * 2, match=match)


@pytest.mark.parametrize("earlier", [False, True], ids=["first invoice ever", "later invoice"])
def test_an_empty_list_that_shows_no_earlier_invoice_is_asked_again(bench, earlier):
    """A page that gets lost without a word would double the invoice."""
    if earlier:
        bench.make_an_earlier_one()
    bench.sandbox.switch("wefact", search_reference=False)
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()
    made = str(bench.invoices()[-1]["Identifier"])
    lose_the_list(bench, 2)
    for _ in range(2):
        bench.clock.wait(SETTLED)
        with pytest.raises(Stop) as caught:
            bench.ensure()
        assert (caught.value.kind, caught.value.cause, caught.value.seconds) == ("later", "PRO103", 180)

    bench.clock.wait(SETTLED)

    assert bench.ensure().identifier == made
    assert len(bench.invoices()) == 1 + earlier


def test_a_list_that_never_shows_an_earlier_invoice_stops_for_a_person_after_a_quarter_of_an_hour(unknown):
    lose_the_list(unknown, 6)
    for _ in range(5):
        with pytest.raises(Stop):
            unknown.ensure()
        unknown.clock.wait(SETTLED)
    with pytest.raises(Doubtful) as caught:
        unknown.ensure()
    assert (caught.value.code, caught.value.facts["reference"]) == ("PRO205", "1001")
    assert {"mapper ignore order-1 --force", "mapper process order-1 --again"} <= {
        part.partition(" --reason")[0] for part in caught.value.remedy().split("`")
    }
    assert len(unknown.invoices()) == 1


def test_an_earlier_invoice_that_was_deleted_is_missed_and_the_next_one_bears_witness(bench):
    bench.make_an_earlier_one()
    gone = {"Identifier": str(bench.invoices()[0]["Identifier"])}
    bench.run(lambda ledger: ledger.wefact.call("invoice", "delete", gone, changes=True))
    bench.sandbox.fault("wefact", kind="drop_before", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()
    bench.clock.wait(SETTLED)
    with pytest.raises(Stop) as caught:
        bench.ensure()
    assert caught.value.cause == "PRO103"

    bench.run(
        lambda ledger: ledger.ensure(
            invoice(ReferenceNumber="1002"), "invoice:order-2:1", document_id="order-2", names={}
        )
    )
    bench.clock.wait(SETTLED)
    bench.ensure()

    assert [one["ReferenceNumber"] for one in bench.invoices()] == ["1002", "1001"]


def test_what_other_documents_made_is_not_asked_for_one_by_one(bench):
    """With a fixed debtor all invoices of the day are its own: each call would be one less for other documents."""
    for number in range(3):
        bench.run(
            lambda ledger, key=f"invoice:order-2:{number}": ledger.ensure(
                invoice(), key, document_id="order-2", names={}
            )
        )
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()
    bench.clock.wait(SETTLED)
    bench.ensure()
    assert len(bench.invoices()) == 4
    assert bench.calls("show") == 2  # the one that is unknown, compared and read


def test_a_list_that_ends_before_its_total_is_not_believed(unknown):
    unknown.sandbox.fault("wefact", kind="short", times=9, skip=1, match={"action": "list"})
    with pytest.raises(Temporary) as caught:
        unknown.ensure()
    assert caught.value.code == "WEF104"
    assert len(unknown.invoices()) == 1


def test_an_invoice_is_found_although_the_account_does_not_search_by_reference_number(bench):
    bench.sandbox.switch("wefact", search_reference=False, unknown_column="none")
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()

    bench.clock.wait(SETTLED)
    made = bench.ensure()

    assert [str(one["Identifier"]) for one in bench.invoices()] == [made.identifier]


def test_W20_another_invoice_with_the_same_reference_is_not_adopted(bench):
    """A debit and its credit share the order's number; only the token tells them apart."""
    bench.make_an_earlier_one()
    other = {**invoice().params, "Comment": "booked by hand"}
    bench.run(lambda ledger: ledger.wefact.call("invoice", "add", other, changes=True))
    bench.sandbox.fault("wefact", kind="drop_before", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()

    bench.clock.wait(SETTLED)
    made = bench.ensure()

    assert len(bench.invoices()) == 3
    assert made.identifier == str(bench.invoices()[2]["Identifier"])


def test_what_another_administration_had_under_the_same_number_hides_no_invoice_of_this_one(bench):
    bench.make_an_earlier_one()
    (earlier,) = bench.invoices()
    bench.clock.wait(SETTLED)
    bench.sandbox.admin("wefact", "POST", "reset")
    bench.key_given_at = bench.clock.now()
    bench.run(lambda ledger: ledger.wefact.call("debtor", "add", {"SurName": "Jansen"}, changes=True))
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()
    bench.clock.wait(SETTLED)
    assert bench.ensure().identifier == str(earlier["Identifier"])
    assert len(bench.invoices()) == 1


def test_two_invoices_with_one_token_stop_for_a_person_who_reads_both_identifiers(bench):
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"controller": "invoice", "action": "add"})
    with pytest.raises(Temporary):
        bench.ensure()
    twin = filled(invoice().params, {"Comment"}, {"operation.token": bench.operation().token})
    bench.run(lambda ledger: ledger.wefact.call("invoice", "add", twin, changes=True))

    bench.clock.wait(SETTLED)
    with pytest.raises(Doubtful) as caught:
        bench.ensure()

    assert caught.value.code == "PRO201"
    assert all(str(one["Identifier"]) in caught.value.message() for one in bench.invoices())
    assert len(bench.invoices()) == 2


def test_a_refusal_clears_the_intent_so_that_a_corrected_request_is_sent_at_once(bench):
    with pytest.raises(Refused):
        bench.ensure(invoice(Debtor="99999"))
    assert bench.operation().state == "refused"

    bench.ensure()

    assert len(bench.invoices()) == 1
    assert bench.calls("list") == 0


def test_a_process_whose_lease_is_lost_does_not_call_and_leaves_the_intent(bench):
    bench.leased = False
    with pytest.raises(Stop) as caught:
        bench.ensure()
    assert caught.value.cause == "PRO102"
    assert bench.operation().state == "intended"
    assert bench.calls("add") == 1  # the debtor's, by the fixture


class Turn(Unlimited):
    """A budget whose first turn comes only after something else has happened."""

    def __init__(self, meanwhile):
        self.meanwhile = meanwhile

    async def take(self):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await asyncio.to_thread(meanwhile)


def test_a_process_that_loses_its_lease_while_it_waits_for_its_turn_to_call_does_not_call(bench):
    bench.make_an_earlier_one()
    other = replace(bench)

    def meanwhile():
        bench.leased = False
        bench.clock.wait(SETTLED)
        other.ensure()

    bench.budget = Turn(meanwhile)
    with pytest.raises(Stop) as caught:
        bench.ensure()
    assert caught.value.cause == "PRO102"
    assert len(bench.invoices()) == 2


def test_the_settle_time_counts_from_the_call_and_not_from_the_wait_before_it(bench):
    began = bench.clock.now()
    bench.budget = Turn(lambda: bench.clock.wait(timedelta(seconds=80)))
    bench.ensure()
    assert (bench.operation().intent_at, bench.operation().attempt) == (began + timedelta(seconds=80), 2)


def test_a_process_that_waited_while_another_one_took_the_effect_over_does_not_call(bench):
    """Its lease may still look fresh: the intent says that somebody else acted."""
    bench.make_an_earlier_one()
    other = replace(bench)

    def meanwhile():
        bench.clock.wait(SETTLED)
        other.ensure()

    bench.budget = Turn(meanwhile)
    with pytest.raises(Stop) as caught:
        bench.ensure()
    assert caught.value.cause == "PRO101"
    assert len(bench.invoices()) == 2


def die_while_waiting_for_the_answer(bench):
    bench.sandbox.fault(
        "wefact", kind="delay", seconds=1, when="after", match={"controller": "invoice", "action": "add"}
    )

    async def die(ledger):
        async with asyncio.timeout(0.3):
            await ledger.ensure(invoice(), KEY, document_id="order-1", names={})

    with pytest.raises(TimeoutError):
        bench.run(die)


def test_a_process_that_was_kept_from_calling_does_not_clear_the_intent_of_the_one_that_calls(bench):
    """Frozen while it waited, it finds the address banned; the other one, that has its work, waits for an answer."""
    bench.make_an_earlier_one()
    other = replace(bench)

    def meanwhile():
        bench.clock.wait(SETTLED)
        die_while_waiting_for_the_answer(other)
        raise Temporary("STO130", maybe_executed=False, retry_after=60, address="default", until="later")

    bench.budget = Turn(meanwhile)
    with pytest.raises(Temporary):
        bench.ensure()
    assert (bench.operation().state, bench.operation().attempt) == ("intended", 2)

    bench.clock.wait(SETTLED)
    bench.ensure()

    assert len(bench.invoices()) == 2


def test_a_process_that_dies_while_waiting_for_the_answer_makes_no_second_invoice(bench):
    die_while_waiting_for_the_answer(bench)
    assert bench.operation().state == "intended"

    bench.clock.wait(SETTLED)
    bench.ensure()

    assert len(bench.invoices()) == 1


def test_two_workers_at_once_make_one_invoice(bench):
    async def both(ledger):
        work = [ledger.ensure(invoice(), KEY, document_id="order-1", names={}) for _ in range(2)]
        return await asyncio.gather(*work, return_exceptions=True)

    results = bench.run(both)

    assert len(bench.invoices()) == 1
    assert sum(isinstance(result, Stop) and result.kind == "later" for result in results) <= 1
    assert not any(isinstance(result, BaseException) and not isinstance(result, Stop) for result in results)


def test_W18_an_invoice_is_not_mailed_twice_when_the_answer_was_lost(bench):
    made = bench.ensure()
    bench.sandbox.fault("wefact", kind="drop_after_commit", match={"action": "sendbyemail"})
    with pytest.raises(Temporary):
        bench.run(sending(made.identifier))

    bench.clock.wait(SETTLED)

    assert bench.run(sending(made.identifier)) is False
    assert len(bench.sandbox.admin("wefact", "GET", "outbox")["outbox"]) == 1


def test_W18_an_invoice_that_was_surely_not_mailed_is_mailed(bench):
    made = bench.ensure()
    bench.sandbox.fault("wefact", kind="drop_before", match={"action": "sendbyemail"})
    with pytest.raises(Temporary):
        bench.run(sending(made.identifier))

    bench.clock.wait(SETTLED)

    assert bench.run(sending(made.identifier)) is True
    assert len(bench.sandbox.admin("wefact", "GET", "outbox")["outbox"]) == 1


def test_W18_when_nobody_can_tell_whether_it_was_mailed_a_person_decides(bench):
    made = bench.ensure()
    bench.sandbox.fault("wefact", kind="drop_before", match={"action": "sendbyemail"})
    with pytest.raises(Temporary):
        bench.run(sending(made.identifier))
    gone = {"Identifier": made.identifier}
    bench.run(lambda ledger: ledger.wefact.call("invoice", "delete", gone, changes=True))

    bench.clock.wait(SETTLED)
    with pytest.raises(Doubtful) as caught:
        bench.run(sending(made.identifier))

    assert caught.value.code == "PRO203"


def test_only_the_slots_of_a_request_are_filled_and_texts_of_customers_stay():
    params = {
        "Debtor": "{debtor.Identifier}",
        "Comment": "{operation.token}",
        "CompanyName": "{operation.token}",
        "InvoiceLines": [{"Description": "for {debtor.Identifier}"}],
    }
    names = {"debtor.Identifier": "{operation.token}"}
    assert filled(params, {"Debtor", "Comment"}, names) == params | {"Debtor": "{operation.token}"}
