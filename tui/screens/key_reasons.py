"""Reasons why a key cannot be used for an import now; empty when it can."""

from core.models import State
from core.snapshot import ImportView, Snapshot
from core.words import counted

NONE = "There is no import."

CANCELLED_ALREADY = "It was cancelled: import it anew; what is archived is not copied again."

ENDED = (State.DONE, State.CANCELLED)


def background(snapshot: Snapshot | None) -> str:
    """How many background jobs have failed for good, of any import, and where they are shown; empty: none."""
    dead = sum(queue.dead for queue in snapshot.queues) if snapshot else 0
    return f"{counted(dead, 'background job')} failed: dashboard, 5" if dead else ""


def steering(view: ImportView | None) -> str:
    """The reason against pausing and cancelling it."""
    if view is None:
        return NONE
    return f"{view.label} has ended." if view.state in ENDED else ""


def retrying(view: ImportView | None) -> str:
    """The reason against resuming it, or retrying its failed files."""
    if view is None:
        return NONE
    if view.state is State.CANCELLED:
        return CANCELLED_ALREADY
    if view.state is State.PAUSED or view.failed.files:
        return ""
    return f"{view.label} {'is running' if view.state is State.RUNNING else 'has ended'}, and nothing failed."


def ejecting(view: ImportView | None) -> str:
    """The reason against ejecting its card."""
    if view is None:
        return "There is no card."
    return "" if view.ended is not None else f"{view.label} is still being imported."


def dismissing(view: ImportView | None) -> str:
    """The reason against showing it no longer."""
    if view is None:
        return NONE
    return "" if view.ended is not None else f"{view.label} has not ended."


def reading(view: ImportView | None) -> str:
    """The reason against showing its receipt."""
    if view is None:
        return NONE
    return "" if view.ended is not None else f"{view.label} has not ended: its receipt comes with its end."
