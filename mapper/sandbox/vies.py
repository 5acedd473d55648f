"""VIES, the EU's register of VAT numbers, as its REST service answers: an outage is HTTP 200 and not a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mapper.errors import PayloadError
from mapper.sandbox.faults import Controls, Switch
from mapper.sandbox.outages import Outages
from mapper.sandbox.wire import AdminError, Answer, Call, Object, parsed, php_json

COUNTRIES = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI".split()
# The numbers of the service's own test WSDL.
TEST_NUMBERS = {
    "100": "VALID", "200": "INVALID", "201": "INVALID_INPUT", "202": "INVALID_REQUESTER_INFO",
    "300": "SERVICE_UNAVAILABLE", "301": "MS_UNAVAILABLE", "302": "TIMEOUT", "400": "VAT_BLOCKED",
    "401": "IP_BLOCKED", "500": "GLOBAL_MAX_CONCURRENT_REQ", "501": "GLOBAL_MAX_CONCURRENT_REQ_TIME",
    "600": "MS_MAX_CONCURRENT_REQ", "601": "MS_MAX_CONCURRENT_REQ_TIME",
}  # fmt: skip
_STRUCTURES = {
    "AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}",
    "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}",
    "FR": r"[A-Z0-9]{2}\d{9}", "HR": r"\d{11}", "HU": r"\d{8}", "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}", "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})", "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"\d{9}B\d{2}", "PL": r"\d{10}",
    "PT": r"\d{9}", "RO": r"\d{2,10}", "SE": r"\d{12}", "SI": r"\d{8}", "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}  # fmt: skip

SWITCHES: Mapping[str, Switch] = {
    "answers": Switch(
        {}, 'verdict per number, as {"DE136695976": "INVALID"}; VALID, INVALID or an error code'
    ),
    "outages": Switch({}, 'error code per country, as {"DE": "MS_UNAVAILABLE"}'),
    "default": Switch("VALID", "verdict on any other number of the right structure", ("VALID", "INVALID")),
    "names": Switch(True, "tell name and address; Germany and Spain never do"),
}


class Vies:
    """The register."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self.controls = Controls(SWITCHES, clock)
        self._consultations = 0
        self._asked: list[Object] = []
        self._outages = Outages()

    def labels(self, call: Call) -> Mapping[str, str]:
        """Return nothing: this service is matched by path and method."""
        return {}

    def shown_body(self, call: Call) -> Any:
        """Return the parsed body."""
        return _body(call)

    def ban(self) -> Answer:
        """Answer as to a blocked address."""
        return self._error("IP_BLOCKED")

    def reset(self) -> None:
        """Forget what was asked, and the profile of outages."""
        self._consultations = 0
        self._outages = Outages()
        self._asked.clear()

    def objects(self) -> Object:
        """Return the numbers asked for, with the verdicts given."""
        return {"checks": self._asked}

    def admin(self, call: Call, parts: list[str], body: Any) -> Object:
        """Tell or set the profile of outages."""
        match call.method, parts:
            case "GET" | "PUT", ["outages"]:
                if call.method == "PUT":
                    self._outages = Outages.read(body)
                return self._outages.to_json()
        raise AdminError(f"no admin request {call.method} {'/'.join(parts)}")

    def answer(self, call: Call) -> Answer:
        """Answer a check, or the status of the member states."""
        parts = call.parts[-4:]
        match call.method, parts:
            case "GET", ["ms", country, "vat", number]:
                return self._looked_up(country.upper(), number.upper())
            case "GET", [*_, "check-status"]:
                return self._status()
            case "POST", [*_, "check-vat-number"]:
                return self._checked(_body(call), self._verdict)
            case "POST", [*_, "check-vat-test-service"]:
                return self._checked(_body(call), lambda _, number: TEST_NUMBERS.get(number, "INVALID_INPUT"))
        return Answer(404, b"", "text/plain")

    def _looked_up(self, country: str, number: str) -> Answer:
        verdict = self._verdict(country, number)
        self._note(country, number, verdict)
        name, address = self._names(country, verdict)
        return _json({
            "isValid": verdict == "VALID", "requestDate": self._date(), "userError": verdict, "name": name,
            "address": address, "requestIdentifier": "", "originalVatNumber": number, "vatNumber": number,
            "viesApproximate": {"name": "---", "street": "---", "postalCode": "---", "city": "---",
                                "companyType": "---", "matchName": 3, "matchStreet": 3, "matchPostalCode": 3,
                                "matchCity": 3, "matchCompanyType": 3},
        })  # fmt: skip

    def _checked(self, body: Object, verdict_of: Callable[[str, str], str]) -> Answer:
        country, number = str(body.get("countryCode", "")).upper(), str(body.get("vatNumber", "")).upper()
        requester = (
            str(body.get("requesterMemberStateCode", "")).upper(),
            str(body.get("requesterNumber", "")).upper(),
        )
        verdict = verdict_of(country, number)
        if any(requester) and not _is_structured(*requester):
            verdict = "INVALID_REQUESTER_INFO"
        self._note(country, number, verdict)
        if verdict not in {"VALID", "INVALID"}:
            return self._error(verdict)
        identifier = ""
        if any(requester):
            self._consultations += 1
            identifier = f"WAPIAAAAY{self._consultations:07}"
        name, address = self._names(country, verdict)
        return _json({
            "countryCode": country, "vatNumber": number, "requestDate": self._date(), "valid": verdict == "VALID",
            "requestIdentifier": identifier, "name": name, "address": address, "traderName": "", "traderStreet": "",
            "traderPostalCode": "", "traderCity": "", "traderCompanyType": "", "traderNameMatch": "NOT_PROCESSED",
            "traderStreetMatch": "NOT_PROCESSED", "traderPostalCodeMatch": "NOT_PROCESSED",
            "traderCityMatch": "NOT_PROCESSED", "traderCompanyTypeMatch": "NOT_PROCESSED",
        })  # fmt: skip

    def _verdict(self, country: str, number: str) -> str:
        if country not in COUNTRIES:
            return "INVALID_INPUT"
        if country in self.controls["outages"]:
            return str(self.controls["outages"][country])
        outage = self._outages.strikes(country, self.controls.clock())
        if outage is not None:
            return outage
        answer = self.controls["answers"].get(country + number)
        if answer is not None:
            return str(answer)
        return str(self.controls["default"]) if _is_structured(country, number) else "INVALID"

    def _status(self) -> Answer:
        now = self.controls.clock()
        down = {code for code in COUNTRIES if self._outages.is_down(code, now)} | self.controls[
            "outages"
        ].keys()
        states = [{"countryCode": code, "availability": "Unavailable" if code in down else "Available"}
                  for code in COUNTRIES]  # fmt: skip
        return _json({"vow": {"available": True}, "countries": states})

    def _names(self, country: str, verdict: str) -> tuple[str, str]:
        if verdict != "VALID" or country in {"DE", "ES"} or not self.controls["names"]:
            return "---", "---"
        return "VOORBEELD HANDEL", "VOORBEELDSTRAAT 1\n1000 VOORBEELD"

    def _note(self, country: str, number: str, verdict: str) -> None:
        self._asked.append({"country": country, "number": number, "verdict": verdict})
        del self._asked[:-5000]

    def _date(self) -> str:
        return self.controls.clock().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    @staticmethod
    def _error(code: str) -> Answer:
        return _json({"actionSucceed": False, "errorWrappers": [{"error": code}]})


def _is_structured(country: str, number: str) -> bool:
    return re.fullmatch(_STRUCTURES.get(country, "(?!)"), number) is not None


def _json(value: Object) -> Answer:
    return Answer(200, php_json(value).replace("\\/", "/").encode())


def _body(call: Call) -> Object:
    try:
        body = parsed(call.body) if call.body else {}
    except PayloadError:
        return {}
    return body if isinstance(body, dict) else {}
