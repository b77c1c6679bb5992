"""The bottleneck of an import: the resource whose places are all taken while others wait for one."""

from core.models import State, Value
from core.snapshot import LimitView, Snapshot

READER, NETWORK, ARCHIVE, PROCESSOR = "card reader", "network", "archive disk", "processor"
READ_LIMIT, PAUSED = "read_limit", "paused"

SATURATED = 0.85
"""The share of a resource's places that makes it the limit even without a queue."""

LIMIT_REACHED = 0.7
"""The share of the read limit that must be reached for it to be the bottleneck."""

RECENT_SAMPLES = 20
"""Samples of the history over which the rate is looked at, too: a small file counts when it was read, so that the
rate of a slow import jumps between nothing and many times the limit."""

AT_WORK = 0.7
"""Processor cores that one place keeps busy while it does not wait for a disk."""

_PROCESSOR = ("hash",)
_ARCHIVE = ("copy", "verify")


class Load(Value, frozen=True, kw_only=True):
    """The load of one resource: the `share` of its places that are taken (0 to 1), and how many callers are
    `waiting`."""

    name: str
    share: float
    waiting: int


class Bottleneck(Value, frozen=True, kw_only=True):
    """The limiting resource (empty: there is none), and the loads of all, the heaviest first."""

    name: str = ""
    loads: tuple[Load, ...] = ()


def bottleneck(snapshot: Snapshot) -> Bottleneck:
    """Find the bottleneck by the places taken and waited for in the snapshot.

    A full stage delays those behind it, never those before it: of several resources with a queue it is the one
    with the longest queue for its places. A place that sleeps is not a full resource: an import at its
    `read_limit` is limited by that, and hashing that keeps no core busy waits for the data it reads.
    """
    unfinished = [view for view in snapshot.imports if view.ended is None and view.state is not State.CANCELLED]
    if unfinished and all(view.state is State.PAUSED for view in unfinished):
        return Bottleneck(name=PAUSED)
    network = any(view.network for view in snapshot.imports if view.ended is None)
    found: dict[str, list[LimitView]] = {}
    for limit in snapshot.limits:
        if name := _resource(limit, snapshot, network=network):
            found.setdefault(name, []).append(limit)
    loads = sorted((_load(name, limits) for name, limits in found.items()), key=_weight, reverse=True)
    heaviest = loads[0] if loads else None
    moving = snapshot.rates.read or snapshot.rates.written or snapshot.rates.verified
    if heaviest is None or not (moving or heaviest.waiting):
        return Bottleneck(loads=tuple(loads))
    limiting = heaviest.waiting > 0 or heaviest.share >= SATURATED
    return Bottleneck(name=heaviest.name if limiting else "", loads=tuple(loads))


def _resource(found: LimitView, snapshot: Snapshot, *, network: bool) -> str:
    """The name of the resource that a limit guards: limits of volumes are called `read ID` and `write ID`, that of
    an import with a read limit `pace ID`."""
    limit = found.name
    what, _, identity = limit.partition(" ")
    if what == "pace" and identity:
        return READ_LIMIT if _rate(identity, snapshot) >= LIMIT_REACHED * snapshot.read_limit else READER
    if what == "read" and identity:
        return NETWORK if identity.startswith("net:") else READER
    if what == "write" and identity:
        return NETWORK if network else ARCHIVE
    if limit in _PROCESSOR:
        cores = snapshot.rates.cores
        return READER if cores is not None and cores < AT_WORK * found.busy else PROCESSOR
    return (NETWORK if network else ARCHIVE) if limit in _ARCHIVE else ""


def _rate(identity: str, snapshot: Snapshot) -> float:
    """Bytes per second that an import with a read limit reads: now, or on average if all imports have one."""
    now = max((view.rate for view in snapshot.imports if view.id == identity), default=0.0)
    paced = sum(one.name.startswith("pace ") for one in snapshot.limits)
    running = sum(view.state is State.RUNNING for view in snapshot.imports)
    recent = snapshot.rates.read_history[-RECENT_SAMPLES:]
    return max(now, sum(recent) / len(recent) / paced) if recent and paced == running else now


def _load(name: str, limits: list[LimitView]) -> Load:
    """The load of several limits that guard one resource: the share of the fullest volume, if there is one, and
    the sum of all queues."""
    volumes = [limit for limit in limits if " " in limit.name]
    fullest = max(min(limit.busy / limit.ceiling, 1.0) if limit.ceiling else 0.0 for limit in volumes or limits)
    return Load(name=name, share=fullest, waiting=sum(limit.waiting for limit in limits))


def _weight(load: Load) -> tuple[int, float]:
    return load.waiting, load.share
