"""What an import waits for: the resource whose places are all taken while others queue for one."""

from core.models import LimitView, Snapshot, Value

READER, NETWORK, ARCHIVE, PROCESSOR = "card reader", "network", "archive disk", "processor"

FULL = 0.85
"""So much of a resource's places taken, without a queue, still makes it the limit."""

_PROCESSOR = ("hash",)
_ARCHIVE = ("copy", "verify")


class Load(Value, frozen=True, kw_only=True):
    """How far one resource is used: `share` of its places from 0 to 1, and so many `waiting` for one."""

    name: str
    share: float
    waiting: int


class Bottleneck(Value, frozen=True, kw_only=True):
    """The resource that limits (empty: none does), and the loads of all, the heaviest first."""

    name: str = ""
    loads: tuple[Load, ...] = ()


def bottleneck(snapshot: Snapshot) -> Bottleneck:
    """Judge by the places taken and waited for in the snapshot.

    A reader that is full holds up those behind it, never those before it: of several resources with a queue it
    is the one with the longest queue for its places.
    """
    network = any(view.level == "server" for view in snapshot.imports if view.ended is None)
    found: dict[str, list[LimitView]] = {}
    for limit in snapshot.limits:
        if name := _resource(limit.name, network=network):
            found.setdefault(name, []).append(limit)
    loads = sorted((_load(name, limits) for name, limits in found.items()), key=_weight, reverse=True)
    heaviest = loads[0] if loads else None
    moving = snapshot.rates.read or snapshot.rates.written or snapshot.rates.verified
    if heaviest is None or not (moving or heaviest.waiting):
        return Bottleneck(loads=tuple(loads))
    limiting = heaviest.waiting > 0 or heaviest.share >= FULL
    return Bottleneck(name=heaviest.name if limiting else "", loads=tuple(loads))


def _resource(limit: str, *, network: bool) -> str:
    """The resource that a limit of this name guards: those of volumes are called `read ID` and `write ID`."""
    what, _, identity = limit.partition(" ")
    if what == "read" and identity:
        return NETWORK if identity.startswith("net:") else READER
    if what == "write" and identity:
        return NETWORK if network else ARCHIVE
    if limit in _PROCESSOR:
        return PROCESSOR
    return (NETWORK if network else ARCHIVE) if limit in _ARCHIVE else ""


def _load(name: str, limits: list[LimitView]) -> Load:
    """The load of several limits that guard one resource: the fullest volume, if there is one, and all queues."""
    volumes = [limit for limit in limits if " " in limit.name]
    fullest = max(min(limit.busy / limit.ceiling, 1.0) if limit.ceiling else 0.0 for limit in volumes or limits)
    return Load(name=name, share=fullest, waiting=sum(limit.waiting for limit in limits))


def _weight(load: Load) -> tuple[int, float]:
    return load.waiting, load.share
