"""lading log: prints the engine's log."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "log"
HELP = "show what the engine has noted"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--follow", action="store_true", help="go on with what it notes from now on; Ctrl-C ends")
    parser.add_argument("--lines", type=int, default=50, metavar="N", help="so many of the last lines (50)")
    parser.add_argument("--json", action="store_true", help="as they are: one JSON object a line")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print the lines."""
    from core import config, log
    from tui.console.log_lines import shown

    home = config.load({}, os.environ).home
    for line in log.last(home, max(0, options.lines), follow=options.follow):
        console.out.line(line if options.json else shown(line, console.out))
    return Exit.WELL
