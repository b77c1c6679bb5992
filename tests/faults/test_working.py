"""Kill -9 of the engine, alone and with all it runs, while each queue is at work on real files."""

import random
from pathlib import Path

import pytest

from tests.faults import working
from tests.rigs.engines import swept

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
