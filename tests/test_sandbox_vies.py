"""The emulated VIES answers as the service does: an outage is not a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mapper.sandbox.serve import Sandbox


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def vies(served: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, base_url=served.vies) as client:
        client.post("/_sandbox/reset")
        yield client


def check(vies: httpx.Client, number: str, path: str = "/check-vat-number", **more: str) -> Any:
    answer = vies.post(path, json={"countryCode": "DE", "vatNumber": number, **more})
    assert answer.status_code == 200
    return answer.json()


def test_a_number_of_the_right_structure_is_valid(vies: httpx.Client) -> None:
    answer = vies.get("/ms/DE/vat/136695976").json()
    assert (answer["isValid"], answer["userError"], answer["vatNumber"]) == (True, "VALID", "136695976")
    assert (answer["name"], answer["address"]) == ("---", "---")
    assert vies.get("/ms/NL/vat/004495445B01").json()["name"] != "---"


@pytest.mark.parametrize(
    ("country", "number", "verdict"),
    [
        ("DE", "13669597", "INVALID"),
        ("EL", "094259216", "VALID"),
        ("GR", "094259216", "INVALID_INPUT"),
        ("GB", "123456789", "INVALID_INPUT"),
    ],
)
def test_the_verdict_follows_country_and_structure(
    vies: httpx.Client, country: str, number: str, verdict: str
) -> None:
    answer = vies.get(f"/ms/{country}/vat/{number}").json()
    assert (answer["userError"], answer["isValid"]) == (verdict, verdict == "VALID")


def test_a_verdict_can_be_set_for_a_number(vies: httpx.Client) -> None:
    vies.put("/_sandbox/switches", json={"answers": {"DE136695976": "INVALID"}})
    assert vies.get("/ms/DE/vat/136695976").json()["isValid"] is False
    assert check(vies, "136695976")["valid"] is False
    assert check(vies, "129273398")["valid"] is True


def test_an_outage_is_http_200_and_no_verdict(vies: httpx.Client) -> None:
    vies.put("/_sandbox/switches", json={"outages": {"DE": "MS_UNAVAILABLE"}})
    looked_up = vies.get("/ms/DE/vat/136695976")
    assert looked_up.status_code == 200
    assert (looked_up.json()["isValid"], looked_up.json()["userError"]) == (False, "MS_UNAVAILABLE")
    assert check(vies, "136695976") == {
        "actionSucceed": False,
        "errorWrappers": [{"error": "MS_UNAVAILABLE"}],
    }
    states = {
        each["countryCode"]: each["availability"] for each in vies.get("/check-status").json()["countries"]
    }
    assert (states["DE"], states["FR"]) == ("Unavailable", "Available")


def test_a_consultation_number_is_given_to_a_requester_only(vies: httpx.Client) -> None:
    assert check(vies, "136695976")["requestIdentifier"] == ""
    requester = {"requesterMemberStateCode": "NL", "requesterNumber": "004495445B01"}
    assert check(vies, "136695976", **requester)["requestIdentifier"]
    answer = check(vies, "136695976", requesterMemberStateCode="NL", requesterNumber="1")
    assert answer["errorWrappers"] == [{"error": "INVALID_REQUESTER_INFO"}]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("201", "INVALID_INPUT"), ("300", "SERVICE_UNAVAILABLE"), ("301", "MS_UNAVAILABLE"), ("302", "TIMEOUT"),
        ("400", "VAT_BLOCKED"), ("401", "IP_BLOCKED"), ("500", "GLOBAL_MAX_CONCURRENT_REQ"),
        ("501", "GLOBAL_MAX_CONCURRENT_REQ_TIME"), ("600", "MS_MAX_CONCURRENT_REQ"),
        ("601", "MS_MAX_CONCURRENT_REQ_TIME"),
    ],
)  # fmt: skip
def test_the_test_service_knows_the_services_own_test_numbers(
    vies: httpx.Client, number: str, code: str
) -> None:
    assert check(vies, "100", "/check-vat-test-service")["valid"] is True
    assert check(vies, "200", "/check-vat-test-service")["valid"] is False
    assert check(vies, number, "/check-vat-test-service")["errorWrappers"] == [{"error": code}]


def test_a_prefix_before_the_paths_is_accepted(vies: httpx.Client) -> None:
    assert vies.get("/taxation_customs/vies/rest-api/ms/DE/vat/136695976").json()["isValid"] is True


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"countryCode": 5}'])
def test_nonsense_is_invalid_input(vies: httpx.Client, body: bytes) -> None:
    answer = vies.post("/check-vat-number", content=body)
    assert answer.json()["errorWrappers"] == [{"error": "INVALID_INPUT"}]


def test_faults_strike_here_too(vies: httpx.Client) -> None:
    vies.post(
        "/_sandbox/faults", json=[{"kind": "drop_before", "match": {"path": "/ms/DE"}}, {"kind": "status"}]
    )
    with pytest.raises(httpx.TransportError):
        vies.get("/ms/DE/vat/136695976")
    assert vies.get("/ms/DE/vat/136695976").status_code == 503
    assert vies.get("/nothing").status_code == 404
    assert [each["number"] for each in vies.get("/_sandbox/objects").json()["checks"]] == []
