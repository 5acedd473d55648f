"""Sales invoices in WeFact: drafts and codes, lines, totals, sending, paying, crediting."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from mapper.money import round_half_up
from mapper.sandbox import wefact_shapes as shapes
from mapper.sandbox.faults import Controls
from mapper.sandbox.wefact_arithmetic import Line, Totals, totals
from mapper.sandbox.wefact_failures import Failed, day, decimal, reject_identifier, reject_types, text
from mapper.sandbox.wefact_tax import percentage
from mapper.sandbox.wire import ZERO, Object, as_decimal

DRAFT, SENT, PARTLY_PAID, PAID, CREDIT, LAPSED = "0", "2", "3", "4", "8", "9"


class Account(Protocol):
    """What invoices need of the rest of the administration."""

    codes: dict[str, Object]
    outbox: list[Object]

    def debtor(self, asked: Object) -> Object:
        """Return the debtor meant, or raise Failed."""

    def product(self, code: str) -> Object | None:
        """Return the product with this code, if any."""

    def note_added(self, controller: str, identifier: int) -> None:
        """Remember when an object came."""


class Invoices:
    """All sales invoices by Identifier."""

    def __init__(self, controls: Controls, now: Callable[[], datetime], account: Account) -> None:
        self._controls = controls
        self._now = now
        self._account = account
        self.stored: dict[int, Object] = {}
        self._drafts = 0
        self._numbers: dict[str, int] = {}
        self._next_id = 41
        self._next_line = 101

    def execute(self, controller: str, action: str, asked: Object) -> Object:
        """Carry out an action on invoices or their lines. Raises Failed."""
        if (controller, action) == ("invoice", "add"):
            return {"invoice": self._add(asked)}
        invoice = self._find(asked)
        actions: dict[str, Callable[[Object, Object], Object]] = {
            "edit": self._edit, "delete": self._delete, "credit": self._credit, "sendbyemail": self._send,
            "markaspaid": self._mark_paid, "markasunpaid": self._mark_unpaid, "partpayment": self._part_payment,
            "download": self._download, "block": self._block, "unblock": self._block,
        }  # fmt: skip
        if controller == "invoiceline":
            return self._add_lines(invoice, asked) if action == "add" else self._delete_lines(invoice, asked)
        if action == "show":
            return {"invoice": invoice}
        if action not in actions:
            raise Failed("Deze actie doet de zandbak niet na.")
        if action in {"block", "unblock"}:
            asked = asked | {"SubStatus": "BLOCKED" if action == "block" else ""}
        return actions[action](invoice, asked)

    def _add(self, asked: Object) -> Object:
        reject_identifier(asked)
        self._reject_types(asked)
        debtor = self._account.debtor(asked)
        status = text(asked, "Status") or DRAFT
        _reject_status(status)
        made = shapes.invoice_defaults()
        made |= {name: debtor[name] for name in shapes.INVOICE_ADDRESS}
        made |= {"InvoiceMethod": debtor["InvoiceMethod"], "LanguageCode": debtor["LanguageCode"]}
        made |= {
            "Currency": debtor["Currency"],
            "Debtor": debtor["Identifier"],
            "DebtorCode": debtor["DebtorCode"],
        }
        made["Date"] = self._now().date().isoformat()
        if debtor["InvoiceTerm"] != "-1":
            made["Term"] = debtor["InvoiceTerm"]
        self._fill(made, asked)
        made["InvoiceLines"] = self._lines(asked, made["Date"])
        if not made["InvoiceLines"]:
            raise Failed("Een factuur moet minimaal één factuurregel bevatten")
        made["Status"] = status
        made["InvoiceCode"] = self._code(text(asked, "InvoiceCode"), status, made["Date"])
        made["Identifier"], self._next_id = str(self._next_id), self._next_id + 1
        stamp = self._stamp()
        made |= {"Created": stamp, "Modified": stamp, "VatShift": "no", "Translations": {}}
        self._settle(made)
        if status == PAID:
            made |= {"AmountPaid": made["AmountIncl"], "AmountOutstanding": "0.00"}
        self._account.note_added("invoice", int(made["Identifier"]))
        self.stored[int(made["Identifier"])] = made
        return made

    def _fill(self, made: Object, asked: Object) -> None:
        same = set(shapes.INVOICE_TEXTS) - {
            "InvoiceCode",
            "DebtorCode",
            "Date",
            "PayDate",
            "UseProductInventory",
        }
        made |= {name: text(asked, name) for name in shapes.INVOICE_TEXTS if name in same and name in asked}
        refuse_time = self._controls["refuse_time"]
        for name in ("Date", "PayDate"):
            if text(asked, name):
                made[name] = day(text(asked, name), refuse_time=refuse_time).isoformat()
        for name in ("Term", "InvoiceMethod", "AmountPaid"):
            if asked.get(name) not in (None, ""):
                made[name] = str(decimal(asked, name))
        if "Discount" in asked:
            made["Discount"] = decimal(asked, "Discount")
        _reject_nonsense(made)
        if isinstance(asked.get("CustomFields"), dict):
            made["CustomFields"] = made.get("CustomFields", {}) | asked["CustomFields"]

    def _lines(self, asked: Object, invoice_date: str) -> list[Object]:
        given = asked.get("InvoiceLines", [])
        if isinstance(given, dict):
            given = list(given.values())
        if not isinstance(given, list):
            raise Failed("Invalid type for 'InvoiceLines'")
        return [self._line(each, place, invoice_date) for place, each in enumerate(given)]

    def _line(self, given: Any, place: int, invoice_date: str) -> Object:
        path = f"InvoiceLines[{place}]."
        if not isinstance(given, dict):
            raise Failed(f"Invalid type for 'InvoiceLines[{place}]'")
        reject_types(given, shapes.LINE_TEXTS, strict=self._controls["strict_types"], path=path)
        product = self._product(text(given, "ProductCode"))
        code = text(given, "TaxCode") or (product["TaxCode"] if product else "V21")
        if code not in self._account.codes:
            raise Failed(f"De btw-code {code} bestaat niet")
        price = decimal(given, "PriceExcl", path) if given.get("PriceExcl") not in (None, "") else None
        if price is None:
            price = as_decimal(product["PriceExcl"]) if product else ZERO
        number = decimal(given, "Number", path) if given.get("Number") not in (None, "") else Decimal(1)
        discount = decimal(given, "DiscountPercentage", path) if given.get("DiscountPercentage") else ZERO
        if not 0 <= discount <= 100:
            raise Failed("De korting is niet juist ingevuld")
        id, self._next_line = self._next_line, self._next_line + 1
        text_of_product = product["ProductKeyPhrase"] if product else ""
        return {
            "Identifier": id, "Date": text(given, "Date") or invoice_date, "Number": shapes.trimmed(number),
            "NumberSuffix": text(given, "NumberSuffix"), "ProductCode": text(given, "ProductCode"),
            "Description": text(given, "Description") or text_of_product,
            "PriceExcl": shapes.trimmed(round_half_up(price, int(self._controls["price_decimals"]))),
            "DiscountPercentage": discount, "DiscountPercentageType": text(given, "DiscountPercentageType") or "line",
            "TaxCode": code, "TaxPercentage": percentage(self._account.codes[code]), "PeriodicID": "0",
            "Periods": "1", "Periodic": "", "StartDate": "", "EndDate": "", "StartPeriod": "", "EndPeriod": "",
            **{name: given[name] for name in ("AccountingCostCentre", "AccountingProject") if given.get(name)},
        }  # fmt: skip

    def _product(self, code: str) -> Object | None:
        product = self._account.product(code) if code else None
        if code and product is None and self._controls["unknown_product"] == "refuse":
            raise Failed(f"Product {code} niet gevonden")
        return product

    def _settle(self, invoice: Object) -> None:
        """Work out what follows from the lines, the date and the status."""
        sums = self._totals(invoice)
        draft = invoice["Status"] == DRAFT
        outstanding = ZERO if draft else sums.incl - as_decimal(invoice["AmountPaid"])
        invoice |= {
            "AmountExcl": shapes.cents(sums.excl), "AmountTax": shapes.cents(sums.tax),
            "AmountIncl": shapes.cents(sums.incl), "AmountOutstanding": shapes.cents(outstanding),
        }  # fmt: skip
        due = date.fromisoformat(invoice["Date"]) + timedelta(days=int(invoice["Term"]))
        invoice["PayBefore"] = due.isoformat()
        for name in ("SentDate", "PayDate", "ReminderDate", "SummationDate"):
            invoice[name] = invoice[name] or self._controls["empty_date"]
        invoice["Translations"] = {
            "Status": shapes.STATUSES[invoice["Status"]],
            "Country": shapes.COUNTRIES.get(invoice["Country"], invoice["Country"]),
            "InvoiceMethod": shapes.INVOICE_METHODS[invoice["InvoiceMethod"]],
            "PaymentMethod": invoice["PaymentMethod"], "LanguageLabel": "Nederlands",
        }  # fmt: skip

    def _totals(self, invoice: Object) -> Totals:
        lines = [
            Line(
                Decimal(each["Number"]),
                Decimal(each["PriceExcl"]),
                each["TaxPercentage"],
                each["DiscountPercentage"],
            )
            for each in invoice["InvoiceLines"]
        ]
        model = self._controls["arithmetic"]
        if invoice["VatCalcMethod"] == "incl" and self._controls["arithmetic_incl"] != "same":
            model = self._controls["arithmetic_incl"]
        return totals(lines, discount=as_decimal(invoice["Discount"]), model=model)

    def _code(self, given: str, status: str, invoice_date: str) -> str:
        if status == DRAFT:
            if given:
                raise Failed("Een factuurnummer is niet toegestaan voor een conceptfactuur")
            self._drafts += 1
            return f"[concept]{self._drafts:04}"
        taken = {each["InvoiceCode"].lower() for each in self.stored.values()}
        if given.lower() in taken:
            raise Failed(f"Factuurnummer {given} is al {self._controls['duplicate_text']}")
        if given:
            return given
        year = invoice_date[:4]
        number = self._numbers.get(year, 1)
        while f"f{year}-{number:04}" in taken:
            number += 1
        self._numbers[year] = number + 1
        return f"F{year}-{number:04}"

    def _edit(self, invoice: Object, asked: Object) -> Object:
        self._reject_types(asked)
        changed = dict(invoice)
        if asked.get("Debtor") or (asked.get("DebtorCode") and asked["DebtorCode"] != invoice["DebtorCode"]):
            debtor = self._account.debtor(asked)
            changed |= {"Debtor": debtor["Identifier"], "DebtorCode": debtor["DebtorCode"]}
        self._fill(changed, asked)
        if asked.get("InvoiceLines"):
            changed["InvoiceLines"] = self._lines(asked, changed["Date"])
        if text(asked, "Status") not in {"", changed["Status"]} and changed["Status"] == DRAFT:
            _reject_status(text(asked, "Status"))
            changed["Status"] = text(asked, "Status")
            changed["InvoiceCode"] = self._code("", changed["Status"], changed["Date"])
        self._settle(changed)
        return self._changed(invoice, changed)

    def _delete(self, invoice: Object, asked: Object) -> Object:
        if invoice["Status"] != DRAFT:
            raise Failed("Alleen conceptfacturen kunnen worden verwijderd")
        del self.stored[int(invoice["Identifier"])]
        return {"success": [f"Conceptfactuur {invoice['InvoiceCode']} is verwijderd."]}

    def _credit(self, invoice: Object, asked: Object) -> Object:
        if invoice["Status"] not in {SENT, PARTLY_PAID, PAID}:
            raise Failed(f"Factuur {invoice['InvoiceCode']} kan niet worden gecrediteerd")
        lines = [
            line | {"PriceExcl": shapes.trimmed(-Decimal(line["PriceExcl"]))}
            for line in invoice["InvoiceLines"]
        ]
        today = self._now().date().isoformat()
        made = invoice | {"Status": CREDIT, "InvoiceLines": lines, "Date": today, "Sent": "0", "SentDate": "",
                          "AmountPaid": "0.00", "InvoiceCode": self._code("", CREDIT, today)}  # fmt: skip
        made["Identifier"], self._next_id = str(self._next_id), self._next_id + 1
        made |= {"Created": self._stamp(), "Modified": self._stamp()}
        self._settle(made)
        made["AmountOutstanding"] = "0.00"
        self._account.note_added("invoice", int(made["Identifier"]))
        self.stored[int(made["Identifier"])] = made
        lapsed = invoice | {"Status": LAPSED, "AmountOutstanding": "0.00"}
        self._changed(invoice, lapsed)
        sentences = [f"Creditfactuur {made['InvoiceCode']} is aangemaakt",
                     f"Factuur {invoice['InvoiceCode']} is gecrediteerd."]  # fmt: skip
        return {"success": sentences, "invoice": made}

    def _send(self, invoice: Object, asked: Object) -> Object:
        if not invoice["EmailAddress"]:
            raise Failed("Er is geen e-mailadres ingevuld")
        if invoice["SubStatus"] == "BLOCKED":
            raise Failed(f"Factuur {invoice['InvoiceCode']} is geblokkeerd")
        changed = dict(invoice)
        if changed["Status"] == DRAFT:
            changed |= {"Status": SENT, "InvoiceCode": self._code("", SENT, changed["Date"])}
        code = changed["InvoiceCode"]
        changed |= {"Sent": str(int(changed["Sent"]) + 1), "SentDate": self._stamp()}
        changed["PaymentURL"] = f"https://www.mijnwefact.nl/betalen/?payment={code}&key=opaque&aid=0"
        self._settle(changed)
        self._account.outbox.append(
            {
                "time": self._stamp(),
                "to": changed["EmailAddress"],
                "InvoiceCode": code,
                "Identifier": changed["Identifier"],
            }
        )
        sentence = f"Factuur {code} is per e-mail verzonden naar {changed['EmailAddress']}."
        return {"warning": [], "success": [sentence]} | self._changed(invoice, changed)

    def _mark_paid(self, invoice: Object, asked: Object) -> Object:
        self._require_sent(invoice)
        method = text(asked, "PaymentMethod") or "wire"
        if method not in shapes.PAYMENT_METHODS:
            raise Failed("De betaalmethode is niet juist ingevuld")
        paid = day(text(asked, "PayDate"), refuse_time=True) if text(asked, "PayDate") else self._now().date()
        changed = invoice | {"Status": PAID, "AmountPaid": invoice["AmountIncl"], "PaymentMethod": method,
                             "PayDate": paid.isoformat()}  # fmt: skip
        self._settle(changed)
        self._changed(invoice, changed)
        return {"success": [f"Factuur {invoice['InvoiceCode']} is betaald."]}

    def _mark_unpaid(self, invoice: Object, asked: Object) -> Object:
        if invoice["Status"] != PAID:
            raise Failed(f"Factuur {invoice['InvoiceCode']} is niet betaald")
        changed = invoice | {"Status": SENT, "AmountPaid": "0.00", "PayDate": "", "PaymentMethod": ""}
        self._settle(changed)
        return self._changed(invoice, changed)

    def _part_payment(self, invoice: Object, asked: Object) -> Object:
        self._require_sent(invoice)
        paid = as_decimal(invoice["AmountPaid"]) + decimal(asked, "AmountPaid")
        status = PAID if paid >= as_decimal(invoice["AmountIncl"]) else PARTLY_PAID
        changed = invoice | {"Status": status, "AmountPaid": shapes.cents(paid)}
        self._settle(changed)
        sentence = f"Deelbetaling factuur {invoice['InvoiceCode']} is verwerkt"
        return {"success": [sentence]} | self._changed(invoice, changed)

    def _download(self, invoice: Object, asked: Object) -> Object:
        name = f"Factuur_{invoice['InvoiceCode']}.pdf"
        body = base64.b64encode(b"%PDF-1.4 sandbox " + name.encode()).decode()
        return {"invoice": {"Filename": name, "Base64": body, "MimeType": "application/pdf"}}

    def _block(self, invoice: Object, asked: Object) -> Object:
        if invoice["Status"] != DRAFT:
            raise Failed("Alleen conceptfacturen kunnen worden geblokkeerd")
        word = "geblokkeerd" if asked["SubStatus"] else "gedeblokkeerd"
        changed = self._changed(invoice, invoice | {"SubStatus": asked["SubStatus"]})
        return {"success": [f"Factuur {invoice['InvoiceCode']} is {word}."]} | changed

    def _add_lines(self, invoice: Object, asked: Object) -> Object:
        added = self._lines(asked, invoice["Date"])
        changed = invoice | {"InvoiceLines": invoice["InvoiceLines"] + added}
        self._settle(changed)
        return {"success": [f"Er zijn {len(added)} factuurregels toegevoegd"]} | self._changed(
            invoice, changed
        )

    def _delete_lines(self, invoice: Object, asked: Object) -> Object:
        given = asked.get("InvoiceLines")
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise Failed("Invalid type for 'InvoiceLines'")
        gone = {text(each, "Identifier") for each in given}
        left = [line for line in invoice["InvoiceLines"] if str(line["Identifier"]) not in gone]
        if not left:
            raise Failed("Een factuur moet minimaal één factuurregel bevatten")
        count = len(invoice["InvoiceLines"]) - len(left)
        changed = invoice | {"InvoiceLines": left}
        self._settle(changed)
        return {"success": [f"Er zijn {count} factuurregels verwijderd"]} | self._changed(invoice, changed)

    def _changed(self, invoice: Object, changed: Object) -> Object:
        changed["Modified"] = self._stamp()
        self.stored[int(invoice["Identifier"])] = changed
        return {"invoice": changed}

    def _find(self, asked: Object) -> Object:
        identifier, code = str(asked.get("Identifier") or ""), str(asked.get("InvoiceCode") or "")
        if identifier.isdecimal() and int(identifier) in self.stored:
            return self.stored[int(identifier)]
        for each in self.stored.values():
            if not identifier and code and each["InvoiceCode"].lower() == code.lower():
                return each
        if self._controls["show_error"] == "hostfact":
            raise Failed("Ongeldig kenmerk voor factuur")
        raise Failed(f"Factuur {identifier or code} niet gevonden")

    def _reject_types(self, asked: Object) -> None:
        reject_types(asked, shapes.INVOICE_TEXTS, strict=self._controls["strict_types"])

    @staticmethod
    def _require_sent(invoice: Object) -> None:
        if invoice["Status"] not in {SENT, PARTLY_PAID}:
            raise Failed(f"Factuur {invoice['InvoiceCode']} kan niet op betaald worden gezet")

    def _stamp(self) -> str:
        return self._now().strftime("%Y-%m-%d %H:%M:%S")


def _reject_status(status: str) -> None:
    if status not in {DRAFT, SENT, PARTLY_PAID, PAID, CREDIT}:
        raise Failed("De status is niet juist ingevuld")


def _reject_nonsense(invoice: Object) -> None:
    if invoice["VatCalcMethod"] not in {"excl", "incl"}:
        raise Failed("De btw berekeningsmethode is niet juist ingevuld")
    if invoice["PaymentMethod"] not in shapes.PAYMENT_METHODS or invoice["Sex"] not in shapes.SEXES:
        raise Failed("De betaalmethode of het geslacht is niet juist ingevuld")
    if invoice["InvoiceMethod"] not in shapes.INVOICE_METHODS:
        raise Failed("De verzendmethode is niet juist ingevuld")
    if not 0 <= as_decimal(invoice["Discount"]) <= 100:
        raise Failed("De korting is niet juist ingevuld")
    if not invoice["Term"].isdecimal() or len(invoice["Term"]) > 4:
        raise Failed("De betalingstermijn is niet juist ingevuld")
