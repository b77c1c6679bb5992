"""Tasks on an archive, an import or files. Each function asks for what its task needs, then opens a `Task`."""

import os
from collections.abc import Callable, Sequence

from core.catalog.locations import position
from core.config import copies
from core.details import Changes
from core.errors import LadingError, UsageError
from core.listings import FileView, ImportRecord
from core.models import Count
from core.paths import is_remote
from core.protocol.archive_requests import Audit, Check, DescribeLocation, Restore, StartMirror
from core.protocol.import_requests import HashList, MoveImport
from core.results import AuditScope, RestoreResult
from core.threads import aside
from core.words import counted
from tui import path_completion
from tui.console import (
    audited,
    checked,
    details,
    moves,
    offsite,
    restored,
)
from tui.console.output import Output
from tui.last_answers import places, recall, remember
from tui.screens.base import Base
from tui.screens.prompt import Ask
from tui.screens.task import OnProgress, Task

Screen = Base[None]

LOOK_TIMEOUT = 8.0
"""Seconds that looking whether a place is there may take."""


def archive_of(screen: Screen) -> str:
    """The path of the archive that tasks act on: the configured one, else that of the last import. Raises
    UsageError."""
    settings = screen.lading.settings
    found = settings.archive or recall(settings.home).archive
    if not found:
        raise UsageError("no archive is configured, and nothing was imported.", "Set archive: lading config edit.")
    return found


def _ask(
    screen: Screen, question: str, about: str, then: Callable[[str], None], answer: str = "", *names: str
) -> None:
    """Ask for a text, offering those of `names` that contain what is typed, and call `then` with it. Nothing
    happens if the question is left, or the answer is empty."""

    def answered(text: str | None) -> None:
        if text:
            then(text)

    def offer(typed: str) -> list[str]:
        return [name for name in names if typed.casefold() in name.casefold()]

    screen.app.push_screen(
        Ask(question, answer, screen.glyphs, about=about, offer=offer if names else None), answered
    )


def ask_path(
    screen: Screen, question: str, about: str, then: Callable[[str], None], *, empty: bool = False
) -> None:
    """Ask for a folder or file, and call `then` with its absolute path. Places are offered, then
    completions of what is typed. `empty`: the answer may be empty; the path is empty then, too."""
    offered = places(screen.lading.settings)
    path = ""

    async def check(text: str) -> str:
        nonlocal path
        try:
            # In a thread, because a place may not answer.
            path = await aside(lambda: _place(text), LOOK_TIMEOUT)
        except TimeoutError:
            return "That place does not answer: another one, or esc."
        return ""

    def answered(text: str | None) -> None:
        if text is None or (not text and not empty):
            return
        if path:
            home = screen.lading.settings.home
            remember(home, recall(home).with_place(path))
        then(path)

    def offer(typed: str) -> Sequence[str]:
        return path_completion.offers(typed, offered)

    screen.app.push_screen(Ask(question, "", screen.glyphs, about=about, offer=offer, check=check), answered)


def _place(text: str) -> str:
    typed = path_completion.path_in(text)
    return typed if not typed or is_remote(typed) else path_completion.absolute(typed)


def open_task(screen: Screen, title: str, work: Callable[[OnProgress, Output], object]) -> None:
    """Open the screen of a task: `work` does it, and prints its result."""
    screen.app.push_screen(Task(title, work))  # type: ignore[arg-type]


# The archive


def check(screen: Screen, *, read: bool = False) -> None:
    """Check whether all of a card, folder or file is in the archive. `read`: by reading it."""
    archive = os.fsencode(archive_of(screen))
    wanted = copies(screen.lading.settings)

    def begin(path: str) -> None:
        async def work(progress: OnProgress, out: Output) -> None:
            request = Check(source=os.fsencode(path), archive=archive, read=read, copies=wanted)
            checked.tell(await screen.lading.connection.call(request, progress=progress), out)

        open_task(screen, "CHECK", work)

    ask_path(screen, "Check", "a card, folder or file: is all of it in the archive?", begin)


def audit(screen: Screen) -> None:
    """Audit the archive."""
    archive = archive_of(screen)

    async def work(progress: OnProgress, out: Output) -> None:
        request = Audit.of(archive, AuditScope())
        audited.tell(await screen.lading.connection.call(request, progress=progress), out)

    open_task(screen, "AUDIT", work)


def heal(screen: Screen) -> None:
    """Audit the archive, and heal damaged files from its copies, and from a card or folder."""
    archive = archive_of(screen)

    def begin(path: str) -> None:
        async def work(progress: OnProgress, out: Output) -> None:
            request = Audit.of(archive, AuditScope(heal=(path,) if path else (), copies=True))
            audited.tell(await screen.lading.connection.call(request, progress=progress), out)

        open_task(screen, "HEAL", work)

    ask_path(
        screen, "Heal from", "a card or folder that has the files; empty: from copies only", begin, empty=True
    )


def mirror(screen: Screen) -> None:
    """Start a mirror of the archive to a copy. It continues without the app, and is shown on the dashboard."""
    archive = archive_of(screen)

    async def start(path: str) -> None:
        environ = offsite.environ() if is_remote(path) else None
        request = StartMirror(source=os.fsencode(archive), target=os.fsencode(path), environ=environ)
        await screen.lading.connection.call(request)
        screen.lading.draw_at_once()
        if screen.is_current and len(screen.app.screen_stack) == 2:
            # The dashboard is the screen below.
            screen.dismiss(None)
        else:
            screen.say("The mirror has begun: the dashboard shows it.", "good")

    about = "the folder of the copy; an empty one becomes a copy; or rclone:NAME:PATH"
    ask_path(screen, "Mirror to", about, lambda path: screen.lading.begin(start(path)))


# An import


def restore(screen: Screen, what: str, named: str) -> None:
    """Restore the original tree of `what`: an import, a card or a location. `named`: its name for the question."""

    def begin(path: str) -> None:
        async def work(progress: OnProgress, out: Output) -> None:
            request = Restore(name=what, target=os.fsencode(path))
            restored.tell(await screen.lading.connection.call(request, progress=progress), path, out)

        open_task(screen, "RESTORE", work)

    ask_path(screen, f"Restore {named} to", "a folder outside the archive; nothing is overwritten", begin)


async def restore_any(screen: Screen) -> None:
    """Ask for an import, a card or a location, then restore it."""
    records = (await screen.lading.connection.imports())[::-1]
    if not screen.is_current:
        # It was left before the engine answered.
        return
    names = dict.fromkeys(name for one in records for name in (one.location, one.label, one.id) if name)
    about = "a location, a card or the id of an import"
    _ask(screen, "Restore", about, lambda what: restore(screen, what, what), "", *names)


def move(screen: Screen, record: ImportRecord, known: Sequence[str]) -> None:
    """Move an import that has ended to another location. `known`: names of locations to offer."""

    def begin(location: str) -> None:
        async def work(progress: OnProgress, out: Output) -> None:
            request = MoveImport(name=record.id, location=location)
            moved = await screen.lading.connection.call(request, progress=progress)
            moves.tell(moved, out)
            for problem in moved.problems:
                out.line(out.text(problem))

        open_task(screen, "MOVE", work)

    about = "the location it belongs to; a new one is made"
    _ask(screen, f"Move {record.label or record.id} to", about, begin, record.location, *dict.fromkeys(known))


def mhl(screen: Screen, record: ImportRecord) -> None:
    """Write an ASC MHL history into the restored tree of an import."""

    def begin(path: str) -> None:
        async def work(progress: OnProgress, out: Output) -> None:
            request = HashList(name=record.id, folder=os.fsencode(path))
            done = await screen.lading.connection.call(request)
            out.line(f"{out.text(done.path)}: {counted(done.files, 'file')}.")
            if done.left_out:
                out.line(f"Not in it: {counted(done.left_out, 'file')}, not read or with names XML cannot hold.")

        open_task(screen, "MHL", work)

    ask_path(screen, "MHL history in", "the restored tree of this import", begin)


async def edit_location(screen: Screen, record: ImportRecord) -> None:
    """Change the description of an import's location, by one question after the other; Esc at any of them
    leaves it as it was."""
    connection = screen.lading.connection
    now = await connection.call(DescribeLocation.of(record.archive, record.location, Changes()))
    if not screen.is_current:
        return
    place = "" if now.latitude is None or now.longitude is None else f"{now.latitude:g},{now.longitude:g}"
    questions = (
        ("name", now.name, "its name; the folder stays"),
        ("description", now.description, "what it is; goes into the bag"),
        ("position", place, "latitude,longitude; goes into the bag"),
        ("access_note", now.access_note, "how to get in; stays out of the bag"),
    )
    given: dict[str, str] = {}

    async def change() -> None:
        told = {name: text for name, text in given.items() if name != "position"}
        where = position(given["position"]) if "position" in given else None
        changes = Changes(**told, position=where)
        after = await connection.call(DescribeLocation.of(record.archive, now.folder, changes))

        async def work(progress: OnProgress, out: Output) -> None:
            details.tell_location(after, out)

        open_task(screen, "LOCATION", work)

    def ask(at: int) -> None:
        if at == len(questions):
            if given:
                screen.lading.begin(change())
            return
        name, before, about = questions[at]

        def answered(text: str | None) -> None:
            if text is None:
                screen.say(f"{now.name} stays as it was.")
                return
            if text != before:
                given[name] = text
            ask(at + 1)

        async def check(text: str) -> str:
            if name == "position":
                position(text)
            return ""

        title = name.replace("_", " ").capitalize()
        screen.app.push_screen(Ask(title, before, screen.glyphs, about=about, check=check), answered)

    ask(0)


# Files


def restore_files(screen: Screen, files: Sequence[FileView]) -> None:
    """Restore these files under their original names, one content after the other."""
    contents = list(dict.fromkeys(file.sha256 for file in files if file.sha256))

    def begin(path: str) -> None:
        async def work(progress: OnProgress, out: Output) -> None:
            for number, content in enumerate(contents, 1):
                progress(Count(files=number - 1), Count(files=len(contents)))
                request = Restore(name=f"hash:{content}", target=os.fsencode(path), find=True)
                try:
                    found: RestoreResult = await screen.lading.connection.call(request)
                except LadingError as error:
                    out.line(f"{error.title}: {out.text(error.cause)}")
                else:
                    restored.tell(found, path, out)

        open_task(screen, "RESTORE", work)

    many = counted(len(contents), "file")
    ask_path(screen, f"Restore {many} to", "a folder outside the archive; nothing is overwritten", begin)
