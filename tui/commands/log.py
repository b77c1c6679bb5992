"""lading log: prints the engine's log."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from tui.console.output import Output

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

    home = config.load({}, os.environ).home
    for line in log.last(home, max(0, options.lines), follow=options.follow):
        console.out.line(line if options.json else shown(line, console.out))
    return Exit.WELL


def shown(line: str, out: "Output") -> str:
    """A line for a person: time, level if it is not the usual one, message, then the other members with their
    names."""
    import json
    from datetime import datetime

    try:
        noted = json.loads(line)
        moment = datetime.fromisoformat(noted.pop("time")).astimezone()
        level, _, message = noted.pop("level"), noted.pop("from"), noted.pop("message")
    except (ValueError, LookupError, TypeError, AttributeError):
        return out.text(line)
    rest = [f"{name}={value}" for name, value in noted.items() if name != "traceback"]
    text = out.text("  ".join([str(message), *rest]))
    if level in ("warning", "error", "critical"):
        text = f"{out.styled(level, 'warn' if level == 'warning' else 'bad')} {text}"
    lines = [f"{moment:%Y-%m-%d %H:%M:%S}  {text}"]
    lines += [f"    {out.text(one)}" for one in str(noted.get("traceback", "")).splitlines()]
    return "\n".join(lines)
