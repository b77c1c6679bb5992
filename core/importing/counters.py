"""Counts of an import's files by outcome, and why some of them failed."""

import msgspec

from core.models import Count, Outcome

CAUSES_KEPT = 500
"""The most causes of failed files that a run keeps; fewer are ever shown."""


class Cause(msgspec.Struct):
    """How many files failed for one reason, the path of the newest, and `side` and `code` as in
    `messages.Fault`."""

    count: int
    newest: bytes
    side: str
    code: int


class Counters:
    """The counts of one run. `levels` are the verification levels that archived files reached."""

    def __init__(self) -> None:
        self.counts: dict[Outcome, list[int]] = {outcome: [0, 0] for outcome in Outcome}
        self.causes: dict[str, Cause] = {}
        """By reason: files that failed in this run, at most CAUSES_KEPT reasons."""
        self.levels: set[str] = set()

    def count(self, outcome: Outcome, size: int, by: int = 1) -> None:
        """Count a file of `size` bytes with this outcome; with `by` -1, subtract it."""
        self.counts[outcome][0] += by
        self.counts[outcome][1] += by * size

    def counted(self, *outcomes: Outcome) -> Count:
        """How many files have one of these outcomes, and their bytes."""
        return Count(
            files=sum(self.counts[outcome][0] for outcome in outcomes),
            bytes=sum(self.counts[outcome][1] for outcome in outcomes),
        )

    def forget_cause(self, reason: str) -> None:
        """Count one failed file less for this reason, because it is tried again."""
        if cause := self.causes.get(reason):
            cause.count -= 1
            if not cause.count:
                del self.causes[reason]

    def failed(self, reason: str, path: bytes, side: str, code: int) -> None:
        """Count an entry that failed for this reason."""
        if cause := self.causes.get(reason):
            cause.count += 1
            cause.newest = path
        elif len(self.causes) < CAUSES_KEPT:
            self.causes[reason] = Cause(1, path, side, code)
