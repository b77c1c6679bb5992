"""Why a run cannot go on: the archive is full or read-only, a volume is away; and what may pass by itself."""

import errno
from typing import TYPE_CHECKING

from core.errors import LadingError
from core.models import Waits
from core.paths import display
from core.workers import messages
from core.workers.faults import AGAIN

if TYPE_CHECKING:
    from core.importing.run import Run

BACK = "Plug it in or mount it again: the import goes on by itself. What has arrived stays."

CONGESTION = AGAIN | {errno.EIO, errno.ENOENT, errno.ESPIPE}
"""What clients of a server say that has too much to do, no room, or lost what was staged; rclone says ESPIPE for
what comes after a write that failed."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""No room: errno(3)."""


class HaltError(LadingError):
    """The run cannot go on; the import is left paused and goes on from there later."""

    title = "Paused"

    def __init__(self, cause: str, advice: str = "", *, waits: Waits = Waits.NOTHING, check: bytes = b"") -> None:
        """`waits`: it goes on by itself when that volume is back, and its file `check` can be read."""
        super().__init__(cause, advice)
        self.waits = waits
        self.check = check


def full(why: str) -> tuple[str, str]:
    """Cause and advice of an archive without room."""
    return (
        f"the archive is full ({why})",
        "Make room on its volume, then resume. Only Lading's own staging was removed.",
    )


def halt_for(fault: messages.Fault, run: "Run") -> HaltError | None:
    """The reason to stop the whole run that lies in one fault, if it does."""
    if fault.code in FULL and fault.side == "archive":
        return HaltError(*full(fault.text))
    if fault.code == errno.EROFS and fault.side == "archive":
        return HaltError(
            "the archive is read-only", "Make it writable again, then resume. What has arrived stays."
        )
    if fault.lost:
        return away(run, Waits.SOURCE if fault.side == "source" else Waits.ARCHIVE)
    return None


def away(run: "Run", waits: Waits, why: str = "does not answer any more", check: bytes = b"") -> HaltError:
    """The reason to stop when a volume is gone; the import goes on by itself when it is back."""
    if waits is Waits.SOURCE:
        advice = f"{BACK} If it never comes back, close the import as it is: lading cancel {run.row.name}"
        return HaltError(f"{display(run.source.root)} {why}", advice, waits=waits, check=check)
    return HaltError(f"{display(run.archive.place.root)} {why}", BACK, waits=waits, check=check)
