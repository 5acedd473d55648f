"""What the emulated shop says about itself: webshop, merchant, settings, payment methods, the app behind the key."""

from __future__ import annotations

from decimal import Decimal

from mapper.sandbox.shop import PAYMETHODS
from mapper.sandbox.wire import Object

SHOP_ID = 4321
APP_ID = 8
_STATUSES = (
    "Nieuw", "In behandeling", "Wacht op fabrikant", "Wacht op betaling", "Verzonden", "Afgeleverd", "Afgerond",
    "Geannuleerd", "Wacht op leverancier", "Wordt ingepakt", "Klaar om op te halen", "Wordt gemonteerd",
    "Nabestelling", "Gereserveerd",
)  # fmt: skip


def webshop(api_root: str) -> Object:
    """Return the only webshop of the installation."""
    return {
        "href": f"webshops/{SHOP_ID}/", "id": SHOP_ID, "name": "Zandbakwinkel", "create_date": "2019-03-01T09:00:00Z",
        "is_multishop_system": False, "is_salespos": False, "product_limit": -1, "product_limit_left": -1,
        "api_root": api_root, "webshops": {"href": f"webshops/{SHOP_ID}/webshops/"},
        "parent": {"href": "webshops/"},
    }  # fmt: skip


def merchant(country: str) -> Object:
    """Return the merchant, who lives in the shop's home country."""
    return {
        "href": f"webshops/{SHOP_ID}/merchant/", "id": 77, "uuid": "0b7d3c1e-0000-4000-8000-000000000077",
        "gender": "male", "first_name": "Kees", "last_name": "Zandbergen", "full_name": "Kees Zandbergen",
        "company": "Zandbakwinkel B.V.", "email": "kees@zandbakwinkel.example", "address_line": "Strandweg 1",
        "street": "Strandweg", "housenumber": "1", "zipcode": "2586AA", "city": "Den Haag",
        "country": "Nederland" if country == "NL" else country, "country_code": country, "telephone": "0701234567",
        "tax_number": "NL004495445B01", "coc_number": "12345678", "iban": "", "bank_account_holder_name": "",
    }  # fmt: skip


def settings() -> Object:
    """Return the webshop's settings, with the merchant's names of the order statuses."""
    named = [
        {"id": number, "status": str(number), "status_name": name, "text_color": "#ffffff",
         "background_color": "#336699"}
        for number, name in enumerate(_STATUSES, 1)
    ]  # fmt: skip
    return {
        "href": f"webshops/{SHOP_ID}/settings/", "webshop_enabled": True, "currency": "EUR", "default_vat_rat": 21,
        "prices_include_vat": True, "full_ssl_webshop": True, "creditpoint_value": Decimal("0.01"),
        "languages": ["nl"], "backend_language": "nl", "quotation_status": [], "order_status": named,
        "invoice_status": [], "return_status": [], "parent": {"href": f"webshops/{SHOP_ID}/"},
    }  # fmt: skip


def app(*, installed: bool) -> Object:
    """Return the app that the key belongs to."""
    return {
        "href": f"apps/{APP_ID}/", "id": APP_ID, "name": "Boekhoudkoppeling", "description": "",
        "number_of_installations": 1, "is_installed": installed, "available_languages": ["nl", "en"], "photos": [],
        "code_blocks": {"href": f"apps/{APP_ID}/appcodeblocks/"}, "parent": {"href": "apps/"},
    }  # fmt: skip


def paymethods() -> list[Object]:
    """Return the activated payment methods."""
    return [_paymethod(each) for each in PAYMETHODS]


def _paymethod(each: Object) -> Object:
    psp, _, method = each["paymethod"].partition("_")
    return {
        "id": each["paymethod_id"], "psp": psp, "method": method, "combined_name": each["paymethod"],
        "label": each["paymethod_label"], "extra_costs": False, "extra_costs_fixed": 0, "extra_costs_percentage": 0,
        "apppsp": None, "apppsppaymethod": None,
    }  # fmt: skip
