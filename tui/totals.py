"""The imports that are summed up on the screen: those that run at the same time now, or the last that did."""

from collections.abc import Iterable, Sequence

from core.models import Count, State, Value, Verdict
from core.snapshot import ImportView, InFlight, Snapshot

ACTIVE = (State.RUNNING, State.PAUSED)

_READING = ("hash", "copy")
_READ = ("flush", "verify", "publish")


class SessionTotals(Value, frozen=True, kw_only=True):
    """Sums over the imports shown together. `done` includes what workers have read so far."""

    views: tuple[ImportView, ...] = ()
    seen: Count = Count()
    archived: Count = Count()
    duplicate: Count = Count()
    skipped: Count = Count()
    junk: Count = Count()
    failed: Count = Count()
    todo: Count = Count()
    done: int = 0
    rate: float = 0.0
    listed: bool = True
    seconds_left: float | None = None

    @property
    def active(self) -> tuple[ImportView, ...]:
        """The imports that have not ended."""
        return tuple(view for view in self.views if view.state in ACTIVE)

    @property
    def safe(self) -> int:
        """How many sources are SAFE."""
        return sum(1 for view in self.views if view.verdict is Verdict.SAFE)


def ordered(snapshot: Snapshot) -> tuple[ImportView, ...]:
    """All imports: those of the session in the order of their start, then older ones, newest first."""
    together = _together(snapshot.imports)
    older = [view for view in snapshot.imports if view not in together]
    return (*sorted(together, key=_began), *sorted(older, key=_began, reverse=True))


def session(snapshot: Snapshot) -> SessionTotals:
    """The session's sums."""
    views = tuple(sorted(_together(snapshot.imports), key=_began))
    running = [view for view in views if view.state is State.RUNNING]
    left = [view.seconds_left for view in running]
    return SessionTotals(
        views=views,
        seen=total(view.seen for view in views),
        archived=total(view.archived for view in views),
        duplicate=total(view.duplicate for view in views),
        skipped=total(view.skipped for view in views),
        junk=total(view.junk for view in views),
        failed=total(view.failed for view in views),
        todo=total(view.todo for view in views),
        done=sum(settled(view, snapshot.in_flight) for view in views),
        rate=sum(view.rate for view in running),
        listed=all(view.listed for view in views),
        seconds_left=max((one for one in left if one is not None), default=None) if None not in left else None,
    )


def total(counts: Iterable[Count]) -> Count:
    """The sum of counts."""
    listed = list(counts)
    return Count(files=sum(one.files for one in listed), bytes=sum(one.bytes for one in listed))


def settled(view: ImportView, in_flight: Sequence[InFlight]) -> int:
    """Bytes of an import's files that have their outcome, or were read."""
    done = view.seen.bytes - view.todo.bytes
    for one in in_flight:
        if one.import_id == view.id:
            done += min(one.position, one.size) if one.stage in _READING else 0
            done += one.size if one.stage in _READ else 0
    return min(done, view.seen.bytes)


def share(done: float, whole: float) -> float:
    """`done` divided by `whole`, at most 1; 1 when `whole` is nothing."""
    return min(done / whole, 1.0) if whole else 1.0


def _began(view: ImportView) -> tuple[float, str]:
    return view.started, view.id


def _together(views: Sequence[ImportView]) -> list[ImportView]:
    """The running imports with all that overlapped them; without any, the last that ended and those that
    overlapped it."""
    active = [view for view in views if view.state in ACTIVE]
    if active:
        since = min(view.started for view in active)
    elif views:
        since = max(view.started for view in views)
    else:
        return []
    members = [view for view in views if view in active or _ended(view) >= since]
    while True:
        since = min(view.started for view in members)
        wider = [view for view in views if view in active or _ended(view) >= since]
        if len(wider) == len(members):
            return members
        members = wider


def _ended(view: ImportView) -> float:
    return view.ended if view.ended is not None else view.started
