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


PATH_ARGUMENTS = ("sources", "source", "target", "archive", "folder", "output", "heal")
"""The arguments of commands that are paths."""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError."""

    def error(self, message: str) -> NoReturn:
        """Raise argparse's own message, with a hint at the help."""
        raise UsageError(message[:1].upper() + message[1:] + ".", f"See: {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Argparse's own; no path may be empty. That would be the current folder, where a script means a card."""
        found, rest = super().parse_known_args(args, namespace)
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
