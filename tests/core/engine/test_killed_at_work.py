"""Kill -9 of the engine while its queues are at work; all of them, at length, in tests/faults/test_working.py."""

import os
import random
from pathlib import Path

import pytest

from tests.faults import working
from tests.rigs.engines import swept
from tests.rigs.media import tool

pytestmark = pytest.mark.process


def slow_exiftool(folder: Path) -> str:
    """A PATH whose exiftool takes its time to begin: the real one has read all before this process has looked."""
    folder.mkdir()
    script = folder / "exiftool"
    script.write_text(f'#!/bin/sh\ncase "$*" in *-stay_open*) sleep 2;; esac\nexec {tool("exiftool")} "$@"\n')
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


async def test_an_engine_killed_at_work_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", slow_exiftool(tmp_path / "bin"))
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
