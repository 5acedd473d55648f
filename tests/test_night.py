"""B5, R2: what the daemon does by the clock at night. A file of its own: one process runs one engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from daemons import Shop, home, open_shop, running, wait_for

from mapper.processing import reconcile
from mapper.store import reconciliations, tenants
from mapper.store.rows import Reconciliation


def compared(shop: Shop) -> Reconciliation | None:
    with shop.home.database.read() as conn:
        return reconciliations.latest(conn, shop.tenant)


def test_B5_every_night_shops_are_swept_and_compared_and_the_counts_add_up(tmp_path, sandbox):
    with home(tmp_path) as at:
        shop = open_shop(at, sandbox, None)
        with at.database.begin() as conn:
            tenants.go_live(conn, shop.tenant, datetime.now(UTC) - timedelta(days=60))
        days_ago = datetime.now(UTC) - timedelta(days=30)
        kinds = ("nl_ideal", "unpaid", "free")
        lost, _, free = (shop.sell(kind, create_date=f"{days_ago:%Y-%m-%dT%H:%M:%SZ}") for kind in kinds)
        with running(at, night="*/2 * * * * *"):
            wait_for(
                lambda: (found := compared(shop)) is not None and found.counts["done"]["documents"] == 1,
                lambda: at.said,
            )
            found = compared(shop)
        assert (shop.document(lost).state, shop.document(free).state) == ("done", "ignored")
        counted = {name: count["documents"] for name, count in found.counts.items()}
        assert counted["eligible"] == sum(counted[state] for state in reconcile.STATES)
        assert (counted["done"], counted["missing"], found.differences) == (1, 0, [])
        assert any(f"reconcile of {shop.tenant}: " in line and "nothing differs" in line for line in at.said)
