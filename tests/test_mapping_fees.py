"""VAT of shipping, payment costs, surcharges, credit points and discounts: every price mode, sign and mix of rates.

What is expected is worked out here apart from the rules: amounts per rate in the rows' price mode, VAT rounded once.
"""

# ruff: noqa: FBT001 (parameters of tests are given by name)
from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from orders import amount, mapped, order, row, rulebooks, tenant

from mapper import settings
from mapper.mapping import Mapped, apply

Json = dict[str, Any]
Bases = dict[Decimal, Decimal]
CENT, ZERO = Decimal("0.01"), Decimal(0)

MIXES = {
    "one rate": (("49.90", "21"),),
    "two rates": (("49.90", "21"), ("12.50", "9")),
    "three rates": (("49.90", "21"), ("12.50", "9"), ("7.77", "0")),
    "halves": (("10", "21"), ("10", "9")),
}
mixes = pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES.keys())
modes = pytest.mark.parametrize("included", [True, False], ids=["gross", "net"])


def shared(total: Decimal, rows: Sequence[tuple[Any, Any]]) -> Bases:
    """Split an amount over the rates of rows by largest remainder, in fractions; ties to the highest rate."""
    weights: dict[Decimal, Fraction] = defaultdict(Fraction)
    for price, rate in rows:
        weights[Decimal(rate)] += Fraction(Decimal(price))
    whole = sum(weights.values())
    exact = {rate: Fraction(total) * 100 * weight / whole for rate, weight in weights.items()}
    cents = {rate: part.__floor__() for rate, part in exact.items()}
    left = int(Fraction(total) * 100) - sum(cents.values())
    for rate in sorted(cents, key=lambda rate: (cents[rate] - exact[rate], -rate))[:left]:
        cents[rate] += 1
    return {rate: Decimal(part) / 100 for rate, part in cents.items() if part}


def plus(*parts: Bases) -> Bases:
    """Add up amounts per rate."""
    found: Bases = defaultdict(Decimal)
    for part in parts:
        for rate, base in part.items():
            found[rate] += base
    return found


def totals(bases: Bases, *, included: bool) -> Json:
    """Return a shop's totals for amounts per rate; VAT is rounded once."""
    tax = sum(
        (base * rate / (100 + rate if included else Decimal(100)) for rate, base in bases.items()), ZERO
    ).quantize(CENT, ROUND_HALF_UP)
    base = sum(bases.values(), ZERO)
    return {"total_price": amount(base if included else base + tax), "total_tax": amount(tax)}


def goods(mix: Sequence[tuple[Any, Any]]) -> Bases:
    return plus(*({Decimal(rate): Decimal(price)} for price, rate in mix))


def sell(mix: Sequence[tuple[Any, Any]], bases: Bases, *, included: bool, **given: Any) -> Json:
    """Return an order of one piece of each in `mix`, with the totals of `bases`."""
    rows = [row(price, rate) for price, rate in mix]
    return order(*rows, included=included, **given) | totals(bases, included=included)


def vat_of(shipping: str = "shop", payment: str = "usual", *, fixed: str = "9") -> Json:
    rates = {
        f"{costs}_rate": Decimal(fixed) if kind == "fixed" else None
        for costs, kind in (("shipping", shipping), ("payment", payment))
    }
    return {"shipping": shipping, "payment": payment, **rates}


def amounts_of(result: Mapped, kind: str, *, included: bool) -> Bases:
    """Return what the lines of a kind charge per rate, in the rows' price mode."""
    assert result.document is not None
    field = "total_incl" if included else "total_excl"
    return {one["vat_percent"]: one[field] for one in result.document["lines"] if one["kind"] == kind}


def is_right(result: Mapped) -> None:
    """Nothing holds or doubts the document, and its lines add up."""
    said = [
        (one.id, one.about, one.say["en"]) for one in result.findings if one.severity in {"error", "wait"}
    ]
    assert said == []
    made = result.document
    assert made is not None
    gross = sum((line["total_incl"] for line in made["lines"]), ZERO)
    assert gross.quantize(CENT, ROUND_HALF_UP) == made["total_incl"]


# Shipping and payment costs


def expected_costs(mix: Any, shipping: Decimal, costs: Decimal, chosen: Json) -> tuple[Bases, Bases]:
    """Return shipping and payment costs per rate by the settings; the shop states 21 %, the highest rate is 21 %."""
    top = {"shop": Decimal(21), "usual": Decimal(21), "highest": Decimal(21), "fixed": Decimal(9)}
    shipped = (
        shared(shipping, mix) if chosen["shipping"] == "proportional" else {top[chosen["shipping"]]: shipping}
    )
    if chosen["payment"] == "proportional" or (chosen["payment"], chosen["shipping"]) == (
        "shipping",
        "proportional",
    ):
        return shipped, shared(costs, mix)
    if chosen["payment"] == "shipping":
        return shipped, {next(iter(shipped)): costs}
    return shipped, {top[chosen["payment"]]: costs}


@modes
@mixes
@pytest.mark.parametrize(
    "chosen",
    list(
        product(["shop", "proportional", "fixed"], ["usual", "highest", "shipping", "proportional", "fixed"])
    ),
    ids="-".join,
)
def test_S1_P1_costs_have_the_rates_that_the_settings_say(
    mix: Any, included: bool, chosen: tuple[str, str]
) -> None:
    using = vat_of(*chosen)
    shipping, costs = Decimal("4.95"), Decimal("1.03")
    shipped, paid = expected_costs(mix, shipping, costs, using)
    bases = plus(goods(mix), shipped, paid)
    result = mapped(sell(mix, bases, included=included, shipping=shipping, fee=costs), vat_of=using)
    assert amounts_of(result, "shipping", included=included) == shipped
    assert amounts_of(result, "payment", included=included) == paid
    is_right(result)
    assert [one for one in result.findings if one.id == "S1"] == []


@pytest.mark.parametrize("regime", ["icp", "export", "margin"])
@pytest.mark.parametrize("shipping", ["proportional", "fixed"])
@pytest.mark.parametrize("payment", ["highest", "shipping", "proportional", "fixed"])
def test_S1_P1_without_vat_on_the_goods_no_setting_charges_it(
    regime: str, shipping: str, payment: str
) -> None:
    place: Json = {
        "icp": {"country": "DE", "icp": True, "vat_number": "DE136695976"},
        "export": {"country": "US"},
        "margin": {},
    }[regime]
    bases: Bases = {ZERO: Decimal("13.50")}
    sold = sell((("10", "0"),), bases, included=True, shipping="2.50", shipping_rate="0", fee="1", **place)
    result = mapped(sold, vat_of=vat_of(shipping, payment), margin_scheme=regime == "margin")
    assert {rate for kind in ("shipping", "payment") for rate in amounts_of(result, kind, included=True)} == {
        ZERO
    }
    is_right(result)


def test_S1_a_fixed_rate_needs_its_rate() -> None:
    for costs in ("shipping", "payment"):
        with pytest.raises(settings.SettingsError) as caught:
            tenant(vat_of={costs: "fixed"})
        assert [one.code for one in caught.value.diagnostics] == ["SET111"]


# Which setting fits


@modes
@pytest.mark.parametrize(
    ("used", "truth", "said"),
    [
        (("shop", "usual"), ("proportional", "usual"), "vat_of.shipping=proportional"),
        (("proportional", "usual"), ("shop", "usual"), "vat_of.shipping=shop"),
        (("shop", "usual"), ("shop", "proportional"), "vat_of.payment=proportional"),
        (
            ("shop", "usual"),
            ("proportional", "proportional"),
            "vat_of.shipping=proportional vat_of.payment=proportional",
        ),
    ],
)
def test_S1_when_the_shops_vat_fits_exactly_one_other_setting_a_finding_says_which(
    included: bool, used: tuple[str, str], truth: tuple[str, str], said: str
) -> None:
    mix, shipping, costs = MIXES["two rates"], Decimal("9.95"), Decimal("6.05")
    shipped, paid = expected_costs(mix, shipping, costs, vat_of(*truth))
    sold = sell(mix, plus(goods(mix), shipped, paid), included=included, shipping=shipping, fee=costs)
    found = [one for one in mapped(sold, vat_of=vat_of(*used)).findings if one.id == "S1"]
    assert [(one.severity, one.facts["settings"]) for one in found] == [("info", said)]


def test_S1_when_two_settings_fit_or_none_nothing_is_said() -> None:
    mix = MIXES["two rates"]
    # Shipping and payment costs are alike: the VAT does not tell which of them was spread.
    one = shared(Decimal("4.95"), mix)
    alike = sell(
        mix, plus(goods(mix), one, {Decimal(21): Decimal("4.95")}), included=True, shipping="4.95", fee="4.95"
    )
    none = sell(mix, plus(goods(mix), {Decimal(6): Decimal("4.95")}), included=True, shipping="4.95")
    for sold in (alike, none):
        result = mapped(sold)
        assert ("K1", "error") in {(one.id, one.severity) for one in result.findings}
        assert "S1" not in {one.id for one in result.findings}


# Discounts, credit points, surcharges


@modes
@mixes
@pytest.mark.parametrize("sign", [1, -1], ids=["given positive", "given negative"])
@pytest.mark.parametrize("form", ["total", "numbers", "objects"])
def test_O15_a_discount_lowers_the_total_in_the_rates_of_the_rows(
    mix: Any, included: bool, sign: int, form: str
) -> None:
    given = Decimal("3.33")
    spread = shared(given, mix)
    sold = sell(mix, plus(goods(mix), {rate: -part for rate, part in spread.items()}), included=included)
    parts = [Decimal("1.11") * sign, Decimal("2.22") * sign]
    sold |= {
        "total": {"total_discounts": given * sign},
        "numbers": {"discounts": parts},
        "objects": {"discounts": [{"amount": part} for part in parts]},
    }[form]
    result = mapped(sold)
    assert amounts_of(result, "discount", included=included) == {rate: -part for rate, part in spread.items()}
    is_right(result)
    made = result.document
    assert made is not None
    named = made["discount_incl" if included else "discount_excl"]
    assert named == given
    assert made["discount_incl"] >= made["discount_excl"] > 0


@modes
@mixes
@pytest.mark.parametrize(
    ("surcharge", "points"), [("2.50", "0"), ("-2.50", "0"), ("0", "1.25"), ("0", "-1.25"), ("3", "2")]
)
def test_X1_X2_surcharges_keep_their_sign_and_credit_points_lower_the_total(
    mix: Any, included: bool, surcharge: str, points: str
) -> None:
    extra, less = Decimal(surcharge), abs(Decimal(points))
    sold = sell(mix, plus(goods(mix), {Decimal(21): extra - less}), included=included)
    sold |= {"extra_costs": amount(extra), "credit_point_discount": amount(points)}
    result = mapped(sold)
    assert amounts_of(result, "surcharge", included=included) == ({Decimal(21): extra} if extra else {})
    assert amounts_of(result, "credit_points", included=included) == ({Decimal(21): -less} if less else {})
    is_right(result)


@pytest.mark.parametrize("extra", ["extra_costs", "credit_point_discount", "total_discounts"])
def test_O17_a_margin_sale_stays_without_vat_whatever_is_added(extra: str) -> None:
    sold = sell((("10", "0"),), {ZERO: Decimal(10)}, included=True)
    lowers = extra != "extra_costs"
    sold |= {extra: amount("1.50"), "total_price": amount("8.50" if lowers else "11.50")}
    result = mapped(sold, margin_scheme=True)
    assert result.document is not None
    assert result.document["is_margin_sale"]
    assert {line["vat_percent"] for line in result.document["lines"]} == {ZERO}
    is_right(result)


# A credit invoice


def credited(sold: Json, *, negative: bool) -> Json:
    """Return an order as the credit invoice of all of it, by either sign convention."""
    made = sold | {
        "invoicenumber_full": "C-1", "type": "credit", "status": "paid", "ordernumber_full": "1",
        "invoice_row_taxes_included": sold["order_row_taxes_included"], "order": "https://x/api/rest/v1/orders/1/",
        "rows": [dict(one) for one in sold["rows"]],
    }  # fmt: skip
    if negative:
        for name in ("total_price", "total_tax", "total_shipping", "paymethod_costs"):
            made[name] = -made[name]
        for one in made["rows"]:
            one["count"] = -one["count"]
    return made


@modes
@mixes
@pytest.mark.parametrize("negative", [True, False], ids=["signs negative", "signs positive"])
@pytest.mark.parametrize(
    "chosen", [("shop", "usual"), ("proportional", "shipping"), ("fixed", "proportional")], ids="-".join
)
def test_I7_I8_the_credit_of_an_order_has_the_same_rates_with_the_other_sign(
    mix: Any, included: bool, negative: bool, chosen: tuple[str, str]
) -> None:
    using, shipping, costs = vat_of(*chosen), Decimal("4.95"), Decimal("1.03")
    shipped, paid = expected_costs(mix, shipping, costs, using)
    sold = sell(mix, plus(goods(mix), shipped, paid), included=included, shipping=shipping, fee=costs)
    result = apply(
        rulebooks(), "invoice", credited(sold, negative=negative), tenant(vat_of=using, mode="invoices")
    )
    assert amounts_of(result, "shipping", included=included) == {
        rate: -part for rate, part in shipped.items()
    }
    assert amounts_of(result, "payment", included=included) == {rate: -part for rate, part in paid.items()}
    is_right(result)


# Any of it together

prices = st.decimals("0.10", "250", places=2)
small = st.one_of(st.just(ZERO), st.decimals("0.01", "19.99", places=2))


@st.composite
def baskets(draw: st.DrawFn) -> tuple[Json, Json, bool]:
    """Draw an order with everything in it, the settings it was made by, and its price mode."""
    mix = draw(st.lists(st.tuples(prices, st.sampled_from(["21", "9", "0"])), min_size=1, max_size=5))
    included = draw(st.booleans())
    using = vat_of(
        draw(st.sampled_from(["shop", "proportional", "fixed"])),
        draw(st.sampled_from(["usual", "highest", "shipping", "proportional", "fixed"])),
    )
    shipping, costs, extra, points = draw(small), draw(small), draw(small), draw(small)
    whole = sum((price for price, _ in mix), ZERO)
    less = draw(st.sampled_from([ZERO, whole / 10, whole / 3])).quantize(CENT)
    top = max(Decimal(rate) for _, rate in mix)
    shipped, paid = expected_costs(mix, shipping, costs, using)
    if not shipping and using["payment"] == "shipping":
        paid = {Decimal(21): costs}
    lowered = {rate: -part for rate, part in shared(less, mix).items()}
    bases = plus(goods(mix), shipped, paid, {top: extra - points}, lowered)
    signed = draw(st.sampled_from([1, -1]))
    sold = sell(mix, bases, included=included, shipping=shipping, fee=costs)
    sold |= {"extra_costs": amount(extra), "credit_point_discount": amount(points * signed)}
    return sold | {"total_discounts": amount(less * signed)}, using, included


@effort(deadline=None, max_examples=120, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(baskets())
def test_K1_whatever_the_settings_and_the_basket_the_lines_add_up_to_the_cent(
    drawn: tuple[Json, Json, bool],
) -> None:
    sold, using, included = drawn
    result = mapped(sold, vat_of=using)
    made = result.document
    assert made is not None
    total = sold["total_price"]
    gross = sum((line["total_incl"] for line in made["lines"]), ZERO)
    if total:
        assert [one for one in result.findings if one.id == "K1" and one.severity == "error"] == []
        assert gross.quantize(CENT, ROUND_HALF_UP) == total
    assert sum(amounts_of(result, "shipping", included=included).values()) == sold["total_shipping"]
    assert sum(amounts_of(result, "payment", included=included).values()) == sold["paymethod_costs"]
    assert [one for one in result.findings if one.id == "S1"] == []
