"""The parser of the command line, and the commands that it knows."""

import argparse
import importlib
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from core import VERSION
from core.errors import UsageError
from tui.console import output
from tui.console.exits import Exit
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


class Command(Protocol):
    """What each of these modules has."""

    NAME: str
    HELP: str

    def add(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, options: argparse.Namespace, console: Console) -> Exit: ...


ALONE = ("-h", "--help", "--version")
"""What the command line takes without a command."""

PATH_ARGUMENTS = ("sources", "source", "target", "archive", "folder", "output", "heal")
"""The arguments of commands that are paths."""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError."""

    def error(self, message: str) -> NoReturn:
        """Raise argparse's own message, with a hint at the help."""
        raise UsageError(message[:1].upper() + message[1:] + ".", f"See: {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse, but refuse an empty path, which would mean the current folder: in a script it comes from a
        variable that is not set. Unknown arguments are refused by the parser of the command, so that the error
        refers to the help of that command."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        for name in PATH_ARGUMENTS:
            given = getattr(found, name, None)
            if "" in (given if isinstance(given, list) else [given]):
                self.error("an empty path is given: perhaps a variable of the shell is not set")
        return found, rest

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Print to standard output by way of `output`, because argparse itself ignores failed writes."""
        if file is None:
            output.console().out.write(self.format_help())
        else:
            super().print_help(file)


class Help(argparse.HelpFormatter):
    """Argparse's formatter with a given width. Argparse itself makes one for each option and asks shutil for the
    width; importing shutil takes a tenth of the time of a short command."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=output.console().out.size()[0] - 2)


class Version(argparse.Action):
    """Prints the version and exits."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        output.console().out.line(f"lading {VERSION}")
        parser.exit()


def commands(only: str = "") -> list[Command]:
    """The commands' modules; only the one called `only`, if there is one."""
    names = [name for name in COMMANDS if name.rstrip("_") == only] or COMMANDS
    return [importlib.import_module(f"tui.commands.{name}") for name in names]


def check_name(first: str) -> None:
    """Raises UsageError unless the first argument names a command, or asks for help or the version."""
    known = [name.rstrip("_") for name in COMMANDS]
    if first in (*known, *ALONE):
        return
    if first.startswith("-"):
        raise UsageError(
            f"{first} stands before a command.",
            "Options come after the command: lading import SRC --archive DIR. The app takes none: lading",
        )
    import difflib

    near = difflib.get_close_matches(first, known, n=1)
    asked = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"There is no command {first}.", f"{asked}All of them: lading --help")


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
