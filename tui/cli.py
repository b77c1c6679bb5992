"""The command line: finds the command, runs it, and turns what happened into an exit status."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

from core import VERSION
from core.errors import LadingError, UsageError
from tui.console import output
from tui.console.exits import Exit, exit_for
from tui.console.output import Console

COMMANDS = (
    *("import_", "status", "pause", "resume", "cancel", "imports", "receipt", "mhl", "find"),
    *("check", "restore", "rebuild", "move"),
    *("queues", "jobs", "retry", "derive", "show", "location", "audit", "engine", "log", "doctor", "demo"),
)
"""The modules of `tui.commands`, in the order of the help."""


class Command(Protocol):
    """What each of those modules has."""

    NAME: str
    HELP: str

    def add(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, options: argparse.Namespace, console: Console) -> Exit: ...


class Parser(argparse.ArgumentParser):
    """Complains by a UsageError."""

    def error(self, message: str) -> NoReturn:
        """Argparse's own message, with the way to the help."""
        raise UsageError(message[:1].upper() + message[1:] + ".", f"See: {self.prog} --help")


class Version(argparse.Action):
    """Prints the version and leaves."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        output.console().out.line(f"lading {VERSION}")
        parser.exit()


def commands(only: str = "") -> list[Command]:
    """The commands' modules; just the one called `only`, if there is one."""
    names = [name for name in COMMANDS if name.rstrip("_") == only] or COMMANDS
    return [importlib.import_module(f"tui.commands.{name}") for name in names]


def parser(only: str = "") -> Parser:
    """The whole command line, or what one command needs of it."""
    top = Parser(
        prog="lading",
        description="Loads an archive: complete, verified copies of cards and drives, a receipt for every file.",
        epilog="exit status: 0 all well, 1 some files failed, 2 wrong use, 3 paused or interrupted, "
        "4 engine or archive unusable",
        allow_abbrev=False,
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version")
    below = top.add_subparsers(metavar="COMMAND", title="commands", dest="command")
    for command in commands(only):
        one = below.add_parser(command.NAME, help=command.HELP, description=command.HELP, allow_abbrev=False)
        command.add(one)
        one.set_defaults(run=command.run)
    return top


def run(arguments: Sequence[str], console: Console) -> int:
    """Run one command line; its exit status."""
    try:
        whole = parser(arguments[0] if arguments else "")
        options = whole.parse_args(arguments)
        if options.command is None:
            from tui import start

            if start.possible(console):
                return int(start.run(console))
            whole.print_help()
            return Exit.WELL
        return int(options.run(options, console))
    except LadingError as error:
        complain(error, console)
        return exit_for(error)
    except SystemExit as done:
        # Argparse's way out after --help and --version.
        return int(done.code or 0)
    except KeyboardInterrupt:
        return Exit.PAUSED
    except BrokenPipeError:
        # Whoever reads has seen enough.
        return Exit.WELL
    except Exception as error:
        from tui.console import crash

        console.err.line(crash.report(error, os.environ))
        return Exit.UNUSABLE


def complain(error: LadingError, console: Console) -> None:
    """Title and cause on one line, advice below."""
    err = console.err
    err.line(f"{err.styled(err.text(error.title), 'bad')}: {err.text(error.cause)}")
    if error.advice:
        err.line(f"  {err.text(error.advice)}")


def main() -> None:
    """The console script."""
    console = output.console()
    try:
        status = run(sys.argv[1:], console)
    except OSError:
        # Not even the complaint could be written.
        status = Exit.UNUSABLE
    quieten()
    sys.exit(status)


def quieten() -> None:
    """Nothing that is still to be written may fail while the interpreter ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
