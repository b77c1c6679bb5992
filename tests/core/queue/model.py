"""The table of jobs as a plain model: what must be true of it, whatever happens in which order."""

from collections.abc import Iterable

import msgspec

ATTEMPTS = 3
UNFINISHED = ("waiting", "ready", "claimed")
FOLLOWS = {"thumbnail": ("exiftool", False), "video_proxy": ("ffprobe", True), "after": ("video_proxy", True)}
"""The queue that is followed, and whether it is required; `after` makes a chain."""
PRIORITY = {
    "exiftool": 50,
    "ffprobe": 50,
    "thumbnail": 10,
    "video_proxy": 1,
    "after": 1,
    "location_stats": 0,
    "bagit": 0,
}
TELLING = ("exiftool", "ffprobe")


class Work(msgspec.Struct, frozen=True):
    """What a job is on: (queue, item, location)."""

    queue: str
    item: int = 0
    location: int = 0


def priority(work: Work) -> int:
    """Of its queue; jobs of one queue may differ."""
    return PRIORITY[work.queue] + work.item % 2


class Entry(msgspec.Struct):
    """One job."""

    state: str
    origin: int
    waits: bool = False
    due: bool = False
    attempts: int = 0
    again: bool = False
    order: int = 0


class Model:
    """Jobs by work, and what waits behind barriers that are closed or count."""

    def __init__(self) -> None:
        self.jobs: dict[Work, Entry] = {}
        self.behind: dict[int, dict[Work, bool]] = {}
        """By import: work, and whether it needs to know what the items are."""
        self.counting: dict[int, int | None] = {}
        self._order = 0

    def add(self, work: Work, origin: int) -> None:
        """The same work twice is one job; while it is claimed it is marked; once it has ended it begins anew."""
        entry = self.jobs.get(work)
        state, waits = self._new(work)
        if entry is None:
            self._order += 1
            self.jobs[work] = Entry(state, origin, waits, order=self._order)
        elif entry.state == "claimed":
            entry.again = True
        elif entry.state not in UNFINISHED:
            entry.state, entry.waits, entry.origin, entry.attempts = state, waits, origin, 0

    def _before(self, work: Work) -> tuple[Entry | None, bool]:
        if work.queue not in FOLLOWS:
            return None, False
        queue, required = FOLLOWS[work.queue]
        return self.jobs.get(Work(queue, work.item)), required

    def _new(self, work: Work) -> tuple[str, bool]:
        before, required = self._before(work)
        if before is not None and before.state in UNFINISHED:
            return "waiting", True
        if before is not None and required and before.state in ("dead", "cancelled"):
            return "cancelled", False
        return "ready", False

    def _anew(self, work: Work) -> None:
        """Wait for the job it follows if that is to be done, else be ready."""
        before, _ = self._before(work)
        entry = self.jobs[work]
        entry.waits = before is not None and before.state in UNFINISHED
        entry.state = "waiting" if entry.waits else "ready"

    def claimable(self, queue: str) -> list[Work]:
        """The order in which jobs of a queue are taken."""
        ready = [work for work, entry in self.jobs.items() if work.queue == queue and entry.state == "ready"]
        return sorted(ready, key=lambda work: (-priority(work), self.jobs[work].order))

    def claim(self, works: Iterable[Work]) -> None:
        """These were taken."""
        for work in works:
            self.jobs[work].state = "claimed"
            self.jobs[work].attempts += 1

    def complete(self, work: Work) -> None:
        """It has succeeded."""
        entry = self.jobs[work]
        if entry.again:
            self._once_more(work)
        else:
            entry.state = "done"
            self._ended(work, True)

    def _once_more(self, work: Work) -> None:
        entry = self.jobs[work]
        entry.again, entry.attempts = False, 0
        self._anew(work)

    def fail(self, work: Work, final: bool) -> None:
        """It has failed."""
        entry = self.jobs[work]
        if entry.again:
            self._once_more(work)
        elif final or entry.attempts >= ATTEMPTS:
            entry.state = "dead"
            self._ended(work, False)
        else:
            entry.state, entry.due = "waiting", True

    def give_back(self, work: Work) -> None:
        """It was not tried."""
        entry = self.jobs[work]
        entry.attempts = 0 if entry.again else entry.attempts - 1
        entry.again = False
        self._anew(work)

    def kill(self) -> None:
        """The engine died: all that was claimed comes back, and the attempt counts."""
        claimed = [work for work, entry in self.jobs.items() if entry.state == "claimed"]
        dead: list[Work] = []
        for work in claimed:
            entry = self.jobs[work]
            if entry.again:
                entry.again, entry.attempts, entry.state = False, 0, "ready"
            elif entry.attempts >= ATTEMPTS:
                entry.state = "dead"
                dead.append(work)
            else:
                entry.state = "ready"
        for work in claimed:
            if self.jobs[work].state == "ready":
                self._anew(work)
        for work in dead:
            self._ended(work, False)

    def promote(self) -> None:
        """Time has passed."""
        for entry in self.jobs.values():
            if entry.due:
                entry.due, entry.state = False, "ready"

    def _ended(self, work: Work, well: bool) -> None:
        entry = self.jobs[work]
        counted = self.counting.get(entry.origin)
        if work.queue in TELLING and counted:
            self.counting[entry.origin] = counted - 1
            if counted == 1:
                self._finish(entry.origin)
        for queue, (before, required) in FOLLOWS.items():
            follower = Work(queue, work.item)
            waiting = self.jobs.get(follower)
            if before != work.queue or not work.item or waiting is None or not waiting.waits:
                continue
            waiting.waits = False
            waiting.state = "ready"
            if required and not well:
                waiting.state = "cancelled"
                self._ended(follower, False)

    # Barriers

    def close(self, name: int, works: dict[Work, bool]) -> None:
        """An import begins, or goes on."""
        self.counting[name] = None
        self.behind[name] = self.behind.get(name, {}) | works

    def open(self, name: int) -> None:
        """Its transfers have ended."""
        if self.counting.get(name, 0) is not None:
            return
        count = sum(
            1
            for work, entry in self.jobs.items()
            if entry.origin == name and work.queue in TELLING and entry.state in UNFINISHED
        )
        self.counting[name] = count
        if count:
            self._let_go(name, everything=False)
        else:
            self._finish(name)

    def _finish(self, name: int) -> None:
        self._let_go(name, everything=True)
        del self.counting[name]

    def _let_go(self, name: int, *, everything: bool) -> None:
        for work, understood in list(self.behind.get(name, {}).items()):
            if everything or not understood:
                del self.behind[name][work]
                self.add(work, name)

    def retry(self, queue: str = "") -> None:
        """Dead jobs, and what their failure had cancelled; what waits to be tried again is tried now."""
        for work, entry in self.jobs.items():
            if entry.due and (not queue or work.queue == queue):
                entry.due, entry.state = False, "ready"
        revived = [
            work
            for work, entry in self.jobs.items()
            if (not queue or work.queue == queue)
            and (entry.state == "dead" or (entry.state == "cancelled" and not self._hopeless(work)))
        ]
        for work in revived:
            for follower, (before, _) in FOLLOWS.items():
                other = Work(follower, work.item)
                cancelled = other in self.jobs and self.jobs[other].state == "cancelled"
                if before == work.queue and cancelled and other not in revived:
                    revived.append(other)
        for work in revived:
            entry = self.jobs[work]
            entry.state, entry.attempts, entry.origin, entry.due = "waiting", 0, 0, False
        for work in revived:
            self._anew(work)

    def _hopeless(self, work: Work) -> bool:
        before, _ = self._before(work)
        return before is not None and before.state in ("dead", "cancelled")
