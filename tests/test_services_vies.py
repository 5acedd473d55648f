"""The client of VIES over real HTTP: three answers, and no outage is an error (spec K2)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from mapper.services.http import open_client
from mapper.services.vies import Answer as Judgement
from mapper.services.vies import Vies
from tests.loopback import Answer, Asked, loopback, unused_port

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def run(
    answer: Callable[[Asked], Answer],
    *,
    requester: str = "",
    asked: list[Asked] | None = None,
    timeout: float = 10,
) -> Judgement:
    """Ask about DE136695976 at a server that gives `answer`."""

    async def scenario() -> Judgement:
        async with loopback(answer) as server, open_client(loopback=True, timeout=timeout) as client:
            vies = Vies(client, f"{server.url}/rest-api/", now=lambda: NOW)
            judgement = await vies.check("DE", "136695976", requester=requester)
            (asked if asked is not None else []).extend(server.asked)
            return judgement

    return asyncio.run(scenario())


def says(body: object, status: int = 200) -> Callable[[Asked], Answer]:
    return lambda _: Answer(json.dumps(body).encode(), status)


def test_K2_a_valid_number_keeps_its_evidence() -> None:
    asked: list[Asked] = []
    body = {"valid": True, "requestIdentifier": "WAPIAAAAW1", "name": "Muster GmbH"}
    judgement = run(says(body), requester="NL004495445B01", asked=asked)
    assert judgement == Judgement("valid", "DE", "136695976", NOW, "VALID", "WAPIAAAAW1", "NL004495445B01")
    assert asked[0].target == "/rest-api/check-vat-number"
    assert json.loads(asked[0].body) == {
        "countryCode": "DE",
        "vatNumber": "136695976",
        "requesterMemberStateCode": "NL",
        "requesterNumber": "004495445B01",
    }


@pytest.mark.parametrize(
    ("body", "state", "code"),
    [
        ({"valid": True}, "valid", "VALID"),
        ({"isValid": True, "userError": "VALID"}, "valid", "VALID"),
        ({"valid": False}, "invalid", "INVALID"),
        ({"isValid": False, "userError": "INVALID"}, "invalid", "INVALID"),
        ({"isValid": False, "userError": "INVALID_INPUT"}, "invalid", "INVALID_INPUT"),
        ({"isValid": False, "userError": "MS_UNAVAILABLE"}, "unknown", "MS_UNAVAILABLE"),
        ({"isValid": True, "userError": "TIMEOUT"}, "unknown", "TIMEOUT"),
        ({"isValid": False, "userError": "VALID"}, "unknown", "UNREADABLE"),
        (
            {"actionSucceed": False, "errorWrappers": [{"error": "MS_MAX_CONCURRENT_REQ"}]},
            "unknown",
            "MS_MAX_CONCURRENT_REQ",
        ),
        ({"actionSucceed": False, "errorWrappers": [{"error": "VAT_BLOCKED"}]}, "unknown", "VAT_BLOCKED"),
        ({"actionSucceed": False, "errorWrappers": []}, "unknown", "UNREADABLE"),
        ({"actionSucceed": False, "valid": True}, "unknown", "UNREADABLE"),
        ({"valid": "true"}, "unknown", "UNREADABLE"),
        ({"valid": None}, "unknown", "UNREADABLE"),
        ({"userError": "<script>"}, "unknown", "UNREADABLE"),
        ({"userError": 5}, "unknown", "UNREADABLE"),
        ({}, "unknown", "UNREADABLE"),
        ([True], "unknown", "UNREADABLE"),
    ],
)
def test_K2_only_a_clear_verdict_is_valid_or_invalid(body: object, state: str, code: str) -> None:
    judgement = run(says(body))
    assert (judgement.state, judgement.code) == (state, code)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(b"<html>Service unavailable</html>", 503), "HTTP_503"),
        (Answer(b"<html>Maintenance</html>", 200), "UNREADABLE"),
        (Answer(b'{"valid": NaN}', 200), "UNREADABLE"),
        (Answer(b'{"valid": true}', 500), "HTTP_500"),
        (Answer(b"", 302), "HTTP_302"),
        (Answer(b"", 429), "HTTP_429"),
        (Answer(how="drop"), "NO_ANSWER"),
        (Answer(how="hang"), "NO_ANSWER"),
        (Answer(how="drip"), "NO_ANSWER"),
        (Answer(b"1" * (5 * 1024 * 1024 + 1), 200), "NO_ANSWER"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_K2_an_outage_is_unknown_and_never_an_error(answer: Answer, code: str) -> None:
    assert run(lambda _: answer, timeout=answer.patience) == Judgement(
        "unknown", "DE", "136695976", NOW, code, ""
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://vies.example", "https://[::1"])
def test_K2_a_register_that_cannot_be_called_is_unknown(url: str) -> None:
    async def scenario() -> Judgement:
        address = url.format(port=await unused_port())
        async with open_client(loopback=True) as client:
            return await Vies(client, address, now=lambda: NOW).check("DE", "136695976")

    judgement = asyncio.run(scenario())
    assert (judgement.state, judgement.code) == ("unknown", "NO_CONNECTION")


def test_the_number_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run(says({"valid": True, "name": "Muster GmbH"}), requester="NL004495445B01")
    assert caplog.records
    assert "136695976" not in caplog.text
    assert "004495445B01" not in caplog.text
    assert "Muster" not in caplog.text
