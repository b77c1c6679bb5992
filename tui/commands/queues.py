"""lading queues: shows and controls the background queues."""

import argparse
import os
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.snapshot import QueueView

NAME = "queues"
HELP = "show the queues of background work, hold one up or give it more room"

ACTIONS = ("pause", "resume", "slots")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Shows what is done in the background: metadata, thumbnails, proxies, bags and the rest. "
        "`pause QUEUE` begins no more jobs of one, `resume QUEUE` goes on, `slots QUEUE N` says how many at once."
    )
    parser.add_argument("action", nargs="?", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("queue", nargs="?", metavar="QUEUE", help="the queue to act on")
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="with slots: so many calls at once")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Run the action, if there is one, and print the queues."""
    from core import config
    from core.client import sync_client
    from core.client.api import EngineCalls
    from core.snapshot import Snapshot
    from tui.console.import_selection import any_yet
    from tui.console.one_shot import once

    _check(options)
    options.queue = SHORT_NAMES.get(options.queue, options.queue)

    async def work(engine: EngineCalls) -> Snapshot:
        match options.action:
            case "pause":
                await engine.queue_pause(options.queue)
            case "resume":
                await engine.queue_resume(options.queue)
            case "slots":
                await engine.queue_slots(options.queue, options.number)
        return await engine.look()

    settings = config.load({}, os.environ)
    looking = not options.action
    if looking and not (any_yet(settings.home) or sync_client.engine_runs(settings.home)):
        found: tuple[QueueView, ...] = ()
    else:
        found = once(settings, work, looking=looking).queues
    if options.json:
        console.out.json(found, indent=2)
    elif found:
        _list(found, console.out)
    else:
        console.err.line("There is no import yet, and so nothing to do in the background.")
    return Exit.WELL


SHORT_NAMES = {"proxy": "video_proxy", "live photo": "live_photo", "stats": "location_stats"}
"""Short names that the app shows for some queues."""


def _check(options: argparse.Namespace) -> None:
    """Raises UsageError when the arguments contradict each other."""
    if options.action and not options.queue:
        raise UsageError(f"Which queue to {options.action}?", "Name one of those that `lading queues` lists.")
    if (options.action == "slots") != (options.number is not None):
        raise UsageError(
            "A number goes with slots, and with nothing else.", "For example: lading queues slots ffprobe 2"
        )


def _list(found: "tuple[QueueView, ...]", out: Output) -> None:
    from tui import format

    # Without an engine nobody knows how many slots a queue has.
    engine = any(queue.slots for queue in found)
    rows = [["QUEUE", "BUSY", "SLOTS", "WAITING", "DONE", "FAILED", "DEAD", "RATE", "WAITS FOR"]]
    for queue in found:
        counts = (queue.waiting, queue.done, queue.failed, queue.dead)
        places = (format.number(queue.busy), format.number(queue.slots)) if engine else ("-", "-")
        rate = f"{queue.rate:.1f}/s" if queue.rate >= 0.05 else "-"
        reason = out.text(queue.reason) or ("paused" if queue.paused else "-")
        rows.append([queue.name, *places, *map(format.number, counts), rate, reason])
    out.table(rows)
    for queue in found:
        for one in queue.at_work:
            out.line(f"{queue.name}: {out.text(one.subject)} {one.progress:.0%}")
    if dead := sum(queue.dead for queue in found):
        out.line(f"{counted(dead, 'job')} failed for good. See: lading jobs --state dead")
