"""The `mapper` program: its table of commands, loaded one at a time, and what happens to every error."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn

import click

from mapper import __version__
from mapper.cli.state import State
from mapper.errors import Language, MapperError, StoreError, UsageError

FAULT, INTERRUPTED, READER_GONE = 70, 130, 141

# Name → (module, function, one line of help). The module is imported when the command is used.
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "demo": ("mapper.cli.showing", "demo", "Watch a sandbox shop sell and correct invoices appear."),
    "init": ("mapper.cli.operating", "init", "Make the state folder, the key and the database."),
    "tenant": ("mapper.cli.tenants", "tenant", "Add, list, show and set webshops."),
    "run": ("mapper.cli.operating", "run", "Receive webhooks and process documents until stopped."),
    "report": ("mapper.cli.listing", "report", "List the documents that are invoiced."),
    "errors": ("mapper.cli.listing", "errors", "List the documents that stopped, and why."),
    "open": ("mapper.cli.listing", "open_", "List the documents that are on their way."),
    "process": ("mapper.cli.operating", "process", "Process documents now, or show what would be posted."),
    "ignore": ("mapper.cli.operating", "ignore", "Leave a document alone, with a reason."),
    "reconcile": ("mapper.cli.reconciling", "reconcile", "Compare shop and WeFact both ways."),
    "migrate": ("mapper.cli.migrating", "migrate", "Post documents from before the go-live."),
    "pause": ("mapper.cli.operating", "pause", "Stop posting, for one webshop or for all."),
    "resume": ("mapper.cli.operating", "resume", "Post again after a pause."),
    "doctor": ("mapper.cli.services", "doctor", "Check connections and everything the mapper needs."),
    "ticket": ("mapper.cli.tickets", "ticket", "Report a problem, ask something, and answer."),
    "support": ("mapper.cli.licences", "support", "Say who works at support and may see every webshop."),
    "key": ("mapper.cli.keys", "key", "Show and change the key that seals the services' keys."),
    "backup": ("mapper.cli.databases", "backup", "Write a backup of the database while all goes on."),
    "purge": ("mapper.cli.life", "purge", "Remove what was kept long enough: customers, tickets."),
    "database": ("mapper.cli.databases", "database", "Move the database, or say it was restored."),
    "map": ("mapper.cli.authoring", "map_", "Map documents and print what would be sent."),
    "check": ("mapper.cli.authoring", "check", "Check rules and settings, and show all problems."),
    "test": ("mapper.cli.cases", "test", "Run the cases of the rules, and show what they reach."),
    "explain": ("mapper.cli.authoring", "explain", "Explain why a value is what it is."),
    "impact": ("mapper.cli.impact", "impact", "Show what changed rules do to past documents, in euros."),
    "census": ("mapper.cli.census", "census", "Count what past documents ask of the tables of the rules."),
    "golden": ("mapper.cli.golden", "golden", "Make cases of past documents, without persons."),
    "rules": ("mapper.cli.rules", "rules", "Schemas for editors, and the versions of the rules."),
    "publish": ("mapper.cli.rules", "publish", "Make changed rules the ones that `mapper run` uses."),
    "sandbox": ("mapper.cli.services", "sandbox", "Serve emulators of CCV Shop, WeFact and VIES."),
    "torture": ("mapper.cli.torturing", "torture", "Kill it everywhere, and count the invoices."),
    "tui": ("mapper.cli.showing", "tui", "Open the dashboard, in this terminal or a browser."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used: `--help` must cost nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table: the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), function)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command among the arguments, with a hint when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"There is no command '{args[0][:50]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, described) for name, (_, _, described) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--home",
    metavar="DIR",
    envvar="MAPPER_HOME",
    help="The state folder.  [env: MAPPER_HOME; default: ~/.local/share/mapper]",
)
@click.option(
    "--database",
    metavar="URL",
    envvar="MAPPER_DATABASE",
    help="postgresql://… or a file.  [env: MAPPER_DATABASE; default: mapper.db in the state folder]",
)
@click.option(
    "--loopback",
    is_flag=True,
    envvar="MAPPER_LOOPBACK",
    help="Allow services on this machine over plain http, as the sandbox is.  [env: MAPPER_LOOPBACK]",
)
@click.option(
    "--language",
    type=click.Choice(["en", "nl"]),
    envvar="MAPPER_LANGUAGE",
    default="en",
    help="The language of messages.  [env: MAPPER_LANGUAGE; default: en]",
)
@click.version_option(__version__, prog_name="mapper", message="%(prog)s %(version)s")
@click.pass_context
def program(
    ctx: click.Context, *, home: str | None, database: str | None, loopback: bool, language: Language
) -> None:
    """Turn paid CCV Shop orders into WeFact invoices: exactly one each, right to the cent, every value explained.

    New here? Run `mapper demo`. For real: `mapper init`, `mapper tenant add`, `mapper run`.
    """
    ctx.obj = State.locate(home, database, loopback=loopback, language=language, environ=os.environ)


def main() -> NoReturn:
    """Run the program with the arguments of the process, and end it."""
    # Python has none of these when they were closed before it began.
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Shows every error; no traceback ever reaches the terminal."""
    try:
        result = _invoke(_hoisted(arguments))
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        return _tell(_usage(error), _language(arguments))
    except MapperError as error:
        return _tell(error, _language(arguments))
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        _stop_writing()
        return READER_GONE
    except OSError as error:
        _stop_writing()
        file = error.filename or "its output"
        return _tell(StoreError("STO150", file=str(file), reason=error.strerror), _language(arguments))
    except Exception as error:  # noqa: BLE001 (the last resort: a fault of ours, told without a traceback)
        return _show_fault(error, arguments)
    return result if isinstance(result, int) else 0


def _invoke(arguments: list[str]) -> object:
    """Run a command as `click.Group.main` would, which takes a reader that is gone for a failure of its own."""
    if "_MAPPER_COMPLETE" in os.environ:
        return program.main(arguments, prog_name="mapper")  # what completes commands in a shell
    with program.make_context("mapper", arguments) as context:
        return program.invoke(context)


def _stop_writing() -> None:
    """Whatever is still buffered would fail again when Python closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _hoisted(arguments: Sequence[str]) -> list[str]:
    """Move the options that hold for every command before it: `mapper demo --language nl` is what people type."""
    options: list[str] = []
    rest = list(arguments)
    end = rest.index("--") if "--" in rest else len(rest)
    place = 0
    while place < end:
        name, given, _ = rest[place].partition("=")
        width = 1 if name == "--loopback" or given else 2
        if name in {"--home", "--database", "--language", "--loopback"} and place + width <= end:
            options += rest[place : place + width]
            del rest[place : place + width]
            end -= width
        else:
            place += 1
    return options + rest


def _usage(error: click.ClickException) -> UsageError:
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "mapper"
    return UsageError("USE100", said=error.format_message().rstrip("."), command=path)


def _tell(error: MapperError, language: Language) -> int:
    from mapper.cli.options import tell

    return tell(error, language)


def _language(arguments: Sequence[str]) -> Language:
    """Return the language asked for, also when the arguments could not be understood."""
    given = os.environ.get("MAPPER_LANGUAGE", "en")
    for number, argument in enumerate(arguments):
        if argument == "--language" and number + 1 < len(arguments):
            given = arguments[number + 1]
        elif argument.startswith("--language="):
            given = argument.partition("=")[2]
    return "nl" if given == "nl" else "en"


def _show_fault(error: Exception, arguments: Sequence[str]) -> int:
    from mapper.cli.fault import write_report

    home = State.locate(None, None, loopback=False, language="en", environ=os.environ).home
    path = write_report(error, arguments, home, environ=os.environ)
    _tell(MapperError("USE999", kind=type(error).__name__, file=str(path)), _language(arguments))
    return FAULT
