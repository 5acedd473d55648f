"""The one JSON schema of a tenant's settings: for the YAML file, the database and the screens.

Every key has a description, and a default unless it must be given. Numbers are Decimal where the schema says `number`.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _object(description: str, properties: Schema, *, required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "default": {},
    }


def _choice(description: str, *values: str) -> Schema:
    """Return the schema of one of `values`; the first is the default."""
    return {"type": "string", "enum": list(values), "default": values[0], "description": description}


def _switch(description: str) -> Schema:
    return {"type": "boolean", "default": False, "description": description}


def _optional_text(description: str) -> Schema:
    return {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": 200,
        "default": None,
        "description": description,
    }


def _account(sold: str, *, code_required: bool) -> Schema:
    code: Schema = {
        "type": "string" if code_required else ["string", "null"],
        "minLength": 1,
        "maxLength": 50,
        "description": f"The WeFact tax code for {sold}.",
    }
    if not code_required:
        code["default"] = None
    return _object(
        f"How {sold} are booked; shipping and payment costs as revenue when left out.",
        {"code": code, "cost_centre": _optional_text(f"The WeFact cost centre for {sold}.")},
        required=("code",) if code_required else (),
    )


def _accounts(*, code_required: bool) -> Schema:
    return {
        "revenue": _account("goods and services", code_required=code_required),
        "shipping": _account("shipping costs", code_required=code_required),
        "payment": _account("payment costs", code_required=code_required),
    }


COUNTRY: Schema = {
    "type": "string",
    "pattern": "^[A-Z]{2}$",
    "description": "Two capital letters (ISO 3166-1), Greece is GR.",
}

RATE = _object(
    "How one VAT rate of one country is booked.",
    {
        "country": COUNTRY,
        "rate": {
            "type": "number",
            "format": "percentage",
            "minimum": 0,
            "maximum": 100,
            "description": "The VAT rate in percent, such as 21 or 25.5.",
        },
        **_accounts(code_required=True),
    },
    required=("country", "rate", "revenue"),
)

DAY: Schema = {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}

LEGAL_RATE = _object(
    "A VAT rate of a country by law, and when it holds.",
    {
        "country": {
            "type": "string",
            "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,20})?$",
            "description": "The country, or a territory's code such as PT-20.",
        },
        "kind": _choice(
            "Which rate: reduced rows take the place of all reduced rates while they hold.",
            "standard",
            "reduced",
        ),
        "rate": {
            "type": "number",
            "format": "percentage",
            "minimum": 0,
            "maximum": 100,
            "description": "The VAT rate in percent.",
        },
        "from": {"type": "string", **DAY, "description": "The first day on which it holds."},
        "to": {
            "type": ["string", "null"],
            **DAY,
            "default": None,
            "description": "The last day on which it holds; left out while it still does.",
        },
    },
    required=("country", "rate", "from"),
)

VAT = _object(
    "VAT codes and cost centres, looked up by country, rate and account type.",
    {
        "rates": {
            "type": "array",
            "items": RATE,
            "default": [],
            "maxItems": 1000,
            "description": "One entry for every country and rate that is sold to.",
        },
        "icp": _object("Sales to businesses in other EU countries.", _accounts(code_required=False)),
        "international": _object("Sales to outside the EU.", _accounts(code_required=False)),
        "legal_rates": {
            "type": "array",
            "items": LEGAL_RATE,
            "default": [],
            "maxItems": 200,
            "description": "VAT rates by law that the shipped table lacks or has wrong; they take its place (K7, P1).",
        },
        "real_rates_below_one": {
            "type": "array",
            "items": {"type": "number", "format": "percentage", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "default": [],
            "maxItems": 20,
            "description": "Rates below 1 % that are real (Corsica: 0.9) and not a fraction such as 0.21.",
        },
    },
)


def _fixed_rate(sold: str) -> Schema:
    return {
        "type": ["number", "null"],
        "format": "percentage",
        "minimum": 0,
        "maximum": 100,
        "default": None,
        "description": f"The VAT rate in percent of {sold} when it is fixed.",
    }


VAT_OF = _object(
    "Which VAT rate costs have that are sold along with the goods; 0 for ICP and International.",
    {
        "shipping": _choice(
            "Shipping costs: the rate the shop states, spread over the rates of the goods, or a fixed one.",
            "shop",
            "proportional",
            "fixed",
        ),
        "shipping_rate": _fixed_rate("shipping costs"),
        "payment": _choice(
            "Payment costs: usual is the country's highest rate on orders, that of shipping on invoices (P1, I7).",
            "usual",
            "highest",
            "shipping",
            "proportional",
            "fixed",
        ),
        "payment_rate": _fixed_rate("payment costs"),
    },
)

PAYMENT_METHOD = _object(
    "One payment method of the shop.",
    {
        "method": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "Its name as the shop writes it.",
        },
        "debtor": _optional_text("The WeFact debtor code that all its invoices go to; not for ICP."),
    },
    required=("method",),
)

INVOICE = _object(
    "How invoices are made in WeFact.",
    {
        "status": _choice(
            "The status of a new invoice; paid only for paid documents.", "draft", "sent", "paid"
        ),
        "code": _choice(
            "Who numbers the invoice: WeFact, or the shop's order or invoice number (not on drafts).",
            "automatic",
            "order_number",
            "invoice_number",
        ),
        "layout": _optional_text(
            "The invoice profile: a LanguageCode of the account; WeFact's own when null."
        ),
        "term": {
            "type": "integer",
            "minimum": 0,
            "maximum": 365,
            "default": 14,
            "description": "Days within which the invoice is to be paid.",
        },
        "send_by_email": _switch("Let WeFact mail each invoice after it is made."),
        "cost_centre": _optional_text("The cost centre of the whole invoice."),
        "write_reference": _switch("Write WeFact's invoice code to the shop's invoice; mode invoices only."),
        "shipping_fields": _choice(
            "Which custom fields carry a separate delivery address.", "english", "dutch", "off"
        ),
        "rounding_model": _choice(
            "How WeFact rounds: B per rate, A per line, C net per line, D the total, E net once.",
            "B",
            "A",
            "C",
            "D",
            "E",
        ),
        "address": _choice(
            "Whose address the invoice shows: the debtor's in WeFact, or the document's own.",
            "debtor",
            "document",
        ),
    },
)

CHECKS = _object(
    "What is done when a check is in doubt.",
    {
        "eu_zero_rate": _choice(
            "A sale at 0 % to an EU country without ICP (K7).", "hold", "warn", "international"
        ),
        "vies_unknown": _choice(
            "VIES gives no answer about a VAT number (K2): wait, or go on as a draft.", "wait", "draft"
        ),
        "zero_total": _choice("A document whose total is zero (R6).", "ignore", "post"),
        "discounts_in_rows": _switch("The rows already contain the coupon discounts (I8)."),
        "rounding_limit": {
            "type": "number",
            "format": "money",
            "minimum": 0,
            "maximum": 1,
            "default": "0.05",
            "description": "The largest rounding line in euros that K1 may add; 0 is strict.",
        },
        "impact_limit": {
            "type": "number",
            "format": "money",
            "minimum": 0,
            "maximum": 1_000_000,
            "default": "0",
            "description": "Euros of past invoices that changed rules may move before `mapper publish` asks.",
        },
    },
)

SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Settings of one webshop",
    **_object(
        "How the documents of one webshop become invoices in one WeFact administration.",
        {
            "name": {
                "type": "string",
                "maxLength": 200,
                "default": "",
                "description": "The name of the webshop, for people.",
            },
            "home_country": {
                **COUNTRY,
                "type": ["string", "null"],
                "default": None,
                "description": "The country the shop sells from; read from the shop when left out.",
            },
            "vat_number": _optional_text(
                "The shop's own VAT number: VIES then gives a consultation number as proof for ICP sales."
            ),
            "time_zone": {
                "type": "string",
                "default": "Europe/Amsterdam",
                "description": "The zone in which a document's date counts.",
            },
            "language": _choice("The language of texts for the merchant and of country names.", "nl", "en"),
            "currency": {
                "type": "string",
                "pattern": "^[A-Z]{3}$",
                "default": "EUR",
                "description": "The currency of the WeFact administration (K8).",
            },
            "mode": _choice(
                "Which documents become invoices (R1).", "paid_orders", "order_statuses", "invoices"
            ),
            "statuses": {
                "type": "array",
                "items": {"type": "integer", "minimum": 1, "maximum": 14},
                "uniqueItems": True,
                "default": [],
                "description": "The order statuses that count, for mode order_statuses.",
            },
            "process_from": {
                "type": "string",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                "description": "Go-live (R9): older documents are left alone. The day of installation when left out.",
            },
            "vat": VAT,
            "vat_of": VAT_OF,
            "payment_methods": {
                "type": "array",
                "items": PAYMENT_METHOD,
                "default": [],
                "maxItems": 200,
                "description": "The shop's payment methods, and whose debtor they go to.",
            },
            "invoice": INVOICE,
            "products": _object(
                "Products in WeFact.",
                {"synchronise": _switch("Create products that WeFact does not have, and refer to them.")},
            ),
            "margin_scheme": _switch("The shop sells under the margin scheme for used goods."),
            "checks": CHECKS,
        },
    ),
}
