"""Why a key makes no sense for an import just now; empty when it does."""

from core.models import ImportView, State

NONE = "There is no import."

CLOSED = "It was closed as it is: import it anew; what is archived is not copied again."

ENDED = (State.DONE, State.CANCELLED)


def steering(view: ImportView | None) -> str:
    """Against pausing and cancelling it."""
    if view is None:
        return NONE
    return f"{view.label} has ended." if view.state in ENDED else ""


def retrying(view: ImportView | None) -> str:
    """Against going on with it, or trying again what failed."""
    if view is None:
        return NONE
    if view.state is State.CANCELLED:
        return CLOSED
    if view.state is State.PAUSED or view.failed.files:
        return ""
    return f"{view.label} {'is running' if view.state is State.RUNNING else 'has ended'}, and nothing failed."


def ejecting(view: ImportView | None) -> str:
    """Against letting go of its card."""
    if view is None:
        return "There is no card."
    return "" if view.ended is not None else f"{view.label} is still being imported."


def reading(view: ImportView | None) -> str:
    """Against showing its receipt."""
    if view is None:
        return NONE
    return "" if view.ended is not None else f"{view.label} has not ended: its receipt comes with its end."
