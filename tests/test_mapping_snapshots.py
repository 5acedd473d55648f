"""The whole of what the rules make of each stored order and of each kind the sandbox's shop sells.

`pytest --snapshot-update` writes them anew after a change of the rules; the difference in git shows what it did.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from orders import FIXTURES, rulebooks, tenant

from mapper.mapping import apply, mapped_json
from mapper.money import dumps, loads
from mapper.sandbox.ccv import SWITCHES
from mapper.sandbox.faults import Controls
from mapper.sandbox.records import Records
from mapper.sandbox.shop import KINDS

NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
MANY = 50


def shown(payload: dict[str, Any], **changes: Any) -> Any:
    """Return what `mapper map` prints, without the places of the rules: those move with every edit."""
    made: dict[str, Any] = json.loads(
        dumps(mapped_json(apply(rulebooks(), "order", payload, tenant(**changes))))
    )
    for finding in made["findings"]:
        finding.pop("rule", None)
    return made


def sold(kind: str) -> dict[str, Any]:
    """Return an order of a kind, as the sandbox's shop sells it first."""
    made = Records(Controls(SWITCHES, lambda: NOW), 1, lambda *_: None).create(kind, {}, None)
    return {**made.order, "rows": made.rows}


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("order-*.json")))
def test_a_stored_order(snapshot, name: str) -> None:
    assert shown(loads((FIXTURES / f"{name}.json").read_bytes())) == snapshot


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_order_of_the_sandboxs_shop(snapshot, kind: str) -> None:
    made = shown(sold(kind))
    lines = (made["document"] or {"lines": []})["lines"]
    if len(lines) > MANY:
        made["document"]["lines"] = f"{len(lines)} lines"
        made["requests"][-1]["params"]["InvoiceLines"] = f"{len(lines)} lines"
    assert made == snapshot


def test_an_order_with_all_that_the_tenant_can_ask_for(snapshot) -> None:
    changes = {
        "products__synchronise": True, "invoice__send_by_email": True, "invoice__status": "paid",
        "invoice__code": "order_number", "invoice__layout": "nl", "invoice__cost_centre": "8000",
        "invoice__shipping_fields": "dutch", "invoice__address": "document",
    }  # fmt: skip
    assert shown(sold("delivery_elsewhere"), **changes) == snapshot
