"""lading jobs: the jobs of the background queues, one by one."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.client.calls import Calls
    from core.models import JobView

NAME = "jobs"
HELP = "list background jobs, and why some have failed"

UNDONE = ("claimed", "ready", "waiting", "dead", "cancelled")
"""States in the order in which they are listed; what is done is listed only when it is asked for."""

SHOWN = 500
"""Jobs that a person is shown."""


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = "Lists the jobs that are not done: at work, ready, waiting, dead, and cancelled by those."
    parser.add_argument("--state", default="", metavar="STATE", help=f"only {', '.join(UNDONE)} or done")
    parser.add_argument("--queue", default="", metavar="NAME", help="only those of one queue, such as thumbnail")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """List."""
    from core import config
    from tui.console import records
    from tui.console.once import once

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    states = (options.state,) if options.state else UNDONE
    most = sys.maxsize if options.json else SHOWN
    found = once(settings, lambda engine: _listed(engine, states, options.queue, most))
    if options.json:
        console.out.json(found, indent=2)
    elif not found:
        console.err.line("There is no such job." if options.state or options.queue else "All jobs are done.")
    else:
        _list(found[:SHOWN], console.out)
        if len(found) > SHOWN:
            console.err.line("There are more: give a state or a queue; --json lists all.")
    return Exit.WELL


async def _listed(engine: "Calls", states: tuple[str, ...], queue: str, most: int) -> "list[JobView]":
    """All of them, or somewhat more than `most`."""
    found: list[JobView] = []
    for state in states:
        after = 0
        while len(found) <= most and (page := await engine.jobs(state, queue, after)):
            found += page
            after = page[-1].id
    return found


def _list(found: "list[JobView]", out: Output) -> None:
    import time

    from tui import format

    rows = [["ID", "QUEUE", "STATE", "TRIES", "SUBJECT", "ERROR"]]
    for job in found:
        error = out.text(job.error)
        if job.due:
            error = f"again in {format.duration(job.due - time.time())}: {error}"
        subject = out.text(os.path.basename(job.subject) if "/" in job.subject else job.subject)
        rows.append([str(job.id), job.queue, job.state, str(job.attempts), subject, error or "-"])
    out.table(rows)
    if any(job.state == "dead" for job in found):
        out.line("Try what is dead again: lading retry [ID…] [--queue NAME]")
