"""Time limits for others count only the time in which this process runs."""

import asyncio

import pytest

from core.aio import time_limit
from tests.rigs.stopped import stopped


async def test_a_time_limit_ends_only_what_takes_longer() -> None:
    with pytest.raises(TimeoutError):
        async with time_limit(0.05):
            await asyncio.Event().wait()
    async with time_limit(60):
        await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        async with time_limit(60):
            raise ZeroDivisionError


async def test_it_passes_after_several_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.aio.PULSE", 0.02)
    with pytest.raises(TimeoutError):
        async with time_limit(0.1):
            await asyncio.Event().wait()


@pytest.mark.parametrize("times", [1, 3])
async def test_a_process_that_was_stopped_gives_others_their_time_all_the_same(times: int) -> None:
    async with time_limit(30):
        for _ in range(times):
            await asyncio.sleep(0)
            stopped()
            # All timers that are due fire meanwhile.
            await asyncio.sleep(0.01)


async def test_whoever_is_cancelled_is_cancelled() -> None:
    async def waits() -> None:
        async with time_limit(30):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(waits())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
