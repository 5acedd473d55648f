"""The mapping of `rules/ccv_order.yaml` and `rules/wefact.yaml` by hand in Python, to measure against.

It makes the same document, requests and check results as the rules (a test holds them equal) with the same arithmetic,
the same care for absent and mistyped fields, and the same library functions for what is no mapping (VAT numbers,
spreading cents, simulating WeFact).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from mapper.money import decimal_text, round_half_up
from mapper.rounding import settle
from mapper.rulebook.functions import (
    clean,
    country_name,
    country_of,
    join,
    local_time,
    options,
    product_code,
    products,
    rounding_rate,
    sign,
    spread,
    sum_of,
    time_text,
)  # fmt: skip
from mapper.vat import numbers
from mapper.vat.costs import fitting_vat_of
from mapper.vat.rates import VatRates
from mapper.vat.territories import Territories, Territory

_ZERO = Decimal(0)
_LIMIT = Decimal("0.05")
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)


class Missing(Exception):
    """A required field is absent."""


class Mistyped(Exception):
    """A field holds another type than documented."""


def number(record: Mapping[str, Any], name: str) -> Decimal:
    value = record.get(name)
    if value.__class__ is Decimal:
        return value  # type: ignore[no-any-return]
    if value.__class__ is int:
        return Decimal(value)  # type: ignore[arg-type]
    raise Missing(name) if value is None else Mistyped(name)


def number_or(record: Mapping[str, Any], name: str, default: Decimal) -> Decimal:
    value = record.get(name)
    if value.__class__ is Decimal:
        return value  # type: ignore[no-any-return]
    if value.__class__ is int:
        return Decimal(value)  # type: ignore[arg-type]
    if value is None:
        return default
    raise Mistyped(name)


def text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value.__class__ is str:
        return value  # type: ignore[no-any-return]
    if value is None:
        return ""
    if value.__class__ is int or value.__class__ is Decimal:
        return str(value)
    raise Mistyped(name)


def needed_text(record: Mapping[str, Any], name: str) -> str:
    if record.get(name) is None:
        raise Missing(name)
    return text(record, name)


def flag(record: Mapping[str, Any], name: str) -> bool:
    value = record.get(name)
    if value.__class__ is bool:
        return value  # type: ignore[no-any-return]
    raise Missing(name) if value is None else Mistyped(name)


class HandWritten:
    """The mapping for one tenant's settings."""

    def __init__(self, tenant: Mapping[str, Any], rates: VatRates, territories: Territories) -> None:
        self.tenant = tenant
        self.rates = rates
        self.territories = territories
        self.methods: dict[str, Mapping[str, Any]] = {}
        for method in tenant["payment_methods"]:
            self.methods.setdefault(clean(method["method"]), method)
        self.settings: dict[tuple[str, Decimal], Mapping[str, Any]] = {}
        for setting in tenant["vat"]["rates"]:
            self.settings.setdefault((setting["country"], setting["rate"]), setting)

    def run(
        self, order: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[tuple[str, str]], list[tuple[str, dict[str, Any]]]]:
        document, found = self.document(order)
        requests = self.requests(document, found)
        return document, found, requests

    def payment_method(self, name: str) -> str:
        if "transfer" in name or "bank" in name or "invoice" in name or "rekening" in name:
            return "banktransfer"
        for keyword in ("ideal", "paypal", "afterpay"):
            if keyword in name:
                return keyword
        if "mister" in name and "cash" in name:
            return "mistercash"
        if (
            ("credit" in name and "card" in name)
            or "maestro" in name
            or "visa" in name
            or "mastercard" in name
        ):
            return "creditcard"
        return "default"

    def document(self, order: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        tenant = self.tenant
        customer = order["customer"]
        billing = customer["billingaddress"]
        delivery = customer.get("deliveryaddress")
        has_delivery = delivery is not None and bool(
            text(delivery, "address_line_1").strip() or text(delivery, "street").strip()
            or text(delivery, "zipcode").strip() or text(delivery, "city").strip()
            or text(delivery, "country_code").strip()
        )  # fmt: skip
        pickup = None
        if needed_text(order, "deliver_method") == "pickup":
            pickup = country_of("pickup", "", text(order.get("pickup_address") or {}, "country"))
        billing_country = country_of("billing", text(billing, "country_code"), text(billing, "country"))
        address_country = billing_country
        if has_delivery:
            address_country = country_of(
                "delivery", text(delivery, "country_code"), text(delivery, "country")
            )
        where = pickup or address_country
        if where is None:
            raise Missing("country_code")
        if pickup is not None:
            postcode = text(order["pickup_address"], "zipcode")
        else:
            postcode = text(delivery if delivery is not None and has_delivery else billing, "zipcode")
        country = where
        territory = self.territories.resolve(country, postcode, self.rates)
        total_tax, total_price = number(order, "total_tax"), number(order, "total_price")
        is_icp = bool(order.get("is_intra_community_order"))
        home = tenant["home_country"]
        abroad = country != home or (territory.code != country and not territory.in_eu_vat)
        is_international = total_tax == 0 and total_price != 0 and not is_icp and abroad
        gone = abroad and not territory.in_eu_vat and not is_icp and total_tax == total_price == 0
        untaxed = is_icp or is_international or gone
        is_margin = tenant["margin_scheme"] and total_tax == 0 and not untaxed
        paymethod = clean(text(order, "paymethod"))
        configured = self.methods.get(paymethod)
        method = configured["method"] if configured is not None else self.payment_method(paymethod)
        fixed = self.methods.get(clean(method))
        fixed_debtor = fixed["debtor"] if fixed is not None else None
        totals_include = flag(order, "taxes_included")
        rows_include = flag(order, "order_row_taxes_included")
        total_incl = total_price if totals_include else total_price + total_tax
        date = local_time(needed_text(order, "create_date"), tenant["time_zone"])
        found: list[tuple[str, str]] = []
        invoice_number = order.get("invoicenumber")
        document = {
            "id": order["id"], "order_id": order["id"], "credited_number": None,
            "number": needed_text(order, "ordernumber_full"),
            "order_number": order["ordernumber_full"],
            "invoice_number": None if invoice_number is None else str(invoice_number),
            "date": date, "territory": territory.code, "country": territory.treated_as,
            "is_credit": False, "is_icp": is_icp, "is_international": is_international,
            "is_margin_sale": is_margin, "currency": needed_text(order, "currency"), "paid": flag(order, "paid"),
            "payment_method": method,
            "fixed_debtor": None if is_icp else fixed_debtor or None,
            "payment_method_id": order.get("paymethod_id"), "totals_include_vat": totals_include,
            "rows_include_vat": rows_include, "total_vat": total_tax, "total_incl": total_incl,
            "total_excl": total_price - total_tax if totals_include else total_price,
            "customer": {
                "first_name": text(billing, "first_name"), "last_name": text(billing, "last_name"),
                "company": text(billing, "company"), "phone": text(billing, "telephone"),
                "kvk": text(billing, "kvk") or text(customer, "kvk"), "street": text(billing, "street"),
                "address_line_2": text(billing, "address_line_2"),
                "house_number": join(" ", text(billing, "housenumber"), text(billing, "housenumber_suffix")),
                "zipcode": text(billing, "zipcode"), "city": text(billing, "city"),
                "country": billing_country or country,
                "vat_number": text(order, "vatnumber") or text(customer, "btw"),
                "email": (text(order, "email") or text(customer, "email")).strip(),
            },
            "delivery": self.delivery(delivery, address_country) if has_delivery else None,
        }  # fmt: skip
        self.lines(order, document, document["country"], untaxed, found)
        self.check(document, order, country, territory, configured, found)
        return document, found

    def delivery(self, address: Mapping[str, Any], country: str | None) -> dict[str, Any]:
        if country is None:
            raise Missing("country_code")
        return {
            "first_name": text(address, "first_name"),
            "last_name": text(address, "last_name") or text(address, "full_name"),
            "company": text(address, "company"), "phone": text(address, "telephone"), "kvk": text(address, "kvk"),
            "street": text(address, "street") or text(address, "address_line_1"),
            "address_line_2": text(address, "address_line_2"),
            "house_number": join(" ", text(address, "housenumber"), text(address, "housenumber_suffix")),
            "zipcode": text(address, "zipcode"), "city": text(address, "city"), "country": country,
            "country_name": text(address, "country"), "vat_number": "", "email": "",
        }  # fmt: skip

    def lines(
        self,
        order: Mapping[str, Any],
        document: dict[str, Any],
        country: str,
        untaxed: bool,
        found: list[tuple[str, str]],
    ) -> None:
        real = self.tenant["vat"]["real_rates_below_one"]
        rows_include = document["rows_include_vat"]
        lines: list[dict[str, Any]] = []
        rates: list[Decimal] = []
        amounts: list[Decimal] = []

        def add(kind: str, account: str, description: str, code: str, quantity: Decimal, percent: Decimal,
                discount: Decimal, price: Decimal) -> dict[str, Any]:  # fmt: skip
            factor = 1 + percent / _HUNDRED
            unit_excl = price / factor if rows_include else price
            unit_incl = unit_excl if untaxed else price if rows_include else price * factor
            total_excl, total_incl = unit_excl * quantity, unit_incl * quantity
            before_excl = total_excl + (discount / factor if rows_include else discount)
            if document["is_icp"]:
                setting = self.tenant["vat"]["icp"]
            elif untaxed:
                setting = self.tenant["vat"]["international"]
            else:
                setting = self.settings.get((country, percent))
            booked = setting[account] if setting is not None else None
            line = {
                "kind": kind, "account": account, "description": description, "product_code": code,
                "quantity": quantity,
                "vat_percent": percent, "discount": discount, "unit_excl": unit_excl, "unit_incl": unit_incl,
                "total_excl": total_excl, "total_incl": total_incl, "total_excl_before_discount": before_excl,
                "total_incl_before_discount": before_excl if untaxed
                else total_incl + (discount if rows_include else discount * factor),
                "charged_percent": _ZERO if untaxed else percent,
                "vat_code": booked["code"] if booked is not None else None,
                "cost_centre": booked["cost_centre"] if booked is not None else None,
            }  # fmt: skip
            lines.append(line)
            return line

        one = Decimal(1)
        for row in order["rows"]:
            percent = number(row, "tax")
            if 0 < percent < 1 and percent not in real:
                percent = percent * 100
            selling = number(row, "selling_price")
            attributes = row.get("attributes") or ()
            has_paid = (sum_of(attributes, "price") or 0) != 0 or number_or(
                row, "total_extra_option_price", _ZERO
            ) != 0
            price = number_or(row, "price_with_attributes", selling) if has_paid else selling
            count = number(row, "count")
            name = text(row, "product_name")
            if chosen := options(attributes, "option_name", "value_name"):
                name = f"{name} ({chosen})"
            discount = (number_or(row, "price_without_discount", selling) - selling) * count
            code = text(row, "sub_product_number") or text(row, "product_number")
            add("revenue", "revenue", name, code, count, percent, discount, price)
            rates.append(percent)
            amounts.append(price * count)
        vat_of = self.tenant["vat_of"]
        can_spread = not untaxed and not document["is_margin_sale"] and sum(amounts, _ZERO) != 0
        shipping_percent: Decimal | None = None
        shop_percent = usual = _ZERO
        if (shipping := number_or(order, "total_shipping", _ZERO)) != 0:
            percent = _ZERO
            if not untaxed:
                percent = number(order, "shipping_tax_percentage")
                if 0 < percent < 1 and percent not in real:
                    percent = percent * 100
            shop_percent = percent
            if vat_of["shipping"] == "fixed" and not untaxed:
                percent = _ZERO if document["is_margin_sale"] else vat_of["shipping_rate"]
            parts = [{"key": percent, "amount": shipping}]
            if can_spread and vat_of["shipping"] == "proportional":
                parts = spread(shipping, rates, amounts)
            for part in parts:
                add("shipping", "shipping", "Shipping costs", "Shippingcosts", one, part["key"], _ZERO,
                    part["amount"])  # fmt: skip
            shipping_percent = max(part["key"] for part in parts)
        costs = number_or(order, "paymethod_costs", _ZERO) + number_or(
            order, "extra_payment_option_price", _ZERO
        )
        if costs != 0:
            highest: Decimal | None = _ZERO
            if not untaxed and not document["is_margin_sale"]:
                own = [
                    setting["rate"]
                    for setting in self.tenant["vat"]["rates"]
                    if setting["country"] == country
                ]
                own_rates = self.tenant["vat"]["legal_rates"]
                highest = max(own, default=None)
                place = document["territory"]
                usual_rate = self.territories.standard_rate(country, document["date"], own_rates, self.rates)
                if highest is None or usual_rate in own:
                    highest = self.territories.standard_rate(place, document["date"], own_rates, self.rates)
                if highest is None:
                    highest = max(rates)
                usual = highest
                if vat_of["payment"] == "fixed":
                    highest = vat_of["payment_rate"]
                elif vat_of["payment"] == "shipping" and shipping_percent is not None:
                    highest = shipping_percent
            parts = [{"key": highest or _ZERO, "amount": costs}]
            follows = vat_of["payment"] == "shipping" and vat_of["shipping"] == "proportional"
            if can_spread and (vat_of["payment"] == "proportional" or (follows and shipping != 0)):
                parts = spread(costs, rates, amounts)
            for part in parts:
                add("payment", "payment", "Payment costs", "Paymentcosts", one, part["key"], _ZERO,
                    part["amount"])  # fmt: skip
        if (extra := number_or(order, "extra_costs", _ZERO)) != 0:
            percent = _ZERO if untaxed else max(rates)
            add(
                "surcharge",
                "revenue",
                text(order, "extra_costs_description") or "Surcharge",
                "Surcharge",
                one,
                percent,
                _ZERO,
                extra,
            )
        whole = sum(amounts, _ZERO)
        if (points := number_or(order, "credit_point_discount", _ZERO)) != 0:
            percent = _ZERO if untaxed else max(rates)
            add(
                "credit_points",
                "revenue",
                "Credit points",
                "Additionalcosts",
                one,
                percent,
                _ZERO,
                -abs(points) * sign(whole),
            )
        given = sum_of(order.get("discounts"), "amount")
        if given is None:
            given = number_or(order, "total_discounts", _ZERO)
        discount = abs(given) * sign(whole)
        shares = []
        if discount != 0:
            for share in spread(discount, rates, amounts):
                shares.append(
                    add(
                        "discount",
                        "revenue",
                        "Discount",
                        "Discount",
                        one,
                        share["key"],
                        _ZERO,
                        -share["amount"],
                    )
                )
        total_incl = document["total_incl"]
        gross = sum([line["total_incl"] for line in lines], _ZERO)
        difference = total_incl - gross.quantize(_CENT, ROUND_HALF_UP)
        limit = min(len(lines) * _CENT, self.tenant["checks"]["rounding_limit"])
        if difference != 0 and abs(difference) <= limit:
            percent = _ZERO
            if not untaxed:
                totals = [line["total_incl"] for line in lines]
                percent = rounding_rate([line["vat_percent"] for line in lines], totals, difference)
            price = difference if rows_include else difference / (1 + percent / _HUNDRED)
            add("rounding", "revenue", "Rounding", "Additionalcosts", one, percent, _ZERO, price)
            found.append(("K1", "info"))
        document["discount_incl"] = (
            discount if rows_include else -sum([line["total_incl"] for line in shares], _ZERO)
        )
        document["discount_excl"] = (
            -sum([line["total_excl"] for line in shares], _ZERO) if rows_include else discount
        )
        vat_rates = len({line["charged_percent"] for line in lines})
        if can_spread and (shipping != 0 or costs != 0):
            vat = sum([line["total_incl"] - line["total_excl"] for line in lines], _ZERO)
            rounded = lines[-1]["kind"] == "rounding"
            if rounded or vat.quantize(_CENT, ROUND_HALF_UP) != document["total_vat"]:
                others = [line for line in lines if line["kind"] not in {"shipping", "payment", "rounding"}]
                other = sum([line["total_incl"] - line["total_excl"] for line in others], _ZERO)
                if fitting_vat_of(
                    document["total_vat"], other, rows_include, shop_percent, spread(shipping, rates, amounts),
                    usual, usual, spread(costs, rates, amounts), vat_of,
                ):  # fmt: skip
                    found.append(("S1", "info"))
        gross = sum([line["total_incl"] for line in lines], _ZERO)
        total = gross.quantize(_CENT, ROUND_HALF_UP)
        document["vat_tolerance"] = max(_CENT * (vat_rates - 1), _ZERO)
        net = sum([line["total_excl"] for line in lines], _ZERO)
        vat = round_half_up(round_half_up(gross - net, 12), 2)
        document["rounded_vat"] = _ZERO
        if document["total_vat"] != vat:
            off = document["total_vat"] - vat
            ties = (
                round_half_up(gross, 6) == total and round_half_up(round_half_up(net, 12), 2) + vat != total
            )
            excess = max(abs(off) - document["vat_tolerance"] - (_CENT if ties else _ZERO), _ZERO)
            rounded = bool(lines) and lines[-1]["kind"] == "rounding" and not rows_include
            explained = abs(difference) if rounded and sign(off) == sign(difference) else _ZERO
            document["rounded_vat"] = sign(off) * min(excess, explained)
            found.append(("K1", "error" if excess > explained else "info"))
        paid, tax = number(order, "total_price"), document["total_vat"]
        in_cents = paid == round_half_up(paid, 2) and tax == round_half_up(tax, 2)
        document["adds_up"] = in_cents and total == total_incl
        document["lines"] = lines

    def check(
        self, document: dict[str, Any], order: Mapping[str, Any], country: str, territory: Territory,
        configured: Mapping[str, Any] | None,
        found: list[tuple[str, str]],
    ) -> None:  # fmt: skip
        lines, tenant = document["lines"], self.tenant
        incl = sum([line["total_incl"] for line in lines], _ZERO)
        if incl.quantize(_CENT, ROUND_HALF_UP) != document["total_incl"]:
            found.insert(0, ("K1", "error"))
        vat_number, is_icp = document["customer"]["vat_number"], document["is_icp"]
        if is_icp or vat_number:
            right = numbers.check(vat_number, document["customer"]["country"]).valid
            if is_icp:
                found.append(("K2", "info" if right else "error"))
            elif not right:
                found.append(("C3", "warning"))
        found.extend(("L4", "warning") for line in lines if line["quantity"] == 0)
        found.extend(("L4", "warning") for line in lines if line["quantity"] < 0)
        found.extend(("K3", "error") for line in lines if not line["vat_code"])
        if is_icp and configured is not None and configured["debtor"]:
            found.append(("K5", "info"))
        in_eu = territory.in_eu_vat
        own_rates = tenant["vat"]["legal_rates"]
        legal = self.territories.rates_of(territory.code, document["date"], own_rates, self.rates)
        charged = {line["charged_percent"] for line in lines}
        found.extend(("K7", "warning") for one in charged if one and legal and one not in legal)
        if in_eu and not legal and any(charged):
            found.append(("K7", "warning"))
        if is_icp and not in_eu:
            found.append(("K7", "error"))
        if territory.code != country or territory.treated_as != country:
            found.append(("K7", "info"))
        if document["total_vat"] != 0 and not in_eu:
            found.append(("K6", "error"))
        if document["total_vat"] != 0 and is_icp:
            found.append(("K6", "error"))
        mode = tenant["checks"]["eu_zero_rate"]
        if (
            document["is_international"]
            and in_eu
            and not order.get("is_platform_sale")
            and mode != "international"
        ):
            found.append(("K7", "warning" if mode == "warn" else "wait"))
        if is_icp and country == tenant["home_country"]:
            found.append(("K7", "warning"))
        if is_icp:
            held = numbers.check(vat_number, document["customer"]["country"])
            home = "EL" if tenant["home_country"] == "GR" else tenant["home_country"]
            if held.valid and held.country == home:
                found.append(("K7", "warning"))
        if document["currency"] != tenant["currency"]:
            found.append(("K8", "wait"))
        if (
            document["total_incl"] == 0
            and document["total_vat"] == 0
            and tenant["checks"]["zero_total"] == "ignore"
        ):
            found.append(("R6", "info"))

    def requests(
        self, document: dict[str, Any], found: list[tuple[str, str]]
    ) -> list[tuple[str, dict[str, Any]]]:
        invoice, customer = self.tenant["invoice"], document["customer"]
        made: list[tuple[str, dict[str, Any]]] = []
        if not document["fixed_debtor"]:
            made.append(("debtor", _filled({
                "CompanyName": customer["company"], "Initials": customer["first_name"],
                "SurName": customer["last_name"] or "NN", "TaxNumber": customer["vat_number"],
                "CompanyNumber": customer["kvk"], "Address": join(" ", customer["street"], customer["house_number"]),
                "ZipCode": customer["zipcode"], "City": customer["city"], "Country": _iso(customer["country"]),
                "EmailAddress": customer["email"], "PhoneNumber": customer["phone"],
            })))  # fmt: skip
        synchronise = self.tenant["products"]["synchronise"]
        if synchronise:
            for product in products(document["lines"]):
                made.append(("product", _filled({
                    "ProductCode": product["code"], "ProductName": product["description"],
                    "ProductKeyPhrase": product["description"], "PriceExcl": decimal_text(product["unit_excl"], 6),
                    "TaxCode": product["vat_code"],
                    "AccountingCostCentre": product["cost_centre"] or invoice["cost_centre"],
                })))  # fmt: skip
        limit = max(self.tenant["checks"]["rounding_limit"], _LIMIT)
        taxed_in = "" if document["is_icp"] or document["is_international"] else document["country"]
        vat, tolerance, rounded = (document[name] for name in ("total_vat", "vat_tolerance", "rounded_vat"))
        least, most = vat - tolerance - max(rounded, _ZERO), vat + tolerance - min(rounded, _ZERO)
        settled = settle(
            document["lines"],
            document["total_incl"],
            least,
            most,
            invoice["rounding_model"],
            limit,
            self.tenant["vat"]["rates"],
            taxed_in,
            self.tenant["home_country"],
        )
        if invoice["status"] == "paid" and not document["paid"]:
            found.append(("W7", "info"))
        if document["adds_up"] and not settled["exact"]:
            found.append(("W12", "error"))
        elif document["adds_up"] and not least <= settled["tax"] <= most:
            found.append(("W19", "error"))
        elif document["adds_up"] and settled["tax"] != vat:
            found.append(("W19", "info"))
        if document["adds_up"] and settled["exact"] and (settled["residual"] != 0 or settled["added"]):
            found.append(("W12", "info"))
        made.append(("invoice", self.invoice(document, settled["lines"], synchronise)))
        if invoice["send_by_email"]:
            made.append(("send", {"Identifier": "{invoice.Identifier}"}))
        return made

    def invoice(
        self, document: dict[str, Any], lines: list[Mapping[str, Any]], synchronise: bool
    ) -> dict[str, Any]:
        invoice, fixed = self.tenant["invoice"], document["fixed_debtor"]
        status = (
            0
            if invoice["status"] == "draft"
            else 4
            if invoice["status"] == "paid" and document["paid"]
            else 2
        )
        code = None
        if status and invoice["code"] == "order_number":
            code = document["order_number"]
        elif status and invoice["code"] == "invoice_number":
            code = document["invoice_number"]
        words = {"ideal": "ideal", "paypal": "paypal", "banktransfer": "wire"}
        params: dict[str, Any] = {
            "VatCalcMethod": "incl", "Debtor": None if fixed else "{debtor.Identifier}", "DebtorCode": fixed,
            "Date": time_text(document["date"], "%Y-%m-%d %H:%M:%S"), "InvoiceCode": code,
            "Description": join("/", document["order_number"], document["invoice_number"] or ""),
            "Term": int(invoice["term"]), "Status": status,
            "PaymentMethod": words.get(document["payment_method"], "other") if status == 4 else None,
            "PayDate": time_text(document["date"], "%Y-%m-%d") if status == 4 else None,
            "LanguageCode": invoice["layout"], "ReferenceNumber": document["order_number"],
            "AccountingCostCentre": invoice["cost_centre"], "UseProductInventory": "no", "Comment": "{operation.token}",
        }  # fmt: skip
        if invoice["address"] == "document" and not fixed:
            customer = document["customer"]
            params |= {
                "CompanyName": customer["company"], "Initials": customer["first_name"],
                "SurName": customer["last_name"] or "NN",
                "Address": join(" ", customer["street"], customer["house_number"]), "ZipCode": customer["zipcode"],
                "City": customer["city"], "Country": _iso(customer["country"]), "EmailAddress": customer["email"],
            }  # fmt: skip
        if document["delivery"] is not None and invoice["shipping_fields"] != "off":
            params["CustomFields"] = self.shipping_fields(document["delivery"], invoice["shipping_fields"])
        params["InvoiceLines"] = [
            _filled({
                "Number": decimal_text(line["quantity"], 6),
                "ProductCode": product_code(line["product_code"]) if synchronise else None,
                "Description": line["description"], "PriceExcl": decimal_text(line["unit_excl"], 6),
                "TaxCode": line["vat_code"], "AccountingCostCentre": line["cost_centre"],
            })
            for line in lines
        ]  # fmt: skip
        return _filled(params)

    def shipping_fields(self, delivery: Mapping[str, Any], names: str) -> dict[str, Any]:
        values = (
            delivery["company"], delivery["first_name"], delivery["last_name"],
            join(" ", delivery["street"], delivery["house_number"]), delivery["zipcode"], delivery["city"],
            delivery["country_name"] or country_name(delivery["country"], self.tenant["language"]),
        )  # fmt: skip
        dutch = ("bedrijf", "voornaam", "achternaam", "adres", "postcode", "plaats", "land")
        english = ("company", "firstname", "lastname", "address", "zipcode", "city", "country")
        prefix, fields = ("verzend_", dutch) if names == "dutch" else ("shipping_", english)
        return _filled({prefix + name: value for name, value in zip(fields, values, strict=True)})


def _filled(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None and value != ""}


def _iso(country: str) -> str:
    return "GB" if country == "XI" else country
