"""The command line: finds the command, runs it, and turns its result into an exit status."""

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn, Protocol

from core import VERSION
from core.errors import LadingError, UsageError
from tui import start
from tui.console import output
from tui.console.exits import Exit, exit_for
from tui.console.output import Console

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

COMMANDS = (
    *(
        "import_",
        "watch",
        "status",
        "pause",
        "resume",
        "cancel",
        "imports",
        "cards",
        "volumes",
        "eject",
        "receipt",
        "mhl",
        "find",
        "sheet",
        "serve",
    ),
    *("check", "missing", "accept", "adjust", "restore", "mirror", "rebuild", "move", "tidy"),
    *("queues", "jobs", "retry", "derive", "show", "location", "audit", "engine", "log", "config"),
    *("completion", "doctor", "demo"),
)
"""The modules of `tui.commands`, in the order of the help."""


OBJECTS = 20_000
"""Objects that may be made before garbage is looked for; 700 is Python's own number."""


class Command(Protocol):
    """What each of these modules has."""

    NAME: str
    HELP: str

    def add(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, options: argparse.Namespace, console: Console) -> Exit: ...


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError."""

    def error(self, message: str) -> NoReturn:
        """Raise argparse's own message, with a hint at the help."""
        raise UsageError(message[:1].upper() + message[1:] + ".", f"See: {self.prog} --help")

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Print to standard output by way of `output`, because argparse itself ignores failed writes."""
        if file is None:
            output.console().out.write(self.format_help())
        else:
            super().print_help(file)


class Help(argparse.HelpFormatter):
    """Argparse's own, which makes one for each option and asks shutil for the width; that imports what reads
    archives, for a tenth of the time that a short command takes."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=output.console().out.size()[0] - 2)


class Version(argparse.Action):
    """Prints the version and leaves."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        output.console().out.line(f"lading {VERSION}")
        parser.exit()


def commands(only: str = "") -> list[Command]:
    """The commands' modules; only the one called `only`, if there is one."""
    names = [name for name in COMMANDS if name.rstrip("_") == only] or COMMANDS
    return [importlib.import_module(f"tui.commands.{name}") for name in names]


def parser(only: str = "") -> Parser:
    """The parser of the whole command line, or the part of it that one command needs."""
    top = Parser(
        prog="lading",
        usage="lading [COMMAND …]",
        description="Loads an archive: complete, verified copies of cards and drives, a receipt for every file. "
        "Without a COMMAND, on a terminal, it opens the app.",
        epilog="exit status: 0 all well, 1 KEEP or some files failed, 2 wrong use, 3 paused or interrupted, "
        "4 engine, archive or output unusable",
        allow_abbrev=False,
        formatter_class=Help,
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version")
    below = top.add_subparsers(metavar="COMMAND", title="commands", dest="command", prog="lading")
    for command in commands(only):
        one = below.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.HELP,
            allow_abbrev=False,
            formatter_class=Help,
        )
        command.add(one)
        one.set_defaults(run=command.run)
        if command.NAME == "completion":
            # It has all commands, and none of them imports this module.
            one.set_defaults(parser=parser, commands=commands)
    return top


def run(arguments: Sequence[str], console: Console) -> int:
    """Run one command line. Returns its exit status."""
    try:
        if not arguments and start.possible(console):
            return int(start.run(console))
        whole = parser(arguments[0] if arguments else "")
        options = whole.parse_args(arguments)
        if options.command is None:
            # A script that forgot the command must not go on as if something had been done.
            console.err.write(whole.format_help())
            console.err.line("The app needs a terminal; name a command.")
            return Exit.WRONG
        import core.light_start  # noqa: F401 - before what the command imports

        return int(options.run(options, console))
    except LadingError as error:
        if "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments):
            tell_as_json(error, console)
        output.complain(error, console)
        return exit_for(error)
    except SystemExit as done:
        # Argparse exits in this way after --help and --version.
        return int(done.code or 0)
    except KeyboardInterrupt:
        return Exit.PAUSED
    except BrokenPipeError:
        # The reader has closed the pipe.
        return Exit.WELL
    except output.UnwrittenError as error:
        title, advice = "The output cannot be written", "Make room there, or write elsewhere."
        output.complain(LadingError(f"{error.strerror or error}.", advice, title=title), console)
        return Exit.UNUSABLE
    except Exception as error:
        from tui.console import crash

        console.err.line(crash.report(error, os.environ))
        return Exit.UNUSABLE


def tell_as_json(error: LadingError, console: Console) -> None:
    """Write the error as JSON, for a program that reads standard output."""
    from core.paths import display
    from tui.console.json_answers import Error

    texts = (display(text) for text in (error.cause, error.title, error.advice))
    cause, title, advice = texts
    console.out.json(Error(error=cause, title=title, advice=advice, exit=int(exit_for(error))))


def main() -> None:
    """The entry point of the console script."""
    # Modules make many objects and no garbage; looking for it meanwhile takes a twentieth of a start.
    gc.set_threshold(OBJECTS)
    console = output.console()
    try:
        status = run(sys.argv[1:], console)
    except OSError:
        # Even the error message could not be written.
        status = Exit.UNUSABLE
    quieten()
    # Nothing is left to be done: no thread has to be waited for (core.threads), and the system frees all at once
    # what the interpreter would free object by object, for a tenth of a short command's time.
    os._exit(status)


def quieten() -> None:
    """Flush or replace the streams, so that no write can fail while the interpreter ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
