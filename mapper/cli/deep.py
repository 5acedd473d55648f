"""`check --deep`: the invariants beside the rules, proven over history and by made-up documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from mapper.cli.options import language, print_json, say
from mapper.cli.progress import Progress
from mapper.cli.state import State
from mapper.diagnostics import printable

if TYPE_CHECKING:
    from mapper.authoring.invariants import Counterexample, Invariants
    from mapper.mapping import Rulebooks

_RULES = 12


def prove(
    state: State,
    rulebooks: Rulebooks,
    invariants: Invariants,
    settings: Mapping[str, Any],
    *,
    count: int,
    seed: int,
    as_json: bool,
) -> bool:
    """Prove the invariants and show what breaks them, as small as it gets; tell whether all of them hold.

    Made-up documents are mapped with `settings`; those of history, where there is a database, with their webshop's own.
    """
    from mapper.authoring.invariants import prove_by_chance

    number = len(invariants.compiled.rules.checks)
    with Progress("Made up") as progress:
        mapper = rulebooks.bind(settings)
        posted, found = prove_by_chance(invariants, mapper, count=count, seed=seed, progress=progress.show)
    say(
        f"{number} invariants over {count} made-up documents, of which {posted} would be posted (seed {seed})."
    )
    found += _over_history(state, rulebooks, invariants)
    for one in found:
        _show(one, as_json=as_json)
    say("All invariants hold." if not found else f"{len(found)} times an invariant does not hold.")
    return not found


def _over_history(state: State, rulebooks: Rulebooks, invariants: Invariants) -> list[Counterexample]:
    from mapper.authoring.invariants import prove_over_history
    from mapper.authoring.replaying import changes_of
    from mapper.store.history import Scope

    if state.database_file is not None and not state.database_file.exists():
        say("There is no database here: nothing was proven over history.")
        return []
    with state.open() as database:
        versions = {one.tenant: one.new for one in changes_of(database, new=rulebooks.base)}
        with Progress("Proven") as progress:
            posted, found = prove_over_history(
                invariants, database, versions, Scope(), progress=progress.show
            )
    say(f"Over history: {posted} documents that would be posted.")
    return found


def _show(one: Counterexample, *, as_json: bool) -> None:
    rules = [{"rule": str(place), "path": path, "value": value} for place, path, value in one.rules]
    if as_json:
        told: dict[str, Any] = {"invariant": one.broken.id, "place": str(one.broken.place)}
        told |= {"say": one.broken.say[language()], "documents": one.documents, "origin": one.origin}
        print_json({"broken": told | {"kind": one.kind, "payload": one.payload, "rules": rules}})
        return
    click.echo(printable(f"{one.broken.place}: {one.broken.id}: {one.broken.say[language()]}"))
    for line in summary(one):
        click.echo(f"  {printable(line)}")
    for rule in rules[:_RULES]:
        click.echo(printable(f"  {rule['rule']} {rule['path']} = {_brief(rule['value'])}"))


def summary(one: Counterexample) -> list[str]:
    """Return the smallest document in a few lines: its rows, what else it charges, and its totals."""
    payload = one.payload
    times = f"{one.documents} documents; the smallest like the first ({one.origin}):"
    lines = [times, *(_row(row) for row in payload.get("rows") or () if isinstance(row, dict))]
    extras = ("total_shipping", "paymethod_costs", "extra_costs", "credit_point_discount", "total_discounts")
    lines += [f"{name} {payload[name]}" for name in extras if payload.get(name)]
    flags = ("taxes_included", "order_row_taxes_included", "invoice_row_taxes_included", "type")
    told = ", ".join(f"{name} {_brief(payload[name])}" for name in flags if name in payload)
    totals = f"total_price {payload.get('total_price')}, total_tax {payload.get('total_tax')}"
    return [*lines, f"{totals}; {told}"]


def _row(row: Mapping[str, Any]) -> str:
    price = row.get("price_with_attributes")
    return f"row: {row.get('count')} × {row.get('selling_price') if price is None else price} at {row.get('tax')} %"


def _brief(value: Any) -> str:
    from mapper.authoring.explanation import brief

    return brief(value)
