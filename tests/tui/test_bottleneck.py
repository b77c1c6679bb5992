"""The bottleneck, from hand-made snapshots."""

import msgspec
import pytest

from core.models import State
from core.snapshot import ImportView, LimitView, Rates, Snapshot
from tui.bottleneck import ARCHIVE, NETWORK, PAUSED, PROCESSOR, READ_LIMIT, READER, bottleneck

BUSY = Rates(read=1.0)


def limit(name: str, busy: int, ceiling: int, waiting: int = 0) -> LimitView:
    return LimitView(name=name, busy=busy, ceiling=ceiling, waiting=waiting)


def moment(*limits: LimitView, network: bool = False, rates: Rates = BUSY) -> Snapshot:
    running = ImportView(id="i", label="", source="/s", archive="/a", location="l", state=State.RUNNING)
    view = msgspec.structs.replace(running, network=network)
    return Snapshot(time=0.0, version="1", imports=(view,), limits=limits, rates=rates)


IDLE = (limit("hash", 0, 8), limit("copy", 0, 8), limit("verify", 0, 8))


@pytest.mark.parametrize(
    ("limits", "network", "expected"),
    [
        ((*IDLE, limit("read uuid:1", 4, 4, 9), limit("write a", 1, 8)), False, READER),
        ((*IDLE, limit("read net:nas/x", 4, 4, 9), limit("write a", 1, 8)), False, NETWORK),
        ((*IDLE, limit("read uuid:1", 2, 4), limit("write a", 4, 4, 3)), True, NETWORK),
        ((*IDLE, limit("read uuid:1", 2, 4), limit("write a", 4, 4, 3)), False, ARCHIVE),
        ((limit("hash", 8, 8, 5), limit("copy", 1, 8), limit("read uuid:1", 3, 4)), False, PROCESSOR),
        ((limit("hash", 1, 8), limit("verify", 8, 8, 2)), False, ARCHIVE),
        ((*IDLE, limit("read uuid:1", 4, 4), limit("write a", 1, 8)), False, READER),
        ((*IDLE, limit("read uuid:1", 1, 4), limit("write a", 1, 8)), False, ""),
        (IDLE, False, ""),
        ((), False, ""),
        ((limit("other", 1, 1, 9),), False, ""),
        ((limit("hash", 0, 0),), False, ""),
    ],
)
def test_the_one_that_is_waited_for(limits: tuple[LimitView, ...], *, network: bool, expected: str) -> None:
    assert bottleneck(moment(*limits, network=network)).name == expected


def test_the_longest_queue_wins() -> None:
    found = bottleneck(moment(limit("hash", 8, 8, 2), limit("read uuid:1", 2, 2, 7), limit("write a", 3, 8)))
    assert found.name == READER
    assert [load.name for load in found.loads] == [READER, PROCESSOR, ARCHIVE]
    assert found.loads[2].share == pytest.approx(3 / 8)


def test_nothing_is_a_limit_while_nothing_moves() -> None:
    assert bottleneck(moment(limit("read uuid:1", 4, 4), rates=Rates())).name == ""
    assert bottleneck(moment(limit("read uuid:1", 4, 4, 1), rates=Rates())).name == READER


def test_what_keeps_to_a_pace_is_limited_by_that() -> None:
    """Also where other places are taken meanwhile; a card that does not give so much limits itself."""
    limits = (limit("hash", 1, 1), limit("pace i", 1, 1, 4), limit("read uuid:1", 1, 2), limit("write a", 4, 5))
    paced = msgspec.structs.replace(moment(*limits), read_limit=20_000_000)
    (view,) = paced.imports

    def at(rate: float) -> str:
        return bottleneck(msgspec.structs.replace(paced, imports=(msgspec.structs.replace(view, rate=rate),))).name

    assert at(19e6) == READ_LIMIT
    assert at(5e6) == READER


def test_a_pace_is_kept_between_two_files_that_are_counted_at_their_end() -> None:
    limits = (limit("hash", 0, 1), limit("pace i", 1, 1, 4), limit("read uuid:1", 1, 2))

    def at(*history: float) -> str:
        rates = Rates(read=0.0, read_history=history)
        paced = msgspec.structs.replace(moment(*limits, rates=rates), read_limit=1_000_000)
        (view,) = paced.imports
        return bottleneck(msgspec.structs.replace(paced, imports=(msgspec.structs.replace(view, rate=0.0),))).name

    assert at(*([8e6] + [0.0] * 7) * 3) == READ_LIMIT
    assert at(*([2e6] + [0.0] * 7) * 3) == READER


def test_hashing_that_keeps_no_core_busy_waits_for_the_card() -> None:
    limits = (limit("hash", 1, 1, 3), limit("read uuid:1", 1, 2))
    assert bottleneck(moment(*limits, rates=Rates(read=8e6, cores=0.05))).name == READER
    assert bottleneck(moment(*limits, rates=Rates(read=8e8, cores=1.1))).name == PROCESSOR


def test_paused_imports_limit_themselves() -> None:
    """Batches that wait for a place at the processor while their import is paused wait for its end."""
    running = moment(limit("hash", 0, 1, 3))
    (view,) = running.imports
    paused = msgspec.structs.replace(view, state=State.PAUSED)
    assert bottleneck(msgspec.structs.replace(running, imports=(paused,))).name == PAUSED
    assert bottleneck(msgspec.structs.replace(running, imports=(paused, view))).name == PROCESSOR
