"""The kinds of orders the emulated shop sells. The same seed gives the same customers, products and amounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from mapper.sandbox import people
from mapper.sandbox.wire import Object

IDEAL: Object = {"paymethod_id": 12, "paymethod": "CCVPay_ideal", "paymethod_label": "iDEAL"}
BANK: Object = {"paymethod_id": 3, "paymethod": "BankTransfer", "paymethod_label": "Vooraf overmaken"}
PAYPAL: Object = {"paymethod_id": 14, "paymethod": "CCVPay_paypal", "paymethod_label": "PayPal"}
AFTERPAY: Object = {"paymethod_id": 17, "paymethod": "After-Pay", "paymethod_label": "Achteraf betalen"}
PAYMETHODS = (BANK, IDEAL, PAYPAL, AFTERPAY)


@dataclass(frozen=True, slots=True)
class Basket:
    """What makes an order of one kind different; `changes` are fields of the order that differ from the usual."""

    rows: tuple[Object, ...]
    country: str = "NL"
    business: bool = False
    vat_number: str = ""
    shipping: Decimal = Decimal("4.95")
    shipping_tax: Decimal = Decimal(21)
    deliver_to: str = ""
    changes: Mapping[str, object] = field(default_factory=dict)
    shipping_in_row_total: bool = False


def basket(kind: str, random: Random) -> Basket:
    """Return a basket of the kind. Raises KeyError when there is no such kind."""
    return KINDS[kind](random)


def _row(random: Random, rate: str | int, **given: object) -> Object:
    chosen = people.product(random)
    row: Object = {
        "product_name": chosen.name, "product_number": chosen.number, "product_id": chosen.id,
        "count": random.randrange(1, 5), "price": chosen.price, "tax": Decimal(rate),
    }  # fmt: skip
    return row | given


def _rows(random: Random, rate: str | int, count: int = 2) -> tuple[Object, ...]:
    return tuple(_row(random, rate) for _ in range(count))


def _nl_ideal(random: Random) -> Basket:
    option = {
        "option_name": "Kleur",
        "value_name": random.choice(("Blauw", "Rood")),
        "price": Decimal("2.50"),
    }
    return Basket((_row(random, 21, attributes=[option]), _row(random, 9)))


def _nl_b2b_excl(random: Random) -> Basket:
    changes = BANK | {"order_row_taxes_included": False, "status": 4, "paid": False, "transaction_id": None}
    rows = (_row(random, 21, count=10), _row(random, 9))
    return Basket(rows, business=True, vat_number="NL004495445B01", shipping=Decimal(7), changes=changes)


def _icp_de(random: Random) -> Basket:
    changes = {"order_row_taxes_included": False, "is_intra_community_order": True, "orderedinlng": "de"}
    zero = Decimal(0)
    return Basket(_rows(random, 0), "DE", True, "DE136695976", Decimal("12.50"), zero, changes=changes)


def _export_us(random: Random) -> Basket:
    changes = PAYPAL | {"orderedinlng": "en"}
    return Basket(
        _rows(random, 0),
        "US",
        shipping=Decimal(25),
        shipping_tax=Decimal(0),
        deliver_to="US",
        changes=changes,
    )


def _discount(random: Random) -> Basket:
    coupon = {
        "code": "ZOMER10", "discount": 10, "type": "percentage", "enddate": None, "onetimeuse": False,
        "minimumprice": 25, "givesfreeshipping": False,
    }  # fmt: skip
    changes = {
        "total_discounts": Decimal(9), "extra_costs": Decimal("-2.50"), "extra_costs_description": "Coulance korting",
        "discountcoupon": coupon,
    }  # fmt: skip
    return Basket((_row(random, 21, price=Decimal(50), discount=Decimal(5), count=2),), changes=changes)


def _discount_two_rates(random: Random) -> Basket:
    rows = (
        _row(random, 21, price=Decimal("24.95"), count=2),
        _row(random, 9, price=Decimal("12.50"), count=3),
    )
    return Basket(rows, changes={"total_discounts": Decimal("8.74")})


def _payment_fee(random: Random) -> Basket:
    changes = AFTERPAY | {
        "paymethod_costs": Decimal("1.95"), "extra_payment_option": "Cadeauverpakking",
        "extra_payment_option_price": Decimal("2.50"),
    }  # fmt: skip
    return Basket(_rows(random, 21), changes=changes)


def _surcharge(random: Random) -> Basket:
    changes = {"extra_costs": Decimal("3.50"), "extra_costs_description": "Toeslag kleine order"}
    return Basket(_rows(random, 21), changes=changes)


def _credit_points(random: Random) -> Basket:
    rows = (_row(random, 21, price=Decimal("39.95")),)
    user = {"id": "30514477", "discount_percentage": 0, "href": None}
    return Basket(rows, changes={"credit_point_discount": Decimal("5.00"), "user": user})


def _margin(random: Random) -> Basket:
    return Basket(_rows(random, 0, 1), shipping=Decimal("6.95"), shipping_tax=Decimal(0))


def _pickup(random: Random) -> Basket:
    shop = {
        "company": "Pakketpunt Centrum", "code": "PG-1234", "street": "Stationsplein", "housenumber": 4,
        "housenumber_suffix": "", "zipcode": "3511ED", "city": "Utrecht", "country": "NL",
    }  # fmt: skip
    changes = {"deliver_method": "pickup", "delivery_option": "PG", "pickup_address": shop}
    return Basket(_rows(random, 21), shipping=Decimal(0), changes=changes)


def _free(random: Random) -> Basket:
    rows = (_row(random, 21, price=Decimal("19.95"), count=2),)
    return Basket(rows, shipping=Decimal(0), changes={"total_discounts": Decimal("39.90")})


def _not_completed(random: Random) -> Basket:
    changes = {
        "is_completed": False, "status": None, "paid": False, "ordernumber": None, "ordernumber_prefix": None,
        "ordernumber_full": None, "transaction_id": None,
    }  # fmt: skip
    return Basket(_rows(random, 21), changes=changes)


def _vat_fraction(random: Random) -> Basket:
    return Basket((_row(random, "0.21"), _row(random, "0.09")), shipping_tax=Decimal("0.21"))


def _real_shape(random: Random) -> Basket:
    user = {"id": str(random.randrange(10_000_000, 99_999_999)), "discount_percentage": 0, "href": None}
    changes = BANK | {"user": user, "ordernumber_prefix": None, "transaction_id": None}
    row = _row(random, 21, product_number="", count=1, price=Decimal(478), discount=Decimal(9))
    return Basket((row,), shipping=Decimal(6), changes=changes, shipping_in_row_total=True)


def _no_email(random: Random) -> Basket:
    return Basket(_rows(random, 21), changes={"customer": {"email": ""}})


def _consumer(country: str, rate: str | int, **changes: object) -> Callable[[Random], Basket]:
    def make(random: Random) -> Basket:
        return Basket(_rows(random, rate), country, shipping_tax=Decimal(rate), changes=changes)

    return make


KINDS: Mapping[str, Callable[[Random], Basket]] = {
    "nl_ideal": _nl_ideal,
    "nl_b2b_excl": _nl_b2b_excl,
    "icp_de": _icp_de,
    "export_us": _export_us,
    "discount": _discount,
    "discount_two_rates": _discount_two_rates,
    "payment_fee": _payment_fee,
    "surcharge": _surcharge,
    "credit_points": _credit_points,
    "margin": _margin,
    "delivery_elsewhere": lambda random: Basket(_rows(random, 21), deliver_to="BE"),
    "pickup": _pickup,
    "be_oss": _consumer("BE", 21),
    "de_oss_19": _consumer("DE", 19, orderedinlng="de"),
    "fractional_count": lambda random: Basket(
        (_row(random, 21, count=Decimal("1.25"), unit="meter"), _row(random, 9))
    ),
    "many_rows": lambda random: Basket(_rows(random, 21, 200) + _rows(random, 9, 120)),
    "no_email": _no_email,
    "free": _free,
    "unpaid": _consumer("NL", 21, paid=False, status=4, transaction_id=None, **BANK),
    "cancelled": _consumer("NL", 21, status=8),
    "not_completed": _not_completed,
    "foreign_currency": _consumer("SE", 25, currency="SEK"),
    "eu_zero_rate": _consumer("DE", 0),
    "vat_fraction": _vat_fraction,
    "bank_nl": _consumer("NL", 21, **BANK),
    "real_shape": _real_shape,
}
