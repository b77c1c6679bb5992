"""`read_limit` is kept for each source: one that is read slowly holds up no other."""

import os

import pytest

from core.importing.run_workers import ONE_READS
from core.workers import shared_memory
from tests.core.importing.rig import Rig, read
from tests.rigs.trees import write_random

pytestmark = pytest.mark.process

LARGE = 24 << 20


async def test_all_sources_are_read_at_once_also_where_there_is_one_place_to_hash(rig: Rig) -> None:
    limits = rig.engine.limits
    limits.hash.resize(1)
    limits.copy.resize(1)
    limit = rig.engine.factory.read_limit = 2_000_000
    sources = [rig.root / f"card {number}" for number in range(3)]
    for number, source in enumerate(sources):
        source.mkdir()
        write_random(os.fsencode(source / "film.mov"), LARGE, number)
    names = [await rig.begun(source) for source in sources]

    def under_way() -> list[int]:
        return [
            worker.slot.get(shared_memory.POSITION)
            for name in names
            for worker in rig.engine.imports.under_way[name].run.workers.in_flight
        ]

    await rig.until(lambda: len(under_way()) == 3 and all(0 < position < LARGE for position in under_way()))
    assert (limits.hash.busy, limits.copy.busy) == (0, 0), "who sleeps takes no place of the processor or the disk"
    snapshot = rig.engine.snapshot()
    assert snapshot.read_limit == limit
    assert sorted(one.name for one in snapshot.limits if one.name.startswith("pace ")) == sorted(
        f"pace {name}" for name in names
    )
    # Lifted while they run, it is lifted for all of them.
    rig.engine.factory.read_limit = 0
    for name in names:
        assert (await rig.ended(name)).archived.files == 1


async def test_a_batch_waits_for_the_pace_before_the_next_one_begins(rig: Rig) -> None:
    """Small files are read at a stroke: what is ahead of the pace is waited for, by whichever worker is next."""
    rig.engine.factory.read_limit = 4_000_000
    for number in range(2):
        write_random(os.fsencode(rig.source / f"{number}.mov"), 6 << 20, number)
    name = await rig.begun()
    workers = rig.engine.imports.under_way[name].run.workers
    busy: set[int] = set()

    def through() -> bool:
        busy.add(workers.paced.busy)
        return read(rig) == 2 * (6 << 20)

    await rig.until(through)
    assert max(busy) == 1
    rig.engine.factory.read_limit = 3 * ONE_READS
    workers.pace()
    assert workers.paced.ceiling == 3
    await rig.ended(name)
