"""`doctor` and `sandbox`: the services, real and emulated."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mapper.cli.options import chosen_tenant, json_option, language, now, print_json
from mapper.cli.state import State
from mapper.cli.talk import talked
from mapper.diagnostics import printable

if TYPE_CHECKING:
    from mapper.doctor import Check, Patient

_DOTS = {"good": ("●", "green", "ok"), "attention": ("▲", "yellow", "look"), "bad": ("✗", "red", "BAD")}


@click.command()
@click.option("--probe", is_flag=True, help="Measure how WeFact rounds, with a draft that is deleted again.")
@click.option("--debtor", default="", metavar="CODE", help="With --probe: a debtor of WeFact that exists.")
@click.option("--set", "sets", is_flag=True, help="With --probe: put what was measured into the settings.")
@click.option("--yes", is_flag=True, help="With --probe: post the draft without asking.")
@click.option("--tenant", metavar="NAME", help="With --probe: which webshop; not needed when there is one.")
@json_option
@click.pass_obj
def doctor(
    state: State, *, probe: bool, debtor: str, sets: bool, yes: bool, tenant: str | None, as_json: bool
) -> int:
    """Check connections and everything the mapper needs; say what is wrong and how to mend it.

    Exit code 1 when something is bad. Nothing is changed, but for what --probe and --set say.
    """
    from mapper.doctor import Patient

    if probe:
        from mapper.cli import probing

        with state.open() as database:
            asked = probing.Asked(
                chosen_tenant(database, tenant), debtor, sets=sets, yes=yes, as_json=as_json
            )
            return probing.run(state, database, asked)
    with state.open() as database:
        patient = Patient(database, state.key_file, state.environ, state.loopback, state.language, now())
        return asyncio.run(_examine(patient, as_json=as_json))


async def _examine(patient: Patient, *, as_json: bool) -> int:
    from mapper.doctor import examine

    bad = False
    async with aclosing(examine(patient)) as checks:
        async for check in checks:
            bad = bad or check.verdict == "bad"
            if as_json:
                print_json(asdict(check))
            else:
                _print(check)
    return 1 if bad else 0


def _print(check: Check) -> None:
    """Print a dot with its word: never colour alone."""
    spoken = language()
    dot, colour, word = _DOTS[check.verdict]
    word, named, said = (talked(text, spoken) for text in (word, check.name, check.said))
    name = f"{check.about}: {named}" if check.about else named
    code = f" ({check.code})" if check.code else ""
    click.echo(click.style(f"{dot} {word:<4}", fg=colour) + f"  {name:<24} {printable(said)}{code}")
    if check.remedy:
        click.echo(f"{'':<32} → {printable(talked(check.remedy, spoken))}")


class _Sandbox(click.Command):
    """The command whose help ends with the admin API, which is imported only to be shown."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the admin API as it is, unwrapped."""
        from mapper.sandbox.serve import ADMIN_HELP

        formatter.write_paragraph()
        formatter.write(ADMIN_HELP)


_PORT = click.IntRange(0, 65535)


@click.command(cls=_Sandbox)
@click.option("--ccv-port", type=_PORT, default=0, metavar="N", help="0 (the default): any free one.")
@click.option("--wefact-port", type=_PORT, default=0, metavar="N", help="0 (the default): any free one.")
@click.option("--vies-port", type=_PORT, default=0, metavar="N", help="0 (the default): any free one.")
@click.option("--seed", type=int, default=1, show_default=True, help="What the shop's customers buy.")
def sandbox(*, ccv_port: int, wefact_port: int, vies_port: int, seed: int) -> None:
    """Serve emulators of CCV Shop, WeFact and VIES on this machine until Ctrl-C."""
    from mapper.sandbox import serve

    serve.serve(ccv_port, wefact_port, vies_port, seed)
