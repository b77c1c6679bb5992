"""The network number finds itself: a FUSE server that takes its time, and errs when too much is asked at once."""

import asyncio
import errno
from pathlib import Path

import pytest

from core.config import Config, Workers
from core.engine import engine, starter
from core.engine.engine import Engine
from tests.core.importing.rig import Rig, Still, random_bytes, write
from tests.faults import share
from tests.rigs import machines, passthrough
from tests.rigs.passthrough import Switch

pytestmark = [machines.root, pytest.mark.timeout(600)]

DELAY = 0.02
"""Seconds for every operation: beside it the processor hardly counts."""

SIZE = 1 << 20
EACH = 30
"""Files for each place of the best number."""


async def throughput(tmp_path: Path, bears: int, start: int, most: int) -> float:
    """Files a second in the second half of an import, which must end well."""
    with passthrough.mounted(tmp_path, "sshfs") as through, pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Background", Still)
        patch.setattr(starter, "NETWORK_START", start)
        patch.setattr(starter, "NETWORK_MOST", most)
        rig = Rig(tmp_path)
        rig.archive = through.path / "archive"
        rig.engine = Engine(Config(home=str(tmp_path / "home"), workers=Workers(hash=16, copy=16, verify=16)))
        count = EACH * (bears + 2)
        for number in range(count):
            write(rig.source / f"{number:04}.JPG", random_bytes(SIZE, number))
        await rig.engine.start()
        try:
            async with rig.engine.archives.used(str(rig.archive), create=True):
                through.set(Switch("*", delay=DELAY), Switch("*", error=errno.EIO, above=bears))
                name = await rig.begun()
                loop = asyncio.get_running_loop()
                first = 0, 0.0
                while (done := rig.view(name).archived.files) < count and rig.view(name).ended is None:
                    if done >= count // 2 and not first[0]:
                        first = done, loop.time()
                    await asyncio.sleep(0.02)
                last = rig.view(name).archived.files, loop.time()
                through.set()
                share.safe(await rig.ended_unchecked(name))
        finally:
            await rig.engine.stop()
        return (last[0] - first[0]) / (last[1] - first[1])


@pytest.mark.parametrize("bears", [2, 6, 12])
async def test_it_settles_near_the_best_fixed_number(tmp_path: Path, bears: int) -> None:
    best = await throughput(tmp_path / "fixed", bears, bears, bears)
    found = await throughput(tmp_path / "found", bears, starter.NETWORK_START, starter.NETWORK_MOST)
    assert found >= 0.9 * best, f"{found:.1f} files a second, {best:.1f} with {bears} at once"
