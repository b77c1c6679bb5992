"""Requests about the job queues."""

from typing import Annotated

import msgspec

from core.protocol.message import Name, Number
from core.protocol.requests import Change, Page
from core.snapshot import JobView


class PauseQueue(Change[None], frozen=True, kw_only=True):
    """Pause a queue: no more of its jobs are started."""

    queue: Name


class ResumeQueue(Change[None], frozen=True, kw_only=True):
    """Resume a queue."""

    queue: Name


class SetSlots(Change[None], frozen=True, kw_only=True):
    """Set how many calls of a queue may run at once."""

    queue: Name
    slots: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class ListJobs(Page[list[JobView]], frozen=True, kw_only=True):
    """Up to `PAGE` jobs with numbers above `after`; of one state, of one queue."""

    state: Name = ""
    queue: Name = ""
    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0


class RetryJobs(Change[int], frozen=True, kw_only=True):
    """Retry dead jobs: all, those of a queue, these, or those with a cause. The reply is how many."""

    queue: Name = ""
    ids: tuple[Number, ...] | None = None
    cause: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
