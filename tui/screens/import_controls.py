"""Pausing, resuming and cancelling the import that a screen shows."""

from typing import Any

import msgspec

from core.listings import ImportRecord
from core.models import State
from core.words import counted
from tui.screens.base import Base
from tui.screens.confirm import ENDED_MEANWHILE, Confirm
from tui.screens.key_reasons import CANCELLED_ALREADY, ENDED, failed_jobs
from tui.widgets.keys import Key

PAUSE = Key(key="p", label="pause", does="pause", about="pause the import, or let it go on")
CANCEL = Key(key="x", label="cancel", does="cancel", about="end it as it is; asks first")
RETRY = Key(key="r", label="retry", does="retry", about="go on with a paused import; else try again what failed")
ERRORS = Key(key="w", label="why", does="errors", about="what has failed and why; try one again, a cause, all")


class Steering(Base[Any]):
    """Keys for one import; `record` is its record in the catalog."""

    @property
    def record(self) -> ImportRecord | None:
        """The import that keys act on."""
        return None

    @property
    def state(self) -> str:
        """Its current state: the snapshot is newer than the record."""
        record, snapshot = self.record, self.lading.snapshot
        if record is None:
            return ""
        views = snapshot.imports if snapshot else ()
        return next((str(view.state) for view in views if view.id == record.id), record.state)

    @property
    def failed(self) -> int:
        """The current number of its failed files."""
        record, snapshot = self.record, self.lading.snapshot
        views = snapshot.imports if snapshot and record else ()
        then = record.failed if record else 0
        return next((view.failed.files for view in views if record and view.id == record.id), then)

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        if does not in ("pause", "cancel", "retry", "errors"):
            return super().why_not(does)
        if self.lading.trouble:
            return self.lading.away
        if self.record is None:
            return "There is no import."
        if does == "errors":
            jobs = failed_jobs(self.lading.snapshot)
            return "" if self.failed else f"No file has failed. {jobs}." if jobs else "Nothing has failed."
        if does == "retry":
            if self.state == State.CANCELLED:
                return CANCELLED_ALREADY
            return "" if self.failed or self.state not in (*ENDED, State.RUNNING) else "Nothing has failed."
        return f"It is {self.state}." if self.state in ENDED else ""

    def face(self, key: Key) -> Key:
        """The key resumes a stopped import, and retries failed files of any other."""
        if key.does == "retry" and self.state not in ("", *ENDED, State.RUNNING):
            return msgspec.structs.replace(key, label="resume")
        return super().face(key)

    async def do_pause(self) -> None:
        """Pause or resume it."""
        if self.record is None:
            return
        if self.state == State.RUNNING:
            self.say("Pausing.")
            await self.lading.pause(self.record.id)
        else:
            self.say("It goes on.", "good")
            await self.lading.resume(self.record.id)

    async def do_retry(self) -> None:
        """Resume it; if it runs or is done, retry its failed files."""
        if self.record is None:
            return
        if self.state in (State.RUNNING, State.DONE):
            self.say("Taking it up.")
            count = await self.lading.retry(self.record.id)
            self.say(f"{counted(count, 'file')} tried again.", "good")
        else:
            await self.do_pause()

    def do_errors(self) -> None:
        """Show its failed files and their causes."""
        if self.record is not None:
            self.lading.open_errors(self.record.id)

    def do_cancel(self) -> None:
        """Ask, then cancel it."""
        record = self.record
        if record is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.say("Cancelling.")
                self.lading.begin(self.lading.cancel(record.id))
            elif yes is None:
                self.say(f"{name} {ENDED_MEANWHILE}")

        name = record.label or record.source

        def asked() -> tuple[str, list[str]] | None:
            views = self.lading.snapshot.imports if self.lading.snapshot else ()
            view = next((view for view in views if view.id == record.id), None)
            archived = view.archived.files if view else record.archived
            told = [
                f"{counted(archived, 'file stays', 'files stay')} in the archive, with a receipt.",
                "What is left is not archived: the card is not safe.",
                "The card itself is never changed.",
            ]
            return (f"Cancel the import of {name}?", told) if view is None or view.ended is None else None

        self.app.push_screen(Confirm(asked, "cancel the import", self.glyphs), answered)
