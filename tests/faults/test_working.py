"""Kill -9 of the engine, alone and with all it runs, while each queue is at work on real files."""

import os
import random
from pathlib import Path

import pytest

from tests.faults import working
from tests.rigs.engines import swept
from tests.rigs.media import tool

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return working.make_card(tmp_path_factory.mktemp("working"))


@pytest.mark.parametrize("everything", [False, True], ids=["engine", "everything"])
@pytest.mark.parametrize("seed", range(4))
async def test_killed_at_work(tmp_path: Path, card: Path, seed: int, everything: bool) -> None:
    home, archive = tmp_path / "home", tmp_path / "archive"
    chance = random.Random(seed)
    with swept(home):
        await working.imported(home, archive, card)
        for queue in working.NAMES:
            for _ in range(2):  # a third would be the job's last attempt
                await working.killed_at(home, queue, chance, 1.5, everything=everything)
                working.check_whole(archive)
        await working.taken_up(home)
        working.check_done(home, archive, card)


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
