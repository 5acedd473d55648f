"""The subset for each engine that is installed: prepared once, then called with an order. Outputs can be compared.

The Decimal engines (compiled rules, by hand, simpleeval) take the order as `mapper.money.loads` reads it and must agree
exactly. The others calculate in binary floats, or give them back, so they take the order as orjson reads it, and must
agree within 1e-8.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.peers import by_hand, json_logic
from mapper import mapping, money
from mapper.rulebook.reference import Evaluator, Interpreter, typed
from mapper.rulebook.source import read

FOLDER = Path(__file__).parent
TOLERANCE = 1e-8

Order = Mapping[str, Any]
Run = Callable[[Order], Any]


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine: `run` maps an order as it wants it, `shaped` gives its output the common form for comparison."""

    name: str
    exact: bool
    run: Run
    shaped: Callable[[Any], Any]
    taken: Callable[[Order], Any]


def engines(tenant: Mapping[str, Any]) -> Iterator[Engine]:
    """Yield every engine that is installed; compiled rules and the mapping by hand come first."""
    rulebooks = _rulebooks()
    yield _compiled(rulebooks, tenant)
    yield Engine("hand-written, Decimal", True, by_hand.bind(tenant), _same, _same)
    yield _simpleeval(rulebooks, tenant)
    codes, home = _codes(tenant), tenant["home_country"]
    makers: dict[str, Callable[[Any, Mapping[str, Any], str], Engine]] = {
        "zen": _zen, "datalogic_py": _datalogic, "jsonata": _jsonata, "jq": _jq,
    }  # fmt: skip
    for module, maker in makers.items():
        try:
            library = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        yield maker(library, codes, home)


def agree(one: Any, other: Any, *, exact: bool) -> bool:
    """Tell whether two outputs are the same, exactly or within the tolerance; empty entries do not count."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        first, second = (_filled(record) for record in (one, other))
        return first.keys() == second.keys() and all(
            agree(first[name], second[name], exact=exact) for name in first
        )
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(
            agree(*pair, exact=exact) for pair in zip(one, other, strict=True)
        )
    if exact or isinstance(one, bool) or not isinstance(one, int | float | Decimal):
        return bool(one == other)
    return isinstance(other, int | float | Decimal) and abs(float(one) - float(other)) <= TOLERANCE


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    # Some languages cannot leave an entry out of a record, others drop an empty one.
    return {name: value for name, value in record.items() if value is not None and value != ""}


def _same(value: Any) -> Any:
    return value


def _floats(order: Order) -> Any:
    import orjson

    return orjson.loads(orjson.dumps(order, default=float))


def _rulebooks() -> mapping.Rulebooks:
    """Return the subset's rules, compiled as any rules are; they know orders only."""
    texts = {
        "ccv_order.yaml": (FOLDER / "subset_order.yaml").read_text(),
        "wefact.yaml": (FOLDER / "subset_wefact.yaml").read_text(),
        "vat_rates.yaml": (mapping.shipped_rules() / "vat_rates.yaml").read_text(),
    }
    return mapping.rulebooks_from(texts, whole=False)


def _compiled(rulebooks: mapping.Rulebooks, tenant: Mapping[str, Any]) -> Engine:
    mapper = rulebooks.bind(tenant)
    names = [request.name for request in rulebooks.target.rules.requests]

    def shaped(result: Any) -> Any:
        return {"document": result[0], **{names[one[0]]: one[1] for one in result[2]}}

    return Engine("compiled rules", True, lambda order: mapper.run("order", order), shaped, _same)


def _simpleeval(rulebooks: mapping.Rulebooks, tenant: Mapping[str, Any]) -> Engine:
    evaluator = Evaluator(rulebooks.functions)
    source, target = (
        Interpreter(read(rulebooks.texts[name], name), evaluator, tenant)
        for name in ("ccv_order.yaml", "wefact.yaml")
    )

    def run(order: Order) -> Any:
        document = source.document("order", order)[0]
        return document, target.requests(document)[0]

    def shaped(result: Any) -> Any:
        return {"document": result[0], **dict(result[1])}

    schema = mapping.payload_schema("order")
    return Engine("simpleeval, pre-parsed", True, run, shaped, lambda order: typed(order, schema))


def _codes(tenant: Mapping[str, Any]) -> dict[str, Any]:
    """Return VAT codes by country, rate as text, and account: what these languages can look up without a loop."""
    codes: dict[str, Any] = {name: _by_account(tenant["vat"][name]) for name in ("icp", "international")}
    for setting in tenant["vat"]["rates"]:
        by_rate = codes.setdefault(setting["country"], {})
        by_rate.setdefault(money.decimal_text(setting["rate"]), _by_account(setting))
    return codes


def _by_account(setting: Mapping[str, Any]) -> dict[str, str]:
    return {account: setting[account]["code"] for account in ("revenue", "shipping")}


def _zen(zen: Any, codes: Mapping[str, Any], home: str) -> Engine:
    expression = zen.compile_expression((FOLDER / "subset.zen").read_text())
    # ZEN converts its whole context on each call; a flat table converts a fifth faster than one in one.
    flat = dict(_flat(codes))

    def run(order: Order) -> Any:
        return expression.evaluate({"order": order, "codes": flat, "home": home})

    return Engine("zen-engine", False, run, _same, _floats)


def _flat(codes: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in codes.items():
        if isinstance(inner, str):
            yield path + name, inner
        else:
            yield from _flat(inner, f"{path}{name} ")


def _datalogic(datalogic: Any, codes: Mapping[str, Any], home: str) -> Engine:
    engine = datalogic.Engine(templating=True)
    rule, session = engine.compile(json_logic.template(codes, home)), engine.session()
    return Engine(
        "datalogic-py", False, lambda order: session.evaluate(rule, order), lambda result: result[0], _floats
    )


def _jsonata(jsonata: Any, codes: Mapping[str, Any], home: str) -> Engine:
    expression = jsonata.Jsonata((FOLDER / "subset.jsonata").read_text())
    expression.assign("codes", codes)
    expression.assign("home", home)
    return Engine("jsonata-python", False, expression.evaluate, _same, _floats)


def _jq(jq: Any, codes: Mapping[str, Any], home: str) -> Engine:
    program = jq.compile((FOLDER / "subset.jq").read_text(), args={"codes": codes, "home": home})
    return Engine("jq", False, lambda order: program.input_value(order).first(), _same, _floats)
