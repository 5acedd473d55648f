"""The client of WeFact over real HTTP: envelopes, access errors, limits, lost answers (spec W14, W16, W20, B3)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from mapper.errors import Banned, MapperError, Refused, ServiceError, Temporary, Unauthorised
from mapper.services.http import Secret, Unlimited, open_client
from mapper.services.wefact import WeFact, decimal_of, rows_of, text_of
from tests.loopback import Answer, Asked, loopback, unused_port

KEY = "canary-9e2b-wefact-key"
NOW = 1_772_442_000.0

T = TypeVar("T")


@dataclass(slots=True)
class Budget:
    """A budget that counts the calls and keeps the blocks asked for."""

    taken: int = 0
    blocks: list[float] = field(default_factory=list)

    async def take(self) -> None:
        self.taken += 1

    async def block(self, seconds: float, reason: str) -> float:
        assert reason
        self.blocks.append(seconds)
        return seconds


def success(controller: str, action: str, /, *, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    envelope = {
        "controller": controller,
        "action": action,
        "status": "success",
        "date": "2026-03-02T10:15:00+01:00",
    }
    return Answer(json.dumps(envelope | more).encode(), 200, headers or {})


def error(*errors: Any, controller: str = "invoice", action: str = "add") -> Answer:
    envelope = {"controller": controller, "action": action, "status": "error", "errors": list(errors)}
    return Answer(json.dumps(envelope).encode())


def refusal(sentence: str) -> Answer:
    return error(sentence, controller="invalid", action="invalid")


def run(
    answer: Callable[[Asked], Answer],
    use: Callable[[WeFact], Awaitable[T]],
    *,
    timeout: float = 5,
    asked: list[Asked] | None = None,
    budget: Budget | None = None,
) -> T:
    """Use the client against a server that gives `answer`; `asked` receives the requests."""

    async def scenario() -> T:
        async with loopback(answer) as server, open_client(loopback=True, timeout=timeout) as client:
            wefact = WeFact(
                client,
                f"{server.url}/v2/",
                Secret(KEY),
                budget or Unlimited(),
                now=lambda: NOW,
                jitter=lambda: 0.0,
            )
            try:
                return await use(wefact)
            finally:
                (asked if asked is not None else []).extend(server.asked)

    return asyncio.run(scenario())


async def add(wefact: WeFact) -> dict[str, Any]:
    return await wefact.call("invoice", "add", {"DebtorCode": "DB1"}, changes=True)


async def look(wefact: WeFact) -> dict[str, Any]:
    return await wefact.call("invoice", "list", {}, changes=False)


def failing(answer: Answer, use: Callable[[WeFact], Awaitable[Any]] = add, **more: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        run(lambda _: answer, use, **more)
    return caught.value


def test_a_call_is_one_json_post_with_the_key_in_its_body() -> None:
    asked: list[Asked] = []
    params = {"Date": "2026-03-02", "Price": Decimal("4.950"), "Name": "Ü\ud800", "controller": "other"}
    answer = run(
        lambda _: success(
            "invoice", "add", invoice={"Identifier": "41", "AmountIncl": "36.24", "Discount": 0.5}
        ),
        lambda wefact: wefact.call("invoice", "add", params, changes=True),
        asked=asked,
    )
    assert (asked[0].method, asked[0].target) == ("POST", "/v2/")
    assert asked[0].headers["content-type"] == "application/json"
    assert json.loads(asked[0].body) == {
        "Date": "2026-03-02",
        "Price": "4.95",
        "Name": "Ü?",
        "api_key": KEY,
        "controller": "invoice",
        "action": "add",
    }
    assert answer["invoice"] == {"Identifier": "41", "AmountIncl": "36.24", "Discount": Decimal("0.5")}


@pytest.mark.parametrize("value", ["36.24", 36.24, Decimal("36.24"), " 36.240 "])
def test_an_amount_is_exact_whatever_its_type(value: object) -> None:
    assert decimal_of(
        {"AmountIncl": Decimal(str(value)) if isinstance(value, float) else value}, "AmountIncl"
    ) == (Decimal("36.24"))


@pytest.mark.parametrize("value", ["", None, "1,250.50", "NaN", "Infinity", "１", "1_0", [], {}])
def test_what_is_no_amount_is_none(value: object) -> None:
    assert decimal_of({"AmountIncl": value}, "AmountIncl") is None
    assert decimal_of({}, "AmountIncl") is None


@pytest.mark.parametrize(
    ("value", "text"), [(12, "12"), ("12", "12"), (Decimal("12.0"), "12"), (None, ""), ([], "")]
)
def test_a_field_as_text_is_the_same_whatever_its_type(value: object, text: str) -> None:
    assert text_of({"Identifier": value}, "Identifier") == text


def test_rows_may_be_missing_a_list_or_a_map_by_id() -> None:
    assert rows_of({"totalresults": 0}, "debtors") == []
    assert rows_of({"debtors": [{"Identifier": 1}]}, "debtors") == [{"Identifier": 1}]
    assert rows_of({"groups": {"1": {"id": 1}}}, "groups") == [{"id": 1}]


def test_W14_a_search_without_rows_is_empty() -> None:
    found = run(
        lambda _: success("debtor", "list", totalresults=0, currentresults=0, offset=0),
        lambda wefact: wefact.search("debtor", {"searchat": "EmailAddress", "searchfor": "a@example.nl"}),
    )
    assert found == []


@pytest.mark.parametrize(("total", "cap"), [("2345", 1000), (2345, 1000), (None, 1000), (2345, 100)])
def test_W14_a_search_reads_all_pages(total: object, cap: int) -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Answer:
        question = json.loads(request.body)
        assert question["limit"] == 1000
        assert question["searchfor"] == "example.nl"
        start = question["offset"]
        rows = [{"Identifier": str(number)} for number in range(start, min(start + cap, 2345))]
        return success("debtor", "list", debtors=rows, **({} if total is None else {"totalresults": total}))

    found = run(answer, lambda wefact: wefact.search("debtor", {"searchfor": "example.nl"}), asked=asked)
    assert [row["Identifier"] for row in found] == [str(number) for number in range(2345)]
    assert len(asked) == -(-2345 // cap)


def test_a_search_whose_pages_repeat_is_refused() -> None:
    same = success("debtor", "list", totalresults=5000, debtors=[{"Identifier": "1"}])
    asked: list[Asked] = []
    assert failing(same, lambda wefact: wefact.search("debtor", {}), asked=asked).code == "WEF303"
    assert len(asked) == 2


@pytest.mark.parametrize("pages", [[["1", "2"], []], [[]]], ids=["after a page", "at once"])
def test_a_search_that_ends_before_its_total_is_no_answer(pages: list[list[str]]) -> None:
    """A lost page looks like the end of the list; who believes it makes what is on it a second time."""
    answers = iter(pages)

    def answer(_: Asked) -> Answer:
        rows = [{"Identifier": number} for number in next(answers)]
        return success("debtor", "list", totalresults=3 if pages[0] else 1, debtors=rows)

    with pytest.raises(Temporary) as caught:
        run(answer, lambda wefact: wefact.search("debtor", {}))
    assert (caught.value.code, caught.value.maybe_executed) == ("WEF104", False)


@pytest.mark.parametrize(
    "sentence",
    ["Factuur 999 niet gevonden", "Klant niet gevonden.", "Ongeldig kenmerk voor debiteur"],
)
def test_W20_a_show_that_finds_nothing_is_none(sentence: str) -> None:
    assert run(lambda _: error(sentence), lambda wefact: wefact.show("invoice", "999")) is None


def test_a_show_that_fails_otherwise_is_not_taken_for_absence() -> None:
    refused = failing(error("Er ging iets mis"), lambda wefact: wefact.show("invoice", "999"))
    assert isinstance(refused, Refused)
    wrong_key = refusal("De API sleutel kan niet worden gevonden.")
    assert isinstance(failing(wrong_key, lambda wefact: wefact.show("invoice", "999")), Unauthorised)


@pytest.mark.parametrize("identifier", [41, "41"])
def test_a_show_gives_the_object_asked_for(identifier: object) -> None:
    asked: list[Asked] = []
    answer = success("invoice", "show", invoice={"Identifier": identifier, "InvoiceCode": "F0001"})
    shown = run(lambda _: answer, lambda wefact: wefact.show("invoice", "41"), asked=asked)
    assert shown is not None
    assert shown["InvoiceCode"] == "F0001"
    assert json.loads(asked[0].body)["Identifier"] == "41"


def test_a_show_of_another_object_is_not_believed() -> None:
    answer = success("invoice", "show", invoice={"Identifier": "42"})
    assert failing(answer, lambda wefact: wefact.show("invoice", "41")).code == "WEF104"
    assert failing(success("invoice", "show"), lambda wefact: wefact.show("invoice", "41")).code == "WEF104"


def test_a_draft_code_is_never_asked_for_as_identifier() -> None:
    asked: list[Asked] = []
    found = run(
        lambda _: success("invoice", "show", invoice={"Identifier": "3"}),
        lambda wefact: wefact.show("invoice", "[concept]0003"),
        asked=asked,
    )
    assert (found, asked) == (None, [])


def test_W16_a_product_is_shown_by_its_code() -> None:
    asked: list[Asked] = []
    answer = success("product", "show", product={"Identifier": "7", "ProductCode": "sku1"})
    shown = run(
        lambda _: answer, lambda wefact: wefact.show("product", "SKU1", by="ProductCode"), asked=asked
    )
    assert shown == {"Identifier": "7", "ProductCode": "sku1"}
    assert json.loads(asked[0].body)["ProductCode"] == "SKU1"


def test_settings_are_read() -> None:
    codes = {"Sale": {"V21": {"TaxCode": "V21", "Rate": "0.210000"}}}
    answer = success("settings", "list", settings={"Tax": {"Codes": codes}})
    assert run(lambda _: answer, lambda wefact: wefact.settings()) == {"Tax": {"Codes": codes}}
    assert failing(success("settings", "list"), lambda wefact: wefact.settings()).code == "WEF104"


@pytest.mark.parametrize(
    ("answer", "kind", "code", "facts"),
    [
        (refusal("API key is invalid"), Unauthorised, "WEF201", {}),
        (refusal("De API sleutel kan niet worden gevonden."), Unauthorised, "WEF201", {}),
        (refusal("IP 203.0.113.9 has no access to API"), Unauthorised, "WEF202", {"ip": "203.0.113.9"}),
        (refusal("API staat uit"), Unauthorised, "WEF203", {"sentence": "API staat uit"}),
        (refusal("Invalid controller"), Refused, "WEF301", {}),
        (error("Invalid action"), Refused, "WEF301", {}),
        (refusal("IP 203.0.113.9 currently in firewall"), Banned, "WEF204", {"ip": "203.0.113.9"}),
        (error("Debiteur niet gevonden"), Refused, "WEF302", {"sentence": "Debiteur niet gevonden"}),
        (error("Een", {"message": "Twee"}), Refused, "WEF302", {"sentence": "Een; Twee"}),
        (error("\x1b[2J" + "x" * 9000), Refused, "WEF302", {"sentence": "\\u001b[2J" + "x" * 290 + "…"}),
        (error(f"Sleutel {KEY} mag dit niet"), Refused, "WEF302", {"sentence": "Sleutel *** mag dit niet"}),
        (error(), Refused, "WEF302", {"sentence": ""}),
        (Answer(b"", 404), Refused, "WEF304", {"status": 404}),
        (Answer(b"", 302), Refused, "WEF304", {"status": 302}),
    ],
)
def test_a_refusal_says_what_was_refused(
    answer: Answer, kind: type[ServiceError], code: str, facts: dict[str, object]
) -> None:
    asked: list[Asked] = []
    caught = failing(answer, look, asked=asked)
    assert (type(caught), caught.code) == (kind, code)
    assert facts.items() <= caught.facts.items()
    assert len(asked) == 1


def test_the_address_to_allow_is_in_the_remedy() -> None:
    caught = failing(refusal("IP 203.0.113.9 has no access to API"))
    assert "203.0.113.9" in caught.remedy()
    assert "203.0.113.9" in caught.remedy("nl")


@pytest.mark.parametrize(
    "body",
    [
        b"IP 203.0.113.9 currently in firewall",
        b'{"controller":"invalid","status":"error","errors":["IP 203.0.113.9 currently in firewall"]}',
        b"<html>Forbidden</html>",
    ],
)
def test_a_ban_stops_everyone_behind_the_address(body: bytes) -> None:
    budget, asked = Budget(), list[Asked]()
    caught = failing(Answer(body, 403), look, budget=budget, asked=asked)
    assert isinstance(caught, Banned)
    assert caught.facts["ip"] in {"203.0.113.9", ""}
    assert budget.blocks == [3600.0]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("headers", "blocks"),
    [
        ({"API-RateLimit-Remaining-Minute": "5", "API-RateLimit-Remaining-Hour": "5"}, []),
        ({"API-RateLimit-Remaining-Minute": "4", "API-RateLimit-Reset-Minute": f"{NOW + 20:.0f}"}, [20.0]),
        ({"API-RateLimit-Remaining-Minute": "0", "API-RateLimit-Reset-Minute": f"{NOW - 90:.0f}"}, [1.0]),
        ({"API-RateLimit-Remaining-Hour": "0", "API-RateLimit-Reset-Hour": f"{NOW + 900:.0f}"}, [900.0]),
        ({"API-RateLimit-Remaining-Hour": "0", "API-RateLimit-Reset-Hour": "99999999999"}, [3600.0]),
        ({"API-RateLimit-Remaining-Minute": "0"}, [60.0]),
        ({"API-RateLimit-Remaining-Minute": "veel"}, []),
        ({}, []),
    ],
)
def test_everyone_waits_for_the_reset_when_few_calls_are_left(
    headers: dict[str, str], blocks: list[float]
) -> None:
    budget = Budget()
    answer = run(lambda _: success("invoice", "add", headers=headers), add, budget=budget)
    assert answer["status"] == "success"
    assert budget.blocks == blocks


LOST = [
    (Answer(how="drop"), "WEF102"),
    (Answer(how="hang"), "WEF106"),
    (Answer(how="drip"), "WEF106"),
    (Answer(b"", 500), "WEF103"),
    (Answer(b"<html>Bad gateway</html>", 502), "WEF103"),
    (Answer(b"<html>Onderhoud</html>", 200), "WEF104"),
    (Answer(b'{"status": "succ', 200), "WEF104"),
    (Answer(b'{"status": "success", "AmountIncl": NaN}', 200), "WEF104"),
    (Answer(b'{"status": "success", "status": "error"}', 200), "WEF104"),
    (Answer(b'{"status": "fine"}', 200), "WEF104"),
    (Answer(b"[]", 200), "WEF104"),
    (Answer(b"", 200), "WEF104"),
    (Answer(b" " * (5 * 1024 * 1024 + 1), 200), "WEF107"),
]


@pytest.mark.parametrize(("answer", "code"), LOST)
def test_B3_a_change_whose_answer_is_lost_is_made_once_and_may_have_happened(
    answer: Answer, code: str
) -> None:
    asked: list[Asked] = []
    budget = Budget()
    caught = failing(answer, add, timeout=answer.patience, asked=asked, budget=budget)
    assert isinstance(caught, Temporary)
    assert (caught.code, caught.maybe_executed) == (code, True)
    assert (len(asked), budget.taken) == (1, 1)


@pytest.mark.parametrize(("answer", "code"), LOST)
def test_a_read_whose_answer_is_lost_changed_nothing(answer: Answer, code: str) -> None:
    caught = failing(answer, look, timeout=answer.patience)
    assert isinstance(caught, Temporary)
    assert (caught.code, caught.maybe_executed) == (code, False)


def test_B3_a_change_that_was_never_sent_certainly_did_not_happen() -> None:
    async def scenario() -> Temporary:
        port = await unused_port()
        async with open_client(loopback=True) as client:
            wefact = WeFact(client, f"http://127.0.0.1:{port}/v2/", Secret(KEY), Unlimited())
            with pytest.raises(Temporary) as caught:
                await add(wefact)
            return caught.value

    caught = asyncio.run(scenario())
    assert (caught.code, caught.maybe_executed) == ("WEF101", False)


def test_a_429_was_not_carried_out() -> None:
    caught = failing(Answer(b"", 429))
    assert isinstance(caught, Temporary)
    assert (caught.maybe_executed, caught.retry_after) == (False, 60)


def test_a_read_is_tried_three_times_each_within_the_budget() -> None:
    asked: list[Asked] = []
    budget = Budget()

    def recovers(request: Asked) -> Answer:
        asked.append(request)
        return Answer(b"", 503) if len(asked) < 3 else success("invoice", "list")

    run(recovers, look, budget=budget)
    assert (len(asked), budget.taken) == (3, 3)


def test_only_https_is_called() -> None:
    async def scenario() -> None:
        async with open_client() as client:
            await look(WeFact(client, "http://api.example/v2/", Secret(KEY), Unlimited()))

    with pytest.raises(Refused) as caught:
        asyncio.run(scenario())
    assert caught.value.code == "WEF306"


FAILURES = [
    *(answer for answer, _ in LOST[:8]),
    refusal(f"API key {KEY} is invalid"),
    refusal(f"Toegang geweigerd voor {KEY}"),
    error(f"{KEY} niet toegestaan"),
    error({"message": KEY}),
    error("Invalid controller"),
    Answer(f"IP 203.0.113.9 currently in firewall {KEY}".encode(), 403),
    Answer(KEY.encode(), 404),
]


@pytest.mark.parametrize("answer", FAILURES)
@pytest.mark.parametrize("use", [add, look])
def test_the_key_is_in_no_error_and_no_log(
    answer: Answer, use: Callable[[WeFact], Awaitable[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(MapperError) as caught:
        run(lambda _: answer, use, timeout=answer.patience)
    told = caught.value
    texts = [repr(told), str(told), told.message("nl"), told.remedy(), told.remedy("nl"), str(told.facts)]
    assert KEY not in " ".join([*texts, caplog.text])
    ours = [record for record in caplog.records if record.name == "mapper.services"]
    assert ours
    begins = ("wefact invoice/", "WeFact's firewall shut this address out")
    assert all(record.getMessage().startswith(begins) for record in ours)
