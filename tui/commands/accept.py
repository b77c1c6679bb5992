"""lading accept: accepts what differs from an earlier import."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.client.client import Client
    from core.listings import ImportRecord

NAME = "accept"
HELP = "accept that a file differs from what an earlier import read, although its size and time are the same"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "A file whose content has changed while its size and time stayed the same may be damaged on its card, or "
        "was read wrongly. Both contents are archived, and the verdict is KEEP. Look at them first. Accepting "
        "says that the card need not be kept for that: the verdict of the import, and of earlier ones of the "
        "same volume, becomes what it would be otherwise. Who accepted it, and when, is added to the receipt."
    )
    parser.add_argument("id", metavar="IMPORT", help="the import, or the beginning of its id")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Accept, and print the verdicts."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console import import_selection
    from tui.console.attached import perform

    console.keep_on()
    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    accepted = asyncio.run(perform(engine, lambda: _accept(engine, options.id, settings.operator)))
    if options.json:
        console.out.json(accepted, indent=2)
        return _exit(accepted)
    for one in accepted:
        why = f": {one.verdict_reason}" if one.verdict_reason else ""
        console.out.line(
            f"{console.out.text(one.id)} is accepted. Its verdict is {one.verdict}{console.out.text(why)}"
        )
    return _exit(accepted)


def _exit(accepted: "list[ImportRecord]") -> Exit:
    """KEEP is never 0: a copy may be lacking besides."""
    from core.models import Verdict

    return Exit.FAILED if any(one.verdict == Verdict.KEEP for one in accepted) else Exit.WELL


async def _accept(engine: "Client", name: str, by: str) -> "list[ImportRecord]":
    from core.protocol.import_requests import AcceptImport

    return [await engine.find(id) for id in await engine.call(AcceptImport(name=name, by=by))]
