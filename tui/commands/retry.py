"""lading retry: retries dead background jobs, and failed files of imports."""

import argparse
import os

from core.errors import UsageError
from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "retry"
DATE_DIGITS = 8
"""The digits of a date, with which the id of an import begins; job numbers stay shorter."""

HELP = "try again what has failed: files of an import, or background jobs"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "With imports, tries the files again that could not be archived; also in one that is done, whose verdict "
        "and receipt are made anew. With numbers of jobs, or without any ID, tries background jobs again that "
        "have failed, and those that they kept from being done."
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="imports, or numbers of jobs as `lading jobs` lists them"
    )
    parser.add_argument("--queue", default="", metavar="NAME", help="only those of one queue, such as thumbnail")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Retry."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.commands.queues import SHORT_NAMES
    from tui.console import import_selection
    from tui.console.attached import perform
    from tui.console.json_answers import Retried

    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    jobs = [int(id) for id in options.ids if _is_job(id)]
    imports = [id for id in options.ids if not _is_job(id)]
    if imports and (jobs or options.queue):
        raise UsageError("Imports and background jobs are not tried again together.", "Give two commands.")

    async def work() -> Retried:
        if not imports:
            return Retried(jobs=await engine.retry(SHORT_NAMES.get(options.queue, options.queue), jobs or None))
        names = [(await engine.find(name)).id for name in imports]
        return Retried(files=sum([await engine.retry_import(name) for name in names]))

    revived = asyncio.run(perform(engine, work))
    if options.json:
        console.out.json(revived)
    elif imports:
        console.out.line(f"{counted(revived.files, 'file')} to be tried again. See: lading status")
    else:
        console.out.line(f"{counted(revived.jobs, 'job')} to be tried again.")
    return Exit.WELL


def _is_job(id: str) -> bool:
    """Whether `id` is the number of a job: ids of imports begin with the eight digits of a date."""
    return id.isascii() and id.isdigit() and len(id) < DATE_DIGITS
