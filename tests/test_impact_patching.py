"""New rules take over from the old ones what these made of a document, but for what an edit reaches."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from functools import cache
from random import Random

from orders import tenant

from mapper import settings
from mapper.authoring.made_up import made_up
from mapper.authoring.outcome import Outcome
from mapper.authoring.patching import patch
from mapper.authoring.reach import reach
from mapper.mapping import rulebooks_from, texts_of
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.compiler import Compiled

EDITS = int(os.environ.get("MAPPER_EDITS", "40"))
"""How many rules are edited, one at a time; 100000 is every rule and every setting (minutes)."""
PAYLOADS = 12


@cache
def shipped():
    return rulebooks_from(texts_of())


def edited_values(value):
    """Yield values that a rule may have after an edit: of its own type, and more often than not another value."""
    constants = {"text": "Anders", "number": Decimal("1.25"), "integer": Decimal(3), "boolean": True}
    if value.type.kind in constants:
        yield ex.Const(value.type, value.place, constants[value.type.kind])
    if value.type.kind == "boolean" and isinstance(value, ex.Expr):
        yield ex.Not(value.type, value.place, value)
    if isinstance(value, r.When) and len(value.cases) > 1:
        yield replace(value, cases=value.cases[1:])
    if isinstance(value, r.Match):
        yield replace(value, rows=value.rows[1:], otherwise="paypal")
    if value.type.optional and isinstance(value, r.When | ex.Cond | ex.Fallback):
        yield ex.Const(value.type, value.place, None)


def edited_rules(rules):
    """Yield (name, rules) for every way to edit one rule of a rulebook."""
    for number, step in enumerate(rules.steps):
        entries = (step,) if isinstance(step, r.Entry) else step.entries
        for index, entry in enumerate(entries):
            for value in edited_values(entry.value):
                new = replace(entry, value=value)
                if isinstance(step, r.LineRule):
                    new = replace(step, entries=(*entries[:index], new, *entries[index + 1 :]))
                yield entry.path, put(rules, "steps", number, new)
        if isinstance(step, r.LineRule) and step.test is not None:
            new = replace(step, test=ex.Not(step.test.type, step.test.place, step.test))
            yield f"lines {step.name}", put(rules, "steps", number, new)
    for number, check in enumerate(rules.checks):
        yield (
            f"check {check.id} {number}",
            put(rules, "checks", number, replace(check, failing=not check.failing)),
        )
        yield f"words {check.id} {number}", put(rules, "checks", number, replace(check, facts={}))
    for number, request in enumerate(rules.requests):
        for name, old in request.params.fields.items():
            left = {key: value for key, value in request.params.fields.items() if key != name}
            for fields in (left, *({**left, name: value} for value in edited_values(old))):
                new = replace(request, params=replace(request.params, fields=fields))
                yield f"{request.name}.{name}", put(rules, "requests", number, new)
        yield f"{request.name}.expect", put(rules, "requests", number, replace(request, expect={}))
        yield f"{request.name}.find", put(rules, "requests", number, replace(request, find=None))


def put(rules, what, number, new):
    some = getattr(rules, what)
    return replace(rules, **{what: (*some[:number], new, *some[number + 1 :])})


def versions():
    """Yield (name, kind, rulebooks, settings, keys of settings that differ): each rule and some settings edited."""
    before, given = shipped(), tenant()
    for kind, half in before.sources.items():
        for name, rules in edited_rules(half.rules):
            new = Compiled(rules, before.functions)
            yield f"{kind} {name}", kind, replace(before, sources={**before.sources, kind: new}), given, ()
    for name, rules in edited_rules(before.target.rules):
        new = replace(before, target=Compiled(rules, before.functions))
        yield f"target {name}", "order", new, given, ()
    for key, text in SETTINGS.items():
        yield f"setting {key}", "order", before, settings.changed(given, {key: text}), (key,)


SETTINGS = {
    "invoice.term": "8",
    "home_country": "DE",
    "invoice.status": "paid",
    "products.synchronise": "true",
    "vat_of.shipping": "proportional",
    "invoice.rounding_model": "C",
    "checks.rounding_limit": "0.50",
}


@cache
def payloads(kind):
    chance = Random(7)
    return [made_up(chance, kind, tenant()) for _ in range(PAYLOADS)]


@cache
def old_outcomes(kind):
    mapper = shipped().bind(tenant(), soon=True)
    return mapper, [Outcome(mapper, kind, payload) for payload in payloads(kind)]


def test_what_an_edit_reaches_is_made_anew_and_the_rest_is_taken_over():
    edits = list(versions())
    chosen = edits if len(edits) <= EDITS else Random(EDITS).sample(edits, EDITS)
    taken_over = 0
    for name, kind, rulebooks, given, keys in chosen:
        old_mapper, olds = old_outcomes(kind)
        new = rulebooks.bind(given, soon=True)
        short = patch(old_mapper, new, kind, frozenset(keys))
        for old in olds if short is not None else ():
            made = short.outcome(old)
            if made is None:
                continue
            taken_over += 1
            whole = Outcome(new, kind, old.payload)
            sent = whole.sent()
            assert whole.fault is None, name
            assert (made.document, made.said, made.sent()) == (whole.document, whole.said, sent), name
            assert exact_text(made) == exact_text(whole), name
    assert taken_over > len(chosen) * PAYLOADS / 2


def exact_text(outcome):
    """Values as they are written: equal numbers may be of two types."""
    return [str(outcome.document.get(name)) for name in sorted(outcome.document) if name != "lines"] + [
        str(sorted(line.items())) for line in outcome.document["lines"]
    ]


def test_an_edit_reaches_what_reads_it_and_no_more():
    before = shipped()
    rules = before.sources["order"].rules
    new = dict(edited_rules(rules))["document._method_by_name"]
    found = reach(rules, new, ())
    assert found.fields == {"payment_method", "fixed_debtor"}
    assert found.lines == {}
    assert {step.name for step in found.rules.steps} <= {
        "is_icp", "_paymethod", "_configured_method", "_method_by_name", "payment_method", "_fixed_debtor",
        "_has_fixed_debtor", "fixed_debtor", "_this", "_deze", "_untaxed",
    }  # fmt: skip
    target = reach(before.target.rules, before.target.rules, (), found.fields)
    assert {before.target.rules.requests[number].name for number in target.requests} == {"debtor", "invoice"}
    assert "Term" not in next(one for one in target.requests.values() if not one.whole).params


def test_rules_that_are_built_otherwise_are_not_compared_part_by_part():
    rules = shipped().sources["order"].rules
    assert reach(rules, replace(rules, steps=rules.steps[1:]), ()) is None
    assert reach(rules, replace(rules, checks=rules.checks[1:]), ()) is None
    assert reach(rules, rules, ()).is_nothing
