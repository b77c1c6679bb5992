"""The failed files of one import by cause, and retrying them: one file, those of a cause, or all."""

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from core.errors import LadingError
from core.listings import ImportRecord
from core.snapshot import Snapshot
from core.words import counted
from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.screens.key_reasons import CANCELLED_ALREADY, failed_jobs
from tui.widgets.failures import Causes, Failed
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Lines, crop, line
from tui.widgets.paged import PAGE
from tui.widgets.pane import Pane


class Failures(Base[None]):
    """The causes above, the files of the chosen cause below."""

    NAME = "errors of an import"
    ABOUT = (
        "Causes with advice; below, the files of the chosen cause. What is tried again comes in with this import."
    )
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(key="enter", label="files", does="files", about="to the files of the chosen cause"),
        Key(
            key="r",
            label="retry these",
            does="retry",
            about="try the chosen cause's files again, or the chosen file",
        ),
        Key(key="a", label="retry all", does="all", about="try all again that has failed in this import"),
        Key(key="y", label="copy path", does="copy", about="copy the chosen file's path (OSC 52)"),
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(KEYS),
        *(Binding(str(number), f"pane({number})", show=False) for number in (1, 2)),
    ]

    def __init__(self, import_id: str) -> None:
        super().__init__()
        self.import_id = import_id
        self._record: ImportRecord | None = None
        self._cause: str | None = None
        self._counted: object = None

    def compose(self) -> ComposeResult:
        """The causes, the files and the keys."""
        yield Lines(id="top")
        yield Causes(self.glyphs, id="causes")
        yield Failed(self.glyphs, id="failed")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Read the causes."""
        self.causes.focus()
        self._read_again()

    @property
    def causes(self) -> Causes:
        """The upper pane."""
        return self.query_one(Causes)

    @property
    def failed(self) -> Failed:
        """The lower pane."""
        return self.query_one(Failed)

    def draw_snapshot(self, snapshot: Snapshot | None) -> None:
        """Read again when the number of failed files has changed."""
        view = next((view for view in snapshot.imports if view.id == self.import_id), None) if snapshot else None
        if self.causes.aside != failed_jobs(snapshot):
            self.causes.aside = failed_jobs(snapshot)
            self.causes.draw()
        counted = (view.state, view.failed.files) if view else None
        if counted != self._counted:
            self._counted = counted
            self._read_again()

    def connected(self) -> None:
        """Read the causes and files again."""
        self._read_again()

    def _read_again(self) -> None:
        self.run_worker(self._read(), exclusive=True, group="causes", exit_on_error=False)

    async def _read(self) -> None:
        causes = self.causes
        try:
            self._record = await self.lading.connection.find(self.import_id)
            groups = await self.lading.connection.errors(self.import_id)
            chosen = causes.chosen.cause if causes.chosen else None
            causes.groups, causes.known, causes.trouble = groups, True, ""
            # The cursor stays with its cause.
            causes.cursor = next((at for at, one in enumerate(groups) if one.cause == chosen), causes.cursor)
        except LadingError as error:
            causes.trouble = str(error)
        self._draw_top()
        causes.draw()
        self._follow(fresh=True)

    def _draw_top(self) -> None:
        record = self._record
        if record is not None:
            name = self.glyphs.text(record.label or record.source)
            told = line(
                (" Lading", "title"), "  errors of ", (name, "bold"), (f"  {record.id}, {record.state}", "dim")
            )
            self.query_one("#top", Lines).put([crop(told, self.size.width, utf8=self.glyphs.utf8)])

    def on_resize(self) -> None:
        """Redraw for the new width."""
        self._draw_top()

    def on_pane_chosen(self) -> None:
        """Show the files of the chosen cause."""
        self._follow()
        self.draw_keys()

    def _follow(self, *, fresh: bool = False) -> None:
        group = self.causes.chosen
        cause = group.cause if group else None
        if cause != self._cause:
            self._cause = cause
            self.failed.clear()
            self.failed.want(0)
        elif fresh:
            self.failed.forget()
        self.draw_keys()

    async def on_paged_wanted(self, event: Failed.Wanted) -> None:
        """Fetch a page."""
        self.run_worker(self._fetch(event.page, self._cause), exit_on_error=False)

    async def _fetch(self, page: int, cause: str | None) -> None:
        group = self.causes.chosen
        if cause is None or group is None:
            self.failed.give(0, 0, ())
            return
        try:
            found = await self.lading.connection.failures(self.import_id, cause, page * PAGE)
        except LadingError as error:
            if cause == self._cause:
                self.failed.fail(str(error))
            self.say(str(error), "bad")
            return
        if cause == self._cause:
            self.failed.give(page, group.count, found)
            self.draw_keys()

    # Keys

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        if does in ("files", "retry", "all") and self.causes.chosen is None:
            return "Nothing has failed."
        if does == "copy" and self.failed.chosen is None:
            return "There is no file."
        if does in ("retry", "all") and self.lading.trouble:
            return self.lading.away
        if does in ("retry", "all") and self._record is not None and self._record.state == "cancelled":
            return CANCELLED_ALREADY
        return ""

    def face(self, key: Key) -> Key:
        """The label of the retry key depends on the pane."""
        if key.does == "retry" and self.focused is self.failed:
            return msgspec.structs.replace(key, label="retry it")
        return key

    def action_pane(self, number: int) -> None:
        """Focus a pane."""
        self.set_focus(next(pane for pane in self.query(Pane) if number == pane.NUMBER))

    def do_files(self) -> None:
        """Focus the files."""
        self.failed.focus()

    def do_back(self) -> None:
        """Return first to the causes, then to the screen before."""
        if self.focused is self.failed:
            self.causes.focus()
        else:
            super().do_back()

    async def do_retry(self) -> None:
        """Retry the chosen file, or those of the chosen cause."""
        file, group = self.failed.chosen, self.causes.chosen
        if self.focused is self.failed and file is not None:
            await self._retry(files=(file.id,))
        elif group is not None:
            await self._retry(cause=group.cause)

    async def do_all(self) -> None:
        """Retry all failed files."""
        await self._retry()

    async def _retry(self, *, cause: str = "", files: tuple[int, ...] = ()) -> None:
        self.say("Taking it up.")
        count = await self.lading.retry(self.import_id, cause=cause, files=files)
        self.say(f"{counted(count, 'file')} tried again.", "good")
        if self.is_attached:
            self._read_again()

    def do_copy(self) -> None:
        """Copy the chosen file's path."""
        if (file := self.failed.chosen) is not None:
            self.lading.copy(file.path)
