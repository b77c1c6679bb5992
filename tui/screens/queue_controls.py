"""The keys for the queue that is chosen in the enlarged pane of queues."""

from typing import Any

from core.words import counted
from tui.screens.base import Base
from tui.widgets.queues import QueueRow


def why_not(place: QueueRow | None, does: str) -> str:
    """Why a key cannot be used for this stage or queue now; empty when it can."""
    if place is None or not place.queue:
        return "This is a stage of the copies: pause the import instead."
    if does == "retry" and not place.dead:
        return "No job of this queue has failed for good."
    return "One slot is the least." if does == "less" and place.slots <= 1 else ""


async def steer(screen: Base[Any], place: QueueRow, does: str) -> None:
    """Pause or resume the queue, retry its dead jobs, or give it one slot more or less. Raises LadingError."""
    engine = screen.lading.connection
    screen.lading.draw_at_once()
    if does == "retry":
        screen.say(f"{counted(await engine.retry(place.queue), 'job')} tried again.", "good")
    elif does in ("more", "less"):
        await engine.queue_slots(place.queue, place.slots + (1 if does == "more" else -1))
    elif place.paused:
        await engine.queue_resume(place.queue)
    else:
        await engine.queue_pause(place.queue)
