"""Random baskets through the rules, invoiced and credited, and what WeFact makes of what would be sent (B4, K1, I8).

    ./dev proof rounding --baskets 100000 --seed 1

Every basket is mapped in both price modes, for each of the five rounding models, as a debit invoice and as its full
credit: by the compiled rules that post documents, ccv_invoice.yaml and wefact.yaml. The lines of the request, as the
texts that are sent, are added up by the sandbox's arithmetic, which shares nothing with the rules. Then either the
document is held, or

- WeFact's total is the shop's to the cent,
- its VAT is within K1's tolerance of the shop's, worked out here apart from the rules: 0.01 x (rates - 1),
- and invoice and credit cancel out for every VAT code.

Of two cores each takes every second basket; the same seed gives the same baskets on any number of cores.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from mapper import settings as tenant_settings
from mapper.mapping import Rulebooks, load_rulebooks
from mapper.money import loads
from mapper.rulebook.compiler import Run
from mapper.sandbox.wefact_arithmetic import MODELS, Line, totals
from mapper.sandbox.wefact_tax import percentage, sale_codes

Json = dict[str, Any]

FIXTURE = Path(__file__).parents[1] / "fixtures" / "invoice-debit.json"
# % held
GOALS = {
    "A": Decimal(0),
    "B": Decimal(0),
    "C": Decimal("0.1"),
    "D": Decimal(0),
    "E": Decimal("0.1"),
}
CENT = Decimal("0.01")
FURTHEST = ("furthest VAT", "most lines")
SHARES = ("rounding line", "several lines", "at another rate", "VAT equal")

# Standard and reduced rates of the countries that the goods go to, and how often: mostly at home.
_COUNTRIES = (
    (12, "NL", ("21", "9")), (2, "BE", ("21", "6", "12")), (2, "DE", ("19", "7")), (1, "FR", ("20", "5.5")),
    (1, "FI", ("25.5", "13.5")), (1, "HU", ("27", "5")), (1, "SE", ("25", "12")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Basket:
    """What a customer bought: (unit price, rate, count) of each row, and further amounts, all positive."""

    country: str
    rows: tuple[tuple[Decimal, Decimal, Decimal], ...]
    shipping: Decimal
    shipping_rate: Decimal
    fee: Decimal
    discount: Decimal


def basket(seed: int, number: int) -> Basket:
    """Return one random basket: up to 12 rows, a few of many pieces, half with shipping, a fifth with a discount."""
    chance = random.Random(f"{seed}/{number}")
    _, country, rates = chance.choices(_COUNTRIES, [one[0] for one in _COUNTRIES])[0]
    rows = []
    for _ in range(chance.randint(1, 12)):
        count = Decimal(chance.choice((24, 100, 1000)) if chance.random() < 0.03 else chance.randint(1, 6))
        rate = Decimal(rates[0] if chance.random() < 0.7 else chance.choice(rates))
        rows.append((Decimal(chance.randint(1, 10000)) / 100, rate, count))
    goods = sum((price * count for price, _, count in rows), Decimal(0))
    discount = _cents(goods * chance.randint(1, 50) / 100) if chance.random() < 0.2 else Decimal(0)
    return Basket(
        country,
        tuple(rows),
        Decimal(chance.randint(100, 1500)) / 100 if chance.random() < 0.5 else Decimal(0),
        Decimal(rates[0]),
        Decimal(chance.randint(10, 500)) / 100 if chance.random() < 0.2 else Decimal(0),
        discount,
    )


def invoice(sold: Basket, *, included: bool, shop: str = "once") -> Json:
    """Return the debit invoice of a basket in the shop's API, with totals worked out apart from the rules.

    Prices include VAT or not; `shop` says where the shop rounds VAT: once, per rate, or per row.
    """
    tax = charged(sold, included=included, shop=shop)
    base = _cents(sum((one for one, _ in _taxed(sold)), Decimal(0)))
    incl = base if included else base + tax
    buyer = _STORED["customer"]
    return _STORED | {
        "customer": buyer | {"billingaddress": buyer["billingaddress"] | {"country_code": sold.country}},
        "invoice_row_taxes_included": included, "total_shipping": sold.shipping, "total_tax": tax,
        "shipping_tax_percentage": sold.shipping_rate, "paymethod_costs": sold.fee, "total_discounts": sold.discount,
        "total_price": incl, "total_price_inc_tax": incl, "total_price_exc_tax": incl - tax,
        "rows": [_row(*one) for one in sold.rows],
    }  # fmt: skip


def charged(sold: Basket, *, included: bool, shop: str = "once") -> Decimal:
    """Return the shop's VAT of a basket, rounded once, per rate, or per row."""
    taxes = [(rate, base * (rate / (100 + rate) if included else rate / 100)) for base, rate in _taxed(sold)]
    if shop == "row":
        return sum((_cents(one) for _, one in taxes), Decimal(0))
    per_rate: dict[Decimal, Decimal] = defaultdict(Decimal)
    for rate, one in taxes:
        per_rate[rate if shop == "rate" else Decimal(0)] += one
    return sum((_cents(one) for one in per_rate.values()), Decimal(0))


def tolerance(sold: Basket, *, included: bool, shop: str = "once") -> Decimal:
    """Return how far WeFact's VAT may be from the shop's, as K1 has it: 0.01 x (rates - 1) from VAT rounded once.

    A shop that rounds VAT per rate or row is further from that by what its own rounding adds up to.
    """
    rates = {rate for base, rate in _taxed(sold) if base}
    own = charged(sold, included=included, shop=shop) - charged(sold, included=included)
    return CENT * (len(rates) - 1) + abs(own)


def credit(debit: Json, *, negative: bool) -> Json:
    """Return the full credit of a debit invoice; the API may give its amounts negative or not (I8)."""
    made = debit | {
        "type": "credit",
        "original": {"invoicenumber_full": debit["invoicenumber_full"]},
    }
    if negative:
        for name in (
            "total_price",
            "total_price_inc_tax",
            "total_price_exc_tax",
            "total_tax",
            "total_shipping",
        ):
            made[name] = -made[name]
        for name in ("paymethod_costs", "total_discounts"):
            made[name] = -made[name]
        made["rows"] = [
            one
            | {name: -value for name, value in one.items() if "price" in name and isinstance(value, Decimal)}
            for one in debit["rows"]
        ]
    return made


def _row(price: Decimal, rate: Decimal, count: Decimal) -> Json:
    whole = price * count
    made: Json = _STORED["rows"][0] | {
        "count": count, "tax": rate, "price": price, "original_price": price, "selling_price": price,
        "price_without_discount": price, "price_without_discount_with_attributes": price, "total_price": whole,
        "total_extra_option_price": 0, "price_with_attributes": price, "total_price_with_attributes": whole,
        "attributes": [],
    }  # fmt: skip
    return made


def _taxed(sold: Basket) -> list[tuple[Decimal, Decimal]]:
    """Return (base, rate) of everything, the discount spread over the rows."""
    goods = sum((price * count for price, _, count in sold.rows), Decimal(0))
    left = 1 - sold.discount / goods
    bases = [(price * count * left, rate) for price, rate, count in sold.rows]
    return [*bases, (sold.shipping, sold.shipping_rate), (sold.fee, sold.shipping_rate)]


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


_STORED: Json = loads(FIXTURE.read_bytes())
_RATES = {code: percentage(made) for code, made in sale_codes().items()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was counted per model, and what must not be: descriptions of documents that came out wrong."""

    counts: Mapping[str, Counter[str]]
    wrong: tuple[str, ...]


def prove(seed: int, numbers: range, *, shop: str = "once") -> Outcome:
    """Map the baskets with these numbers in every way, and compare what WeFact would make of them with the shop."""
    rules = _compiled()
    counts: dict[str, Counter[str]] = {model: Counter() for model in MODELS}
    wrong: list[str] = []
    for number in numbers:
        sold = basket(seed, number)
        for included in (True, False):
            debit = invoice(sold, included=included, shop=shop)
            pair = (debit, credit(debit, negative=number % 2 == 0))
            within = tolerance(sold, included=included, shop=shop)
            documents = [(payload, *rules.source(payload)) for payload in pair]
            for model in MODELS:
                name = f"basket {number}, prices {'with' if included else 'without'} VAT, model {model}"
                found = _compare(rules, documents, model, within, counts[model])
                wrong += [f"{name}: {said}" for said in found]
    return Outcome(counts, tuple(wrong))


@dataclass(frozen=True, slots=True)
class _Rules:
    """The compiled rules, joined with settings that differ in the rounding model, which only the target reads."""

    rulebooks: Rulebooks
    source: Run
    targets: Mapping[str, Run]

    def lines(self, requests: Sequence[Any]) -> Sequence[Json]:
        """Return the lines that would be sent."""
        kinds = self.rulebooks.target.rules.requests
        made: Sequence[Json] = next(
            params["InvoiceLines"] for number, params, *_ in requests if kinds[number].name == "invoice"
        )
        return made

    def holding(self, reports: Sequence[Any], more: Sequence[Any]) -> str:
        """Return the ids of the findings that keep a document from being posted."""
        told = [(self.rulebooks.sources["invoice"], one) for one in reports]
        told += [(self.rulebooks.target, one) for one in more]
        held = {compiled.rules.checks[one[0]].id for compiled, one in told if one[1] in {"error", "wait"}}
        return ", ".join(sorted(held))


@cache
def _compiled() -> _Rules:
    rulebooks = load_rulebooks()
    tenants = {}
    for model in MODELS:
        raw = tenant_settings.example()
        raw["invoice"]["rounding_model"] = model
        tenants[model] = tenant_settings.check(raw)
    targets = {model: rulebooks.target.bind(tenant) for model, tenant in tenants.items()}
    return _Rules(rulebooks, rulebooks.sources["invoice"].bind(tenants["B"]), targets)


def _compare(
    rules: _Rules,
    documents: Sequence[tuple[Json, Any, Any]],
    model: str,
    within: Decimal,
    counts: Counter[str],
) -> Iterator[str]:
    """Count one basket's invoice and credit under one model, and yield what is wrong."""
    per_code: dict[str, Decimal] = defaultdict(Decimal)
    held = False
    for payload, document, reports in documents:
        raw, more = rules.targets[model](document)
        abroad = payload["customer"]["billingaddress"]["country_code"] != "NL"
        counts["documents"] += 1
        counts["abroad"] += abroad
        if holding := rules.holding(reports, more):
            held = True
            counts["held"] += 1
            counts["held abroad"] += abroad
            counts[f"held: {holding}"] += 1
            continue
        sent = rules.lines(raw)
        yield from _posted(sent, payload, model, within, counts)
        for one in sent:
            per_code[one["TaxCode"]] += Decimal(one["Number"]) * Decimal(one["PriceExcl"])
    if not held and any(per_code.values()):
        yield f"invoice and credit leave {dict(per_code)}"


def _posted(
    sent: Sequence[Json], payload: Json, model: str, within: Decimal, counts: Counter[str]
) -> Iterator[str]:
    lines = [Line(Decimal(one["Number"]), Decimal(one["PriceExcl"]), _RATES[one["TaxCode"]]) for one in sent]
    made = totals(lines, model=model)
    way = -1 if payload["type"] == "credit" else 1
    total, tax = (way * abs(payload[name]) for name in ("total_price", "total_tax"))
    off = abs(made.tax - tax)
    added = [one for one in sent if one["Description"] == "Rounding"]
    sold = {row["tax"] for row in payload["rows"]} | {payload["shipping_tax_percentage"]}
    counts["VAT equal"] += off == 0
    counts["furthest VAT"] = max(counts["furthest VAT"], int(off * 100))
    counts["most lines"] = max(counts["most lines"], len(added))
    counts["rounding line"] += bool(added)
    counts["several lines"] += len(added) > 1
    foreign = [one for one in added if _RATES[one["TaxCode"]] not in sold]
    counts["at another rate"] += bool(foreign)
    if any(_cents(Decimal(one["PriceExcl"]) * _RATES[one["TaxCode"]] / 100) for one in foreign):
        yield f"a rounding line has VAT at a rate at which nothing was sold: {foreign}"
    if made.incl != total:
        yield f"WeFact's total is {made.incl}, the shop's {total}"
    if off > within:
        yield f"WeFact's VAT is {made.tax}, the shop's {tax}, and the tolerance {within}"


def _chunks(baskets: int, size: int = 250) -> list[range]:
    return [range(start, min(start + size, baskets)) for start in range(0, baskets, size)]


def main() -> int:
    """Print the figures; exit code 1 when a document came out wrong or a goal was missed."""
    options = argparse.ArgumentParser(
        description="Prove that invoices come out to the cent under every rounding model."
    )
    options.add_argument("--baskets", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument(
        "--shop", choices=("once", "rate", "row"), default="once", help="where the shop rounds VAT"
    )
    options.add_argument("--processes", type=int, default=os.cpu_count())
    asked = options.parse_args()
    started = time.monotonic()
    counts: dict[str, Counter[str]] = {model: Counter() for model in MODELS}
    wrong: list[str] = []
    chunks = _chunks(asked.baskets)
    with ProcessPoolExecutor(asked.processes) as pool:
        jobs = [pool.submit(prove, asked.seed, chunk, shop=asked.shop) for chunk in chunks]
        for done, job in enumerate(jobs, 1):
            outcome = job.result()
            wrong += outcome.wrong
            for model, more in outcome.counts.items():
                furthest = {name: max(counts[model][name], more[name]) for name in FURTHEST}
                counts[model] += more
                for name, value in furthest.items():
                    counts[model][name] = value
            if sys.stderr.isatty():
                print(f"\r{done} of {len(jobs)}", end="", file=sys.stderr)
    print(
        f"{asked.baskets:,} baskets, seed {asked.seed}, VAT rounded {asked.shop} in the shop; "
        f"{sum(one['documents'] for one in counts.values()):,} documents in {time.monotonic() - started:.0f} s"
    )
    print(
        "model   documents    held  held %   goal  with rounding  several (most)  another rate  VAT equal  furthest VAT"
    )
    missed = False
    for model, one in counts.items():
        share = Decimal(100 * one["held"]) / one["documents"]
        missed = missed or share > GOALS[model]
        posted = max(one["documents"] - one["held"], 1)
        part = {name: 100 * one[name] / posted for name in SHARES}
        print(
            f"{model:5} {one['documents']:11,} {one['held']:7,} {share:6.3f}% {GOALS[model]:5}%"
            f"{part['rounding line']:14.2f}%{part['several lines']:9.2f}% {'(' + str(one['most lines']) + ')':>5}"
            f"{part['at another rate']:13.2f}%{part['VAT equal']:10.2f}%{one['furthest VAT'] / 100:14.2f}"
        )
        for name, count in sorted(one.items()):
            if name.startswith("held: "):
                print(f"      {name}: {count:,}")
        print(f"      {one['held abroad']:,} of the {one['abroad']:,} to other countries were held")
    print(f"wrong: {len(wrong)}", *wrong[:20], sep="\n")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
