"""WeFact's API v2: one URL, errors with HTTP 200, Dutch sentences, call limits with a firewall behind them."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mapper.sandbox.faults import Controls, Switch
from mapper.sandbox.wefact_arithmetic import MODELS
from mapper.sandbox.wefact_books import ACTIONS, Books, Failed
from mapper.sandbox.wefact_form import parameters
from mapper.sandbox.wefact_shapes import spelled
from mapper.sandbox.wire import AdminError, Answer, Call, Object, php_json

KEY = "sandbox-wefact-key"
ZONE = ZoneInfo("Europe/Amsterdam")

SWITCHES: Mapping[str, Switch] = {
    "arithmetic": Switch("B", "how invoices are rounded (models A to E)", MODELS),
    "arithmetic_incl": Switch("same", "the model when VatCalcMethod is incl", ("same", *MODELS)),
    "price_decimals": Switch(6, "decimals of PriceExcl that are kept"),
    "scalars": Switch("mixed", "numbers in answers", ("mixed", "strings", "numbers")),
    "strict_types": Switch(True, "refuse JSON numbers where a text is meant (Invalid type for '…')"),
    "search_reference": Switch(True, "searchat=ReferenceNumber works on invoice list"),
    "date_ranges": Switch(
        True, "lists heed ranges of dates; if not, they are ignored as unknown parameters are"
    ),
    "unknown_column": Switch("none", "searching an unknown column finds", ("none", "all", "error")),
    "search_lag": Switch(0, "seconds before a new object is found by list (show finds it at once)"),
    "refuse_time": Switch(False, "refuse a Date that carries a time"),
    "unknown_product": Switch(
        "keep", "an invoice line's ProductCode that does not exist", ("keep", "refuse")
    ),
    "empty_date": Switch("", "how no date is written", ("", "0000-00-00")),
    "duplicate_text": Switch("in gebruik", "end of the sentence that refuses a code that exists"),
    "key_error": Switch("nl", "sentence that refuses the key", ("nl", "en")),
    "show_error": Switch("wefact", "style of 'not found'", ("wefact", "hostfact")),
    "allowed_ips": Switch(["127.0.0.1"], "addresses that have access"),
    "limit_minute": Switch(100_000, "calls a minute; WeFact: 200"),
    "limit_hour": Switch(1_000_000, "calls an hour; WeFact: 3600"),
    "banned": Switch(False, "the firewall has shut the caller out; set by a breach of a limit"),
    "ban_body": Switch("text", "body of the HTTP 403", ("text", "json")),
}


class WeFact:
    """One administration behind one key."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self.controls = Controls(SWITCHES, clock)
        self._books = Books(self.controls, self._now)
        self._calls: dict[str, int] = {}

    def labels(self, call: Call) -> Mapping[str, str]:
        """Return controller and action as asked for."""
        asked = parameters(call.body)
        return {name: str(asked.get(name, "")) for name in ("controller", "action")}

    def shown_body(self, call: Call) -> Any:
        """Return the parameters with the key hidden."""
        asked = parameters(call.body)
        return asked | {"api_key": "***"} if "api_key" in asked else asked

    def ban(self) -> Answer:
        """Put the caller in the firewall until reset, or until `banned` is set to false."""
        self.controls.values["banned"] = True
        return self._banned("127.0.0.1", {})

    def reset(self) -> None:
        """Forget the administration and the counted calls."""
        self._books = Books(self.controls, self._now)
        self._calls.clear()

    def objects(self) -> Object:
        """Return everything stored, and the outbox instead of sent mail."""
        return self._books.objects()

    def admin(self, call: Call, parts: list[str], body: Any) -> Object:
        """Show the outbox, or do what the merchant does by hand: a call that no fault, limit or log concerns."""
        if (call.method, parts) == ("GET", ["outbox"]):
            return {"outbox": self._books.outbox}
        if (call.method, parts) == ("POST", ["call"]) and isinstance(body, dict):
            return self._executed({**body, "api_key": KEY}, self.controls["allowed_ips"][0])
        raise AdminError(f"no admin request {call.method} {'/'.join(parts)}")

    def answer(self, call: Call) -> Answer:
        """Execute a call: first the limits, then address, key, controller, action."""
        headers = self._counted()
        if self.controls["banned"]:
            return self._banned(call.peer, headers)
        if call.parts != ["v2"]:
            return Answer(404, b"Not Found", "text/plain", headers)
        asked = parameters(call.body) if call.method == "POST" else {}
        result = self._executed(asked, call.peer)
        envelope = ("controller", "action", "status")
        ordered: Object = {name: result[name] for name in envelope}
        ordered["date"] = self._now().isoformat(timespec="seconds")
        ordered |= {name: value for name, value in result.items() if name not in envelope}
        return Answer(200, php_json(spelled(ordered, self.controls["scalars"])).encode(), headers=headers)

    def _executed(self, asked: Object, peer: str) -> Object:
        if peer not in self.controls["allowed_ips"]:
            return _refused("invalid", "invalid", f"IP {peer} has no access to API")
        key = asked.pop("api_key", None)
        if not (
            isinstance(key, str) and hmac.compare_digest(key.encode("utf-8", "surrogatepass"), KEY.encode())
        ):
            sentences = {"nl": "De API sleutel kan niet worden gevonden.", "en": "API key is invalid"}
            return _refused("invalid", "invalid", sentences[self.controls["key_error"]])
        controller, action = str(asked.pop("controller", "")), str(asked.pop("action", ""))
        if controller not in ACTIONS:
            return _refused(controller, action, "Invalid controller")
        if action not in ACTIONS[controller]:
            return _refused(controller, action, "Invalid action")
        envelope = {"controller": controller, "action": action}
        try:
            return envelope | {"status": "success"} | self._books.execute(controller, action, asked)
        except Failed as failure:
            return envelope | {"status": "error", "errors": failure.sentences}

    def _counted(self) -> dict[str, str]:
        """Count the call, ban when it breaches a limit, and return the headers that every answer carries."""
        now = int(self._now().timestamp())
        windows = {"Minute": (60, "limit_minute"), "Hour": (3600, "limit_hour")}
        kept = {f"{name} {now // length}": length for name, (length, _) in windows.items()}
        self._calls = {window: self._calls.get(window, 0) + 1 for window in kept}
        headers: dict[str, str] = {}
        for name, (length, switch) in windows.items():
            left = int(self.controls[switch]) - self._calls[f"{name} {now // length}"]
            if left < 0:
                self.controls.values["banned"] = True
            headers[f"API-RateLimit-Remaining-{name}"] = str(max(left, 0))
            headers[f"API-RateLimit-Reset-{name}"] = str((now // length + 1) * length)
        return headers

    def _banned(self, peer: str, headers: Mapping[str, str]) -> Answer:
        sentence = f"IP {peer} currently in firewall"
        if self.controls["ban_body"] == "text":
            return Answer(403, sentence.encode(), "text/html; charset=utf-8", headers)
        return Answer(403, php_json(_refused("invalid", "invalid", sentence)).encode(), headers=headers)

    def _now(self) -> datetime:
        return self.controls.clock().astimezone(ZONE)


def _refused(controller: str, action: str, sentence: str) -> Object:
    return {"controller": controller, "action": action, "status": "error", "errors": [sentence]}
