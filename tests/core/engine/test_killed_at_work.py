"""Kill -9 of the engine while its queues are at work; all of them, at length, in tests/faults/test_working.py."""

import random
from pathlib import Path

from tests.faults import working
from tests.rigs.engines import swept


async def test_an_engine_killed_at_work_is_taken_up(tmp_path: Path) -> None:
    home, archive, card = tmp_path / "home", tmp_path / "archive", working.make_card(tmp_path)
    chance = random.Random(7)
    hit = []
    with swept(home):
        await working.imported(home, archive, card)
        for queue in ("exiftool", "ffprobe", "thumbnail", "video_proxy"):
            if await working.killed_at(home, queue, chance, 0.1, everything=queue == "thumbnail"):
                hit.append(queue)
            working.check_whole(archive)
        await working.taken_up(home)
        working.check_done(home, archive, card)
    assert {"exiftool", "thumbnail", "video_proxy"} <= set(hit)
