"""One webshop's changes to single entries of the rules: checked as rules are, shown as what they are, for it alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from mapper import settings
from mapper.authoring.explain import Explainer
from mapper.authoring.publishing import put_overlay, rollback
from mapper.authoring.recall import recall
from mapper.errors import RuleError, UsageError
from mapper.mapping import OVERLAY, load_rulebooks, rulebooks_from
from mapper.money import loads
from mapper.store import overlays, payloads
from tests.daemons import home, open_shop, running, wait_for

ORDER = Path(__file__).parent / "fixtures" / "order-nl-ideal.json"

DUTCH = """\
# Everything this webshop wants otherwise.
lines:
  shipping:
    description: {text: Verzendkosten}
requests:
  invoice:
    params:
      Term: 30
"""


SHIPPED = cache(load_rulebooks)


@pytest.fixture(scope="module")
def shipped():
    return SHIPPED()


@cache
def with_overlay(text, tenant="winkel"):
    return rulebooks_from({**SHIPPED().texts, OVERLAY: text}, tenant=tenant)


def mapped(rulebooks):
    return rulebooks.bind(settings.example()).apply("order", loads(ORDER.read_bytes()))


def problems(text):
    with pytest.raises(RuleError) as caught:
        with_overlay(text)
    return [f"{one.place}: {one.code}" for one in caught.value.diagnostics], caught.value.diagnostics


def invoice(of):
    return next(one.params for one in of.requests if one.name == "invoice")


def test_an_overlay_replaces_a_line_s_value_and_a_request_s_parameter(shipped):
    changed = invoice(mapped(with_overlay(DUTCH)))
    usual = invoice(mapped(shipped))
    assert usual["Term"] != 30
    assert changed["Term"] == 30
    texts = [line["Description"] for line in usual["InvoiceLines"]]
    assert [line["Description"] for line in changed["InvoiceLines"]] == [
        "Verzendkosten" if text == "Shipping costs" else text for text in texts
    ]
    assert "Shipping costs" in texts


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("document:\n  title: {text: x}\n", None),
        ("document:\n  invoice_number: {text: '7'}\n", "invoice_number"),
        ("every_line:\n  cost_centre: {text: '8'}\n", "lines.1.cost_centre"),
        ("totals:\n  vat_tolerance: 0.05\n", "vat_tolerance"),
        ("values:\n  _own_code: {text: F1}\n", "invoice.InvoiceCode"),
    ],
)
def test_every_section_can_be_overlaid_but_nothing_new_be_added(shipped, text, path):
    if path is None:
        said, _ = problems(text)
        assert said == ["overlay of winkel:2:3: RULE301"]
        return
    loaded = with_overlay(text)
    told = Explainer(loaded, "order", loads(ORDER.read_bytes()), settings.example(), mapped(loaded)).explain(
        path
    )
    assert "overlay of winkel:2:" in told.render()


def test_a_request_may_get_a_parameter_it_does_not_have(shipped):
    loaded = with_overlay("requests:\n  invoice:\n    params:\n      Discount: 5\n")
    assert invoice(mapped(loaded))["Discount"] == 5
    assert [one.was for one in loaded.replaced] == [None]


def test_a_check_is_found_by_id_and_about_and_changed_in_part(shipped):
    text = (
        "checks:\n  - id: K8\n    about: currency\n    if: order.currency == 'EUR'\n    severity: warning\n"
    )
    found = [one for one in mapped(with_overlay(text)).findings if one.id == "K8"]
    assert [(one.severity, str(one.place)) for one in found] == [("warning", "overlay of winkel:2:5")]
    assert not [one for one in mapped(shipped).findings if one.id == "K8"]


def test_of_several_checks_with_one_name_the_overlay_says_which(shipped):
    text = "checks:\n  - id: K2\n    about: customer.vat_number\n    severity: warning\n"
    said, (problem,) = problems(text)
    assert said == ["overlay of winkel:2:5: RULE302"]
    assert "nth: 1" in problem.hint
    assert with_overlay(text + "    nth: 2\n").replaced


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("documents:\n  currency: {text: EUR}\n", "1:1: RULE219", "document"),
        ("document:\n  curency: {text: EUR}\n", "2:3: RULE301", "currency"),
        ("lines:\n  shiping:\n    quantity: 2\n", "2:3: RULE301", "shipping"),
        ("requests:\n  invoices: {params: {Term: 1}}\n", "2:3: RULE301", "invoice"),
        ("requests:\n  invoice: {action: edit}\n", "2:13: RULE219", ""),
        ("checks:\n  - id: K99\n    about: currency\n", "2:5: RULE301", "K8 about currency"),
        ("document:\n  currency: order.curency\n", "2:19: RULE208", "order.currency"),
        ("document:\n  total_vat: order.currency * 2\n", "2:14: RULE205", ""),
        ("document: [1]\n", "1:11: RULE211", ""),
        ("document:\n  currency: &a x\n", "2:13: RULE104", ""),
    ],
)
def test_a_mistake_in_an_overlay_is_shown_at_its_place_with_its_line(shipped, text, place, hint):
    said, diagnostics = problems(text)
    assert said[0] == f"overlay of winkel:{place}"
    assert hint in diagnostics[0].hint
    assert diagnostics[0].excerpt == text.splitlines()[diagnostics[0].place.line - 1]


def test_a_type_that_the_rules_cannot_use_is_shown_where_they_use_it(shipped):
    said, _ = problems("document:\n  total_incl: {text: twelve}\n")
    assert all(one.startswith(("rules/", "overlay of winkel")) for one in said)
    assert any(one.startswith("rules/ccv_order.yaml") for one in said)


def test_a_fault_while_mapping_names_the_overlay_s_line(shipped):
    loaded = with_overlay("\n\ndocument:\n  date: local_time('noon', tenant.time_zone)\n")
    (finding,) = mapped(loaded).findings
    assert (finding.id, str(finding.place)) == ("MAP203", "overlay of winkel:4:9")


def test_the_overlay_of_the_documentation_fits_the_shipped_rules():
    page = (Path(__file__).parents[1] / "docs" / "rules.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yml\n(.*?)```", page.partition("## Overlays")[2], re.DOTALL)
    assert len(with_overlay(example).replaced) == 5


def test_rules_with_an_overlay_have_a_hash_of_their_own(shipped):
    one, other = with_overlay(DUTCH), with_overlay(DUTCH + "# more\n")
    assert len({shipped.hash, one.hash, other.hash}) == 3
    assert one.hash == with_overlay(DUTCH, "elders").hash
    assert shipped.base == one.base == shipped.texts


def test_the_same_overlay_of_two_tenants_is_told_apart(shipped):
    traces = [mapped(with_overlay(DUTCH, tenant)).trace.to_json() for tenant in ("a", "b")]
    files = [{one["rule"].partition(":")[0] for one in trace} for trace in traces]
    assert [{file for file in found if file.startswith("overlay")} for found in files] == [
        {"overlay of a"},
        {"overlay of b"},
    ]


def test_check_and_map_try_an_overlay_from_its_file(mapper, tmp_path):
    file = tmp_path / "overlay.yaml"
    file.write_text(DUTCH)
    checked = mapper("check", "--overlay", file)
    assert checked.code == 0
    assert f"{file}:4:5: lines.shipping.description replaces rules/ccv_order.yaml:" in checked.err
    assert '"Term": "30"' in mapper("map", "--overlay", file, ORDER).out
    told = mapper("explain", "--overlay", file, ORDER, "invoice.Term").out
    assert f"{file}:8:13  30" in told
    file.write_text(DUTCH.replace("shipping", "shiping"))
    wrong = mapper("check", "--plain", "--overlay", file)
    assert (wrong.code, wrong.out.startswith(f"{file}:3:3: RULE301: ")) == (2, True)


def test_an_overlay_is_kept_only_when_it_fits_and_can_be_shown_and_removed(shop, tmp_path):
    file = tmp_path / "overlay.yaml"
    file.write_text(DUTCH)
    assert shop("tenant", "overlay", "winkel", file).code == 0
    file.write_text(DUTCH.replace("30", "ordr.term"))
    assert shop("tenant", "overlay", "winkel", file).code == 2
    assert shop("tenant", "overlay", "winkel").out == DUTCH
    assert "changes 2 rules" in shop("doctor").out
    assert shop("tenant", "overlay", "winkel", "--remove").code == 0
    assert "has no overlay" in shop("tenant", "overlay", "winkel").err
    history = shop("tenant", "overlay", "winkel", "--history", "--json").records
    assert [(one["number"], one["overlay"]) for one in history] == [(2, ""), (1, DUTCH)]
    assert shop("tenant", "overlay", "winkel", "--remove", "--show").code == 2
    file.write_text("")
    assert shop("tenant", "overlay", "winkel", file).code == 2


def test_an_overlay_holds_for_its_own_webshop_only(sandbox, tmp_path, shipped):
    with home(tmp_path) as at, running(at) as url:
        plain = open_shop(at, sandbox, url)
        (order,) = [plain.sell("nl_ideal")]
        plain.until(order, "done")
        plain.rest()
        changed = open_shop(at, sandbox, None)
        with at.database.begin() as conn:
            overlays.put(conn, changed.tenant, DUTCH, who="test", now=datetime.now(UTC))
        changed.process(order)
        changed.until(order, "done")
        with at.database.read() as conn:
            results = [payloads.mapping(conn, shop.tenant, order) for shop in (plain, changed)]
        terms = [
            next(one["params"]["Term"] for one in result.requests if one["name"] == "invoice")
            for result in results
        ]
        assert terms[0] != 30
        assert terms[1] == 30
        assert [result.rules for result in results] == [
            shipped.hash,
            with_overlay(DUTCH, changed.tenant).hash,
        ]
        assert f"overlay of {changed.tenant}:4:5" in {one["rule"] for one in results[1].trace}

        then = recall(at.database, changed.tenant, order)
        told = then.explainer().explain("invoice.Term").render()
        assert f"overlay of {changed.tenant}:8:13  30" in told
        assert (then.is_same, then.has_other_rules_now) == (True, False)
        put_overlay(at.database, changed.tenant, "", file="", who="test", now=datetime.now(UTC))
        now = recall(at.database, changed.tenant, order)
        assert now.explainer().explain("invoice.Term").render() == told
        assert (now.is_same, now.has_other_rules_now) == (True, True)
        with pytest.raises(UsageError) as caught:
            rollback(at.database, then.rulebooks.hash, who="test", message="x", now=datetime.now(UTC))
        assert caught.value.code == "PUB103"


def test_R4_other_rules_are_no_change_of_the_shop(sandbox, tmp_path):
    with home(tmp_path) as at, running(at) as url:
        shop = open_shop(at, sandbox, url)
        order = shop.sell("nl_ideal")
        shop.until(order, "done")
        text = "every_line:\n  vat_code: {text: V0}\n"
        put_overlay(at.database, shop.tenant, text, file="", who="test", now=datetime.now(UTC))
        shop.change(order, status=5)
        shop.rest()
        assert shop.document(order).drift_at is None
        shop.change(order, paid=False, total_price=1)
        wait_for(lambda: shop.document(order).drift_at is not None)
