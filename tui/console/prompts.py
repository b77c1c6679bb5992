"""Questions about what an import leaves out by default: photo libraries, and files that are only in iCloud; and
before a card is ejected.

On a terminal they are asked before the command does anything. Elsewhere nothing is asked, and it warns.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from core.models import ImportRequest
from core.results import Survey
from core.words import counted
from tui import format
from tui.console.output import Console, Output

SEARCH_TIMEOUT = 15.0
"""Seconds of searching for what to ask about; after that nothing is asked, and it is left out with a warning."""

Read = Callable[[], str]


class ChoiceClient(Protocol):
    """What is needed of the engine (`core.client.client.Client`)."""

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]: ...


def possible(console: Console) -> bool:
    """Whether a person can read the questions and type answers."""
    return console.err.terminal and sys.stdin is not None and sys.stdin.isatty()


async def look(engine: ChoiceClient, requests: Sequence[ImportRequest]) -> list[Survey]:
    """Survey the sources; empty when that takes too long. Raises LadingError."""
    try:
        async with asyncio.timeout(SEARCH_TIMEOUT):
            return await engine.survey(requests)
    except TimeoutError:
        return []


def ask(
    surveys: Sequence[Survey], requests: Sequence[ImportRequest], console: Console, read: Read | None = None
) -> list[ImportRequest]:
    """Ask. Returns the requests with the person's answers. `read` returns a typed line; the end of the input means
    no."""
    err, read = console.err, read or sys.stdin.readline
    answered = list(requests)
    if where := [survey for survey in surveys if survey.libraries]:
        count = sum(survey.libraries for survey in where)
        err.line(f"{counted(count, 'photo library', 'photo libraries')} in {_places(where, err)}.")
        err.line(
            "  y: enter: every file inside is archived, the originals as well as what the program made of them"
        )
        err.line("  n: leave out: the receipt names it, and the verdict is KEEP")
        if _yes("Enter photo libraries?", err, read):
            answered = [msgspec.structs.replace(one, libraries=True) for one in answered]
    if where := [survey for survey in surveys if survey.icloud or survey.icloud_folders]:
        folders = sum(survey.icloud_folders for survey in where)
        told = format.in_icloud(sum(survey.icloud for survey in where), folders)
        err.line(f"{told} only in iCloud, not on this disk, in {_places(where, err)}.")
        err.line("  y: fetch: macOS downloads each while it is read, which takes time and room on its disk")
        err.line("  n: leave out: the receipt names them, and the verdict is KEEP")
        if _yes("Fetch them?", err, read):
            answered = [msgspec.structs.replace(one, icloud=True) for one in answered]
    return answered


def agreed(question: str, reasons: Sequence[str], console: Console) -> bool:
    """Whether a person says yes to the question, which is asked for these reasons. The end of the input means
    no."""
    for reason in reasons:
        console.err.line(console.err.text(reason))
    return _yes(question, console.err, sys.stdin.readline)


def _places(surveys: Sequence[Survey], out: Output) -> str:
    return ", ".join(out.text(survey.source) for survey in surveys)


def _yes(question: str, err: Output, read: Read) -> bool:
    while True:
        err.write(f"{question} [y/N] ")
        typed = read()
        if not typed:
            err.line()
        if typed.strip().lower() in ("", "n", "no", "y", "yes"):
            return typed.strip().lower() in ("y", "yes")
