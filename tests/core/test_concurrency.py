"""Semaphores that are resized while they are used."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from core.concurrency import Limit

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
    async with asyncio.timeout(60):
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
    await asyncio.wait([first, second], timeout=60)
    assert first.cancelled()
    assert second.done()
    assert (limit.busy, limit.waiting) == (1, 0)
    third, fourth = asyncio.create_task(limit.acquire()), asyncio.create_task(limit.acquire())
    await asyncio.sleep(0)
    # The other way round: cancelled first, then a place becomes free.
    third.cancel()
    limit.release()
    await asyncio.wait([third, fourth], timeout=60)
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
    await asyncio.wait([other, third], timeout=60)
    assert (limit.busy, limit.waiting) == (1, 0)
