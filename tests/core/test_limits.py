"""Semaphores that are resized while they are used, and the controller of a volume."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.limits import Controller, Limit

STEPS = st.lists(
    st.one_of(
        st.just(("acquire", 0)),
        st.tuples(st.sampled_from(["release", "cancel", "give", "take"]), st.integers(0, 5)),
        st.tuples(st.just("resize"), st.integers(1, 5)),
        st.just(("turn", 0)),
    ),
    max_size=60,
)


class User:
    """Somebody who wants a place, and keeps it until told otherwise."""

    def __init__(self, limit: Limit) -> None:
        self.has = False
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._use(limit))

    async def _use(self, limit: Limit) -> None:
        async with limit:
            self.has = True
            try:
                await self.leave.wait()
            finally:
                self.has = False


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_never_too_many_and_nobody_is_forgotten(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_follow(steps))


async def _follow(steps: list[tuple[str, int]]) -> None:
    limit = Limit("test", 2)
    users: list[User] = []
    for what, number in steps:
        inside = [user for user in users if user.has and not user.leave.is_set()]
        waiting = [user for user in users if not user.has and not user.task.done()]
        allowed = max(limit.ceiling, limit.busy)
        if what == "acquire":
            users.append(User(limit))
        elif what == "release" and inside:
            inside[number % len(inside)].leave.set()
        elif what == "cancel" and waiting:
            waiting[number % len(waiting)].task.cancel()
        elif what == "take" and inside:
            inside[number % len(inside)].task.cancel()
        elif what == "resize":
            limit.resize(number)
            allowed = max(limit.ceiling, allowed)
        elif what == "turn":
            await asyncio.sleep(0)
        assert limit.busy <= allowed
    for _ in range(5):
        await asyncio.sleep(0)
    assert limit.busy == sum(user.has for user in users)
    # Whoever waits waits because all places are taken.
    if limit.waiting:
        assert limit.busy >= limit.ceiling
    for user in users:
        user.leave.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*(user.task for user in users), return_exceptions=True)
    assert (limit.busy, limit.waiting) == (0, 0)


async def test_first_come_first_served() -> None:
    limit = Limit("test", 1)
    order: list[int] = []

    async def use(number: int) -> None:
        async with limit:
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(use(number) for number in range(20)))
    assert order == list(range(20))


async def test_cancelled_in_the_moment_a_place_becomes_free() -> None:
    limit = Limit("test", 1)
    await limit.acquire()
    first, second = asyncio.create_task(limit.acquire()), asyncio.create_task(limit.acquire())
    await asyncio.sleep(0)
    # The place is given to the first, who is cancelled before it learns of that.
    limit.release()
    first.cancel()
    await asyncio.wait([first, second], timeout=1)
    assert first.cancelled()
    assert second.done()
    assert (limit.busy, limit.waiting) == (1, 0)
    third, fourth = asyncio.create_task(limit.acquire()), asyncio.create_task(limit.acquire())
    await asyncio.sleep(0)
    # The other way round: cancelled first, then a place becomes free.
    third.cancel()
    limit.release()
    await asyncio.wait([third, fourth], timeout=1)
    assert third.cancelled()
    assert fourth.done()
    assert (limit.busy, limit.waiting) == (1, 0)


async def test_given_away_and_taken_back() -> None:
    limit = Limit("test", 1)
    await limit.acquire()
    limit.release()
    other = asyncio.create_task(limit.acquire())
    await asyncio.sleep(0)
    limit.retake()
    assert limit.busy == 2
    third = asyncio.create_task(limit.acquire())
    await asyncio.sleep(0)
    limit.release()
    await asyncio.sleep(0)
    assert not third.done()
    limit.release()
    await asyncio.wait([other, third], timeout=1)
    assert (limit.busy, limit.waiting) == (1, 0)


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time is set by hand."""

    now = 0.0

    def time(self) -> float:
        return self.now


class Controlled(RuleBasedStateMachine):
    """A controller keeps between 1 and its most, whatever arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = Clock()
        self.controller = Controller("volume", 4, 12)
        self.users: list[asyncio.Task[None]] = []

    def run(self, act: Any) -> None:
        async def inside() -> None:
            act()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        self.loop.run_until_complete(inside())

    @rule(size=st.integers(0, 10**9), after=st.floats(0, 5))
    def arrived(self, size: int, after: float) -> None:
        self.loop.now += after
        before = self.controller.ceiling
        self.run(lambda: self.controller.arrived(size))
        assert self.controller.ceiling - before in (0, 1)

    @rule(after=st.floats(0, 5))
    def congested(self, after: float) -> None:
        self.loop.now += after
        before = self.controller.ceiling
        self.run(self.controller.congested)
        assert self.controller.ceiling in (before, max(1, before // 2))

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


async def test_it_grows_only_while_that_pays() -> None:
    controller = Controller("volume", 1, 4)
    controller.PERIOD = 0.001
    await controller.acquire()
    waiting = [asyncio.create_task(controller.acquire()) for _ in range(6)]
    await asyncio.sleep(0.01)
    for rate in (1, 10, 100, 1000, 10_000):
        controller._best = float(rate)
        controller.arrived(10**9 * rate)
        await asyncio.sleep(0.01)
    assert controller.ceiling == 4
    controller._best = 1e30
    controller.arrived(1)
    assert controller.ceiling == 4
    await asyncio.sleep(0.01)
    controller.congested()
    assert controller.ceiling == 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
