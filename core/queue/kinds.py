"""The queues: what each works on, how urgent it is and what it waits for."""

from collections.abc import Sequence
from typing import Literal

from core.hardware import Profile
from core.media.kinds import Kind
from core.models import Value

PATIENCE = 30 * 60.0
"""Seconds that a queue is held back for copies before it gets one slot all the same."""


class Queue(Value, frozen=True, kw_only=True):
    """One queue. Its jobs are on items of `kinds`, or on imports or locations, behind the import's barrier.

    follows: the queue of the same item's job that goes first; `required`: its failure cancels this one.
    tells: says what an item is, which an import's barrier can wait for; `understood`: waits for that.
    shared: takes part in sharing the processor with copies; `yields`: is held back while there are copies.
    """

    name: str
    priority: int
    subject: Literal["item", "import", "location"] = "item"
    kinds: tuple[Kind, ...] = tuple(Kind)
    follows: str = ""
    required: bool = False
    tells: bool = False
    understood: bool = False
    shared: bool = True
    yields: bool = False


QUEUES: tuple[Queue, ...] = (
    Queue(name="exiftool", priority=50, tells=True),
    Queue(name="ffprobe", priority=50, kinds=(Kind.VIDEOS, Kind.AUDIO), tells=True),
    Queue(name="thumbnail", priority=10, kinds=(Kind.IMAGES, Kind.VIDEOS), follows="exiftool"),
    Queue(name="live_photo", priority=10, subject="import", understood=True, shared=False),
    Queue(name="video_proxy", priority=1, kinds=(Kind.VIDEOS,), follows="ffprobe", required=True, yields=True),
    Queue(name="location_stats", priority=0, subject="location", understood=True, shared=False),
    Queue(name="bagit", priority=0, subject="location", shared=False),
)
"""The most urgent first; one that follows another comes after it."""

TELLING = tuple(queue.name for queue in QUEUES if queue.tells)
"""The queues that a barrier counts."""


def slots(profile: Profile, queues: Sequence[Queue] = QUEUES) -> dict[str, int]:
    """How many calls of each queue the machine can take at once."""
    return {queue.name: getattr(profile, queue.name) for queue in queues}
