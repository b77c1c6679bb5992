"""The queues: the subject of their jobs, their priority, and what they wait for."""

from collections.abc import Sequence
from typing import Literal

from core.hardware import Profile
from core.media.file_types import Kind
from core.models import Value

LONGEST_YIELD = 30 * 60.0
"""Seconds after which a queue that yields to copies gets one slot all the same."""


class Queue(Value, frozen=True, kw_only=True):
    """One queue. Its jobs are on items of these `kinds`, or on imports or locations, and then behind a barrier.

    follows: the queue whose job on the same item runs first. required: if that job fails, this one is cancelled.
    tells: its results describe items (dates, cameras, durations), so an import's barrier counts its jobs.
    understood: its jobs need those descriptions, so they wait until the barrier has counted down; other jobs
    behind it only wait until the transfers have ended. shared: takes part in sharing the processor with copies.
    yields: does not run while there are copies, for at most LONGEST_YIELD seconds.
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
"""The order of the definitions: higher priority first; a queue comes after the one that it follows."""

TELLING = tuple(queue.name for queue in QUEUES if queue.tells)
"""The queues whose jobs a barrier counts."""


def slots(profile: Profile, queues: Sequence[Queue] = QUEUES) -> dict[str, int]:
    """The number of slots of each queue by the machine's profile."""
    return {queue.name: getattr(profile, queue.name) for queue in queues}
