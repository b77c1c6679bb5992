"""No job lost, none run twice at once, none stranded, priorities kept, whatever happens in which order."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiosqlite
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.database import Database
from core.queue import barriers, claims, completion, retries
from core.queue.completion import JobFailure
from core.queue.enqueue import Work, adding
from core.queue.jobs import Jobs
from tests.core.queue.model import FOLLOWS, PRIORITY, UNFINISHED, Model, priority
from tests.core.queue.model import Work as Key

T = TypeVar("T")

ITEMS = st.integers(1, 2)
IMPORTS = st.integers(1, 2)
OF_ITEMS = ("exiftool", "ffprobe", "thumbnail", "video_proxy", "after")
ITEM_QUEUES = st.sampled_from(OF_ITEMS)

SOON, LATER = 1000.0, 1e9


def work_of(key: Key, origin: int = 0) -> Work:
    """The row for a key."""
    follows, required = FOLLOWS.get(key.queue, ("", False))
    return Work(
        queue=key.queue,
        priority=priority(key),
        archive_id=1,
        item_id=key.item,
        location_id=key.location,
        origin=origin,
        follows=follows,
        required=required,
    )


class Table(RuleBasedStateMachine):
    """The table and the model of it, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.loop = asyncio.new_event_loop()
        self.home = tempfile.mkdtemp()
        self.database = self.do(Database.open(self.home))
        self.jobs = Jobs(self.database)
        self.at_work: dict[Key, int] = {}
        self.do(self.database.run(("INSERT INTO archive (id, uuid, path) VALUES (1, 'a', x'')", [()])))

    def teardown(self) -> None:
        self.do(self.database.close())
        self.loop.close()
        shutil.rmtree(self.home)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def write(self, change: Any, *rest: Any) -> Any:
        async def unit(connection: aiosqlite.Connection) -> Any:
            return await change(connection, *rest)

        return self.do(self.database.write(unit))

    @rule(queue=ITEM_QUEUES, item=ITEMS, origin=IMPORTS)
    def add_one(self, queue: str, item: int, origin: int) -> None:
        key = Key(queue, item)
        self.do(self.jobs.add([work_of(key, origin)]))
        self.model.add(key, origin)

    @rule(items=st.lists(ITEMS, min_size=1, max_size=2, unique=True), origin=IMPORTS)
    def add_items(self, items: list[int], origin: int) -> None:
        keys = [Key(queue, item) for item in items for queue in OF_ITEMS]
        self.do(self.jobs.add([work_of(key, origin) for key in keys]))
        for key in keys:
            self.model.add(key, origin)

    @rule(name=IMPORTS, location=st.integers(1, 2))
    def begin_import(self, name: int, location: int) -> None:
        works = {Key("location_stats", 0, location): True, Key("bagit", 0, location): False}
        rows = [
            Work(
                queue=key.queue,
                priority=PRIORITY[key.queue],
                archive_id=1,
                location_id=key.location,
                origin=name,
                barrier=name,
                understood=understood,
            )
            for key, understood in works.items()
        ]
        self.do(self.database.run(*barriers.set_up(name, rows)))
        self.model.close(name, works)

    @precondition(lambda self: None in self.model.counting.values())
    @rule(name=IMPORTS)
    def end_import(self, name: int) -> None:
        self.do(barriers.open_one(self.database, name))
        self.model.open(name)

    @precondition(lambda self: any(one.state == "ready" for one in self.model.jobs.values()))
    @rule(data=st.data(), count=st.integers(1, 5))
    def claim(self, data: st.DataObject, count: int) -> None:
        some = [queue for queue in PRIORITY if self.model.claimable(queue)]
        queue = data.draw(st.sampled_from(some or list(PRIORITY)))

        async def unit(connection: aiosqlite.Connection) -> list[claims.Claimed]:
            return await claims.claim(connection, self.jobs.run, queue, 1, count, SOON)

        taken = [one.job for one in self.do(self.database.write(unit))]
        keys = [Key(job.queue, job.item_id or 0, job.location_id or 0) for job in taken]
        assert keys == self.model.claimable(queue)[:count]
        assert not set(keys) & set(self.at_work)
        self.model.claim(keys)
        self.at_work |= {key: job.id for key, job in zip(keys, taken, strict=True)}
        assert [job.attempt for job in taken] == [self.model.jobs[key].attempts for key in keys]

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        keys = data.draw(st.lists(st.sampled_from(list(self.at_work)), min_size=1, unique=True))
        ids = [self.at_work.pop(key) for key in keys]
        assert self.write(completion.complete, self.jobs.run, ids, SOON) == set(ids)
        assert self.write(completion.complete, self.jobs.run, ids, SOON) == set()
        # All counters are taken down in one statement: the order among them does not matter.
        for key in keys:
            self.model.complete(key)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), final=st.booleans())
    def fail(self, data: st.DataObject, final: bool) -> None:
        key = data.draw(st.sampled_from(list(self.at_work)))
        failure = JobFailure(self.at_work.pop(key), "it \x1b failed", SOON, final)
        assert len(self.write(completion.fail, self.jobs.run, [failure], SOON)) == 1
        self.model.fail(key, final)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.at_work)))
        self.write(claims.give_back, self.jobs.run, [self.at_work.pop(key)])
        self.model.give_back(key)

    @precondition(lambda self: any(one.due for one in self.model.jobs.values()))
    @rule()
    def time_passes(self) -> None:
        self.write(claims.promote, LATER)
        self.model.promote()

    @precondition(lambda self: self.at_work)
    @rule()
    def kill(self) -> None:
        dead = self.jobs
        self.jobs = Jobs(self.database)
        claimed, self.at_work = self.at_work, {}
        self.do(self.jobs.take_back())
        self.model.kill()
        # What the dead one still wanted to say is heard by nobody.
        assert self.write(completion.complete, dead.run, claimed.values(), SOON) == set()

    @precondition(lambda self: any(one.state == "dead" for one in self.model.jobs.values()))
    @rule(queue=st.sampled_from(["", *PRIORITY]))
    def retry(self, queue: str) -> None:
        self.do(retries.retry(self.database, queue))
        self.model.retry(queue)

    @invariant()
    def is_as_the_model_says(self) -> None:
        rows = self.do(
            self.database.read(
                "SELECT queue, item_id, location_id, state, origin, attempts, remaining, due > 0, again, "
                "ended IS NOT NULL FROM job WHERE barrier = 0"
            )
        )
        found = {Key(*row[:3]): row[3:] for row in rows}
        assert len(found) == len(rows)
        assert found == {
            key: (
                one.state,
                one.origin,
                one.attempts,
                int(one.waits),
                int(one.due),
                int(one.again),
                int(one.state not in UNFINISHED),
            )
            for key, one in self.model.jobs.items()
        }

    @invariant()
    def barriers_hold(self) -> None:
        rows = self.do(self.database.read("SELECT barrier, queue, location_id, state FROM job WHERE barrier != 0"))
        assert sorted(rows) == sorted(
            (name, key.queue, key.location, "waiting")
            for name, works in self.model.behind.items()
            for key in works
        )
        counting = self.do(self.database.read("SELECT import_id, remaining FROM barrier"))
        assert dict(counting) == self.model.counting

    @invariant()
    def none_is_stranded(self) -> None:
        for key, one in self.model.jobs.items():
            if one.state == "waiting":
                before = self.model.jobs.get(Key(FOLLOWS.get(key.queue, ("", False))[0], key.item))
                assert one.due or (before is not None and before.state in UNFINISHED)
        for name, count in self.model.counting.items():
            left = [
                key
                for key, one in self.model.jobs.items()
                if one.origin == name and key.queue in ("exiftool", "ffprobe") and one.state in UNFINISHED
            ]
            # More than it counts when some came after it was opened: then it lets go early, never late.
            assert count is None or 0 < count <= len(left)


TestTable = Table.TestCase
TestTable.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_a_statement_for_adding_goes_into_another_unit() -> None:
    sql, rows = adding([work_of(Key("exiftool", 7), 3)])
    assert sql.lstrip().startswith("INSERT INTO job")
    assert list(rows) == [("exiftool", 51, 1, 7, 0, 0, 3, 0, False, "", False)]
