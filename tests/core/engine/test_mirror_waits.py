"""The wait for the next retry of a mirror ends, whatever the clocks do meanwhile."""

from types import SimpleNamespace

import pytest

from core.engine import mirroring
from core.engine.mirroring import Mirroring

DAY = 86_400.0


class Clocks:
    """The two clocks of a machine; each sleep of a mirror moves them on. `jump` is added to the time of day in the
    first sleep; `stands`: the monotonic clock stands still, as on a Mac that sleeps."""

    def __init__(self, jump: float, *, stands: bool = False) -> None:
        self.day = 1_800_000_000.0
        self.running = 1000.0
        self.slept: list[float] = []
        self._jump = jump
        self._stands = stands

    def time(self) -> float:
        return self.day

    def monotonic(self) -> float:
        return self.running

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert len(self.slept) < 1000, "it waits for ever"
        self.day += seconds + self._jump
        self.running += 0 if self._stands else seconds
        self._jump = 0.0


async def waited(monkeypatch: pytest.MonkeyPatch, clocks: Clocks, delay: float) -> Clocks:
    """`clocks` after a wait of `delay` seconds."""
    one = Mirroring("/one", "remote:two", both=False, waits=True)
    monkeypatch.setattr(mirroring, "time", SimpleNamespace(time=clocks.time, monotonic=clocks.monotonic))
    monkeypatch.setattr(one, "sleep", clocks.sleep)
    await one.sleep_until_retry(delay)
    assert (one.again, one.away.is_set()) == (None, False)
    return clocks


@pytest.mark.parametrize("jump", [0.0, -3600.0, -56 * 365 * DAY])
async def test_a_clock_that_is_set_back_delays_no_retry(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    assert sum((await waited(monkeypatch, Clocks(jump), 3600.0)).slept) == 3600.0


async def test_a_machine_that_slept_past_the_moment_tries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len((await waited(monkeypatch, Clocks(7 * 3600.0, stands=True), 3600.0)).slept) == 1
