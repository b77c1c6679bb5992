"""lading resume: unfinished imports go on."""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.exits import Exit
from tui.output import Console

if TYPE_CHECKING:
    from core.engine import Engine
    from tui.records import Record

NAME = "resume"
HELP = "go on with imports that were paused or interrupted"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Goes on with an import that was paused or interrupted. Without an ID it is the only unfinished one."
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="the import, or the beginning of its id")
    parser.add_argument("--all", action="store_true", help="all unfinished imports")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")
    parser.add_argument("--quiet", action="store_true", help="no progress: only the end and errors")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Resume and wait."""
    from core import config
    from core.engine import Engine
    from tui.running import carry_out

    if options.id and options.all:
        raise UsageError("An ID and --all do not go together.", "Give one of them.")
    settings = config.load({}, os.environ)
    engine = Engine(settings)

    async def begin() -> list[str]:
        # Only now: the engine has brought an older database up to date.
        return await _resume(engine, await _pick(settings.home, options.id, options.all))

    return carry_out(engine, begin, options.format, options.quiet, console)


async def _pick(home: str, name: str | None, everything: bool) -> list["Record"]:
    from tui.records import UNFINISHED, chosen, reading, records

    async with reading(home) as read:
        if name is not None:
            found = await chosen(read, home, name)
            if found.state not in UNFINISHED:
                raise UsageError(f"Import {found.id} is {found.state}.", "There is nothing left to do in it.")
            return [found]
        unfinished = [record for record in await records(read, home) if record.state in UNFINISHED]
    if len(unfinished) > 1 and not everything:
        names = ", ".join(f"{record.id} ({record.label or record.source})" for record in unfinished)
        raise UsageError(f"Several imports are unfinished: {names}.", "Give one ID, or --all.")
    return unfinished


async def _resume(engine: "Engine", unfinished: Sequence["Record"]) -> list[str]:
    from core.models import State

    # The engine may have taken them up by itself when it started.
    running = {view.id for view in engine.snapshot().imports if view.state is State.RUNNING}
    for record in unfinished:
        if record.id not in running:
            await engine.resume_import(record.id)
    return [record.id for record in unfinished]
