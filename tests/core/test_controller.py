"""The controller of a volume finds the number that a server bears, in simulated time."""

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.concurrency import Controller

MOST = 12
HOUR = 3600.0


class _Selector(selectors.SelectSelector):
    """Instead of waiting the clock is put forward."""

    loop: "Simulated"

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self.loop.now += timeout
        return super().select(0)


class Simulated(asyncio.SelectorEventLoop):
    """A loop whose time passes only while everybody waits."""

    now = 0.0

    def __init__(self) -> None:
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


class Server:
    """It takes `delay` seconds for an operation, and bears so many at once: it refuses more, or queues them."""

    def __init__(self, bears: int, delay: float, *, queues: bool = False) -> None:
        self._delay = delay
        self._bears = bears
        self._room = asyncio.Semaphore(bears) if queues else None
        self._busy = 0
        self.down = False

    async def operation(self) -> bool:
        """Whether it went well."""
        if self._room is not None:
            async with self._room:
                await asyncio.sleep(self._delay)
                return True
        self._busy += 1
        well = self._busy <= self._bears and not self.down
        try:
            await asyncio.sleep(self._delay)
        finally:
            self._busy -= 1
        return well


OPERATIONS, BYTES = 30, 8 << 20
"""In a batch."""

DELAY = 0.05
"""Seconds that an operation takes."""


class Copying:
    """Batches that go through a controller to a server, as an import has them, for ever."""

    def __init__(self, controller: Controller, server: Server, seed: int = 0) -> None:
        self.controller, self.server = controller, server
        self.done = 0
        self._moved = 0
        self._chance = random.Random(seed)

    async def _batches(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            async with self.controller:
                began, well = loop.time(), True
                for _ in range(self._chance.randint(OPERATIONS // 2, OPERATIONS * 3 // 2)):
                    if await self.server.operation():
                        self.done += 1
                        self._moved += BYTES // OPERATIONS
                    else:
                        well = False
                if well:
                    self.controller.took(began)
                else:
                    self.controller.failed(began)
            await asyncio.sleep(self.controller.backoff)

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(1)
            moved, self._moved = self._moved, 0
            self.controller.moved(moved)

    async def _strays(self) -> None:
        """The archive's lock is renewed, a folder is looked at."""
        while True:
            await asyncio.sleep(10)
            await self.server.operation()

    async def run(self, seconds: float) -> int:
        """The operations that went well within `seconds`."""
        before = self.done
        work = [self._ticks(), self._strays(), *(self._batches() for _ in range(2 * MOST))]
        tasks = [asyncio.ensure_future(one) for one in work]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return self.done - before


def simulated(body: Callable[[], Awaitable[int]]) -> int:
    """Run something in simulated time."""
    loop = Simulated()
    try:
        return loop.run_until_complete(_awaited(body))
    finally:
        loop.close()


async def _awaited(body: Callable[[], Awaitable[int]]) -> int:
    return await body()


@pytest.mark.parametrize("bears", [1, 2, 3, 6, 9, 12])
def test_it_settles_near_the_best_number(bears: int) -> None:
    found = simulated(lambda: _settled(Copying(Controller("x", 4, MOST), Server(bears, DELAY))))
    # No number does more than a server that is never idle.
    assert found >= 0.9 * bears * 120 / DELAY


async def _settled(copying: Copying) -> int:
    await copying.run(120)
    return await copying.run(120)


@pytest.mark.parametrize("bears", [2, 6, 12])
def test_finding_it_costs_little(bears: int) -> None:
    found = simulated(lambda: Copying(Controller("x", 4, MOST), Server(bears, DELAY)).run(200))
    assert found >= 0.85 * bears * 200 / DELAY


@pytest.mark.parametrize("bears", [2, 5])
def test_a_server_that_queues_is_not_given_more_than_helps(bears: int) -> None:
    async def body() -> int:
        controller = Controller("x", 4, MOST)
        done = await Copying(controller, Server(bears, DELAY, queues=True)).run(120)
        assert controller.ceiling <= 2 * bears
        return done

    assert simulated(body) >= 0.9 * bears * 120 / DELAY


def test_a_server_that_comes_to_bear_more_is_given_more() -> None:
    async def body() -> int:
        controller = Controller("x", 4, MOST)
        copying = Copying(controller, Server(2, DELAY))
        await copying.run(120)
        assert controller.ceiling <= 3
        copying.server = Server(10, DELAY)
        await copying.run(240)
        return controller.ceiling

    assert simulated(body) >= 8


def test_errors_that_go_on_with_one_at_a_time_are_told_from_too_much() -> None:
    async def body() -> int:
        controller = Controller("x", 4, MOST)
        server = Server(1, DELAY)
        copying = Copying(controller, server)
        await copying.run(60)
        assert not controller.persists
        server.down = True
        await copying.run(60)
        assert controller.persists
        assert controller.backoff == 4.0
        server.down = False
        await copying.run(60)
        return controller.persists

    assert simulated(body) is False


def test_answers_that_come_ever_later_halve_it() -> None:
    async def body() -> int:
        controller = Controller("x", 8, MOST)
        controller.answered(0.02)
        for _ in range(20):
            controller.answered(0.2)
        for _ in range(7):
            controller.answered(1.0)
        controller.answered(0.02)
        assert controller.ceiling == 8
        for _ in range(9):
            controller.answered(1.0)
        return controller.ceiling

    assert simulated(body) == 4


def test_a_few_errors_change_nothing() -> None:
    async def body() -> int:
        controller = Controller("x", 4, MOST)
        for _ in range(20):
            now = asyncio.get_running_loop().time()
            controller.failed(now)
            controller.took(now)
            await asyncio.sleep(0.1)
        return controller.ceiling

    assert simulated(body) == 4


def test_what_has_proven_itself_is_back_in_a_moment() -> None:
    async def body() -> int:
        controller = Controller("x", 4, MOST)
        copying = Copying(controller, Server(6, DELAY))
        await copying.run(60)
        running = asyncio.ensure_future(copying.run(240))
        below, longest, tried = 0, 0, False
        while not running.done():
            await asyncio.sleep(0.1)
            tried = tried or controller.ceiling > 6
            below = below + 1 if controller.ceiling < 6 else 0
            longest = max(longest, below)
        assert tried
        return longest

    # Tenths of a second; it looks once a second.
    assert 0 < simulated(body) <= 21


def test_what_began_before_tells_nothing_of_one_at_a_time() -> None:
    async def body() -> int:
        controller = Controller("x", 3, MOST)
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        for _ in range(4):
            controller.failed(began)
        assert controller.ceiling == 1
        for _ in range(MOST):
            controller.failed(began)
        return controller.persists or controller.backoff > 0

    assert simulated(body) is False


def test_a_pause_is_not_taken_for_a_slow_server() -> None:
    async def body() -> int:
        controller = Controller("x", 4, MOST)
        copying = Copying(controller, Server(MOST, DELAY))
        await copying.run(60)
        before = controller.ceiling
        controller.rest()
        await asyncio.sleep(HOUR)
        await copying.run(10)
        return controller.ceiling - before

    assert simulated(body) >= 0


class Controlled(RuleBasedStateMachine):
    """A controller keeps between 1 and its most, whatever arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = Simulated()
        self.controller = Controller("volume", 4, 12)
        self.users: list[asyncio.Task[None]] = []

    def run(self, act: Any) -> None:
        async def inside() -> None:
            act()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        self.loop.run_until_complete(inside())

    @rule(size=st.integers(0, 10**9), after=st.floats(0, 5))
    def moved(self, size: int, after: float) -> None:
        self.loop.now += after
        self.run(lambda: self.controller.moved(size))

    @rule(after=st.floats(0, 5))
    def failed(self, after: float) -> None:
        self.loop.now += after
        before = self.controller.ceiling
        self.run(lambda: self.controller.failed(self.loop.now))
        assert self.controller.ceiling in (before, max(1, before // 2))

    @rule(after=st.floats(0, 5), seconds=st.floats(0, 60))
    def answered(self, after: float, seconds: float) -> None:
        self.loop.now += after
        before = self.controller.ceiling
        self.run(lambda: self.controller.answered(seconds))
        assert self.controller.ceiling in (before, max(1, before // 2))

    @rule(seconds=st.floats(0, 60))
    def took(self, seconds: float) -> None:
        self.run(lambda: self.controller.took(self.loop.now - seconds))
        assert self.controller.backoff == 0.0

    @rule()
    def rest(self) -> None:
        self.run(self.controller.rest)

    @rule()
    def acquire(self) -> None:
        self.run(lambda: self.users.append(self.loop.create_task(self.controller.acquire())))

    @rule()
    def release(self) -> None:
        if self.controller.busy:
            self.run(self.controller.release)

    @invariant()
    def bounded(self) -> None:
        assert 1 <= self.controller.ceiling <= 12
        assert self.controller.busy >= 0
        assert not self.controller.waiting or self.controller.busy >= self.controller.ceiling

    def teardown(self) -> None:
        async def end() -> None:
            for user in self.users:
                user.cancel()
            await asyncio.gather(*self.users, return_exceptions=True)

        self.loop.run_until_complete(end())
        self.loop.close()


TestController = pytest.mark.filterwarnings("default")(Controlled.TestCase)
TestController.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
