"""Reasons to stop a run (archive full or read-only, a volume away), faults that may pass by themselves, and
advice."""

import errno
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.errors import LadingError
from core.files.open_beneath import REFUSED
from core.models import Side, Waits
from core.paths import display
from core.volumes import macos_permissions
from core.workers import messages
from core.workers.faults import RETRYABLE

if TYPE_CHECKING:
    from core.importing.import_run import Run
from core.workers.read_source import CHANGING, WRONG_SIZE

CONTINUES_BY_ITSELF = "Plug it in or mount it again: the import goes on by itself. What has arrived stays."

WHEN_SHARE_IS_BACK = (
    "The import goes on by itself when the share is back. macOS gives up a share that does not answer for 10 "
    "minutes, and does not mount it again by itself: then mount it in the Finder, or let autofs(5) do that. What "
    "has arrived stays."
)
"""SMBClient (smb_conn.h): a share that is dead for 600 s, mounted soft for 60 s, is unmounted by force."""
FAILS = (
    "Check its cable and its disk, or its server and the network: the import goes on by itself once it can be "
    "written. What has arrived stays."
)

CONGESTION = RETRYABLE | {errno.EIO, errno.ENOENT, errno.ESPIPE}
"""Errors by which clients report a server that is overloaded, full, or has lost what was staged; rclone reports
ESPIPE for writes after a failed one."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors for lack of space: errno(3)."""


class HaltError(LadingError):
    """The run has to stop; its import is left paused and can be resumed."""

    title = "Paused"

    def __init__(self, cause: str, advice: str = "", *, waits: Waits = Waits.NOTHING, check: bytes = b"") -> None:
        """`waits`: the import resumes by itself when that volume is back, and its file `check` can be read."""
        super().__init__(cause, advice)
        self.waits = waits
        self.check = check


def full(why: str) -> tuple[str, str]:
    """Cause and advice for an archive without free space."""
    return (
        f"the archive is full ({why})",
        "Make room on its volume, then resume. Only Lading's own staging was removed.",
    )


def no_more_files(available: int) -> HaltError:
    """The archive's file system has free space, but cannot hold more files."""
    return HaltError(
        f"the archive is full (its file system can hold no more files, though {available:,} bytes are free)",
        "Remove files from its volume, however small, then resume: room alone does not help. Only Lading's own "
        "staging was removed.",
    )


def cannot_flush(fault: messages.Fault) -> HaltError:
    """The archive's file system does not support flushing, so nothing written to it could be called durable."""
    return HaltError(
        f"the archive's file system cannot flush what is written to it ({fault.text})",
        "Mount it in another way, or take an archive on another file system: what it calls written may be lost.",
    )


def halt_for(fault: messages.Fault, run: "Run") -> HaltError | None:
    """The error that stops the whole run because of this fault; None when the fault concerns one file only."""
    if fault.code in NO_SPACE and fault.side == Side.ARCHIVE:
        return HaltError(*full(fault.text))
    if fault.code == errno.EROFS and fault.side == Side.ARCHIVE:
        return HaltError(
            "the archive is read-only", "Make it writable again, then resume. What has arrived stays."
        )
    if fault.lost:
        return gone(fault, run, Waits.SOURCE if fault.side == Side.SOURCE else Waits.ARCHIVE)
    return None


def halt_for_one_of(faults: Iterable[messages.Fault], run: "Run") -> None:
    """Raises HaltError when one of the faults ends the whole run."""
    for fault in faults:
        if halt := halt_for(fault, run):
            raise halt


def gone(fault: messages.Fault, run: "Run", waits: Waits) -> HaltError:
    """The error for a volume that is gone, or that this program may not access any more."""
    if fault.code not in REFUSED:
        return away(run, waits)
    halt = away(run, waits, f"may not be used any more ({fault.text})")
    advice = macos_permissions.permission_advice(fault.code, os.environ) or (
        f"Give the program {sys.executable} the right to it again: the import goes on by itself. What has arrived "
        "stays."
    )
    return HaltError(halt.cause, advice, waits=waits)


def away(
    run: "Run", waits: Waits, why: str = "does not answer any more", check: bytes = b"", advice: str = ""
) -> HaltError:
    """The error for a volume that is gone; the import resumes by itself when it is back."""
    if waits is Waits.SOURCE:
        back = back_again(run.row.volume_identity.startswith("net:"))
        advice = (
            f"{advice or back} If it never comes back, close the import as it is: lading cancel {run.row.name}"
        )
        return HaltError(f"{display(run.source.root)} {why}", advice, waits=waits, check=check)
    return HaltError(
        f"{display(run.archive.place.root)} {why}", advice or back_again(run.network), waits=waits, check=check
    )


def back_again(network: bool, platform: str = sys.platform) -> str:
    """What a person can do about a volume that is gone; `network`: it is a network file system."""
    return WHEN_SHARE_IS_BACK if network and platform == "darwin" else CONTINUES_BY_ITSELF


def closing_advice(fault: messages.Fault) -> str:
    """What a person can do about an import whose journal or receipt could not be written to the archive."""
    if fault.code in (errno.EACCES, errno.EPERM):
        return macos_permissions.permission_advice(fault.code, os.environ) or (
            "Give yourself the right to write in the archive, in the folder of the location, too; then resume."
        )
    return "Resume it."


def advice(side: str, code: int) -> str:
    """What a person can do about files that failed; `side` and `code` as in `messages.Fault`."""
    if side == Side.SOURCE and code == CHANGING:
        return "Close what writes to it, then retry."
    if side == Side.SOURCE and code == errno.EDEADLK:
        return "Fetch it in the Finder, or import with --icloud, then retry."
    if side == Side.SOURCE and code == WRONG_SIZE:
        return "Copy it with the program of the camera or phone, or with another card reader, and import the copy."
    if side == Side.SOURCE and code == errno.EIO:
        return "Try another card reader, or check the server that it is on; then retry."
    if code == errno.EPERM and (told := macos_permissions.permission_advice(code, os.environ)):
        return told
    if code in (errno.EACCES, errno.EPERM):
        if side == "archive":
            return "Give yourself the right to write in the archive, then retry."
        return "Give yourself the right to read it, then retry."
    if side == "archive":
        return "Check the archive's disk, or its server, then retry."
    return "Retry it."
