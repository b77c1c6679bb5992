"""The receipt of an import: to read, and to save in any of its forms."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import ClassVar, cast

from textual.binding import BindingType

from core.errors import UsageError
from core.paths import display
from core.protocol.import_requests import GetReport
from core.receipts import Form
from core.threads import aside
from tui import format, path_completion
from tui.connection import Connection
from tui.console.output import Output
from tui.console.text_file import new_file
from tui.screens import archive_tasks
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.prompt import Ask
from tui.screens.task import OnProgress
from tui.screens.text_viewer import COPY, NEXT, SEARCH, Reading
from tui.widgets.keys import Key
from tui.widgets.text import Text

FORMS = {".pdf": "pdf", ".html": "html", ".txt": "text", ".json": "json", ".csv": "csv", ".tsv": "tsv"}
"""The forms of a receipt by the ending of its file."""

LOOK_TIMEOUT = 8.0
"""Seconds that looking whether a file is there may take."""

WRITE_TIMEOUT = 3600.0
"""Seconds that writing a file, or laying out a PDF, may take."""

SAVE = Key(key="s", label="save", does="save", about="save it as PDF, HTML, text, JSON, CSV or TSV")


class Receipt(Reading):
    """The receipt as text."""

    NAME = "receipt"
    ABOUT = "The bill of lading; left and right scroll long lines."
    KEYS: ClassVar[tuple[Key, ...]] = (SAVE, SEARCH, NEXT, COPY, BACK, HELP, LEAVE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, name: str) -> None:
        super().__init__("RECEIPT", self._lines)
        self._import = name

    async def _lines(self, give: Callable[[Sequence[str]], None]) -> None:
        rest = ""

        def out(text: str) -> None:
            nonlocal rest
            *lines, rest = (rest + text).split("\n")
            give(lines)

        await self.lading.connection.receipt(self._import, "text", out)
        give([rest] if rest else [])
        text = self.query_one(Text)
        text.title = ", ".join(filter(None, ("RECEIPT", verdict(text.text))))

    def do_save(self) -> None:
        """Ask where to, then save it. The question stays until it can be saved there."""
        typed = f"~/{self._import}.pdf"
        forms = [os.path.splitext(typed)[0] + ending for ending in FORMS]
        path = ""

        async def check(text: str) -> str:
            nonlocal path
            try:
                path = await aside(lambda: path_completion.absolute(path_completion.path_in(text)), LOOK_TIMEOUT)
                there = await aside(lambda: os.path.lexists(path), LOOK_TIMEOUT)
            except TimeoutError:
                return "That place does not answer: another one, or esc."
            if there and text:
                return "It is there already: another name, or esc."
            return "" if _form(path) or not text else "End it with .pdf, .html, .txt, .json, .csv or .tsv."

        def answered(text: str | None) -> None:
            if text:
                self._save(path)

        def offer(text: str) -> Sequence[str]:
            return forms if text == typed else path_completion.completions(text, folders=True)

        about = "the ending says the form: .pdf .html .txt .json .csv .tsv"
        self.app.push_screen(Ask("Save as", typed, self.glyphs, about=about, offer=offer, check=check), answered)

    def _save(self, path: str) -> None:
        home, name, form = self.lading.settings.home, self._import, _form(path)

        async def work(progress: OnProgress, out: Output) -> None:
            data = await contents(self.lading.connection, home, name, form)
            try:
                await aside(lambda: _write(path, data), WRITE_TIMEOUT)
            except TimeoutError as error:
                raise UsageError(
                    f"{display(path)} cannot be written: its volume does not answer.", "Give another place."
                ) from error
            out.line(f"Saved, {format.size(len(data))}:")
            out.line(out.text(path))
            if form == "html":
                out.line("Its pictures are those of the archive on this machine; a PDF has them in it.")

        archive_tasks.open_task(self, "SAVE RECEIPT", work)


def verdict(lines: Sequence[str]) -> str:
    """The verdict in the lines of a receipt, in a word or two; empty where there is none."""
    told = next((line.removeprefix("Verdict ").strip() for line in lines if line.startswith("Verdict ")), "")
    return "no verdict" if told.startswith("none") else told.partition(":")[0]


def _form(path: str) -> str:
    """The form that the ending of a file says; empty: none."""
    return FORMS.get(os.path.splitext(path)[1].lower(), "")


async def contents(connection: Connection, home: str, name: str, form: str) -> bytes:
    """The receipt of the import `name` in one of FORMS. Raises LadingError."""
    if form == "pdf":
        loop = asyncio.get_running_loop()
        # It is laid out in a thread: that takes seconds for thousands of files.
        return await aside(lambda: _pdf(connection, loop, home, name), WRITE_TIMEOUT)
    parts: list[str] = []
    if form == "html":
        await connection.call(GetReport(name=name), text=parts.append)
    else:
        await connection.receipt(name, cast(Form, form), parts.append)
    return "".join(parts).encode()


def _pdf(connection: Connection, loop: asyncio.AbstractEventLoop, home: str, name: str) -> bytes:
    """The receipt as PDF, from the catalog; `loop` is that of the connection, which has the pictures."""
    from core.reports import pdf
    from core.server.offline import ReadOnlyDatabase

    async def picture(sha256: str) -> bytes:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(connection.picture(sha256), loop))

    with closing(ReadOnlyDatabase(home)) as catalog:
        return asyncio.run(pdf.report(catalog.read, name, picture))


def _write(path: str, data: bytes) -> None:
    with new_file(path) as write:
        write(data)
