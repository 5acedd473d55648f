"""The administration behind WeFact's API: debtors, products, groups and settings; invoices are in `wefact_invoices`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from mapper.sandbox import wefact_shapes as shapes
from mapper.sandbox.faults import Controls
from mapper.sandbox.wefact_failures import Failed, decimal, reject_identifier, reject_types, text
from mapper.sandbox.wefact_invoices import Invoices
from mapper.sandbox.wefact_lists import LISTS, listing
from mapper.sandbox.wefact_tax import percentage, purchase_codes, sale_codes
from mapper.sandbox.wire import Object

__all__ = ["ACTIONS", "Books", "Failed"]

ACTIONS: dict[str, set[str]] = {
    "settings": {"list", "costcategory_list", "costcategory_show", "costcategory_add", "costcategory_edit",
                 "costcategory_delete"},
    "debtor": {"list", "show", "add", "edit"},
    "extraclientcontact": {"add", "edit", "delete"},
    "product": {"list", "show", "add", "edit", "delete"},
    "group": {"list", "show", "add", "edit", "delete"},
    "invoice": {"list", "show", "add", "edit", "delete", "credit", "partpayment", "markaspaid", "markasunpaid",
                "download", "block", "unblock", "schedule", "cancelschedule", "paymentprocesspause",
                "paymentprocessreactivate", "sendbyemail", "sendreminderbyemail", "sendsummationbyemail", "sortlines"},
    "invoiceline": {"add", "delete"},
    "attachment": {"add", "delete", "download"},
    "creditor": {"list", "show", "add", "edit", "delete"},
    "creditinvoice": {"list", "show", "add", "edit", "delete", "partpayment", "markaspaid"},
    "creditinvoiceline": {"add", "delete"},
    "pricequote": {"list", "show", "add", "edit", "delete"},
    "subscription": {"list", "show", "add", "edit", "terminate"},
    "transaction": {"list", "show", "add", "delete", "match", "ignore"},
    "task": {"list", "show", "add", "edit", "delete"},
    "interaction": {"list", "show", "add", "edit", "delete"},
}  # fmt: skip
_CODES = {"debtor": "DebtorCode", "product": "ProductCode"}
_COUNTRY = re.compile(r"[A-Z]{2}")


class Books:
    """Everything stored. `now` is the account's local time."""

    def __init__(self, controls: Controls, now: Callable[[], datetime]) -> None:
        self._controls = controls
        self._now = now
        self.codes = sale_codes()
        self.debtors: dict[int, Object] = {}
        self.products: dict[int, Object] = {}
        self.outbox: list[Object] = []
        self._added: dict[tuple[str, int], datetime] = {}
        self._next = {"debtor": 1, "product": 1}
        self._numbers: dict[str, int] = {}
        self._invoices = Invoices(controls, now, self)

    def objects(self) -> Object:
        """Return everything stored, by kind, as `show` answers it."""
        return {
            "debtors": list(self.debtors.values()),
            "products": list(self.products.values()),
            "invoices": list(self._invoices.stored.values()),
            "outbox": self.outbox,
        }

    def execute(self, controller: str, action: str, asked: Object) -> Object:
        """Carry out an action that exists. Raises Failed."""
        if action == "list" and controller in LISTS:
            return self._list(controller, asked)
        if controller in {"invoice", "invoiceline"}:
            result = self._invoices.execute(controller, action, asked)
        elif controller in _CODES:
            result = self._kept(controller, action, asked)
        elif (controller, action) == ("settings", "list"):
            result = {"settings": self._settings()}
        elif (controller, action) == ("settings", "costcategory_list"):
            result = {"settings": {"costcategories": []}}
        elif (controller, action) == ("group", "list"):
            return self._groups(asked)
        else:
            raise Failed("Deze actie doet de zandbak niet na.")
        return result

    def note_added(self, controller: str, identifier: int) -> None:
        """Remember when an object came, for `search_lag`."""
        self._added[controller, identifier] = self._now()

    def debtor(self, asked: Object) -> Object:
        """Return the debtor an invoice is for. Raises Failed."""
        return self._find(
            "debtor", {"Identifier": asked.get("Debtor"), "DebtorCode": asked.get("DebtorCode")}
        )

    def product(self, code: str) -> Object | None:
        """Return the product with this code, if any."""
        same = (each for each in self.products.values() if each["ProductCode"].lower() == code.lower())
        return next(same, None)

    def _list(self, controller: str, asked: Object) -> Object:
        stored = {"debtor": self.debtors, "product": self.products, "invoice": self._invoices.stored}[
            controller
        ]
        known_before = self._now() - timedelta(
            seconds=self._controls.scaled(float(self._controls["search_lag"]))
        )
        found = [each for id, each in stored.items() if self._added[controller, id] <= known_before]
        return listing(controller, found, asked, self._controls)

    def _kept(self, controller: str, action: str, asked: Object) -> Object:
        if action == "show":
            return {controller: self._find(controller, asked)}
        if action == "delete":
            return self._delete_product(asked)
        kept = self._find(controller, asked) if action == "edit" else None
        changed = self._debtor(asked, kept) if controller == "debtor" else self._product(asked, kept)
        return {controller: changed}

    def _debtor(self, asked: Object, kept: Object | None) -> Object:
        self._check(asked, kept, shapes.DEBTOR_TEXTS)
        made = dict(kept or shapes.debtor_defaults())
        made |= {name: text(asked, name) for name in shapes.DEBTOR_TEXTS if name in asked}
        made |= {name: str(decimal(asked, name)) for name in shapes.DEBTOR_NUMBERS if name in asked}
        if not made["CompanyName"].strip() and not made["SurName"].strip():
            raise Failed("U dient een bedrijfsnaam of achternaam op te geven")
        if not _COUNTRY.fullmatch(made["Country"]):
            raise Failed("Het land is niet juist ingevuld")
        if made["Sex"] not in shapes.SEXES or made["InvoiceMethod"] not in shapes.INVOICE_METHODS:
            raise Failed("Het geslacht of de verzendmethode is niet juist ingevuld")
        if made["CustomTaxCode"] and made["CustomTaxCode"] not in self.codes:
            raise Failed(f"De btw-code {made['CustomTaxCode']} bestaat niet")
        if isinstance(asked.get("CustomFields"), dict):
            made["CustomFields"] = made.get("CustomFields", {}) | asked["CustomFields"]
        self._code("debtor", made, kept, "DB{}", 10000)
        country = shapes.COUNTRIES.get(made["Country"], made["Country"])
        made["Translations"] = {
            "Country": country,
            "InvoiceMethod": shapes.INVOICE_METHODS[made["InvoiceMethod"]],
        }
        return self._keep("debtor", made, kept)

    def _product(self, asked: Object, kept: Object | None) -> Object:
        self._check(asked, kept, shapes.PRODUCT_TEXTS)
        names = "Identifier ProductCode ProductName ProductKeyPhrase ProductDescription NumberSuffix Barcode".split()
        made = dict(kept or dict.fromkeys(names, "") | {"PriceExcl": "", "PricePeriod": "", "TaxCode": "V21"})
        made |= {name: text(asked, name) for name in shapes.PRODUCT_TEXTS if name in asked}
        if "PriceExcl" in asked:
            made["PriceExcl"] = shapes.trimmed(decimal(asked, "PriceExcl"))
        if not made["ProductName"].strip():
            raise Failed("De productnaam is niet juist ingevuld")
        if not made["ProductKeyPhrase"].strip():
            raise Failed("De omschrijving voor op de factuur is niet juist ingevuld")
        if made["PriceExcl"] == "":
            raise Failed("De prijs is niet juist ingevuld")
        if made["TaxCode"] not in self.codes:
            raise Failed(f"De btw-code {made['TaxCode']} bestaat niet")
        made["TaxPercentage"] = percentage(self.codes[made["TaxCode"]])
        made["Groups"] = []
        self._code("product", made, kept, "P{:04}", 1)
        made["Translations"] = {"PricePeriod": "geen abonnement"}
        return self._keep("product", made, kept)

    def _check(self, asked: Object, kept: Object | None, texts: list[str]) -> None:
        if kept is None:
            reject_identifier(asked)
        reject_types(asked, texts, strict=self._controls["strict_types"])

    def _code(self, controller: str, made: Object, kept: Object | None, form: str, first: int) -> None:
        """Give the object a code when it has none, and refuse one that another object has."""
        name, stored = _CODES[controller], self._stored(controller)
        taken = {each[name].lower() for each in stored.values() if each is not kept}
        if not made[name]:
            number = self._numbers.get(controller, first)
            while form.format(number).lower() in taken:
                number += 1
            self._numbers[controller] = number + 1
            made[name] = form.format(number)
        if made[name].lower() in taken:
            raise Failed(f"{name} {made[name]} is al {self._controls['duplicate_text']}")

    def _keep(self, controller: str, made: Object, kept: Object | None) -> Object:
        stamp = self._now().strftime("%Y-%m-%d %H:%M:%S")
        translations = made.pop("Translations")
        created = kept["Created"] if kept else stamp
        made |= {"Created": created, "Modified": stamp}
        made["Translations"] = translations
        if kept is None:
            id, self._next[controller] = self._next[controller], self._next[controller] + 1
            made["Identifier"] = str(id)
            self.note_added(controller, id)
        self._stored(controller)[int(made["Identifier"])] = made
        return made

    def _delete_product(self, asked: Object) -> Object:
        found = self._find("product", asked)
        del self.products[int(found["Identifier"])]
        return {"success": [f"Product {found['ProductCode']} is verwijderd"]}

    def _find(self, controller: str, asked: Object) -> Object:
        stored, code = self._stored(controller), _CODES[controller]
        identifier, given = str(asked.get("Identifier") or ""), str(asked.get(code) or "")
        if identifier.isdecimal() and int(identifier) in stored:
            return stored[int(identifier)]
        for each in stored.values():
            if not identifier and given and each[code].lower() == given.lower():
                return each
        word = {"debtor": "debiteur", "product": "product"}[controller]
        if self._controls["show_error"] == "hostfact":
            raise Failed(f"Ongeldig kenmerk voor {word}")
        raise Failed(
            "Klant niet gevonden."
            if controller == "debtor"
            else f"Product {identifier or given} niet gevonden"
        )

    def _stored(self, controller: str) -> dict[int, Object]:
        return self.debtors if controller == "debtor" else self.products

    def _settings(self) -> Object:
        houses = (("nl_nl", "Nederlands", "yes"), ("en_en", "English", "no"), ("de_de", "Deutsch", "no"))
        return {
            "CorporateIdentity": [
                {"LanguageCode": code, "Name": name, "Default": default} for code, name, default in houses
            ],
            "Tax": {"Codes": {"Sale": self.codes, "Purchase": purchase_codes()}, "Rules": []},
        }

    def _groups(self, asked: Object) -> Object:
        if asked.get("type") not in {"debtor", "product"}:
            raise Failed("Het type is niet juist ingevuld")
        return {"totalresults": 0, "currentresults": 0, "offset": 0}
