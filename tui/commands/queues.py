"""lading queues: what is done in the background, and what that waits for."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.models import QueueView

NAME = "queues"
HELP = "show the queues of background work"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = "Shows what is done in the background: metadata, thumbnails, proxies, bags and the rest."
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console.running import perform

    engine = Client(config.load({}, os.environ))
    asyncio.run(perform(engine, engine.subscribe))
    found = engine.snapshot().queues
    if options.json:
        console.out.json(found, indent=2)
    else:
        _list(found, console.out)
    return Exit.WELL


def _list(found: "tuple[QueueView, ...]", out: Output) -> None:
    from tui import format

    rows = [["QUEUE", "BUSY", "SLOTS", "WAITING", "DONE", "FAILED", "DEAD", "RATE", "WAITS FOR"]]
    for queue in found:
        counts = (queue.busy, queue.slots, queue.waiting, queue.done, queue.failed, queue.dead)
        rate = f"{queue.rate:.1f}/s" if queue.rate >= 0.05 else "-"
        reason = out.text(queue.reason) or ("paused" if queue.paused else "-")
        rows.append([queue.name, *map(format.number, counts), rate, reason])
    out.table(rows)
    for queue in found:
        for one in queue.at_work:
            out.line(f"{queue.name}: {out.text(one.subject)} {one.progress:.0%}")
    if dead := sum(queue.dead for queue in found):
        out.line(f"{format.counted(dead, 'job')} failed for good. See: lading jobs --state dead")
