"""Reasons why a key cannot be used for an import now. Each function returns an empty text when the key can be
used."""

from core.models import State
from core.snapshot import ImportView, Snapshot
from core.words import counted

NO_IMPORT = "There is no import."

CANCELLED_ALREADY = "It was cancelled: import it anew; what is archived is not copied again."

ENDED = (State.DONE, State.CANCELLED)


def failed_jobs(snapshot: Snapshot | None) -> str:
    """How many background jobs have failed for good, of any import, and where they are shown; empty: none."""
    dead = sum(queue.dead for queue in snapshot.queues) if snapshot else 0
    return f"{counted(dead, 'background job')} failed: dashboard, 5" if dead else ""


def why_not_steer(view: ImportView | None) -> str:
    """The reason against pausing and cancelling the import."""
    if view is None:
        return NO_IMPORT
    return f"{view.label} has ended." if view.state in ENDED else ""


def why_not_retry(view: ImportView | None) -> str:
    """The reason against resuming the import, or retrying its failed files."""
    if view is None:
        return NO_IMPORT
    if view.state is State.CANCELLED:
        return CANCELLED_ALREADY
    if view.state is State.PAUSED or view.failed.files:
        return ""
    return f"{view.label} {'is running' if view.state is State.RUNNING else 'has ended'}, and nothing failed."


def why_not_eject(view: ImportView | None) -> str:
    """The reason against ejecting the import's card."""
    if view is None:
        return "There is no card."
    return "" if view.ended is not None else f"{view.label} is still being imported."


def why_not_dismiss(view: ImportView | None) -> str:
    """The reason against showing the import no longer."""
    if view is None:
        return NO_IMPORT
    return "" if view.ended is not None else f"{view.label} has not ended."


def why_not_read(view: ImportView | None) -> str:
    """The reason against showing the import's receipt."""
    if view is None:
        return NO_IMPORT
    return "" if view.ended is not None else f"{view.label} has not ended: its receipt comes with its end."
