"""The shop's webhooks: registered addresses, and deliveries to them in the background over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Any

import httpx

from mapper.sandbox.faults import LOG_LENGTH, Controls
from mapper.sandbox.wire import Object, php_json

EVENTS = (
    "orders.created", "orders.updated.ispaid", "orders.updated.status", "orders.updated.trackandtrace",
    "orders.deleted", "invoices.updated.status", "products.created", "products.updated", "products.deleted",
    "returns.created", "returns.updated", "returns.deleted", "categories.created", "categories.updated",
    "categories.deleted",
)  # fmt: skip


class Webhooks:
    """Who wants to hear of what, and what was sent to them."""

    def __init__(self, controls: Controls, seed: int) -> None:
        self._controls = controls
        self._seed = seed
        self._fired = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._next_id = 31
        self.registered: dict[int, Object] = {}
        self.deliveries: deque[Object] = deque(maxlen=LOG_LENGTH)

    def register(self, event: str, address: str, *, active: bool) -> Object:
        """Store an address for an event, and return the resource with its key."""
        id, self._next_id = self._next_id, self._next_id + 1
        key = hashlib.sha256(f"webhook {id} {address}".encode()).hexdigest()[:32]
        self.registered[id] = {
            "href": f"webhooks/{id}/", "id": id, "createdate": self._now(), "event": event, "address": address,
            "key": key, "is_active": active, "parent": {"href": "webhooks/"},
        }  # fmt: skip
        return self.registered[id]

    def fire(self, event: str, body: Mapping[str, Any]) -> None:
        """Send the event to every active address that asked for it; returns at once."""
        sent = php_json({"triggered_at": self._now(), **body}).encode()
        for webhook in list(self.registered.values()):
            if webhook["event"] != event or not webhook["is_active"]:
                continue
            copies = self._copies()
            for share in copies:
                self._send(webhook, sent, dict(body), share)
            if not copies:
                self.deliveries.append(self._delivery(webhook, dict(body)) | {"lost": True})

    def again(self) -> int:
        """Send everything again that was sent or lost so far, the newest first; return how many deliveries."""
        known = {webhook["id"]: webhook for webhook in self.registered.values()}
        earlier = [each for each in self.deliveries if each["webhook"] in known]
        for delivery in reversed(earlier):
            body = delivery["body"]
            sent = php_json({"triggered_at": delivery["time"], **body}).encode()
            self._send(known[delivery["webhook"]], sent, body, 0)
        return len(earlier)

    def forge(self, id: int) -> int:
        """Send a webhook about an order to every address, signed by somebody who has no key; return how many."""
        webhooks = list(self.registered.values())
        for webhook in webhooks:
            body = {"id": id, "forged": True}
            self._send(webhook | {"key": "guessed"}, php_json(body).encode(), body, 0)
        return len(webhooks)

    def _copies(self) -> list[float]:
        """Return for each copy of a delivery at which part of `webhook_delay` it arrives."""
        how = self._controls["webhooks"]
        if how != "mixed":
            return [1.0] * {"deliver": 1, "double": 2}.get(how, 0)
        self._fired += 1
        chance = Random(f"{self._seed} {self._fired}")  # noqa: S311
        return [chance.random() for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))]

    def _send(self, webhook: Object, sent: bytes, body: Object, share: float) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(webhook, sent, body, share))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def reset(self) -> None:
        """Forget addresses and deliveries; stop those under way."""
        for task in self._tasks:
            task.cancel()
        self.registered.clear()
        self.deliveries.clear()
        self._fired = 0

    async def close(self) -> None:
        """Stop deliveries under way and close their connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _deliver(self, webhook: Object, sent: bytes, body: Object, share: float) -> None:
        delivery = self._delivery(webhook, body)
        self.deliveries.append(delivery)
        await asyncio.sleep(self._controls.scaled(float(self._controls["webhook_delay"]) * share))
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, timeout=15)
        headers = {"content-type": "application/json", "user-agent": "CCV Shop webhook"}
        if self._controls["webhook_signature"] == "address-body":
            headers["x-hash"] = signature(webhook["key"], webhook["address"], sent)
        try:
            answer = await self._client.post(webhook["address"], content=sent, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            delivery["error"] = type(error).__name__
        else:
            delivery["status"] = answer.status_code

    def _delivery(self, webhook: Object, body: Object) -> Object:
        return {
            "time": self._now(), "event": webhook["event"], "webhook": webhook["id"], "address": webhook["address"],
            "body": body, "status": None, "error": None, "lost": False,
        }  # fmt: skip

    def _now(self) -> str:
        return self._controls.clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def signature(key: str, address: str, body: bytes) -> str:
    """Return the likely signature of a delivery: HMAC-SHA512 over address and body, as in the shop's calls to apps.

    The real header and message are documented nowhere, hence the switch `webhook_signature`.
    """
    return hmac.new(key.encode(), address.encode() + b"|" + body, hashlib.sha512).hexdigest()
