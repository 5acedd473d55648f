"""The emulated shop's orders and invoices, and the events that changes to them set off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from mapper.money import round_half_up
from mapper.sandbox import orders, shop
from mapper.sandbox.faults import Controls
from mapper.sandbox.wire import AdminError, Object, as_decimal, merged

FIRST_ORDER = 500000001
FIRST_NUMBER = 1001
Fire = Callable[[str, Mapping[str, Any]], None]

_INVOICE_KEYS = (
    "href id invoicenumber_prefix invoicenumber invoicenumber_full ordernumber_prefix ordernumber "
    "ordernumber_full create_date status status_name type payment_link_sent taxes_included "
    "invoice_row_taxes_included is_intra_community_order shipping_taxes_included shipping_tax_percentage "
    "total_shipping total_discounts total_price_inc_tax total_price_exc_tax total_price total_tax currency "
    "extra_payment_option extra_payment_option_price paymethod_costs credit_point_discount extra_costs "
    "extra_costs_description external_reference deeplink user customer discountcoupon order invoicerows "
    "invoicenotifications download_link"
).split()
_EXTRAS = (
    "total_shipping", "total_discounts", "paymethod_costs", "extra_payment_option_price", "extra_costs",
    "credit_point_discount",
)  # fmt: skip
_SIGNED = (
    "total_price_inc_tax", "total_price_exc_tax", "total_price", "total_tax", "total_shipping", "paymethod_costs",
    "extra_payment_option_price", "extra_costs",
)  # fmt: skip
_TOTALS = ("total_orderrow_price", "total_price", "total_tax")


@dataclass(slots=True)
class Sold:
    """One order with its rows."""

    order: Object
    rows: list[Object]
    shipping_in_row_total: bool


class Records:
    """Orders and invoices by id. `fire` is told of every event with its webhook body."""

    def __init__(self, controls: Controls, seed: int, fire: Fire) -> None:
        self._controls = controls
        self._seed = seed
        self._fire = fire
        self.orders: dict[int, Sold] = {}
        self.invoices: dict[int, Object] = {}
        self.invoice_rows: dict[int, list[Object]] = {}
        self._made = 0
        self._rows_made = 0
        self._invoices_made = 0

    def reset(self) -> None:
        """Forget everything; numbering starts again."""
        self.__init__(self._controls, self._seed, self._fire)  # type: ignore[misc]

    def create(self, kind: str, changes: Mapping[str, Any], rows: list[Object] | None) -> Sold:
        """Sell an order of a kind. Raises AdminError when there is no such kind."""
        if kind not in shop.KINDS:
            raise AdminError(f"no kind '{kind}'; there are: {', '.join(shop.KINDS)}")
        place, self._made = self._made, self._made + 1
        random = Random(f"{self._seed} {kind} {place}")  # noqa: S311 - repeatable, not secret
        basket = shop.basket(kind, random)
        id = changes.get("id", FIRST_ORDER + place)
        if not isinstance(id, int) or id in self.orders:
            raise AdminError("an order's id is a number that no other order has")
        order = orders.order(basket, random, id=id, number=FIRST_NUMBER + place, created=self._now())
        sold = Sold(order, [], basket.shipping_in_row_total)
        self._replace_rows(sold, list(basket.rows) if rows is None else rows)
        self._spell(sold.order)
        self._merge(sold, changes, recompute=True)
        self.orders[id] = sold
        if sold.order["is_completed"]:
            self._fire("orders.created", self.summary(sold.order, "created"))
        return sold

    def change(self, id: int, changes: Mapping[str, Any], rows: list[Object] | None = None) -> Sold:
        """Change an order; totals follow when amounts change. Raises KeyError when there is none."""
        sold = self.orders[id]
        before = dict(sold.order)
        if rows is not None:
            self._replace_rows(sold, rows)
        self._merge(sold, changes, recompute=rows is not None or bool(orders.AMOUNTS & set(changes)))
        if sold.order["is_completed"] and not before["is_completed"]:
            self._fire("orders.created", self.summary(sold.order, "created"))
        if sold.order["paid"] != before["paid"]:
            self._fire("orders.updated.ispaid", self.summary(sold.order, "ispaid"))
        if sold.order["status"] != before["status"]:
            body = self.summary(sold.order, "status", previous=before["status"])
            self._fire("orders.updated.status", body)
        return sold

    def delete(self, id: int) -> None:
        """Delete an order. Raises KeyError when there is none."""
        sold = self.orders.pop(id)
        self._fire("orders.deleted", self.summary(sold.order, "deleted"))

    def invoice(self, id: int, changes: Mapping[str, Any], rows: list[Object] | None = None) -> Object:
        """Make an invoice of an order: debit, or credit with `{"type": "credit"}`. Raises KeyError.

        `rows` make it a partial one, without the order's shipping, fees and discounts unless `changes` have them:
        `{"of": 1, "count": 2}` is two of the order's first row, other rows are as an order's. On a credit a row with a
        negative count is charged (a restocking fee). Amounts are given without signs; a switch sets those of credits.
        """
        sold = self.orders[id]
        place = self._invoices_made
        self._invoices_made += 1
        order, invoiced = sold.order, sold.rows
        if rows is not None:
            invoiced = [self._invoiced_row(sold, row) for row in rows]
            order = merged(
                order,
                dict.fromkeys(_EXTRAS, 0) | {name: changes[name] for name in _EXTRAS if name in changes},
            )
            order |= orders.totals(
                order, invoiced, shipping_in_row_total=False, fees=self._controls["fees_taxed"]
            )
        made = merged(_invoice(order, 600000001 + place, 41 + place, self._now()), dict(changes))
        signs = self._controls["credit_counts"] if made["type"] == "credit" else "positive"
        if signs != "positive":
            made |= {
                name: -as_decimal(made[name] or 0)
                for name in _SIGNED
                if rows is not None or name not in changes
            }
        self.invoices[made["id"]] = made
        self.invoice_rows[made["id"]] = [
            _invoice_row(row, made["id"], signs, 1000 * place + number) for number, row in enumerate(invoiced)
        ]
        self._fire("invoices.created", _invoice_summary(made))
        return made

    def _invoiced_row(self, sold: Sold, given: Mapping[str, Any]) -> Object:
        self._rows_made += 1
        id = 700000000 + self._rows_made
        if "of" not in given:
            return orders.row(given, id=id, order_id=sold.order["id"])
        place = given["of"]
        if not isinstance(place, int) or not 1 <= place <= len(sold.rows):
            raise AdminError(f"'of' is the place of a row of the order, from 1 to {len(sold.rows)}")
        row = sold.rows[place - 1] | {name: value for name, value in given.items() if name != "of"}
        count = as_decimal(row["count"])
        per_row = {"total_price": "selling_price", "total_price_with_attributes": "price_with_attributes"}
        return row | {
            total: round_half_up(count * as_decimal(row[unit]), 2) for total, unit in per_row.items()
        }

    def delete_invoice(self, id: int) -> None:
        """Delete an invoice. Raises KeyError when there is none."""
        del self.invoices[id], self.invoice_rows[id]

    def change_invoice(self, id: int, changes: Mapping[str, Any]) -> Object:
        """Change an invoice. Raises KeyError when there is none."""
        invoice = self.invoices[id]
        before = invoice["status"]
        invoice |= changes
        if invoice["status"] != before:
            body = _invoice_summary(invoice) | {"previous_status": before, "status": invoice["status"]}
            self._fire("invoices.updated.status", body)
        return invoice

    def row(self, id: int) -> Object:
        """Return an order row. Raises KeyError when there is none."""
        for sold in self.orders.values():
            for row in sold.rows:
                if row["id"] == id:
                    return row
        raise KeyError(id)

    @staticmethod
    def summary(order: Mapping[str, Any], what: str, *, previous: int | None = None) -> Object:
        """Return the small body a webhook carries."""
        body: Object = {
            "href": str(order["href"]).rstrip("/"), "id": order["id"], "order_number": order["ordernumber"],
            "ordernumber_prefix": order["ordernumber_prefix"], "ordernumber_full": order["ordernumber_full"],
            "total_price": order["total_price"],
        }  # fmt: skip
        if what == "created":
            names = ("status", "paid", "track_and_trace_code", "track_and_trace_carrier")
            body |= {name: order[name] for name in names}
        if what == "ispaid":
            body["paid"] = order["paid"]
        if what == "status":
            body |= {"previous_status": previous, "status": order["status"]}
        customer = order["customer"] if isinstance(order["customer"], dict) else {}
        billing = customer.get("billingaddress")
        mobile = billing.get("mobile", "") if isinstance(billing, dict) else ""
        return body | {
            "customer_email": customer.get("email", ""),
            "customer_mobile": mobile,
        }

    def _merge(self, sold: Sold, changes: Mapping[str, Any], *, recompute: bool) -> None:
        sold.order = merged(
            sold.order, {name: value for name, value in changes.items() if name not in _TOTALS}
        )
        if recompute:
            in_row_total = (
                sold.shipping_in_row_total or self._controls["orderrow_price"] == "rows_and_shipping"
            )
            fees = self._controls["fees_taxed"]
            totals = orders.totals(sold.order, sold.rows, shipping_in_row_total=in_row_total, fees=fees)
            sold.order = merged(sold.order, totals)
        sold.order = merged(sold.order, {name: changes[name] for name in _TOTALS if name in changes})

    def _replace_rows(self, sold: Sold, given: list[Object]) -> None:
        sold.rows = []
        for each in given:
            self._rows_made += 1
            sold.rows.append(orders.row(each, id=700000000 + self._rows_made, order_id=sold.order["id"]))

    def _spell(self, order: Object) -> None:
        """Write what is unknown about the shop as the switches say."""
        for name, switch in (
            ("total_discounts", "discount_sign"),
            ("credit_point_discount", "credit_points_sign"),
        ):
            amount = abs(as_decimal(order[name]))
            order[name] = -amount if self._controls[switch] == "negative" else amount
        user = order["user"]
        if user["id"] is not None:
            user["id"] = int(user["id"]) if self._controls["user_id"] == "int" else str(user["id"])
            user["href"] = f"users/{user['id']}"

    def _now(self) -> datetime:
        return self._controls.clock()


def _invoice(order: Object, id: int, number: int, created: datetime) -> Object:
    same = ("ordernumber_prefix", "ordernumber", "ordernumber_full", "taxes_included", "is_intra_community_order",
            "shipping_taxes_included", "shipping_tax_percentage", "total_shipping", "total_discounts", "total_tax",
            "currency", "extra_payment_option", "extra_payment_option_price", "paymethod_costs",
            "credit_point_discount", "extra_costs", "extra_costs_description", "user", "customer",
            "discountcoupon")  # fmt: skip
    prefix = f"F{created.year}-"
    total, tax = as_decimal(order["total_price"]), as_decimal(order["total_tax"])
    including = total if order["taxes_included"] else total + tax
    link = f"/onderhoud/AdminItems/StandaloneObjects/Invoice.php?InvoiceId=opaque{id}"
    made: Object = {
        "href": f"invoices/{id}/", "id": id, "invoicenumber_prefix": prefix, "invoicenumber": number,
        "invoicenumber_full": f"{prefix}{number}", "create_date": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "paid" if order["paid"] else "unpaid", "status_name": "Betaald" if order["paid"] else "Onbetaald",
        "type": "debit", "payment_link_sent": None, "invoice_row_taxes_included": order["order_row_taxes_included"],
        "total_price_inc_tax": including, "total_price_exc_tax": including - tax, "total_price": total,
        "external_reference": None, "deeplink": link, "order": order["href"],
        "invoicerows": {"href": f"invoices/{id}/invoicerows/"},
        "invoicenotifications": {"href": f"invoices/{id}/invoicenotifications/"}, "download_link": link,
        **{name: order[name] for name in same},
    }  # fmt: skip
    return {name: made[name] for name in _INVOICE_KEYS}


def _invoice_summary(invoice: Mapping[str, Any]) -> Object:
    """Return the body of an invoice's webhook; no source shows one, so it holds only what identifies it."""
    return {"href": str(invoice["href"]).rstrip("/"), "id": invoice["id"]}


def _invoice_row(row: Object, invoice_id: int, signs: str, place: int) -> Object:
    made = {
        name: value
        for name, value in row.items()
        if name not in {"order_id", "product_name_google", "uploads"}
    }
    id = 800_000_001 + place
    options = [
        {name: each[name] for name in ("option_name", "value_name", "price")} for each in row["attributes"]
    ]
    turned = {
        "positive": (), "negative": ("count", *_ROW_TOTALS), "prices": (*_ROW_PRICES, *_ROW_TOTALS),
    }[signs]  # fmt: skip
    for name in turned:
        made[name] = round_half_up(-as_decimal(made[name]), 4)
    return made | {
        "href": f"invoicerows/{id}/", "id": id, "invoice_id": str(invoice_id),
        "attributes": options,
        "orderrow": {"href": row["href"]}, "parent": {"href": f"invoices/{invoice_id}"},
    }  # fmt: skip


_ROW_TOTALS = ("total_price", "total_price_with_attributes")
_ROW_PRICES = (
    "price", "original_price", "selling_price", "price_without_discount", "price_without_discount_with_attributes",
    "price_with_attributes",
)  # fmt: skip
