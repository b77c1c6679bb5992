"""lading jobs: lists the jobs of the background queues."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.client.api import EngineCalls
    from core.snapshot import JobView

NAME = "jobs"
HELP = "list background jobs, and why some have failed"

UNDONE = ("claimed", "ready", "waiting", "dead", "cancelled")
"""States in the order in which they are listed; done jobs are only listed on request."""

SHOWN = 500
"""The most jobs that are listed for a person."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "Lists the jobs that are not done: at work, ready, waiting, dead, and cancelled by those."
    parser.add_argument("--state", default="", metavar="STATE", help=f"only {', '.join(UNDONE)} or done")
    parser.add_argument("--queue", default="", metavar="NAME", help="only those of one queue, such as thumbnail")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print the list."""
    from core import config
    from tui.commands.queues import SHORT_NAMES
    from tui.console import import_selection, job_list
    from tui.console.one_shot import once

    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    states = (options.state,) if options.state else UNDONE
    most = sys.maxsize if options.json else SHOWN
    found = once(
        settings,
        lambda engine: _fetch_jobs(engine, states, SHORT_NAMES.get(options.queue, options.queue), most),
        looking=True,
    )
    if options.json:
        console.out.json(found, indent=2)
    elif not found:
        console.err.line("There is no such job." if options.state or options.queue else "All jobs are done.")
    else:
        job_list.tell(found[:SHOWN], console.out)
        if len(found) > SHOWN:
            console.err.line("There are more: give a state or a queue; --json lists all.")
    return Exit.WELL


async def _fetch_jobs(engine: "EngineCalls", states: tuple[str, ...], queue: str, most: int) -> "list[JobView]":
    """All matching jobs, or somewhat more than `most`."""
    from core.protocol.queue_requests import ListJobs

    found: list[JobView] = []
    for state in states:
        after = 0
        while len(found) <= most and (page := await engine.call(ListJobs(state=state, queue=queue, after=after))):
            found += page
            after = page[-1].id
    return found
