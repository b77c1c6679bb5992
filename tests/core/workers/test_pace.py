"""The pace of reading: how long a worker waits, and what ends the wait."""

from collections.abc import Callable, Iterator

import pytest

from core.workers import shared_memory
from core.workers.shared_memory import (
    CANCEL,
    COMMAND,
    PACE,
    PAUSE,
    READ,
    RUN,
    WRITTEN,
    CancelledByEngineError,
    Control,
    Slot,
)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def process_time_ns(self) -> int:
        return 0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
        self.slept()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(shared_memory, "time", clock)
    return clock


@pytest.fixture
def slot() -> Iterator[Slot]:
    area = Control.create()
    yield area.slot(0)
    area.close()


def test_nobody_waits_without_a_pace(slot: Slot, clock: Clock) -> None:
    slot.advance(READ, 1 << 40)
    slot.checkpoint()
    assert clock.now == 100.0


def test_reading_takes_as_long_as_the_pace_allows(slot: Slot, clock: Clock) -> None:
    slot.set(PACE, 1000)
    for _ in range(4):
        slot.checkpoint()
        slot.advance(READ, 500)
    assert clock.now == pytest.approx(101.5)
    slot.checkpoint()
    assert clock.now == pytest.approx(102.0)


def test_time_that_was_not_used_is_not_saved_up(slot: Slot, clock: Clock) -> None:
    slot.set(PACE, 1000)
    clock.now += 3600
    slot.advance(READ, 500)
    slot.checkpoint()
    assert clock.now == pytest.approx(3700.5)


def test_writing_is_not_held_back(slot: Slot, clock: Clock) -> None:
    slot.set(PACE, 1000)
    slot.advance(WRITTEN, 1 << 30)
    slot.checkpoint()
    assert clock.now == 100.0


def test_a_cancel_ends_the_wait(slot: Slot, clock: Clock) -> None:
    slot.set(PACE, 1)
    slot.advance(READ, 1_000_000)
    clock.slept = lambda: slot.set(COMMAND, CANCEL)
    with pytest.raises(CancelledByEngineError):
        slot.checkpoint()
    assert clock.now < 101


def test_a_pause_lets_go_of_the_source_at_once(slot: Slot, clock: Clock) -> None:
    let_go: list[float] = []
    slot.on_pause.append(lambda: let_go.append(clock.now))
    slot.set(PACE, 10)
    slot.advance(READ, 10)

    def slept() -> None:
        slot.set(COMMAND, PAUSE if clock.now < 100.5 else RUN)

    clock.slept = slept
    slot.checkpoint()
    assert len(let_go) == 1
    assert let_go[0] < 100.1
